/* SPDX-License-Identifier: BSD-3-Clause */
#include "cli.h"

#include <errno.h>
#include <getopt.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

static const struct tg_command *const commands[] = {
	&tg_command_init,
	&tg_command_check,
	&tg_command_print,
	&tg_command_explain,
	&tg_command_test,
	&tg_command_doctor,
	&tg_command_status,
	&tg_command_rules,
	&tg_command_sources,
	&tg_command_drops,
	&tg_command_nic,
	&tg_command_offload,
};

#define N_COMMANDS (sizeof(commands) / sizeof(commands[0]))

static const struct tg_command *find_command(const char *name)
{
	for (size_t i = 0; i < N_COMMANDS; i++)
		if (strcmp(commands[i]->name, name) == 0)
			return commands[i];
	return NULL;
}

static void print_overview(FILE *to)
{
	fputs("usage: tidegate COMMAND [OPTION]... [ARGUMENT]...\n"
	      "\n"
	      "Offline, on a directory of manifests (same compiler, same lookup as enforcement),\n"
	      "on profiles of NICs, and live, through the control process.\n\ncommands:\n",
		to);
	for (size_t i = 0; i < N_COMMANDS; i++)
		fprintf(to, "  %-10s %s\n", commands[i]->name, commands[i]->summary);
	fputs("\n"
	      "  tidegate COMMAND --help   options, an example and what is printed\n"
	      "  tidegate --version        the version\n"
	      "\n"
	      "exit codes: 0 ok; 1 a negative finding (denied, failed, not enforced, unhealthy);\n"
	      "2 usage or bad input. Colour only on a terminal, never when NO_COLOR is set.\n",
		to);
}

/* --help wins over everything else that was given, as long as it stands before a "--". */
static bool wants_help(int argc, char **argv)
{
	for (int i = 1; i < argc && strcmp(argv[i], "--") != 0; i++)
		if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0)
			return true;
	return false;
}

static bool helps_itself(const struct tg_command *command, int argc, char **argv)
{
	return argc > 1 && command->other_help != NULL && strcmp(argv[1], command->other_help) == 0;
}

static int print_help(struct tg_cli *cli, const char *name)
{
	const struct tg_command *command = find_command(name);

	if (command == NULL)
		return tg_cli_fail(cli, NULL, "unknown command '%s' (see 'tidegate --help')", name);
	fputs(command->help, cli->out);
	return TG_EXIT_OK;
}

static int dispatch(struct tg_cli *cli, int argc, char **argv)
{
	const struct tg_command *command;

	if (argc < 2) {
		print_overview(cli->err);
		return TG_EXIT_USAGE;
	}
	if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0) {
		print_overview(cli->out);
		return TG_EXIT_OK;
	}
	if (strcmp(argv[1], "help") == 0) {
		if (argc > 2)
			return print_help(cli, argv[2]);
		print_overview(cli->out);
		return TG_EXIT_OK;
	}
	if (strcmp(argv[1], "--version") == 0) {
		fprintf(cli->out, "tidegate %s\n", TG_VERSION);
		return TG_EXIT_OK;
	}
	command = find_command(argv[1]);
	if (command == NULL ||
		(wants_help(argc - 1, argv + 1) && !helps_itself(command, argc - 1, argv + 1)))
		return print_help(cli, argv[1]);
	optind = 0; /* glibc: forget the state of an earlier parse */
	opterr = 0;
	return command->run(cli, argc - 1, argv + 1);
}

int tg_cli_run(struct tg_cli *cli, int argc, char **argv)
{
	int code = dispatch(cli, argc, argv);

	/* A result that did not reach its reader (full disk) is no result. */
	if (fflush(cli->out) != 0 || ferror(cli->out))
		return tg_cli_fail(cli, NULL, "writing the output: %s", strerror(errno));
	return code;
}

int tg_cli_fail(struct tg_cli *cli, const char *command, const char *fmt, ...)
{
	va_list ap;

	fprintf(cli->err, "tidegate%s%s: ", command != NULL ? " " : "",
		command != NULL ? command : "");
	va_start(ap, fmt);
	vfprintf(cli->err, fmt, ap);
	va_end(ap);
	fputc('\n', cli->err);
	return TG_EXIT_USAGE;
}

int tg_cli_bad_option(struct tg_cli *cli, int c, char **argv)
{
	const char *what = argv[optind - 1];
	char letter[3] = {'-', (char)optopt, '\0'};

	/* optopt is the letter of a short option; a long one stands in argv as it was given. */
	if (optopt > ' ' && optopt < 127 && strncmp(what, "--", 2) != 0)
		what = letter;
	return tg_cli_fail(cli, argv[0],
		c == ':' ? "option '%s' needs a value (see 'tidegate %s --help')"
			 : "unknown option '%s' (see 'tidegate %s --help')",
		what, argv[0]);
}

int tg_cli_bad_usage(struct tg_cli *cli, const char *command, const char *expected)
{
	return tg_cli_fail(
		cli, command, "expected %s (see 'tidegate %s --help')", expected, command);
}

int tg_cli_parse_output(struct tg_cli *cli, const char *command, const char *text, bool *json)
{
	if (strcmp(text, "json") != 0 && strcmp(text, "text") != 0)
		return tg_cli_fail(cli, command, "-o: '%s' is none of text, json", text);
	*json = strcmp(text, "json") == 0;
	return TG_EXIT_OK;
}

int tg_cli_parse_number(struct tg_cli *cli, const char *command, const char *option,
	const char *text, uint32_t least, uint32_t most, uint32_t *out)
{
	char *end;
	unsigned long value = strtoul(text, &end, 10);

	if (*text < '0' || *text > '9' || *end != '\0' || value < least || value > most)
		return tg_cli_fail(
			cli, command, "%s: '%s' is not %u to %u", option, text, least, most);
	*out = (uint32_t)value;
	return TG_EXIT_OK;
}

const char *tg_colour_on(const struct tg_cli *cli, enum tg_colour colour)
{
	static const char *const codes[] = {
		[TG_PLAIN] = "",
		[TG_GREEN] = "\033[32m",
		[TG_RED] = "\033[31m",
		[TG_YELLOW] = "\033[33m",
		[TG_BOLD] = "\033[1m",
		[TG_DIM] = "\033[2m",
	};

	return cli->colour ? codes[colour] : "";
}

const char *tg_colour_off(const struct tg_cli *cli)
{
	return cli->colour ? "\033[0m" : "";
}
