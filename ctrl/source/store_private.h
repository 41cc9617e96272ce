/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Private to ctrl/source: the state of the store.
 *
 * Lifetime of what files gave. The text of a file becomes a `content`; when it is replaced the
 * content is retired. The store's clock ticks with each retirement and each pin. A view pins what
 * is in force when it is made, a set of changes what was in force at any time since the one before;
 * a retired content is freed when it was in force in no pin's time. So a view that somebody keeps
 * for long costs at most one older content of each file.
 */
#ifndef TG_STORE_PRIVATE_H
#define TG_STORE_PRIVATE_H

#include <stdatomic.h>

#include "object.h"
#include "store.h"

#define KIND_FILE 100u	       /* keys of by_name */
#define KIND_NS 101u	       /* keys of by_ns */
#define POD_CHANGES_MAX 16384u /* more than these are "something else" */

struct content {
	struct tg_arena *arena;
	struct tg_decoded decoded;
	struct tg_vec_u32 strings;  /* every number in it, each once */
	struct content *next;	    /* in the list of retired ones */
	uint64_t since, retired_at; /* in force */
};

/* Objects of one kind that an API server serves; set.h. */
struct tg_store_set {
	struct tg_store *store;
	char *name, *api_version, *kind;
	char *cluster; /* that scope names, if any */
	struct tg_scope scope;
	bool keeps_unreadable;
	uint64_t mark; /* of the list that is coming in, or was the last */
	size_t n, refused;
};

struct file {
	uint32_t name;
	size_t at;		  /* in the store's served ones */
	struct tg_store_set *set; /* it is one object of this; NULL: a file of manifests */
	uint64_t mark;		  /* of the list that had it last, or that it came after */
	struct content *current;  /* in force; NULL: nothing is */
	struct content *refused;  /* the last text, when it is not in force */
	bool waiting;		  /* refused only for objects that other files have */
	bool in_group;		  /* while a group is committed: a member */
	bool blocks;		  /* another has waited for an object of this one, perhaps does */
	/* One such file and object; the file may be gone, so it is only compared. */
	const struct file *blocked_by;
	struct index_key blocked_on;
};

/* A namespace that objects mention, or did until the last sweep. */
struct ns_state {
	struct tg_namespace implicit;
	struct tg_label label;
	uint64_t mentions; /* by pods, services and policies in force */
	bool defined;	   /* by a Namespace object in force */
};

struct tg_hold {
	struct tg_hold *next;
	struct tg_bits strings;
	_Atomic unsigned int refs; /* the store's and the holder's */
};

struct pin {
	struct pin *next;
	uint64_t from, to; /* contents in force at any of these clocks are needed */
};

struct tg_store {
	struct tg_intern *strings;
	uint32_t *string_refs; /* of what is in force, by number: strings.c */
	size_t n_string_refs;
	struct tg_bits strings_in_force; /* those that have any */
	struct tg_scope scope;
	uint32_t metadata_name; /* intern number of the implicit label's key */
	TG_VEC(struct file *)
	files; /* of manifests, in the order of their names' first appearance */
	TG_VEC(struct file *) served; /* objects of sets */
	struct index by_name;	      /* file name -> owner: struct file */
	struct index objects;	      /* object in force; owner: struct file */
	struct index by_ns;	      /* namespace -> owner: struct ns_state */
	TG_VEC(struct ns_state *) namespaces;
	size_t n_waiting;
	bool let_go; /* of what a waiting file may want, since they were last tried */
	uint64_t sequence;

	/* since the last take */
	bool other, many;  /* many: other, and too many pods to list them */
	struct index pods; /* object: the pod before, owner: the store when there was one */
	uint64_t taken_at; /* the clock then */

	uint64_t clock;
	struct content *retired; /* the latest first; all before `judged` are not judged yet */
	struct content *judged;	 /* needed, as far as is known */
	struct pin *pins;
	struct tg_hold *holds;
};

/* All of both kinds: 0..store_file_total()-1. */
static inline size_t store_file_total(const struct tg_store *store)
{
	return store->files.n + store->served.n;
}

static inline struct file *store_file_at(const struct tg_store *store, size_t i)
{
	return i < store->files.n ? store->files.v[i] : store->served.v[i - store->files.n];
}

/* The file of this name, made if need be, of a set or of none; NULL: out of memory. */
struct file *store_file_get(struct tg_store *store, const char *name, struct tg_store_set *set);
/* NULL: there is none. */
struct file *store_file_find(struct tg_store *store, const char *name);
/* All that it gives goes out of force; what waits for that is not settled yet. */
void store_file_drop(struct tg_store *store, struct file *file);
/* It gives nothing, not even an error: then it goes. */
void store_file_forget_empty(struct tg_store *store, struct file *file);
/* `content` becomes what its last text was; NULL: none. `waiting`: to be put in force. */
void store_set_refused(
	struct tg_store *store, struct file *file, struct content *content, bool waiting);
/* NULL: out of memory. `size`: of the text, in bytes. */
struct content *store_content_create(size_t size);
void store_content_free(struct content *content);
/* The content is not in force any more; NULL is fine. */
void store_retire(struct tg_store *store, struct content *content);
/*
 * Puts in force what waits, as far as possible; `file`, which waits, first (may be NULL). 0, or
 * -ENOMEM when that was an obstacle.
 */
int store_settle(struct tg_store *store, struct file *file);
/*
 * Puts the last text of a file in force, which waits. -EINVAL: it has an object twice; -EEXIST:
 * another file has an object of it; -ENOMEM.
 */
int store_put_in_force(struct tg_store *store, struct file *file);
/* Takes all that a file gives out of force. */
void store_withdraw(struct tg_store *store, struct file *file);
/* Frees the retired contents that nobody needs. */
void store_collect(struct tg_store *store);
/* Somebody needs less than before: the next store_collect looks at all of them. */
void store_judge_again(struct tg_store *store);
/* Room to count every string that there is now. 0 or -ENOMEM. */
int store_strings_reserve(struct tg_store *store);
/* What is in force refers to the string once more; room has been reserved. */
void store_string_add(struct tg_store *store, uint32_t string);
void store_string_drop(struct tg_store *store, uint32_t string);
/* To all that a content consists of, when it comes into force, and when it is not any more. */
void store_strings_add(struct tg_store *store, const struct content *content);
void store_strings_drop(struct tg_store *store, const struct content *content);
/* The store goes; holds that are not released stay until they are. */
void store_drop_holds(struct tg_store *store);

/* Notes that an object of a file differs; `before` and `after` may be NULL, not both. */
void changes_note(
	struct tg_store *store, struct index_key key, const void *before, const void *after);
void changes_note_other(struct tg_store *store);

#endif
