/* SPDX-License-Identifier: BSD-3-Clause */
/* What the engines of a profile take, and what they make of it. */
#include "engine.h"

#include <errno.h>
#include <netinet/in.h>
#include <string.h>

/* Where the fields that profiles know are in a key; `transport`: only behind this protocol. */
static const struct place {
	uint8_t at, size;
	uint8_t family, transport;
	uint8_t bits[2]; /* of narrow ones; zero: all */
} places[TG_NIC_FIELD_COUNT] = {
	[TG_NIC_IPV4_SRC] = {NM_AT(ip) + 12, 4, 4, 0},
	[TG_NIC_IPV4_DST] = {NM_AT(ip) + 16, 4, 4, 0},
	[TG_NIC_IPV4_TTL] = {NM_AT(ip) + 8, 1, 4, 0},
	[TG_NIC_IPV4_IHL] = {NM_AT(ip), 1, 4, 0, {0x0f}},
	[TG_NIC_IPV4_FRAGMENT] = {NM_AT(ip) + 6, 2, 4, 0, {0x3f, 0xff}},
	[TG_NIC_IPV6_SRC] = {NM_AT(ip) + 8, 16, 6, 0},
	[TG_NIC_IPV6_DST] = {NM_AT(ip) + 24, 16, 6, 0},
	[TG_NIC_IPV6_HOP_LIMIT] = {NM_AT(ip) + 7, 1, 6, 0},
	[TG_NIC_TCP_SPORT] = {NM_AT(l4), 2, 0, IPPROTO_TCP},
	[TG_NIC_TCP_DPORT] = {NM_AT(l4) + 2, 2, 0, IPPROTO_TCP},
	[TG_NIC_TCP_FLAGS] = {NM_AT(l4) + 13, 1, 0, IPPROTO_TCP},
	[TG_NIC_UDP_SPORT] = {NM_AT(l4), 2, 0, IPPROTO_UDP},
	[TG_NIC_UDP_DPORT] = {NM_AT(l4) + 2, 2, 0, IPPROTO_UDP},
	[TG_NIC_SCTP_SPORT] = {NM_AT(l4), 2, 0, IPPROTO_SCTP},
	[TG_NIC_SCTP_DPORT] = {NM_AT(l4) + 2, 2, 0, IPPROTO_SCTP},
	[TG_NIC_ICMP_TYPE] = {NM_AT(l4), 1, 0, IPPROTO_ICMP},
	[TG_NIC_ICMP_IDENT] = {NM_AT(l4) + 4, 2, 0, IPPROTO_ICMP},
	[TG_NIC_ICMPV6_TYPE] = {NM_AT(l4), 1, 0, IPPROTO_ICMPV6},
};

static int refuse(struct rte_flow_error *error, int code, enum rte_flow_error_type type,
	const void *cause, const char *why)
{
	return rte_flow_error_set(error, code, type, cause, why);
}

/* --- masks ------------------------------------------------------------------------------- */

static uint8_t field_bits(const struct place *place, unsigned int i)
{
	return place->bits[0] != 0 ? place->bits[i] : 0xff;
}

static bool is_there(const struct place *place, const struct nm_pattern *p)
{
	return (place->family == 0 || place->family == p->family) &&
	       (place->transport == 0 || place->transport == p->transport);
}

static bool zero_spec(const struct place *place, const struct nm_key *spec)
{
	for (unsigned int i = 0; i < place->size; i++)
		if ((spec->b[place->at + i] & field_bits(place, i)) != 0)
			return false;
	return true;
}

/* The least masking that takes this mask of a field; bits that are not the field's are not seen. */
static enum tg_nic_masking masking_of(
	const struct place *place, const struct nm_key *mask, const struct nm_key *spec)
{
	bool none = true, all = true, prefix = true, ended = false;

	for (unsigned int i = 0; i < place->size; i++)
		for (unsigned int bit = 0x80; bit != 0; bit >>= 1) {
			if ((field_bits(place, i) & bit) == 0)
				continue;
			if (mask->b[place->at + i] & bit) {
				none = false;
				prefix &= !ended;
			} else {
				all = false;
				ended = true;
			}
		}
	if (none)
		return TG_NIC_MASK_NEVER;
	if (all)
		return zero_spec(place, spec) ? TG_NIC_MASK_ZERO : TG_NIC_MASK_EXACT;
	return prefix ? TG_NIC_MASK_PREFIX : TG_NIC_MASK_ANY;
}

static void clear(const struct place *place, struct nm_key *key)
{
	for (unsigned int i = 0; i < place->size; i++)
		key->b[place->at + i] &= (uint8_t)~field_bits(place, i);
}

static bool partial(enum tg_nic_masking masking)
{
	return masking == TG_NIC_MASK_PREFIX || masking == TG_NIC_MASK_ANY;
}

