/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "clock.h"
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
	struct client clients[CLIENTS_MAX];
	struct tg_wire_message message;
	uint64_t next_id;
	uint64_t ticked_ms;
	uint64_t confirmed_ms;
	uint32_t told_flags; /* what clients know */
	int listener;
};

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
		.since_ms = tg_clock_ms(CLOCK_MONOTONIC)};
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
	struct tg_wire_error error;
	int fd = control->message.fd, rc;

	control->message.fd = -1;
	rc = tg_changes_ruleset(control->config.changes, m, fd, client->id, &error);
	if (rc != 0)
		send_nak(control, client, m->h.txn, rc, error.index, error.text);
}

static void on_classmap(struct tg_control *control, struct client *client)
{
	const struct tg_msg_classmap *m = &control->message.classmap;
	struct tg_wire_error error;
	uint32_t swap_us = 0;
	int rc;

	rc = tg_changes_delta(control->config.changes, m, &swap_us, &error);
	if (rc == 0)
		send_ack(control, client, m->h.txn, 0, swap_us);
	else
		send_nak(control, client, m->h.txn, rc, error.index, error.text);
}

static void on_offload_get(struct tg_control *control, struct client *client)
{
	const struct tg_msg_header *h = &control->message.h;
	struct tg_msg_offload_report report = {0};
	struct stat st;
	int fd = -1, rc = -EOPNOTSUPP;

	if (control->config.report != NULL)
		rc = control->config.report(
			control->config.report_arg, &control->message.offload_get, &fd);
	if (rc == 0 && fstat(fd, &st) != 0)
		rc = -errno;
	if (rc == 0) {
		tg_wire_header(&report.h, TG_MSG_OFFLOAD_REPORT, sizeof(report), h->txn);
		report.size = (uint64_t)st.st_size;
		answer(client, &report, fd);
	} else {
		send_nak(control, client, h->txn, rc, TG_NONE,
			rc == -ETIMEDOUT ? "a NIC's driver does not come back" : strerror(-rc));
	}
	if (fd >= 0)
		close(fd);
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
	} else if (h->type == TG_MSG_OFFLOAD_GET) {
		on_offload_get(control, client);
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

static void on_built(struct tg_control *control)
{
	struct client *client = find_client(control, tg_changes_client(control->config.changes));
	struct tg_changes_result result;
	int rc;

	rc = tg_changes_finish(control->config.changes, client != NULL, &result);
	if (client == NULL)
		return;
	if (rc == 0)
		send_ack(control, client, result.txn, result.build_us, result.swap_us);
	else
		send_nak(control, client, result.txn, rc, result.error.index, result.error.text);
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
	uint64_t now = tg_clock_ms(CLOCK_MONOTONIC);
	bool changed;

	if (now - control->ticked_ms < control->config.tick_ms)
		return;
	control->ticked_ms = now;
	changed = control->config.tick != NULL && control->config.tick(control->config.tick_arg);
	tg_engine_tick(control->config.engine);
	drop_silent(control, now);
	if (find_writer(control) != NULL && now - control->confirmed_ms >= CONFIRM_EVERY_MS) {
		control->confirmed_ms = now;
		tg_changes_confirm(control->config.changes);
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
	fds[2] = (struct pollfd){.fd = tg_changes_event(control->config.changes), .events = POLLIN};
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

	if (control == NULL)
		return -ENOMEM;
	control->config = *config;
	control->listener = -1;
	for (unsigned int i = 0; i < CLIENTS_MAX; i++)
		control->clients[i].fd = -1;
	*out = control;
	return 0;
}

void tg_control_free(struct tg_control *control)
{
	if (control == NULL)
		return;
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
