/* SPDX-License-Identifier: BSD-3-Clause */
/* A report for people, or as JSON. */
#ifndef TG_VERIFY_PRINT_H
#define TG_VERIFY_PRINT_H

#include <stdio.h>

#include "verify.h"

/* What was tried. */
struct subject {
	const char *profile, *device, *driver;
	const char *nic, *firmware; /* for `verified` */
	const char *date;	    /* "2026-01-31" */
	bool complete;		    /* tried to the end */
};

void print_text(FILE *out, const struct subject *subject, const struct tg_verify_report *report);
/* 0 or -ENOMEM. */
int print_json(FILE *out, const struct subject *subject, const struct tg_verify_report *report);

#endif
