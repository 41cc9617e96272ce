/* SPDX-License-Identifier: BSD-3-Clause */
/* rte_flow, as an application calls it: one rule at a time. */
#include "flow.h"

#include <errno.h>

static int refuse(
	struct rte_flow_error *error, int code, enum rte_flow_error_type type, const char *why)
{
	return rte_flow_error_set(error, code, type, NULL, why);
}

bool nm_fault(struct nm_port *port, enum nicmodel_op op, struct rte_flow_error *error)
{
	struct nm_fault *fault = &port->faults[op];

	if (fault->times == 0)
		return false;
	if (fault->after != 0) {
		fault->after--;
		return false;
	}
	fault->times--;
	refuse(error, fault->error, RTE_FLOW_ERROR_TYPE_UNSPECIFIED, "the device says no");
	return true;
}

static bool keeps_rules(const struct nm_nic *nic)
{
	return !nm_has(nic, TG_NIC_HAZARD_LOST_ON_STOP);
}

int nm_port_ready(struct nm_port *port, struct rte_flow_error *error)
{
	if (port->reset)
		return refuse(error, EIO, RTE_FLOW_ERROR_TYPE_UNSPECIFIED, "the device was reset");
	if (!port->started && !keeps_rules(port->nic))
		return refuse(error, ENODEV, RTE_FLOW_ERROR_TYPE_STATE, "the port is stopped");
	return 0;
}

struct nm_rule *nm_rule_of(struct nm_port *port, const void *handle, struct rte_flow_error *error)
{
	struct nm_rule *rule = nm_handle_find(&port->nic->rules, handle);

	if (rule != NULL && rule->port == port)
		return rule;
	port->nic->stats.stale_handles++;
	refuse(error, EINVAL, RTE_FLOW_ERROR_TYPE_HANDLE, "not a rule of this port");
	return NULL;
}

static int flow_validate(struct rte_eth_dev *dev, const struct rte_flow_attr *attr,
	const struct rte_flow_item items[], const struct rte_flow_action actions[],
	struct rte_flow_error *error)
{
	struct nm_port *port = nm_port_of(dev);
	struct nm_draft draft;
	int rc;

	rte_rwlock_write_lock(&port->nic->lock);
	rc = nm_draft_read(&draft, port, attr, items, actions, false, error);
	if (rc == 0)
		rc = nm_draft_check(&draft, error);
	rte_rwlock_write_unlock(&port->nic->lock);
	return rc;
}

/* Once a port is configured for templates it takes nothing else. */
static bool templates_only(const struct nm_port *port)
{
	return port->configured && port->nic->profile != NULL && port->nic->profile->templates;
}

static struct nm_rule *create(
	struct nm_port *port, const struct nm_draft *draft, struct rte_flow_error *error)
{
	struct nm_rule *rule;

	if (templates_only(port)) {
		refuse(error, ENOTSUP, RTE_FLOW_ERROR_TYPE_UNSPECIFIED,
			"rules are made of templates");
		return NULL;
	}
	if (nm_fault(port, NICMODEL_CREATE, error))
		return NULL;
	rule = nm_rule_new(draft, error);
	if (rule != NULL && nm_rule_insert(rule, draft, error) != 0) {
		nm_rule_free(rule);
		rule = NULL;
	}
	return rule;
}

static struct rte_flow *flow_create(struct rte_eth_dev *dev, const struct rte_flow_attr *attr,
	const struct rte_flow_item items[], const struct rte_flow_action actions[],
	struct rte_flow_error *error)
{
	struct nm_port *port = nm_port_of(dev);
	struct nm_nic *nic = port->nic;
	struct nm_rule *rule = NULL;
	struct nm_draft draft;
	void *handle = NULL;

	rte_rwlock_write_lock(&nic->lock);
	if (nm_port_ready(port, error) == 0 &&
		nm_draft_read(&draft, port, attr, items, actions, false, error) == 0)
		rule = create(port, &draft, error);
	if (rule != NULL)
		handle = nm_handle_of(&nic->rules, rule->index);
	else
		nic->stats.refused++;
	rte_rwlock_write_unlock(&nic->lock);
	return handle;
}

static int flow_destroy(
	struct rte_eth_dev *dev, struct rte_flow *flow, struct rte_flow_error *error)
{
	struct nm_port *port = nm_port_of(dev);
	struct nm_rule *rule;
	int rc = 0;

	rte_rwlock_write_lock(&port->nic->lock);
	rule = nm_rule_of(port, flow, error);
	if (rule == NULL || nm_fault(port, NICMODEL_DESTROY, error)) {
		rc = -rte_errno;
	} else if (port->reset) {
		rc = nm_port_ready(port, error);
	} else {
		nm_rule_free(rule);
		port->nic->stats.destroyed++;
	}
	rte_rwlock_write_unlock(&port->nic->lock);
	return rc;
}

