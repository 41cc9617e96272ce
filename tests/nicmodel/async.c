/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The asynchronous interface. An operation is noted when it is enqueued and carried out when the
 * queue is pushed, with all before it; its result waits to be pulled. Operations that were not
 * pulled take up the queue.
 */
#include "flow.h"

#include <errno.h>
#include <stdlib.h>

#define QUEUES_MAX 64
#define QUEUE_SIZE_MAX 8192

static int refuse(
	struct rte_flow_error *error, int code, enum rte_flow_error_type type, const char *why)
{
	return rte_flow_error_set(error, code, type, NULL, why);
}

int nm_async_info(struct rte_eth_dev *dev, struct rte_flow_port_info *port_info,
	struct rte_flow_queue_info *queue_info, struct rte_flow_error *error)
{
	const struct tg_nic_profile *p = nm_port_of(dev)->nic->profile;

	if (p != NULL && !p->templates)
		return refuse(error, ENOTSUP, RTE_FLOW_ERROR_TYPE_UNSPECIFIED, "no templates");
	*port_info = (struct rte_flow_port_info){.max_nb_queues = QUEUES_MAX,
		.max_nb_counters = NICMODEL_RULES_MAX,
		.max_nb_aging_objects = NICMODEL_RULES_MAX,
		.supported_flags = RTE_FLOW_PORT_FLAG_STRICT_QUEUE};
	*queue_info = (struct rte_flow_queue_info){.max_size = QUEUE_SIZE_MAX};
	return 0;
}

static int make_queues(struct nm_port *port, uint16_t n, uint32_t size)
{
	struct nm_queue *queues = calloc(n, sizeof(*queues));

	if (queues == NULL)
		return -ENOMEM;
	port->queues = queues;
	port->n_queues = n;
	for (uint16_t i = 0; i < n; i++) {
		queues[i].size = size;
		queues[i].jobs = calloc(size, sizeof(struct nm_job));
		queues[i].results = calloc(size, sizeof(struct nm_result));
		if (queues[i].jobs == NULL || queues[i].results == NULL) {
			nm_async_free(port);
			return -ENOMEM;
		}
	}
	return 0;
}

int nm_async_configure(struct rte_eth_dev *dev, const struct rte_flow_port_attr *attr,
	uint16_t n_queues, const struct rte_flow_queue_attr *queue_attr[],
	struct rte_flow_error *error)
{
	struct nm_port *port = nm_port_of(dev);
	const struct tg_nic_profile *p = port->nic->profile;
	int rc = 0;

	if (p != NULL && !p->templates)
		return refuse(error, ENOTSUP, RTE_FLOW_ERROR_TYPE_UNSPECIFIED, "no templates");
	if (n_queues == 0 || n_queues > QUEUES_MAX || attr->nb_counters > NICMODEL_RULES_MAX ||
		attr->nb_meters != 0 || attr->nb_conn_tracks != 0)
		return refuse(error, EINVAL, RTE_FLOW_ERROR_TYPE_UNSPECIFIED, "more than there is");
	for (uint16_t i = 0; i < n_queues; i++)
		if (queue_attr[i] == NULL || queue_attr[i]->size == 0 ||
			queue_attr[i]->size > QUEUE_SIZE_MAX ||
			queue_attr[i]->size != queue_attr[0]->size)
			return refuse(error, EINVAL, RTE_FLOW_ERROR_TYPE_UNSPECIFIED,
				"queues are of one size, up to 8192");
	rte_rwlock_write_lock(&port->nic->lock);
	if (!TAILQ_EMPTY(&port->list))
		rc = refuse(error, EBUSY, RTE_FLOW_ERROR_TYPE_UNSPECIFIED, "there are rules");
	if (rc == 0) {
		nm_templates_free(port);
		nm_async_free(port);
		rc = make_queues(port, n_queues, queue_attr[0]->size);
		if (rc != 0)
			refuse(error, ENOMEM, RTE_FLOW_ERROR_TYPE_UNSPECIFIED, "no memory");
		port->configured = rc == 0;
		port->strict_queues = attr->flags & RTE_FLOW_PORT_FLAG_STRICT_QUEUE;
		port->reserved_counters = attr->nb_counters;
	}
	rte_rwlock_write_unlock(&port->nic->lock);
	return rc;
}

