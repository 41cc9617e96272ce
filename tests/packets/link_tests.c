/* SPDX-License-Identifier: BSD-3-Clause */
/* Link traffic: by the port's settings, if it is what it claims to be. */
#include "tests.h"

#define D(reason) TG_DROP_##reason

#define ARP "type=0x806 raw=0001080006040001020000000001c0000201000000000000c0000202"
#define LLC "424203"

struct link_case {
	const char *packet;
	uint32_t slot;	       /* built-in, when it is enabled and valid */
	unsigned int disabled; /* outcome without the port's permission */
};

static const struct link_case cases[] = {
	{ARP, TG_BUILTIN_ARP, D(LINK_TRAFFIC)},
	{"vlan=7 " ARP " pad=18", TG_BUILTIN_ARP, D(LINK_TRAFFIC)},
	{"ttl=255 fe80::1 > ff02::1:ff00:1 icmp6 type=135", TG_BUILTIN_ND, D(LINK_TRAFFIC)},
	{"ttl=255 :: > ff02::1:ff00:1 icmp6 type=135", TG_BUILTIN_ND, D(LINK_TRAFFIC)},
	{"ttl=255 fd00:1::1 > fe80::1 icmp6 type=136", TG_BUILTIN_ND, D(LINK_TRAFFIC)},
	{"ttl=255 fe80::1 > ff02::2 icmp6 type=133", TG_BUILTIN_ND, D(LINK_TRAFFIC)},
	{"ttl=1 fe80::1 > ff02::16 hbh icmp6 type=143", TG_BUILTIN_MLD, D(LINK_TRAFFIC)},
	{"ttl=1 :: > ff02::16 hbh icmp6 type=143", TG_BUILTIN_MLD, D(LINK_TRAFFIC)},
	{"ttl=1 fe80::1 > ff02::1 hbh icmp6 type=130", TG_BUILTIN_MLD, D(LINK_TRAFFIC)},
	{"ttl=1 10.1.0.1 > 224.0.0.22 opt=94040000 proto=2 len=8", TG_BUILTIN_IGMP,
		D(LINK_TRAFFIC)},
	{"ttl=1 0.0.0.0 > 224.0.0.1 proto=2 len=8", TG_BUILTIN_IGMP, D(LINK_TRAFFIC)},
	{"0.0.0.0 > 255.255.255.255 udp 68>67 len=240", TG_BUILTIN_DHCPV4, D(LINK_TRAFFIC)},
	{"10.1.0.1 > 255.255.255.255 udp 68>67 len=240", TG_BUILTIN_DHCPV4, D(LINK_TRAFFIC)},
	{"10.1.0.254 > 255.255.255.255 udp 67>68 len=240", TG_BUILTIN_DHCPV4, D(LINK_TRAFFIC)},
	{"10.1.0.254 > 10.1.0.200 udp 67>68 len=240", TG_BUILTIN_DHCPV4, D(LINK_TRAFFIC)},
	{"fe80::1 > ff02::1:2 udp 546>547 len=60", TG_BUILTIN_DHCPV6, D(LINK_TRAFFIC)},
	{"fe80::2 > fe80::1 udp 547>546 len=60", TG_BUILTIN_DHCPV6, D(LINK_TRAFFIC)},
	{"dmac=01:80:c2:00:00:02 type=0x8809 raw=0101", TG_BUILTIN_LACP, D(LINK_TRAFFIC)},
	{"dmac=01:80:c2:00:00:0e type=0x88cc raw=0207", TG_BUILTIN_LLDP, D(LINK_TRAFFIC)},
	{"dmac=01:80:c2:00:00:03 type=0x88cc raw=0207", TG_BUILTIN_LLDP, D(LINK_TRAFFIC)},
	{"dmac=01:80:c2:00:00:00 type=0x26 raw=" LLC "00000000", TG_BUILTIN_STP, D(LINK_TRAFFIC)},
	{"ttl=255 192.0.2.1 > 224.0.0.18 proto=112 len=20", TG_BUILTIN_VRRP, D(LINK_TRAFFIC)},
	{"ttl=255 fe80::1 > ff02::12 proto=112 len=20", TG_BUILTIN_VRRP, D(LINK_TRAFFIC)},
	/* between routers: what the port does not list is judged like anything else */
	{"ttl=1 192.0.2.1 > 192.0.2.2 tcp 40000>179 S", TG_BUILTIN_BGP, D(TRANSIT)},
	{"ttl=255 192.0.2.1 > 192.0.2.2 tcp 179>40000 A", TG_BUILTIN_BGP, D(TCP_NO_CONNECTION)},
	{"ttl=255 192.0.2.1 > 192.0.2.2 udp 49152>3784 len=24", TG_BUILTIN_BFD, D(TRANSIT)},
	{"ttl=255 10.0.0.10 > 192.0.2.2 udp 49152>3784 len=24", TG_BUILTIN_BFD, D(NODE_TRAFFIC)},
};

