/* SPDX-License-Identifier: BSD-3-Clause */
#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#include "canonical.h"
#include "json_print.h"
#include "judge.h"
#include "offline.h"
#include "table.h"

struct arguments {
	struct tg_offline_request request;
	bool rules, json;
};

static int parse_options(struct arguments *args, struct tg_cli *cli, int argc, char **argv)
{
	static const struct option longs[] = {
		TG_OFFLINE_OPTIONS,
		{"rules", no_argument, NULL, 'r'},
		{0},
	};
	int c;

	while ((c = getopt_long(argc, argv, TG_OFFLINE_LETTERS, longs, NULL)) != -1)
		switch (c) {
		case 'o':
			if (tg_cli_parse_output(cli, argv[0], optarg, &args->json) != TG_EXIT_OK)
				return TG_EXIT_USAGE;
			break;
		case 'r':
			args->rules = true;
			break;
		default:
			if (!tg_offline_option(&args->request, c, optarg))
				return tg_cli_bad_option(cli, c, argv);
		}
	if (argc - optind != 1)
		return tg_cli_bad_usage(cli, argv[0], "DIR");
	args->request.dir = argv[optind];
	return TG_EXIT_OK;
}

static int compare_policies(const void *a, const void *b, void *strings)
{
	const struct tg_policy *x = *(const struct tg_policy *const *)a;
	const struct tg_policy *y = *(const struct tg_policy *const *)b;
	int rc = strcmp(tg_intern_text(strings, x->ns), tg_intern_text(strings, y->ns));

	return rc != 0 ? rc
		       : strcmp(tg_intern_text(strings, x->name), tg_intern_text(strings, y->name));
}

static int print_yaml(struct tg_cli *cli, const struct tg_cluster *cluster,
	const struct tg_policy *const *policies)
{
	for (size_t i = 0; i < cluster->n_policies; i++) {
		cJSON *tree = tg_canonical_policy(cluster->strings, policies[i]);

		if (tree == NULL)
			return tg_cli_fail(cli, "print", "out of memory");
		fputs(i > 0 ? "---\n" : "", cli->out);
		tg_yaml_print(cli->out, tree);
		cJSON_Delete(tree);
	}
	return TG_EXIT_OK;
}

static int print_json(struct tg_cli *cli, const struct tg_cluster *cluster,
	const struct tg_policy *const *policies)
{
	cJSON *list = cJSON_CreateObject(), *items = NULL;
	int code = TG_EXIT_OK;

	if (list != NULL && cJSON_AddStringToObject(list, "apiVersion", "v1") != NULL &&
		cJSON_AddStringToObject(list, "kind", "List") != NULL)
		items = cJSON_AddArrayToObject(list, "items");
	if (items == NULL)
		code = tg_cli_fail(cli, "print", "out of memory");
	for (size_t i = 0; i < cluster->n_policies && code == TG_EXIT_OK; i++) {
		cJSON *tree = tg_canonical_policy(cluster->strings, policies[i]);

		if (tree == NULL || !cJSON_AddItemToArray(items, tree))
			code = tg_cli_fail(cli, "print", "out of memory");
	}
	if (code == TG_EXIT_OK)
		tg_json_print(cli->out, list);
	cJSON_Delete(list);
	return code;
}

static int print_policies(const struct tg_offline *offline, struct tg_cli *cli, bool json)
{
	const struct tg_cluster *cluster = offline->cluster;
	const struct tg_policy **sorted = calloc(cluster->n_policies + 1, sizeof(*sorted));
	int code;

	if (sorted == NULL)
		return tg_cli_fail(cli, "print", "out of memory");
	for (size_t i = 0; i < cluster->n_policies; i++)
		sorted[i] = cluster->policies[i];
	qsort_r(sorted, cluster->n_policies, sizeof(*sorted), compare_policies, cluster->strings);
	code = json ? print_json(cli, cluster, sorted) : print_yaml(cli, cluster, sorted);
	free(sorted);
	return code;
}

/* The compiled rule table: sorted by kind, namespace, policy, direction and index. */

struct sorted_rule {
	const struct tg_image_rule *rule;
	const char *strings;
};

static int compare_rules(const void *a, const void *b)
{
	const struct sorted_rule *x = a, *y = b;
	const struct tg_image_rule *p = x->rule, *q = y->rule;
	int rc;

	if (p->kind != q->kind)
		return p->kind - q->kind;
	rc = strcmp(x->strings + p->ns, y->strings + q->ns);
	if (rc == 0)
		rc = strcmp(x->strings + p->policy, y->strings + q->policy);
	if (rc == 0)
		rc = p->direction - q->direction;
	if (rc == 0 && p->index != q->index)
		rc = p->index < q->index ? -1 : 1;
	return rc != 0 ? rc : strcmp(x->strings + p->text, y->strings + q->text);
}

static const char *direction_text(const struct tg_image_rule *rule)
{
	return rule->direction < TG_DIRECTION_COUNT ? tg_direction_label(rule->direction) : "both";
}

