/* SPDX-License-Identifier: BSD-3-Clause */
/* The control socket's framing: what is accepted, what is refused and how, what is closed. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

#include "wire.h"

#define N_ENTRIES 3

static struct tg_wire_message *scratch(void)
{
	static struct tg_wire_message message;

	memset(&message, 0, sizeof(message));
	return &message;
}

/* A message that is right, to be damaged by the tables below. */
static struct tg_wire_message *good(enum tg_msg_type type)
{
	struct tg_wire_message *m = scratch();
	static const size_t sizes[] = {
		[TG_MSG_HELLO] = sizeof(struct tg_msg_hello),
		[TG_MSG_STATE] = sizeof(struct tg_msg_state),
		[TG_MSG_STATE_GET] = sizeof(struct tg_msg_header),
		[TG_MSG_RULESET] = sizeof(struct tg_msg_ruleset),
		[TG_MSG_CLASSMAP] = sizeof(struct tg_msg_classmap) +
				    N_ENTRIES * sizeof(struct tg_classmap_entry),
		[TG_MSG_ACK] = sizeof(struct tg_msg_ack),
		[TG_MSG_NAK] = sizeof(struct tg_msg_nak),
		[TG_MSG_EVENT_STATE] = sizeof(struct tg_msg_state),
		[TG_MSG_OFFLOAD_GET] = sizeof(struct tg_msg_offload_get),
		[TG_MSG_OFFLOAD_REPORT] = sizeof(struct tg_msg_offload_report),
	};

	tg_wire_header(&m->h, type, sizes[type], type == TG_MSG_EVENT_STATE ? 0 : 7);
	switch (type) {
	case TG_MSG_HELLO:
		m->hello.major = TG_PROTO_MAJOR;
		strcpy(m->hello.name, "test");
		break;
	case TG_MSG_RULESET:
		m->ruleset.generation = 1;
		m->ruleset.size = 4096;
		break;
	case TG_MSG_CLASSMAP:
		m->classmap.n_entries = N_ENTRIES;
		for (int i = 0; i < N_ENTRIES; i++)
			m->classmap.entries[i].family = i == 1 ? 6 : 4;
		break;
	case TG_MSG_NAK:
		m->nak.error = EINVAL;
		break;
	case TG_MSG_OFFLOAD_GET:
		m->offload_get.family = 4;
		m->offload_get.limit = TG_HW_LIMIT;
		break;
	case TG_MSG_OFFLOAD_REPORT:
		m->offload_report.size = sizeof(struct tg_hw_report);
		break;
	default:
		break;
	}
	return m;
}

static unsigned int fds_of(enum tg_msg_type type)
{
	return type == TG_MSG_RULESET || type == TG_MSG_OFFLOAD_REPORT;
}

static void test_accepts_every_type(void **state)
{
#define X(sym, value) TG_MSG_##sym,
	static const enum tg_msg_type types[] = {TG_MSG_TYPES(X)};
#undef X
	struct tg_wire_message *m;

	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
		m = good(types[i]);
		assert_int_equal(tg_wire_check(m, m->h.length, fds_of(types[i]), NULL), 0);
	}
	m = good(TG_MSG_STATE);
	assert_int_equal(tg_wire_check(m, m->h.length, 1, NULL), 0);
}

#define AT(type, field) offsetof(struct type, field)
#define ENTRY(i, field)                                                            \
	(sizeof(struct tg_msg_classmap) + (i) * sizeof(struct tg_classmap_entry) + \
		offsetof(struct tg_classmap_entry, field))

