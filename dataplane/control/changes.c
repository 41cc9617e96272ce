/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "build.h"
#include "changes.h"
#include "clock.h"
#include "log.h"

struct tg_changes {
	struct tg_changes_config config;
	struct tg_build build;
};

static int refuse(struct tg_wire_error *error, int err, const char *text)
{
	error->index = TG_NONE;
	snprintf(error->text, sizeof(error->text), "%s", text);
	return err;
}

/* --- the checkpoint --- */

static void note_checkpoint(struct tg_changes *changes, int rc, const char *what)
{
	uint32_t flags = tg_engine_flags(changes->config.engine);

	if (rc != 0 && !(flags & TG_STATE_CHECKPOINT_FAILED))
		tg_log_err("checkpoint: %s: %s", what, strerror(-rc));
	tg_engine_checkpoint(changes->config.engine, tg_clock_ms(CLOCK_REALTIME), rc != 0);
}

/*
 * The draft has the image and the entries that came with it; it is waited for, since no delta can
 * come before the acknowledgement: its sender does not know yet what is in force. Without a draft
 * the commit says -ENOENT, and closes the file of the former ruleset for what follows.
 */
static void commit_checkpoint(struct tg_changes *changes)
{
	struct tg_build *build = &changes->build;
	int rc;

	if (changes->config.checkpoint == NULL)
		return;
	tg_build_wait(build);
	tg_log_debug("checkpoint: the ruleset was written in %u us", build->draft_us);
	rc = tg_checkpoint_commit(changes->config.checkpoint, &build->draft);
	note_checkpoint(changes, build->draft_rc != 0 ? build->draft_rc : rc,
		"the new ruleset cannot be written");
}

static void append_checkpoint(
	struct tg_changes *changes, const struct tg_classmap_entry *entries, uint32_t n)
{
	int rc;

	if (changes->config.checkpoint == NULL)
		return;
	rc = tg_checkpoint_append(changes->config.checkpoint,
		tg_engine_sequence(changes->config.engine), entries, n,
		tg_clock_ms(CLOCK_REALTIME));
	if (rc == -ENOENT && n == 0)
		return; /* nothing to confirm */
	note_checkpoint(changes, rc, "a change cannot be written");
}

void tg_changes_confirm(struct tg_changes *changes)
{
	append_checkpoint(changes, NULL, 0);
}

/* --- rulesets --- */

int tg_changes_ruleset(struct tg_changes *changes, const struct tg_msg_ruleset *message, int fd,
	uint64_t client, struct tg_wire_error *error)
{
	int rc = 0;

	if (changes->build.running)
		rc = refuse(error, -EBUSY, "another ruleset is being built");
	else if (message->generation <= tg_engine_generation(changes->config.engine))
		rc = refuse(error, -ESTALE, "the generation does not exceed the one in force");
	if (rc != 0) {
		close(fd);
		tg_engine_refused(changes->config.engine, true);
		return rc;
	}
	rc = tg_build_start(
		&changes->build, message, fd, client, tg_engine_take_spare(changes->config.engine));
	if (rc != 0)
		refuse(error, rc, "the build cannot be started");
	return rc;
}

int tg_changes_event(const struct tg_changes *changes)
{
	return changes->build.event;
}

uint64_t tg_changes_client(const struct tg_changes *changes)
{
	return changes->build.client;
}

static void log_installed(const struct tg_build *build, uint32_t swap_us)
{
	const struct tg_image *image = &build->candidate.image;

	tg_log_info("generation %llu in force: %u addresses, %u classes, %u cells, %u rules, "
		    "%zu bytes; read in %u us, built in %u us, swapped in %u us",
		(unsigned long long)build->request.generation, image->n_addr4 + image->n_addr6,
		image->n_classes, image->n_cells, image->n_rules, build->candidate.size,
		build->read_us, build->build_us - build->read_us, swap_us);
}

static int install(struct tg_changes *changes, uint32_t *swap_us)
{
	struct tg_build *build = &changes->build;
	int rc;

	rc = tg_engine_install(changes->config.engine, &build->candidate,
		build->request.delta_sequence, build->entries, build->request.n_entries, swap_us,
		&build->error);
	if (rc == 0 || rc == -ETIMEDOUT) {
		log_installed(build, *swap_us);
		commit_checkpoint(changes);
	}
	return rc;
}

