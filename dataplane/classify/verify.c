/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A build is not believed: where classes can change, at the edges of prefixes, it has to say what
 * the portable lookup says, and at every exact address what the image says. Between the exact
 * addresses of a block it has to say what prefixes say.
 */
#include "classifier.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

static bool agrees(const struct tg_classifier *c, const struct tg_image *image, uint16_t id,
	struct tg_addr addr)
{
	const struct zone *zone = classifier_zone(c, id);
	uint32_t want_node, cls, want;
	uint64_t place;

	if (zone == NULL)
		return false;
	want = tg_image_class_of(image, id, &addr, &want_node);
	cls = addr.family == 4 ? zone_class4(zone, tg_addr_v4(&addr))
			       : zone_class6(zone, addr.bytes);
	place = addr.family == 4 ? zone_place4(zone, tg_addr_v4(&addr))
				 : zone_place6(zone, addr.bytes);
	return cls == want && place_node(place) == want_node;
}

static bool agrees4(
	const struct tg_classifier *c, const struct tg_image *image, uint16_t id, uint32_t addr)
{
	return agrees(c, image, id, tg_addr_from_v4(addr));
}

/*
 * An address where a prefix begins or another goes on, and the first one from there on, in its
 * block, that is not an exact one.
 */
static bool begins4(
	const struct tg_classifier *c, const struct tg_image *image, uint16_t id, uint32_t addr)
{
	const struct exact *t = &classifier_zone(c, id)->exact4;
	uint32_t plain = addr, lane;

	while (plain % BLOCK_SIZE != BLOCK_SIZE - 1 &&
		exact_find4(t, exact_home4(t, plain), plain, &lane) < LANE_PENDING)
		plain++;
	return agrees4(c, image, id, addr) && (plain == addr || agrees4(c, image, id, plain));
}

static bool begins6(const struct tg_classifier *c, const struct tg_image *image, uint16_t id,
	struct tg_addr addr)
{
	const struct exact *t = &classifier_zone(c, id)->exact6;
	struct tg_addr plain = addr;
	uint32_t lane;

	while (plain.bytes[15] != BLOCK_SIZE - 1 &&
		exact_find6(t, exact_home6(t, plain.bytes), plain.bytes, &lane) < LANE_PENDING)
		plain.bytes[15]++;
	return agrees(c, image, id, addr) &&
	       (plain.bytes[15] == addr.bytes[15] || agrees(c, image, id, plain));
}

/*
 * First and last address, and their neighbours outside; the ends of the space wrap around. Where
 * one is an exact address, also what follows it.
 */
static bool prefix4_agrees(const struct tg_classifier *c, const struct tg_image *image,
	const struct tg_image_prefix4 *p)
{
	const uint32_t last = p->addr | (uint32_t)(UINT64_C(0xffffffff) >> p->length);

	return begins4(c, image, p->zone, p->addr) && agrees4(c, image, p->zone, last) &&
	       agrees4(c, image, p->zone, p->addr - 1) && begins4(c, image, p->zone, last + 1);
}

/* The address before (-1) or after (1). */
static struct tg_addr neighbour6(struct tg_addr addr, int step)
{
	const uint8_t end = step < 0 ? 0 : 0xff;
	int i = 15;

	while (i > 0 && addr.bytes[i] == end)
		addr.bytes[i--] = (uint8_t)~end;
	addr.bytes[i] = (uint8_t)(addr.bytes[i] + step);
	return addr;
}

static bool prefix6_agrees(const struct tg_classifier *c, const struct tg_image *image,
	const struct tg_image_prefix6 *p)
{
	struct tg_addr first = {.family = 6}, last;

	memcpy(first.bytes, p->addr, sizeof(first.bytes));
	last = first;
	for (unsigned int bit = p->length; bit < 128; bit++)
		last.bytes[bit / 8] |= (uint8_t)(0x80u >> bit % 8);
	return begins6(c, image, p->zone, first) && agrees(c, image, p->zone, last) &&
	       agrees(c, image, p->zone, neighbour6(first, -1)) &&
	       begins6(c, image, p->zone, neighbour6(last, 1));
}

static bool prefixes_agree(
	const struct tg_classifier *c, const struct tg_image *image, const struct zone_parts *parts)
{
	for (uint32_t i = 0; i < parts->n_prefix4; i++)
		if (!prefix4_agrees(c, image, &parts->prefix4[i]))
			return false;
	for (uint32_t i = 0; i < parts->n_prefix6; i++)
		if (!prefix6_agrees(c, image, &parts->prefix6[i]))
			return false;
	return true;
}

