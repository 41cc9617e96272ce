/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "reader.h"
#include "tree.h"

static struct tg_tree *parse(const char *text)
{
	struct tg_tree_error error;
	struct tg_tree *tree;
	int err = tg_tree_parse(text, strlen(text), &tree, &error);

	if (err != 0)
		fail_msg("line %u: %s in: %s", error.line, error.text, text);
	return tree;
}

/* Everything in one line: {"a": [1, "b"]} whatever it was written in. */
static void print(const struct tg_value *value, char *out, size_t size)
{
	size_t used = strlen(out);

	switch (value->type) {
	case TG_VALUE_NULL:
		snprintf(out + used, size - used, "null");
		break;
	case TG_VALUE_BOOL:
		snprintf(out + used, size - used, value->boolean ? "true" : "false");
		break;
	case TG_VALUE_NUMBER:
		snprintf(out + used, size - used, "%.15g", value->number);
		break;
	case TG_VALUE_STRING:
		snprintf(out + used, size - used, "'%s'", value->text);
		break;
	default:
		snprintf(out + used, size - used, value->type == TG_VALUE_LIST ? "[" : "{");
		for (const struct tg_value *v = value->first; v != NULL; v = v->next) {
			used = strlen(out);
			snprintf(out + used, size - used, "%s%s%s", v != value->first ? " " : "",
				v->key != NULL ? v->key : "", v->key != NULL ? ":" : "");
			print(v, out, size);
		}
		used = strlen(out);
		snprintf(out + used, size - used, value->type == TG_VALUE_LIST ? "]" : "}");
	}
}

static void scalars_mean_what_they_mean_to_the_api_server(void **state)
{
	static const struct {
		const char *text, *expected;
	} cases[] = {
		{"80", "80"},
		{"+80", "80"},
		{"-80", "-80"},
		{"0120", "80"},
		{"0o120", "80"},
		{"0x50", "80"},
		{"0X50", "80"},
		{"0b1010", "10"},
		{"00080", "80"},
		{"1_000", "1000"},
		{"80.", "80"},
		{"80.0", "80"},
		{"8e1", "80"},
		{".5", "0.5"},
		{"-0", "-0"},
		{"1.5e3", "1500"},
		{"12345678901234567890", "1.23456789012346e+19"},
		{"0x", "'0x'"},
		{"0xg", "'0xg'"},
		{"1e", "'1e'"},
		{".", "'.'"},
		{"1.2.3", "'1.2.3'"},
		{"10.0.0.0/8", "'10.0.0.0/8'"},
		{"::/0", "'::/0'"},
		{"1:20", "'1:20'"},
		{"2001-01-01", "'2001-01-01'"},
		{"=", "'='"},
		{"yes", "true"},
		{"On", "true"},
		{"y", "true"},
		{"NO", "false"},
		{"off", "false"},
		{"n", "false"},
		{"yEs", "'yEs'"},
		{"~", "null"},
		{"Null", "null"},
		{"", "null"},
		{"nULL", "'nULL'"},
		{"\"yes\"", "'yes'"},
		{"'80'", "'80'"},
		{"\"\"", "''"},
		{"!!str 80", "'80'"},
		{"!!int \"80\"", "80"},
		{"!!float 80", "80"},
		{"!!bool \"on\"", "true"},
		{"!!null ''", "null"},
		{"!foo 80", "'80'"},
		{"! 80", "'80'"},
		{"!!binary aGVsbG8=", "'hello'"},
		{"!!binary aGVsbA==", "'hell'"},
		{"!!timestamp 2001-01-01", "'2001-01-01'"},
		{"\"a\\0b\"", "'a\xef\xbf\xbd"
			      "b'"},
		{"|\n  v", "'v'"},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char text[256], out[256] = "";
		struct tg_tree *tree;

		snprintf(text, sizeof(text), "k: %s\n", cases[i].text);
		tree = parse(text);
		print(tg_value_get(tg_tree_document(tree, 0), "k"), out, sizeof(out));
		if (cases[i].text[0] == '|')
			out[strlen(out) - 2] = '\'', out[strlen(out) - 1] = '\0';
		assert_string_equal(out, cases[i].expected);
		tg_tree_free(tree);
	}
}