static const struct {
	const char *what;
	enum tg_msg_type type;
	size_t offset; /* of the byte that is overwritten */
	uint8_t value;
	int expect;
	uint32_t index;
} damages[] = {
	{"magic", TG_MSG_ACK, AT(tg_msg_header, magic), 0xff, -EPROTO, TG_NONE},
	{"header reserved", TG_MSG_ACK, AT(tg_msg_header, reserved), 1, -EPROTO, TG_NONE},
	{"length", TG_MSG_ACK, AT(tg_msg_header, length), 1, -EPROTO, TG_NONE},
	{"length high", TG_MSG_ACK, AT(tg_msg_header, length) + 3, 1, -EPROTO, TG_NONE},
	{"type 0", TG_MSG_ACK, AT(tg_msg_header, type), 0, -EOPNOTSUPP, TG_NONE},
	{"type 11", TG_MSG_ACK, AT(tg_msg_header, type), 11, -EOPNOTSUPP, TG_NONE},
	{"type high", TG_MSG_ACK, AT(tg_msg_header, type) + 1, 1, -EOPNOTSUPP, TG_NONE},
	{"ack as nak", TG_MSG_ACK, AT(tg_msg_header, type), TG_MSG_NAK, -EINVAL, TG_NONE},
	{"hello major", TG_MSG_HELLO, AT(tg_msg_hello, major), 2, -EPROTONOSUPPORT, TG_NONE},
	{"hello role", TG_MSG_HELLO, AT(tg_msg_hello, role), 2, -EINVAL, TG_NONE},
	{"state reserved", TG_MSG_STATE, AT(tg_msg_state, reserved), 1, -EINVAL, TG_NONE},
	{"event txn", TG_MSG_EVENT_STATE, AT(tg_msg_header, txn), 1, -EINVAL, TG_NONE},
	{"ruleset reserved", TG_MSG_RULESET, AT(tg_msg_ruleset, reserved), 1, -EINVAL, TG_NONE},
	{"ruleset generation", TG_MSG_RULESET, AT(tg_msg_ruleset, generation), 0, -EINVAL, TG_NONE},
	{"ruleset too big", TG_MSG_RULESET, AT(tg_msg_ruleset, size) + 4, 1, -EINVAL, TG_NONE},
	{"ruleset too small", TG_MSG_RULESET, AT(tg_msg_ruleset, size) + 1, 0, -EINVAL, TG_NONE},
	{"ruleset entries", TG_MSG_RULESET, AT(tg_msg_ruleset, n_entries), 1, -EINVAL, TG_NONE},
	{"ruleset entries overflow", TG_MSG_RULESET, AT(tg_msg_ruleset, n_entries) + 3, 8, -EINVAL,
		TG_NONE},
	{"get reserved", TG_MSG_OFFLOAD_GET, AT(tg_msg_offload_get, reserved), 1, -EINVAL, TG_NONE},
	{"get flags", TG_MSG_OFFLOAD_GET, AT(tg_msg_offload_get, flags), 4, -EINVAL, TG_NONE},
	{"get limit", TG_MSG_OFFLOAD_GET, AT(tg_msg_offload_get, limit), 1, -EINVAL, TG_NONE},
	{"get family", TG_MSG_OFFLOAD_GET, AT(tg_msg_offload_get, family), 5, -EINVAL, TG_NONE},
	{"get src", TG_MSG_OFFLOAD_GET, AT(tg_msg_offload_get, src) + 4, 1, -EINVAL, TG_NONE},
	{"get dst", TG_MSG_OFFLOAD_GET, AT(tg_msg_offload_get, dst) + 15, 1, -EINVAL, TG_NONE},
	{"report too small", TG_MSG_OFFLOAD_REPORT, AT(tg_msg_offload_report, size), 0, -EINVAL,
		TG_NONE},
	{"report too big", TG_MSG_OFFLOAD_REPORT, AT(tg_msg_offload_report, size) + 4, 1, -EINVAL,
		TG_NONE},
	{"classmap reserved", TG_MSG_CLASSMAP, AT(tg_msg_classmap, reserved), 1, -EINVAL, TG_NONE},
	{"no entries", TG_MSG_CLASSMAP, AT(tg_msg_classmap, n_entries), 0, -EINVAL, TG_NONE},
	{"fewer entries", TG_MSG_CLASSMAP, AT(tg_msg_classmap, n_entries), 2, -EINVAL, TG_NONE},
	{"more entries", TG_MSG_CLASSMAP, AT(tg_msg_classmap, n_entries), 4, -EINVAL, TG_NONE},
	{"entries overflow", TG_MSG_CLASSMAP, AT(tg_msg_classmap, n_entries) + 3, 0x80, -EINVAL,
		TG_NONE},
	{"family 0", TG_MSG_CLASSMAP, ENTRY(0, family), 0, -EINVAL, 0},
	{"family 5", TG_MSG_CLASSMAP, ENTRY(2, family), 5, -EINVAL, 2},
	{"long IPv4", TG_MSG_CLASSMAP, ENTRY(2, addr) + 4, 1, -EINVAL, 2},
	{"entry reserved", TG_MSG_CLASSMAP, ENTRY(1, reserved), 1, -EINVAL, 1},
	{"ack reserved", TG_MSG_ACK, AT(tg_msg_ack, reserved), 1, -EINVAL, TG_NONE},
	{"nak without error", TG_MSG_NAK, AT(tg_msg_nak, error), 0, -EINVAL, TG_NONE},
};

