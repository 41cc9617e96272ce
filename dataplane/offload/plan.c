/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What is asked of NICs. A connection's rule matches what the packet path passes without a second
 * thought, and nothing else: the exact 5-tuple, untagged, and as far as the NIC might otherwise
 * take more than that, no fragment, no IPv4 options, and of TCP no segment that begins or ends a
 * connection.
 *
 * A denial's rule drops what the packet path would drop for the same reason, and must not hit what
 * belongs to a connection. No segment of one is a SYN without ACK, but where both sides begin at
 * once. Of anything else the worker has found out that neither side may begin: then there is no
 * connection of that tuple. What passes for another reason is not matched: rules of connections
 * exclude SYNs, so none overlaps one of these.
 *
 * A mark decides nothing, so its rule may hit whatever else has the 5-tuple. It comes only where
 * the same connections are not forwarded.
 */
#include "internal.h"

#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#define TCP_BEGINS_OR_ENDS 0x07u /* FIN, SYN, RST */
#define TCP_HANDSHAKE 0x17u	 /* these and ACK */
#define TCP_SYN 0x02u
#define SHAPES_OF_A_KIND TG_HW_DENY_TCP4
#define IHL_WITHOUT_OPTIONS 5u

static_assert(TG_HW_UDP4 == 1 && TG_HW_TCP6 == 2 && TG_HW_UDP6 == 3 &&
		      TG_HW_MARK_TCP4 == 2 * TG_HW_DENY_TCP4,
	"kinds come by fours, as workers have them: [is IPv6][is UDP]");

int shape_of(const struct tg_tuple *tuple, enum tg_hardware_offer_kind kind)
{
	int first = kind == TG_HARDWARE_DENIAL ? TG_HW_DENY_TCP4
		    : kind == TG_HARDWARE_MARK ? TG_HW_MARK_TCP4
					       : TG_HW_TCP4;
	bool six = tuple->family == 6;

	switch (tuple->protocol) {
	case IPPROTO_TCP:
		return first + (six ? TG_HW_TCP6 : TG_HW_TCP4);
	case IPPROTO_UDP:
		return first + (six ? TG_HW_UDP6 : TG_HW_UDP4);
	default:
		return -1;
	}
}

static void match_port(struct tg_nic_match *match, enum tg_nic_field field, uint16_t port)
{
	const uint16_t value = htons(port);

	tg_nic_match_exact(match, field, &value);
}

/* A header that has to be all zero in `mask`, if the engine can look at it. */
static void match_none(const struct tg_nic_engine *engine, struct tg_nic_match *match,
	enum tg_nic_field field, const void *mask)
{
	static const uint8_t zero[16];

	if (engine->masking[field] != TG_NIC_MASK_NEVER)
		tg_nic_match_set(match, field, zero, mask);
}

static void match_ordinary(const struct tg_nic_engine *engine, struct tg_nic_match *match)
{
	static const uint8_t fragment[2] = {0x3f, 0xff}, ihl = IHL_WITHOUT_OPTIONS;

	match->untagged = engine->untagged;
	if (match->family == 4) {
		match_none(engine, match, TG_NIC_IPV4_FRAGMENT, fragment);
		if (engine->masking[TG_NIC_IPV4_IHL] != TG_NIC_MASK_NEVER)
			tg_nic_match_exact(match, TG_NIC_IPV4_IHL, &ihl);
	}
}

static void match_addresses(struct tg_nic_match *match, const struct tg_tuple *tuple, bool reply)
{
	const bool four = tuple->family == 4;

	match->family = tuple->family;
	match->protocol = tuple->protocol;
	tg_nic_match_exact(
		match, four ? TG_NIC_IPV4_SRC : TG_NIC_IPV6_SRC, reply ? &tuple->dst : &tuple->src);
	tg_nic_match_exact(
		match, four ? TG_NIC_IPV4_DST : TG_NIC_IPV6_DST, reply ? &tuple->src : &tuple->dst);
}

/*
 * What rules of higher priority keep out of an engine's rules: tagged packets, where a match cannot
 * exclude them but can ask for them. Flags, fragments and options are no such case: where a match
 * can ask for them, one bit or value after the other, it can exclude them as well. With templates
 * a flush removes guards together with what they guard.
 */
