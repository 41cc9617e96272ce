/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdio.h>
#include <stdlib.h>

#include "job.h"
#include "sort.h"

#define SORTS_OF(kind) (3u << 2 * (kind))

static int remark(struct job *job, const struct policy *policy, enum tg_warning_kind kind,
	const char *where, const char *what)
{
	return warnings_add(&job->out->warnings, kind, policy->model->place,
		"NetworkPolicy %s/%s %s: %s", job_text(job, policy->model->ns),
		job_text(job, policy->model->name), where, what);
}

static int remark_block(struct job *job, const struct policy *policy, uint32_t term,
	uint16_t present, const char *where)
{
	const uint32_t *words = seqs_get(&job->out->frame->terms.keys, term).v;
	struct tg_prefix prefix = prefixes_get(&job->out->frame->prefixes, words[1]);
	char text[TG_PREFIX_TEXT + 64], name[TG_PREFIX_TEXT];
	int err = 0;

	tg_prefix_format(&prefix, name);
	if (present & (SORTS_OF(TG_KIND_POD) | SORTS_OF(TG_KIND_UNKNOWN))) {
		snprintf(text, sizeof(text), "ipBlock %s matches pod addresses too", name);
		err = remark(job, policy, TG_WARN_BLOCK_OVERLAPS_PODS, where, text);
	}
	if (err == 0 && (present & SORTS_OF(TG_KIND_SERVICE))) {
		snprintf(text, sizeof(text),
			"ipBlock %s matches Service addresses, which are always denied", name);
		err = remark(job, policy, TG_WARN_BLOCK_OVERLAPS_SERVICES, where, text);
	}
	return err;
}

static int remark_term(
	struct job *job, const struct policy *policy, uint32_t term, const char *where)
{
	uint16_t present = job->reach.present[term];

	switch (term_type(&job->out->frame->terms, term)) {
	case TERM_BLOCK:
		return remark_block(job, policy, term, present, where);
	case TERM_OWN:
	case TERM_SELECTED:
		if (present == 0)
			return remark(job, policy, TG_WARN_SELECTOR_EMPTY, where,
				"a peer selects no pod now");
		return 0;
	default:
		return 0;
	}
}

static int remark_egress_named(
	struct job *job, const struct policy *policy, uint32_t named, const char *where)
{
	const struct terms *terms = &job->out->frame->terms;
	uint32_t use = seqs_get(&terms->named, named).v[1];
	char text[160];

	if (job->expander.first_named[named] != job->expander.first_named[named + 1])
		return 0;
	snprintf(text, sizeof(text), "port %s is not named by any pod that its peer selects",
		job_text(job, seqs_get(&job->policies->uses, use).v[0]));
	return remark(job, policy, TG_WARN_NAMED_PORT_UNRESOLVED, where, text);
}

static int remark_rule(struct job *job, const struct policy *policy, const struct rule *rule)
{
	const struct policies *p = job->policies;
	bool egress = rule->direction == TG_EGRESS;
	char where[64];
	uint32_t last = TG_NONE;
	int err = 0;

	if (policy->ns != TG_NONE && job->over[policy->ns])
		return 0;
	snprintf(where, sizeof(where), "spec.%s[%u].%s", egress ? "egress" : "ingress",
		rule->model->index, egress ? "to" : "from");
	for (uint32_t i = 0; i < rule->n_entries && err == 0; i++)
		err = remark_term(job, policy, p->entries.v[rule->first_entry + i].term, where);
	for (uint32_t i = 0; i < rule->n_named && err == 0; i++) {
		const struct rule_named *named = &p->named.v[rule->first_named + i];

		/* Peers of rules that have no numeric port are in no entry. */
		if (rule->n_entries == 0 && named->term != last)
			err = remark_term(job, policy, named->term, where);
		last = named->term;
		if (err == 0 && egress)
			err = remark_egress_named(job, policy, named->use, where);
	}
	return err;
}

/* Which policies select a pod, and {policy, port use} that some subject resolves. */
struct subjects {
	bool *selects;
	struct seqs resolved;
};

static int note_resolved(struct subjects *s, const struct stance *stance)
{
	for (uint32_t i = 0; i < stance->policies.n; i++) {
		s->selects[stance->policies.v[i]] = true;
		for (uint32_t k = 0; k < stance->resolved.n; k += 2)
			if (seqs_add(&s->resolved,
				    (const uint32_t[]){
					    stance->policies.v[i], stance->resolved.v[k]},
				    2) == TG_NONE)
				return -ENOMEM;
	}
	return 0;
}

static int remark_subject(struct job *job, const struct subjects *s, uint32_t index)
{
	const struct policies *p = job->policies;
	const struct policy *policy = &p->v.v[index];
	struct seq uses = seqs_get(&p->use_sets, policy->uses);
	int err = 0;

	if (policy->ns == TG_NONE)
		return remark(job, policy, TG_WARN_NAMESPACE_UNKNOWN, "metadata.namespace",
			"the Namespace is not known");
	if (job->over[policy->ns])
		return 0; /* its rules were not looked at; remark_budgets says so */
	if (!s->selects[index])
		return remark(job, policy, TG_WARN_SELECTOR_EMPTY, "spec.podSelector",
			"selects no pod now");
	for (uint32_t i = 0; i < uses.n && err == 0; i++) {
		char text[160];

		if (seqs_find(&s->resolved, (const uint32_t[]){index, uses.v[i]}, 2) != TG_NONE)
			continue;
		snprintf(text, sizeof(text), "port %s is not named by any pod that it selects",
			job_text(job, seqs_get(&p->uses, uses.v[i]).v[0]));
		err = remark(job, policy, TG_WARN_NAMED_PORT_UNRESOLVED, "spec.ingress", text);
	}
	return err;
}

static int remark_budgets(struct job *job)
{
	const struct tg_place nowhere = {0};
	int err = 0;

	for (uint32_t ns = 0; ns < job->out->frame->scopes.n && err == 0; ns++)
		if (job->over[ns])
			err = warnings_add(&job->out->warnings, TG_WARN_CELL_BUDGET, nowhere,
				"namespace %s: its policies need more than the budget of %u cells; "
				"everything to and from its pods is denied",
				job_text(job, job->out->frame->scopes.names[ns]), job->budget);
	return err;
}

int job_remark(struct job *job)
{
	const struct policies *p = job->policies;
	const struct rows *rows = &job->out->frame->rows;
	struct subjects s = {.selects = calloc(p->v.n + 1, sizeof(*s.selects))};
	int err = s.selects == NULL ? -ENOMEM : seqs_init(&s.resolved);

	for (size_t i = 0; i < rows->stances.n && err == 0; i++)
		err = note_resolved(&s, &rows->stances.v[i]);
	for (uint32_t i = 0; i < p->v.n && err == 0; i++)
		err = remark_subject(job, &s, i);
	for (size_t i = 0; i < p->rules.n && err == 0; i++)
		err = remark_rule(job, &p->v.v[p->rules.v[i].policy], &p->rules.v[i]);
	if (err == 0)
		err = remark_budgets(job);
	if (err == 0)
		err = warnings_finish(&job->out->warnings);
	free(s.selects);
	seqs_free(&s.resolved);
	return err;
}