static void structures_are_kept(void **state)
{
	static const struct {
		const char *text, *expected;
	} cases[] = {
		{"a: [1, {b: c}]", "{a:[1 {b:'c'}]}"},
		{"{\"a\": [1, {\"b\": \"c\"}], \"d\": {}, \"e\": []}", "{a:[1 {b:'c'}] d:{} e:[]}"},
		{"{\"a\": \"\\u00e9\\ud83d\\ude00\\n\\\"\\/\"}",
			"{a:'\xc3\xa9\xf0\x9f\x98\x80\n\"/'}"},
		{"{\"a\": \"\\ud83d\\u0000\"}", "{a:'\xef\xbf\xbd\xef\xbf\xbd'}"},
		{"{\"a\": -1.5e2, \"b\": true, \"c\": null}", "{a:-150 b:true c:null}"},
		{"{\"a\": 1,}", "{a:1}"}, /* no JSON, but YAML */
		{"1: a\ntrue: b\n1.5: c\n0x10: d", "{1:'a' true:'b' 1.5:'c' 16:'d'}"},
		{"? a\n: b", "{a:'b'}"},
		{"a: &x {b: 1}\nc: *x", "{a:{b:1} c:{b:1}}"},
		{"a: &x b\n*x : c", "{a:'b' b:'c'}"},
		{"a: &x {b: 1}\nc: {<<: *x, d: 2}", "{a:{b:1} c:{b:1 d:2}}"},
		{"a: &x {b: 1}\nc: {<<: [*x, {d: 2}]}", "{a:{b:1} c:{d:2 b:1}}"},
		{"a: &x 1\nb: &x 2\nc: *x", "{a:1 b:2 c:2}"},
		{"\xef\xbb\xbf"
		 "a: b",
			"{a:'b'}"},
		{"a: b\r\nc: d\r\n", "{a:'b' c:'d'}"},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct tg_tree *tree = parse(cases[i].text);
		char out[256] = "";

		assert_int_equal(tg_tree_count(tree), 1);
		print(tg_tree_document(tree, 0), out, sizeof(out));
		assert_string_equal(out, cases[i].expected);
		tg_tree_free(tree);
	}
}

static void secrets_are_in_no_error(void **state)
{
	static const char *const texts[] = {
		"token: *SECRET\n",
		"token: &SECRET [*SECRET]\n",
		"token: !!int SECRET\n",
		"token: !!binary SECRET\n",
		"{token: *SECRET}\n",
		"{\"token\": SECRET, \"x\": }}\n",
		"token: 'SECRET\n",
		"SECRET: a: b\n",
	};

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		struct tg_tree_error error;
		struct tg_tree *tree;

		assert_int_equal(
			tg_tree_parse_secret(texts[i], strlen(texts[i]), &tree, &error), -EINVAL);
		assert_null(strstr(error.text, "SECRET"));
		assert_true(error.line >= 1 && error.text[0] != '\0');
	}
}

