/* SPDX-License-Identifier: BSD-3-Clause */
/* Results of `tidegate test` in the formats that test harnesses read. */
#ifndef TG_CLI_REPORT_H
#define TG_CLI_REPORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

struct tg_result {
	const char *name;
	uint32_t line; /* of the assertion file */
	bool passed;
	size_t pairs;	     /* judged */
	const char *message; /* why it failed, one or more lines; NULL when it passed */
};

enum tg_report_format { TG_REPORT_TAP, TG_REPORT_JUNIT, TG_REPORT_JSON };

/* "tap", "junit", "json"; -EINVAL. */
int tg_report_parse(const char *text, enum tg_report_format *out);
/* All results at once. `file` is the assertion file's name. 0 or -ENOMEM. */
int tg_report_print(FILE *out, enum tg_report_format format, const char *file,
	const struct tg_result *results, size_t n);

#endif
