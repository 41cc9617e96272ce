/* SPDX-License-Identifier: BSD-3-Clause */
#include "words.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct rte_flow_action_handle *words_indirect[4];

static void die(const char *what, const char *text)
{
	fprintf(stderr, "words: %s: %s\n", what, text);
	abort();
}

/* --- values ------------------------------------------------------------------------------ */

/* A number, an address or a MAC, of `size` bytes in network order. */
static void value_read(const char *text, uint8_t *to, size_t size)
{
	unsigned int mac[6];
	unsigned long long n;
	char *end;

	if (size == 6 && sscanf(text, "%x:%x:%x:%x:%x:%x", &mac[0], &mac[1], &mac[2], &mac[3],
				 &mac[4], &mac[5]) == 6) {
		for (unsigned int i = 0; i < 6; i++)
			to[i] = (uint8_t)mac[i];
		return;
	}
	if (size == 4 && inet_pton(AF_INET, text, to) == 1)
		return;
	if (size == 16 && inet_pton(AF_INET6, text, to) == 1)
		return;
	n = strtoull(text, &end, 0);
	if (*end != '\0' || end == text)
		die("not a value", text);
	for (size_t i = 0; i < size; i++)
		to[size - 1 - i] = i < sizeof(n) ? (uint8_t)(n >> (8 * i)) : 0;
}

static unsigned long number(const char *text)
{
	char *end;
	unsigned long n = strtoul(text, &end, 0);

	if (*end != '\0' || end == text)
		die("not a number", text);
	return n;
}

/* --- items ------------------------------------------------------------------------------- */

#define BIT 0xff /* instead of a size: a flag, `at` is its bit */

static const struct item {
	const char *name;
	enum rte_flow_item_type type;
	uint8_t flags_at; /* where flags are; not where a uint32_t would be aligned */
	struct {
		const char *name;
		uint8_t at, size;
	} fields[14];
} items[] = {
	{"eth", RTE_FLOW_ITEM_TYPE_ETH, 14,
		{{"dst", 0, 6}, {"src", 6, 6}, {"type", 12, 2}, {"has_vlan", 0, BIT}}},
	{"vlan", RTE_FLOW_ITEM_TYPE_VLAN, 4,
		{{"tci", 0, 2}, {"inner_type", 2, 2}, {"has_more_vlan", 0, BIT}}},
	{"ipv4", RTE_FLOW_ITEM_TYPE_IPV4, 0,
		{{"ver", 0, 1}, {"tos", 1, 1}, {"len", 2, 2}, {"id", 4, 2}, {"frag", 6, 2},
			{"ttl", 8, 1}, {"proto", 9, 1}, {"src", 12, 4}, {"dst", 16, 4}}},
	{"ipv6", RTE_FLOW_ITEM_TYPE_IPV6, 40,
		{{"vtc", 0, 4}, {"plen", 4, 2}, {"proto", 6, 1}, {"hop", 7, 1}, {"src", 8, 16},
			{"dst", 24, 16}, {"has_hop_ext", 0, BIT}, {"has_frag_ext", 2, BIT}}},
	{"tcp", RTE_FLOW_ITEM_TYPE_TCP, 0,
		{{"sport", 0, 2}, {"dport", 2, 2}, {"seq", 4, 4}, {"flags", 13, 1}}},
	{"udp", RTE_FLOW_ITEM_TYPE_UDP, 0, {{"sport", 0, 2}, {"dport", 2, 2}}},
	{"sctp", RTE_FLOW_ITEM_TYPE_SCTP, 0, {{"sport", 0, 2}, {"dport", 2, 2}, {"tag", 4, 4}}},
	{"icmp", RTE_FLOW_ITEM_TYPE_ICMP, 0,
		{{"type", 0, 1}, {"code", 1, 1}, {"ident", 4, 2}, {"seq", 6, 2}}},
	{"icmp6", RTE_FLOW_ITEM_TYPE_ICMP6, 0, {{"type", 0, 1}, {"code", 1, 1}}},
	{"vxlan", RTE_FLOW_ITEM_TYPE_VXLAN, 0, {{NULL, 0, 0}}},
	{"void", RTE_FLOW_ITEM_TYPE_VOID, 0, {{NULL, 0, 0}}},
};

