/* SPDX-License-Identifier: BSD-3-Clause */
/* Counters and ages that several rules share: indirect actions. They survive a stop. */
#include "flow.h"

#include <errno.h>
#include <stdlib.h>

static int refuse(
	struct rte_flow_error *error, int code, enum rte_flow_error_type type, const char *why)
{
	return rte_flow_error_set(error, code, type, NULL, why);
}

/* An engine that can share; negative: none. */
static int sharing_engine(const struct nm_nic *nic, enum tg_nic_action does)
{
	const struct tg_nic_profile *p = nic->profile;

	if (p == NULL)
		return 0;
	for (size_t i = 0; i < p->n_engines; i++)
		if ((p->engines[i].actions >> does & 1) &&
			(does != TG_NIC_COUNT || p->engines[i].counters.shared))
			return (int)i;
	return -1;
}

static struct nm_indirect *indirect_of(
	struct nm_port *port, const void *handle, struct rte_flow_error *error)
{
	struct nm_indirect *indirect = nm_handle_find(&port->nic->indirects, handle);

	if (indirect != NULL && indirect->port == port)
		return indirect;
	port->nic->stats.stale_handles++;
	refuse(error, EINVAL, RTE_FLOW_ERROR_TYPE_HANDLE, "not an indirect action of this port");
	return NULL;
}

static int start(struct nm_indirect *indirect, const struct rte_flow_action *action, void *handle,
	struct rte_flow_error *error)
{
	const struct rte_flow_action_age *conf = action->conf;

	if (indirect->type != TG_NIC_AGE)
		return 0;
	if (conf == NULL || conf->timeout == 0)
		return refuse(error, EINVAL, RTE_FLOW_ERROR_TYPE_ACTION_CONF, "no timeout");
	nm_age_start(&indirect->age, indirect->port, conf->timeout, nicmodel_clock(),
		conf->context != NULL ? conf->context : handle);
	return 0;
}

/* With templates counters are reserved. Without any left mlx5 says this. */
static bool has_counter(const struct nm_port *port, struct rte_flow_error *error)
{
	const struct tg_nic_profile *p = port->nic->profile;

	if (p == NULL || !p->templates || port->shared_counters < port->reserved_counters)
		return true;
	refuse(error, ENODEV, RTE_FLOW_ERROR_TYPE_ACTION, "counter are not configured!");
	return false;
}

static void *make(struct nm_port *port, enum tg_nic_action does,
	const struct rte_flow_action *action, struct rte_flow_error *error)
{
	struct nm_indirect *indirect;
	void *handle = NULL;

	if (does == TG_NIC_COUNT && !has_counter(port, error))
		return NULL;
	indirect = calloc(1, sizeof(*indirect));

	if (indirect != NULL)
		handle = nm_handle_take(&port->nic->indirects, indirect, &indirect->index);
	if (handle == NULL) {
		free(indirect);
		refuse(error, ENOMEM, RTE_FLOW_ERROR_TYPE_UNSPECIFIED, "no memory");
		return NULL;
	}
	indirect->type = (uint8_t)does;
	indirect->port = port;
	if (start(indirect, action, handle, error) != 0) {
		nm_handle_free(&port->nic->indirects, indirect->index);
		free(indirect);
		return NULL;
	}
	TAILQ_INSERT_TAIL(&port->indirects, indirect, link);
	port->shared_counters += does == TG_NIC_COUNT;
	return handle;
}

struct rte_flow_action_handle *nm_indirect_create(struct rte_eth_dev *dev,
	const struct rte_flow_indir_action_conf *conf, const struct rte_flow_action *action,
	struct rte_flow_error *error)
{
	struct nm_port *port = nm_port_of(dev);
	enum tg_nic_action does;
	void *handle = NULL;

