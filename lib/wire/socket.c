/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "wire.h"

#define BACKLOG 16
/* Room for more descriptors than any message has: extra ones are seen, refused and closed. */
#define FDS_MAX 8

static int address(const char *path, struct sockaddr_un *out)
{
	size_t length = strlen(path);

	memset(out, 0, sizeof(*out));
	out->sun_family = AF_UNIX;
	if (length == 0)
		return -EINVAL;
	if (length >= sizeof(out->sun_path))
		return -ENAMETOOLONG;
	memcpy(out->sun_path, path, length + 1);
	return 0;
}

int tg_wire_connect(const char *path)
{
	struct sockaddr_un sun;
	int fd, rc;

	rc = address(path, &sun);
	if (rc != 0)
		return rc;
	fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -errno;
	if (connect(fd, (struct sockaddr *)&sun, sizeof(sun)) != 0) {
		rc = -errno;
		close(fd);
		return rc;
	}
	return fd;
}

/* Removes the socket file of a server that is gone. 0 when `path` is free now. */
static int clear_stale(const char *path)
{
	struct stat st;
	int fd;

	if (lstat(path, &st) != 0)
		return errno == ENOENT ? 0 : -errno;
	if (!S_ISSOCK(st.st_mode))
		return -EEXIST;
	fd = tg_wire_connect(path);
	if (fd >= 0)
		close(fd);
	if (fd >= 0 || fd == -EAGAIN) /* EAGAIN: alive, with a full backlog */
		return -EADDRINUSE;
	if (fd != -ECONNREFUSED)
		return fd;
	return unlink(path) == 0 || errno == ENOENT ? 0 : -errno;
}

int tg_wire_listen(const char *path)
{
	struct sockaddr_un sun;
	int fd, rc;

	rc = address(path, &sun);
	if (rc == 0)
		rc = clear_stale(path);
	if (rc != 0)
		return rc;
	fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -errno;
	/* The file gets the mode of the unbound socket, so that it never exists with a wider one.
	 */
	if (fchmod(fd, 0600) != 0 || bind(fd, (struct sockaddr *)&sun, sizeof(sun)) != 0) {
		rc = -errno;
		goto close_fd;
	}
	if (listen(fd, BACKLOG) != 0) {
		rc = -errno;
		goto unlink_path;
	}
	return fd;

unlink_path:
	unlink(path);
close_fd:
	close(fd);
	return rc;
}

int tg_wire_accept(int listener, uid_t uid, struct tg_wire_peer *peer)
{
	struct ucred cred = {0};
	socklen_t length = sizeof(cred);
	int fd, rc;

	fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	if (fd < 0)
		return errno == EWOULDBLOCK || errno == ECONNABORTED || errno == EINTR ? -EAGAIN
										       : -errno;
	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &length) != 0) {
		rc = -errno;
		close(fd);
		return rc;
	}
	if (peer != NULL)
		*peer = (struct tg_wire_peer){.pid = cred.pid, .uid = cred.uid, .gid = cred.gid};
	if (cred.uid != 0 && cred.uid != uid) {
		close(fd);
		return -EPERM;
	}
	return fd;
}

int tg_wire_send(int sock, const void *data, int fd)
{
	union {
		struct cmsghdr h;
		uint8_t bytes[CMSG_SPACE(sizeof(int))];
	} control = {0};
	const struct tg_msg_header *header = data;
	struct iovec iov = {.iov_base = (void *)(uintptr_t)data, .iov_len = header->length};
	struct msghdr msg = {.msg_iov = &iov, .msg_iovlen = 1};
	ssize_t n;

	if (tg_wire_check(data, header->length, fd >= 0, NULL) != 0)
		return -EINVAL;
	if (fd >= 0) {
		control.h = (struct cmsghdr){.cmsg_len = CMSG_LEN(sizeof(int)),
			.cmsg_level = SOL_SOCKET,
			.cmsg_type = SCM_RIGHTS};
		memcpy(CMSG_DATA(&control.h), &fd, sizeof(fd));
		msg.msg_control = &control;
		msg.msg_controllen = sizeof(control);
	}
	do {
		n = sendmsg(sock, &msg, MSG_NOSIGNAL | MSG_DONTWAIT);
	} while (n < 0 && errno == EINTR);
	return n < 0 ? -errno : 0;
}

/* Collects the descriptors of a record; the caller owns them. */
static unsigned int take_fds(struct msghdr *msg, int fds[FDS_MAX])
{
	unsigned int n = 0;
	size_t bytes;

	for (struct cmsghdr *c = CMSG_FIRSTHDR(msg); c != NULL; c = CMSG_NXTHDR(msg, c)) {
		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
			continue;
		bytes = c->cmsg_len - CMSG_LEN(0);
		for (size_t at = 0; at + sizeof(int) <= bytes && n < FDS_MAX; at += sizeof(int))
			memcpy(&fds[n++], CMSG_DATA(c) + at, sizeof(int));
	}
	return n;
}

int tg_wire_receive(int sock, struct tg_wire_message *message, struct tg_wire_error *error)
{
	union {
		struct cmsghdr h;
		uint8_t bytes[CMSG_SPACE(FDS_MAX * sizeof(int))];
	} control;
	struct iovec iov = {.iov_base = message->bytes, .iov_len = sizeof(message->bytes)};
	struct msghdr msg = {.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = sizeof(control)};
	struct tg_wire_error unused;
	int fds[FDS_MAX], rc;
	unsigned int n_fds;
	ssize_t n;

	if (error == NULL)
		error = &unused;
	error->text[0] = '\0';
	error->index = TG_NONE;
	message->fd = -1;
	do {
		n = recvmsg(sock, &msg, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);
	} while (n < 0 && errno == EINTR);
	if (n < 0)
		return errno == EWOULDBLOCK ? -EAGAIN : -errno;
	n_fds = take_fds(&msg, fds);
	if (n == 0) {
		rc = -ECONNRESET;
	} else if (msg.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) {
		strcpy(error->text, "a record larger than any message");
		rc = -EPROTO;
	} else {
		rc = tg_wire_check(message->bytes, (size_t)n, n_fds, error);
	}
	if (rc == 0 && n_fds != 0) {
		message->fd = fds[0];
		return 0;
	}
	while (n_fds > 0)
		close(fds[--n_fds]);
	return rc;
}