static void test_refuses_damage(void **state)
{
	struct tg_wire_error error;
	struct tg_wire_message *m;
	size_t size;
	int rc;

	for (size_t i = 0; i < sizeof(damages) / sizeof(damages[0]); i++) {
		m = good(damages[i].type);
		size = m->h.length;
		assert_int_not_equal(m->bytes[damages[i].offset], damages[i].value);
		m->bytes[damages[i].offset] = damages[i].value;
		memset(&error, 0, sizeof(error));
		rc = tg_wire_check(m, size, fds_of(damages[i].type), &error);
		if (rc != damages[i].expect || error.index != damages[i].index)
			fail_msg("%s: %d at %u", damages[i].what, rc, error.index);
		assert_string_not_equal(error.text, "");
	}
}

static void test_refuses_unterminated_text(void **state)
{
	struct tg_wire_message *m = good(TG_MSG_HELLO);

	memset(m->hello.name, 'x', sizeof(m->hello.name));
	assert_int_equal(tg_wire_check(m, m->h.length, 0, NULL), -EINVAL);
	m = good(TG_MSG_NAK);
	memset(m->nak.reason, 'x', sizeof(m->nak.reason));
	assert_int_equal(tg_wire_check(m, m->h.length, 0, NULL), -EINVAL);
}

static void test_refuses_every_other_length(void **state)
{
	struct tg_wire_message *m;

	for (enum tg_msg_type type = TG_MSG_HELLO; type <= TG_MSG_EVENT_STATE; type++) {
		size_t right = good(type)->h.length;

		for (size_t size = 0; size <= right + 64; size++) {
			m = good(type);
			m->h.length = (uint32_t)size;
			if (size != right)
				assert_int_not_equal(tg_wire_check(m, size, fds_of(type), NULL), 0);
		}
	}
	m = good(TG_MSG_ACK);
	m->h.length = TG_MSG_MAX + 1;
	assert_int_equal(tg_wire_check(m, TG_MSG_MAX + 1, 0, NULL), -EPROTO);
}

static void test_refuses_wrong_descriptor_counts(void **state)
{
	struct tg_wire_message *m;

	for (enum tg_msg_type type = TG_MSG_HELLO; type <= TG_MSG_EVENT_STATE; type++)
		for (unsigned int n = 0; n < 4; n++) {
			int fits = n == fds_of(type) || (type == TG_MSG_STATE && n == 1);

			m = good(type);
			assert_int_equal(
				tg_wire_check(m, m->h.length, n, NULL), fits ? 0 : -EINVAL);
		}
}

/* Two ends of a connection. */
static void pair(int end[2])
{
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, end), 0);
}

static unsigned int open_fds(void)
{
	DIR *dir = opendir("/proc/self/fd");
	unsigned int n = 0;

	assert_non_null(dir);
	while (readdir(dir) != NULL)
		n++;
	closedir(dir);
	return n;
}

