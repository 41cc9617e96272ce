/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The real tidegate-dataplane over its control socket: sessions, refusals, restart from the
 * checkpoint after kill -9, clean stop. Ports are net_null devices: no packets, no privileges.
 * The program is named by TIDEGATE_DATAPLANE.
 */
#include <errno.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <cmocka.h>

#include "segment.h"
#include "tiny.h"
#include "wire.h"

#define DEADLINE_MS 60000 /* only a hang gets here */

struct gateway {
	char dir[32], socket[64], config[64]; /* the gateway makes dir/lib/state and dir/run */
	const char *extra;		      /* more configuration */
	pid_t pid;
	FILE *log;
	uint32_t txn;
	uint64_t sequence; /* that rulesets claim */
};

/* --- the process --- */

static void write_config(struct gateway *g)
{
	FILE *file = fopen(g->config, "w");

	assert_non_null(file);
	fprintf(file,
		"socket: %s\nstate-directory: %s/lib/state\neal: {huge-pages: false, memory: 256}\n"
		"connections: {ipv4: 1024, ipv6: 1024}\npickup-window: 10m\n"
		"%s"
		"ports:\n"
		"  - {name: a, device: \"net_null0,no-rx=1\", side: inside}\n"
		"  - {name: b, device: \"net_null1,no-rx=1\", side: outside}\n"
		"wires: [{ports: [a, b]}]\n",
		g->socket, g->dir, g->extra);
	fclose(file);
}

/* Runs it and waits until its log says that it listens (or until the log ends). */
static bool start(struct gateway *g)
{
	char line[512];
	int log[2];

	write_config(g);
	assert_int_equal(pipe(log), 0);
	g->pid = fork();
	if (g->pid == 0) {
		dup2(log[1], STDERR_FILENO);
		close(log[0]);
		close(log[1]);
		execl(getenv("TIDEGATE_DATAPLANE"), "tidegate-dataplane", "-c", g->config, NULL);
		_exit(127);
	}
	close(log[1]);
	g->log = fdopen(log[0], "r");
	while (fgets(line, sizeof(line), g->log) != NULL) {
		fputs(line, stderr);
		if (strstr(line, "control socket ") != NULL)
			return true;
	}
	return false;
}

/* Its exit status, or the signal that ended it as a negative number. */
static int stop(struct gateway *g, int signal)
{
	char line[512];
	int status;

	kill(g->pid, signal);
	while (fgets(line, sizeof(line), g->log) != NULL)
		fputs(line, stderr);
	fclose(g->log);
	assert_int_equal(waitpid(g->pid, &status, 0), g->pid);
	g->pid = 0;
	return WIFSIGNALED(status) ? -WTERMSIG(status) : WEXITSTATUS(status);
}

static int setup_with(void **state, const char *extra)
{
	struct gateway *g = calloc(1, sizeof(*g));

	strcpy(g->dir, "/tmp/tg-dpe2e-XXXXXX");
	assert_non_null(mkdtemp(g->dir));
	snprintf(g->socket, sizeof(g->socket), "%s/run/sock", g->dir);
	snprintf(g->config, sizeof(g->config), "%s/config.yaml", g->dir);
	g->extra = extra;
	*state = g;
	return start(g) ? 0 : -1;
}

static int setup(void **state)
{
	return setup_with(state, "");
}

static int teardown(void **state)
{
	static const char *const names[] = {"config.yaml", "lib/state/dataplane.checkpoint",
		"lib/state/dataplane.checkpoint.lock", "lib/state/dataplane.checkpoint.new",
		"lib/state", "lib", "run/sock", "run"};
	struct gateway *g = *state;
	char path[96];

	if (g->pid != 0)
		stop(g, SIGKILL);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		snprintf(path, sizeof(path), "%s/%s", g->dir, names[i]);
		remove(path);
	}
	assert_int_equal(rmdir(g->dir), 0);
	free(g);
	return 0;
}

/* --- a client --- */

static struct tg_wire_message in;

