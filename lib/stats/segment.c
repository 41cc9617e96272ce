/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "segment.h"

#define ALIGN 64u
#define SLOTS_MAX (1u << 24) /* what a verdict word can name */

static_assert(TG_STATS_PORTS_OFFSET % ALIGN == 0 && TG_STATS_WORKERS_OFFSET % ALIGN == 0,
	"segment alignment");

static uint64_t stride_of(uint32_t slot_capacity)
{
	uint64_t bytes = sizeof(struct tg_stats_worker) +
			 (uint64_t)slot_capacity * sizeof(struct tg_stats_slot);

	return (bytes + ALIGN - 1) / ALIGN * ALIGN;
}

/* Seals what readers rely on; nobody can write through a descriptor that they get. */
static int seal(int fd)
{
	int seals = F_SEAL_GROW | F_SEAL_SHRINK;

	/* The mapping exists already: it stays writable, new ones cannot be. Since Linux 5.1. */
	if (fcntl(fd, F_ADD_SEALS, seals | F_SEAL_FUTURE_WRITE) == 0)
		return fcntl(fd, F_ADD_SEALS, F_SEAL_SEAL) == 0 ? 0 : -errno;
	return fcntl(fd, F_ADD_SEALS, seals | F_SEAL_SEAL) == 0 ? 0 : -errno;
}

int tg_stats_create(struct tg_stats_segment *segment, uint32_t n_workers, uint32_t slot_capacity,
	uint64_t instance, uint64_t now_ms)
{
	uint64_t stride = stride_of(slot_capacity);
	size_t size = TG_STATS_WORKERS_OFFSET + n_workers * stride;
	struct tg_stats_header *header;
	int fd, rc;

	if (n_workers == 0 || n_workers > TG_STATS_WORKERS_MAX)
		return -EINVAL;
	if (slot_capacity < TG_SLOT_FIRST || slot_capacity > SLOTS_MAX)
		return -E2BIG;
	fd = memfd_create("tidegate-stats", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (fd < 0)
		return -errno;
	if (ftruncate(fd, (off_t)size) != 0) {
		rc = -errno;
		goto close_fd;
	}
	header = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (header == MAP_FAILED) {
		rc = -errno;
		goto close_fd;
	}
	rc = seal(fd);
	if (rc != 0)
		goto unmap;
	*header = (struct tg_stats_header){
		.magic = TG_STATS_MAGIC,
		.major = TG_STATS_MAJOR,
		.minor = TG_STATS_MINOR,
		.header_size = sizeof(*header),
		.size = size,
		.instance = instance,
		.started_at = now_ms,
		.n_workers = n_workers,
		.slot_capacity = slot_capacity,
		.n_drop_reasons = TG_DROP_COUNT,
		.worker_offset = TG_STATS_WORKERS_OFFSET,
		.worker_stride = stride,
		.heartbeat = now_ms,
	};
	*segment = (struct tg_stats_segment){
		.header = header,
		.ports = (struct tg_stats_port *)((uint8_t *)header + TG_STATS_PORTS_OFFSET),
		.offload = (struct tg_stats_offload *)((uint8_t *)header + TG_STATS_OFFLOAD_OFFSET),
		.size = size,
		.fd = fd,
	};
	return 0;

unmap:
	munmap(header, size);
close_fd:
	close(fd);
	return rc;
}

void tg_stats_destroy(struct tg_stats_segment *segment)
{
	munmap(segment->header, segment->size);
	close(segment->fd);
	*segment = (struct tg_stats_segment){.fd = -1};
}

struct tg_stats_worker *tg_stats_worker_at(const struct tg_stats_segment *segment, uint32_t worker)
{
	const struct tg_stats_header *h = segment->header;

	return (struct tg_stats_worker *)((uint8_t *)segment->header + h->worker_offset +
					  worker * h->worker_stride);
}

struct tg_stats_slot *tg_stats_slots_at(const struct tg_stats_segment *segment, uint32_t worker)
{
	return (struct tg_stats_slot *)(tg_stats_worker_at(segment, worker) + 1);
}

void tg_stats_begin(struct tg_stats_segment *segment)
{
	uint32_t *seq = &segment->header->seq;

	__atomic_store_n(seq, *seq + 1, __ATOMIC_RELAXED);
	__atomic_thread_fence(__ATOMIC_RELEASE); /* odd before any field */
}

void tg_stats_end(struct tg_stats_segment *segment)
{
	uint32_t *seq = &segment->header->seq;

	__atomic_store_n(seq, *seq + 1, __ATOMIC_RELEASE); /* even after every field */
}
