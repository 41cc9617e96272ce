/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * networking.k8s.io/v1 NetworkPolicy, as the API server reads it with fieldValidation=Strict and
 * validates it on creation.
 */
#include <stdlib.h>
#include <string.h>

#include "decoder.h"
#include "syntax.h"

/* Lists are walked alike: room for their items and then one call each. */
static uint32_t list_length(struct decoder *d, const struct tg_at *list)
{
	return tg_read_list(&d->reader, list) ? list->value->n : 0;
}

/* The field `port`: a number 1..65535 or a name. */
static void decode_port_number(
	struct decoder *d, const struct tg_at *at, struct tg_policy_port *out)
{
	int64_t number;

	out->lo = 0;
	out->hi = UINT16_MAX;
	if (at->value == NULL)
		return;
	if (at->value->type == TG_VALUE_STRING) {
		if (!tg_is_port_name(at->value->text))
			tg_reader_problem(&d->reader, at,
				"a port's name is expected: at most 15 of a-z 0-9 -, with a "
				"letter, not \"%s\"%s",
				at->value->text,
				at->value->text[0] >= '0' && at->value->text[0] <= '9'
					? " (a number goes without quotes)"
					: "");
		out->named = true;
		out->name = decoder_string(d, at->value->text);
		return;
	}
	if (tg_read_int(&d->reader, at, 1, UINT16_MAX, &number))
		out->lo = out->hi = (uint16_t)number;
}

static void decode_end_port(
	struct decoder *d, const struct tg_at *entry, struct tg_policy_port *out)
{
	struct tg_at at = tg_at_field(entry, "endPort"), port = tg_at_field(entry, "port");
	int64_t number;

	if (!tg_read_int(&d->reader, &at, 1, UINT16_MAX, &number))
		return;
	if (port.value == NULL)
		tg_reader_problem(&d->reader, &at, "needs a port");
	else if (port.value->type == TG_VALUE_STRING)
		tg_reader_problem(&d->reader, &at, "needs a numeric port");
	else if (number < out->lo)
		tg_reader_problem(&d->reader, &at, "must not be less than port, %u", out->lo);
	else
		out->hi = (uint16_t)number;
}

static void decode_port(struct decoder *d, const struct tg_at *at, struct tg_policy_port *out)
{
	static const char *const fields[] = {"protocol", "port", "endPort", NULL};
	struct tg_at port = tg_at_field(at, "port");
	struct tg_at protocol = tg_at_field(at, "protocol");

	tg_read_map(&d->reader, at);
	tg_read_known(&d->reader, at, fields);
	out->protocol = decode_protocol(d, &protocol);
	decode_port_number(d, &port, out);
	decode_end_port(d, at, out);
}

/* The length as written, before an IPv4-mapped prefix is folded. */
static long written_length(const char *cidr)
{
	return strtol(strchr(cidr, '/') + 1, NULL, 10);
}

static bool decode_cidr(
	struct decoder *d, const struct tg_at *at, const char *text, struct tg_prefix *out)
{
	if (tg_prefix_parse(text, out) == 0)
		return true;
	tg_reader_problem(&d->reader, at,
		"an address range such as 10.9.8.0/24 or 2001:db8::/64 is expected, not \"%s\"",
		text);
	return false;
}

/*
 * An exception must lie within the block and be smaller. Lengths are compared as they are written,
 * like the API server does.
 */
static void decode_except(struct decoder *d, const struct tg_at *at, const struct tg_peer *peer,
	const char *cidr, struct tg_prefix *out)
{
	const char *text = "";

	if (at->value != NULL && !tg_read_string(&d->reader, at, &text))
		return;
	if (!decode_cidr(d, at, text, out) || cidr == NULL)
		return;
	if (!tg_prefix_contains(&peer->block, &out->addr) ||
		written_length(cidr) >= written_length(text))
		tg_reader_problem(
			&d->reader, at, "must lie within the cidr %s and be smaller", cidr);
	else if (!tg_prefix_covers(&peer->block, out))
		*out = peer->block; /* IPv4-mapped, and larger than it looks: nothing is left */
}

static void decode_excepts(
	struct decoder *d, const struct tg_at *at, const char *cidr, struct tg_peer *out)
{
	uint32_t n = list_length(d, at), i = 0;
	struct tg_prefix *except;

	if (n == 0)
		return;
	except = decoder_alloc(d, n, sizeof(*except));
	if (except == NULL)
		return;
	for (const struct tg_value *v = at->value->first; v != NULL; v = v->next, i++) {
		struct tg_at item = tg_at_item(at, v, i);

		decode_except(d, &item, out, cidr, &except[i]);
	}
	out->except = except;
	out->n_except = n;
}

static void decode_block(struct decoder *d, const struct tg_at *at, struct tg_peer *out)
{
	static const char *const fields[] = {"cidr", "except", NULL};
	struct tg_at cidr = tg_at_field(at, "cidr"), except = tg_at_field(at, "except");
	const char *text = "", *valid = NULL;

	out->is_block = true;
	if (!tg_read_map(&d->reader, at))
		return;
	tg_read_known(&d->reader, at, fields);
	if (cidr.value == NULL || tg_read_string(&d->reader, &cidr, &text)) {
		if (text[0] == '\0')
			tg_reader_problem(&d->reader, &cidr, "a cidr is required");
		else if (decode_cidr(d, &cidr, text, &out->block))
			valid = text;
	}
	decode_excepts(d, &except, valid, out);
}

