/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <stdlib.h>

#include <cjson/cJSON.h>

#include "print.h"

#define VERIFIED_MAX 256

/* Double-quoted JSON is YAML as well. */
static bool write_verified(const struct subject *s, char text[VERIFIED_MAX])
{
	cJSON *tree = cJSON_CreateObject();
	bool ok = cJSON_AddStringToObject(tree, "nic", s->nic) != NULL &&
		  cJSON_AddStringToObject(tree, "firmware", s->firmware) != NULL &&
		  cJSON_AddStringToObject(tree, "date", s->date) != NULL &&
		  cJSON_PrintPreallocated(tree, text, VERIFIED_MAX, false) != 0;

	cJSON_Delete(tree);
	return ok;
}

static uint32_t counts(const struct tg_verify_report *report, uint32_t of[TG_VERIFY_VERDICT_COUNT])
{
	for (int v = 0; v < TG_VERIFY_VERDICT_COUNT; v++)
		of[v] = tg_verify_count(report, (enum tg_verify_verdict)v);
	return of[TG_VERIFY_WRONG];
}

/* Whether a profile may say so: not of a run that was given up, or found nothing to try. */
static bool is_verified(const struct subject *s, const uint32_t of[TG_VERIFY_VERDICT_COUNT])
{
	return s->complete && of[TG_VERIFY_WRONG] == 0 && of[TG_VERIFY_OK] != 0;
}

void print_text(FILE *out, const struct subject *subject, const struct tg_verify_report *report)
{
	uint32_t of[TG_VERIFY_VERDICT_COUNT], wrong = counts(report, of);
	char verified[VERIFIED_MAX];

	fprintf(out, "%s, driver %s, profile %s\n", subject->device, subject->driver,
		subject->profile);
	for (size_t i = 0; i < report->lines.n; i++) {
		const struct tg_verify_line *l = &report->lines.v[i];

		fprintf(out, "%-19s %s%s%s%s%s\n", tg_verify_verdict_name(l->verdict), l->engine,
			l->engine[0] != '\0' ? ": " : "", l->line, l->why[0] != '\0' ? ": " : "",
			l->why);
	}
	fprintf(out, "%u ok, %u WRONG, %u not testable here\n", of[TG_VERIFY_OK], wrong,
		of[TG_VERIFY_UNTESTED]);
	if (is_verified(subject, of) && write_verified(subject, verified))
		fprintf(out, "verified: %s\n", verified);
}

static bool add_line(cJSON *list, const struct tg_verify_line *l)
{
	static const char *const keys[] = {"ok", "wrong", "untested"};
	cJSON *item = cJSON_CreateObject();

	if (!cJSON_AddItemToArray(list, item))
		return false;
	return cJSON_AddStringToObject(item, "engine", l->engine) != NULL &&
	       cJSON_AddStringToObject(item, "line", l->line) != NULL &&
	       cJSON_AddStringToObject(item, "verdict", keys[l->verdict]) != NULL &&
	       cJSON_AddStringToObject(item, "why", l->why) != NULL;
}

static bool fill(cJSON *tree, const struct subject *s, const struct tg_verify_report *report)
{
	uint32_t of[TG_VERIFY_VERDICT_COUNT], wrong = counts(report, of);
	cJSON *list, *verified;
	bool ok = cJSON_AddStringToObject(tree, "device", s->device) != NULL &&
		  cJSON_AddStringToObject(tree, "driver", s->driver) != NULL &&
		  cJSON_AddStringToObject(tree, "profile", s->profile) != NULL &&
		  cJSON_AddNumberToObject(tree, "ok", of[TG_VERIFY_OK]) != NULL &&
		  cJSON_AddNumberToObject(tree, "wrong", wrong) != NULL &&
		  cJSON_AddNumberToObject(tree, "untested", of[TG_VERIFY_UNTESTED]) != NULL;

	verified = is_verified(s, of) ? cJSON_AddObjectToObject(tree, "verified") : NULL;
	if (verified != NULL)
		ok = ok && cJSON_AddStringToObject(verified, "nic", s->nic) != NULL &&
		     cJSON_AddStringToObject(verified, "firmware", s->firmware) != NULL &&
		     cJSON_AddStringToObject(verified, "date", s->date) != NULL;
	list = cJSON_AddArrayToObject(tree, "lines");
	for (size_t i = 0; ok && i < report->lines.n; i++)
		ok = add_line(list, &report->lines.v[i]);
	return ok && list != NULL;
}

int print_json(FILE *out, const struct subject *subject, const struct tg_verify_report *report)
{
	cJSON *tree = cJSON_CreateObject();
	char *text = fill(tree, subject, report) ? cJSON_Print(tree) : NULL;

	if (text != NULL)
		fprintf(out, "%s\n", text);
	cJSON_Delete(tree);
	cJSON_free(text);
	return text != NULL ? 0 : -ENOMEM;
}
