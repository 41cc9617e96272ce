/* SPDX-License-Identifier: BSD-3-Clause */
#include "rule_packets.h"

#include <netinet/in.h>
#include <string.h>

#define PACKET RULE_PACKET_SIZE

static uint64_t seed = 1;

static uint32_t any(void)
{
	seed = seed * 6364136223846793005ull + 1442695040888963407ull;
	return (uint32_t)(seed >> 32);
}

static void any_bytes(uint8_t *bytes, size_t n)
{
	for (size_t i = 0; i < n; i++)
		bytes[i] = (uint8_t)any();
}

static const uint8_t protocols[] = {
	IPPROTO_TCP, IPPROTO_UDP, IPPROTO_SCTP, IPPROTO_ICMP, IPPROTO_ICMPV6, IPPROTO_GRE};

void rule_packet_any(struct rule_packet *p)
{
	memset(p, 0, sizeof(*p));
	p->family = any() % 2 ? 4 : 6;
	p->protocol = protocols[any() % sizeof(protocols)];
	p->tags = any() % 4 == 0 ? (uint8_t)(1 + any() % 2) : 0;
	p->extension = p->family == 6 && any() % 4 == 0;
	any_bytes(p->header.src, p->family == 4 ? 4 : 16);
	any_bytes(p->header.dst, p->family == 4 ? 4 : 16);
	p->header.ttl = (uint8_t)any();
	if (p->family == 4) {
		p->header.ihl = (uint8_t)(any() % 3 ? 5 : 5 + any() % 11);
		if (any() % 4 == 0) {
			any_bytes(p->header.fragment, 2);
			p->header.fragment[0] &= 0x3f;
		}
	}
	any_bytes(p->header.sport, 2);
	any_bytes(p->header.dport, 2);
	p->header.tcp_flags = (uint8_t)any();
	p->header.icmp_type = (uint8_t)any();
}

static bool is_first(const struct rule_packet *p)
{
	return (p->header.fragment[0] & 0x1f) == 0 && p->header.fragment[1] == 0;
}

/* ---- the packet as bytes ---- */

static size_t write_l4(const struct rule_packet *p, uint8_t *at)
{
	const struct tg_nic_header *h = &p->header;

	switch (p->protocol) {
	case IPPROTO_TCP:
		at[13] = h->tcp_flags;
		__attribute__((fallthrough));
	case IPPROTO_UDP:
	case IPPROTO_SCTP:
		memcpy(at, h->sport, 2);
		memcpy(at + 2, h->dport, 2);
		break;
	case IPPROTO_ICMP:
	case IPPROTO_ICMPV6:
		at[0] = h->icmp_type;
		memcpy(at + 4, h->sport, 2);
		break;
	}
	return 20;
}

static size_t write_ip(const struct rule_packet *p, uint8_t *at)
{
	const struct tg_nic_header *h = &p->header;

	if (p->family == 4) {
		at[0] = (uint8_t)(0x40 | h->ihl);
		memcpy(at + 6, h->fragment, 2);
		at[6] |= (uint8_t)(any() & 0xc0); /* reserved and DF are no field */
		at[8] = h->ttl;
		at[9] = p->protocol;
		memcpy(at + 12, h->src, 4);
		memcpy(at + 16, h->dst, 4);
		return 4u * h->ihl;
	}
	at[0] = 0x60;
	at[6] = p->extension ? IPPROTO_DSTOPTS : p->protocol;
	at[7] = h->ttl;
	memcpy(at + 8, h->src, 16);
	memcpy(at + 24, h->dst, 16);
	if (!p->extension)
		return 40;
	at[40] = p->protocol;
	at[41] = 0; /* 8 bytes */
	return 48;
}

void rule_packet_write(const struct rule_packet *p, uint8_t bytes[PACKET])
{
	size_t n = 12;

	any_bytes(bytes, PACKET);
	for (uint8_t i = 0; i < p->tags; i++, n += 4) {
		bytes[n] = i + 1 < p->tags ? 0x88 : 0x81;
		bytes[n + 1] = i + 1 < p->tags ? 0xa8 : 0x00;
	}
	bytes[n] = p->family == 4 ? 0x08 : 0x86;
	bytes[n + 1] = p->family == 4 ? 0x00 : 0xdd;
	n += 2;
	n += write_ip(p, bytes + n);
	/* What is in a later fragment is not a header, but may look like one. */
	write_l4(p, bytes + n);
}

