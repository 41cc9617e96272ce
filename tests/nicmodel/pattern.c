/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * rte_flow's items, read by the words of DPDK's programmer's guide ("Generic flow API", Pattern
 * item): items stack in the order of the headers; no mask means the item's default mask, no spec
 * means any header of the kind; `last` makes a range of a field, unless zero or equal to spec.
 */
#include "model.h"

#include <errno.h>
#include <netinet/in.h>
#include <string.h>

#include <rte_byteorder.h>

#define FIELDS_MAX 12
#define ITEM_MAX 64 /* bytes of any item's structure */

/* An item: where its header goes in the key, what its fields are. */
struct kind {
	enum rte_flow_item_type type;
	uint8_t at;	/* in the key */
	uint8_t header; /* bytes */
	uint8_t size;	/* of the item's structure */
	uint8_t layer;	/* 2, 3, 4 */
	uint8_t number; /* family, or protocol */
	const void *mask;
	struct {
		uint8_t at, size;
	} fields[FIELDS_MAX]; /* of the header */
};

#define KIND(type_, at_, header_, structure, layer_, number_, mask_)      \
	.type = RTE_FLOW_ITEM_TYPE_##type_, .at = at_, .header = header_, \
	.size = sizeof(struct structure), .layer = layer_, .number = number_, .mask = &mask_

static const struct kind kinds[] = {
	{KIND(ETH, NM_AT(ether), 14, rte_flow_item_eth, 2, 0, rte_flow_item_eth_mask),
		.fields = {{0, 6}, {6, 6}, {12, 2}}},
	{KIND(VLAN, NM_AT(vlan), 4, rte_flow_item_vlan, 2, 0, rte_flow_item_vlan_mask),
		.fields = {{0, 2}, {2, 2}}},
	{KIND(IPV4, NM_AT(ip), 20, rte_flow_item_ipv4, 3, 4, rte_flow_item_ipv4_mask),
		.fields = {{0, 1}, {1, 1}, {2, 2}, {4, 2}, {6, 2}, {8, 1}, {9, 1}, {10, 2}, {12, 4},
			{16, 4}}},
	{KIND(IPV6, NM_AT(ip), 40, rte_flow_item_ipv6, 3, 6, rte_flow_item_ipv6_mask),
		.fields = {{0, 4}, {4, 2}, {6, 1}, {7, 1}, {8, 16}, {24, 16}}},
	{KIND(TCP, NM_AT(l4), 20, rte_flow_item_tcp, 4, IPPROTO_TCP, rte_flow_item_tcp_mask),
		.fields = {{0, 2}, {2, 2}, {4, 4}, {8, 4}, {12, 1}, {13, 1}, {14, 2}, {16, 2},
			{18, 2}}},
	{KIND(UDP, NM_AT(l4), 8, rte_flow_item_udp, 4, IPPROTO_UDP, rte_flow_item_udp_mask),
		.fields = {{0, 2}, {2, 2}, {4, 2}, {6, 2}}},
	{KIND(SCTP, NM_AT(l4), 12, rte_flow_item_sctp, 4, IPPROTO_SCTP, rte_flow_item_sctp_mask),
		.fields = {{0, 2}, {2, 2}, {4, 4}, {8, 4}}},
	{KIND(ICMP, NM_AT(l4), 8, rte_flow_item_icmp, 4, IPPROTO_ICMP, rte_flow_item_icmp_mask),
		.fields = {{0, 1}, {1, 1}, {2, 2}, {4, 2}, {6, 2}}},
	{KIND(ICMP6, NM_AT(l4), 4, rte_flow_item_icmp6, 4, IPPROTO_ICMPV6,
		 rte_flow_item_icmp6_mask),
		.fields = {{0, 1}, {1, 1}, {2, 2}}},
};

static const struct kind *kind_of(enum rte_flow_item_type type)
{
	for (size_t i = 0; i < RTE_DIM(kinds); i++)
		if (kinds[i].type == type)
			return &kinds[i];
	return NULL;
}

/* An item with its masks decided. */
struct item {
	const struct rte_flow_item *as_given;
	const struct kind *kind;
	/* spec and last masked */
	_Alignas(8) uint8_t spec[ITEM_MAX];
	_Alignas(8) uint8_t last[ITEM_MAX];
	_Alignas(8) uint8_t mask[ITEM_MAX];
	bool broad; /* says nothing but that the header is there */
	bool ranged;
};

