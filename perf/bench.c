/* SPDX-License-Identifier: BSD-3-Clause */
#include "bench.h"

#include <errno.h>
#include <getopt.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#define OPTIONS_MAX 16

void bench_die(const char *format, ...)
{
	va_list args;

	fprintf(stderr, "%s: ", program_invocation_short_name);
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fputc('\n', stderr);
	exit(1);
}

static __attribute__((noreturn)) void usage(const struct bench_option *options)
{
	fprintf(stderr, "usage: %s", program_invocation_short_name);
	for (; options->name != NULL; options++)
		fprintf(stderr, " [--%s%s]", options->name,
			options->flag != NULL	? ""
			: options->text != NULL ? " TEXT"
						: " N");
	fputc('\n', stderr);
	exit(2);
}

static void take(const struct bench_option *option, const char *value)
{
	unsigned long n;
	char *end;

	if (option->flag != NULL) {
		*option->flag = true;
	} else if (option->text != NULL) {
		*option->text = value;
	} else {
		errno = 0;
		n = strtoul(value, &end, 10);
		if (errno != 0 || end == value || *end != '\0' || *value == '-' ||
			n < option->least || n > option->most)
			bench_die("--%s takes %u..%u", option->name, option->least, option->most);
		*option->number = (uint32_t)n;
	}
}

void bench_options(int argc, char **argv, const struct bench_option *options)
{
	struct option table[OPTIONS_MAX + 1] = {0};
	int c, at;

	for (int i = 0; options[i].name != NULL && i < OPTIONS_MAX; i++)
		table[i] = (struct option){
			.name = options[i].name,
			.has_arg = options[i].flag != NULL ? no_argument : required_argument,
		};
	while ((c = getopt_long(argc, argv, "", table, &at)) == 0)
		take(&options[at], optarg);
	if (c != -1 || optind != argc)
		usage(options);
}

static int compare(const void *a, const void *b)
{
	const double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

double bench_median(double *v, size_t n)
{
	qsort(v, n, sizeof(*v), compare);
	return v[n / 2];
}

FILE *bench_figures_open(const char *path)
{
	FILE *to = fopen(path, "we");

	if (to == NULL)
		bench_die("%s: %s", path, strerror(errno));
	return to;
}

void bench_figures_close(FILE *to)
{
	const bool failed = ferror(to) != 0;

	if (fclose(to) != 0 || failed)
		bench_die("the figures cannot be written");
}
