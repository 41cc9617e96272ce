/* SPDX-License-Identifier: BSD-3-Clause */
/* What becomes of rules when the port stops; how many there may be, and how fast they come and go.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <rte_cycles.h>
#include <rte_ethdev.h>

#include "bench.h"

static int restart(struct bench *bench)
{
	int rc = rte_eth_dev_stop(bench->config->port);

	if (rc == 0)
		rc = rte_eth_dev_start(bench->config->port);
	if (rc != 0 && bench->failed == 0)
		bench->failed = rc;
	return rc;
}

/* Whether a rule acts on the probe; -1: the cable failed. */
static int acts(const struct scope *scope, const struct probe *probe)
{
	struct seen seen;

	if (cable_send(scope->bench, probe, 1, &seen) != 0)
		return -1;
	return scope_hit(scope, &seen);
}

/* NULL: as the profile says. */
static const char *stop_and_start(const struct scope *scope, struct rule_set *set,
	const struct tg_nic_rule *rule, const struct probe *probe)
{
	struct bench *bench = scope->bench;
	bool kept = bench->listed.on_stop == TG_NIC_ON_STOP_KEPT;

	if (acts(scope, probe) == 0)
		return "the rule does not act";
	if (!kept) {
		tg_flow_lost(bench->flow);
		set->n = 0;
	}
	if (restart(bench) != 0)
		return "the port does not start again";
	if (kept)
		return acts(scope, probe) == 0 ? "the rule is gone" : NULL;
	if (acts(scope, probe) != 0)
		return "the rule still acts";
	if (rules_add(scope, set, rule, true) != INSTALLED)
		return "it cannot be put in again";
	return acts(scope, probe) == 0 ? "put in again it does not act" : NULL;
}

void check_stop(const struct scope *scope)
{
	struct bench *bench = scope->bench;
	struct rule_set set = {0};
	struct tg_nic_rule rule;
	struct probe probe;
	const char *wrong;
	enum installed rc;

	if (!rule_addressed(scope, &rule))
		return;
	probe = probe_of(rule.match.family, rule.match.protocol != 0 ? rule.match.protocol : 17);
	rc = rules_add(scope, &set, &rule, true);
	if (bench->collecting)
		return;
	wrong = rc == INSTALLED ? stop_and_start(scope, &set, &rule, &probe) : set.why;
	line_add(bench, scope,
		wrong == NULL	  ? TG_VERIFY_OK
		: rc == NOT_ASKED ? TG_VERIFY_UNTESTED
				  : TG_VERIFY_WRONG,
		"on-stop", "%s%s%s", tg_nic_on_stop_name(bench->listed.on_stop),
		wrong != NULL ? ": " : "", wrong != NULL ? wrong : "");
	rules_remove(scope, &set);
}

/* --- how many, how fast --- */

struct crowd {
	const struct scope *scope;
	struct rule_set *sets; /* one rule each */
	uint32_t max, n;
	int error; /* of the first that did not go in */
	char why[TG_NIC_WHY];
	double in_s, out_s;
};

static double seconds(uint64_t since)
{
	return (double)(rte_get_timer_cycles() - since) / (double)rte_get_timer_hz();
}

static void set_number(struct tg_nic_rule *rule, uint32_t number)
{
	uint8_t *address = rule->match.family == 4 ? rule->match.spec.dst + 1
						   : rule->match.spec.dst + 13;

	if ((rule->match.fields & (BIT(TG_NIC_IPV4_DST) | BIT(TG_NIC_IPV6_DST))) == 0)
		address +=
			offsetof(struct tg_nic_header, src) - offsetof(struct tg_nic_header, dst);
	address[0] = (uint8_t)(number >> 16);
	address[1] = (uint8_t)(number >> 8);
	address[2] = (uint8_t)number;
}

static void fill(struct crowd *crowd, struct tg_nic_rule *rule)
{
	uint64_t since = rte_get_timer_cycles();
	bool led = true;

	for (; crowd->n < crowd->max; crowd->n++, led = false) {
		struct rule_set *set = &crowd->sets[crowd->n];

		memset(set, 0, sizeof(*set));
		set_number(rule, crowd->n);
		if (rules_add(crowd->scope, set, rule, led) != INSTALLED) {
			crowd->error = set->error != 0 ? set->error : -ENOTSUP;
			memcpy(crowd->why, set->why, sizeof(crowd->why));
			break;
		}
	}
	crowd->in_s = seconds(since);
}

/* The last first: what leads to all of them came with the first. */
static int empty(struct crowd *crowd)
{
	uint64_t since = rte_get_timer_cycles();
	int rc = 0;

	for (uint32_t i = crowd->n; i > 0 && rc == 0; i--)
		rc = rules_remove(crowd->scope, &crowd->sets[i - 1]);
	crowd->out_s = seconds(since);
	return rc;
}

static bool is_full(const struct crowd *crowd)
{
	return crowd->error == -ENOSPC ||
	       (crowd->error == -EAGAIN && crowd->scope->bench->listed.templates);
}

static void judge_crowd(const struct crowd *crowd, int emptied)
{
	uint32_t said = crowd->scope->engine->capacity,
		 least = said < crowd->max ? said : crowd->max;
	struct bench *bench = crowd->scope->bench;
	const char *line = bench->config->capacity != 0 ? "capacity" : "insertion and removal";
	double in = crowd->in_s > 0 ? crowd->n / crowd->in_s : 0;
	double out = crowd->out_s > 0 ? crowd->n / crowd->out_s : 0;

	if (emptied != 0)
		line_add(bench, crowd->scope, TG_VERIFY_WRONG, line,
			"%u rules cannot be removed: %s", crowd->n, tg_flow_message(bench->flow));
	else if (crowd->error != 0 && !is_full(crowd))
		line_add(bench, crowd->scope, TG_VERIFY_WRONG, line, "after %u rules: %.180s",
			crowd->n, crowd->why);
	else if (crowd->n < least)
		line_add(bench, crowd->scope, TG_VERIFY_WRONG, line,
			"there is room for %u rules, not %u", crowd->n, said);
	else
		line_add(bench, crowd->scope, TG_VERIFY_OK, line,
			"%u rules%s; %.0f/s in, %.0f/s out, one after the other", crowd->n,
			crowd->error != 0	       ? ", then it is full"
			: bench->config->capacity != 0 ? ", more were not tried"
						       : "",
			in, out);
}

void check_room(const struct scope *scope)
{
	struct bench *bench = scope->bench;
	struct crowd crowd = {.scope = scope,
		.max = bench->config->capacity != 0 ? bench->config->capacity : RATE_RULES};
	struct rule_set set = {0};
	struct tg_nic_rule rule;

	if (!rule_addressed(scope, &rule))
		return;
	if (bench->collecting) {
		rules_add(scope, &set, &rule, true);
		return;
	}
	crowd.sets = calloc(crowd.max, sizeof(*crowd.sets));
	if (crowd.sets == NULL) {
		bench->failed = -ENOMEM;
		return;
	}
	fill(&crowd, &rule);
	if (crowd.n == 0 && crowd.error == -ENOTSUP)
		line_add(
			bench, scope, TG_VERIFY_UNTESTED, "insertion and removal", "%s", crowd.why);
	else
		judge_crowd(&crowd, empty(&crowd));
	free(crowd.sets);
}
