/* SPDX-License-Identifier: BSD-3-Clause */
#include "nic_tree.h"

#include <string.h>

#define BIT(n) (1u << (n))

/* cJSON answers NULL for what it could not add, and takes NULL: memory is looked at once. */
struct tree {
	bool failed;
};

static cJSON *kept(struct tree *t, cJSON *added)
{
	t->failed |= added == NULL;
	return added;
}

static cJSON *add_map(struct tree *t, cJSON *to, const char *key)
{
	return kept(t, cJSON_AddObjectToObject(to, key));
}

static cJSON *add_list(struct tree *t, cJSON *to, const char *key)
{
	return kept(t, cJSON_AddArrayToObject(to, key));
}

static void add_text(struct tree *t, cJSON *to, const char *key, const char *text)
{
	kept(t, text != NULL ? cJSON_AddStringToObject(to, key, text)
			     : cJSON_AddNullToObject(to, key));
}

static void add_number(struct tree *t, cJSON *to, const char *key, double number)
{
	kept(t, cJSON_AddNumberToObject(to, key, number));
}

static void add_bool(struct tree *t, cJSON *to, const char *key, bool value)
{
	kept(t, cJSON_AddBoolToObject(to, key, value));
}

static void append(struct tree *t, cJSON *list, cJSON *item)
{
	kept(t, item);
	if (!cJSON_AddItemToArray(list, item)) {
		cJSON_Delete(item);
		t->failed = true;
	}
}

/* --- facts: {is: ..., source: ...}; nothing for what the profile does not say --- */

static cJSON *add_fact(struct tree *t, cJSON *to, const char *key, const char *source)
{
	cJSON *fact;

	if (source == NULL)
		return NULL;
	fact = add_map(t, to, key);
	add_text(t, fact, "source", source);
	return fact;
}

static void add_number_fact(
	struct tree *t, cJSON *to, const char *key, uint32_t number, const char *source)
{
	cJSON *fact = add_fact(t, to, key, source);

	if (fact != NULL)
		add_number(t, fact, "is", number);
}

static void add_bool_fact(
	struct tree *t, cJSON *to, const char *key, bool value, const char *source)
{
	cJSON *fact = add_fact(t, to, key, source);

	if (fact != NULL)
		add_bool(t, fact, "is", value);
}

static void add_text_fact(
	struct tree *t, cJSON *to, const char *key, const char *text, const char *source)
{
	cJSON *fact = add_fact(t, to, key, source);

	if (fact != NULL)
		add_text(t, fact, "is", text);
}

static void add_texts(struct tree *t, cJSON *to, const char *key, const char *const *texts)
{
	cJSON *list = add_list(t, to, key);

	for (; *texts != NULL; texts++)
		append(t, list, cJSON_CreateString(*texts));
}

static void add_texts_fact(
	struct tree *t, cJSON *to, const char *key, const char *const *texts, const char *source)
{
	cJSON *fact = add_fact(t, to, key, source);

	if (fact != NULL)
		add_texts(t, fact, "are", texts);
}

/* --- sets of words --- */

static const char *field_name(int word)
{
	return tg_nic_field_name((enum tg_nic_field)word);
}

static const char *protocol_name(int word)
{
	return tg_nic_protocol_name((enum tg_nic_protocol)word);
}

static const char *action_name(int word)
{
	return tg_nic_action_name((enum tg_nic_action)word);
}

static const char *domain_name(int word)
{
	return tg_nic_domain_name((enum tg_nic_domain)word);
}

static const char *masking_name(int word)
{
	return tg_nic_masking_name((enum tg_nic_masking)word);
}

static const char *placed_name(int word)
{
	return tg_nic_placed_name((enum tg_nic_placed)word);
}

static const char *placing_name(int word)
{
	return tg_nic_placing_name((enum tg_nic_placing)word);
}

static const char *strategy_name(int word)
{
	return tg_nic_strategy_name((enum tg_nic_strategy)word);
}

static void add_set(
	struct tree *t, cJSON *to, const char *key, uint32_t set, const char *(*name)(int word))
{
	cJSON *list = add_list(t, to, key);

	for (int word = 0; set != 0; word++, set >>= 1)
		if ((set & 1) != 0)
			append(t, list, cJSON_CreateString(name(word)));
}

/* What is said of each word besides. */
struct extra {
	const char *key;
	const uint8_t *v; /* by word */
	const char *(*name)(int value);
};

/*
 * Words with what is said of all of them: those of one extra and one source are one item.
 * `extra` is NULL where there is none.
 */
