/* SPDX-License-Identifier: BSD-3-Clause */
#include "subject.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "classify.h"
#include "compile.h"
#include "image.h"
#include "model_options.h"
#include "objects.h"
#include "store.h"

#define DELTA_HEADROOM 64
#define DELTA_MAX 64
#define POD_ADDRS_MAX 8
#define SCOPE_FILE_MAX 48

/* One ruleset, in both forms. */
struct ruleset {
	struct tg_compiled *compiled;
	struct tg_image image;
	struct tg_classifier *classifier;
};

struct subject {
	struct tg_store *store;
	struct tg_compiler *compiler;
	struct ruleset now;    /* compiled in full */
	struct ruleset before; /* the one that deltas were applied to */
	uint64_t generation;
};

static int __attribute__((format(printf, 3, 4)))
fail(char error[SUBJECT_ERROR_MAX], int rc, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	vsnprintf(error, SUBJECT_ERROR_MAX, fmt, args);
	va_end(args);
	return rc;
}

static void ruleset_clear(struct ruleset *ruleset)
{
	tg_classifier_free(ruleset->classifier);
	tg_compiled_free(ruleset->compiled);
	memset(ruleset, 0, sizeof(*ruleset));
}

struct subject *subject_create(void)
{
	struct subject *subject = calloc(1, sizeof(*subject));

	if (subject == NULL)
		return NULL;
	subject->store = tg_store_create();
	subject->compiler = tg_compiler_create();
	if (subject->store == NULL || subject->compiler == NULL) {
		subject_free(subject);
		return NULL;
	}
	return subject;
}

void subject_free(struct subject *subject)
{
	if (subject == NULL)
		return;
	ruleset_clear(&subject->before);
	ruleset_clear(&subject->now);
	tg_compiler_free(subject->compiler);
	tg_store_free(subject->store);
	free(subject);
}

/* The objects of one scope are a file; there may be fewer scopes than before. */
static int load_scope(
	struct subject *subject, const struct random_cluster *cluster, size_t scope, char *error)
{
	cJSON *wrap = cJSON_CreateObject(), *list = model_options_objects(cluster, scope);
	struct tg_file_status status;
	const struct tg_scope how = model_options_scope(cluster, scope);
	char *text, name[SCOPE_FILE_MAX];
	int rc;

	snprintf(name, sizeof(name), "cluster-%zu.json", scope);
	cJSON_AddStringToObject(wrap, "apiVersion", "v1");
	cJSON_AddStringToObject(wrap, "kind", "List");
	cJSON_AddItemToObject(wrap, "items", list);
	text = cJSON_PrintUnformatted(wrap);
	cJSON_Delete(wrap);
	if (text == NULL)
		return fail(error, -EBADMSG, "out of memory");
	tg_store_set_scope(subject->store, &how);
	rc = tg_store_load(subject->store, name, text, strlen(text));
	free(text);
	if (rc == 0)
		return 0;
	tg_store_file(subject->store, 0, &status);
	return fail(error, -EINVAL, "refused: %s",
		status.n_errors > 0 ? status.errors[0].text : strerror(-rc));
}

static int load_text(struct subject *subject, const struct random_cluster *cluster, char *error)
{
	size_t n = cluster->options.n_scopes > 0 ? cluster->options.n_scopes : 1;
	int rc = 0;

	for (size_t i = 0; i < n && rc == 0; i++)
		rc = load_scope(subject, cluster, i, error);
	for (size_t i = n; i < RANDOM_SCOPES_MAX; i++) {
		char name[SCOPE_FILE_MAX];

		snprintf(name, sizeof(name), "cluster-%zu.json", i);
		tg_store_remove(subject->store, name);
	}
	return rc;
}

