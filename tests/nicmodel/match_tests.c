/* SPDX-License-Identifier: BSD-3-Clause */
/* Each item, by packets that it matches and neighbours that it must not match. */
#include "lab.h"

#include <stdio.h>

#define P4 "10.1.0.1 > 10.2.0.1 "
#define P6 "fd00::1 > fd00::2 "
#define PACKETS 6

/* `:` in front of a packet: it must not match. */
static const struct {
	const char *items;
	const char *packets[PACKETS];
} table[] = {
	/* Ethernet */
	{"eth", {P4 "udp 1>2", P6 "udp 1>2", "vlan=5 " P4 "udp 1>2", "type=0x0806 raw=0001"}},
	{"eth dst=02:00:00:00:00:09",
		{"dmac=02:00:00:00:00:09 " P4 "udp 1>2", ":dmac=02:00:00:00:00:08 " P4 "udp 1>2"}},
	{"eth dst=02:00:00:00:00:09&ff:ff:ff:00:00:00",
		{"dmac=02:00:00:11:22:33 " P4 "udp 1>2", ":dmac=02:00:01:00:00:09 " P4 "udp 1>2"}},
	{"eth type=0x0806", {"type=0x0806 raw=0001", ":type=0x0807 raw=0001", ":" P4 "udp 1>2"}},
	{"eth type=0x0800 / ipv4", {P4 "udp 1>2", ":vlan=5 " P4 "udp 1>2", ":" P6 "udp 1>2"}},
	{"eth type=0x0800", {P4 "udp 1>2", ":vlan=5 " P4 "udp 1>2"}},
	{"eth has_vlan=0", {P4 "udp 1>2", "type=0x0806 raw=0001", ":vlan=5 " P4 "udp 1>2"}},
	{"eth has_vlan=1",
		{"vlan=5 " P4 "udp 1>2", "vlan=5 vlan=6 " P6 "udp 1>2", ":" P4 "udp 1>2"}},
	{"eth has_vlan=1 / ipv4", {"vlan=5 " P4 "udp 1>2", "vlan=5 vlan=6 " P4 "udp 1>2",
					  ":" P4 "udp 1>2", ":vlan=5 " P6 "udp 1>2"}},
	/* The default mask of ETH has the addresses, not the type. */
	{"eth dst=02:00:00:00:00:09 src=00:00:00:00:00:00 type=0x0800 default",
		{":" P4 "udp 1>2", ":dmac=02:00:00:00:00:09 " P4 "udp 1>2"}},
	/* VLAN */
	{"eth / vlan", {"vlan=5 " P4 "udp 1>2", "vlan=5 vlan=6 " P4 "udp 1>2", ":" P4 "udp 1>2"}},
	{"eth / vlan tci=5&0x0fff",
		{"vlan=5 " P4 "udp 1>2", "vlan=5 vlan=6 " P4 "udp 1>2", ":vlan=6 " P4 "udp 1>2",
			":vlan=6 vlan=5 " P4 "udp 1>2"}},
	{"eth / vlan tci=5 default", {"vlan=5 " P4 "udp 1>2", ":vlan=4 " P4 "udp 1>2"}},
	{"eth / vlan inner_type=0x86dd", {"vlan=5 " P6 "udp 1>2", ":vlan=5 " P4 "udp 1>2"}},
	{"eth / vlan has_more_vlan=1",
		{"vlan=5 vlan=6 " P4 "udp 1>2", ":vlan=5 " P4 "udp 1>2", ":" P4 "udp 1>2"}},
	{"eth / vlan has_more_vlan=0", {":vlan=5 vlan=6 " P4 "udp 1>2", "vlan=5 " P4 "udp 1>2"}},
	{"eth / vlan tci=5 / vlan tci=6",
		{"vlan=5 vlan=6 " P4 "udp 1>2", ":vlan=6 vlan=5 " P4 "udp 1>2",
			":vlan=5 " P4 "udp 1>2"}},
	{"eth / vlan / ipv4", {"vlan=5 " P4 "udp 1>2", ":vlan=5 vlan=6 " P4 "udp 1>2",
				      ":" P4 "udp 1>2", ":vlan=5 " P6 "udp 1>2"}},
	{"eth / vlan / vlan / ipv4 / udp dport=2",
		{"vlan=5 vlan=6 " P4 "udp 1>2", ":vlan=5 " P4 "udp 1>2",
			":vlan=5 vlan=6 " P4 "udp 1>3"}},
	/* IPv4 */
	{"eth / ipv4", {P4 "udp 1>2", P4 "none", ":" P6 "udp 1>2", ":vlan=5 " P4 "udp 1>2"}},
	{"ipv4", {P4 "udp 1>2", ":" P6 "udp 1>2", ":type=0x0806 raw=0001"}},
	{"eth / ipv4 src=10.1.0.1", {P4 "udp 1>2", ":10.1.0.2 > 10.2.0.1 udp 1>2"}},
	{"eth / ipv4 dst=10.2.0.0&255.255.0.0",
		{P4 "udp 1>2", "1.1.1.1 > 10.2.255.255 udp 1>2", ":1.1.1.1 > 10.3.0.1 udp 1>2"}},
	{"eth / ipv4 dst=0.0.0.1&0.0.0.255", {P4 "udp 1>2", ":1.1.1.1 > 10.2.0.2 udp 1>2"}},
	{"eth / ipv4 src=10.1.0.1 dst=10.2.0.1 ttl=9 default",
		{P4 "udp 1>2", P4 "ttl=7 udp 1>2", ":10.1.0.1 > 10.2.0.2 udp 1>2"}},
	{"eth / ipv4 ttl=0..1", {P4 "ttl=0 udp 1>2", P4 "ttl=1 udp 1>2", ":" P4 "ttl=2 udp 1>2"}},
	{"eth / ipv4 ttl=1", {P4 "ttl=1 udp 1>2", ":" P4 "ttl=3 udp 1>2"}},
	{"eth / ipv4 ver=5&0x0f", {P4 "udp 1>2", ":" P4 "opt=01010101 udp 1>2"}},
	{"eth / ipv4 proto=17", {P4 "udp 1>2", P4 "frag=80 udp 1>2", ":" P4 "tcp 1>2 S"}},
	{"eth / ipv4 frag=0&0x3fff",
		{P4 "udp 1>2", ":" P4 "frag=0+ udp 1>2", ":" P4 "frag=80 udp 1>2"}},
	{"eth / ipv4 frag=0x2000&0x2000",
		{P4 "frag=0+ udp 1>2", P4 "frag=80+ udp 1>2", ":" P4 "frag=80 udp 1>2"}},
	{"eth / ipv4 frag=1..0x3fff&0x3fff",
		{P4 "frag=0+ udp 1>2", P4 "frag=80 udp 1>2", ":" P4 "udp 1>2"}},
	{"eth / ipv4 id=77", {P4 "id=77 udp 1>2", ":" P4 "id=78 udp 1>2"}},
	{"eth / ipv4 src=10.1.0.0..10.3.255.255",
		{P4 "udp 1>2", "10.3.255.255 > 1.1.1.1 udp 1>2", ":10.4.0.0 > 1.1.1.1 udp 1>2",
			":10.0.255.255 > 1.1.1.1 udp 1>2"}},
	/* rte_flow.rst's example: the mask is applied to both ends of the range. */
	{"eth / ipv4 src=10.1.2.3..10.3.4.5&255.255.0.0",
		{"10.1.0.0 > 1.1.1.1 udp 1>2", "10.3.255.255 > 1.1.1.1 udp 1>2",
			":10.4.0.0 > 1.1.1.1 udp 1>2", ":10.0.255.255 > 1.1.1.1 udp 1>2"}},
	/* IPv6 */
	{"eth / ipv6", {P6 "udp 1>2", P6 "hbh udp 1>2", ":" P4 "udp 1>2"}},
	{"eth / ipv6 src=fd00::1 dst=fd00::2", {P6 "udp 1>2", ":fd00::1 > fd00::3 udp 1>2"}},
	{"eth / ipv6 dst=fd00::&ffff:ffff:ffff:ffff::",
		{P6 "udp 1>2", "fd00::1 > fd00::dead udp 1>2", ":fd00::1 > fd00:0:0:1::2 udp 1>2"}},
	{"eth / ipv6 hop=1", {P6 "ttl=1 udp 1>2", ":" P6 "ttl=2 udp 1>2"}},
	{"eth / ipv6 proto=17", {P6 "udp 1>2", ":" P6 "hbh udp 1>2", ":" P6 "tcp 1>2 S"}},
	{"eth / ipv6 has_frag_ext=1",
		{P6 "frag=0+ udp 1>2", P6 "hbh frag=8 udp 1>2", ":" P6 "udp 1>2"}},
	{"eth / ipv6 has_frag_ext=0", {P6 "udp 1>2", P6 "hbh udp 1>2", ":" P6 "frag=0+ udp 1>2"}},
	{"eth / ipv6 has_hop_ext=1", {P6 "hbh udp 1>2", ":" P6 "dst udp 1>2"}},
	/* Only what is directly behind the IPv6 header is a transport header. */
	{"eth / ipv6 / udp", {P6 "udp 1>2", ":" P6 "hbh udp 1>2", ":" P6 "frag=0+ udp 1>2"}},
	/* TCP, UDP, SCTP */
	{"eth / ipv4 / tcp", {P4 "tcp 1>2 S", ":" P4 "udp 1>2", ":" P6 "tcp 1>2 S"}},
	{"eth / ipv4 / tcp sport=1 dport=2 default", {P4 "tcp 1>2 S", ":" P4 "tcp 1>3 S"}},
	{"eth / ipv4 / tcp dport=80&0xfff0", {P4 "tcp 1>95 S", ":" P4 "tcp 1>96 S"}},
	{"eth / ipv4 / tcp dport=80..90",
		{P4 "tcp 1>80 S", P4 "tcp 1>90 S", ":" P4 "tcp 1>79 S", ":" P4 "tcp 1>91 S"}},
	{"eth / ipv4 / tcp dport=80..80", {P4 "tcp 1>80 S", ":" P4 "tcp 1>81 S"}},
	{"eth / ipv4 / tcp flags=2&0x17",
		{P4 "tcp 1>2 S", P4 "tcp 1>2 SP", ":" P4 "tcp 1>2 SA", ":" P4 "tcp 1>2 A"}},
	{"eth / ipv4 / tcp flags=0&0x07", {P4 "tcp 1>2 A", P4 "tcp 1>2 AP", ":" P4 "tcp 1>2 FA"}},
	{"eth / ipv6 / tcp sport=1", {P6 "tcp 1>2 S", ":" P6 "tcp 2>2 S"}},
	{"eth / ipv4 / udp dport=53", {P4 "udp 1>53", ":" P4 "udp 1>54", ":" P4 "tcp 1>53 S"}},
	{"eth / ipv4 / sctp dport=9", {P4 "sctp 1>9 data", ":" P4 "sctp 1>8 data"}},
	{"eth / ipv6 / sctp sport=1", {P6 "sctp 1>9 data", ":" P6 "sctp 2>9 data"}},
	/* No transport header in fragments, nor behind options, unless a quirk says so. */
	{"eth / ipv4 / udp", {P4 "udp 1>2", ":" P4 "frag=0+ udp 1>2", ":" P4 "frag=80 udp 1>2",
				     ":" P4 "opt=01010101 udp 1>2"}},
	/* ICMP */
	{"eth / ipv4 / icmp", {P4 "icmp type=8", ":" P4 "udp 1>2"}},
	{"eth / ipv4 / icmp type=8", {P4 "icmp type=8 code=0", ":" P4 "icmp type=0"}},
	{"eth / ipv4 / icmp type=8 ident=7",
		{P4 "icmp type=8 icmpid=7", ":" P4 "icmp type=8 icmpid=6"}},
	{"eth / ipv4 / icmp type=3 code=4", {P4 "icmp type=3 code=4 / " P4 "udp 1>2",
						    ":" P4 "icmp type=3 code=3 / " P4 "udp 1>2"}},
	{"eth / ipv6 / icmp6 type=128", {P6 "icmp6 type=128", ":" P6 "icmp6 type=129"}},
	/* Not headers */
	{"void / eth / void / ipv4 / udp dport=2", {P4 "udp 1>2", ":" P4 "udp 1>3"}},
	/* Malformed headers are not what an item means. */
	{"eth / ipv4", {":" P4 "udp 1>2 set=16:ffff", ":" P4 "udp 1>2 set=14:44", P4 "udp 1>2"}},
	{"eth / ipv4 / udp", {":" P4 "udp 1>2 set=38:ffff", ":" P4 "l4=4 udp 1>2", P4 "udp 1>2"}},
	{"eth / ipv6 / udp", {":" P6 "udp 1>2 set=18:ffff", P6 "udp 1>2"}},
};

