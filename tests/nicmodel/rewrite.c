/* SPDX-License-Identifier: BSD-3-Clause */
/* Changes of headers, with their checksums (RFC 1624, equation 3). */
#include "model.h"

#include <netinet/in.h>
#include <string.h>

#define IPV4_CHECKSUM_AT 10
#define IPV4_ADDRESSES_AT 12
#define IPV6_ADDRESSES_AT 8

struct writer {
	uint8_t *frame;
	const struct nm_packet *packet;
	uint8_t *transport_checksum; /* NULL: none, or not to be kept */
};

/* Checksum' = ~(~checksum + ~old + new), for an even number of bytes at an even place. */
static void adjust(uint8_t *checksum, const uint8_t *old, const uint8_t *new, unsigned int size)
{
	uint32_t sum = (uint16_t) ~(checksum[0] << 8 | checksum[1]);

	for (unsigned int i = 0; i < size; i += 2) {
		sum += (uint16_t) ~(old[i] << 8 | old[i + 1]);
		sum += (uint32_t)(new[i] << 8 | new[i + 1]);
	}
	while (sum >> 16 != 0)
		sum = (sum & 0xffff) + (sum >> 16);
	sum = ~sum;
	checksum[0] = (uint8_t)(sum >> 8);
	checksum[1] = (uint8_t)sum;
}

static uint8_t *transport_checksum(uint8_t *frame, const struct nm_packet *packet)
{
	uint8_t *l4 = frame + packet->l4;

	if (packet->l4 == 0)
		return NULL;
	switch (packet->key.transport) {
	case IPPROTO_TCP:
		return l4 + 16;
	case IPPROTO_UDP:
		return l4[6] == 0 && l4[7] == 0 ? NULL : l4 + 6;
	case IPPROTO_ICMPV6:
		return l4 + 2;
	}
	return NULL;
}

/* Zero says that UDP has no checksum; the same sum is also all ones (RFC 768). */
static void avoid_zero(const struct writer *w)
{
	uint8_t *c = w->transport_checksum;

	if (w->packet->key.transport == IPPROTO_UDP && c[0] == 0 && c[1] == 0)
		c[0] = c[1] = 0xff;
}

static void set_address(struct writer *w, uint16_t at, const uint8_t *value, unsigned int size)
{
	uint8_t *old = w->frame + at;

	if (size == 4)
		adjust(w->frame + w->packet->l3 + IPV4_CHECKSUM_AT, old, value, size);
	if (w->transport_checksum != NULL) {
		adjust(w->transport_checksum, old, value, size);
		avoid_zero(w);
	}
	memcpy(old, value, size);
}

static void set_port(struct writer *w, uint16_t at, const uint8_t *value)
{
	uint8_t protocol = w->packet->key.transport;

	if (w->packet->l4 == 0 || (protocol != IPPROTO_TCP && protocol != IPPROTO_UDP))
		return;
	if (w->transport_checksum != NULL) {
		adjust(w->transport_checksum, w->frame + w->packet->l4 + at, value, 2);
		avoid_zero(w);
	}
	memcpy(w->frame + w->packet->l4 + at, value, 2);
}

static void set_ttl(struct writer *w, uint8_t ttl)
{
	uint8_t *ip = w->frame + w->packet->l3;
	uint8_t new[2] = {ttl, ip[9]};

	if (w->packet->key.network == 6) {
		ip[7] = ttl;
	} else {
		adjust(ip + IPV4_CHECKSUM_AT, ip + 8, new, 2);
		ip[8] = ttl;
	}
}

static void set_network(struct writer *w, const struct nm_set *set)
{
	const struct nm_packet *p = w->packet;
	const uint8_t *ip = w->frame + p->l3;

	switch (set->field) {
	case NM_IPV4_SRC:
	case NM_IPV4_DST:
		if (p->key.network == 4)
			set_address(w, p->l3 + IPV4_ADDRESSES_AT + (set->field == NM_IPV4_DST) * 4,
				set->value, 4);
		break;
	case NM_IPV6_SRC:
	case NM_IPV6_DST:
		if (p->key.network == 6)
			set_address(w, p->l3 + IPV6_ADDRESSES_AT + (set->field == NM_IPV6_DST) * 16,
				set->value, 16);
		break;
	case NM_TTL_ADD:
		set_ttl(w, (uint8_t)(ip[p->key.network == 6 ? 7 : 8] + set->value[0]));
		break;
	case NM_TTL_SET:
		set_ttl(w, set->value[0]);
		break;
	}
}

static void set_field(struct writer *w, const struct nm_set *set)
{
	switch (set->field) {
	case NM_MAC_DST:
		memcpy(w->frame, set->value, RTE_ETHER_ADDR_LEN);
		break;
	case NM_MAC_SRC:
		memcpy(w->frame + RTE_ETHER_ADDR_LEN, set->value, RTE_ETHER_ADDR_LEN);
		break;
	case NM_SPORT:
		set_port(w, 0, set->value);
		break;
	case NM_DPORT:
		set_port(w, 2, set->value);
		break;
	default:
		if (w->packet->l3 != 0)
			set_network(w, set);
		break;
	}
}

static bool writable(const struct rte_mbuf *m, uint16_t headers)
{
	return RTE_MBUF_DIRECT(m) && rte_mbuf_refcnt_read(m) == 1 &&
	       rte_pktmbuf_data_len(m) >= headers;
}

bool nm_rewrite(struct rte_mbuf **m, const struct nm_packet *packet, const struct nm_set *sets,
	unsigned int n)
{
	struct rte_mbuf *copy;
	struct writer w = {.packet = packet};

	if (!writable(*m, packet->headers)) {
		copy = rte_pktmbuf_copy(*m, (*m)->pool, 0, UINT32_MAX);
		if (copy == NULL || !writable(copy, packet->headers)) {
			rte_pktmbuf_free(copy);
			return false;
		}
		rte_pktmbuf_free(*m);
		*m = copy;
	}
	w.frame = rte_pktmbuf_mtod(*m, uint8_t *);
	w.transport_checksum = transport_checksum(w.frame, packet);
	for (unsigned int i = 0; i < n; i++)
		set_field(&w, &sets[i]);
	return true;
}
