/* SPDX-License-Identifier: BSD-3-Clause */
#include "text.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "policies.h"

struct text text_start(char *buf, size_t size)
{
	buf[0] = '\0';
	return (struct text){.buf = buf, .size = size};
}

void text_add(struct text *t, const char *s)
{
	size_t n = strlen(s), room = t->size - 1 - t->n;

	if (n > room) {
		n = room;
		t->full = true;
	}
	memcpy(t->buf + t->n, s, n);
	t->n += n;
	t->buf[t->n] = '\0';
}

void text_printf(struct text *t, const char *fmt, ...)
{
	size_t room = t->size - t->n;
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(t->buf + t->n, room, fmt, ap);
	va_end(ap);
	if (n < 0)
		return;
	if ((size_t)n >= room) {
		t->full = true;
		n = (int)room - 1;
	}
	t->n += (size_t)n;
}

const char *text_end(struct text *t)
{
	size_t at = t->n;

	if (!t->full || t->size < 4)
		return t->buf;
	if (at > t->size - 4)
		at = t->size - 4;
	/* Not inside a UTF-8 character. */
	while (at > 0 && ((unsigned char)t->buf[at] & 0xc0) == 0x80)
		at--;
	strcpy(t->buf + at, "...");
	t->n = at + 3;
	return t->buf;
}

static void add_requirement(
	struct text *t, const struct tg_intern *strings, const struct tg_requirement *req)
{
	const char *key = tg_intern_text(strings, req->key);

	if (req->op == TG_OP_EXISTS || req->op == TG_OP_NOT_EXISTS) {
		text_add(t, req->op == TG_OP_EXISTS ? "" : "!");
		text_add(t, key);
		return;
	}
	text_add(t, key);
	if (req->op == TG_OP_IN && req->n_values == 1) {
		text_add(t, "=");
		text_add(t, tg_intern_text(strings, req->values[0]));
		return;
	}
	text_add(t, req->op == TG_OP_IN ? " in (" : " notin (");
	for (uint32_t i = 0; i < req->n_values && !t->full; i++) {
		text_add(t, i > 0 ? "," : "");
		text_add(t, tg_intern_text(strings, req->values[i]));
	}
	text_add(t, ")");
}

static void add_selector(
	struct text *t, const struct tg_intern *strings, const struct tg_selector *selector)
{
	for (uint32_t i = 0; i < selector->n_reqs && !t->full; i++) {
		text_add(t, i > 0 ? "," : "");
		add_requirement(t, strings, &selector->reqs[i]);
	}
}

static void add_block(struct text *t, const struct tg_peer *peer)
{
	char buf[TG_PREFIX_TEXT];

	text_add(t, tg_prefix_format(&peer->block, buf));
	for (uint32_t i = 0; i < peer->n_except && !t->full; i++) {
		text_add(t, i == 0 ? " except " : ",");
		text_add(t, tg_prefix_format(&peer->except[i], buf));
	}
}

static void add_peer(struct text *t, const struct tg_intern *strings, const struct tg_peer *peer)
{
	if (peer->is_block) {
		add_block(t, peer);
		return;
	}
	if (peer->has_pod_selector && peer->pod_selector.n_reqs > 0)
		add_selector(t, strings, &peer->pod_selector);
	else
		text_add(t, "all pods");
	if (!peer->has_ns_selector)
		return;
	if (peer->ns_selector.n_reqs == 0) {
		text_add(t, " of all namespaces");
		return;
	}
	text_add(t, " of namespaces ");
	add_selector(t, strings, &peer->ns_selector);
}

static void add_range(struct text *t, uint8_t protocol, uint16_t lo, uint16_t hi)
{
	char buf[4];

	text_add(t, tg_protocol_name(protocol, buf));
	if (!protocol_has_ports(protocol))
		return;
	if (lo == hi)
		text_printf(t, "/%u", lo);
	else if (lo > 1 || hi < UINT16_MAX)
		text_printf(t, "/%u-%u", lo, hi);
}

static void add_ports(
	struct text *t, const struct tg_intern *strings, const struct tg_policy_rule *rule)
{
	char buf[4];

	if (rule->any_port) {
		text_add(t, " all ports");
		return;
	}
	text_add(t, " ports ");
	for (uint32_t i = 0; i < rule->n_ports && !t->full; i++) {
		const struct tg_policy_port *port = &rule->ports[i];

		text_add(t, i > 0 ? "," : "");
		if (!port->named) {
			add_range(t, port->protocol, port->lo, port->hi);
			continue;
		}
		text_add(t, tg_protocol_name(port->protocol, buf));
		text_add(t, "/");
		text_add(t, tg_intern_text(strings, port->name));
	}
}

void text_policy_rule(struct text *t, const struct tg_intern *strings,
	const struct tg_policy *policy, enum tg_direction dir, const struct tg_policy_rule *rule)
{
	text_add(t, tg_intern_text(strings, policy->ns));
	text_add(t, "/");
	text_add(t, tg_intern_text(strings, policy->name));
	text_printf(t, " %s[%u] allow %s ", tg_direction_label(dir), rule->index,
		dir == TG_EGRESS ? "to" : "from");
	if (rule->any_peer)
		text_add(t, "any address");
	for (uint32_t i = 0; i < rule->n_peers && !t->full; i++) {
		text_add(t, i > 0 ? "; " : "");
		add_peer(t, strings, &rule->peers[i]);
	}
	add_ports(t, strings, rule);
}

void text_infrastructure(struct text *t, const struct tg_infrastructure *tuple, uint16_t home)
{
	char buf[TG_PREFIX_TEXT];

	text_add(t, "infrastructure ");
	text_add(t, tuple->name != NULL ? tuple->name : "");
	text_add(t, ": allow from ");
	text_add(t, tuple->from_nodes ? "nodes" : tg_prefix_format(&tuple->from, buf));
	text_add(t, " to ");
	text_add(t, tuple->to_nodes ? "nodes" : tg_prefix_format(&tuple->to, buf));
	text_add(t, " ");
	add_range(t, tuple->protocol, tuple->lo, tuple->hi);
	if (tuple->zone != home)
		text_printf(t, " in zone %u", tuple->zone);
}

int string_table_init(struct string_table *s, const struct tg_intern *strings)
{
	memset(s, 0, sizeof(*s));
	s->of_intern = calloc(tg_intern_count(strings), sizeof(*s->of_intern));
	if (s->of_intern == NULL || tg_vec_push(&s->v, '\0') != 0) {
		string_table_free(s);
		return -ENOMEM;
	}
	return 0;
}

void string_table_free(struct string_table *s)
{
	tg_vec_free(&s->v);
	free(s->of_intern);
	s->of_intern = NULL;
}

uint32_t string_table_add(struct string_table *s, const char *text)
{
	size_t n = strlen(text) + 1, at = s->v.n;

	if (n == 1)
		return 0;
	if (at + n >= TG_NONE || tg_vec_reserve(&s->v, at + n) != 0)
		return TG_NONE;
	memcpy(s->v.v + at, text, n);
	s->v.n += n;
	return (uint32_t)at;
}

uint32_t string_table_intern(
	struct string_table *s, const struct tg_intern *strings, uint32_t string)
{
	if (string != 0 && s->of_intern[string] == 0) {
		uint32_t at = string_table_add(s, tg_intern_text(strings, string));

		if (at == TG_NONE)
			return TG_NONE;
		s->of_intern[string] = at;
	}
	return s->of_intern[string];
}
