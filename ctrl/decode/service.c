/* SPDX-License-Identifier: BSD-3-Clause */
/* v1 Service: only its addresses matter. */
#include <string.h>

#include "decoder.h"

/* "None" marks a headless service. */
static void decode_service_addr(struct decoder *d, const struct tg_at *at, struct addr_list *list)
{
	const char *text;

	if (tg_read_string(&d->reader, at, &text) && strcmp(text, "None") != 0)
		decode_addr(d, at, list);
}

static void decode_addr_strings(struct decoder *d, const struct tg_at *at, struct addr_list *list)
{
	size_t i = 0;

	if (!tg_read_list(&d->reader, at))
		return;
	for (const struct tg_value *v = at->value->first; v != NULL; v = v->next, i++) {
		struct tg_at item = tg_at_item(at, v, i);

		decode_service_addr(d, &item, list);
	}
}

static void decode_ingress(struct decoder *d, const struct tg_at *at, struct addr_list *list)
{
	size_t i = 0;

	if (!tg_read_list(&d->reader, at))
		return;
	for (const struct tg_value *v = at->value->first; v != NULL; v = v->next, i++) {
		struct tg_at item = tg_at_item(at, v, i), ip = tg_at_field(&item, "ip");

		decode_service_addr(d, &ip, list);
	}
}

static uint32_t length(const struct tg_at *at)
{
	return at->value != NULL ? at->value->n : 0;
}

static struct addr_list decode_service_addrs(struct decoder *d, const struct tg_at *object)
{
	struct tg_at spec = tg_at_field(object, "spec"), status = tg_at_field(object, "status");
	struct tg_at many = tg_at_field(&spec, "clusterIPs"), one = tg_at_field(&spec, "clusterIP");
	struct tg_at external = tg_at_field(&spec, "externalIPs");
	struct tg_at balancer = tg_at_field(&status, "loadBalancer");
	struct tg_at ingress = tg_at_field(&balancer, "ingress");
	struct addr_list list =
		decoder_addr_list(d, 1 + length(&many) + length(&external) + length(&ingress));

	decode_service_addr(d, &one, &list);
	decode_addr_strings(d, &many, &list);
	decode_addr_strings(d, &external, &list);
	decode_ingress(d, &ingress, &list);
	return list;
}

void decode_service(struct decoder *d, const struct tg_at *object)
{
	struct tg_service *service = decoder_alloc(d, 1, sizeof(*service));
	struct addr_list addrs;
	struct metadata meta;

	if (service == NULL)
		return;
	decode_metadata(d, object, true, &meta);
	addrs = decode_service_addrs(d, object);
	service->ns = decoder_scoped(d, meta.ns);
	service->name = meta.name;
	service->addrs = addrs.v;
	service->n_addrs = addrs.n;
	service->zone = d->scope.zone;
	service->place = decoder_place(d, object);
	if (tg_vec_push(&d->out->services, service) != 0)
		d->no_memory = true;
}
