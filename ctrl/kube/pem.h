/* SPDX-License-Identifier: BSD-3-Clause */
/* Private to ctrl/kube: what can be told of a PEM text (RFC 7468) without a TLS library. */
#ifndef TG_KUBE_PEM_H
#define TG_KUBE_PEM_H

#include <stdint.h>

/*
 * When the first certificate of the text ends being valid (RFC 5280 section 4.1.2.5), in Unix
 * seconds; 0: it has none that can be read.
 */
int64_t kube_pem_expires_at(const char *text);

#endif