/* Checks what was compiled and builds the accelerated form. */
static int ruleset_open(struct ruleset *ruleset, char *error)
{
	struct tg_image_error where;
	const void *data;
	size_t size;

	data = tg_compiled_image(ruleset->compiled, &size);
	if (tg_image_check(data, size, &ruleset->image, &where) != 0)
		return fail(error, -EBADMSG, "image refused: section %#x, entry %llu: %s",
			where.section, (unsigned long long)where.index, where.text);
	ruleset->classifier = tg_classifier_build(&ruleset->image, DELTA_HEADROOM, 0);
	if (ruleset->classifier == NULL)
		return fail(error, -EBADMSG, "no classifier");
	return 0;
}

static int compile_view(struct subject *subject, const struct random_cluster *cluster,
	struct tg_cluster view, char *error)
{
	struct model_options converted;
	char reason[256] = "";
	const struct tg_namespace **namespaces = calloc(view.n_namespaces + 1, sizeof(*namespaces));
	int rc;

	if (namespaces == NULL)
		return fail(error, -EBADMSG, "out of memory");
	view.n_namespaces =
		model_options_namespaces(&view, !cluster->options.implicit_namespaces, namespaces);
	view.namespaces = namespaces;
	model_options_make(cluster, ++subject->generation, &converted);
	rc = tg_compile(subject->compiler, &view, &converted.options, &subject->now.compiled,
		reason, sizeof(reason));
	free(namespaces);
	if (rc != 0)
		return fail(error, -EBADMSG, "does not compile: %s: %s", strerror(-rc), reason);
	return ruleset_open(&subject->now, error);
}

static int compile_store(struct subject *subject, const struct random_cluster *cluster, char *error)
{
	struct tg_view *view = tg_store_view(subject->store);
	int rc;

	if (view == NULL)
		return fail(error, -EBADMSG, "out of memory");
	rc = compile_view(subject, cluster, view->cluster, error);
	tg_view_release(subject->store, view);
	return rc;
}

/* As after a restart: a new compiler that takes the slots over from the image in force. */
static int restart_compiler(struct subject *subject, char *error)
{
	struct tg_compiler *fresh = tg_compiler_create();
	const void *data;
	size_t size;

	if (fresh == NULL)
		return fail(error, -EBADMSG, "out of memory");
	tg_compiler_free(subject->compiler);
	subject->compiler = fresh;
	data = tg_compiled_image(subject->now.compiled, &size);
	if (tg_compiler_adopt_slots(fresh, data, size) != 0)
		return fail(error, -EBADMSG, "the slots of an image are not adopted");
	return 0;
}

/* Now and then what a long life brings: a restart, and slots that are free again. */
static int grow_older(struct subject *subject, char *error)
{
	if (subject->now.compiled == NULL)
		return 0;
	if (subject->generation % 3 == 0)
		tg_compiler_slots_swept(subject->compiler, subject->generation - 1);
	return subject->generation % 5 == 0 ? restart_compiler(subject, error) : 0;
}

int subject_load(struct subject *subject, const struct random_cluster *cluster,
	char error[SUBJECT_ERROR_MAX])
{
	struct tg_changes *changes;
	int rc = load_text(subject, cluster, error);

	if (rc == 0)
		rc = grow_older(subject, error);
	if (rc != 0)
		return rc;
	changes = tg_store_take_changes(subject->store);
	if (changes == NULL)
		return fail(error, -EBADMSG, "out of memory");
	tg_changes_release(subject->store, changes);
	ruleset_clear(&subject->before);
	ruleset_clear(&subject->now);
	return compile_store(subject, cluster, error);
}

int subject_compile(struct subject *subject, const struct tg_cluster *cluster,
	const struct random_cluster *how, char error[SUBJECT_ERROR_MAX])
{
	ruleset_clear(&subject->before);
	ruleset_clear(&subject->now);
	return compile_view(subject, how, *cluster, error);
}

/* Class-map entries in the making. */
struct delta {
	struct tg_classmap_entry entries[DELTA_MAX];
	uint32_t n;
};

static bool same_addr(const struct tg_classmap_entry *entry, const struct tg_placement *p)
{
	return entry->zone == p->zone && entry->family == p->addr.family &&
	       memcmp(entry->addr, p->addr.bytes, 16) == 0;
}