int tg_changes_finish(struct tg_changes *changes, bool wanted, struct tg_changes_result *result)
{
	struct tg_build *build = &changes->build;
	int rc;

	memset(result, 0, sizeof(*result));
	rc = build->rc;
	if (rc == 0)
		rc = wanted ? install(changes, &result->swap_us)
			    : refuse(&build->error, -ECANCELED, "whoever sent it is gone");
	if (rc != 0) {
		tg_engine_refused(changes->config.engine, true);
		tg_log_warn("generation %llu: %s", (unsigned long long)build->request.generation,
			build->error.text);
	}
	result->client = build->client;
	result->txn = build->request.h.txn;
	result->build_us = build->build_us;
	result->error = build->error;
	tg_build_wait(build);
	/* Overtaken by deltas it comes again, with the same image. */
	tg_build_drop(build, rc == -ESTALE);
	return rc;
}

/* --- deltas --- */

int tg_changes_delta(struct tg_changes *changes, const struct tg_msg_classmap *message,
	uint32_t *swap_us, struct tg_wire_error *error)
{
	int rc;

	rc = tg_engine_delta(changes->config.engine, message, swap_us, error);
	if (rc == 0 || rc == -ETIMEDOUT)
		append_checkpoint(changes, message->entries, message->n_entries);
	if (rc != 0) {
		tg_engine_refused(changes->config.engine, false);
		tg_log_warn("delta %llu: %s", (unsigned long long)message->sequence, error->text);
	}
	return rc;
}

/* --- start and end --- */

static int restore_state(struct tg_changes *changes, struct tg_checkpoint_state *state)
{
	struct tg_wire_error error = {.index = TG_NONE};
	struct tg_classifier *none = NULL;
	struct tg_candidate candidate;
	uint32_t swap_us;
	int rc;

	tg_candidate_adopt(state->image, state->image_size, &candidate);
	state->image = NULL;
	rc = tg_candidate_build(&candidate, &none, changes->config.slot_capacity,
		changes->config.headroom, changes->config.numa, &error);
	if (rc == 0)
		rc = tg_engine_install(changes->config.engine, &candidate, state->delta_sequence,
			state->entries, state->n_entries, &swap_us, &error);
	if (rc == 0)
		tg_log_info(
			"generation %llu in force from the checkpoint, with %u changed addresses",
			(unsigned long long)candidate.image.header->generation, state->n_entries);
	else
		tg_log_err("the checkpoint is refused: %s", error.text);
	tg_candidate_free(&candidate);
	return rc;
}

int tg_changes_restore(struct tg_changes *changes)
{
	struct tg_checkpoint_state state;
	char reason[TG_REASON_MAX];
	int rc;

	if (changes->config.checkpoint == NULL)
		return -ENOENT;
	rc = tg_checkpoint_load(changes->config.checkpoint, tg_clock_ms(CLOCK_REALTIME),
		changes->config.checkpoint_max_age_ms, &state, reason);
	if (rc == -ENOENT)
		tg_log_info("there is no checkpoint");
	else if (rc != 0)
		tg_log_err("the checkpoint is refused: %s", reason);
	if (rc != 0)
		return rc;
	if (state.cut != 0)
		tg_log_warn("the checkpoint's last %llu bytes are damaged and left out",
			(unsigned long long)state.cut);
	rc = restore_state(changes, &state);
	if (rc == 0) {
		tg_engine_checkpoint(changes->config.engine, state.confirmed_at, false);
		tg_engine_flag(changes->config.engine, TG_STATE_FROM_CHECKPOINT, 0);
	}
	tg_checkpoint_state_free(&state);
	return rc;
}

int tg_changes_create(const struct tg_changes_config *config, struct tg_changes **out)
{
	struct tg_changes *changes = calloc(1, sizeof(*changes));
	struct tg_build_config build = {.checkpoint = config->checkpoint,
		.slot_capacity = config->slot_capacity,
		.headroom = config->headroom,
		.socket = config->numa};
	int rc;

	if (changes == NULL)
		return -ENOMEM;
	changes->config = *config;
	rc = tg_build_init(&changes->build, &build);
	if (rc != 0) {
		free(changes);
		return rc;
	}
	*out = changes;
	return 0;
}

void tg_changes_free(struct tg_changes *changes)
{
	if (changes == NULL)
		return;
	tg_build_fini(&changes->build);
	free(changes);
}
