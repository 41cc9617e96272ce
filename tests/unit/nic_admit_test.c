/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What may be asked of a NIC. Each row is a rule that a NIC takes, and the one thing about the NIC,
 * the rule or its neighbour that makes it refused.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "profile.h"

#define BIT(n) (1u << (n))
#define ALL(n) (BIT(n) - 1)
#define FLAGS 0x07

static const uint8_t client[4] = {10, 0, 0, 1}, server[4] = {10, 0, 0, 2};
static const uint8_t net8[4] = {255, 0, 0, 0}, odd[4] = {255, 0, 255, 0};
static const uint8_t https[2] = {1, 187}, low_half[2] = {0, 255};

/* A NIC that takes everything and does it right. */
static struct tg_nic_profile perfect(void)
{
	struct tg_nic_profile p = {.name = "perfect", .n_engines = 1};
	struct tg_nic_engine *e = &p.engines[0];

	e->name = "only";
	e->domains = ALL(TG_NIC_DOMAIN_COUNT);
	e->protocols = ALL(TG_NIC_PROTOCOL_COUNT);
	memset(e->masking, TG_NIC_MASK_ANY, sizeof(e->masking));
	e->untagged = true;
	e->shapes = TG_NIC_SHAPES_FREE;
	e->actions = ALL(TG_NIC_ACTION_COUNT);
	e->n_groups = 4;
	e->n_priorities = 4;
	e->miss_to_software = true;
	e->counters.hits = e->counters.bytes = true;
	e->duplicates = TG_NIC_DUPLICATES_REFUSED;
	return p;
}

/* --- rules --- */

static void deny(struct tg_nic_rule *r)
{
	*r = (struct tg_nic_rule){
		.match = {.family = 4, .protocol = 6, .untagged = true},
		.actions = BIT(TG_NIC_DROP) | BIT(TG_NIC_COUNT),
	};
	tg_nic_match_exact(&r->match, TG_NIC_IPV4_SRC, client);
	tg_nic_match_exact(&r->match, TG_NIC_TCP_DPORT, https);
}

static void deny_prefix(struct tg_nic_rule *r)
{
	deny(r);
	tg_nic_match_set(&r->match, TG_NIC_IPV4_SRC, client, net8);
}

static void deny_odd(struct tg_nic_rule *r)
{
	deny(r);
	tg_nic_match_set(&r->match, TG_NIC_IPV4_SRC, client, odd);
}

static void deny_tagged_too(struct tg_nic_rule *r)
{
	deny(r);
	r->match.untagged = false;
}

static void deny_all(struct tg_nic_rule *r)
{
	*r = (struct tg_nic_rule){.match = {.family = 4}, .actions = BIT(TG_NIC_DROP)};
}

static void deny_gre(struct tg_nic_rule *r)
{
	*r = (struct tg_nic_rule){
		.match = {.family = 4, .protocol = 47}, .actions = BIT(TG_NIC_DROP)};
	tg_nic_match_exact(&r->match, TG_NIC_IPV4_DST, server);
}

static void deny6(struct tg_nic_rule *r)
{
	static const uint8_t host[16] = {0x20, 0x01, 0x0d, 0xb8, [15] = 1};

	*r = (struct tg_nic_rule){
		.match = {.family = 6, .protocol = 17}, .actions = BIT(TG_NIC_DROP)};
	tg_nic_match_exact(&r->match, TG_NIC_IPV6_SRC, host);
}

static void deny_other_client(struct tg_nic_rule *r)
{
	deny(r);
	tg_nic_match_exact(&r->match, TG_NIC_IPV4_SRC, server);
}

static void deny_second(struct tg_nic_rule *r)
{
	deny(r);
	r->priority = 1;
}

static void deny_later_group(struct tg_nic_rule *r)
{
	deny(r);
	r->group = 1;
}

static void software_prefix(struct tg_nic_rule *r)
{
	deny_prefix(r);
	r->actions = BIT(TG_NIC_SOFTWARE);
	r->priority = 1;
}

static void software_tagged(struct tg_nic_rule *r)
{
	*r = (struct tg_nic_rule){
		.match = {.family = 4, .tagged = true}, .actions = BIT(TG_NIC_SOFTWARE)};
}

