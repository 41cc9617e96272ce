/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The accelerated lookup of the dataplane, built from a checked ruleset image. Judges bursts of
 * tuples with software prefetch; always agrees with lib/ruleset's portable lookup.
 *
 * Synchronisation: one writer (the control thread) builds, edits and frees; any number of workers
 * read concurrently without locks. tg_classifier_apply edits exact-address entries one at a time
 * while readers run: a reader sees an entry as it was or as it becomes, and always sees those that
 * are not edited. A removed entry's place is taken by another address only after
 * tg_classifier_reclaim, which the writer calls when every worker has passed a quiescent state
 * since tg_classifier_apply returned. A classifier is freed only after a grace period.
 */
#ifndef TG_CLASSIFY_H
#define TG_CLASSIFY_H

#include <stddef.h>
#include <stdint.h>

#include <tidegate/control.h>
#include <tidegate/ruleset.h>

#include "image.h"

#define TG_CLASSIFY_BURST 64 /* the most tuples one call takes */

/* A tuple as the wire has it, initiator first. Addresses in network order. */
struct tg_tuple {
	union {
		uint32_t v4; /* network order */
		uint8_t v6[16];
	} src, dst;
	uint16_t sport, dport; /* host order; 0 for protocols without ports */
	uint16_t zone;	       /* address zone */
	uint8_t protocol;      /* IANA number */
	uint8_t family;	       /* 4 or 6 */
};

/* As the replies have it. */
static inline struct tg_tuple tg_tuple_reversed(const struct tg_tuple *t)
{
	struct tg_tuple back = *t;

	back.src = t->dst;
	back.dst = t->src;
	back.sport = t->dport;
	back.dport = t->sport;
	return back;
}

struct tg_judgement {
	uint32_t verdict[TG_DIRECTION_COUNT]; /* verdict words, EXT resolved, own node considered */
	uint8_t src_kind, dst_kind;	      /* enum tg_class_kind */
	uint8_t action;			      /* enum tg_action of both sides together */
	uint8_t reserved;
};

/* How many connections a namespace may have, over all workers, and the slot that counts them. */
struct tg_namespace_limit {
	uint32_t slot;
	uint32_t limit;
};

/* Which instructions a classifier judges with; AUTO is the best that the processor has. */
enum tg_classify_simd {
	TG_CLASSIFY_AUTO,
	TG_CLASSIFY_SCALAR,
	TG_CLASSIFY_AVX2,
	TG_CLASSIFY_AVX512,
};

struct tg_classifier;

/*
 * Builds from a checked image; `image` and its memory must outlive the classifier only until the
 * call returns. `headroom` is the number of exact addresses that deltas may add to each zone and
 * family. Memory comes from `socket` (rte_malloc with huge pages when there are any). The build is
 * compared with the portable lookup before it is handed out. NULL with rte_errno: ENOMEM, E2BIG,
 * or EBADMSG when the comparison failed.
 */
struct tg_classifier *tg_classifier_build(
	const struct tg_image *image, uint32_t headroom, int socket);
/*
 * The same, using what a classifier that no worker reads any more already has right. It is used up
 * in any case. NULL is none.
 */
struct tg_classifier *tg_classifier_rebuild(
	struct tg_classifier *spare, const struct tg_image *image, uint32_t headroom, int socket);
void tg_classifier_free(struct tg_classifier *classifier);
/* Before workers use it. 0, or -ENOTSUP when processor or build has not these instructions. */
int tg_classifier_use(struct tg_classifier *classifier, enum tg_classify_simd simd);

/*
 * Applies class-map entries in order, all or none. 0; -EINVAL an entry is bad (its index in
 * *index): family, zone, class, class of the other family, namespace, reserved bytes; -ENOSPC no
 * room (the entry's index in *index; nothing changed). Removing an address that is not there is no
 * error. A removed address takes room until tg_classifier_reclaim.
 */
int tg_classifier_apply(struct tg_classifier *classifier, const struct tg_classmap_entry *entries,
	uint32_t n, uint32_t *index);
void tg_classifier_reclaim(struct tg_classifier *classifier);

/* Judges n <= TG_CLASSIFY_BURST tuples. Worker context: no locks, no allocation. */
void tg_classify_burst(const struct tg_classifier *classifier,
	const struct tg_tuple *const tuples[], struct tg_judgement *out, unsigned int n);
/* How many namespaces have a limit. */
uint32_t tg_classifier_limits(const struct tg_classifier *classifier);
/*
 * Whose connections one that was judged so counts among: those of the initiator's namespace when it
 * is a pod, else of the other end's. NULL: nobody's. Worker context.
 */
const struct tg_namespace_limit *tg_classify_namespace(const struct tg_classifier *classifier,
	const struct tg_tuple *tuple, const struct tg_judgement *judgement);
/* Bytes of memory held. */
size_t tg_classifier_size(const struct tg_classifier *classifier);
/* Of these, those of the tables of single addresses, and how full they are. Writer's. */
struct tg_endpoint_usage {
	uint64_t used, capacity, bytes;
};
struct tg_endpoint_usage tg_classifier_endpoints(const struct tg_classifier *classifier);

#endif
