/* SPDX-License-Identifier: BSD-3-Clause */
#include "assertions.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "endpoint.h"
#include "selector.h"

struct context {
	struct tg_intern *strings;
	struct tg_arena *arena;
	struct tg_reader *reader;
};

static int read_text_end(
	struct context *ctx, const struct tg_at *at, const char *text, struct tg_assertion_end *out)
{
	struct tg_addr addr;

	if (strchr(text, '/') == NULL && tg_addr_parse(text, &addr) != 0)
		tg_reader_problem(
			ctx->reader, at, "'%.100s' is neither namespace/pod nor an address", text);
	out->text = tg_arena_strdup(ctx->arena, text);
	return out->text != NULL ? 0 : -ENOMEM;
}

static int read_selector(struct context *ctx, const struct tg_at *set, struct tg_assertion_end *out)
{
	struct tg_at at = tg_at_field(set, "selector");
	const char *text;
	char error[160];
	int rc;

	if (!tg_read_string(ctx->reader, &at, &text))
		return 0;
	out->selector_text = tg_arena_strdup(ctx->arena, text);
	if (out->selector_text == NULL)
		return -ENOMEM;
	rc = tg_selector_parse(
		text, ctx->strings, ctx->arena, &out->selector, error, sizeof(error));
	if (rc != -EINVAL)
		return rc;
	tg_reader_problem(ctx->reader, &at, "%s", error);
	return 0;
}

static int read_set(struct context *ctx, const struct tg_at *at, struct tg_assertion_end *out)
{
	static const char *const known[] = {"namespace", "selector", NULL};
	struct tg_at ns = tg_at_field(at, "namespace");
	const char *text;

	tg_read_known(ctx->reader, at, known);
	out->ns = UINT32_MAX;
	if (tg_read_string(ctx->reader, &ns, &text)) {
		out->ns = tg_intern_id(ctx->strings, text);
		out->ns_text = tg_arena_strdup(ctx->arena, text);
		if (out->ns == UINT32_MAX || out->ns_text == NULL)
			return -ENOMEM;
	}
	return read_selector(ctx, at, out);
}

static int read_end(struct context *ctx, const struct tg_at *assertion, const char *field,
	struct tg_assertion_end *out)
{
	struct tg_at at = tg_at_field(assertion, field);

	if (at.value == NULL) {
		tg_reader_problem(ctx->reader, &at,
			"missing: namespace/pod, an address, or {namespace, selector}");
		return 0;
	}
	if (at.value->type == TG_VALUE_STRING)
		return read_text_end(ctx, &at, at.value->text, out);
	if (at.value->type == TG_VALUE_MAP)
		return read_set(ctx, &at, out);
	tg_reader_problem(
		ctx->reader, &at, "must be namespace/pod, an address, or {namespace, selector}");
	return 0;
}

static void read_protocol(
	struct context *ctx, const struct tg_at *assertion, struct tg_assertion *out)
{
	struct tg_at at = tg_at_field(assertion, "protocol");
	int protocol = -EINVAL;
	int64_t number;

	if (at.value == NULL)
		protocol = tg_protocol_of_text("TCP");
	else if (at.value->type == TG_VALUE_STRING)
		protocol = tg_protocol_of_text(at.value->text);
	else if (tg_value_int(at.value, &number) && number >= 0 && number <= 255)
		protocol = (int)number;
	if (protocol < 0) {
		tg_reader_problem(
			ctx->reader, &at, "must be TCP, UDP, SCTP, ICMP, ICMPv6 or 0-255");
		protocol = 0;
	}
	out->protocol = (uint8_t)protocol;
}

static void read_port(struct context *ctx, const struct tg_at *assertion, struct tg_assertion *out)
{
	struct tg_at at = tg_at_field(assertion, "port");
	bool has_ports = tg_protocol_has_ports(out->protocol);
	int64_t port = 0;

	if (at.value != NULL && !has_ports)
		tg_reader_problem(ctx->reader, &at, "this protocol has no ports");
	else if (at.value == NULL && has_ports)
		tg_reader_problem(ctx->reader, &at, "missing: the destination port");
	else if (tg_read_int(ctx->reader, &at, 1, 65535, &port))
		out->port = (uint16_t)port;
}

static void read_expect(
	struct context *ctx, const struct tg_at *assertion, struct tg_assertion *out)
{
	struct tg_at at = tg_at_field(assertion, "expect");
	const char *text = "";

	if (at.value != NULL && !tg_read_string(ctx->reader, &at, &text))
		return;
	out->allow = strcmp(text, "allow") == 0;
	if (!out->allow && strcmp(text, "deny") != 0)
		tg_reader_problem(ctx->reader, &at, "must be allow or deny");
}

