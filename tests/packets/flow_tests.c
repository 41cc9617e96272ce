/* SPDX-License-Identifier: BSD-3-Clause */
/* Connections of every protocol: who may begin one, replies, counters. */
#include "tests.h"

static void udp_replies_pass_and_strangers_do_not(void **state)
{
	static const struct line lines[] = {
		{OUTSIDE, "8.8.8.8 > 10.1.0.1 udp 53>4000", D(POLICY_INGRESS)},
		{INSIDE, "10.1.0.1 > 8.8.8.8 udp 4000>53", PASSED},
		{OUTSIDE, "8.8.8.8 > 10.1.0.1 udp 53>4000", PASSED},
		{INSIDE, "10.1.0.1 > 8.8.8.8 udp 4000>53", PASSED},
		{OUTSIDE, "8.8.8.8 > 10.1.0.1 udp 53>4001", D(POLICY_INGRESS)},
		{OUTSIDE, "8.8.4.4 > 10.1.0.1 udp 53>4000", D(POLICY_INGRESS)},
		{OUTSIDE, "8.8.8.8 > 10.1.0.1 tcp 53>4000 S", D(POLICY_INGRESS)},
		{INSIDE, "10.1.0.1 > 8.8.8.8 udp 4000>54", D(POLICY_EGRESS)},
	};

	PLAY_FRESH(lines);
}

static void ipv6_is_the_same(void **state)
{
	static const struct line lines[] = {
		{OUTSIDE, "2001:db8::8 > fd00:1::1 udp 53>4000", D(POLICY_INGRESS)},
		{INSIDE, "fd00:1::1 > 2001:db8::8 udp 4000>53", PASSED},
		{OUTSIDE, "2001:db8::8 > fd00:1::1 udp 53>4000", PASSED},
		{INSIDE, "fd00:1::1 > 2001:db8::8 udp 4000>54", D(POLICY_EGRESS)},
		{INSIDE, "fd00:1::1 > fd00:1::2 tcp 4000>80 S", PASSED},
		{OUTSIDE, "fd00:1::2 > fd00:1::1 tcp 80>4000 SA ack=1", PASSED},
		{INSIDE, "fd00:1::1 > fd00:1::2 icmp6 type=128 icmpid=7", PASSED},
		{OUTSIDE, "fd00:1::2 > fd00:1::1 icmp6 type=129 icmpid=7", PASSED},
		{OUTSIDE, "fd00:1::2 > fd00:1::1 icmp6 type=129 icmpid=8", D(ICMP_UNRELATED)},
		{INSIDE, "fd00:1::1 > fd00:1::2 hbh dst udp 4000>53", PASSED},
		{INSIDE, "fd00:1::1 > fd00:1::2 ah udp 4001>53", PASSED},
		{INSIDE, "fd00:1::1 > fd00:1::2 rt=4 udp 4002>53", PASSED},
		{INSIDE, "fd00:1::1 > fd00:1::2 proto=47 len=20", PASSED},
		{OUTSIDE, "fd00:1::2 > fd00:1::1 proto=47 len=20", PASSED},
		{OUTSIDE, "fd00:1::9 > fd00:1::1 udp 1>2", D(UNKNOWN_ENDPOINT)},
	};

	PLAY_FRESH(lines);
}

static void reasons_name_what_an_address_is(void **state)
{
	static const struct line lines[] = {
		{INSIDE, "10.1.0.3 > 10.1.0.2 tcp 1>80 S", D(POLICY_EGRESS)},
		{INSIDE, "10.1.0.1 > 10.1.0.3 tcp 1>80 S", D(POLICY_INGRESS)},
		{INSIDE, "10.1.0.9 > 10.1.0.2 tcp 1>80 S", D(UNKNOWN_ENDPOINT)},
		{INSIDE, "10.1.0.1 > 10.1.0.9 tcp 1>80 S", D(UNKNOWN_ENDPOINT)},
		{INSIDE, "10.1.0.1 > 10.96.0.1 tcp 1>80 S", D(SERVICE_ADDRESS)},
		{INSIDE, "10.1.0.66 > 8.8.8.8 tcp 1>80 S", D(ADDRESS_CONFLICT)},
		{INSIDE, "10.1.0.77 > 8.8.8.8 tcp 1>80 S", D(QUARANTINE)},
		{INSIDE, "10.0.0.10 > 8.8.8.8 tcp 1>80 S", D(NODE_TRAFFIC)},
		{INSIDE, "9.9.9.9 > 8.8.8.8 tcp 1>80 S", D(TRANSIT)},
		{INSIDE, "10.1.0.4 > 8.8.8.8 tcp 1>80 S", PASSED},
	};

	PLAY_FRESH(lines);
}