static void deny_tags_kept(struct tg_nic_rule *r)
{
	deny_tagged_too(r);
	r->guarded = BIT(TG_NIC_GUARD_TAGS);
}

static void mark(struct tg_nic_rule *r)
{
	deny(r);
	r->actions = BIT(TG_NIC_SOFTWARE) | BIT(TG_NIC_MARK);
}

static void mark_tagged_too(struct tg_nic_rule *r)
{
	mark(r);
	r->match.untagged = false;
}

static void jump(struct tg_nic_rule *r)
{
	*r = (struct tg_nic_rule){
		.match = {.family = 4, .untagged = true}, .actions = BIT(TG_NIC_JUMP), .jump = 1};
}

static void jump_back(struct tg_nic_rule *r)
{
	jump(r);
	r->group = 2;
}

/* A connection, with nothing kept out of it by others. */
static void forward_bare(struct tg_nic_rule *r)
{
	deny(r);
	tg_nic_match_exact(&r->match, TG_NIC_IPV4_DST, server);
	tg_nic_match_exact(&r->match, TG_NIC_TCP_SPORT, https);
	r->domain = TG_NIC_TRANSFER;
	r->to = 1;
	r->actions = BIT(TG_NIC_FORWARD) | BIT(TG_NIC_COUNT) | BIT(TG_NIC_DEC_TTL) |
		     BIT(TG_NIC_SET_MAC);
}

static void forward(struct tg_nic_rule *r)
{
	forward_bare(r);
	r->guarded = ALL(TG_NIC_GUARD_COUNT);
}

static void forward_unguarded(struct tg_nic_rule *r, enum tg_nic_guard guard)
{
	forward(r);
	r->guarded &= (uint8_t)~BIT(guard);
}

static void forward_fragments(struct tg_nic_rule *r)
{
	forward_unguarded(r, TG_NIC_GUARD_FRAGMENTS);
}

static void forward_options(struct tg_nic_rule *r)
{
	forward_unguarded(r, TG_NIC_GUARD_OPTIONS);
}

static void forward_flags(struct tg_nic_rule *r)
{
	forward_unguarded(r, TG_NIC_GUARD_FLAGS);
}

/* Resets are not kept out. */
static void forward_resets(struct tg_nic_rule *r)
{
	static const uint8_t none = 0, flags = 0x03;

	forward_flags(r);
	tg_nic_match_set(&r->match, TG_NIC_TCP_FLAGS, &none, &flags);
}

/* A header with one word of options. */
static void forward_one_option(struct tg_nic_rule *r)
{
	static const uint8_t ihl = 6;

	forward_options(r);
	tg_nic_match_exact(&r->match, TG_NIC_IPV4_IHL, &ihl);
}

static void forward_last_hop(struct tg_nic_rule *r)
{
	forward_unguarded(r, TG_NIC_GUARD_LAST_HOP);
}

/* Everything is kept out by the match itself. */
static void forward_alone(struct tg_nic_rule *r)
{
	static const uint8_t no_flags = 0, flags = FLAGS, ihl = 5, ttl = 64, fragment[2] = {0};

	forward_bare(r);
	tg_nic_match_set(&r->match, TG_NIC_TCP_FLAGS, &no_flags, &flags);
	tg_nic_match_exact(&r->match, TG_NIC_IPV4_FRAGMENT, fragment);
	tg_nic_match_exact(&r->match, TG_NIC_IPV4_IHL, &ihl);
	tg_nic_match_exact(&r->match, TG_NIC_IPV4_TTL, &ttl);
}

static void forward6(struct tg_nic_rule *r)
{
	deny6(r);
	r->actions = BIT(TG_NIC_FORWARD);
}

static void ageing(struct tg_nic_rule *r)
{
	forward(r);
	r->actions |= BIT(TG_NIC_AGE);
	r->age_s = 1;
}

static void ageing_slowly(struct tg_nic_rule *r)
{
	ageing(r);
	r->age_s = 2;
}

/* --- NICs --- */

static void as_it_is(struct tg_nic_profile *p)
{
}

static void nothing(struct tg_nic_profile *p)
{
	p->n_engines = 0;
}

static void egress_only(struct tg_nic_profile *p)
{
	p->engines[0].domains = BIT(TG_NIC_EGRESS);
}