/* The next message; false: the server has closed the connection. */
static bool receive(int sock)
{
	struct pollfd fd = {.fd = sock, .events = POLLIN};
	int rc;

	do {
		assert_int_equal(poll(&fd, 1, DEADLINE_MS), 1);
		rc = tg_wire_receive(sock, &in, NULL);
	} while (rc == -EAGAIN);
	if (rc == -ECONNRESET)
		return false;
	assert_int_equal(rc, 0);
	return true;
}

/* The answer to `txn`, past events that come unasked. */
static uint16_t answer(int sock, uint32_t txn)
{
	do {
		assert_true(receive(sock));
	} while (in.h.type == TG_MSG_EVENT_STATE);
	assert_int_equal(in.h.txn, txn);
	return in.h.type;
}

static void assert_nak(int sock, uint32_t txn, int error)
{
	assert_int_equal(answer(sock, txn), TG_MSG_NAK);
	if (in.nak.error != (uint32_t)error)
		fail_msg("NAK %u (%s), expected %d", in.nak.error, in.nak.reason, error);
	assert_string_not_equal(in.nak.reason, "");
}

static int open_socket(struct gateway *g)
{
	int sock = tg_wire_connect(g->socket);

	assert_true(sock >= 0);
	return sock;
}

static uint32_t say_hello(struct gateway *g, int sock, uint32_t role)
{
	struct tg_msg_hello hello = {.major = TG_PROTO_MAJOR, .role = role, .name = "test"};

	tg_wire_header(&hello.h, TG_MSG_HELLO, sizeof(hello), ++g->txn);
	assert_int_equal(tg_wire_send(sock, &hello, -1), 0);
	return g->txn;
}

/* A connection that has said HELLO; `in` has the state. */
static int greet(struct gateway *g, uint32_t role)
{
	int sock = open_socket(g);

	assert_int_equal(answer(sock, say_hello(g, sock, role)), TG_MSG_STATE);
	assert_true(in.fd >= 0);
	close(in.fd);
	return sock;
}

static const struct tg_msg_state *get_state(struct gateway *g, int sock)
{
	struct tg_msg_header h;

	tg_wire_header(&h, TG_MSG_STATE_GET, sizeof(h), ++g->txn);
	assert_int_equal(tg_wire_send(sock, &h, -1), 0);
	assert_int_equal(answer(sock, g->txn), TG_MSG_STATE);
	assert_int_equal(in.fd, -1);
	return &in.state;
}

static uint32_t send_image(
	struct gateway *g, int sock, uint64_t generation, const void *image, size_t size, int seals)
{
	struct tg_msg_ruleset m;
	int fd = tiny_memfd(image, size, seals);

	memset(&m, 0, sizeof(m));
	tg_wire_header(&m.h, TG_MSG_RULESET, sizeof(m), ++g->txn);
	m.generation = generation;
	m.size = size;
	m.delta_sequence = g->sequence;
	assert_int_equal(tg_wire_send(sock, &m, fd), 0);
	close(fd);
	return g->txn;
}

static uint32_t send_ruleset(struct gateway *g, int sock, uint64_t generation)
{
	size_t size;
	void *image = tiny_image(generation, 0, &size);
	uint32_t txn = send_image(g, sock, generation, image, size, TINY_SEALS);

	free(image);
	return txn;
}

static uint32_t send_delta(
	struct gateway *g, int sock, uint64_t generation, uint64_t sequence, uint32_t cls)
{
	struct {
		struct tg_msg_classmap m;
		struct tg_classmap_entry entry;
	} d;

	memset(&d, 0, sizeof(d));
	tg_wire_header(&d.m.h, TG_MSG_CLASSMAP, sizeof(d), ++g->txn);
	d.m.generation = generation;
	d.m.sequence = sequence;
	d.m.n_entries = 1;
	d.entry = tiny_entry(2, cls);
	assert_int_equal(tg_wire_send(sock, &d, -1), 0);
	return g->txn;
}

/* --- sessions --- */

