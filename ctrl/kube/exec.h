/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Private to ctrl/kube: one run of an exec credential plugin (client.authentication.k8s.io). It has
 * no standard input, our standard error, and a session of its own, which is killed when its time
 * is up.
 */
#ifndef TG_KUBE_EXEC_H
#define TG_KUBE_EXEC_H

#include <stdint.h>

#include <uv.h>

#include "client.h"
#include "kubeconfig.h"

/* status of an ExecCredential. */
struct kube_exec_credential {
	char *token;		 /* NULL: none */
	char *certificate, *key; /* PEM; both or none */
	int64_t expires_at;	 /* Unix seconds; 0: not said */
};

void kube_exec_credential_wipe(struct kube_exec_credential *credential);

struct kube_exec_run;

/* `credential` is the callee's from now on; NULL: it failed, `why` says how. */
typedef void kube_exec_done(void *ctx, struct kube_exec_credential *credential, const char *why);

/*
 * Starts access->exec; `ca` is the cluster's CA or NULL. 0: `done` is called later, and the run is
 * gone then. -EACCES with `why`: cannot be run; -ENOMEM.
 */
int kube_exec_start(uv_loop_t *loop, const struct tg_kube_access *access, const char *ca,
	uint32_t limit_ms, kube_exec_done *done, void *ctx, struct kube_exec_run **out,
	char why[TG_KUBE_WHY]);
/* Kills it; `done` is not called. */
void kube_exec_cancel(struct kube_exec_run *run);
/*
 * What a plugin printed. 0, -EINVAL with `why`, -ENOMEM; only after 0 *out is to be wiped.
 * (Apart from running it, so that it can be tested with anything.)
 */
int kube_exec_read(const char *api_version, const char *text, size_t size,
	struct kube_exec_credential *out, const char **why);

#endif
