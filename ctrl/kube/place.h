/* SPDX-License-Identifier: BSD-3-Clause */
/* Where an API server has the objects of a kind (API concepts, "Resource URIs"). */
#ifndef TG_KUBE_PLACE_H
#define TG_KUBE_PLACE_H

#include <stdbool.h>
#include <stddef.h>

#define TG_KUBE_PATH 512 /* bytes, the end included */

struct tg_kube_place {
	const char *api_version; /* "v1", "networking.k8s.io/v1" */
	const char *resource;	 /* "pods" */
	bool namespaced;
	const char *ns;	      /* in this one; of Namespaces this one itself. NULL: all */
	const char *selector; /* of labels; NULL: all */
};

/* How many bytes of it are the group; 0: it is the core group's. */
size_t tg_kube_group(const char *api_version);
/* All but unreserved characters as %XX (RFC 3986, 2.1); to be freed. NULL: out of memory. */
char *tg_kube_escape(const char *text);

void tg_kube_place_path(const struct tg_kube_place *place, char path[TG_KUBE_PATH]);
/* What else is to be asked: "labelSelector=a%3Db&..."; to be freed. NULL: out of memory. */
char *tg_kube_place_query(const struct tg_kube_place *place);

#endif
