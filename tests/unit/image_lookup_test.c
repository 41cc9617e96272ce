/* SPDX-License-Identifier: BSD-3-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "builder.h"
#include "image.h"

#define DIRECT(action, slot) \
	(TG_PROGRAM_DIRECT | (uint32_t)(action) << TG_VERDICT_ACTION_SHIFT | (slot))
#define ALLOW(slot) DIRECT(TG_ACTION_ALLOW, slot)
#define DENY(slot) DIRECT(TG_ACTION_DENY, slot)
#define AUDIT(slot) DIRECT(TG_ACTION_AUDIT, slot)
#define WORD(reference) ((reference) & ~TG_PROGRAM_DIRECT)
#define V4(a, b, c, d) \
	((uint32_t)(a) << 24 | (uint32_t)(b) << 16 | (uint32_t)(c) << 8 | (uint32_t)(d))
#define NONE TG_NONE
#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

enum { CLOSED, WORLD4, WORLD6, WEB4, WEB6, DB4, NODE4, LAN4, LAN6, OTHER4, OTHER6, CLASSES };
enum { ROW_WEB_OUT, ROW_DB_IN, ROW_WORLD_OUT, ROWS };
enum { COL_WEB, COL_DB, COL_PODS, COL_LAN, COL_KIND_POD, COL_KIND_WORLD, COLUMNS };

static const struct tg_image_class classes[CLASSES] = {
	[CLOSED] = {{NONE, NONE}, {NONE, NONE, NONE}, {DENY(0), DENY(0)}, TG_KIND_UNKNOWN, 0, 0},
	[WORLD4] = {{NONE, NONE}, {NONE, NONE, COL_KIND_WORLD}, {ALLOW(1), ALLOW(1)}, TG_KIND_WORLD,
		4, 0},
	[WORLD6] = {{NONE, NONE}, {NONE, NONE, COL_KIND_WORLD}, {ALLOW(1), ALLOW(1)}, TG_KIND_WORLD,
		6, 0},
	[WEB4] = {{ROW_WEB_OUT, NONE}, {COL_WEB, COL_PODS, COL_KIND_POD}, {DENY(64), ALLOW(2)},
		TG_KIND_POD, 4, 0},
	[WEB6] = {{ROW_WEB_OUT, NONE}, {COL_WEB, COL_PODS, COL_KIND_POD}, {DENY(64), ALLOW(2)},
		TG_KIND_POD, 6, 0},
	[DB4] = {{NONE, ROW_DB_IN}, {COL_DB, COL_PODS, COL_KIND_POD}, {ALLOW(2), DENY(65)},
		TG_KIND_POD, 4, 0},
	[NODE4] = {{NONE, NONE}, {NONE, NONE, NONE}, {ALLOW(1), ALLOW(1)}, TG_KIND_NODE, 4, 0},
	[LAN4] = {{NONE, NONE}, {NONE, COL_LAN, COL_KIND_WORLD}, {ALLOW(1), ALLOW(1)},
		TG_KIND_WORLD, 4, 0},
	[LAN6] = {{NONE, NONE}, {NONE, COL_LAN, COL_KIND_WORLD}, {ALLOW(1), ALLOW(1)},
		TG_KIND_WORLD, 6, 0},
	[OTHER4] = {{NONE, NONE}, {NONE, NONE, NONE}, {AUDIT(70), AUDIT(70)}, TG_KIND_WORLD, 4, 0},
	[OTHER6] = {{NONE, NONE}, {NONE, NONE, NONE}, {AUDIT(70), AUDIT(70)}, TG_KIND_WORLD, 6, 0},
};

static const struct tg_image_addr4 addrs4[] = {
	{V4(10, 0, 0, 1), 0, 0, WEB4, 1},
	{V4(10, 0, 0, 2), 0, 0, DB4, 2},
	{V4(10, 0, 0, 3), 0, 0, DB4, NONE},
	{V4(192, 168, 0, 1), 0, 0, NODE4, 1},
	{V4(192, 168, 0, 2), 0, 0, NODE4, 2},
	{V4(192, 168, 0, 3), 0, 0, NODE4, NONE},
	{V4(10, 0, 0, 1), 7, 0, OTHER4, NONE},
};
static const struct tg_image_addr6 addrs6[] = {
	{{0xfd, [15] = 1}, 0, 0, WEB6, 1, 0},
};
static const struct tg_image_prefix4 prefixes4[] = {
	{0, 0, 0, 0, WORLD4, 0},
	{V4(172, 16, 0, 0), 0, 12, 0, LAN4, 0},
	{V4(172, 16, 128, 0), 0, 17, 0, WORLD4, 0},
	{V4(172, 16, 128, 4), 0, 31, 0, LAN4, 0},
	{V4(172, 16, 128, 9), 0, 32, 0, LAN4, 0},
	{0, 7, 0, 0, OTHER4, 0},
};
static const struct tg_image_prefix6 prefixes6[] = {
	{{0}, 0, 0, 0, WORLD6, 0},
	{{0x20, 0x01, 0x0d, 0xb8}, 0, 33, 0, LAN6, 0},
	{{0x20, 0x01, 0x0d, 0xb8, [15] = 9}, 0, 128, 0, WORLD6, 0},
	{{0}, 7, 0, 0, OTHER6, 0},
};
static const struct tg_image_cell cells[] = {
	{ROW_WEB_OUT, COL_DB, 0},
	{ROW_WEB_OUT, COL_PODS, DENY(66)},
	{ROW_WEB_OUT, COL_LAN, ALLOW(67)},
	{ROW_WEB_OUT, COL_KIND_WORLD, 1},
	{ROW_DB_IN, COL_WEB, ALLOW(68)},
	{ROW_DB_IN, COL_KIND_WORLD, DENY(69)},
};
static const struct tg_image_program programs[] = {{0, 4}, {4, 1}};
static const struct tg_image_step steps[] = {
	{0, WORD(DENY(64))},
	{6 << 16 | 5432, WORD(ALLOW(67))},
	{6 << 16 | 5433, WORD(DENY(64))},
	{132 << 16, TG_VERDICT_EXT | 0},
	{0, TG_VERDICT_EXT | 1},
};
static const struct tg_image_verdict_ext exts[] = {
	{WORD(AUDIT(70)), WORD(DENY(64)), 1, NONE},
	{WORD(DENY(66)), 0, 0, NONE},
};

struct sample {
	void *data;
	struct tg_image image;
};

static int make_sample(void **state)
{
	struct tg_image_rule rules[7] = {0};
	const struct tg_image_parts parts = {
		.addr4 = addrs4,
		.n_addr4 = COUNT(addrs4),
		.addr6 = addrs6,
		.n_addr6 = COUNT(addrs6),
		.prefix4 = prefixes4,
		.n_prefix4 = COUNT(prefixes4),
		.prefix6 = prefixes6,
		.n_prefix6 = COUNT(prefixes6),
		.classes = classes,
		.n_classes = CLASSES,
		.cells = cells,
		.n_cells = COUNT(cells),
		.programs = programs,
		.n_programs = COUNT(programs),
		.steps = steps,
		.n_steps = COUNT(steps),
		.exts = exts,
		.n_exts = COUNT(exts),
		.rules = rules,
		.n_rules = COUNT(rules),
		.strings = "",
		.n_strings = 1,
		.n_rows = ROWS,
		.n_columns = COLUMNS,
		.slot_limit = 71,
	};
	struct sample *sample = calloc(1, sizeof(*sample));
	struct tg_image_error error;
	size_t size;

	for (uint32_t i = 0; i < COUNT(rules); i++)
		rules[i].slot = TG_SLOT_FIRST + i;
	assert_non_null(sample);
	*state = sample;
	assert_int_equal(tg_image_build(&parts, &sample->data, &size), 0);
	if (tg_image_check(sample->data, size, &sample->image, &error) != 0)
		fail_msg("section 0x%x entry %lld: %s", error.section, (long long)error.index,
			error.text);
	return 0;
}

static int free_sample(void **state)
{
	struct sample *sample = *state;

	free(sample->data);
	free(sample);
	return 0;
}

static struct tg_addr addr(const char *text)
{
	struct tg_addr a;

	assert_int_equal(tg_addr_parse(text, &a), 0);
	return a;
}

static void classes_are_found(void **state)
{
	static const struct {
		uint16_t zone;
		const char *addr;
		uint32_t cls, node;
	} rows[] = {
		{0, "10.0.0.1", WEB4, 1},
		{7, "10.0.0.1", OTHER4, NONE}, /* the zone is part of the key */
		{0, "10.0.0.4", WORLD4, NONE},
		{0, "0.0.0.0", WORLD4, NONE},
		{0, "255.255.255.255", WORLD4, NONE},
		{0, "172.15.255.255", WORLD4, NONE},
		{0, "172.16.0.0", LAN4, NONE},
		{0, "172.31.255.255", LAN4, NONE},
		{0, "172.32.0.0", WORLD4, NONE},
		{0, "172.16.127.255", LAN4, NONE},
		{0, "172.16.128.0", WORLD4, NONE},
		{0, "172.16.128.3", WORLD4, NONE},
		{0, "172.16.128.4", LAN4, NONE},
		{0, "172.16.128.5", LAN4, NONE},
		{0, "172.16.128.6", WORLD4, NONE},
		{0, "172.16.128.9", LAN4, NONE},
		{0, "172.16.255.255", WORLD4, NONE},
		{0, "172.17.0.0", LAN4, NONE},
		{7, "172.16.0.1", OTHER4, NONE},
		{3, "10.0.0.1", CLOSED, NONE}, /* a zone that the image does not have */
		{0, "fd00::1", WEB6, 1},
		{7, "fd00::1", OTHER6, NONE},
		{0, "fd00::2", WORLD6, NONE},
		{0, "2001:db8:7fff:ffff::", LAN6, NONE},
		{0, "2001:db8:8000::", WORLD6, NONE},
		{0, "2001:db8::9", WORLD6, NONE},
		{0, "2001:db8::8", LAN6, NONE},
		{3, "::", CLOSED, NONE},
	};
	const struct sample *sample = *state;

	for (size_t i = 0; i < COUNT(rows); i++) {
		struct tg_addr a = addr(rows[i].addr);
		uint32_t node = 0;

		assert_int_equal(
			tg_image_class_of(&sample->image, rows[i].zone, &a, &node), rows[i].cls);
		assert_int_equal(node, rows[i].node);
		assert_int_equal(
			tg_image_class_of(&sample->image, rows[i].zone, &a, NULL), rows[i].cls);
	}
}