static void ipv6_only(struct tg_nic_profile *p)
{
	for (int f = TG_NIC_IPV4_SRC; f <= TG_NIC_IPV4_FRAGMENT; f++)
		p->engines[0].masking[f] = TG_NIC_MASK_NEVER;
}

static void ipv4_only(struct tg_nic_profile *p)
{
	for (int f = TG_NIC_IPV6_SRC; f <= TG_NIC_IPV6_HOP_LIMIT; f++)
		p->engines[0].masking[f] = TG_NIC_MASK_NEVER;
}

static void no_tcp(struct tg_nic_profile *p)
{
	p->engines[0].protocols &= (uint8_t)~BIT(TG_NIC_PROTOCOL_TCP);
}

static void no_other(struct tg_nic_profile *p)
{
	p->engines[0].protocols &= (uint8_t)~BIT(TG_NIC_PROTOCOL_OTHER);
}

static void not_any(struct tg_nic_profile *p)
{
	p->engines[0].protocols &= (uint8_t)~BIT(TG_NIC_PROTOCOL_ANY);
}

static void no_dport(struct tg_nic_profile *p)
{
	p->engines[0].masking[TG_NIC_TCP_DPORT] = TG_NIC_MASK_NEVER;
}

static void exact_src(struct tg_nic_profile *p)
{
	p->engines[0].masking[TG_NIC_IPV4_SRC] = TG_NIC_MASK_EXACT;
}

static void prefix_src(struct tg_nic_profile *p)
{
	p->engines[0].masking[TG_NIC_IPV4_SRC] = TG_NIC_MASK_PREFIX;
}

static void zero_dport(struct tg_nic_profile *p)
{
	p->engines[0].masking[TG_NIC_TCP_DPORT] = TG_NIC_MASK_ZERO;
}

static void zero_fragment(struct tg_nic_profile *p)
{
	p->engines[0].masking[TG_NIC_IPV4_FRAGMENT] = TG_NIC_MASK_ZERO;
}

static void needs_field(struct tg_nic_profile *p)
{
	p->engines[0].needs_field = true;
}

static void never_untagged(struct tg_nic_profile *p)
{
	p->engines[0].untagged = false;
}

static void one_group(struct tg_nic_profile *p)
{
	p->engines[0].n_groups = 1;
}

static void from_group_2(struct tg_nic_profile *p)
{
	p->engines[0].first_group = 2;
}

static void misses_lost(struct tg_nic_profile *p)
{
	p->engines[0].miss_to_software = false;
}

static void one_priority(struct tg_nic_profile *p)
{
	p->engines[0].n_priorities = 1;
}

static void no_count(struct tg_nic_profile *p)
{
	p->engines[0].actions &= ~BIT(TG_NIC_COUNT);
}

static void no_mark(struct tg_nic_profile *p)
{
	p->engines[0].actions &= ~BIT(TG_NIC_MARK);
}

static void per_type(struct tg_nic_profile *p)
{
	p->engines[0].shapes = TG_NIC_SHAPES_PER_TYPE;
}

static void one_shape(struct tg_nic_profile *p)
{
	p->engines[0].shapes = TG_NIC_SHAPES_GLOBAL;
}

static void first_wins(struct tg_nic_profile *p)
{
	p->engines[0].duplicates = TG_NIC_DUPLICATES_FIRST_WINS;
}

static void second_late(struct tg_nic_profile *p)
{
	p->engines[0].counters.stale_ms = 1000;
}

/* A second engine, which leaves out partial masks. */
static void two_engines(struct tg_nic_profile *p)
{
	p->engines[1] = p->engines[0];
	p->engines[1].name = "next";
	p->n_engines = 2;
	p->hazards[TG_NIC_HAZARD_MASK_WIDENED] = (struct tg_nic_hazard){
		.present = true, .engines = BIT(1), .fields = BIT(TG_NIC_IPV4_SRC)};
}

/* The second engine takes no notice of priorities. */
static void two_engines_one_order(struct tg_nic_profile *p)
{
	two_engines(p);
	p->hazards[TG_NIC_HAZARD_MASK_WIDENED].present = false;
	p->hazards[TG_NIC_HAZARD_PRIORITY_IGNORED] =
		(struct tg_nic_hazard){.present = true, .engines = BIT(1)};
}

