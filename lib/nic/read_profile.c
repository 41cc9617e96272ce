/* SPDX-License-Identifier: BSD-3-Clause */
/* A profile's document, apart from its engines. */
#include <string.h>

#include "read.h"

#define LATE_MS_MAX 60000
#define ALL_ENGINES(profile) ((uint8_t)((1u << (profile)->n_engines) - 1))

/* --- lists of texts --- */

static bool is_device(const char *text)
{
	static const char digits[] = "0123456789abcdef";

	return strspn(text, digits) == 4 && text[4] == ':' && strspn(text + 5, digits) == 4 &&
	       text[9] == '\0';
}

static bool is_devarg(const char *text)
{
	return strchr(text, '=') != NULL;
}

static bool is_word(const char *text)
{
	return strpbrk(text, " \t\n") == NULL;
}

static bool listed(const char *const *texts, const char *text)
{
	for (; *texts != NULL; texts++)
		if (strcmp(*texts, text) == 0)
			return true;
	return false;
}

static void read_texts(struct tg_nic_read *read, const struct tg_at *at, const char **out,
	bool (*check)(const char *text), const char *expected, const char **source)
{
	static const char *const known[] = {"are", NULL};
	struct tg_at are = tg_at_field(at, "are");
	const struct tg_value *v;
	size_t i = 0, n = 0;

	if (!tg_nic_read_block(read, at, known, source))
		return;
	if (are.value == NULL || (are.value->type == TG_VALUE_LIST && are.value->n == 0))
		tg_reader_problem(&read->reader, &are, "is required: a list");
	if (!tg_read_list(&read->reader, &are))
		return;
	for (v = tg_at_first(&are); v != NULL; v = v->next, i++) {
		struct tg_at item = tg_at_item(&are, v, i);
		const char *text = tg_nic_read_needed(read, &item);

		if (text == NULL)
			continue;
		if (!check(text))
			tg_reader_problem(
				&read->reader, &item, "expected %s, not \"%s\"", expected, text);
		else if (listed(out, text))
			tg_reader_problem(&read->reader, &item, "is in the list already");
		else if (n == TG_NIC_LIST_MAX)
			tg_reader_problem(
				&read->reader, &item, "at most %d are read", TG_NIC_LIST_MAX);
		else
			out[n++] = text;
	}
}

/* --- facts --- */

typedef void fact_reader(struct tg_nic_read *read, const struct tg_at *at, const char **source);

static void read_drivers(struct tg_nic_read *read, const struct tg_at *at, const char **source)
{
	read_texts(read, at, read->profile->drivers, is_word, "a driver's name such as net_ice",
		source);
}

static void read_devices(struct tg_nic_read *read, const struct tg_at *at, const char **source)
{
	read_texts(read, at, read->profile->devices, is_device,
		"vendor and device such as \"15b3:101d\"", source);
}

static void read_devargs(struct tg_nic_read *read, const struct tg_at *at, const char **source)
{
	read_texts(read, at, read->profile->devargs, is_devarg,
		"a setting such as \"dv_flow_en=1\"", source);
}

static void read_firmware(struct tg_nic_read *read, const struct tg_at *at, const char **source)
{
	struct tg_at is = tg_nic_read_fact(read, at, source);

	read->profile->firmware = tg_nic_read_text(read, &is);
}

static void read_on_stop(struct tg_nic_read *read, const struct tg_at *at, const char **source)
{
	struct tg_at is = tg_nic_read_fact(read, at, source);
	int word = is.value != NULL ? tg_nic_read_word(read, &is, &tg_nic_on_stop_words) : -1;

	if (word >= 0)
		read->profile->on_stop = (uint8_t)word;
}

static void read_thread_safe(struct tg_nic_read *read, const struct tg_at *at, const char **source)
{
	read->profile->thread_safe = tg_nic_read_bool(read, at, source);
}

static void read_templates(struct tg_nic_read *read, const struct tg_at *at, const char **source)
{
	read->profile->templates = tg_nic_read_bool(read, at, source);
}

