/* SPDX-License-Identifier: BSD-3-Clause */
/* An item of a profile's list `engines`. */
#include <string.h>

#include "read.h"

#define GROUPS_MAX 65536
#define STALE_MS_MAX 60000

/* One engine while it is read. */
struct reading {
	struct tg_nic_read *read;
	struct tg_nic_engine *engine;
};

typedef void fact_reader(const struct reading *r, const struct tg_at *at, const char **source);

static void read_domains(const struct reading *r, const struct tg_at *at, const char **source)
{
	static const char *const known[] = {"are", NULL};
	struct tg_at are = tg_at_field(at, "are");

	if (tg_nic_read_block(r->read, at, known, source))
		r->engine->domains = (uint8_t)tg_nic_read_set(r->read, &are, &tg_nic_domain_words);
	else if (at->value == NULL)
		tg_reader_problem(&r->read->reader, at, "is required");
}

static void read_untagged(const struct reading *r, const struct tg_at *at, const char **source)
{
	r->engine->untagged = tg_nic_read_bool(r->read, at, source);
}

static void read_tagged(const struct reading *r, const struct tg_at *at, const char **source)
{
	r->engine->tagged = tg_nic_read_bool(r->read, at, source);
}

static void read_needs_field(const struct reading *r, const struct tg_at *at, const char **source)
{
	r->engine->needs_field = tg_nic_read_bool(r->read, at, source);
}

static void read_shapes(const struct reading *r, const struct tg_at *at, const char **source)
{
	static const char *const known[] = {"is", "max", NULL};
	struct tg_at is = tg_at_field(at, "is"), max = tg_at_field(at, "max");
	int64_t number = 0;
	int kind;

	if (!tg_nic_read_block(r->read, at, known, source)) {
		if (at->value == NULL)
			tg_reader_problem(&r->read->reader, at, "is required");
		return;
	}
	kind = tg_nic_read_word(r->read, &is, &tg_nic_shapes_words);
	if (kind < 0)
		return;
	r->engine->shapes = (uint8_t)kind;
	if ((kind == TG_NIC_SHAPES_LIMITED) != (max.value != NULL))
		tg_reader_problem(&r->read->reader, &max, "goes with limited, and only with that");
	if (tg_read_int(&r->read->reader, &max, 1, UINT32_MAX, &number))
		r->engine->shapes_max = (uint32_t)number;
}

static void read_groups(const struct reading *r, const struct tg_at *at, const char **source)
{
	r->engine->n_groups = tg_nic_read_number(r->read, at, GROUPS_MAX, 1, source);
}

static void read_first_group(const struct reading *r, const struct tg_at *at, const char **source)
{
	r->engine->first_group = tg_nic_read_number(r->read, at, GROUPS_MAX - 1, 0, source);
}

static void read_miss(const struct reading *r, const struct tg_at *at, const char **source)
{
	r->engine->miss_to_software = tg_nic_read_bool(r->read, at, source);
}

static void read_priorities(const struct reading *r, const struct tg_at *at, const char **source)
{
	r->engine->n_priorities = tg_nic_read_number(r->read, at, UINT32_MAX, 1, source);
}

static void read_capacity(const struct reading *r, const struct tg_at *at, const char **source)
{
	r->engine->capacity = tg_nic_read_number(r->read, at, UINT32_MAX, 0, source);
}

static void read_counters(const struct reading *r, const struct tg_at *at, const char **source)
{
	static const char *const known[] = {"hits", "bytes", "shared", "max", "stale-ms", NULL};
	struct tg_nic_counters *c = &r->engine->counters;
	struct tg_reader *reader = &r->read->reader;
	struct tg_at hits = tg_at_field(at, "hits"), bytes = tg_at_field(at, "bytes");
	struct tg_at shared = tg_at_field(at, "shared"), max = tg_at_field(at, "max");
	struct tg_at stale = tg_at_field(at, "stale-ms");
	int64_t most = 0, stale_ms = 0;

	if (!tg_nic_read_block(r->read, at, known, source))
		return;
	tg_read_bool(reader, &hits, &c->hits);
	tg_read_bool(reader, &bytes, &c->bytes);
	tg_read_bool(reader, &shared, &c->shared);
	tg_read_int(reader, &max, 1, UINT32_MAX, &most);
	tg_read_int(reader, &stale, 1, STALE_MS_MAX, &stale_ms);
	c->max = (uint32_t)most;
	c->stale_ms = (uint32_t)stale_ms;
	if (!c->hits && !c->bytes)
		tg_reader_problem(reader, at, "expected hits, bytes or both");
}

static void read_marks(const struct reading *r, const struct tg_at *at, const char **source)
{
	static const char *const known[] = {"max", "passthru", NULL};
	struct tg_reader *reader = &r->read->reader;
	struct tg_at max = tg_at_field(at, "max"), passthru = tg_at_field(at, "passthru");
	int64_t most = 0;

	if (!tg_nic_read_block(r->read, at, known, source))
		return;
	tg_read_bool(reader, &passthru, &r->engine->marks.passthru);
	if (!tg_read_int(reader, &max, 1, UINT32_MAX, &most))
		tg_reader_problem(reader, at, "expected max");
	r->engine->marks.max = (uint32_t)most;
}

static void read_duplicates(const struct reading *r, const struct tg_at *at, const char **source)
{
	struct tg_at is = tg_nic_read_fact(r->read, at, source);
	int word = is.value != NULL ? tg_nic_read_word(r->read, &is, &tg_nic_duplicates_words) : -1;

	if (word >= 0)
		r->engine->duplicates = (uint8_t)word;
}

static void read_modify_field(const struct reading *r, const struct tg_at *at, const char **source)
{
	r->engine->modify_field = tg_nic_read_bool(r->read, at, source);
}