static uint8_t guards_of(const struct tg_nic_profile *profile, const struct tg_nic_engine *engine)
{
	bool needed = tg_nic_hazard_in(profile, engine, TG_NIC_HAZARD_VLAN_BLIND) &&
		      !engine->untagged;

	return needed && engine->tagged && !profile->templates ? 1u << TG_NIC_GUARD_TAGS : 0;
}

static struct tg_nic_rule rule_for(
	const struct tg_offload *o, uint16_t port, const struct tg_nic_engine *engine)
{
	return (struct tg_nic_rule){
		.domain = engine->domains & 1u << TG_NIC_TRANSFER ? TG_NIC_TRANSFER
								  : TG_NIC_INGRESS,
		.guarded = guards_of(o->config.ports[port].profile, engine),
		.group = engine->first_group,
		.priority = engine->n_priorities > 1 ? 1 : 0,
		.port = o->config.ports[port].ethdev,
	};
}

/* Leaves tagged packets to software before any other rule sees them. */
static struct tg_nic_rule guard_for(const struct tg_offload *o, uint16_t port,
	const struct tg_nic_engine *engine, uint8_t family)
{
	struct tg_nic_rule rule = rule_for(o, port, engine);

	rule.match.family = family;
	rule.match.tagged = true;
	rule.actions = 1u << TG_NIC_SOFTWARE;
	rule.guarded = 0;
	rule.priority = 0;
	return rule;
}

static struct tg_nic_rule jump_for(const struct tg_offload *o, uint16_t port,
	const struct tg_nic_engine *engine, uint8_t family)
{
	struct tg_nic_rule rule = rule_for(o, port, engine);

	rule.match.family = family;
	rule.actions = 1u << TG_NIC_JUMP;
	rule.group = rule.priority = 0;
	rule.jump = engine->first_group;
	return rule;
}

static void match_way(const struct tg_nic_engine *engine, const struct tg_tuple *tuple, bool reply,
	struct tg_nic_rule *rule)
{
	static const uint8_t none = 0, flags = TCP_BEGINS_OR_ENDS;
	const bool tcp = tuple->protocol == IPPROTO_TCP;

	match_addresses(&rule->match, tuple, reply);
	match_port(&rule->match, tcp ? TG_NIC_TCP_SPORT : TG_NIC_UDP_SPORT,
		reply ? tuple->dport : tuple->sport);
	match_port(&rule->match, tcp ? TG_NIC_TCP_DPORT : TG_NIC_UDP_DPORT,
		reply ? tuple->sport : tuple->dport);
	if (tcp && !(rule->actions & 1u << TG_NIC_MARK))
		tg_nic_match_set(&rule->match, TG_NIC_TCP_FLAGS, &none, &flags);
	else if (tcp)
		match_none(engine, &rule->match, TG_NIC_TCP_FLAGS, &flags);
	match_ordinary(engine, &rule->match);
}

void plan_way(const struct tg_offload *o, const struct tg_nic_engine *engine,
	const struct tg_tuple *tuple, uint16_t port, bool reply, struct tg_nic_rule *rule)
{
	const uint16_t peer = o->config.datapath->ports[port].peer;

	*rule = rule_for(o, reply ? peer : port, engine);
	rule->actions = 1u << TG_NIC_FORWARD | 1u << TG_NIC_COUNT;
	rule->to = o->config.ports[reply ? port : peer].ethdev;
	match_way(engine, tuple, reply, rule);
}

void plan_mark(const struct tg_offload *o, const struct tg_nic_engine *engine,
	const struct tg_tuple *tuple, uint16_t port, bool reply, uint32_t mark,
	struct tg_nic_rule *rule)
{
	const uint16_t peer = o->config.datapath->ports[port].peer;

	*rule = rule_for(o, reply ? peer : port, engine);
	rule->domain = TG_NIC_INGRESS;
	rule->actions = 1u << TG_NIC_MARK | 1u << TG_NIC_SOFTWARE;
	rule->mark = mark;
	match_way(engine, tuple, reply, rule);
}

void plan_denial(const struct tg_offload *o, const struct tg_nic_engine *engine,
	const struct tg_tuple *tuple, uint16_t port, struct tg_nic_rule *rule)
{
	static const uint8_t syn = TCP_SYN, flags = TCP_HANDSHAKE;
	const bool tcp = tuple->protocol == IPPROTO_TCP;

	*rule = rule_for(o, port, engine);
	rule->actions = 1u << TG_NIC_DROP | 1u << TG_NIC_COUNT;
	match_addresses(&rule->match, tuple, false);
	match_port(&rule->match, tcp ? TG_NIC_TCP_DPORT : TG_NIC_UDP_DPORT, tuple->dport);
	if (tcp)
		tg_nic_match_set(&rule->match, TG_NIC_TCP_FLAGS, &syn, &flags);
	else
		match_port(&rule->match, TG_NIC_UDP_SPORT, tuple->sport);
	match_ordinary(engine, &rule->match);
}

