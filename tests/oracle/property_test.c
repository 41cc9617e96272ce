/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Random clusters, policies and tuples: the oracle, the portable lookup and the accelerated lookup
 * must agree on every verdict, on each side, and on the rule or reason behind it; after pods have
 * come and gone by deltas as well.
 *
 *   property_test [--seed N] [--tuples N] [--only CLUSTER]
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../eal.h"
#include "edges.h"
#include "oracle.h"
#include "replay.h"
#include "subject.h"
#include "trial.h"

#define TUPLES_DEFAULT 600000u
#define TUPLES_FULL 200000u /* from here on a run must have seen everything */
#define BATCH 256u	    /* tuples for one state of a cluster */
#define CHURNS 2u	    /* times that a cluster's pods change */
#define CLUSTERS_A_SUBJECT 16u

/* What a run has seen: if nothing is ever decided by some kind of reason, it tests too little. */
static const char *const reasons[] = {
	"policy",
	"implicit",
	"baseline",
	"infrastructure",
	"builtin not-subject",
	"builtin default-allow",
	"builtin transit",
	"builtin node-default",
	"builtin unknown-endpoint",
	"builtin service-address",
	"builtin address-conflict",
	"builtin own-node",
	"builtin fail-closed",
};

#define N_REASONS (sizeof(reasons) / sizeof(reasons[0]))

struct run {
	struct replay replay; /* of tuples */
	uint64_t judged;      /* tuples, each by the oracle and two or three lookups */
	uint64_t clusters, delta_states, delta_tuples, allowed;
	uint64_t seen[N_REASONS];
};

/* The tuples of one state and what was said about them. */
struct batch {
	struct oracle_tuple tuples[BATCH];
	struct oracle_answer expected[BATCH], got[BATCH];
};

static void note_reason(struct run *run, const char *reason)
{
	for (size_t i = 0; i < N_REASONS; i++)
		if (strncmp(reason, reasons[i], strlen(reasons[i])) == 0)
			run->seen[i]++;
}

static void note_batch(struct run *run, const struct batch *batch, bool delta)
{
	for (size_t i = 0; i < BATCH; i++) {
		note_reason(run, batch->expected[i].side[TG_EGRESS].reason);
		note_reason(run, batch->expected[i].side[TG_INGRESS].reason);
		run->allowed += batch->expected[i].action != TG_ACTION_DENY;
	}
	run->judged += BATCH;
	run->delta_states += delta;
	run->delta_tuples += delta ? BATCH : 0;
}

static void report(const struct run *run, uint64_t number, enum trial_lookup lookup,
	const struct random_cluster *cluster, const cJSON *before, const struct oracle_tuple *tuple)
{
	struct trial trial = {.cluster = *cluster, .tuple = *tuple};

	printf("FAILED: %s lookup against oracle; replay with --seed %llu --only %llu\n",
		trial_lookup_name(lookup), (unsigned long long)run->replay.seed,
		(unsigned long long)number);
	trial.cluster.list = cJSON_Duplicate(cluster->list, true);
	trial.before = before != NULL ? cJSON_Duplicate(before, true) : NULL;
	if (trial_fails(&trial))
		trial_shrink(&trial);
	else
		printf("(a product started anew agrees: the clusters before this one matter)\n");
	trial_print(&trial, stdout);
	cJSON_Delete(trial.cluster.list);
	cJSON_Delete(trial.before);
}

/* The index of the first tuple that is judged differently, or BATCH. */
static size_t first_difference(const struct batch *batch)
{
	for (size_t i = 0; i < BATCH; i++)
		if (!trial_same(&batch->expected[i], &batch->got[i]))
			return i;
	return BATCH;
}

static void ask_lookup(const struct subject *subject, enum trial_lookup lookup, struct batch *batch)
{
	switch (lookup) {
	case TRIAL_PORTABLE:
		subject_judge_portable(subject, batch->tuples, batch->got, BATCH);
		break;
	case TRIAL_BURST:
		subject_judge_burst(subject, batch->tuples, batch->got, BATCH);
		break;
	default:
		subject_judge_delta(subject, batch->tuples, batch->got, BATCH);
		break;
	}
}

