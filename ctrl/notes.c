/* SPDX-License-Identifier: BSD-3-Clause */
#include <string.h>

#include "controller_private.h"
#include "log.h"

#define LINES_MAX 20   /* of one kind in the log at a time; the status has them all */
#define NOTES_SHARE 20 /* of the time, one part at most is spent on looking at all files */
#define DRIFT_MS 10000 /* desired and applied may differ for so long without a word */

static const char *text_of(const struct tg_controller *c, uint32_t number)
{
	return tg_intern_text(tg_store_strings(c->store), number);
}

/* --- what is wrong with a file --- */

static void log_errors(const struct tg_file_status *file)
{
	for (size_t i = 0; i < file->n_errors && i < LINES_MAX; i++) {
		const struct tg_problem *e = &file->errors[i];

		if (e->line != 0)
			tg_log_err("%s:%u: %s", file->file, e->line, e->text);
		else
			tg_log_err("%s: %s", file->file, e->text);
	}
	tg_log_err("%s is refused; %s", file->file,
		file->in_force ? "what it said before stays in force"
			       : "nothing of it is in force");
}

void notes_file_refused(struct tg_controller *c, const char *name)
{
	struct tg_file_status file;

	c->report_stale = true;
	for (size_t i = 0; i < tg_store_file_count(c->store); i++) {
		tg_store_file(c->store, i, &file);
		if (strcmp(file.file, name) == 0) {
			log_errors(&file);
			return;
		}
	}
	tg_log_err("%s cannot be read", name);
}

/* --- the report --- */

/* What is served comes in one line. */
static uint32_t line_of(const struct tg_file_status *file, const struct tg_problem *problem)
{
	return file->served ? 0 : problem->line;
}

/* Memory that runs out leaves something out of the report, and nothing else. */
static void report_file(
	const struct tg_controller *c, struct tg_report *r, const struct tg_file_status *file)
{
	for (size_t i = 0; i < file->n_errors; i++)
		tg_report_error(
			r, file->file, line_of(file, &file->errors[i]), file->errors[i].text);
	for (size_t i = 0; i < file->n_warnings; i++)
		tg_report_warning(
			r, file->file, line_of(file, &file->warnings[i]), file->warnings[i].text);
	for (size_t i = 0; i < file->n_not_enforced; i++) {
		const struct tg_not_enforced *n = &file->not_enforced[i];

		tg_report_not_enforced(r, file->file, n->place.line, text_of(c, n->api_version),
			text_of(c, n->kind), text_of(c, n->ns), text_of(c, n->name));
	}
	for (size_t i = 0; i < file->n_skipped; i++)
		tg_report_skipped(r, text_of(c, file->skipped[i].api_version),
			text_of(c, file->skipped[i].kind), file->skipped[i].count);
}

static struct tg_report *make_report(const struct tg_controller *c)
{
	const struct tg_watch_problem *problems;
	struct tg_report *r = tg_report_create();
	struct tg_file_status file;
	size_t n;

	if (r == NULL)
		return NULL;
	problems = tg_watch_problems(c->watch, &n);
	for (size_t i = 0; i < n; i++)
		tg_report_error(r, problems[i].path, 0, problems[i].text);
	for (size_t i = 0; i < tg_store_file_count(c->store); i++) {
		tg_store_file(c->store, i, &file);
		report_file(c, r, &file);
	}
	for (size_t i = 0; c->compile_notes != NULL && i < c->compile_notes->warnings.n; i++) {
		const struct tg_report_item *item = &c->compile_notes->warnings.v[i];

		tg_report_warning(r, item->place, 0, item->text);
	}
	return r;
}

/*
 * Whether the old report has it too. Lists seldom change their order, so the search begins after
 * the last one found: comparing two long lists takes as many steps as they have entries.
 */
static bool listed_before(
	const struct tg_report *old, const struct tg_report_unenforced *u, size_t *at)
{
	size_t n = old != NULL ? old->unenforced.n : 0;

	for (size_t i = 0; i < n; i++) {
		const struct tg_report_unenforced *o = &old->unenforced.v[(*at + i) % n];

		if (strcmp(o->kind, u->kind) == 0 && strcmp(o->ns, u->ns) == 0 &&
			strcmp(o->name, u->name) == 0 &&
			strcmp(o->api_version, u->api_version) == 0) {
			*at += i + 1;
			return true;
		}
	}
	return false;
}