/* Leaves partial masks of the hazard's fields out. */
static bool widen(const struct nm_nic *nic, unsigned int engine, const struct nm_pattern *p,
	struct nm_key *mask)
{
	bool widened = false;

	if (!nm_has_in(nic, engine, TG_NIC_HAZARD_MASK_WIDENED))
		return false;
	for (unsigned int f = 0; f < TG_NIC_FIELD_COUNT; f++)
		if ((nic->quirks.widened >> f & 1) && is_there(&places[f], p) &&
			partial(masking_of(&places[f], mask, &p->spec))) {
			clear(&places[f], mask);
			widened = true;
		}
	return widened;
}

/* --- does it take a rule? ---------------------------------------------------------------- */

/* An IP version is known where a field of its header is. */
static bool knows_family(const struct tg_nic_engine *e, uint8_t family)
{
	for (unsigned int f = 0; f < TG_NIC_FIELD_COUNT; f++)
		if (places[f].transport == 0 && places[f].family == family &&
			e->masking[f] != TG_NIC_MASK_NEVER)
			return true;
	return family == 0;
}

static int admit_fields(
	const struct nm_draft *draft, const struct tg_nic_engine *e, struct rte_flow_error *error)
{
	const struct nm_pattern *p = &draft->pattern;
	bool any = false;

	if (!knows_family(e, p->family))
		return refuse(error, ENOTSUP, RTE_FLOW_ERROR_TYPE_ITEM, p->network,
			"IP version not supported");
	for (unsigned int f = 0; f < TG_NIC_FIELD_COUNT; f++) {
		const struct place *place = &places[f];
		enum tg_nic_masking masking;

		if (!is_there(place, p))
			continue;
		masking = masking_of(place, &p->mask, &p->spec);
		any |= masking != TG_NIC_MASK_NEVER;
		if (masking > (enum tg_nic_masking)e->masking[f])
			return refuse(error, ENOTSUP, RTE_FLOW_ERROR_TYPE_ITEM_MASK,
				place->transport != 0 ? p->transport_item : p->network,
				"mask not supported");
	}
	if (e->needs_field && !any)
		return refuse(error, EINVAL, RTE_FLOW_ERROR_TYPE_ITEM_SPEC, p->network,
			"a pattern needs a field");
	return 0;
}

/* The EtherType and the protocol may be written out, as far as they say what the items say. */
static void forgive_structure(const struct nm_pattern *p, struct nm_key *rest)
{
	static const uint8_t types[2][2] = {{0x08, 0x00}, {0x86, 0xdd}};
	const uint8_t *type = types[p->family == 6];
	uint8_t at[] = {NM_AT(ether) + 12, NM_AT(last_type)};
	uint8_t protocol = NM_AT(ip) + (p->family == 6 ? 6 : 9);

	for (unsigned int i = 0; i < 2 && p->family != 0; i++)
		if (rest->b[at[i]] == 0xff && rest->b[at[i] + 1] == 0xff &&
			memcmp(p->spec.b + at[i], type, 2) == 0)
			rest->b[at[i]] = rest->b[at[i] + 1] = 0;
	if (rest->b[protocol] == 0xff && (p->transport == 0 || p->transport == p->spec.b[protocol]))
		rest->b[protocol] = 0;
	rest->tags = rest->network = rest->transport = rest->origin = 0;
	memset(rest->port, 0, sizeof(rest->port));
}

/* Fields that no profile speaks of. */
static int admit_rest(const struct nm_draft *draft, struct rte_flow_error *error)
{
	const struct nm_pattern *p = &draft->pattern;
	struct nm_key rest = p->mask;

	for (unsigned int f = 0; f < TG_NIC_FIELD_COUNT; f++)
		if (is_there(&places[f], p))
			clear(&places[f], &rest);
	forgive_structure(p, &rest);
	for (unsigned int i = 0; i < NM_WORDS; i++)
		if (rest.w[i] != 0)
			return refuse(error, ENOTSUP, RTE_FLOW_ERROR_TYPE_ITEM_MASK,
				i < NM_AT(ip) / 8   ? p->ether
				: i < NM_AT(l4) / 8 ? p->network
						    : p->transport_item,
				"field not supported");
	return 0;
}

static uint8_t protocol_of(const struct nm_pattern *p)
{
	uint8_t at = NM_AT(ip) + (p->family == 6 ? 6 : 9);
	uint8_t number = p->transport;

	if (number == 0 && p->family != 0 && p->mask.b[at] == 0xff)
		number = p->spec.b[at];
	switch (number) {
	case 0:
		return TG_NIC_PROTOCOL_ANY;
	case IPPROTO_ICMP:
		return TG_NIC_PROTOCOL_ICMP;
	case IPPROTO_TCP:
		return TG_NIC_PROTOCOL_TCP;
	case IPPROTO_UDP:
		return TG_NIC_PROTOCOL_UDP;
	case IPPROTO_ICMPV6:
		return TG_NIC_PROTOCOL_ICMPV6;
	case IPPROTO_SCTP:
		return TG_NIC_PROTOCOL_SCTP;
	}
	return TG_NIC_PROTOCOL_OTHER;
}

