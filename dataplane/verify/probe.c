/* SPDX-License-Identifier: BSD-3-Clause */
#include <netinet/in.h>
#include <string.h>

#include "probe.h"

#define PAYLOAD 40 /* bytes, with the mark */
#define NO_OPTIONS_IHL 5
#define OPTION_NOP 1	 /* RFC 791 section 3.1 */
#define ETHERTYPE 0x88b5 /* for experiments; IEEE 802 */

static const uint8_t signature[PROBE_ID - 4] = "tg-nicv";

static void put16(uint8_t *at, uint32_t value)
{
	at[0] = (uint8_t)(value >> 8);
	at[1] = (uint8_t)value;
}

/* Values of which every neighbour by one bit is a packet of the same kind. */
struct probe probe_of(uint8_t family, uint8_t protocol)
{
	static const uint8_t src4[4] = {10, 85, 3, 7}, dst4[4] = {10, 86, 4, 9};
	static const uint8_t src6[16] = {0x20, 1, 0xd, 0xb8, [9] = 0x5a, [15] = 7};
	static const uint8_t dst6[16] = {0x20, 1, 0xd, 0xb8, [9] = 0x5b, [15] = 9};
	struct probe probe = {.family = family,
		.protocol = protocol,
		.outer = 0x88a8,
		.header = {.sport = {0x30, 0x39},
			.dport = {0x5b, 0xa0},
			.ttl = 0x55,
			.ihl = NO_OPTIONS_IHL,
			.tcp_flags = 0x10,
			.icmp_type = protocol == IPPROTO_ICMPV6 ? 128 : 8}};

	memcpy(probe.header.src, family == 4 ? src4 : src6, family == 4 ? 4 : 16);
	memcpy(probe.header.dst, family == 4 ? dst4 : dst6, family == 4 ? 4 : 16);
	return probe;
}

bool probe_flip(struct probe *probe, enum tg_nic_field field, unsigned int bit)
{
	const struct tg_nic_field_place *place = tg_nic_field_place(field);
	uint8_t *at = (uint8_t *)&probe->header + place->offset + place->size - 1 - bit / 8;

	*at ^= (uint8_t)(1u << bit % 8);
	return probe->header.ihl >= NO_OPTIONS_IHL;
}

/* --- bytes --- */

static uint32_t add(uint32_t sum, const uint8_t *bytes, size_t n)
{
	for (size_t i = 0; i < n; i++)
		sum += i % 2 ? bytes[i] : (uint32_t)bytes[i] << 8;
	return sum;
}

/* RFC 1071. Never 0, which in UDP is none. */
static uint32_t checksum(uint32_t sum)
{
	while (sum >> 16 != 0)
		sum = (sum & 0xffff) + (sum >> 16);
	return sum == 0xffff ? sum : ~sum & 0xffff;
}

/* Without the checksum; the length. */
static uint16_t write_header(const struct probe *p, uint8_t *at, uint16_t payload)
{
	const struct tg_nic_header *h = &p->header;

	switch (p->protocol) {
	case IPPROTO_TCP:
		memcpy(at, h->sport, 2);
		memcpy(at + 2, h->dport, 2);
		at[12] = 5 << 4;
		at[13] = h->tcp_flags;
		at[14] = 0x20;
		return 20;
	case IPPROTO_UDP:
		memcpy(at, h->sport, 2);
		memcpy(at + 2, h->dport, 2);
		put16(at + 4, 8u + payload);
		return 8;
	case IPPROTO_SCTP:
		memcpy(at, h->sport, 2);
		memcpy(at + 2, h->dport, 2);
		return 12;
	case IPPROTO_ICMP:
	case IPPROTO_ICMPV6:
		at[0] = h->icmp_type;
		memcpy(at + 4, h->sport, 2);
		return 8;
	default:
		return 0;
	}
}

static void sum_carried(const struct probe *p, uint8_t *at, uint16_t size)
{
	size_t length = p->family == 4 ? 4 : 16;
	uint32_t sum =
		add(add(0, p->header.src, length), p->header.dst, length) + p->protocol + size;

	switch (p->protocol) {
	case IPPROTO_TCP:
		put16(at + 16, checksum(add(sum, at, size)));
		break;
	case IPPROTO_UDP:
		put16(at + 6, checksum(add(sum, at, size)));
		break;
	case IPPROTO_ICMP:
		put16(at + 2, checksum(add(0, at, size)));
		break;
	case IPPROTO_ICMPV6:
		put16(at + 2, checksum(add(sum, at, size)));
		break;
	}
}