/* Each policy that nothing here enforces is said loudly, once. */
static void log_unenforced(const struct tg_report *old, const struct tg_report *fresh)
{
	size_t told = 0, at = 0;

	for (size_t i = 0; i < fresh->unenforced.n && told < LINES_MAX; i++) {
		const struct tg_report_unenforced *u = &fresh->unenforced.v[i];

		if (listed_before(old, u, &at))
			continue;
		told++;
		tg_log_warn("NOT ENFORCED: %s %s %s%s%s (%s)", u->api_version, u->kind, u->ns,
			u->ns[0] != '\0' ? "/" : "", u->name, u->place);
	}
	if (fresh->n_unenforced > 0 && told > 0)
		tg_log_warn("%zu policies are NOT ENFORCED", fresh->n_unenforced);
}

static bool listed_item(
	const struct tg_report_items *items, const struct tg_report_item *item, size_t *at)
{
	size_t n = items != NULL ? items->n : 0;

	for (size_t i = 0; i < n; i++) {
		const struct tg_report_item *o = &items->v[(*at + i) % n];

		if (strcmp(o->text, item->text) == 0 && strcmp(o->place, item->place) == 0) {
			*at += i + 1;
			return true;
		}
	}
	return false;
}

static void log_warnings(const struct tg_report *old, const struct tg_report *fresh)
{
	const struct tg_report_items *before = old != NULL ? &old->warnings : NULL;
	size_t told = 0, more = 0, at = 0;

	for (size_t i = 0; i < fresh->warnings.n; i++) {
		const struct tg_report_item *item = &fresh->warnings.v[i];

		if (told == LINES_MAX) {
			more = fresh->warnings.n - i;
			break;
		}
		if (listed_item(before, item, &at))
			continue;
		told++;
		tg_log_warn("%s: %s", item->place, item->text);
	}
	if (told > 0 && more > 0)
		tg_log_warn("perhaps more warnings: see the status");
}

static void log_problems(const struct tg_controller *c, const struct tg_report *old)
{
	const struct tg_report_items *before = old != NULL ? &old->errors : NULL;
	const struct tg_watch_problem *problems;
	size_t n, at = 0;

	problems = tg_watch_problems(c->watch, &n);
	for (size_t i = 0; i < n && i < LINES_MAX; i++) {
		const struct tg_report_item item = {problems[i].path, problems[i].text};

		if (!listed_item(before, &item, &at))
			tg_log_err("%s: %s; what was read from it stays in force", item.place,
				item.text);
	}
}

static void renew_report(struct tg_controller *c)
{
	struct tg_report *old = c->notice.report, *fresh = make_report(c);

	if (fresh == NULL)
		return;
	log_problems(c, old);
	log_unenforced(old, fresh);
	log_warnings(old, fresh);
	c->notice.report = fresh;
	tg_report_unref(old);
}

void notes_compiled(struct tg_controller *c, const struct tg_compiled *compiled)
{
	const struct tg_warning *warnings;
	struct tg_report *notes = tg_report_create();
	size_t n;

	warnings = tg_compiled_warnings(compiled, &n);
	for (size_t i = 0; i < n && notes != NULL; i++)
		tg_report_warning(notes, text_of(c, warnings[i].place.file), warnings[i].place.line,
			warnings[i].text);
	tg_report_unref(c->compile_notes);
	c->compile_notes = notes;
	c->report_stale = true;
	notes_sources(c);
}

/* --- the board --- */

static void note_source(struct tg_controller *c, const struct tg_store_stats *s)
{
	struct tg_notice_source *source = &c->notice.source;

	source->files = s->files;
	source->files_refused = s->files_refused;
	source->served = s->served;
	source->served_refused = s->served_refused;
	source->namespaces = s->namespaces;
	source->pods = s->pods;
	source->nodes = s->nodes;
	source->services = s->services;
	source->policies = s->policies;
}

/* The report is as it was when no file was refused and none of these numbers is another one. */
static bool report_changed(struct tg_controller *c, const struct tg_store_stats *s)
{
	size_t problems;
	bool changed;

	tg_watch_problems(c->watch, &problems);
	changed = c->notice.report == NULL || c->report_stale || problems != c->told_problems ||
		  s->files_refused != c->told.files_refused ||
		  s->served_refused != c->told.served_refused || s->warnings != c->told.warnings ||
		  s->not_enforced != c->told.not_enforced || s->skipped != c->told.skipped;
	c->told = *s;
	c->told_problems = problems;
	c->report_stale = false;
	return changed;
}

