/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The examples of semantics_table.h: the oracle and the whole product must say what the table says,
 * row by row. Prints one line for each row that fails, with the number of the semantics line.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../eal.h"
#include "objects.h"
#include "semantics_table.h"
#include "subject.h"
#include "trial.h"

static cJSON *parse_objects(const char *more)
{
	size_t size = strlen(semantics_common) + strlen(more) + 8;
	char *text = malloc(size);
	cJSON *list;

	if (text == NULL)
		return NULL;
	snprintf(text, size, "[%s%s", semantics_common, more);
	text[strlen(text) - 1] = ']'; /* the comma behind the last object */
	for (char *c = text; *c != '\0'; c++)
		if (*c == '\'')
			*c = '"';
	list = cJSON_Parse(text);
	free(text);
	return list;
}

static void set_mode(struct random_cluster *cluster, enum semantics_mode mode)
{
	struct oracle_options *options = &cluster->options;

	options->implicit_namespaces = mode != MODE_SEEN;
	options->transit_allow = mode == MODE_TRANSIT;
	for (int dir = 0; dir < TG_DIRECTION_COUNT; dir++)
		options->default_action[dir] = mode == MODE_AUDIT	 ? ORACLE_AUDIT
					       : mode == MODE_KUBERNETES ? ORACLE_KUBERNETES
									 : ORACLE_DENY;
	cluster->infrastructure[0] = (struct oracle_infrastructure){
		.name = "api", .to = "0.0.0.0/0", .protocol = 6, .lo = 6443, .hi = 6443};
	cluster->infrastructure[1] = (struct oracle_infrastructure){
		.name = "any", .from = "0.0.0.0/0", .protocol = 6, .lo = 2379, .hi = 2379};
	options->infrastructure = cluster->infrastructure;
	options->n_infrastructure = mode == MODE_INFRA ? 2 : 0;
	cluster->pod_ranges[0].text = "10.1.0.0/16";
	options->pod_ranges = cluster->pod_ranges;
	options->n_pod_ranges = mode == MODE_NODES;
	cluster->node_addrs[0].text = "10.1.0.1";
	options->node_addrs = cluster->node_addrs;
	options->n_node_addrs = mode == MODE_NODES;
}

/* What the action behind a reason is; the reasons of the table leave no doubt. */
static enum tg_action action_of(const char *reason, enum semantics_mode mode)
{
	bool audit = mode == MODE_AUDIT;

	if (strncmp(reason, "policy ", 7) == 0 || strncmp(reason, "infra", 5) == 0 ||
		strcmp(reason, "builtin not-subject") == 0 ||
		strcmp(reason, "builtin own-node") == 0 ||
		strcmp(reason, "builtin default-allow") == 0)
		return TG_ACTION_ALLOW;
	if (strcmp(reason, "builtin transit") == 0)
		return mode == MODE_TRANSIT ? TG_ACTION_ALLOW : TG_ACTION_DENY;
	if (audit && (strncmp(reason, "baseline ", 9) == 0 ||
			     strcmp(reason, "builtin node-default") == 0))
		return TG_ACTION_AUDIT;
	return TG_ACTION_DENY;
}

static enum tg_action together(enum tg_action a, enum tg_action b)
{
	if (a == TG_ACTION_DENY || b == TG_ACTION_DENY)
		return TG_ACTION_DENY;
	return a == TG_ACTION_AUDIT || b == TG_ACTION_AUDIT ? TG_ACTION_AUDIT : TG_ACTION_ALLOW;
}

static void expect(const struct semantics_row *row, struct oracle_answer *out)
{
	const char *const reasons[TG_DIRECTION_COUNT] = {
		[TG_EGRESS] = row->egress, [TG_INGRESS] = row->ingress};

	for (int dir = 0; dir < TG_DIRECTION_COUNT; dir++) {
		snprintf(out->side[dir].reason, sizeof(out->side[dir].reason), "%s", reasons[dir]);
		out->side[dir].action = action_of(reasons[dir], row->mode);
	}
	out->action = together(out->side[TG_EGRESS].action, out->side[TG_INGRESS].action);
}

static int complain(const struct semantics_row *row, const char *who,
	const struct oracle_answer *expected, const struct oracle_answer *got)
{
	printf("FAILED line %d, %s: %s says egress %s (%s), ingress %s (%s); expected %s, %s\n",
		row->line, row->title, who, got->side[TG_EGRESS].reason,
		tg_action_label(got->side[TG_EGRESS].action), got->side[TG_INGRESS].reason,
		tg_action_label(got->side[TG_INGRESS].action), expected->side[TG_EGRESS].reason,
		expected->side[TG_INGRESS].reason);
	return 1;
}

static int judge_by_oracle(const struct semantics_row *row, const struct random_cluster *cluster,
	const struct oracle_tuple *tuple, const struct oracle_answer *expected)
{
	struct oracle *oracle = oracle_create(cluster->list, &cluster->options);
	struct oracle_answer got;

	if (oracle == NULL) {
		printf("FAILED line %d, %s: the oracle cannot read it\n", row->line, row->title);
		return 1;
	}
	oracle_judge(oracle, tuple, &got);
	oracle_free(oracle);
	return trial_same(expected, &got) ? 0 : complain(row, "oracle", expected, &got);
}

static int judge_by_product(const struct semantics_row *row, const struct random_cluster *cluster,
	const struct oracle_tuple *tuple, const struct oracle_answer *expected)
{
	struct subject *subject = subject_create();
	char error[SUBJECT_ERROR_MAX] = "out of memory";
	struct oracle_answer got;
	int failed = 0;

	if (subject == NULL || subject_load(subject, cluster, error) != 0) {
		printf("FAILED line %d, %s: %s\n", row->line, row->title, error);
		subject_free(subject);
		return 1;
	}
	subject_judge_portable(subject, tuple, &got, 1);
	if (!trial_same(expected, &got))
		failed = complain(row, "portable lookup", expected, &got);
	subject_judge_burst(subject, tuple, &got, 1);
	if (!trial_same(expected, &got))
		failed = complain(row, "accelerated lookup", expected, &got);
	subject_free(subject);
	return failed;
}

static int judge_row(const struct semantics_row *row)
{
	struct random_cluster cluster = {.list = parse_objects(row->objects)};
	struct oracle_tuple tuple = {.protocol = row->protocol, .dport = row->port};
	struct oracle_answer expected;
	int failed;

	if (cluster.list == NULL || objects_addr(row->src, &tuple.src) != 0 ||
		objects_addr(row->dst, &tuple.dst) != 0) {
		printf("FAILED line %d, %s: bad row\n", row->line, row->title);
		random_cluster_clear(&cluster);
		return 1;
	}
	set_mode(&cluster, row->mode);
	expect(row, &expected);
	failed = judge_by_oracle(row, &cluster, &tuple, &expected);
	failed |= judge_by_product(row, &cluster, &tuple, &expected);
	random_cluster_clear(&cluster);
	return failed;
}

int main(void)
{
	size_t failed = 0;

	test_eal_start("256");
	for (size_t i = 0; i < semantics_n_rows; i++)
		failed += (size_t)judge_row(&semantics_rows[i]);
	printf("%zu examples, %zu failed\n", semantics_n_rows, failed);
	return failed != 0;
}
