/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Random clusters as an API server would serve them. First as they are: the oracle and the product
 * agree. Then with one policy damaged at a random place (a member that nobody knows, a name in
 * another case, a value of another type): what is allowed now was allowed before, on each side of
 * each tuple, and the damage is reported.
 *
 *   served_property_test [--seed N] [--damages N] [--only CLUSTER]
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "decode.h"
#include "../eal.h"
#include "edges.h"
#include "model_options.h"
#include "replay.h"
#include "subject.h"
#include "trial.h"
#include "vec.h"

#define DAMAGES_DEFAULT 2400u
#define DAMAGES_FULL 2000u /* from here on a run must have seen everything */
#define DAMAGES_A_CLUSTER 12u
#define BATCH 256u

enum damage { UNKNOWN_MEMBER, OTHER_CASE, OTHER_TYPE, DAMAGE_KINDS };

static const char *const damage_names[] = {"unknown member", "other case", "other type"};

struct run {
	struct replay replay; /* of damages */
	uint64_t damages, clusters;
	/* seen */
	uint64_t by_kind[DAMAGE_KINDS], rules_lost, isolated, denied_now, allowed_still;
};

/* The cluster as it was decoded; objects by their index in the list. */
struct served {
	struct tg_scope scope;
	struct tg_intern *strings;
	struct tg_arena *arena;
	TG_VEC(const struct tg_namespace *) namespaces;
	TG_VEC(const struct tg_pod *) pods;
	TG_VEC(const struct tg_node *) nodes;
	TG_VEC(const struct tg_service *) services;
	TG_VEC(const struct tg_policy *) policies;
	TG_VEC(const cJSON *) policy_objects;
};

struct batch {
	struct oracle_tuple tuples[BATCH];
	struct oracle_answer expected[BATCH], before[BATCH], after[BATCH];
};

static const char *text_of(const cJSON *object, const char *key)
{
	const cJSON *item = cJSON_GetObjectItemCaseSensitive(object, key);

	return cJSON_IsString(item) ? item->valuestring : "";
}

static int decode(struct served *s, const cJSON *object, struct tg_decoded *out)
{
	const cJSON *metadata = cJSON_GetObjectItemCaseSensitive(object, "metadata");
	struct tg_served served = {
		.file = "lab",
		.api_version = text_of(object, "apiVersion"),
		.kind = text_of(object, "kind"),
		.ns = text_of(metadata, "namespace"),
		.name = text_of(metadata, "name"),
		.scope = s->scope,
	};
	char *text = cJSON_PrintUnformatted(object);
	int rc;

	if (text == NULL)
		abort();
	rc = tg_decode_served(&served, text, strlen(text), s->strings, s->arena, out);
	free(text);
	return rc;
}

/* Takes the one object over. */
#define TAKE(s, out, array)                                      \
	for (size_t i = 0; i < (out)->array.n; i++)              \
		if (tg_vec_push(&(s)->array, (out)->array.v[i])) \
	abort()

static int serve_object(struct served *s, const cJSON *object)
{
	struct tg_decoded out;
	int rc = decode(s, object, &out);

	if (rc == 0 && out.warnings.n != 0)
		rc = -EBADMSG;
	TAKE(s, &out, namespaces);
	TAKE(s, &out, pods);
	TAKE(s, &out, nodes);
	TAKE(s, &out, services);
	TAKE(s, &out, policies);
	if (out.policies.n != 0 && tg_vec_push(&s->policy_objects, object) != 0)
		abort();
	tg_decoded_free(&out);
	return rc;
}

static int serve(struct served *s, const struct random_cluster *cluster)
{
	const cJSON *object;
	int rc = 0;

	memset(s, 0, sizeof(*s));
	s->scope = model_options_scope(cluster, 0);
	s->strings = tg_intern_create();
	s->arena = tg_arena_create(0);
	if (s->strings == NULL || s->arena == NULL)
		return -ENOMEM;
	cJSON_ArrayForEach(object, cluster->list) if (rc == 0) rc = serve_object(s, object);
	return rc;
}

static void served_free(struct served *s)
{
	tg_vec_free(&s->namespaces);
	tg_vec_free(&s->pods);
	tg_vec_free(&s->nodes);
	tg_vec_free(&s->services);
	tg_vec_free(&s->policies);
	tg_vec_free(&s->policy_objects);
	tg_arena_free(s->arena);
	tg_intern_free(s->strings);
}

static struct tg_cluster view(const struct served *s)
{
	return (struct tg_cluster){
		.strings = s->strings,
		.namespaces = s->namespaces.v,
		.n_namespaces = s->namespaces.n,
		.pods = s->pods.v,
		.n_pods = s->pods.n,
		.nodes = s->nodes.v,
		.n_nodes = s->nodes.n,
		.services = s->services.v,
		.n_services = s->services.n,
		.policies = s->policies.v,
		.n_policies = s->policies.n,
	};
}

/* ---- damage ---- */

/* Every value below `item` and itself, but for labels: all keys of theirs are known ones. */
struct places {
	TG_VEC(cJSON *) v;
};