#define CASES (sizeof(cases) / sizeof(cases[0]))

static uint32_t all_links(void)
{
	uint32_t links = TG_LINK_RA | TG_LINK_REDIRECT;

	for (uint32_t slot = TG_BUILTIN_ARP; slot <= TG_BUILTIN_VRRP; slot++)
		links |= 1u << slot;
	return links;
}

static void start_with(struct world *w, uint32_t links)
{
	world_defaults(w);
	for (unsigned int i = 0; i < WORLD_PORTS; i++)
		w->config.ports[i].link_pass = links;
	world_start(w);
	world_rules(w, 0);
}

static void what_a_port_lists_passes_and_is_counted(void **state)
{
	struct world w;

	for (size_t i = 0; i < CASES; i++) {
		start_with(&w, all_links());
		if (world_send(&w, INSIDE, cases[i].packet) != PASSED)
			fail_msg("\"%s\" did not pass", cases[i].packet);
		if (world_slot(&w, cases[i].slot).packets != 1)
			fail_msg("\"%s\" was not counted", cases[i].packet);
		assert_int_equal(world_stats(&w).conn_created, 0);
		/* with or without a ruleset */
		world_no_rules(&w);
		if (world_send(&w, INSIDE, cases[i].packet) != PASSED)
			fail_msg("\"%s\" did not pass without ruleset", cases[i].packet);
		world_stop(&w);
	}
}

static void what_it_does_not_list_stops(void **state)
{
	struct world w;

	start_with(&w, 0);
	for (size_t i = 0; i < CASES; i++) {
		if (world_send(&w, INSIDE, cases[i].packet) != cases[i].disabled)
			fail_msg("\"%s\"", cases[i].packet);
	}
	world_stop(&w);
}

static void shipped_defaults_keep_a_cluster_alive_and_no_more(void **state)
{
	struct world w;

	start_with(&w, TG_LINK_DEFAULT);
	for (size_t i = 0; i < CASES; i++) {
		bool router = cases[i].slot >= TG_BUILTIN_BGP;
		unsigned int outcome = world_send(&w, INSIDE, cases[i].packet);

		if (outcome != (router ? cases[i].disabled : PASSED))
			fail_msg("\"%s\"", cases[i].packet);
	}
	world_stop(&w);
}

static void what_is_no_link_traffic_does_not_pass_as_such(void **state)
{
	static const struct line lines[] = {
		{INSIDE, "type=0x806 raw=0001080006040001", D(LINK_INVALID)}, /* truncated */
		{INSIDE,
			"type=0x806 raw=000108000604000002000000000100000000000000000000000000000000",
			D(LINK_INVALID)}, /* no operation */
		{INSIDE, "type=0x806 raw=0001080008040001020000000001c0000201000000000000c0000202",
			D(LINK_INVALID)}, /* addresses of other sizes */
		{INSIDE, "ttl=254 fe80::1 > ff02::1:ff00:1 icmp6 type=135", D(LINK_INVALID)},
		{INSIDE, "ttl=255 fe80::1 > ff02::1:ff00:1 icmp6 type=135 code=1", D(LINK_INVALID)},
		{INSIDE, "ttl=255 fe80::1 > fd00:1::1 id=1 frag=0+ icmp6 type=135 len=16",
			D(LINK_INVALID)},
		{OUTSIDE, "ttl=255 2001:db8::1 > ff02::1 icmp6 type=134", D(LINK_INVALID)},
		{INSIDE, "ttl=64 fe80::1 > ff02::16 hbh icmp6 type=143", D(LINK_INVALID)},
		{INSIDE, "ttl=1 fd00:1::1 > ff02::16 hbh icmp6 type=143", D(LINK_INVALID)},
		{INSIDE, "ttl=1 fe80::1 > fd00:1::1 hbh icmp6 type=143", D(LINK_INVALID)},
		{INSIDE, "ttl=64 10.1.0.1 > 224.0.0.22 proto=2 len=8", D(LINK_INVALID)},
		{INSIDE, "ttl=1 10.1.0.1 > 10.1.0.2 proto=2 len=8", D(LINK_INVALID)},
		{INSIDE, "fd00:1::1 > ff02::1:2 udp 546>547", D(LINK_INVALID)},
		{INSIDE, "fe80::1 > ff02::1:2 udp 1000>547", D(LINK_INVALID)},
		{INSIDE, "dmac=02:00:00:00:00:09 type=0x8809 raw=0101", D(LINK_INVALID)},
		{INSIDE, "dmac=02:00:00:00:00:09 type=0x88cc raw=0207", D(LINK_INVALID)},
		{INSIDE, "type=0x26 raw=" LLC, D(LINK_INVALID)},
		{INSIDE, "ttl=64 192.0.2.1 > 224.0.0.18 proto=112 len=20", D(LINK_INVALID)},
		/* a renewal goes to the server itself, and is judged */
		{INSIDE, "10.1.0.1 > 10.1.0.254 udp 68>67 len=240", D(POLICY_EGRESS)},
		{INSIDE, "10.1.0.1 > 8.8.8.8 udp 68>67 len=240", D(POLICY_EGRESS)},
		{INSIDE, "fd00:1::1 > 2001:db8::8 udp 546>547", D(POLICY_EGRESS)},
	};
	struct world w;

	start_with(&w, all_links());
	PLAY(&w, lines);
	world_stop(&w);
}

