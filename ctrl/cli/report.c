/* SPDX-License-Identifier: BSD-3-Clause */
#include "report.h"

#include <errno.h>
#include <string.h>

#include <cjson/cJSON.h>

#include "json_print.h"

int tg_report_parse(const char *text, enum tg_report_format *out)
{
	static const char *const names[] = {
		[TG_REPORT_TAP] = "tap", [TG_REPORT_JUNIT] = "junit", [TG_REPORT_JSON] = "json"};

	for (unsigned int i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (strcmp(text, names[i]) == 0) {
			*out = (enum tg_report_format)i;
			return 0;
		}
	return -EINVAL;
}

static size_t count_failed(const struct tg_result *results, size_t n)
{
	size_t failed = 0;

	for (size_t i = 0; i < n; i++)
		failed += !results[i].passed;
	return failed;
}

/* A description ends the line, and '#' in it would begin a directive such as "# SKIP". */
static void print_tap_text(FILE *out, const char *text)
{
	for (const char *p = text; *p != '\0'; p++) {
		if (*p == '#' || *p == '\\')
			fputc('\\', out);
		fputc((unsigned char)*p < ' ' ? ' ' : *p, out);
	}
}

/* A YAML block scalar: every line indented alike, nothing to escape but control characters. */
static void print_tap_block(FILE *out, const char *text)
{
	fputs("    ", out);
	for (const char *p = text; *p != '\0'; p++) {
		if (*p == '\n')
			fputs("\n    ", out);
		else
			fputc((unsigned char)*p < ' ' ? ' ' : *p, out);
	}
	fputc('\n', out);
}

static void print_tap(FILE *out, const char *file, const struct tg_result *results, size_t n)
{
	fprintf(out, "TAP version 13\n1..%zu\n", n);
	for (size_t i = 0; i < n; i++) {
		fprintf(out, "%sok %zu - ", results[i].passed ? "" : "not ", i + 1);
		print_tap_text(out, results[i].name);
		fputc('\n', out);
		if (results[i].passed)
			continue;
		fprintf(out, "  ---\n  at: '");
		for (const char *p = file; *p != '\0'; p++)
			fprintf(out, *p == '\'' ? "''" : "%c", *p);
		fprintf(out, ":%u'\n  message: |\n", results[i].line);
		print_tap_block(out, results[i].message);
		fputs("  ...\n", out);
	}
	fprintf(out, "# %zu of %zu hold\n", n - count_failed(results, n), n);
}

/* Text for XML 1.0: markup escaped, characters that XML cannot hold replaced. */
static void print_xml_text(FILE *out, const char *text)
{
	for (const char *p = text; *p != '\0'; p++) {
		switch (*p) {
		case '&':
			fputs("&amp;", out);
			break;
		case '<':
			fputs("&lt;", out);
			break;
		case '>':
			fputs("&gt;", out);
			break;
		case '"':
			fputs("&quot;", out);
			break;
		case '\n':
			fputs("&#10;", out);
			break;
		default:
			fputc((unsigned char)*p < ' ' ? '?' : *p, out);
		}
	}
}

static void print_junit(FILE *out, const char *file, const struct tg_result *results, size_t n)
{
	size_t failed = count_failed(results, n);

	fprintf(out,
		"<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites tests=\"%zu\" "
		"failures=\"%zu\">\n<testsuite name=\"",
		n, failed);
	print_xml_text(out, file);
	fprintf(out, "\" tests=\"%zu\" failures=\"%zu\" errors=\"0\" skipped=\"0\">\n", n, failed);
	for (size_t i = 0; i < n; i++) {
		fputs("<testcase classname=\"tidegate\" name=\"", out);
		print_xml_text(out, results[i].name);
		fputs("\" file=\"", out);
		print_xml_text(out, file);
		fprintf(out, "\" line=\"%u\"", results[i].line);
		if (results[i].passed) {
			fputs("/>\n", out);
			continue;
		}
		fputs("><failure message=\"", out);
		print_xml_text(out, results[i].message);
		fputs("\"/></testcase>\n", out);
	}
	fputs("</testsuite>\n</testsuites>\n", out);
}

static bool add_result(cJSON *list, const struct tg_result *result)
{
	cJSON *item = cJSON_CreateObject();

	if (item == NULL || !cJSON_AddItemToArray(list, item) ||
		cJSON_AddStringToObject(item, "name", result->name) == NULL ||
		cJSON_AddNumberToObject(item, "line", result->line) == NULL ||
		cJSON_AddBoolToObject(item, "ok", result->passed) == NULL ||
		cJSON_AddNumberToObject(item, "pairs", (double)result->pairs) == NULL)
		return false;
	return result->passed || cJSON_AddStringToObject(item, "message", result->message) != NULL;
}

static int print_json(FILE *out, const char *file, const struct tg_result *results, size_t n)
{
	cJSON *tree = cJSON_CreateObject(), *list = NULL;
	size_t failed = count_failed(results, n), i = 0;
	int rc = -ENOMEM;

	if (tree != NULL && cJSON_AddStringToObject(tree, "file", file) != NULL &&
		cJSON_AddNumberToObject(tree, "passed", (double)(n - failed)) != NULL &&
		cJSON_AddNumberToObject(tree, "failed", (double)failed) != NULL)
		list = cJSON_AddArrayToObject(tree, "assertions");
	while (list != NULL && i < n && add_result(list, &results[i]))
		i++;
	if (list != NULL && i == n)
		rc = 0;
	if (rc == 0)
		tg_json_print(out, tree);
	cJSON_Delete(tree);
	return rc;
}

int tg_report_print(FILE *out, enum tg_report_format format, const char *file,
	const struct tg_result *results, size_t n)
{
	switch (format) {
	case TG_REPORT_TAP:
		print_tap(out, file, results, n);
		return 0;
	case TG_REPORT_JUNIT:
		print_junit(out, file, results, n);
		return 0;
	case TG_REPORT_JSON:
		return print_json(out, file, results, n);
	}
	return -EINVAL;
}
