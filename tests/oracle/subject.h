/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The product as the oracle's opponent: text of objects -> decoder and store -> compiler -> checker
 * -> portable lookup and accelerated lookup. Answers have the oracle's form, reasons included.
 */
#ifndef TG_ORACLE_SUBJECT_H
#define TG_ORACLE_SUBJECT_H

#include <stddef.h>

#include "model.h"
#include "oracle.h"
#include "random_cluster.h"

#define SUBJECT_ERROR_MAX 512

struct subject;

/* A store and a compiler of its own; EAL must be up. NULL: out of memory. */
struct subject *subject_create(void);
void subject_free(struct subject *subject);

/*
 * Loads the cluster's objects and compiles them in full. 0; -EINVAL when the decoder refuses them;
 * -EBADMSG for anything else that must not happen; `error` then says what.
 */
int subject_load(struct subject *subject, const struct random_cluster *cluster,
	char error[SUBJECT_ERROR_MAX]);
/*
 * The same for a cluster as the model has it; zone and options are those of `how`, whose list does
 * not matter.
 */
int subject_compile(struct subject *subject, const struct tg_cluster *cluster,
	const struct random_cluster *how, char error[SUBJECT_ERROR_MAX]);
/*
 * The same for a cluster of which only pods differ from the one loaded before; the accelerated
 * lookup in force then gets the change as deltas. 1: it did, and subject_judge_delta may be asked;
 * 0: the change asks for a full compilation; errors as above. The other lookups are of a full
 * compilation in any case.
 */
int subject_change_pods(struct subject *subject, const struct random_cluster *cluster,
	char error[SUBJECT_ERROR_MAX]);

/* Each judges n tuples. */
void subject_judge_portable(const struct subject *subject, const struct oracle_tuple *tuples,
	struct oracle_answer *out, size_t n);
void subject_judge_burst(const struct subject *subject, const struct oracle_tuple *tuples,
	struct oracle_answer *out, size_t n);
void subject_judge_delta(const struct subject *subject, const struct oracle_tuple *tuples,
	struct oracle_answer *out, size_t n);

#endif
