/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <netinet/in.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <rte_cycles.h>
#include <rte_pause.h>

#include "bench.h"

#define ALL_GUARDS 0xff
#define END_MS 2000 /* for a driver to end an operation */

/* --- lines --- */

void line_add(struct bench *bench, const struct scope *scope, enum tg_verify_verdict verdict,
	const char *line, const char *why, ...)
{
	struct tg_verify_line l = {.verdict = verdict};
	va_list args;

	if (bench->collecting || bench->failed != 0)
		return;
	snprintf(l.engine, sizeof(l.engine), "%s", scope != NULL ? scope->name : "");
	snprintf(l.line, sizeof(l.line), "%s", line);
	va_start(args, why);
	vsnprintf(l.why, sizeof(l.why), why, args);
	va_end(args);
	if (tg_vec_push(&bench->report->lines, l) != 0)
		bench->failed = -ENOMEM;
}

/* --- what the profile says --- */

bool scope_does(const struct scope *scope, enum tg_nic_action action)
{
	return (scope->engine->actions & BIT(action)) != 0;
}

bool scope_hazard(const struct scope *scope, enum tg_nic_hazard_id hazard)
{
	const struct tg_nic_profile *said = scope->bench->config->profile;

	return tg_nic_hazard_in(
		said, &said->engines[scope->engine - scope->bench->listed.engines], hazard);
}

bool scope_has_family(const struct scope *scope, uint8_t family)
{
	int first = family == 4 ? TG_NIC_IPV4_SRC : TG_NIC_IPV6_SRC;
	int last = family == 4 ? TG_NIC_IPV4_FRAGMENT : TG_NIC_IPV6_HOP_LIMIT;

	for (int f = first; f <= last; f++)
		if (scope->engine->masking[f] != TG_NIC_MASK_NEVER)
			return true;
	return false;
}

uint8_t scope_protocol(const struct scope *scope)
{
	static const uint8_t numbers[] = {0, IPPROTO_TCP, IPPROTO_UDP, IPPROTO_SCTP};

	for (size_t i = 0; i < sizeof(numbers); i++)
		if ((scope->engine->protocols & BIT(tg_nic_protocol_of(numbers[i]))) != 0)
			return numbers[i];
	return 0;
}

bool scope_port_field(const struct scope *scope, enum tg_nic_field *field, uint8_t *protocol)
{
	static const struct {
		enum tg_nic_field field;
		uint8_t protocol;
	} fields[] = {{TG_NIC_UDP_DPORT, IPPROTO_UDP}, {TG_NIC_TCP_DPORT, IPPROTO_TCP},
		{TG_NIC_SCTP_DPORT, IPPROTO_SCTP}};

	for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
		*field = fields[i].field;
		*protocol = fields[i].protocol;
		if (scope->engine->masking[*field] >= TG_NIC_MASK_EXACT &&
			(scope->engine->protocols & BIT(tg_nic_protocol_of(*protocol))) != 0)
			return true;
	}
	return false;
}

/* --- rules --- */

struct tg_nic_rule rule_of(const struct scope *scope, uint8_t family, uint8_t protocol)
{
	return (struct tg_nic_rule){.match = {.family = family, .protocol = protocol},
		.actions = scope->fate,
		.domain = scope->domain,
		.guarded = ALL_GUARDS,
		.group = scope->engine->first_group,
		.port = scope->bench->config->port,
		.mark = MARK_VALUE,
		.age_s = 1};
}

void rule_field(struct tg_nic_rule *rule, enum tg_nic_field field, const uint8_t mask[16])
{
	const struct tg_nic_field_place *place = tg_nic_field_place(field);
	struct probe probe = probe_of(rule->match.family, rule->match.protocol);
	const uint8_t *value = (const uint8_t *)&probe.header + place->offset;
	uint8_t spec[16];

	for (unsigned int i = 0; i < place->size; i++)
		spec[i] = value[i] & mask[i];
	tg_nic_match_set(&rule->match, field, spec, mask);
}

void rule_field_exact(struct tg_nic_rule *rule, enum tg_nic_field field)
{
	uint8_t mask[16];

	tg_nic_field_full(field, mask);
	rule_field(rule, field, mask);
}

