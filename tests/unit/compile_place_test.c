/* SPDX-License-Identifier: BSD-3-Clause */
/* Pods placed without compiling again judge as if everything had been compiled again. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <errno.h>
#include <stdlib.h>

#include <cmocka.h>

#include "cluster.h"
#include "gen.h"
#include "rng.h"
#include "vec.h"

#define TCP 6
#define ADDRS_MAX 8
#define TUPLES 400

/* An image under change: its exact addresses are copies that placements edit. */
struct edited {
	TG_VEC(struct tg_image_addr4) addr4;
	TG_VEC(struct tg_image_addr6) addr6;
	const struct tg_image *from;
};

static struct edited edit(const struct tg_image *image)
{
	struct edited e = {.from = image};

	for (uint32_t i = 0; i < image->n_addr4; i++)
		assert_int_equal(tg_vec_push(&e.addr4, image->addr4[i]), 0);
	for (uint32_t i = 0; i < image->n_addr6; i++)
		assert_int_equal(tg_vec_push(&e.addr6, image->addr6[i]), 0);
	return e;
}

static void edit_free(struct edited *e)
{
	tg_vec_free(&e->addr4);
	tg_vec_free(&e->addr6);
}

static void apply4(struct edited *e, const struct tg_placement *p)
{
	struct tg_image_addr4 entry = {
		.addr = tg_addr_v4(&p->addr), .cls = p->cls, .node = p->node};
	size_t i = 0, kept = 0;

	for (; i < e->addr4.n; i++)
		if (e->addr4.v[i].addr != entry.addr)
			e->addr4.v[kept++] = e->addr4.v[i];
	e->addr4.n = kept;
	if (p->cls == TG_NONE)
		return;
	assert_int_equal(tg_vec_push(&e->addr4, entry), 0);
	for (i = e->addr4.n - 1; i > 0 && e->addr4.v[i - 1].addr > entry.addr; i--)
		e->addr4.v[i] = e->addr4.v[i - 1];
	e->addr4.v[i] = entry;
}

static void apply6(struct edited *e, const struct tg_placement *p)
{
	struct tg_image_addr6 entry = {.cls = p->cls, .node = p->node};
	size_t i = 0, kept = 0;

	memcpy(entry.addr, p->addr.bytes, 16);
	for (; i < e->addr6.n; i++)
		if (memcmp(e->addr6.v[i].addr, entry.addr, 16) != 0)
			e->addr6.v[kept++] = e->addr6.v[i];
	e->addr6.n = kept;
	if (p->cls == TG_NONE)
		return;
	assert_int_equal(tg_vec_push(&e->addr6, entry), 0);
	for (i = e->addr6.n - 1; i > 0 && memcmp(e->addr6.v[i - 1].addr, entry.addr, 16) > 0; i--)
		e->addr6.v[i] = e->addr6.v[i - 1];
	e->addr6.v[i] = entry;
}

static void apply(struct edited *e, const struct tg_placement *places, int n)
{
	for (int i = 0; i < n; i++) {
		if (places[i].addr.family == 4)
			apply4(e, &places[i]);
		else
			apply6(e, &places[i]);
	}
}

/* The view that edited entries give: only pointers to them differ. */
static struct tg_image view(const struct edited *e)
{
	struct tg_image image = *e->from;

	image.addr4 = e->addr4.v;
	image.n_addr4 = (uint32_t)e->addr4.n;
	image.addr6 = e->addr6.v;
	image.n_addr6 = (uint32_t)e->addr6.n;
	return image;
}

static void assert_agree(const struct tg_image *a, const struct tg_image *b,
	const struct tg_gen_tuple *tuple, const struct tg_addr *src)
{
	struct tg_image_query query = {.src = tuple->src,
		.dst = tuple->dst,
		.protocol = tuple->protocol,
		.dport = tuple->dport};
	struct tg_image_answer x, y;
	char from[TG_ADDR_TEXT], to[TG_ADDR_TEXT];

	for (int swap = 0; swap < 2; swap++) {
		if (src != NULL)
			*(swap ? &query.dst : &query.src) = *src;
		if (query.src.family == query.dst.family) {
			tg_image_judge(a, &query, &x);
			tg_image_judge(b, &query, &y);
			for (int dir = 0; dir < TG_DIRECTION_COUNT; dir++)
				if (x.side[dir].verdict != y.side[dir].verdict)
					fail_msg("%s -> %s %u/%u %s: %#x placed, %#x compiled",
						tg_addr_format(&query.src, from),
						tg_addr_format(&query.dst, to), query.protocol,
						query.dport, tg_direction_label(dir),
						x.side[dir].verdict, y.side[dir].verdict);
		}
		if (src == NULL)
			return;
		query.src = tuple->dst;
	}
}

struct scene {
	struct tg_gen *gen;
	struct tg_compiler *compiler;
	struct tg_compile_options options;
	struct tg_gen_tuple tuples[TUPLES];
	TG_VEC(const struct tg_pod *) pods;
};

static struct scene scene_create(void)
{
	struct scene s = {.compiler = tg_compiler_create()};
	struct tg_gen_shape shape;

