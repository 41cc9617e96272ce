/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Random pods that come, go, move and change: a ruleset with the entries that deltas made of it
 * always judges as the whole cluster compiled anew does. Every pod that comes has names of its own,
 * and strings are swept now and then, with their numbers given to others at once. The seed is
 * printed; SEED=N repeats it.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "builder.h"
#include "deltas.h"
#include "image.h"

#define PODS 24
#define ADDRESSES 32 /* 10.0.0.0 and on: more than pods, so that some are free */
#define STEPS 400

static const char *const apps[] = {"web", "api", "db"};
static const char *const nodes[] = {"n1", "n2"};

static const char cluster_text[] =
	"apiVersion: v1\nkind: Node\nmetadata: {name: n1}\n"
	"spec: {podCIDR: 10.0.0.0/27}\n"
	"status: {addresses: [{type: InternalIP, address: 192.0.2.1}]}\n"
	"---\napiVersion: v1\nkind: Node\nmetadata: {name: n2}\n"
	"status: {addresses: [{type: InternalIP, address: 192.0.2.2}]}\n"
	"---\napiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\n"
	"metadata: {namespace: a, name: web}\n"
	"spec:\n  podSelector: {matchLabels: {app: web}}\n"
	"  ingress:\n  - from: [{podSelector: {matchLabels: {app: api}}}]\n"
	"  - from: [{ipBlock: {cidr: 10.0.0.0/28, except: [10.0.0.4/30]}}]\n"
	"    ports: [{port: 80}]\n"
	"---\napiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\n"
	"metadata: {namespace: b, name: all}\n"
	"spec:\n  podSelector: {}\n  policyTypes: [Ingress, Egress]\n"
	"  egress: [{to: [{namespaceSelector: {}, podSelector: {matchLabels: {app: web}}}],"
	" ports: [{port: http}]}]\n";

struct pod_state {
	int address; /* -1: there is no such pod */
	unsigned int app, node, http;
	unsigned int life; /* another one: another pod */
};

struct fixture {
	struct tg_store *store;
	struct tg_compiler *compiler;
	struct tg_deltas *deltas;
	struct tg_hold *hold;	      /* until the deltas have it */
	struct tg_store *other_store; /* the same files, with strings that are never swept */
	struct tg_target *target;
	struct pod_state pods[PODS];
	unsigned int seed;
	uint64_t generation;
	size_t applied, compiled, swept;
	unsigned int serial;
};

static unsigned int pick(struct fixture *f, unsigned int n)
{
	return (unsigned int)rand_r(&f->seed) % n;
}

static void write_pod(struct fixture *f, unsigned int i)
{
	const struct pod_state *p = &f->pods[i];
	char file[32], text[256];

	snprintf(file, sizeof(file), "p%u.endpoints", i);
	if (p->address < 0) {
		tg_store_remove(f->store, file);
		tg_store_remove(f->other_store, file);
		return;
	}
	snprintf(text, sizeof(text), "%s/p%u-%u 10.0.0.%d app=%s,hash=h%u http=%u/TCP node=%s\n",
		i & 1 ? "a" : "b", i, p->life, p->address, apps[p->app], p->life, 8000 + p->http,
		nodes[p->node]);
	assert_int_equal(tg_store_load(f->store, file, text, strlen(text)), 0);
	assert_int_equal(tg_store_load(f->other_store, file, text, strlen(text)), 0);
}

static void change_pod(struct fixture *f)
{
	unsigned int i = pick(f, PODS);
	struct pod_state *p = &f->pods[i];

	if (pick(f, 3) == 0)
		p->life = ++f->serial;
	switch (pick(f, 4)) {
	case 0:
		p->address = -1;
		break;
	case 1:
		p->app = pick(f, 3);
		break;
	case 2:
		p->http = pick(f, 2);
		p->node = pick(f, 2);
		break;
	default:
		p->address = (int)pick(f, ADDRESSES);
		break;
	}
	write_pod(f, i);
}

/* Sweeps, and gives the numbers that came free to other strings, some of which are new labels. */
static void sweep(struct fixture *f)
{
	struct tg_intern *strings = tg_store_strings(f->store);
	uint32_t n = tg_intern_count(strings);
	char text[32];

	assert_int_equal(tg_store_sweep(f->store), 0);
	f->swept += tg_intern_used(strings) < n;
	for (unsigned int i = 0; tg_intern_used(strings) < n; i++) {
		snprintf(text, sizeof(text), "h%u", f->serial + 1 + i);
		tg_intern_id(strings, text);
	}
}