/* --- what is not taken --- */

static void test_perfect(void **state)
{
	static void (*const rules[])(struct tg_nic_rule *) = {deny, deny_prefix, deny_odd,
		deny_tagged_too, deny_all, deny_gre, deny6, deny_second, deny_later_group,
		software_prefix, mark, jump, forward, forward_alone, forward_fragments,
		forward_options, ageing};
	struct tg_nic_profile p = perfect();
	struct tg_nic_rule rule;
	char why[TG_NIC_WHY];

	for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]); i++) {
		rules[i](&rule);
		if (tg_nic_admits(&p, &rule, why) != &p.engines[0])
			fail_msg("rule %zu: %s", i, why);
	}
}

static void test_not_taken(void **state)
{
	static const struct {
		void (*nic)(struct tg_nic_profile *p);
		void (*rule)(struct tg_nic_rule *r);
		const char *why;
	} rows[] = {
		{nothing, deny, "nothing is offloaded to this NIC"},
		{egress_only, deny, "no ingress rules"},
		{ipv6_only, deny, "IPv4 is not listed"},
		{ipv4_only, deny6, "IPv6 is not listed"},
		{no_tcp, deny, "protocol tcp is not listed"},
		{no_other, deny_gre, "protocol 47 is not listed"},
		{not_any, deny_all, "protocol any is not listed"},
		{no_dport, deny, "tcp.dport is not matched"},
		{exact_src, deny_prefix, "ipv4.src is matched by masks of kind exact only"},
		{exact_src, deny_odd, "ipv4.src is matched by masks of kind exact only"},
		{prefix_src, deny_odd, "ipv4.src is matched by masks of kind prefix only"},
		{zero_dport, deny, "tcp.dport is matched by masks of kind zero only"},
		{needs_field, deny_all, "a match needs a field"},
		{never_untagged, deny, "that packets are untagged cannot be stated"},
		{as_it_is, software_tagged, "tagged packets cannot be asked for"},
		{one_group, deny_later_group, "no group above 0"},
		{one_group, jump, "no group above 0"},
		{from_group_2, deny_later_group, "rules belong to group 2 and above"},
		{from_group_2, jump, "no jump from group 0 to 1"},
		{as_it_is, jump_back, "no jump from group 2 to 1"},
		{misses_lost, jump, "what no rule of group 1 matches would be lost"},
		{one_priority, deny_second, "no priority above 0"},
		{no_count, deny, "count is not among its actions"},
		{no_mark, mark, "mark is not among its actions"},
		{as_it_is, forward_flags, "SYN, FIN and RST would be forwarded"},
		{as_it_is, forward_resets, "SYN, FIN and RST would be forwarded"},
		{as_it_is, forward_last_hop, "packets with a TTL of 1 would be forwarded"},
	};
	struct tg_nic_rule rule;
	char why[TG_NIC_WHY];

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct tg_nic_profile p = perfect();

		rows[i].nic(&p);
		rows[i].rule(&rule);
		assert_null(tg_nic_admits(&p, &rule, why));
		assert_string_equal(why, rows[i].why);
	}
}

static void test_zero_is_taken(void **state)
{
	struct tg_nic_profile p = perfect();
	struct tg_nic_rule rule;
	char why[TG_NIC_WHY];

	zero_fragment(&p);
	forward_alone(&rule);
	assert_non_null(tg_nic_admits(&p, &rule, why));
}

static void test_jump_with_nothing_missed(void **state)
{
	struct tg_nic_profile p = perfect();
	struct tg_nic_rule rule;
	char why[TG_NIC_WHY];

	misses_lost(&p);
	jump(&rule);
	rule.guarded = BIT(TG_NIC_GUARD_MISSED);
	assert_non_null(tg_nic_admits(&p, &rule, why));
}

static void contradict_two_fates(struct tg_nic_rule *r)
{
	r->actions |= BIT(TG_NIC_SOFTWARE);
}

static void contradict_no_fate(struct tg_nic_rule *r)
{
	r->actions = BIT(TG_NIC_COUNT);
}

