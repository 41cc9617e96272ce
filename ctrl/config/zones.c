/* SPDX-License-Identifier: BSD-3-Clause */
#include "zones.h"

#include <errno.h>

void tg_config_read_zone(
	struct tg_reader *reader, const struct tg_at *at, struct tg_zone_options *out)
{
	int64_t zone = out->zone;

	tg_read_int(reader, at, 0, UINT16_MAX, &zone);
	out->zone = (uint16_t)zone;
}

int tg_config_read_pod_ranges(
	struct tg_reader *reader, const struct tg_at *at, struct tg_zone_options *out)
{
	struct tg_prefix *ranges;
	size_t i = 0;

	if (!tg_read_list(reader, at))
		return 0;
	ranges = tg_arena_calloc(reader->arena, at->value->n + 1, sizeof(*ranges));
	if (ranges == NULL)
		return -ENOMEM;
	for (const struct tg_value *v = tg_at_first(at); v != NULL; v = v->next, i++) {
		struct tg_at item = tg_at_item(at, v, i);
		const char *text = "";

		tg_read_string(reader, &item, &text);
		if (tg_prefix_parse(text, &ranges[i]) != 0)
			tg_reader_problem(reader, &item,
				"expected a CIDR such as 10.244.0.0/16, not \"%s\"", text);
	}
	out->pod_ranges = ranges;
	out->n_pod_ranges = i;
	return 0;
}

int tg_config_read_node_addresses(
	struct tg_reader *reader, const struct tg_at *at, struct tg_zone_options *out)
{
	struct tg_addr *addrs;
	size_t i = 0;

	if (!tg_read_list(reader, at))
		return 0;
	addrs = tg_arena_calloc(reader->arena, at->value->n + 1, sizeof(*addrs));
	if (addrs == NULL)
		return -ENOMEM;
	for (const struct tg_value *v = tg_at_first(at); v != NULL; v = v->next, i++) {
		struct tg_at item = tg_at_item(at, v, i);
		const char *text = "";

		tg_read_string(reader, &item, &text);
		if (tg_addr_parse(text, &addrs[i]) != 0)
			tg_reader_problem(reader, &item, "expected an address, not \"%s\"", text);
	}
	out->node_addrs = addrs;
	out->n_node_addrs = i;
	return 0;
}
