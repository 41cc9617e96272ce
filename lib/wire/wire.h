/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Framing of the control socket (<tidegate/control.h>): one call sends or receives one whole,
 * checked message with exactly the descriptors that its type names. Every length, type and
 * reserved field is looked at here, so that a handler only ever sees messages that it may follow
 * without looking again; what a number means (a known class, the next sequence) is the handler's
 * business. Used by both processes. All descriptors are made with CLOEXEC; sockets do not block.
 * Functions keep no state: one thread a socket at a time.
 */
#ifndef TG_WIRE_H
#define TG_WIRE_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include <tidegate/control.h>
#include <tidegate/offload_report.h>
#include <tidegate/ruleset.h> /* TG_NONE */

/* A received message. The buffer is large: allocate it, do not put it on a small stack. */
struct tg_wire_message {
	union {
		struct tg_msg_header h;
		struct tg_msg_hello hello;
		struct tg_msg_state state;
		struct tg_msg_ruleset ruleset;
		struct tg_msg_classmap classmap;
		struct tg_msg_ack ack;
		struct tg_msg_nak nak;
		struct tg_msg_offload_get offload_get;
		struct tg_msg_offload_report offload_report;
		uint8_t bytes[TG_MSG_MAX];
	};
	int fd; /* the descriptor that came along, owned by the receiver; -1: none */
};

/* Who is at the other end (SO_PEERCRED). */
struct tg_wire_peer {
	pid_t pid;
	uid_t uid;
	gid_t gid;
};

/* Why a message was refused; what a NAK repeats. */
struct tg_wire_error {
	uint32_t index; /* entry at fault; TG_NONE */
	char text[TG_REASON_MAX];
};

/* Fills `error` (may be NULL). Returns `err`. */
int tg_wire_refuse(struct tg_wire_error *error, int err, uint32_t index, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));

/*
 * Listens on `path` with mode 0600. A socket file that nobody serves any more is replaced; one
 * that is served is -EADDRINUSE, and anything else at `path` is -EEXIST: neither is touched.
 * Returns the descriptor or -errno.
 */
int tg_wire_listen(const char *path);
/*
 * Takes the next client. -EAGAIN none waits; -EPERM the client is neither root nor `uid` and was
 * disconnected. Returns the descriptor; `peer` (may be NULL) is filled in both cases.
 */
int tg_wire_accept(int listener, uid_t uid, struct tg_wire_peer *peer);
/* Connects to a server on `path`. Returns the descriptor or -errno. */
int tg_wire_connect(const char *path);

/* Fills a header; `length` is that of the whole message. */
void tg_wire_header(struct tg_msg_header *h, enum tg_msg_type type, size_t length, uint32_t txn);

/*
 * Checks `size` bytes at `data` (8-byte aligned) with `n_fds` descriptors as one message.
 *   0            accepted
 *   -EPROTO      not a message of this protocol: the connection is of no use any more
 *   -EOPNOTSUPP  a well-formed header of an unknown type: answer NAK, go on
 *   -EINVAL      a known type with a bad body: answer NAK, go on
 *   -EPROTONOSUPPORT  a HELLO of another protocol major: answer NAK, disconnect
 * In the last three cases the header may be read for its txn. `error` (may be NULL) says why.
 */
int tg_wire_check(const void *data, size_t size, unsigned int n_fds, struct tg_wire_error *error);

/*
 * Sends the message at `data` (its header says how long it is) with `fd`, or none for -1; `fd`
 * stays the caller's. A message that tg_wire_check refuses is not sent (-EINVAL). -EAGAIN: the
 * socket's buffer is full, nothing was sent; -EPIPE, -ECONNRESET: the peer is gone.
 */
int tg_wire_send(int sock, const void *data, int fd);

/*
 * Receives one message. 0: `message` is filled and was checked; -EAGAIN: none is there;
 * -ECONNRESET: the peer is gone; else as tg_wire_check. `message->fd` is -1 unless 0 is returned:
 * descriptors of refused messages are closed here.
 */
int tg_wire_receive(int sock, struct tg_wire_message *message, struct tg_wire_error *error);

/* A NAK ready to send. `error` is a positive errno; the text is cut to fit. */
void tg_wire_nak(struct tg_msg_nak *nak, uint32_t txn, uint32_t error, uint32_t index,
	const char *fmt, ...) __attribute__((format(printf, 5, 6)));

/* The file of an OFFLOAD_REPORT, mapped. */
struct tg_wire_report {
	const struct tg_hw_report *header;
	const struct tg_hw_port *ports;
	const struct tg_hw_rule *rules;
	const struct tg_hw_left *left;
};

/*
 * Maps the file and checks it: seals, sizes, texts, and that each port, family and kind is one that
 * there is. `size`: the message's. `fd` stays the caller's. 0; -EINVAL with `error` (may be NULL);
 * -errno.
 */
int tg_wire_report_open(
	int fd, uint64_t size, struct tg_wire_report *out, struct tg_wire_error *error);
void tg_wire_report_close(struct tg_wire_report *report);

#endif
