/* SPDX-License-Identifier: BSD-3-Clause */
/* Echo, and errors that belong to the connection they quote. */
#include "tests.h"

#include <stdio.h>

#define QUERY4 "10.1.0.1 > 8.8.8.8 udp 4000>53"
#define QUERY6 "fd00:1::1 > 2001:db8::8 udp 4000>53"

static void only_requests_begin(void **state)
{
	static const struct line lines[] = {
		{INSIDE, "10.1.0.1 > 8.8.8.8 icmp type=0 icmpid=7", D(ICMP_UNRELATED)},
		{OUTSIDE, "8.8.8.8 > 10.1.0.1 icmp type=8 icmpid=7", D(POLICY_INGRESS)},
		{INSIDE, "10.1.0.1 > 8.8.8.8 icmp type=8 icmpid=7 len=56", PASSED},
		{OUTSIDE, "8.8.8.8 > 10.1.0.1 icmp type=0 icmpid=7 len=56", PASSED},
		{OUTSIDE, "8.8.8.8 > 10.1.0.1 icmp type=0 icmpid=8", D(ICMP_UNRELATED)},
		/* the same number the other way round is another matter */
		{OUTSIDE, "8.8.8.8 > 10.1.0.1 icmp type=8 icmpid=7", D(POLICY_INGRESS)},
		{INSIDE, "10.1.0.1 > 8.8.8.8 icmp type=13 icmpid=7", PASSED},
		{OUTSIDE, "8.8.8.8 > 10.1.0.1 icmp type=14 icmpid=7", PASSED},
		{OUTSIDE, "8.8.8.8 > 10.1.0.1 icmp type=14 icmpid=9", D(ICMP_UNRELATED)},
		{INSIDE, "10.1.0.1 > 8.8.8.8 icmp type=17 icmpid=7", D(ICMP_UNRELATED)},
		{INSIDE, "10.1.0.1 > 8.8.8.8 icmp type=9", D(ICMP_UNRELATED)},
		{INSIDE, "fd00:1::1 > 2001:db8::8 icmp6 type=139", D(ICMP_UNRELATED)},
		{INSIDE, "10.1.0.3 > 8.8.8.8 icmp type=8 icmpid=7", D(POLICY_EGRESS)},
		/* the other family's protocol is one without ports */
		{INSIDE, "10.1.0.1 > 8.8.8.8 icmp6 type=128 icmpid=7", PASSED},
	};

	PLAY_FRESH(lines);
}

static void errors_pass_with_the_connection_they_quote(void **state)
{
	static const int types4[] = {3, 4, 11, 12}, types6[] = {1, 2, 3, 4};
	struct world w;
	char text[256];

	world_ready(&w);
	assert_int_equal(world_send(&w, INSIDE, QUERY4), PASSED);
	assert_int_equal(world_send(&w, INSIDE, QUERY6), PASSED);
	for (int i = 0; i < 4; i++) {
		/* from anywhere on the path */
		snprintf(text, sizeof(text), "192.0.2.1 > 10.1.0.1 icmp type=%d / " QUERY4,
			types4[i]);
		assert_int_equal(world_send(&w, OUTSIDE, text), PASSED);
		snprintf(text, sizeof(text), "2001:db8::1 > fd00:1::1 icmp6 type=%d / " QUERY6,
			types6[i]);
		assert_int_equal(world_send(&w, OUTSIDE, text), PASSED);
	}
	assert_int_equal(world_slot(&w, TG_BUILTIN_RELATED_ICMP).packets, 8);
	/* not the rules' traffic, and no sign of life */
	assert_int_equal(world_slot(&w, SLOT_OUT_DNS).packets, 2);
	assert_int_equal(world_stats(&w).half_open, 2);
	/* about a reply, the other way */
	assert_int_equal(world_send(&w, OUTSIDE, "8.8.8.8 > 10.1.0.1 udp 53>4000"), PASSED);
	assert_int_equal(world_send(&w, INSIDE,
				 "10.1.0.1 > 8.8.8.8 icmp type=3 code=3 / "
				 "8.8.8.8 > 10.1.0.1 udp 53>4000"),
		PASSED);
	world_stop(&w);
}

