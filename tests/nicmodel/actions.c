/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * rte_flow's actions, read by the words of DPDK's programmer's guide ("Generic flow API", Actions):
 * one of them decides what becomes of the packet, the others happen on the way, each once.
 */
#include "model.h"

#include <errno.h>
#include <netinet/in.h>
#include <string.h>

struct reader {
	struct nm_actions *a;
	struct nm_port *port;
	const struct rte_flow_attr *attr;
	const struct nm_pattern *pattern;
	struct rte_flow_error *error;
};

static int refuse(
	const struct reader *r, int error, const struct rte_flow_action *action, const char *why)
{
	return rte_flow_error_set(r->error, error, RTE_FLOW_ERROR_TYPE_ACTION, action, why);
}

static int refuse_conf(
	const struct reader *r, const struct rte_flow_action *action, const char *why)
{
	return rte_flow_error_set(r->error, EINVAL, RTE_FLOW_ERROR_TYPE_ACTION_CONF, action, why);
}

size_t nm_action_conf_size(enum rte_flow_action_type type)
{
	switch (type) {
	case RTE_FLOW_ACTION_TYPE_MARK:
		return sizeof(struct rte_flow_action_mark);
	case RTE_FLOW_ACTION_TYPE_QUEUE:
		return sizeof(struct rte_flow_action_queue);
	case RTE_FLOW_ACTION_TYPE_RSS:
		return sizeof(struct rte_flow_action_rss);
	case RTE_FLOW_ACTION_TYPE_JUMP:
		return sizeof(struct rte_flow_action_jump);
	case RTE_FLOW_ACTION_TYPE_COUNT:
		return sizeof(struct rte_flow_action_count);
	case RTE_FLOW_ACTION_TYPE_AGE:
		return sizeof(struct rte_flow_action_age);
	case RTE_FLOW_ACTION_TYPE_PORT_ID:
		return sizeof(struct rte_flow_action_port_id);
	case RTE_FLOW_ACTION_TYPE_REPRESENTED_PORT:
	case RTE_FLOW_ACTION_TYPE_PORT_REPRESENTOR:
		return sizeof(struct rte_flow_action_ethdev);
	case RTE_FLOW_ACTION_TYPE_SET_MAC_SRC:
	case RTE_FLOW_ACTION_TYPE_SET_MAC_DST:
		return sizeof(struct rte_flow_action_set_mac);
	case RTE_FLOW_ACTION_TYPE_SET_IPV4_SRC:
	case RTE_FLOW_ACTION_TYPE_SET_IPV4_DST:
		return sizeof(struct rte_flow_action_set_ipv4);
	case RTE_FLOW_ACTION_TYPE_SET_IPV6_SRC:
	case RTE_FLOW_ACTION_TYPE_SET_IPV6_DST:
		return sizeof(struct rte_flow_action_set_ipv6);
	case RTE_FLOW_ACTION_TYPE_SET_TP_SRC:
	case RTE_FLOW_ACTION_TYPE_SET_TP_DST:
		return sizeof(struct rte_flow_action_set_tp);
	case RTE_FLOW_ACTION_TYPE_SET_TTL:
		return sizeof(struct rte_flow_action_set_ttl);
	case RTE_FLOW_ACTION_TYPE_MODIFY_FIELD:
		return sizeof(struct rte_flow_action_modify_field);
	default:
		return 0;
	}
}

/* --- fates ------------------------------------------------------------------------------- */

static int fate(struct reader *r, const struct rte_flow_action *action, enum nm_fate is,
	enum tg_nic_action does)
{
	if (r->a->fate != NM_NONE)
		return refuse(r, EINVAL, action, "more than one fate");
	r->a->fate = (uint8_t)is;
	r->a->does |= 1u << does;
	r->a->item[does] = action;
	return 0;
}

static int read_queue(struct reader *r, const struct rte_flow_action *action)
{
	const struct rte_flow_action_queue *conf = action->conf;

	if (!r->attr->ingress)
		return refuse(r, ENOTSUP, action, "queues are for what a port receives");
	if (conf == NULL || conf->index >= r->port->dev->data->nb_rx_queues)
		return refuse_conf(r, action, "no such queue");
	r->a->queue = conf->index;
	return fate(r, action, NM_QUEUE, TG_NIC_SOFTWARE);
}