void nm_async_free(struct nm_port *port)
{
	for (uint16_t i = 0; i < port->n_queues; i++) {
		for (uint32_t k = 0; port->queues[i].jobs != NULL && k < port->queues[i].n_jobs;
			k++)
			free(port->queues[i].jobs[k].draft);
		free(port->queues[i].jobs);
		free(port->queues[i].results);
	}
	free(port->queues);
	port->queues = NULL;
	port->n_queues = 0;
	port->configured = false;
}

static struct nm_queue *queue_of(struct nm_port *port, uint32_t queue, struct rte_flow_error *error)
{
	if (queue < port->n_queues)
		return &port->queues[queue];
	refuse(error, EINVAL, RTE_FLOW_ERROR_TYPE_UNSPECIFIED, "no such queue");
	return NULL;
}

static void finish(
	struct nm_queue *q, void *created, void *user_data, enum rte_flow_op_status status)
{
	q->results[(q->head + q->n_results++) % q->size] =
		(struct nm_result){.rule = created, .user_data = user_data, .status = status};
}

static bool carry_out_create(struct nm_port *port, struct nm_job *job)
{
	struct nm_rule *rule = nm_handle_find(&port->nic->rules, job->rule);
	struct rte_flow_error error;

	if (rule == NULL)
		return false;
	if (nm_fault(port, NICMODEL_ASYNC_CREATE, &error) || nm_port_ready(port, &error) != 0 ||
		nm_rule_insert(rule, job->draft, &error) != 0) {
		rule->state = NM_FAILED;
		port->nic->stats.refused++;
		return false;
	}
	return true;
}

static bool carry_out_destroy(struct nm_port *port, struct nm_job *job)
{
	struct nm_rule *rule = nm_handle_find(&port->nic->rules, job->rule);
	struct rte_flow_error error;

	port->nic->stats.stale_handles += rule == NULL;
	if (rule == NULL || nm_fault(port, NICMODEL_ASYNC_DESTROY, &error) || port->reset)
		return false;
	nm_rule_free(rule);
	port->nic->stats.destroyed++;
	return true;
}

static void carry_out(struct nm_port *port, struct nm_queue *q)
{
	for (uint32_t i = 0; i < q->n_jobs; i++) {
		struct nm_job *job = &q->jobs[i];
		bool done = job->draft != NULL ? carry_out_create(port, job)
					       : carry_out_destroy(port, job);

		finish(q, job->draft != NULL ? job->rule : NULL, job->user_data,
			done ? RTE_FLOW_OP_SUCCESS : RTE_FLOW_OP_ERROR);
		free(job->draft);
	}
	q->n_jobs = 0;
}

void nm_async_abandon(struct nm_port *port)
{
	for (uint16_t i = 0; i < port->n_queues; i++)
		carry_out(port, &port->queues[i]);
}

static void enqueue(struct nm_port *port, struct nm_queue *q, const struct nm_job *job,
	const struct rte_flow_op_attr *attr)
{
	q->jobs[q->n_jobs++] = *job;
	if (attr == NULL || !attr->postpone)
		carry_out(port, q);
}

static bool has_room(const struct nm_queue *q, struct rte_flow_error *error)
{
	if (q->n_jobs + q->n_results < q->size)
		return true;
	/* What mlx5 says. */
	refuse(error, ENOMEM, RTE_FLOW_ERROR_TYPE_UNSPECIFIED, "the queue is full");
	return false;
}

static struct nm_rule *new_rule(struct nm_port *port, const struct nm_draft *draft, void **handle,
	struct rte_flow_error *error)
{
	struct nm_rule *rule;

	if (!nm_table_take(draft->table)) {
		refuse(error, ENOSPC, RTE_FLOW_ERROR_TYPE_UNSPECIFIED, "the table is full");
		return NULL;
	}
	rule = nm_rule_new(draft, error);
	if (rule == NULL) {
		nm_table_give(draft->table);
		return NULL;
	}
	*handle = nm_handle_of(&port->nic->rules, rule->index);
	return rule;
}