struct reader {
	struct nm_pattern *p;
	const struct nm_reading *reading;
	struct rte_flow_error *error;
	uint8_t layer; /* of the item before */
	unsigned int tags;
};

static int refuse(const struct reader *r, int error, enum rte_flow_error_type type,
	const void *cause, const char *why)
{
	return rte_flow_error_set(r->error, error, type, cause, why);
}

static bool zero(const void *p, size_t size)
{
	const uint8_t *b = p;

	while (size-- != 0)
		if (*b++ != 0)
			return false;
	return true;
}

/* Spec, last and mask of `given`, as they are meant. */
static int item_read(const struct reader *r, struct item *item, const struct rte_flow_item *given,
	const void *default_mask, size_t size)
{
	const uint8_t *mask = given->mask != NULL ? given->mask : default_mask;

	memset(item, 0, sizeof(*item));
	item->as_given = given;
	item->broad = true;
	if (given->spec == NULL && (given->last != NULL || given->mask != NULL))
		return refuse(r, EINVAL, RTE_FLOW_ERROR_TYPE_ITEM_SPEC, given,
			"mask or last without spec");
	if (given->spec == NULL)
		return 0;
	memcpy(item->mask, mask, size);
	item->broad = zero(item->mask, size);
	for (size_t i = 0; i < size; i++) {
		item->spec[i] = ((const uint8_t *)given->spec)[i] & mask[i];
		if (given->last != NULL)
			item->last[i] = ((const uint8_t *)given->last)[i] & mask[i];
	}
	item->ranged = given->last != NULL && !r->reading->ranges_ignored;
	return 0;
}

static void match(struct nm_pattern *p, uint8_t at, uint8_t spec, uint8_t mask)
{
	p->mask.b[at] |= mask;
	p->spec.b[at] = (uint8_t)((p->spec.b[at] & ~mask) | (spec & mask));
}

static int add_range(
	const struct reader *r, const struct item *item, uint8_t at, uint8_t size, uint8_t key_at)
{
	struct nm_pattern *p = r->p;
	struct nm_range *range;

	if (memcmp(item->last + at, item->spec + at, size) < 0)
		return refuse(r, EINVAL, RTE_FLOW_ERROR_TYPE_ITEM_LAST, item->as_given,
			"last is below spec");
	if (p->n_ranges == NM_RANGES_MAX)
		return refuse(r, ENOTSUP, RTE_FLOW_ERROR_TYPE_ITEM_LAST, item->as_given,
			"too many ranges");
	range = &p->ranges[p->n_ranges++];
	*range = (struct nm_range){.at = key_at, .size = size};
	memcpy(range->mask, item->mask + at, size);
	memcpy(range->low, item->spec + at, size);
	memcpy(range->high, item->last + at, size);
	p->range = item->as_given;
	return 0;
}

static bool is_range(const struct item *item, uint8_t at, uint8_t size)
{
	return item->ranged && !zero(item->last + at, size) &&
	       memcmp(item->last + at, item->spec + at, size) != 0;
}

/* The header's fields, from `base` of the key on. */
static int add_fields(const struct reader *r, const struct item *item, uint8_t base)
{
	const struct kind *kind = item->kind;
	int rc;

	for (unsigned int i = 0; i < FIELDS_MAX && kind->fields[i].size != 0; i++) {
		uint8_t at = kind->fields[i].at, size = kind->fields[i].size;

		if (is_range(item, at, size)) {
			rc = add_range(r, item, at, size, base + at);
			if (rc != 0)
				return rc;
			continue;
		}
		for (uint8_t b = at; b < at + size; b++)
			match(r->p, base + b, item->spec[b], item->mask[b]);
	}
	return 0;
}

static bool is_tpid(const uint8_t *type)
{
	return (type[0] == 0x81 && type[1] == 0x00) || (type[0] == 0x88 && type[1] == 0xa8);
}

/*
 * A NIC that is blind for tags looks at the innermost EtherType, wherever it is. What `type` means
 * then is undecided until it is known whether a VLAN item follows.
 */
static void blind_type(struct reader *r)
{
	struct nm_pattern *p = r->p;
	uint8_t at = NM_AT(ether) + 12, last = NM_AT(last_type);

	if (!r->reading->vlan_blind || r->tags != 0 || p->ether == NULL || is_tpid(p->spec.b + at))
		return;
	for (unsigned int i = 0; i < 2; i++) {
		match(p, (uint8_t)(last + i), p->spec.b[at + i], p->mask.b[at + i]);
		p->spec.b[at + i] = p->mask.b[at + i] = 0;
	}
}