static void items_match(void **state)
{
	char rule[512];

	for (size_t i = 0; i < RTE_DIM(table); i++) {
		struct rte_flow *flow;
		uint64_t hits = 0;

		snprintf(rule, sizeof(rule), "ingress : %s : count / drop", table[i].items);
		flow = lab_rule(0, rule);
		for (unsigned int k = 0; k < PACKETS && table[i].packets[k] != NULL; k++) {
			const char *packet = table[i].packets[k];
			bool hit = packet[0] != ':';

			if (lab_dropped(0, hit ? packet : packet + 1) != hit)
				fail_msg("%s: %s", table[i].items, packet);
			hits += hit;
		}
		assert_int_equal(lab_hits(0, flow), hits);
		lab_destroy(0, flow);
	}
}

/* The same rules at once: what one of them drops, some of them drops; the others see nothing. */
static void other_ports_do_not_match(void **state)
{
	lab_rule(0, "ingress : eth : drop");
	assert_true(lab_dropped(0, P4 "udp 1>2"));
	assert_true(lab_passes(1, P4 "udp 1>2"));
}

static const struct {
	const char *rule;
	int error;
	enum rte_flow_error_type type;
} refused[] = {
	{"ingress : eth / vxlan : drop", ENOTSUP, RTE_FLOW_ERROR_TYPE_ITEM},
	{"ingress : eth dst=02:00:00:00:00:09 maskonly : drop", EINVAL,
		RTE_FLOW_ERROR_TYPE_ITEM_SPEC},
	{"ingress : eth / ipv4 / ipv6 : drop", ENOTSUP, RTE_FLOW_ERROR_TYPE_ITEM},
	{"ingress : eth / tcp : drop", ENOTSUP, RTE_FLOW_ERROR_TYPE_ITEM},
	{"ingress : eth / vlan / vlan / vlan : drop", EINVAL, RTE_FLOW_ERROR_TYPE_ITEM},
	{"ingress : eth has_vlan=0 / vlan : drop", EINVAL, RTE_FLOW_ERROR_TYPE_ITEM},
	{"ingress : ipv4 / eth : drop", EINVAL, RTE_FLOW_ERROR_TYPE_ITEM},
	{"ingress : eth / ipv6 / icmp : drop", EINVAL, RTE_FLOW_ERROR_TYPE_ITEM},
	{"ingress : eth / ipv4 / icmp6 : drop", EINVAL, RTE_FLOW_ERROR_TYPE_ITEM},
	{"ingress : eth / ipv4 / tcp dport=90..80 : drop", EINVAL, RTE_FLOW_ERROR_TYPE_ITEM_LAST},
	{"ingress : from=0 / eth : drop", EINVAL, RTE_FLOW_ERROR_TYPE_ITEM},
	{"group=0 : eth : drop", EINVAL, RTE_FLOW_ERROR_TYPE_ATTR},
};

