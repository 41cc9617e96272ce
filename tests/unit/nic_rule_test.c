/* SPDX-License-Identifier: BSD-3-Clause */
/* Matches: what they take of a field, whether they meet, and how they read. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "rule.h"

static struct tg_nic_match tcp4(void)
{
	return (struct tg_nic_match){.family = 4, .protocol = 6, .untagged = true};
}

static void test_maskings(void **state)
{
	static const struct {
		enum tg_nic_field field;
		uint8_t mask[16];
		enum tg_nic_masking expected;
	} rows[] = {
		{TG_NIC_IPV4_SRC, {255, 255, 255, 255}, TG_NIC_MASK_EXACT},
		{TG_NIC_IPV4_SRC, {255, 255, 255, 254}, TG_NIC_MASK_PREFIX},
		{TG_NIC_IPV4_SRC, {128}, TG_NIC_MASK_PREFIX},
		{TG_NIC_IPV4_SRC, {127}, TG_NIC_MASK_ANY},
		{TG_NIC_IPV4_SRC, {255, 0, 255}, TG_NIC_MASK_ANY},
		{TG_NIC_IPV4_SRC, {0}, TG_NIC_MASK_NEVER},
		{TG_NIC_IPV4_IHL, {0x0f}, TG_NIC_MASK_EXACT},
		{TG_NIC_IPV4_IHL, {0x0e}, TG_NIC_MASK_PREFIX},
		{TG_NIC_IPV4_IHL, {0x08}, TG_NIC_MASK_PREFIX},
		{TG_NIC_IPV4_IHL, {0x01}, TG_NIC_MASK_ANY},
		{TG_NIC_IPV4_FRAGMENT, {0x3f, 0xff}, TG_NIC_MASK_EXACT},
		{TG_NIC_IPV4_FRAGMENT, {0x20, 0x00}, TG_NIC_MASK_PREFIX},
		{TG_NIC_IPV4_FRAGMENT, {0x1f, 0xff}, TG_NIC_MASK_ANY},
		{TG_NIC_TCP_DPORT, {0xff, 0xf0}, TG_NIC_MASK_PREFIX},
		{TG_NIC_TCP_DPORT, {0x00, 0x01}, TG_NIC_MASK_ANY},
	};
	static const uint8_t ones[16] = {255, 255, 255, 255};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct tg_nic_match match = tcp4();

		assert_int_equal(tg_nic_match_masking(&match, rows[i].field), TG_NIC_MASK_NEVER);
		tg_nic_match_set(&match, rows[i].field, ones, rows[i].mask);
		if (tg_nic_match_masking(&match, rows[i].field) != rows[i].expected)
			fail_msg("row %zu", i);
	}
}

/* Every field exact: full, in its place, and found by its key. */
static void test_every_field(void **state)
{
	static const uint8_t zeros[16];

	for (int f = 0; f < TG_NIC_FIELD_COUNT; f++) {
		const struct tg_nic_field_place *place = tg_nic_field_place((enum tg_nic_field)f);
		struct tg_nic_match match = {0};
		unsigned int bits = 0;

		assert_int_equal(tg_nic_field_find(place->key), f);
		tg_nic_match_exact(&match, (enum tg_nic_field)f, zeros);
		assert_int_equal(
			tg_nic_match_masking(&match, (enum tg_nic_field)f), TG_NIC_MASK_EXACT);
		for (size_t i = 0; i < sizeof(match.mask); i++)
			bits += (unsigned int)__builtin_popcount(((uint8_t *)&match.mask)[i]);
		assert_int_equal(bits, place->bits);
	}
	assert_int_equal(tg_nic_field_find("ipv4.options"), -1);
}

static void test_set_keeps_spec_in_mask(void **state)
{
	static const uint8_t spec[2] = {0x12, 0x34}, mask[2] = {0xf0, 0x0f};
	struct tg_nic_match match = tcp4();

	tg_nic_match_set(&match, TG_NIC_TCP_SPORT, spec, mask);
	assert_int_equal(match.spec.sport[0], 0x10);
	assert_int_equal(match.spec.sport[1], 0x04);
}

static void set_byte(struct tg_nic_match *match, uint8_t spec, uint8_t mask)
{
	tg_nic_match_set(match, TG_NIC_IPV4_TTL, &spec, &mask);
}

/* Against the definition: is there a packet that matches both? */
static void test_overlap_by_definition(void **state)
{
	srand(7);
	for (int i = 0; i < 2000; i++) {
		struct tg_nic_match a = tcp4(), b = tcp4();
		uint8_t mask_a = (uint8_t)rand(), mask_b = (uint8_t)rand();
		uint8_t spec_a = (uint8_t)rand() & mask_a, spec_b = (uint8_t)rand() & mask_b;
		bool expected = false;

		set_byte(&a, spec_a, mask_a);
		set_byte(&b, spec_b, mask_b);
		for (int ttl = 0; ttl < 256; ttl++)
			expected |= (ttl & mask_a) == spec_a && (ttl & mask_b) == spec_b;
		assert_int_equal(tg_nic_match_overlap(&a, &b), expected);
		assert_int_equal(tg_nic_match_overlap(&b, &a), expected);
	}
}

