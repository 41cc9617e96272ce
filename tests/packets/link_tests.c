/* SPDX-License-Identifier: BSD-3-Clause */
/* Link traffic: by the port's settings, if it is what it claims to be. */
#include "tests.h"

#include <string.h>

#define ARP "type=0x806 raw=0001080006040001020000000001c0000201000000000000c0000202"
#define LLC "424203"

/* Addresses and options as they are inside messages. */
#define LL1 "fe800000000000000000000000000001"
#define POD1 "fd000001000000000000000000000001"
#define POD2 "fd000001000000000000000000000002"
#define SLLA "0101020000000001"
#define TLLA "0201020000000001"
#define NONCE "0e01a1a2a3a4a5a6"
#define PREFIX "030440c000000e1000000e1000000000" POD1

#define NS(target) "icmp6 type=135 data=" target
#define NA(target) "icmp6 type=136 data=" target
#define RS "icmp6 type=133"
#define RA "icmp6 type=134 data=0000000000000000"
#define REDIRECT(target) "icmp6 type=137 data=" target POD2

/* Hop-by-hop: the router alert; it is 8 bytes after the addresses. */
#define ALERT "hbh set=56:050200000100"
#define MLD2_REPORT(records, n) ALERT " icmp6 type=143 set=68:000" n " data=" records
#define RECORD "04000000ff0200000000000000000001ff000001"

#define DHCP(op) "len=252 set=42:0" op "0106 set=278:63825363"
#define YIADDR(hex) "set=58:" hex
#define DHCP6(type) "data=0" type "aabbcc0001000a000300010200000000010006000400170018"
#define VRRP "ttl=255 192.0.2.1 > 224.0.0.18 proto=112 data=31016401006400000a000001"

struct link_case {
	const char *packet;
	uint32_t slot;	       /* built-in, when it is enabled and valid */
	unsigned int disabled; /* outcome without the port's permission */
};

