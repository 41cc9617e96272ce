/* SPDX-License-Identifier: BSD-3-Clause */
/* The ruleset of world.h as an image. */
#include "ruleset.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "builder.h"

#define KEY(protocol, port) ((uint32_t)(protocol) << 16 | (port))
#define ALLOW(slot) tg_verdict_make(TG_ACTION_ALLOW, slot)
#define AUDIT(slot) tg_verdict_make(TG_ACTION_AUDIT, slot)
#define DENY(slot) tg_verdict_make(TG_ACTION_DENY, slot)
#define DIRECT(verdict) (TG_PROGRAM_DIRECT | (verdict))

/* One row: the world's egress; one column: the world as a peer. Their cell denies transit. */
#define ROW_WORLD 0
#define COLUMN_WORLD 0

enum { PROGRAM_OUT, PROGRAM_IN, PROGRAM_CLIENT_IN, PROGRAM_SERVER_OUT, PROGRAM_COUNT };

#define STEPS_MAX 64

struct draft {
	struct tg_image_step step[STEPS_MAX];
	uint32_t n;
	struct tg_image_program program[PROGRAM_COUNT];
	struct tg_image_class cls[CLASS_COUNT];
	uint32_t rules; /* RULES_* */
};

static void begin(struct draft *d, unsigned int program)
{
	d->program[program].first = d->n;
}

static void end(struct draft *d, unsigned int program)
{
	d->program[program].count = d->n - d->program[program].first;
}

static void step(struct draft *d, uint32_t start, uint32_t verdict)
{
	struct tg_image_step *last = d->n != 0 ? &d->step[d->n - 1] : NULL;

	if (last != NULL && start != 0 && last->start == start)
		last->verdict = verdict;
	else
		d->step[d->n++] = (struct tg_image_step){start, verdict};
}

/* [key, key] by one verdict, what follows by another. */
static void one(struct draft *d, uint32_t key, uint32_t verdict, uint32_t rest)
{
	step(d, key, verdict);
	step(d, key + 1, rest);
}

static void whole(struct draft *d, uint8_t protocol, uint32_t verdict, uint32_t rest)
{
	step(d, KEY(protocol, 0), verdict);
	step(d, KEY(protocol + 1, 0), rest);
}

static void client_egress(struct draft *d, uint32_t rules)
{
	const uint32_t deny = DENY(SLOT_OUT_DENY);
	const uint32_t web = rules & RULES_NO_WEB    ? deny
			     : rules & RULES_NEW_WEB ? ALLOW(SLOT_OUT_WEB_NEW)
						     : ALLOW(SLOT_OUT_WEB);

	begin(d, PROGRAM_OUT);
	step(d, 0, deny);
	whole(d, 1, rules & RULES_NO_ICMP ? deny : ALLOW(SLOT_OUT_ICMP), deny);
	one(d, KEY(6, 80), web, deny);
	one(d, KEY(17, 53), rules & RULES_NO_DNS ? deny : ALLOW(SLOT_OUT_DNS), deny);
	one(d, KEY(17, 514), AUDIT(SLOT_OUT_LOG), deny);
	whole(d, 47, ALLOW(SLOT_OUT_GRE), deny);
	whole(d, 58, rules & RULES_NO_ICMP ? deny : ALLOW(SLOT_OUT_ICMP), deny);
	one(d, KEY(132, 3868), ALLOW(SLOT_OUT_SCTP), deny);
	end(d, PROGRAM_OUT);
}

static void server_ingress(struct draft *d)
{
	const uint32_t deny = DENY(SLOT_IN_DENY);

	begin(d, PROGRAM_IN);
	step(d, 0, deny);
	whole(d, 1, ALLOW(SLOT_IN_ICMP), deny);
	one(d, KEY(6, 80), ALLOW(SLOT_IN_WEB), deny);
	one(d, KEY(17, 53), ALLOW(SLOT_IN_DNS), deny);
	whole(d, 47, ALLOW(SLOT_IN_GRE), deny);
	whole(d, 58, ALLOW(SLOT_IN_ICMP), deny);
	one(d, KEY(132, 3868), ALLOW(SLOT_IN_SCTP), deny);
	end(d, PROGRAM_IN);
}

