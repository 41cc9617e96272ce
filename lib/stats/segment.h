/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The statistics segment (<tidegate/stats.h>): made by the dataplane, mapped read-only by ctrl.
 *
 * Synchronisation: each counter has one writing thread, which stores aligned words; the state
 * fields of the header are written by one thread between tg_stats_begin and tg_stats_end. Readers
 * never disturb writers: counters are loaded relaxed, the state is copied again when a write came
 * in between. A reader trusts nothing that it reads: bounds are copied and checked once when it
 * maps, and the seals keep the mapping valid whatever the writer does later.
 */
#ifndef TG_STATS_SEGMENT_H
#define TG_STATS_SEGMENT_H

#include <stddef.h>
#include <stdint.h>

#include <tidegate/stats.h>

/* Writer's side. */
struct tg_stats_segment {
	struct tg_stats_header *header;
	struct tg_stats_port *ports; /* TG_STATS_PORTS of them */
	struct tg_stats_offload *offload;
	size_t size;
	int fd; /* sealed: for readers, who cannot write through it */
};

/*
 * A segment for `n_workers` (1..TG_STATS_WORKERS_MAX) that counts `slot_capacity` slots. It is
 * sparse: memory is used only where counters are touched. `instance` should be random, `now_ms` is
 * Unix time. 0, -EINVAL, -E2BIG or what memfd_create and mmap say.
 */
int tg_stats_create(struct tg_stats_segment *segment, uint32_t n_workers, uint32_t slot_capacity,
	uint64_t instance, uint64_t now_ms);
void tg_stats_destroy(struct tg_stats_segment *segment);

struct tg_stats_worker *tg_stats_worker_at(const struct tg_stats_segment *segment, uint32_t worker);
/* The slot counters of a worker, slot_capacity of them. */
struct tg_stats_slot *tg_stats_slots_at(const struct tg_stats_segment *segment, uint32_t worker);

/* Around every write of the fields that stats.h puts under the sequence lock. */
void tg_stats_begin(struct tg_stats_segment *segment);
void tg_stats_end(struct tg_stats_segment *segment);

/* Reader's side. The fields are checked copies: use them instead of the header's. */
struct tg_stats_reader {
	const uint8_t *base;
	size_t size;
	uint64_t instance;
	uint64_t started_at;
	uint64_t worker_offset;
	uint64_t worker_stride;
	uint32_t n_workers;
	uint32_t n_ports;
	uint32_t slot_capacity;
	uint32_t n_drop_reasons; /* at most 64 */
};

/* The fields under the sequence lock, as they were together at one time, and the heartbeat. */
struct tg_stats_state {
	uint64_t generation;
	uint64_t delta_sequence;
	uint64_t applied_at;
	uint64_t image_size;
	uint64_t rulesets_applied;
	uint64_t rulesets_refused;
	uint64_t deltas_applied;
	uint64_t deltas_refused;
	uint64_t checkpoint_at;
	uint64_t checkpoint_errors;
	uint64_t heartbeat;
	uint64_t endpoints;
	uint64_t endpoints_capacity;
	uint64_t endpoint_bytes;
	uint32_t epoch;
	uint32_t state_flags;
	uint32_t image_checksum;
};

/*
 * Maps the segment behind `fd`, which stays the caller's. -EPERM: not sealed against shrinking;
 * -EPROTONOSUPPORT: another major version; -EINVAL: no segment, or one whose offsets do not fit.
 */
int tg_stats_map(struct tg_stats_reader *reader, int fd);
void tg_stats_unmap(struct tg_stats_reader *reader);

/* 0, or -EAGAIN when the writer kept writing (or died while it wrote). */
int tg_stats_read_state(const struct tg_stats_reader *reader, struct tg_stats_state *out);
/* A copy of port `index`, its name terminated. -ENOENT: no such port. */
int tg_stats_read_port(
	const struct tg_stats_reader *reader, uint32_t index, struct tg_stats_port *out);
void tg_stats_read_offload(const struct tg_stats_reader *reader, struct tg_stats_offload *out);
/*
 * One worker's record, or with TG_STATS_ALL the sum of all; swept_generation and seen_epoch are
 * then the lowest of all workers. -ENOENT: no such worker.
 */
#define TG_STATS_ALL UINT32_MAX
int tg_stats_read_worker(
	const struct tg_stats_reader *reader, uint32_t worker, struct tg_stats_worker *out);
/* Sums of a slot over all workers; all zero for a slot beyond the capacity. */
void tg_stats_read_slot(
	const struct tg_stats_reader *reader, uint32_t slot, struct tg_stats_slot *out);

#endif