	tg_gen_shape_of(&shape, 1500, 200);
	shape.dual_stack_percent = 50;
	s.gen = tg_gen_create(&shape);
	assert_non_null(s.gen);
	s.options.generation = 1;
	s.options.home.pod_ranges = tg_gen_pod_ranges(s.gen, &s.options.home.n_pod_ranges);
	tg_gen_tuples(s.gen, 7, true, s.tuples, TUPLES);
	for (size_t i = 0; i < tg_gen_cluster(s.gen)->n_pods; i++)
		assert_int_equal(tg_vec_push(&s.pods, tg_gen_cluster(s.gen)->pods[i]), 0);
	return s;
}

static void scene_free(struct scene *s)
{
	tg_vec_free(&s->pods);
	tg_compiler_free(s->compiler);
	tg_gen_free(s->gen);
}

static struct test_ruleset scene_compile(struct scene *s)
{
	struct tg_cluster cluster = *tg_gen_cluster(s->gen);
	struct test_ruleset out;
	struct tg_image_error where;
	const void *data;
	char error[128];
	size_t size;

	cluster.pods = s->pods.v;
	cluster.n_pods = s->pods.n;
	s->options.generation++;
	assert_int_equal(
		tg_compile(s->compiler, &cluster, &s->options, &out.compiled, error, sizeof(error)),
		0);
	data = tg_compiled_image(out.compiled, &size);
	assert_int_equal(tg_image_check(data, size, &out.image, &where), 0);
	return out;
}

/* All tuples as they are, and from and to each address of the pods that moved. */
static void compare(struct scene *s, const struct edited *placed, const struct tg_pod *const *moved,
	size_t n_moved)
{
	struct test_ruleset again = scene_compile(s);
	struct tg_image image = view(placed);

	for (size_t i = 0; i < TUPLES; i++) {
		const struct tg_pod *pod = moved[i % n_moved];

		assert_agree(&image, &again.image, &s->tuples[i], NULL);
		for (uint32_t k = 0; k < pod->n_addrs; k++)
			assert_agree(&image, &again.image, &s->tuples[i], &pod->addrs[k]);
	}
	test_ruleset_free(&again);
}

static void pods_come_and_go_as_if_compiled(void **state)
{
	struct scene s = scene_create();
	struct test_ruleset first = scene_compile(&s);
	struct edited placed = edit(&first.image);
	struct tg_placement places[ADDRS_MAX];
	const struct tg_pod *moved[120];
	struct tg_rng rng = {.state = 42};
	size_t n_moved = 0;
	int n;

	for (int i = 0; i < 60; i++) {
		const struct tg_pod *pod = tg_gen_replica(s.gen, tg_rng_next(&rng));

		assert_non_null(pod);
		n = tg_compiled_place_pod(first.compiled, pod, NULL, places);
		assert_int_equal(n, pod->n_addrs);
		apply(&placed, places, n);
		assert_int_equal(tg_vec_push(&s.pods, pod), 0);
		moved[n_moved++] = pod;
	}
	for (int i = 0; i < 60; i++) {
		size_t at = tg_rng_below(&rng, (uint32_t)s.pods.n);
		const struct tg_pod *pod = s.pods.v[at];

		n = tg_compiled_vacate_pod(first.compiled, pod, NULL, places);
		assert_int_equal(n, pod->n_addrs);
		apply(&placed, places, n);
		s.pods.v[at] = s.pods.v[--s.pods.n];
		moved[n_moved++] = pod;
	}
	compare(&s, &placed, moved, n_moved);
	/* Every pod that was compiled is placed where it is. */
	for (size_t i = 0; i < tg_gen_cluster(s.gen)->n_pods; i++) {
		const struct tg_pod *pod = tg_gen_cluster(s.gen)->pods[i];

		n = tg_compiled_place_pod(first.compiled, pod, NULL, places);
		for (int k = 0; k < n; k++) {
			uint32_t node;

			assert_int_equal(tg_image_class_of(&first.image, 0, &places[k].addr, &node),
				places[k].cls);
			assert_int_equal(node, places[k].node);
		}
		assert_int_equal(n, pod->n_addrs);
	}
	edit_free(&placed);
	test_ruleset_free(&first);
	scene_free(&s);
}

#define BASE                                                         \
	"ns a\nns b\nnode n 192.168.0.1 cidr 10.0.0.0/16\n"          \
	"pod a/w 10.0.0.1 labels app=w ports http:80/TCP node n\n"   \
	"pod a/v 10.0.0.2 labels app=v\n"                            \
	"pod a/x 10.0.0.3 created 1\npod a/y 10.0.0.3 created 2\n"   \
	"pod a/s 10.0.0.4\n"                                         \
	"service a/s 10.96.0.1,10.0.0.4\n"                           \
	"policy a/p app=w\ningress from pods:app=v ports TCP/http\n" \
	"policy a/q app=v\negress to block:10.0.0.128/25 ports any\n"