static void test_state_and_segment(void **state)
{
	struct gateway *g = *state;
	struct tg_stats_reader reader;
	struct tg_stats_port port;
	struct tg_stats_state stats;
	int sock = open_socket(g);

	assert_int_equal(answer(sock, say_hello(g, sock, TG_ROLE_READER)), TG_MSG_STATE);
	assert_int_equal(in.state.generation, 0);
	assert_true(in.state.flags & TG_STATE_NO_RULESET);
	assert_true(in.state.flags & TG_STATE_PICKUP);
	assert_int_equal(in.state.n_ports, 2);
	assert_int_equal(in.state.n_workers, 1);
	assert_int_equal(tg_stats_map(&reader, in.fd), 0);
	close(in.fd);
	assert_int_equal(reader.size, in.state.stats_size);
	assert_int_equal(tg_stats_read_port(&reader, 1, &port), 0);
	assert_string_equal(port.name, "b");
	assert_int_equal(port.side, 1);
	assert_int_equal(port.link_up, 1);
	assert_int_equal(tg_stats_read_state(&reader, &stats), 0);
	assert_true(stats.state_flags & TG_STATE_NO_RULESET);
	tg_stats_unmap(&reader);
	assert_true(get_state(g, sock)->flags & TG_STATE_NO_RULESET);
	close(sock);
}

static void test_rulesets_and_deltas(void **state)
{
	struct gateway *g = *state;
	int sock = greet(g, TG_ROLE_WRITER);

	assert_nak(sock, send_delta(g, sock, 1, 1, 1), ENOENT);
	assert_int_equal(answer(sock, send_ruleset(g, sock, 3)), TG_MSG_ACK);
	assert_int_equal(in.ack.generation, 3);
	assert_int_equal(answer(sock, send_delta(g, sock, 3, 1, 1)), TG_MSG_ACK);
	assert_int_equal(in.ack.delta_sequence, 1);
	assert_nak(sock, send_delta(g, sock, 3, 1, 1), ESTALE); /* said already */
	assert_nak(sock, send_delta(g, sock, 3, 3, 1), ESTALE); /* one is missing */
	assert_nak(sock, send_delta(g, sock, 2, 2, 1), ESTALE);
	assert_nak(sock, send_delta(g, sock, 3, 2, TINY_CLASSES), EINVAL);
	assert_int_equal(in.nak.index, 0);
	assert_int_equal(in.nak.generation, 3);
	assert_int_equal(in.nak.delta_sequence, 1);
	assert_nak(sock, send_ruleset(g, sock, 3), ESTALE);
	assert_int_equal(answer(sock, send_delta(g, sock, 3, 2, TG_NONE)), TG_MSG_ACK);
	assert_nak(sock, send_ruleset(g, sock, 4), ESTALE); /* would undo both deltas */
	g->sequence = 2;
	assert_int_equal(answer(sock, send_ruleset(g, sock, 4)), TG_MSG_ACK);
	assert_int_equal(in.ack.delta_sequence, 2);
	assert_int_equal(get_state(g, sock)->generation, 4);
	assert_true(in.state.flags & TG_STATE_PICKUP);
	assert_false(in.state.flags & TG_STATE_NO_RULESET);
	close(sock);
}

static void test_hostile_image_leaves_the_old_one(void **state)
{
	struct gateway *g = *state;
	int sock = greet(g, TG_ROLE_WRITER);
	uint32_t checksum;
	uint8_t *image;
	size_t size;

	assert_int_equal(answer(sock, send_ruleset(g, sock, 1)), TG_MSG_ACK);
	checksum = get_state(g, sock)->image_checksum;
	image = tiny_image(2, 0, &size);
	assert_nak(sock, send_image(g, sock, 2, image, size, F_SEAL_WRITE), EPERM);
	assert_nak(sock, send_image(g, sock, 9, image, size, TINY_SEALS), EINVAL);
	image[size / 2] ^= 1;
	assert_nak(sock, send_image(g, sock, 2, image, size, TINY_SEALS), EINVAL);
	assert_string_not_equal(in.nak.reason, "");
	free(image);
	assert_int_equal(get_state(g, sock)->generation, 1);
	assert_int_equal(in.state.image_checksum, checksum);
	assert_int_equal(answer(sock, send_ruleset(g, sock, 2)), TG_MSG_ACK);
	close(sock);
}

