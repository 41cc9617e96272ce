/* SPDX-License-Identifier: BSD-3-Clause */
/* A rule's life: asked for, put into an engine, taken out. All under the NIC's lock. */
#include "engine.h"
#include "flow.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static int refuse(
	struct rte_flow_error *error, int code, enum rte_flow_error_type type, const char *why)
{
	return rte_flow_error_set(error, code, type, NULL, why);
}

bool nm_has_in(const struct nm_nic *nic, unsigned int engine, enum tg_nic_hazard_id hazard)
{
	uint8_t engines = nic->profile != NULL ? nic->profile->hazards[hazard].engines : 0;

	return nm_has(nic, hazard) && (engines == 0 || (engines >> engine & 1));
}

static unsigned int engine_count(const struct nm_nic *nic)
{
	return nic->profile != NULL ? (unsigned int)nic->profile->n_engines : 1;
}

/* --- what is asked for ------------------------------------------------------------------- */

static int read_attributes(
	struct nm_draft *draft, const struct rte_flow_attr *attr, struct rte_flow_error *error)
{
	if (attr->ingress + attr->egress + attr->transfer != 1)
		return refuse(error, EINVAL, RTE_FLOW_ERROR_TYPE_ATTR,
			"one of ingress, egress and transfer");
	draft->domain = attr->transfer ? TG_NIC_TRANSFER
			: attr->egress ? TG_NIC_EGRESS
				       : TG_NIC_INGRESS;
	draft->group = attr->group;
	draft->priority = attr->priority;
	return 0;
}

int nm_draft_read(struct nm_draft *draft, struct nm_port *port, const struct rte_flow_attr *attr,
	const struct rte_flow_item items[], const struct rte_flow_action actions[], bool relaxed,
	struct rte_flow_error *error)
{
	struct nm_reading reading = {
		.vlan_blind = nm_has(port->nic, TG_NIC_HAZARD_VLAN_BLIND),
		.ranges_ignored = nm_has(port->nic, TG_NIC_HAZARD_RANGE_IGNORED),
		.relaxed = relaxed,
		.transfer = attr->transfer,
	};
	int rc;

	draft->port = port;
	draft->table = NULL;
	draft->queue = 0;
	rc = read_attributes(draft, attr, error);
	if (rc == 0)
		rc = nm_pattern_read(&draft->pattern, items, &reading, error);
	if (rc == 0)
		rc = nm_actions_read(&draft->actions, port, attr, &draft->pattern, actions, error);
	return rc;
}

/* The engine that the rule is meant for; negative: none takes it, with the first one's reason. */
static int choose(const struct nm_draft *draft, struct rte_flow_error *error)
{
	struct rte_flow_error other;
	int first = -1, rc = 0;
	bool widened;

	for (unsigned int i = 0; i < engine_count(draft->port->nic); i++) {
		int e = nm_engine_admits(draft, i, &widened, i == 0 ? error : &other);

		if (i == 0)
			rc = e;
		if (e == 0 && !widened)
			return (int)i;
		if (e == 0 && first < 0)
			first = (int)i;
	}
	if (first < 0 && rc == 0)
		rc = refuse(error, ENOTSUP, RTE_FLOW_ERROR_TYPE_UNSPECIFIED, "takes no rules");
	if (first < 0)
		rte_errno = -rc;
	return first >= 0 ? first : rc;
}

int nm_draft_check(const struct nm_draft *draft, struct rte_flow_error *error)
{
	int rc = choose(draft, error);

	return rc < 0 ? rc : 0;
}

/* --- rules ------------------------------------------------------------------------------- */

static unsigned int words_needed(const struct nm_draft *draft)
{
	unsigned int n = 0;

	if (nm_has(draft->port->nic, TG_NIC_HAZARD_ONE_MASK))
		return NM_WORDS;
	for (unsigned int i = 0; i < NM_WORDS; i++)
		n += draft->pattern.mask.w[i] != 0;
	return n;
}

/* The next `size` bytes behind a rule; NULL: none are wanted. */
static void *tail(uint8_t **at, const void *data, size_t size)
{
	void *p = *at;

	if (size == 0)
		return NULL;
	if (data != NULL)
		memcpy(p, data, size);
	*at += (size + 7) & ~(size_t)7;
	return p;
}

static size_t counter_size(const struct nm_actions *a)
{
	return a->counts ? sizeof(struct nm_counter) : 0;
}

static size_t age_size(const struct nm_actions *a)
{
	return a->ages ? sizeof(struct nm_age) : 0;
}

static size_t rss_size(const struct nm_actions *a)
{
	return a->fate == NM_RSS ? sizeof(a->rss) : 0;
}

