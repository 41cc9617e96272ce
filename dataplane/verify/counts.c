/* SPDX-License-Identifier: BSD-3-Clause */
/* What a rule does besides matching: fates, counters, ageing. */
#include <inttypes.h>
#include <stdio.h>

#include "bench.h"

#define PACKETS 10
#define QUERIES 16 /* of a counter that fails at times */
#define AGE_STEP_MS 250

void check_marks(const struct scope *scope)
{
	static const struct {
		const char *line;
		uint32_t fate;
	} fates[] = {
		{"drop", BIT(TG_NIC_DROP)},
		{"mark", BIT(TG_NIC_MARK) | BIT(TG_NIC_SOFTWARE)},
		{"software", BIT(TG_NIC_SOFTWARE)},
	};

	for (size_t i = 0; i < sizeof(fates) / sizeof(fates[0]); i++) {
		struct scope other = *scope;
		struct expected list[2];
		struct tg_nic_rule rule;
		struct probe probe;
		uint32_t n = 0;

		other.fate = fates[i].fate;
		/* A queue tells only where nothing else leads there. */
		if ((scope->engine->actions & other.fate) != other.fate ||
			(other.fate == BIT(TG_NIC_SOFTWARE) &&
				(scope->bench->queues < 2 || scope->domain == TG_NIC_TRANSFER ||
					scope->engine->first_group != 0)) ||
			!rule_addressed(&other, &rule))
			continue;
		probe = probe_of(
			rule.match.family, rule.match.protocol != 0 ? rule.match.protocol : 17);
		expect(list, &n, &probe, true, "the packet");
		trial(&other, fates[i].line, &rule, list, n);
	}
}

/* --- counters --- */

static int query(const struct scope *scope, struct tg_flow *flow, struct tg_flow_count *count)
{
	int tries = scope_hazard(scope, TG_NIC_HAZARD_COUNTER_FAILS) ? QUERIES : 1, error = 0;

	do
		error = tg_flow_query(scope->bench->flow, flow, count);
	while (error != 0 && --tries > 0);
	return error;
}

/* Sends some and says by how much the counter has grown when it has to know. */
static int count(const struct scope *scope, struct tg_flow *flow, const struct probe *probe,
	struct tg_flow_count *sent, struct tg_flow_count *counted)
{
	struct bench *bench = scope->bench;
	struct probe probes[PACKETS];
	struct seen seen[PACKETS];
	struct tg_flow_count before;
	int error = query(scope, flow, &before);

	for (int i = 0; i < PACKETS; i++)
		probes[i] = *probe;
	if (error == 0)
		error = cable_send(bench, probes, PACKETS, seen);
	if (error != 0)
		return error;
	bench->config->wait(scope->engine->counters.stale_ms);
	error = query(scope, flow, counted);
	*sent = (struct tg_flow_count){
		.packets = PACKETS, .bytes = (uint64_t)PACKETS * seen[0].size};
	counted->packets -= before.packets;
	counted->bytes -= before.bytes;
	return error;
}

static void judge_counter(
	const struct scope *scope, struct tg_flow *flow, const struct probe *probe)
{
	const struct tg_nic_counters *said = &scope->engine->counters;
	struct tg_flow_count sent = {0}, counted = {0};
	struct bench *bench = scope->bench;
	int error = count(scope, flow, probe, &sent, &counted);

	/* What has come and gone is counted once. */
	if (error == 0 && counted.packets == sent.packets)
		error = count(scope, flow, probe, &sent, &counted);
	if (error != 0)
		line_add(bench, scope, TG_VERIFY_WRONG, "counters", "a query fails: %s",
			tg_flow_message(bench->flow));
	else if (said->hits && counted.packets != sent.packets)
		line_add(bench, scope, TG_VERIFY_WRONG, "counters",
			"%" PRIu64 " of %" PRIu64 " packets are counted after %u ms",
			counted.packets, sent.packets, said->stale_ms);
	else if (said->bytes && counted.bytes != sent.bytes)
		line_add(bench, scope, TG_VERIFY_WRONG, "counters",
			"%" PRIu64 " bytes are counted, with the Ethernet header it was %" PRIu64,
			counted.bytes, sent.bytes);
	else
		line_add(bench, scope, TG_VERIFY_OK, "counters", "%s after %u ms at most",
			said->bytes ? "packets and bytes" : "packets", said->stale_ms);
}

/* Puts in an addressed rule with more actions; the probe that matches it. False: written why. */
static bool put(const struct scope *scope, uint32_t more, uint32_t age_s, const char *line,
	struct rule_set *set, struct probe *probe)
{
	struct tg_nic_rule rule;
	enum installed rc;

	if (!rule_addressed(scope, &rule))
		return false;
	rule.actions |= more;
	rule.age_s = age_s;
	*probe = probe_of(rule.match.family, rule.match.protocol != 0 ? rule.match.protocol : 17);
	rc = rules_add(scope, set, &rule, true);
	if (scope->bench->collecting)
		return false;
	if (rc == INSTALLED)
		return true;
	rules_remove(scope, set);
	line_add(scope->bench, scope, rc == REFUSED ? TG_VERIFY_WRONG : TG_VERIFY_UNTESTED, line,
		"%s", set->why);
	return false;
}

void check_counters(const struct scope *scope)
{
	struct rule_set set = {0};
	struct probe probe;

	if (!scope_does(scope, TG_NIC_COUNT) ||
		!put(scope, BIT(TG_NIC_COUNT), 1, "counters", &set, &probe))
		return;
	judge_counter(scope, set.flows[set.n - 1], &probe);
	rules_remove(scope, &set);
}

/* --- ageing --- */

void check_age(const struct scope *scope)
{
	uint32_t age_s = scope->engine->counters.stale_ms / 1000 + 1, waited = 0;
	struct bench *bench = scope->bench;
	struct rule_set set = {0};
	struct probe probe;
	struct seen seen;
	void *users[4];
	int aged = 0;

	if (!scope_does(scope, TG_NIC_AGE) ||
		!put(scope, BIT(TG_NIC_AGE), age_s, "age", &set, &probe))
		return;
	if (cable_send(bench, &probe, 1, &seen) != 0)
		return;
	for (; aged == 0 && waited < 3000 * age_s; waited += AGE_STEP_MS) {
		bench->config->wait(AGE_STEP_MS);
		aged = tg_flow_aged(bench->flow, users, 4);
	}
	if (aged == 1 && users[0] == &set && waited + 500 >= 1000 * age_s)
		line_add(
			bench, scope, TG_VERIFY_OK, "age", "%u s, told after %u ms", age_s, waited);
	else
		line_add(bench, scope, TG_VERIFY_WRONG, "age",
			"%s: a rule that is to be idle for %u s, after %u ms",
			aged == 0  ? "not told"
			: aged < 0 ? tg_flow_message(bench->flow)
				   : "told too early, or another one",
			age_s, waited);
	rules_remove(scope, &set);
}