static void *create(struct nm_port *port, uint32_t queue, const struct rte_flow_op_attr *attr,
	struct nm_draft *draft, void *user_data, struct rte_flow_error *error)
{
	struct nm_queue *q = queue_of(port, queue, error);
	struct nm_job job = {.user_data = user_data};

	if (q == NULL || nm_port_ready(port, error) != 0 || !has_room(q, error) ||
		nm_draft_check(draft, error) != 0)
		return NULL;
	draft->queue = (uint16_t)queue;
	job.draft = malloc(sizeof(*draft));
	if (job.draft == NULL) {
		refuse(error, ENOMEM, RTE_FLOW_ERROR_TYPE_UNSPECIFIED, "no memory");
		return NULL;
	}
	*job.draft = *draft;
	if (new_rule(port, draft, &job.rule, error) == NULL) {
		free(job.draft);
		return NULL;
	}
	enqueue(port, q, &job, attr);
	return job.rule;
}

struct rte_flow *nm_async_create(struct rte_eth_dev *dev, uint32_t queue,
	const struct rte_flow_op_attr *attr, struct rte_flow_template_table *table,
	const struct rte_flow_item pattern[], uint8_t pattern_index,
	const struct rte_flow_action actions[], uint8_t action_index, void *user_data,
	struct rte_flow_error *error)
{
	struct nm_port *port = nm_port_of(dev);
	struct nm_draft draft;
	void *handle = NULL;

	rte_rwlock_write_lock(&port->nic->lock);
	if (nm_table_draft(&draft, port, (struct nm_table *)table, pattern, pattern_index, actions,
		    action_index, error) == 0)
		handle = create(port, queue, attr, &draft, user_data, error);
	if (handle == NULL)
		port->nic->stats.refused++;
	rte_rwlock_write_unlock(&port->nic->lock);
	return handle;
}

int nm_async_destroy(struct rte_eth_dev *dev, uint32_t queue, const struct rte_flow_op_attr *attr,
	struct rte_flow *flow, void *user_data, struct rte_flow_error *error)
{
	struct nm_port *port = nm_port_of(dev);
	struct nm_job job = {.rule = flow, .user_data = user_data};
	struct nm_queue *q;
	struct nm_rule *rule;
	int rc;

	rte_rwlock_write_lock(&port->nic->lock);
	q = queue_of(port, queue, error);
	rule = q != NULL ? nm_rule_of(port, flow, error) : NULL;
	if (rule == NULL || !has_room(q, error)) {
		rc = -rte_errno;
	} else {
		port->nic->stats.early_destroys += rule->table != NULL && !rule->pulled;
		enqueue(port, q, &job, attr);
		rc = 0;
	}
	rte_rwlock_write_unlock(&port->nic->lock);
	return rc;
}

int nm_async_push(struct rte_eth_dev *dev, uint32_t queue, struct rte_flow_error *error)
{
	struct nm_port *port = nm_port_of(dev);
	struct nm_queue *q;

	rte_rwlock_write_lock(&port->nic->lock);
	q = queue_of(port, queue, error);
	if (q != NULL)
		carry_out(port, q);
	rte_rwlock_write_unlock(&port->nic->lock);
	return q != NULL ? 0 : -rte_errno;
}

static void pull(struct nm_port *port, struct nm_queue *q, struct rte_flow_op_result *result)
{
	struct nm_result *r = &q->results[q->head];
	struct nm_rule *rule = nm_handle_find(&port->nic->rules, r->rule);

	if (rule != NULL)
		rule->pulled = true;
	result->status = r->status;
	result->user_data = r->user_data;
	q->head = (q->head + 1) % q->size;
	q->n_results--;
}

int nm_async_pull(struct rte_eth_dev *dev, uint32_t queue, struct rte_flow_op_result results[],
	uint16_t n, struct rte_flow_error *error)
{
	struct nm_port *port = nm_port_of(dev);
	struct nm_queue *q;
	uint16_t got = 0;

	rte_rwlock_write_lock(&port->nic->lock);
	q = queue_of(port, queue, error);
	while (q != NULL && got < n && q->n_results != 0)
		pull(port, q, &results[got++]);
	rte_rwlock_write_unlock(&port->nic->lock);
	return q != NULL ? got : -rte_errno;
}
