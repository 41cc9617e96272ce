/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Private to ctrl/kube: what a request is made with at this moment, out of the access's texts,
 * files and exec plugin. Files are looked at for each request, and read when stat(2) says that they
 * are others, when that is KUBE_FILE_AGE_MS ago, and after a rejection. What a plugin gave is kept
 * until it expires (expirationTimestamp, or its certificate does) or is rejected.
 */
#ifndef TG_KUBE_CREDENTIALS_H
#define TG_KUBE_CREDENTIALS_H

#include <stdbool.h>

#include <uv.h>

#include "client.h"

#define KUBE_FILE_AGE_MS 60000u /* as client-go; half of what kubelet leaves a token to live */

/* Does not change once made; lives as long as somebody refers to it. */
struct kube_credentials {
	unsigned int refs;
	/* PEM; NULL: none */
	char *ca, *certificate, *key;
	char *header;			/* "Authorization: ..."; NULL: none */
	const char *secret;		/* in `header`, behind the scheme's name; NULL: none */
	int64_t certificate_expires_at; /* Unix seconds; 0: none */
};

void kube_credentials_put(struct kube_credentials *credentials); /* NULL is fine */

struct kube_authenticator;

/*
 * The plugin that kube_authenticator_get() said -EINPROGRESS about is done: `why` NULL: ask again;
 * else it failed.
 */
typedef void kube_authenticator_ready(void *ctx, const char *why);

/* NULL: out of memory. */
struct kube_authenticator *kube_authenticator_create(uv_loop_t *loop,
	const struct tg_kube_access *access, uint32_t exec_ms, kube_authenticator_ready *ready,
	void *ctx);
void kube_authenticator_free(struct kube_authenticator *authenticator);

/*
 * 0 with a reference in *out; -EINPROGRESS: a plugin runs, ask again when `ready` has been called;
 * -EACCES: none to be had, `why` says why not; -ENOMEM.
 */
int kube_authenticator_get(struct kube_authenticator *authenticator, struct kube_credentials **out,
	char why[TG_KUBE_WHY]);
/*
 * The server does not accept these. Forgets what a plugin gave and reads files anew; true: there
 * are, or may be, others by now.
 */
bool kube_authenticator_reject(
	struct kube_authenticator *authenticator, const struct kube_credentials *rejected);
/* credentials_read, exec_runs and certificate_expires_at. */
void kube_authenticator_stats(
	const struct kube_authenticator *authenticator, struct tg_kube_client_stats *out);

#endif