static uint8_t family_of(int shape)
{
	const int kind = shape % SHAPES_OF_A_KIND;

	return kind == TG_HW_TCP6 || kind == TG_HW_UDP6 ? 6 : 4;
}

void plan_example(const struct tg_offload *o, int shape, uint16_t port,
	const struct tg_nic_engine *engine, struct tg_nic_rule *rule)
{
	const int kind = shape % SHAPES_OF_A_KIND;
	const struct tg_tuple tuple = {
		.family = family_of(shape),
		.protocol = kind == TG_HW_TCP4 || kind == TG_HW_TCP6 ? IPPROTO_TCP : IPPROTO_UDP,
		.sport = (uint16_t)(1024 + shape),
		.dport = 1,
	};

	if (shape >= TG_HW_MARK_TCP4)
		plan_mark(o, engine, &tuple, port, false, engine->marks.max, rule);
	else if (shape >= TG_HW_DENY_TCP4)
		plan_denial(o, engine, &tuple, port, rule);
	else
		plan_way(o, engine, &tuple, port, false, rule);
}

/* Source routing is dropped for a reason of its own, which a denial with options would take over.
 */
static const char *miscounted(const struct tg_nic_profile *profile, const struct tg_nic_rule *rule)
{
	if (rule->match.family == 4 && rule->actions & 1u << TG_NIC_DROP &&
		profile->hazards[TG_NIC_HAZARD_NO_OPTIONS].present &&
		!(rule->match.fields & 1u << TG_NIC_IPV4_IHL))
		return "it would drop packets with IPv4 options for another reason than software";
	return NULL;
}

static const char *uncounted(const struct tg_nic_engine *engine)
{
	if (!engine->counters.hits || !engine->counters.bytes)
		return "it does not count packets and bytes";
	/* What is late has to be read after the rule has gone: see flow_counter.c. */
	if (engine->counters.stale_ms != 0 && !engine->counters.shared)
		return "the last packets of a rule could not be counted";
	return NULL;
}

static const struct tg_nic_engine *engine_with(
	const struct tg_nic_profile *profile, enum tg_nic_action fate)
{
	for (size_t i = 0; i < profile->n_engines; i++)
		if (profile->engines[i].actions & 1u << fate)
			return &profile->engines[i];
	return NULL;
}

/* Does another shape of the port, decided on before, stand in the way? */
static bool conflicts(const struct tg_offload *o, uint16_t port, int shape,
	const struct tg_nic_engine *engine, const struct tg_nic_rule *rule, char why[TG_NIC_WHY])
{
	const struct tg_nic_profile *profile = o->config.ports[port].profile;
	struct tg_nic_rule other;

	for (int i = 0; i < shape; i++) {
		if (o->port[port].shape[i].engine != engine)
			continue;
		plan_example(o, i, port, engine, &other);
		if (tg_nic_conflicts(profile, engine, rule, &other, why))
			return true;
	}
	return false;
}

/* Does a guard that the rule counts on do what it is for? */
static bool guarded(const struct tg_offload *o, uint16_t port, const struct tg_nic_engine *engine,
	const struct tg_nic_rule *rule, char why[TG_NIC_WHY])
{
	const struct tg_nic_profile *profile = o->config.ports[port].profile;
	const struct tg_nic_rule guard = guard_for(o, port, engine, rule->match.family);
	char reason[TG_NIC_WHY];

	if (rule->guarded == 0)
		return true;
	if (tg_nic_admits(profile, &guard, reason) == engine &&
		!tg_nic_conflicts(profile, engine, rule, &guard, reason))
		return true;
	snprintf(why, TG_NIC_WHY, "tagged packets cannot be kept out: %.200s", reason);
	return false;
}

/* Do packets get to the group that it is in? */
static bool reached(const struct tg_offload *o, uint16_t port, const struct tg_nic_engine *engine,
	const struct tg_nic_rule *rule, char why[TG_NIC_WHY])
{
	const struct tg_nic_rule jump = jump_for(o, port, engine, rule->match.family);

	return engine->first_group == 0 ||
	       tg_nic_admits(o->config.ports[port].profile, &jump, why) == engine;
}