static void errors_about_nothing_stop(void **state)
{
	static const struct line lines[] = {
		{INSIDE, QUERY4, PASSED},
		{INSIDE, QUERY6, PASSED},
		{OUTSIDE, "192.0.2.1 > 10.1.0.1 icmp type=3 / 10.1.0.1 > 8.8.8.8 udp 4001>53",
			D(ICMP_UNRELATED)},
		{OUTSIDE, "192.0.2.1 > 10.1.0.1 icmp type=3 / 10.1.0.1 > 8.8.4.4 udp 4000>53",
			D(ICMP_UNRELATED)},
		{OUTSIDE, "192.0.2.1 > 10.1.0.2 icmp type=3 / " QUERY4, D(ICMP_UNRELATED)},
		{OUTSIDE, "192.0.2.1 > 10.1.0.1 icmp type=5 / " QUERY4, D(ICMP_UNRELATED)},
		{OUTSIDE, "192.0.2.1 > 10.1.0.1 icmp type=3", D(ICMP_UNRELATED)},
		{OUTSIDE,
			"192.0.2.1 > 10.1.0.1 icmp type=3 id=4 frag=0+ len=16 / " QUERY4 " len=20",
			D(ICMP_UNRELATED)},
		{OUTSIDE, "192.0.2.1 > 10.1.0.1 icmp type=3 / 10.1.0.1 > 8.8.8.8 udp frag=80 len=8",
			D(ICMP_UNRELATED)},
		{OUTSIDE,
			"192.0.2.1 > 10.1.0.1 icmp type=3 / "
			"10.1.0.1 > 8.8.8.8 icmp type=3",
			D(ICMP_UNRELATED)},
		{OUTSIDE, "192.0.2.1 > 10.1.0.1 icmp type=3 / " QUERY4 " l4=7", D(ICMP_UNRELATED)},
		{OUTSIDE, "192.0.2.1 > 10.1.0.1 icmp6 type=1 / " QUERY4, D(POLICY_INGRESS)},
		{OUTSIDE, "2001:db8::1 > fd00:1::1 icmp6 type=0 / " QUERY6, D(ICMP_UNRELATED)},
		{OUTSIDE, "2001:db8::1 > fd00:1::1 icmp6 type=5 / " QUERY6, D(ICMP_UNRELATED)},
		/* from the side of whoever sent what it quotes */
		{INSIDE, "192.0.2.1 > 10.1.0.1 icmp type=3 / " QUERY4, D(SPOOFED)},
		{OUTSIDE2, "192.0.2.1 > 10.1.0.1 icmp type=3 / " QUERY4, D(ICMP_UNRELATED)},
		{OUTSIDE, "10.1.0.1 > 10.1.0.1 icmp type=3 / " QUERY4, D(MARTIAN)},
	};

	PLAY_FRESH(lines);
}

static void errors_about_an_echo_and_other_protocols_pass(void **state)
{
	static const struct line lines[] = {
		{INSIDE, "10.1.0.1 > 8.8.8.8 icmp type=8 icmpid=7", PASSED},
		{OUTSIDE,
			"192.0.2.1 > 10.1.0.1 icmp type=11 / "
			"10.1.0.1 > 8.8.8.8 icmp type=8 icmpid=7",
			PASSED},
		{INSIDE, "10.1.0.1 > 8.8.8.8 proto=47 len=8", PASSED},
		{OUTSIDE, "192.0.2.1 > 10.1.0.1 icmp type=11 / 10.1.0.1 > 8.8.8.8 proto=47 len=8",
			PASSED},
		{INSIDE, "10.1.0.1 > 8.8.8.8 sctp 4000>3868 init=11", PASSED},
		{OUTSIDE,
			"192.0.2.1 > 10.1.0.1 icmp type=3 / "
			"10.1.0.1 > 8.8.8.8 sctp 4000>3868 init=11 l4=8",
			PASSED},
		{INSIDE, "fd00:1::1 > 2001:db8::8 hbh udp 4000>53", PASSED},
		{OUTSIDE,
			"2001:db8::1 > fd00:1::1 icmp6 type=2 / "
			"fd00:1::1 > 2001:db8::8 hbh udp 4000>53",
			PASSED},
	};

	PLAY_FRESH(lines);
}

static void errors_about_tcp_quote_what_was_sent(void **state)
{
	static const struct line lines[] = {
		{INSIDE, "10.1.0.1 > 8.8.8.8 tcp 4000>80 S seq=1000", PASSED},
		{OUTSIDE,
			"192.0.2.1 > 10.1.0.1 icmp type=3 / "
			"10.1.0.1 > 8.8.8.8 tcp 4000>80 S seq=1000 l4=8",
			PASSED},
		{OUTSIDE, "8.8.8.8 > 10.1.0.1 tcp 80>4000 SA seq=5000 ack=1001", PASSED},
		{INSIDE, "10.1.0.1 > 8.8.8.8 tcp 4000>80 A seq=1001 ack=5001 len=1000", PASSED},
		{OUTSIDE,
			"192.0.2.1 > 10.1.0.1 icmp type=3 code=4 / "
			"10.1.0.1 > 8.8.8.8 tcp 4000>80 A seq=1001 l4=8",
			PASSED},
		{OUTSIDE,
			"192.0.2.1 > 10.1.0.1 icmp type=3 code=4 / "
			"10.1.0.1 > 8.8.8.8 tcp 4000>80 A seq=2002 l4=8",
			D(ICMP_UNRELATED)},
		{OUTSIDE,
			"192.0.2.1 > 10.1.0.1 icmp type=3 code=4 / "
			"10.1.0.1 > 8.8.8.8 tcp 4000>80 A seq=900001001 l4=8",
			D(ICMP_UNRELATED)},
	};

	PLAY_FRESH(lines);
}

int run_icmp_tests(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(only_requests_begin),
		cmocka_unit_test(errors_pass_with_the_connection_they_quote),
		cmocka_unit_test(errors_about_nothing_stop),
		cmocka_unit_test(errors_about_an_echo_and_other_protocols_pass),
		cmocka_unit_test(errors_about_tcp_quote_what_was_sent),
	};

	return cmocka_run_group_tests_name("icmp", tests, NULL, NULL);
}