bool rule_addressed(const struct scope *scope, struct tg_nic_rule *rule)
{
	static const enum tg_nic_field fields[] = {
		TG_NIC_IPV4_DST, TG_NIC_IPV4_SRC, TG_NIC_IPV6_DST, TG_NIC_IPV6_SRC};

	for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
		if (scope->engine->masking[fields[i]] < TG_NIC_MASK_EXACT)
			continue;
		*rule = rule_of(scope, fields[i] < TG_NIC_IPV6_SRC ? 4 : 6, scope_protocol(scope));
		rule_field_exact(rule, fields[i]);
		return true;
	}
	return false;
}

static uint64_t deadline(uint32_t ms)
{
	return rte_get_timer_cycles() + ms * rte_get_timer_hz() / 1000;
}

/* The end of the operation whose `user` is `set`. */
static int take_end(struct bench *bench, const struct rule_set *set, struct tg_flow_done *done)
{
	uint64_t until = deadline(END_MS);

	while (rte_get_timer_cycles() < until) {
		if (tg_flow_poll(bench->flow, done, 1) == 0)
			rte_pause();
		else if (done->user == set && !done->counted)
			return done->error;
	}
	return -ETIMEDOUT;
}

static int insert(struct bench *bench, struct rule_set *set, const struct tg_nic_rule *rule,
	const struct tg_nic_engine *engine)
{
	struct tg_flow_done done;
	int error = tg_flow_insert(bench->flow, rule, engine, set);

	if (error == 0)
		error = take_end(bench, set, &done);
	if (error == 0) {
		set->flows[set->n++] = done.flow;
		return 0;
	}
	set->error = error;
	snprintf(set->why, sizeof(set->why), "the driver refuses it: %s (%s)", strerror(-error),
		tg_flow_message(bench->flow));
	return error;
}

static enum installed add_one(
	const struct scope *scope, struct rule_set *set, const struct tg_nic_rule *rule)
{
	struct bench *bench = scope->bench;
	char why[TG_NIC_WHY];
	const struct tg_nic_engine *engine = tg_nic_admits(&bench->listed, rule, why);

	if (engine != scope->engine) {
		if (engine != NULL)
			snprintf(set->why, sizeof(set->why), "the driver puts such rules into %s",
				engine->name);
		else
			snprintf(set->why, sizeof(set->why), "not listed: %.200s", why);
		return NOT_ASKED;
	}
	if (bench->collecting) {
		if (tg_vec_push(&bench->shapes, *rule) != 0)
			bench->failed = -ENOMEM;
		return INSTALLED;
	}
	return insert(bench, set, rule, engine) == 0 ? INSTALLED : REFUSED;
}

/* Group 0 leads there, and what no rule matches goes on to software, if a rule has to say so. */
static enum installed lead(
	const struct scope *scope, struct rule_set *set, const struct tg_nic_rule *rule)
{
	struct tg_nic_rule jump = rule_of(scope, rule->match.family, 0), rest = jump;
	enum installed rc;

	jump.actions = BIT(TG_NIC_JUMP);
	jump.group = 0;
	jump.jump = rule->group;
	rest.actions = BIT(TG_NIC_SOFTWARE);
	rest.group = rule->group;
	rest.priority = scope->engine->n_priorities - 1;
	rc = add_one(scope, set, &jump);
	if (rc != INSTALLED || scope->engine->miss_to_software ||
		!scope_does(scope, TG_NIC_SOFTWARE))
		return rc;
	return add_one(scope, set, &rest);
}

enum installed rules_add(
	const struct scope *scope, struct rule_set *set, const struct tg_nic_rule *rule, bool led)
{
	uint32_t late = scope->bench->listed.insert_late_ms;
	enum installed rc = INSTALLED;

	if (led && rule->group != 0)
		rc = lead(scope, set, rule);
	if (rc == INSTALLED)
		rc = add_one(scope, set, rule);
	if (rc == INSTALLED && late != 0 && !scope->bench->collecting)
		scope->bench->config->wait(late);
	return rc;
}

int rules_remove(const struct scope *scope, struct rule_set *set)
{
	struct bench *bench = scope->bench;
	struct tg_flow_done done;
	int error = 0;

	while (set->n != 0 && error == 0) {
		error = tg_flow_remove(bench->flow, set->flows[--set->n], set);
		if (error == 0)
			error = take_end(bench, set, &done);
	}
	if (error != 0)
		tg_flow_flush(bench->flow);
	set->n = 0;
	return error;
}
