/* SPDX-License-Identifier: BSD-3-Clause */
/* Rule slots: stable by identity, over recompilations and restarts; never two rules in one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "cluster.h"

#define PODS "ns a\nns b\npod a/w 10.0.0.1 labels app=w\npod b/w 10.0.0.2 labels app=w\n"
#define P \
	"policy a/p *\ningress from pods:app=w;block:192.0.2.0/24-192.0.2.1/32 ports TCP/80,UDP/dns\n"
#define Q "policy a/q *\ningress from ns:*+app=w|x&!y ports TCP/443\n"
#define R "policy b/r *\negress to any ports any\n"

static struct tg_compiler *compiler;

static int setup(void **state)
{
	compiler = tg_compiler_create();
	return compiler == NULL;
}

static int teardown(void **state)
{
	tg_compiler_free(compiler);
	return 0;
}

/* Compiles `text` as `generation`; the slot of `rule`. */
static uint32_t slot_in(const char *text, uint64_t generation, const char *rule)
{
	const struct tg_compile_options options = {.generation = generation};
	struct test_cluster *cluster = test_cluster_create(text);
	struct test_ruleset ruleset = test_compile(compiler, cluster, &options);
	uint32_t slot = test_slot_of(&ruleset.image, rule);

	test_ruleset_free(&ruleset);
	test_cluster_free(cluster);
	return slot;
}

/* Compiles and hands the image to a new compiler, as after a restart of ctrl. */
static void restart(const char *text, uint64_t generation)
{
	const struct tg_compile_options options = {.generation = generation};
	struct test_cluster *cluster = test_cluster_create(text);
	struct test_ruleset ruleset = test_compile(compiler, cluster, &options);
	struct tg_compiler *next = tg_compiler_create();
	const void *image;
	size_t size;

	image = tg_compiled_image(ruleset.compiled, &size);
	assert_int_equal(tg_compiler_adopt_slots(next, image, size), 0);
	test_ruleset_free(&ruleset);
	test_cluster_free(cluster);
	tg_compiler_free(compiler);
	compiler = next;
}

static void kept_when_others_come_and_go(void **state)
{
	uint32_t p = slot_in(PODS P Q, 1, "a/p[0]"), q = slot_in(PODS P Q, 2, "a/q[0]");

	assert_true(p >= TG_SLOT_FIRST && p != TG_NONE);
	assert_int_not_equal(p, q);
	assert_int_equal(slot_in(PODS Q P R, 3, "a/p[0]"), p);
	assert_int_equal(slot_in(PODS R Q, 4, "a/q[0]"), q);
	assert_int_equal(slot_in(R PODS Q P, 5, "a/q[0]"), q);
	/* It comes back before its slot went to another. */
	assert_int_equal(slot_in(PODS P Q, 6, "a/p[0]"), p);
}

static void kept_when_rules_are_reordered(void **state)
{
	static const char one[] = PODS "policy a/p *\ningress from any ports TCP/1\n"
				       "ingress from any ports TCP/2\n";
	static const char two[] = PODS "policy a/p *\ningress from any ports TCP/2\n"
				       "ingress from any ports TCP/1\n";
	uint32_t slot = slot_in(one, 1, "a/p[0]");

	assert_int_equal(slot_in(two, 2, "a/p[1]"), slot);
}

static void kept_over_a_restart(void **state)
{
	uint32_t p, q, implicit, baseline;

	restart(PODS P Q R, 1);
	p = slot_in(PODS P Q R, 2, "a/p[0]");
	implicit = slot_in(PODS P Q R, 2, "implicit a: p, q");
	baseline = slot_in(PODS P Q R, 2, "baseline b");
	q = slot_in(PODS P Q R, 3, "a/q[0]");
	/* Another order of objects gives all strings other intern numbers. */
	restart(R Q P PODS, 4);
	assert_int_equal(slot_in(Q PODS P R, 5, "a/p[0]"), p);
	assert_int_equal(slot_in(Q PODS P R, 5, "a/q[0]"), q);
	assert_int_equal(slot_in(Q PODS P R, 5, "implicit a: p, q"), implicit);
	assert_int_equal(slot_in(Q PODS P R, 5, "baseline b"), baseline);
}

