/* SPDX-License-Identifier: BSD-3-Clause */
/* Private to ctrl/kube: lines for people made of what others sent. */
#ifndef TG_KUBE_TEXT_H
#define TG_KUBE_TEXT_H

#include <stddef.h>

/*
 * As snprintf(), and what comes out is one line of UTF-8: control characters become spaces, and it
 * is cut between two characters. What is put in is UTF-8.
 */
void kube_text_line(char *out, size_t size, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

#endif
