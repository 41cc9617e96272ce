/* SPDX-License-Identifier: BSD-3-Clause */
/* The callbacks of struct rte_flow_ops, by file. */
#ifndef TG_NICMODEL_FLOW_H
#define TG_NICMODEL_FLOW_H

#include "model.h"

/* The rule of a handle; NULL: none, which is counted, with *error. Under the NIC's lock. */
struct nm_rule *nm_rule_of(struct nm_port *port, const void *handle, struct rte_flow_error *error);
/* Reads a counter of an engine. Under the NIC's lock. */
int nm_count_query(struct nm_port *port, struct nm_counter *counter, unsigned int engine,
	struct rte_flow_query_count *query, struct rte_flow_error *error);

/* indirect.c */
struct rte_flow_action_handle *nm_indirect_create(struct rte_eth_dev *dev,
	const struct rte_flow_indir_action_conf *conf, const struct rte_flow_action *action,
	struct rte_flow_error *error);
int nm_indirect_destroy(struct rte_eth_dev *dev, struct rte_flow_action_handle *handle,
	struct rte_flow_error *error);
int nm_indirect_update(struct rte_eth_dev *dev, struct rte_flow_action_handle *handle,
	const void *update, struct rte_flow_error *error);
int nm_indirect_query(struct rte_eth_dev *dev, const struct rte_flow_action_handle *handle,
	void *data, struct rte_flow_error *error);

/* template.c */
struct rte_flow_pattern_template *nm_pattern_template_create(struct rte_eth_dev *dev,
	const struct rte_flow_pattern_template_attr *attr, const struct rte_flow_item pattern[],
	struct rte_flow_error *error);
int nm_pattern_template_destroy(struct rte_eth_dev *dev, struct rte_flow_pattern_template *template,
	struct rte_flow_error *error);
struct rte_flow_actions_template *nm_actions_template_create(struct rte_eth_dev *dev,
	const struct rte_flow_actions_template_attr *attr, const struct rte_flow_action actions[],
	const struct rte_flow_action masks[], struct rte_flow_error *error);
int nm_actions_template_destroy(struct rte_eth_dev *dev, struct rte_flow_actions_template *template,
	struct rte_flow_error *error);
struct rte_flow_template_table *nm_table_create(struct rte_eth_dev *dev,
	const struct rte_flow_template_table_attr *attr,
	struct rte_flow_pattern_template *patterns[], uint8_t n_patterns,
	struct rte_flow_actions_template *actions[], uint8_t n_actions,
	struct rte_flow_error *error);
int nm_table_destroy(struct rte_eth_dev *dev, struct rte_flow_template_table *table,
	struct rte_flow_error *error);
void nm_templates_free(struct nm_port *port);
/* One more rule of a table, made of its templates. 0 or -errno with *error. */
int nm_table_draft(struct nm_draft *draft, struct nm_port *port, struct nm_table *table,
	const struct rte_flow_item items[], uint8_t pattern, const struct rte_flow_action actions[],
	uint8_t action, struct rte_flow_error *error);
/* Room in the table, taken and given back. */
bool nm_table_take(struct nm_table *table);
void nm_table_give(struct nm_table *table);

/* async.c */
int nm_async_info(struct rte_eth_dev *dev, struct rte_flow_port_info *port_info,
	struct rte_flow_queue_info *queue_info, struct rte_flow_error *error);
int nm_async_configure(struct rte_eth_dev *dev, const struct rte_flow_port_attr *attr,
	uint16_t n_queues, const struct rte_flow_queue_attr *queue_attr[],
	struct rte_flow_error *error);
struct rte_flow *nm_async_create(struct rte_eth_dev *dev, uint32_t queue,
	const struct rte_flow_op_attr *attr, struct rte_flow_template_table *table,
	const struct rte_flow_item pattern[], uint8_t pattern_index,
	const struct rte_flow_action actions[], uint8_t action_index, void *user_data,
	struct rte_flow_error *error);
int nm_async_destroy(struct rte_eth_dev *dev, uint32_t queue, const struct rte_flow_op_attr *attr,
	struct rte_flow *flow, void *user_data, struct rte_flow_error *error);
int nm_async_push(struct rte_eth_dev *dev, uint32_t queue, struct rte_flow_error *error);
int nm_async_pull(struct rte_eth_dev *dev, uint32_t queue, struct rte_flow_op_result results[],
	uint16_t n, struct rte_flow_error *error);
/* Operations that are on their way when a port stops fail. Under the NIC's lock. */
void nm_async_abandon(struct nm_port *port);
void nm_async_free(struct nm_port *port);

#endif