	if (action->type == RTE_FLOW_ACTION_TYPE_COUNT) {
		does = TG_NIC_COUNT;
	} else if (action->type == RTE_FLOW_ACTION_TYPE_AGE) {
		does = TG_NIC_AGE;
	} else {
		refuse(error, ENOTSUP, RTE_FLOW_ERROR_TYPE_ACTION, "counters and ages only");
		return NULL;
	}
	if (sharing_engine(port->nic, does) < 0) {
		refuse(error, ENOTSUP, RTE_FLOW_ERROR_TYPE_ACTION,
			"not supported as a shared action");
		return NULL;
	}
	if (conf->ingress + conf->egress + conf->transfer == 0) {
		refuse(error, EINVAL, RTE_FLOW_ERROR_TYPE_ATTR, "no direction");
		return NULL;
	}
	rte_rwlock_write_lock(&port->nic->lock);
	if (!port->reset)
		handle = make(port, does, action, error);
	else
		nm_port_ready(port, error);
	rte_rwlock_write_unlock(&port->nic->lock);
	return handle;
}

int nm_indirect_destroy(struct rte_eth_dev *dev, struct rte_flow_action_handle *handle,
	struct rte_flow_error *error)
{
	struct nm_port *port = nm_port_of(dev);
	struct nm_indirect *indirect;
	int rc = 0;

	rte_rwlock_write_lock(&port->nic->lock);
	indirect = indirect_of(port, handle, error);
	if (indirect == NULL) {
		rc = -rte_errno;
	} else if (indirect->references != 0) {
		rc = refuse(error, EBUSY, RTE_FLOW_ERROR_TYPE_HANDLE, "rules refer to it");
	} else {
		port->shared_counters -= indirect->type == TG_NIC_COUNT;
		nm_age_stop(&indirect->age);
		TAILQ_REMOVE(&port->indirects, indirect, link);
		nm_handle_free(&port->nic->indirects, indirect->index);
		free(indirect);
	}
	rte_rwlock_write_unlock(&port->nic->lock);
	return rc;
}

static void update_age(struct nm_age *age, const struct rte_flow_update_age *update)
{
	struct nm_port *port = age->port;
	void *context = age->context;
	uint32_t timeout_s = update->timeout_valid ? update->timeout : age->timeout_s;
	uint64_t hit = update->touch ? nicmodel_clock() : age->hit_ms;

	nm_age_stop(age);
	nm_age_start(age, port, timeout_s, hit, context);
}

int nm_indirect_update(struct rte_eth_dev *dev, struct rte_flow_action_handle *handle,
	const void *update, struct rte_flow_error *error)
{
	struct nm_port *port = nm_port_of(dev);
	struct nm_indirect *indirect;
	int rc = 0;

	rte_rwlock_write_lock(&port->nic->lock);
	indirect = indirect_of(port, handle, error);
	if (indirect == NULL)
		rc = -rte_errno;
	else if (indirect->type != TG_NIC_AGE)
		rc = refuse(error, ENOTSUP, RTE_FLOW_ERROR_TYPE_ACTION, "nothing to update");
	else
		update_age(&indirect->age, update);
	rte_rwlock_write_unlock(&port->nic->lock);
	return rc;
}

int nm_indirect_query(struct rte_eth_dev *dev, const struct rte_flow_action_handle *handle,
	void *data, struct rte_flow_error *error)
{
	struct nm_port *port = nm_port_of(dev);
	struct nm_indirect *indirect;
	int rc = 0;

	rte_rwlock_write_lock(&port->nic->lock);
	indirect = indirect_of(port, handle, error);
	if (indirect == NULL) {
		rc = -rte_errno;
	} else if (indirect->type == TG_NIC_COUNT) {
		rc = nm_count_query(port, &indirect->counter,
			(unsigned int)sharing_engine(port->nic, TG_NIC_COUNT), data, error);
	} else {
		nm_age_run(port->nic, nicmodel_clock());
		nm_age_query(&indirect->age, nicmodel_clock(), data);
	}
	rte_rwlock_write_unlock(&port->nic->lock);
	return rc;
}