static void bad_texts_are_refused_with_their_line(void **state)
{
	static const struct {
		const char *text;
		uint32_t line;
		const char *expected;
	} cases[] = {
		{"a: b\nc: d: e\n", 2, "mapping values"},
		{"a:\n\tb: c\n", 2, "cannot start any token"},
		{"a: [1, 2\n", 2, "did not find expected"},
		{"a: *x\n", 1, "unknown anchor 'x'"},
		{"a: &x [*x]\n", 1, "contains itself"},
		{"a: 1\nb: .inf\n", 2, "is no number"},
		{"a: -.INF\n", 1, "is no number"},
		{"a: 1\n\nb: .nan\n", 3, "is no number"},
		{"a: !!int x\n", 1, "not of the type"},
		{"a: !!bool 1\n", 1, "not of the type"},
		{"a: !!binary '%%%'\n", 1, "not base64"},
		{"a: !!binary abc\n", 1, "not base64"},
		{"a: !!binary /w==\n", 1, "not text"},
		{"null: a\n", 1, "null cannot be a map's key"},
		{"~: a\n", 1, "null cannot be a map's key"},
		{"[a]: b\n", 1, "a list cannot be a map's key"},
		{"{a: b}: c\n", 1, "a map cannot be a map's key"},
		{"a: b\n<<: c\n", 2, "needs a map"},
		{"<<: [{a: b}, c]\n", 1, "needs a map"},
		{"a: b\nc: \xff\n", 2, "UTF-8"},
		{"a: \x01\n", 1, "control characters"},
		{"{{- if .Values.x }}\na: b\n", 1, "(templates have to be rendered first)"},
		{"a: b\nc:\n  d: {{ .Values.x }}\ne: f\n", 3, "(templates have to be rendered"},
		{"{\n\"a\":\n\"b\", d}}", 3, "JSON: a key in quotes"},
		{"{\"a\": 1}\n{\"b\": \"\\q\"}", 2, "JSON: an unknown escape"},
		{"{\"a\": \"\xff\"}", 1, "UTF-8"},
		{"{\"a\": 1}\n{\"b\": }}\n", 2, "JSON"},
		{"a: b\n---\nc: d: e\n", 3, "mapping values"},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct tg_tree_error error;
		struct tg_tree *tree;

		assert_int_equal(tg_tree_parse(cases[i].text, strlen(cases[i].text), &tree, &error),
			-EINVAL);
		if (strstr(error.text, cases[i].expected) == NULL || error.line != cases[i].line)
			fail_msg("%s: %u: %s", cases[i].text, error.line, error.text);
		assert_null(tree);
	}
}

static void documents_and_lines_are_counted(void **state)
{
	struct tg_tree *tree = parse("# c\n---\na: b\nc:\n  - d\n  - e: f\n---\n---\nx: y\n");
	const struct tg_value *c;

	assert_int_equal(tg_tree_count(tree), 3);
	assert_int_equal(tg_tree_document(tree, 1)->type, TG_VALUE_NULL);
	assert_int_equal(tg_tree_document(tree, 0)->line, 3);
	assert_int_equal(tg_tree_document(tree, 2)->line, 9);
	c = tg_value_get(tg_tree_document(tree, 0), "c");
	assert_int_equal(c->line, 4);
	assert_int_equal(c->n, 2);
	assert_int_equal(c->first->line, 5);
	assert_int_equal(c->first->next->first->line, 6);
	tg_tree_free(tree);
	tree = parse("{\"a\": 1}\n\n[{\n\"b\": [\n2]}]");
	assert_int_equal(tg_tree_count(tree), 2);
	assert_int_equal(tg_tree_document(tree, 1)->line, 3);
	assert_int_equal(tg_tree_document(tree, 1)->first->first->line, 4);
	assert_int_equal(tg_tree_document(tree, 1)->first->first->first->line, 5);
	tg_tree_free(tree);
}

/* Texts that stand for more than they say. */
static void bounds_hold(void **state)
{
	static char text[4096];
	struct tg_tree_error error;
	struct tg_tree *tree;

	for (unsigned int json = 0; json < 2; json++) {
		const char *key = json ? "" : "k: ";
		size_t levels = TG_TREE_DEPTH_MAX - !json; /* the map counts */

		for (size_t more = 0; more < 2; more++) {
			strcpy(text, key);
			memset(text + strlen(key), '[', levels + more);
			memset(text + strlen(key) + levels + more, ']', levels + more);
			text[strlen(key) + (levels + more) * 2] = '\0';
			if (more == 0)
				tg_tree_free(parse(text));
			else
				assert_int_equal(
					tg_tree_parse(text, strlen(text), &tree, &error), -EINVAL);
		}
		assert_non_null(strstr(error.text, "too deeply"));
	}
	strcpy(text, "a: &a [x,x,x,x,x,x,x,x,x,x]\n");
	for (char c = 'b'; c < 'k'; c++) {
		char line[64];

		snprintf(line, sizeof(line), "%c: &%c [", c, c);
		for (int i = 0; i < 10; i++)
			snprintf(line + strlen(line), sizeof(line) - strlen(line), "*%c%s", c - 1,
				i < 9 ? "," : "]\n");
		strcat(text, line);
	}
	assert_int_equal(tg_tree_parse(text, strlen(text), &tree, &error), -EINVAL);
	assert_non_null(strstr(error.text, "aliases multiply"));
	assert_int_equal(tg_tree_parse(text, (size_t)TG_TREE_SIZE_MAX + 1, &tree, &error), -EINVAL);
	assert_non_null(strstr(error.text, "larger than"));
}

