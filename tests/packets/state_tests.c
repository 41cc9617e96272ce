/* SPDX-License-Identifier: BSD-3-Clause */
/* Each state is reached, and lasts as long as it is told from the packet that led to it. */
#include "tests.h"
#include "internal.h"

#define TCP_C INSIDE, "10.1.0.1 > 8.8.8.8 tcp 4000>80 "
#define TCP_S OUTSIDE, "8.8.8.8 > 10.1.0.1 tcp 80>4000 "
#define SCTP_C INSIDE, "10.1.0.1 > 10.1.0.2 sctp 5000>3868 "
#define SCTP_S OUTSIDE, "10.1.0.2 > 10.1.0.1 sctp 3868>5000 "
#define LINES_MAX 10

#define OPEN                                                                  \
	{TCP_C "S seq=1000", PASSED}, {TCP_S "SA seq=5000 ack=1001", PASSED}, \
	{                                                                     \
		TCP_C "A seq=1001 ack=5001", PASSED                           \
	}
#define ASSOCIATION                                                        \
	{SCTP_C "init=11", PASSED}, {SCTP_S "tag=11 init-ack=22", PASSED}, \
		{SCTP_C "tag=22 cookie-echo", PASSED},                     \
	{                                                                  \
		SCTP_S "tag=11 cookie-ack", PASSED                         \
	}

/* Lines that lead to a state, the last one last. */
static const struct line paths[TG_CONN_STATE_COUNT][LINES_MAX] = {
	[TG_CONN_SYN_SENT] = {{TCP_C "S seq=1000", PASSED}},
	[TG_CONN_SYN_RECV] = {{TCP_C "S seq=1000", PASSED}, {TCP_S "SA seq=5000 ack=1001", PASSED}},
	[TG_CONN_ESTABLISHED] = {OPEN},
	[TG_CONN_RESET_SEEN] = {OPEN, {TCP_S "R seq=5002", PASSED}},
	[TG_CONN_FIN_SEEN] = {OPEN, {TCP_S "FA seq=5002 ack=1001", PASSED}},
	[TG_CONN_FIN_WAIT] = {OPEN, {TCP_S "FA seq=5001 ack=1001", PASSED}},
	[TG_CONN_CLOSING] = {OPEN, {TCP_S "FA seq=5001 ack=1001", PASSED},
		{TCP_C "FA seq=1001 ack=5002", PASSED}},
	[TG_CONN_TIME_WAIT] = {OPEN, {TCP_S "FA seq=5001 ack=1001", PASSED},
		{TCP_C "FA seq=1001 ack=5002", PASSED}, {TCP_S "A seq=5002 ack=1002", PASSED}},
	[TG_CONN_CLOSED] = {OPEN, {TCP_S "R seq=5001", PASSED}},
	[TG_CONN_UDP_NEW] = {{INSIDE, "10.1.0.1 > 8.8.8.8 udp 4000>53", PASSED}},
	[TG_CONN_UDP_REPLIED] = {{INSIDE, "10.1.0.1 > 8.8.8.8 udp 4000>53", PASSED},
		{OUTSIDE, "8.8.8.8 > 10.1.0.1 udp 53>4000", PASSED}},
	[TG_CONN_UDP_STREAM] = {{INSIDE, "10.1.0.1 > 8.8.8.8 udp 4000>53", PASSED},
		{OUTSIDE, "8.8.8.8 > 10.1.0.1 udp 53>4000", PASSED},
		{INSIDE, "10.1.0.1 > 8.8.8.8 udp 4000>53", PASSED}},
	[TG_CONN_ICMP_NEW] = {{INSIDE, "10.1.0.1 > 8.8.8.8 icmp type=8 icmpid=7", PASSED}},
	[TG_CONN_ICMP_REPLIED] = {{INSIDE, "10.1.0.1 > 8.8.8.8 icmp type=8 icmpid=7", PASSED},
		{OUTSIDE, "8.8.8.8 > 10.1.0.1 icmp type=0 icmpid=7", PASSED},
		{INSIDE, "10.1.0.1 > 8.8.8.8 icmp type=8 icmpid=7", PASSED}},
	[TG_CONN_SCTP_HEARTBEAT] = {{SCTP_C "tag=22 heartbeat", PASSED}},
	[TG_CONN_SCTP_COOKIE_WAIT] = {{SCTP_C "init=11", PASSED},
		{SCTP_S "tag=11 init-ack=22", PASSED}},
	[TG_CONN_SCTP_COOKIE_ECHOED] = {{SCTP_C "init=11", PASSED},
		{SCTP_S "tag=11 init-ack=22", PASSED}, {SCTP_C "tag=22 cookie-echo", PASSED}},
	[TG_CONN_SCTP_ESTABLISHED] = {ASSOCIATION},
	[TG_CONN_SCTP_SHUTDOWN] = {ASSOCIATION, {SCTP_C "tag=22 shutdown", PASSED}},
	[TG_CONN_SCTP_SHUTDOWN_ACK] = {ASSOCIATION, {SCTP_C "tag=22 shutdown", PASSED},
		{SCTP_S "tag=11 shutdown-ack", PASSED}},
	[TG_CONN_SCTP_CLOSED] = {ASSOCIATION, {SCTP_C "tag=22 shutdown", PASSED},
		{SCTP_S "tag=11 shutdown-ack", PASSED},
		{SCTP_C "tag=22 shutdown-complete", PASSED}},
	[TG_CONN_OTHER_NEW] = {{INSIDE, "10.1.0.1 > 8.8.8.8 proto=47 len=20", PASSED}},
	[TG_CONN_OTHER_REPLIED] = {{INSIDE, "10.1.0.1 > 8.8.8.8 proto=47 len=20", PASSED},
		{OUTSIDE, "8.8.8.8 > 10.1.0.1 proto=47 len=20", PASSED}},
};

