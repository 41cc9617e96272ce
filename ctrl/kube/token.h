/* SPDX-License-Identifier: BSD-3-Clause */
/* What a bearer token says of itself, where it is a JSON Web Token (RFC 7519). */
#ifndef TG_KUBE_TOKEN_H
#define TG_KUBE_TOKEN_H

#include <stdint.h>

#include "kubeconfig.h"

/*
 * When the token of the access expires (claim "exp"), Unix seconds; 0: there is none, or it does
 * not say. Read, not verified: that is the server's business.
 */
int64_t tg_kube_token_expires_at(const struct tg_kube_access *access);

#endif
