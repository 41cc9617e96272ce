/* SPDX-License-Identifier: BSD-3-Clause */
/* What the commands that ask a running control process have in common. */
#ifndef TG_CLI_LIVE_H
#define TG_CLI_LIVE_H

#include <cjson/cJSON.h>

#include "cli.h"

struct tg_live {
	const char *command;
	const char *path; /* "/v1/rules" */
	const char *url;  /* NULL: the default */
	bool json;
	unsigned int watch_s; /* 0: once */
	/* Prints one answer as text. 0 or -ENOMEM. */
	int (*print)(struct tg_cli *cli, const cJSON *tree, void *arg);
	/* The exit code that an answer means; NULL: TG_EXIT_OK. */
	int (*finding)(const cJSON *tree);
	/* Filters and sorts an answer in place before it is printed in either way; may be NULL. */
	void (*arrange)(cJSON *tree, void *arg);
	void *arg;
};

/* The options that all of them take, for getopt_long and for --help. */
#define TG_LIVE_OPTIONS                                                                  \
	{"output", required_argument, NULL, 'o'}, {"url", required_argument, NULL, 'u'}, \
	{                                                                                \
		"watch", optional_argument, NULL, 'w'                                    \
	}
#define TG_LIVE_LETTERS ":o:"
#define TG_LIVE_HELP                                                                 \
	"      --url URL              where tidegate-ctrl answers (default\n"        \
	"                             http://127.0.0.1:9469)\n"                      \
	"      --watch[=SECONDS]      again and again, every 2 seconds by default\n" \
	"  -o, --output text|json     how to print\n"

/* Takes one of those options. An exit code; `c` that is none of them is a bad option. */
int tg_live_option(struct tg_live *live, struct tg_cli *cli, int c, char **argv);
/* The whole of a command that takes no options but those and no arguments. An exit code. */
int tg_live_command(struct tg_live *live, struct tg_cli *cli, int argc, char **argv);
/* Asks and prints, once or until it fails or is interrupted. An exit code. */
int tg_live_run(const struct tg_live *live, struct tg_cli *cli);

/* The number in a member, 0 when it is absent; the string, "" when it is absent. */
double tg_json_number(const cJSON *tree, const char *key);
const char *tg_json_text(const cJSON *tree, const char *key);
/*
 * Sorts an array in place. `compare` is given pointers to cJSON pointers, and `arg`, as by
 * qsort_r. Without memory, or when `list` is no array, the order stays; no element is ever lost.
 */
void tg_json_sort(cJSON *list, int (*compare)(const void *, const void *, void *), void *arg);

#endif