static int read_rss(struct reader *r, const struct rte_flow_action *action)
{
	const struct rte_flow_action_rss *conf = action->conf;
	struct nm_rss *rss = &r->a->rss;

	if (!r->attr->ingress)
		return refuse(r, ENOTSUP, action, "queues are for what a port receives");
	if (conf == NULL || conf->queue_num == 0 || conf->queue_num > NICMODEL_QUEUES_MAX ||
		conf->queue == NULL)
		return refuse_conf(r, action, "no queues");
	if (conf->level > 1)
		return refuse(r, ENOTSUP, action, "no inner headers");
	if (conf->func != RTE_ETH_HASH_FUNCTION_DEFAULT &&
		conf->func != RTE_ETH_HASH_FUNCTION_TOEPLITZ &&
		conf->func != RTE_ETH_HASH_FUNCTION_SYMMETRIC_TOEPLITZ)
		return refuse(r, ENOTSUP, action, "hash function not supported");
	if (conf->key_len != 0 && (conf->key == NULL || conf->key_len != sizeof(rss->key)))
		return refuse_conf(r, action, "the key has 40 bytes");
	rss->symmetric = conf->func == RTE_ETH_HASH_FUNCTION_SYMMETRIC_TOEPLITZ;
	for (unsigned int i = 0; i < sizeof(rss->key); i++)
		rss->key[i] = conf->key_len != 0 ? conf->key[i] : (i & 1 ? 0x5a : 0x6d);
	rss->n = (uint16_t)conf->queue_num;
	for (unsigned int i = 0; i < conf->queue_num; i++) {
		if (conf->queue[i] >= r->port->dev->data->nb_rx_queues)
			return refuse_conf(r, action, "no such queue");
		rss->queues[i] = conf->queue[i];
	}
	return fate(r, action, NM_RSS, TG_NIC_SOFTWARE);
}

static int forward_to(struct reader *r, const struct rte_flow_action *action, uint32_t port)
{
	if (port > UINT16_MAX || nm_nic_port(r->port->nic, (uint16_t)port) == NULL)
		return refuse_conf(r, action, "not a port of this switch");
	r->a->to = (uint16_t)port;
	return fate(r, action, NM_FORWARD, TG_NIC_FORWARD);
}

static int read_port_id(struct reader *r, const struct rte_flow_action *action)
{
	const struct rte_flow_action_port_id *conf = action->conf;

	if (conf == NULL)
		return refuse_conf(r, action, "no port");
	return forward_to(r, action, conf->original ? r->port->id : conf->id);
}

/* The pattern names this port as where packets arrive. */
static bool from(const struct nm_pattern *p, uint16_t port)
{
	return p->spec.origin == NM_WIRE && p->mask.port[0] == 0xff && p->mask.port[1] == 0xff &&
	       p->spec.port[0] == (port & 0xff) && p->spec.port[1] == port >> 8;
}

static int read_ethdev(struct reader *r, const struct rte_flow_action *action)
{
	const struct rte_flow_action_ethdev *conf = action->conf;

	if (!r->attr->transfer)
		return refuse(r, EINVAL, action, "needs a transfer rule");
	if (conf == NULL)
		return refuse_conf(r, action, "no port");
	if (action->type == RTE_FLOW_ACTION_TYPE_REPRESENTED_PORT)
		return forward_to(r, action, conf->port_id);
	/* To the application; only where it arrived. */
	if (conf->port_id != r->port->id && !from(r->pattern, conf->port_id))
		return refuse(r, ENOTSUP, action, "the application receives where packets arrive");
	return fate(r, action, NM_SOFTWARE, TG_NIC_SOFTWARE);
}

static int read_jump(struct reader *r, const struct rte_flow_action *action)
{
	const struct rte_flow_action_jump *conf = action->conf;

	if (conf == NULL || conf->group <= r->attr->group)
		return refuse_conf(r, action, "jumps go to higher groups");
	r->a->jump = conf->group;
	return fate(r, action, NM_JUMP, TG_NIC_JUMP);
}

/* --- on the way -------------------------------------------------------------------------- */

