/* SPDX-License-Identifier: BSD-3-Clause */
/* What parts of a profile say of each other: read one by one, they make sense together. */
#include <string.h>

#include "read.h"

#define BIT(n) (1u << (n))

/* One engine and its place. */
struct engine {
	struct tg_nic_read *read;
	const struct tg_nic_engine *v;
	size_t index;
	const struct tg_at *at;
};

static bool has_hazard(const struct engine *engine, enum tg_nic_hazard_id id)
{
	const struct tg_nic_hazard *hazard = &engine->read->profile->hazards[id];

	return hazard->present && (hazard->engines & BIT(engine->index)) != 0;
}

/* A fact and the hazard that says the same go together. */
static void check_pair(
	const struct engine *engine, const char *key, bool said, enum tg_nic_hazard_id id)
{
	struct tg_at at = tg_at_field(engine->at, key);

	if (said != has_hazard(engine, id))
		tg_reader_problem(&engine->read->reader, &at, "%s the hazard %s for this engine",
			said ? "goes with" : "contradicts", tg_nic_hazard_id_name(id));
}

static void check_groups(const struct engine *engine)
{
	struct tg_at at = tg_at_field(engine->at, "first-group");

	if (engine->v->first_group >= engine->v->n_groups)
		tg_reader_problem(&engine->read->reader, &at, "is beyond the engine's groups");
	if (engine->v->first_group != 0 && (engine->v->actions & BIT(TG_NIC_JUMP)) == 0)
		tg_reader_problem(&engine->read->reader, &at, "needs the action jump");
}

static void check_count(const struct engine *engine)
{
	struct tg_at at = tg_at_field(engine->at, "counters");
	bool counts = engine->v->counters.hits || engine->v->counters.bytes;

	if (counts != ((engine->v->actions & BIT(TG_NIC_COUNT)) != 0))
		tg_reader_problem(&engine->read->reader, &at,
			"goes with the action count, and only with that");
}

static void check_marks(const struct engine *engine)
{
	struct tg_at at = tg_at_field(engine->at, "marks");

	if ((engine->v->marks.max != 0) != ((engine->v->actions & BIT(TG_NIC_MARK)) != 0))
		tg_reader_problem(&engine->read->reader, &at,
			"goes with the action mark, and only with that");
}

static void check_engine(const struct engine *engine)
{
	check_groups(engine);
	check_marks(engine);
	check_count(engine);
	check_pair(engine, "duplicates", engine->v->duplicates == TG_NIC_DUPLICATES_FIRST_WINS,
		TG_NIC_HAZARD_FIRST_WINS);
	check_pair(
		engine, "counters", engine->v->counters.stale_ms != 0, TG_NIC_HAZARD_STALE_COUNTER);
	for (size_t e = 0; e < engine->index; e++)
		if (strcmp(engine->read->profile->engines[e].name, engine->v->name) == 0)
			tg_reader_problem(&engine->read->reader, engine->at,
				"another engine is called \"%s\" as well", engine->v->name);
}

static void check_engines(struct tg_nic_read *read, const struct tg_at *root)
{
	struct tg_at list = tg_at_field(root, "engines");
	const struct tg_value *v = tg_at_first(&list);

	for (size_t i = 0; v != NULL; v = v->next, i++) {
		struct tg_at at = tg_at_item(&list, v, i);
		struct engine engine = {read, &read->profile->engines[i], i, &at};

		check_engine(&engine);
	}
}

/* A widened field is one that is taken with more than full masks; else the hazard says nothing. */
static void check_widened(struct tg_nic_read *read, const struct tg_at *hazards)
{
	const struct tg_nic_profile *p = read->profile;
	const struct tg_nic_hazard *hazard = &p->hazards[TG_NIC_HAZARD_MASK_WIDENED];

	for (int f = 0; f < TG_NIC_FIELD_COUNT; f++) {
		bool partial = (hazard->fields & BIT(f)) == 0;

		for (size_t e = 0; e < p->n_engines; e++)
			partial |= (hazard->engines & BIT(e)) != 0 &&
				   p->engines[e].masking[f] > TG_NIC_MASK_EXACT;
		if (!partial)
			tg_reader_problem(&read->reader, hazards,
				"mask-widened: no engine of it takes partial masks on %s",
				tg_nic_field_name((enum tg_nic_field)f));
	}
}

