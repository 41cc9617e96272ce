/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What a profile admits the model has to take, and do: random rules, put into rte_flow's words by
 * the gateway's encoder, against packets that match them or nearly do. A rule may miss packets that
 * software then judges (fragments, options, tags); it must never hit one that it does not match.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <rte_random.h>

#include "encode.h"
#include "lab.h"

#define RULES 400  /* of each profile */
#define PACKETS 12 /* of each rule */

static const uint8_t protocols[] = {0, 1, 6, 17, 58, 132, 47};

static uint32_t rnd(uint32_t n)
{
	return (uint32_t)(rte_rand() % n);
}

static bool often(void)
{
	return rnd(5) != 0;
}

/* --- packets ----------------------------------------------------------------------------- */

struct sample {
	uint8_t family, protocol;
	struct tg_nic_header h;
	bool tagged, extension;
};

/* Whether a packet is what rule.h says that a rule matches, when it has an extension header or not.
 */
static bool matches(const struct tg_nic_match *match, const struct sample *s, bool extension)
{
	const uint8_t *spec = (const uint8_t *)&match->spec, *mask = (const uint8_t *)&match->mask;
	const uint8_t *packet = (const uint8_t *)&s->h;

	if (match->family != s->family || (match->untagged && s->tagged))
		return false;
	if (match->protocol != 0 && (match->protocol != s->protocol || extension))
		return false;
	for (size_t i = 0; i < sizeof(match->spec); i++)
		if ((packet[i] & mask[i]) != spec[i])
			return false;
	return true;
}

/* Nothing that a NIC may treat in its own way. */
static bool plain(const struct sample *s)
{
	return !s->tagged && !s->extension && s->h.fragment[0] == 0 && s->h.fragment[1] == 0 &&
	       (s->family == 6 || s->h.ihl == 5);
}

static bool has_ports(uint8_t protocol)
{
	return protocol == 6 || protocol == 17 || protocol == 132;
}

/* What such a packet cannot have is zero. */
static void settle(struct sample *s)
{
	if (s->family == 4) {
		memset(s->h.src + 4, 0, 12);
		memset(s->h.dst + 4, 0, 12);
		s->h.ihl = s->h.ihl > 5 ? 6 : 5;
		s->extension = false;
		/* A first fragment: others have no transport header to tell of. */
		s->h.fragment[0] &= 0x20;
	} else {
		s->h.ihl = s->h.fragment[0] = 0;
	}
	s->h.fragment[1] = 0;
	s->h.ttl |= s->h.ttl == 0;
	if (!has_ports(s->protocol) && s->protocol != 1)
		memset(s->h.sport, 0, 2);
	if (!has_ports(s->protocol))
		memset(s->h.dport, 0, 2);
	if (s->protocol != 6)
		s->h.tcp_flags = 0;
	if (s->protocol != 1 && s->protocol != 58)
		s->h.icmp_type = 0;
}

static void sample_make(struct sample *s, const struct tg_nic_match *match)
{
	const uint8_t *spec = (const uint8_t *)&match->spec, *mask = (const uint8_t *)&match->mask;
	uint8_t *packet = (uint8_t *)&s->h;

	memset(s, 0, sizeof(*s));
	s->family = match->family;
	s->protocol = match->protocol != 0 ? match->protocol : (rnd(2) != 0 ? 6 : 17);
	for (size_t i = 0; i < sizeof(s->h); i++)
		packet[i] = (uint8_t)((rnd(256) & ~mask[i]) | spec[i]);
	if ((match->mask.fragment[0] & 0x20) == 0 && often())
		s->h.fragment[0] = 0;
	if (match->mask.ihl == 0 && often())
		s->h.ihl = 5;
	switch (rnd(10)) {
	case 0:
		s->tagged = true;
		break;
	case 1:
		s->extension = s->family == 6;
		break;
	case 2:
		s->protocol = protocols[1 + rnd(sizeof(protocols) - 1)];
		break;
	case 3:
	case 4:
	case 5:
		packet[rnd(sizeof(s->h))] ^= (uint8_t)(1u << rnd(8));
		break;
	}
	settle(s);
}

static int address(char *text, size_t size, uint8_t family, const uint8_t *a)
{
	if (family == 4)
		return snprintf(text, size, "%u.%u.%u.%u", a[0], a[1], a[2], a[3]);
	return snprintf(text, size,
		"%02x%02x:%02x%02x:%02x%02x:%02x%02x:%02x%02x:%02x%02x:%02x%02x:%02x%02x", a[0],
		a[1], a[2], a[3], a[4], a[5], a[6], a[7], a[8], a[9], a[10], a[11], a[12], a[13],
		a[14], a[15]);
}