static void nonsense_is_refused(void **state)
{
	struct nicmodel_rules rules;

	for (size_t i = 0; i < RTE_DIM(refused); i++)
		lab_refused(0, refused[i].rule, refused[i].error, refused[i].type);
	nicmodel_rules(lab.port[0], &rules);
	assert_int_equal(rules.refused, RTE_DIM(refused));
	assert_int_equal(rules.handles, 0);
}

static void ports_match_in_the_switch(void **state)
{
	char rule[128];
	struct lab_seen seen;

	snprintf(rule, sizeof(rule), "transfer : from=%u / eth / ipv4 : drop", lab.port[1]);
	lab_rule(0, rule);
	assert_true(lab_passes(0, P4 "udp 1>2"));
	assert_true(lab_dropped(1, P4 "udp 1>2"));
	/* What software sends does not come from the wire. */
	lab_transmit(1, P4 "udp 1>2", &seen);
	assert_true(seen.wire[1]);
	snprintf(rule, sizeof(rule), "transfer : app=%u / eth / ipv4 : drop", lab.port[1]);
	lab_rule(0, rule);
	lab_transmit(1, P4 "udp 1>2", &seen);
	assert_false(seen.wire[1]);
	lab_transmit(0, P4 "udp 1>2", &seen);
	assert_true(seen.wire[0]);
	snprintf(rule, sizeof(rule), "transfer : port_id=%u / eth / ipv6 : drop", lab.port[0]);
	lab_rule(0, rule);
	assert_true(lab_dropped(0, P6 "udp 1>2"));
	assert_true(lab_passes(1, P6 "udp 1>2"));
}