static int once(struct reader *r, const struct rte_flow_action *action, enum tg_nic_action does)
{
	if (r->a->does >> does & 1)
		return refuse(r, EINVAL, action, "twice");
	r->a->does |= 1u << does;
	r->a->item[does] = action;
	return 0;
}

/* What an application may rely on where no profile says more. */
#define MARK_MAX 0xffffffu

static uint32_t mark_max(const struct nm_nic *nic)
{
	uint32_t most = 0;

	if (nic->profile == NULL)
		return MARK_MAX;
	for (size_t i = 0; i < nic->profile->n_engines; i++)
		if (nic->profile->engines[i].marks.max > most)
			most = nic->profile->engines[i].marks.max;
	return most;
}

static int read_mark(struct reader *r, const struct rte_flow_action *action)
{
	const struct rte_flow_action_mark *conf = action->conf;

	if (action->type == RTE_FLOW_ACTION_TYPE_MARK) {
		if (conf == NULL || conf->id > mark_max(r->port->nic))
			return refuse_conf(r, action, "the mark is too high");
		r->a->mark = conf->id;
	} else {
		r->a->flag = true;
	}
	return once(r, action, TG_NIC_MARK);
}

static int read_count(struct reader *r, const struct rte_flow_action *action)
{
	r->a->counts = true;
	return once(r, action, TG_NIC_COUNT);
}

static int read_age(struct reader *r, const struct rte_flow_action *action)
{
	const struct rte_flow_action_age *conf = action->conf;

	if (conf == NULL || conf->timeout == 0 || conf->reserved != 0)
		return refuse_conf(r, action, "no timeout");
	r->a->ages = true;
	r->a->timeout_s = conf->timeout;
	r->a->context = conf->context;
	return once(r, action, TG_NIC_AGE);
}

static int read_indirect(struct reader *r, const struct rte_flow_action *action)
{
	struct nm_indirect *indirect = nm_handle_find(&r->port->nic->indirects, action->conf);

	if (indirect == NULL) {
		r->port->nic->stats.stale_handles++;
		return refuse_conf(r, action, "not an indirect action");
	}
	if (indirect->type == TG_NIC_COUNT)
		r->a->counter = indirect;
	else
		r->a->timer = indirect;
	return once(r, action, indirect->type);
}

/* --- rewriting --------------------------------------------------------------------------- */

static const struct set_kind {
	enum rte_flow_action_type type;
	enum rte_flow_field_id id, id_udp; /* of MODIFY_FIELD */
	uint8_t field, size, family;	   /* family 0: either; */
	bool ports;
	uint8_t does;
} set_kinds[] = {
	{RTE_FLOW_ACTION_TYPE_SET_MAC_SRC, RTE_FLOW_FIELD_MAC_SRC, 0, NM_MAC_SRC, 6, 0, false,
		TG_NIC_SET_MAC},
	{RTE_FLOW_ACTION_TYPE_SET_MAC_DST, RTE_FLOW_FIELD_MAC_DST, 0, NM_MAC_DST, 6, 0, false,
		TG_NIC_SET_MAC},
	{RTE_FLOW_ACTION_TYPE_SET_IPV4_SRC, RTE_FLOW_FIELD_IPV4_SRC, 0, NM_IPV4_SRC, 4, 4, false,
		TG_NIC_SET_IPV4},
	{RTE_FLOW_ACTION_TYPE_SET_IPV4_DST, RTE_FLOW_FIELD_IPV4_DST, 0, NM_IPV4_DST, 4, 4, false,
		TG_NIC_SET_IPV4},
	{RTE_FLOW_ACTION_TYPE_SET_IPV6_SRC, RTE_FLOW_FIELD_IPV6_SRC, 0, NM_IPV6_SRC, 16, 6, false,
		TG_NIC_SET_IPV6},
	{RTE_FLOW_ACTION_TYPE_SET_IPV6_DST, RTE_FLOW_FIELD_IPV6_DST, 0, NM_IPV6_DST, 16, 6, false,
		TG_NIC_SET_IPV6},
	{RTE_FLOW_ACTION_TYPE_SET_TP_SRC, RTE_FLOW_FIELD_TCP_PORT_SRC, RTE_FLOW_FIELD_UDP_PORT_SRC,
		NM_SPORT, 2, 0, true, TG_NIC_SET_PORTS},
	{RTE_FLOW_ACTION_TYPE_SET_TP_DST, RTE_FLOW_FIELD_TCP_PORT_DST, RTE_FLOW_FIELD_UDP_PORT_DST,
		NM_DPORT, 2, 0, true, TG_NIC_SET_PORTS},
};