/* Why marks are of no use there; NULL: they are, as far as is known without asking for a rule. */
static const char *unmarkable(const struct tg_offload *o, uint16_t port, int shape,
	const struct tg_nic_engine *engine, char why[TG_NIC_WHY])
{
	const uint64_t places = tg_hardware_places(o->config.datapath);

	if (!o->config.marks)
		return "offload.marks is off";
	if (o->port[port].shape[shape - TG_HW_MARK_TCP4].engine != NULL &&
		o->port[port].wire[0] == '\0')
		return "such connections are forwarded";
	if (!engine->marks.passthru && o->config.datapath->n_workers > 1)
		return "a rule that marks has to name a queue, and there are several";
	if ((engine->marks.max + 1ull) / places < 2) {
		snprintf(why, TG_NIC_WHY,
			"%u marks do not tell %llu entries of the connection tables apart",
			engine->marks.max, (unsigned long long)places);
		return why;
	}
	return NULL;
}

static const struct {
	enum tg_nic_strategy strategy;
	enum tg_nic_action action;
} kinds[] = {
	{TG_NIC_STRATEGY_CONNECTIONS, TG_NIC_FORWARD},
	{TG_NIC_STRATEGY_DENY, TG_NIC_DROP},
	{TG_NIC_STRATEGY_MARK_HINT, TG_NIC_MARK},
};

static void plan_shape(struct tg_offload *o, uint16_t port, int shape)
{
	const enum tg_nic_strategy strategy = kinds[shape / SHAPES_OF_A_KIND].strategy;
	const struct tg_nic_profile *profile = o->config.ports[port].profile;
	const struct tg_nic_engine *engine =
		engine_with(profile, kinds[shape / SHAPES_OF_A_KIND].action);
	char refused[TG_NIC_WHY];
	struct shape *s = &o->port[port].shape[shape];
	struct tg_nic_rule rule;
	const char *why;

	if (engine == NULL || !(profile->strategies & 1u << strategy)) {
		why = profile->why_not[strategy];
		snprintf(s->why, sizeof(s->why), "%s",
			why != NULL ? why : "it does not do this at all");
		return;
	}
	plan_example(o, shape, port, engine, &rule);
	if (strategy == TG_NIC_STRATEGY_MARK_HINT) {
		why = unmarkable(o, port, shape, engine, refused);
	} else {
		why = miscounted(profile, &rule);
		if (why == NULL)
			why = uncounted(engine);
	}
	if (why != NULL) {
		snprintf(s->why, sizeof(s->why), "%s", why);
		return;
	}
	engine = tg_nic_admits(profile, &rule, s->why);
	if (engine != NULL && guarded(o, port, engine, &rule, s->why) &&
		reached(o, port, engine, &rule, s->why) &&
		!conflicts(o, port, shape, engine, &rule, s->why))
		s->engine = engine;
}

static void plan_wire(struct tg_offload *o, uint16_t port)
{
	const struct tg_port_config *ports = o->config.datapath->ports;
	const struct tg_offload_port *here = &o->config.ports[port],
				     *there = &o->config.ports[ports[port].peer];
	const char *why = "";

	if (here->profile == NULL || there->profile == NULL)
		why = "a port of the wire has no NIC that offloads";
	else if (here->profile->same_switch &&
		 (here->switch_domain == UINT32_MAX || here->switch_domain != there->switch_domain))
		why = "the wire's ports are not of one switch";
	else if (ports[port].mtu != ports[ports[port].peer].mtu)
		why = "the wire's ports differ in MTU";
	snprintf(o->port[port].wire, sizeof(o->port[port].wire), "%s", why);
}

/* Rules of a switch are its manager's, if that is one of ours and understood alike. */
static uint16_t manager_of(const struct tg_offload *o, uint16_t port)
{
	const struct tg_offload_port *ports = o->config.ports;
	uint16_t ethdev = tg_flow_manager(ports[port].ethdev);

	for (uint16_t i = 0; i < o->config.datapath->n_ports; i++)
		if (ports[i].ethdev == ethdev && ports[i].profile == ports[port].profile)
			return i;
	return port;
}

uint16_t plan_at(const struct tg_offload *o, uint16_t port, const struct tg_nic_engine *engine)
{
	return engine->domains & 1u << TG_NIC_TRANSFER ? o->port[port].manager : port;
}