static void test_overlap_of_kinds(void **state)
{
	struct tg_nic_match a = tcp4(), b = tcp4();

	b.untagged = false;
	assert_true(tg_nic_match_overlap(&a, &b));
	assert_false(tg_nic_match_equal(&a, &b));
	b.tagged = true;
	assert_false(tg_nic_match_overlap(&a, &b));
	assert_false(tg_nic_match_overlap(&b, &a));
	a.untagged = false;
	assert_true(tg_nic_match_overlap(&a, &b));
	assert_false(tg_nic_match_same_shape(&a, &b));
	a.untagged = true;
	b.tagged = false;
	b.protocol = 17;
	assert_false(tg_nic_match_overlap(&a, &b));
	b.protocol = 0;
	assert_true(tg_nic_match_overlap(&a, &b));
	assert_false(tg_nic_match_same_shape(&a, &b));
	b.family = 6;
	assert_false(tg_nic_match_overlap(&a, &b));
}

static void test_shape(void **state)
{
	static const uint8_t one[2] = {0, 1}, two[2] = {0, 2};
	struct tg_nic_match a = tcp4(), b = tcp4();

	tg_nic_match_exact(&a, TG_NIC_TCP_DPORT, one);
	tg_nic_match_exact(&b, TG_NIC_TCP_DPORT, two);
	assert_true(tg_nic_match_same_shape(&a, &b));
	assert_false(tg_nic_match_equal(&a, &b));
	tg_nic_match_exact(&b, TG_NIC_TCP_DPORT, one);
	assert_true(tg_nic_match_equal(&a, &b));
	tg_nic_match_exact(&b, TG_NIC_TCP_SPORT, one);
	assert_false(tg_nic_match_same_shape(&a, &b));
}

static void test_text(void **state)
{
	static const uint8_t ten[4] = {10}, eight[4] = {255}, odd[4] = {255, 0, 255};
	static const uint8_t https[2] = {1, 187}, even[2] = {0, 1}, syn = 0x02, mask = 0x12;
	static const uint8_t ttl = 64, doc[16] = {0x20, 0x01, 0x0d, 0xb8}, half[16] = {255, 255};
	struct tg_nic_match match = tcp4();
	char text[TG_NIC_MATCH_TEXT];

	tg_nic_match_text(&match, text);
	assert_string_equal(text, "ipv4 tcp untagged");
	tg_nic_match_set(&match, TG_NIC_IPV4_SRC, ten, eight);
	tg_nic_match_exact(&match, TG_NIC_TCP_DPORT, https);
	tg_nic_match_set(&match, TG_NIC_TCP_FLAGS, &syn, &mask);
	tg_nic_match_text(&match, text);
	assert_string_equal(
		text, "ipv4 tcp untagged ipv4.src=10.0.0.0/8 tcp.dport=443 tcp.flags=0x02/0x12");
	match = (struct tg_nic_match){.family = 6, .tagged = true};
	tg_nic_match_text(&match, text);
	assert_string_equal(text, "ipv6 tagged");
	match = (struct tg_nic_match){.family = 4, .protocol = 47};
	tg_nic_match_set(&match, TG_NIC_IPV4_SRC, ten, odd);
	tg_nic_match_exact(&match, TG_NIC_IPV4_DST, ten);
	tg_nic_match_exact(&match, TG_NIC_IPV4_TTL, &ttl);
	tg_nic_match_text(&match, text);
	assert_string_equal(text, "ipv4 protocol 47 ipv4.src=10.0.0.0/255.0.255.0 "
				  "ipv4.dst=10.0.0.0 ipv4.ttl=64");
	match = (struct tg_nic_match){.family = 6};
	tg_nic_match_set(&match, TG_NIC_IPV6_DST, doc, half);
	tg_nic_match_text(&match, text);
	assert_string_equal(text, "ipv6 ipv6.dst=2001::/16");
	match.protocol = 17;
	tg_nic_match_set(&match, TG_NIC_UDP_SPORT, https, even);
	tg_nic_match_text(&match, text);
	assert_string_equal(text, "ipv6 udp ipv6.dst=2001::/16 udp.sport=0x0001/0x0001");
}

static void test_protocols(void **state)
{
	assert_int_equal(tg_nic_protocol_of(0), TG_NIC_PROTOCOL_ANY);
	assert_int_equal(tg_nic_protocol_of(6), TG_NIC_PROTOCOL_TCP);
	assert_int_equal(tg_nic_protocol_of(58), TG_NIC_PROTOCOL_ICMPV6);
	assert_int_equal(tg_nic_protocol_of(47), TG_NIC_PROTOCOL_OTHER);
	assert_int_equal(tg_nic_protocol_find("sctp"), TG_NIC_PROTOCOL_SCTP);
	assert_int_equal(tg_nic_action_find("dec-ttl"), TG_NIC_DEC_TTL);
	assert_int_equal(tg_nic_domain_find("transfer"), TG_NIC_TRANSFER);
	assert_int_equal(tg_nic_domain_find("both"), -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_maskings),
		cmocka_unit_test(test_every_field),
		cmocka_unit_test(test_set_keeps_spec_in_mask),
		cmocka_unit_test(test_overlap_by_definition),
		cmocka_unit_test(test_overlap_of_kinds),
		cmocka_unit_test(test_shape),
		cmocka_unit_test(test_text),
		cmocka_unit_test(test_protocols),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
