/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Objects and their history, as etcd keeps them: one revision counter for all, every write a new
 * revision of its key, reads at any revision that is not compacted. Keys are in etcd's order
 * (bytes of "namespace/name"), so that is the order of a list.
 */
#ifndef TG_KUBE_DOUBLE_STORE_H
#define TG_KUBE_DOUBLE_STORE_H

#include <stdbool.h>
#include <stdint.h>

#include "buf.h"
#include "double.h"

/* An object whose JSON is made when it is sent, out of a generated cluster. */
struct made {
	void (*render)(const struct made *made, const char *name, uint64_t rv, struct buf *out);
	const void *cluster, *object, *look;
	uint32_t serial, address;
};

struct revision {
	uint64_t rv;
	uint64_t at; /* uv_hrtime */
	struct revision *older;
	struct entry *entry;
	bool deleted; /* the object is as it was last */
	char *text;   /* JSON without apiVersion and kind; NULL: made */
	size_t rv_at; /* where in it the digits of the resourceVersion belong */
	struct made *made;
};

struct entry {
	struct bucket *bucket;
	char *name;
	struct revision *newest;
};

/* The objects of a namespace; of kinds without namespaces all, in one. */
struct bucket {
	char *ns;
	VEC(struct entry *) entries; /* by name */
};

struct kind {
	struct double_kind type; /* strings are owned */
	bool custom;		 /* from a CustomResourceDefinition */
	VEC(struct bucket *) buckets;
	VEC(struct revision *) log; /* by revision */
	VEC(uint64_t) handed;	    /* bitmap of the revisions that a watch may start from */
	size_t live;
};

struct store {
	VEC(struct kind *) kinds;
	uint64_t revision, compacted;
};

struct kind *store_kind(const struct store *store, const char *resource);
struct kind *store_add_kind(struct store *store, const struct double_kind *type, bool custom);
void store_remove_kind(struct store *store, struct kind *kind);
void store_free(struct store *store);

struct entry *store_find(const struct kind *kind, const char *ns, const char *name);
/* Takes text (with `rv_at`) or made. */
struct revision *store_write(struct store *store, struct kind *kind, const char *ns,
	const char *name, char *text, size_t rv_at, struct made *made);
/* The entry has an object. */
struct revision *store_erase(struct store *store, struct kind *kind, struct entry *entry);
/* The revision of the entry that was in force at rv; NULL when there was none. */
const struct revision *entry_at(const struct entry *entry, uint64_t rv);
/* That of the revision before this one; NULL when that created the object. */
const struct revision *revision_before(const struct revision *revision);
/* Frees what nobody can ask for any more who asks for `floor` or newer. */
void store_prune(struct store *store, uint64_t floor);

/* Where a walk over a kind's keys stands. Stays valid when objects come and go. */
struct place {
	char *ns, *name; /* after this key; NULL: from the first on */
};
/* The next entry of that namespace (NULL: of all) with an object at rv; moves the place. */
const struct revision *store_next(
	const struct kind *kind, const char *ns, uint64_t rv, struct place *place);
void place_set(struct place *place, const char *ns, const char *name);
void place_free(struct place *place);
/* How many follow at rv. */
size_t store_remaining(
	const struct kind *kind, const char *ns, uint64_t rv, const struct place *place);
/* The index in kind->log of the first that is newer. */
size_t store_log_after(const struct kind *kind, uint64_t rv);

/* The object's JSON, without apiVersion and kind, as of rv. */
void revision_render(const struct revision *revision, uint64_t rv, struct buf *out);

#endif