static bool add_rule(cJSON *list, const struct sorted_rule *it)
{
	const struct tg_image_rule *rule = it->rule;
	cJSON *item = cJSON_CreateObject();

	if (item == NULL || !cJSON_AddItemToArray(list, item))
		return false;
	if (rule->index != TG_NONE && cJSON_AddNumberToObject(item, "index", rule->index) == NULL)
		return false;
	return cJSON_AddStringToObject(item, "kind", tg_rule_kind_label(rule->kind)) != NULL &&
	       cJSON_AddStringToObject(item, "namespace", it->strings + rule->ns) != NULL &&
	       cJSON_AddStringToObject(item, "policy", it->strings + rule->policy) != NULL &&
	       cJSON_AddStringToObject(item, "direction", direction_text(rule)) != NULL &&
	       cJSON_AddStringToObject(item, "action", tg_action_label(rule->action)) != NULL &&
	       cJSON_AddStringToObject(item, "owner", it->strings + rule->owner) != NULL &&
	       cJSON_AddStringToObject(item, "text", it->strings + rule->text) != NULL;
}

static int print_rules_json(struct tg_cli *cli, const struct sorted_rule *rules, size_t n)
{
	cJSON *tree = cJSON_CreateObject();
	cJSON *list = tree != NULL ? cJSON_AddArrayToObject(tree, "rules") : NULL;
	int code = TG_EXIT_OK;

	for (size_t i = 0; i < n && list != NULL; i++)
		if (!add_rule(list, &rules[i]))
			list = NULL;
	if (list == NULL)
		code = tg_cli_fail(cli, "print", "out of memory");
	else
		tg_json_print(cli->out, tree);
	cJSON_Delete(tree);
	return code;
}

static int add_rule_row(struct tg_table *table, const struct sorted_rule *it)
{
	const struct tg_image_rule *rule = it->rule;
	char index[16] = "-";
	int rc = tg_table_row(table);

	if (rule->index != TG_NONE)
		snprintf(index, sizeof(index), "%u", rule->index);
	rc |= tg_table_text(table, TG_PLAIN, tg_rule_kind_label(rule->kind));
	rc |= tg_table_text(table, TG_PLAIN, it->strings + rule->ns);
	rc |= tg_table_text(table, TG_PLAIN, it->strings + rule->policy);
	rc |= tg_table_text(table, TG_PLAIN, direction_text(rule));
	rc |= tg_table_text(table, TG_PLAIN, index);
	rc |= tg_table_text(table, rule->action == TG_ACTION_DENY ? TG_RED : TG_GREEN,
		tg_action_label(rule->action));
	rc |= tg_table_text(table, TG_PLAIN, it->strings + rule->text);
	return rc;
}

static int print_rules_table(struct tg_cli *cli, const struct sorted_rule *rules, size_t n)
{
	static const char *const titles[] = {
		"KIND", "NAMESPACE", "POLICY", "DIRECTION", "<RULE", "ACTION", "TEXT", NULL};
	struct tg_table *table = tg_table_create(titles);
	int rc = table != NULL ? 0 : -1;

	for (size_t i = 0; i < n && rc == 0; i++)
		rc = add_rule_row(table, &rules[i]);
	if (rc == 0)
		tg_table_print(table, cli);
	tg_table_free(table);
	return rc == 0 ? TG_EXIT_OK : tg_cli_fail(cli, "print", "out of memory");
}

static int print_rules(const struct tg_offline *offline, struct tg_cli *cli, bool json)
{
	const struct tg_image *image = &offline->image;
	struct sorted_rule *rules = calloc(image->n_rules + 1, sizeof(*rules));
	int code;

	if (rules == NULL)
		return tg_cli_fail(cli, "print", "out of memory");
	for (uint32_t i = 0; i < image->n_rules; i++)
		rules[i] = (struct sorted_rule){&image->rules[i], image->strings};
	qsort(rules, image->n_rules, sizeof(*rules), compare_rules);
	code = json ? print_rules_json(cli, rules, image->n_rules)
		    : print_rules_table(cli, rules, image->n_rules);
	free(rules);
	return code;
}

static int run(struct tg_cli *cli, int argc, char **argv)
{
	struct arguments args = {.request = {.command = "print"}};
	struct tg_offline offline = {0};
	int code = parse_options(&args, cli, argc, argv);

	if (code == TG_EXIT_OK)
		code = tg_offline_load(&offline, cli, &args.request);
	if (code == TG_EXIT_OK)
		tg_offline_report_not_enforced(&offline, cli, "warning: ");
	if (code == TG_EXIT_OK && args.rules)
		code = tg_offline_compile(&offline, cli);
	if (code == TG_EXIT_OK)
		code = args.rules ? print_rules(&offline, cli, args.json)
				  : print_policies(&offline, cli, args.json);
	tg_offline_close(&offline);
	return code;
}

const struct tg_command tg_command_print = {
	.name = "print",
	.summary = "print the policies in canonical form, or the compiled rules",
	.help = "usage: tidegate print [OPTION]... DIR\n"
		"\n"
		"Prints the NetworkPolicies in DIR, all of them in one canonical form: sorted by\n"
		"namespace and name, defaults spelled out, peers, ports and values sorted and free\n"
		"of duplicates, host bits masked off. Rules keep their order, since their number is\n"
		"what counters and `explain` call them by. Two sets of manifests mean the same when\n"
		"they print the same; printing what was printed gives the same bytes.\n"
		"\n"
		"options:\n"
		"  -o, --output text|json     YAML documents, or one JSON List; with --rules a table\n"
		"                             or JSON\n"
		"      --rules                print the rules that DIR compiles to instead, implicit\n"
		"                             denies and default actions included\n"
		"  -c, --config FILE          with --rules: the control process's configuration\n"
		"      --default-action WORD  with --rules: deny, audit or kubernetes\n"
		"\n"
		"example:\n"
		"  tidegate print manifests > canonical.yaml\n"
		"\n"
		"exit codes: 0 ok; 2 usage, or manifests that are refused\n",
	.run = run,
};