static void test_descriptor_travels(void **state)
{
	static struct tg_wire_message in;
	struct stat sent, got;
	int end[2], memfd;

	pair(end);
	memfd = memfd_create("wire-test", MFD_CLOEXEC);
	assert_int_equal(tg_wire_send(end[0], good(TG_MSG_RULESET), memfd), 0);
	assert_int_equal(tg_wire_receive(end[1], &in, NULL), 0);
	assert_int_equal(in.h.type, TG_MSG_RULESET);
	assert_int_equal(in.h.txn, 7);
	assert_int_equal(fstat(memfd, &sent) | fstat(in.fd, &got), 0);
	assert_int_equal(sent.st_ino, got.st_ino);
	assert_true(fcntl(in.fd, F_GETFD) & FD_CLOEXEC);
	close(in.fd);
	assert_int_equal(tg_wire_receive(end[1], &in, NULL), -EAGAIN);
	assert_int_equal(in.fd, -1);
	close(end[0]);
	assert_int_equal(tg_wire_receive(end[1], &in, NULL), -ECONNRESET);
	close(end[1]);
	close(memfd);
}

static void test_send_refuses_bad_messages(void **state)
{
	struct tg_wire_message *m;
	int end[2];

	pair(end);
	assert_int_equal(tg_wire_send(end[0], good(TG_MSG_RULESET), -1), -EINVAL);
	assert_int_equal(tg_wire_send(end[0], good(TG_MSG_ACK), end[1]), -EINVAL);
	m = good(TG_MSG_NAK);
	m->nak.error = 0;
	assert_int_equal(tg_wire_send(end[0], m, -1), -EINVAL);
	close(end[1]);
	assert_int_equal(tg_wire_send(end[0], good(TG_MSG_ACK), -1), -EPIPE);
	close(end[0]);
}

/* What a hostile peer sends: raw bytes with any number of descriptors. */
static void send_raw(int sock, const void *data, size_t size, unsigned int n_fds)
{
	union {
		struct cmsghdr h;
		uint8_t bytes[CMSG_SPACE(32 * sizeof(int))];
	} control = {0};
	struct iovec iov = {.iov_base = (void *)(uintptr_t)data, .iov_len = size};
	struct msghdr msg = {.msg_iov = &iov, .msg_iovlen = 1};

	if (n_fds != 0) {
		msg.msg_control = &control;
		msg.msg_controllen = CMSG_SPACE(n_fds * sizeof(int));
		control.h = (struct cmsghdr){.cmsg_len = CMSG_LEN(n_fds * sizeof(int)),
			.cmsg_level = SOL_SOCKET,
			.cmsg_type = SCM_RIGHTS};
		for (unsigned int i = 0; i < n_fds; i++)
			memcpy(CMSG_DATA(&control.h) + i * sizeof(int), &sock, sizeof(sock));
	}
	assert_int_equal(sendmsg(sock, &msg, MSG_NOSIGNAL), size);
}

static void test_refused_descriptors_are_closed(void **state)
{
	static struct tg_wire_message in;
	static const unsigned int counts[] = {0, 2, 3, 8, 9, 32};
	struct tg_wire_error error;
	unsigned int before;
	int end[2], rc;

	pair(end);
	before = open_fds();
	for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++) {
		struct tg_wire_message *m = good(TG_MSG_RULESET);

		send_raw(end[0], m->bytes, m->h.length, counts[i]);
		rc = tg_wire_receive(end[1], &in, &error);
		assert_int_equal(rc, counts[i] > 8 ? -EPROTO : -EINVAL);
		assert_int_equal(in.fd, -1);
		assert_int_equal(open_fds(), before);
	}
	send_raw(end[0], good(TG_MSG_ACK)->bytes, sizeof(struct tg_msg_ack), 1);
	assert_int_equal(tg_wire_receive(end[1], &in, &error), -EINVAL);
	assert_int_equal(open_fds(), before);
	close(end[0]);
	close(end[1]);
}