static int by_key(const void *a, const void *b)
{
	const struct ruleset_allow *x = a, *y = b;
	const uint32_t kx = KEY(x->protocol, x->port), ky = KEY(y->protocol, y->port);

	return (kx > ky) - (kx < ky);
}

/* One direction of a list that is in the order of keys. */
static void listed(struct draft *d, unsigned int program, const struct ruleset_allow *allow,
	unsigned int n, bool to_client, uint32_t slot, uint32_t deny)
{
	begin(d, program);
	step(d, 0, deny);
	for (unsigned int i = 0; i < n; i++) {
		if (allow[i].to_client != to_client)
			continue;
		if (allow[i].port == 0)
			whole(d, allow[i].protocol, ALLOW(slot), deny);
		else
			one(d, KEY(allow[i].protocol, allow[i].port), ALLOW(slot), deny);
	}
	end(d, program);
}

/* What the server may open and the client may receive: nothing, or TCP to any port. */
static void reverse(struct draft *d, uint32_t rules)
{
	bool both = (rules & RULES_WEB_BOTH) != 0;

	begin(d, PROGRAM_CLIENT_IN);
	step(d, 0, rules & RULES_OPEN_IN ? ALLOW(TG_BUILTIN_DEFAULT_ALLOW) : DENY(SLOT_IN_DENY));
	if (both)
		whole(d, 6, ALLOW(SLOT_IN_WEB), DENY(SLOT_IN_DENY));
	end(d, PROGRAM_CLIENT_IN);
	begin(d, PROGRAM_SERVER_OUT);
	step(d, 0, DENY(SLOT_OUT_DENY));
	if (both)
		whole(d, 6, ALLOW(SLOT_OUT_WEB), DENY(SLOT_OUT_DENY));
	end(d, PROGRAM_SERVER_OUT);
}

static void both_families(
	struct draft *d, unsigned int cls, uint8_t kind, uint32_t egress, uint32_t ingress)
{
	for (unsigned int v6 = 0; v6 < 2; v6++) {
		struct tg_image_class *c = &d->cls[cls + v6];

		*c = (struct tg_image_class){
			.row = {TG_NONE, TG_NONE},
			.column = {TG_NONE, TG_NONE, TG_NONE},
			.default_program = {egress, ingress},
			.kind = kind,
			.family = v6 ? 6 : 4,
		};
		if (kind == TG_KIND_WORLD) {
			c->row[TG_EGRESS] = ROW_WORLD;
			c->column[2] = COLUMN_WORLD;
		}
	}
}

static void classes(struct draft *d)
{
	const uint32_t pass = DIRECT(ALLOW(TG_BUILTIN_NOT_SUBJECT));

#define CLOSED(slot) DIRECT(DENY(TG_BUILTIN_##slot)), DIRECT(DENY(TG_BUILTIN_##slot))
	both_families(d, 0, TG_KIND_UNKNOWN, CLOSED(FAIL_CLOSED));
	d->cls[0].family = 0;
	both_families(d, CLASS_WORLD, TG_KIND_WORLD, pass, pass);
	both_families(d, CLASS_CLIENT, TG_KIND_POD, PROGRAM_OUT, PROGRAM_CLIENT_IN);
	both_families(d, CLASS_SERVER, TG_KIND_POD, PROGRAM_SERVER_OUT, PROGRAM_IN);
	both_families(d, CLASS_CLOSED, TG_KIND_POD, DIRECT(DENY(SLOT_CLOSED_OUT)),
		DIRECT(DENY(SLOT_CLOSED_IN)));
	both_families(d, CLASS_FREE, TG_KIND_POD, pass, pass);
	both_families(d, CLASS_UNKNOWN, TG_KIND_UNKNOWN, CLOSED(UNKNOWN_ENDPOINT));
	both_families(d, CLASS_NODE, TG_KIND_NODE, CLOSED(NODE_DEFAULT));
	both_families(d, CLASS_SERVICE, TG_KIND_SERVICE, CLOSED(SERVICE_ADDRESS));
	both_families(d, CLASS_CONFLICT, TG_KIND_CONFLICT, CLOSED(ADDRESS_CONFLICT));
	both_families(d, CLASS_QUARANTINE, TG_KIND_QUARANTINE, CLOSED(QUARANTINE));
#undef CLOSED
}

