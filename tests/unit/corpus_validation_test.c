/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Documents whose fate at a real API server (strict field validation) is known: the decoder has to
 * accept and refuse the same ones, and to complain of every field that the server names. Deviations
 * are in one list, each with its reason, which docs/policy-semantics.md repeats; an entry that is
 * no deviation any more fails the test too.
 *
 * The corpus is no part of the source: TIDEGATE_CORPUS names it, else ../shared/corpus beside the
 * source tree is used; without it the test is skipped.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "decode.h"
#include "vec.h"

#define SKIPPED 77

#define STATUS "a top-level status is ignored: exported policies have one"
#define NAMESPACE "there is no request whose namespace could differ"
#define EMPTY "an empty document is no object"
#define TYPE "there is no request that says what the document is"
#define GENERATED "the name is only known once the object has been created"

static struct {
	const char *name; /* of a document in validation/, or a file in wild/ */
	bool accepted;	  /* by us; the API server said the opposite */
	const char *reason;
	bool seen;
} deviations[] = {
	{"status", true, STATUS},
	{"np-guard__netpol-analyzer/docs_exposure_tests_and_results.md_block61.yaml", true, STATUS},
	{"np-guard__netpol-analyzer/docs_exposure_tests_and_results.md_block82.yaml", true, STATUS},
	{"np-guard__netpol-analyzer/tests_acs-security-demos-with-netpol-list_netpol-list.yaml",
		true, STATUS},
	{"np-guard__netpol-analyzer/tests_acs_security_frontend_demos_frontend_netpols.yaml", true,
		STATUS},
	{"np-guard__netpol-analyzer/tests_bad_netpols_subdir7_resources.yaml", true, STATUS},
	{"ns-mismatch", true, NAMESPACE},
	{"kubescape__regolibrary/controls_examples_c030.yaml", true, NAMESPACE},
	{"yaml:empty-doc", true, EMPTY},
	{"kind-missing", false, TYPE},
	{"apiVersion-missing", false, TYPE},
	{"generateName", false, GENERATED},
};

struct tally {
	unsigned int documents, wrong, deviating;
};

static char *read_file(const char *dir, const char *name, size_t *size)
{
	char path[4096], *text = NULL;
	struct stat st;
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	f = fopen(path, "r");
	if (f == NULL || fstat(fileno(f), &st) != 0)
		goto out;
	text = malloc((size_t)st.st_size + 1);
	if (text == NULL)
		goto out;
	*size = fread(text, 1, (size_t)st.st_size, f);
	text[*size] = '\0';
out:
	if (f != NULL)
		fclose(f);
	return text;
}

struct verdict {
	bool accepted;
	char why[512];	   /* the first problem */
	char unnamed[256]; /* a field that the server complains of and we do not; empty: none */
};

/* Whether some problem is about the field or what is below it. */
static bool is_named(const struct tg_problems *problems, const char *field)
{
	for (size_t i = 0; i < problems->n; i++)
		if (strncmp(problems->v[i].text, field, strlen(field)) == 0)
			return true;
	return false;
}

/* Decodes one text; `fields` is the list of the fields that the server names, or NULL. */
static struct verdict decode(const char *text, size_t size, const struct tg_value *fields)
{
	const struct tg_scope scope = {0};
	struct tg_intern *strings = tg_intern_create();
	struct tg_arena *arena = tg_arena_create(0);
	struct verdict verdict = {0};
	struct tg_decoded out;

	verdict.accepted = tg_decode("policy.yaml", text, size, &scope, strings, arena, &out) == 0;
	if (out.errors.n != 0)
		snprintf(verdict.why, sizeof(verdict.why), "%s", out.errors.v[0].text);
	for (const struct tg_value *f = fields != NULL ? fields->first : NULL; f != NULL;
		f = f->next)
		if (f->type == TG_VALUE_STRING && !is_named(&out.errors, f->text))
			snprintf(verdict.unnamed, sizeof(verdict.unnamed), "%s", f->text);
	tg_decoded_free(&out);
	tg_arena_free(arena);
	tg_intern_free(strings);
	return verdict;
}

static bool is_deviation(const char *name, bool accepted)
{
	for (size_t i = 0; i < sizeof(deviations) / sizeof(deviations[0]); i++) {
		if (strcmp(deviations[i].name, name) != 0 || deviations[i].accepted != accepted)
			continue;
		deviations[i].seen = true;
		printf("%s: deviates: %s\n", name, deviations[i].reason);
		return true;
	}
	return false;
}

static void judge(struct tally *tally, const char *name, const char *text, size_t size, bool server,
	const struct tg_value *fields)
{
	struct verdict ours = decode(text, size, fields);

	tally->documents++;
	if (ours.accepted != server && is_deviation(name, ours.accepted)) {
		tally->deviating++;
	} else if (ours.accepted != server) {
		tally->wrong++;
		printf("%s: %s, but the API server %s it: %s\n", name,
			ours.accepted ? "accepted" : "refused", server ? "accepts" : "refuses",
			ours.why);
	} else if (ours.unnamed[0] != '\0') {
		tally->wrong++;
		printf("%s: refused, but not for %s: %s\n", name, ours.unnamed, ours.why);
	}
}

static const char *string_of(const struct tg_value *map, const char *key)
{
	const struct tg_value *v = tg_value_get(map, key);

	return v != NULL && v->type == TG_VALUE_STRING ? v->text : NULL;
}

