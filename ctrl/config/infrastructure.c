/* SPDX-License-Identifier: BSD-3-Clause */
#include "infrastructure.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define PORT_MAX 65535

typedef TG_VEC(struct tg_infrastructure) tuples;

static const char *const known[] = {"name", "zone", "from", "to", "protocol", "ports", NULL};

/* "nodes", a prefix, or a single address. */
static void read_side(struct tg_reader *reader, const struct tg_at *tuple, const char *key,
	bool *nodes, struct tg_prefix *prefix)
{
	struct tg_at at = tg_at_field(tuple, key);
	struct tg_addr addr;
	const char *text = NULL;

	if (at.value == NULL) {
		tg_reader_problem(reader, &at, "is required: nodes, a CIDR or an address");
		return;
	}
	if (!tg_read_string(reader, &at, &text))
		return;
	if (strcmp(text, "nodes") == 0)
		*nodes = true;
	else if (tg_addr_parse(text, &addr) == 0)
		*prefix = tg_prefix_host(&addr);
	else if (tg_prefix_parse(text, prefix) != 0)
		tg_reader_problem(
			reader, &at, "expected nodes, a CIDR or an address, not \"%s\"", text);
}

static bool has_ports(uint8_t protocol)
{
	return protocol == 6 || protocol == 17 || protocol == 132;
}

static void read_protocol(
	struct tg_reader *reader, const struct tg_at *tuple, struct tg_infrastructure *out)
{
	struct tg_at at = tg_at_field(tuple, "protocol");
	const char *text = "TCP";
	int64_t number;
	int protocol;

	if (at.value != NULL && at.value->type == TG_VALUE_NUMBER) {
		if (tg_read_int(reader, &at, 1, 255, &number))
			out->protocol = (uint8_t)number;
		return;
	}
	tg_read_string(reader, &at, &text);
	protocol = tg_protocol_parse(text);
	if (protocol < 0)
		tg_reader_problem(reader, &at,
			"expected TCP, UDP, SCTP, ICMP, ICMPv6 or a protocol number, not \"%s\"",
			text);
	else
		out->protocol = (uint8_t)protocol;
}

/* "443" or "30000-32767" */
static bool range_parse(const char *text, unsigned int *lo, unsigned int *hi)
{
	int end = 0;

	if (sscanf(text, "%5u%n", lo, &end) != 1)
		return false;
	*hi = *lo;
	if (text[end] == '-') {
		text += end + 1;
		if (sscanf(text, "%5u%n", hi, &end) != 1)
			return false;
	}
	return text[end] == '\0' && *lo >= 1 && *lo <= *hi && *hi <= PORT_MAX;
}

static bool read_range(struct tg_reader *reader, const struct tg_at *at, uint16_t *lo, uint16_t *hi)
{
	unsigned int from, to;
	const char *text = NULL;
	int64_t number;

	if (at->value != NULL && at->value->type == TG_VALUE_NUMBER) {
		if (!tg_read_int(reader, at, 1, PORT_MAX, &number))
			return false;
		*lo = *hi = (uint16_t)number;
		return true;
	}
	if (at->value == NULL)
		tg_reader_problem(reader, at, "expected a port or a range of ports");
	if (!tg_read_string(reader, at, &text))
		return false;
	if (!range_parse(text, &from, &to)) {
		tg_reader_problem(reader, at,
			"expected a port or a range such as 30000-32767, not \"%s\"", text);
		return false;
	}
	*lo = (uint16_t)from;
	*hi = (uint16_t)to;
	return true;
}

/* Tuples with several ranges are told apart by their ports: each is a rule with counters. */
static const char *range_name(struct tg_reader *reader, const char *name, uint16_t lo, uint16_t hi)
{
	if (lo == hi)
		return tg_arena_printf(reader->arena, "%s:%u", name, lo);
	return tg_arena_printf(reader->arena, "%s:%u-%u", name, lo, hi);
}

