/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <rte_common.h>
#include <rte_errno.h>
#include <rte_ethdev.h>

#include "flow_internal.h"

/* Kinds of rules of which is kept what the driver thinks of them; of more it is asked each time. */
#define SHAPES_MAX 1024u

struct rte_flow_error *tg_flow_error(struct tg_flow_port *port)
{
	memset(&port->error, 0, sizeof(port->error));
	return &port->error;
}

int tg_flow_say(struct tg_flow_port *port, int error, const char *message)
{
	snprintf(port->message, sizeof(port->message), "%s", message);
	return error;
}

/* The driver blames a value of the rule, not what kind of rule it is. */
static bool is_about_value(const struct rte_flow_error *error)
{
	return error->type == RTE_FLOW_ERROR_TYPE_ITEM_SPEC ||
	       error->type == RTE_FLOW_ERROR_TYPE_ACTION_CONF;
}

static int meaning(const struct rte_flow_error *error, int number, enum tg_flow_subject subject)
{
	switch (number) {
	case EIO:
	case ENODEV:
	case EEXIST:
	case EAGAIN:
	case EBUSY:
		return -number;
	case ENXIO:
		return -ENODEV;
	case EINTR:
	case ETIMEDOUT:
		return -EAGAIN;
	case ENOSPC:
	case ENOMEM:
	case ENOBUFS:
	case ENOENT: /* mlx5: no counter is left */
		return -ENOSPC;
	case ENOTSUP:
	case ENOSYS:
	case EPERM:
		return -ENOTSUP;
	default:
		/* Drivers say EINVAL also when hardware fails: it is that if they blame nothing of
		 * a rule whose shape they have taken. */
		if (subject == TG_FLOW_RULE && error->type <= RTE_FLOW_ERROR_TYPE_HANDLE)
			return -EAGAIN;
		return -ENOTSUP;
	}
}

/* Of an existing rule: it can be tried again, or nothing is known of it. */
static int handle_meaning(int number)
{
	switch (number) {
	case EAGAIN:
	case EBUSY:
	case ENOMEM: /* mlx5: the queue is full */
		return -EAGAIN;
	case ENODEV:
		return -ENODEV;
	default:
		return -EIO;
	}
}

int tg_flow_failed(struct tg_flow_port *port, int error, enum tg_flow_subject subject)
{
	const char *text = port->error.message;

	snprintf(port->message, sizeof(port->message), "%s (%s)",
		text != NULL ? text : "no reason given", rte_strerror(error));
	if (error == ENOSYS && subject == TG_FLOW_SHAPE)
		port->absent = true;
	return subject == TG_FLOW_HANDLE ? handle_meaning(error)
					 : meaning(&port->error, error, subject);
}

const char *tg_flow_message(const struct tg_flow_port *port)
{
	return port->message;
}

/* SOFTWARE leaves packets to the queues as the port itself would. */
static void learn_distribution(struct tg_flow_port *port)
{
	struct rte_flow_action_rss *rss = &port->context.rss;
	struct rte_eth_rss_conf conf = {.rss_key = port->key};
	struct rte_eth_dev_info info;

	for (uint32_t i = 0; i < port->config.n_queues; i++)
		port->queues[i] = (uint16_t)(port->config.queue + i);
	rss->queue = port->queues;
	rss->queue_num = port->config.n_queues;
	if (rte_eth_dev_info_get(port->config.ethdev, &info) != 0)
		return;
	conf.rss_key_len = info.hash_key_size;
	if (rte_eth_dev_rss_hash_conf_get(port->config.ethdev, &conf) != 0)
		return;
	rss->types = conf.rss_hf;
	rss->key = port->key;
	rss->key_len = conf.rss_key_len;
}

/*
 * Ways to say SOFTWARE, the best first. A connection has to stay with its worker: RSS by a rule
 * spreads as the port does only if the sizes of both tables are multiples of the queues' number,
 * which is known for powers of two. With PASSTHRU another rule may act on the packet: only where
 * there is no second one.
 */
static uint32_t software_words(const struct tg_flow_port *port, const struct tg_nic_rule *rule,
	const struct tg_nic_engine *engine, enum tg_encode_software words[2])
{
	uint32_t n = 0, queues = port->config.n_queues;

	if ((rule->actions & 1u << TG_NIC_SOFTWARE) == 0 || rule->domain == TG_NIC_TRANSFER) {
		words[n++] = TG_ENCODE_QUEUE; /* none is needed */
		return n;
	}
	/* What is marked has to come by the queue that it would come by without a rule. */
	if (rule->actions & 1u << TG_NIC_MARK && engine->marks.passthru) {
		words[n++] = TG_ENCODE_PASSTHRU;
		return n;
	}
	if (queues == 1)
		words[n++] = TG_ENCODE_QUEUE;
	else if (rte_is_power_of_2(queues))
		words[n++] = TG_ENCODE_RSS;
	if (engine->n_priorities <= 1 && engine->n_groups <= 1)
		words[n++] = TG_ENCODE_PASSTHRU;
	return n;
}