static uint16_t write_ipv4(const struct probe *p, uint8_t *at, uint16_t carried)
{
	const struct tg_nic_header *h = &p->header;
	uint16_t size = 4u * h->ihl;

	at[0] = (uint8_t)(0x40 | h->ihl);
	put16(at + 2, (uint32_t)size + carried);
	memcpy(at + 6, h->fragment, 2);
	at[8] = h->ttl;
	at[9] = p->protocol;
	memcpy(at + 12, h->src, 4);
	memcpy(at + 16, h->dst, 4);
	memset(at + 20, OPTION_NOP, size - 20);
	put16(at + 10, checksum(add(0, at, size)));
	return size;
}

/* 8 bytes: padding, or the header of a first fragment. RFC 8200 section 4. */
static uint16_t write_extension(const struct probe *p, uint8_t *at)
{
	static const uint8_t padding[6] = {0, 1, 4}, first[6] = {0, 0, 1};

	at[0] = p->protocol;
	memcpy(at + 1, p->extension == PROBE_FRAGMENT ? first : padding, 6);
	return 8;
}

static uint16_t write_ipv6(const struct probe *p, uint8_t *at, uint16_t carried)
{
	static const uint8_t headers[] = {[PROBE_HOP_BY_HOP] = IPPROTO_HOPOPTS,
		[PROBE_DESTINATION] = IPPROTO_DSTOPTS,
		[PROBE_FRAGMENT] = IPPROTO_FRAGMENT};
	uint16_t size = 40;

	at[0] = 0x60;
	at[6] = p->extension == PROBE_DIRECT ? p->protocol : headers[p->extension];
	at[7] = p->header.ttl;
	memcpy(at + 8, p->header.src, 16);
	memcpy(at + 24, p->header.dst, 16);
	if (p->extension != PROBE_DIRECT)
		size += write_extension(p, at + 40);
	put16(at + 4, (uint32_t)size - 40 + carried);
	return size;
}

static uint16_t write_ethernet(const struct probe *p, const uint8_t dmac[6], uint8_t *at)
{
	static const uint8_t smac[6] = {2, 't', 'g', 'n', 'i', 'c'};
	uint16_t size = 12;

	memcpy(at, dmac, 6);
	memcpy(at + 6, smac, 6);
	for (uint8_t i = 0; i < p->tags; i++, size += 4) {
		put16(at + size, i + 1 < p->tags ? p->outer : 0x8100);
		put16(at + size + 2, 7u + i);
	}
	put16(at + size, p->family == 4 ? 0x0800 : p->family == 6 ? 0x86dd : ETHERTYPE);
	return size + 2;
}

uint16_t probe_write(
	const struct probe *probe, const uint8_t dmac[6], uint32_t id, uint8_t bytes[PROBE_MAX])
{
	uint8_t carried[PROBE_MAX] = {0};
	uint16_t at, header = write_header(probe, carried, PAYLOAD), size = header + PAYLOAD;
	uint8_t *mark = carried + size - PROBE_ID;

	memset(bytes, 0, PROBE_MAX);
	memcpy(mark, signature, sizeof(signature));
	memcpy(mark + sizeof(signature), &id, sizeof(id));
	at = write_ethernet(probe, dmac, bytes);
	if (probe->family != 0)
		sum_carried(probe, carried, size);
	if (probe->family == 4)
		at += write_ipv4(probe, bytes + at, size);
	else if (probe->family == 6)
		at += write_ipv6(probe, bytes + at, size);
	memcpy(bytes + at, carried, size);
	return at + size;
}

bool probe_read_id(const uint8_t *frame, uint32_t size, uint32_t *id)
{
	const uint8_t *mark = frame + size - PROBE_ID;

	if (size < PROBE_ID || memcmp(mark, signature, sizeof(signature)) != 0)
		return false;
	memcpy(id, mark + sizeof(signature), sizeof(*id));
	return true;
}
