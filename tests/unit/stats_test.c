/* SPDX-License-Identifier: BSD-3-Clause */
/* The statistics segment: what writers store readers sum, and hostile segments are refused. */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

#include "segment.h"

#define WORKERS 3
#define SLOTS 1000

static void test_sums(void **state)
{
	struct tg_stats_segment segment;
	struct tg_stats_reader reader;
	struct tg_stats_worker worker;
	struct tg_stats_slot slot;

	assert_int_equal(tg_stats_create(&segment, WORKERS, SLOTS, 42, 1000), 0);
	segment.header->n_ports = 2;
	for (uint32_t w = 0; w < WORKERS; w++) {
		tg_stats_worker_at(&segment, w)->rx_packets = 10 + w;
		tg_stats_worker_at(&segment, w)->drops[TG_DROP_COUNT - 1].bytes = 5;
		tg_stats_worker_at(&segment, w)->swept_generation = 9 - w;
		tg_stats_worker_at(&segment, w)->seen_epoch = 3 + w;
		tg_stats_slots_at(&segment, w)[SLOTS - 1] = (struct tg_stats_slot){1, 2, 3, {4}};
	}
	assert_int_equal(tg_stats_map(&reader, segment.fd), 0);
	assert_int_equal(reader.instance, 42);
	assert_int_equal(reader.started_at, 1000);
	assert_int_equal(reader.n_drop_reasons, TG_DROP_COUNT);
	assert_int_equal(tg_stats_read_worker(&reader, TG_STATS_ALL, &worker), 0);
	assert_int_equal(worker.rx_packets, 33);
	assert_int_equal(worker.drops[TG_DROP_COUNT - 1].bytes, 15);
	assert_int_equal(worker.swept_generation, 7);
	assert_int_equal(worker.seen_epoch, 3);
	assert_int_equal(tg_stats_read_worker(&reader, 2, &worker), 0);
	assert_int_equal(worker.rx_packets, 12);
	assert_int_equal(tg_stats_read_worker(&reader, WORKERS, &worker), -ENOENT);
	tg_stats_read_slot(&reader, SLOTS - 1, &slot);
	assert_int_equal(slot.packets, 3);
	assert_int_equal(slot.bytes, 6);
	assert_int_equal(slot.connections, 9);
	assert_int_equal(slot.would_deny, 12);
	tg_stats_read_slot(&reader, SLOTS, &slot);
	assert_int_equal(slot.packets | slot.connections, 0);
	tg_stats_unmap(&reader);
	tg_stats_destroy(&segment);
}

static void test_ports(void **state)
{
	struct tg_stats_segment segment;
	struct tg_stats_reader reader;
	struct tg_stats_port port;

	assert_int_equal(tg_stats_create(&segment, 1, SLOTS, 1, 1), 0);
	segment.header->n_ports = 1;
	memset(segment.ports[0].name, 'x', TG_STATS_PORT_NAME);
	segment.ports[0].rx_packets = 77;
	assert_int_equal(tg_stats_map(&reader, segment.fd), 0);
	assert_int_equal(tg_stats_read_port(&reader, 0, &port), 0);
	assert_int_equal(port.rx_packets, 77);
	assert_int_equal(strlen(port.name), TG_STATS_PORT_NAME - 1);
	assert_int_equal(tg_stats_read_port(&reader, 1, &port), -ENOENT);
	tg_stats_unmap(&reader);
	tg_stats_destroy(&segment);
}

static void test_create_bounds(void **state)
{
	struct tg_stats_segment segment;

	assert_int_equal(tg_stats_create(&segment, 0, SLOTS, 1, 1), -EINVAL);
	assert_int_equal(tg_stats_create(&segment, TG_STATS_WORKERS_MAX + 1, SLOTS, 1, 1), -EINVAL);
	assert_int_equal(tg_stats_create(&segment, 1, (1u << 24) + 1, 1, 1), -E2BIG);
	assert_int_equal(tg_stats_create(&segment, 1, TG_SLOT_FIRST - 1, 1, 1), -E2BIG);
	assert_int_equal(tg_stats_create(&segment, TG_STATS_WORKERS_MAX, 1u << 24, 1, 1), 0);
	tg_stats_destroy(&segment);
}

/* Nobody who gets the descriptor can change, shrink or grow the segment. */
static void test_reader_cannot_write(void **state)
{
	struct tg_stats_segment segment;
	void *map;

	assert_int_equal(tg_stats_create(&segment, 1, SLOTS, 1, 1), 0);
	assert_int_equal(ftruncate(segment.fd, 4096), -1);
	assert_int_equal(ftruncate(segment.fd, (off_t)segment.size + 4096), -1);
	assert_int_equal(pwrite(segment.fd, "x", 1, 0), -1);
	map = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, segment.fd, 0);
	assert_ptr_equal(map, MAP_FAILED);
	map = mmap(NULL, 4096, PROT_READ, MAP_SHARED, segment.fd, 0);
	assert_ptr_not_equal(map, MAP_FAILED);
	assert_int_equal(mprotect(map, 4096, PROT_READ | PROT_WRITE), -1);
	munmap(map, 4096);
	segment.header->heartbeat = 5; /* the writer still can */
	tg_stats_destroy(&segment);
}

