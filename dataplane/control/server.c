/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "build.h"
#include "log.h"
#include "server.h"

#define CLIENTS_MAX 16
#define HELLO_WITHIN_MS 5000
#define CONFIRM_EVERY_MS 60000
#define POLL_FIXED 3 /* stop, listener, build */

struct client {
	int fd; /* -1: free */
	bool greeted;
	bool writer;
	struct tg_wire_peer peer;
	uint64_t id; /* never used twice */
	uint64_t since_ms;
	char name[32];
};

struct tg_control {
	struct tg_control_config config;
	struct tg_build build;
	struct client clients[CLIENTS_MAX];
	struct tg_wire_message message;
	uint64_t next_id;
	uint64_t ticked_ms;
	uint64_t confirmed_ms;
	uint32_t told_flags; /* what clients know */
	int listener;
};

static uint64_t clock_ms(clockid_t clock)
{
	struct timespec ts;

	clock_gettime(clock, &ts);
	return (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
}

/* --- clients --- */

static void disconnect(struct client *client, const char *why)
{
	if (client->writer)
		tg_log_info("control: writer \"%s\" (pid %d) is gone: %s", client->name,
			client->peer.pid, why);
	else
		tg_log_debug("control: client pid %d is gone: %s", client->peer.pid, why);
	close(client->fd);
	*client = (struct client){.fd = -1};
}

static struct client *find_writer(struct tg_control *control)
{
	for (unsigned int i = 0; i < CLIENTS_MAX; i++)
		if (control->clients[i].fd >= 0 && control->clients[i].writer)
			return &control->clients[i];
	return NULL;
}

static struct client *find_client(struct tg_control *control, uint64_t id)
{
	for (unsigned int i = 0; i < CLIENTS_MAX; i++)
		if (control->clients[i].fd >= 0 && control->clients[i].id == id)
			return &control->clients[i];
	return NULL;
}

static void accept_client(struct tg_control *control)
{
	struct client *slot = NULL;
	struct tg_wire_peer peer = {0};
	int fd;

	fd = tg_wire_accept(control->listener, geteuid(), &peer);
	if (fd == -EPERM)
		tg_log_warn("control: uid %u (pid %d) may not connect", peer.uid, peer.pid);
	if (fd < 0)
		return;
	for (unsigned int i = 0; i < CLIENTS_MAX && slot == NULL; i++)
		if (control->clients[i].fd < 0)
			slot = &control->clients[i];
	if (slot == NULL) {
		tg_log_warn("control: %d clients already, pid %d is turned away", CLIENTS_MAX,
			peer.pid);
		close(fd);
		return;
	}
	*slot = (struct client){.fd = fd,
		.peer = peer,
		.id = ++control->next_id,
		.since_ms = clock_ms(CLOCK_MONOTONIC)};
}

/* --- answers --- */

/* A client that does not take its answers would wait for them for ever. */
static void answer(struct client *client, const void *message, int fd)
{
	int rc = tg_wire_send(client->fd, message, fd);

	if (rc != 0)
		disconnect(client, rc == -EAGAIN ? "it does not read its answers" : strerror(-rc));
}

static void send_state(struct tg_control *control, struct client *client, enum tg_msg_type type,
	uint32_t txn, int fd)
{
	struct tg_msg_state state;

	memset(&state, 0, sizeof(state));
	tg_engine_state(control->config.engine, &state);
	tg_wire_header(&state.h, type, sizeof(state), txn);
	answer(client, &state, fd);
}

static void send_nak(struct tg_control *control, struct client *client, uint32_t txn, int rc,
	uint32_t index, const char *text)
{
	struct tg_msg_nak nak;

	tg_wire_nak(&nak, txn, (uint32_t)-rc, index, "%s", text);
	nak.generation = tg_engine_generation(control->config.engine);
	nak.delta_sequence = tg_engine_sequence(control->config.engine);
	answer(client, &nak, -1);
}

static void send_ack(struct tg_control *control, struct client *client, uint32_t txn,
	uint32_t build_us, uint32_t swap_us)
{
	struct tg_msg_ack ack;

	memset(&ack, 0, sizeof(ack));
	tg_wire_header(&ack.h, TG_MSG_ACK, sizeof(ack), txn);
	ack.generation = tg_engine_generation(control->config.engine);
	ack.delta_sequence = tg_engine_sequence(control->config.engine);
	ack.epoch = tg_engine_epoch(control->config.engine);
	ack.build_us = build_us;
	ack.swap_us = swap_us;
	answer(client, &ack, -1);
}

static void tell_everybody(struct tg_control *control)
{
	control->told_flags = tg_engine_flags(control->config.engine);
	for (unsigned int i = 0; i < CLIENTS_MAX; i++)
		if (control->clients[i].fd >= 0 && control->clients[i].greeted)
			send_state(control, &control->clients[i], TG_MSG_EVENT_STATE, 0, -1);
}

/* --- the checkpoint --- */

static void note_checkpoint(struct tg_control *control, int rc, const char *what)
{
	uint32_t flags = tg_engine_flags(control->config.engine);

	if (rc != 0 && !(flags & TG_STATE_CHECKPOINT_FAILED))
		tg_log_err("checkpoint: %s: %s", what, strerror(-rc));
	tg_engine_checkpoint(control->config.engine, clock_ms(CLOCK_REALTIME), rc != 0);
}

static void commit_checkpoint(struct tg_control *control)
{
	struct tg_build *build = &control->build;
	int rc = build->draft_rc;

	if (control->config.checkpoint == NULL)
		return;
	if (rc == 0)
		rc = tg_checkpoint_commit(control->config.checkpoint, &build->draft);
	else /* changes from now on do not belong to what is on the disk */
		tg_checkpoint_commit(control->config.checkpoint, &build->draft);
	note_checkpoint(control, rc, "the new ruleset cannot be written");
}

static void append_checkpoint(
	struct tg_control *control, const struct tg_classmap_entry *entries, uint32_t n)
{
	int rc;

	if (control->config.checkpoint == NULL)
		return;
	rc = tg_checkpoint_append(control->config.checkpoint,
		tg_engine_sequence(control->config.engine), entries, n, clock_ms(CLOCK_REALTIME));
	if (rc == -ENOENT && n == 0)
		return; /* nothing to confirm */
	note_checkpoint(control, rc, "a change cannot be written");
}

/* --- requests --- */

static void on_hello(struct tg_control *control, struct client *client)
{
	const struct tg_msg_hello *m = &control->message.hello;
	struct client *writer = find_writer(control);
	char text[96];

	if (client->greeted) {
		send_nak(control, client, m->h.txn, -EINVAL, TG_NONE, "HELLO was said already");
		return;
	}
	if (m->role == TG_ROLE_WRITER && writer != NULL) {
		snprintf(text, sizeof(text), "\"%s\" (pid %d) is the writer", writer->name,
			writer->peer.pid);
		send_nak(control, client, m->h.txn, -EBUSY, TG_NONE, text);
		if (client->fd >= 0)
			disconnect(client, "a second writer");
		return;
	}
	client->greeted = true;
	client->writer = m->role == TG_ROLE_WRITER;
	memcpy(client->name, m->name, sizeof(client->name));
	for (char *c = client->name; *c != '\0'; c++)
		if (*c < ' ' || *c > '~')
			*c = '?'; /* it goes to the log */
	if (client->writer)
		tg_log_info("control: writer \"%s\" (pid %d)", client->name, client->peer.pid);
	send_state(control, client, TG_MSG_STATE, m->h.txn, control->config.stats->fd);
}

static void on_ruleset(struct tg_control *control, struct client *client)
{
	const struct tg_msg_ruleset *m = &control->message.ruleset;
	uint64_t in_force = tg_engine_generation(control->config.engine);
	const char *why = NULL;
	int rc = 0;

	if (control->build.running) {
		rc = -EBUSY;
		why = "another ruleset is being built";
	} else if (m->generation <= in_force) {
		rc = -ESTALE;
		why = "the generation does not exceed the one in force";
	} else {
		rc = tg_build_start(&control->build, m, control->message.fd, client->id);
		control->message.fd = -1;
		why = "no thread for the build";
	}
	if (rc == 0)
		return;
	tg_engine_refused(control->config.engine, true);
	send_nak(control, client, m->h.txn, rc, TG_NONE, why);
}

static void on_classmap(struct tg_control *control, struct client *client)
{
	const struct tg_msg_classmap *m = &control->message.classmap;
	struct tg_wire_error error = {.index = TG_NONE};
	uint32_t swap_us = 0;
	int rc;

	rc = tg_engine_delta(control->config.engine, m, &swap_us, &error);
	if (rc == 0 || rc == -ETIMEDOUT)
		append_checkpoint(control, m->entries, m->n_entries);
	if (rc == 0) {
		send_ack(control, client, m->h.txn, 0, swap_us);
		return;
	}
	tg_engine_refused(control->config.engine, false);
	tg_log_warn("control: delta %llu: %s", (unsigned long long)m->sequence, error.text);
	send_nak(control, client, m->h.txn, rc, error.index, error.text);
}

static void dispatch(struct tg_control *control, struct client *client)
{
	const struct tg_msg_header *h = &control->message.h;

	if (h->type == TG_MSG_HELLO) {
		on_hello(control, client);
	} else if (!client->greeted) {
		send_nak(control, client, h->txn, -EPERM, TG_NONE, "HELLO first");
	} else if (h->type == TG_MSG_STATE_GET) {
		send_state(control, client, TG_MSG_STATE, h->txn, -1);
	} else if (h->type != TG_MSG_RULESET && h->type != TG_MSG_CLASSMAP) {
		send_nak(control, client, h->txn, -EOPNOTSUPP, TG_NONE, "not a request");
	} else if (!client->writer) {
		send_nak(control, client, h->txn, -EPERM, TG_NONE,
			"only the writer may change rules");
	} else if (h->type == TG_MSG_RULESET) {
		on_ruleset(control, client);
	} else {
		on_classmap(control, client);
	}
}

/* One message of a client: every client gets its turn. */
static void serve(struct tg_control *control, struct client *client)
{
	struct tg_wire_error error;
	uint32_t txn;
	int rc;

	rc = tg_wire_receive(client->fd, &control->message, &error);
	if (rc == 0) {
		dispatch(control, client);
		if (control->message.fd >= 0)
			close(control->message.fd);
		return;
	}
	if (rc == -EAGAIN)
		return;
	if (rc == -EINVAL || rc == -EOPNOTSUPP || rc == -EPROTONOSUPPORT) {
		tg_log_warn("control: pid %d: %s", client->peer.pid, error.text);
		txn = control->message.h.txn;
		send_nak(control, client, txn, rc, error.index, error.text);
		if (rc != -EPROTONOSUPPORT || client->fd < 0)
			return;
	}
	disconnect(client, rc == -ECONNRESET ? "closed"
			   : rc == -EPROTO   ? error.text
					     : strerror(-rc));
}

/* --- the end of a build --- */

static void log_installed(const struct tg_control *control, uint32_t swap_us)
{
	const struct tg_build *build = &control->build;
	const struct tg_image *image = &build->candidate.image;

	tg_log_info("generation %llu in force: %u addresses, %u classes, %u cells, %u rules, %zu "
		    "bytes; built in %u us, swapped in %u us",
		(unsigned long long)build->request.generation, image->n_addr4 + image->n_addr6,
		image->n_classes, image->n_cells, image->n_rules, build->candidate.size,
		build->build_us, swap_us);
}

/* 0 when the ruleset is in force and everybody judges by it. */
static int install(struct tg_control *control, uint32_t *swap_us)
{
	struct tg_build *build = &control->build;
	int rc = build->rc;

	if (rc == 0)
		rc = tg_engine_install(control->config.engine, &build->candidate,
			build->request.delta_sequence, build->entries, build->request.n_entries,
			swap_us, &build->error);
	if (rc == 0 || rc == -ETIMEDOUT) {
		log_installed(control, *swap_us);
		commit_checkpoint(control);
	} else {
		tg_engine_refused(control->config.engine, true);
	}
	return rc;
}

static void on_built(struct tg_control *control)
{
	struct tg_build *build = &control->build;
	struct client *client;
	uint32_t swap_us = 0;
	int rc;

	tg_build_wait(build);
	client = find_client(control, build->client);
	if (client == NULL) {
		tg_log_warn("generation %llu is dropped: who sent it is gone",
			(unsigned long long)build->request.generation);
		tg_build_drop(build, build->rc == 0);
		return;
	}
	rc = install(control, &swap_us);
	if (rc != 0) {
		tg_log_warn("generation %llu: %s", (unsigned long long)build->request.generation,
			build->error.text);
		send_nak(control, client, build->request.h.txn, rc, build->error.index,
			build->error.text);
	} else {
		send_ack(control, client, build->request.h.txn, build->build_us, swap_us);
	}
	/* Deltas that came in between are the one refusal that the same image survives. */
	tg_build_drop(build, rc == -ESTALE);
}

/* --- time --- */

static void drop_silent(struct tg_control *control, uint64_t now)
{
	for (unsigned int i = 0; i < CLIENTS_MAX; i++) {
		struct client *client = &control->clients[i];

		if (client->fd >= 0 && !client->greeted && now - client->since_ms > HELLO_WITHIN_MS)
			disconnect(client, "it never said HELLO");
	}
}

static void tick(struct tg_control *control)
{
	uint64_t now = clock_ms(CLOCK_MONOTONIC);
	bool changed;

	if (now - control->ticked_ms < control->config.tick_ms)
		return;
	control->ticked_ms = now;
	changed = control->config.tick != NULL && control->config.tick(control->config.tick_arg);
	tg_engine_tick(control->config.engine);
	drop_silent(control, now);
	if (find_writer(control) != NULL && now - control->confirmed_ms >= CONFIRM_EVERY_MS) {
		control->confirmed_ms = now;
		append_checkpoint(control, NULL, 0);
	}
	if (changed || tg_engine_flags(control->config.engine) != control->told_flags)
		tell_everybody(control);
}

/* --- the loop --- */

static unsigned int fill_poll(
	const struct tg_control *control, struct pollfd *fds, unsigned int *who)
{
	unsigned int n = POLL_FIXED;

	fds[0] = (struct pollfd){.fd = control->config.stop_fd, .events = POLLIN};
	fds[1] = (struct pollfd){.fd = control->listener, .events = POLLIN};
	fds[2] = (struct pollfd){.fd = control->build.event, .events = POLLIN};
	for (unsigned int i = 0; i < CLIENTS_MAX; i++)
		if (control->clients[i].fd >= 0) {
			fds[n] = (struct pollfd){.fd = control->clients[i].fd, .events = POLLIN};
			who[n++] = i;
		}
	return n;
}

int tg_control_run(struct tg_control *control)
{
	struct pollfd fds[POLL_FIXED + CLIENTS_MAX];
	unsigned int who[POLL_FIXED + CLIENTS_MAX], n;

	for (;;) {
		n = fill_poll(control, fds, who);
		if (poll(fds, n, (int)control->config.tick_ms) < 0 && errno != EINTR)
			return -errno;
		if (fds[0].revents != 0)
			return 0;
		if (fds[2].revents != 0)
			on_built(control);
		for (unsigned int i = POLL_FIXED; i < n; i++)
			/* It may have been disconnected by what was done above. */
			if (fds[i].revents != 0 && control->clients[who[i]].fd == fds[i].fd)
				serve(control, &control->clients[who[i]]);
		if (fds[1].revents != 0)
			accept_client(control);
		tick(control);
	}
}

int tg_control_create(const struct tg_control_config *config, struct tg_control **out)
{
	struct tg_control *control = calloc(1, sizeof(*control));
	struct tg_build_config build = {.checkpoint = config->checkpoint,
		.slot_capacity = config->slot_capacity,
		.headroom = config->headroom,
		.socket = config->numa};
	int rc;

	if (control == NULL)
		return -ENOMEM;
	control->config = *config;
	control->listener = -1;
	for (unsigned int i = 0; i < CLIENTS_MAX; i++)
		control->clients[i].fd = -1;
	rc = tg_build_init(&control->build, &build);
	if (rc != 0) {
		free(control);
		return rc;
	}
	*out = control;
	return 0;
}

void tg_control_free(struct tg_control *control)
{
	if (control == NULL)
		return;
	tg_build_fini(&control->build);
	for (unsigned int i = 0; i < CLIENTS_MAX; i++)
		if (control->clients[i].fd >= 0)
			disconnect(&control->clients[i], "the gateway stops");
	if (control->listener >= 0) {
		unlink(control->config.socket);
		close(control->listener);
	}
	free(control);
}

int tg_control_listen(struct tg_control *control)
{
	int fd = tg_wire_listen(control->config.socket);

	if (fd < 0)
		return fd;
	control->listener = fd;
	return 0;
}

static int restore_state(struct tg_control *control, struct tg_checkpoint_state *state)
{
	struct tg_wire_error error = {.index = TG_NONE};
	struct tg_candidate candidate;
	uint32_t swap_us;
	int rc;

	tg_candidate_adopt(state->image, state->image_size, &candidate);
	state->image = NULL;
	rc = tg_candidate_build(&candidate, control->config.slot_capacity, control->config.headroom,
		control->config.numa, &error);
	if (rc == 0)
		rc = tg_engine_install(control->config.engine, &candidate, state->delta_sequence,
			state->entries, state->n_entries, &swap_us, &error);
	if (rc == 0)
		tg_log_info(
			"generation %llu in force from the checkpoint, %u addresses changed since",
			(unsigned long long)candidate.image.header->generation, state->n_entries);
	else
		tg_log_err("the checkpoint is refused: %s", error.text);
	tg_candidate_free(&candidate);
	return rc;
}

int tg_control_restore(struct tg_control *control)
{
	struct tg_checkpoint_state state;
	char reason[TG_REASON_MAX];
	int rc;

	if (control->config.checkpoint == NULL)
		return -ENOENT;
	rc = tg_checkpoint_load(control->config.checkpoint, clock_ms(CLOCK_REALTIME),
		control->config.checkpoint_max_age_ms, &state, reason);
	if (rc == -ENOENT) {
		tg_log_info("there is no checkpoint");
		return rc;
	}
	if (rc != 0) {
		tg_log_err("the checkpoint is refused: %s", reason);
		return rc;
	}
	if (state.cut != 0)
		tg_log_warn("the checkpoint's last %llu bytes are damaged and left out",
			(unsigned long long)state.cut);
	rc = restore_state(control, &state);
	if (rc == 0) {
		tg_engine_checkpoint(control->config.engine, state.confirmed_at, false);
		tg_engine_flag(control->config.engine, TG_STATE_FROM_CHECKPOINT, 0);
	}
	tg_checkpoint_state_free(&state);
	return rc;
}
