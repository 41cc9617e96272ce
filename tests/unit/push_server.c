/* SPDX-License-Identifier: BSD-3-Clause */
#include "push_server.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* --- the server --- */

static void on_client(uv_poll_t *poll, int status, int events)
{
	struct fixture *f = poll->data;
	struct tg_wire_error error;
	int err;

	if (f->has_got)
		return; /* one at a time: the test looks at each */
	err = tg_wire_receive(f->client, f->got, &error);
	if (err == -EAGAIN)
		return;
	if (err != 0) {
		assert_int_equal(err, -ECONNRESET);
		f->gone = true;
		uv_poll_stop(poll);
		return;
	}
	f->has_got = true;
	f->last_txn = f->got->h.txn;
	uv_poll_stop(poll);
}

static void on_accept(uv_poll_t *poll, int status, int events)
{
	struct fixture *f = poll->data;

	if (f->client >= 0)
		return;
	f->client = tg_wire_accept(f->listener, getuid(), NULL);
	assert_true(f->client >= 0);
	f->gone = false;
	uv_poll_stop(poll);
	assert_int_equal(uv_poll_init(&f->loop, &f->client_poll, f->client), 0);
	f->client_poll.data = f;
	uv_poll_start(&f->client_poll, UV_READABLE, on_client);
}

void listen_start(struct fixture *f)
{
	f->listener = tg_wire_listen(f->path);
	assert_true(f->listener >= 0);
	assert_int_equal(uv_poll_init(&f->loop, &f->accept_poll, f->listener), 0);
	f->accept_poll.data = f;
	uv_poll_start(&f->accept_poll, UV_READABLE, on_accept);
}

static void run_closed(struct fixture *f, uv_handle_t *handle)
{
	uv_close(handle, NULL);
	uv_run(&f->loop, UV_RUN_NOWAIT);
}

void listen_stop(struct fixture *f)
{
	run_closed(f, (uv_handle_t *)&f->accept_poll);
	close(f->listener);
	f->listener = -1;
	unlink(f->path);
}

void hang_up(struct fixture *f)
{
	run_closed(f, (uv_handle_t *)&f->client_poll);
	close(f->client);
	f->client = -1;
	f->has_got = f->gone = false;
	if (f->listener >= 0)
		uv_poll_start(&f->accept_poll, UV_READABLE, on_accept);
}

void expect(struct fixture *f, enum tg_msg_type type)
{
	WAIT(f, f->has_got || f->gone);
	assert_false(f->gone);
	assert_int_equal(f->got->h.type, type);
	f->has_got = false;
	uv_poll_start(&f->client_poll, UV_READABLE, on_client);
}

void reply(struct fixture *f, void *message, int fd)
{
	assert_int_equal(tg_wire_send(f->client, message, fd), 0);
}

void send_state(struct fixture *f, enum tg_msg_type type, uint64_t generation, uint64_t sequence,
	uint32_t checksum)
{
	struct tg_msg_state state = {
		.major = TG_PROTO_MAJOR,
		.generation = generation,
		.delta_sequence = sequence,
		.image_checksum = checksum,
		.flags = generation == 0 ? TG_STATE_NO_RULESET : 0,
		.slot_capacity = 128,
	};

	tg_wire_header(&state.h, type, sizeof(state), type == TG_MSG_STATE ? f->last_txn : 0);
	reply(f, &state, type == TG_MSG_STATE ? f->segment.fd : -1);
}

void greet(struct fixture *f, uint64_t generation, uint64_t sequence, uint32_t checksum)
{
	unsigned int states = f->states;

	expect(f, TG_MSG_HELLO);
	assert_int_equal(f->got->hello.role, TG_ROLE_WRITER);
	assert_int_equal(f->got->hello.major, TG_PROTO_MAJOR);
	send_state(f, TG_MSG_STATE, generation, sequence, checksum);
	WAIT(f, f->states > states);
}

void ack(struct fixture *f, uint32_t txn, uint64_t generation, uint64_t sequence)
{
	struct tg_msg_ack m = {.generation = generation, .delta_sequence = sequence, .epoch = 9};

	tg_wire_header(&m.h, TG_MSG_ACK, sizeof(m), txn);
	reply(f, &m, -1);
}

void nak(struct fixture *f, uint32_t txn, uint32_t error, uint64_t generation, uint64_t sequence)
{
	struct tg_msg_nak m;

	tg_wire_nak(&m, txn, error, TG_NONE, "no: %u", error);
	m.generation = generation;
	m.delta_sequence = sequence;
	reply(f, &m, -1);
}

/* --- the client --- */

