/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "segment.h"

#define ALIGN 64u
#define STATE_TRIES 1000 /* a writer holds the lock for a few stores only */

/* A word of any of the segment's records. */
typedef uint64_t __attribute__((may_alias)) word;

/* Words of shared memory are loaded one by one: the writer may store at any time. */
static void copy_words(void *out, const void *from, size_t size)
{
	const word *in = from;
	word *to = out;

	for (size_t i = 0; i < size / sizeof(*in); i++)
		to[i] = __atomic_load_n(&in[i], __ATOMIC_RELAXED);
}

/* What a reader relies on, from a private copy of the header. */
static int check_header(const struct tg_stats_header *h, size_t size)
{
	uint64_t slots = (uint64_t)h->slot_capacity * sizeof(struct tg_stats_slot);

	if (h->magic != TG_STATS_MAGIC)
		return -EINVAL;
	if (h->major != TG_STATS_MAJOR)
		return -EPROTONOSUPPORT;
	if (h->header_size != sizeof(*h) || h->size != size)
		return -EINVAL;
	if (h->n_workers == 0 || h->n_workers > TG_STATS_WORKERS_MAX || h->n_ports > TG_STATS_PORTS)
		return -EINVAL;
	if (h->worker_offset % ALIGN != 0 || h->worker_stride % ALIGN != 0)
		return -EINVAL;
	if (h->worker_offset < TG_STATS_WORKERS_OFFSET || h->worker_offset > size)
		return -EINVAL;
	if (h->worker_stride < sizeof(struct tg_stats_worker) + slots)
		return -EINVAL;
	if (h->worker_stride > (size - h->worker_offset) / h->n_workers)
		return -EINVAL;
	return 0;
}

/* The size of a segment that can never shrink under a mapping. */
static int sealed_size(int fd, size_t *size)
{
	struct stat st;
	int seals;

	seals = fcntl(fd, F_GET_SEALS);
	if (seals < 0)
		return -EINVAL;
	if ((seals & F_SEAL_SHRINK) == 0)
		return -EPERM;
	if (fstat(fd, &st) != 0)
		return -errno;
	if (st.st_size < (off_t)TG_STATS_WORKERS_OFFSET)
		return -EINVAL;
	*size = (size_t)st.st_size;
	return 0;
}

int tg_stats_map(struct tg_stats_reader *reader, int fd)
{
	struct tg_stats_header h;
	size_t size = 0;
	void *base;
	int rc;

	rc = sealed_size(fd, &size);
	if (rc != 0)
		return rc;
	base = mmap(NULL, size, PROT_READ, MAP_SHARED, fd, 0);
	if (base == MAP_FAILED)
		return -errno;
	copy_words(&h, base, sizeof(h));
	rc = check_header(&h, size);
	if (rc != 0) {
		munmap(base, size);
		return rc;
	}
	*reader = (struct tg_stats_reader){
		.base = base,
		.size = size,
		.instance = h.instance,
		.started_at = h.started_at,
		.worker_offset = h.worker_offset,
		.worker_stride = h.worker_stride,
		.n_workers = h.n_workers,
		.n_ports = h.n_ports,
		.slot_capacity = h.slot_capacity,
		.n_drop_reasons = h.n_drop_reasons < 64 ? h.n_drop_reasons : 64,
	};
	return 0;
}

void tg_stats_unmap(struct tg_stats_reader *reader)
{
	munmap((void *)(uintptr_t)reader->base, reader->size);
	*reader = (struct tg_stats_reader){0};
}

