/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The decoder: the text of one file in, objects of the model out. No I/O.
 *
 * Files named *.endpoints are in the compact format of endpoints.h; all others are YAML or JSON:
 * Kubernetes objects, one or more documents, `List` objects and typed lists (PodList) included.
 * NetworkPolicies are read strictly, as the API server does with fieldValidation=Strict; Namespace,
 * Pod, Node and Service tolerantly (unknown fields are ignored, wrong types and values are not).
 * What each document became is one of:
 *   accepted      an object of the model
 *   refused       a problem in `errors`; the file as a whole is then refused
 *   not enforced  a policy kind that nothing here enforces: in `not_enforced`
 *   skipped       any other kind: counted in `skipped`
 */
#ifndef TG_DECODE_H
#define TG_DECODE_H

#include <stdbool.h>
#include <stddef.h>

#include "arena.h"
#include "model.h"
#include "reader.h"

/*
 * What the objects of a text do not say themselves. Names of namespaces and nodes are those of one
 * cluster, so where there are several, what is read of one is confined to it:
 *   - names of namespaces and nodes, and UIDs of policies, become CLUSTER/NAME, everywhere;
 *   - each of its Namespaces has the label TG_LABEL_CLUSTER=CLUSTER, whatever it says itself, and
 *     each namespaceSelector the requirement that this label be there.
 * Objects of no cluster beside such (manifests) keep their names; their Namespaces do not have the
 * label, and their namespaceSelectors require that it be absent.
 */
struct tg_scope {
	uint16_t zone;	     /* that their addresses are in */
	bool confined;	     /* there are several clusters */
	const char *cluster; /* that they are of; NULL: of none. Only when confined; a DNS label */
};

#define TG_LABEL_CLUSTER "tidegate.dev/cluster"

/* A policy that is present and not enforced. Strings are intern numbers. */
struct tg_not_enforced {
	uint32_t api_version;
	uint32_t kind;
	uint32_t ns; /* 0: none given */
	uint32_t name;
	struct tg_place place;
};

/* Documents of one kind that are no policy. */
struct tg_skipped {
	uint32_t api_version;
	uint32_t kind;
	size_t count;
};

/* All that one file gave. Objects and texts live in the arena; tg_decoded_free() frees the arrays.
 */
struct tg_decoded {
	TG_VEC(const struct tg_namespace *) namespaces;
	TG_VEC(const struct tg_pod *) pods;
	TG_VEC(const struct tg_node *) nodes;
	TG_VEC(const struct tg_service *) services;
	TG_VEC(const struct tg_policy *) policies;
	TG_VEC(struct tg_not_enforced) not_enforced;
	TG_VEC(struct tg_skipped) skipped;
	struct tg_problems errors;   /* not empty: nothing of the file is to be used */
	struct tg_problems warnings; /* e.g. an annotation that is not honoured yet */
	size_t errors_dropped;	     /* errors above TG_PROBLEMS_MAX */
};

/*
 * Decodes `size` bytes of the file `file`, which only names it (places, the format). `out` is
 * initialised here and is to be freed whatever is returned. 0; -EINVAL when out->errors is not
 * empty; -ENOMEM.
 */
int tg_decode(const char *file, const void *text, size_t size, const struct tg_scope *scope,
	struct tg_intern *strings, struct tg_arena *arena, struct tg_decoded *out);

/* What an API server says about an object besides its text. */
struct tg_served {
	const char *file;		/* names the object in places */
	const char *api_version, *kind; /* of what was asked for */
	const char *ns, *name;		/* ns "": a kind that has none */
	struct tg_scope scope;
};

/*
 * Decodes one object as an API server served it: one map in JSON. `served` must say what the text
 * says about itself: kind and apiVersion, where it has them (items of a list have none; policies
 * that are not enforced may come as meta.k8s.io PartialObjectMetadata), name and namespace.
 *
 * A server may know newer fields, and nobody there mends what is refused here. So what is not
 * understood is read as what allows less:
 *   NetworkPolicy  what is unknown, ill-typed or invalid in a rule, a port or a peer: that rule
 *                  allows nothing. In spec, in any selector (of a peer as well) or beside spec; a
 *                  key that is set twice; a text that cannot be read, or is of something else: the
 *                  policy isolates its whole namespace in both directions and allows nothing.
 *                  metadata hardly matters: what is odd there is reported only.
 *   Node, Service  what cannot be read (an address, a range) is left out, the rest counts: without
 *                  the object all of its addresses would count as anybody's. A text that cannot be
 *                  read is an error.
 *   Pod, Namespace unknown fields are ignored; what cannot be read is an error, and the caller has
 *                  no object of that name any more: its addresses are then unknown endpoints.
 *   not enforced   an entry in out->not_enforced, whatever the text
 * Each is reported with its field path, in out->warnings or out->errors.
 *
 * 0; -EINVAL when out->errors is not empty, which happens to Node, Service, Pod and Namespace only;
 * -ENOMEM. `out` is to be freed whatever is returned.
 */
int tg_decode_served(const struct tg_served *served, const void *text, size_t size,
	struct tg_intern *strings, struct tg_arena *arena, struct tg_decoded *out);
/*
 * The object of which nothing is known but its name, since it was too large to be read (`why` says
 * such a thing): as above for a text that cannot be read.
 */
int tg_decode_unread(const struct tg_served *served, const char *why, struct tg_intern *strings,
	struct tg_arena *arena, struct tg_decoded *out);
/* Whether it is a kind of policy that ends up in `not_enforced`. */
bool tg_decode_is_unenforced(const char *api_version, const char *kind);

void tg_decoded_free(struct tg_decoded *decoded);

#endif
