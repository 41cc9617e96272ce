/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * metav1.Status: what an API server says went wrong, in an answer or in the event that ends a
 * watch.
 */
#ifndef TG_KUBE_STATUS_H
#define TG_KUBE_STATUS_H

#include <stdbool.h>

#include "client.h"

#define KUBE_MESSAGE_MAX 1024 /* bytes, with the NUL */

/* Milliseconds that `seconds` of a server come to; 0: it did not say. */
uint32_t kube_retry_ms(int64_t seconds);

/*
 * Takes reason, code and details.retryAfterSeconds into reason, status and retry_after_ms, the
 * latter two if there are none yet, and the message into `message`. False: the text is no Status,
 * and nothing was taken.
 */
bool kube_status_parse(const char *text, size_t size, struct tg_kube_result *result,
	char message[KUBE_MESSAGE_MAX]);

/* The same of an event, with a `why`; of what is no Status that is all. */
void tg_kube_status_read(const char *text, size_t size, struct tg_kube_result *result);

#endif
