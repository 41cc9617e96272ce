/* SPDX-License-Identifier: BSD-3-Clause */
/* Trees as YAML: block style, two blanks a level, strings plain only where no reader can err. */
#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "canonical.h"
#include "json_print.h"

static bool is_v4_prefix(const char *text)
{
	return strchr(text, '/') != NULL && text[strspn(text, "0123456789./")] == '\0';
}

/* YAML 1.1 readers take these words for booleans or null. */
static bool is_reserved_word(const char *text)
{
	static const char *const words[] = {
		"y", "n", "yes", "no", "on", "off", "true", "false", "null"};

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (strcasecmp(words[i], text) == 0)
			return true;
	return false;
}

static bool is_plain(const char *text)
{
	if (is_v4_prefix(text))
		return true;
	if (!isalpha((unsigned char)text[0]) || is_reserved_word(text))
		return false;
	for (const char *p = text; *p != '\0'; p++)
		if (!isalnum((unsigned char)*p) && strchr("-_./", *p) == NULL)
			return false;
	return true;
}

static void print_text(FILE *out, const char *text)
{
	if (is_plain(text))
		fputs(text, out);
	else
		tg_json_print_string(out, text);
}

static bool is_scalar(const cJSON *node)
{
	return node->child == NULL; /* empty collections are written in one piece as well */
}

static void print_scalar(FILE *out, const cJSON *node)
{
	if (cJSON_IsObject(node))
		fputs("{}", out);
	else if (cJSON_IsArray(node))
		fputs("[]", out);
	else if (cJSON_IsString(node))
		print_text(out, node->valuestring);
	else if (cJSON_IsNumber(node))
		fprintf(out, "%.15g", node->valuedouble);
	else
		fputs(cJSON_IsTrue(node) ? "true" : cJSON_IsFalse(node) ? "false" : "null", out);
}

/*
 * `column` is where the node's lines begin; the first line's indentation is already written, so
 * that a mapping can begin behind the "- " of its sequence.
 */
static void print_node(FILE *out, const cJSON *node, int column)
{
	bool first = true;

	for (const cJSON *child = node->child; child != NULL; child = child->next) {
		/* A sequence inside a mapping is not indented further, as kubectl writes it. */
		int inner = cJSON_IsArray(node) || !cJSON_IsArray(child) ? column + 2 : column;

		if (!first)
			fprintf(out, "%*s", column, "");
		first = false;
		if (cJSON_IsArray(node)) {
			fputs("- ", out);
		} else {
			print_text(out, child->string);
			fputc(':', out);
		}
		if (is_scalar(child)) {
			if (cJSON_IsObject(node))
				fputc(' ', out);
			print_scalar(out, child);
			fputc('\n', out);
			continue;
		}
		if (cJSON_IsObject(node))
			fprintf(out, "\n%*s", inner, "");
		print_node(out, child, inner);
	}
}

void tg_yaml_print(FILE *out, const cJSON *tree)
{
	if (is_scalar(tree)) {
		print_scalar(out, tree);
		fputc('\n', out);
	} else {
		print_node(out, tree, 0);
	}
}