/* A pod that speaks like a router is a pod. */
static void pods_are_no_routers(void **state)
{
	static const struct line lines[] = {
		{INSIDE, "ttl=255 10.1.0.1 > 8.8.8.8 tcp 179>443 A", D(TCP_NO_CONNECTION)},
		{INSIDE, "ttl=255 10.1.0.1 > 8.8.8.8 tcp 179>443 S", D(POLICY_EGRESS)},
		{OUTSIDE, "ttl=255 9.9.9.9 > 10.1.0.1 tcp 40000>179 S", D(POLICY_INGRESS)},
		{INSIDE, "ttl=255 10.1.0.1 > 8.8.8.8 udp 1>3784", D(POLICY_EGRESS)},
		{INSIDE, "ttl=255 10.1.0.9 > 8.8.8.8 udp 1>3784", D(UNKNOWN_ENDPOINT)},
		{INSIDE, "ttl=64 192.0.2.1 > 192.0.2.2 tcp 40000>179 S", D(TRANSIT)},
		{INSIDE, "ttl=64 192.0.2.1 > 192.0.2.2 udp 40000>3784", D(TRANSIT)},
	};
	struct world w;

	start_with(&w, all_links());
	PLAY(&w, lines);
	world_stop(&w);
}

static void advertisements_and_redirects_have_bits_of_their_own(void **state)
{
	static const char ra[] = "ttl=255 fe80::1 > ff02::1 icmp6 type=134";
	static const char redirect[] = "ttl=255 fe80::1 > fd00:1::1 icmp6 type=137";
	struct world w;

	start_with(&w, TG_LINK(ND));
	assert_int_equal(world_send(&w, OUTSIDE, ra), D(LINK_TRAFFIC));
	assert_int_equal(world_send(&w, OUTSIDE, redirect), D(LINK_TRAFFIC));
	world_stop(&w);
	start_with(&w, TG_LINK(ND) | TG_LINK_RA);
	assert_int_equal(world_send(&w, OUTSIDE, ra), PASSED);
	assert_int_equal(world_send(&w, OUTSIDE, redirect), D(LINK_TRAFFIC));
	world_stop(&w);
	start_with(&w, TG_LINK(ND) | TG_LINK_REDIRECT);
	assert_int_equal(world_send(&w, OUTSIDE, ra), D(LINK_TRAFFIC));
	assert_int_equal(world_send(&w, OUTSIDE, redirect), PASSED);
	world_stop(&w);
}

int run_link_tests(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_a_port_lists_passes_and_is_counted),
		cmocka_unit_test(what_it_does_not_list_stops),
		cmocka_unit_test(shipped_defaults_keep_a_cluster_alive_and_no_more),
		cmocka_unit_test(what_is_no_link_traffic_does_not_pass_as_such),
		cmocka_unit_test(pods_are_no_routers),
		cmocka_unit_test(advertisements_and_redirects_have_bits_of_their_own),
	};

	return cmocka_run_group_tests_name("link", tests, NULL, NULL);
}
