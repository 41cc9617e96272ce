/* SPDX-License-Identifier: BSD-3-Clause */
/* Rules beside each other: priorities, groups, equal matches. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "bench.h"

/* Two rules, which of them acts. */
struct pair {
	const struct scope *scope;
	struct tg_nic_rule rules[2]; /* in the order of their insertion */
	struct probe probe;	     /* matches both */
	const char *line;
	bool counted; /* both do the same, and their counters tell */
	bool first;   /* one of them could be put in */
	char why[TG_NIC_WHY];
};

static uint32_t stale_ms(const struct scope *scope)
{
	return scope->engine->counters.stale_ms;
}

/* Leads there, once for both. */
static enum installed add_pair(struct pair *p, struct rule_set *set)
{
	enum installed rc = rules_add(p->scope, set, &p->rules[0], true);

	p->first = rc == INSTALLED;
	return p->first ? rules_add(p->scope, set, &p->rules[1], false) : rc;
}

/* By how the two act: the index of the one that did; -1: neither or both. */
static int find_counted(const struct pair *p, const struct rule_set *set)
{
	struct bench *bench = p->scope->bench;
	struct tg_flow_count count[2] = {0};

	bench->config->wait(stale_ms(p->scope));
	for (int i = 0; i < 2; i++)
		if (tg_flow_query(bench->flow, set->flows[set->n - 2 + i], &count[i]) != 0)
			return -1;
	if ((count[0].packets != 0) == (count[1].packets != 0))
		return -1;
	return count[0].packets != 0 ? 0 : 1;
}

static int find_actor(const struct pair *p, const struct rule_set *set)
{
	struct seen seen;
	bool hit;

	if (cable_send(p->scope->bench, &p->probe, 1, &seen) != 0)
		return -1;
	if (p->counted)
		return find_counted(p, set);
	hit = scope_hit(p->scope, &seen);
	if (!hit && !seen.software)
		return -1;
	return hit == (p->rules[0].actions == p->scope->fate) ? 0 : 1;
}

/* Puts both in and says which one acted. NOT_ASKED, REFUSED: why not is in `why`. */
static enum installed try_pair(struct pair *p, int *actor, int *error)
{
	struct rule_set set = {0};
	enum installed rc = add_pair(p, &set);

	*error = set.error;
	snprintf(p->why, sizeof(p->why), "%s", set.why);
	if (rc == INSTALLED && !p->scope->bench->collecting)
		*actor = find_actor(p, &set);
	if (!p->scope->bench->collecting)
		rules_remove(p->scope, &set);
	return rc;
}

/* --- priorities --- */

/* Two that overlap and do not do the same, or count. */
static bool make_pair(const struct scope *scope, struct pair *p)
{
	static const enum tg_nic_field fields[][2] = {
		{TG_NIC_IPV4_SRC, TG_NIC_IPV4_DST}, {TG_NIC_IPV6_SRC, TG_NIC_IPV6_DST}};
	bool four = scope->engine->masking[TG_NIC_IPV4_SRC] >= TG_NIC_MASK_EXACT;
	uint8_t protocol = scope_protocol(scope);

	*p = (struct pair){.scope = scope};
	p->probe = probe_of(four ? 4 : 6, protocol != 0 ? protocol : 17);
	for (int i = 0; i < 2; i++) {
		p->rules[i] = rule_of(scope, p->probe.family, protocol);
		rule_field_exact(&p->rules[i], fields[four ? 0 : 1][i]);
	}
	p->rules[1].actions = BIT(TG_NIC_SOFTWARE);
	if (scope->fate != BIT(TG_NIC_SOFTWARE) && scope_does(scope, TG_NIC_SOFTWARE))
		return true;
	p->counted = true;
	p->rules[0].actions = p->rules[1].actions = scope->fate | BIT(TG_NIC_COUNT);
	return scope_does(scope, TG_NIC_COUNT);
}

static void swap(struct pair *p)
{
	struct tg_nic_rule first = p->rules[0];

	p->rules[0] = p->rules[1];
	p->rules[1] = first;
}

/* Either rule the higher, either inserted first. */
static void check_order(struct pair *p, uint32_t high, uint32_t low)
{
	struct bench *bench = p->scope->bench;
	enum tg_verify_verdict verdict = TG_VERIFY_OK;
	char line[64];
	int actor = 0, error;

	snprintf(line, sizeof(line), "priority %u before %u", high, low);
	p->why[0] = '\0';
	for (int i = 0; i < 4 && verdict == TG_VERIFY_OK; i++) {
		int higher = i / 2;
		enum installed rc;

		swap(p);
		p->rules[higher].priority = high;
		p->rules[!higher].priority = low;
		actor = higher;
		rc = try_pair(p, &actor, &error);
		if (rc == NOT_ASKED)
			verdict = TG_VERIFY_UNTESTED;
		else if (rc == REFUSED || actor != higher)
			verdict = TG_VERIFY_WRONG;
		if (rc == INSTALLED && actor != higher)
			snprintf(p->why, sizeof(p->why),
				"of two that match the lower one acts, when %s",
				higher == 0 ? "it is the second" : "it is the first");
	}
	line_add(bench, p->scope, verdict, line, "%s", p->why);
}