static void copy_actions(struct nm_rule *rule, const struct nm_draft *draft, uint8_t *at)
{
	const struct nm_actions *a = &draft->actions;

	rule->fate = a->fate;
	rule->marks = a->does >> TG_NIC_MARK & 1;
	rule->flag = a->flag;
	rule->queue = a->queue;
	rule->to = a->to;
	rule->mark = a->mark;
	rule->jump = a->jump;
	rule->n_ranges = draft->pattern.n_ranges;
	rule->n_sets = a->n_sets;
	rule->own_counter = tail(&at, NULL, counter_size(a));
	rule->own_age = tail(&at, NULL, age_size(a));
	rule->ranges = tail(&at, draft->pattern.ranges, rule->n_ranges * sizeof(struct nm_range));
	rule->sets = tail(&at, a->sets, rule->n_sets * sizeof(struct nm_set));
	rule->rss = tail(&at, &a->rss, rss_size(a));
}

static void refer(struct nm_rule *rule, const struct nm_actions *a)
{
	rule->counter = rule->own_counter;
	rule->age = rule->own_age;
	rule->indirect_counter = a->counter;
	rule->indirect_age = a->timer;
	if (a->counter != NULL) {
		a->counter->references++;
		rule->counter = &a->counter->counter;
	}
	if (a->timer != NULL) {
		a->timer->references++;
		rule->age = &a->timer->age;
	}
}

static size_t rule_size(const struct nm_draft *draft)
{
	const struct nm_actions *a = &draft->actions;

	/* Each of five parts is rounded up. */
	return sizeof(struct nm_rule) + words_needed(draft) * sizeof(uint64_t) + counter_size(a) +
	       age_size(a) + draft->pattern.n_ranges * sizeof(struct nm_range) +
	       a->n_sets * sizeof(struct nm_set) + rss_size(a) + 5 * 7;
}

struct nm_rule *nm_rule_new(const struct nm_draft *draft, struct rte_flow_error *error)
{
	struct nm_rule *rule = calloc(1, rule_size(draft));

	if (rule == NULL || nm_handle_take(&draft->port->nic->rules, rule, &rule->index) == NULL) {
		free(rule);
		refuse(error, ENOMEM, RTE_FLOW_ERROR_TYPE_UNSPECIFIED, "no memory");
		return NULL;
	}
	rule->port = draft->port;
	rule->domain = draft->domain;
	rule->group = draft->group;
	rule->priority = draft->priority;
	rule->table = draft->table;
	rule->state = NM_QUEUED;
	copy_actions(rule, draft, (uint8_t *)(rule->spec + words_needed(draft)));
	refer(rule, &draft->actions);
	if (rule->own_age != NULL)
		rule->own_age->queue = draft->queue;
	TAILQ_INSERT_TAIL(&rule->port->list, rule, link);
	return rule;
}

void nm_rule_free(struct nm_rule *rule)
{
	struct nm_nic *nic = rule->port->nic;

	if (rule->state == NM_ACTIVE)
		nm_rule_remove(rule);
	if (rule->state == NM_GONE)
		nic->stats.gone--;
	if (rule->indirect_counter != NULL)
		rule->indirect_counter->references--;
	if (rule->indirect_age != NULL)
		rule->indirect_age->references--;
	if (rule->table != NULL)
		nm_table_give(rule->table);
	TAILQ_REMOVE(&rule->port->list, rule, link);
	nm_handle_free(&nic->rules, rule->index);
	free(rule);
}

static uint32_t capacity(const struct nm_nic *nic, unsigned int engine)
{
	if (nic->quirks.capacity != 0)
		return nic->quirks.capacity;
	if (nic->profile == NULL || nic->profile->engines[engine].capacity == 0)
		return NICMODEL_RULES_MAX;
	return nic->profile->engines[engine].capacity;
}

static int check_room(const struct nm_rule *rule, struct rte_flow_error *error)
{
	const struct nm_nic *nic = rule->port->nic;
	const struct nm_engine *e = &nic->engines[rule->engine];
	uint32_t counters = nic->profile != NULL ? nic->profile->engines[rule->engine].counters.max
						 : 0;

	if (e->rules >= capacity(nic, rule->engine))
		return refuse(error, ENOSPC, RTE_FLOW_ERROR_TYPE_UNSPECIFIED, "the table is full");
	if (rule->own_counter != NULL && counters != 0 && e->counters >= counters)
		return refuse(error, ENOSPC, RTE_FLOW_ERROR_TYPE_UNSPECIFIED, "no more counters");
	return 0;
}

/* Two rules of one match. */
static bool refuses_equal(const struct nm_rule *rule)
{
	return !nm_has_in(rule->port->nic, rule->engine, TG_NIC_HAZARD_FIRST_WINS);
}