static int encode(const struct tg_flow_port *port, const struct tg_nic_rule *rule,
	const struct tg_nic_engine *engine, enum tg_encode_software software,
	const struct tg_flow *flow, struct tg_encoded *out)
{
	struct tg_encode_context context = port->context;

	context.engine = engine;
	context.software = software;
	if (flow != NULL) {
		context.age_context = tg_flow_tag(port, flow);
		context.counter = (uint32_t)(flow - port->flows);
	}
	return tg_encode(&context, rule, out) == 0 ? 0 : -ENOTSUP;
}

/* Asks the driver whether it takes such rules, and how. */
static int settle(struct tg_flow_port *port, struct tg_flow_shape *shape,
	const struct tg_nic_rule *rule, const struct tg_nic_engine *engine)
{
	enum tg_encode_software words[2];
	uint32_t n = software_words(port, rule, engine, words);
	struct tg_encoded encoded;
	int error = -ENOTSUP;

	/* All but values that are not within their masks: so once for all rules of the shape. */
	if (!tg_nic_rule_sound(rule))
		return tg_flow_say(port, error, "the rule contradicts itself");
	if (n == 0)
		return tg_flow_say(port, error, "no way to leave packets to their queues");
	for (uint32_t i = 0; i < n && error == -ENOTSUP; i++) {
		error = encode(port, rule, engine, words[i], NULL, &encoded);
		if (error != 0)
			return tg_flow_say(port, error, "rte_flow has no words for the rule");
		if (port->config.profile->templates)
			tg_flow_counter_stand_in(engine, &encoded);
		error = port->ops->offer(port, shape, &encoded);
		if (error == 0)
			shape->software = words[i];
	}
	if (error == 0)
		shape->verdict = TG_FLOW_TAKEN;
	else if (error == -ENOTSUP && !is_about_value(&port->error))
		shape->verdict = TG_FLOW_REFUSED;
	shape->crowded = port->held != 0;
	return error;
}

/* Rules of the switch are the switch's manager's, and what it tells of them it tells once. */
static int check_switch(struct tg_flow_port *port, const struct tg_nic_rule *rule)
{
	bool foreign = port->proxy != port->config.ethdev;

	if (rule->domain != TG_NIC_TRANSFER || !foreign)
		return 0;
	if (port->config.profile->templates)
		return tg_flow_say(port, -ENOTSUP, "templates of a switch are its manager's");
	if (rule->actions & 1u << TG_NIC_AGE)
		return tg_flow_say(port, -ENOTSUP, "idle rules of a switch are told its manager");
	return 0;
}

static int refused(struct tg_flow_port *port)
{
	return tg_flow_say(port, -ENOTSUP, "the driver has refused such rules");
}

/* The shape of a rule, if the driver takes it. Templates are made before the port is started. */
static int template_shape(struct tg_flow_port *port, const struct tg_nic_rule *rule,
	const struct tg_nic_engine *engine, struct tg_flow_shape **shape)
{
	*shape = tg_flow_shape_find(&port->shapes, rule, engine, false);
	if (*shape == NULL)
		return tg_flow_say(port, -ENOTSUP, "no template was asked for such rules");
	return (*shape)->verdict == TG_FLOW_TAKEN ? 0 : refused(port);
}

/* The same; `once` for one that there is no room to remember. */
static int sync_shape(struct tg_flow_port *port, const struct tg_nic_rule *rule,
	const struct tg_nic_engine *engine, struct tg_flow_shape *once,
	struct tg_flow_shape **shape)
{
	*shape = tg_flow_shape_find(&port->shapes, rule, engine, true);
	if (*shape == NULL)
		*shape = once;
	if ((*shape)->verdict == TG_FLOW_TAKEN)
		return 0;
	/* What was refused beside other rules may be taken without them. */
	if ((*shape)->verdict == TG_FLOW_REFUSED && !((*shape)->crowded && port->held == 0))
		return refused(port);
	return settle(port, *shape, rule, engine);
}

static int find_shape(struct tg_flow_port *port, const struct tg_nic_rule *rule,
	const struct tg_nic_engine *engine, struct tg_flow_shape *once,
	struct tg_flow_shape **shape)
{
	int error = check_switch(port, rule);

	if (error != 0)
		return error;
	if (port->config.profile->templates)
		return template_shape(port, rule, engine, shape);
	return sync_shape(port, rule, engine, once, shape);
}

