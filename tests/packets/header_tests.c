/* SPDX-License-Identifier: BSD-3-Clause */
/* Headers that are damaged, inconsistent or refused; addresses that cannot be. */
#include "parse_quick.h"
#include "tests.h"

#include <stdio.h>
#include <string.h>

#define UDP4 "10.1.0.1 > 8.8.8.8 udp 4000>53 "
#define TCP4 "10.1.0.1 > 8.8.8.8 tcp 4000>80 S "
#define UDP6 "fd00:1::1 > 2001:db8::8 udp 4000>53 "

static void truncated_frames_are_malformed_at_their_layer(void **state)
{
	static const struct line lines[] = {
		{INSIDE, UDP4 "cut=13", D(MALFORMED_L2)},
		{INSIDE, "vlan=5 " UDP4 "cut=17", D(MALFORMED_L2)},
		{INSIDE, "vlan=5 vlan=6 " UDP4 "cut=20", D(MALFORMED_L2)},
		{INSIDE, UDP4 "cut=14", D(MALFORMED_L3)},
		{INSIDE, UDP4 "cut=33", D(MALFORMED_L3)},
		{INSIDE, UDP4 "cut=41", D(MALFORMED_L3)}, /* shorter than its total length */
		{INSIDE, UDP6 "cut=53", D(MALFORMED_L3)},
		{INSIDE, UDP6 "cut=61", D(MALFORMED_L3)},
		{INSIDE, UDP6 "cut=61 seg=9", D(MALFORMED_L3)},
	};

	PLAY_FRESH(lines);
}

static void lengths_have_to_agree(void **state)
{
	static const struct line lines[] = {
		{INSIDE, UDP4 "set=14:35", D(MALFORMED_L3)},   /* version 3 */
		{INSIDE, UDP4 "set=14:44", D(MALFORMED_L3)},   /* header of 16 bytes */
		{INSIDE, UDP4 "set=14:4f", D(MALFORMED_L3)},   /* longer than the datagram */
		{INSIDE, UDP4 "set=16:0013", D(MALFORMED_L3)}, /* total length 19 */
		{INSIDE, UDP4 "set=16:ffff", D(MALFORMED_L3)},
		{INSIDE, UDP4 "set=16:001b", D(MALFORMED_L4)}, /* 7 bytes of UDP */
		{INSIDE, UDP4 "set=38:0007", D(MALFORMED_L4)}, /* UDP length below its header */
		{INSIDE, UDP4 "set=38:0009", D(MALFORMED_L4)}, /* and beyond the datagram */
		{INSIDE, UDP4 "set=38:0000", D(MALFORMED_L4)},
		{INSIDE, UDP4 "len=8 set=38:000c", PASSED}, /* shorter than the datagram is legal */
		{INSIDE, TCP4 "set=46:40", D(MALFORMED_L4)}, /* data offset 4 */
		{INSIDE, TCP4 "set=46:60", D(MALFORMED_L4)}, /* beyond the segment */
		{INSIDE, UDP6 "set=14:40", D(MALFORMED_L3)}, /* version 4 in an IPv6 frame */
		{INSIDE, UDP6 "set=18:ffff", D(MALFORMED_L3)},
		{INSIDE, UDP6 "set=18:0000", D(MALFORMED_L4)}, /* a jumbogram is none */
		{INSIDE, "10.1.0.1 > 8.8.8.8 sctp 1>3868 init=11 set=16:0023", D(MALFORMED_L4)},
		{INSIDE, "10.1.0.1 > 8.8.8.8 icmp type=8 set=16:001b", D(MALFORMED_L4)},
		{INSIDE, "10.1.0.1 > 8.8.8.8 tcp 1>80 S set=16:0027", D(MALFORMED_L4)},
	};

	PLAY_FRESH(lines);
}