static int flow_flush(struct rte_eth_dev *dev, struct rte_flow_error *error)
{
	struct nm_port *port = nm_port_of(dev);
	struct nm_rule *rule;
	int rc = 0;

	rte_rwlock_write_lock(&port->nic->lock);
	if (nm_fault(port, NICMODEL_FLUSH, error))
		rc = -rte_errno;
	while (rc == 0 && (rule = TAILQ_FIRST(&port->list)) != NULL) {
		nm_rule_free(rule);
		port->nic->stats.destroyed++;
	}
	rte_rwlock_write_unlock(&port->nic->lock);
	return rc;
}

/* --- queries ----------------------------------------------------------------------------- */

/* Every so often a counter cannot be read: in use just now, or not there yet. */
static bool query_fails(struct nm_nic *nic, struct rte_flow_error *error)
{
	uint32_t every = nic->quirks.fail_every;
	uint64_t n = ++nic->queries;

	if (!nm_has(nic, TG_NIC_HAZARD_COUNTER_FAILS) || every == 0 || n % every != 0)
		return false;
	nic->stats.query_failures++;
	refuse(error, n / every % 2 != 0 ? EAGAIN : ENOENT, RTE_FLOW_ERROR_TYPE_UNSPECIFIED,
		"the counter cannot be read");
	return true;
}

static uint32_t stale_ms(const struct nm_nic *nic)
{
	return nm_has(nic, TG_NIC_HAZARD_STALE_COUNTER) ? nic->quirks.stale_ms : 0;
}

static const struct tg_nic_counters *counters_of(const struct nm_nic *nic, unsigned int engine)
{
	static const struct tg_nic_counters all = {.hits = true, .bytes = true, .shared = true};

	return nic->profile != NULL ? &nic->profile->engines[engine].counters : &all;
}

int nm_count_query(struct nm_port *port, struct nm_counter *counter, unsigned int engine,
	struct rte_flow_query_count *query, struct rte_flow_error *error)
{
	const struct tg_nic_counters *has = counters_of(port->nic, engine);
	uint64_t hits, bytes;

	if (nm_fault(port, NICMODEL_QUERY, error) || query_fails(port->nic, error))
		return -rte_errno;
	nm_counter_read(
		counter, nicmodel_clock(), stale_ms(port->nic), query->reset, &hits, &bytes);
	query->hits_set = has->hits;
	query->bytes_set = has->bytes;
	if (has->hits)
		query->hits = hits;
	if (has->bytes)
		query->bytes = bytes;
	return 0;
}

static int query_rule(struct nm_port *port, const struct nm_rule *rule,
	const struct rte_flow_action *action, void *data, struct rte_flow_error *error)
{
	if (rule->state != NM_ACTIVE)
		return refuse(
			error, ENOENT, RTE_FLOW_ERROR_TYPE_HANDLE, "the rule is not in the NIC");
	if (action->type == RTE_FLOW_ACTION_TYPE_COUNT && rule->counter != NULL)
		return nm_count_query(port, rule->counter, rule->engine, data, error);
	if (action->type == RTE_FLOW_ACTION_TYPE_AGE && rule->age != NULL) {
		nm_age_run(port->nic, nicmodel_clock());
		nm_age_query(rule->age, nicmodel_clock(), data);
		return 0;
	}
	return rte_flow_error_set(error, ENOTSUP, RTE_FLOW_ERROR_TYPE_ACTION, action,
		"the rule has nothing of this kind to query");
}

static int flow_query(struct rte_eth_dev *dev, struct rte_flow *flow,
	const struct rte_flow_action *actions, void *data, struct rte_flow_error *error)
{
	struct nm_port *port = nm_port_of(dev);
	struct nm_rule *rule;
	int rc;

	rte_rwlock_write_lock(&port->nic->lock);
	rule = nm_rule_of(port, flow, error);
	rc = rule == NULL ? -rte_errno : port->reset ? nm_port_ready(port, error) : 0;
	for (; rc == 0 && actions->type != RTE_FLOW_ACTION_TYPE_END; actions++)
		if (actions->type != RTE_FLOW_ACTION_TYPE_VOID)
			rc = query_rule(port, rule, actions, data, error);
	rte_rwlock_write_unlock(&port->nic->lock);
	return rc;
}

/* --- ages -------------------------------------------------------------------------------- */