static int admit_pattern(
	const struct nm_draft *draft, const struct tg_nic_engine *e, struct rte_flow_error *error)
{
	const struct nm_pattern *p = &draft->pattern;
	int rc;

	if (p->n_ranges != 0)
		return refuse(error, ENOTSUP, RTE_FLOW_ERROR_TYPE_ITEM_LAST, p->range, "no ranges");
	if ((p->tagged && !e->tagged) || (p->untagged && !e->untagged))
		return refuse(error, ENOTSUP, RTE_FLOW_ERROR_TYPE_ITEM, p->ether,
			"nothing can be said of tags");
	if (!(e->protocols >> protocol_of(p) & 1))
		return refuse(error, ENOTSUP, RTE_FLOW_ERROR_TYPE_ITEM,
			p->transport != 0 ? p->transport_item : p->network,
			"protocol not supported");
	rc = admit_fields(draft, e, error);
	return rc != 0 ? rc : admit_rest(draft, error);
}

static int admit_attributes(const struct nm_draft *draft, unsigned int engine,
	const struct tg_nic_engine *e, struct rte_flow_error *error)
{
	static const enum rte_flow_error_type types[] = {
		[TG_NIC_INGRESS] = RTE_FLOW_ERROR_TYPE_ATTR_INGRESS,
		[TG_NIC_EGRESS] = RTE_FLOW_ERROR_TYPE_ATTR_EGRESS,
		[TG_NIC_TRANSFER] = RTE_FLOW_ERROR_TYPE_ATTR_TRANSFER};
	const struct nm_nic *nic = draft->port->nic;

	if (!(e->domains >> draft->domain & 1))
		return refuse(
			error, ENOTSUP, types[draft->domain], NULL, "direction not supported");
	if (draft->group >= (e->n_groups != 0 ? e->n_groups : 1) &&
		!nm_has_in(nic, engine, TG_NIC_HAZARD_GROUP_IGNORED))
		return refuse(
			error, ENOTSUP, RTE_FLOW_ERROR_TYPE_ATTR_GROUP, NULL, "no such group");
	if (draft->priority >= (e->n_priorities != 0 ? e->n_priorities : 1) &&
		!nm_has_in(nic, engine, TG_NIC_HAZARD_PRIORITY_IGNORED))
		return refuse(error, ENOTSUP, RTE_FLOW_ERROR_TYPE_ATTR_PRIORITY, NULL,
			"no such priority");
	return 0;
}

static int admit_actions(
	const struct nm_draft *draft, const struct tg_nic_engine *e, struct rte_flow_error *error)
{
	const struct nm_actions *a = &draft->actions;
	uint32_t foreign = a->does & ~e->actions;

	if (foreign != 0)
		return refuse(error, ENOTSUP, RTE_FLOW_ERROR_TYPE_ACTION,
			a->item[__builtin_ctz(foreign)], "action not supported");
	if (a->fate == NM_JUMP && a->jump >= e->n_groups)
		return refuse(error, ENOTSUP, RTE_FLOW_ERROR_TYPE_ACTION, a->item[TG_NIC_JUMP],
			"no such group");
	if ((a->modify_field && !e->modify_field) || (a->set_legacy && e->modify_field))
		return refuse(error, ENOTSUP, RTE_FLOW_ERROR_TYPE_ACTION, NULL,
			e->modify_field ? "headers are changed by MODIFY_FIELD"
					: "headers are changed by SET actions");
	if (a->counter != NULL && !e->counters.shared)
		return refuse(error, ENOTSUP, RTE_FLOW_ERROR_TYPE_ACTION, a->item[TG_NIC_COUNT],
			"no shared counters");
	/* Between ports only the switch forwards, unless the NIC calls that ingress. */
	if (a->fate == NM_FORWARD && draft->domain != TG_NIC_TRANSFER &&
		(e->domains >> TG_NIC_TRANSFER & 1))
		return refuse(error, ENOTSUP, RTE_FLOW_ERROR_TYPE_ACTION, a->item[TG_NIC_FORWARD],
			"needs a transfer rule");
	return 0;
}

int nm_engine_admits(const struct nm_draft *draft, unsigned int engine, bool *widened,
	struct rte_flow_error *error)
{
	const struct nm_nic *nic = draft->port->nic;
	const struct tg_nic_engine *e;
	struct nm_key mask = draft->pattern.mask;
	int rc;