struct host {
	uint32_t addr;
	uint32_t cls;
};

static const struct host hosts[] = {
	{0x0a00000a, CLASS_NODE},
	{0x0a00000b, CLASS_NODE},
	{0x0a010001, CLASS_CLIENT},
	{0x0a010002, CLASS_SERVER},
	{0x0a010003, CLASS_CLOSED},
	{0x0a010004, CLASS_FREE},
	{0x0a010042, CLASS_CONFLICT},
	{0x0a01004d, CLASS_QUARANTINE},
	{0x0a600001, CLASS_SERVICE},
};

#define HOSTS (sizeof(hosts) / sizeof(hosts[0]))

/* 10.A.0.B is fd00:A::B. */
static void twin(uint8_t out[16], uint32_t addr)
{
	memset(out, 0, 16);
	out[0] = 0xfd;
	out[3] = (uint8_t)(addr >> 16 & 0xff) == 0x60 ? 0x96 : (uint8_t)(addr >> 16);
	out[15] = (uint8_t)(addr & 0xff) == 0x42   ? 0x66
		  : (uint8_t)(addr & 0xff) == 0x4d ? 0x77
		  : (uint8_t)(addr & 0xff) == 0x0a ? 0x10
		  : (uint8_t)(addr & 0xff) == 0x0b ? 0x11
						   : (uint8_t)addr;
}

/* The number of its NAMESPACE record. */
static uint16_t namespace_of(uint32_t rules, uint32_t cls)
{
	if ((rules & RULES_LIMITS) == 0)
		return 0;
	if (cls == CLASS_SERVER || (cls == CLASS_CLIENT && (rules & RULES_MOVED)))
		return 2;
	return cls == CLASS_CLIENT || cls == CLASS_FREE ? 1 : 0;
}

/* Whose an address is in the second zone. */
static uint32_t far_class(uint32_t cls)
{
	return cls == CLASS_CLIENT ? CLASS_CLOSED : cls == CLASS_CLOSED ? CLASS_CLIENT : cls;
}

/* Consumes the draft, whose programs are written. */
static struct tg_image finish(struct draft *d, uint64_t generation, void **data)
{
	static const struct tg_image_cell cells[] = {
		{ROW_WORLD, COLUMN_WORLD,
			DIRECT(0u << TG_VERDICT_ACTION_SHIFT | TG_BUILTIN_TRANSIT)},
	};
	struct tg_image_rule rule[SLOT_LIMIT - TG_SLOT_FIRST] = {0};
	struct tg_image_addr4 addr4[2 * HOSTS];
	struct tg_image_addr6 addr6[2 * HOSTS];
	struct tg_image_prefix4 prefix4[] = {
		{.cls = CLASS_WORLD},
		{.addr = 0x0a010000, .length = 16, .cls = CLASS_UNKNOWN},
		{.zone = ZONE_FAR, .cls = CLASS_WORLD},
		{.zone = ZONE_FAR, .addr = 0x0a010000, .length = 16, .cls = CLASS_UNKNOWN},
	};
	struct tg_image_prefix6 prefix6[] = {
		{.cls = CLASS_WORLD + 1},
		{.addr = {0xfd, 0, 0, 1}, .length = 32, .cls = CLASS_UNKNOWN + 1},
		{.zone = ZONE_FAR, .cls = CLASS_WORLD + 1},
		{.zone = ZONE_FAR, .addr = {0xfd, 0, 0, 1}, .length = 32, .cls = CLASS_UNKNOWN + 1},
	};
	uint32_t zones = d->rules & RULES_FAR ? 2 : 1;
	struct tg_image_error error;
	struct tg_image image;
	size_t size;