static void contradict_unknown_action(struct tg_nic_rule *r)
{
	r->actions |= BIT(TG_NIC_ACTION_COUNT);
}

static void contradict_family(struct tg_nic_rule *r)
{
	r->match.family = 6;
}

static void contradict_no_family(struct tg_nic_rule *r)
{
	r->match.family = 0;
}

static void contradict_protocol(struct tg_nic_rule *r)
{
	r->match.protocol = 17;
}

static void contradict_spec(struct tg_nic_rule *r)
{
	r->match.mask.dport[0] = 0;
}

static void contradict_mask(struct tg_nic_rule *r)
{
	r->match.mask.ttl = 0xff;
}

static void contradict_empty_mask(struct tg_nic_rule *r)
{
	r->match.fields |= BIT(TG_NIC_IPV4_TTL);
}

static void contradict_bits(struct tg_nic_rule *r)
{
	static const uint8_t wide[2] = {0xff, 0xff};

	tg_nic_match_set(&r->match, TG_NIC_IPV4_FRAGMENT, wide, wide);
}

static void contradict_unknown_field(struct tg_nic_rule *r)
{
	r->match.fields |= BIT(TG_NIC_FIELD_COUNT);
}

static void contradict_rewrite(struct tg_nic_rule *r)
{
	r->actions |= BIT(TG_NIC_SET_IPV4);
}

static void contradict_mark(struct tg_nic_rule *r)
{
	r->actions |= BIT(TG_NIC_MARK);
}

static void contradict_age(struct tg_nic_rule *r)
{
	r->actions |= BIT(TG_NIC_AGE);
}

static void contradict_jump(struct tg_nic_rule *r)
{
	r->actions = BIT(TG_NIC_JUMP) | BIT(TG_NIC_COUNT);
}

static void contradict_domain(struct tg_nic_rule *r)
{
	r->domain = TG_NIC_DOMAIN_COUNT;
}

static void contradict_rewrite_family(struct tg_nic_rule *r)
{
	forward(r);
	r->actions |= BIT(TG_NIC_SET_IPV6);
}

static void contradict_rewrite_ports(struct tg_nic_rule *r)
{
	deny_gre(r);
	r->actions = BIT(TG_NIC_FORWARD) | BIT(TG_NIC_SET_PORTS);
}

static void test_contradictions(void **state)
{
	static void (*const changes[])(struct tg_nic_rule *) = {contradict_two_fates,
		contradict_no_fate, contradict_unknown_action, contradict_family,
		contradict_no_family, contradict_protocol, contradict_spec, contradict_mask,
		contradict_empty_mask, contradict_bits, contradict_unknown_field,
		contradict_rewrite, contradict_mark, contradict_age, contradict_jump,
		contradict_domain, contradict_rewrite_family, contradict_rewrite_ports};
	struct tg_nic_profile p = perfect();
	struct tg_nic_rule rule;
	char why[TG_NIC_WHY];

	for (size_t i = 0; i < sizeof(changes) / sizeof(changes[0]); i++) {
		deny(&rule);
		changes[i](&rule);
		if (tg_nic_admits(&p, &rule, why) != NULL)
			fail_msg("contradiction %zu is admitted", i);
		assert_string_equal(why, "the rule contradicts itself");
	}
}

/* --- hazards --- */

/* What only the hazard refuses. `installed`: NULL when the rule is refused taken alone. */
struct hazard_row {
	enum tg_nic_hazard_id id;
	void (*nic)(struct tg_nic_profile *p);
	void (*rule)(struct tg_nic_rule *r);
	void (*installed)(struct tg_nic_rule *r);
	const char *why; /* NULL: the hazard lets it pass */
};

