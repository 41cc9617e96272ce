/* SPDX-License-Identifier: BSD-3-Clause */
/* Waiting workers are woken by whoever gives them work, at any moment, and by their sockets. */
#include <linux/if_packet.h>
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include <unistd.h>
#include <cmocka.h>

#include "sockets.h"
#include "wake.h"

#define LONG_US 60000000u /* what ends sooner was ended by somebody */
#define ROUNDS 20000

static void a_ring_ends_a_wait(void **state)
{
	struct tg_wake wake;

	assert_int_equal(tg_wake_open(&wake, NULL, 0), 0);
	tg_wake_arm(&wake);
	tg_wake_ring(&wake);
	assert_true(tg_wake_wait(&wake, LONG_US));
	tg_wake_disarm(&wake);
	tg_wake_arm(&wake);
	assert_false(tg_wake_wait(&wake, 1000)); /* once told, it is over */
	tg_wake_disarm(&wake);
	tg_wake_close(&wake);
}

static void nobody_rings_who_is_awake(void **state)
{
	struct tg_wake wake;

	assert_int_equal(tg_wake_open(&wake, NULL, 0), 0);
	tg_wake_ring(&wake);
	tg_wake_arm(&wake);
	assert_false(tg_wake_wait(&wake, 1000));
	tg_wake_disarm(&wake);
	tg_wake_close(&wake);
}

struct work {
	struct tg_wake wake;
	uint32_t given, taken; /* atomic */
};

static void *give(void *arg)
{
	struct work *work = arg;

	for (uint32_t i = 1; i <= ROUNDS; i++) {
		__atomic_store_n(&work->given, i, __ATOMIC_RELAXED);
		tg_wake_ring(&work->wake);
		while (__atomic_load_n(&work->taken, __ATOMIC_RELAXED) != i)
			sched_yield();
	}
	return NULL;
}

/* As worker_loop.c does it. A ring that is lost would let it wait for a minute. */
static void no_work_is_missed(void **state)
{
	struct work work = {.given = 0};
	uint32_t taken = 0, missed = 0;
	pthread_t thread;

	assert_int_equal(tg_wake_open(&work.wake, NULL, 0), 0);
	assert_int_equal(pthread_create(&thread, NULL, give, &work), 0);
	while (taken != ROUNDS) {
		tg_wake_arm(&work.wake);
		if (__atomic_load_n(&work.given, __ATOMIC_RELAXED) == taken &&
			!tg_wake_wait(&work.wake, LONG_US))
			missed++;
		tg_wake_disarm(&work.wake);
		taken = __atomic_load_n(&work.given, __ATOMIC_RELAXED);
		__atomic_store_n(&work.taken, taken, __ATOMIC_RELAXED);
	}
	pthread_join(thread, NULL);
	assert_int_equal(missed, 0);
	tg_wake_close(&work.wake);
}

static void the_sockets_of_drivers_are_found(void **state)
{
	struct sockaddr_ll bound = {.sll_family = AF_PACKET, .sll_ifindex = 1};
	struct tg_sockets before, after;
	int pair[2], packet[2];

	tg_sockets_find(AF_UNIX, &before);
	assert_int_equal(socketpair(AF_UNIX, SOCK_DGRAM, 0, pair), 0);
	tg_sockets_find(AF_UNIX, &after);
	assert_int_equal(after.n, before.n + 2);
	assert_int_equal(tg_sockets_new(&before, &after), pair[0]);
	assert_int_equal(tg_sockets_new(&after, &after), -1);
	close(pair[0]);
	close(pair[1]);

	assert_int_equal(tg_sockets_packet(1, 0), -1);
	for (int i = 0; i < 2; i++) {
		packet[i] = socket(AF_PACKET, SOCK_RAW, 0);
		if (packet[i] < 0)
			skip(); /* not root */
		assert_int_equal(bind(packet[i], (struct sockaddr *)&bound, sizeof(bound)), 0);
	}
	assert_int_equal(tg_sockets_packet(1, 0), packet[0]);
	assert_int_equal(tg_sockets_packet(1, 1), packet[1]);
	assert_int_equal(tg_sockets_packet(1, 2), -1);
	assert_int_equal(tg_sockets_packet(2, 0), -1);
	close(packet[0]);
	close(packet[1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_ring_ends_a_wait),
		cmocka_unit_test(nobody_rings_who_is_awake),
		cmocka_unit_test(no_work_is_missed),
		cmocka_unit_test(the_sockets_of_drivers_are_found),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
