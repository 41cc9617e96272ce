/* SPDX-License-Identifier: BSD-3-Clause */
#include "json_print.h"

#include <math.h>
#include <stdbool.h>
#include <string.h>

#define LINE_LENGTH 80 /* of a list that is written on one line */

void tg_json_print_string(FILE *out, const char *text)
{
	fputc('"', out);
	for (const unsigned char *p = (const unsigned char *)text; *p != '\0'; p++) {
		if (*p == '"' || *p == '\\')
			fprintf(out, "\\%c", *p);
		else if (*p == '\n')
			fputs("\\n", out);
		else if (*p == '\t')
			fputs("\\t", out);
		else if (*p < ' ' || *p == 0x7f)
			fprintf(out, "\\u%04x", *p);
		else
			fputc(*p, out);
	}
	fputc('"', out);
}

static void print_number(FILE *out, double value)
{
	/* Counters and times are whole numbers: all their digits, no exponent. */
	if (floor(value) == value && fabs(value) < 1e18)
		fprintf(out, "%.0f", value);
	else
		fprintf(out, "%.15g", value);
}

static void print_scalar(FILE *out, const cJSON *node)
{
	if (cJSON_IsObject(node))
		fputs("{}", out);
	else if (cJSON_IsArray(node))
		fputs("[]", out);
	else if (cJSON_IsString(node))
		tg_json_print_string(out, node->valuestring);
	else if (cJSON_IsNumber(node))
		print_number(out, node->valuedouble);
	else
		fputs(cJSON_IsTrue(node) ? "true" : cJSON_IsFalse(node) ? "false" : "null", out);
}

/* A list of scalars that is short enough for one line. */
static bool fits_line(const cJSON *node)
{
	size_t length = 0;
	const cJSON *child;

	if (!cJSON_IsArray(node))
		return false;
	cJSON_ArrayForEach(child, node)
	{
		if (child->child != NULL)
			return false;
		length += cJSON_IsString(child) ? strlen(child->valuestring) + 4 : 8;
	}
	return length <= LINE_LENGTH;
}

/* `column` < 0: everything on one line. */
static void print_node(FILE *out, const cJSON *node, int column)
{
	bool object = cJSON_IsObject(node);
	int inner = column < 0 || fits_line(node) ? -1 : column + 2;

	if (node->child == NULL) {
		print_scalar(out, node);
		return;
	}
	fputc(object ? '{' : '[', out);
	for (const cJSON *child = node->child; child != NULL; child = child->next) {
		if (child != node->child)
			fputs(inner < 0 ? ", " : ",", out);
		if (inner >= 0)
			fprintf(out, "\n%*s", inner, "");
		if (object) {
			tg_json_print_string(out, child->string);
			fputs(": ", out);
		}
		print_node(out, child, inner);
	}
	if (inner >= 0)
		fprintf(out, "\n%*s", column, "");
	fputc(object ? '}' : ']', out);
}

void tg_json_print(FILE *out, const cJSON *tree)
{
	print_node(out, tree, 0);
	fputc('\n', out);
}

void tg_json_print_line(FILE *out, const cJSON *tree)
{
	print_node(out, tree, -1);
	fputc('\n', out);
}