static uint32_t be16(const uint8_t *p)
{
	return (uint32_t)(p[0] << 8 | p[1]);
}

/* The transport header, in the words of tests/packets/packet.h. */
static int transport(char *text, size_t size, const struct sample *s)
{
	switch (s->protocol) {
	case 1:
		return snprintf(
			text, size, " icmp type=%u icmpid=%u", s->h.icmp_type, be16(s->h.sport));
	case 58:
		return snprintf(text, size, " icmp6 type=%u", s->h.icmp_type);
	case 6:
		return snprintf(text, size, " tcp %u>%u", be16(s->h.sport), be16(s->h.dport));
	case 17:
	case 132:
		return snprintf(text, size, " %s %u>%u", s->protocol == 17 ? "udp" : "sctp",
			be16(s->h.sport), be16(s->h.dport));
	}
	return snprintf(text, size, " proto=%u len=40", s->protocol);
}

static void sample_text(const struct sample *s, char *text, size_t size)
{
	size_t at = 0;

	if (s->tagged)
		at += (size_t)snprintf(text, size, "vlan=7 ");
	at += (size_t)address(text + at, size - at, s->family, s->h.src);
	at += (size_t)snprintf(text + at, size - at, " > ");
	at += (size_t)address(text + at, size - at, s->family, s->h.dst);
	at += (size_t)snprintf(text + at, size - at, " ttl=%u", s->h.ttl);
	if (s->h.fragment[0] != 0)
		at += (size_t)snprintf(text + at, size - at, " frag=0+");
	if (s->h.ihl > 5)
		at += (size_t)snprintf(text + at, size - at, " opt=01010101");
	if (s->extension)
		at += (size_t)snprintf(text + at, size - at, " dst");
	at += (size_t)transport(text + at, size - at, s);
	if (s->protocol != 6)
		return;
	/* Flags last: all eight bits, whatever the letters are. */
	snprintf(text + at, size - at, " set=%u:%02x",
		(s->tagged ? 4u : 0u) + 14 + (s->family == 4 ? s->h.ihl * 4u : 40u) +
			(s->extension ? 8u : 0u) + 13,
		s->h.tcp_flags);
}

/* --- rules ------------------------------------------------------------------------------- */

static void random_mask(enum tg_nic_masking masking, enum tg_nic_field field, uint8_t mask[16])
{
	uint16_t bits = tg_nic_field_place(field)->bits;
	uint8_t size = tg_nic_field_place(field)->size;
	uint32_t keep = rnd(bits) + 1;

	tg_nic_field_full(field, mask);
	if (masking <= TG_NIC_MASK_EXACT || rnd(2) == 0)
		return;
	for (uint32_t bit = 0; bit < size * 8u; bit++) {
		bool in = masking == TG_NIC_MASK_ANY ? rnd(3) != 0 : bit < size * 8u - bits + keep;

		if (!in)
			mask[bit / 8] &= (uint8_t) ~(0x80u >> bit % 8);
	}
}

static void random_field(
	struct tg_nic_rule *rule, const struct tg_nic_engine *e, enum tg_nic_field f)
{
	uint8_t spec[16] = {0}, mask[16] = {0};

	random_mask((enum tg_nic_masking)e->masking[f], f, mask);
	if (f == TG_NIC_IPV4_IHL)
		spec[0] = 5;
	else if (f != TG_NIC_IPV4_FRAGMENT && f != TG_NIC_TCP_FLAGS &&
		 e->masking[f] != TG_NIC_MASK_ZERO)
		for (unsigned int i = 0; i < 16; i++)
			spec[i] = (uint8_t)rnd(256);
	for (unsigned int i = 0; i < 16; i++)
		spec[i] &= mask[i];
	tg_nic_match_set(&rule->match, f, spec, mask);
}

/* Fields of a rule that its family and protocol have; most of what has to be kept out is. */
static void random_match(struct tg_nic_rule *rule, const struct tg_nic_engine *e)
{
	struct tg_nic_rule with;

	rule->match.family = rnd(2) != 0 ? 4 : 6;
	rule->match.protocol = protocols[rnd(sizeof(protocols))];
	rule->match.untagged = e->untagged && often();
	for (int f = 0; f < TG_NIC_FIELD_COUNT; f++) {
		bool guard = f == TG_NIC_IPV4_IHL || f == TG_NIC_IPV4_FRAGMENT ||
			     f == TG_NIC_TCP_FLAGS;

		if (e->masking[f] == TG_NIC_MASK_NEVER || (guard ? !often() : rnd(2) == 0))
			continue;
		with = *rule;
		random_field(&with, e, (enum tg_nic_field)f);
		if (tg_nic_rule_sound(&with))
			*rule = with;
	}
}

