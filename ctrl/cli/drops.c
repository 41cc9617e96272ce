/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#include "live.h"
#include "table.h"

/* The greatest first; equal ones by name, so that the order is always the same. */
static int compare_drops(const void *a, const void *b, void *arg)
{
	const cJSON *p = *(const cJSON *const *)a, *q = *(const cJSON *const *)b;
	double x = tg_json_number(p, "packets"), y = tg_json_number(q, "packets");

	if (x != y)
		return x > y ? -1 : 1;
	return strcmp(tg_json_text(p, "reason"), tg_json_text(q, "reason"));
}

/* Those that never happened are left out unless --all asks for them. */
static void arrange(cJSON *tree, void *arg)
{
	cJSON *list = cJSON_GetObjectItemCaseSensitive(tree, "drops"), *item, *next;
	const bool *all = arg;

	for (item = cJSON_IsArray(list) ? list->child : NULL; item != NULL; item = next) {
		next = item->next;
		if (!*all && tg_json_number(item, "packets") == 0)
			cJSON_Delete(cJSON_DetachItemViaPointer(list, item));
	}
	tg_json_sort(list, compare_drops, NULL);
}

/* Without a dataplane there is no answer, and that is a negative finding. */
static int finding(const cJSON *tree)
{
	return cJSON_IsFalse(cJSON_GetObjectItemCaseSensitive(tree, "connected")) ? TG_EXIT_NEGATIVE
										  : TG_EXIT_OK;
}

static int print(struct tg_cli *cli, const cJSON *tree, void *arg)
{
	static const char *const titles[] = {"<PACKETS", "<BYTES", "REASON", "MEANING", NULL};
	const cJSON *list = cJSON_GetObjectItemCaseSensitive(tree, "drops"), *item;
	struct tg_table *table = tg_table_create(titles);
	int rc = table != NULL ? 0 : -ENOMEM;

	cJSON_ArrayForEach(item, list)
	{
		if (rc == 0)
			rc = tg_table_row(table);
		if (rc == 0)
			rc = tg_table_number(table, (uint64_t)tg_json_number(item, "packets"));
		if (rc == 0)
			rc = tg_table_number(table, (uint64_t)tg_json_number(item, "bytes"));
		if (rc == 0)
			rc = tg_table_text(table, TG_BOLD, tg_json_text(item, "reason"));
		if (rc == 0)
			rc = tg_table_text(table, TG_PLAIN, tg_json_text(item, "text"));
	}
	if (rc == 0 && cJSON_IsFalse(cJSON_GetObjectItemCaseSensitive(tree, "connected")))
		fputs("the dataplane is away: nothing is known\n", cli->out);
	else if (rc == 0 && cJSON_GetArraySize(list) == 0)
		fputs("nothing was dropped\n", cli->out);
	else if (rc == 0)
		tg_table_print(table, cli);
	tg_table_free(table);
	return rc;
}

static int run(struct tg_cli *cli, int argc, char **argv)
{
	static const struct option longs[] = {
		TG_LIVE_OPTIONS,
		{"all", no_argument, NULL, 'a'},
		{0},
	};
	bool all = false;
	struct tg_live live = {.command = "drops",
		.path = "/v1/drops",
		.print = print,
		.finding = finding,
		.arrange = arrange,
		.arg = &all};
	int c, code = TG_EXIT_OK;

	while (code == TG_EXIT_OK &&
		(c = getopt_long(argc, argv, TG_LIVE_LETTERS "a", longs, NULL)) != -1) {
		if (c == 'a')
			all = true;
		else
			code = tg_live_option(&live, cli, c, argv);
	}
	if (code == TG_EXIT_OK && optind != argc)
		code = tg_cli_bad_usage(cli, argv[0], "no argument");
	return code == TG_EXIT_OK ? tg_live_run(&live, cli) : code;
}

const struct tg_command tg_command_drops = {
	.name = "drops",
	.summary = "list what was dropped, by reason",
	.help = "usage: tidegate drops [OPTION]...\n"
		"\n"
		"Lists the packets and bytes that the dataplane dropped since it started, by reason,\n"
		"the most frequent first.\n"
		"\n"
		"options:\n"
		"  -a, --all                  reasons that never happened as well\n" TG_LIVE_HELP
		"\n"
		"example:\n"
		"  tidegate drops -o json\n"
		"\n"
		"exit codes: 0 ok; 1 the dataplane is away; 2 usage, or the control process does not answer\n",
	.run = run,
};