/* What will be asked for; what is refused now will be refused then. */
static int offer_shapes(struct tg_flow_port *port, const struct tg_nic_rule *rules, uint32_t n)
{
	const struct tg_nic_engine *engine;
	struct tg_flow_shape *shape;
	char why[TG_NIC_WHY];

	for (uint32_t i = 0; i < n; i++) {
		engine = tg_nic_admits(port->config.profile, &rules[i], why);
		if (engine == NULL || check_switch(port, &rules[i]) != 0)
			continue;
		shape = tg_flow_shape_find(&port->shapes, &rules[i], engine, true);
		if (shape == NULL || shape->verdict != TG_FLOW_UNKNOWN)
			continue;
		if (settle(port, shape, &rules[i], engine) == -ENOSPC)
			return -ENOMEM;
		if (port->absent)
			return -ENOTSUP;
	}
	return 0;
}

static int check_config(const struct tg_flow_config *config, uint32_t n)
{
	if (!rte_eth_dev_is_valid_port(config->ethdev) || config->rules_max == 0 ||
		config->rules_max > TG_FLOW_RULES_MAX || config->n_queues == 0 ||
		config->n_queues > TG_FLOW_QUEUES_MAX || n > SHAPES_MAX)
		return -EINVAL;
	return 0;
}

uint16_t tg_flow_manager(uint16_t ethdev)
{
	uint16_t proxy;

	return rte_flow_pick_transfer_proxy(ethdev, &proxy, NULL) == 0 ? proxy : ethdev;
}

static int open_port(struct tg_flow_port *port, const struct tg_nic_rule *shapes, uint32_t n)
{
	bool templates = port->config.profile->templates;
	int error;

	port->ops = templates ? &tg_flow_template : &tg_flow_sync;
	port->proxy = tg_flow_manager(port->config.ethdev);
	port->context.queue = port->config.queue;
	learn_distribution(port);
	error = tg_flow_records_alloc(port);
	if (error != 0)
		return error;
	error = tg_flow_shapes_alloc(&port->shapes, templates ? n : SHAPES_MAX);
	if (error != 0)
		return error;
	if (templates) {
		error = tg_flow_template_configure(port, shapes, n);
		if (error != 0)
			return error;
	}
	return offer_shapes(port, shapes, n);
}

int tg_flow_open(const struct tg_flow_config *config, const struct tg_nic_rule *shapes, uint32_t n,
	struct tg_flow_port **out)
{
	struct tg_flow_port *port;
	int error = check_config(config, n);

	if (error != 0)
		return error;
	port = calloc(1, sizeof(*port));
	if (port == NULL)
		return -ENOMEM;
	port->config = *config;
	error = open_port(port, shapes, n);
	if (error != 0) {
		tg_flow_close(port);
		return error;
	}
	*out = port;
	return 0;
}

void tg_flow_close(struct tg_flow_port *port)
{
	if (port == NULL)
		return;
	if (port->held != 0 || port->dirty)
		tg_flow_flush(port);
	for (uint32_t i = 0; port->flows != NULL && i < port->used; i++)
		tg_flow_counter_drop(port, &port->flows[i]);
	if (port->shapes.v != NULL && port->ops->close != NULL)
		port->ops->close(port);
	free(port->shapes.v);
	free(port->flows);
	free(port);
}

int tg_flow_insert(struct tg_flow_port *port, const struct tg_nic_rule *rule,
	const struct tg_nic_engine *engine, void *user)
{
	struct tg_flow_shape *shape, once = {0};
	struct tg_encoded encoded;
	struct tg_flow *flow;
	int error;

	if (port->dirty)
		return tg_flow_say(port, -EIO, "there may be rules that nobody knows of");
	if (port->held == port->config.rules_max)
		return tg_flow_say(port, -ENOSPC, "as many rules as were reserved for");
	error = find_shape(port, rule, engine, &once, &shape);
	if (error != 0)
		return error;
	flow = tg_flow_record_take(port);
	if (flow == NULL)
		return tg_flow_say(port, -EAGAIN, "too many ends have not been taken");
	error = encode(port, rule, engine, shape->software, flow, &encoded);
	if (error == 0) {
		flow->user = user;
		flow->state = TG_FLOW_INSERTING;
		flow->transfer = rule->domain == TG_NIC_TRANSFER;
		flow->guard = rule->match.tagged;
		error = tg_flow_counter_make(port, flow, rule, engine, &encoded);
	}
	if (error == 0) {
		error = port->ops->insert(port, shape, flow, &encoded);
	}
	if (error != 0) {
		tg_flow_record_free(port, flow);
		return error;
	}
	port->shared |= flow->transfer;
	port->guarded |= flow->guard;
	port->held++;
	return 0;
}