static const struct hazard_row hazard_rows[] = {
	{TG_NIC_HAZARD_MASK_WIDENED, as_it_is, deny_prefix, NULL,
		"a partial mask on ipv4.src is left out of the match"},
	{TG_NIC_HAZARD_MASK_WIDENED, as_it_is, deny_odd, NULL,
		"a partial mask on ipv4.src is left out of the match"},
	{TG_NIC_HAZARD_MASK_WIDENED, as_it_is, deny, NULL, NULL},
	{TG_NIC_HAZARD_ENGINE_FALLBACK, two_engines, deny_prefix, NULL,
		"only: a partial mask on ipv4.src is left out of the match"},
	{TG_NIC_HAZARD_ENGINE_FALLBACK, two_engines, deny, NULL, NULL},
	{TG_NIC_HAZARD_ENGINE_FALLBACK, two_engines_one_order, deny, software_prefix,
		"priorities are ignored, and it overlaps another rule"},
	{TG_NIC_HAZARD_PRIORITY_IGNORED, as_it_is, deny, software_prefix,
		"priorities are ignored, and it overlaps another rule"},
	{TG_NIC_HAZARD_PRIORITY_IGNORED, as_it_is, deny, deny_other_client, NULL},
	{TG_NIC_HAZARD_GROUP_IGNORED, as_it_is, deny_later_group, NULL, "groups are ignored"},
	{TG_NIC_HAZARD_GROUP_IGNORED, as_it_is, jump, NULL, "groups are ignored"},
	{TG_NIC_HAZARD_GROUP_IGNORED, as_it_is, deny, NULL, NULL},
	{TG_NIC_HAZARD_ONE_MASK, as_it_is, deny_other_client, software_prefix,
		"the masks of the rules that are installed would be used for it"},
	{TG_NIC_HAZARD_ONE_MASK, as_it_is, deny, deny_other_client, NULL},
	{TG_NIC_HAZARD_FIRST_WINS, first_wins, mark, deny,
		"of equal matches only the first acts, and one is installed"},
	{TG_NIC_HAZARD_FIRST_WINS, first_wins, mark, deny_second, NULL},
	{TG_NIC_HAZARD_VLAN_BLIND, as_it_is, deny_tagged_too, NULL,
		"tagged packets would match as well"},
	{TG_NIC_HAZARD_VLAN_BLIND, as_it_is, deny, NULL, NULL},
	{TG_NIC_HAZARD_VLAN_BLIND, as_it_is, deny_tags_kept, NULL, NULL},
	{TG_NIC_HAZARD_VLAN_BLIND, as_it_is, mark_tagged_too, NULL, NULL},
	{TG_NIC_HAZARD_FRAGMENT_MATCHED, as_it_is, forward_fragments, NULL,
		"first fragments would match, others not"},
	{TG_NIC_HAZARD_FRAGMENT_MATCHED, as_it_is, deny, NULL,
		"first fragments would match, others not"},
	{TG_NIC_HAZARD_FRAGMENT_MATCHED, as_it_is, forward_alone, NULL, NULL},
	{TG_NIC_HAZARD_FRAGMENT_MATCHED, as_it_is, mark, NULL, NULL},
	{TG_NIC_HAZARD_FRAGMENT_MATCHED, as_it_is, deny6, NULL, NULL},
	{TG_NIC_HAZARD_NO_OPTIONS, as_it_is, forward_options, NULL,
		"packets with IPv4 options would be forwarded as well"},
	{TG_NIC_HAZARD_NO_OPTIONS, as_it_is, forward_one_option, NULL,
		"packets with IPv4 options would be forwarded as well"},
	{TG_NIC_HAZARD_NO_OPTIONS, as_it_is, forward_alone, NULL, NULL},
	{TG_NIC_HAZARD_NO_OPTIONS, as_it_is, deny, NULL, NULL},
	{TG_NIC_HAZARD_EXTENSIONS, as_it_is, forward6, NULL,
		"packets with extension headers would be forwarded as well"},
	{TG_NIC_HAZARD_EXTENSIONS, as_it_is, forward_alone, NULL, NULL},
	{TG_NIC_HAZARD_EXTENSIONS, as_it_is, deny6, NULL, NULL},
	{TG_NIC_HAZARD_STALE_COUNTER, second_late, ageing, NULL,
		"idle for 1 s cannot be told from counters that are 1000 ms late"},
	{TG_NIC_HAZARD_STALE_COUNTER, second_late, ageing_slowly, NULL, NULL},
};

/* Matters of how rules are kept, not of which are asked for. */
static bool of_conduct(int id)
{
	return id == TG_NIC_HAZARD_LATE_INSERT || id == TG_NIC_HAZARD_COUNTER_FAILS ||
	       id == TG_NIC_HAZARD_LOST_ON_STOP || id == TG_NIC_HAZARD_RANGE_IGNORED ||
	       id == TG_NIC_HAZARD_KEY_IGNORED;
}

