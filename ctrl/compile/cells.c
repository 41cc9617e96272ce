/* SPDX-License-Identifier: BSD-3-Clause */
#include "cells.h"

#include <stdlib.h>
#include <string.h>

#include "sort.h"

/* Looks that one namespace may cost, for each cell of its budget. */
#define WORK_PER_CELL 16u
#define NO_LINK UINT32_MAX
/* In a link's entry: not for this class, although the entry is on the list of its sort. */
#define EXCEPTED (1u << 31)

/* A list of a row's entries that hold for one target, in order. */
struct list {
	uint32_t head, tail;
};

struct link {
	uint32_t entry;
	uint32_t next;
};

/* Groups or classes that the row at hand reaches. */
struct targets {
	struct list *lists;
	uint32_t *stamp; /* row + 1 that the list is of */
	struct tg_vec_u32 touched;
};

struct builder {
	struct cells *c;
	const struct cell_sources *from;
	const struct groups *groups;
	struct row_entries entries;
	TG_VEC(struct link) links;
	struct list sorts[SORTS];
	uint32_t sort_value[SORTS];
	struct targets group, class;
	uint32_t *group_value;
	uint32_t row, stamp, rest, zone;
	uint32_t ns; /* TG_NONE: of no namespace, not bounded */
};

static const struct stance *stance_of(const struct cell_sources *from, uint32_t row)
{
	const struct rows *rows = from->expander->rows;

	return &rows->stances.v[rows->v.v[row].stance];
}

/* Charges a row's namespace; false when it has used up its budget. */
static bool charge(
	struct cells *c, const struct cell_sources *from, uint32_t row, uint32_t ns, size_t work)
{
	if (ns == TG_NONE)
		return true;
	c->row_work[row] += work;
	c->work[ns] += work;
	if (c->work[ns] > (uint64_t)from->budget * WORK_PER_CELL)
		from->over[ns] = true;
	return !from->over[ns];
}

static int survey_row(struct cells *c, const struct cell_sources *from, uint32_t row,
	struct row_entries *entries, uint32_t *stamp)
{
	uint32_t ns = stance_of(from, row)->ns;
	int err;

	if (ns != TG_NONE && from->over[ns])
		return 0;
	err = expander_row(from->expander, row, entries);
	if (err != 0 || !charge(c, from, row, ns, entries->n))
		return err;
	for (size_t i = 0; i < entries->n; i++) {
		uint32_t term = entries->v[i].term;

		if (stamp[term] == row + 1)
			continue;
		stamp[term] = row + 1;
		c->rows_with[term]++;
	}
	return 0;
}

static int init(struct cells *c, const struct cell_sources *from)
{
	size_t n_rows = from->expander->rows->v.n;

	memset(c, 0, sizeof(*c));
	c->spent = calloc((size_t)from->n_namespaces + 1, sizeof(*c->spent));
	c->work = calloc((size_t)from->n_namespaces + 1, sizeof(*c->work));
	c->row_work = calloc(n_rows + 1, sizeof(*c->row_work));
	c->families = calloc(n_rows + 1, sizeof(*c->families));
	return c->spent == NULL || c->work == NULL || c->row_work == NULL || c->families == NULL
		       ? -ENOMEM
		       : 0;
}

int cells_survey(struct cells *c, const struct cell_sources *from)
{
	uint32_t n_rows = (uint32_t)from->expander->rows->v.n, n_terms = from->reach->n_terms;
	uint32_t *stamp = calloc(n_terms, sizeof(*stamp));
	struct row_entries entries = {0};
	int err = 0;

	err = init(c, from);
	c->rows_with = calloc(n_terms, sizeof(*c->rows_with));
	if (stamp == NULL || c->rows_with == NULL)
		err = -ENOMEM;
	for (size_t i = 1; i < from->classes->v.n && err == 0; i++)
		for (int dir = 0; dir < TG_DIRECTION_COUNT; dir++)
			c->families[from->classes->v.v[i].row[dir]] |=
				from->classes->v.v[i].family == 6 ? 2 : 1;
	for (uint32_t row = 0; row < n_rows && err == 0; row++)
		err = survey_row(c, from, row, &entries, stamp);
	tg_vec_free(&entries);
	free(stamp);
	if (err != 0)
		cells_free(c);
	return err;
}

static int append(struct builder *b, struct list *list, uint32_t entry)
{
	struct link link = {entry, NO_LINK};

	if (tg_vec_push(&b->links, link) != 0)
		return -ENOMEM;
	if (list->head == NO_LINK)
		list->head = (uint32_t)b->links.n - 1;
	else
		b->links.v[list->tail].next = (uint32_t)b->links.n - 1;
	list->tail = (uint32_t)b->links.n - 1;
	return 0;
}