static void add_words(struct tree *t, cJSON *to, const char *key, int n, const char *const *sources,
	const struct extra *extra, const char *(*name)(int word))
{
	cJSON *list = add_list(t, to, key), *item;
	uint32_t done = 0, set;

	for (int w = 0; w < n; w++) {
		if (sources[w] == NULL || (done & BIT(w)) != 0)
			continue;
		set = 0;
		for (int o = w; o < n; o++)
			if (sources[o] != NULL && strcmp(sources[o], sources[w]) == 0 &&
				(extra == NULL || extra->v[o] == extra->v[w]))
				set |= BIT(o);
		done |= set;
		item = cJSON_CreateObject();
		append(t, list, item);
		add_set(t, item, "are", set, name);
		if (extra != NULL)
			add_text(t, item, extra->key, extra->name(extra->v[w]));
		add_text(t, item, "source", sources[w]);
	}
}

/* --- an engine --- */

static void add_counters(struct tree *t, cJSON *to, const struct tg_nic_engine *e)
{
	cJSON *fact = add_fact(t, to, "counters", e->source[TG_NIC_ENGINE_COUNTERS]);

	if (fact == NULL)
		return;
	add_bool(t, fact, "hits", e->counters.hits);
	add_bool(t, fact, "bytes", e->counters.bytes);
	add_bool(t, fact, "shared", e->counters.shared);
	if (e->counters.max != 0)
		add_number(t, fact, "max", e->counters.max);
	if (e->counters.stale_ms != 0)
		add_number(t, fact, "stale-ms", e->counters.stale_ms);
}

static void add_marks(struct tree *t, cJSON *to, const struct tg_nic_engine *e)
{
	cJSON *fact = add_fact(t, to, "marks", e->source[TG_NIC_ENGINE_MARKS]);

	if (fact == NULL)
		return;
	add_number(t, fact, "max", e->marks.max);
	add_bool(t, fact, "passthru", e->marks.passthru);
}

static void add_shapes(struct tree *t, cJSON *to, const struct tg_nic_engine *e)
{
	cJSON *fact = add_fact(t, to, "shapes", e->source[TG_NIC_ENGINE_SHAPES]);

	add_text(t, fact, "is", tg_nic_shapes_name((enum tg_nic_shapes)e->shapes));
	if (e->shapes == TG_NIC_SHAPES_LIMITED)
		add_number(t, fact, "max", e->shapes_max);
}

static cJSON *engine_tree(struct tree *t, const struct tg_nic_engine *e)
{
	const struct extra masks = {"mask", e->masking, masking_name};
	const char *const *source = e->source;
	cJSON *to = kept(t, cJSON_CreateObject()), *fact;

	add_text(t, to, "name", e->name);
	fact = add_fact(t, to, "domains", source[TG_NIC_ENGINE_DOMAINS]);
	add_set(t, fact, "are", e->domains, domain_name);
	add_words(
		t, to, "protocols", TG_NIC_PROTOCOL_COUNT, e->protocol_source, NULL, protocol_name);
	add_words(t, to, "fields", TG_NIC_FIELD_COUNT, e->field_source, &masks, field_name);
	add_words(t, to, "actions", TG_NIC_ACTION_COUNT, e->action_source, NULL, action_name);
	add_bool_fact(t, to, "untagged", e->untagged, source[TG_NIC_ENGINE_UNTAGGED]);
	add_bool_fact(t, to, "tagged", e->tagged, source[TG_NIC_ENGINE_TAGGED]);
	add_bool_fact(t, to, "needs-field", e->needs_field, source[TG_NIC_ENGINE_NEEDS_FIELD]);
	add_shapes(t, to, e);
	add_number_fact(t, to, "groups", e->n_groups, source[TG_NIC_ENGINE_GROUPS]);
	add_number_fact(t, to, "first-group", e->first_group, source[TG_NIC_ENGINE_FIRST_GROUP]);
	add_bool_fact(t, to, "miss-to-software", e->miss_to_software, source[TG_NIC_ENGINE_MISS]);
	add_number_fact(t, to, "priorities", e->n_priorities, source[TG_NIC_ENGINE_PRIORITIES]);
	add_number_fact(t, to, "capacity", e->capacity, source[TG_NIC_ENGINE_CAPACITY]);
	add_counters(t, to, e);
	add_marks(t, to, e);
	add_text_fact(t, to, "duplicates",
		tg_nic_duplicates_name((enum tg_nic_duplicates)e->duplicates),
		source[TG_NIC_ENGINE_DUPLICATES]);
	add_bool_fact(t, to, "modify-field", e->modify_field, source[TG_NIC_ENGINE_MODIFY_FIELD]);
	return to;
}

/* --- strategies and hazards --- */