static void test_oversized_record_is_refused(void **state)
{
	static struct tg_wire_message in;
	static uint8_t big[TG_MSG_MAX + 8];
	struct tg_msg_header h;
	int end[2];

	pair(end);
	tg_wire_header(&h, TG_MSG_CLASSMAP, TG_MSG_MAX, 1);
	memcpy(big, &h, sizeof(h));
	send_raw(end[0], big, sizeof(big), 0);
	assert_int_equal(tg_wire_receive(end[1], &in, NULL), -EPROTO);
	send_raw(end[0], big, 3, 0);
	assert_int_equal(tg_wire_receive(end[1], &in, NULL), -EPROTO);
	close(end[0]);
	close(end[1]);
}

static void test_nak_text_is_cut(void **state)
{
	struct tg_msg_nak nak;
	char text[2 * TG_REASON_MAX];

	memset(text, 'a', sizeof(text));
	text[sizeof(text) - 1] = '\0';
	tg_wire_nak(&nak, 3, EINVAL, 5, "%s", text);
	assert_int_equal(strlen(nak.reason), TG_REASON_MAX - 1);
	assert_int_equal(tg_wire_check(&nak, sizeof(nak), 0, NULL), 0);
}

/* A report of one record each, to be damaged. */
struct sample {
	struct tg_hw_report header;
	struct tg_hw_port port;
	struct tg_hw_rule rule;
	struct tg_hw_left left;
};

static int sample_file(const struct sample *sample, size_t size, int seals)
{
	int fd = memfd_create("report", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, sample, size), size);
	assert_int_equal(fcntl(fd, F_ADD_SEALS, seals), 0);
	return fd;
}

static int open_sample(const struct sample *sample, size_t size, uint64_t claimed, int seals)
{
	struct tg_wire_error error = {.text = ""};
	struct tg_wire_report report;
	int fd = sample_file(sample, size, seals);
	int rc = tg_wire_report_open(fd, claimed, &report, &error);

	close(fd);
	assert_int_equal(rc == 0, error.text[0] == '\0');
	assert_int_equal(rc == 0, report.header != NULL);
	if (rc == 0)
		assert_int_equal(report.left[0].tuple.family, 6);
	tg_wire_report_close(&report);
	return rc;
}

static void test_report_is_checked(void **state)
{
	static const struct sample good = {
		.header = {.magic = TG_HW_MAGIC,
			.version = TG_HW_VERSION,
			.size = sizeof(good),
			.n_ports = 1,
			.n_rules = 1,
			.n_left = 1},
		.rule = {.tuple.family = 4, .state = TG_HW_ACTIVE},
		.left = {.tuple.family = 6},
	};
	static const struct {
		size_t offset, n; /* bytes that are overwritten */
		uint8_t value;
	} damages_of_report[] = {
		{offsetof(struct sample, header.magic), 1, 0},
		{offsetof(struct sample, header.version), 1, TG_HW_VERSION + 1},
		{offsetof(struct sample, header.state), 1, 3},
		{offsetof(struct sample, header.size), 1, 1},
		{offsetof(struct sample, header.n_ports), 1, 2},
		{offsetof(struct sample, header.n_rules), 4, 0xff},
		{offsetof(struct sample, header.n_left), 1, 0},
		{offsetof(struct sample, port.name), TG_HW_NAME, 'x'},
		{offsetof(struct sample, port.profile), TG_HW_NAME, 'x'},
		{offsetof(struct sample, port.wire), TG_HW_WHY, 'x'},
		{offsetof(struct sample, port.placement.why), TG_HW_WHY, 'x'},
		{offsetof(struct sample, port.kind[7].why), TG_HW_WHY, 'x'},
		{offsetof(struct sample, rule.tuple.family), 1, 0},
		{offsetof(struct sample, rule.kind), 1, 2},
		{offsetof(struct sample, rule.state), 1, 0},
		{offsetof(struct sample, rule.state), 1, 4},
		{offsetof(struct sample, rule.port), 1, 1},
		{offsetof(struct sample, rule.peer), 1, 1},
		{offsetof(struct sample, left.tuple.family), 1, 5},
		{offsetof(struct sample, left.kind), 1, 2},
		{offsetof(struct sample, left.given), 1, 2},
		{offsetof(struct sample, left.port), 1, 1},
	};
	const int all = F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE;

	assert_int_equal(open_sample(&good, sizeof(good), sizeof(good), all), 0);
	for (size_t i = 0; i < sizeof(damages_of_report) / sizeof(damages_of_report[0]); i++) {
		struct sample bad = good;

		memset((char *)&bad + damages_of_report[i].offset, damages_of_report[i].value,
			damages_of_report[i].n);
		if (open_sample(&bad, sizeof(bad), sizeof(bad), all) != -EINVAL)
			fail_msg("damage %zu was accepted", i);
	}
	assert_int_equal(open_sample(&good, sizeof(good), sizeof(good) + 8, all), -EINVAL);
	assert_int_equal(open_sample(&good, sizeof(good) - 8, sizeof(good), all), -EINVAL);
	assert_int_equal(open_sample(&good, 8, 8, all), -EINVAL);
	assert_int_equal(open_sample(&good, sizeof(good), sizeof(good), 0), -EINVAL);
	assert_int_equal(
		open_sample(&good, sizeof(good), sizeof(good), F_SEAL_SHRINK | F_SEAL_GROW),
		-EINVAL);
}

