/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Templates of patterns and actions, and tables that rules are made in from them. A pattern
 * template has the masks, a rule the values; an actions template says by masks, byte by byte, which
 * of its values hold for all rules.
 */
#include "flow.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define LIST_MAX 32 /* items, actions */
#define CONF_MAX 64
#define TEMPLATES_MAX 16

struct nm_pattern_template {
	LIST_ENTRY(nm_pattern_template) link;
	struct rte_flow_pattern_template_attr attr;
	uint32_t tables;
	unsigned int n;
	struct rte_flow_item *items; /* a copy, with all that they point to */
};

struct nm_actions_template {
	LIST_ENTRY(nm_actions_template) link;
	struct rte_flow_actions_template_attr attr;
	uint32_t tables;
	unsigned int n;
	struct rte_flow_action *actions, *masks;
};

struct nm_table {
	LIST_ENTRY(nm_table) link;
	struct rte_flow_attr attr;
	uint32_t size, used;
	uint8_t n_patterns, n_actions;
	struct nm_pattern_template *patterns[TEMPLATES_MAX];
	struct nm_actions_template *actions[TEMPLATES_MAX];
};

static int refuse(
	struct rte_flow_error *error, int code, enum rte_flow_error_type type, const char *why)
{
	return rte_flow_error_set(error, code, type, NULL, why);
}

static bool has_templates(const struct nm_nic *nic, struct rte_flow_error *error)
{
	if (nic->profile == NULL || nic->profile->templates)
		return true;
	refuse(error, ENOTSUP, RTE_FLOW_ERROR_TYPE_UNSPECIFIED, "no templates");
	return false;
}

/* --- patterns ---------------------------------------------------------------------------- */

static struct rte_flow_item *copy_items(
	const struct rte_flow_item items[], unsigned int *n, struct rte_flow_error *error)
{
	int size = rte_flow_conv(RTE_FLOW_CONV_OP_PATTERN, NULL, 0, items, error);
	struct rte_flow_item *copy;

	if (size <= 0)
		return NULL;
	copy = malloc((size_t)size);
	if (copy == NULL) {
		refuse(error, ENOMEM, RTE_FLOW_ERROR_TYPE_UNSPECIFIED, "no memory");
		return NULL;
	}
	rte_flow_conv(RTE_FLOW_CONV_OP_PATTERN, copy, (size_t)size, items, error);
	for (*n = 0; copy[*n].type != RTE_FLOW_ITEM_TYPE_END; ++*n)
		;
	return copy;
}

/* Masks without values are copied as values too, so that the copy has them. */
static struct rte_flow_item *template_items(
	const struct rte_flow_item items[], unsigned int *n, struct rte_flow_error *error)
{
	struct rte_flow_item masked[LIST_MAX];
	unsigned int i = 0;

	for (; items[i].type != RTE_FLOW_ITEM_TYPE_END && i < LIST_MAX - 1; i++)
		masked[i] = (struct rte_flow_item){
			.type = items[i].type, .spec = items[i].mask, .mask = items[i].mask};
	if (items[i].type != RTE_FLOW_ITEM_TYPE_END) {
		refuse(error, ENOTSUP, RTE_FLOW_ERROR_TYPE_ITEM_NUM, "too many items");
		return NULL;
	}
	masked[i] = (struct rte_flow_item){.type = RTE_FLOW_ITEM_TYPE_END};
	return copy_items(masked, n, error);
}

struct rte_flow_pattern_template *nm_pattern_template_create(struct rte_eth_dev *dev,
	const struct rte_flow_pattern_template_attr *attr, const struct rte_flow_item pattern[],
	struct rte_flow_error *error)
{
	struct nm_port *port = nm_port_of(dev);
	struct nm_reading reading = {.transfer = attr->transfer,
		.vlan_blind = nm_has(port->nic, TG_NIC_HAZARD_VLAN_BLIND)};
	struct nm_pattern_template *t;
	struct nm_pattern scratch;