/* Several pods that the change gives one address are for the compiler to sort out. */
static bool add_placements(
	struct delta *delta, const struct tg_placement *placements, int n, uint32_t placed_from)
{
	for (int i = 0; i < n; i++) {
		const struct tg_placement *p = &placements[i];
		struct tg_classmap_entry *entry = &delta->entries[delta->n];

		for (uint32_t k = placed_from; k < delta->n; k++)
			if (same_addr(&delta->entries[k], p))
				return false;
		if (delta->n == DELTA_MAX)
			return false;
		memset(entry, 0, sizeof(*entry));
		memcpy(entry->addr, p->addr.bytes, sizeof(entry->addr));
		entry->family = p->addr.family;
		entry->zone = p->zone;
		entry->cls = p->cls;
		entry->node = p->node;
		delta->n++;
	}
	return true;
}

/* First all that go, then all that come: an address may move from one pod to another. */
static bool make_delta(
	const struct ruleset *ruleset, const struct tg_changes *changes, struct delta *delta)
{
	struct tg_placement out[POD_ADDRS_MAX];
	uint32_t placed_from;
	int n;

	for (size_t i = 0; i < changes->n_pods; i++) {
		const struct tg_pod *pod = changes->pods[i].before;

		if (pod == NULL)
			continue;
		n = tg_compiled_vacate_pod(ruleset->compiled, pod, NULL, out);
		if (n < 0 || !add_placements(delta, out, n, delta->n))
			return false;
	}
	placed_from = delta->n;
	for (size_t i = 0; i < changes->n_pods; i++) {
		const struct tg_pod *pod = changes->pods[i].after;

		if (pod == NULL)
			continue;
		n = tg_compiled_place_pod(ruleset->compiled, pod, NULL, out);
		if (n < 0 || !add_placements(delta, out, n, placed_from))
			return false;
	}
	return true;
}

/* 1: applied. 0: not possible by deltas. */
static int apply_changes(struct ruleset *ruleset, const struct tg_changes *changes, char *error)
{
	struct delta delta = {0};
	uint32_t index = 0;
	int rc;

	if (changes->other || !make_delta(ruleset, changes, &delta))
		return 0;
	rc = delta.n > 0 ? tg_classifier_apply(ruleset->classifier, delta.entries, delta.n, &index)
			 : 0;
	if (rc != 0)
		return fail(error, -EBADMSG, "delta entry %u refused: %s", index, strerror(-rc));
	tg_classifier_reclaim(ruleset->classifier);
	return 1;
}

int subject_change_pods(struct subject *subject, const struct random_cluster *cluster,
	char error[SUBJECT_ERROR_MAX])
{
	struct tg_changes *changes;
	int rc = load_text(subject, cluster, error), applied;

	if (rc != 0)
		return rc;
	changes = tg_store_take_changes(subject->store);
	if (changes == NULL)
		return fail(error, -EBADMSG, "out of memory");
	ruleset_clear(&subject->before);
	subject->before = subject->now;
	memset(&subject->now, 0, sizeof(subject->now));
	applied = apply_changes(&subject->before, changes, error);
	tg_changes_release(subject->store, changes);
	if (applied < 0)
		return applied;
	rc = compile_store(subject, cluster, error);
	return rc != 0 ? rc : applied;
}

/* ---- judging ---- */

static void name_rule(const struct tg_image *image, uint32_t slot, char reason[ORACLE_REASON_MAX])
{
	const struct tg_image_rule *rule = tg_image_rule_of(image, slot);
	const char *ns, *policy;

	if (rule == NULL || rule->kind == TG_RULE_BUILTIN) {
		snprintf(reason, ORACLE_REASON_MAX,
			slot < TG_SLOT_FIRST ? "builtin %s" : "unlisted slot of %s",
			tg_builtin_label(slot));
		return;
	}
	ns = image->strings + rule->ns;
	policy = image->strings + rule->policy;
	if (rule->kind == TG_RULE_POLICY)
		snprintf(reason, ORACLE_REASON_MAX, "policy %s/%s %u", ns, policy, rule->index);
	else if (rule->kind == TG_RULE_IMPLICIT)
		snprintf(reason, ORACLE_REASON_MAX, "implicit %s: %s", ns, policy);
	else if (rule->kind == TG_RULE_BASELINE)
		snprintf(reason, ORACLE_REASON_MAX, "baseline %s", ns);
	else
		snprintf(reason, ORACLE_REASON_MAX, "infrastructure %s", policy);
}