static void on_state(void *ctx, const struct tg_msg_state *state)
{
	((struct fixture *)ctx)->states++;
}

static void on_down(void *ctx, const char *why)
{
	struct fixture *f = ctx;

	f->downs++;
	snprintf(f->why, sizeof(f->why), "%s", why);
}

static void on_applied(
	void *ctx, struct tg_target *target, const struct tg_msg_ack *message, uint64_t us)
{
	struct fixture *f = ctx;

	f->applied++;
	f->applied_generation = target->generation;
	assert_int_equal(message->generation, target->generation);
}

static void on_delta(void *ctx, size_t n, uint64_t us)
{
	struct fixture *f = ctx;

	f->deltas++;
	f->delta_entries += n;
}

static void on_refused(void *ctx, const char *what, const struct tg_msg_nak *message)
{
	((struct fixture *)ctx)->refusals++;
}

static void on_renew(void *ctx, uint64_t generation)
{
	struct fixture *f = ctx;

	f->renews++;
	f->renew_above = generation;
}

static void on_watchdog(uv_timer_t *timer)
{
	fprintf(stderr, "the expected event never came\n");
	abort();
}

static int setup_with(void **state, unsigned int ruleset_reply_ms)
{
	struct fixture *f = calloc(1, sizeof(*f));
	struct tg_push_options options = {
		.name = "test",
		.retry_min_ms = 1,
		.retry_max_ms = 8,
		.reply_ms = WATCHDOG_MS * 2,
		.ruleset_reply_ms = ruleset_reply_ms,
	};
	const struct tg_push_handler handler = {
		.ctx = f,
		.state = on_state,
		.down = on_down,
		.applied = on_applied,
		.delta = on_delta,
		.refused = on_refused,
		.renew = on_renew,
	};

	assert_non_null(f);
	f->got = malloc(sizeof(*f->got));
	assert_non_null(f->got);
	strcpy(f->folder, "/tmp/tidegate-push-XXXXXX");
	assert_non_null(mkdtemp(f->folder));
	snprintf(f->path, sizeof(f->path), "%s/socket", f->folder);
	options.path = f->path;
	f->client = f->listener = -1;
	assert_int_equal(uv_loop_init(&f->loop), 0);
	uv_timer_init(&f->loop, &f->watchdog);
	uv_timer_start(&f->watchdog, on_watchdog, WATCHDOG_MS, 0);
	assert_int_equal(tg_stats_create(&f->segment, 1, 128, 77, 1), 0);
	listen_start(f);
	assert_int_equal(tg_push_create(&f->loop, &options, &handler, &f->push), 0);
	*state = f;
	return 0;
}

int setup(void **state)
{
	return setup_with(state, WATCHDOG_MS * 2);
}

int setup_hasty(void **state)
{
	return setup_with(state, 0);
}

int teardown(void **state)
{
	struct fixture *f = *state;

	tg_push_free(f->push);
	if (f->client >= 0)
		hang_up(f);
	if (f->listener >= 0)
		listen_stop(f);
	uv_close((uv_handle_t *)&f->watchdog, NULL);
	uv_run(&f->loop, UV_RUN_DEFAULT);
	assert_int_equal(uv_loop_close(&f->loop), 0);
	tg_stats_destroy(&f->segment);
	rmdir(f->folder);
	free(f->got);
	free(f);
	return 0;
}

struct tg_target *target(uint64_t generation)
{
	struct tg_image_header header = {
		.magic = TG_IMAGE_MAGIC,
		.generation = generation,
		.delta_sequence = 40,
		.checksum = (uint32_t)generation * 3,
	};
	struct tg_target *t;

	assert_int_equal(tg_target_create(&header, sizeof(header), &t), 0);
	return t;
}

void log_one(struct tg_target *t, uint8_t last, uint32_t cls)
{
	struct tg_classmap_entry e = {
		.addr = {10, 0, 0, last},
		.family = 4,
		.cls = cls,
		.node = TG_NONE,
	};

	assert_int_equal(tg_target_append(t, &e, 1), 0);
}

void bring(struct fixture *f, struct tg_target *t)
{
	tg_push_desire(f->push, t);
	expect(f, TG_MSG_RULESET);
	assert_int_equal(f->got->ruleset.generation, t->generation);
	close(f->got->fd);
	ack(f, f->last_txn, t->generation, f->got->ruleset.delta_sequence);
	WAIT(f, f->applied_generation == t->generation);
	assert_ptr_equal(tg_push_in_force(f->push), t);
}

void expect_quiet(struct fixture *f)
{
	for (int i = 0; i < 20; i++)
		uv_run(&f->loop, UV_RUN_NOWAIT);
	assert_false(f->has_got);
}