static void follows_the_uid(void **state)
{
	static const char one[] = PODS "policy a/p * uid 1111\ningress from any ports any\n";
	static const char renewed[] = PODS "policy a/p * uid 2222\ningress from any ports any\n";
	uint32_t slot = slot_in(one, 1, "a/p[0]");

	assert_int_equal(slot_in(one, 2, "a/p[0]"), slot);
	assert_int_not_equal(slot_in(renewed, 3, "a/p[0]"), slot);
}

static void changes_with_what_the_rule_says(void **state)
{
	static const char *const others[] = {
		"policy a/p *\ningress from any ports TCP/81\n",
		"policy a/p *\ningress from any ports UDP/80\n",
		"policy a/p *\ningress from any ports TCP/80-81\n",
		"policy a/p *\ningress from any ports TCP/http\n",
		"policy a/p *\ningress from any ports any\n",
		"policy a/p *\ningress from pods:* ports TCP/80\n",
		"policy a/p *\ningress from ns:* ports TCP/80\n",
		"policy a/p *\ningress from ns:*+app=w ports TCP/80\n",
		"policy a/p *\ningress from ns:*+app!=w ports TCP/80\n",
		"policy a/p *\ningress from block:0.0.0.0/0 ports TCP/80\n",
		"policy a/p *\ningress from block:0.0.0.0/0-10.0.0.0/8 ports TCP/80\n",
		"policy a/p *\ningress from block:0.0.0.0/1 ports TCP/80\n",
		"policy a/q *\ningress from any ports TCP/80\n",
	};
	uint32_t seen[32], n = 0;

	seen[n++] = slot_in(PODS "policy a/p *\ningress from any ports TCP/80\n", 1, "a/p[0]");
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
		char text[512];
		uint32_t slot;

		snprintf(text, sizeof(text), "%s%s", PODS, others[i]);
		slot = slot_in(text, i + 2, strstr(text, "a/q") != NULL ? "a/q[0]" : "a/p[0]");
		for (uint32_t k = 0; k < n; k++)
			if (seen[k] == slot)
				fail_msg("[%s] has the slot of another rule", others[i]);
		seen[n++] = slot;
	}
}

static void equal_rules_have_two_slots(void **state)
{
	static const char text[] = PODS "policy a/p *\ningress from any ports TCP/1\n"
					"ingress from any ports TCP/1\n";
	uint32_t first = slot_in(text, 1, "a/p[0]"), second = slot_in(text, 2, "a/p[1]");

	assert_int_not_equal(first, second);
	assert_int_equal(slot_in(text, 3, "a/p[0]"), first);
	assert_int_equal(slot_in(text, 4, "a/p[1]"), second);
}

static void given_away_only_when_swept(void **state)
{
	uint32_t p = slot_in(PODS P, 1, "a/p[0]");

	slot_in(PODS, 2, "a/p[0]"); /* freed by generation 2 */
	assert_int_not_equal(slot_in(PODS Q, 3, "a/q[0]"), p);
	tg_compiler_slots_swept(compiler, 1);
	assert_int_not_equal(slot_in(PODS Q R, 4, "b/r[0]"), p);
	tg_compiler_slots_swept(compiler, 2);
	assert_int_equal(
		slot_in(PODS Q R "policy b/s *\negress to any ports TCP/9\n", 5, "b/s[0]"), p);
	/* It is taken now, so the rule that comes back gets another. */
	assert_int_not_equal(
		slot_in(PODS P Q R "policy b/s *\negress to any ports TCP/9\n", 6, "a/p[0]"), p);
}

static void the_gaps_of_an_adopted_image_are_not_free(void **state)
{
	uint32_t p = slot_in(PODS P Q, 1, "a/p[0]");

	restart(PODS Q, 2); /* p's slot is a gap of the image now */
	assert_int_not_equal(slot_in(PODS Q R, 3, "b/r[0]"), p);
}