	*widened = widen(nic, engine, &draft->pattern, &mask);
	if (nic->profile == NULL) {
		if (draft->actions.fate == NM_FORWARD && draft->domain != TG_NIC_TRANSFER)
			return refuse(error, ENOTSUP, RTE_FLOW_ERROR_TYPE_ACTION, NULL,
				"needs a transfer rule");
		return 0;
	}
	e = &nic->profile->engines[engine];
	rc = admit_attributes(draft, engine, e, error);
	if (rc == 0)
		rc = admit_pattern(draft, e, error);
	return rc != 0 ? rc : admit_actions(draft, e, error);
}

/* --- what it makes of it ----------------------------------------------------------------- */

/* Of a mask, what counts as its shape: not what headers there are, nor where packets come from. */
static struct nm_key shape_mask(const struct nm_key *mask)
{
	struct nm_key m = *mask;

	memset(&m.tags, 0, NM_AT(ip) - NM_AT(tags));
	return m;
}

static struct nm_shape *first_shape(const struct nm_nic *nic, unsigned int engine)
{
	struct nm_shape *shape;

	TAILQ_FOREACH(shape, &nic->shapes, link)
	if (shape->engine == engine)
		return shape;
	return NULL;
}

void nm_engine_masks(const struct nm_draft *draft, unsigned int engine, struct nm_key *mask)
{
	const struct nm_nic *nic = draft->port->nic;
	const struct nm_shape *first = first_shape(nic, engine);

	*mask = draft->pattern.mask;
	widen(nic, engine, &draft->pattern, mask);
	if (first == NULL || !nm_has_in(nic, engine, TG_NIC_HAZARD_ONE_MASK))
		return;
	memcpy(mask->ip, first->mask.ip, sizeof(mask->ip));
	memcpy(mask->l4, first->mask.l4, sizeof(mask->l4));
}

/* Whether a shape that is there already excludes this one. */
static bool excludes(const struct tg_nic_engine *e, const struct nm_shape *shape, uint8_t family,
	uint8_t protocol)
{
	if (e->shapes == TG_NIC_SHAPES_GLOBAL)
		return true;
	return e->shapes == TG_NIC_SHAPES_PER_TYPE && shape->family == family &&
	       shape->protocol == protocol;
}

int nm_shape_take(struct nm_rule *rule, const struct nm_draft *draft, const struct nm_key *mask,
	struct rte_flow_error *error)
{
	struct nm_nic *nic = draft->port->nic;
	const struct tg_nic_engine *e = nic->profile != NULL ? &nic->profile->engines[rule->engine]
							     : NULL;
	struct nm_key m = shape_mask(mask);
	uint8_t family = draft->pattern.family, protocol = protocol_of(&draft->pattern);
	struct nm_shape *shape;
	uint32_t n = 0;

	if (e == NULL || (e->shapes == TG_NIC_SHAPES_FREE &&
				 !nm_has_in(nic, rule->engine, TG_NIC_HAZARD_ONE_MASK)))
		return 0;
	TAILQ_FOREACH(shape, &nic->shapes, link)
	{
		if (shape->engine != rule->engine)
			continue;
		if (shape->family == family && shape->protocol == protocol &&
			memcmp(&shape->mask, &m, sizeof(m)) == 0) {
			rule->shape = shape;
			shape->rules++;
			return 0;
		}
		n++;
		if (excludes(e, shape, family, protocol) &&
			memcmp(&shape->mask, &m, sizeof(m)) != 0)
			return refuse(error, EINVAL, RTE_FLOW_ERROR_TYPE_ITEM_MASK, NULL,
				"conflicts with the masks of another rule");
	}
	if (e->shapes == TG_NIC_SHAPES_LIMITED && n >= e->shapes_max)
		return refuse(error, ENOSPC, RTE_FLOW_ERROR_TYPE_ITEM_MASK, NULL, "no more masks");
	shape = calloc(1, sizeof(*shape));
	if (shape == NULL)
		return refuse(error, ENOMEM, RTE_FLOW_ERROR_TYPE_UNSPECIFIED, NULL, "no memory");
	*shape = (struct nm_shape){.mask = m,
		.family = family,
		.protocol = protocol,
		.engine = rule->engine,
		.rules = 1};
	TAILQ_INSERT_TAIL(&nic->shapes, shape, link);
	rule->shape = shape;
	return 0;
}

void nm_shape_give(struct nm_rule *rule)
{
	struct nm_shape *shape = rule->shape;

	rule->shape = NULL;
	if (shape == NULL || --shape->rules != 0)
		return;
	TAILQ_REMOVE(&rule->port->nic->shapes, shape, link);
	free(shape);
}
