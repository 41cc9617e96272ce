/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * docs/reference.md, made from the lists in the contracts.
 *	doc_tables           prints it
 *	doc_tables FILE      compares it with FILE: exit 1 when it differs
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <tidegate/offload.h>
#include <tidegate/ruleset.h>
#include <tidegate/verdict.h>

struct row {
	const char *label, *text;
};

#define X(sym, label, text) {label, text},
static const struct row actions[] = {TG_ACTIONS(X)};
static const struct row reasons[] = {TG_DROP_REASONS(X)};
static const struct row kinds[] = {TG_CLASS_KINDS(X)};
static const struct row builtins[] = {TG_BUILTIN_RULES(X)};
static const struct row rule_kinds[] = {TG_RULE_KINDS(X)};
static const struct row offload_reasons[] = {TG_OFFLOAD_REASONS(X)};
#undef X

static void table(
	FILE *out, const char *title, const char *column, const struct row *rows, size_t n)
{
	fprintf(out, "\n## %s\n\n| %s | meaning |\n|---|---|\n", title, column);
	for (size_t i = 0; i < n; i++)
		fprintf(out, "| `%s` | %s |\n", rows[i].label, rows[i].text);
}

#define TABLE(title, column, rows) table(out, title, column, rows, sizeof(rows) / sizeof((rows)[0]))

static void reference(FILE *out)
{
	fputs("# Reference: what counters, metrics and commands call things\n\n"
	      "Made from `include/tidegate/verdict.h`, `ruleset.h` and `offload.h`; a test compares them.\n",
		out);
	TABLE("Actions", "action", actions);
	TABLE("Drop reasons", "`reason`", reasons);
	TABLE("Kinds of rules", "`kind`", rule_kinds);
	TABLE("Built-in rules", "rule", builtins);
	TABLE("Kinds of addresses", "kind", kinds);
	TABLE("Why a connection or denial is in software", "`reason`", offload_reasons);
}

int main(int argc, char **argv)
{
	char *want = NULL, have[65536];
	size_t want_size = 0, have_size;
	FILE *out, *file;

	if (argc < 2) {
		reference(stdout);
		return 0;
	}
	out = open_memstream(&want, &want_size);
	file = fopen(argv[1], "r");
	if (out == NULL || file == NULL) {
		perror(argv[1]);
		return 1;
	}
	reference(out);
	fclose(out);
	have_size = fread(have, 1, sizeof(have), file);
	fclose(file);
	if (have_size == want_size && memcmp(have, want, want_size) == 0) {
		free(want);
		return 0;
	}
	fprintf(stderr, "%s is not what the lists say; doc_tables > %s\n", argv[1], argv[1]);
	free(want);
	return 1;
}