static void pods_do_not_speak_from_outside(void **state)
{
	static const struct line lines[] = {
		{OUTSIDE, "10.1.0.1 > 10.1.0.2 tcp 1>80 S", D(SPOOFED)},
		{OUTSIDE, "10.1.0.77 > 10.1.0.2 tcp 1>80 S", D(SPOOFED)},
		{OUTSIDE, "9.9.9.9 > 10.1.0.2 tcp 1>80 S", PASSED},
		/* each direction of a connection keeps to its side */
		{INSIDE, "10.1.0.1 > 8.8.8.8 udp 4000>53", PASSED},
		{INSIDE, "8.8.8.8 > 10.1.0.1 udp 53>4000", D(SPOOFED)},
		{OUTSIDE, "10.1.0.1 > 8.8.8.8 udp 4000>53", D(SPOOFED)},
		{OUTSIDE, "8.8.8.8 > 10.1.0.1 udp 53>4000", PASSED},
	};

	PLAY_FRESH(lines);
}

static void wires_of_two_groups_know_nothing_of_each_other(void **state)
{
	static const struct line lines[] = {
		{INSIDE, "10.1.0.1 > 8.8.8.8 udp 4000>53", PASSED},
		{OUTSIDE2, "8.8.8.8 > 10.1.0.1 udp 53>4000", D(POLICY_INGRESS)},
		{INSIDE2, "10.1.0.1 > 8.8.8.8 udp 4000>53", PASSED},
		{OUTSIDE2, "8.8.8.8 > 10.1.0.1 udp 53>4000", PASSED},
	};

	PLAY_FRESH(lines);
}

static void members_of_one_group_share_connections(void **state)
{
	static const struct line lines[] = {
		{INSIDE, "10.1.0.1 > 8.8.8.8 udp 4000>53", PASSED},
		{OUTSIDE2, "8.8.8.8 > 10.1.0.1 udp 53>4000", PASSED},
		{INSIDE2, "8.8.8.8 > 10.1.0.1 udp 53>4000", D(SPOOFED)},
	};
	struct world w;

	world_defaults(&w);
	w.config.ports[INSIDE2].group = w.config.ports[OUTSIDE2].group = 0;
	world_start(&w);
	world_rules(&w, 0);
	PLAY(&w, lines);
	world_stop(&w);
}

static void protocols_without_ports_are_three_tuples(void **state)
{
	static const struct line lines[] = {
		{OUTSIDE, "8.8.8.8 > 10.1.0.1 proto=47 len=20", D(POLICY_INGRESS)},
		{INSIDE, "10.1.0.1 > 8.8.8.8 proto=47 len=20", PASSED},
		{OUTSIDE, "8.8.8.8 > 10.1.0.1 proto=47 len=20", PASSED},
		{OUTSIDE, "8.8.8.8 > 10.1.0.1 proto=50 len=20", D(POLICY_INGRESS)},
		{INSIDE, "10.1.0.1 > 8.8.8.8 proto=50 len=20", D(POLICY_EGRESS)},
		{INSIDE, "10.1.0.1 > 8.8.8.8 proto=47", PASSED},
	};

	PLAY_FRESH(lines);
}

static void tags_are_kept_and_looked_through(void **state)
{
	static const struct line lines[] = {
		{INSIDE, "vlan=5 10.1.0.1 > 8.8.8.8 udp 4000>53", PASSED},
		{OUTSIDE, "vlan=5 8.8.8.8 > 10.1.0.1 udp 53>4000", PASSED},
		{INSIDE, "vlan=5 vlan=6 fd00:1::1 > 2001:db8::8 udp 4000>53", PASSED},
		{OUTSIDE, "vlan=5 vlan=6 2001:db8::8 > fd00:1::1 udp 53>4000", PASSED},
		{INSIDE, "vlan=5 vlan=6 vlan=7 10.1.0.1 > 8.8.8.8 udp 4000>53", D(MALFORMED_L2)},
		{INSIDE, "vlan=5 10.1.0.1 > 8.8.8.8 udp 4000>54", D(POLICY_EGRESS)},
	};

	PLAY_FRESH(lines);
}

