/* SPDX-License-Identifier: BSD-3-Clause */
#include "rule.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "addr.h"

static const struct tg_nic_field_place places[] = {
#define X(sym, key, bits, member) \
	{key, bits, offsetof(struct tg_nic_header, member), (bits + 7) / 8},
	TG_NIC_FIELDS(X)
#undef X
};

static const uint16_t protocol_numbers[] = {
#define X(sym, key, number) number,
	TG_NIC_PROTOCOLS(X)
#undef X
};

const struct tg_nic_field_kind *tg_nic_field_kind(enum tg_nic_field field)
{
	static const struct tg_nic_field_kind kinds[TG_NIC_FIELD_COUNT] = {
		[TG_NIC_IPV4_SRC] = {4, 0},
		[TG_NIC_IPV4_DST] = {4, 0},
		[TG_NIC_IPV4_TTL] = {4, 0},
		[TG_NIC_IPV4_IHL] = {4, 0},
		[TG_NIC_IPV4_FRAGMENT] = {4, 0},
		[TG_NIC_IPV6_SRC] = {6, 0},
		[TG_NIC_IPV6_DST] = {6, 0},
		[TG_NIC_IPV6_HOP_LIMIT] = {6, 0},
		[TG_NIC_TCP_SPORT] = {0, 6},
		[TG_NIC_TCP_DPORT] = {0, 6},
		[TG_NIC_TCP_FLAGS] = {0, 6},
		[TG_NIC_UDP_SPORT] = {0, 17},
		[TG_NIC_UDP_DPORT] = {0, 17},
		[TG_NIC_SCTP_SPORT] = {0, 132},
		[TG_NIC_SCTP_DPORT] = {0, 132},
		[TG_NIC_ICMP_TYPE] = {4, 1},
		[TG_NIC_ICMP_IDENT] = {4, 1},
		[TG_NIC_ICMPV6_TYPE] = {6, 58},
	};

	return &kinds[field];
}

const struct tg_nic_field_place *tg_nic_field_place(enum tg_nic_field field)
{
	return &places[field];
}

enum tg_nic_protocol tg_nic_protocol_of(uint8_t number)
{
	for (int p = 0; p < TG_NIC_PROTOCOL_OTHER; p++)
		if (protocol_numbers[p] == number)
			return (enum tg_nic_protocol)p;
	return TG_NIC_PROTOCOL_OTHER;
}

void tg_nic_field_full(enum tg_nic_field field, uint8_t mask[16])
{
	const struct tg_nic_field_place *place = &places[field];

	memset(mask, 0xff, place->size);
	if (place->bits % 8 != 0)
		mask[0] = (uint8_t)((1u << place->bits % 8) - 1);
}

enum tg_nic_masking tg_nic_match_masking(const struct tg_nic_match *match, enum tg_nic_field field)
{
	const struct tg_nic_field_place *place = &places[field];
	const uint8_t *mask = (const uint8_t *)&match->mask + place->offset;
	unsigned int set = 0, bit = place->size * 8u - place->bits, end = place->size * 8u;

	if ((match->fields >> field & 1) == 0)
		return TG_NIC_MASK_NEVER;
	while (bit < end && (mask[bit / 8] >> (7 - bit % 8) & 1) != 0)
		bit++, set++;
	if (bit == end)
		return TG_NIC_MASK_EXACT;
	for (; bit < end; bit++)
		if ((mask[bit / 8] >> (7 - bit % 8) & 1) != 0)
			return TG_NIC_MASK_ANY;
	return set != 0 ? TG_NIC_MASK_PREFIX : TG_NIC_MASK_NEVER;
}

void tg_nic_match_set(
	struct tg_nic_match *match, enum tg_nic_field field, const void *spec, const void *mask)
{
	const struct tg_nic_field_place *place = &places[field];
	uint8_t *to_spec = (uint8_t *)&match->spec + place->offset;
	uint8_t *to_mask = (uint8_t *)&match->mask + place->offset;
	const uint8_t *from_spec = spec, *from_mask = mask;

	match->fields |= 1u << field;
	for (unsigned int i = 0; i < place->size; i++) {
		to_mask[i] = from_mask[i];
		to_spec[i] = from_spec[i] & from_mask[i];
	}
}

void tg_nic_match_exact(struct tg_nic_match *match, enum tg_nic_field field, const void *spec)
{
	uint8_t mask[16];

	tg_nic_field_full(field, mask);
	tg_nic_match_set(match, field, spec, mask);
}

