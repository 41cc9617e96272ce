/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Objects that come one by one, from an API server: those of one kind of one cluster. Each stands
 * in the store like a file of its own, called SET/NAMESPACE/NAME, so a view, changes, duplicates
 * and the report know them like any other.
 *
 *	tg_store_set_put, _remove           an object has changed, or is gone
 *	tg_store_set_begin, _put..., _end   a list: what was not put in between is gone
 *
 * What cannot be read is not in force: the addresses of such a pod are nobody's, and a policy of
 * which something is not understood isolates (decode.h). So nothing that one object says can keep
 * the others from being enforced. Namespaces that are only mentioned by what is served do not
 * exist: until their object comes their pods are unknown endpoints.
 */
#ifndef TG_STORE_SET_H
#define TG_STORE_SET_H

#include "store.h"

struct tg_store_set;

struct tg_store_set_options {
	const char *name;	 /* "prod/pods" */
	const char *api_version; /* of its objects: items of a list do not say it */
	const char *kind;
	/* An object that cannot be read any more stays as it was (a Service is still one). */
	bool keeps_unreadable;
	struct tg_scope scope;
};

/* Strings are copied. NULL: out of memory. */
struct tg_store_set *tg_store_set_create(
	struct tg_store *store, const struct tg_store_set_options *options);
/* Its objects go out of force. Before tg_store_free(). */
void tg_store_set_free(struct tg_store_set *set);

/*
 * The object `ns`/`name` (ns "": it is in none) is now this JSON text. 0: in force; -EINVAL: it
 * cannot be read; -EEXIST: another source has it, and it waits until that lets go of it: both are
 * reported; -ENOMEM: what was in force stays.
 */
int tg_store_set_put(
	struct tg_store_set *set, const char *ns, const char *name, const void *text, size_t size);
/* It is there and nobody can read it: `why`. As if it were put and could not be read. */
int tg_store_set_fail(struct tg_store_set *set, const char *ns, const char *name, const char *why);
void tg_store_set_remove(struct tg_store_set *set, const char *ns, const char *name);

void tg_store_set_begin(struct tg_store_set *set);
/* How many are gone. */
size_t tg_store_set_end(struct tg_store_set *set);

struct tg_store_set_stats {
	size_t objects; /* that there are */
	size_t refused; /* of them not in force as they are now: unreadable, or somebody else's */
};

void tg_store_set_stats(const struct tg_store_set *set, struct tg_store_set_stats *out);

#endif
