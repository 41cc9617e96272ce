/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Control messages: any bytes with any number of descriptors are refused or may be followed. The
 * first byte says how many descriptors, and whether header fields are put right so that the fuzzer
 * gets to the bodies. What is accepted is read to its last byte and sent through a socket.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "wire.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Everything a handler would look at; exact sizes, so that the sanitizer sees a step too far. */
static uint32_t read_entries(const struct tg_classmap_entry *entries, uint32_t n)
{
	uint32_t sum = 0;

	for (uint32_t i = 0; i < n; i++) {
		if (entries[i].family != 4 && entries[i].family != 6)
			abort();
		sum += entries[i].cls + entries[i].node + entries[i].addr[15];
	}
	return sum;
}

static void follow(const struct tg_msg_header *h)
{
	volatile uint32_t sum = 0;

	switch (h->type) {
	case TG_MSG_RULESET: {
		const struct tg_msg_ruleset *m = (const struct tg_msg_ruleset *)h;

		sum += read_entries(m->entries, m->n_entries);
		break;
	}
	case TG_MSG_CLASSMAP: {
		const struct tg_msg_classmap *m = (const struct tg_msg_classmap *)h;

		if (m->n_entries == 0)
			abort();
		sum += read_entries(m->entries, m->n_entries);
		break;
	}
	case TG_MSG_HELLO:
		sum += (uint32_t)strlen(((const struct tg_msg_hello *)h)->name);
		break;
	case TG_MSG_NAK:
		sum += (uint32_t)strlen(((const struct tg_msg_nak *)h)->reason);
		break;
	default:
		break;
	}
	(void)sum;
}

/* What one side accepts the other gets, unchanged. */
static void send_through(const struct tg_msg_header *h, unsigned int n_fds)
{
	static struct tg_wire_message in;
	int end[2], fd = -1;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, end) != 0)
		abort();
	if (n_fds == 1)
		fd = memfd_create("fuzz", MFD_CLOEXEC);
	if (tg_wire_send(end[0], h, fd) != 0 || tg_wire_receive(end[1], &in, NULL) != 0)
		abort();
	if (memcmp(in.bytes, h, h->length) != 0 || (in.fd >= 0) != (n_fds == 1))
		abort();
	if (in.fd >= 0)
		close(in.fd);
	if (fd >= 0)
		close(fd);
	close(end[0]);
	close(end[1]);
}

/*
 * The bytes as a record that a peer without our checks sends, to whichever side: what is received
 * is refused for the same reason as when it is only looked at, and leaves no descriptor open.
 */
static void receive_raw(const void *bytes, size_t size, unsigned int n_fds, int expected)
{
	static struct tg_wire_message in;
	union {
		struct cmsghdr align;
		char bytes[CMSG_SPACE(3 * sizeof(int))];
	} control = {0};
	struct iovec iov = {.iov_base = (void *)(uintptr_t)bytes, .iov_len = size};
	struct msghdr message = {.msg_iov = &iov, .msg_iovlen = 1};
	int end[2], fds[3], lowest, err;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, end) != 0)
		abort();
	for (unsigned int i = 0; i < n_fds; i++)
		fds[i] = end[i & 1];
	if (n_fds != 0) {
		message.msg_control = control.bytes;
		message.msg_controllen = CMSG_SPACE(n_fds * sizeof(int));
		control.align.cmsg_level = SOL_SOCKET;
		control.align.cmsg_type = SCM_RIGHTS;
		control.align.cmsg_len = CMSG_LEN(n_fds * sizeof(int));
		memcpy(CMSG_DATA(&control.align), fds, n_fds * sizeof(int));
	}
	lowest = dup(end[0]);
	close(lowest);
	if (sendmsg(end[0], &message, MSG_NOSIGNAL) != (ssize_t)size)
		abort();
	err = tg_wire_receive(end[1], &in, NULL);
	if (size != 0 && err != expected)
		abort();
	if (err == 0 && in.fd >= 0)
		close(in.fd);
	if (dup(end[0]) != lowest)
		abort(); /* a descriptor stayed open */
	close(lowest);
	close(end[0]);
	close(end[1]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct tg_wire_error error;
	int err;
	struct tg_msg_header *h;
	unsigned int n_fds;
	uint8_t how;

	if (size < 1 || size > TG_MSG_MAX)
		return 0;
	how = data[0];
	data++;
	size--;
	n_fds = how & 3;
	h = malloc(size != 0 ? size : 1);
	if (h == NULL)
		return 0;
	memcpy(h, data, size);
	if ((how & 4) && size >= sizeof(*h))
		tg_wire_header(h, (enum tg_msg_type)(h->type % 12), size, h->txn);
	err = tg_wire_check(h, size, n_fds, &error);
	receive_raw(h, size, n_fds, err);
	if (err == 0) {
		follow(h);
		send_through(h, n_fds);
	}
	free(h);
	return 0;
}