static int read_ports(struct tg_reader *reader, const struct tg_at *tuple,
	const struct tg_infrastructure *base, tuples *out)
{
	struct tg_at ports = tg_at_field(tuple, "ports"), at;
	struct tg_infrastructure one = *base;
	const struct tg_value *v;
	size_t i = 0;

	one.hi = PORT_MAX;
	if (ports.value == NULL)
		return tg_vec_push(out, one);
	if (!has_ports(base->protocol)) {
		tg_reader_problem(reader, &ports, "the protocol has no ports");
		return 0;
	}
	if (ports.value->type != TG_VALUE_LIST)
		return read_range(reader, &ports, &one.lo, &one.hi) ? tg_vec_push(out, one) : 0;
	if (ports.value->n == 0)
		tg_reader_problem(reader, &ports, "must not be empty; leave it out for all ports");
	for (v = tg_at_first(&ports); v != NULL; v = v->next, i++) {
		at = tg_at_item(&ports, v, i);
		if (!read_range(reader, &at, &one.lo, &one.hi))
			continue;
		if (ports.value->n > 1)
			one.name = range_name(reader, base->name, one.lo, one.hi);
		if (one.name == NULL || tg_vec_push(out, one) != 0)
			return -ENOMEM;
	}
	return 0;
}

static void read_name(
	struct tg_reader *reader, const struct tg_at *tuple, struct tg_infrastructure *out)
{
	struct tg_at at = tg_at_field(tuple, "name");
	const char *text = NULL;

	if (at.value == NULL)
		tg_reader_problem(reader, &at, "is required");
	if (!tg_read_string(reader, &at, &text))
		return;
	if (text[0] == '\0' || strlen(text) > 63)
		tg_reader_problem(reader, &at, "expected 1 to 63 characters");
	out->name = tg_arena_strdup(reader->arena, text);
}

static void read_zone(
	struct tg_reader *reader, const struct tg_at *tuple, struct tg_infrastructure *out)
{
	struct tg_at at = tg_at_field(tuple, "zone");
	int64_t zone = out->zone;

	tg_read_int(reader, &at, 0, UINT16_MAX, &zone);
	out->zone = (uint16_t)zone;
}

static int read_tuple(struct tg_reader *reader, const struct tg_at *at, uint16_t zone, tuples *out)
{
	struct tg_infrastructure tuple = {.name = "", .zone = zone};
	size_t before = reader->problems.n;
	struct tg_at name = tg_at_field(at, "name");

	if (at->value == NULL || !tg_read_map(reader, at)) {
		if (at->value == NULL)
			tg_reader_problem(reader, at, "expected a map");
		return 0;
	}
	tg_read_known(reader, at, known);
	read_name(reader, at, &tuple);
	read_zone(reader, at, &tuple);
	read_side(reader, at, "from", &tuple.from_nodes, &tuple.from);
	read_side(reader, at, "to", &tuple.to_nodes, &tuple.to);
	read_protocol(reader, at, &tuple);
	if (!tuple.from_nodes && !tuple.to_nodes && tuple.from.addr.family != 0 &&
		tuple.to.addr.family != 0 && tuple.from.addr.family != tuple.to.addr.family)
		tg_reader_problem(reader, at, "from and to are of different address families");
	for (size_t i = 0; i < out->n && tuple.name != NULL; i++)
		if (reader->problems.n == before && strcmp(out->v[i].name, tuple.name) == 0)
			tg_reader_problem(reader, &name, "\"%s\" is used twice", tuple.name);
	if (reader->problems.n != before)
		return 0;
	return tuple.name != NULL ? read_ports(reader, at, &tuple, out) : -ENOMEM;
}

int tg_config_read_infrastructure(
	struct tg_reader *reader, const struct tg_at *at, struct tg_compile_options *options)
{
	const struct tg_value *v;
	tuples list = {0};
	size_t i = 0;
	int err = 0;

	if (!tg_read_list(reader, at))
		return 0;
	for (v = tg_at_first(at); v != NULL && err == 0; v = v->next, i++) {
		struct tg_at item = tg_at_item(at, v, i);

		err = read_tuple(reader, &item, options->home.zone, &list);
	}
	if (err == 0 && list.n > 0) {
		options->n_infrastructure = list.n;
		options->infrastructure =
			tg_arena_memdup(reader->arena, list.v, list.n * sizeof(*list.v));
		if (options->infrastructure == NULL)
			err = -ENOMEM;
	}
	tg_vec_free(&list);
	return err;
}