/* A rule that could be this engine's. */
static void random_rule(struct tg_nic_rule *rule, const struct tg_nic_engine *e)
{
	static const enum tg_nic_action fates[] = {TG_NIC_DROP, TG_NIC_FORWARD, TG_NIC_SOFTWARE};

	memset(rule, 0, sizeof(*rule));
	rule->domain = e->domains >> TG_NIC_TRANSFER & 1 ? TG_NIC_TRANSFER : TG_NIC_INGRESS;
	rule->actions = 1u << fates[rnd(3)];
	rule->group = e->first_group;
	rule->priority = e->n_priorities > 1 ? rnd(2) : 0;
	rule->port = lab.port[0];
	rule->to = lab.port[1];
	rule->mark = 77;
	random_match(rule, e);
	if ((rule->actions & 1u << TG_NIC_SOFTWARE) && rnd(2) != 0)
		rule->actions |= 1u << TG_NIC_MARK;
	if (rnd(2) != 0 && (e->actions >> TG_NIC_COUNT & 1))
		rule->actions |= 1u << TG_NIC_COUNT;
	if (rule->actions & 1u << TG_NIC_FORWARD)
		rule->actions |= e->actions &
				 rnd(2) * (1u << TG_NIC_DEC_TTL | 1u << TG_NIC_SET_MAC);
	/* Others keep it out, it says; here nobody sends any. */
	rule->guarded = 1u << TG_NIC_GUARD_LAST_HOP;
}

/* --- both -------------------------------------------------------------------------------- */

static bool did(const struct tg_nic_rule *rule, const struct lab_seen *seen)
{
	if (rule->actions & 1u << TG_NIC_DROP)
		return !seen->software && !seen->wire[1];
	if (rule->actions & 1u << TG_NIC_FORWARD)
		return seen->wire[1];
	return seen->marked && seen->mark == rule->mark;
}

#define ACTS (1u << TG_NIC_DROP | 1u << TG_NIC_FORWARD)
#define PORT_FIELDS                                                                 \
	(1u << TG_NIC_TCP_SPORT | 1u << TG_NIC_TCP_DPORT | 1u << TG_NIC_UDP_SPORT | \
		1u << TG_NIC_UDP_DPORT | 1u << TG_NIC_SCTP_SPORT | 1u << TG_NIC_SCTP_DPORT)

/* Whether software would mind that this packet was hit by the rule. */
static bool minds(const struct tg_nic_rule *rule, const struct sample *s)
{
	bool forwards = rule->actions >> TG_NIC_FORWARD & 1, acts = (rule->actions & ACTS) != 0;

	/* It drops and marks by what is behind extension headers, too. */
	if (!matches(&rule->match, s, s->extension && forwards))
		return true;
	return (acts && s->tagged) || (forwards && (s->extension || s->h.ihl > 5)) ||
	       (acts && s->h.fragment[0] != 0 && (rule->match.fields & PORT_FIELDS));
}

/* Whether the NIC did wrong, with what. */
static bool judge(const struct tg_nic_rule *rule, unsigned int *hits, char *text, size_t size)
{
	uint32_t told = rule->actions & (ACTS | 1u << TG_NIC_MARK);
	struct lab_seen seen;
	struct sample s;

	for (unsigned int i = 0; i < PACKETS; i++) {
		sample_make(&s, &rule->match);
		sample_text(&s, text, size);
		lab_send(0, text, &seen);
		*hits += did(rule, &seen);
		if (did(rule, &seen) ? minds(rule, &s)
				     : told && plain(&s) && matches(&rule->match, &s, false))
			return true;
	}
	return false;
}

/* Rules of later groups are reached by one that jumps there. */
static struct rte_flow *jump(const struct tg_nic_rule *rule)
{
	char text[128];

	if (rule->group == 0)
		return NULL;
	if (rule->domain == TG_NIC_TRANSFER)
		snprintf(text, sizeof(text), "transfer : from=%u / eth : jump=%u", rule->port,
			rule->group);
	else
		snprintf(text, sizeof(text), "ingress : eth : jump=%u", rule->group);
	return lab_rule(0, text);
}

/* What misses in a group may be lost; that is not what is looked at here. */
static struct tg_nic_profile kind(const struct tg_nic_profile *p)
{
	struct tg_nic_profile copy = *p;