static void decode_peer(struct decoder *d, const struct tg_at *at, struct tg_peer *out)
{
	static const char *const fields[] = {"podSelector", "namespaceSelector", "ipBlock", NULL};
	struct tg_at pods = tg_at_field(at, "podSelector");
	struct tg_at namespaces = tg_at_field(at, "namespaceSelector");
	struct tg_at block = tg_at_field(at, "ipBlock");

	if (at->value != NULL && !tg_read_map(&d->reader, at))
		return;
	tg_read_known(&d->reader, at, fields);
	out->has_pod_selector = pods.value != NULL;
	out->has_ns_selector = namespaces.value != NULL;
	decode_selector(d, &pods, &out->pod_selector);
	if (out->has_ns_selector)
		decode_namespace_selector(d, &namespaces, &out->ns_selector);
	if (block.value != NULL)
		decode_block(d, &block, out);
	if (out->is_block && (out->has_pod_selector || out->has_ns_selector))
		tg_reader_problem(
			&d->reader, at, "an ipBlock cannot stand beside a selector in one peer");
	else if (!out->is_block && !out->has_pod_selector && !out->has_ns_selector)
		tg_reader_problem(&d->reader, at,
			"a peer needs a podSelector, a namespaceSelector or an ipBlock");
}

static void decode_ports(struct decoder *d, const struct tg_at *at, struct tg_policy_rule *out)
{
	struct tg_policy_port *ports;
	uint32_t n = list_length(d, at), i = 0;

	out->any_port = n == 0;
	if (n == 0)
		return;
	ports = decoder_alloc(d, n, sizeof(*ports));
	if (ports == NULL)
		return;
	for (const struct tg_value *v = at->value->first; v != NULL; v = v->next, i++) {
		struct tg_at item = tg_at_item(at, v, i);

		decode_port(d, &item, &ports[i]);
	}
	out->ports = ports;
	out->n_ports = n;
}

static void decode_peers(struct decoder *d, const struct tg_at *at, struct tg_policy_rule *out)
{
	struct tg_peer *peers;
	uint32_t n = list_length(d, at), i = 0;

	out->any_peer = n == 0;
	if (n == 0)
		return;
	peers = decoder_alloc(d, n, sizeof(*peers));
	if (peers == NULL)
		return;
	for (const struct tg_value *v = at->value->first; v != NULL; v = v->next, i++) {
		struct tg_at item = tg_at_item(at, v, i);

		decode_peer(d, &item, &peers[i]);
	}
	out->peers = peers;
	out->n_peers = n;
}

static void decode_rule(struct decoder *d, const struct tg_at *at, enum tg_direction direction,
	struct tg_policy_rule *out)
{
	static const char *const fields[TG_DIRECTION_COUNT][3] = {
		[TG_EGRESS] = {"ports", "to", NULL},
		[TG_INGRESS] = {"ports", "from", NULL},
	};
	struct tg_at ports = tg_at_field(at, "ports");
	struct tg_at peers = tg_at_field(at, fields[direction][1]);

	tg_read_map(&d->reader, at);
	tg_read_known(&d->reader, at, fields[direction]);
	decode_ports(d, &ports, out);
	decode_peers(d, &peers, out);
}

/* The rule at a place was not understood: a served policy goes without it. */
static void lose_rule(struct decoder *d, const struct tg_at *at, size_t problems)
{
	d->tolerated += problems;
	tg_reader_problem(&d->warnings, at, "not understood: the rule allows nothing");
}

/* The rules of a direction, which are validated even when the policy does not isolate in it. */
static void decode_rules(struct decoder *d, const struct tg_at *at, enum tg_direction direction,
	struct tg_policy_side *out)
{
	struct tg_policy_rule *rules;
	uint32_t n = list_length(d, at), i = 0;

	if (n == 0)
		return;
	rules = decoder_alloc(d, n, sizeof(*rules));
	if (rules == NULL)
		return;
	for (const struct tg_value *v = at->value->first; v != NULL; v = v->next, i++) {
		struct tg_at item = tg_at_item(at, v, i);
		struct tg_policy_rule rule = {.index = i};
		size_t before = decoder_problems(d);

		decode_rule(d, &item, direction, &rule);
		if (d->served != NULL && decoder_problems(d) != before)
			lose_rule(d, &item, decoder_problems(d) - before);
		else
			rules[out->n_rules++] = rule;
	}
	out->rules = rules;
}

static void decode_policy_type(struct decoder *d, const struct tg_at *at, struct tg_policy *out)
{
	const char *text = "";

	if (at->value != NULL && !tg_read_string(&d->reader, at, &text))
		return;
	if (strcmp(text, "Ingress") == 0)
		out->side[TG_INGRESS].isolates = true;
	else if (strcmp(text, "Egress") == 0)
		out->side[TG_EGRESS].isolates = true;
	else
		tg_reader_problem(
			&d->reader, at, "Ingress or Egress is expected, not \"%s\"", text);
}