static const char *end_name(struct context *ctx, const struct tg_assertion_end *end)
{
	if (end->text != NULL)
		return end->text;
	return tg_arena_printf(ctx->arena, "%s/{%s}", end->ns_text != NULL ? end->ns_text : "*",
		end->selector_text != NULL ? end->selector_text : "");
}

static int read_name(struct context *ctx, const struct tg_at *assertion, struct tg_assertion *out)
{
	struct tg_at at = tg_at_field(assertion, "name");
	const char *text, *from, *to;
	char number[4];

	if (tg_read_string(ctx->reader, &at, &text)) {
		out->name = tg_arena_strdup(ctx->arena, text);
		return out->name != NULL ? 0 : -ENOMEM;
	}
	from = end_name(ctx, &out->from);
	to = end_name(ctx, &out->to);
	if (from != NULL && to != NULL)
		out->name = tg_arena_printf(ctx->arena, "%s %s %s %s/%u",
			out->allow ? "allow" : "deny", from, to,
			tg_protocol_name(out->protocol, number), out->port);
	return out->name != NULL ? 0 : -ENOMEM;
}

static int read_assertion(struct context *ctx, const struct tg_at *at, struct tg_assertion *out)
{
	static const char *const known[] = {
		"name", "from", "to", "port", "protocol", "expect", NULL};
	int rc;

	*out = (struct tg_assertion){.line = tg_at_line(at)};
	if (at->value == NULL || at->value->type != TG_VALUE_MAP) {
		tg_reader_problem(ctx->reader, at, "must be an assertion: {from, to, expect, ...}");
		return 0;
	}
	tg_read_known(ctx->reader, at, known);
	rc = read_end(ctx, at, "from", &out->from);
	if (rc == 0)
		rc = read_end(ctx, at, "to", &out->to);
	read_protocol(ctx, at, out);
	read_port(ctx, at, out);
	read_expect(ctx, at, out);
	return rc == 0 ? read_name(ctx, at, out) : rc;
}

static int read_list(struct context *ctx, const struct tg_at *list, struct tg_assertions *out)
{
	const struct tg_value *value;
	int rc = 0;

	if (list->value == NULL || !tg_read_list(ctx->reader, list)) {
		if (list->value == NULL)
			tg_reader_problem(ctx->reader, list, "missing: a list of assertions");
		return 0;
	}
	if (list->value->n > TG_ASSERTIONS_MAX) {
		tg_reader_problem(ctx->reader, list, "more than %d assertions", TG_ASSERTIONS_MAX);
		return 0;
	}
	out->v = tg_arena_calloc(ctx->arena, list->value->n + 1, sizeof(*out->v));
	if (out->v == NULL)
		return -ENOMEM;
	for (value = tg_at_first(list); value != NULL && rc == 0; value = value->next) {
		struct tg_at at = tg_at_item(list, value, out->n);

		rc = read_assertion(ctx, &at, &out->v[out->n++]);
	}
	if (out->n == 0)
		tg_reader_problem(ctx->reader, list, "no assertion in it");
	return rc;
}

static int read_document(struct context *ctx, const struct tg_tree *tree, struct tg_assertions *out)
{
	static const char *const known[] = {"assertions", NULL};
	struct tg_at root = tg_at_root(tg_tree_document(tree, 0)), list;

	if (tg_tree_count(tree) != 1 || root.value == NULL || root.value->type != TG_VALUE_MAP) {
		tg_reader_problem(ctx->reader, &root, "must be one document: {assertions: [...]}");
		return 0;
	}
	tg_read_known(ctx->reader, &root, known);
	tg_read_no_duplicates(ctx->reader, &root);
	list = tg_at_field(&root, "assertions");
	return read_list(ctx, &list, out);
}

int tg_assertions_read(const void *text, size_t size, struct tg_intern *strings,
	struct tg_arena *arena, struct tg_reader *reader, struct tg_assertions *out)
{
	struct context ctx = {strings, arena, reader};
	struct tg_tree_error error;
	struct tg_tree *tree;
	int rc = tg_tree_parse(text, size, &tree, &error);

	*out = (struct tg_assertions){0};
	if (rc == -EINVAL) {
		struct tg_value nothing = {.line = error.line};
		struct tg_at at = tg_at_root(&nothing);

		tg_reader_problem(reader, &at, "%s", error.text);
	}
	if (rc != 0)
		return rc;
	rc = tg_tree_count(tree) != 0 ? read_document(&ctx, tree, out) : -EINVAL;
	if (tg_tree_count(tree) == 0) {
		struct tg_at nowhere = {0};

		tg_reader_problem(reader, &nowhere, "the file is empty");
	}
	tg_tree_free(tree);
	return rc == 0 && tg_reader_count(reader) != 0 ? -EINVAL : rc;
}