static void read_same_switch(struct tg_nic_read *read, const struct tg_at *at, const char **source)
{
	read->profile->same_switch = tg_nic_read_bool(read, at, source);
}

static void read_max_connections(
	struct tg_nic_read *read, const struct tg_at *at, const char **source)
{
	read->profile->max_connections = tg_nic_read_number(read, at, UINT32_MAX, 0, source);
}

static void read_insert_rate(struct tg_nic_read *read, const struct tg_at *at, const char **source)
{
	read->profile->insert_rate = tg_nic_read_number(read, at, UINT32_MAX, 0, source);
}

static void read_insert_late(struct tg_nic_read *read, const struct tg_at *at, const char **source)
{
	read->profile->insert_late_ms = tg_nic_read_number(read, at, LATE_MS_MAX, 0, source);
}

static fact_reader *const facts[TG_NIC_FACT_COUNT] = {
	[TG_NIC_FACT_DRIVERS] = read_drivers,
	[TG_NIC_FACT_DEVICES] = read_devices,
	[TG_NIC_FACT_DEVARGS] = read_devargs,
	[TG_NIC_FACT_FIRMWARE] = read_firmware,
	[TG_NIC_FACT_ON_STOP] = read_on_stop,
	[TG_NIC_FACT_THREAD_SAFE] = read_thread_safe,
	[TG_NIC_FACT_TEMPLATES] = read_templates,
	[TG_NIC_FACT_SAME_SWITCH] = read_same_switch,
	[TG_NIC_FACT_MAX_CONNECTIONS] = read_max_connections,
	[TG_NIC_FACT_INSERT_RATE] = read_insert_rate,
	[TG_NIC_FACT_INSERT_LATE] = read_insert_late,
};

/* --- engines, strategies, hazards --- */

static void read_engines(struct tg_nic_read *read, const struct tg_at *root)
{
	struct tg_nic_profile *profile = read->profile;
	struct tg_at at = tg_at_field(root, "engines");
	const struct tg_value *v;
	size_t i = 0;

	if (!tg_read_list(&read->reader, &at))
		return;
	for (v = tg_at_first(&at); v != NULL; v = v->next, i++) {
		struct tg_at item = tg_at_item(&at, v, i);

		if (i == TG_NIC_ENGINES_MAX) {
			tg_reader_problem(
				&read->reader, &item, "at most %d are read", TG_NIC_ENGINES_MAX);
			return;
		}
		tg_nic_read_engine(read, &item, &profile->engines[profile->n_engines++]);
	}
}

/* {use: true, source: ...} or {use: false, why-not: "...", source: ...} */
static void read_strategy(struct tg_nic_read *read, const struct tg_at *at, int strategy)
{
	static const char *const known[] = {"use", "why-not", NULL};
	struct tg_at use = tg_at_field(at, "use"), why = tg_at_field(at, "why-not");
	struct tg_nic_profile *profile = read->profile;
	bool used = false;

	if (at->value == NULL)
		tg_reader_problem(&read->reader, at, "is required");
	if (!tg_nic_read_block(read, at, known, &profile->strategy_source[strategy]))
		return;
	if (use.value == NULL)
		tg_reader_problem(&read->reader, &use, "is required: true or false");
	tg_read_bool(&read->reader, &use, &used);
	profile->why_not[strategy] = tg_nic_read_text(read, &why);
	if (used)
		profile->strategies |= (uint8_t)(1u << strategy);
	if (used != (why.value == NULL))
		tg_reader_problem(
			&read->reader, &why, "goes with what is not used, and only with that");
}