/* Anybody who may connect may ask; here nothing is left to NICs. */
static void test_offload_report(void **state)
{
	struct gateway *g = *state;
	struct tg_msg_offload_get get = {.flags = TG_OFFLOAD_GET_RULES, .limit = TG_HW_LIMIT};
	struct tg_wire_report report;
	int sock = open_socket(g);

	tg_wire_header(&get.h, TG_MSG_OFFLOAD_GET, sizeof(get), ++g->txn);
	assert_int_equal(tg_wire_send(sock, &get, -1), 0);
	assert_nak(sock, g->txn, EPERM); /* HELLO first */
	close(sock);
	sock = greet(g, TG_ROLE_READER);
	get.h.txn = ++g->txn;
	assert_int_equal(tg_wire_send(sock, &get, -1), 0);
	assert_int_equal(answer(sock, g->txn), TG_MSG_OFFLOAD_REPORT);
	assert_int_equal(tg_wire_report_open(in.fd, in.offload_report.size, &report, NULL), 0);
	close(in.fd);
	assert_int_equal(report.header->state, TG_HW_OFF);
	assert_int_equal(report.header->n_ports, 2); /* how workers believe in them */
	tg_wire_report_close(&report);
	close(sock);
}

static void test_who_may_what(void **state)
{
	struct gateway *g = *state;
	int writer = greet(g, TG_ROLE_WRITER), reader = greet(g, TG_ROLE_READER), other;

	/* a second writer is refused and disconnected; the first goes on */
	other = open_socket(g);
	assert_nak(other, say_hello(g, other, TG_ROLE_WRITER), EBUSY);
	assert_false(receive(other));
	close(other);
	assert_nak(reader, send_ruleset(g, reader, 1), EPERM);
	assert_nak(reader, send_delta(g, reader, 1, 1, 1), EPERM);
	assert_nak(reader, say_hello(g, reader, TG_ROLE_WRITER), EINVAL);
	/* nothing before HELLO */
	other = open_socket(g);
	assert_nak(other, send_ruleset(g, other, 1), EPERM);
	assert_int_equal(get_state(g, reader)->generation, 0);
	assert_int_equal(answer(writer, send_ruleset(g, writer, 1)), TG_MSG_ACK);
	/* when the writer is gone another may come */
	close(writer);
	close(other);
	do { /* until the server has seen that */
		other = open_socket(g);
		if (answer(other, say_hello(g, other, TG_ROLE_WRITER)) == TG_MSG_STATE)
			break;
		close(other);
	} while (1);
	close(in.fd);
	close(other);
	close(reader);
}

/* Bytes as they are, with no descriptor. */
static void send_raw(int sock, const void *data, size_t size)
{
	assert_int_equal(send(sock, data, size, MSG_NOSIGNAL), size);
}

static void test_broken_messages(void **state)
{
	struct gateway *g = *state;
	int sock = greet(g, TG_ROLE_WRITER), other;
	struct tg_msg_hello hello = {.major = 2};
	struct tg_msg_header h;
	uint8_t noise[4096];

	tg_wire_header(&h, (enum tg_msg_type)77, sizeof(h), 901);
	send_raw(sock, &h, sizeof(h));
	assert_nak(sock, 901, EOPNOTSUPP);
	tg_wire_header(&h, TG_MSG_ACK, sizeof(h), 902); /* too short for its type */
	send_raw(sock, &h, sizeof(h));
	assert_nak(sock, 902, EINVAL);
	tg_wire_header(&h, TG_MSG_RULESET, sizeof(h), 903); /* without a descriptor */
	send_raw(sock, &h, sizeof(h));
	assert_nak(sock, 903, EINVAL);
	assert_int_equal(get_state(g, sock)->generation, 0); /* the session lives */
	/* another major: told, and disconnected */
	other = open_socket(g);
	tg_wire_header(&hello.h, TG_MSG_HELLO, sizeof(hello), 904);
	send_raw(other, &hello, sizeof(hello));
	assert_nak(other, 904, EPROTONOSUPPORT);
	assert_false(receive(other));
	close(other);
	/* no message at all: disconnected */
	for (size_t size = 1; size <= sizeof(noise); size *= 8) {
		other = open_socket(g);
		memset(noise, 0xa5, sizeof(noise));
		send_raw(other, noise, size);
		assert_false(receive(other));
		close(other);
	}
	assert_int_equal(get_state(g, sock)->generation, 0);
	close(sock);
}