static uint32_t timeout_of(enum tg_conn_state state)
{
	return 10000 + 101 * state;
}

/* Goes the way to a state, some time between the packets; how many entries are left after `ms`. */
static uint64_t left_after(enum tg_conn_state state, uint32_t ms)
{
	struct world w;
	uint64_t left;

	world_defaults(&w);
	for (unsigned int i = 1; i < TG_CONN_STATE_COUNT; i++)
		w.config.timeouts.ms[i] = timeout_of(i);
	world_start(&w);
	world_rules(&w, 0);
	for (const struct line *l = paths[state]; l->packet != NULL; l++) {
		w.now += 5000;
		world_play(&w, l, 1);
	}
	w.now += ms - 1; /* the sweep takes one */
	world_sweep(&w);
	left = world_stats(&w).conn4_used;
	world_stop(&w);
	return left;
}

static void each_state_lasts_as_long_as_it_is_told(void **state)
{
	for (unsigned int i = 1; i < TG_CONN_STATE_COUNT; i++) {
		if (paths[i][0].packet == NULL)
			fail_msg("nothing leads to state %u", i);
		if (left_after(i, timeout_of(i) - 1) != 1 || left_after(i, timeout_of(i)) != 0)
			fail_msg("state %u does not last %u ms", i, timeout_of(i));
	}
}

/* The same while a pass of the sweep leaves out what it need not look at. */
static void lasts_in_a_full_table(enum tg_conn_state state)
{
	const uint32_t pass_ms = 100;
	struct world w;

	world_defaults(&w);
	for (unsigned int i = 1; i < TG_CONN_STATE_COUNT; i++)
		w.config.timeouts.ms[i] = timeout_of(i);
	w.config.sweep_ms = pass_ms;
	world_start(&w);
	w.worker[0]->sweep.busy = 0;
	world_rules(&w, 0);
	for (const struct line *l = paths[state]; l->packet != NULL; l++) {
		world_run(&w, 5000);
		world_play(&w, l, 1);
	}
	world_run(&w, timeout_of(state) - 1);
	if (world_stats(&w).conn4_used != 1)
		fail_msg("state %u lasts less than %u ms", state, timeout_of(state));
	world_run(&w, pass_ms + 1);
	if (world_stats(&w).conn4_used != 0)
		fail_msg("state %u lasts a pass longer than %u ms", state, timeout_of(state));
	world_stop(&w);
}

static void each_state_ends_within_a_pass_in_a_full_table(void **state)
{
	for (unsigned int i = 1; i < TG_CONN_STATE_COUNT; i++)
		lasts_in_a_full_table(i);
}

/* Who was asked once may answer for a while, and no longer because of the answers. */
static void echo_replies_prolong_nothing(void **state)
{
	static const char reply[] = "8.8.8.8 > 10.1.0.1 icmp type=0 icmpid=7";
	struct world w;

	world_ready(&w);
	assert_int_equal(world_send(&w, INSIDE, "10.1.0.1 > 8.8.8.8 icmp type=8 icmpid=7"), PASSED);
	w.now += w.config.timeouts.ms[TG_CONN_ICMP_REPLIED] - 1;
	assert_int_equal(world_send(&w, OUTSIDE, reply), PASSED);
	assert_int_equal(world_send(&w, OUTSIDE, reply), PASSED);
	w.now++;
	assert_int_equal(world_send(&w, OUTSIDE, reply), TG_DROP_ICMP_UNRELATED);
	world_stop(&w);
}

int run_state_tests(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_state_lasts_as_long_as_it_is_told),
		cmocka_unit_test(each_state_ends_within_a_pass_in_a_full_table),
		cmocka_unit_test(echo_replies_prolong_nothing),
	};

	return cmocka_run_group_tests_name("states", tests, NULL, NULL);
}