static void name_side(const struct tg_image *image, uint32_t verdict, struct oracle_side *side)
{
	side->action = tg_verdict_action(verdict);
	name_rule(image, tg_verdict_slot(verdict), side->reason);
}

void subject_judge_portable(const struct subject *subject, const struct oracle_tuple *tuples,
	struct oracle_answer *out, size_t n)
{
	const struct ruleset *ruleset = &subject->now;

	for (size_t i = 0; i < n; i++) {
		struct tg_image_query query = {.src = tuples[i].src,
			.dst = tuples[i].dst,
			.zone = tuples[i].zone,
			.protocol = (uint8_t)tuples[i].protocol,
			.dport = (uint16_t)tuples[i].dport};
		struct tg_image_answer answer;

		tg_image_judge(&ruleset->image, &query, &answer);
		for (int dir = 0; dir < TG_DIRECTION_COUNT; dir++)
			name_side(&ruleset->image, answer.side[dir].verdict, &out[i].side[dir]);
		out[i].action = answer.action;
	}
}

static void to_wire(const struct oracle_tuple *in, struct tg_tuple *out)
{
	memset(out, 0, sizeof(*out));
	memcpy(out->src.v6, in->src.bytes, in->src.family == 4 ? 4 : 16);
	memcpy(out->dst.v6, in->dst.bytes, in->dst.family == 4 ? 4 : 16);
	out->family = in->src.family;
	out->protocol = (uint8_t)in->protocol;
	out->dport = (uint16_t)in->dport;
	out->sport = out->dport != 0 ? 40000 : 0;
	out->zone = in->zone;
}

static void judge_accelerated(const struct ruleset *ruleset, const struct oracle_tuple *tuples,
	struct oracle_answer *out, unsigned int n)
{
	struct tg_tuple wire[TG_CLASSIFY_BURST];
	const struct tg_tuple *pointers[TG_CLASSIFY_BURST] = {NULL};
	struct tg_judgement judgements[TG_CLASSIFY_BURST];

	for (unsigned int i = 0; i < n; i++) {
		to_wire(&tuples[i], &wire[i]);
		pointers[i] = &wire[i];
	}
	tg_classify_burst(ruleset->classifier, pointers, judgements, n);
	for (unsigned int i = 0; i < n; i++) {
		for (int dir = 0; dir < TG_DIRECTION_COUNT; dir++)
			name_side(&ruleset->image, judgements[i].verdict[dir], &out[i].side[dir]);
		out[i].action = judgements[i].action;
	}
}

/* In bursts of every size from 1 to the most. */
static void judge_in_bursts(const struct ruleset *ruleset, const struct oracle_tuple *tuples,
	struct oracle_answer *out, size_t n)
{
	unsigned int size = TG_CLASSIFY_BURST;

	for (size_t done = 0; done < n; done += size) {
		size = size % TG_CLASSIFY_BURST + 1;
		if (size > n - done)
			size = (unsigned int)(n - done);
		judge_accelerated(ruleset, tuples + done, out + done, size);
	}
}

void subject_judge_burst(const struct subject *subject, const struct oracle_tuple *tuples,
	struct oracle_answer *out, size_t n)
{
	judge_in_bursts(&subject->now, tuples, out, n);
}

void subject_judge_delta(const struct subject *subject, const struct oracle_tuple *tuples,
	struct oracle_answer *out, size_t n)
{
	judge_in_bursts(&subject->before, tuples, out, n);
}
