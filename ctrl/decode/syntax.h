/* SPDX-License-Identifier: BSD-3-Clause */
/* The syntax rules of Kubernetes names (k8s.io/apimachinery/pkg/util/validation). */
#ifndef TG_DECODE_SYNTAX_H
#define TG_DECODE_SYNTAX_H

#include <stdbool.h>
#include <stdint.h>

/* RFC 1123 label: at most 63 of a-z 0-9 -, alphanumeric at both ends. */
bool tg_is_dns_label(const char *text);
/* RFC 1123 subdomain: labels joined by dots (each of any length), at most 253 in all. */
bool tg_is_dns_subdomain(const char *text);
/* A label's or annotation's key: [subdomain/]name. */
bool tg_is_qualified_name(const char *text);
/* Empty, or at most 63 of A-Z a-z 0-9 - _ ., alphanumeric at both ends. */
bool tg_is_label_value(const char *text);
/* IANA service name: at most 15 of a-z 0-9 -, a letter, no hyphen at an end, none doubled. */
bool tg_is_port_name(const char *text);
/* RFC 3339 to Unix seconds; false when it is no time. */
bool tg_time_parse(const char *text, int64_t *out);

#endif
