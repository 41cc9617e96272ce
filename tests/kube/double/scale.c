/* SPDX-License-Identifier: BSD-3-Clause */
#include "scale.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "gen.h"
#include "internal.h"
#include "render.h"
#include "rng.h"

#define RESERVE 32u /* addresses a node that no pod has at first */
#define STEP_MS 1u

struct scale {
	struct kube_double *d;
	struct tg_gen *gen;
	const struct tg_cluster *cluster;
	struct kind *pods;
	VEC(struct entry *) live;
	VEC(uint32_t) free; /* addresses, a queue from `first` on */
	size_t first;
	struct tg_rng rng;
	uint32_t named, relabelled, turn;
	uint64_t changes, wanted, began; /* of the churn: made, to make, and uv_now at its start */
	uint32_t per_second;
	uint64_t base; /* changes made before it began */
	uv_timer_t timer;
};

static struct entry *write_made(
	struct scale *scale, const char *resource, uint32_t ns, const char *name, struct made made)
{
	struct kube_double *d = scale->d;
	struct tg_intern *strings = scale->cluster->strings;
	struct made *copy = xzalloc(sizeof(*copy));

	made.cluster = scale->cluster;
	*copy = made;
	return store_write(&d->store, store_kind(&d->store, resource),
		ns != 0 ? tg_intern_text(strings, ns) : NULL, name, NULL, 0, copy)
		->entry;
}

static struct entry *write_pod(struct scale *scale, const struct tg_pod *pod,
	const struct tg_pod *look, const char *name, uint32_t address, uint32_t version)
{
	return write_made(scale, "pods", pod->ns, name,
		(struct made){.render = render_pod,
			.object = pod,
			.look = look,
			.address = address,
			.serial = version});
}

static void fill_rest(struct scale *scale)
{
	const struct tg_cluster *cluster = scale->cluster;
	const struct tg_intern *strings = cluster->strings;

	for (size_t i = 0; i < cluster->n_namespaces; i++)
		write_made(scale, "namespaces", 0,
			tg_intern_text(strings, cluster->namespaces[i]->name),
			(struct made){
				.render = render_namespace, .object = cluster->namespaces[i]});
	for (size_t i = 0; i < cluster->n_nodes; i++)
		write_made(scale, "nodes", 0, tg_intern_text(strings, cluster->nodes[i]->name),
			(struct made){.render = render_node, .object = cluster->nodes[i]});
	for (size_t i = 0; i < cluster->n_services; i++) {
		const struct tg_service *service = cluster->services[i];

		write_made(scale, "services", service->ns, tg_intern_text(strings, service->name),
			(struct made){.render = render_service, .object = service});
	}
	for (size_t i = 0; i < cluster->n_policies; i++) {
		const struct tg_policy *policy = cluster->policies[i];

		write_made(scale, "networkpolicies", policy->ns,
			tg_intern_text(strings, policy->name),
			(struct made){.render = render_policy, .object = policy});
	}
}

static void fill_pods(struct scale *scale)
{
	const struct tg_cluster *cluster = scale->cluster;

	for (size_t i = 0; i < cluster->n_pods; i++) {
		const struct tg_pod *pod = cluster->pods[i];

		vec_push(&scale->live,
			write_pod(scale, pod, pod, tg_intern_text(cluster->strings, pod->name),
				tg_addr_v4(&pod->addrs[0]), 0));
	}
}

/* A node's highest host numbers, as far as no pod has them. */
static void fill_reserve(struct scale *scale)
{
	const struct tg_cluster *cluster = scale->cluster;
	uint8_t *highest = xzalloc(cluster->n_nodes);
	uint32_t first = tg_addr_v4(&cluster->nodes[0]->pod_cidrs[0].addr);

	for (size_t i = 0; i < cluster->n_pods; i++) {
		uint32_t at = tg_addr_v4(&cluster->pods[i]->addrs[0]) - first;

		if ((at & 255) > highest[at >> 8])
			highest[at >> 8] = (uint8_t)at;
	}
	for (uint32_t i = 0; i < cluster->n_nodes; i++)
		for (uint32_t host = 254; host > highest[i] && host > 254 - RESERVE; host--)
			vec_push(&scale->free, first + (i << 8) + host);
	free(highest);
}