static void duplicates_are_found_anywhere(void **state)
{
	static const struct {
		const char *text, *path;
	} cases[] = {
		{"a: 1\nb: {c: 1, d: 2}\n", NULL},
		{"a: 1\na: 2\n", "a"},
		{"a: [{b: {c: 1, c: 2}}]\n", "a[0].b.c"},
		{"{\"a\": {\"b\": 1, \"c\": 2, \"b\": 1}}", "a.b"},
		{"a: &x {b: 1}\nc: {<<: *x, b: 2}\n", "c.b"},
		{"a: {x.y/z: 1, x.y/z: 2}\n", "a[\"x.y/z\"]"},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct tg_tree *tree = parse(cases[i].text);
		struct tg_arena *arena = tg_arena_create(0);
		struct tg_at root = tg_at_root(tg_tree_document(tree, 0));
		struct tg_reader reader;

		tg_reader_init(&reader, arena);
		tg_read_no_duplicates(&reader, &root);
		assert_int_equal(reader.problems.n, cases[i].path != NULL);
		if (cases[i].path != NULL)
			assert_memory_equal(
				reader.problems.v[0].text, cases[i].path, strlen(cases[i].path));
		tg_reader_free(&reader);
		tg_arena_free(arena);
		tg_tree_free(tree);
	}
}

static void duplicates_are_found_in_large_maps(void **state)
{
	static char text[20000];
	struct tg_tree *tree;

	for (int i = 0; i < 1000; i++)
		snprintf(text + strlen(text), 24, "k%d: 1\n", i);
	tree = parse(text);
	assert_null(tg_value_duplicate(tg_tree_document(tree, 0)));
	tg_tree_free(tree);
	strcat(text, "k500: 2\n");
	tree = parse(text);
	assert_int_equal(tg_value_duplicate(tg_tree_document(tree, 0))->line, 1001);
	assert_int_equal(tg_value_get(tg_tree_document(tree, 0), "k500")->number, 2);
	tg_tree_free(tree);
}

static void integers_are_exact(void **state)
{
	struct tg_tree *tree = parse("[1, -3, 1.5, 9007199254740993, 1e300, '1']");
	const struct tg_value *v = tg_tree_document(tree, 0)->first;
	int64_t number;

	assert_true(tg_value_int(v, &number));
	assert_int_equal(number, 1);
	v = v->next;
	assert_true(tg_value_int(v, &number));
	assert_int_equal(number, -3);
	v = v->next;
	assert_false(tg_value_int(v, &number));
	v = v->next->next;
	assert_false(tg_value_int(v, &number));
	assert_false(tg_value_int(v->next, &number));
	assert_false(tg_value_int(NULL, &number));
	tg_tree_free(tree);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(scalars_mean_what_they_mean_to_the_api_server),
		cmocka_unit_test(structures_are_kept),
		cmocka_unit_test(secrets_are_in_no_error),
		cmocka_unit_test(bad_texts_are_refused_with_their_line),
		cmocka_unit_test(documents_and_lines_are_counted),
		cmocka_unit_test(bounds_hold),
		cmocka_unit_test(duplicates_are_found_anywhere),
		cmocka_unit_test(duplicates_are_found_in_large_maps),
		cmocka_unit_test(integers_are_exact),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
