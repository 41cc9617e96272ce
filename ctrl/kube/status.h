/* SPDX-License-Identifier: BSD-3-Clause */
/* metav1.Status in an event: what an API server says when it ends a watch. */
#ifndef TG_KUBE_STATUS_H
#define TG_KUBE_STATUS_H

#include "client.h"

/*
 * Takes code, reason, message and details.retryAfterSeconds of a text into status, reason, why and
 * retry_after_ms. Of what is no Status only `why` is set.
 */
void tg_kube_status_read(const void *text, size_t size, struct tg_kube_result *result);

#endif