static void source_routes_are_refused(void **state)
{
	static const struct line lines[] = {
		{INSIDE, "10.1.0.1 > 8.8.8.8 opt=830704c0000201 udp 4000>53", D(IP_OPTIONS)},
		{INSIDE, "10.1.0.1 > 8.8.8.8 opt=01890704c0000201 udp 4000>53", D(IP_OPTIONS)},
		{INSIDE, "10.1.0.1 > 8.8.8.8 opt=94040000 udp 4000>53", PASSED}, /* router alert */
		{INSIDE, "10.1.0.1 > 8.8.8.8 opt=0709040000000000 udp 4000>53", D(MALFORMED_L3)},
		{INSIDE, "10.1.0.1 > 8.8.8.8 opt=07010000 udp 4000>53", D(MALFORMED_L3)},
		{INSIDE, "10.1.0.1 > 8.8.8.8 opt=01010107 udp 4000>53", D(MALFORMED_L3)},
		{INSIDE, "10.1.0.1 > 8.8.8.8 opt=00830704 udp 4000>53", PASSED}, /* after the end */
		{INSIDE, "fd00:1::1 > 2001:db8::8 rt=0 udp 4000>53", D(IP_OPTIONS)},
		{INSIDE, "fd00:1::1 > 2001:db8::8 dst hbh udp 4000>53", D(IP_OPTIONS)},
		{INSIDE, "fd00:1::1 > 2001:db8::8 id=1 frag=0+ frag=0+ udp 1>53", D(IP_OPTIONS)},
		{INSIDE, "fd00:1::1 > 2001:db8::8 dst dst dst dst dst dst dst dst udp 4000>53",
			PASSED},
		{INSIDE, "fd00:1::1 > 2001:db8::8 dst dst dst dst dst dst dst dst dst udp 4000>53",
			D(IP_OPTIONS)},
		{INSIDE, "fd00:1::1 > 2001:db8::8 hbh udp 4000>53 set=55:ff", D(MALFORMED_L3)},
		{INSIDE, "fd00:1::1 > 2001:db8::8 hbh proto=59 cut=60 set=18:0006",
			D(MALFORMED_L3)},
	};

	PLAY_FRESH(lines);
}

static void impossible_addresses_are_martians(void **state)
{
	static const struct {
		const char *src, *dst;
	} pairs[] = {
		{"10.1.0.1", "10.1.0.1"},
		{"127.0.0.1", "10.1.0.1"},
		{"10.1.0.1", "127.0.0.1"},
		{"0.0.0.0", "10.1.0.1"},
		{"0.1.2.3", "10.1.0.1"},
		{"10.1.0.1", "0.0.0.1"},
		{"224.0.0.1", "10.1.0.1"},
		{"239.255.255.255", "10.1.0.1"},
		{"240.0.0.1", "10.1.0.1"},
		{"255.255.255.255", "10.1.0.1"},
		{"10.1.0.1", "240.0.0.1"},
		{"fd00:1::1", "fd00:1::1"},
		{"::1", "fd00:1::1"},
		{"fd00:1::1", "::1"},
		{"::", "fd00:1::1"},
		{"fd00:1::1", "::"},
		{"ff02::1", "fd00:1::1"},
		{"::ffff:10.1.0.2", "fd00:1::1"},
		{"fd00:1::1", "::ffff:10.1.0.2"},
	};
	struct world w;
	char text[128];

	world_ready(&w);
	for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
		snprintf(text, sizeof(text), "%s > %s udp 4000>53", pairs[i].src, pairs[i].dst);
		if (world_send(&w, INSIDE, text) != D(MARTIAN))
			fail_msg("%s is no martian", text);
	}
	world_stop(&w);
}

static void multicast_destinations_are_judged(void **state)
{
	static const struct line lines[] = {
		{INSIDE, "10.1.0.1 > 224.0.0.251 udp 5353>5353", D(POLICY_EGRESS)},
		{INSIDE, "10.1.0.4 > 224.0.0.251 udp 5353>5353", PASSED},
		{INSIDE, "10.1.0.4 > 255.255.255.255 udp 1>9", PASSED},
		{INSIDE, "fd00:1::4 > ff02::fb udp 5353>5353", PASSED},
		{INSIDE, "fd00:1::1 > ff02::fb udp 5353>5353", D(POLICY_EGRESS)},
	};

	PLAY_FRESH(lines);
}

static void other_ethertypes_are_not_judged(void **state)
{
	static const struct line lines[] = {
		{INSIDE, "type=0x888e raw=0101000000", D(ETHERTYPE)},
		{INSIDE, "type=0x8847 raw=00010140", D(ETHERTYPE)},
		{INSIDE, "type=0x8808 raw=0001ffff", D(ETHERTYPE)},
		{INSIDE, "type=0x0010 raw=aaaa03000000", D(ETHERTYPE)},
		{INSIDE, "type=0x0800 raw=", D(MALFORMED_L3)},
	};

	PLAY_FRESH(lines);
}