static const struct link_case cases[] = {
	{ARP, TG_BUILTIN_ARP, D(LINK_TRAFFIC)},
	{"vlan=7 " ARP " pad=18", TG_BUILTIN_ARP, D(LINK_TRAFFIC)},
	/* what Linux sends: resolution, duplicate address detection with nonce, probes, answers */
	{"ttl=255 fe80::1 > ff02::1:ff00:1 " NS(POD1) SLLA, TG_BUILTIN_ND, D(LINK_TRAFFIC)},
	{"ttl=255 fd00:1::2 > ff02::1:ff00:1 " NS(POD1) SLLA, TG_BUILTIN_ND, D(LINK_TRAFFIC)},
	{"ttl=255 :: > ff02::1:ff00:1 " NS(POD1) NONCE, TG_BUILTIN_ND, D(LINK_TRAFFIC)},
	{"ttl=255 :: > ff02::1:ff00:1 " NS(LL1), TG_BUILTIN_ND, D(LINK_TRAFFIC)},
	{"ttl=255 fe80::2 > fd00:1::1 " NS(POD1) SLLA, TG_BUILTIN_ND, D(LINK_TRAFFIC)},
	{"ttl=255 fd00:1::1 > fd00:1::2 " NS(POD2), TG_BUILTIN_ND, D(LINK_TRAFFIC)},
	{"ttl=255 fd00:1::1 > fd00:1::9 " NA(POD1) TLLA " icmpid=0x6000", TG_BUILTIN_ND,
		D(LINK_TRAFFIC)},
	{"ttl=255 fd00:1::1 > fe80::1 " NA(POD1) TLLA, TG_BUILTIN_ND, D(LINK_TRAFFIC)},
	{"ttl=255 fe80::1 > fd00:1::1 " NA(LL1), TG_BUILTIN_ND, D(LINK_TRAFFIC)},
	{"ttl=255 fd00:1::1 > ff02::1 " NA(POD1) TLLA " icmpid=0x2000", TG_BUILTIN_ND,
		D(LINK_TRAFFIC)},
	{"ttl=255 fe80::1 > ff02::2 " RS " data=" SLLA, TG_BUILTIN_ND, D(LINK_TRAFFIC)},
	{"ttl=255 :: > ff02::2 " RS, TG_BUILTIN_ND, D(LINK_TRAFFIC)},
	{"ttl=255 fe80::1 > ff02::1 " RA SLLA "05010000000005dc" PREFIX PREFIX, TG_BUILTIN_ND,
		D(LINK_TRAFFIC)},
	{"ttl=255 fe80::1 > fd00:1::1 " REDIRECT(LL1) TLLA "0403000000000000" LL1, TG_BUILTIN_ND,
		D(LINK_TRAFFIC)},
	{"ttl=1 fe80::1 > ff02::16 " MLD2_REPORT(RECORD RECORD, "2"), TG_BUILTIN_MLD,
		D(LINK_TRAFFIC)},
	{"ttl=1 :: > ff02::16 " MLD2_REPORT(RECORD, "1"), TG_BUILTIN_MLD, D(LINK_TRAFFIC)},
	{"ttl=1 fe80::1 > ff02::1 " ALERT " icmp6 type=130 len=16", TG_BUILTIN_MLD,
		D(LINK_TRAFFIC)},
	{"ttl=1 fe80::1 > ff02::1 hbh set=56:010005020000 icmp6 type=130 len=20 set=88:0000",
		TG_BUILTIN_MLD, D(LINK_TRAFFIC)},
	{"ttl=1 10.1.0.1 > 224.0.0.22 opt=94040000 proto=2 data=22000000000000010400000"
	 "0e0000001",
		TG_BUILTIN_IGMP, D(LINK_TRAFFIC)},
	{"ttl=1 10.1.0.1 > 224.0.0.251 opt=94040000 proto=2 data=16000000e00000fb", TG_BUILTIN_IGMP,
		D(LINK_TRAFFIC)},
	{"ttl=1 0.0.0.0 > 224.0.0.1 proto=2 data=1164000000000000", TG_BUILTIN_IGMP,
		D(LINK_TRAFFIC)},
	{"0.0.0.0 > 255.255.255.255 udp 68>67 " DHCP("1"), TG_BUILTIN_DHCPV4, D(LINK_TRAFFIC)},
	{"10.1.0.1 > 255.255.255.255 udp 68>67 " DHCP("1"), TG_BUILTIN_DHCPV4, D(LINK_TRAFFIC)},
	{"10.1.0.254 > 255.255.255.255 udp 67>68 " DHCP("2"), TG_BUILTIN_DHCPV4, D(LINK_TRAFFIC)},
	{"fe80::1 > ff02::1:2 udp 546>547 " DHCP6("1"), TG_BUILTIN_DHCPV6, D(LINK_TRAFFIC)},
	{"fe80::1 > fe80::2 udp 546>547 " DHCP6("3"), TG_BUILTIN_DHCPV6, D(LINK_TRAFFIC)},
	{"fe80::2 > fe80::1 udp 547>546 " DHCP6("7"), TG_BUILTIN_DHCPV6, D(LINK_TRAFFIC)},
	{"dmac=01:80:c2:00:00:02 type=0x8809 raw=0101 pad=108", TG_BUILTIN_LACP, D(LINK_TRAFFIC)},
	{"dmac=01:80:c2:00:00:0e type=0x88cc raw=0207", TG_BUILTIN_LLDP, D(LINK_TRAFFIC)},
	{"dmac=01:80:c2:00:00:03 type=0x88cc raw=0207", TG_BUILTIN_LLDP, D(LINK_TRAFFIC)},
	{"dmac=01:80:c2:00:00:00 type=0x26 raw=" LLC "00000000 pad=39", TG_BUILTIN_STP,
		D(LINK_TRAFFIC)},
	{VRRP, TG_BUILTIN_VRRP, D(LINK_TRAFFIC)},
	{"ttl=255 fe80::1 > ff02::12 proto=112 data=3101640100640000" LL1, TG_BUILTIN_VRRP,
		D(LINK_TRAFFIC)},
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
		bool router = cases[i].slot >= TG_BUILTIN_BGP ||
			      strstr(cases[i].packet, "type=134") != NULL ||
			      strstr(cases[i].packet, "type=137") != NULL;
		unsigned int outcome = world_send(&w, INSIDE, cases[i].packet);

		if (outcome != (router ? cases[i].disabled : PASSED))
			fail_msg("\"%s\"", cases[i].packet);
	}
	world_stop(&w);
}