/* The cluster as it is, from the other store and with a compiler of its own for `fresh`. */
static struct tg_compiled *compile_now(struct fixture *f, bool fresh)
{
	struct tg_store *store = fresh ? f->other_store : f->store;
	struct tg_compiler *own = fresh ? tg_compiler_create() : NULL;
	const struct tg_compile_options options = {.generation = ++f->generation};
	struct tg_view *view = tg_store_view(store);
	struct tg_compiled *compiled;
	char error[256];

	assert_int_equal(tg_compile(own != NULL ? own : f->compiler, &view->cluster, &options,
				 &compiled, error, sizeof(error)),
		0);
	if (!fresh)
		f->hold = tg_store_hold(store);
	tg_view_release(store, view);
	if (own != NULL)
		tg_compiler_free(own);
	return compiled;
}

static void start_over(struct fixture *f)
{
	struct tg_compiled *compiled = compile_now(f, false);
	const void *image;
	size_t size;

	if (f->target != NULL) {
		tg_deltas_free(f->deltas);
		tg_target_unref(f->target);
	}
	image = tg_compiled_image(compiled, &size);
	assert_int_equal(tg_target_create(image, size, &f->target), 0);
	assert_int_equal(tg_deltas_create(compiled, f->hold, &f->deltas), 0);
	f->compiled++;
}

static int by_address(const void *a, const void *b)
{
	const struct tg_image_addr4 *x = a, *y = b;

	return x->addr < y->addr ? -1 : x->addr > y->addr;
}

/* The target's image with its log applied to the exact addresses. */
static void *merged(const struct tg_target *target, size_t *size)
{
	struct tg_image_addr4 addr4[512];
	struct tg_image_error bad;
	struct tg_image im;
	size_t n;
	void *out;

	assert_int_equal(tg_image_check(target->image, target->size, &im, &bad), 0);
	assert_true(im.n_addr4 < 256);
	memcpy(addr4, im.addr4, im.n_addr4 * sizeof(*addr4));
	n = im.n_addr4;
	for (size_t i = 0; i < target->n_log; i++) {
		const struct tg_classmap_entry *e = &target->log[i];
		uint32_t addr = (uint32_t)e->addr[0] << 24 | (uint32_t)e->addr[1] << 16 |
				(uint32_t)e->addr[2] << 8 | e->addr[3];
		size_t at = 0;

		assert_int_equal(e->family, 4);
		while (at < n && addr4[at].addr != addr)
			at++;
		if (e->cls == TG_NONE) {
			if (at < n)
				addr4[at] = addr4[--n];
			continue;
		}
		addr4[at] = (struct tg_image_addr4){.addr = addr, .cls = e->cls, .node = e->node};
		n += at == n;
	}
	qsort(addr4, n, sizeof(*addr4), by_address);
	{
		const struct tg_image_parts parts = {
			.addr4 = addr4,
			.n_addr4 = n,
			.addr6 = im.addr6,
			.n_addr6 = im.n_addr6,
			.prefix4 = im.prefix4,
			.n_prefix4 = im.n_prefix4,
			.prefix6 = im.prefix6,
			.n_prefix6 = im.n_prefix6,
			.classes = im.classes,
			.n_classes = im.n_classes,
			.cells = im.cells,
			.n_cells = im.n_cells,
			.programs = im.programs,
			.n_programs = im.n_programs,
			.steps = im.steps,
			.n_steps = im.n_steps,
			.exts = im.exts,
			.n_exts = im.n_exts,
			.rules = im.rules,
			.n_rules = im.n_rules,
			.strings = im.strings,
			.n_strings = im.n_strings,
			.generation = 1,
			.n_rows = im.header->n_rows,
			.n_columns = im.header->n_columns,
			.slot_limit = im.header->slot_limit,
		};

		assert_int_equal(tg_image_build(&parts, &out, size), 0);
	}
	return out;
}