static int add_ether(struct reader *r, struct item *item)
{
	const struct rte_flow_item_eth *spec = (const void *)item->spec;
	const struct rte_flow_item_eth *mask = (const void *)item->mask;

	if (r->layer != 0)
		return refuse(r, EINVAL, RTE_FLOW_ERROR_TYPE_ITEM, item->as_given,
			"ETH is the first header");
	if (mask->reserved != 0)
		return refuse(
			r, EINVAL, RTE_FLOW_ERROR_TYPE_ITEM_MASK, item->as_given, "reserved bits");
	r->layer = 2;
	r->p->ether = item->as_given;
	if (mask->has_vlan) {
		match(r->p, NM_AT(tags), spec->has_vlan ? NM_TAGGED : 0, NM_TAGGED);
		r->p->untagged = !spec->has_vlan;
		r->p->tagged = spec->has_vlan;
	}
	return add_fields(r, item, NM_AT(ether));
}

static int add_vlan(struct reader *r, struct item *item)
{
	const struct rte_flow_item_vlan *spec = (const void *)item->spec;
	const struct rte_flow_item_vlan *mask = (const void *)item->mask;
	unsigned int i = r->tags++;

	if (r->layer != 2 || i > 1)
		return refuse(r, EINVAL, RTE_FLOW_ERROR_TYPE_ITEM, item->as_given,
			"up to two VLAN items follow ETH");
	if (r->p->untagged)
		return refuse(r, EINVAL, RTE_FLOW_ERROR_TYPE_ITEM, item->as_given,
			"VLAN of untagged packets");
	r->p->tagged = true;
	match(r->p, NM_AT(tags), 0xff, i == 0 ? NM_TAGGED : NM_TAGGED_TWICE);
	if (mask->has_more_vlan && i == 0)
		match(r->p, NM_AT(tags), spec->has_more_vlan ? NM_TAGGED_TWICE : 0,
			NM_TAGGED_TWICE);
	return add_fields(r, item, (uint8_t)(NM_AT(vlan) + 4 * i));
}

/*
 * An IP item right behind ETH, or behind VLAN items, means just these tags, unless has_vlan says
 * otherwise; except to a NIC that is blind for them.
 */
static void settle_tags(struct reader *r)
{
	blind_type(r);
	if (r->reading->vlan_blind || (r->p->tagged && r->tags == 0))
		return;
	if (r->tags < 2)
		match(r->p, NM_AT(tags), 0, r->tags == 0 ? NM_TAGGED : NM_TAGGED_TWICE);
}

static int add_network(struct reader *r, struct item *item)
{
	const struct rte_flow_item_ipv6 *spec = (const void *)item->spec;
	const struct rte_flow_item_ipv6 *mask = (const void *)item->mask;

	if (r->layer > 2)
		return refuse(r, ENOTSUP, RTE_FLOW_ERROR_TYPE_ITEM, item->as_given,
			"one IP header, behind ETH and VLAN");
	r->layer = 3;
	r->p->family = item->kind->number;
	r->p->network = item->as_given;
	settle_tags(r);
	if (!item->broad || !r->reading->relaxed)
		match(r->p, NM_AT(network), item->kind->number, 0xff);
	if (item->kind->number == 6) {
		uint32_t spec_bits, mask_bits;

		memcpy(&spec_bits, &spec->hdr + 1, sizeof(spec_bits));
		memcpy(&mask_bits, &mask->hdr + 1, sizeof(mask_bits));
		if (mask_bits >> 9 != 0)
			return refuse(r, EINVAL, RTE_FLOW_ERROR_TYPE_ITEM_MASK, item->as_given,
				"reserved bits");
		match(r->p, NM_AT(extensions), (uint8_t)spec_bits, (uint8_t)mask_bits);
		match(r->p, NM_AT(extensions) + 1, (uint8_t)(spec_bits >> 8),
			(uint8_t)(mask_bits >> 8));
	}
	return add_fields(r, item, NM_AT(ip));
}

static int add_transport(struct reader *r, struct item *item)
{
	uint8_t protocol = item->kind->number;

	if (r->layer != 3)
		return refuse(r, ENOTSUP, RTE_FLOW_ERROR_TYPE_ITEM, item->as_given,
			"a transport header follows an IP header");
	if (protocol == (r->p->family == 4 ? IPPROTO_ICMPV6 : IPPROTO_ICMP))
		return refuse(r, EINVAL, RTE_FLOW_ERROR_TYPE_ITEM, item->as_given,
			"ICMP of the other IP version");
	r->layer = 4;
	r->p->transport = protocol;
	r->p->transport_item = item->as_given;
	if (!item->broad || !r->reading->relaxed)
		match(r->p, NM_AT(transport), protocol, 0xff);
	return add_fields(r, item, NM_AT(l4));
}