static void what_cannot_be_placed_is_said(void **state)
{
	static const struct {
		const char *pod;
		int place, vacate;
	} rows[] = {
		{"pod a/n 10.0.0.9 labels app=w,hash=1 ports http:80/TCP", 1, 1},
		{"pod a/n 10.0.0.9 labels app=w ports http:80/TCP,other:1/TCP", 1, 1},
		{"pod a/n 10.0.0.9 labels app=other", 1, 1},
		{"pod a/n 10.0.0.9,10.0.0.10 labels app=v", 2, 2},
		{"pod a/n 10.0.0.9 labels app=v hostnet", 0, 0},
		{"pod a/n 10.0.0.9 labels app=v finished", 0, 0},
		{"pod a/n - labels app=v", 0, 0},
		/* Another address behind the same name, or a row that nobody has. */
		{"pod a/n 10.0.0.9 labels app=w ports http:81/TCP", -ENOENT, 1},
		{"pod a/n 10.0.0.9 labels app=w", -ENOENT, 1},
		{"pod b/n 10.0.0.9", -ENOENT, 1},
		{"pod a/n 10.0.0.130 labels app=v", -ENOENT, 1},
		{"pod a/n fd00::1 labels app=v", -ENOENT, 1},
		/* A namespace that is not known: an unknown endpoint. */
		{"pod z/n 10.0.0.9 labels app=v", 1, 1},
		{"pod z/n 172.16.0.1 labels app=v", 1, 1},
		{"pod z/n 10.0.0.130 labels app=v", 1, 1},
		/* Somebody else's address. */
		{"pod a/n 10.0.0.1 labels app=w", -EEXIST, -EEXIST},
		{"pod b/w 10.0.0.1 labels app=w", -EEXIST, -EEXIST},
		{"pod a/n 10.0.0.9,10.0.0.1 labels app=v", -EEXIST, -EEXIST},
		{"pod a/n 192.168.0.1 labels app=v", -EEXIST, -EEXIST},
		{"pod a/y 10.0.0.3 created 2", -EEXIST, -EEXIST},
		/* The same pod again, with other labels. */
		{"pod a/w 10.0.0.1 labels app=v", 1, 1},
		/* Addresses that a Service has as well. */
		{"pod a/n 10.96.0.1", 1, -ENOENT},
		{"pod a/s 10.0.0.4", 1, -ENOENT},
	};
	const struct tg_compile_options options = {.generation = 1};
	struct tg_compiler *compiler = tg_compiler_create();
	struct test_cluster *cluster = test_cluster_create(BASE);
	struct test_ruleset ruleset = test_compile(compiler, cluster, &options);

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct tg_placement places[ADDRS_MAX];
		const struct tg_pod *pod = test_cluster_extra_pod(cluster, rows[i].pod);
		int place, vacate;

		place = tg_compiled_place_pod(ruleset.compiled, pod, NULL, places);
		vacate = tg_compiled_vacate_pod(ruleset.compiled, pod, NULL, places);
		if (place != rows[i].place || vacate != rows[i].vacate)
			fail_msg("[%s]: place %d, vacate %d", rows[i].pod, place, vacate);
	}
	test_ruleset_free(&ruleset);
	test_cluster_free(cluster);
	tg_compiler_free(compiler);
}

/* Placed with other labels, the same address is another class; vacated, nobody's. */
static void placements_name_the_class(void **state)
{
	const struct tg_compile_options options = {.generation = 1};
	struct tg_compiler *compiler = tg_compiler_create();
	struct test_cluster *cluster = test_cluster_create(BASE);
	struct test_ruleset ruleset = test_compile(compiler, cluster, &options);
	const struct tg_addr w = test_addr("10.0.0.1"), v = test_addr("10.0.0.2"),
			     unknown = test_addr("10.0.0.99");
	struct tg_placement place;
	uint32_t node;

	assert_int_equal(
		tg_compiled_place_pod(ruleset.compiled,
			test_cluster_extra_pod(cluster, "pod a/w 10.0.0.1 labels app=v node n"),
			NULL, &place),
		1);
	assert_int_equal(place.cls, tg_image_class_of(&ruleset.image, 0, &v, NULL));
	tg_image_class_of(&ruleset.image, 0, &w, &node);
	assert_int_equal(place.node, node);
	assert_int_not_equal(node, TG_NONE);
	assert_int_equal(
		tg_compiled_place_pod(ruleset.compiled,
			test_cluster_extra_pod(cluster, "pod z/w 10.0.0.9 labels app=v node n"),
			NULL, &place),
		1);
	assert_int_equal(place.cls, tg_image_class_of(&ruleset.image, 0, &unknown, NULL));
	assert_int_equal(place.node, TG_NONE);
	assert_int_equal(tg_compiled_vacate_pod(ruleset.compiled,
				 test_cluster_extra_pod(cluster, "pod a/w 10.0.0.1"), NULL, &place),
		1);
	assert_int_equal(place.cls, TG_NONE);
	assert_true(memcmp(&place.addr, &w, sizeof(w)) == 0);
	test_ruleset_free(&ruleset);
	test_cluster_free(cluster);
	tg_compiler_free(compiler);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(pods_come_and_go_as_if_compiled),
		cmocka_unit_test(what_cannot_be_placed_is_said),
		cmocka_unit_test(placements_name_the_class),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
