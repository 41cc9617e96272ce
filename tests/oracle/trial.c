/* SPDX-License-Identifier: BSD-3-Clause */
#include "trial.h"

#include "model_options.h"

#include <string.h>

static const char *const lookup_names[TRIAL_LOOKUPS] = {"portable", "accelerated", "deltas"};

/* What everybody says about one tuple. */
struct opinions {
	struct oracle_answer oracle;
	struct oracle_answer lookup[TRIAL_LOOKUPS];
	bool asked[TRIAL_LOOKUPS];
	char error[SUBJECT_ERROR_MAX]; /* the product gave up */
};

const char *trial_lookup_name(enum trial_lookup lookup)
{
	return lookup_names[lookup];
}

bool trial_same(const struct oracle_answer *a, const struct oracle_answer *b)
{
	for (int dir = 0; dir < TG_DIRECTION_COUNT; dir++)
		if (a->side[dir].action != b->side[dir].action ||
			strcmp(a->side[dir].reason, b->side[dir].reason) != 0)
			return false;
	return a->action == b->action;
}

/* Brings the product into the trial's state: 1 deltas may be asked, 0 not, or -errno. */
static int set_up(struct subject *subject, const struct trial *trial, char *error)
{
	struct random_cluster before = trial->cluster;
	int rc;

	if (trial->before == NULL)
		return subject_load(subject, &trial->cluster, error);
	before.list = trial->before;
	rc = subject_load(subject, &before, error);
	return rc != 0 ? rc : subject_change_pods(subject, &trial->cluster, error);
}

static void ask_product(const struct trial *trial, struct opinions *out)
{
	struct subject *subject = subject_create();
	int rc = subject != NULL ? set_up(subject, trial, out->error) : -1;

	if (rc >= 0) {
		out->asked[TRIAL_PORTABLE] = out->asked[TRIAL_BURST] = true;
		subject_judge_portable(subject, &trial->tuple, &out->lookup[TRIAL_PORTABLE], 1);
		subject_judge_burst(subject, &trial->tuple, &out->lookup[TRIAL_BURST], 1);
	}
	if (rc == 1) {
		out->asked[TRIAL_DELTA] = true;
		subject_judge_delta(subject, &trial->tuple, &out->lookup[TRIAL_DELTA], 1);
	}
	subject_free(subject);
}

/* False: the oracle cannot read the objects, so there is nothing to compare. */
static bool ask(const struct trial *trial, struct opinions *out)
{
	struct oracle *oracle = oracle_create(trial->cluster.list, &trial->cluster.options);

	memset(out, 0, sizeof(*out));
	if (oracle == NULL)
		return false;
	oracle_judge(oracle, &trial->tuple, &out->oracle);
	oracle_free(oracle);
	ask_product(trial, out);
	return true;
}

static bool disagree(const struct opinions *opinions)
{
	for (int i = 0; i < TRIAL_LOOKUPS; i++)
		if (opinions->asked[i] && !trial_same(&opinions->oracle, &opinions->lookup[i]))
			return true;
	return false;
}

bool trial_fails(const struct trial *trial)
{
	struct opinions opinions;

	return ask(trial, &opinions) && disagree(&opinions);
}

static bool same_string(const cJSON *a, const cJSON *b, const char *key)
{
	const cJSON *x = cJSON_GetObjectItemCaseSensitive(a, key);
	const cJSON *y = cJSON_GetObjectItemCaseSensitive(b, key);

	return (x == NULL && y == NULL) ||
	       (x != NULL && y != NULL && strcmp(x->valuestring, y->valuestring) == 0);
}

static bool same_object(const cJSON *a, const cJSON *b)
{
	const cJSON *x = cJSON_GetObjectItemCaseSensitive(a, "metadata");
	const cJSON *y = cJSON_GetObjectItemCaseSensitive(b, "metadata");

	return model_options_scope_of(a) == model_options_scope_of(b) &&
	       same_string(a, b, "kind") && same_string(x, y, "namespace") &&
	       same_string(x, y, "name");
}

/* A copy of the list without the object that is `which`. */
static cJSON *list_without(const cJSON *list, const cJSON *which)
{
	cJSON *out = cJSON_CreateArray();
	const cJSON *item;

	cJSON_ArrayForEach(item, list)
	{
		if (!same_object(item, which))
			cJSON_AddItemToArray(out, cJSON_Duplicate(item, true));
	}
	return out;
}

/* Leaves the object out of the trial if the trial fails without it too. */
static bool try_without(struct trial *trial, const cJSON *which)
{
	struct trial smaller = *trial;
	bool fails;

	smaller.cluster.list = list_without(trial->cluster.list, which);
	smaller.before = trial->before != NULL ? list_without(trial->before, which) : NULL;
	fails = trial_fails(&smaller);
	if (fails) {
		cJSON_Delete(trial->cluster.list);
		cJSON_Delete(trial->before);
		*trial = smaller;
	} else {
		cJSON_Delete(smaller.cluster.list);
		cJSON_Delete(smaller.before);
	}
	return fails;
}