static void check_hazards(struct tg_nic_read *read, const struct tg_at *root)
{
	const struct tg_nic_profile *p = read->profile;
	struct tg_at at = tg_at_field(root, "hazards"), fact;

	check_widened(read, &at);
	if (p->hazards[TG_NIC_HAZARD_ENGINE_FALLBACK].present && p->n_engines < 2)
		tg_reader_problem(&read->reader, &at, "engine-fallback needs two engines");
	fact = tg_at_field(root, "insert-late");
	if ((p->insert_late_ms != 0) != p->hazards[TG_NIC_HAZARD_LATE_INSERT].present)
		tg_reader_problem(&read->reader, &fact, "goes with the hazard late-insert");
	fact = tg_at_field(root, "on-stop");
	if (p->n_engines != 0 && fact.value == NULL)
		tg_reader_problem(&read->reader, &fact, "is required");
	if (p->n_engines != 0 && (p->on_stop != TG_NIC_ON_STOP_KEPT) !=
					 p->hazards[TG_NIC_HAZARD_LOST_ON_STOP].present)
		tg_reader_problem(&read->reader, &fact,
			"the hazard lost-on-stop goes with every other word than kept");
}

/* Does an engine do all of that, and count packets and bytes if that is among it? */
static bool does_all(const struct tg_nic_profile *profile, uint32_t actions, uint8_t domains)
{
	for (size_t e = 0; e < profile->n_engines; e++) {
		const struct tg_nic_engine *engine = &profile->engines[e];
		bool counts = engine->counters.hits && engine->counters.bytes;

		if ((engine->actions & actions) == actions && (engine->domains & domains) != 0 &&
			(counts || (actions & BIT(TG_NIC_COUNT)) == 0))
			return true;
	}
	return false;
}

/* What no strategy can do without: nothing goes uncounted. */
static const struct {
	const char *needs;
	uint32_t actions;
	uint8_t domains;
} needed[TG_NIC_STRATEGY_COUNT] = {
	[TG_NIC_STRATEGY_DENY] = {"an engine that drops and counts packets and bytes",
		BIT(TG_NIC_DROP) | BIT(TG_NIC_COUNT), BIT(TG_NIC_INGRESS) | BIT(TG_NIC_TRANSFER)},
	[TG_NIC_STRATEGY_CONNECTIONS] = {"an engine that forwards and counts packets and bytes",
		BIT(TG_NIC_FORWARD) | BIT(TG_NIC_COUNT),
		BIT(TG_NIC_INGRESS) | BIT(TG_NIC_TRANSFER)},
	[TG_NIC_STRATEGY_MARK_HINT] = {"an engine that marks and leaves packets to software",
		BIT(TG_NIC_MARK) | BIT(TG_NIC_SOFTWARE), BIT(TG_NIC_INGRESS)},
};

static void check_steering(struct tg_nic_read *read, const struct tg_at *at)
{
	bool used = (read->profile->strategies & BIT(TG_NIC_STRATEGY_STEER)) != 0, key = false;

	for (int p = 0; p < TG_NIC_PLACED_COUNT; p++)
		key = key || read->profile->placing[p] == TG_NIC_PLACING_KEY;
	if (used && !key)
		tg_reader_problem(&read->reader, at, "needs a placement by key");
	if (used && read->profile->hazards[TG_NIC_HAZARD_KEY_IGNORED].present)
		tg_reader_problem(&read->reader, at, "does not go with the hazard key-ignored");
}

static void check_strategies(struct tg_nic_read *read, const struct tg_at *root)
{
	struct tg_at list = tg_at_field(root, "strategies");

	for (int s = 0; s < TG_NIC_STRATEGY_COUNT; s++) {
		struct tg_at at = tg_at_field(&list, tg_nic_strategy_name((enum tg_nic_strategy)s));

		if (s == TG_NIC_STRATEGY_STEER)
			check_steering(read, &at);
		if ((read->profile->strategies & BIT(s)) != 0 && needed[s].needs != NULL &&
			!does_all(read->profile, needed[s].actions, needed[s].domains))
			tg_reader_problem(&read->reader, &at, "needs %s", needed[s].needs);
	}
}

/* Whoever names devices names their driver; only the last resort names none. */
static void check_drivers(struct tg_nic_read *read, const struct tg_at *root)
{
	const struct tg_nic_profile *p = read->profile;
	struct tg_at at = tg_at_field(root, "drivers");

	if ((p->drivers[0] == NULL) != (strcmp(p->name, TG_NIC_GENERIC) == 0))
		tg_reader_problem(
			&read->reader, &at, "is required, of all profiles but " TG_NIC_GENERIC);
}

void tg_nic_read_sound(struct tg_nic_read *read, const struct tg_at *root)
{
	check_drivers(read, root);
	check_engines(read, root);
	check_hazards(read, root);
	check_strategies(read, root);
}