static void read_strategies(struct tg_nic_read *read, const struct tg_at *root)
{
	const char *known[TG_NIC_STRATEGY_COUNT + 1] = {NULL};
	struct tg_at at = tg_at_field(root, "strategies");

	if (at.value == NULL)
		tg_reader_problem(&read->reader, &at, "is required");
	if (!tg_read_map(&read->reader, &at))
		return;
	for (int s = 0; s < TG_NIC_STRATEGY_COUNT; s++)
		known[s] = tg_nic_strategy_words.v[s];
	tg_read_known(&read->reader, &at, known);
	for (int s = 0; s < TG_NIC_STRATEGY_COUNT; s++) {
		struct tg_at strategy = tg_at_field(&at, known[s]);

		read_strategy(read, &strategy, s);
	}
}

/* {are: [tcp4, ...], by: key, source: ...} */
static void read_placed(struct tg_nic_read *read, const struct tg_at *at, uint32_t *seen)
{
	static const char *const known[] = {"are", "by", NULL};
	struct tg_at are = tg_at_field(at, "are"), by_at = tg_at_field(at, "by");
	const char *source = NULL;
	uint32_t set;
	int by;

	if (at->value == NULL)
		tg_reader_problem(&read->reader, at, "a map is expected");
	if (!tg_nic_read_block(read, at, known, &source))
		return;
	set = tg_nic_read_set(read, &are, &tg_nic_placed_words);
	by = tg_nic_read_word(read, &by_at, &tg_nic_placing_words);
	if ((set & *seen) != 0)
		tg_reader_problem(&read->reader, &are, "%s is listed already",
			tg_nic_placed_words.v[__builtin_ctz(set & *seen)]);
	*seen |= set;
	for (int p = 0; by >= 0 && p < TG_NIC_PLACED_COUNT; p++)
		if ((set >> p & 1) != 0) {
			read->profile->placing[p] = (uint8_t)by;
			read->profile->placed_source[p] = source;
		}
}

static void read_placement(struct tg_nic_read *read, const struct tg_at *root)
{
	struct tg_at at = tg_at_field(root, "placement");
	const struct tg_value *v;
	uint32_t seen = 0;
	size_t i = 0;

	if (!tg_read_list(&read->reader, &at))
		return;
	for (v = tg_at_first(&at); v != NULL; v = v->next, i++) {
		struct tg_at item = tg_at_item(&at, v, i);

		read_placed(read, &item, &seen);
	}
}

static int find_engine(const struct tg_nic_profile *profile, const char *name)
{
	for (size_t e = 0; e < profile->n_engines; e++)
		if (profile->engines[e].name != NULL && strcmp(profile->engines[e].name, name) == 0)
			return (int)e;
	return -1;
}

/* Names of engines; absent: all of them. */
static uint8_t read_engine_names(struct tg_nic_read *read, const struct tg_at *at)
{
	const struct tg_value *v;
	uint8_t set = 0;
	size_t i = 0;

	if (at->value == NULL)
		return ALL_ENGINES(read->profile);
	if (!tg_read_list(&read->reader, at))
		return 0;
	for (v = tg_at_first(at); v != NULL; v = v->next, i++) {
		struct tg_at item = tg_at_item(at, v, i);
		const char *name = tg_nic_read_needed(read, &item);
		int engine = name != NULL ? find_engine(read->profile, name) : 0;

		if (engine < 0)
			tg_reader_problem(&read->reader, &item, "no engine is called \"%s\"", name);
		else
			set |= (uint8_t)(1u << engine);
	}
	return set;
}

static void read_hazard(struct tg_nic_read *read, const struct tg_at *at)
{
	static const char *const known[] = {"id", "engines", "fields", "refuse-when", NULL};
	struct tg_at id_at = tg_at_field(at, "id"), engines = tg_at_field(at, "engines");
	struct tg_at fields = tg_at_field(at, "fields"), when = tg_at_field(at, "refuse-when");
	struct tg_nic_hazard hazard = {.present = true}, *to;
	int id;

	if (at->value == NULL)
		tg_reader_problem(&read->reader, at, "a map is expected");
	if (!tg_nic_read_block(read, at, known, &hazard.source))
		return;
	id = tg_nic_read_word(read, &id_at, &tg_nic_hazard_id_words);
	hazard.engines = read_engine_names(read, &engines);
	hazard.refuse_when = tg_nic_read_needed(read, &when);
	if (id == TG_NIC_HAZARD_MASK_WIDENED)
		hazard.fields = tg_nic_read_set(read, &fields, &tg_nic_field_words);
	else if (fields.value != NULL)
		tg_reader_problem(&read->reader, &fields, "goes with mask-widened only");
	if (id < 0)
		return;
	to = &read->profile->hazards[id];
	if (to->present)
		tg_reader_problem(&read->reader, &id_at, "%s is listed already",
			tg_nic_hazard_id_words.v[id]);
	*to = hazard;
}

