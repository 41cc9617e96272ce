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

#include <stddef.h>

#include "arena.h"
#include "model.h"
#include "reader.h"

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
int tg_decode(const char *file, const void *text, size_t size, struct tg_intern *strings,
	struct tg_arena *arena, struct tg_decoded *out);
void tg_decoded_free(struct tg_decoded *decoded);

#endif
