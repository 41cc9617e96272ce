/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Small clusters for tests, written in a line an object, and what a compiled one says about a
 *tuple.
 *
 *	zone NUMBER                               that what follows is in; 0 before
 *	ns NAME [k=v,... [MAX-CONNECTIONS]]
 *	node NAME ADDR,... [cidr PREFIX,...]
 *	pod NS/NAME ADDR,... [labels k=v,...] [ports NAME:NUMBER/PROTO,...] [node N] [created T]
 *	    [hostnet] [finished] [terminating]
 *	service NS/NAME ADDR,...
 *	policy NS/NAME SELECTOR [uid U] [owner O]
 *	ingress [from PEERS ports PORTS]          of the policy above; alone: isolates only
 *	egress [to PEERS ports PORTS]
 *
 * SELECTOR: "*" or requirements joined by "&": k=v|w, k!=v|w, k, !k. PEERS, joined by ";": any,
 * pods:SELECTOR, ns:SELECTOR, ns:SELECTOR+SELECTOR (namespaces and pods), block:PREFIX-EXCEPT-...,
 * or "-" for none at all. PORTS, joined by ",": any, TCP/80, TCP/80-90, TCP/NAME, "UDP/" and "*".
 *An address list may be "-".
 */
#ifndef TG_TEST_CLUSTER_H
#define TG_TEST_CLUSTER_H

#include "compile.h"
#include "image.h"
#include "model.h"

struct test_cluster;

/* Aborts on a line that it cannot read. */
struct test_cluster *test_cluster_create(const char *text);
void test_cluster_free(struct test_cluster *c);
/* Adds the objects of more lines. */
void test_cluster_add(struct test_cluster *c, const char *text);
const struct tg_cluster *test_cluster_view(struct test_cluster *c);
/* A pod from its line that is no part of the cluster; owned by it. */
const struct tg_pod *test_cluster_extra_pod(struct test_cluster *c, const char *line);

/* Compiled and checked; aborts when either fails. */
struct test_ruleset {
	struct tg_compiled *compiled;
	struct tg_image image;
};

struct test_ruleset test_compile(struct tg_compiler *compiler, struct test_cluster *c,
	const struct tg_compile_options *options);
void test_ruleset_free(struct test_ruleset *r);

/*
 * "ACTION RULE" of one side of a tuple, where RULE is a built-in label, "NS/POLICY[INDEX]",
 * "implicit NS: POLICIES", "baseline NS" or "infrastructure NAME". Returns `buf`.
 */
struct test_tuple {
	const char *src, *dst;
	uint8_t protocol;
	uint16_t dport;
	uint16_t zone;
};

#define TEST_SAYS 256
const char *test_says(const struct tg_image *image, const struct test_tuple *tuple,
	enum tg_direction dir, char buf[TEST_SAYS]);
/* The slot of the rule that test_says would name RULE; TG_NONE. */
uint32_t test_slot_of(const struct tg_image *image, const char *rule);

struct tg_addr test_addr(const char *text);
struct tg_prefix test_prefix(const char *text);

#endif