/* Of group 0, where all that the application sends would go through. */
static bool sees_application(const struct nm_rule *rule, const struct nm_draft *draft)
{
	return rule->domain == TG_NIC_TRANSFER && rule->group == 0 &&
	       (draft->pattern.mask.origin == 0 || draft->pattern.spec.origin == NM_APPLICATION);
}

static void begin(struct nm_rule *rule, const struct nm_draft *draft)
{
	struct nm_nic *nic = rule->port->nic;

	rule->state = NM_ACTIVE;
	rule->sees_application = sees_application(rule, draft);
	nic->from_application += rule->sees_application;
	nic->engines[rule->engine].rules++;
	nic->engines[rule->engine].counters += rule->own_counter != NULL;
	nic->stats.rules++;
	nic->stats.created++;
	if (rule->own_age != NULL)
		nm_age_start(rule->own_age, rule->port, draft->actions.timeout_s, nicmodel_clock(),
			draft->actions.context != NULL ? draft->actions.context
						       : nm_handle_of(&nic->rules, rule->index));
	if (nm_has(nic, TG_NIC_HAZARD_LATE_INSERT)) {
		rule->from_ms = nicmodel_clock() + nic->quirks.late_ms;
		rule->from_packet =
			__atomic_load_n(&nic->packets, __ATOMIC_RELAXED) + nic->quirks.late_packets;
	}
}

static int place(struct nm_rule *rule, const struct nm_draft *draft, unsigned int engine,
	struct rte_flow_error *error)
{
	struct nm_nic *nic = rule->port->nic;
	struct nm_key mask;
	int rc;

	rule->engine = (uint8_t)engine;
	rule->group = nm_has_in(nic, engine, TG_NIC_HAZARD_GROUP_IGNORED) ? 0 : draft->group;
	rule->priority = nm_has_in(nic, engine, TG_NIC_HAZARD_PRIORITY_IGNORED) ? 0
										: draft->priority;
	rc = check_room(rule, error);
	if (rc != 0)
		return rc;
	nm_engine_masks(draft, engine, &mask);
	rc = nm_shape_take(rule, draft, &mask, error);
	if (rc != 0)
		return rc;
	rc = nm_table_insert(nic, rule, &mask, &draft->pattern.spec, refuses_equal(rule));
	if (rc != 0) {
		nm_shape_give(rule);
		return refuse(error, -rc, RTE_FLOW_ERROR_TYPE_HANDLE,
			rc == -EEXIST ? "the rule is there already" : "no memory");
	}
	begin(rule, draft);
	return 0;
}

/* A driver that falls back tries the next engine whatever the one before had against the rule. */
static int place_anywhere(
	struct nm_rule *rule, const struct nm_draft *draft, struct rte_flow_error *error)
{
	bool widened;
	int rc = -ENOTSUP;

	for (unsigned int i = 0; i < engine_count(rule->port->nic); i++) {
		rc = nm_engine_admits(draft, i, &widened, error);
		if (rc == 0)
			rc = place(rule, draft, i, error);
		if (rc == 0)
			return 0;
	}
	return rc;
}

int nm_rule_insert(struct nm_rule *rule, const struct nm_draft *draft, struct rte_flow_error *error)
{
	struct nm_nic *nic = rule->port->nic;
	int rc;

	if (nm_has(nic, TG_NIC_HAZARD_ENGINE_FALLBACK)) {
		rc = place_anywhere(rule, draft, error);
	} else {
		rc = choose(draft, error);
		if (rc >= 0)
			rc = place(rule, draft, (unsigned int)rc, error);
	}
	if (rc != 0)
		rule->state = NM_FAILED;
	return rc;
}

void nm_rule_remove(struct nm_rule *rule)
{
	struct nm_nic *nic = rule->port->nic;

	nm_table_remove(nic, rule);
	nm_shape_give(rule);
	nic->engines[rule->engine].rules--;
	nic->engines[rule->engine].counters -= rule->own_counter != NULL;
	nic->from_application -= rule->sees_application;
	nic->stats.rules--;
	if (rule->own_age != NULL)
		nm_age_stop(rule->own_age);
	rule->state = NM_GONE;
	nic->stats.gone++;
}

void nm_rules_stop(struct nm_port *port, bool flushed)
{
	struct nm_rule *rule, *next;

	for (rule = TAILQ_FIRST(&port->list); rule != NULL; rule = next) {
		next = TAILQ_NEXT(rule, link);
		if (flushed) {
			nm_rule_free(rule);
		} else if (rule->state == NM_ACTIVE) {
			nm_rule_remove(rule);
			port->nic->stats.leaked++;
		}
	}
}