static void tuples_are_judged(void **state)
{
	static const struct {
		const char *src, *dst;
		uint16_t zone;
		uint8_t protocol;
		uint16_t dport;
		uint32_t egress, egress_column, ingress, ingress_column;
		enum tg_action action;
	} rows[] = {
		/* the own column before the group's; the program's edges */
		{"10.0.0.1", "10.0.0.2", 0, 6, 5432, ALLOW(67), COL_DB, ALLOW(68), COL_WEB,
			TG_ACTION_ALLOW},
		{"10.0.0.1", "10.0.0.2", 0, 6, 5431, DENY(64), COL_DB, ALLOW(68), COL_WEB,
			TG_ACTION_DENY},
		{"10.0.0.1", "10.0.0.2", 0, 6, 5433, DENY(64), COL_DB, ALLOW(68), COL_WEB,
			TG_ACTION_DENY},
		{"10.0.0.1", "10.0.0.2", 0, 17, 5432, DENY(64), COL_DB, ALLOW(68), COL_WEB,
			TG_ACTION_DENY},
		{"10.0.0.1", "10.0.0.2", 0, 0, 0, DENY(64), COL_DB, ALLOW(68), COL_WEB,
			TG_ACTION_DENY},
		/* an extended verdict is what it refers to */
		{"10.0.0.1", "10.0.0.2", 0, 132, 0, AUDIT(70), COL_DB, ALLOW(68), COL_WEB,
			TG_ACTION_AUDIT},
		{"10.0.0.1", "10.0.0.2", 0, 255, 65535, AUDIT(70), COL_DB, ALLOW(68), COL_WEB,
			TG_ACTION_AUDIT},
		{"10.0.0.1", "8.8.8.8", 0, 6, 443, DENY(66), COL_KIND_WORLD, ALLOW(1), NONE,
			TG_ACTION_DENY},
		/* the group before the kind */
		{"10.0.0.1", "172.16.0.1", 0, 6, 443, ALLOW(67), COL_LAN, ALLOW(1), NONE,
			TG_ACTION_ALLOW},
		{"fd00::1", "2001:db8::1", 0, 6, 443, ALLOW(67), COL_LAN, ALLOW(1), NONE,
			TG_ACTION_ALLOW},
		{"10.0.0.1", "10.0.0.1", 0, 6, 443, DENY(66), COL_PODS, ALLOW(2), NONE,
			TG_ACTION_DENY},
		/* no cell: the default program */
		{"10.0.0.1", "192.168.0.1", 0, 6, 443, DENY(64), NONE, ALLOW(1), NONE,
			TG_ACTION_DENY},
		{"8.8.8.8", "10.0.0.2", 0, 6, 5432, ALLOW(1), NONE, DENY(69), COL_KIND_WORLD,
			TG_ACTION_DENY},
		/* its own node, another node, nodes that nobody knows */
		{"192.168.0.2", "10.0.0.2", 0, 6, 1, ALLOW(1), NONE, ALLOW(TG_BUILTIN_OWN_NODE),
			NONE, TG_ACTION_ALLOW},
		{"192.168.0.1", "10.0.0.2", 0, 6, 1, ALLOW(1), NONE, DENY(65), NONE,
			TG_ACTION_DENY},
		{"192.168.0.3", "10.0.0.3", 0, 6, 1, ALLOW(1), NONE, DENY(65), NONE,
			TG_ACTION_DENY},
		/* a pod of the same node is no node; a side that allows is left alone */
		{"10.0.0.2", "10.0.0.2", 0, 6, 1, ALLOW(2), NONE, DENY(65), NONE, TG_ACTION_DENY},
		{"192.168.0.1", "10.0.0.1", 0, 6, 1, ALLOW(1), NONE, ALLOW(2), NONE,
			TG_ACTION_ALLOW},
		{"1.1.1.1", "10.0.0.1", 7, 6, 1, AUDIT(70), NONE, AUDIT(70), NONE, TG_ACTION_AUDIT},
		{"10.0.0.1", "10.0.0.2", 3, 6, 5432, DENY(0), NONE, DENY(0), NONE, TG_ACTION_DENY},
	};
	const struct sample *sample = *state;

	for (size_t i = 0; i < COUNT(rows); i++) {
		const struct tg_image_query query = {
			.src = addr(rows[i].src),
			.dst = addr(rows[i].dst),
			.zone = rows[i].zone,
			.protocol = rows[i].protocol,
			.dport = rows[i].dport,
		};
		struct tg_image_answer answer;

		tg_image_judge(&sample->image, &query, &answer);
		if (answer.side[TG_EGRESS].verdict != WORD(rows[i].egress) ||
			answer.side[TG_EGRESS].column != rows[i].egress_column ||
			answer.side[TG_INGRESS].verdict != WORD(rows[i].ingress) ||
			answer.side[TG_INGRESS].column != rows[i].ingress_column ||
			answer.action != rows[i].action)
			fail_msg("row %zu: 0x%x by column %u, 0x%x by column %u, action %u", i,
				answer.side[TG_EGRESS].verdict, answer.side[TG_EGRESS].column,
				answer.side[TG_INGRESS].verdict, answer.side[TG_INGRESS].column,
				answer.action);
	}
}

static void rules_are_found(void **state)
{
	const struct sample *sample = *state;

	assert_null(tg_image_rule_of(&sample->image, 0));
	assert_null(tg_image_rule_of(&sample->image, 63));
	assert_null(tg_image_rule_of(&sample->image, 71));
	for (uint32_t slot = 64; slot < 71; slot++)
		assert_int_equal(tg_image_rule_of(&sample->image, slot)->slot, slot);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(classes_are_found),
		cmocka_unit_test(tuples_are_judged),
		cmocka_unit_test(rules_are_found),
	};

	return cmocka_run_group_tests(tests, make_sample, free_sample);
}
