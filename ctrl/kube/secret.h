/* SPDX-License-Identifier: BSD-3-Clause */
/* Private to ctrl/kube: certificates, keys and tokens, from text or file. */
#ifndef TG_KUBE_SECRET_H
#define TG_KUBE_SECRET_H

#include <stddef.h>

enum kube_secret_kind { KUBE_CERTIFICATE, KUBE_KEY, KUBE_TOKEN };

/* NULL when `text` is what it should be, else "expected ...", never with a piece of it. */
const char *kube_secret_complaint(enum kube_secret_kind kind, const char *text);
/*
 * The text of a file (a token's without the white space around it), to be freed by
 * kube_secret_free(). NULL: cannot be read or is not what it should be, *why says it.
 */
char *kube_secret_read(enum kube_secret_kind kind, const char *path, const char **why);
/* Overwrites the text first; NULL is fine. */
void kube_secret_free(char *text);

#endif