/* Judges a batch of tuples by all; `delta` says that the delta lookup may be asked. */
static int judge_state(struct run *run, uint64_t number, const struct subject *subject,
	const struct random_cluster *cluster, const cJSON *before, bool delta, struct tg_rng *rng)
{
	static struct batch batch;
	struct oracle *oracle = oracle_create(cluster->list, &cluster->options);
	struct edges edges;
	int lookups = delta ? TRIAL_LOOKUPS : TRIAL_DELTA, rc = 0;

	if (oracle == NULL || edges_collect(cluster, &edges) != 0) {
		oracle_free(oracle);
		return -EINVAL;
	}
	for (size_t i = 0; i < BATCH; i++) {
		edges_tuple(&edges, rng, &batch.tuples[i]);
		oracle_judge(oracle, &batch.tuples[i], &batch.expected[i]);
	}
	edges_free(&edges);
	oracle_free(oracle);
	for (int lookup = 0; lookup < lookups && rc == 0; lookup++) {
		size_t at;

		ask_lookup(subject, lookup, &batch);
		at = first_difference(&batch);
		if (at < BATCH) {
			report(run, number, lookup, cluster, before, &batch.tuples[at]);
			rc = -EBADMSG;
		}
	}
	note_batch(run, &batch, delta);
	return rc;
}

static int complain(const struct run *run, uint64_t number, const struct random_cluster *cluster,
	const char *error)
{
	char *text = cJSON_Print(cluster->list);

	printf("FAILED: %s; replay with --seed %llu --only %llu\n%s\n", error,
		(unsigned long long)run->replay.seed, (unsigned long long)number,
		text != NULL ? text : "?");
	cJSON_free(text);
	return -EBADMSG;
}

/* Lets the cluster's pods change and judges again. */
static int judge_churned(struct run *run, uint64_t number, struct subject *subject,
	struct random_cluster *cluster, struct tg_rng *rng)
{
	cJSON *before = cJSON_Duplicate(cluster->list, true);
	char error[SUBJECT_ERROR_MAX] = "";
	int rc;

	random_cluster_churn(cluster, rng);
	rc = subject_change_pods(subject, cluster, error);
	if (rc < 0)
		rc = complain(run, number, cluster, error);
	else
		rc = judge_state(run, number, subject, cluster, before, rc == 1, rng);
	cJSON_Delete(before);
	return rc;
}

static int judge_cluster(struct run *run, uint64_t number, struct subject *subject)
{
	struct tg_rng rng = {.state = (run->replay.seed + number) * 0x2545f4914f6cdd1dull};
	struct random_cluster cluster;
	char error[SUBJECT_ERROR_MAX] = "";
	int rc;

	random_cluster_make(&cluster, &rng, true);
	rc = subject_load(subject, &cluster, error);
	if (rc != 0)
		rc = complain(run, number, &cluster, error);
	else
		rc = judge_state(run, number, subject, &cluster, NULL, false, &rng);
	for (uint32_t i = 0; i < CHURNS && rc == 0; i++)
		rc = judge_churned(run, number, subject, &cluster, &rng);
	random_cluster_clear(&cluster);
	run->clusters++;
	return rc;
}

static int judge_all(struct run *run)
{
	struct subject *subject = NULL;
	uint64_t number = run->replay.only >= 0 ? (uint64_t)run->replay.only : 0;
	int rc = 0;

	while (rc == 0 && run->judged < run->replay.want) {
		if (number % CLUSTERS_A_SUBJECT == 0 || subject == NULL) {
			subject_free(subject);
			subject = subject_create();
			if (subject == NULL)
				return -ENOMEM;
		}
		rc = judge_cluster(run, number++, subject);
		if (run->replay.only >= 0)
			break;
	}
	subject_free(subject);
	return rc;
}

/* A run that agrees about nothing of interest proves nothing. */
static int check_coverage(const struct run *run)
{
	bool met = true;

	for (size_t i = 0; i < N_REASONS; i++) {
		printf("  %-28s %llu sides\n", reasons[i], (unsigned long long)run->seen[i]);
		met &= run->seen[i] != 0;
	}
	return replay_covered(
		met && run->delta_tuples != 0 && run->allowed != 0 && run->allowed != run->judged);
}

int main(int argc, char **argv)
{
	struct run run = {.replay.want = TUPLES_DEFAULT};
	int rc;

	if (!replay_read(&run.replay, "property_test", "tuples", argc, argv))
		return 2;
	test_eal_start("256");
	rc = judge_all(&run);
	printf("%llu clusters, %llu tuples, %llu of them in %llu states reached by deltas; "
	       "%llu allowed\n",
		(unsigned long long)run.clusters, (unsigned long long)run.judged,
		(unsigned long long)run.delta_tuples, (unsigned long long)run.delta_states,
		(unsigned long long)run.allowed);
	if (rc == 0 && run.judged >= TUPLES_FULL)
		rc = check_coverage(&run);
	return rc != 0;
}
