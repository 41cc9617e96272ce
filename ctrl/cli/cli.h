/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The frame of the operator's tool `tidegate`: a table of subcommands, each one file with one
 * struct tg_command. A command gets its streams from the caller, so that tests run it in-process,
 * and returns an exit code of the list below.
 */
#ifndef TG_CLI_H
#define TG_CLI_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

/* The exit codes of every command; scripts rely on them. */
enum tg_exit {
	TG_EXIT_OK = 0,	      /* done, and nothing to complain about */
	TG_EXIT_NEGATIVE = 1, /* done, and the finding is negative: denied, failed, unhealthy */
	TG_EXIT_USAGE = 2,    /* not done: usage, unreadable or invalid input, no connection */
};

/* What a command runs with; streams belong to the caller. */
struct tg_cli {
	FILE *in;
	FILE *out; /* results */
	FILE *err; /* complaints; each line begins with "tidegate" */
	bool colour;
};

struct tg_command {
	const char *name;
	const char *summary;	/* one line, for the list of commands */
	const char *help;	/* all of `--help`: usage, options, an example, exit codes */
	const char *other_help; /* a first argument for which `run` prints help; NULL: none */
	int (*run)(struct tg_cli *cli, int argc, char **argv); /* argv[0] is the command's name */
};

extern const struct tg_command tg_command_check;
extern const struct tg_command tg_command_print;
extern const struct tg_command tg_command_explain;
extern const struct tg_command tg_command_test;
extern const struct tg_command tg_command_init;
extern const struct tg_command tg_command_doctor;
extern const struct tg_command tg_command_status;
extern const struct tg_command tg_command_sources;
extern const struct tg_command tg_command_rules;
extern const struct tg_command tg_command_drops;
extern const struct tg_command tg_command_nic;
extern const struct tg_command tg_command_offload;

/* Runs `tidegate ARGS...`; argv[0] is the program. Returns the exit code. */
int tg_cli_run(struct tg_cli *cli, int argc, char **argv);

/* "tidegate COMMAND: message" on err; returns TG_EXIT_USAGE. */
int tg_cli_fail(struct tg_cli *cli, const char *command, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
/*
 * What to return when getopt_long gave `c`, '?' or ':' (its own messages are switched off): says
 * which option is wrong and where help is.
 */
int tg_cli_bad_option(struct tg_cli *cli, int c, char **argv);
/* Wrong number of arguments: says what was expected. */
int tg_cli_bad_usage(struct tg_cli *cli, const char *command, const char *expected);

/* The value of -o. An exit code; what is wrong has been said. */
int tg_cli_parse_output(struct tg_cli *cli, const char *command, const char *text, bool *json);
/* An option's value that is a number from `least` to `most`; else the same. */
int tg_cli_parse_number(struct tg_cli *cli, const char *command, const char *option,
	const char *text, uint32_t least, uint32_t most, uint32_t *out);

/* Colours are empty strings unless the output is a terminal and NO_COLOR is unset. */
enum tg_colour { TG_PLAIN, TG_GREEN, TG_RED, TG_YELLOW, TG_BOLD, TG_DIM };
const char *tg_colour_on(const struct tg_cli *cli, enum tg_colour colour);
const char *tg_colour_off(const struct tg_cli *cli);

#endif
