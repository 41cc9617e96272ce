/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A cluster of the size of a real one, from the generator: compiled from memory, compiled from its
 * manifests with either form of pods, and read by the oracle. All must say the same of every tuple.
 * So the generator's manifests mean what its memory means, and what only pays in large clusters
 * (columns of groups, shared cells) is right as well.
 */
#include <errno.h>
#include <ftw.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../eal.h"
#include "gen.h"
#include "manifests.h"
#include "oracle.h"
#include "subject.h"
#include "trees.h"
#include "trial.h"

#define PODS 2000
#define POLICIES 160
#define TUPLES 12000

struct fixture {
	char dir[64]; /* with folders json and endpoints */
	struct tg_gen *gen;
	struct random_cluster how;
	struct oracle_tuple tuples[TUPLES];
	struct oracle_answer expected[TUPLES], got[TUPLES];
};

static int remove_one(const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
	return remove(path);
}

static bool write_manifests(struct fixture *f, const char *name, enum tg_gen_pod_format format)
{
	char path[PATH_MAX];
	int rc;

	snprintf(path, sizeof(path), "%s/%s", f->dir, name);
	rc = tg_gen_write(tg_gen_cluster(f->gen), path, format);
	if (rc != 0)
		printf("FAILED: %s: %s\n", path, strerror(-rc));
	return rc == 0;
}

static bool read_by_oracle(struct fixture *f)
{
	char path[PATH_MAX];
	bool ok;

	f->how.list = cJSON_CreateArray();
	snprintf(path, sizeof(path), "%s/json", f->dir);
	ok = trees_add_folder(f->how.list, path);
	snprintf(path, sizeof(path), "%s/json/policies", f->dir);
	return ok && trees_add_folder(f->how.list, path);
}

static void make_options(struct fixture *f)
{
	struct oracle_options *options = &f->how.options;

	options->default_action[TG_INGRESS] = ORACLE_AUDIT;
	options->implicit_namespaces = true;
	f->how.pod_ranges[0].text = "10.128.0.0/10";
	f->how.pod_ranges[1].text = "fd00:10:128::/48";
	options->pod_ranges = f->how.pod_ranges;
	options->n_pod_ranges = 2;
}

static bool set_up(struct fixture *f)
{
	struct tg_gen_shape shape;

	snprintf(f->dir, sizeof(f->dir), "/tmp/tg-generated-XXXXXX");
	if (mkdtemp(f->dir) == NULL)
		return false;
	tg_gen_shape_of(&shape, PODS, POLICIES);
	f->gen = tg_gen_create(&shape);
	make_options(f);
	return f->gen != NULL && write_manifests(f, "json", TG_GEN_PODS_JSON) &&
	       write_manifests(f, "endpoints", TG_GEN_PODS_ENDPOINTS) && read_by_oracle(f);
}

