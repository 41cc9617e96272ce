/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#include "live.h"
#include "table.h"

enum order { BY_PACKETS, BY_BYTES, BY_CONNECTIONS, BY_WOULD_DENY, BY_NAME };

struct view {
	enum order order;
	const char *ns;
	size_t limit; /* 0: all */
	bool all;     /* built-in rules that counted nothing, too */
};

static const char *const order_names[] = {
	[BY_PACKETS] = "packets",
	[BY_BYTES] = "bytes",
	[BY_CONNECTIONS] = "connections",
	[BY_WOULD_DENY] = "would_deny",
	[BY_NAME] = "name",
};

static int compare_names(const cJSON *a, const cJSON *b)
{
	static const char *const keys[] = {"namespace", "policy", "direction"};
	double x = tg_json_number(a, "index"), y = tg_json_number(b, "index");

	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		int rc = strcmp(tg_json_text(a, keys[i]), tg_json_text(b, keys[i]));

		if (rc != 0)
			return rc;
	}
	return x < y ? -1 : x > y;
}

/* The greatest first; equal ones by name, so that the order is always the same. */
static int compare_rules(const void *a, const void *b, void *arg)
{
	const cJSON *p = *(const cJSON *const *)a, *q = *(const cJSON *const *)b;
	const struct view *view = arg;
	double x, y;

	if (view->order != BY_NAME) {
		x = tg_json_number(p, order_names[view->order]);
		y = tg_json_number(q, order_names[view->order]);
		if (x != y)
			return x > y ? -1 : 1;
	}
	return compare_names(p, q);
}

static bool wanted(const struct view *view, const cJSON *rule, size_t taken)
{
	if (view->limit != 0 && taken == view->limit)
		return false;
	if (!view->all && strcmp(tg_json_text(rule, "kind"), "builtin") == 0 &&
		tg_json_number(rule, "packets") == 0 && tg_json_number(rule, "connections") == 0)
		return false;
	return view->ns == NULL || strcmp(tg_json_text(rule, "namespace"), view->ns) == 0;
}

static void arrange(cJSON *tree, void *arg)
{
	cJSON *list = cJSON_GetObjectItemCaseSensitive(tree, "rules"), *rule, *next;
	size_t taken = 0;

	tg_json_sort(list, compare_rules, arg);
	for (rule = cJSON_IsArray(list) ? list->child : NULL; rule != NULL; rule = next) {
		next = rule->next;
		if (wanted(arg, rule, taken))
			taken++;
		else
			cJSON_Delete(cJSON_DetachItemViaPointer(list, rule));
	}
}

static int add_count(struct tg_table *table, const cJSON *rule, const char *key)
{
	if (!cJSON_IsNumber(cJSON_GetObjectItemCaseSensitive(rule, key)))
		return tg_table_text(table, TG_DIM, "-"); /* the dataplane is away */
	return tg_table_number(table, (uint64_t)tg_json_number(rule, key));
}

static enum tg_colour action_colour(const char *action)
{
	return strcmp(action, "deny") == 0    ? TG_RED
	       : strcmp(action, "audit") == 0 ? TG_YELLOW
					      : TG_GREEN;
}

static int add_row(struct tg_table *table, const cJSON *rule)
{
	const char *action = tg_json_text(rule, "action");
	const char *text = tg_json_text(rule, "text");
	int rc = tg_table_row(table);

	rc |= add_count(table, rule, "packets");
	rc |= add_count(table, rule, "bytes");
	rc |= add_count(table, rule, "connections");
	rc |= add_count(table, rule, "would_deny");
	rc |= tg_table_text(table, action_colour(action), action);
	rc |= tg_table_text(table, TG_PLAIN, tg_json_text(rule, "kind"));
	rc |= tg_table_text(table, TG_PLAIN, tg_json_text(rule, "namespace"));
	rc |= tg_table_text(table, TG_PLAIN, text);
	return rc;
}