	if (!has_templates(port->nic, error))
		return NULL;
	if (attr->transfer && nm_switch_manager(port) != port) {
		refuse(error, EINVAL, RTE_FLOW_ERROR_TYPE_ATTR_TRANSFER,
			"another port manages the switch");
		return NULL;
	}
	t = calloc(1, sizeof(*t));
	if (t == NULL) {
		refuse(error, ENOMEM, RTE_FLOW_ERROR_TYPE_UNSPECIFIED, "no memory");
		return NULL;
	}
	t->attr = *attr;
	t->items = template_items(pattern, &t->n, error);
	if (t->items == NULL || nm_pattern_read(&scratch, t->items, &reading, error) != 0) {
		free(t->items);
		free(t);
		return NULL;
	}
	rte_rwlock_write_lock(&port->nic->lock);
	LIST_INSERT_HEAD(&port->patterns, t, link);
	rte_rwlock_write_unlock(&port->nic->lock);
	return (struct rte_flow_pattern_template *)t;
}

static void pattern_free(struct nm_pattern_template *t)
{
	LIST_REMOVE(t, link);
	free(t->items);
	free(t);
}

int nm_pattern_template_destroy(struct rte_eth_dev *dev, struct rte_flow_pattern_template *template,
	struct rte_flow_error *error)
{
	struct nm_pattern_template *t = (struct nm_pattern_template *)template;
	struct nm_nic *nic = nm_port_of(dev)->nic;

	if (t->tables != 0)
		return refuse(error, EBUSY, RTE_FLOW_ERROR_TYPE_UNSPECIFIED, "a table uses it");
	rte_rwlock_write_lock(&nic->lock);
	pattern_free(t);
	rte_rwlock_write_unlock(&nic->lock);
	return 0;
}

/* --- actions ----------------------------------------------------------------------------- */

static struct rte_flow_action *copy_actions(
	const struct rte_flow_action actions[], unsigned int *n, struct rte_flow_error *error)
{
	int size = rte_flow_conv(RTE_FLOW_CONV_OP_ACTIONS, NULL, 0, actions, error);
	struct rte_flow_action *copy;

	if (size <= 0)
		return NULL;
	copy = malloc((size_t)size);
	if (copy == NULL) {
		refuse(error, ENOMEM, RTE_FLOW_ERROR_TYPE_UNSPECIFIED, "no memory");
		return NULL;
	}
	rte_flow_conv(RTE_FLOW_CONV_OP_ACTIONS, copy, (size_t)size, actions, error);
	for (*n = 0; copy[*n].type != RTE_FLOW_ACTION_TYPE_END; ++*n)
		;
	return copy;
}

static void actions_free(struct nm_actions_template *t)
{
	free(t->actions);
	free(t->masks);
	free(t);
}

/* Of an indirect action the mask says of which type it is. */
static bool mask_fits(const struct rte_flow_action *action, const struct rte_flow_action *mask)
{
	if (action->type == RTE_FLOW_ACTION_TYPE_INDIRECT)
		return mask->type == RTE_FLOW_ACTION_TYPE_COUNT ||
		       mask->type == RTE_FLOW_ACTION_TYPE_AGE;
	return action->type == mask->type;
}

static bool masks_fit(const struct nm_actions_template *t, unsigned int n_masks)
{
	for (unsigned int i = 0; i < t->n && i < n_masks; i++)
		if (!mask_fits(&t->actions[i], &t->masks[i]))
			return false;
	return n_masks == t->n && t->n < LIST_MAX;
}

struct rte_flow_actions_template *nm_actions_template_create(struct rte_eth_dev *dev,
	const struct rte_flow_actions_template_attr *attr, const struct rte_flow_action actions[],
	const struct rte_flow_action masks[], struct rte_flow_error *error)
{
	struct nm_port *port = nm_port_of(dev);
	struct nm_actions_template *t;
	unsigned int n_masks = 0;

	if (!has_templates(port->nic, error))
		return NULL;
	t = calloc(1, sizeof(*t));
	if (t == NULL) {
		refuse(error, ENOMEM, RTE_FLOW_ERROR_TYPE_UNSPECIFIED, "no memory");
		return NULL;
	}
	t->attr = *attr;
	t->actions = copy_actions(actions, &t->n, error);
	if (t->actions != NULL)
		t->masks = copy_actions(masks, &n_masks, error);
	if (t->masks == NULL || !masks_fit(t, n_masks)) {
		if (t->masks != NULL)
			refuse(error, EINVAL, RTE_FLOW_ERROR_TYPE_ACTION,
				"actions and masks are not the same");
		actions_free(t);
		return NULL;
	}
	rte_rwlock_write_lock(&port->nic->lock);
	LIST_INSERT_HEAD(&port->actions, t, link);
	rte_rwlock_write_unlock(&port->nic->lock);
	return (struct rte_flow_actions_template *)t;
}