/* The sections have each address once: what is written there has to be found, and nothing else. */
static bool addrs4_agree(const struct zone *zone, const struct zone_parts *parts)
{
	const struct exact *t = &zone->exact4;
	uint32_t lane = 0;

	for (uint32_t i = 0; i < parts->n_addr4; i++) {
		const struct tg_image_addr4 *a = &parts->addr4[i];

		if (i + EXACT_AHEAD < parts->n_addr4)
			exact_fetch4(t, a[EXACT_AHEAD].addr);
		if (exact_find4(t, exact_home4(t, a->addr), a->addr, &lane) != a->cls ||
			t->places[lane] != exact_place(a->node, a->ns) ||
			zone_class4(zone, a->addr) != a->cls)
			return false;
	}
	return exact_count(t) == parts->n_addr4;
}

static bool addrs6_agree(const struct zone *zone, const struct zone_parts *parts)
{
	const struct exact *t = &zone->exact6;
	uint32_t lane = 0;

	for (uint32_t i = 0; i < parts->n_addr6; i++) {
		const struct tg_image_addr6 *a = &parts->addr6[i];

		if (i + EXACT_AHEAD < parts->n_addr6)
			exact_fetch6(t, a[EXACT_AHEAD].addr);
		if (exact_find6(t, exact_home6(t, a->addr), a->addr, &lane) != a->cls ||
			t->places[lane] != exact_place(a->node, a->ns) ||
			zone_class6(zone, a->addr) != a->cls)
			return false;
	}
	return exact_count(t) == parts->n_addr6;
}

/* A block of exact addresses, which are not looked at; what lies between is looked at where it
 * changes. */
struct block_check {
	const struct blocks *blocks;
	uint32_t at; /* its first class */
	struct tg_addr addr;
	bool exact[BLOCK_SIZE];
};

static bool block_agrees(const struct tg_image *image, uint16_t id, struct block_check *b)
{
	uint32_t known = TG_NONE;

	for (uint32_t low = 0; low < BLOCK_SIZE; low++) {
		const uint32_t cls = block_class(b->blocks, b->at + low);

		if (b->exact[low] || cls == known)
			continue;
		b->addr.bytes[b->addr.family == 4 ? 3 : 15] = (uint8_t)low;
		if (tg_image_class_of(image, id, &b->addr, NULL) != cls)
			return false;
		known = cls;
	}
	return true;
}

static bool blocks4_agree(
	const struct tg_image *image, const struct zone *zone, const struct zone_parts *parts)
{
	const struct lpm4 *t = &zone->lpm4;
	uint32_t next;

	for (uint32_t i = 0; i < parts->n_addr4 && lpm4_whole(t); i = next) {
		const uint32_t first = parts->addr4[i].addr & ~(BLOCK_SIZE - 1);
		const uint32_t entry = lpm4_entry(t, first);
		struct block_check b = {.blocks = &t->blocks,
			.at = lpm4_block_at(entry, first),
			.addr = tg_addr_from_v4(first)};

		if ((entry & LPM_DEEPER) == 0)
			return false;

		for (next = i;
			next < parts->n_addr4 && parts->addr4[next].addr - first < BLOCK_SIZE;
			next++)
			b.exact[parts->addr4[next].addr % BLOCK_SIZE] = true;
		if (!block_agrees(image, zone->id, &b))
			return false;
	}
	return true;
}

static bool blocks6_agree(
	const struct tg_image *image, const struct zone *zone, const struct zone_parts *parts)
{
	const struct dense6 *t = &zone->dense6;
	uint32_t next;

	for (uint32_t i = 0; i < parts->n_addr6 && dense6_whole(t); i = next) {
		const uint8_t *first = parts->addr6[i].addr;
		struct block_check b = {.blocks = &t->blocks,
			.at = dense6_at(dense6_block(t, first), first) & ~(BLOCK_SIZE - 1),
			.addr.family = 6};

		memcpy(b.addr.bytes, first, sizeof(b.addr.bytes));
		for (next = i;
			next < parts->n_addr6 && memcmp(parts->addr6[next].addr, first, 15) == 0;
			next++)
			b.exact[parts->addr6[next].addr[15]] = true;
		if (!block_agrees(image, zone->id, &b))
			return false;
	}
	return true;
}

static bool zone_agrees(
	const struct tg_classifier *c, const struct tg_image *image, const struct zone_parts *parts)
{
	const struct zone *zone = classifier_zone(c, zone_parts_id(parts));

	if (zone == NULL)
		return false;
	return zone->kept ||
	       (prefixes_agree(c, image, parts) && addrs4_agree(zone, parts) &&
		       addrs6_agree(zone, parts) && blocks4_agree(image, zone, parts) &&
		       blocks6_agree(image, zone, parts));
}

int classifier_verify(const struct tg_classifier *c, const struct tg_image *image)
{
	struct zone_parts parts = zone_parts_begin(image);

	while (zone_parts_next(&parts, image))
		if (!zone_agrees(c, image, &parts))
			return -EBADMSG;
	return 0;
}