static void an_error_changes_nothing(void **state)
{
	struct tg_compile_options options = {.generation = 2, .slot_capacity = TG_SLOT_FIRST + 6};
	struct test_cluster *cluster = test_cluster_create(PODS P Q R);
	uint32_t p = slot_in(PODS P, 1, "a/p[0]"), q;
	struct tg_compiled *out = NULL;
	char error[128] = "";

	/* Four baselines, three rules, two implicit denies: three too many. */
	assert_int_equal(tg_compile(compiler, test_cluster_view(cluster), &options, &out, error,
				 sizeof(error)),
		-E2BIG);
	assert_non_null(strstr(error, "slots"));
	assert_null(out);
	test_cluster_free(cluster);
	assert_int_equal(slot_in(PODS P, 3, "a/p[0]"), p);
	q = slot_in(PODS P Q, 4, "a/q[0]");
	assert_true(q >= TG_SLOT_FIRST && q != p && q != TG_NONE);
}

static void damaged_images_are_not_adopted(void **state)
{
	const struct tg_compile_options options = {.generation = 1};
	struct test_cluster *cluster = test_cluster_create(PODS P);
	struct test_ruleset ruleset = test_compile(compiler, cluster, &options);
	size_t size;
	const void *image = tg_compiled_image(ruleset.compiled, &size);
	unsigned char *copy = aligned_alloc(TG_IMAGE_ALIGN, size);

	memcpy(copy, image, size);
	copy[size / 2] ^= 1;
	assert_int_equal(tg_compiler_adopt_slots(compiler, copy, size), -EINVAL);
	assert_int_equal(tg_compiler_adopt_slots(compiler, image, size - 64), -EINVAL);
	free(copy);
	test_ruleset_free(&ruleset);
	test_cluster_free(cluster);
}

#define LIMITED "ns a x=y 5\nns b x=y 4294967295\nns c x=y\n"
#define THREE "pod a/w 10.0.0.1\npod b/w 10.0.0.2\npod c/w 10.0.0.3,fd00::3\n"

/* A number of its own, "unlimited" (b) or the default; addresses name the records in their order.
 */
static void namespaces_have_limits(void **state)
{
	struct tg_compile_options options = {.generation = 1};
	struct test_cluster *cluster = test_cluster_create(LIMITED THREE);
	const struct tg_pod *pod = test_cluster_extra_pod(cluster, "pod c/new 10.0.0.9");
	struct test_ruleset ruleset = test_compile(compiler, cluster, &options);
	uint32_t slot = test_slot_of(&ruleset.image, "namespace a 5");
	struct tg_placement place;

	assert_int_not_equal(slot, TG_NONE);
	assert_int_equal(test_slot_of(&ruleset.image, "namespace c 7"), TG_NONE);
	for (unsigned int i = 0; i < 3; i++)
		assert_int_equal(ruleset.image.addr4[i].ns, i == 0);
	test_ruleset_free(&ruleset);
	options.max_connections = 7;
	ruleset = test_compile(compiler, cluster, &options);
	assert_int_equal(test_slot_of(&ruleset.image, "namespace a 5"), slot);
	assert_int_equal(test_slot_of(&ruleset.image, "namespace c 7"), slot + 1);
	assert_int_equal(test_slot_of(&ruleset.image, "namespace b 7"), TG_NONE);
	assert_int_equal(ruleset.image.addr4[0].ns, 1);
	assert_int_equal(ruleset.image.addr4[1].ns, 0);
	assert_int_equal(ruleset.image.addr4[2].ns, 2);
	assert_int_equal(ruleset.image.addr6[0].ns, 2);
	assert_int_equal(tg_compiled_place_pod(ruleset.compiled, pod, NULL, &place), 1);
	assert_int_equal(place.ns, 2);
	test_ruleset_free(&ruleset);
	test_cluster_free(cluster);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(kept_when_others_come_and_go),
		TEST(kept_when_rules_are_reordered),
		TEST(kept_over_a_restart),
		TEST(follows_the_uid),
		TEST(changes_with_what_the_rule_says),
		TEST(equal_rules_have_two_slots),
		TEST(given_away_only_when_swept),
		TEST(the_gaps_of_an_adopted_image_are_not_free),
		TEST(an_error_changes_nothing),
		TEST(damaged_images_are_not_adopted),
		TEST(namespaces_have_limits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
