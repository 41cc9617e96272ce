/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "bench.h"

#define ATTEMPTS 3 /* a packet that should not be hit may have got lost */

/* A trial on its way. */
struct attempt {
	const struct scope *scope;
	const struct expected *expected;
	uint32_t n;
	struct probe probes[PROBES_MAX];
	struct seen seen[PROBES_MAX];
	bool hit[PROBES_MAX];
	bool absent[PROBES_MAX]; /* does not arrive without any rule either */
};

struct expected *expect(struct expected list[], uint32_t *n, const struct probe *probe, bool hit,
	const char *what, ...)
{
	struct expected *e = &list[*n];
	va_list args;

	*e = (struct expected){.probe = *probe, .hit = hit};
	va_start(args, what);
	vsnprintf(e->what, sizeof(e->what), what, args);
	va_end(args);
	if (*n < PROBES_MAX - 1)
		(*n)++;
	return e;
}

/* Which of them are hit every time. */
static int shoot(struct attempt *a)
{
	memset(a->hit, true, sizeof(a->hit));
	for (int i = 0; i < ATTEMPTS; i++) {
		bool doubt = false;
		int rc = cable_send(a->scope->bench, a->probes, a->n, a->seen);

		if (rc != 0)
			return rc;
		for (uint32_t k = 0; k < a->n; k++) {
			a->hit[k] &= scope_hit(a->scope, &a->seen[k]);
			doubt |= a->hit[k] && !a->expected[k].hit && !a->absent[k];
		}
		if (!doubt)
			break;
	}
	return 0;
}

/* Without rules. False: the line is written. */
static bool all_arrive(struct attempt *a, const char *line)
{
	bool by_queue = a->scope->fate == BIT(TG_NIC_SOFTWARE);
	uint32_t wrong = 0;

	for (int i = 0; i < ATTEMPTS; i++) {
		if (cable_send(a->scope->bench, a->probes, a->n, a->seen) != 0)
			return false;
		for (uint32_t k = 0; k < a->n; k++)
			a->absent[k] =
				(i == 0 || a->absent[k]) &&
				(!a->seen[k].software || (by_queue && a->seen[k].queue != 0));
	}
	for (uint32_t k = 0; k < a->n; k++)
		if (a->absent[k] && a->expected[k].hit && !a->expected[k].either)
			wrong = k + 1;
	if (wrong == 0)
		return true;
	line_add(a->scope->bench, a->scope, TG_VERIFY_UNTESTED, line,
		"%s does not arrive without any rule", a->expected[wrong - 1].what);
	return false;
}

/* Writes what is wrong, or what a hazard did. */
static void judge(struct attempt *a, const char *line)
{
	const struct expected *first = NULL, *hazard = NULL, *absent = NULL;
	uint32_t n = 0;

	for (uint32_t k = 0; k < a->n; k++) {
		const struct expected *e = &a->expected[k];

		if (a->absent[k])
			absent = e;
		else if (a->hit[k] != e->hit && e->either)
			hazard = e;
		else if (a->hit[k] != e->hit && n++ == 0)
			first = e;
	}
	if (first != NULL)
		line_add(a->scope->bench, a->scope, TG_VERIFY_WRONG, line,
			"%s %s, %u of %u packets are judged wrong", first->what,
			first->hit ? "is not matched" : "is matched", n, a->n);
	else if (hazard != NULL)
		line_add(a->scope->bench, a->scope, TG_VERIFY_OK, line,
			"%u packets; the hazard shows: %s is matched", a->n, hazard->what);
	else if (absent != NULL)
		line_add(a->scope->bench, a->scope, TG_VERIFY_OK, line,
			"%u packets, but not %s, which does not arrive without any rule", a->n,
			absent->what);
	else
		line_add(a->scope->bench, a->scope, TG_VERIFY_OK, line, "%u packets", a->n);
}

/* The rule has been removed. */
static bool none_hit(struct attempt *a)
{
	if (shoot(a) != 0)
		return false;
	for (uint32_t k = 0; k < a->n; k++)
		if (a->hit[k] && !a->absent[k])
			return false;
	return true;
}

static void run(struct attempt *a, const char *line, const struct tg_nic_rule *rule)
{
	const struct scope *scope = a->scope;
	struct rule_set set = {0};
	enum installed installed;
	size_t lines = scope->bench->report->lines.n;

	if (!all_arrive(a, line))
		return;
	installed = rules_add(scope, &set, rule, true);
	if (installed != INSTALLED)
		line_add(scope->bench, scope,
			installed == REFUSED ? TG_VERIFY_WRONG : TG_VERIFY_UNTESTED, line, "%s",
			set.why);
	else if (shoot(a) == 0)
		judge(a, line);
	if (rules_remove(scope, &set) != 0 || !none_hit(a)) {
		if (scope->bench->report->lines.n > lines)
			scope->bench->report->lines.n = lines;
		line_add(scope->bench, scope, TG_VERIFY_WRONG, line,
			"it still acts after it was removed: %s",
			tg_flow_message(scope->bench->flow));
	}
}

void trial(const struct scope *scope, const char *line, const struct tg_nic_rule *rule,
	const struct expected *expected, uint32_t n)
{
	static struct attempt a;
	struct rule_set set = {0};

	if (scope->bench->failed != 0)
		return;
	if (scope->bench->collecting) {
		rules_add(scope, &set, rule, true);
		return;
	}
	memset(&a, 0, sizeof(a));
	a.scope = scope;
	a.expected = expected;
	a.n = n;
	for (uint32_t i = 0; i < n; i++)
		a.probes[i] = expected[i].probe;
	run(&a, line, rule);
}