bool tg_nic_match_overlap(const struct tg_nic_match *a, const struct tg_nic_match *b)
{
	const uint8_t *spec_a = (const uint8_t *)&a->spec, *spec_b = (const uint8_t *)&b->spec;
	const uint8_t *mask_a = (const uint8_t *)&a->mask, *mask_b = (const uint8_t *)&b->mask;

	if (a->family != b->family || (a->untagged && b->tagged) || (a->tagged && b->untagged))
		return false;
	if (a->protocol != 0 && b->protocol != 0 && a->protocol != b->protocol)
		return false;
	for (size_t i = 0; i < sizeof(a->mask); i++)
		if (((spec_a[i] ^ spec_b[i]) & mask_a[i] & mask_b[i]) != 0)
			return false;
	return true;
}

bool tg_nic_match_same_shape(const struct tg_nic_match *a, const struct tg_nic_match *b)
{
	return a->family == b->family && a->protocol == b->protocol && a->untagged == b->untagged &&
	       a->tagged == b->tagged && a->fields == b->fields &&
	       memcmp(&a->mask, &b->mask, sizeof(a->mask)) == 0;
}

bool tg_nic_match_equal(const struct tg_nic_match *a, const struct tg_nic_match *b)
{
	return tg_nic_match_same_shape(a, b) && memcmp(&a->spec, &b->spec, sizeof(a->spec)) == 0;
}

/* --- text --- */

struct text {
	char *to;
	size_t used, size;
};

static void __attribute__((format(printf, 2, 3))) put(struct text *text, const char *fmt, ...)
{
	size_t left = text->size - text->used;
	va_list args;
	int n;

	va_start(args, fmt);
	n = vsnprintf(text->to + text->used, left, fmt, args);
	va_end(args);
	if (n > 0)
		text->used += (size_t)n < left ? (size_t)n : left - 1;
}

static void put_hex(struct text *text, const uint8_t *bytes, unsigned int size)
{
	put(text, "0x");
	for (unsigned int i = 0; i < size; i++)
		put(text, "%02x", bytes[i]);
}

static void put_address(struct text *text, const uint8_t *bytes, unsigned int size)
{
	struct tg_addr addr = {.family = size == 4 ? 4 : 6};
	char buf[TG_ADDR_TEXT];

	memcpy(addr.bytes, bytes, size);
	put(text, "%s", tg_addr_format(&addr, buf));
}

static unsigned int bits_set(const uint8_t *bytes, unsigned int size)
{
	unsigned int n = 0;

	for (unsigned int i = 0; i < size; i++)
		n += (unsigned int)__builtin_popcount(bytes[i]);
	return n;
}

static void put_field(struct text *text, const struct tg_nic_match *match, enum tg_nic_field field)
{
	const struct tg_nic_field_place *place = &places[field];
	const uint8_t *spec = (const uint8_t *)&match->spec + place->offset;
	const uint8_t *mask = (const uint8_t *)&match->mask + place->offset;
	enum tg_nic_masking masking = tg_nic_match_masking(match, field);
	bool address = place->size >= 4;

	put(text, " %s=", place->key);
	if (address)
		put_address(text, spec, place->size);
	else if (masking == TG_NIC_MASK_EXACT)
		put(text, "%u", place->size == 2 ? spec[0] << 8 | spec[1] : spec[0]);
	else
		put_hex(text, spec, place->size);
	if (masking == TG_NIC_MASK_EXACT)
		return;
	put(text, "/");
	if (!address)
		put_hex(text, mask, place->size);
	else if (masking == TG_NIC_MASK_PREFIX)
		put(text, "%u", bits_set(mask, place->size));
	else
		put_address(text, mask, place->size);
}

void tg_nic_match_text(const struct tg_nic_match *match, char text[TG_NIC_MATCH_TEXT])
{
	struct text out = {.to = text, .size = TG_NIC_MATCH_TEXT};
	enum tg_nic_protocol protocol = tg_nic_protocol_of(match->protocol);

	put(&out, "ipv%u", match->family);
	if (protocol == TG_NIC_PROTOCOL_OTHER)
		put(&out, " protocol %u", match->protocol);
	else if (protocol != TG_NIC_PROTOCOL_ANY)
		put(&out, " %s", tg_nic_protocol_name(protocol));
	if (match->untagged)
		put(&out, " untagged");
	if (match->tagged)
		put(&out, " tagged");
	for (int f = 0; f < TG_NIC_FIELD_COUNT; f++)
		if ((match->fields >> f & 1) != 0)
			put_field(&out, match, (enum tg_nic_field)f);
}