static void compare(struct fixture *f, const struct tg_image *is, const struct tg_image *should,
	unsigned int seed, int step)
{
	static const uint16_t ports[] = {80, 8000, 8001};
	struct tg_image_answer a, b;
	struct tg_image_query q = {.protocol = 6};

	for (unsigned int s = 0; s < ADDRESSES + 2; s++) {
		for (unsigned int d = 0; d < ADDRESSES + 2; d++) {
			/* beyond the pods: a node and the world */
			q.src = tg_addr_from_v4(s < ADDRESSES	 ? 0x0a000000 + s
						: s == ADDRESSES ? 0xc0000201
								 : 0x08080808);
			q.dst = tg_addr_from_v4(d < ADDRESSES	 ? 0x0a000000 + d
						: d == ADDRESSES ? 0xc0000201
								 : 0x08080808);
			q.dport = ports[(s + d + (unsigned int)step) % 3];
			tg_image_judge(is, &q, &a);
			tg_image_judge(should, &q, &b);
			if (a.action != b.action ||
				tg_verdict_action(a.side[0].verdict) !=
					tg_verdict_action(b.side[0].verdict) ||
				tg_verdict_action(a.side[1].verdict) !=
					tg_verdict_action(b.side[1].verdict))
				fail_msg("SEED=%u step %d: %u -> %u port %u: %d instead of %d",
					seed, step, s, d, q.dport, (int)a.action, (int)b.action);
		}
	}
}

static void check_step(struct fixture *f, unsigned int seed, int step)
{
	struct tg_compiled *fresh = compile_now(f, true);
	struct tg_image_error bad;
	struct tg_image is, should;
	size_t size;
	void *image = merged(f->target, &size);
	const void *whole;

	assert_int_equal(tg_image_check(image, size, &is, &bad), 0);
	whole = tg_compiled_image(fresh, &size);
	assert_int_equal(tg_image_check(whole, size, &should, &bad), 0);
	compare(f, &is, &should, seed, step);
	tg_compiled_free(fresh);
	free(image);
}

static void take(struct fixture *f)
{
	struct tg_changes *changes = tg_store_take_changes(f->store);
	int err = 0;

	assert_non_null(changes);
	if (!changes->other)
		err = tg_deltas_apply(f->deltas, changes->pods, changes->n_pods, f->target);
	if (!changes->other && err == 0)
		f->applied++;
	if (changes->other || err == -ENOENT)
		start_over(f);
	else
		assert_int_equal(err, 0);
	tg_changes_release(f->store, changes);
}

static void deltas_judge_as_a_compilation_would(void **state)
{
	const char *given = getenv("SEED");
	unsigned int seed = given != NULL ? (unsigned int)strtoul(given, NULL, 10)
					  : (unsigned int)getpid();
	struct fixture *f = calloc(1, sizeof(*f));

	assert_non_null(f);
	f->seed = seed;
	printf("SEED=%u\n", seed);
	f->store = tg_store_create();
	f->other_store = tg_store_create();
	f->compiler = tg_compiler_create();
	assert_int_equal(
		tg_store_load(f->store, "cluster.yaml", cluster_text, strlen(cluster_text)), 0);
	assert_int_equal(
		tg_store_load(f->other_store, "cluster.yaml", cluster_text, strlen(cluster_text)),
		0);
	for (unsigned int i = 0; i < PODS; i++) {
		f->pods[i] = (struct pod_state){(int)i, pick(f, 3), pick(f, 2), pick(f, 2), 0};
		write_pod(f, i);
	}
	tg_changes_release(f->store, tg_store_take_changes(f->store));
	start_over(f);
	for (int step = 0; step < STEPS; step++) {
		for (unsigned int n = pick(f, 3) + 1; n > 0; n--)
			change_pod(f);
		take(f);
		if (pick(f, 4) == 0)
			sweep(f);
		check_step(f, seed, step);
	}
	printf("%zu batches by deltas, %zu compilations, %zu sweeps\n", f->applied, f->compiled,
		f->swept);
	/* Both ways were taken: neither is an excuse for the other. */
	assert_true(f->applied > STEPS / 20);
	assert_true(f->compiled > STEPS / 20);
	assert_true(f->swept > STEPS / 20);
	tg_deltas_free(f->deltas);
	tg_target_unref(f->target);
	tg_compiler_free(f->compiler);
	tg_store_free(f->store);
	tg_store_free(f->other_store);
	free(f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(deltas_judge_as_a_compilation_would),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