static int touch(struct builder *b, struct targets *t, uint32_t target, uint32_t entry)
{
	if (t->stamp[target] != b->stamp) {
		t->stamp[target] = b->stamp;
		t->lists[target] = (struct list){NO_LINK, NO_LINK};
		if (tg_vec_push(&t->touched, target) != 0)
			return -ENOMEM;
	}
	return append(b, &t->lists[target], entry);
}

static const struct list *list_of(const struct builder *b, const struct targets *t, uint32_t target)
{
	static const struct list none = {NO_LINK, NO_LINK};

	return target != TG_NONE && t->stamp[target] == b->stamp ? &t->lists[target] : &none;
}

/* Is a class of this sort ever a peer of the row: is the row used by an address of its family? */
static bool in_family(const struct builder *b, uint32_t sort)
{
	return b->c->families[b->row] >> (sort & 1) & 1;
}

static int touch_sorts(struct builder *b, uint32_t entry)
{
	uint16_t complete = b->from->reach->complete[b->entries.v[entry].term];
	int err = 0;

	for (uint32_t sort = 0; sort < SORTS && err == 0; sort++)
		if ((complete >> sort & 1) && in_family(b, sort))
			err = append(b, &b->sorts[sort], entry);
	return err;
}

static int touch_groups(struct builder *b, uint32_t entry, uint32_t term)
{
	const struct groups *g = b->groups;
	int err = 0;

	for (uint32_t i = g->first[term]; i < g->first[term + 1] && err == 0; i++)
		if (in_family(b, group_sort(g, g->members[i])))
			err = touch(b, &b->group, g->members[i], entry);
	return err;
}

static int touch_classes(struct builder *b, uint32_t entry, uint32_t term)
{
	const struct reach *reach = b->from->reach;
	int err = 0;

	for (uint32_t i = reach->first[term]; i < reach->first[term + 1] && err == 0; i++)
		if (in_family(b, sort_of(&b->from->classes->v.v[reach->classes[i]])))
			err = touch(b, &b->class, reach->classes[i], entry);
	return err;
}

static int touch_excepts(struct builder *b, uint32_t entry, uint32_t term)
{
	const struct reach *reach = b->from->reach;
	int err = 0;

	for (uint32_t i = reach->first_except[term]; i < reach->first_except[term + 1] && !err; i++)
		if (in_family(b, sort_of(&b->from->classes->v.v[reach->excepts[i]])))
			err = touch(b, &b->class, reach->excepts[i], entry | EXCEPTED);
	return err;
}

/* How many places an entry is filed at, sorts aside. */
static size_t reach_cost(const struct builder *b, uint32_t term, bool heavy)
{
	const struct reach *reach = b->from->reach;
	size_t excepts = reach->first_except[term + 1] - reach->first_except[term];

	return excepts + (heavy ? b->groups->first[term + 1] - b->groups->first[term]
				: reach_count(reach, term));
}

/* Files every entry of the row with the targets that it holds for. */
static int touch_all(struct builder *b)
{
	int err = 0;

	b->links.n = b->group.touched.n = b->class.touched.n = 0;
	for (uint32_t sort = 0; sort < SORTS; sort++)
		b->sorts[sort] = (struct list){NO_LINK, NO_LINK};
	for (uint32_t i = 0; i < b->entries.n && err == 0; i++) {
		uint32_t term = b->entries.v[i].term;
		bool heavy = b->groups->heavy[term];
		size_t reached = reach_cost(b, term, heavy);

		if (!charge(b->c, b->from, b->row, b->ns, 1 + reached))
			return 0;
		err = touch_sorts(b, i);
		if (err == 0)
			err = heavy ? touch_groups(b, i, term) : touch_classes(b, i, term);
		if (err == 0)
			err = touch_excepts(b, i, term);
	}
	return err;
}

/* The least entry at the heads of the lists; UINT32_MAX: they are at their ends. */
static uint32_t least_entry(const struct builder *b, const uint32_t at[3])
{
	uint32_t least = UINT32_MAX;

	for (unsigned int i = 0; i < 3; i++)
		if (at[i] != NO_LINK && (b->links.v[at[i]].entry & ~EXCEPTED) < least)
			least = b->links.v[at[i]].entry & ~EXCEPTED;
	return least;
}

