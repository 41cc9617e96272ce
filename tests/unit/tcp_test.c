/* SPDX-License-Identifier: BSD-3-Clause */
/* The common case of TCP in line says and does what the rest would have, whatever it is given. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tcp.h"

#define ROUNDS 1000000

static uint64_t seed;

static uint32_t any(void)
{
	seed = seed * 6364136223846793005ull + 1442695040888963407ull;
	return (uint32_t)(seed >> 32);
}

/* Mostly near `near`: where comparisons change their result. */
static uint32_t about(uint32_t near)
{
	switch (any() % 4) {
	case 0:
		return any();
	case 1:
		return near + any() % 5 - 2;
	default:
		return near + any() % 200000 - 100000;
	}
}

static void any_connection(struct tg_conn *c)
{
	memset(c, 0, sizeof(*c));
	c->flags = (uint8_t)any();
	c->state = (uint8_t)(any() % 4 == 0 ? any() % TG_CONN_STATE_COUNT : TG_CONN_ESTABLISHED);
	for (unsigned int i = 0; i < 2; i++) {
		c->end[i] = any();
		c->max_end[i] = about(c->end[i]);
		c->max_win[i] = (uint16_t)(1 + any() % 65535);
		c->side[i] = (uint8_t)(any() % 15);
		/* An established connection has no more to wait for. */
		if (c->state != TG_CONN_ESTABLISHED)
			c->side[i] |= (uint8_t)(any() & 0xf0);
	}
}

static void any_segment(struct tg_segment *seg, const struct tg_conn *c, unsigned int dir)
{
	static const uint8_t flags[] = {TG_TCP_ACK, TG_TCP_ACK | TG_TCP_PSH,
		TG_TCP_ACK | TG_TCP_URG, TG_TCP_ACK | TG_TCP_FIN, TG_TCP_ACK | TG_TCP_RST,
		TG_TCP_RST, TG_TCP_SYN, TG_TCP_SYN | TG_TCP_ACK};

	*seg = (struct tg_segment){
		.seq = about(any() % 2 == 0 ? c->end[dir] : c->max_end[dir]),
		.ack = about(c->end[dir ^ 1]),
		.length = any() % 3 == 0 ? 0 : any() % 65536,
		.win = (uint16_t)(any() % 3 == 0 ? any() % 3 : any()),
		.flags = flags[any() % 8 < 5 ? any() % 2 : any() % 8],
		.scale = TG_TCP_NO_SCALE,
	};
}

static void the_short_way_is_the_long_way(void **state)
{
	unsigned int taken = 0;

	for (unsigned int i = 0; i < ROUNDS; i++) {
		unsigned int dir = any() & 1;
		struct tg_conn_pending pending = {.end = any(), .dir = any() & 1}, was = pending;
		struct tg_conn quick, slow;
		struct tg_segment seg;
		bool liberal = any() % 8 == 0, refresh;
		uint8_t next;

		any_connection(&quick);
		any_segment(&seg, &quick, dir);
		slow = quick;
		if (!tg_tcp_established(&quick, dir, &seg, liberal)) {
			assert_memory_equal(&quick, &slow, sizeof(slow));
			continue;
		}
		taken++;
		assert_int_equal(
			tg_tcp_segment(&slow, &pending, dir, &seg, liberal, &next, &refresh),
			TG_TCP_PASS);
		assert_int_equal(next, TG_CONN_ESTABLISHED);
		assert_true(refresh);
		assert_memory_equal(&quick, &slow, sizeof(slow));
		assert_memory_equal(&pending, &was, sizeof(was));
	}
	assert_true(taken > ROUNDS / 20);
	assert_true(taken < ROUNDS);
}

/* The bounds of tcp.h, each with a number on either side of it. */
static void windows_end_where_they_end(void **state)
{
	static const struct {
		uint32_t seq, length, ack;
		bool passes;
	} cases[] = {
		/* sent: 10000, allowed: 18000, largest window of the receiver: 9000 */
		{10000, 100, 50000, true},
		{18000, 0, 50000, true},
		{18000, 60000, 50000, true}, /* begins where it may */
		{18001, 0, 50000, false},
		{999, 0, 50000, true}, /* a FIN may have been sent beyond a full window */
		{998, 0, 50000, false},
		{998, 1, 50000, true},	/* ends where it may */
		{9999, 0, 50000, true}, /* keep-alive, RFC 9293 section 3.8.4 */
		/* sent by the other side: 50000, largest window that it was given: 4000 */
		{10000, 0, 50001, false},
		{10000, 0, 42000, true},
		{10000, 0, 41999, false},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct tg_conn c = {
			.state = TG_CONN_ESTABLISHED,
			.end = {10000, 50000},
			.max_end = {18000, 54000},
			.max_win = {1000, 4500},
			.side = {2, 1},
		};
		struct tg_segment seg = {.seq = cases[i].seq,
			.length = cases[i].length,
			.ack = cases[i].ack,
			.flags = TG_TCP_ACK};

		if (tg_tcp_established(&c, 0, &seg, false) != cases[i].passes)
			fail_msg("case %zu", i);
	}
}

/* What was seen first after a while is not what the receiver has: it may be lost behind here. */
static void resets_after_a_while_out_of_sight(void **state)
{
	const struct tg_segment data = {
		.seq = 100000, .length = 1000, .ack = 500000, .win = 1000, .flags = TG_TCP_ACK};
	const struct tg_segment old_ack = {
		.seq = 500000, .ack = 99000, .win = 4500, .flags = TG_TCP_ACK};
	static const struct {
		uint32_t seq;
		bool answered; /* by the other side, before the reset */
		enum tg_tcp_result result;
	} cases[] = {
		{99000, false, TG_TCP_PASS},
		{99000, true, TG_TCP_PASS},
		{98999, true, TG_TCP_INVALID},
		{101000, true, TG_TCP_PASS},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct tg_conn c = {
			.state = TG_CONN_ESTABLISHED,
			.end = {10000, 50000},
			.max_end = {18000, 54000},
			.max_win = {1000, 4500},
			.side = {2, 1},
		};
		const struct tg_segment reset = {.seq = cases[i].seq, .flags = TG_TCP_RST};
		struct tg_conn_pending pending = {0};
		uint8_t next;
		bool refresh;

		tg_tcp_lose_sight(&c);
		assert_int_equal(tg_tcp_segment(&c, &pending, 0, &data, false, &next, &refresh),
			TG_TCP_PASS);
		if (cases[i].answered)
			assert_int_equal(
				tg_tcp_segment(&c, &pending, 1, &old_ack, false, &next, &refresh),
				TG_TCP_PASS);
		assert_int_equal(tg_tcp_segment(&c, &pending, 0, &reset, false, &next, &refresh),
			cases[i].result);
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_short_way_is_the_long_way),
		cmocka_unit_test(windows_end_where_they_end),
		cmocka_unit_test(resets_after_a_while_out_of_sight),
	};
	const char *chosen = getenv("SEED");

	seed = chosen != NULL ? strtoull(chosen, NULL, 0) : 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