static void set_flag(uint8_t *bytes, uint8_t at, uint8_t bit, bool value)
{
	uint32_t flags;

	memcpy(&flags, bytes + at, sizeof(flags));
	flags = value ? flags | 1u << bit : flags & ~(1u << bit);
	memcpy(bytes + at, &flags, sizeof(flags));
}

/* "VALUE[..LAST][&MASK]" */
static void field_read(struct words *w, unsigned int i, uint8_t at, uint8_t size, char *text)
{
	char *mask = strchr(text, '&'), *last;

	if (mask != NULL)
		*mask++ = '\0';
	last = strstr(text, "..");
	if (last != NULL) {
		*last = '\0';
		value_read(last + 2, w->of_item[i].last + at, size);
		w->items[i].last = w->of_item[i].last;
	}
	value_read(text, w->of_item[i].spec + at, size);
	memset(w->of_item[i].mask + at, 0xff, size);
	if (mask != NULL)
		value_read(mask, w->of_item[i].mask + at, size);
	w->items[i].spec = w->of_item[i].spec;
	w->items[i].mask = w->of_item[i].mask;
}

static void item_word(struct words *w, unsigned int i, const struct item *item, char *word)
{
	char *value = strchr(word, '=');

	if (value != NULL)
		*value++ = '\0';
	for (unsigned int f = 0; f < 14 && item->fields[f].name != NULL && value != NULL; f++) {
		uint8_t at = item->fields[f].at, size = item->fields[f].size;

		if (strcmp(item->fields[f].name, word) != 0)
			continue;
		if (size != BIT) {
			field_read(w, i, at, size, value);
			return;
		}
		set_flag(w->of_item[i].spec, item->flags_at, at, number(value) != 0);
		set_flag(w->of_item[i].mask, item->flags_at, at, true);
		w->items[i].spec = w->of_item[i].spec;
		w->items[i].mask = w->of_item[i].mask;
		return;
	}
	die("no such field", word);
}

static bool port_item(struct words *w, unsigned int i, const char *word)
{
	static const struct {
		const char *name;
		enum rte_flow_item_type type;
	} kinds[] = {{"from=", RTE_FLOW_ITEM_TYPE_REPRESENTED_PORT},
		{"app=", RTE_FLOW_ITEM_TYPE_PORT_REPRESENTOR},
		{"port_id=", RTE_FLOW_ITEM_TYPE_PORT_ID}};

	for (size_t k = 0; k < RTE_DIM(kinds); k++) {
		size_t n = strlen(kinds[k].name);
		uint32_t id;

		if (strncmp(word, kinds[k].name, n) != 0)
			continue;
		w->items[i].type = kinds[k].type;
		w->items[i].spec = w->of_item[i].spec;
		id = (uint32_t)number(word + n);
		if (kinds[k].type == RTE_FLOW_ITEM_TYPE_PORT_ID)
			memcpy(w->of_item[i].spec, &id, sizeof(id));
		else
			((struct rte_flow_item_ethdev *)w->of_item[i].spec)->port_id = (uint16_t)id;
		return true;
	}
	return false;
}

static void item_read(struct words *w, unsigned int i, char *text)
{
	const struct item *item = NULL;
	char *save, *word = strtok_r(text, " ", &save);

	if (word == NULL)
		die("no item", text);
	if (port_item(w, i, word))
		return;
	for (size_t k = 0; k < RTE_DIM(items); k++)
		if (strcmp(items[k].name, word) == 0)
			item = &items[k];
	if (item == NULL)
		die("no such item", word);
	w->items[i].type = item->type;
	while ((word = strtok_r(NULL, " ", &save)) != NULL) {
		if (strcmp(word, "default") == 0)
			w->items[i].mask = NULL;
		else if (strcmp(word, "maskonly") == 0)
			w->items[i].spec = NULL;
		else
			item_word(w, i, item, word);
	}
}

