/* SPDX-License-Identifier: BSD-3-Clause */
#include "live.h"

#include <getopt.h>
#include <stdlib.h>
#include <time.h>

#include "json_print.h"
#include "remote.h"

#define WATCH_DEFAULT_S 2
#define WATCH_MAX_S 86400

int tg_live_option(struct tg_live *live, struct tg_cli *cli, int c, char **argv)
{
	switch (c) {
	case 'o':
		return tg_cli_parse_output(cli, argv[0], optarg, &live->json);
	case 'u':
		live->url = optarg;
		return TG_EXIT_OK;
	case 'w':
		live->watch_s = WATCH_DEFAULT_S;
		return optarg == NULL ? TG_EXIT_OK
				      : tg_cli_parse_number(cli, live->command, "--watch", optarg,
						1, WATCH_MAX_S, &live->watch_s);
	default:
		return tg_cli_bad_option(cli, c, argv);
	}
}

static int run_once(const struct tg_live *live, struct tg_cli *cli)
{
	cJSON *tree = NULL;
	int code = tg_remote_json(cli, live->command, live->url, live->path, &tree);

	if (code != TG_EXIT_OK)
		return code;
	if (live->arrange != NULL)
		live->arrange(tree, live->arg);
	/* While watching one line an answer, for programs that read line by line. */
	if (live->json && live->watch_s != 0)
		tg_json_print_line(cli->out, tree);
	else if (live->json)
		tg_json_print(cli->out, tree);
	else if (live->print(cli, tree, live->arg) != 0)
		code = tg_cli_fail(cli, live->command, "out of memory");
	if (code == TG_EXIT_OK && live->finding != NULL)
		code = live->finding(tree);
	cJSON_Delete(tree);
	return code;
}

int tg_live_command(struct tg_live *live, struct tg_cli *cli, int argc, char **argv)
{
	static const struct option longs[] = {TG_LIVE_OPTIONS, {0}};
	int c, code = TG_EXIT_OK;

	while (code == TG_EXIT_OK &&
		(c = getopt_long(argc, argv, TG_LIVE_LETTERS, longs, NULL)) != -1)
		code = tg_live_option(live, cli, c, argv);
	if (code == TG_EXIT_OK && optind != argc)
		code = tg_cli_bad_usage(cli, argv[0], "no argument");
	return code == TG_EXIT_OK ? tg_live_run(live, cli) : code;
}

int tg_live_run(const struct tg_live *live, struct tg_cli *cli)
{
	struct timespec pause = {.tv_sec = live->watch_s};
	int code;

	do {
		if (live->watch_s != 0 && cli->colour)
			fputs("\033[H\033[J", cli->out); /* a terminal: start at the top */
		code = run_once(live, cli);
		fflush(cli->out);
		if (code == TG_EXIT_USAGE || live->watch_s == 0 || ferror(cli->out))
			return code;
	} while (nanosleep(&pause, NULL) == 0);
	return code;
}

double tg_json_number(const cJSON *tree, const char *key)
{
	const cJSON *item = cJSON_GetObjectItemCaseSensitive(tree, key);

	return cJSON_IsNumber(item) ? item->valuedouble : 0;
}

const char *tg_json_text(const cJSON *tree, const char *key)
{
	const cJSON *item = cJSON_GetObjectItemCaseSensitive(tree, key);

	return cJSON_IsString(item) ? item->valuestring : "";
}

/*
 * cJSON_InsertItemInArray would not do: as Debian patches it, it refuses a detached element
 * anywhere but at the head.
 */
void tg_json_sort(cJSON *list, int (*compare)(const void *, const void *, void *), void *arg)
{
	size_t n = (size_t)cJSON_GetArraySize(list);
	cJSON **items;

	if (!cJSON_IsArray(list) || n < 2)
		return;
	items = calloc(n, sizeof(*items));
	if (items == NULL)
		return;
	for (size_t i = 0; i < n; i++)
		items[i] = cJSON_DetachItemViaPointer(list, list->child);
	qsort_r(items, n, sizeof(*items), compare, arg);
	for (size_t i = 0; i < n; i++)
		cJSON_AddItemToArray(list, items[i]);
	free(items);
}