static void segments_and_padding_make_no_difference(void **state)
{
	static const struct line lines[] = {
		{INSIDE, "10.1.0.1 > 8.8.8.8 udp 4000>53 len=300 seg=7", PASSED},
		{OUTSIDE, "8.8.8.8 > 10.1.0.1 udp 53>4000 len=900 seg=40", PASSED},
		{OUTSIDE, "8.8.8.8 > 10.1.0.1 udp 53>4001 len=900 seg=13", D(POLICY_INGRESS)},
		{INSIDE, "fd00:1::1 > 2001:db8::8 hbh dst udp 4000>53 len=700 seg=11", PASSED},
		{INSIDE, "10.1.0.1 > 8.8.8.8 udp 4000>53 pad=18", PASSED},
		{INSIDE, "10.1.0.1 > 8.8.8.8 tcp 4000>80 S ws=7 seg=3", PASSED},
		{OUTSIDE, "8.8.8.8 > 10.1.0.1 tcp 80>4000 SA ack=1 ws=7 seg=3 pad=6", PASSED},
	};

	PLAY_FRESH(lines);
}

static void datagrams_longer_than_the_peers_mtu_stop(void **state)
{
	static const struct line lines[] = {
		{INSIDE, "10.1.0.1 > 8.8.8.8 udp 4000>53 len=1472", PASSED},
		{INSIDE, "10.1.0.1 > 8.8.8.8 udp 4000>53 len=1473", D(TOO_BIG)},
		{INSIDE, "vlan=9 fd00:1::1 > 2001:db8::8 udp 4000>53 len=1452", PASSED},
		{INSIDE, "fd00:1::1 > 2001:db8::8 udp 4000>53 len=1453", D(TOO_BIG)},
	};

	PLAY_FRESH(lines);
}

static void a_peer_that_is_down_takes_nothing(void **state)
{
	struct world w;

	world_ready(&w);
	tg_datapath_set_link(w.dp, OUTSIDE, false);
	assert_int_equal(world_send(&w, INSIDE, "10.1.0.1 > 8.8.8.8 udp 1>53"), D(LINK_DOWN));
	assert_int_equal(world_stats(&w).conn_created, 0);
	tg_datapath_set_link(w.dp, OUTSIDE, true);
	assert_int_equal(world_send(&w, INSIDE, "10.1.0.1 > 8.8.8.8 udp 1>53"), PASSED);
	world_stop(&w);
}

static void without_a_ruleset_only_link_traffic_passes(void **state)
{
	static const struct line closed[] = {
		{INSIDE, "10.1.0.1 > 8.8.8.8 udp 4000>53", D(NO_RULESET)},
		{INSIDE, "10.1.0.1 > 8.8.8.8 udp 4000>53 frag=8 len=8", D(NO_RULESET)},
		{INSIDE, "type=0x806 raw=0001080006040001020000000001c0000201000000000000c0000202",
			PASSED},
	};
	struct world w;

	world_defaults(&w);
	world_start(&w);
	PLAY(&w, closed);
	assert_int_equal(world_slot(&w, TG_BUILTIN_ARP).packets, 1);
	world_rules(&w, 0);
	assert_int_equal(world_send(&w, INSIDE, "10.1.0.1 > 8.8.8.8 udp 4000>53"), PASSED);
	world_no_rules(&w);
	assert_int_equal(world_send(&w, INSIDE, "10.1.0.1 > 8.8.8.8 udp 4000>53"), D(NO_RULESET));
	world_stop(&w);

	world_defaults(&w);
	w.config.no_ruleset_pass = true;
	world_start(&w);
	assert_int_equal(world_send(&w, OUTSIDE, "9.9.9.9 > 10.1.0.9 tcp 1>2 A"), PASSED);
	assert_int_equal(world_slot(&w, TG_BUILTIN_NO_RULESET_PASS).packets, 1);
	assert_int_equal(world_stats(&w).conn_created, 0);
	world_stop(&w);
}