static void read_hazards(struct tg_nic_read *read, const struct tg_at *root)
{
	struct tg_at at = tg_at_field(root, "hazards");
	const struct tg_value *v;
	size_t i = 0;

	if (!tg_read_list(&read->reader, &at))
		return;
	for (v = tg_at_first(&at); v != NULL; v = v->next, i++) {
		struct tg_at item = tg_at_item(&at, v, i);

		read_hazard(read, &item);
	}
}

/* --- the document --- */

#define FROM_SOURCE "from-source"

/* from-source, or {nic: ..., firmware: ..., date: ...} of who tried it. */
static void read_verified(struct tg_nic_read *read, const struct tg_at *root)
{
	static const char *const known[] = {"nic", "firmware", "date", NULL};
	struct tg_at at = tg_at_field(root, "verified"), place;
	const char *texts[3];

	if (at.value == NULL || at.value->type != TG_VALUE_MAP) {
		read->profile->verified = tg_nic_read_needed(read, &at);
		if (read->profile->verified != NULL &&
			strcmp(read->profile->verified, FROM_SOURCE) != 0)
			tg_reader_problem(&read->reader, &at,
				"expected " FROM_SOURCE " or a map with nic, firmware and date");
		return;
	}
	tg_read_known(&read->reader, &at, known);
	for (int i = 0; i < 3; i++) {
		place = tg_at_field(&at, known[i]);
		texts[i] = tg_nic_read_needed(read, &place);
	}
	if (texts[0] != NULL && texts[1] != NULL && texts[2] != NULL)
		read->profile->verified = tg_arena_printf(
			read->reader.arena, "%s, firmware %s, %s", texts[0], texts[1], texts[2]);
}

static const char *const plain[] = {
	"title", "dpdk", "verified", "engines", "placement", "strategies", "hazards"};

#define PLAIN (sizeof(plain) / sizeof(plain[0]))

void tg_nic_read_profile(struct tg_nic_read *read, const struct tg_value *document)
{
	const char *known[PLAIN + TG_NIC_FACT_COUNT + 1] = {NULL};
	struct tg_at root = tg_at_root(document), at;

	if (document == NULL || document->type != TG_VALUE_MAP) {
		tg_reader_problem(&read->reader, &root, "expected a map: the profile of a NIC");
		return;
	}
	memcpy(known, plain, sizeof(plain));
	for (int f = 0; f < TG_NIC_FACT_COUNT; f++)
		known[PLAIN + f] = tg_nic_fact_words.v[f];
	tg_read_known(&read->reader, &root, known);
	tg_read_no_duplicates(&read->reader, &root);
	at = tg_at_field(&root, "title");
	read->profile->title = tg_nic_read_needed(read, &at);
	at = tg_at_field(&root, "dpdk");
	read->profile->dpdk = tg_nic_read_needed(read, &at);
	read_verified(read, &root);
	for (int f = 0; f < TG_NIC_FACT_COUNT; f++) {
		at = tg_at_field(&root, tg_nic_fact_words.v[f]);
		facts[f](read, &at, &read->profile->source[f]);
	}
	read_engines(read, &root);
	read_placement(read, &root);
	read_strategies(read, &root);
	read_hazards(read, &root);
	if (tg_reader_count(&read->reader) == 0)
		tg_nic_read_sound(read, &root);
}