/* Clients that come, say nothing and go, more than there is room for. */
static void test_many_clients(void **state)
{
	struct gateway *g = *state;
	int sock = greet(g, TG_ROLE_WRITER), socks[40];

	for (int i = 0; i < 40; i++)
		socks[i] = tg_wire_connect(g->socket); /* some are turned away */
	assert_int_equal(answer(sock, send_ruleset(g, sock, 1)), TG_MSG_ACK);
	for (int i = 0; i < 40; i++)
		if (socks[i] >= 0)
			close(socks[i]);
	assert_int_equal(answer(sock, send_ruleset(g, sock, 2)), TG_MSG_ACK);
	close(sock);
}

/* A client that never reads is dropped; it does not stop the others. */
static void test_deaf_client(void **state)
{
	struct gateway *g = *state;
	int sock = greet(g, TG_ROLE_WRITER), deaf = greet(g, TG_ROLE_READER), rc;
	struct tg_msg_header h;

	tg_wire_header(&h, TG_MSG_STATE_GET, sizeof(h), 1);
	do {
		struct pollfd fd = {.fd = deaf, .events = POLLOUT};

		poll(&fd, 1, DEADLINE_MS);
		rc = tg_wire_send(deaf, &h, -1);
	} while (rc == 0 || rc == -EAGAIN);
	assert_true(rc == -EPIPE || rc == -ECONNRESET);
	assert_int_equal(answer(sock, send_ruleset(g, sock, 1)), TG_MSG_ACK);
	close(deaf);
	close(sock);
}

/* --- life and death --- */

static void push_something(struct gateway *g)
{
	int sock = greet(g, TG_ROLE_WRITER);

	assert_int_equal(answer(sock, send_ruleset(g, sock, 7)), TG_MSG_ACK);
	assert_int_equal(answer(sock, send_delta(g, sock, 7, 1, 1)), TG_MSG_ACK);
	assert_int_equal(answer(sock, send_delta(g, sock, 7, 2, 2)), TG_MSG_ACK);
	close(sock);
}

static void test_killed_and_back(void **state)
{
	struct gateway *g = *state;
	int sock;

	push_something(g);
	assert_int_equal(stop(g, SIGKILL), -SIGKILL);
	assert_int_equal(access(g->socket, F_OK), 0); /* nobody has cleaned up */
	assert_true(start(g));
	sock = greet(g, TG_ROLE_WRITER);
	get_state(g, sock);
	assert_int_equal(in.state.generation, 7);
	assert_int_equal(in.state.delta_sequence, 2);
	assert_true(in.state.flags & TG_STATE_FROM_CHECKPOINT);
	assert_false(in.state.flags & TG_STATE_NO_RULESET);
	assert_true(in.state.checkpoint_at != 0);
	assert_int_equal(answer(sock, send_delta(g, sock, 7, 3, TG_NONE)), TG_MSG_ACK);
	g->sequence = 3;
	assert_int_equal(answer(sock, send_ruleset(g, sock, 8)), TG_MSG_ACK);
	assert_false(get_state(g, sock)->flags & TG_STATE_FROM_CHECKPOINT);
	close(sock);
}

static void test_clean_stop(void **state)
{
	static const int signals[] = {SIGTERM, SIGINT};
	struct gateway *g = *state;

	for (size_t i = 0; i < sizeof(signals) / sizeof(signals[0]); i++) {
		int sock = greet(g, TG_ROLE_READER);

		assert_int_equal(stop(g, signals[i]), 0);
		assert_false(receive(sock));
		close(sock);
		assert_int_equal(access(g->socket, F_OK), -1);
		assert_true(start(g));
	}
}

/* Stopped in the middle of a build. */
static void test_stop_during_build(void **state)
{
	struct gateway *g = *state;
	int sock = greet(g, TG_ROLE_WRITER);

	send_ruleset(g, sock, 1);
	assert_int_equal(stop(g, SIGTERM), 0);
	close(sock);
}

static void test_second_gateway_is_refused(void **state)
{
	struct gateway *g = *state, second = *g;
	int sock = greet(g, TG_ROLE_WRITER);

	assert_false(start(&second));
	assert_int_equal(stop(&second, 0), 1);
	assert_int_equal(answer(sock, send_ruleset(g, sock, 1)), TG_MSG_ACK);
	close(sock);
}