/* Moves the lists past an entry; false when one of them excepts it. */
static bool pass_entry(const struct builder *b, uint32_t at[3], uint32_t entry)
{
	bool holds = true;

	for (unsigned int i = 0; i < 3; i++) {
		const struct link *link = at[i] != NO_LINK ? &b->links.v[at[i]] : NULL;

		if (link == NULL || (link->entry & ~EXCEPTED) != entry)
			continue;
		if (link->entry & EXCEPTED)
			holds = false;
		at[i] = link->next;
	}
	return holds;
}

/* The program of up to three lists merged in the order of entries. */
static uint32_t fold(struct builder *b, const struct list *const lists[], unsigned int n)
{
	uint32_t at[3] = {NO_LINK, NO_LINK, NO_LINK}, least;
	struct programs *programs = b->from->programs;

	for (unsigned int i = 0; i < n; i++)
		at[i] = lists[i]->head;
	if (port_programs_begin(programs, b->rest) != 0)
		return TG_NONE;
	while (!programs->closed && (least = least_entry(b, at)) != UINT32_MAX) {
		const struct row_entry *entry = &b->entries.v[least];

		if (pass_entry(b, at, least) &&
			port_programs_append(programs, entry->ports, entry->verdict) != 0)
			return TG_NONE;
	}
	return port_programs_end(programs, &b->from->expander->policies->port_sets);
}

static int emit(struct builder *b, uint32_t column, uint32_t program)
{
	struct tg_image_cell cell = {b->row, column, program};

	return tg_vec_push(&b->c->v, cell);
}

static int emit_sorts(struct builder *b)
{
	for (uint32_t sort = 0; sort < SORTS; sort++) {
		const struct list *list = &b->sorts[sort];
		uint32_t column = sort_in_zone(b->zone, sort);

		b->sort_value[sort] = TG_PROGRAM_DIRECT | b->rest;
		if (list->head == NO_LINK)
			continue;
		b->sort_value[sort] = fold(b, &list, 1);
		if (b->sort_value[sort] == TG_NONE)
			return -ENOMEM;
		if (b->sort_value[sort] != (TG_PROGRAM_DIRECT | b->rest) &&
			b->from->reach->n_classes[column] > 0 &&
			emit(b, column, b->sort_value[sort]) != 0)
			return -ENOMEM;
	}
	return 0;
}

static int emit_groups(struct builder *b)
{
	struct tg_vec_u32 *touched = &b->group.touched;

	sort_u32(touched->v, touched->n);
	for (size_t i = 0; i < touched->n; i++) {
		uint32_t group = touched->v[i], sort = group_sort(b->groups, group), value;
		const struct list *lists[2] = {&b->group.lists[group], &b->sorts[sort]};

		value = fold(b, lists, 2);
		if (value == TG_NONE)
			return -ENOMEM;
		b->group_value[group] = value;
		if (value != b->sort_value[sort] &&
			emit(b, column_of_group(b->from->reach, group), value) != 0)
			return -ENOMEM;
	}
	return 0;
}

/* What the columns coarser than its own say about a class. */
static uint32_t coarser_value(const struct builder *b, uint32_t class)
{
	uint32_t group = b->groups->of[class];

	if (group != TG_NONE && b->group.stamp[group] == b->stamp)
		return b->group_value[group];
	return b->sort_value[sort_of(&b->from->classes->v.v[class])];
}

static int emit_classes(struct builder *b)
{
	struct tg_vec_u32 *touched = &b->class.touched;

	sort_u32(touched->v, touched->n);
	for (size_t i = 0; i < touched->n; i++) {
		uint32_t class = touched->v[i], value;
		uint32_t sort = sort_of(&b->from->classes->v.v[class]);
		const struct list *lists[3] = {&b->class.lists[class], &b->sorts[sort],
			list_of(b, &b->group, b->groups->of[class])};

		value = fold(b, lists, 3);
		if (value == TG_NONE)
			return -ENOMEM;
		if (value == coarser_value(b, class))
			continue;
		if (b->ns != TG_NONE && ++b->c->spent[b->ns] > b->from->budget) {
			b->from->over[b->ns] = true;
			return 0;
		}
		if (emit(b, column_of_class(b->from->reach, b->groups, class), value) != 0)
			return -ENOMEM;
	}
	return 0;
}

static int build_row(struct builder *b, uint32_t row)
{
	const struct stance *stance = stance_of(b->from, row);
	int err;

	b->row = row;
	b->stamp = row + 1;
	b->rest = b->from->rest[b->from->expander->rows->v.v[row].stance];
	b->ns = stance->ns;
	b->zone = stance->zone;
	if (b->ns != TG_NONE && b->from->over[b->ns])
		return 0;
	err = expander_row(b->from->expander, row, &b->entries);
	if (err == 0)
		err = touch_all(b);
	if (err != 0 || (b->ns != TG_NONE && b->from->over[b->ns]))
		return err;
	err = emit_sorts(b);
	if (err == 0)
		err = emit_groups(b);
	if (err == 0)
		err = emit_classes(b);
	return err;
}