static fact_reader *const facts[TG_NIC_ENGINE_FACT_COUNT] = {
	[TG_NIC_ENGINE_DOMAINS] = read_domains,
	[TG_NIC_ENGINE_UNTAGGED] = read_untagged,
	[TG_NIC_ENGINE_TAGGED] = read_tagged,
	[TG_NIC_ENGINE_NEEDS_FIELD] = read_needs_field,
	[TG_NIC_ENGINE_SHAPES] = read_shapes,
	[TG_NIC_ENGINE_GROUPS] = read_groups,
	[TG_NIC_ENGINE_FIRST_GROUP] = read_first_group,
	[TG_NIC_ENGINE_MISS] = read_miss,
	[TG_NIC_ENGINE_PRIORITIES] = read_priorities,
	[TG_NIC_ENGINE_CAPACITY] = read_capacity,
	[TG_NIC_ENGINE_COUNTERS] = read_counters,
	[TG_NIC_ENGINE_DUPLICATES] = read_duplicates,
	[TG_NIC_ENGINE_MODIFY_FIELD] = read_modify_field,
	[TG_NIC_ENGINE_MARKS] = read_marks,
};

/* --- lists of {are: [WORD, ...], source: ...} --- */

typedef void word_setter(struct tg_nic_engine *engine, int word, int extra, const char *source);

struct list {
	const char *key;
	const struct tg_nic_words *words;
	const char *extra_key; /* NULL: none */
	const struct tg_nic_words *extra;
	word_setter *set;
};

static void set_field(struct tg_nic_engine *engine, int word, int extra, const char *source)
{
	engine->masking[word] = (uint8_t)extra;
	engine->field_source[word] = source;
}

static void set_protocol(struct tg_nic_engine *engine, int word, int extra, const char *source)
{
	engine->protocols |= (uint8_t)(1u << word);
	engine->protocol_source[word] = source;
}

static void set_action(struct tg_nic_engine *engine, int word, int extra, const char *source)
{
	engine->actions |= 1u << word;
	engine->action_source[word] = source;
}

static const struct list lists[] = {
	{"protocols", &tg_nic_protocol_words, NULL, NULL, set_protocol},
	{"fields", &tg_nic_field_words, "mask", &tg_nic_masking_words, set_field},
	{"actions", &tg_nic_action_words, NULL, NULL, set_action},
};

/* One item; what it lists is added to `seen`. */
static void read_item(
	const struct reading *r, const struct list *list, const struct tg_at *at, uint32_t *seen)
{
	const char *const known[] = {"are", list->extra_key, NULL};
	struct tg_at are = tg_at_field(at, "are"), extra_at;
	const char *source = NULL;
	uint32_t set;
	int extra = 0;

	if (at->value == NULL)
		tg_reader_problem(&r->read->reader, at, "a map is expected");
	if (!tg_nic_read_block(r->read, at, known, &source))
		return;
	set = tg_nic_read_set(r->read, &are, list->words);
	if (list->extra_key != NULL) {
		extra_at = tg_at_field(at, list->extra_key);
		extra = tg_nic_read_word(r->read, &extra_at, list->extra);
	}
	if ((set & *seen) != 0)
		tg_reader_problem(&r->read->reader, &are, "%s is listed already",
			list->words->v[__builtin_ctz(set & *seen)]);
	for (size_t w = 0; w < list->words->n && extra >= 0; w++)
		if ((set >> w & 1) != 0)
			list->set(r->engine, (int)w, extra, source);
	*seen |= set;
}

static void read_items(const struct reading *r, const struct list *list, const struct tg_at *engine)
{
	struct tg_at at = tg_at_field(engine, list->key);
	const struct tg_value *v;
	uint32_t seen = 0;
	size_t i = 0;

	if (at.value == NULL || (at.value->type == TG_VALUE_LIST && at.value->n == 0))
		tg_reader_problem(&r->read->reader, &at, "is required: a list");
	if (!tg_read_list(&r->read->reader, &at))
		return;
	for (v = tg_at_first(&at); v != NULL; v = v->next, i++) {
		struct tg_at item = tg_at_item(&at, v, i);

		read_item(r, list, &item, &seen);
	}
}

/* --- the engine --- */

#define LISTS (sizeof(lists) / sizeof(lists[0]))

void tg_nic_read_engine(
	struct tg_nic_read *read, const struct tg_at *at, struct tg_nic_engine *engine)
{
	const struct reading r = {read, engine};
	const char *known[1 + LISTS + TG_NIC_ENGINE_FACT_COUNT + 1] = {"name"};
	struct tg_at place = tg_at_field(at, "name");

	engine->n_groups = engine->n_priorities = 1;
	engine->duplicates = TG_NIC_DUPLICATES_UNKNOWN;
	if (at->value == NULL)
		tg_reader_problem(&read->reader, at, "a map is expected");
	if (!tg_read_map(&read->reader, at))
		return;
	for (size_t i = 0; i < LISTS; i++)
		known[1 + i] = lists[i].key;
	for (size_t i = 0; i < TG_NIC_ENGINE_FACT_COUNT; i++)
		known[1 + LISTS + i] = tg_nic_engine_fact_words.v[i];
	tg_read_known(&read->reader, at, known);
	engine->name = tg_nic_read_needed(read, &place);
	for (size_t i = 0; i < LISTS; i++)
		read_items(&r, &lists[i], at);
	for (size_t i = 0; i < TG_NIC_ENGINE_FACT_COUNT; i++) {
		place = tg_at_field(at, tg_nic_engine_fact_words.v[i]);
		facts[i](&r, &place, &engine->source[i]);
	}
}