bool plan_carries_anything(const struct tg_offload *o, uint16_t port)
{
	for (int shape = 0; shape < TG_HW_KIND_COUNT; shape++)
		if (plan_carries(o, port, shape))
			return true;
	return false;
}

bool plan_carries(const struct tg_offload *o, uint16_t port, int shape)
{
	const struct tg_nic_engine *engine = o->port[port].shape[shape].engine;

	return engine != NULL && o->port[plan_at(o, port, engine)].flows != NULL;
}

/* Does one of the shapes before, of this family, have its rules in the same place? */
static bool placed_before(const struct port *port, int shape, uint8_t family)
{
	for (int i = 0; i < shape; i++)
		if (port->shape[i].engine == port->shape[shape].engine && family_of(i) == family)
			return true;
	return false;
}

static void add_base(struct tg_offload *o, uint16_t number, const struct tg_nic_engine *engine,
	const struct tg_nic_rule *rule)
{
	struct port *port = &o->port[number];

	port->base[port->n_base++] = (struct base_rule){
		.rule = *rule, .engine = engine, .at = plan_at(o, number, engine)};
}

/* What the port's rules stand on, guards first. */
static void plan_base(struct tg_offload *o, uint16_t number)
{
	const struct port *port = &o->port[number];

	for (int i = 0; i < TG_HW_KIND_COUNT; i++) {
		const struct tg_nic_engine *engine = port->shape[i].engine;
		const uint8_t family = family_of(i);
		struct tg_nic_rule rule;

		if (engine == NULL || placed_before(port, i, family))
			continue;
		rule = guard_for(o, number, engine, family);
		if (guards_of(o->config.ports[number].profile, engine) != 0)
			add_base(o, number, engine, &rule);
		rule = jump_for(o, number, engine, family);
		if (engine->first_group != 0)
			add_base(o, number, engine, &rule);
	}
}

void plan_ports(struct tg_offload *o)
{
	for (uint16_t port = 0; port < o->config.datapath->n_ports; port++) {
		o->port[port].manager = port;
		if (o->config.ports[port].profile == NULL)
			continue;
		o->port[port].manager = manager_of(o, port);
		plan_wire(o, port);
		for (int shape = 0; shape < TG_HW_KIND_COUNT; shape++)
			if (shape >= SHAPES_OF_A_KIND || o->port[port].wire[0] == '\0')
				plan_shape(o, port, shape);
		plan_base(o, port);
	}
}

/* Generations of each place that all NICs which mark can tell apart. */
static uint32_t generations_of(const struct tg_offload *o)
{
	uint64_t most = UINT32_MAX;

	for (uint16_t port = 0; port < o->config.datapath->n_ports; port++)
		for (int shape = TG_HW_MARK_TCP4; shape < TG_HW_KIND_COUNT; shape++) {
			const struct tg_nic_engine *engine = o->port[port].shape[shape].engine;

			if (engine != NULL && engine->marks.max < most)
				most = engine->marks.max;
		}
	return (uint32_t)((most + 1) / tg_hardware_places(o->config.datapath));
}

void plan_marks(struct tg_offload *o)
{
	uint64_t marking = 0, to_mark[SHAPES_OF_A_KIND] = {0};

	for (uint16_t port = 0; port < o->config.datapath->n_ports; port++) {
		const uint16_t peer = o->config.datapath->ports[port].peer;

		for (int kind = 0; kind < SHAPES_OF_A_KIND; kind++) {
			const int shape = TG_HW_MARK_TCP4 + kind;
			const bool here = plan_carries(o, port, shape);

			marking |= (uint64_t)here << port;
			if (here || plan_carries(o, peer, shape))
				to_mark[kind] |= 1ull << port;
		}
	}
	for (uint32_t w = 0; w < o->config.datapath->n_workers; w++) {
		struct tg_hardware_channel *channel = &o->channel[w];

		/* Once: workers count on it. */
		if (channel->places == 0 && marking != 0) {
			channel->generations = generations_of(o);
			channel->places = (uint32_t)tg_hardware_places(o->config.datapath);
		}
		atomic_store_explicit(&channel->marking, marking, memory_order_relaxed);
		for (int kind = 0; kind < SHAPES_OF_A_KIND; kind++)
			atomic_store_explicit(&channel->to_mark[kind / 2][kind % 2], to_mark[kind],
				memory_order_relaxed);
	}
}
