/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "build.h"
#include "clock.h"

int tg_build_init(struct tg_build *build, const struct tg_build_config *config)
{
	memset(build, 0, sizeof(*build));
	build->config = *config;
	build->image_fd = -1;
	build->draft.fd = -1;
	build->event = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	return build->event < 0 ? -errno : 0;
}

void tg_build_fini(struct tg_build *build)
{
	tg_build_wait(build);
	tg_build_drop(build, false);
	tg_classifier_free(build->spare);
	close(build->event);
}

static bool same_image(const struct tg_candidate *a, const struct tg_candidate *b)
{
	return a->classifier != NULL && a->size == b->size &&
	       memcmp(a->data, b->data, a->size) == 0;
}

/* Reads the image into the candidate and builds it, unless that very image is built already. */
static int make_candidate(struct tg_build *build)
{
	uint64_t from = tg_clock_us(CLOCK_MONOTONIC);
	struct tg_candidate fresh;
	int rc;

	rc = tg_candidate_read(build->image_fd, build->request.size, &fresh, &build->error);
	build->read_us = (uint32_t)(tg_clock_us(CLOCK_MONOTONIC) - from);
	if (rc != 0)
		return rc;
	if (same_image(&build->candidate, &fresh)) {
		tg_candidate_free(&fresh);
		return 0;
	}
	tg_candidate_free(&build->candidate);
	build->candidate = fresh;
	return tg_candidate_build(&build->candidate, &build->spare, build->config.slot_capacity,
		build->config.headroom, build->config.socket, &build->error);
}

static int check_generation(struct tg_build *build)
{
	if (build->candidate.image.header->generation == build->request.generation)
		return 0;
	build->error.index = TG_NONE;
	strcpy(build->error.text, "the image has another generation than the message");
	return -EINVAL;
}

static void make_draft(struct tg_build *build)
{
	uint64_t from = tg_clock_us(CLOCK_MONOTONIC);
	struct tg_checkpoint_state state = {
		.image = build->candidate.data,
		.image_size = build->candidate.size,
		.entries = build->entries,
		.n_entries = build->request.n_entries,
		.generation = build->request.generation,
		.delta_sequence = build->request.delta_sequence,
		.confirmed_at = tg_clock_ms(CLOCK_REALTIME),
	};

	build->draft_rc = tg_checkpoint_draft(build->config.checkpoint, &state, &build->draft);
	build->draft_us = (uint32_t)(tg_clock_us(CLOCK_MONOTONIC) - from);
}

static void *run(void *arg)
{
	struct tg_build *build = arg;
	uint64_t from = tg_clock_us(CLOCK_MONOTONIC), one = 1;
	bool draft;

	build->rc = make_candidate(build);
	if (build->rc == 0)
		build->rc = check_generation(build);
	draft = build->rc == 0 && build->config.checkpoint != NULL;
	close(build->image_fd);
	build->image_fd = -1;
	build->build_us = (uint32_t)(tg_clock_us(CLOCK_MONOTONIC) - from);
	if (write(build->event, &one, sizeof(one)) != sizeof(one))
		abort(); /* an eventfd that counts to 1 takes it */
	if (draft)
		make_draft(build);
	return NULL;
}

int tg_build_start(struct tg_build *build, const struct tg_msg_ruleset *message, int fd,
	uint64_t client, struct tg_classifier *spare)
{
	int rc;

	if (spare != NULL) {
		tg_classifier_free(build->spare);
		build->spare = spare;
	}
	build->draft_rc = 0;
	build->draft_us = 0;
	build->request = *message;
	memcpy(build->entries, message->entries, message->n_entries * sizeof(build->entries[0]));
	build->client = client;
	build->image_fd = fd;
	rc = pthread_create(&build->thread, NULL, run, build);
	if (rc != 0) {
		close(fd);
		build->image_fd = -1;
		return -rc;
	}
	build->running = true;
	return 0;
}

void tg_build_wait(struct tg_build *build)
{
	uint64_t value;
	ssize_t n;

	if (!build->running)
		return;
	pthread_join(build->thread, NULL);
	build->running = false;
	n = read(build->event, &value, sizeof(value)); /* as it was before */
	(void)n;
}

void tg_build_drop(struct tg_build *build, bool keep)
{
	if (build->config.checkpoint != NULL)
		tg_checkpoint_drop(build->config.checkpoint, &build->draft);
	if (!keep)
		tg_candidate_free(&build->candidate);
}
