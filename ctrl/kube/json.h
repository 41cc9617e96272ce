/* SPDX-License-Identifier: BSD-3-Clause */
/* Private to ctrl/kube: JSON text for exec plugins (RFC 8259). */
#ifndef TG_KUBE_JSON_H
#define TG_KUBE_JSON_H

#include <stdio.h>

#include "tree.h"

void kube_json_string(FILE *out, const char *text); /* UTF-8, with its quotes */
/* A value read from YAML, on one line. */
void kube_json_value(FILE *out, const struct tg_value *value);

#endif