	for (size_t i = 0; i < copy.n_engines; i++)
		copy.engines[i].miss_to_software = true;
	copy.templates = false;
	copy.insert_late_ms = 0;
	return copy;
}

struct tally {
	unsigned int admitted, hits, wrong;
};

static void complain(
	const struct tg_nic_profile *p, const struct tg_nic_rule *rule, const char *what)
{
	char match[TG_NIC_MATCH_TEXT];

	tg_nic_match_text(&rule->match, match);
	fail_msg("%s: %s: actions %#x: %s", p->name, match, rule->actions, what);
}

/* A rule through the encoder, into the NIC, against packets. */
static bool try_rule(const struct tg_nic_engine *engine, const struct tg_nic_rule *rule,
	struct tally *tally, char *text, size_t size)
{
	static struct tg_encoded encoded;
	struct tg_encode_context context = {.engine = engine, .software = TG_ENCODE_QUEUE};
	struct rte_flow *first = jump(rule), *flow;
	bool wrong;

	assert_int_equal(tg_encode(&context, rule, &encoded), 0);
	flow = rte_flow_create(
		lab.port[0], &encoded.attr, encoded.items, encoded.actions, &lab.error);
	snprintf(text, size, "%s", flow != NULL ? "" : lab.error.message);
	wrong = flow == NULL || judge(rule, &tally->hits, text, size);
	if (flow != NULL)
		lab_destroy(0, flow);
	if (first != NULL)
		lab_destroy(0, first);
	return wrong;
}

/* Rules that `believed` admits, on a NIC that is as lab_open() was told. */
static void run(const struct tg_nic_profile *believed, bool wrong_expected, struct tally *tally)
{
	char why[TG_NIC_WHY], text[512];
	struct tg_nic_rule rule;

	for (unsigned int i = 0; i < RULES && believed->n_engines != 0; i++) {
		const struct tg_nic_engine *engine;

		random_rule(&rule, &believed->engines[rnd((uint32_t)believed->n_engines)]);
		engine = tg_nic_admits(believed, &rule, why);
		if (engine == NULL)
			continue;
		tally->admitted++;
		if (!try_rule(engine, &rule, tally, text, sizeof(text)))
			continue;
		tally->wrong++;
		if (!wrong_expected)
			complain(believed, &rule, text);
	}
}

static struct tg_nic_profiles *profiles;

static int load(void **state)
{
	char *errors;

	rte_srand(20);
	return tg_nic_profiles_load(NIC_PROFILES, &profiles, &errors);
}

static int unload(void **state)
{
	tg_nic_profiles_free(profiles);
	return 0;
}

static void what_is_admitted_is_done(void **state)
{
	struct tally all = {0};

	for (size_t i = 0; i < tg_nic_profiles_count(profiles); i++) {
		struct tg_nic_profile p = kind(tg_nic_profiles_at(profiles, i));
		struct tally tally = {0};

		lab_open(&p);
		run(&p, false, &tally);
		lab_close();
		print_message("%-24s %3u rules admitted, %4u packets hit\n", p.name, tally.admitted,
			tally.hits);
		all.admitted += tally.admitted;
		all.hits += tally.hits;
	}
	/* Else nothing was shown. */
	assert_true(all.admitted > 300 && all.hits > 1000);
}

/* Without the check of any of these hazards, rules get into some NIC that do what is wrong. */
static void hazards_are_needed(void **state)
{
	static const enum tg_nic_hazard_id needed[] = {TG_NIC_HAZARD_MASK_WIDENED,
		TG_NIC_HAZARD_VLAN_BLIND, TG_NIC_HAZARD_FRAGMENT_MATCHED, TG_NIC_HAZARD_NO_OPTIONS,
		TG_NIC_HAZARD_EXTENSIONS};

	for (size_t h = 0; h < RTE_DIM(needed); h++) {
		struct tally all = {0};

		for (size_t i = 0; i < tg_nic_profiles_count(profiles); i++) {
			struct tg_nic_profile p = kind(tg_nic_profiles_at(profiles, i)),
					      believed = p;

			if (!p.hazards[needed[h]].present)
				continue;
			believed.hazards[needed[h]].present = false;
			lab_open(&p);
			run(&believed, true, &all);
			lab_close();
		}
		print_message("without %-20s %3u of %u rules are wrong\n",
			tg_nic_hazard_id_name(needed[h]), all.wrong, all.admitted);
		assert_true(all.wrong > 0);
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_admitted_is_done), cmocka_unit_test(hazards_are_needed)};

	lab_eal();
	return cmocka_run_group_tests_name("admitted", tests, load, unload);
}