/* All of it from inside, where pods are, with every kind of link traffic allowed. */
static void play_as_pod(const struct line *lines, size_t n)
{
	struct world w;

	start_with(&w, all_links());
	world_play(&w, lines, n);
	world_stop(&w);
}

#define PLAY_AS_POD(lines) play_as_pod((lines), sizeof(lines) / sizeof((lines)[0]))

static void frames_that_are_no_link_traffic(void **state)
{
	static const struct line lines[] = {
		{INSIDE, "type=0x806 raw=0001080006040001", D(LINK_INVALID)}, /* truncated */
		{INSIDE,
			"type=0x806 raw=000108000604000002000000000100000000000000000000000000000000",
			D(LINK_INVALID)},		       /* no operation */
		{INSIDE, ARP " set=20:0003", D(LINK_INVALID)}, /* reverse ARP's */
		{INSIDE, "type=0x806 raw=0001080008040001020000000001c0000201000000000000c0000202",
			D(LINK_INVALID)},		  /* addresses of other sizes */
		{INSIDE, ARP " pad=19", D(LINK_INVALID)}, /* more than padding */
		{INSIDE, "dmac=02:00:00:00:00:09 type=0x8809 raw=0101", D(LINK_INVALID)},
		{INSIDE, "dmac=01:80:c2:00:00:02 type=0x8809 raw=0301", D(LINK_INVALID)},
		{INSIDE, "dmac=01:80:c2:00:00:02 type=0x8809 raw=0101 pad=113", D(LINK_INVALID)},
		{INSIDE, "dmac=02:00:00:00:00:09 type=0x88cc raw=0207", D(LINK_INVALID)},
		{INSIDE, "dmac=01:80:c2:00:00:0e type=0x88cc raw=ff07", D(LINK_INVALID)},
		{INSIDE, "dmac=01:80:c2:00:00:0e type=0x88cc raw=0207 pad=1499", D(LINK_INVALID)},
		{INSIDE, "type=0x26 raw=" LLC, D(LINK_INVALID)},
		{INSIDE, "dmac=01:80:c2:00:00:00 type=0x26 raw=" LLC, D(LINK_INVALID)},
		{INSIDE, "dmac=01:80:c2:00:00:00 type=0x26 raw=" LLC " pad=44", D(LINK_INVALID)},
	};

	PLAY_AS_POD(lines);
}