struct scale *scale_create(struct kube_double *d, uint32_t pods, uint32_t policies)
{
	struct scale *scale = xzalloc(sizeof(*scale));
	struct tg_gen_shape shape;

	tg_gen_shape_of(&shape, pods, policies);
	scale->gen = tg_gen_create(&shape);
	if (scale->gen == NULL) {
		free(scale);
		return NULL;
	}
	scale->d = d;
	scale->cluster = tg_gen_cluster(scale->gen);
	scale->pods = store_kind(&d->store, "pods");
	scale->rng.state = 1;
	fill_rest(scale);
	fill_pods(scale);
	fill_reserve(scale);
	uv_timer_init(d->loop, &scale->timer);
	scale->timer.data = scale;
	double_compact(d, 0);
	return scale;
}

static void timer_closed(uv_handle_t *handle)
{
	struct scale *scale = handle->data;

	tg_gen_free(scale->gen);
	free(scale->live.v);
	free(scale->free.v);
	free(scale);
}

void scale_free(struct scale *scale)
{
	if (scale != NULL)
		uv_close((uv_handle_t *)&scale->timer, timer_closed);
}

static size_t any(struct scale *scale)
{
	return tg_rng_below(&scale->rng, (uint32_t)scale->live.n);
}

static const struct made *made_of(const struct entry *entry)
{
	return entry->newest->made;
}

static void erase(struct scale *scale, size_t i)
{
	store_erase(&scale->d->store, scale->pods, scale->live.v[i]);
	scale->live.v[i] = scale->live.v[--scale->live.n];
}

/* Another pod of that one's app. */
static void create(struct scale *scale, const struct tg_pod *pod, uint32_t address)
{
	const char *like = tg_intern_text(scale->cluster->strings, pod->name);
	const char *dash = strrchr(like, '-');
	char *name = xprintf("%.*s-n%u",
		(int)(dash != NULL ? dash - like : (ptrdiff_t)strlen(like)), like, ++scale->named);

	vec_push(&scale->live, write_pod(scale, pod, pod, name, address, 0));
	free(name);
}

static void replace(struct scale *scale)
{
	size_t i = any(scale);
	const struct tg_pod *pod = made_of(scale->live.v[i])->object;
	uint32_t was = made_of(scale->live.v[i])->address;
	uint32_t address = scale->first < scale->free.n ? scale->free.v[scale->first++] : was;

	if (address != was)
		vec_push(&scale->free, was);
	erase(scale, i);
	create(scale, pod, address);
}

static void move_address(struct scale *scale)
{
	size_t i = any(scale);
	const struct tg_pod *from = made_of(scale->live.v[i])->object, *to = from;
	uint32_t address = made_of(scale->live.v[i])->address;

	while (to->ns == from->ns)
		to = scale->cluster
			     ->pods[tg_rng_below(&scale->rng, (uint32_t)scale->cluster->n_pods)];
	erase(scale, i);
	create(scale, to, address);
}

/* A pod of the same namespace: pods of one are next to each other. */
static const struct tg_pod *neighbour(struct scale *scale, const struct tg_pod *pod)
{
	uint32_t at = tg_rng_below(&scale->rng, (uint32_t)scale->cluster->n_pods);

	for (size_t i = 0; i < scale->cluster->n_pods; i++) {
		const struct tg_pod *other =
			scale->cluster->pods[(at + i) % scale->cluster->n_pods];

		if (other->ns == pod->ns)
			return other;
	}
	return pod;
}

static void relabel(struct scale *scale)
{
	struct entry *entry = scale->live.v[any(scale)];
	const struct made *made = made_of(entry);
	const struct tg_pod *pod = made->object, *look = made->look;
	uint32_t version = ++scale->relabelled;

	if (version % 4 == 0)
		look = neighbour(scale, pod);
	write_pod(scale, pod, look, entry->name, made->address, version);
}