	classes(d);
	for (uint32_t i = 0; i < SLOT_LIMIT - TG_SLOT_FIRST; i++)
		rule[i] = (struct tg_image_rule){
			.slot = TG_SLOT_FIRST + i,
			.kind = TG_RULE_POLICY,
		};
	for (uint32_t slot = SLOT_NS_APPS; (d->rules & RULES_LIMITS) && slot <= SLOT_NS_DATA;
		slot++) {
		rule[slot - TG_SLOT_FIRST].kind = TG_RULE_NAMESPACE;
		rule[slot - TG_SLOT_FIRST].index = slot == SLOT_NS_APPS ? LIMIT_APPS : LIMIT_DATA;
	}
	for (size_t i = 0; i < zones * HOSTS; i++) {
		const struct host *host = &hosts[i % HOSTS];
		uint16_t zone = i < HOSTS ? 0 : ZONE_FAR;
		uint32_t cls = zone == 0 ? host->cls : far_class(host->cls);

		addr4[i] = (struct tg_image_addr4){
			.zone = zone, .addr = host->addr, .cls = cls, .node = TG_NONE};
		addr6[i] = (struct tg_image_addr6){.zone = zone, .cls = cls + 1, .node = TG_NONE};
		twin(addr6[i].addr, host->addr);
		addr4[i].ns = addr6[i].ns = namespace_of(d->rules, cls);
	}
	if (tg_image_build(
		    &(struct tg_image_parts){
			    .addr4 = addr4,
			    .addr6 = addr6,
			    .prefix4 = prefix4,
			    .prefix6 = prefix6,
			    .classes = d->cls,
			    .cells = cells,
			    .programs = d->program,
			    .steps = d->step,
			    .rules = rule,
			    .strings = "",
			    .n_addr4 = zones * HOSTS,
			    .n_addr6 = zones * HOSTS,
			    .n_prefix4 = zones * 2,
			    .n_prefix6 = zones * 2,
			    .n_classes = CLASS_COUNT,
			    .n_cells = 1,
			    .n_programs = PROGRAM_COUNT,
			    .n_steps = d->n,
			    .n_rules = SLOT_LIMIT - TG_SLOT_FIRST,
			    .n_strings = 1,
			    .generation = generation,
			    .n_rows = 1,
			    .n_columns = 1,
			    .slot_limit = SLOT_LIMIT,
		    },
		    data, &size) != 0 ||
		tg_image_check(*data, size, &image, &error) != 0) {
		fprintf(stderr, "test ruleset: section %u index %llu: %s\n", error.section,
			(unsigned long long)error.index, error.text);
		abort();
	}
	free(d);
	return image;
}

struct tg_image ruleset_make(uint32_t rules, uint64_t generation, void **data)
{
	struct draft *d = calloc(1, sizeof(*d));

	d->rules = rules;
	client_egress(d, rules);
	server_ingress(d);
	reverse(d, rules);
	return finish(d, generation, data);
}

struct tg_image ruleset_allow(
	const struct ruleset_allow *allow, unsigned int n, uint64_t generation, void **data)
{
	struct ruleset_allow *sorted = calloc(n + 1, sizeof(*sorted));
	struct draft *d = calloc(1, sizeof(*d));

	for (unsigned int i = 0; i < n; i++)
		sorted[i] = allow[i];
	qsort(sorted, n, sizeof(*sorted), by_key);
	listed(d, PROGRAM_OUT, sorted, n, false, SLOT_OUT_WEB, DENY(SLOT_OUT_DENY));
	listed(d, PROGRAM_IN, NULL, 0, true, SLOT_IN_WEB, DENY(SLOT_IN_DENY));
	listed(d, PROGRAM_CLIENT_IN, sorted, n, true, SLOT_IN_WEB, DENY(SLOT_IN_DENY));
	listed(d, PROGRAM_SERVER_OUT, NULL, 0, false, SLOT_OUT_WEB, DENY(SLOT_OUT_DENY));
	free(sorted);
	return finish(d, generation, data);
}