void check_priorities(const struct scope *scope)
{
	uint32_t n = scope->engine->n_priorities;
	char why[TG_NIC_WHY];
	struct pair p;

	/* The last one is that of the rule that leaves the rest to software. */
	if (scope->engine->first_group != 0 && n > 1)
		n--;
	if (n < 2)
		return;
	if (scope_hazard(scope, TG_NIC_HAZARD_PRIORITY_IGNORED)) {
		line_add(scope->bench, scope, TG_VERIFY_UNTESTED, "priorities",
			"the hazard priority-ignored is listed: no overlap is asked for");
		return;
	}
	if (!make_pair(scope, &p)) {
		line_add(scope->bench, scope, TG_VERIFY_UNTESTED, "priorities",
			"no two actions or counters tell rules apart");
		return;
	}
	p.rules[1].priority = 1;
	if (tg_nic_conflicts(&scope->bench->listed, scope->engine, &p.rules[1], &p.rules[0], why)) {
		line_add(scope->bench, scope, TG_VERIFY_UNTESTED, "priorities", "%s", why);
		return;
	}
	check_order(&p, 0, 1);
	if (n > 2)
		check_order(&p, 0, n - 1);
}

/* --- equal matches --- */

static void judge_duplicate(struct pair *p, enum installed rc, int actor, int error)
{
	bool refused_listed = p->scope->engine->duplicates == TG_NIC_DUPLICATES_REFUSED;
	struct bench *bench = p->scope->bench;

	if (rc == NOT_ASKED)
		line_add(bench, p->scope, TG_VERIFY_UNTESTED, p->line, "%s", p->why);
	else if (rc == REFUSED && p->first && refused_listed &&
		 (error == -EEXIST || bench->listed.templates))
		line_add(bench, p->scope, TG_VERIFY_OK, p->line, "refused");
	else if (rc == REFUSED)
		line_add(bench, p->scope, TG_VERIFY_WRONG, p->line, "%s", p->why);
	else if (refused_listed)
		line_add(bench, p->scope, TG_VERIFY_WRONG, p->line,
			"an equal match is taken, and %s acts",
			actor == 0   ? "the first"
			: actor == 1 ? "the second"
				     : "neither alone");
	else
		line_add(bench, p->scope, actor == 0 ? TG_VERIFY_OK : TG_VERIFY_WRONG, p->line,
			"%s", actor == 0 ? "the first acts" : "it is not the first that acts");
}

void check_duplicates(const struct scope *scope)
{
	int actor = -1, error = 0;
	enum installed rc;
	struct pair p;

	if (scope->engine->duplicates == TG_NIC_DUPLICATES_UNKNOWN) {
		line_add(scope->bench, scope, TG_VERIFY_UNTESTED, "duplicates",
			"the profile says nothing of them");
		return;
	}
	if (!make_pair(scope, &p))
		p.rules[1].actions = scope->fate;
	p.line = "duplicates";
	p.rules[1].match = p.rules[0].match;
	rc = try_pair(&p, &actor, &error);
	judge_duplicate(&p, rc, actor, error);
}

/* --- groups --- */

static void judge_groups(const struct scope *scope, const struct tg_nic_rule *rule,
	const struct probe probes[2], bool rest)
{
	struct bench *bench = scope->bench;
	struct seen seen[2];
	struct rule_set set = {0};
	enum installed rc = rules_add(scope, &set, rule, false);
	const char *wrong = NULL;

	if (rc == INSTALLED && cable_send(bench, probes, 1, seen) == 0 && scope_hit(scope, seen))
		wrong = "a rule of a later group acts where nothing leads there";
	rules_remove(scope, &set);
	if (rc == INSTALLED && wrong == NULL)
		rc = rules_add(scope, &set, rule, true);
	if (rc == INSTALLED && wrong == NULL &&
		cable_send(bench, probes, rest ? 2 : 1, seen) == 0) {
		if (!scope_hit(scope, &seen[0]))
			wrong = "where a rule jumps to no rule acts";
		else if (rest && !seen[1].software)
			wrong = "what no rule matches there is lost";
		else if (rest && scope_hit(scope, &seen[1]))
			wrong = "where a rule jumps to others are matched";
	}
	rules_remove(scope, &set);
	if (wrong != NULL)
		line_add(bench, scope, TG_VERIFY_WRONG, "groups", "%s", wrong);
	else if (rc == REFUSED)
		line_add(bench, scope, TG_VERIFY_WRONG, "groups", "%s", set.why);
	else if (rc == NOT_ASKED)
		line_add(bench, scope, TG_VERIFY_UNTESTED, "groups", "%s", set.why);
	else
		line_add(bench, scope, TG_VERIFY_OK, "groups", "0 jumps to %u%s", rule->group,
			rest ? ", what misses goes to software" : "");
}

void check_groups(const struct scope *scope)
{
	struct bench *bench = scope->bench;
	bool rest = scope->engine->miss_to_software || scope_does(scope, TG_NIC_SOFTWARE);
	struct rule_set set = {0};
	struct tg_nic_rule rule;
	struct probe probes[2];

	if (scope->engine->n_groups < 2 || !rule_addressed(scope, &rule))
		return;
	if (scope_hazard(scope, TG_NIC_HAZARD_GROUP_IGNORED) || !scope_does(scope, TG_NIC_JUMP)) {
		line_add(bench, scope, TG_VERIFY_UNTESTED, "groups", "%s",
			scope_does(scope, TG_NIC_JUMP) ? "the hazard group-ignored is listed"
						       : "no action leads to any but the first");
		return;
	}
	if (rule.group == 0)
		rule.group = 1;
	probes[0] =
		probe_of(rule.match.family, rule.match.protocol != 0 ? rule.match.protocol : 17);
	probes[1] = probes[0];
	probes[1].header.dst[3] ^= 1;
	probes[1].header.src[3] ^= 1;
	if (bench->collecting)
		rules_add(scope, &set, &rule, true);
	else
		judge_groups(scope, &rule, probes, rest);
}
