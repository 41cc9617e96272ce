/* SPDX-License-Identifier: BSD-3-Clause */
/* v1 Pod. */
#include <string.h>

#include "decoder.h"
#include "syntax.h"

struct port_list {
	struct tg_named_port *v;
	uint32_t n, cap;
};

/* A sidecar is an init container with restartPolicy Always. */
static bool is_sidecar(struct decoder *d, const struct tg_at *container)
{
	struct tg_at at = tg_at_field(container, "restartPolicy");
	const char *text;

	return tg_read_string(&d->reader, &at, &text) && strcmp(text, "Always") == 0;
}

/* Ports without a name are of no consequence. */
static void decode_container_port(
	struct decoder *d, const struct tg_at *port, struct port_list *list)
{
	struct tg_at number = tg_at_field(port, "containerPort");
	struct tg_at protocol = tg_at_field(port, "protocol");
	struct tg_named_port named = {.name = decode_string_field(d, port, "name")};
	int64_t value;

	if (named.name == 0 || !tg_read_int(&d->reader, &number, 1, UINT16_MAX, &value))
		return;
	named.number = (uint16_t)value;
	named.protocol = decode_protocol(d, &protocol);
	if (list->n < list->cap)
		list->v[list->n++] = named;
}

static void decode_container_ports(
	struct decoder *d, const struct tg_at *container, struct port_list *list)
{
	struct tg_at ports = tg_at_field(container, "ports");
	size_t i = 0;

	if (!tg_read_list(&d->reader, &ports))
		return;
	for (const struct tg_value *v = ports.value->first; v != NULL; v = v->next, i++) {
		struct tg_at item = tg_at_item(&ports, v, i);

		decode_container_port(d, &item, list);
	}
}

static void decode_containers(
	struct decoder *d, const struct tg_at *containers, bool init, struct port_list *list)
{
	size_t i = 0;

	if (!tg_read_list(&d->reader, containers))
		return;
	for (const struct tg_value *v = containers->value->first; v != NULL; v = v->next, i++) {
		struct tg_at item = tg_at_item(containers, v, i);

		if (!init || is_sidecar(d, &item))
			decode_container_ports(d, &item, list);
	}
}

static uint32_t count_ports(const struct tg_at *containers)
{
	uint32_t n = 0;

	for (const struct tg_value *v = tg_at_first(containers); v != NULL; v = v->next) {
		const struct tg_value *ports = tg_value_get(v, "ports");

		n += ports != NULL && ports->type == TG_VALUE_LIST ? ports->n : 0;
	}
	return n;
}

static void decode_spec(struct decoder *d, const struct tg_at *spec, struct tg_pod *pod)
{
	struct tg_at containers = tg_at_field(spec, "containers");
	struct tg_at init = tg_at_field(spec, "initContainers");
	struct tg_at host = tg_at_field(spec, "hostNetwork");
	struct port_list list = {.cap = count_ports(&containers) + count_ports(&init)};

	tg_read_map(&d->reader, spec);
	pod->node = decoder_scoped(d, decode_string_field(d, spec, "nodeName"));
	tg_read_bool(&d->reader, &host, &pod->host_network);
	if (list.cap == 0)
		return;
	list.v = decoder_alloc(d, list.cap, sizeof(*list.v));
	if (list.v == NULL)
		return;
	decode_containers(d, &containers, false, &list);
	decode_containers(d, &init, true, &list);
	pod->ports = list.v;
	pod->n_ports = list.n;
}

/* status.podIPs, else podIP. */
static struct addr_list decode_pod_addrs(struct decoder *d, const struct tg_at *status)
{
	struct tg_at many = tg_at_field(status, "podIPs"), one = tg_at_field(status, "podIP");
	bool listed = tg_read_list(&d->reader, &many) && many.value->n != 0;
	struct addr_list list = {0};
	size_t i = 0;

	if (!listed && one.value == NULL)
		return list;
	list = decoder_addr_list(d, listed ? many.value->n : 1);
	if (!listed)
		decode_addr(d, &one, &list);
	for (const struct tg_value *v = listed ? many.value->first : NULL; v != NULL; v = v->next) {
		struct tg_at item = tg_at_item(&many, v, i++), ip = tg_at_field(&item, "ip");

		decode_addr(d, &ip, &list);
	}
	return list;
}

static void decode_status(struct decoder *d, const struct tg_at *status, struct tg_pod *pod)
{
	struct tg_at phase = tg_at_field(status, "phase");
	struct addr_list addrs = {0};
	const char *text = "";

	tg_read_map(&d->reader, status);
	tg_read_string(&d->reader, &phase, &text);
	pod->finished = strcmp(text, "Succeeded") == 0 || strcmp(text, "Failed") == 0;
	addrs = decode_pod_addrs(d, status);
	/* The addresses of a finished pod may belong to another one by now. */
	pod->addrs = pod->finished ? NULL : addrs.v;
	pod->n_addrs = pod->finished ? 0 : addrs.n;
}

static bool decode_time(struct decoder *d, const struct tg_at *meta, const char *key, int64_t *out)
{
	struct tg_at at = tg_at_field(meta, key);
	const char *text;

	if (!tg_read_string(&d->reader, &at, &text))
		return false;
	if (tg_time_parse(text, out))
		return true;
	tg_reader_problem(&d->reader, &at, "an RFC 3339 time is expected, not \"%s\"", text);
	return false;
}

void decode_pod(struct decoder *d, const struct tg_at *object)
{
	struct tg_pod *pod = decoder_alloc(d, 1, sizeof(*pod));
	struct tg_at spec = tg_at_field(object, "spec"), status = tg_at_field(object, "status");
	struct metadata meta;
	int64_t deleted;

	if (pod == NULL)
		return;
	decode_metadata(d, object, true, &meta);
	pod->ns = decoder_scoped(d, meta.ns);
	pod->name = meta.name;
	pod->uid = meta.uid;
	pod->labels = meta.labels;
	pod->created_at = INT64_MIN;
	decode_time(d, &meta.at, "creationTimestamp", &pod->created_at);
	pod->terminating = decode_time(d, &meta.at, "deletionTimestamp", &deleted);
	decode_spec(d, &spec, pod);
	decode_status(d, &status, pod);
	pod->zone = d->scope.zone;
	pod->place = decoder_place(d, object);
	if (tg_vec_push(&d->out->pods, pod) != 0)
		d->no_memory = true;
}