/* --- actions ----------------------------------------------------------------------------- */

enum conf {
	NOTHING,
	MARK,
	QUEUE,
	RSS,
	RSS_SYMMETRIC,
	JUMP,
	AGE,
	ETHDEV,
	PORT,
	BYTES,
	MODIFY,
	HANDLE
};

static const struct action {
	const char *name;
	enum rte_flow_action_type type;
	enum conf conf;
	uint8_t size;
	enum rte_flow_field_id field;
	enum rte_flow_modify_op op;
} actions[] = {
	{"drop", RTE_FLOW_ACTION_TYPE_DROP, NOTHING, 0, 0, 0},
	{"count", RTE_FLOW_ACTION_TYPE_COUNT, NOTHING, 0, 0, 0},
	{"flag", RTE_FLOW_ACTION_TYPE_FLAG, NOTHING, 0, 0, 0},
	{"passthru", RTE_FLOW_ACTION_TYPE_PASSTHRU, NOTHING, 0, 0, 0},
	{"void", RTE_FLOW_ACTION_TYPE_VOID, NOTHING, 0, 0, 0},
	{"vxlan_decap", RTE_FLOW_ACTION_TYPE_VXLAN_DECAP, NOTHING, 0, 0, 0},
	{"dec_ttl", RTE_FLOW_ACTION_TYPE_DEC_TTL, NOTHING, 0, 0, 0},
	{"mark", RTE_FLOW_ACTION_TYPE_MARK, MARK, 0, 0, 0},
	{"queue", RTE_FLOW_ACTION_TYPE_QUEUE, QUEUE, 0, 0, 0},
	{"rss", RTE_FLOW_ACTION_TYPE_RSS, RSS, 0, 0, 0},
	{"rsssym", RTE_FLOW_ACTION_TYPE_RSS, RSS_SYMMETRIC, 0, 0, 0},
	{"jump", RTE_FLOW_ACTION_TYPE_JUMP, JUMP, 0, 0, 0},
	{"age", RTE_FLOW_ACTION_TYPE_AGE, AGE, 0, 0, 0},
	{"to", RTE_FLOW_ACTION_TYPE_REPRESENTED_PORT, ETHDEV, 0, 0, 0},
	{"software", RTE_FLOW_ACTION_TYPE_PORT_REPRESENTOR, ETHDEV, 0, 0, 0},
	{"port_id", RTE_FLOW_ACTION_TYPE_PORT_ID, PORT, 0, 0, 0},
	{"set_ttl", RTE_FLOW_ACTION_TYPE_SET_TTL, BYTES, 1, 0, 0},
	{"smac", RTE_FLOW_ACTION_TYPE_SET_MAC_SRC, BYTES, 6, 0, 0},
	{"dmac", RTE_FLOW_ACTION_TYPE_SET_MAC_DST, BYTES, 6, 0, 0},
	{"src4", RTE_FLOW_ACTION_TYPE_SET_IPV4_SRC, BYTES, 4, 0, 0},
	{"dst4", RTE_FLOW_ACTION_TYPE_SET_IPV4_DST, BYTES, 4, 0, 0},
	{"src6", RTE_FLOW_ACTION_TYPE_SET_IPV6_SRC, BYTES, 16, 0, 0},
	{"dst6", RTE_FLOW_ACTION_TYPE_SET_IPV6_DST, BYTES, 16, 0, 0},
	{"sport", RTE_FLOW_ACTION_TYPE_SET_TP_SRC, BYTES, 2, 0, 0},
	{"dport", RTE_FLOW_ACTION_TYPE_SET_TP_DST, BYTES, 2, 0, 0},
	{"m.ttl-", RTE_FLOW_ACTION_TYPE_MODIFY_FIELD, MODIFY, 1, RTE_FLOW_FIELD_IPV4_TTL,
		RTE_FLOW_MODIFY_SUB},
	{"m.ttl+", RTE_FLOW_ACTION_TYPE_MODIFY_FIELD, MODIFY, 1, RTE_FLOW_FIELD_IPV4_TTL,
		RTE_FLOW_MODIFY_ADD},
	{"m.hop-", RTE_FLOW_ACTION_TYPE_MODIFY_FIELD, MODIFY, 1, RTE_FLOW_FIELD_IPV6_HOPLIMIT,
		RTE_FLOW_MODIFY_SUB},
	{"m.smac", RTE_FLOW_ACTION_TYPE_MODIFY_FIELD, MODIFY, 6, RTE_FLOW_FIELD_MAC_SRC, 0},
	{"m.dmac", RTE_FLOW_ACTION_TYPE_MODIFY_FIELD, MODIFY, 6, RTE_FLOW_FIELD_MAC_DST, 0},
	{"m.src4", RTE_FLOW_ACTION_TYPE_MODIFY_FIELD, MODIFY, 4, RTE_FLOW_FIELD_IPV4_SRC, 0},
	{"m.dst4", RTE_FLOW_ACTION_TYPE_MODIFY_FIELD, MODIFY, 4, RTE_FLOW_FIELD_IPV4_DST, 0},
	{"m.src6", RTE_FLOW_ACTION_TYPE_MODIFY_FIELD, MODIFY, 16, RTE_FLOW_FIELD_IPV6_SRC, 0},
	{"m.dst6", RTE_FLOW_ACTION_TYPE_MODIFY_FIELD, MODIFY, 16, RTE_FLOW_FIELD_IPV6_DST, 0},
	{"m.tcp.sport", RTE_FLOW_ACTION_TYPE_MODIFY_FIELD, MODIFY, 2, RTE_FLOW_FIELD_TCP_PORT_SRC,
		0},
	{"m.tcp.dport", RTE_FLOW_ACTION_TYPE_MODIFY_FIELD, MODIFY, 2, RTE_FLOW_FIELD_TCP_PORT_DST,
		0},
	{"m.udp.sport", RTE_FLOW_ACTION_TYPE_MODIFY_FIELD, MODIFY, 2, RTE_FLOW_FIELD_UDP_PORT_SRC,
		0},
	{"m.udp.dport", RTE_FLOW_ACTION_TYPE_MODIFY_FIELD, MODIFY, 2, RTE_FLOW_FIELD_UDP_PORT_DST,
		0},
	{"indirect", RTE_FLOW_ACTION_TYPE_INDIRECT, HANDLE, 0, 0, 0},
};

