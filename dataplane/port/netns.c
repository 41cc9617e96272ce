/* SPDX-License-Identifier: BSD-3-Clause */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/net_namespace.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <pthread.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "netns.h"

#define REPLY_MAX 16384
#define NAMED "/run/netns"

/* A request and its reply: large enough for all that one link says. */
struct exchange {
	union {
		struct nlmsghdr h;
		uint8_t bytes[REPLY_MAX];
	};
};

static int talk(struct exchange *x)
{
	ssize_t n = -1;
	int fd, rc = 0;

	fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
	if (fd < 0)
		return -errno;
	if (send(fd, x, x->h.nlmsg_len, 0) >= 0)
		n = recv(fd, x, sizeof(*x), 0);
	if (n < 0)
		rc = -errno;
	else if (!NLMSG_OK(&x->h, (size_t)n))
		rc = -EPROTO;
	else if (x->h.nlmsg_type == NLMSG_ERROR)
		rc = ((struct nlmsgerr *)NLMSG_DATA(&x->h))->error;
	close(fd);
	return rc;
}

static void *begin(struct exchange *x, uint16_t type, size_t size)
{
	memset(x, 0, sizeof(*x));
	x->h.nlmsg_type = type;
	x->h.nlmsg_flags = NLM_F_REQUEST;
	x->h.nlmsg_len = (uint32_t)NLMSG_LENGTH(size);
	return NLMSG_DATA(&x->h);
}

/* A 32-bit attribute among those that follow a fixed part of `skip` bytes. */
static bool find_u32(const struct exchange *x, size_t skip, unsigned short type, uint32_t *out)
{
	const uint8_t *at = (const uint8_t *)NLMSG_DATA(&x->h) + NLMSG_ALIGN(skip);
	const uint8_t *end = (const uint8_t *)&x->h + x->h.nlmsg_len;
	const struct rtattr *a;

	for (; at + sizeof(*a) <= end; at += RTA_ALIGN(a->rta_len)) {
		a = (const struct rtattr *)at;
		if (a->rta_len < sizeof(*a) || a->rta_len > (size_t)(end - at))
			return false;
		if (a->rta_type == type && RTA_PAYLOAD(a) == sizeof(*out)) {
			memcpy(out, RTA_DATA(a), sizeof(*out));
			return true;
		}
	}
	return false;
}

int tg_netns_peer(unsigned int ifindex, struct tg_netns_peer *out)
{
	struct ifinfomsg *link;
	struct exchange x;
	uint32_t value;
	int rc;

	link = begin(&x, RTM_GETLINK, sizeof(*link));
	link->ifi_family = AF_UNSPEC;
	link->ifi_index = (int)ifindex;
	rc = talk(&x);
	if (rc != 0)
		return rc;
	if (x.h.nlmsg_type != RTM_NEWLINK || !find_u32(&x, sizeof(*link), IFLA_LINK, &value) ||
		value == 0)
		return -ENODEV;
	out->ifindex = value;
	out->elsewhere = find_u32(&x, sizeof(*link), IFLA_LINK_NETNSID, &value);
	out->nsid = out->elsewhere ? (int)value : -1;
	return 0;
}

/* Our number for the namespace behind `fd`; -1: none. */
static int nsid_of(int fd)
{
	struct rtgenmsg *gen;
	struct rtattr *a;
	struct exchange x;
	uint32_t value;

	gen = begin(&x, RTM_GETNSID, sizeof(*gen));
	gen->rtgen_family = AF_UNSPEC;
	a = (struct rtattr *)((uint8_t *)gen + NLMSG_ALIGN(sizeof(*gen)));
	a->rta_type = NETNSA_FD;
	a->rta_len = RTA_LENGTH(sizeof(fd));
	memcpy(RTA_DATA(a), &fd, sizeof(fd));
	x.h.nlmsg_len = (uint32_t)(NLMSG_LENGTH(NLMSG_ALIGN(sizeof(*gen))) + a->rta_len);
	if (talk(&x) != 0 || !find_u32(&x, sizeof(*gen), NETNSA_NSID, &value))
		return -1;
	return (int)value;
}

/* The first of directory/NAME/suffix that is the namespace `nsid`; a descriptor or -ENOENT. */
static int search(const char *directory, const char *suffix, int nsid)
{
	struct dirent *entry;
	char path[sizeof(entry->d_name) + 32];
	int fd, found = -ENOENT;
	DIR *dir;

	dir = opendir(directory);
	if (dir == NULL)
		return -ENOENT;
	while (found < 0 && (entry = readdir(dir)) != NULL) {
		if (entry->d_name[0] == '.')
			continue;
		snprintf(path, sizeof(path), "%s/%s%s", directory, entry->d_name, suffix);
		fd = open(path, O_RDONLY | O_CLOEXEC);
		if (fd < 0)
			continue;
		if (nsid_of(fd) == nsid)
			found = fd;
		else
			close(fd);
	}
	closedir(dir);
	return found;
}

int tg_netns_open(int nsid)
{
	int fd = search(NAMED, "", nsid);

	return fd >= 0 ? fd : search("/proc", "/ns/net", nsid);
}

struct call {
	int netns;
	int (*run)(void *arg);
	void *arg;
	int rc;
};

/* A thread's namespace is its own: the process stays where it is. */
static void *call_there(void *arg)
{
	struct call *call = arg;

	call->rc = setns(call->netns, CLONE_NEWNET) != 0 ? -errno : call->run(call->arg);
	return NULL;
}

int tg_netns_call(int netns, int (*run)(void *arg), void *arg)
{
	struct call call = {.netns = netns, .run = run, .arg = arg};
	pthread_t thread;
	int rc;

	rc = pthread_create(&thread, NULL, call_there, &call);
	if (rc != 0)
		return -rc;
	pthread_join(thread, NULL);
	return call.rc;
}
