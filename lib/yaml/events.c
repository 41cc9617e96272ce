/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * YAML through libyaml's events. Aliases share the value of their anchor; what they multiply is
 * counted, so that a small text cannot stand for a huge document.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <yaml.h>

#include "build.h"

struct anchor {
	char *name;
	const struct tg_value *value;
	uint64_t weight; /* values below, aliases expanded; 0 while the value is being read */
};

struct events {
	struct tg_tree *tree;
	struct tg_tree_error *error;
	yaml_parser_t parser;
	const char *text;
	size_t size;
	TG_VEC(struct anchor) anchors; /* of this document */
	uint64_t made;		       /* values read so far, aliases expanded */
	uint64_t aliased;	       /* of these, through aliases */
};

static uint32_t line_of(const yaml_event_t *event)
{
	return (uint32_t)event->start_mark.line + 1;
}

static uint32_t line_at(const struct events *y, size_t offset)
{
	uint32_t line = 1;

	for (size_t i = 0; i < offset && i < y->size; i++)
		line += y->text[i] == '\n';
	return line;
}

static int fail_parser(struct events *y)
{
	const yaml_parser_t *p = &y->parser;
	const char *problem = p->problem != NULL ? p->problem : "not YAML";

	if (p->error == YAML_MEMORY_ERROR)
		return -ENOMEM;
	if (p->error == YAML_READER_ERROR)
		return tree_fail(y->error, line_at(y, p->problem_offset), "YAML: %s", problem);
	return tree_fail(y->error, (uint32_t)p->problem_mark.line + 1, "YAML: %s", problem);
}

static int next_event(struct events *y, yaml_event_t *event)
{
	return yaml_parser_parse(&y->parser, event) ? 0 : fail_parser(y);
}

static int no_value(const struct events *y)
{
	return y->error->text[0] != '\0' ? -EINVAL : -ENOMEM;
}

/* Remembers an anchor; *index says where, SIZE_MAX when there is none. */
static int anchor_open(struct events *y, const yaml_char_t *name, uint32_t line, size_t *index)
{
	struct anchor anchor = {0};

	*index = SIZE_MAX;
	if (name == NULL)
		return 0;
	if (y->anchors.n >= TG_TREE_ANCHORS_MAX)
		return tree_fail(y->error, line, "YAML: more than %u anchors", TG_TREE_ANCHORS_MAX);
	anchor.name = strdup((const char *)name);
	if (anchor.name == NULL)
		return -ENOMEM;
	if (tg_vec_push(&y->anchors, anchor) != 0) {
		free(anchor.name);
		return -ENOMEM;
	}
	*index = y->anchors.n - 1;
	return 0;
}

static void anchor_close(
	struct events *y, size_t index, const struct tg_value *value, uint64_t made_before)
{
	if (index == SIZE_MAX)
		return;
	y->anchors.v[index].value = value;
	y->anchors.v[index].weight = y->made - made_before;
}

static void anchors_clear(struct events *y)
{
	for (size_t i = 0; i < y->anchors.n; i++)
		free(y->anchors.v[i].name);
	y->anchors.n = 0;
}

static int count_aliased(struct events *y, uint64_t weight, uint32_t line)
{
	y->made += weight;
	y->aliased += weight;
	if (y->aliased > TG_TREE_ALIAS_MAX)
		return tree_fail(y->error, line,
			"YAML: aliases multiply the document beyond %u values", TG_TREE_ALIAS_MAX);
	return 0;
}

/* Becomes what the anchor's value is; the members are shared. */
static void copy_value(struct tg_value *to, const struct tg_value *from)
{
	const char *key = to->key;
	uint32_t line = to->line;

	*to = *from;
	to->next = NULL;
	to->key = key;
	to->line = line;
}

static int read_alias(struct events *y, const yaml_event_t *event, struct tg_value *value)
{
	const char *name = (const char *)event->data.alias.anchor;
	uint32_t line = line_of(event);

	for (size_t i = y->anchors.n; i-- > 0;) {
		const struct anchor *a = &y->anchors.v[i];

		if (strcmp(a->name, name) != 0)
			continue;
		if (a->value == NULL)
			return tree_fail_repeating(
				y->error, line, "YAML: anchor '%.40s' contains itself", name);
		copy_value(value, a->value);
		return count_aliased(y, a->weight, line);
	}
	return tree_fail_repeating(y->error, line, "YAML: unknown anchor '%.40s'", name);
}