static bool drop_objects(struct trial *trial, const cJSON *list)
{
	for (int i = cJSON_GetArraySize(list) - 1; i >= 0; i--)
		if (try_without(trial, cJSON_GetArrayItem(list, i)))
			return true;
	return false;
}

/* The same for the elements of every array inside `item`, depth first, in place. */
static bool drop_elements(struct trial *trial, cJSON *item)
{
	cJSON *child;

	cJSON_ArrayForEach(child, item)
	{
		if (drop_elements(trial, child))
			return true;
	}
	if (!cJSON_IsArray(item) || item == trial->cluster.list)
		return false;
	for (int i = cJSON_GetArraySize(item) - 1; i >= 0; i--) {
		child = cJSON_DetachItemFromArray(item, i);
		if (trial_fails(trial)) {
			cJSON_Delete(child);
			return true;
		}
		cJSON_InsertItemInArray(item, i, child);
	}
	return false;
}

static bool drop_options(struct trial *trial)
{
	struct oracle_options *options = &trial->cluster.options, saved = *options;

	if (options->n_infrastructure > 0) {
		options->n_infrastructure--;
		if (trial_fails(trial))
			return true;
		*options = saved;
	}
	if (options->n_pod_ranges > 0) {
		options->n_pod_ranges--;
		if (trial_fails(trial))
			return true;
		*options = saved;
	}
	return false;
}

void trial_shrink(struct trial *trial)
{
	while (drop_options(trial))
		;
	while (drop_objects(trial, trial->cluster.list))
		;
	if (trial->before == NULL)
		while (drop_elements(trial, trial->cluster.list))
			;
	else
		while (drop_objects(trial, trial->before))
			;
}

static void print_answer(FILE *f, const char *who, const struct oracle_answer *answer)
{
	fprintf(f, "  %-12s egress %s by %s; ingress %s by %s; together %s\n", who,
		tg_action_label(answer->side[TG_EGRESS].action), answer->side[TG_EGRESS].reason,
		tg_action_label(answer->side[TG_INGRESS].action), answer->side[TG_INGRESS].reason,
		tg_action_label(answer->action));
}

static void print_opinions(const struct trial *trial, FILE *f)
{
	struct opinions opinions;

	if (!ask(trial, &opinions))
		return;
	print_answer(f, "oracle", &opinions.oracle);
	for (int i = 0; i < TRIAL_LOOKUPS; i++)
		if (opinions.asked[i])
			print_answer(f, lookup_names[i], &opinions.lookup[i]);
	if (*opinions.error != '\0')
		fprintf(f, "  %s\n", opinions.error);
}

static void print_options(const struct random_cluster *cluster, FILE *f)
{
	static const char *const actions[] = {"deny", "audit", "kubernetes"};
	const struct oracle_options *o = &cluster->options;

	fprintf(f, "options: default-action egress %s, ingress %s, transit %s, %s\n",
		actions[o->default_action[TG_EGRESS]], actions[o->default_action[TG_INGRESS]],
		o->transit_allow ? "allow" : "deny",
		o->implicit_namespaces ? "namespaces implied" : "namespaces as seen");
	for (size_t i = 0; i < o->n_scopes; i++)
		fprintf(f, "  scope %zu: cluster %s, zone %u\n", i,
			o->scopes[i].cluster != NULL ? o->scopes[i].cluster : "-",
			o->scopes[i].zone);
	for (size_t i = 0; i < o->n_pod_ranges; i++)
		fprintf(f, "  pod range %s in zone %u\n", o->pod_ranges[i].text,
			o->pod_ranges[i].zone);
	for (size_t i = 0; i < o->n_node_addrs; i++)
		fprintf(f, "  node address %s in zone %u\n", o->node_addrs[i].text,
			o->node_addrs[i].zone);
	for (size_t i = 0; i < o->n_infrastructure; i++) {
		const struct oracle_infrastructure *infra = &o->infrastructure[i];

		fprintf(f, "  infrastructure %s in zone %u: %s -> %s, protocol %d, ports %d-%d\n",
			infra->name, infra->zone, infra->from != NULL ? infra->from : "nodes",
			infra->to != NULL ? infra->to : "nodes", infra->protocol, infra->lo,
			infra->hi);
	}
}

static void print_list(const char *what, const cJSON *list, FILE *f)
{
	char *text = cJSON_Print(list);

	fprintf(f, "%s:\n%s\n", what, text != NULL ? text : "?");
	cJSON_free(text);
}

void trial_print(const struct trial *trial, FILE *f)
{
	char src[TG_ADDR_TEXT], dst[TG_ADDR_TEXT];

	fprintf(f, "tuple: %s -> %s, protocol %d, port %d, zone %u\n",
		tg_addr_format(&trial->tuple.src, src), tg_addr_format(&trial->tuple.dst, dst),
		trial->tuple.protocol, trial->tuple.dport, trial->tuple.zone);
	print_opinions(trial, f);
	print_options(&trial->cluster, f);
	if (trial->before != NULL)
		print_list("objects before", trial->before, f);
	print_list("objects", trial->cluster.list, f);
}