static void take_state(const struct tg_stats_header *h, struct tg_stats_state *out)
{
	*out = (struct tg_stats_state){
		.generation = h->generation,
		.delta_sequence = h->delta_sequence,
		.applied_at = h->applied_at,
		.image_size = h->image_size,
		.rulesets_applied = h->rulesets_applied,
		.rulesets_refused = h->rulesets_refused,
		.deltas_applied = h->deltas_applied,
		.deltas_refused = h->deltas_refused,
		.checkpoint_at = h->checkpoint_at,
		.checkpoint_errors = h->checkpoint_errors,
		.heartbeat = h->heartbeat,
		.endpoints = h->endpoints,
		.endpoints_capacity = h->endpoints_capacity,
		.endpoint_bytes = h->endpoint_bytes,
		.epoch = h->epoch,
		.state_flags = h->state_flags,
		.image_checksum = h->image_checksum,
	};
}

int tg_stats_read_state(const struct tg_stats_reader *reader, struct tg_stats_state *out)
{
	const struct tg_stats_header *shared = (const struct tg_stats_header *)reader->base;
	struct tg_stats_header copy;
	uint32_t before;

	for (unsigned int i = 0; i < STATE_TRIES; i++) {
		before = __atomic_load_n(&shared->seq, __ATOMIC_ACQUIRE);
		if (before & 1)
			continue;
		copy_words(&copy, shared, sizeof(copy));
		__atomic_thread_fence(__ATOMIC_ACQUIRE);
		if (__atomic_load_n(&shared->seq, __ATOMIC_RELAXED) != before)
			continue;
		take_state(&copy, out);
		return 0;
	}
	return -EAGAIN;
}

int tg_stats_read_port(
	const struct tg_stats_reader *reader, uint32_t index, struct tg_stats_port *out)
{
	if (index >= reader->n_ports)
		return -ENOENT;
	copy_words(out, reader->base + TG_STATS_PORTS_OFFSET + index * sizeof(*out), sizeof(*out));
	out->name[TG_STATS_PORT_NAME - 1] = '\0';
	return 0;
}

void tg_stats_read_offload(const struct tg_stats_reader *reader, struct tg_stats_offload *out)
{
	copy_words(out, reader->base + TG_STATS_OFFLOAD_OFFSET, sizeof(*out));
}

static const uint8_t *worker_base(const struct tg_stats_reader *reader, uint32_t worker)
{
	return reader->base + reader->worker_offset + worker * reader->worker_stride;
}

static void add_worker(struct tg_stats_worker *sum, const struct tg_stats_worker *one)
{
	uint64_t swept = sum->swept_generation, seen = sum->seen_epoch;
	const word *from = (const word *)one;
	word *to = (word *)sum;

	for (size_t i = 0; i < sizeof(*sum) / sizeof(*to); i++)
		to[i] += from[i];
	sum->swept_generation = swept < one->swept_generation ? swept : one->swept_generation;
	sum->seen_epoch = seen < one->seen_epoch ? seen : one->seen_epoch;
}

int tg_stats_read_worker(
	const struct tg_stats_reader *reader, uint32_t worker, struct tg_stats_worker *out)
{
	struct tg_stats_worker one;

	if (worker != TG_STATS_ALL && worker >= reader->n_workers)
		return -ENOENT;
	copy_words(out, worker_base(reader, worker == TG_STATS_ALL ? 0 : worker), sizeof(*out));
	if (worker != TG_STATS_ALL)
		return 0;
	for (uint32_t w = 1; w < reader->n_workers; w++) {
		copy_words(&one, worker_base(reader, w), sizeof(one));
		add_worker(out, &one);
	}
	return 0;
}

void tg_stats_read_slot(
	const struct tg_stats_reader *reader, uint32_t slot, struct tg_stats_slot *out)
{
	struct tg_stats_slot one;

	*out = (struct tg_stats_slot){0};
	if (slot >= reader->slot_capacity)
		return;
	for (uint32_t w = 0; w < reader->n_workers; w++) {
		copy_words(&one,
			worker_base(reader, w) + sizeof(struct tg_stats_worker) +
				slot * sizeof(one),
			sizeof(one));
		out->packets += one.packets;
		out->bytes += one.bytes;
		out->connections += one.connections;
		out->would_deny += one.would_deny;
	}
}