bool tg_flow_full(const struct tg_flow_port *port)
{
	return port->queue_size != 0 && port->in_flight == port->queue_size;
}

int tg_flow_remove(struct tg_flow_port *port, struct tg_flow *flow, void *user)
{
	int error;

	if (flow->state != TG_FLOW_LIVE)
		return -EINVAL;
	flow->state = TG_FLOW_REMOVING;
	flow->removal = true;
	error = port->ops->remove(port, flow);
	if (error == -EAGAIN) {
		flow->state = TG_FLOW_LIVE;
		flow->removal = false;
		return error;
	}
	flow->user = user;
	return 0;
}

/* Tells how an operation ended, and what remains of it. */
static void report(struct tg_flow_port *port, struct tg_flow *flow, struct tg_flow_done *done)
{
	*done = (struct tg_flow_done){
		.user = flow->user, .error = flow->error, .removal = flow->removal};
	if (flow->state == TG_FLOW_INSERTED) {
		flow->state = TG_FLOW_LIVE;
		done->flow = flow;
	} else if (flow->counted) {
		done->counted = true;
		done->last = flow->last;
		tg_flow_record_free(port, flow);
	} else if (flow->removal && flow->error == 0 && flow->counter != NULL) {
		done->last_follows = true;
		flow->state = TG_FLOW_SETTLING;
		tg_flow_list_add(port, &port->leaving, flow);
	} else if (flow->handle != NULL) {
		flow->state = TG_FLOW_STUCK;
	} else {
		tg_flow_record_free(port, flow);
	}
}

uint32_t tg_flow_poll(struct tg_flow_port *port, struct tg_flow_done done[], uint32_t n)
{
	struct tg_flow *flow;
	uint32_t i;

	if (port->ops->poll != NULL)
		port->ops->poll(port, n);
	tg_flow_counters_settle(port);
	for (i = 0; i < n; i++) {
		flow = tg_flow_list_take(port, &port->ended);
		if (flow == NULL)
			break;
		report(port, flow, &done[i]);
	}
	return i;
}

int tg_flow_query(struct tg_flow_port *port, struct tg_flow *flow, struct tg_flow_count *out)
{
	const struct rte_flow_action_count conf = {.id = (uint32_t)(flow - port->flows)};
	const struct rte_flow_action actions[] = {
		{.type = RTE_FLOW_ACTION_TYPE_COUNT, .conf = &conf},
		{.type = RTE_FLOW_ACTION_TYPE_END},
	};
	struct rte_flow_query_count count = {0};
	int error;

	if (flow->state != TG_FLOW_LIVE)
		return -EINVAL;
	if (flow->counter != NULL)
		error = tg_flow_counter_query(port, flow, &count);
	else
		error = rte_flow_query(tg_flow_ethdev(port, flow->transfer), flow->handle, actions,
			&count, tg_flow_error(port));
	if (error != 0)
		return tg_flow_failed(port, -error, TG_FLOW_HANDLE);
	if (!tg_flow_counter_read(&count, out))
		return tg_flow_say(port, -ENODATA, "the driver has counted no packets");
	return 0;
}

void tg_flow_clock(struct tg_flow_port *port, uint32_t now)
{
	struct tg_flow *flow;

	port->now = now;
	while ((flow = tg_flow_list_take(port, &port->leaving)) != NULL) {
		flow->settles += now;
		tg_flow_list_add(port, &port->settling, flow);
	}
}

int tg_flow_aged(struct tg_flow_port *port, void *users[], uint32_t n)
{
	struct tg_flow *flow;
	int aged, found = 0;

	aged = n == 0 ? 0
		      : rte_flow_get_aged_flows(port->config.ethdev, users, n, tg_flow_error(port));
	if (aged < 0)
		return tg_flow_failed(port, -aged, TG_FLOW_HANDLE);
	for (int i = 0; i < aged; i++) {
		flow = tg_flow_of_tag(port, users[i]);
		if (flow != NULL && flow->state == TG_FLOW_LIVE)
			users[found++] = flow->user;
	}
	return found;
}

int tg_flow_flush(struct tg_flow_port *port)
{
	return port->ops->flush(port);
}

void tg_flow_lost(struct tg_flow_port *port)
{
	uint8_t on_stop = port->config.profile->on_stop;

	if (on_stop != TG_NIC_ON_STOP_FLUSHED)
		tg_flow_flush(port);
	else if (port->ops->poll != NULL)
		port->ops->poll(port, UINT32_MAX);
	/* What is kept although it should have been flushed is still there. */
	port->dirty = on_stop == TG_NIC_ON_STOP_KEPT && (port->dirty || port->held != 0);
	tg_flow_forget(port, false);
}