/* ---- the rule, judged on the description ---- */

static bool has_header(uint8_t family, uint8_t protocol)
{
	switch (protocol) {
	case IPPROTO_TCP:
	case IPPROTO_UDP:
	case IPPROTO_SCTP:
		return true;
	case IPPROTO_ICMP:
		return family == 4;
	case IPPROTO_ICMPV6:
		return family == 6;
	default:
		return false;
	}
}

bool rule_packet_matches(const struct tg_nic_match *match, const struct rule_packet *p)
{
	if (match->family != p->family || (match->untagged && p->tags != 0) ||
		(match->tagged && p->tags == 0))
		return false;
	if (match->protocol != 0) {
		if (p->extension || match->protocol != p->protocol)
			return false;
		/* Later fragments do not carry it, where it has a header that can be read. */
		if (has_header(p->family, p->protocol) && !is_first(p))
			return false;
	}
	for (int f = 0; f < TG_NIC_FIELD_COUNT; f++) {
		const struct tg_nic_field_place *place = tg_nic_field_place(f);
		const uint8_t *value = (const uint8_t *)&p->header + place->offset;
		const uint8_t *spec = (const uint8_t *)&match->spec + place->offset;
		const uint8_t *mask = (const uint8_t *)&match->mask + place->offset;

		if ((match->fields & 1u << f) == 0)
			continue;
		for (size_t i = 0; i < place->size; i++)
			if ((value[i] & mask[i]) != spec[i])
				return false;
	}
	return true;
}

/* ---- pairs ---- */

static bool belongs(enum tg_nic_field field, uint8_t family, uint8_t protocol)
{
	if (field <= TG_NIC_IPV4_FRAGMENT)
		return family == 4;
	if (field <= TG_NIC_IPV6_HOP_LIMIT)
		return family == 6;
	if (field <= TG_NIC_TCP_FLAGS)
		return protocol == IPPROTO_TCP;
	if (field <= TG_NIC_UDP_DPORT)
		return protocol == IPPROTO_UDP;
	if (field <= TG_NIC_SCTP_DPORT)
		return protocol == IPPROTO_SCTP;
	if (field <= TG_NIC_ICMP_IDENT)
		return protocol == IPPROTO_ICMP && family == 4;
	return protocol == IPPROTO_ICMPV6 && family == 6;
}

/* Not without any bit. */
static void any_mask(enum tg_nic_field field, uint8_t mask[16])
{
	uint8_t full[16];
	size_t size = tg_nic_field_place(field)->size;

	tg_nic_field_full(field, full);
	any_bytes(mask, size);
	for (size_t i = 0; i < size; i++)
		mask[i] = any() % 3 ? full[i] : mask[i] & full[i];
	if (mask[0] == 0)
		mask[0] = full[0];
}

void rule_packet_rule(const struct rule_packet *p, struct tg_nic_match *match)
{
	uint8_t mask[16], spec[16];

	*match = (struct tg_nic_match){.family = p->family, .untagged = any() % 2};
	if (any() % 4)
		match->protocol = p->protocol;
	for (int f = 0; f < TG_NIC_FIELD_COUNT; f++) {
		const struct tg_nic_field_place *place = tg_nic_field_place(f);

		if (!belongs(f, match->family, match->protocol) || any() % 2)
			continue;
		any_mask(f, mask);
		memcpy(spec, (const uint8_t *)&p->header + place->offset, place->size);
		for (size_t i = 0; i < place->size; i++)
			spec[i] &= mask[i];
		tg_nic_match_set(match, f, spec, mask);
	}
}

void rule_packet_neighbour(struct rule_packet *p)
{
	int f = (int)(any() % TG_NIC_FIELD_COUNT);
	const struct tg_nic_field_place *place = tg_nic_field_place(f);
	uint32_t bit = any() % place->bits;

	switch (any() % 8) {
	case 0:
		return;
	case 1:
		p->tags = (uint8_t)((p->tags + 1) % 3);
		return;
	case 2:
		p->extension = p->family == 6 && !p->extension;
		return;
	case 3:
		p->protocol = protocols[any() % sizeof(protocols)];
		return;
	default:
		break;
	}
	if (!belongs(f, p->family, p->protocol))
		return;
	((uint8_t *)&p->header)[place->offset + place->size - 1 - bit / 8] ^=
		(uint8_t)(1u << bit % 8);
	if (p->family == 4 && p->header.ihl < 5) /* not a packet */
		p->header.ihl = 5;
}
