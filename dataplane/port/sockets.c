/* SPDX-License-Identifier: BSD-3-Clause */
#include <dirent.h>
#include <linux/if_packet.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "sockets.h"

static int family_of(int fd)
{
	socklen_t size = sizeof(int);
	int family;

	return getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &family, &size) == 0 ? family : -1;
}

static int ascending(const void *a, const void *b)
{
	return *(const int *)a - *(const int *)b;
}

void tg_sockets_find(int family, struct tg_sockets *found)
{
	DIR *dir = opendir("/proc/self/fd");
	struct dirent *entry;

	found->n = 0;
	if (dir == NULL)
		return;
	while ((entry = readdir(dir)) != NULL && found->n < TG_SOCKETS_MAX) {
		int fd = atoi(entry->d_name);

		if (entry->d_name[0] != '.' && family_of(fd) == family)
			found->v[found->n++] = fd;
	}
	closedir(dir);
	qsort(found->v, found->n, sizeof(found->v[0]), ascending);
}

int tg_sockets_new(const struct tg_sockets *before, const struct tg_sockets *now)
{
	for (size_t i = 0; i < now->n; i++)
		if (i >= before->n || now->v[i] != before->v[i])
			return now->v[i];
	return -1;
}

int tg_sockets_packet(unsigned int ifindex, unsigned int n)
{
	struct tg_sockets found;

	tg_sockets_find(AF_PACKET, &found);
	for (size_t i = 0; i < found.n; i++) {
		struct sockaddr_ll bound;
		socklen_t size = sizeof(bound);

		if (getsockname(found.v[i], (struct sockaddr *)&bound, &size) != 0 ||
			(unsigned int)bound.sll_ifindex != ifindex)
			continue;
		if (n-- == 0)
			return found.v[i];
	}
	return -1;
}