static void test_listen_and_accept(void **state)
{
	char dir[] = "/tmp/tg-wire-XXXXXX", path[64];
	struct tg_wire_peer peer;
	struct stat st;
	int listener, client, server, file;

	assert_non_null(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/sock", dir);
	assert_int_equal(tg_wire_connect(path), -ENOENT);
	listener = tg_wire_listen(path);
	assert_true(listener >= 0);
	assert_int_equal(lstat(path, &st), 0);
	assert_int_equal(st.st_mode, S_IFSOCK | 0600);
	assert_int_equal(tg_wire_accept(listener, getuid(), &peer), -EAGAIN);
	assert_int_equal(tg_wire_listen(path), -EADDRINUSE);
	server = tg_wire_accept(listener, getuid(), NULL); /* the probe of the line above */
	close(server);
	client = tg_wire_connect(path);
	assert_true(client >= 0);
	server = tg_wire_accept(listener, getuid(), &peer);
	assert_true(server >= 0);
	assert_int_equal(peer.pid, getpid());
	assert_int_equal(peer.uid, getuid());
	close(client);
	close(server);
	close(listener); /* as if killed: the file stays */
	listener = tg_wire_listen(path);
	assert_true(listener >= 0);
	close(listener);
	unlink(path);
	file = open(path, O_CREAT | O_WRONLY, 0600);
	assert_int_equal(tg_wire_listen(path), -EEXIST);
	close(file);
	unlink(path);
	rmdir(dir);
}

static void test_bad_paths(void **state)
{
	char path[200];

	memset(path, 'a', sizeof(path));
	path[sizeof(path) - 1] = '\0';
	assert_int_equal(tg_wire_listen(path), -ENAMETOOLONG);
	assert_int_equal(tg_wire_connect(path), -ENAMETOOLONG);
	assert_int_equal(tg_wire_listen(""), -EINVAL);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_accepts_every_type),
		cmocka_unit_test(test_refuses_damage),
		cmocka_unit_test(test_refuses_unterminated_text),
		cmocka_unit_test(test_refuses_every_other_length),
		cmocka_unit_test(test_refuses_wrong_descriptor_counts),
		cmocka_unit_test(test_descriptor_travels),
		cmocka_unit_test(test_send_refuses_bad_messages),
		cmocka_unit_test(test_refused_descriptors_are_closed),
		cmocka_unit_test(test_oversized_record_is_refused),
		cmocka_unit_test(test_nak_text_is_cut),
		cmocka_unit_test(test_report_is_checked),
		cmocka_unit_test(test_listen_and_accept),
		cmocka_unit_test(test_bad_paths),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