/* Neither the addresses nor the size nor the content are a pod's to choose. */
static void neighbour_discovery_is_no_tunnel(void **state)
{
	static const struct line lines[] = {
		{INSIDE, "ttl=254 fe80::1 > ff02::1:ff00:1 " NS(POD1), D(LINK_INVALID)},
		{INSIDE, "ttl=255 fe80::1 > ff02::1:ff00:1 code=1 " NS(POD1), D(LINK_INVALID)},
		{INSIDE, "ttl=255 fe80::1 > ff02::1:ff00:1 id=1 frag=0+ " NS(POD1),
			D(LINK_INVALID)},
		{INSIDE, "ttl=255 fe80::1 > ff02::1:ff00:1 id=1 frag=0 " NS(POD1), D(LINK_INVALID)},
		{INSIDE, "ttl=255 fe80::1 > ff02::1:ff00:1 dst " NS(POD1), D(LINK_INVALID)},
		/* solicitations: to the target or its group */
		{INSIDE, "ttl=255 fe80::1 > ff02::1:ff00:2 " NS(POD1), D(LINK_INVALID)},
		{INSIDE, "ttl=255 fe80::1 > ff02::1 " NS(POD1), D(LINK_INVALID)},
		{INSIDE, "ttl=255 fe80::1 > fd00:1::2 " NS(POD1), D(LINK_INVALID)},
		{INSIDE, "ttl=255 :: > fd00:1::1 " NS(POD1), D(LINK_INVALID)},
		{INSIDE, "ttl=255 :: > ff02::1:ff00:1 " NS(POD1) SLLA, D(LINK_INVALID)},
		{INSIDE, "ttl=255 fe80::1 > ff02::1:ff00:1 " NS("ff020000000000000000000000000001"),
			D(LINK_INVALID)},
		{INSIDE, "ttl=255 fd00:1::1 > 2001:db8::8 " NS("20010db8000000000000000000000008"),
			D(LINK_INVALID)},
		/* in a stranger's name, within the stranger's own /64 */
		{INSIDE,
			"ttl=255 2001:db8::1 > 2001:db8::8 " NS("20010db8000000000000000000000008"),
			D(LINK_INVALID)},
		{INSIDE, "ttl=255 2001:db8::1 > 2001:db8::8 " NA(POD1), D(LINK_INVALID)},
		/* advertisements */
		{INSIDE, "ttl=255 fd00:1::1 > 2001:db8::8 " NA(POD1), D(LINK_INVALID)},
		{INSIDE, "ttl=255 fd00:1::1 > fd00:1:0:1::9 " NA(POD1), D(LINK_INVALID)},
		{INSIDE, "ttl=255 fd00:1::1 > ff02::2 " NA(POD1), D(LINK_INVALID)},
		{INSIDE, "ttl=255 fd00:1::1 > ff02::1 icmpid=0x4000 " NA(POD1), D(LINK_INVALID)},
		{INSIDE, "ttl=255 :: > ff02::1 " NA(POD1), D(LINK_INVALID)},
		{INSIDE, "ttl=255 fd00:1::1 > fd00:1::1 " NA(POD1), D(LINK_INVALID)},
		/* router discovery */
		{INSIDE, "ttl=255 fd00:1::1 > 2001:db8::8 " RS, D(LINK_INVALID)},
		{INSIDE, "ttl=255 fd00:1::1 > fd00:1::9 " RS, D(LINK_INVALID)},
		{INSIDE, "ttl=255 fe80::1 > ff0e::2 " RS, D(LINK_INVALID)},
		{INSIDE, "ttl=255 :: > ff02::2 " RS " data=" SLLA, D(LINK_INVALID)},
		{OUTSIDE, "ttl=255 2001:db8::1 > ff02::1 " RA, D(LINK_INVALID)},
		{OUTSIDE, "ttl=255 fe80::1 > ff02::2 " RA, D(LINK_INVALID)},
		{OUTSIDE, "ttl=255 2001:db8::1 > fd00:1::1 " REDIRECT(LL1), D(LINK_INVALID)},
		{OUTSIDE, "ttl=255 fe80::1 > ff02::1 " REDIRECT(LL1), D(LINK_INVALID)},
		/* sizes */
		{INSIDE, "ttl=255 fe80::1 > ff02::1:ff00:1 icmp6 type=135", D(LINK_INVALID)},
		{INSIDE, "ttl=255 fe80::1 > ff02::2 " RS " l4=7", D(LINK_INVALID)},
		{OUTSIDE, "ttl=255 fe80::1 > ff02::1 icmp6 type=134", D(LINK_INVALID)},
		{OUTSIDE, "ttl=255 fe80::1 > fd00:1::1 icmp6 type=137 data=" LL1, D(LINK_INVALID)},
		{INSIDE, "ttl=255 fe80::1 > ff02::2 " RS " len=1200", D(LINK_INVALID)},
		{INSIDE, "ttl=255 fd00:1::1 > ff02::1 " NA(POD1) TLLA "00", D(LINK_INVALID)},
		{OUTSIDE, "ttl=255 fe80::1 > fd00:1::1 len=1240 " REDIRECT(LL1), D(LINK_INVALID)},
		/* options: none (of length 0), too long, twice, not here, not known, beyond the end
		 */
		{INSIDE, "ttl=255 fe80::1 > ff02::2 " RS " data=0100020000000001", D(LINK_INVALID)},
		{INSIDE, "ttl=255 fe80::1 > ff02::2 " RS " data=0102020000000001" SLLA,
			D(LINK_INVALID)},
		{INSIDE, "ttl=255 fe80::1 > ff02::2 " RS " data=" SLLA SLLA, D(LINK_INVALID)},
		{INSIDE, "ttl=255 fe80::1 > ff02::1:ff00:1 " NS(POD1) NONCE NONCE, D(LINK_INVALID)},
		{INSIDE, "ttl=255 fe80::1 > ff02::2 " RS " data=" TLLA, D(LINK_INVALID)},
		{INSIDE, "ttl=255 fe80::1 > ff02::1:ff00:1 " NS(POD1) PREFIX, D(LINK_INVALID)},
		{INSIDE, "ttl=255 fe80::1 > ff02::2 " RS " data=f001020000000001", D(LINK_INVALID)},
		{OUTSIDE, "ttl=255 fe80::1 > ff02::1 " RA "0304020000000001", D(LINK_INVALID)},
		{OUTSIDE, "ttl=255 fe80::1 > ff02::1 " RA "0501020000", D(LINK_INVALID)},
	};

	PLAY_AS_POD(lines);
}