static int add_set(struct reader *r, const struct rte_flow_action *action, enum nm_field field,
	enum tg_nic_action does, const void *value, size_t size)
{
	struct nm_actions *a = r->a;

	for (unsigned int i = 0; i < a->n_sets; i++)
		if (a->sets[i].field == field)
			return refuse(r, EINVAL, action, "twice");
	if (a->n_sets == NM_SETS_MAX)
		return refuse(r, ENOTSUP, action, "too many changes of headers");
	a->sets[a->n_sets] = (struct nm_set){.field = (uint8_t)field};
	memcpy(a->sets[a->n_sets++].value, value, size);
	a->does |= 1u << does;
	a->item[does] = action;
	return 0;
}

/* Needs a header to write to that the pattern speaks of. */
static int writable(
	const struct reader *r, const struct rte_flow_action *action, const struct set_kind *kind)
{
	uint8_t transport = r->pattern->transport;

	if (kind->family != 0 && kind->family != r->pattern->family)
		return refuse(r, EINVAL, action, "the pattern has no such IP item");
	if (kind->ports && transport != IPPROTO_TCP && transport != IPPROTO_UDP)
		return refuse(r, EINVAL, action, "the pattern has no TCP or UDP item");
	return 0;
}

static int read_set(
	struct reader *r, const struct rte_flow_action *action, const struct set_kind *kind)
{
	int rc = writable(r, action, kind);

	if (rc != 0)
		return rc;
	if (action->conf == NULL)
		return refuse_conf(r, action, "no value");
	r->a->set_legacy = true;
	return add_set(r, action, kind->field, kind->does, action->conf, kind->size);
}

static int read_ttl(struct reader *r, const struct rte_flow_action *action)
{
	const struct rte_flow_action_set_ttl *conf = action->conf;
	uint8_t minus_one = 0xff;

	if (r->pattern->family == 0)
		return refuse(r, EINVAL, action, "the pattern has no IP item");
	r->a->set_legacy = true;
	if (action->type == RTE_FLOW_ACTION_TYPE_DEC_TTL)
		return add_set(r, action, NM_TTL_ADD, TG_NIC_DEC_TTL, &minus_one, 1);
	if (conf == NULL)
		return refuse_conf(r, action, "no value");
	return add_set(r, action, NM_TTL_SET, TG_NIC_DEC_TTL, &conf->ttl_value, 1);
}

static int modify_ttl(struct reader *r, const struct rte_flow_action *action, const uint8_t *value)
{
	const struct rte_flow_action_modify_field *conf = action->conf;
	uint8_t family = conf->dst.field == RTE_FLOW_FIELD_IPV4_TTL ? 4 : 6;
	uint8_t add = conf->operation == RTE_FLOW_MODIFY_SUB ? (uint8_t)-value[0] : value[0];

	if (r->pattern->family != family)
		return refuse(r, EINVAL, action, "the pattern has no such IP item");
	if (conf->width != 8)
		return refuse(r, ENOTSUP, action, "parts of fields");
	if (conf->operation == RTE_FLOW_MODIFY_SET)
		return add_set(r, action, NM_TTL_SET, TG_NIC_DEC_TTL, value, 1);
	return add_set(r, action, NM_TTL_ADD, TG_NIC_DEC_TTL, &add, 1);
}

static const struct set_kind *modified(const struct reader *r, enum rte_flow_field_id id)
{
	for (size_t i = 0; i < RTE_DIM(set_kinds); i++) {
		const struct set_kind *kind = &set_kinds[i];
		bool udp = kind->ports && r->pattern->transport == IPPROTO_UDP;

		if ((udp ? kind->id_udp : kind->id) == id)
			return kind;
	}
	return NULL;
}