static bool passes(const struct tg_nic_profile *p, const struct hazard_row *row, char *why)
{
	const struct tg_nic_engine *engine;
	struct tg_nic_rule rule, installed;

	row->rule(&rule);
	engine = tg_nic_admits(p, &rule, why);
	if (engine == NULL || row->installed == NULL)
		return engine != NULL;
	row->installed(&installed);
	return !tg_nic_conflicts(p, engine, &rule, &installed, why);
}

static void test_hazards(void **state)
{
	uint32_t seen = 0;
	char why[TG_NIC_WHY];

	for (size_t i = 0; i < sizeof(hazard_rows) / sizeof(hazard_rows[0]); i++) {
		const struct hazard_row *row = &hazard_rows[i];
		struct tg_nic_profile p = perfect();

		row->nic(&p);
		if (!passes(&p, row, why))
			fail_msg("row %zu: refused without its hazard: %s", i, why);
		p.hazards[row->id].present = true;
		p.hazards[row->id].engines |= BIT(0);
		p.hazards[row->id].fields |= BIT(TG_NIC_IPV4_SRC);
		if (passes(&p, row, why) != (row->why == NULL))
			fail_msg("row %zu: %s", i, row->why == NULL ? why : "not refused");
		if (row->why == NULL)
			continue;
		assert_string_equal(why, row->why);
		seen |= BIT(row->id);
	}
	for (int h = 0; h < TG_NIC_HAZARD_COUNT; h++)
		if ((seen & BIT(h)) == 0 && !of_conduct(h))
			fail_msg("nothing is refused because of %s",
				tg_nic_hazard_id_name((enum tg_nic_hazard_id)h));
}

/* The driver's first engine that takes a rule is the one that gets it, for better or worse. */
static void test_first_engine_that_takes(void **state)
{
	struct tg_nic_profile p = perfect();
	struct tg_nic_rule rule;
	char why[TG_NIC_WHY];

	two_engines(&p);
	deny_prefix(&rule);
	assert_ptr_equal(tg_nic_admits(&p, &rule, why), &p.engines[0]);
	p.engines[0].actions = BIT(TG_NIC_SOFTWARE);
	assert_null(tg_nic_admits(&p, &rule, why));
	assert_string_equal(why, "only: drop is not among its actions; "
				 "next: a partial mask on ipv4.src is left out of the match");
	deny(&rule);
	assert_ptr_equal(tg_nic_admits(&p, &rule, why), &p.engines[1]);
	p.engines[0].actions = p.engines[1].actions;
	p.hazards[TG_NIC_HAZARD_MASK_WIDENED].engines = BIT(0);
	deny_prefix(&rule);
	assert_null(tg_nic_admits(&p, &rule, why));
}

/* --- rules next to each other --- */

static void test_conflicts(void **state)
{
	static const struct {
		void (*nic)(struct tg_nic_profile *p);
		void (*rule)(struct tg_nic_rule *r);
		void (*installed)(struct tg_nic_rule *r);
		const char *why; /* NULL: none */
	} rows[] = {
		{as_it_is, deny, deny, "such a match with that priority is installed"},
		{as_it_is, deny, deny_second, NULL},
		{as_it_is, deny, deny_later_group, NULL},
		{as_it_is, deny, deny_other_client, NULL},
		{as_it_is, deny, deny_prefix,
			"a match that overlaps it with that priority is installed"},
		{as_it_is, deny, deny_all,
			"a match that overlaps it with that priority is installed"},
		{as_it_is, deny, software_prefix, NULL},
		{as_it_is, deny, deny6, NULL},
		{as_it_is, deny, deny_gre, NULL},
		{as_it_is, deny, forward, NULL},
		{per_type, deny, deny_other_client, NULL},
		{per_type, deny, deny6, NULL},
		{per_type, deny, software_prefix,
			"all rules of a protocol match the same fields by the same masks"},
		{one_shape, deny, deny_other_client, NULL},
		{one_shape, deny, deny6, "all rules match the same fields by the same masks"},
	};
	struct tg_nic_rule rule, installed;
	char why[TG_NIC_WHY];

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct tg_nic_profile p = perfect();
		bool conflict;

		rows[i].nic(&p);
		rows[i].rule(&rule);
		rows[i].installed(&installed);
		conflict = tg_nic_conflicts(&p, &p.engines[0], &rule, &installed, why);
		if (conflict != (rows[i].why != NULL))
			fail_msg("row %zu: %s", i, conflict ? why : "no conflict");
		if (conflict)
			assert_string_equal(why, rows[i].why);
	}
}

