/* SPDX-License-Identifier: BSD-3-Clause */
#include "push.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "internal.h"

#define READ_BURST 64	/* messages taken before the loop gets its turn */
#define OVERTAKEN_MAX 2 /* refusals for the sake of deltas before deltas wait */

static void on_retry(uv_timer_t *timer);
static void on_reply_timer(uv_timer_t *timer);
static void on_poll(uv_poll_t *poll, int status, int events);

/* --- timers --- */

static void on_closed(uv_handle_t *handle)
{
	struct tg_push *p = handle->data;

	if (--p->handles == 0) {
		free(p->message);
		free(p->out);
		free(p);
	}
}

static void on_poll_closed(uv_handle_t *handle)
{
	free(handle);
}

static unsigned int grow_delay(const struct tg_push *p, unsigned int delay)
{
	delay = delay == 0 ? p->options.retry_min_ms : delay * 2;
	return delay < p->options.retry_max_ms ? delay : p->options.retry_max_ms;
}

/* From now on: the loop's own clock stands still in a callback, however long that compiles. */
static uint64_t deadline(const struct tg_push *p, unsigned int reply_ms)
{
	uv_update_time(p->loop);
	return uv_now(p->loop) + reply_ms;
}

static uint64_t earlier(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

/* The reply timer runs to the next deadline, or to the next time that a refusal is retried. */
static void arm(struct tg_push *p)
{
	uint64_t at = UINT64_MAX, now = uv_now(p->loop);

	if (p->phase == PHASE_HELLO)
		at = p->hello_deadline;
	if (p->ruleset.active)
		at = earlier(at, p->ruleset.deadline);
	else if (p->ruleset_retry_at > now)
		at = earlier(at, p->ruleset_retry_at);
	if (p->delta.active)
		at = earlier(at, p->delta.deadline);
	else if (p->delta_retry_at > now)
		at = earlier(at, p->delta_retry_at);
	if (p->phase == PHASE_DOWN || at == UINT64_MAX)
		uv_timer_stop(&p->reply_timer);
	else
		uv_timer_start(&p->reply_timer, on_reply_timer, at > now ? at - now : 0, 0);
}

/* --- the connection --- */

static void close_socket(struct tg_push *p)
{
	if (p->poll != NULL) {
		uv_poll_stop(p->poll);
		uv_close((uv_handle_t *)p->poll, on_poll_closed);
		p->poll = NULL;
	}
	if (p->sock >= 0)
		close(p->sock);
	p->sock = -1;
}

/* What is in flight may have been applied or not: STATE will tell. */
static void lose(struct request *request, struct request *lost)
{
	if (!request->active)
		return;
	tg_request_drop(lost);
	*lost = *request;
	memset(request, 0, sizeof(*request));
}

static void disconnect(struct tg_push *p, const char *why)
{
	close_socket(p);
	p->phase = PHASE_DOWN;
	p->status.connected = false;
	snprintf(p->status.error, sizeof(p->status.error), "%s", why);
	lose(&p->ruleset, &p->lost_ruleset);
	lose(&p->delta, &p->lost_delta);
	tg_mapping_unref(p->mapping);
	p->mapping = NULL;
	arm(p);
	p->connect_delay = grow_delay(p, p->connect_delay);
	uv_timer_start(&p->retry_timer, on_retry, p->connect_delay, 0);
	if (!p->told_down) {
		p->told_down = true;
		p->handler.down(p->handler.ctx, p->status.error);
	}
}

static void disconnect_error(struct tg_push *p, const char *what, int err)
{
	char why[TG_REASON_MAX];

	snprintf(why, sizeof(why), "%s: %s", what, strerror(-err));
	disconnect(p, why);
}

/* --- sending --- */

/* 0, or -errno: -EAGAIN is tried again when the socket can be written. */
static int send_message(struct tg_push *p, const void *message, int fd)
{
	int err = tg_wire_send(p->sock, message, fd);

	if (err == -EAGAIN)
		uv_poll_start(p->poll, UV_READABLE | UV_WRITABLE | UV_DISCONNECT, on_poll);
	else if (err != 0)
		disconnect_error(p, "cannot send", err);
	return err;
}

static void request_begin(struct tg_push *p, struct request *r, struct tg_target *target,
	size_t end, uint64_t sequence, unsigned int reply_ms)
{
	r->active = true;
	r->txn = p->txn;
	r->target = tg_target_ref(target);
	r->end = end;
	r->sequence = sequence;
	r->sent_at = uv_hrtime();
	r->deadline = deadline(p, reply_ms);
}

static void send_hello(struct tg_push *p)
{
	struct tg_msg_hello hello = {
		.major = TG_PROTO_MAJOR,
		.minor = TG_PROTO_MINOR,
		.role = TG_ROLE_WRITER,
		.pid = (uint64_t)getpid(),
	};

	snprintf(hello.name, sizeof(hello.name), "%s", p->options.name);
	tg_wire_header(&hello.h, TG_MSG_HELLO, sizeof(hello), ++p->txn);
	p->hello_deadline = deadline(p, p->options.reply_ms);
	send_message(p, &hello, -1);
}

/*
 * The sequence that a ruleset brings the dataplane to. It has everything that deltas told the one
 * in force, in its image or in its log: the dataplane refuses a ruleset that claims less than what
 * is in force when it is to be swapped in, so that no delta is ever undone by a slower ruleset.
 */
static uint64_t claim(const struct tg_push *p, const struct tg_target *t, size_t n)
{
	uint64_t sequence = t->base_sequence + (n > 0);

	if (sequence < p->server_sequence)
		sequence = p->server_sequence;
	if (p->delta.active && sequence < p->delta.sequence)
		sequence = p->delta.sequence;
	return sequence;
}

/*
 * With the image go the deltas that were made for it meanwhile, as many as a message takes; in the
 * rare case of more the rest follows at once.
 */
static void send_ruleset(struct tg_push *p)
{
	struct tg_target *t = p->wanted;
	struct tg_msg_ruleset *m = &p->out->ruleset;
	size_t n = t->n_log < TG_CLASSMAP_MAX ? t->n_log : TG_CLASSMAP_MAX;
	size_t size = sizeof(*m) + n * sizeof(*t->log);

	memset(m, 0, sizeof(*m));
	tg_wire_header(&m->h, TG_MSG_RULESET, size, ++p->txn);
	m->generation = t->generation;
	m->size = t->size;
	m->n_entries = (uint32_t)n;
	m->delta_sequence = claim(p, t, n);
	if (n > 0)
		memcpy(m->entries, t->log, n * sizeof(*t->log));
	if (send_message(p, m, t->fd) == 0)
		request_begin(p, &p->ruleset, t, n, m->delta_sequence, p->options.ruleset_reply_ms);
}

static void send_delta(struct tg_push *p)
{
	struct tg_target *t = p->live;
	struct tg_msg_classmap *m = &p->out->classmap;
	size_t n = t->n_log - t->acked;
	size_t size;

	if (n > TG_CLASSMAP_MAX)
		n = TG_CLASSMAP_MAX;
	size = sizeof(*m) + n * sizeof(*t->log);
	memset(m, 0, sizeof(*m));
	tg_wire_header(&m->h, TG_MSG_CLASSMAP, size, ++p->txn);
	m->generation = t->generation;
	m->sequence = t->sequence + 1;
	m->n_entries = (uint32_t)n;
	memcpy(m->entries, t->log + t->acked, n * sizeof(*t->log));
	if (send_message(p, m, -1) == 0)
		request_begin(p, &p->delta, t, t->acked + n, m->sequence, p->options.reply_ms);
}

static bool may_send_ruleset(const struct tg_push *p, uint64_t now)
{
	return p->phase == PHASE_UP && !p->ruleset.active && p->wanted != NULL &&
	       p->wanted != p->live && !p->renewing && now >= p->ruleset_retry_at;
}

/* A ruleset that was overtaken again and again gets its turn: the dataplane has it built by then.
 */
static bool may_send_delta(const struct tg_push *p, uint64_t now)
{
	return p->phase == PHASE_UP && !p->delta.active && p->live != NULL && !p->stopped &&
	       p->live->acked < p->live->n_log && now >= p->delta_retry_at &&
	       !(p->ruleset.active && p->overtaken >= OVERTAKEN_MAX);
}

/* Sends whatever may be sent now. */
static void advance(struct tg_push *p)
{
	uint64_t now = uv_now(p->loop);

	if (may_send_ruleset(p, now))
		send_ruleset(p);
	if (may_send_delta(p, now))
		send_delta(p);
	arm(p);
}

/* --- receiving --- */

static void on_first_state(struct tg_push *p, const struct tg_wire_message *m)
{
	int err = -ENOENT;

	tg_mapping_unref(p->mapping);
	p->mapping = NULL;
	if (m->fd >= 0)
		err = tg_mapping_create(m->fd, &p->mapping);
	p->phase = PHASE_UP;
	p->connect_delay = 0;
	p->told_down = false;
	p->status.connected = true;
	p->status.connects++;
	p->status.error[0] = '\0';
	/* Enforcing does not need the counters. */
	if (err != 0)
		snprintf(p->status.error, sizeof(p->status.error), "statistics segment: %s",
			strerror(-err));
	tg_push_resync(p, &m->state);
}

/* The state changed by itself. What is being pushed right now is settled by its own reply. */
static void on_event(struct tg_push *p, const struct tg_msg_state *state)
{
	bool same = p->live != NULL && p->live->generation == state->generation &&
		    p->live->checksum == state->image_checksum;

	if (p->ruleset.active || same) {
		p->status.state = *state;
		p->status.epoch = state->epoch;
		p->handler.state(p->handler.ctx, state);
	} else {
		tg_push_resync(p, state);
	}
}

static uint64_t since_us(const struct request *r)
{
	return (uv_hrtime() - r->sent_at) / 1000;
}

static void ruleset_in_force(struct tg_push *p, uint64_t sequence)
{
	struct tg_target *t = p->ruleset.target;

	t->acked = p->ruleset.end;
	t->sequence = sequence;
	p->server_generation = t->generation;
	p->server_sequence = sequence;
	tg_push_set_live(p, t);
	tg_request_drop(&p->ruleset);
	p->ruleset_retry_at = 0;
	p->ruleset_delay = 0;
	p->overtaken = 0;
	p->status.rulesets_applied++;
}

static void on_ruleset_ack(struct tg_push *p, const struct tg_msg_ack *ack)
{
	struct tg_target *t = p->ruleset.target;
	uint64_t us = since_us(&p->ruleset);

	if (ack->generation != t->generation) {
		disconnect(p, "the dataplane acknowledged another generation than was pushed");
		return;
	}
	ruleset_in_force(p, ack->delta_sequence);
	p->status.epoch = ack->epoch;
	p->status.error[0] = '\0';
	p->handler.applied(p->handler.ctx, p->live, ack, us);
	tg_push_settle(p);
}

static void on_delta_ack(struct tg_push *p, const struct tg_msg_ack *ack)
{
	struct tg_target *t = p->delta.target;
	uint64_t us = since_us(&p->delta);
	size_t n = p->delta.end - t->acked;
	bool in_force = t == p->live;

	/* Something else may have come into force since: the entries went with what they were for.
	 */
	if (in_force) {
		t->acked = p->delta.end;
		t->sequence = p->server_sequence = ack->delta_sequence;
		p->status.epoch = ack->epoch;
	}
	tg_request_drop(&p->delta);
	p->delta_delay = 0;
	p->status.deltas_applied++;
	p->status.delta_entries += n;
	if (in_force)
		p->handler.delta(p->handler.ctx, n, us);
}

static void note_refusal(struct tg_push *p, const char *what, const struct tg_msg_nak *nak)
{
	snprintf(p->status.error, sizeof(p->status.error), "%s refused: %s (%s)", what, nak->reason,
		strerror((int)nak->error));
	p->handler.refused(p->handler.ctx, what, nak);
}

/* Deltas were applied while the ruleset was built: once more, with them. */
static bool was_overtaken(const struct tg_push *p, const struct tg_msg_nak *nak)
{
	return nak->error == ESTALE && nak->generation < p->ruleset.target->generation &&
	       nak->delta_sequence > p->ruleset.sequence;
}

static void ruleset_failed(struct tg_push *p, const struct tg_msg_nak *nak)
{
	uint64_t generation = p->ruleset.target->generation;

	tg_request_drop(&p->ruleset);
	p->server_generation = nak->generation;
	p->overtaken = 0;
	p->status.rulesets_refused++;
	p->ruleset_delay = grow_delay(p, p->ruleset_delay);
	p->ruleset_retry_at = uv_now(p->loop) + p->ruleset_delay;
	note_refusal(p, "ruleset", nak);
	if (nak->generation >= generation)
		tg_push_renew(p, nak->generation);
	tg_push_settle(p);
}

static void on_ruleset_nak(struct tg_push *p, const struct tg_msg_nak *nak)
{
	struct tg_target *t = p->ruleset.target;

	if (nak->error == ETIMEDOUT && nak->generation == t->generation) {
		/* In force for all workers but one that hangs: an alarm, nothing to repeat. */
		ruleset_in_force(p, nak->delta_sequence);
		note_refusal(p, "ruleset", nak);
		tg_push_settle(p);
	} else if (was_overtaken(p, nak) && p->overtaken <= OVERTAKEN_MAX) {
		p->server_sequence = nak->delta_sequence;
		p->overtaken++;
		tg_request_drop(&p->ruleset);
	} else {
		ruleset_failed(p, nak);
	}
}

static bool passing(uint32_t error)
{
	return error == EBUSY || error == EAGAIN || error == EINTR;
}

static void on_delta_nak(struct tg_push *p, const struct tg_msg_nak *nak)
{
	struct tg_target *t = p->delta.target;
	size_t end = p->delta.end;
	bool in_force = t == p->live;

	tg_request_drop(&p->delta);
	p->status.deltas_refused++;
	/* It crossed with the acknowledgement of another ruleset: no refusal of what is now. */
	if (!in_force)
		return;
	p->delta_delay = grow_delay(p, p->delta_delay);
	p->delta_retry_at = uv_now(p->loop) + p->delta_delay;
	note_refusal(p, "delta", nak);
	if (nak->error == ETIMEDOUT && nak->delta_sequence == t->sequence + 1) {
		/* Applied, though a worker hangs. */
		t->acked = end;
		t->sequence = p->server_sequence = nak->delta_sequence;
	} else if (!passing(nak->error) || nak->delta_sequence != t->sequence) {
		p->stopped = true;
		if (p->wanted == p->live)
			tg_push_renew(p, nak->generation);
	}
}

static void on_ack(struct tg_push *p, const struct tg_msg_ack *ack)
{
	if (p->ruleset.active && ack->h.txn == p->ruleset.txn)
		on_ruleset_ack(p, ack);
	else if (p->delta.active && ack->h.txn == p->delta.txn)
		on_delta_ack(p, ack);
	else
		disconnect(p, "the dataplane acknowledged what was not asked");
}

static void on_nak(struct tg_push *p, const struct tg_msg_nak *nak)
{
	char why[TG_REASON_MAX + 64];

	if (p->ruleset.active && nak->h.txn == p->ruleset.txn) {
		on_ruleset_nak(p, nak);
	} else if (p->delta.active && nak->h.txn == p->delta.txn) {
		on_delta_nak(p, nak);
	} else {
		snprintf(why, sizeof(why), "refused: %s (%s)", nak->reason,
			strerror((int)nak->error));
		disconnect(p, why);
	}
}

static void dispatch(struct tg_push *p, const struct tg_wire_message *m)
{
	bool up = p->phase == PHASE_UP;

	if (m->h.type == TG_MSG_STATE && !up)
		on_first_state(p, m);
	else if (m->h.type == TG_MSG_NAK)
		on_nak(p, &m->nak);
	else if (!up)
		disconnect(p, "the dataplane did not answer HELLO with STATE");
	else if (m->h.type == TG_MSG_ACK)
		on_ack(p, &m->ack);
	else if (m->h.type == TG_MSG_EVENT_STATE)
		on_event(p, &m->state);
	else
		disconnect(p, "the dataplane sent what only a client sends");
}

static void receive(struct tg_push *p)
{
	struct tg_wire_error error = {.text = ""};
	char why[TG_REASON_MAX + 64];
	int err = 0;

	for (int i = 0; i < READ_BURST && p->sock >= 0; i++) {
		err = tg_wire_receive(p->sock, p->message, &error);
		if (err == -EOPNOTSUPP)
			continue; /* a newer minor version tells something that we do not know */
		if (err != 0)
			break;
		dispatch(p, p->message);
		if (p->message->fd >= 0)
			close(p->message->fd);
	}
	if (p->sock < 0 || err == 0 || err == -EAGAIN || err == -EOPNOTSUPP)
		return;
	if (err == -ECONNRESET)
		disconnect(p, "the dataplane closed the connection");
	else {
		snprintf(why, sizeof(why), "bad message: %s (%s)", error.text, strerror(-err));
		disconnect(p, why);
	}
}

static void on_poll(uv_poll_t *poll, int status, int events)
{
	struct tg_push *p = poll->data;

	if (events & UV_WRITABLE)
		uv_poll_start(poll, UV_READABLE | UV_DISCONNECT, on_poll);
	if (status != 0 || (events & (UV_READABLE | UV_DISCONNECT)))
		receive(p);
	advance(p);
}

/* --- connecting --- */

static int start_poll(struct tg_push *p)
{
	int err;

	p->poll = calloc(1, sizeof(*p->poll));
	if (p->poll == NULL)
		return -ENOMEM;
	err = uv_poll_init(p->loop, p->poll, p->sock);
	if (err != 0) {
		free(p->poll);
		p->poll = NULL;
		return err;
	}
	p->poll->data = p;
	return uv_poll_start(p->poll, UV_READABLE | UV_DISCONNECT, on_poll);
}

static void try_connect(struct tg_push *p)
{
	int err;

	p->sock = tg_wire_connect(p->options.path);
	if (p->sock < 0) {
		err = p->sock;
		p->sock = -1;
		disconnect_error(p, p->options.path, err);
		return;
	}
	err = start_poll(p);
	if (err != 0) {
		disconnect_error(p, "poll", err);
		return;
	}
	p->phase = PHASE_HELLO;
	send_hello(p);
	arm(p);
}

static void on_retry(uv_timer_t *timer)
{
	try_connect(timer->data);
}

static bool overdue(const struct tg_push *p, uint64_t now)
{
	return (p->phase == PHASE_HELLO && now >= p->hello_deadline) ||
	       (p->ruleset.active && now >= p->ruleset.deadline) ||
	       (p->delta.active && now >= p->delta.deadline);
}

static void on_reply_timer(uv_timer_t *timer)
{
	struct tg_push *p = timer->data;

	/* Timers come before sockets: after a long callback the reply may be there, unread. */
	if (overdue(p, uv_now(p->loop)))
		receive(p);
	if (overdue(p, uv_now(p->loop)))
		disconnect(p, "the dataplane did not answer in time");
	else
		advance(p);
}

int tg_push_create(uv_loop_t *loop, const struct tg_push_options *options,
	const struct tg_push_handler *handler, struct tg_push **out)
{
	struct tg_push *p = calloc(1, sizeof(*p));

	if (p == NULL)
		return -ENOMEM;
	p->message = malloc(sizeof(*p->message));
	p->out = malloc(sizeof(*p->out));
	if (p->message == NULL || p->out == NULL) {
		free(p->message);
		free(p->out);
		free(p);
		return -ENOMEM;
	}
	p->loop = loop;
	p->options = *options;
	p->handler = *handler;
	p->sock = -1;
	p->handles = 2;
	uv_timer_init(loop, &p->retry_timer);
	uv_timer_init(loop, &p->reply_timer);
	p->retry_timer.data = p->reply_timer.data = p;
	uv_timer_start(&p->retry_timer, on_retry, 0, 0);
	*out = p;
	return 0;
}

void tg_push_free(struct tg_push *p)
{
	if (p == NULL)
		return;
	close_socket(p);
	p->phase = PHASE_DOWN;
	tg_request_drop(&p->ruleset);
	tg_request_drop(&p->delta);
	tg_request_drop(&p->lost_ruleset);
	tg_request_drop(&p->lost_delta);
	tg_target_unref(p->live);
	tg_target_unref(p->wanted);
	tg_mapping_unref(p->mapping);
	uv_close((uv_handle_t *)&p->retry_timer, on_closed);
	uv_close((uv_handle_t *)&p->reply_timer, on_closed);
}

/* --- what the owner asks --- */

void tg_push_desire(struct tg_push *p, struct tg_target *target)
{
	tg_target_ref(target);
	tg_target_unref(p->wanted);
	p->wanted = target;
	p->renewing = false;
	p->ruleset_retry_at = 0; /* what was refused is not what is desired now */
	tg_push_settle(p);
	advance(p);
}

void tg_push_kick(struct tg_push *p)
{
	advance(p);
}

size_t tg_push_targets(const struct tg_push *p, struct tg_target *out[TG_PUSH_TARGETS])
{
	struct tg_target *all[] = {p->live, p->ruleset.target, p->lost_ruleset.target, p->wanted};
	size_t n = 0, j;

	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		for (j = 0; j < n && out[j] != all[i]; j++)
			;
		if (all[i] != NULL && j == n)
			out[n++] = all[i];
	}
	return n;
}

struct tg_target *tg_push_in_force(const struct tg_push *p)
{
	return p->phase == PHASE_UP ? p->live : NULL;
}

struct tg_mapping *tg_push_mapping(const struct tg_push *p)
{
	return p->mapping;
}

void tg_push_status(const struct tg_push *p, struct tg_push_status *out)
{
	*out = p->status;
	out->desired_generation = p->wanted != NULL ? p->wanted->generation : 0;
	out->ruleset_sent = p->ruleset.active;
	if (p->phase != PHASE_UP)
		return;
	out->ours = p->live != NULL;
	if (!out->ours) {
		out->applied_generation = p->server_generation;
		out->delta_sequence = p->server_sequence;
		return;
	}
	out->applied_generation = p->live->generation;
	out->delta_sequence = p->live->sequence;
	out->pending_deltas = p->live->n_log - p->live->acked;
}