/* The scalar's text in the arena, NUL bytes replaced by U+FFFD. */
static char *copy_text(struct events *y, const yaml_char_t *text, size_t length)
{
	size_t nuls = 0, n = 0;
	char *copy;

	for (size_t i = 0; i < length; i++)
		nuls += text[i] == '\0';
	copy = tg_arena_alloc(y->tree->arena, length + nuls * 2 + 1);
	if (copy == NULL)
		return NULL;
	for (size_t i = 0; i < length; i++) {
		if (text[i] != '\0')
			copy[n++] = (char)text[i];
		else
			n += utf8_encode(copy + n, 0xfffd);
	}
	return copy;
}

static int read_scalar(struct events *y, const yaml_event_t *event, struct tg_value *value)
{
	char *text = copy_text(y, event->data.scalar.value, event->data.scalar.length);
	int err;

	if (text == NULL)
		return -ENOMEM;
	err = scalar_resolve(value, text, (const char *)event->data.scalar.tag,
		event->data.scalar.plain_implicit, y->error);
	if (err == -EINVAL)
		y->error->line = line_of(event);
	return err;
}

static int read_value(
	struct events *y, const yaml_event_t *event, struct tg_value *value, unsigned int depth);

static int read_list(struct events *y, struct tg_value *value, unsigned int depth)
{
	struct tree_builder builder;
	struct tg_value *item;
	yaml_event_t event;
	int err;

	tree_open(&builder, value, TG_VALUE_LIST);
	for (;;) {
		err = next_event(y, &event);
		if (err != 0)
			return err;
		if (event.type == YAML_SEQUENCE_END_EVENT)
			break;
		item = tree_value(y->tree, line_of(&event), y->error);
		err = item != NULL ? read_value(y, &event, item, depth + 1) : no_value(y);
		yaml_event_delete(&event);
		if (err != 0)
			return err;
		tree_append(&builder, item);
	}
	yaml_event_delete(&event);
	return 0;
}

static bool is_merge(const yaml_event_t *event)
{
	const char *tag;

	if (event->type != YAML_SCALAR_EVENT ||
		strcmp((const char *)event->data.scalar.value, "<<") != 0)
		return false;
	tag = (const char *)event->data.scalar.tag;
	return event->data.scalar.plain_implicit ||
	       (tag != NULL && strcmp(tag, "tag:yaml.org,2002:merge") == 0);
}

/* Appends copies of the members of one map. */
static int splice_map(
	struct events *y, struct tree_builder *builder, const struct tg_value *map, uint32_t line)
{
	struct tg_value *copy;
	int err;

	if (map->type != TG_VALUE_MAP)
		return tree_fail(y->error, line, "YAML: '<<' needs a map or a list of maps");
	for (const struct tg_value *v = map->first; v != NULL; v = v->next) {
		copy = tree_value(y->tree, line, y->error);
		if (copy == NULL)
			return no_value(y);
		copy->key = v->key;
		copy_value(copy, v);
		err = count_aliased(y, 1, line);
		if (err != 0)
			return err;
		tree_append(builder, copy);
	}
	return 0;
}

/* Earlier maps of a list take precedence, and the last member of a key counts: backwards. */
static int splice_list(
	struct events *y, struct tree_builder *builder, const struct tg_value *list, uint32_t line)
{
	const struct tg_value **maps = calloc(list->n + 1, sizeof(struct tg_value *));
	size_t n = 0;
	int err = 0;

	if (maps == NULL)
		return -ENOMEM;
	for (const struct tg_value *v = list->first; v != NULL; v = v->next)
		maps[n++] = v;
	while (n > 0 && err == 0)
		err = splice_map(y, builder, maps[--n], line);
	free(maps);
	return err;
}

static int read_merge(
	struct events *y, struct tree_builder *builder, uint32_t line, unsigned int depth)
{
	struct tg_value *merged = tree_value(y->tree, line, y->error);
	yaml_event_t event;
	int err;

	if (merged == NULL)
		return no_value(y);
	err = next_event(y, &event);
	if (err != 0)
		return err;
	err = read_value(y, &event, merged, depth);
	yaml_event_delete(&event);
	if (err != 0)
		return err;
	if (merged->type == TG_VALUE_LIST)
		return splice_list(y, builder, merged, line);
	return splice_map(y, builder, merged, line);
}

/* The key of a member: any scalar but null. */
static int read_key(
	struct events *y, const yaml_event_t *event, const char **key, unsigned int depth)
{
	struct tg_value *value = tree_value(y->tree, line_of(event), y->error);
	int err;

