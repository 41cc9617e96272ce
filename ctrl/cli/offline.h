/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A manifest directory opened for an offline command: loaded, and compiled by the compiler of
 * `tidegate-ctrl`; questions are answered by the lookup that the dataplane is tested against.
 */
#ifndef TG_CLI_OFFLINE_H
#define TG_CLI_OFFLINE_H

#include "cli.h"
#include "compile.h"
#include "image.h"
#include "roster.h"
#include "standin.h"
#include "store.h"

struct tg_config;

struct tg_offline {
	const char *command; /* for messages */
	struct tg_store *store;
	struct tg_view *view;
	const struct tg_cluster *cluster; /* what was compiled: with stand-ins, if asked for */
	struct tg_standin *standin;	  /* NULL unless asked for */
	struct tg_roster *roster;	  /* of `cluster` */
	struct tg_config *config;
	struct tg_compile_options options;
	struct tg_compiler *compiler;
	struct tg_compiled *compiled;
	struct tg_image image;
};

/* What a command's options ask for. */
struct tg_offline_request {
	const char *command;
	const char *dir;
	const char *config;	    /* -c; NULL: the defaults of a configuration file */
	const char *default_action; /* --default-action: a word, or NULL */
	bool standins;		    /* give pods without address a stand-in */
};

/* The options that all of them take, for getopt_long and for --help; 'o' is the command's. */
#define TG_OFFLINE_OPTIONS                                        \
	{"config", required_argument, NULL, 'c'},                 \
		{"default-action", required_argument, NULL, 'd'}, \
	{                                                         \
		"output", required_argument, NULL, 'o'            \
	}
#define TG_OFFLINE_LETTERS ":c:o:"
#define TG_OFFLINE_HELP                                                                       \
	"  -c, --config FILE          the control process's configuration: default action,\n" \
	"                             pod ranges, infrastructure (default: its defaults)\n"   \
	"      --default-action WORD  deny, audit or kubernetes, over the configuration's\n"

/* Takes 'c' and 'd' of them, as getopt_long returns them. False: `c` is another one. */
bool tg_offline_option(struct tg_offline_request *request, int c, const char *value);

/*
 * The steps, each needing the one before; all report on cli->err and return an exit code.
 * tg_offline_close() is right after any of them, failed or not.
 */
int tg_offline_load(
	struct tg_offline *offline, struct tg_cli *cli, const struct tg_offline_request *request);
int tg_offline_compile(struct tg_offline *offline, struct tg_cli *cli);
/* Both; policy kinds that are not enforced are reported as a warning. */
int tg_offline_open(
	struct tg_offline *offline, struct tg_cli *cli, const struct tg_offline_request *request);
void tg_offline_close(struct tg_offline *offline);

/* One line on cli->err for each policy that is not enforced, after `prefix`; returns how many. */
size_t tg_offline_report_not_enforced(
	const struct tg_offline *offline, struct tg_cli *cli, const char *prefix);

#endif
