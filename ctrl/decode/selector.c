/* SPDX-License-Identifier: BSD-3-Clause */
/* metav1.LabelSelector, strictly, into the model's canonical form. */
#include <stdlib.h>
#include <string.h>

#include "decoder.h"
#include "syntax.h"

#define KEY_EXPECTED                                                             \
	"a label key is expected: [DNS subdomain/]name, the name at most 63 of " \
	"A-Z a-z 0-9 - _ ., beginning and ending alphanumeric"
#define VALUE_EXPECTED                                                 \
	"a label value is expected: at most 63 of A-Z a-z 0-9 - _ ., " \
	"beginning and ending alphanumeric, or empty"

static int compare_u32(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return x < y ? -1 : x > y;
}

static int compare_requirements(const void *a, const void *b)
{
	const struct tg_requirement *x = a, *y = b;

	if (x->key != y->key)
		return x->key < y->key ? -1 : 1;
	if (x->op != y->op)
		return x->op < y->op ? -1 : 1;
	for (uint32_t i = 0; i < x->n_values && i < y->n_values; i++)
		if (x->values[i] != y->values[i])
			return x->values[i] < y->values[i] ? -1 : 1;
	return x->n_values < y->n_values ? -1 : x->n_values > y->n_values;
}

/* Sorts and removes what is there twice; returns how many are left. */
static uint32_t canonical(
	void *v, uint32_t n, size_t size, int (*compare)(const void *a, const void *b))
{
	char *p = v;
	uint32_t kept = 0;

	if (n == 0)
		return 0;
	qsort(p, n, size, compare);
	for (uint32_t i = 1; i < n; i++)
		if (compare(p + kept * size, p + i * size) != 0)
			memmove(p + ++kept * size, p + i * size, size);
	return kept + 1;
}

static uint32_t decode_value(struct decoder *d, const struct tg_at *at)
{
	const char *text = "";

	if (at->value != NULL && !tg_read_string(&d->reader, at, &text))
		return 0;
	if (!tg_is_label_value(text))
		tg_reader_problem(&d->reader, at, VALUE_EXPECTED ", not \"%s\"", text);
	return decoder_string(d, text);
}

/* One entry of matchLabels: IN of one value. */
static void decode_match_label(
	struct decoder *d, const struct tg_at *at, struct tg_requirement *out)
{
	uint32_t *value = decoder_alloc(d, 1, sizeof(*value));

	if (value == NULL)
		return;
	if (!tg_is_qualified_name(at->key))
		tg_reader_problem(&d->reader, at, KEY_EXPECTED);
	*value = decode_value(d, at);
	out->key = decoder_string(d, at->key);
	out->op = TG_OP_IN;
	out->values = value;
	out->n_values = 1;
}

static void decode_key(struct decoder *d, const struct tg_at *expression, uint32_t *out)
{
	struct tg_at at = tg_at_field(expression, "key");
	const char *text = "";

	if (at.value != NULL && !tg_read_string(&d->reader, &at, &text))
		return;
	if (!tg_is_qualified_name(text))
		tg_reader_problem(&d->reader, &at, KEY_EXPECTED ", not \"%s\"", text);
	*out = decoder_string(d, text);
}

/* The operator, and whether it takes values; false when there is none. */
static bool decode_operator(struct decoder *d, const struct tg_at *expression, uint8_t *out)
{
	static const char *const names[] = {
		[TG_OP_IN] = "In",
		[TG_OP_NOT_IN] = "NotIn",
		[TG_OP_EXISTS] = "Exists",
		[TG_OP_NOT_EXISTS] = "DoesNotExist",
	};
	struct tg_at at = tg_at_field(expression, "operator");
	const char *text = "";

	if (at.value != NULL && !tg_read_string(&d->reader, &at, &text))
		return false;
	for (uint8_t op = 0; op < sizeof(names) / sizeof(names[0]); op++) {
		if (strcmp(names[op], text) == 0) {
			*out = op;
			return true;
		}
	}
	tg_reader_problem(
		&d->reader, &at, "In, NotIn, Exists or DoesNotExist is expected, not \"%s\"", text);
	return false;
}