static int print(struct tg_cli *cli, const cJSON *tree, void *arg)
{
	static const char *const titles[] = {"<PACKETS", "<BYTES", "<CONNECTIONS", "<WOULD-DENY",
		"ACTION", "KIND", "NAMESPACE", "RULE", NULL};
	struct tg_table *table = tg_table_create(titles);
	const cJSON *rule;
	int rc = table != NULL ? 0 : -ENOMEM;

	cJSON_ArrayForEach(rule, cJSON_GetObjectItemCaseSensitive(tree, "rules"))
		rc |= rc == 0 ? add_row(table, rule) : 0;
	if (rc == 0)
		tg_table_print(table, cli);
	tg_table_free(table);
	return rc;
}

static int set_order(struct view *view, struct tg_cli *cli, const char *text)
{
	for (unsigned int i = 0; i < sizeof(order_names) / sizeof(order_names[0]); i++)
		if (strcmp(order_names[i], text) == 0) {
			view->order = (enum order)i;
			return TG_EXIT_OK;
		}
	return tg_cli_fail(cli, "rules",
		"--sort: '%s' is none of packets, bytes, connections, would_deny, name", text);
}

static int set_limit(struct view *view, struct tg_cli *cli, const char *text)
{
	char *end;
	unsigned long n = strtoul(text, &end, 10);

	if (*text < '0' || *text > '9' || *end != '\0')
		return tg_cli_fail(cli, "rules", "--limit: '%s' is no number", text);
	view->limit = n;
	return TG_EXIT_OK;
}

static int run(struct tg_cli *cli, int argc, char **argv)
{
	static const struct option longs[] = {
		TG_LIVE_OPTIONS,
		{"all", no_argument, NULL, 'a'},
		{"limit", required_argument, NULL, 'l'},
		{"namespace", required_argument, NULL, 'n'},
		{"sort", required_argument, NULL, 's'},
		{0},
	};
	struct view view = {.order = BY_PACKETS};
	struct tg_live live = {.command = "rules",
		.path = "/v1/rules",
		.print = print,
		.arrange = arrange,
		.arg = &view};
	int c, code = TG_EXIT_OK;

	while (code == TG_EXIT_OK &&
		(c = getopt_long(argc, argv, TG_LIVE_LETTERS "an:", longs, NULL)) != -1) {
		if (c == 's')
			code = set_order(&view, cli, optarg);
		else if (c == 'l')
			code = set_limit(&view, cli, optarg);
		else if (c == 'a')
			view.all = true;
		else if (c == 'n')
			view.ns = optarg;
		else
			code = tg_live_option(&live, cli, c, argv);
	}
	if (code == TG_EXIT_OK && optind != argc)
		code = tg_cli_bad_usage(cli, argv[0], "no argument");
	return code == TG_EXIT_OK ? tg_live_run(&live, cli) : code;
}

const struct tg_command tg_command_rules = {
	.name = "rules",
	.summary = "list the rules in force with their live counters",
	.help = "usage: tidegate rules [OPTION]...\n"
		"\n"
		"Lists every rule in force, implicit denies and default actions included, with the\n"
		"packets, bytes and new connections that it decided, and the packets that an audit\n"
		"verdict passed. Of the built-in rules only those that counted something. Counters\n"
		"are `-` while the dataplane is away. Those of live connections are at most a few\n"
		"seconds late.\n"
		"\n"
		"options:\n"
		"  -a, --all                  built-in rules that counted nothing as well\n"
		"      --sort COLUMN          packets (default), bytes, connections, would_deny: the\n"
		"                             greatest first; name\n"
		"  -n, --namespace NAME       only rules of this namespace\n"
		"      --limit N              only the first N\n" TG_LIVE_HELP "\n"
		"example:\n"
		"  tidegate rules --sort connections --limit 20 --watch\n"
		"\n"
		"exit codes: 0 ok; 2 usage, or the control process does not answer\n",
	.run = run,
};