void scale_churn(struct scale *scale, uint32_t n)
{
	static void (*const turns[])(struct scale *) = {replace, move_address, relabel};

	for (uint32_t i = 0; i < n; i++)
		turns[scale->turn++ % 3](scale);
	scale->changes += n;
	double_kick(scale->d);
}

static void step(uv_timer_t *timer)
{
	struct scale *scale = timer->data;
	uint64_t elapsed = uv_now(scale->d->loop) - scale->began;
	uint64_t due = elapsed * scale->per_second / 1000, made = scale->changes - scale->base;

	if (due > scale->wanted)
		due = scale->wanted;
	if (due > made)
		scale_churn(scale, (uint32_t)(due - made));
	if (due == scale->wanted)
		uv_timer_stop(timer);
}

void scale_churn_start(struct scale *scale, uint32_t per_second, uint32_t seconds)
{
	uv_update_time(scale->d->loop);
	scale->began = uv_now(scale->d->loop);
	scale->base = scale->changes;
	scale->per_second = per_second;
	scale->wanted = (uint64_t)per_second * seconds;
	uv_timer_start(&scale->timer, step, STEP_MS, STEP_MS);
}

void scale_churn_stop(struct scale *scale)
{
	uv_timer_stop(&scale->timer);
}

bool scale_churning(const struct scale *scale, uint64_t *changes)
{
	*changes = scale->changes;
	return uv_is_active((const uv_handle_t *)&scale->timer);
}

static int by_text(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static void put_labels(const struct made *made, struct buf *out)
{
	const struct tg_pod *look = made->look;
	const struct tg_cluster *cluster = made->cluster;
	char *texts[16], buf[16];
	uint32_t n = look->labels.n < 16 ? look->labels.n : 16;

	for (uint32_t i = 0; i < n; i++)
		texts[i] = xprintf("%s=%s", tg_intern_text(cluster->strings, look->labels.v[i].key),
			render_label(made, i, buf));
	qsort(texts, n, sizeof(texts[0]), by_text);
	for (uint32_t i = 0; i < n; i++) {
		buf_printf(out, "%s%s", i > 0 ? "," : " ", texts[i]);
		free(texts[i]);
	}
}

static void put_pod(const struct revision *revision, struct buf *out)
{
	const struct made *made = revision->made;
	struct tg_addr addrs[2];
	char text[TG_ADDR_TEXT];
	uint32_t n = render_addresses(made, addrs);

	buf_printf(out, "%s/%s", revision->entry->bucket->ns, revision->entry->name);
	for (uint32_t i = 0; i < n; i++)
		buf_printf(out, "%s%s", i > 0 ? "," : " ", tg_addr_format(&addrs[i], text));
}

void scale_state(const struct scale *scale, struct buf *out)
{
	struct place place = {0};
	const struct revision *revision;

	while ((revision = store_next(scale->pods, NULL, scale->d->store.revision, &place)) !=
		NULL) {
		const struct made *made = revision->made;
		const struct tg_node *node = render_node_of(scale->cluster, made->address);

		put_pod(revision, out);
		put_labels(made, out);
		buf_printf(out, " %s\n", tg_intern_text(scale->cluster->strings, node->name));
	}
	place_free(&place);
}

void scale_changes(const struct scale *scale, uint64_t since, struct buf *out)
{
	for (size_t i = store_log_after(scale->pods, since); i < scale->pods->log.n; i++) {
		const struct revision *revision = scale->pods->log.v[i];

		buf_printf(out, "%llu %llu %s ", (unsigned long long)revision->rv,
			(unsigned long long)revision->at,
			revision->deleted		    ? "DELETED"
			: revision_before(revision) != NULL ? "MODIFIED"
							    : "ADDED");
		put_pod(revision, out);
		buf_text(out, "\n");
	}
}