static void add_strategies(struct tree *t, cJSON *to, const struct tg_nic_profile *p)
{
	cJSON *map = add_map(t, to, "strategies"), *strategy;

	for (int s = 0; s < TG_NIC_STRATEGY_COUNT; s++) {
		strategy = add_fact(t, map, strategy_name(s), p->strategy_source[s]);
		add_bool(t, strategy, "use", (p->strategies & BIT(s)) != 0);
		if (p->why_not[s] != NULL)
			add_text(t, strategy, "why-not", p->why_not[s]);
	}
}

static cJSON *hazard_tree(struct tree *t, const struct tg_nic_profile *p, enum tg_nic_hazard_id id)
{
	const struct tg_nic_hazard *hazard = &p->hazards[id];
	cJSON *to = kept(t, cJSON_CreateObject()), *engines;

	add_text(t, to, "id", tg_nic_hazard_id_name(id));
	engines = add_list(t, to, "engines");
	for (size_t e = 0; e < p->n_engines; e++)
		if ((hazard->engines & BIT(e)) != 0)
			append(t, engines, cJSON_CreateString(p->engines[e].name));
	if (hazard->fields != 0)
		add_set(t, to, "fields", hazard->fields, field_name);
	add_text(t, to, "happens", tg_nic_hazard_happens(id));
	add_text(t, to, "refused", tg_nic_hazard_refused(id));
	add_text(t, to, "refuse-when", hazard->refuse_when);
	add_text(t, to, "source", hazard->source);
	return to;
}

/* --- the whole --- */

static void add_facts(struct tree *t, cJSON *to, const struct tg_nic_profile *p)
{
	const char *const *source = p->source;

	add_texts_fact(t, to, "drivers", p->drivers, source[TG_NIC_FACT_DRIVERS]);
	add_texts_fact(t, to, "devices", p->devices, source[TG_NIC_FACT_DEVICES]);
	add_texts_fact(t, to, "devargs", p->devargs, source[TG_NIC_FACT_DEVARGS]);
	add_text_fact(t, to, "firmware", p->firmware, source[TG_NIC_FACT_FIRMWARE]);
	add_text_fact(t, to, "on-stop", tg_nic_on_stop_name((enum tg_nic_on_stop)p->on_stop),
		source[TG_NIC_FACT_ON_STOP]);
	add_bool_fact(t, to, "thread-safe", p->thread_safe, source[TG_NIC_FACT_THREAD_SAFE]);
	add_bool_fact(t, to, "templates", p->templates, source[TG_NIC_FACT_TEMPLATES]);
	add_bool_fact(t, to, "same-switch", p->same_switch, source[TG_NIC_FACT_SAME_SWITCH]);
	add_number_fact(
		t, to, "max-connections", p->max_connections, source[TG_NIC_FACT_MAX_CONNECTIONS]);
	add_number_fact(t, to, "insert-rate", p->insert_rate, source[TG_NIC_FACT_INSERT_RATE]);
	add_number_fact(t, to, "insert-late", p->insert_late_ms, source[TG_NIC_FACT_INSERT_LATE]);
}

static cJSON *finished(const struct tree *t, cJSON *tree)
{
	if (!t->failed)
		return tree;
	cJSON_Delete(tree);
	return NULL;
}

static void add_names(struct tree *t, cJSON *to, const struct tg_nic_profile *p)
{
	add_text(t, to, "name", p->name);
	add_text(t, to, "title", p->title);
	add_text(t, to, "dpdk", p->dpdk);
	add_text(t, to, "verified", p->verified);
}

cJSON *tg_nic_tree(const struct tg_nic_profile *profile)
{
	const struct extra by = {"by", profile->placing, placing_name};
	struct tree t = {false};
	cJSON *to = kept(&t, cJSON_CreateObject()), *list;

	add_names(&t, to, profile);
	add_facts(&t, to, profile);
	list = add_list(&t, to, "engines");
	for (size_t e = 0; e < profile->n_engines; e++)
		append(&t, list, engine_tree(&t, &profile->engines[e]));
	add_words(
		&t, to, "placement", TG_NIC_PLACED_COUNT, profile->placed_source, &by, placed_name);
	add_strategies(&t, to, profile);
	list = add_list(&t, to, "hazards");
	for (int h = 0; h < TG_NIC_HAZARD_COUNT; h++)
		if (profile->hazards[h].present)
			append(&t, list, hazard_tree(&t, profile, (enum tg_nic_hazard_id)h));
	return finished(&t, to);
}

cJSON *tg_nic_tree_summary(const struct tg_nic_profile *profile)
{
	struct tree t = {false};
	cJSON *to = kept(&t, cJSON_CreateObject());

	add_names(&t, to, profile);
	add_texts(&t, to, "drivers", profile->drivers);
	add_set(&t, to, "strategies", profile->strategies, strategy_name);
	return finished(&t, to);
}