static void tear_down(struct fixture *f)
{
	random_cluster_clear(&f->how);
	tg_gen_free(f->gen);
	nftw(f->dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

/* Does the peer select the pod? Only to find tuples of interest: what is right the oracle says. */
static bool selects(const struct tg_cluster *cluster, const struct tg_policy *policy,
	const struct tg_peer *peer, const struct tg_pod *pod)
{
	if (peer->is_block)
		return tg_prefix_contains(&peer->block, &pod->addrs[0]);
	if (!peer->has_ns_selector && pod->ns != policy->ns)
		return false;
	for (size_t i = 0; peer->has_ns_selector && i < cluster->n_namespaces; i++)
		if (cluster->namespaces[i]->name == pod->ns &&
			!tg_selector_matches(&peer->ns_selector, &cluster->namespaces[i]->labels))
			return false;
	return !peer->has_pod_selector || tg_selector_matches(&peer->pod_selector, &pod->labels);
}

/* A pod that the policy's peer selects, or (no peer) one of its subjects; NULL: there is none. */
static const struct tg_pod *find_pod(const struct tg_cluster *cluster,
	const struct tg_policy *policy, const struct tg_peer *peer, struct tg_rng *rng)
{
	const struct tg_peer subject = {
		.has_pod_selector = true, .pod_selector = policy->pod_selector};
	uint32_t start = tg_rng_below(rng, PODS);

	for (uint32_t i = 0; i < PODS; i++) {
		const struct tg_pod *pod = cluster->pods[(start + i) % PODS];

		if (selects(cluster, policy, peer != NULL ? peer : &subject, pod))
			return pod;
	}
	return NULL;
}

/* Every other tuple is made one that a random policy speaks of. */
static void speak_of_policy(const struct fixture *f, struct tg_rng *rng, struct tg_gen_tuple *tuple)
{
	const struct tg_cluster *cluster = tg_gen_cluster(f->gen);
	const struct tg_policy *policy = cluster->policies[tg_rng_below(rng, POLICIES)];
	bool egress = policy->side[TG_EGRESS].n_rules > 0;
	const struct tg_policy_side *side = &policy->side[egress ? TG_EGRESS : TG_INGRESS];
	const struct tg_policy_rule *rule = side->rules;
	const struct tg_pod *subject, *other;

	if (side->n_rules == 0)
		return;
	subject = find_pod(cluster, policy, NULL, rng);
	other = find_pod(cluster, policy, &rule->peers[tg_rng_below(rng, rule->n_peers)], rng);
	if (subject == NULL || other == NULL || subject == other)
		return;
	tuple->src = egress ? subject->addrs[0] : other->addrs[0];
	tuple->dst = egress ? other->addrs[0] : subject->addrs[0];
	tuple->protocol = rule->ports[0].protocol;
	tuple->dport = rule->ports[0].named ? 9090 : rule->ports[0].lo;
}

static bool judge_by_oracle(struct fixture *f)
{
	struct tg_gen_tuple *tuples = calloc(TUPLES, sizeof(*tuples));
	struct oracle *oracle = oracle_create(f->how.list, &f->how.options);
	struct tg_rng rng = {.state = 1};
	bool ok = tuples != NULL && oracle != NULL;

	if (ok)
		tg_gen_tuples(f->gen, 1, true, tuples, TUPLES);
	for (size_t i = 0; ok && i < TUPLES; i++) {
		if (i % 2 == 0)
			speak_of_policy(f, &rng, &tuples[i]);
		f->tuples[i] = (struct oracle_tuple){.src = tuples[i].src,
			.dst = tuples[i].dst,
			.protocol = tuples[i].protocol,
			.dport = tuples[i].dport};
		if (memcmp(&tuples[i].src, &tuples[i].dst, sizeof(tuples[i].src)) == 0)
			f->tuples[i].dst = tg_addr_from_v4(0x08080808);
		oracle_judge(oracle, &f->tuples[i], &f->expected[i]);
	}
	oracle_free(oracle);
	free(tuples);
	return ok;
}

static size_t differences(const struct fixture *f, const char *what)
{
	char src[TG_ADDR_TEXT], dst[TG_ADDR_TEXT];
	size_t n = 0;

	for (size_t i = 0; i < TUPLES; i++) {
		const struct oracle_tuple *t = &f->tuples[i];

		if (trial_same(&f->expected[i], &f->got[i]) || n++ >= 5)
			continue;
		printf("FAILED: %s: %s -> %s %d/%d: %s, %s; oracle: %s, %s\n", what,
			tg_addr_format(&t->src, src), tg_addr_format(&t->dst, dst), t->protocol,
			t->dport, f->got[i].side[TG_EGRESS].reason,
			f->got[i].side[TG_INGRESS].reason, f->expected[i].side[TG_EGRESS].reason,
			f->expected[i].side[TG_INGRESS].reason);
	}
	return n;
}

/* Compiles a cluster and compares both lookups; the number of differences. */
static size_t compare(struct fixture *f, const char *what, const struct tg_cluster *cluster)
{
	struct subject *subject = subject_create();
	char error[SUBJECT_ERROR_MAX] = "out of memory";
	size_t n = 1;

	if (subject == NULL || subject_compile(subject, cluster, &f->how, error) != 0) {
		printf("FAILED: %s: %s\n", what, error);
	} else {
		subject_judge_portable(subject, f->tuples, f->got, TUPLES);
		n = differences(f, what);
		subject_judge_burst(subject, f->tuples, f->got, TUPLES);
		n += differences(f, what);
	}
	subject_free(subject);
	return n;
}

static size_t compare_manifests(struct fixture *f, const char *name)
{
	struct tg_store *store = tg_store_create();
	struct tg_store_stats stats = {0};
	struct tg_view *view = NULL;
	char path[PATH_MAX];
	size_t n = 1;

	snprintf(path, sizeof(path), "%s/%s", f->dir, name);
	if (store != NULL && tg_manifests_load(store, path) == 0)
		view = tg_store_view(store);
	if (view != NULL)
		tg_store_stats(store, &stats);
	if (stats.pods != PODS || stats.policies != POLICIES || stats.files_refused != 0)
		printf("FAILED: %s: %zu pods, %zu policies, %zu files refused\n", name, stats.pods,
			stats.policies, stats.files_refused);
	else
		n = compare(f, name, &view->cluster);
	if (view != NULL)
		tg_view_release(store, view);
	tg_store_free(store);
	return n;
}

/* Sides that a rule of a policy allows. */
static size_t allowed(const struct fixture *f)
{
	size_t n = 0;

	for (size_t i = 0; i < TUPLES; i++)
		for (int dir = 0; dir < TG_DIRECTION_COUNT; dir++)
			n += strncmp(f->expected[i].side[dir].reason, "policy ", 7) == 0;
	return n;
}

int main(void)
{
	static struct fixture f;
	size_t failed = 1;

	test_eal_start("256");
	if (set_up(&f) && judge_by_oracle(&f)) {
		failed = compare(&f, "memory", tg_gen_cluster(f.gen));
		failed += compare_manifests(&f, "json");
		failed += compare_manifests(&f, "endpoints");
		printf("%d tuples, %zu sides allowed by a policy; %zu differences\n", TUPLES,
			allowed(&f), failed);
		failed += allowed(&f) < TUPLES / 10; /* then it tests next to nothing */
	}
	tear_down(&f);
	return failed != 0;
}