/* A segment of our own making, with one header field replaced. */
static int map_forged(const struct tg_stats_header *h, size_t size, unsigned int seals)
{
	struct tg_stats_reader reader;
	int fd, rc;

	fd = memfd_create("forged", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	assert_true(fd >= 0);
	assert_int_equal(ftruncate(fd, (off_t)size), 0);
	assert_int_equal(pwrite(fd, h, sizeof(*h), 0), sizeof(*h));
	assert_int_equal(fcntl(fd, F_ADD_SEALS, seals), 0);
	rc = tg_stats_map(&reader, fd);
	if (rc == 0)
		tg_stats_unmap(&reader);
	close(fd);
	return rc;
}

static void test_hostile_segments(void **state)
{
	struct tg_stats_header good;
	struct tg_stats_segment segment;
	struct tg_stats_reader reader;
	size_t size;
	int pipes[2], file;

	assert_int_equal(tg_stats_create(&segment, 2, SLOTS, 1, 1), 0);
	good = *segment.header;
	size = segment.size;
	tg_stats_destroy(&segment);
	assert_int_equal(map_forged(&good, size, F_SEAL_SHRINK | F_SEAL_GROW), 0);
	assert_int_equal(map_forged(&good, size, F_SEAL_GROW), -EPERM);
	assert_int_equal(map_forged(&good, 4096, F_SEAL_SHRINK), -EINVAL);
	assert_int_equal(map_forged(&good, size - 64, F_SEAL_SHRINK), -EINVAL);
#define FORGE(field, value, expect)                                            \
	do {                                                                   \
		struct tg_stats_header h = good;                               \
		h.field = (value);                                             \
		assert_int_equal(map_forged(&h, size, F_SEAL_SHRINK), expect); \
	} while (0)
	FORGE(magic, 1, -EINVAL);
	FORGE(major, 2, -EPROTONOSUPPORT);
	FORGE(minor, 9, 0);
	FORGE(header_size, 128, -EINVAL);
	FORGE(size, size + 1, -EINVAL);
	FORGE(n_workers, 0, -EINVAL);
	FORGE(n_workers, 3, -EINVAL);
	FORGE(n_workers, UINT32_MAX, -EINVAL);
	FORGE(n_ports, TG_STATS_PORTS + 1, -EINVAL);
	FORGE(slot_capacity, UINT32_MAX, -EINVAL);
	FORGE(slot_capacity, SLOTS + 64, -EINVAL);
	FORGE(worker_offset, 0, -EINVAL);
	FORGE(worker_offset, good.worker_offset + 1, -EINVAL);
	FORGE(worker_offset, UINT64_MAX - 63, -EINVAL);
	FORGE(worker_offset, good.worker_offset + 64, -EINVAL);
	FORGE(worker_stride, 0, -EINVAL);
	FORGE(worker_stride, good.worker_stride + 8, -EINVAL);
	FORGE(worker_stride, UINT64_MAX - 63, -EINVAL);
	FORGE(n_drop_reasons, UINT32_MAX, 0); /* cut to what fits */
#undef FORGE
	assert_int_equal(pipe(pipes), 0);
	assert_int_equal(tg_stats_map(&reader, pipes[0]), -EINVAL);
	close(pipes[0]);
	close(pipes[1]);
	file = open("/proc/self/exe", O_RDONLY);
	assert_int_equal(tg_stats_map(&reader, file), -EINVAL);
	close(file);
	assert_int_equal(tg_stats_map(&reader, -1), -EINVAL);
}

static void *write_states(void *arg)
{
	struct tg_stats_segment *segment = arg;

	for (uint64_t i = 1; i <= 200000; i++) {
		tg_stats_begin(segment);
		segment->header->generation = i;
		segment->header->delta_sequence = i * 3;
		segment->header->epoch = (uint32_t)i * 5;
		tg_stats_end(segment);
	}
	return NULL;
}

static void test_state_is_never_torn(void **state)
{
	struct tg_stats_segment segment;
	struct tg_stats_reader reader;
	struct tg_stats_state got;
	pthread_t writer;

	assert_int_equal(tg_stats_create(&segment, 1, SLOTS, 1, 1), 0);
	assert_int_equal(tg_stats_map(&reader, segment.fd), 0);
	assert_int_equal(pthread_create(&writer, NULL, write_states, &segment), 0);
	do {
		if (tg_stats_read_state(&reader, &got) != 0)
			continue;
		assert_int_equal(got.delta_sequence, got.generation * 3);
		assert_int_equal(got.epoch, (uint32_t)got.generation * 5);
	} while (got.generation < 200000);
	pthread_join(writer, NULL);
	tg_stats_begin(&segment); /* a writer that died while it wrote */
	assert_int_equal(tg_stats_read_state(&reader, &got), -EAGAIN);
	tg_stats_unmap(&reader);
	tg_stats_destroy(&segment);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sums),
		cmocka_unit_test(test_ports),
		cmocka_unit_test(test_create_bounds),
		cmocka_unit_test(test_reader_cannot_write),
		cmocka_unit_test(test_hostile_segments),
		cmocka_unit_test(test_state_is_never_torn),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