static void test_damaged_checkpoint(void **state)
{
	struct gateway *g = *state;
	char path[96];
	FILE *file;
	int sock;

	push_something(g);
	assert_int_equal(stop(g, SIGKILL), -SIGKILL);
	snprintf(path, sizeof(path), "%s/lib/state/dataplane.checkpoint", g->dir);
	file = fopen(path, "r+");
	assert_int_equal(fseek(file, 300, SEEK_SET), 0);
	fputc(0xee, file);
	fclose(file);
	assert_true(start(g));
	sock = greet(g, TG_ROLE_WRITER);
	assert_int_equal(get_state(g, sock)->generation, 0);
	assert_true(in.state.flags & TG_STATE_NO_RULESET);
	assert_int_equal(answer(sock, send_ruleset(g, sock, 1)), TG_MSG_ACK);
	close(sock);
}

/* The journal's last record is torn: what was before it is in force. */
static void test_torn_journal(void **state)
{
	struct gateway *g = *state;
	char path[96];
	struct stat st;
	int sock;

	push_something(g);
	assert_int_equal(stop(g, SIGKILL), -SIGKILL);
	snprintf(path, sizeof(path), "%s/lib/state/dataplane.checkpoint", g->dir);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(truncate(path, st.st_size - 5), 0);
	assert_true(start(g));
	sock = greet(g, TG_ROLE_WRITER);
	assert_int_equal(get_state(g, sock)->generation, 7);
	assert_int_equal(in.state.delta_sequence, 1);
	close(sock);
}

/* --- speed: printed, not judged --- */

static int by_value(const void *a, const void *b)
{
	const uint64_t *l = a, *r = b;

	return (*l > *r) - (*l < *r);
}

#define ROUNDS 200

static void test_delta_latency(void **state)
{
	struct gateway *g = *state;
	int sock = greet(g, TG_ROLE_WRITER);
	struct timespec from, to;
	uint64_t us[ROUNDS];

	assert_int_equal(answer(sock, send_ruleset(g, sock, 1)), TG_MSG_ACK);
	for (uint64_t i = 0; i < ROUNDS; i++) {
		clock_gettime(CLOCK_MONOTONIC, &from);
		assert_int_equal(
			answer(sock, send_delta(g, sock, 1, i + 1, 1 + i % 2)), TG_MSG_ACK);
		clock_gettime(CLOCK_MONOTONIC, &to);
		us[i] = (uint64_t)(to.tv_sec - from.tv_sec) * 1000000 +
			(uint64_t)((to.tv_nsec - from.tv_nsec) / 1000);
	}
	qsort(us, ROUNDS, sizeof(us[0]), by_value);
	fprintf(stderr, "delta to ACK: median %llu us, p99 %llu us\n",
		(unsigned long long)us[ROUNDS / 2], (unsigned long long)us[ROUNDS * 99 / 100]);
	close(sock);
}

static int setup_fsync(void **state)
{
	return setup_with(state, "fsync: true\nworkers: 2\n");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	static const struct CMUnitTest tests[] = {
		TEST(test_state_and_segment),
		TEST(test_rulesets_and_deltas),
		TEST(test_hostile_image_leaves_the_old_one),
		TEST(test_offload_report),
		TEST(test_who_may_what),
		TEST(test_broken_messages),
		TEST(test_many_clients),
		TEST(test_deaf_client),
		TEST(test_killed_and_back),
		cmocka_unit_test_setup_teardown(test_killed_and_back, setup_fsync, teardown),
		TEST(test_clean_stop),
		TEST(test_stop_during_build),
		TEST(test_second_gateway_is_refused),
		TEST(test_damaged_checkpoint),
		TEST(test_torn_journal),
		TEST(test_delta_latency),
		cmocka_unit_test_setup_teardown(test_delta_latency, setup_fsync, teardown),
	};
#undef TEST

	if (getenv("TIDEGATE_DATAPLANE") == NULL) {
		fprintf(stderr, "TIDEGATE_DATAPLANE names no program\n");
		return 1;
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