/* Where packets come from: an item that is not part of the stack. */
static int add_origin(struct reader *r, const struct rte_flow_item *given, enum nm_origin origin)
{
	const struct rte_flow_item_ethdev *spec = given->spec, *mask = given->mask;
	uint16_t port;

	if (!r->reading->transfer)
		return refuse(r, EINVAL, RTE_FLOW_ERROR_TYPE_ITEM, given, "needs a transfer rule");
	if (spec == NULL && mask != NULL)
		return refuse(r, EINVAL, RTE_FLOW_ERROR_TYPE_ITEM_SPEC, given, "mask without spec");
	if (given->last != NULL)
		return refuse(
			r, ENOTSUP, RTE_FLOW_ERROR_TYPE_ITEM_LAST, given, "no ranges of ports");
	match(r->p, NM_AT(origin), origin, 0xff);
	if (spec == NULL || (mask != NULL && mask->port_id == 0))
		return 0;
	if (mask != NULL && mask->port_id != UINT16_MAX)
		return refuse(
			r, ENOTSUP, RTE_FLOW_ERROR_TYPE_ITEM_MASK, given, "partial mask of a port");
	port = spec->port_id;
	match(r->p, NM_AT(port), (uint8_t)(port & 0xff), 0xff);
	match(r->p, NM_AT(port) + 1, (uint8_t)(port >> 8), 0xff);
	return 0;
}

/* PORT_ID is the older word for the represented port, with a wider number. */
static int add_port_id(struct reader *r, const struct rte_flow_item *given)
{
	const struct rte_flow_item_port_id *spec = given->spec, *mask = given->mask;
	struct rte_flow_item_ethdev ethdev = {0}, all = {.port_id = UINT16_MAX};
	struct rte_flow_item item = {.type = given->type, .last = given->last};

	if (spec == NULL || (mask != NULL && mask->id == 0))
		return add_origin(r, &item, NM_WIRE);
	if ((mask != NULL && mask->id != UINT32_MAX) || spec->id > UINT16_MAX)
		return refuse(
			r, ENOTSUP, RTE_FLOW_ERROR_TYPE_ITEM_MASK, given, "not a port's number");
	ethdev.port_id = (uint16_t)spec->id;
	item.spec = &ethdev;
	item.mask = &all;
	return add_origin(r, &item, NM_WIRE);
}

static int add_header(struct reader *r, const struct rte_flow_item *given)
{
	const struct kind *kind = kind_of(given->type);
	struct item item;
	int rc;

	if (kind == NULL)
		return refuse(r, ENOTSUP, RTE_FLOW_ERROR_TYPE_ITEM, given, "item not supported");
	rc = item_read(r, &item, given, kind->mask, kind->size);
	if (rc != 0)
		return rc;
	item.kind = kind;
	switch (kind->layer) {
	case 2:
		return kind->type == RTE_FLOW_ITEM_TYPE_ETH ? add_ether(r, &item)
							    : add_vlan(r, &item);
	case 3:
		return add_network(r, &item);
	default:
		return add_transport(r, &item);
	}
}

int nm_pattern_read(struct nm_pattern *pattern, const struct rte_flow_item items[],
	const struct nm_reading *reading, struct rte_flow_error *error)
{
	struct reader r = {.p = pattern, .reading = reading, .error = error};
	int rc = 0;

	memset(pattern, 0, sizeof(*pattern));
	for (; items->type != RTE_FLOW_ITEM_TYPE_END && rc == 0; items++) {
		switch (items->type) {
		case RTE_FLOW_ITEM_TYPE_VOID:
			break;
		case RTE_FLOW_ITEM_TYPE_PORT_ID:
			rc = add_port_id(&r, items);
			break;
		case RTE_FLOW_ITEM_TYPE_REPRESENTED_PORT:
			rc = add_origin(&r, items, NM_WIRE);
			break;
		case RTE_FLOW_ITEM_TYPE_PORT_REPRESENTOR:
			rc = add_origin(&r, items, NM_APPLICATION);
			break;
		default:
			rc = add_header(&r, items);
			break;
		}
	}
	if (rc == 0 && pattern->network == NULL)
		blind_type(&r);
	return rc;
}