static void group_membership_is_no_tunnel(void **state)
{
	static const struct line lines[] = {
		{INSIDE, "ttl=64 fe80::1 > ff02::16 " MLD2_REPORT(RECORD, "1"), D(LINK_INVALID)},
		{INSIDE, "ttl=1 fd00:1::1 > ff02::16 " MLD2_REPORT(RECORD, "1"), D(LINK_INVALID)},
		{INSIDE, "ttl=1 fe80::1 > fd00:1::1 " MLD2_REPORT(RECORD, "1"), D(LINK_INVALID)},
		{INSIDE, "ttl=1 fe80::1 > ff02::16 " MLD2_REPORT(RECORD, "2"), D(LINK_INVALID)},
		{INSIDE, "ttl=1 fe80::1 > ff02::16 " MLD2_REPORT(RECORD RECORD, "1"),
			D(LINK_INVALID)},
		/* no router alert, another option, nothing at all */
		{INSIDE, "ttl=1 fe80::1 > ff02::16 hbh icmp6 type=143 set=68:0000",
			D(LINK_INVALID)},
		{INSIDE, "ttl=1 fe80::1 > ff02::1 hbh set=56:050200001e00 icmp6 type=130 len=16",
			D(LINK_INVALID)},
		{INSIDE, "ttl=1 fe80::1 > ff02::1 icmp6 type=130 len=16", D(LINK_INVALID)},
		{INSIDE, "ttl=1 fe80::1 > ff02::1 " ALERT " dst icmp6 type=130 len=16",
			D(LINK_INVALID)},
		{INSIDE, "ttl=1 fe80::1 > ff02::1 " ALERT " icmp6 type=130 len=17",
			D(LINK_INVALID)},
		{INSIDE, "ttl=1 fe80::1 > ff02::9 " ALERT " icmp6 type=131 data=" POD1,
			D(LINK_INVALID)},
		{INSIDE, "ttl=1 fe80::1 > ff02::1 " ALERT " icmp6 type=132 data=" POD1,
			D(LINK_INVALID)},
		{INSIDE, "ttl=64 10.1.0.1 > 224.0.0.22 opt=94040000 proto=2 data=16000000e00000fb",
			D(LINK_INVALID)},
		{INSIDE, "ttl=1 10.1.0.1 > 10.1.0.2 opt=94040000 proto=2 data=16000000e00000fb",
			D(LINK_INVALID)},
		{INSIDE, "ttl=1 10.1.0.1 > 224.0.0.22 proto=2 data=16000000e00000fb",
			D(LINK_INVALID)},
		{INSIDE, "ttl=1 10.1.0.1 > 224.0.0.22 opt=07040000 proto=2 data=1164000000000000",
			D(LINK_INVALID)},
		{INSIDE, "ttl=1 10.1.0.1 > 224.0.0.22 opt=94040000 proto=2 data=1600000000000000ff",
			D(LINK_INVALID)},
		{INSIDE,
			"ttl=1 10.1.0.1 > 224.0.0.22 opt=94040000 proto=2 data=2200000000000002"
			"04000000e0000001",
			D(LINK_INVALID)},
		{INSIDE, "ttl=1 10.1.0.1 > 224.0.0.22 opt=94040000 proto=2 data=9900000000000000",
			D(LINK_INVALID)},
		{INSIDE, "ttl=1 10.1.0.1 > 224.0.0.1 proto=2 data=11640000", D(LINK_INVALID)},
		{INSIDE, "ttl=1 10.1.0.1 > 224.0.0.1 proto=2 len=1400 set=34:11", D(LINK_INVALID)},
	};

	PLAY_AS_POD(lines);
}

