/* SPDX-License-Identifier: BSD-3-Clause */
#include "board.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#define WHY_TEXT 384

struct tg_board {
	pthread_mutex_t lock;
	struct tg_notice notice;
};

struct tg_board *tg_board_create(void)
{
	struct tg_board *board = calloc(1, sizeof(*board));

	if (board != NULL)
		pthread_mutex_init(&board->lock, NULL);
	return board;
}

void tg_board_free(struct tg_board *board)
{
	if (board == NULL)
		return;
	tg_notice_drop(&board->notice);
	pthread_mutex_destroy(&board->lock);
	free(board);
}

static void take(struct tg_notice *notice)
{
	if (notice->in_force != NULL)
		tg_target_ref(notice->in_force);
	if (notice->mapping != NULL)
		tg_mapping_ref(notice->mapping);
	if (notice->report != NULL)
		tg_report_ref(notice->report);
	if (notice->clusters != NULL)
		tg_sources_ref(notice->clusters);
}

void tg_notice_drop(struct tg_notice *notice)
{
	tg_target_unref(notice->in_force);
	tg_mapping_unref(notice->mapping);
	tg_report_unref(notice->report);
	tg_sources_unref(notice->clusters);
}

void tg_board_put(struct tg_board *board, const struct tg_notice *notice)
{
	struct tg_notice old, fresh = *notice;

	take(&fresh);
	pthread_mutex_lock(&board->lock);
	old = board->notice;
	board->notice = fresh;
	pthread_mutex_unlock(&board->lock);
	tg_notice_drop(&old);
}

void tg_board_get(struct tg_board *board, struct tg_notice *out)
{
	pthread_mutex_lock(&board->lock);
	*out = board->notice;
	take(out);
	pthread_mutex_unlock(&board->lock);
}

bool tg_notice_alive(const struct tg_notice *notice, uint64_t now_ms, uint64_t *age_ms)
{
	struct tg_stats_state state;
	uint64_t age;

	if (!notice->push.connected || notice->mapping == NULL ||
		tg_stats_read_state(&notice->mapping->reader, &state) != 0)
		return false;
	age = now_ms > state.heartbeat ? now_ms - state.heartbeat : 0;
	if (age_ms != NULL)
		*age_ms = age;
	return age <= TG_HEARTBEAT_MAX_MS;
}

bool tg_notice_ready(const struct tg_notice *notice, uint64_t now_ms, char *why, size_t size)
{
	const struct tg_push_status *push = &notice->push;
	char first[WHY_TEXT];

	tg_sources_why_not(notice->clusters, first, sizeof(first));
	if (!notice->source.synced)
		snprintf(why, size,
			"the sources have not been read completely: nothing new is pushed%s%s",
			first[0] != '\0' ? ": " : "", first);
	else if (!push->connected)
		snprintf(why, size, "the dataplane is away: %s", push->error);
	else if (push->desired_generation == 0)
		snprintf(why, size, "nothing is compiled yet");
	else if (push->desired_generation != push->applied_generation)
		snprintf(why, size, "generation %llu is desired, %llu is applied",
			(unsigned long long)push->desired_generation,
			(unsigned long long)push->applied_generation);
	else if (!push->ours)
		snprintf(why, size, "generation %llu is in force, but another one of that number",
			(unsigned long long)push->applied_generation);
	else if (!tg_notice_alive(notice, now_ms, NULL))
		snprintf(why, size, "the dataplane's heart does not beat");
	else
		return true;
	return false;
}
