/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A build is not believed: where classes can change, at the edges of prefixes, it has to say what
 * the portable lookup says, and at every exact address what the image says.
 */
#include "classifier.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

static bool agrees(const struct tg_classifier *c, const struct tg_image *image, uint16_t id,
	struct tg_addr addr)
{
	const struct zone *zone = classifier_zone(c, id);
	uint32_t node, want_node, cls, want;

	if (zone == NULL)
		return false;
	want = tg_image_class_of(image, id, &addr, &want_node);
	cls = addr.family == 4 ? zone_class4(zone, tg_addr_v4(&addr), &node)
			       : zone_class6(zone, addr.bytes, &node);
	return cls == want && node == want_node;
}

static bool agrees4(
	const struct tg_classifier *c, const struct tg_image *image, uint16_t id, uint32_t addr)
{
	return agrees(c, image, id, tg_addr_from_v4(addr));
}

/* First and last address, and their neighbours outside; the ends of the space wrap around. */
static bool prefix4_agrees(const struct tg_classifier *c, const struct tg_image *image,
	const struct tg_image_prefix4 *p)
{
	const uint32_t last = p->addr | (uint32_t)(UINT64_C(0xffffffff) >> p->length);

	return agrees4(c, image, p->zone, p->addr) && agrees4(c, image, p->zone, last) &&
	       agrees4(c, image, p->zone, p->addr - 1) && agrees4(c, image, p->zone, last + 1);
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
	return agrees(c, image, p->zone, first) && agrees(c, image, p->zone, last) &&
	       agrees(c, image, p->zone, neighbour6(first, -1)) &&
	       agrees(c, image, p->zone, neighbour6(last, 1));
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
	for (uint32_t i = 0; i < parts->n_addr4; i++) {
		const struct tg_image_addr4 *a = &parts->addr4[i];
		uint64_t place;

		if (i + EXACT_AHEAD < parts->n_addr4)
			exact_fetch4(&zone->exact4, a[EXACT_AHEAD].addr);
		if (zone_place4(zone, a->addr, &place) != a->cls ||
			place != exact_place(a->node, a->ns))
			return false;
	}
	return exact_count(&zone->exact4) == parts->n_addr4;
}

static bool addrs6_agree(const struct zone *zone, const struct zone_parts *parts)
{
	for (uint32_t i = 0; i < parts->n_addr6; i++) {
		const struct tg_image_addr6 *a = &parts->addr6[i];
		uint64_t place;

		if (i + EXACT_AHEAD < parts->n_addr6)
			exact_fetch6(&zone->exact6, a[EXACT_AHEAD].addr);
		if (zone_place6(zone, a->addr, &place) != a->cls ||
			place != exact_place(a->node, a->ns))
			return false;
	}
	return exact_count(&zone->exact6) == parts->n_addr6;
}

int classifier_verify(const struct tg_classifier *c, const struct tg_image *image)
{
	struct zone_parts parts = zone_parts_begin(image);

	while (zone_parts_next(&parts, image)) {
		const struct zone *zone = classifier_zone(c, zone_parts_id(&parts));

		if (zone == NULL)
			return -EBADMSG;
		if (!zone->kept &&
			(!prefixes_agree(c, image, &parts) || !addrs4_agree(zone, &parts) ||
				!addrs6_agree(zone, &parts)))
			return -EBADMSG;
	}
	return 0;
}