static void rss_read(struct words *w, unsigned int i, bool symmetric, char *text)
{
	struct rte_flow_action_rss *rss = (void *)w->of_action[i];
	char *save, *word;

	rss->func = symmetric ? RTE_ETH_HASH_FUNCTION_SYMMETRIC_TOEPLITZ
			      : RTE_ETH_HASH_FUNCTION_DEFAULT;
	rss->queue = w->queues[i];
	for (word = strtok_r(text, ",", &save); word != NULL; word = strtok_r(NULL, ",", &save))
		w->queues[i][rss->queue_num++] = (uint16_t)number(word);
}

static void modify_read(struct words *w, unsigned int i, const struct action *action, char *value)
{
	struct rte_flow_action_modify_field *conf = (void *)w->of_action[i];

	conf->operation = action->op;
	conf->dst.field = action->field;
	conf->src.field = RTE_FLOW_FIELD_VALUE;
	conf->width = action->size * 8u;
	value_read(value, conf->src.value, action->size);
}

static void conf_read(struct words *w, unsigned int i, const struct action *action, char *value)
{
	uint8_t *conf = w->of_action[i];

	if (action->conf != NOTHING && value == NULL)
		die("no value", action->name);
	w->actions[i].conf = action->conf != NOTHING ? conf : NULL;
	switch (action->conf) {
	case MARK:
		((struct rte_flow_action_mark *)conf)->id = (uint32_t)number(value);
		break;
	case QUEUE:
		((struct rte_flow_action_queue *)conf)->index = (uint16_t)number(value);
		break;
	case RSS:
	case RSS_SYMMETRIC:
		rss_read(w, i, action->conf == RSS_SYMMETRIC, value);
		break;
	case JUMP:
		((struct rte_flow_action_jump *)conf)->group = (uint32_t)number(value);
		break;
	case AGE:
		((struct rte_flow_action_age *)conf)->timeout = number(value) & 0xffffff;
		((struct rte_flow_action_age *)conf)->context = w->context;
		break;
	case ETHDEV:
		((struct rte_flow_action_ethdev *)conf)->port_id = (uint16_t)number(value);
		break;
	case PORT:
		((struct rte_flow_action_port_id *)conf)->id = (uint32_t)number(value);
		break;
	case BYTES:
		value_read(value, conf, action->size);
		break;
	case MODIFY:
		modify_read(w, i, action, value);
		break;
	case HANDLE:
		w->actions[i].conf = words_indirect[number(value) % 4];
		break;
	case NOTHING:
		break;
	}
}