static bool is(const cJSON *item, const char *key)
{
	return item->string != NULL && strcmp(item->string, key) == 0;
}

static void find_places(struct places *places, cJSON *item)
{
	cJSON *child;

	if (tg_vec_push(&places->v, item) != 0)
		abort();
	cJSON_ArrayForEach(child, item) find_places(places, child);
}

/* null is no other type, as far as fields go: it is what an absent one is. */
static cJSON *other_value(const cJSON *than, struct tg_rng *rng)
{
	for (;;) {
		uint32_t kind = tg_rng_below(rng, 5);

		if (kind == 0 && !cJSON_IsString(than) && !is(than, "port"))
			return cJSON_CreateString("tcp-x");
		if (kind == 1 && !cJSON_IsNumber(than) && !is(than, "port"))
			return cJSON_CreateNumber(7);
		if (kind == 2)
			return cJSON_CreateBool(tg_rng_below(rng, 2) == 0);
		if (kind == 3 && !cJSON_IsArray(than))
			return cJSON_CreateArray();
		if (kind == 4 && !cJSON_IsObject(than))
			return cJSON_CreateObject();
	}
}

static bool put_unknown(cJSON *at, struct tg_rng *rng)
{
	static const char *const names[] = {"since", "x", "nodeSelector", "matchNames", "Kind"};
	cJSON *value = other_value(at, rng);

	if (!cJSON_IsObject(at)) {
		cJSON_Delete(value);
		return false;
	}
	/* In a map of labels another text would be another label. */
	if (cJSON_IsString(value) && is(at, "matchLabels"))
		cJSON_SetNumberHelper(value, 0), value->type = cJSON_Number;
	cJSON_AddItemToObject(at, names[tg_rng_below(rng, 5)], value);
	return true;
}

/* A member whose name nobody knows any more; what it stood for is then absent. */
static bool change_case(cJSON *at, bool is_label)
{
	if (at->string == NULL || is_label)
		return false;
	at->string[0] ^= 0x20;
	return true;
}

static bool change_type(cJSON *at, cJSON *up, struct tg_rng *rng)
{
	cJSON *value;

	/* An item that is null is none that counts, or one that means much: both are known. */
	if (up == NULL || cJSON_IsNull(at))
		return false;
	value = other_value(at, rng);
	if (at->string != NULL) {
		value->string = strdup(at->string);
		if (value->string == NULL)
			abort();
	}
	return cJSON_ReplaceItemViaPointer(up, at, value);
}

static cJSON *parent_of(cJSON *root, const cJSON *child)
{
	cJSON *item, *found = NULL;

	cJSON_ArrayForEach(item, root)
	{
		if (item == child)
			return root;
		if (found == NULL)
			found = parent_of(item, child);
	}
	return found;
}

/* Somewhere in the spec, or beside it. */
static enum damage do_damage(cJSON *policy, struct tg_rng *rng)
{
	cJSON *spec = cJSON_GetObjectItemCaseSensitive(policy, "spec");
	struct places places = {0};
	enum damage kind;
	bool done = false;

	find_places(&places, spec);
	do {
		cJSON *at = places.v.v[tg_rng_below(rng, (uint32_t)places.v.n)];
		cJSON *up = parent_of(policy, at);

		kind = (enum damage)tg_rng_below(rng, DAMAGE_KINDS);
		if (kind == UNKNOWN_MEMBER)
			done = put_unknown(at, rng);
		else if (kind == OTHER_CASE)
			done = change_case(at, is(up, "matchLabels"));
		else
			done = change_type(at, up, rng);
	} while (!done);
	tg_vec_free(&places.v);
	return kind;
}

/* ---- judging ---- */

static int complain(const struct run *run, const char *what, const char *more, const cJSON *object)
{
	char *text = cJSON_Print(object);

	printf("FAILED: %s%s; replay with --seed %llu --only %llu\n%s\n", what, more,
		(unsigned long long)run->replay.seed, (unsigned long long)run->clusters,
		text != NULL ? text : "?");
	free(text);
	return -EBADMSG;
}

static void note(struct run *run, const struct tg_policy *before, const struct tg_policy *after)
{
	bool fewer = false, none = after->pod_selector.n_reqs == 0;

	for (unsigned int i = 0; i < TG_DIRECTION_COUNT; i++) {
		fewer |= after->side[i].n_rules < before->side[i].n_rules;
		none &= after->side[i].isolates && after->side[i].n_rules == 0;
	}
	run->isolated += none;
	run->rules_lost += fewer && !none;
}

/* Nothing passes that did not before. */
static int compare(struct run *run, const struct batch *batch, const cJSON *damaged)
{
	for (size_t i = 0; i < BATCH; i++) {
		for (unsigned int dir = 0; dir < TG_DIRECTION_COUNT; dir++) {
			bool before = batch->before[i].side[dir].action != TG_ACTION_DENY;
			bool after = batch->after[i].side[dir].action != TG_ACTION_DENY;

			if (after && !before)
				return complain(run,
					"damage opens: ", batch->after[i].side[dir].reason,
					damaged);
			run->denied_now += before && !after;
			run->allowed_still += before && after;
		}
	}
	return 0;
}