static void rules_count_what_they_decide(void **state)
{
	struct tg_stats_slot slot;
	struct world w;

	world_ready(&w);
	for (int i = 0; i < 5; i++) {
		world_send(&w, INSIDE, "10.1.0.1 > 10.1.0.2 udp 4000>53 len=58");
		world_send(&w, OUTSIDE, "10.1.0.2 > 10.1.0.1 udp 53>4000 len=158");
	}
	for (uint32_t s = SLOT_OUT_DNS; s <= SLOT_IN_DNS; s += SLOT_IN_DNS - SLOT_OUT_DNS) {
		slot = world_slot(&w, s);
		assert_int_equal(slot.packets, 10);
		assert_int_equal(slot.bytes, 5 * 100 + 5 * 200);
		assert_int_equal(slot.connections, 1);
		assert_int_equal(slot.would_deny, 0);
	}
	for (int i = 0; i < 3; i++)
		world_send(&w, INSIDE, "10.1.0.3 > 10.1.0.3 udp 1>53");
	for (int i = 0; i < 3; i++)
		world_send(&w, INSIDE, "10.1.0.3 > 10.1.0.2 udp 1>53 len=58");
	slot = world_slot(&w, SLOT_CLOSED_OUT);
	assert_int_equal(slot.packets, 3);
	assert_int_equal(slot.bytes, 300);
	assert_int_equal(slot.connections, 3);
	/* egress decides first: the ingress rule that would deny as well counts nothing */
	world_send(&w, INSIDE, "10.1.0.3 > 10.1.0.1 udp 1>54");
	assert_int_equal(world_slot(&w, SLOT_IN_DENY).packets, 0);
	world_stop(&w);
}

static void audit_passes_and_is_counted(void **state)
{
	struct tg_stats_slot slot;
	struct world w;

	world_ready(&w);
	for (int i = 0; i < 4; i++)
		assert_int_equal(
			world_send(&w, INSIDE, "10.1.0.1 > 8.8.8.8 udp 4000>514 len=58"), PASSED);
	slot = world_slot(&w, SLOT_OUT_LOG);
	assert_int_equal(slot.packets, 4);
	assert_int_equal(slot.would_deny, 4);
	assert_int_equal(slot.connections, 1);
	world_stop(&w);
}

static void idle_connections_end(void **state)
{
	static const struct line begin[] = {
		{INSIDE, "10.1.0.1 > 8.8.8.8 udp 4000>53", PASSED},
		{INSIDE, "10.1.0.1 > 8.8.8.8 udp 4001>53", PASSED},
		{OUTSIDE, "8.8.8.8 > 10.1.0.1 udp 53>4001", PASSED},
		{INSIDE, "10.1.0.1 > 8.8.8.8 udp 4001>53", PASSED},
		{OUTSIDE, "8.8.8.8 > 10.1.0.1 udp 53>4001", PASSED},
	};
	struct world w;

	world_ready(&w);
	PLAY(&w, begin);
	w.now += w.config.timeouts.ms[TG_CONN_UDP_NEW] - 1;
	assert_int_equal(world_send(&w, OUTSIDE, "8.8.8.8 > 10.1.0.1 udp 53>4000"), PASSED);
	w.now += 1;
	/* 4000 has been answered meanwhile; 4001 is a stream and has the longest timeout */
	assert_int_equal(world_send(&w, OUTSIDE, "8.8.8.8 > 10.1.0.1 udp 53>4001"), PASSED);
	w.now += w.config.timeouts.ms[TG_CONN_UDP_STREAM];
	/* the look-up honours the timeout without help of the sweep */
	assert_int_equal(
		world_send(&w, OUTSIDE, "8.8.8.8 > 10.1.0.1 udp 53>4001"), D(POLICY_INGRESS));
	assert_int_equal(world_stats(&w).conn_expired, 1);
	world_sweep(&w);
	assert_int_equal(world_stats(&w).conn_expired, 2);
	assert_int_equal(world_stats(&w).conn4_used, 0);
	assert_int_equal(world_slot(&w, SLOT_OUT_DNS).packets, 7);
	world_stop(&w);
}

int run_flow_tests(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(udp_replies_pass_and_strangers_do_not),
		cmocka_unit_test(ipv6_is_the_same),
		cmocka_unit_test(reasons_name_what_an_address_is),
		cmocka_unit_test(pods_do_not_speak_from_outside),
		cmocka_unit_test(wires_of_two_groups_know_nothing_of_each_other),
		cmocka_unit_test(members_of_one_group_share_connections),
		cmocka_unit_test(protocols_without_ports_are_three_tuples),
		cmocka_unit_test(tags_are_kept_and_looked_through),
		cmocka_unit_test(segments_and_padding_make_no_difference),
		cmocka_unit_test(datagrams_longer_than_the_peers_mtu_stop),
		cmocka_unit_test(a_peer_that_is_down_takes_nothing),
		cmocka_unit_test(without_a_ruleset_only_link_traffic_passes),
		cmocka_unit_test(rules_count_what_they_decide),
		cmocka_unit_test(audit_passes_and_is_counted),
		cmocka_unit_test(idle_connections_end),
	};

	return cmocka_run_group_tests_name("flows", tests, NULL, NULL);
}