/* Cells of a namespace that turned out to be over its budget go. */
static void drop_over(struct cells *c, const struct cell_sources *from)
{
	size_t kept = 0;

	for (size_t i = 0; i < c->v.n; i++) {
		uint32_t ns = stance_of(from, c->v.v[i].row)->ns;

		if (ns == TG_NONE || !from->over[ns])
			c->v.v[kept++] = c->v.v[i];
	}
	c->v.n = kept;
}

static int targets_init(struct targets *t, size_t n)
{
	t->lists = malloc((n + 1) * sizeof(*t->lists));
	t->stamp = calloc(n + 1, sizeof(*t->stamp));
	return t->lists == NULL || t->stamp == NULL ? -ENOMEM : 0;
}

static void targets_free(struct targets *t)
{
	free(t->lists);
	free(t->stamp);
	tg_vec_free(&t->touched);
}

static int builder_init(struct builder *b)
{
	int err = targets_init(&b->group, b->groups->n);

	if (err == 0)
		err = targets_init(&b->class, b->from->classes->v.n);
	b->group_value = malloc((b->groups->n + 1) * sizeof(*b->group_value));
	return b->group_value == NULL ? -ENOMEM : err;
}

static void builder_free(struct builder *b)
{
	targets_free(&b->group);
	targets_free(&b->class);
	free(b->group_value);
	tg_vec_free(&b->entries);
	tg_vec_free(&b->links);
}

int cells_build(struct cells *c, const struct cell_sources *from, const struct groups *groups)
{
	struct builder b = {.c = c, .from = from, .groups = groups};
	uint32_t n_rows = (uint32_t)from->expander->rows->v.n;
	int err = builder_init(&b);

	for (uint32_t row = 0; row < n_rows && err == 0; row++)
		err = build_row(&b, row);
	if (err == 0)
		drop_over(c, from);
	builder_free(&b);
	return err;
}

/* The cells of a row as they were, at the same cost to its namespace. */
static int copy_row(struct builder *b, uint32_t row, const struct cells_before *before)
{
	const struct tg_image_cell *from = before->cells->v.v + before->first[row];
	size_t n = before->first[row + 1] - before->first[row];
	uint32_t ns = stance_of(b->from, row)->ns;
	uint32_t first_class = column_of_class(b->from->reach, b->groups, 0);
	struct cells *c = b->c;

	if (tg_vec_reserve(&c->v, c->v.n + n) != 0)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++) {
		c->v.v[c->v.n++] = from[i];
		if (ns != TG_NONE && from[i].column >= first_class)
			c->spent[ns]++;
	}
	charge(c, b->from, row, ns, before->cells->row_work[row]);
	if (ns != TG_NONE && c->spent[ns] > b->from->budget)
		b->from->over[ns] = true;
	return 0;
}

/* Both passes over one row. */
static int renew_row(struct builder *b, uint32_t row)
{
	uint32_t ns = stance_of(b->from, row)->ns;
	int err = expander_row(b->from->expander, row, &b->entries);

	if (err != 0)
		return err;
	charge(b->c, b->from, row, ns, b->entries.n);
	return build_row(b, row);
}

int cells_rebuild(struct cells *c, const struct cell_sources *from, const struct groups *groups,
	const struct cells_before *before)
{
	struct builder b = {.c = c, .from = from, .groups = groups};
	uint32_t n_rows = (uint32_t)from->expander->rows->v.n;
	int err = init(c, from);

	if (err == 0)
		err = builder_init(&b);
	if (err == 0)
		memcpy(c->families, before->cells->families, n_rows * sizeof(*c->families));
	for (uint32_t row = 0; row < n_rows && err == 0; row++)
		err = before->dirty[row] ? renew_row(&b, row) : copy_row(&b, row, before);
	for (uint32_t ns = 0; ns < from->n_namespaces && err == 0; ns++)
		if (from->over[ns])
			err = -ESTALE;
	builder_free(&b);
	return err;
}

void cells_free(struct cells *c)
{
	tg_vec_free(&c->v);
	free(c->spent);
	free(c->work);
	free(c->row_work);
	free(c->rows_with);
	free(c->families);
	memset(c, 0, sizeof(*c));
}