/* DHCP's ports alone are nothing: what could be routed, and what is no DHCP, is UDP to policies. */
static void dhcp_is_no_tunnel(void **state)
{
	static const struct line lines[] = {
		/* a renewal goes to the server itself */
		{INSIDE, "10.1.0.1 > 10.1.0.254 udp 68>67 " DHCP("1"), D(POLICY_EGRESS)},
		{INSIDE, "10.1.0.1 > 8.8.8.8 udp 68>67 " DHCP("1"), D(POLICY_EGRESS)},
		{INSIDE, "0.0.0.0 > 8.8.8.8 udp 68>67 " DHCP("1"), D(MARTIAN)},
		{INSIDE, "10.1.0.1 > 8.8.8.8 udp 67>68 " DHCP("2"), D(POLICY_EGRESS)},
		{INSIDE, "10.1.0.1 > 8.8.8.8 udp 67>68 " DHCP("2") " " YIADDR("08080808"),
			D(POLICY_EGRESS)},
		{INSIDE, "10.1.0.1 > 8.8.8.8 udp 67>68 len=10", D(POLICY_EGRESS)},
		/* an answer from where servers are, to the address that it assigns */
		{OUTSIDE, "10.1.0.254 > 10.1.0.200 udp 67>68 " DHCP("2") " " YIADDR("0a0100c8"),
			PASSED},
		{OUTSIDE, "8.8.8.8 > 10.1.0.2 udp 67>68 " DHCP("2") " " YIADDR("0a0100c8"),
			D(POLICY_INGRESS)},
		{OUTSIDE, "8.8.8.8 > 10.1.0.2 udp 67>68 " DHCP("1") " " YIADDR("0a010002"),
			D(POLICY_INGRESS)},
		/* relays */
		{INSIDE, "10.1.0.1 > 8.8.8.8 udp 67>67 " DHCP("1"), D(POLICY_EGRESS)},
		{INSIDE, "10.1.0.1 > 255.255.255.255 udp 67>67 " DHCP("1"), D(POLICY_EGRESS)},
		/* to everybody, but no DHCP: the operation, the cookie, a fragment, options, sizes
		 */
		{INSIDE, "10.1.0.1 > 255.255.255.255 udp 68>67 " DHCP("2"), D(POLICY_EGRESS)},
		{INSIDE, "10.1.0.1 > 255.255.255.255 udp 67>68 " DHCP("1"), D(POLICY_EGRESS)},
		{INSIDE, "10.1.0.1 > 255.255.255.255 udp 68>67 len=252 set=42:010106",
			D(POLICY_EGRESS)},
		{INSIDE, "10.1.0.1 > 255.255.255.255 udp 68>67 len=239 set=42:010106",
			D(POLICY_EGRESS)},
		{INSIDE, "10.1.0.1 > 255.255.255.255 id=3 frag=0+ udp 68>67 " DHCP("1"),
			D(MALFORMED_L3)},
		{INSIDE,
			"10.1.0.1 > 255.255.255.255 opt=01010100 udp 68>67 len=252"
			" set=46:010106 set=282:63825363",
			D(POLICY_EGRESS)},
		{INSIDE, "10.1.0.1 > 255.255.255.255 udp 68>67 " DHCP("1") " set=38:0084",
			D(POLICY_EGRESS)}, /* more in the datagram than UDP says */
		{INSIDE, "127.0.0.1 > 255.255.255.255 udp 68>67 " DHCP("1"), D(MARTIAN)},
		{INSIDE, "fd00:1::1 > ff02::1:2 udp 546>547 " DHCP6("1"), D(LINK_INVALID)},
		{INSIDE, "fe80::1 > ff02::1:2 udp 1000>547 " DHCP6("1"), D(LINK_INVALID)},
		{INSIDE, "fe80::1 > ff02::1:2 udp 546>547 " DHCP6("7"), D(LINK_INVALID)},
		{INSIDE, "fe80::1 > ff02::1:2 udp 546>547 " DHCP6("1") "00", D(LINK_INVALID)},
		{INSIDE, "fe80::1 > ff02::1:2 udp 546>547 len=1000 data=01", D(LINK_INVALID)},
		{INSIDE, "fe80::1 > ff02::1:2 hbh udp 546>547 " DHCP6("1"), D(LINK_INVALID)},
		{INSIDE, "fd00:1::1 > 2001:db8::8 udp 546>547 " DHCP6("1"), D(POLICY_EGRESS)},
		{INSIDE, "fd00:1::1 > 2001:db8::8 udp 547>546 " DHCP6("7"), D(POLICY_EGRESS)},
		{INSIDE, "fd00:1::1 > fe80::1 udp 547>546 " DHCP6("7"), D(POLICY_EGRESS)},
	};

	PLAY_AS_POD(lines);
}