static void action_read(struct words *w, unsigned int i, char *text)
{
	char *save, *word = strtok_r(text, " ", &save), *value;

	if (word == NULL)
		die("no action", text);
	value = strchr(word, '=');
	if (value != NULL)
		*value++ = '\0';
	for (size_t k = 0; k < RTE_DIM(actions); k++)
		if (strcmp(actions[k].name, word) == 0) {
			w->actions[i].type = actions[k].type;
			conf_read(w, i, &actions[k], value);
			return;
		}
	die("no such action", word);
}

/* --- rules ------------------------------------------------------------------------------- */

static void attributes_read(struct rte_flow_attr *attr, char *text)
{
	char *save, *word;

	for (word = strtok_r(text, " ", &save); word != NULL; word = strtok_r(NULL, " ", &save)) {
		if (strcmp(word, "ingress") == 0)
			attr->ingress = 1;
		else if (strcmp(word, "egress") == 0)
			attr->egress = 1;
		else if (strcmp(word, "transfer") == 0)
			attr->transfer = 1;
		else if (strncmp(word, "group=", 6) == 0)
			attr->group = (uint32_t)number(word + 6);
		else if (strncmp(word, "priority=", 9) == 0)
			attr->priority = (uint32_t)number(word + 9);
		else
			die("no such attribute", word);
	}
}

/* Cuts at every " / ". */
static unsigned int parts_of(char *text, char *part[WORDS_LIST_MAX])
{
	unsigned int n = 0;

	while (text != NULL && n < WORDS_LIST_MAX - 1) {
		char *end = strstr(text, " / ");

		part[n++] = text;
		if (end != NULL)
			*end = '\0';
		text = end != NULL ? end + 3 : NULL;
	}
	return n;
}

void words_read(struct words *w, const char *text)
{
	char copy[1024], *part[WORDS_LIST_MAX], *items_at, *actions_at;
	void *context = w->context;
	unsigned int n;

	memset(w, 0, sizeof(*w));
	w->context = context;
	snprintf(copy, sizeof(copy), "%s", text);
	items_at = strstr(copy, " : ");
	actions_at = items_at != NULL ? strstr(items_at + 3, " : ") : NULL;
	if (actions_at == NULL)
		die("needs attributes : items : actions", text);
	*items_at = *actions_at = '\0';
	attributes_read(&w->attr, copy);
	n = parts_of(items_at + 3, part);
	for (unsigned int i = 0; i < n; i++)
		item_read(w, i, part[i]);
	w->items[n].type = RTE_FLOW_ITEM_TYPE_END;
	n = parts_of(actions_at + 3, part);
	for (unsigned int i = 0; i < n; i++)
		action_read(w, i, part[i]);
	w->actions[n].type = RTE_FLOW_ACTION_TYPE_END;
}
