/* SPDX-License-Identifier: BSD-3-Clause */
/* Private to ctrl/kube: the making of a struct tg_kube_access, and the files that one names. */
#ifndef TG_KUBE_ACCESS_H
#define TG_KUBE_ACCESS_H

#include "arena.h"
#include "kubeconfig.h"

/* The public part and what it lives in. */
struct kube_access {
	struct tg_kube_access access;
	struct tg_arena *arena;
};

/* NULL: out of memory. tg_kube_access_free() ends it. */
struct kube_access *kube_access_create(void);
/* As tg_kube_access_parse(); `look`: the files that it names are tried. */
int kube_access_parse(const struct tg_kube_access_options *options, bool look, const char *file,
	const void *text, size_t size, struct tg_kube_access **out, char **error);

#endif