static void test_ports_apart(void **state)
{
	struct tg_nic_profile p = perfect();
	struct tg_nic_rule rule, installed;
	char why[TG_NIC_WHY];

	deny(&rule);
	deny_prefix(&installed);
	installed.port = 1;
	assert_false(tg_nic_conflicts(&p, &p.engines[0], &rule, &installed, why));
	per_type(&p);
	assert_true(tg_nic_conflicts(&p, &p.engines[0], &rule, &installed, why));
}

/* --- what is kept out --- */

static void test_kept_out_by_the_match(void **state)
{
	static const uint8_t two = 2, one = 1, mask = 0xff, syn = 0x02, none = 0, flags = FLAGS;
	struct tg_nic_rule rule;

	forward_alone(&rule);
	assert_true(tg_nic_keeps_out(&rule, TG_NIC_GUARD_TAGS));
	for (int g = 0; g < TG_NIC_GUARD_TAGS; g++)
		assert_true(tg_nic_keeps_out(&rule, (enum tg_nic_guard)g));
	forward_bare(&rule);
	rule.match.untagged = false;
	for (int g = 0; g < TG_NIC_GUARD_COUNT; g++)
		assert_false(tg_nic_keeps_out(&rule, (enum tg_nic_guard)g));
	tg_nic_match_set(&rule.match, TG_NIC_IPV4_TTL, &one, &mask);
	assert_false(tg_nic_keeps_out(&rule, TG_NIC_GUARD_LAST_HOP));
	tg_nic_match_set(&rule.match, TG_NIC_IPV4_TTL, &two, &two);
	assert_true(tg_nic_keeps_out(&rule, TG_NIC_GUARD_LAST_HOP));
	tg_nic_match_set(&rule.match, TG_NIC_TCP_FLAGS, &none, &syn);
	assert_false(tg_nic_keeps_out(&rule, TG_NIC_GUARD_FLAGS));
	tg_nic_match_set(&rule.match, TG_NIC_TCP_FLAGS, &syn, &flags);
	assert_false(tg_nic_keeps_out(&rule, TG_NIC_GUARD_FLAGS));
	tg_nic_match_set(&rule.match, TG_NIC_IPV4_FRAGMENT, (uint8_t[2]){0}, low_half);
	assert_false(tg_nic_keeps_out(&rule, TG_NIC_GUARD_FRAGMENTS));
}

static void test_kept_out_by_the_protocol(void **state)
{
	struct tg_nic_rule rule;

	deny6(&rule);
	assert_true(tg_nic_keeps_out(&rule, TG_NIC_GUARD_FLAGS));
	assert_true(tg_nic_keeps_out(&rule, TG_NIC_GUARD_FRAGMENTS));
	assert_true(tg_nic_keeps_out(&rule, TG_NIC_GUARD_OPTIONS));
	assert_false(tg_nic_keeps_out(&rule, TG_NIC_GUARD_LAST_HOP));
	rule.match.protocol = 0;
	assert_false(tg_nic_keeps_out(&rule, TG_NIC_GUARD_FLAGS));
	assert_false(tg_nic_keeps_out(&rule, TG_NIC_GUARD_FRAGMENTS));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_perfect),
		cmocka_unit_test(test_not_taken),
		cmocka_unit_test(test_zero_is_taken),
		cmocka_unit_test(test_jump_with_nothing_missed),
		cmocka_unit_test(test_contradictions),
		cmocka_unit_test(test_hazards),
		cmocka_unit_test(test_first_engine_that_takes),
		cmocka_unit_test(test_conflicts),
		cmocka_unit_test(test_ports_apart),
		cmocka_unit_test(test_kept_out_by_the_match),
		cmocka_unit_test(test_kept_out_by_the_protocol),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