	if (value == NULL)
		return no_value(y);
	err = read_value(y, event, value, depth);
	if (err != 0)
		return err;
	if (value->type == TG_VALUE_NULL || value->type == TG_VALUE_LIST ||
		value->type == TG_VALUE_MAP)
		return tree_fail(y->error, line_of(event), "YAML: %s cannot be a map's key",
			tg_value_type_name(value));
	*key = scalar_key(y->tree->arena, value);
	return *key != NULL ? 0 : -ENOMEM;
}

static int read_member(struct events *y, struct tree_builder *builder,
	const yaml_event_t *key_event, unsigned int depth)
{
	struct tg_value *member;
	yaml_event_t event;
	const char *key = NULL;
	int err;

	if (is_merge(key_event))
		return read_merge(y, builder, line_of(key_event), depth);
	err = read_key(y, key_event, &key, depth);
	if (err != 0)
		return err;
	member = tree_value(y->tree, line_of(key_event), y->error);
	if (member == NULL)
		return no_value(y);
	member->key = key;
	err = next_event(y, &event);
	if (err != 0)
		return err;
	err = read_value(y, &event, member, depth);
	yaml_event_delete(&event);
	if (err == 0)
		tree_append(builder, member);
	return err;
}

static int read_map(struct events *y, struct tg_value *value, unsigned int depth)
{
	struct tree_builder builder;
	yaml_event_t event;
	int err;

	tree_open(&builder, value, TG_VALUE_MAP);
	for (;;) {
		err = next_event(y, &event);
		if (err != 0)
			return err;
		if (event.type == YAML_MAPPING_END_EVENT)
			break;
		err = read_member(y, &builder, &event, depth + 1);
		yaml_event_delete(&event);
		if (err != 0)
			return err;
	}
	yaml_event_delete(&event);
	return 0;
}

/* The anchor that an event sets, if any. */
static const yaml_char_t *anchor_of(const yaml_event_t *event)
{
	switch (event->type) {
	case YAML_SCALAR_EVENT:
		return event->data.scalar.anchor;
	case YAML_SEQUENCE_START_EVENT:
		return event->data.sequence_start.anchor;
	case YAML_MAPPING_START_EVENT:
		return event->data.mapping_start.anchor;
	default:
		return NULL;
	}
}

static int read_value(
	struct events *y, const yaml_event_t *event, struct tg_value *value, unsigned int depth)
{
	uint64_t made = y->made++;
	size_t anchor;
	int err;

	if (depth >= TG_TREE_DEPTH_MAX && (event->type == YAML_SEQUENCE_START_EVENT ||
						  event->type == YAML_MAPPING_START_EVENT))
		return tree_fail(y->error, line_of(event), "YAML: nested too deeply");
	err = anchor_open(y, anchor_of(event), line_of(event), &anchor);
	if (err != 0)
		return err;
	switch (event->type) {
	case YAML_ALIAS_EVENT:
		err = read_alias(y, event, value);
		break;
	case YAML_SCALAR_EVENT:
		err = read_scalar(y, event, value);
		break;
	case YAML_SEQUENCE_START_EVENT:
		err = read_list(y, value, depth);
		break;
	case YAML_MAPPING_START_EVENT:
		err = read_map(y, value, depth);
		break;
	default:
		err = tree_fail(y->error, line_of(event), "YAML: a value is expected");
		break;
	}
	if (err == 0)
		anchor_close(y, anchor, value, made);
	return err;
}

static int read_document(struct events *y)
{
	struct tg_value *root;
	yaml_event_t event;
	int err;

	err = next_event(y, &event);
	if (err != 0)
		return err;
	root = tree_value(y->tree, line_of(&event), y->error);
	err = root != NULL ? read_value(y, &event, root, 0) : no_value(y);
	yaml_event_delete(&event);
	anchors_clear(y);
	if (err != 0)
		return err;
	return tg_vec_push(&y->tree->documents, root);
}

int events_parse(struct tg_tree *tree, const char *text, size_t size, struct tg_tree_error *error)
{
	struct events y = {.tree = tree, .error = error, .text = text, .size = size};
	yaml_event_t event;
	bool end = false;
	int err = 0;

	if (!yaml_parser_initialize(&y.parser))
		return -ENOMEM;
	yaml_parser_set_input_string(&y.parser, (const unsigned char *)text, size);
	while (err == 0 && !end) {
		err = next_event(&y, &event);
		if (err != 0)
			break;
		end = event.type == YAML_STREAM_END_EVENT;
		if (event.type == YAML_DOCUMENT_START_EVENT)
			err = read_document(&y);
		yaml_event_delete(&event);
	}
	anchors_clear(&y);
	tg_vec_free(&y.anchors);
	yaml_parser_delete(&y.parser);
	return err;
}