/* Missing or empty: Ingress always, Egress if there are egress rules, understood or not. */
static void decode_policy_types(struct decoder *d, const struct tg_at *at,
	const struct tg_at *egress, struct tg_policy *out)
{
	uint32_t n = list_length(d, at), i = 0;

	if (n == 0) {
		out->side[TG_INGRESS].isolates = true;
		out->side[TG_EGRESS].isolates = tg_at_first(egress) != NULL;
		return;
	}
	if (n > 2)
		tg_reader_problem(&d->reader, at, "at most two policyTypes are expected");
	for (const struct tg_value *v = at->value->first; v != NULL; v = v->next, i++) {
		struct tg_at item = tg_at_item(at, v, i);

		decode_policy_type(d, &item, out);
	}
}

static void decode_spec(struct decoder *d, const struct tg_at *at, struct tg_policy *out)
{
	static const char *const fields[] = {
		"podSelector", "policyTypes", "ingress", "egress", NULL};
	struct tg_at pods = tg_at_field(at, "podSelector");
	struct tg_at ingress = tg_at_field(at, "ingress");
	struct tg_at egress = tg_at_field(at, "egress");
	struct tg_at types = tg_at_field(at, "policyTypes");

	tg_read_map(&d->reader, at);
	tg_read_known(&d->reader, at, fields);
	decode_selector(d, &pods, &out->pod_selector);
	decode_rules(d, &ingress, TG_INGRESS, &out->side[TG_INGRESS]);
	decode_rules(d, &egress, TG_EGRESS, &out->side[TG_EGRESS]);
	decode_policy_types(d, &types, &egress, out);
	/* What stands under a direction that policyTypes leaves out does nothing. */
	for (unsigned int i = 0; i < TG_DIRECTION_COUNT; i++)
		if (!out->side[i].isolates)
			out->side[i].n_rules = 0;
}

static uint32_t decode_owner(struct decoder *d, const struct tg_at *metadata)
{
	struct tg_at annotations = tg_at_field(metadata, "annotations");
	struct tg_at owner = tg_at_field(&annotations, "tidegate.dev/owner");

	if (owner.value == NULL || owner.value->type != TG_VALUE_STRING)
		return 0;
	return decoder_string(d, owner.value->text);
}

static void isolate_namespace(struct decoder *d, struct tg_policy *policy, const struct tg_at *at)
{
	policy->pod_selector = (struct tg_selector){0};
	for (unsigned int i = 0; i < TG_DIRECTION_COUNT; i++)
		policy->side[i] = (struct tg_policy_side){.isolates = true};
	tg_reader_problem(&d->warnings, at,
		"not understood: the policy isolates its whole namespace in both directions");
}

static void add_policy(struct decoder *d, struct tg_policy *policy)
{
	policy->zone = d->scope.zone;
	policy->ns = decoder_scoped(d, policy->ns);
	policy->uid = decoder_scoped(d, policy->uid); /* one restored from another has the same */
	if (tg_vec_push(&d->out->policies, policy) != 0)
		d->no_memory = true;
}

/* Servers fill in more than we know; the name has been compared already. */
static void decode_policy_metadata(
	struct decoder *d, const struct tg_at *object, struct metadata *out)
{
	size_t before = decoder_problems(d);

	if (d->served == NULL) {
		decode_metadata_strict(d, object, out);
		return;
	}
	decode_identity(d, object, true, out);
	d->tolerated += decoder_problems(d) - before;
}

void decode_network_policy_unread(struct decoder *d, const struct tg_served *served)
{
	struct tg_policy *policy = decoder_alloc(d, 1, sizeof(*policy));
	struct tg_at nowhere = tg_at_root(NULL);

	if (policy == NULL)
		return;
	isolate_namespace(d, policy, &nowhere);
	policy->ns = decoder_string(d, served->ns);
	policy->name = decoder_string(d, served->name);
	policy->place = decoder_place(d, &nowhere);
	add_policy(d, policy);
}

void decode_network_policy(struct decoder *d, const struct tg_at *object)
{
	static const char *const fields[] = {
		"apiVersion", "kind", "metadata", "spec", "status", NULL};
	struct tg_policy *policy = decoder_alloc(d, 1, sizeof(*policy));
	struct tg_at spec = tg_at_field(object, "spec");
	struct metadata meta;

	if (policy == NULL)
		return;
	tg_read_no_duplicates(&d->reader, object);
	tg_read_known(&d->reader, object, fields);
	decode_policy_metadata(d, object, &meta);
	decode_spec(d, &spec, policy);
	if (d->served != NULL && (d->selector_damaged || decoder_problems(d) != d->tolerated))
		isolate_namespace(d, policy, &spec);
	warn_annotations(d, &meta.at, NULL, "the policy is enforced in full");
	policy->ns = meta.ns;
	policy->name = meta.name;
	policy->uid = meta.uid;
	policy->owner = decode_owner(d, &meta.at);
	policy->place = decoder_place(d, object);
	add_policy(d, policy);
}
