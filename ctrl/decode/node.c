/* SPDX-License-Identifier: BSD-3-Clause */
/* v1 Node. */
#include <string.h>

#include "decoder.h"

static void decode_node_address(struct decoder *d, const struct tg_at *at, struct addr_list *list)
{
	struct tg_at type = tg_at_field(at, "type"), address = tg_at_field(at, "address");
	const char *text;

	if (!tg_read_string(&d->reader, &type, &text))
		return;
	if (strcmp(text, "InternalIP") == 0 || strcmp(text, "ExternalIP") == 0)
		decode_addr(d, &address, list);
}

static struct addr_list decode_node_addresses(struct decoder *d, const struct tg_at *object)
{
	struct tg_at status = tg_at_field(object, "status");
	struct tg_at addresses = tg_at_field(&status, "addresses");
	struct addr_list list = {0};
	size_t i = 0;

	if (!tg_read_list(&d->reader, &addresses))
		return list;
	list = decoder_addr_list(d, addresses.value->n);
	for (const struct tg_value *v = addresses.value->first; v != NULL; v = v->next, i++) {
		struct tg_at item = tg_at_item(&addresses, v, i);

		decode_node_address(d, &item, &list);
	}
	return list;
}

static bool decode_range(struct decoder *d, const struct tg_at *at, struct tg_prefix *out)
{
	const char *text;

	if (!tg_read_string(&d->reader, at, &text) || text[0] == '\0')
		return false;
	if (tg_prefix_parse(text, out) == 0)
		return true;
	tg_reader_problem(&d->reader, at, "an address range is expected, not \"%s\"", text);
	return false;
}

/* spec.podCIDRs, else spec.podCIDR. */
static void decode_pod_ranges(struct decoder *d, const struct tg_at *object, struct tg_node *node)
{
	struct tg_at spec = tg_at_field(object, "spec");
	struct tg_at many = tg_at_field(&spec, "podCIDRs"), one = tg_at_field(&spec, "podCIDR");
	bool listed = tg_read_list(&d->reader, &many) && many.value->n != 0;
	struct tg_prefix *ranges = decoder_alloc(d, listed ? many.value->n : 1, sizeof(*ranges));
	size_t i = 0;

	if (ranges == NULL)
		return;
	if (!listed && decode_range(d, &one, &ranges[0]))
		node->n_pod_cidrs = 1;
	for (const struct tg_value *v = listed ? many.value->first : NULL; v != NULL; v = v->next) {
		struct tg_at item = tg_at_item(&many, v, i++);

		if (decode_range(d, &item, &ranges[node->n_pod_cidrs]))
			node->n_pod_cidrs++;
	}
	node->pod_cidrs = ranges;
}

void decode_node(struct decoder *d, const struct tg_at *object)
{
	struct tg_node *node = decoder_alloc(d, 1, sizeof(*node));
	struct addr_list addrs;
	struct metadata meta;

	if (node == NULL)
		return;
	decode_metadata(d, object, false, &meta);
	addrs = decode_node_addresses(d, object);
	decode_pod_ranges(d, object, node);
	node->name = decoder_scoped(d, meta.name);
	node->labels = meta.labels;
	node->addrs = addrs.v;
	node->n_addrs = addrs.n;
	node->zone = d->scope.zone;
	node->place = decoder_place(d, object);
	if (tg_vec_push(&d->out->nodes, node) != 0)
		d->no_memory = true;
}