/* Contexts of aged rules, each handed out once; without an array: how many there are. */
static int aged_flows(struct nm_port *port, int queue, void **contexts, uint32_t n)
{
	struct nm_age *age, *next;
	uint32_t found = 0;

	port->told_aged = false;
	for (age = TAILQ_FIRST(&port->aged); age != NULL && (n == 0 || found < n); age = next) {
		next = TAILQ_NEXT(age, link);
		if (queue >= 0 && age->queue != queue)
			continue;
		if (n != 0) {
			contexts[found] = age->context;
			TAILQ_REMOVE(&port->aged, age, link);
			age->in_aged = false;
			port->n_aged--;
		}
		found++;
	}
	return (int)found;
}

static int aged(
	struct nm_port *port, int queue, void **contexts, uint32_t n, struct rte_flow_error *error)
{
	int rc;

	if (n != 0 && contexts == NULL)
		return refuse(
			error, EINVAL, RTE_FLOW_ERROR_TYPE_UNSPECIFIED, "no room for contexts");
	rte_rwlock_write_lock(&port->nic->lock);
	if ((queue >= 0) != port->strict_queues) {
		rc = refuse(error, EINVAL, RTE_FLOW_ERROR_TYPE_UNSPECIFIED,
			"ages are told by queue, or for the port, as configured");
	} else {
		nm_age_run(port->nic, nicmodel_clock());
		rc = aged_flows(port, queue, contexts, n);
	}
	rte_rwlock_write_unlock(&port->nic->lock);
	return rc;
}

static int flow_get_aged(
	struct rte_eth_dev *dev, void **contexts, uint32_t n, struct rte_flow_error *error)
{
	return aged(nm_port_of(dev), -1, contexts, n, error);
}

static int flow_get_q_aged(struct rte_eth_dev *dev, uint32_t queue, void **contexts, uint32_t n,
	struct rte_flow_error *error)
{
	return aged(nm_port_of(dev), (int)queue, contexts, n, error);
}

/* --- the port ---------------------------------------------------------------------------- */

static int flow_isolate(struct rte_eth_dev *dev, int on, struct rte_flow_error *error)
{
	struct nm_port *port = nm_port_of(dev);

	if (port->started)
		return refuse(
			error, EBUSY, RTE_FLOW_ERROR_TYPE_UNSPECIFIED, "stop the port before");
	port->isolated = on != 0;
	return 0;
}

static int flow_pick_transfer_proxy(
	struct rte_eth_dev *dev, uint16_t *proxy, struct rte_flow_error *error)
{
	*proxy = nm_switch_manager(nm_port_of(dev))->id;
	return 0;
}

static void dump_rule(const struct nm_rule *rule, FILE *file)
{
	fprintf(file, "domain %u group %u priority %u engine %u fate %u state %u\n", rule->domain,
		rule->group, rule->priority, rule->engine, rule->fate, rule->state);
}

static int flow_dump(
	struct rte_eth_dev *dev, struct rte_flow *flow, FILE *file, struct rte_flow_error *error)
{
	struct nm_port *port = nm_port_of(dev);
	struct nm_rule *rule;
	int rc = 0;

	rte_rwlock_write_lock(&port->nic->lock);
	if (flow != NULL) {
		rule = nm_rule_of(port, flow, error);
		if (rule != NULL)
			dump_rule(rule, file);
		else
			rc = -rte_errno;
	} else {
		TAILQ_FOREACH(rule, &port->list, link)
		dump_rule(rule, file);
	}
	rte_rwlock_write_unlock(&port->nic->lock);
	return rc;
}

const struct rte_flow_ops nm_flow_ops = {
	.validate = flow_validate,
	.create = flow_create,
	.destroy = flow_destroy,
	.flush = flow_flush,
	.query = flow_query,
	.isolate = flow_isolate,
	.dev_dump = flow_dump,
	.get_aged_flows = flow_get_aged,
	.get_q_aged_flows = flow_get_q_aged,
	.pick_transfer_proxy = flow_pick_transfer_proxy,
	.action_handle_create = nm_indirect_create,
	.action_handle_destroy = nm_indirect_destroy,
	.action_handle_update = nm_indirect_update,
	.action_handle_query = nm_indirect_query,
	.info_get = nm_async_info,
	.configure = nm_async_configure,
	.pattern_template_create = nm_pattern_template_create,
	.pattern_template_destroy = nm_pattern_template_destroy,
	.actions_template_create = nm_actions_template_create,
	.actions_template_destroy = nm_actions_template_destroy,
	.template_table_create = nm_table_create,
	.template_table_destroy = nm_table_destroy,
	.async_create = nm_async_create,
	.async_destroy = nm_async_destroy,
	.push = nm_async_push,
	.pull = nm_async_pull,
};
