/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What `doctor` finds. Each check judges gathered facts and asks nobody; it finds one thing or
 * several, each with what to do about it.
 */
#ifndef TG_CLI_CHECKS_H
#define TG_CLI_CHECKS_H

#include "cluster_facts.h"
#include "gateway_facts.h"

/* X(SYMBOL, "label") */
#define TG_LEVELS(X)    \
	X(OK, "ok")     \
	X(WARN, "warn") \
	X(FAIL, "fail") \
	X(SKIP, "skip")

enum tg_level {
#define X(sym, label) TG_LEVEL_##sym,
	TG_LEVELS(X)
#undef X
		TG_LEVEL_COUNT
};

const char *tg_level_label(enum tg_level level);

struct tg_finding {
	enum tg_level level;
	const char *cluster; /* ""; of the gateway */
	const char *check;   /* "clock" */
	const char *found;
	const char *todo; /* NULL: nothing; may have several lines */
};

/* Zero-initialise but for the arena, in which the texts are; tg_vec_free(&list) frees the rest. */
struct tg_findings {
	struct tg_arena *arena;
	TG_VEC(struct tg_finding) list;
	const char *cluster, *check; /* of what is being found */
	bool no_memory;
};

void tg_check_cluster(const struct tg_cluster_facts *facts, struct tg_findings *findings);
/* What is wrong between clusters that are each in order. */
void tg_check_clusters(
	struct tg_cluster_facts *const *facts, size_t n, struct tg_findings *findings);
void tg_check_gateway(const struct tg_gateway_facts *facts, struct tg_findings *findings);

/* For checks. `todo` NULL: nothing is to be done. */
void tg_find(struct tg_findings *findings, enum tg_level level, const char *todo, const char *fmt,
	...) __attribute__((format(printf, 4, 5)));
/* A text in the findings' arena; never NULL. */
const char *tg_find_text(struct tg_findings *findings, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

#endif
