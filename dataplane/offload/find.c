/* SPDX-License-Identifier: BSD-3-Clause */
/* Entries by tuple, either way round: the replies of one are the packets of the other. */
#include <string.h>

#include "internal.h"

static uint32_t end_number(const void *address, uint8_t family, uint16_t port)
{
	return (address_number(address, family) ^ port) * 0x85ebca6bu;
}

uint32_t tuple_number(const struct tg_tuple *t)
{
	uint32_t number = end_number(&t->src, t->family, t->sport) +
			  end_number(&t->dst, t->family, t->dport) + t->protocol;

	return number ^ number >> 15;
}

static uint32_t *bucket_of(const struct tg_offload *o, const struct tg_tuple *t)
{
	return &o->bucket[tuple_number(t) & o->bucket_mask];
}

bool tuple_same_ends(const struct tg_tuple *a, const struct tg_tuple *b)
{
	return memcmp(&a->src, &b->src, a->family == 4 ? 4 : 16) == 0 &&
	       memcmp(&a->dst, &b->dst, a->family == 4 ? 4 : 16) == 0 && a->sport == b->sport &&
	       a->dport == b->dport;
}

struct entry *entry_find(const struct tg_offload *o, const struct tg_tuple *tuple, uint16_t port,
	enum tg_hardware_offer_kind kind)
{
	const struct tg_tuple back = tg_tuple_reversed(tuple);

	for (uint32_t i = *bucket_of(o, tuple); i != NO_ENTRY; i = o->entries[i].next) {
		struct entry *e = &o->entries[i];

		if (e->kind != kind || e->tuple.family != tuple->family ||
			e->tuple.protocol != tuple->protocol)
			continue;
		if ((way_port(o, e, 0) == port && tuple_same_ends(&e->tuple, tuple)) ||
			(kind != TG_HARDWARE_DENIAL && way_port(o, e, 1) == port &&
				tuple_same_ends(&e->tuple, &back)))
			return e;
	}
	return NULL;
}

void entry_link(struct tg_offload *o, struct entry *e)
{
	uint32_t *first = bucket_of(o, &e->tuple);

	e->next = *first;
	*first = entry_number(o, e);
}

void entry_unlink(struct tg_offload *o, struct entry *e)
{
	uint32_t *at = bucket_of(o, &e->tuple);

	while (*at != entry_number(o, e))
		at = &o->entries[*at].next;
	*at = e->next;
}