static uint32_t decode_values(struct decoder *d, const struct tg_at *at, const uint32_t **out)
{
	uint32_t *values, n = 0;

	if (!tg_read_list(&d->reader, at) || at->value->n == 0)
		return 0;
	values = decoder_alloc(d, at->value->n, sizeof(*values));
	if (values == NULL)
		return 0;
	for (const struct tg_value *v = at->value->first; v != NULL; v = v->next) {
		struct tg_at item = tg_at_item(at, v, n);

		values[n++] = decode_value(d, &item);
	}
	*out = values;
	return canonical(values, n, sizeof(*values), compare_u32);
}

static void decode_expression(struct decoder *d, const struct tg_at *at, struct tg_requirement *out)
{
	static const char *const fields[] = {"key", "operator", "values", NULL};
	struct tg_at values = tg_at_field(at, "values");

	tg_read_map(&d->reader, at);
	tg_read_known(&d->reader, at, fields);
	decode_key(d, at, &out->key);
	out->n_values = decode_values(d, &values, &out->values);
	if (!decode_operator(d, at, &out->op))
		return;
	if (out->op == TG_OP_IN || out->op == TG_OP_NOT_IN) {
		if (out->n_values == 0)
			tg_reader_problem(
				&d->reader, &values, "In and NotIn need at least one value");
	} else if (out->n_values != 0) {
		tg_reader_problem(&d->reader, &values, "Exists and DoesNotExist take no values");
	}
}

static void read_selector(struct decoder *d, const struct tg_at *at, struct tg_selector *out)
{
	static const char *const fields[] = {"matchLabels", "matchExpressions", NULL};
	struct tg_at labels = tg_at_field(at, "matchLabels");
	struct tg_at expressions = tg_at_field(at, "matchExpressions");
	struct tg_requirement *reqs;
	uint32_t n = 0, cap = 0;
	size_t i = 0;

	tg_read_map(&d->reader, at);
	tg_read_known(&d->reader, at, fields);
	if (tg_read_map(&d->reader, &labels))
		cap += labels.value->n;
	if (tg_read_list(&d->reader, &expressions))
		cap += expressions.value->n;
	if (cap == 0)
		return;
	reqs = decoder_alloc(d, cap, sizeof(*reqs));
	if (reqs == NULL)
		return;
	if (labels.value != NULL && labels.value->type == TG_VALUE_MAP)
		for (const struct tg_value *v = labels.value->first; v != NULL; v = v->next) {
			struct tg_at member = tg_at_member(&labels, v);

			decode_match_label(d, &member, &reqs[n++]);
		}
	if (expressions.value != NULL && expressions.value->type == TG_VALUE_LIST)
		for (const struct tg_value *v = expressions.value->first; v != NULL; v = v->next) {
			struct tg_at item = tg_at_item(&expressions, v, i++);

			decode_expression(d, &item, &reqs[n++]);
		}
	out->reqs = reqs;
	out->n_reqs = canonical(reqs, n, sizeof(*reqs), compare_requirements);
}

void decode_selector(struct decoder *d, const struct tg_at *at, struct tg_selector *out)
{
	size_t before = decoder_problems(d);

	read_selector(d, at, out);
	if (decoder_problems(d) != before)
		d->selector_damaged = true;
}

/* What tells the namespaces of the scope from those of others. */
static bool make_confinement(struct decoder *d, struct tg_requirement *out)
{
	uint32_t *value;

	*out = (struct tg_requirement){
		.key = decoder_string(d, TG_LABEL_CLUSTER), .op = TG_OP_NOT_EXISTS};
	if (d->scope.cluster == NULL)
		return true;
	value = decoder_alloc(d, 1, sizeof(*value));
	if (value == NULL)
		return false;
	*value = decoder_string(d, d->scope.cluster);
	out->op = TG_OP_IN;
	out->values = value;
	out->n_values = 1;
	return true;
}

void decode_namespace_selector(struct decoder *d, const struct tg_at *at, struct tg_selector *out)
{
	struct tg_requirement *reqs;

	decode_selector(d, at, out);
	if (!d->scope.confined)
		return;
	reqs = decoder_alloc(d, (size_t)out->n_reqs + 1, sizeof(*reqs));
	if (reqs == NULL || !make_confinement(d, &reqs[out->n_reqs]))
		return;
	for (uint32_t i = 0; i < out->n_reqs; i++)
		reqs[i] = out->reqs[i];
	out->n_reqs = canonical(reqs, out->n_reqs + 1, sizeof(*reqs), compare_requirements);
	out->reqs = reqs;
}
