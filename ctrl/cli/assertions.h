/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Assertion files: what a set of policies is expected to allow and deny.
 *
 *	assertions:
 *	- name: web reaches the api           # what the report calls it; optional
 *	  from: shop/web-0                    # a pod, an address, or a set of pods:
 *	  to: {namespace: shop, selector: "app=api"}
 *	  port: 8080                          # destination port
 *	  protocol: TCP                       # the default; ICMP and numbers need no port
 *	  expect: allow                       # or deny
 *
 * A set is every pod of `namespace` (absent: of all namespaces) that `selector` matches, written
 * as for `kubectl -l` (absent: all pods); hostNetwork and finished pods are in no set. An
 * assertion about sets holds when it holds for each pair (a pod and itself is no pair), and there
 * must be at least one. Two dual-stack ends must meet the expectation in both families.
 */
#ifndef TG_CLI_ASSERTIONS_H
#define TG_CLI_ASSERTIONS_H

#include "arena.h"
#include "model.h"
#include "reader.h"

#define TG_ASSERTIONS_MAX 100000
#define TG_ASSERTIONS_SIZE_MAX (64u << 20) /* bytes of a file */

struct tg_assertion_end {
	const char *text;		     /* a pod or an address; NULL: a set */
	uint32_t ns;			     /* of the set; UINT32_MAX: all namespaces */
	const char *ns_text, *selector_text; /* as written; NULL when absent */
	struct tg_selector selector;
};

struct tg_assertion {
	const char *name;
	struct tg_assertion_end from, to;
	uint8_t protocol;
	uint16_t port; /* 0 for protocols without ports */
	bool allow;
	uint32_t line;
};

/* Owned by the arena that it was read into. */
struct tg_assertions {
	struct tg_assertion *v;
	size_t n;
};

/*
 * Reads the text of a file. 0; -EINVAL with problems in `reader` (lines and field paths); -ENOMEM.
 * `strings` is the cluster's table; words of selectors are added to it.
 */
int tg_assertions_read(const void *text, size_t size, struct tg_intern *strings,
	struct tg_arena *arena, struct tg_reader *reader, struct tg_assertions *out);

#endif