int nm_actions_template_destroy(struct rte_eth_dev *dev, struct rte_flow_actions_template *template,
	struct rte_flow_error *error)
{
	struct nm_actions_template *t = (struct nm_actions_template *)template;
	struct nm_nic *nic = nm_port_of(dev)->nic;

	if (t->tables != 0)
		return refuse(error, EBUSY, RTE_FLOW_ERROR_TYPE_UNSPECIFIED, "a table uses it");
	rte_rwlock_write_lock(&nic->lock);
	LIST_REMOVE(t, link);
	actions_free(t);
	rte_rwlock_write_unlock(&nic->lock);
	return 0;
}

/* --- tables ------------------------------------------------------------------------------ */

static bool directions_agree(const struct rte_flow_attr *attr, const struct nm_table *table)
{
	for (unsigned int i = 0; i < table->n_patterns; i++) {
		const struct rte_flow_pattern_template_attr *a = &table->patterns[i]->attr;

		if ((attr->ingress && !a->ingress) || (attr->egress && !a->egress) ||
			(attr->transfer && !a->transfer))
			return false;
	}
	for (unsigned int i = 0; i < table->n_actions; i++) {
		const struct rte_flow_actions_template_attr *a = &table->actions[i]->attr;

		if ((attr->ingress && !a->ingress) || (attr->egress && !a->egress) ||
			(attr->transfer && !a->transfer))
			return false;
	}
	return true;
}

struct rte_flow_template_table *nm_table_create(struct rte_eth_dev *dev,
	const struct rte_flow_template_table_attr *attr,
	struct rte_flow_pattern_template *patterns[], uint8_t n_patterns,
	struct rte_flow_actions_template *actions[], uint8_t n_actions,
	struct rte_flow_error *error)
{
	struct nm_port *port = nm_port_of(dev);
	struct nm_table *table;

	if (!port->configured || n_patterns == 0 || n_actions == 0 || n_patterns > TEMPLATES_MAX ||
		n_actions > TEMPLATES_MAX || attr->nb_flows == 0 ||
		attr->nb_flows > NICMODEL_RULES_MAX) {
		refuse(error, EINVAL, RTE_FLOW_ERROR_TYPE_UNSPECIFIED,
			"needs configuration, templates and a size");
		return NULL;
	}
	table = calloc(1, sizeof(*table));
	if (table == NULL) {
		refuse(error, ENOMEM, RTE_FLOW_ERROR_TYPE_UNSPECIFIED, "no memory");
		return NULL;
	}
	table->attr = attr->flow_attr;
	table->size = rte_align32pow2(attr->nb_flows);
	table->n_patterns = n_patterns;
	table->n_actions = n_actions;
	memcpy(table->patterns, patterns, n_patterns * sizeof(*patterns));
	memcpy(table->actions, actions, n_actions * sizeof(*actions));
	if (!directions_agree(&table->attr, table)) {
		refuse(error, EINVAL, RTE_FLOW_ERROR_TYPE_ATTR, "a template has another direction");
		free(table);
		return NULL;
	}
	rte_rwlock_write_lock(&port->nic->lock);
	for (unsigned int i = 0; i < n_patterns; i++)
		table->patterns[i]->tables++;
	for (unsigned int i = 0; i < n_actions; i++)
		table->actions[i]->tables++;
	LIST_INSERT_HEAD(&port->tables, table, link);
	rte_rwlock_write_unlock(&port->nic->lock);
	return (struct rte_flow_template_table *)table;
}

static void table_free(struct nm_table *table)
{
	for (unsigned int i = 0; i < table->n_patterns; i++)
		table->patterns[i]->tables--;
	for (unsigned int i = 0; i < table->n_actions; i++)
		table->actions[i]->tables--;
	LIST_REMOVE(table, link);
	free(table);
}

int nm_table_destroy(struct rte_eth_dev *dev, struct rte_flow_template_table *template_table,
	struct rte_flow_error *error)
{
	struct nm_table *table = (struct nm_table *)template_table;
	struct nm_nic *nic = nm_port_of(dev)->nic;
	int rc = 0;