/* Every prefix of good packets: nothing is read past the end, nothing damaged passes. */
static void every_truncation_is_survived(void **state)
{
	static const char *const whole[] = {
		"vlan=1 vlan=2 10.1.0.1 > 8.8.8.8 opt=94040000 tcp 4000>80 S ws=7 len=20",
		"fd00:1::1 > 2001:db8::8 hbh dst rt=4 ah tcp 4000>80 S ws=7 len=20",
		"fd00:1::1 > 2001:db8::8 hbh id=7 frag=0 dst udp 4000>53 len=20",
		"8.8.8.8 > 10.1.0.1 icmp type=3 / 10.1.0.1 > 8.8.8.8 udp 4000>53",
		"2001:db8::8 > fd00:1::1 icmp6 type=1 / fd00:1::1 > 2001:db8::8 hbh udp 4000>53",
		"10.1.0.1 > 8.8.8.8 sctp 4000>3868 init=11",
	};
	struct world w;
	char text[256];

	world_ready(&w);
	for (size_t i = 0; i < sizeof(whole) / sizeof(whole[0]); i++) {
		struct packet packet;

		packet_make(&packet, whole[i]);
		for (size_t cut = 1; cut < packet.size; cut++) {
			snprintf(text, sizeof(text), "%s", whole[i]);
			/* the words that are about the frame go before the quotation */
			char *quoted = strstr(text, " / ");
			char tail[200] = "";

			if (quoted != NULL) {
				snprintf(tail, sizeof(tail), "%s", quoted);
				*quoted = '\0';
			}
			snprintf(text + strlen(text), sizeof(text) - strlen(text),
				" cut=%zu seg=%zu%s", cut, cut / 3 + 1, tail);
			if (world_send(&w, i == 3 || i == 4 ? OUTSIDE : INSIDE, text) >= PASSED)
				fail_msg("\"%s\" was not dropped", text);
		}
	}
	world_stop(&w);
}

static void assert_same_parse(const struct tg_packet *a, const struct tg_packet *b)
{
	assert_int_equal(a->outcome, b->outcome);
	assert_int_equal(a->flags, b->flags);
	assert_int_equal(a->key.addr.v4, b->key.addr.v4);
	assert_int_equal(a->key.tail, b->key.tail);
	assert_int_equal(a->dir, b->dir);
	assert_int_equal(a->family, b->family);
	assert_int_equal(a->protocol, b->protocol);
	assert_int_equal(a->sport, b->sport);
	assert_int_equal(a->dport, b->dport);
	assert_int_equal(a->length, b->length);
	assert_int_equal(a->l3_length, b->l3_length);
	if (a->protocol == 6)
		assert_memory_equal(&a->seg, &b->seg, sizeof(a->seg));
}

/* The quick parser takes the common packets, and never says anything but what the full one does. */
static void the_quick_parser_agrees_with_the_full_one(void **state)
{
	enum { MUTANTS = 20000 };
	static const char *const common[] = {
		"10.1.0.1 > 8.8.8.8 tcp 4000>80 A seq=1 ack=2 len=100",
		"8.8.8.8 > 10.1.0.1 tcp 80>4000 PA seq=1 ack=2 len=1",
		"10.1.0.1 > 8.8.8.8 udp 4000>53 len=12 pad=6",
		"8.8.8.8 > 10.1.0.1 udp 53>4000 len=300",
	};
	unsigned int taken = 0;
	uint64_t seed = 99;
	struct world w;

	world_defaults(&w);
	for (unsigned int i = 0; i < MUTANTS; i++) {
		struct tg_packet quick = {0}, full = {0};
		struct packet packet;

		packet_make(&packet, common[i % 4]);
		for (unsigned int k = 0; i >= 4 && k <= i % 3; k++) {
			seed = seed * 6364136223846793005ull + 1442695040888963407ull;
			packet.bytes[12 + (seed >> 40) % 42] = (uint8_t)(seed >> 32);
		}
		quick.m = full.m = packet_mbuf(w.pool, &packet);
		tg_packet_parse(&full, &w.config.ports[INSIDE]);
		if (tg_parse_quick(&quick, &w.config.ports[INSIDE])) {
			assert_same_parse(&quick, &full);
			taken++;
		} else {
			assert_true(i >= 4);
		}
		rte_pktmbuf_free(quick.m);
	}
	assert_true(taken > MUTANTS / 10);
}

int run_header_tests(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(truncated_frames_are_malformed_at_their_layer),
		cmocka_unit_test(lengths_have_to_agree),
		cmocka_unit_test(source_routes_are_refused),
		cmocka_unit_test(impossible_addresses_are_martians),
		cmocka_unit_test(multicast_destinations_are_judged),
		cmocka_unit_test(other_ethertypes_are_not_judged),
		cmocka_unit_test(every_truncation_is_survived),
		cmocka_unit_test(the_quick_parser_agrees_with_the_full_one),
	};

	return cmocka_run_group_tests_name("headers", tests, NULL, NULL);
}