/* A rule for the switch that names no port matches what software sends as well. */
static void the_switch_sees_software(void **state)
{
	struct lab_seen seen;

	lab_rule(0, "transfer : eth / ipv4 / udp dport=2 : drop");
	assert_true(lab_dropped(0, P4 "udp 1>2"));
	assert_true(lab_dropped(1, P4 "udp 1>2"));
	lab_transmit(1, P4 "udp 1>2", &seen);
	assert_false(seen.wire[1]);
	lab_transmit(1, P4 "udp 1>3", &seen);
	assert_true(seen.wire[1]);
}

static void egress_matches_what_is_sent(void **state)
{
	struct lab_seen seen;

	lab_rule(0, "egress : eth / ipv4 / udp dport=2 : drop");
	assert_true(lab_passes(0, P4 "udp 1>2"));
	lab_transmit(0, P4 "udp 1>2", &seen);
	assert_false(seen.wire[0]);
	lab_transmit(0, P4 "udp 1>3", &seen);
	assert_true(seen.wire[0]);
	lab_transmit(1, P4 "udp 1>2", &seen);
	assert_true(seen.wire[1]);
}

/* Headers that lie across segments. */
static void segments_are_one_packet(void **state)
{
	lab_rule(0, "ingress : eth / ipv4 / tcp dport=80 : drop");
	assert_true(lab_dropped(0, P4 "tcp 1>80 S len=100 seg=10"));
	assert_true(lab_passes(0, P4 "tcp 1>81 S len=100 seg=10"));
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, lab_setup, lab_teardown)

int run_match_tests(void)
{
	static const struct CMUnitTest tests[] = {
		TEST(items_match),
		TEST(other_ports_do_not_match),
		TEST(nonsense_is_refused),
		TEST(ports_match_in_the_switch),
		TEST(the_switch_sees_software),
		TEST(egress_matches_what_is_sent),
		TEST(segments_are_one_packet),
	};

	return cmocka_run_group_tests_name("match", tests, NULL, NULL);
}