static int judge_damage(struct run *run, struct subject *subject, struct served *s,
	const struct random_cluster *how, struct batch *batch, struct tg_rng *rng)
{
	size_t at = tg_rng_below(rng, (uint32_t)s->policies.n);
	const struct tg_policy *whole = s->policies.v[at];
	cJSON *damaged = cJSON_Duplicate(s->policy_objects.v[at], true);
	char error[SUBJECT_ERROR_MAX] = "";
	struct tg_decoded out;
	struct tg_cluster cluster;
	int rc;

	run->by_kind[do_damage(damaged, rng)]++;
	rc = decode(s, damaged, &out);
	if (rc != 0 || out.policies.n != 1 || out.warnings.n == 0) {
		rc = complain(run, "no policy, or nothing is reported", "", damaged);
	} else {
		s->policies.v[at] = out.policies.v[0];
		note(run, whole, s->policies.v[at]);
		cluster = view(s);
		rc = subject_compile(subject, &cluster, how, error);
		if (rc != 0)
			complain(run, error, "", damaged);
	}
	if (rc == 0) {
		subject_judge_portable(subject, batch->tuples, batch->after, BATCH);
		rc = compare(run, batch, damaged);
	}
	tg_decoded_free(&out);
	s->policies.v[at] = whole;
	cJSON_Delete(damaged);
	run->damages++;
	return rc;
}

/* The cluster as it is: the oracle's answers. */
static int judge_whole(struct run *run, struct subject *subject, const struct served *s,
	const struct random_cluster *how, struct batch *batch, struct tg_rng *rng)
{
	struct oracle *oracle = oracle_create(how->list, &how->options);
	struct tg_cluster cluster = view(s);
	char error[SUBJECT_ERROR_MAX] = "";
	struct edges edges;

	if (oracle == NULL || edges_collect(how, &edges) != 0)
		return -ENOMEM;
	for (size_t i = 0; i < BATCH; i++) {
		edges_tuple(&edges, rng, &batch->tuples[i]);
		oracle_judge(oracle, &batch->tuples[i], &batch->expected[i]);
	}
	edges_free(&edges);
	oracle_free(oracle);
	if (subject_compile(subject, &cluster, how, error) != 0)
		return complain(run, error, "", how->list);
	subject_judge_portable(subject, batch->tuples, batch->before, BATCH);
	for (size_t i = 0; i < BATCH; i++)
		if (!trial_same(&batch->expected[i], &batch->before[i]))
			return complain(run, "oracle and product disagree", "", how->list);
	return 0;
}

static int judge_cluster(struct run *run, uint64_t number)
{
	static struct batch batch;
	struct tg_rng rng = {.state = (run->replay.seed + number) * 0x2545f4914f6cdd1dull};
	struct subject *subject = subject_create();
	struct random_cluster cluster;
	struct served s;
	int rc;

	if (subject == NULL)
		return -ENOMEM;
	run->clusters = number;
	random_cluster_make(&cluster, &rng, false);
	cluster.options.implicit_namespaces = false;
	rc = serve(&s, &cluster);
	if (rc != 0)
		complain(run, "an object is refused or warned of", "", cluster.list);
	else
		rc = judge_whole(run, subject, &s, &cluster, &batch, &rng);
	for (uint32_t i = 0; rc == 0 && s.policies.n != 0 && i < DAMAGES_A_CLUSTER; i++)
		rc = judge_damage(run, subject, &s, &cluster, &batch, &rng);
	subject_free(subject);
	served_free(&s);
	random_cluster_clear(&cluster);
	return rc;
}

static int judge_all(struct run *run)
{
	uint64_t number = run->replay.only >= 0 ? (uint64_t)run->replay.only : 0;
	int rc = 0;

	while (rc == 0 && run->damages < run->replay.want) {
		rc = judge_cluster(run, number++);
		if (run->replay.only >= 0)
			break;
	}
	return rc;
}

static int check_coverage(const struct run *run)
{
	bool met = run->rules_lost != 0 && run->isolated != 0 && run->denied_now != 0 &&
		   run->allowed_still != 0;

	for (unsigned int i = 0; i < DAMAGE_KINDS; i++) {
		printf("  %-16s %llu\n", damage_names[i], (unsigned long long)run->by_kind[i]);
		met &= run->by_kind[i] != 0;
	}
	return replay_covered(met);
}

int main(int argc, char **argv)
{
	struct run run = {.replay.want = DAMAGES_DEFAULT};
	int rc;

	if (!replay_read(&run.replay, "served_property_test", "damages", argc, argv))
		return 2;
	test_eal_start("256");
	rc = judge_all(&run);
	printf("%llu damages: %llu lost rules, %llu isolated the namespace; "
	       "%llu sides denied by that, %llu still allowed\n",
		(unsigned long long)run.damages, (unsigned long long)run.rules_lost,
		(unsigned long long)run.isolated, (unsigned long long)run.denied_now,
		(unsigned long long)run.allowed_still);
	if (rc == 0 && run.damages >= DAMAGES_FULL)
		rc = check_coverage(&run);
	return rc != 0;
}