static int64_t number_of(const struct tg_value *map, const char *key)
{
	int64_t number = -1;

	tg_value_int(tg_value_get(map, key), &number);
	return number;
}

static struct tg_tree *read_lines(const char *dir, const char *name)
{
	struct tg_tree_error error = {0};
	struct tg_tree *tree = NULL;
	size_t size = 0;
	char *text = read_file(dir, name, &size);

	if (text == NULL || tg_tree_parse(text, size, &tree, &error) != 0)
		printf("%s/%s: %u: %s\n", dir, name, error.line,
			text != NULL ? error.text : strerror(errno));
	free(text);
	return tree;
}

/* validation/NAME: each line has the document itself. */
static int judge_bodies(struct tally *tally, const char *corpus, const char *name)
{
	struct tg_tree *tree = read_lines(corpus, name);

	if (tree == NULL)
		return -EINVAL;
	for (size_t i = 0; i < tg_tree_count(tree); i++) {
		const struct tg_value *line = tg_tree_document(tree, i);
		const char *body = string_of(line, "body"), *title = string_of(line, "name");

		if (title == NULL)
			title = string_of(line, "mutation");
		if (body != NULL && title != NULL)
			judge(tally, title, body, strlen(body), number_of(line, "strict") == 201,
				tg_value_get(line, "strict_fields"));
	}
	tg_tree_free(tree);
	return 0;
}

/* The document `index` of a text, as lines that begin with "---" cut it. */
static const char *cut_document(const char *text, int64_t index, size_t *size)
{
	const char *begin = text, *end;

	for (;; begin = end) {
		const char *line = begin;

		end = strncmp(line, "---", 3) == 0 && line == text ? line : NULL;
		while (end == NULL && (line = strchr(line, '\n')) != NULL) {
			line++;
			if (strncmp(line, "---", 3) == 0)
				end = line;
		}
		*size = end != NULL ? (size_t)(end - begin) : strlen(begin);
		if (index-- == 0)
			return begin;
		if (end == NULL)
			return NULL;
		end = strchr(end, '\n');
		if (end == NULL)
			return NULL;
		end++;
	}
}

/* All lines about one document (the items of a list) were accepted. */
static bool server_accepts(const struct tg_tree *tree, size_t first, size_t *next)
{
	const struct tg_value *line = tg_tree_document(tree, first);
	const char *file = string_of(line, "file");
	int64_t doc = number_of(line, "doc");
	bool accepts = true;
	size_t i;

	for (i = first; i < tg_tree_count(tree); i++) {
		line = tg_tree_document(tree, i);
		if (strcmp(string_of(line, "file"), file) != 0 || number_of(line, "doc") != doc)
			break;
		accepts = accepts && number_of(line, "strict") == 201;
	}
	*next = i;
	return accepts;
}

static void judge_wild_document(
	struct tally *tally, const char *wild, const struct tg_value *line, bool server)
{
	const char *file = string_of(line, "file"), *doc_text = string_of(line, "doc_text");
	const char *document;
	size_t size = 0;
	char *text;

	if (doc_text != NULL) {
		judge(tally, file, doc_text, strlen(doc_text), server, NULL);
		return;
	}
	text = read_file(wild, file, &size);
	document = text != NULL ? cut_document(text, number_of(line, "doc"), &size) : NULL;
	if (document != NULL) {
		judge(tally, file, document, size, server, NULL);
	} else {
		printf("%s: document %lld not found\n", file, (long long)number_of(line, "doc"));
		tally->wrong++;
	}
	free(text);
}

static int judge_wild(struct tally *tally, const char *corpus)
{
	struct tg_tree *tree = read_lines(corpus, "wild/VERDICTS.jsonl");
	char wild[4096];
	size_t next;

	if (tree == NULL)
		return -EINVAL;
	snprintf(wild, sizeof(wild), "%s/wild", corpus);
	for (size_t i = 0; i < tg_tree_count(tree); i = next) {
		const struct tg_value *line = tg_tree_document(tree, i);
		const char *kind = string_of(line, "kind");
		bool server = server_accepts(tree, i, &next);

		if (kind != NULL && strcmp(kind, "networking.k8s.io/v1/NetworkPolicy") == 0)
			judge_wild_document(tally, wild, line, server);
	}
	tg_tree_free(tree);
	return 0;
}

int main(void)
{
	const char *corpus = getenv("TIDEGATE_CORPUS");
	struct tally tally = {0};
	struct stat st;

	if (corpus == NULL)
		corpus = TG_SOURCE_ROOT "/../shared/corpus";
	if (stat(corpus, &st) != 0) {
		printf("skipped: no corpus at %s (TIDEGATE_CORPUS)\n", corpus);
		return SKIPPED;
	}
	if (judge_bodies(&tally, corpus, "validation/NetworkPolicy.jsonl") != 0 ||
		judge_bodies(&tally, corpus, "validation/mutated-NetworkPolicy.jsonl") != 0 ||
		judge_wild(&tally, corpus) != 0)
		return 1;
	for (size_t i = 0; i < sizeof(deviations) / sizeof(deviations[0]); i++) {
		if (deviations[i].seen)
			continue;
		printf("%s: listed as a deviation, and is none\n", deviations[i].name);
		tally.wrong++;
	}
	printf("%u documents, %u as listed deviations, %u wrong\n", tally.documents,
		tally.deviating, tally.wrong);
	return tally.wrong != 0 || tally.documents == 0;
}
