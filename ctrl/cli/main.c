/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli.h"
#include "log.h"

static bool colour_wanted(void)
{
	const char *no_color = getenv("NO_COLOR"), *term = getenv("TERM");

	if (no_color != NULL && *no_color != '\0')
		return false;
	if (term == NULL || *term == '\0' || strcmp(term, "dumb") == 0)
		return false;
	return isatty(STDOUT_FILENO) == 1;
}

int main(int argc, char **argv)
{
	struct tg_cli cli = {
		.in = stdin,
		.out = stdout,
		.err = stderr,
		.colour = colour_wanted(),
	};

	tg_log_init("tidegate", TG_LOG_WARN);
	return tg_cli_run(&cli, argc, argv);
}