static void on_notes(uv_timer_t *timer)
{
	struct tg_controller *c = timer->data;
	uint64_t from = uv_hrtime();
	struct tg_store_stats stats;

	tg_store_stats(c->store, &stats);
	note_source(c, &stats);
	clusters_note(c);
	if (report_changed(c, &stats))
		renew_report(c);
	notes_publish(c);
	c->notes_ms = (unsigned int)((uv_hrtime() - from) / 1000000);
}

/* Looking at all files takes as long as there are files: after what is urgent, and not too often.
 */
void notes_sources(struct tg_controller *c)
{
	uint64_t delay = (uint64_t)c->notes_ms * NOTES_SHARE;

	if (!uv_is_active((uv_handle_t *)&c->notes_timer))
		uv_timer_start(&c->notes_timer, on_notes, delay, 0);
}

/* Nothing is desired yet, and the dataplane enforces what the last run left in the archive. */
static bool archive_in_force(const struct tg_controller *c)
{
	const struct tg_push_status *push = &c->notice.push;
	const struct tg_target *t = c->archived;

	return t != NULL && push->connected && !push->ours &&
	       !(push->state.flags & TG_STATE_NO_RULESET) &&
	       push->state.generation == t->generation && push->state.image_checksum == t->checksum;
}

void notes_publish(struct tg_controller *c)
{
	struct tg_notice notice;

	if (c->stopping || c->push == NULL)
		return;
	c->notice.source.synced = c->synced;
	c->notice.source.strings = tg_intern_used(tg_store_strings(c->store));
	c->notice.source.paths = tg_watch_paths(c->watch);
	c->notice.source.sweeps = c->sweep.done;
	c->notice.source.sweeps_failed = c->sweep.failed;
	tg_push_status(c->push, &c->notice.push);
	notice = c->notice;
	notice.in_force = tg_push_in_force(c->push);
	if (archive_in_force(c)) {
		notice.in_force = c->archived;
		if (c->wanted == NULL)
			notice.compile.stats = c->archived_stats;
	}
	notice.mapping = tg_push_mapping(c->push);
	tg_board_put(c->board, &notice);
}

static void check_drift(struct tg_controller *c)
{
	const struct tg_push_status *push = &c->notice.push;
	uint64_t now = uv_now(c->loop);

	/* While nothing is desired that is what the status is about, not a lack of answers. */
	if (push->desired_generation == 0 ||
		(push->desired_generation == push->applied_generation && push->ours)) {
		if (c->drift_told)
			tg_log_info("generation %llu, which is desired, is applied",
				(unsigned long long)push->applied_generation);
		c->drifting_since = 0;
		c->drift_told = false;
		return;
	}
	if (c->drifting_since == 0)
		c->drifting_since = now;
	if (c->drift_told || now - c->drifting_since < DRIFT_MS)
		return;
	c->drift_told = true;
	tg_log_err("generation %llu is desired, %llu is applied: %s",
		(unsigned long long)push->desired_generation,
		(unsigned long long)push->applied_generation,
		push->error[0] != '\0' ? push->error : "no answer yet");
}

static void check_heartbeat(struct tg_controller *c)
{
	const struct tg_mapping *mapping = tg_push_mapping(c->push);
	struct tg_stats_state state;
	uv_timeval64_t now;
	uint64_t now_ms;
	bool lost;

	if (mapping == NULL || tg_stats_read_state(&mapping->reader, &state) != 0)
		return;
	uv_gettimeofday(&now);
	now_ms = (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_usec / 1000;
	lost = now_ms > state.heartbeat + TG_HEARTBEAT_MAX_MS;
	if (lost && !c->beat_lost)
		tg_log_err("the dataplane's heart has not beaten for %.1f s",
			(double)(now_ms - state.heartbeat) / 1e3);
	c->beat_lost = lost;
}

void notes_tick(struct tg_controller *c)
{
	check_drift(c);
	check_heartbeat(c);
	if (c->n_clusters > 0) {
		clusters_note(c);
		notes_publish(c);
	}
}

void notes_free(struct tg_controller *c)
{
	tg_report_unref(c->notice.report);
	tg_report_unref(c->compile_notes);
	tg_sources_unref(c->notice.clusters);
}
