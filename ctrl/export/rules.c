/* SPDX-License-Identifier: BSD-3-Clause */
#include "rules.h"

#include <stdlib.h>
#include <string.h>

#include "arena.h"
#include "hash.h"
#include "image.h"

/* What a built-in rule does when the configuration has no say in it. */
static enum tg_action builtin_action(const struct tg_notice *notice, uint32_t slot)
{
	switch (slot) {
	case TG_BUILTIN_FAIL_CLOSED:
	case TG_BUILTIN_UNKNOWN_ENDPOINT:
	case TG_BUILTIN_SERVICE_ADDRESS:
	case TG_BUILTIN_ADDRESS_CONFLICT:
	case TG_BUILTIN_QUARANTINE:
	case TG_BUILTIN_CELL_BUDGET:
		return TG_ACTION_DENY;
	case TG_BUILTIN_TRANSIT:
		return notice->transit_allow ? TG_ACTION_ALLOW : TG_ACTION_DENY;
	case TG_BUILTIN_NODE_DEFAULT:
		/* One slot for both directions: the stricter one names it. */
		for (unsigned int a = TG_DEFAULT_DENY; a <= TG_DEFAULT_AUDIT; a++)
			for (int d = 0; d < TG_DIRECTION_COUNT; d++)
				if (notice->default_action[d] == a)
					return a == TG_DEFAULT_DENY ? TG_ACTION_DENY
								    : TG_ACTION_AUDIT;
		return TG_ACTION_ALLOW;
	default:
		return TG_ACTION_ALLOW;
	}
}

static const char *direction_label(uint8_t direction)
{
	return direction < TG_DIRECTION_COUNT ? tg_direction_label(direction) : "both";
}

static void builtin_row(struct tg_rule_row *row, const struct tg_notice *notice, uint32_t slot)
{
	row->slot = slot;
	row->kind = tg_rule_kind_label(TG_RULE_BUILTIN);
	row->ns = row->owner = "";
	row->policy = tg_builtin_label(slot);
	row->direction = "both";
	row->action = tg_action_label(builtin_action(notice, slot));
	row->text = tg_builtin_text(slot);
	row->index = TG_NONE;
}

static void image_row(
	struct tg_rule_row *row, const struct tg_image *image, const struct tg_image_rule *rule)
{
	row->slot = rule->slot;
	row->kind = tg_rule_kind_label(rule->kind);
	row->ns = image->strings + rule->ns;
	row->policy = image->strings + rule->policy;
	row->direction = direction_label(rule->direction);
	row->action = tg_action_label(rule->action);
	row->text = image->strings + rule->text;
	row->owner = image->strings + rule->owner;
	row->index = rule->index;
}

static const char *make_labels(
	struct tg_rule_set *set, const struct tg_rule_row *row, struct tg_buffer *scratch)
{
	scratch->n = 0;
	tg_buffer_text(scratch, "namespace=");
	tg_buffer_label(scratch, row->ns);
	tg_buffer_text(scratch, ",policy=");
	tg_buffer_label(scratch, row->policy);
	tg_buffer_printf(scratch, ",direction=\"%s\",rule=\"", row->direction);
	if (row->index != TG_NONE)
		tg_buffer_number(scratch, row->index);
	tg_buffer_printf(scratch, "\",action=\"%s\",kind=\"%s\"", row->action, row->kind);
	tg_buffer_add(scratch, "", 1);
	return scratch->failed ? NULL : tg_arena_memdup(set->arena, scratch->text, scratch->n);
}

/*
 * A sample may appear once: rules that cannot be told apart by their labels (an implicit deny for
 * each set of named ports, a list of policies that was cut) are chained to the first of them.
 */
static int merge_same(struct tg_rule_set *set)
{
	size_t size = 16, at;
	struct tg_rule_row **table;

	while (size < set->n * 2)
		size *= 2;
	table = calloc(size, sizeof(*table));
	if (table == NULL)
		return -1;
	for (size_t i = 0; i < set->n; i++) {
		struct tg_rule_row *row = &set->rows[i];

		at = tg_hash_string(row->labels, 0) & (size - 1);
		while (table[at] != NULL && strcmp(table[at]->labels, row->labels) != 0)
			at = (at + 1) & (size - 1);
		if (table[at] == NULL) {
			table[at] = row;
		} else {
			row->same = table[at]->same;
			table[at]->same = row;
			row->labels = NULL;
		}
	}
	free(table);
	return 0;
}

static int fill(
	struct tg_rule_set *set, const struct tg_notice *notice, const struct tg_image *image)
{
	struct tg_buffer scratch = {0};
	size_t n = 0;
	int err = 0;

	set->rows = calloc(TG_BUILTIN_COUNT + image->n_rules, sizeof(*set->rows));
	set->limits = calloc(image->n_rules + 1ull, sizeof(*set->limits));
	if (set->rows == NULL || set->limits == NULL)
		return -1;
	for (uint32_t slot = 0; slot < TG_BUILTIN_COUNT; slot++)
		builtin_row(&set->rows[n++], notice, slot);
	for (uint32_t i = 0; i < image->n_rules; i++) {
		const struct tg_image_rule *rule = &image->rules[i];

		if (rule->kind != TG_RULE_NAMESPACE)
			image_row(&set->rows[n++], image, rule);
		else
			set->limits[set->n_limits++] = (struct tg_limit_row){
				rule->slot, rule->index, image->strings + rule->ns};
	}
	set->n = n;
	for (size_t i = 0; i < n && err == 0; i++) {
		set->rows[i].labels = make_labels(set, &set->rows[i], &scratch);
		err = set->rows[i].labels == NULL;
	}
	tg_buffer_free(&scratch);
	return err == 0 ? merge_same(set) : -1;
}

struct tg_rule_set *tg_rule_set_create(const struct tg_notice *notice)
{
	struct tg_rule_set *set = calloc(1, sizeof(*set));
	struct tg_image image = {0};
	struct tg_image_error error;

	if (set == NULL)
		return NULL;
	set->arena = tg_arena_create(0);
	if (set->arena == NULL) {
		free(set);
		return NULL;
	}
	/* The mapping is page-aligned and sealed: nobody else can write it. */
	if (notice->in_force != NULL && tg_image_check(notice->in_force->image,
						notice->in_force->size, &image, &error) == 0)
		set->target = tg_target_ref(notice->in_force);
	if (fill(set, notice, &image) != 0) {
		tg_rule_set_free(set);
		return NULL;
	}
	return set;
}

void tg_rule_set_free(struct tg_rule_set *set)
{
	if (set == NULL)
		return;
	tg_target_unref(set->target);
	tg_arena_free(set->arena);
	free(set->rows);
	free(set->limits);
	free(set);
}

void tg_rule_row_read(const struct tg_rule_row *row, const struct tg_stats_reader *reader,
	struct tg_stats_slot *out)
{
	struct tg_stats_slot one;

	tg_stats_read_slot(reader, row->slot, out);
	for (row = row->same; row != NULL; row = row->same) {
		tg_stats_read_slot(reader, row->slot, &one);
		out->packets += one.packets;
		out->bytes += one.bytes;
		out->connections += one.connections;
		out->would_deny += one.would_deny;
	}
}
