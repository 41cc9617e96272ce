/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Reading a profile's YAML: what its files share. A fact is a block with its source,
 * {is: VALUE, source: "net/mlx5/mlx5_flow.c @ v22.11.11"}; a list of words that have a source in
 * common is {are: [WORD, ...], source: ...}.
 */
#ifndef TG_NIC_READ_H
#define TG_NIC_READ_H

#include "profile.h"
#include "reader.h"

/* One text while it is read. */
struct tg_nic_read {
	struct tg_reader reader; /* its arena is where the profile lives */
	struct tg_nic_profile *profile;
	int err; /* -ENOMEM */
};

struct tg_nic_words {
	const char *const *v;
	size_t n; /* at most 32 */
};

extern const struct tg_nic_words tg_nic_field_words, tg_nic_action_words, tg_nic_domain_words,
	tg_nic_protocol_words, tg_nic_guard_words, tg_nic_masking_words, tg_nic_shapes_words,
	tg_nic_duplicates_words, tg_nic_on_stop_words, tg_nic_placed_words, tg_nic_placing_words,
	tg_nic_strategy_words, tg_nic_hazard_id_words, tg_nic_engine_fact_words, tg_nic_fact_words;

/* A text that is not empty, in the arena; NULL: absent or a problem. */
const char *tg_nic_read_text(struct tg_nic_read *read, const struct tg_at *at);
/* The same of a text that must be there. */
const char *tg_nic_read_needed(struct tg_nic_read *read, const struct tg_at *at);
/* The number of a word that must be there; -1: a problem. */
int tg_nic_read_word(
	struct tg_nic_read *read, const struct tg_at *at, const struct tg_nic_words *words);
/* A list of different words that must be there: 1 << number each. */
uint32_t tg_nic_read_set(
	struct tg_nic_read *read, const struct tg_at *at, const struct tg_nic_words *words);

/* A map with no other keys than `known` and its source, which is given. False: absent, no map. */
bool tg_nic_read_block(struct tg_nic_read *read, const struct tg_at *at, const char *const *known,
	const char **source);
/* A fact: the place of its value, whose value is NULL when there is none. */
struct tg_at tg_nic_read_fact(
	struct tg_nic_read *read, const struct tg_at *at, const char **source);
bool tg_nic_read_bool(struct tg_nic_read *read, const struct tg_at *at, const char **source);
/* 1..max; `absent` when absent or wrong. */
uint32_t tg_nic_read_number(struct tg_nic_read *read, const struct tg_at *at, uint32_t max,
	uint32_t absent, const char **source);

void tg_nic_read_engine(
	struct tg_nic_read *read, const struct tg_at *at, struct tg_nic_engine *engine);
/* A whole document. */
void tg_nic_read_profile(struct tg_nic_read *read, const struct tg_value *document);
/* What parts of a profile say of each other. */
void tg_nic_read_sound(struct tg_nic_read *read, const struct tg_at *root);

#endif