static int read_modify(struct reader *r, const struct rte_flow_action *action)
{
	const struct rte_flow_action_modify_field *conf = action->conf;
	const struct set_kind *kind;
	const uint8_t *value;
	int rc;

	if (conf == NULL)
		return refuse_conf(r, action, "nothing to modify");
	if (conf->src.field == RTE_FLOW_FIELD_VALUE)
		value = conf->src.value;
	else if (conf->src.field == RTE_FLOW_FIELD_POINTER && conf->src.pvalue != NULL)
		value = conf->src.pvalue;
	else
		return refuse(r, ENOTSUP, action, "values only, no copies of fields");
	if (conf->dst.level > 1 || conf->dst.offset != 0)
		return refuse(r, ENOTSUP, action, "whole fields of outermost headers only");
	r->a->modify_field = true;
	if (conf->dst.field == RTE_FLOW_FIELD_IPV4_TTL ||
		conf->dst.field == RTE_FLOW_FIELD_IPV6_HOPLIMIT)
		return modify_ttl(r, action, value);
	kind = modified(r, conf->dst.field);
	if (kind == NULL)
		return refuse(r, ENOTSUP, action, "not a field that can be modified here");
	if (conf->operation != RTE_FLOW_MODIFY_SET || conf->width != kind->size * 8u)
		return refuse(r, ENOTSUP, action, "whole fields are set");
	rc = writable(r, action, kind);
	if (rc != 0)
		return rc;
	return add_set(r, action, kind->field, kind->does, value, kind->size);
}

static int read_one(struct reader *r, const struct rte_flow_action *action)
{
	for (size_t i = 0; i < RTE_DIM(set_kinds); i++)
		if (set_kinds[i].type == action->type)
			return read_set(r, action, &set_kinds[i]);
	switch (action->type) {
	case RTE_FLOW_ACTION_TYPE_VOID:
		return 0;
	case RTE_FLOW_ACTION_TYPE_DROP:
		return fate(r, action, NM_DROP, TG_NIC_DROP);
	case RTE_FLOW_ACTION_TYPE_PASSTHRU:
		return fate(r, action, NM_PASS, TG_NIC_SOFTWARE);
	case RTE_FLOW_ACTION_TYPE_QUEUE:
		return read_queue(r, action);
	case RTE_FLOW_ACTION_TYPE_RSS:
		return read_rss(r, action);
	case RTE_FLOW_ACTION_TYPE_PORT_ID:
		return read_port_id(r, action);
	case RTE_FLOW_ACTION_TYPE_REPRESENTED_PORT:
	case RTE_FLOW_ACTION_TYPE_PORT_REPRESENTOR:
		return read_ethdev(r, action);
	case RTE_FLOW_ACTION_TYPE_JUMP:
		return read_jump(r, action);
	case RTE_FLOW_ACTION_TYPE_MARK:
	case RTE_FLOW_ACTION_TYPE_FLAG:
		return read_mark(r, action);
	case RTE_FLOW_ACTION_TYPE_COUNT:
		return read_count(r, action);
	case RTE_FLOW_ACTION_TYPE_AGE:
		return read_age(r, action);
	case RTE_FLOW_ACTION_TYPE_INDIRECT:
		return read_indirect(r, action);
	case RTE_FLOW_ACTION_TYPE_DEC_TTL:
	case RTE_FLOW_ACTION_TYPE_SET_TTL:
		return read_ttl(r, action);
	case RTE_FLOW_ACTION_TYPE_MODIFY_FIELD:
		return read_modify(r, action);
	default:
		return refuse(r, ENOTSUP, action, "action not supported");
	}
}

int nm_actions_read(struct nm_actions *actions, struct nm_port *port,
	const struct rte_flow_attr *attr, const struct nm_pattern *pattern,
	const struct rte_flow_action list[], struct rte_flow_error *error)
{
	struct reader r = {
		.a = actions, .port = port, .attr = attr, .pattern = pattern, .error = error};
	int rc = 0;

	memset(actions, 0, sizeof(*actions));
	for (; list->type != RTE_FLOW_ACTION_TYPE_END && rc == 0; list++)
		rc = read_one(&r, list);
	if (rc == 0 && actions->fate == NM_NONE)
		rc = refuse(&r, EINVAL, list, "no fate");
	return rc;
}