/* A pod that speaks like a router is a pod. */
static void pods_are_no_routers(void **state)
{
	static const struct line lines[] = {
		{INSIDE, "ttl=255 10.1.0.1 > 8.8.8.8 tcp 179>443 A", D(TCP_NO_CONNECTION)},
		{INSIDE, "ttl=255 10.1.0.1 > 8.8.8.8 tcp 179>443 S", D(POLICY_EGRESS)},
		{OUTSIDE, "ttl=255 9.9.9.9 > 10.1.0.1 tcp 40000>179 S", D(POLICY_INGRESS)},
		{INSIDE, "ttl=255 10.1.0.1 > 8.8.8.8 udp 1>3784", D(POLICY_EGRESS)},
		{INSIDE, "ttl=255 192.0.2.1 > 192.0.2.2 udp 1>3784 len=65", D(TRANSIT)},
		{INSIDE, "ttl=255 10.1.0.1 > 224.0.0.18 proto=112 data=3101640000640000",
			D(LINK_INVALID)},
		{INSIDE, VRRP " ttl=254", D(LINK_INVALID)},
		{INSIDE, VRRP " set=37:02", D(LINK_INVALID)}, /* an address more than there is */
		{INSIDE, VRRP " set=34:32", D(LINK_INVALID)}, /* no advertisement */
		{INSIDE, VRRP "00", D(LINK_INVALID)},
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
	static const char ra[] = "ttl=255 fe80::1 > ff02::1 " RA;
	static const char redirect[] = "ttl=255 fe80::1 > fd00:1::1 " REDIRECT(LL1);
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
		cmocka_unit_test(frames_that_are_no_link_traffic),
		cmocka_unit_test(neighbour_discovery_is_no_tunnel),
		cmocka_unit_test(group_membership_is_no_tunnel),
		cmocka_unit_test(dhcp_is_no_tunnel),
		cmocka_unit_test(pods_are_no_routers),
		cmocka_unit_test(advertisements_and_redirects_have_bits_of_their_own),
	};

	return cmocka_run_group_tests_name("link", tests, NULL, NULL);
}
