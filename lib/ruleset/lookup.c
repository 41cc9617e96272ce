/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The portable lookup: the decision of <tidegate/ruleset.h> word by word, by binary search in the
 * image itself. The yardstick of every faster one, so nothing here is clever.
 */
#include "image.h"

#include <string.h>

/* The image is read in place: its integers are little-endian. */
static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "a big-endian host needs conversion");

static const struct tg_image_addr4 *find_addr4(
	const struct tg_image *image, uint16_t zone, uint32_t addr)
{
	uint64_t key = (uint64_t)zone << 32 | addr;
	uint32_t lo = 0, hi = image->n_addr4;

	while (lo < hi) {
		uint32_t mid = lo + (hi - lo) / 2;
		const struct tg_image_addr4 *e = &image->addr4[mid];
		uint64_t have = (uint64_t)e->zone << 32 | e->addr;

		if (have == key)
			return e;
		if (have < key)
			lo = mid + 1;
		else
			hi = mid;
	}
	return NULL;
}

static const struct tg_image_addr6 *find_addr6(
	const struct tg_image *image, uint16_t zone, const uint8_t addr[16])
{
	uint32_t lo = 0, hi = image->n_addr6;

	while (lo < hi) {
		uint32_t mid = lo + (hi - lo) / 2;
		const struct tg_image_addr6 *e = &image->addr6[mid];
		int order = (int)e->zone - (int)zone;

		if (order == 0)
			order = memcmp(e->addr, addr, 16);
		if (order == 0)
			return e;
		if (order < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	return NULL;
}

/* The order of PREFIX4 as one number: zone, length, address. */
static uint64_t prefix4_key(uint16_t zone, unsigned int length, uint32_t addr)
{
	return (uint64_t)zone << 48 | (uint64_t)length << 40 | addr;
}

/* The first prefix whose key is not below `key`. */
static uint32_t prefix4_lower(const struct tg_image *image, uint64_t key)
{
	uint32_t lo = 0, hi = image->n_prefix4;

	while (lo < hi) {
		uint32_t mid = lo + (hi - lo) / 2;
		const struct tg_image_prefix4 *e = &image->prefix4[mid];

		if (prefix4_key(e->zone, e->length, e->addr) < key)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

/* The lengths that the zone has, longest first; each is one run of the section. */
static uint32_t longest_prefix4(const struct tg_image *image, uint16_t zone, uint32_t addr)
{
	uint32_t begin = prefix4_lower(image, prefix4_key(zone, 0, 0));
	uint32_t end = prefix4_lower(image, prefix4_key(zone, 33, 0));

	while (end > begin) {
		unsigned int length = image->prefix4[end - 1].length;
		uint32_t network = length == 0 ? 0 : addr & (uint32_t)(UINT32_MAX << (32 - length));
		uint32_t at = prefix4_lower(image, prefix4_key(zone, length, network));

		if (at < end && image->prefix4[at].addr == network)
			return image->prefix4[at].cls;
		end = prefix4_lower(image, prefix4_key(zone, length, 0));
	}
	return TG_CLASS_FAIL_CLOSED;
}

static uint32_t prefix6_lower(
	const struct tg_image *image, uint16_t zone, unsigned int length, const uint8_t addr[16])
{
	uint32_t lo = 0, hi = image->n_prefix6;

	while (lo < hi) {
		uint32_t mid = lo + (hi - lo) / 2;
		const struct tg_image_prefix6 *e = &image->prefix6[mid];
		int order = (int)e->zone - (int)zone;

		if (order == 0)
			order = (int)e->length - (int)length;
		if (order == 0)
			order = memcmp(e->addr, addr, 16);
		if (order < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

static void network6(const uint8_t addr[16], unsigned int length, uint8_t network[16])
{
	memcpy(network, addr, 16);
	for (unsigned int bit = length; bit < 128; bit++)
		network[bit / 8] &= (uint8_t) ~(0x80u >> bit % 8);
}

static uint32_t longest_prefix6(const struct tg_image *image, uint16_t zone, const uint8_t addr[16])
{
	static const uint8_t zero[16];
	uint32_t begin = prefix6_lower(image, zone, 0, zero);
	uint32_t end = prefix6_lower(image, zone, 129, zero);

	while (end > begin) {
		unsigned int length = image->prefix6[end - 1].length;
		uint8_t network[16];
		uint32_t at;

		network6(addr, length, network);
		at = prefix6_lower(image, zone, length, network);
		if (at < end && memcmp(image->prefix6[at].addr, network, 16) == 0)
			return image->prefix6[at].cls;
		end = prefix6_lower(image, zone, length, zero);
	}
	return TG_CLASS_FAIL_CLOSED;
}

static uint32_t class_of4(
	const struct tg_image *image, uint16_t zone, uint32_t addr, uint32_t *node)
{
	const struct tg_image_addr4 *exact = find_addr4(image, zone, addr);

	*node = exact != NULL ? exact->node : TG_NONE;
	return exact != NULL ? exact->cls : longest_prefix4(image, zone, addr);
}

static uint32_t class_of6(
	const struct tg_image *image, uint16_t zone, const uint8_t addr[16], uint32_t *node)
{
	const struct tg_image_addr6 *exact = find_addr6(image, zone, addr);

	*node = exact != NULL ? exact->node : TG_NONE;
	return exact != NULL ? exact->cls : longest_prefix6(image, zone, addr);
}

uint32_t tg_image_class_of(
	const struct tg_image *image, uint16_t zone, const struct tg_addr *addr, uint32_t *node)
{
	uint32_t unused;

	if (node == NULL)
		node = &unused;
	if (addr->family == 4)
		return class_of4(image, zone, tg_addr_v4(addr), node);
	if (addr->family == 6)
		return class_of6(image, zone, addr->bytes, node);
	*node = TG_NONE;
	return TG_CLASS_FAIL_CLOSED;
}

static const struct tg_image_cell *find_cell(
	const struct tg_image *image, uint32_t row, uint32_t column)
{
	uint64_t key = (uint64_t)row << 32 | column;
	uint32_t lo = 0, hi = image->n_cells;

	while (lo < hi) {
		uint32_t mid = lo + (hi - lo) / 2;
		const struct tg_image_cell *e = &image->cells[mid];
		uint64_t have = (uint64_t)e->row << 32 | e->column;

		if (have == key)
			return e;
		if (have < key)
			lo = mid + 1;
		else
			hi = mid;
	}
	return NULL;
}

/* The verdict word of the last step that starts at or before `key`. */
static uint32_t run_program(const struct tg_image *image, uint32_t reference, uint32_t key)
{
	uint32_t word = reference & ~TG_PROGRAM_DIRECT;

	if ((reference & TG_PROGRAM_DIRECT) == 0) {
		const struct tg_image_program *program = &image->programs[reference];
		const struct tg_image_step *steps = &image->steps[program->first];
		uint32_t lo = 0, hi = program->count;

		while (hi - lo > 1) {
			uint32_t mid = lo + (hi - lo) / 2;

			if (steps[mid].start <= key)
				lo = mid;
			else
				hi = mid;
		}
		word = steps[lo].verdict;
	}
	if ((word & TG_VERDICT_EXT) != 0)
		word = image->exts[tg_verdict_slot(word)].verdict;
	return word;
}

static void judge_side(const struct tg_image *image, enum tg_direction direction,
	const struct tg_image_class *subject, const struct tg_image_class *peer, uint32_t key,
	struct tg_image_side *side)
{
	uint32_t reference = subject->default_program[direction];

	side->row = subject->row[direction];
	side->column = TG_NONE;
	for (int i = 0; i < TG_COLUMNS && side->row != TG_NONE; i++) {
		const struct tg_image_cell *cell;

		if (peer->column[i] == TG_NONE)
			continue;
		cell = find_cell(image, side->row, peer->column[i]);
		if (cell == NULL)
			continue;
		side->column = cell->column;
		reference = cell->program;
		break;
	}
	side->verdict = run_program(image, reference, key);
}

/* Step 5: what a pod's own node sends it is admitted whatever the policies say. */
static void admit_own_node(const struct tg_image *image, struct tg_image_answer *answer)
{
	struct tg_image_side *ingress = &answer->side[TG_INGRESS];

	if (tg_verdict_passes(ingress->verdict) ||
		image->classes[answer->src_class].kind != TG_KIND_NODE ||
		image->classes[answer->dst_class].kind != TG_KIND_POD ||
		answer->src_node == TG_NONE || answer->src_node != answer->dst_node)
		return;
	ingress->verdict = tg_verdict_make(TG_ACTION_ALLOW, TG_BUILTIN_OWN_NODE);
	ingress->column = TG_NONE;
}

static enum tg_action both_sides(uint32_t egress, uint32_t ingress)
{
	if (!tg_verdict_passes(egress) || !tg_verdict_passes(ingress))
		return TG_ACTION_DENY;
	if (tg_verdict_action(egress) == TG_ACTION_AUDIT ||
		tg_verdict_action(ingress) == TG_ACTION_AUDIT)
		return TG_ACTION_AUDIT;
	return TG_ACTION_ALLOW;
}

void tg_image_judge(const struct tg_image *image, const struct tg_image_query *query,
	struct tg_image_answer *answer)
{
	uint32_t key = (uint32_t)query->protocol << 16 | query->dport;
	const struct tg_image_class *src, *dst;

	answer->src_class = tg_image_class_of(image, query->zone, &query->src, &answer->src_node);
	answer->dst_class = tg_image_class_of(image, query->zone, &query->dst, &answer->dst_node);
	src = &image->classes[answer->src_class];
	dst = &image->classes[answer->dst_class];
	judge_side(image, TG_EGRESS, src, dst, key, &answer->side[TG_EGRESS]);
	judge_side(image, TG_INGRESS, dst, src, key, &answer->side[TG_INGRESS]);
	admit_own_node(image, answer);
	answer->action =
		both_sides(answer->side[TG_EGRESS].verdict, answer->side[TG_INGRESS].verdict);
}

const struct tg_image_rule *tg_image_rule_of(const struct tg_image *image, uint32_t slot)
{
	uint32_t lo = 0, hi = image->n_rules;

	while (lo < hi) {
		uint32_t mid = lo + (hi - lo) / 2;

		if (image->rules[mid].slot == slot)
			return &image->rules[mid];
		if (image->rules[mid].slot < slot)
			lo = mid + 1;
		else
			hi = mid;
	}
	return NULL;
}