	rte_rwlock_write_lock(&nic->lock);
	if (table->used != 0)
		rc = refuse(error, EBUSY, RTE_FLOW_ERROR_TYPE_UNSPECIFIED, "the table has rules");
	else
		table_free(table);
	rte_rwlock_write_unlock(&nic->lock);
	return rc;
}

void nm_templates_free(struct nm_port *port)
{
	struct nm_actions_template *t;

	while (!LIST_EMPTY(&port->tables))
		table_free(LIST_FIRST(&port->tables));
	while (!LIST_EMPTY(&port->patterns))
		pattern_free(LIST_FIRST(&port->patterns));
	while ((t = LIST_FIRST(&port->actions)) != NULL) {
		LIST_REMOVE(t, link);
		actions_free(t);
	}
}

bool nm_table_take(struct nm_table *table)
{
	if (table->used == table->size)
		return false;
	table->used++;
	return true;
}

void nm_table_give(struct nm_table *table)
{
	table->used--;
}

/* --- a rule of a table ------------------------------------------------------------------- */

static int fill_items(const struct nm_pattern_template *t, const struct rte_flow_item given[],
	struct rte_flow_item items[LIST_MAX], struct rte_flow_error *error)
{
	for (unsigned int i = 0; i <= t->n; i++) {
		const void *mask = t->items[i].mask;

		if (given[i].type != t->items[i].type)
			return rte_flow_error_set(error, EINVAL, RTE_FLOW_ERROR_TYPE_ITEM,
				&given[i], "not the template's item");
		if (mask != NULL && given[i].spec == NULL)
			return rte_flow_error_set(error, EINVAL, RTE_FLOW_ERROR_TYPE_ITEM_SPEC,
				&given[i], "the template has a mask here");
		items[i] = (struct rte_flow_item){.type = given[i].type,
			.spec = mask != NULL ? given[i].spec : NULL,
			.mask = mask};
	}
	return 0;
}

/* The template's bytes where its mask has ones, the rule's elsewhere. */
static const void *fill_conf(const struct rte_flow_action *constant,
	const struct rte_flow_action *mask, const struct rte_flow_action *given, uint64_t *room)
{
	const uint8_t *c = constant->conf, *m = mask->conf, *g = given->conf;
	uint8_t *conf = (uint8_t *)room;
	size_t size = nm_action_conf_size(constant->type);

	/* An indirect action's conf is its handle. */
	if (size == 0)
		return m != NULL ? c : g;
	if (c == NULL || m == NULL || g == NULL)
		return g != NULL ? g : c;
	for (size_t i = 0; i < size; i++)
		conf[i] = (uint8_t)((c[i] & m[i]) | (g[i] & ~m[i]));
	return conf;
}

int nm_table_draft(struct nm_draft *draft, struct nm_port *port, struct nm_table *table,
	const struct rte_flow_item items[], uint8_t pattern, const struct rte_flow_action actions[],
	uint8_t action, struct rte_flow_error *error)
{
	const struct nm_pattern_template *p;
	const struct nm_actions_template *a;
	struct rte_flow_item filled[LIST_MAX];
	struct rte_flow_action does[LIST_MAX];
	uint64_t confs[LIST_MAX][CONF_MAX / 8];
	int rc;

	if (pattern >= table->n_patterns || action >= table->n_actions)
		return refuse(error, EINVAL, RTE_FLOW_ERROR_TYPE_UNSPECIFIED, "no such template");
	p = table->patterns[pattern];
	a = table->actions[action];
	rc = fill_items(p, items, filled, error);
	if (rc != 0)
		return rc;
	for (unsigned int i = 0; i < a->n; i++) {
		if (actions[i].type != a->actions[i].type)
			return rte_flow_error_set(error, EINVAL, RTE_FLOW_ERROR_TYPE_ACTION,
				&actions[i], "not the template's action");
		does[i].type = actions[i].type;
		does[i].conf = fill_conf(&a->actions[i], &a->masks[i], &actions[i], confs[i]);
	}
	does[a->n] = (struct rte_flow_action){.type = RTE_FLOW_ACTION_TYPE_END};
	rc = nm_draft_read(
		draft, port, &table->attr, filled, does, p->attr.relaxed_matching, error);
	draft->table = table;
	return rc;
}
