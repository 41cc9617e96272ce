/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <linux/ethtool.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "netdev.h"
#include "netns.h"

static int ethtool(int sock, const char *ifname, void *request)
{
	struct ifreq ifr = {0};

	snprintf(ifr.ifr_name, sizeof(ifr.ifr_name), "%s", ifname);
	ifr.ifr_data = request;
	return ioctl(sock, SIOCETHTOOL, &ifr) != 0 ? -errno : 0;
}

static int get_value(int sock, const char *ifname, uint32_t command, uint32_t *out)
{
	struct ethtool_value value = {.cmd = command};
	int rc = ethtool(sock, ifname, &value);

	*out = rc == 0 ? value.data : 0; /* what a device does not know it does not do */
	return rc == -EOPNOTSUPP ? 0 : rc;
}

/* The offloads by which a packet in the kernel is not what goes over a wire. */
static const struct {
	const char *name; /* as ethtool -K has it */
	uint32_t get, set;
	uint32_t bits;
} offloads[] = {
	{"gro", ETHTOOL_GGRO, ETHTOOL_SGRO, UINT32_MAX},
	{"lro", ETHTOOL_GFLAGS, ETHTOOL_SFLAGS, ETH_FLAG_LRO},
	{"tso", ETHTOOL_GTSO, ETHTOOL_STSO, UINT32_MAX},
	{"gso", ETHTOOL_GGSO, ETHTOOL_SGSO, UINT32_MAX},
	{"tx", ETHTOOL_GTXCSUM, ETHTOOL_STXCSUM, UINT32_MAX},
};

/* -errno with the offload's index in *which when one cannot be switched off. */
static int switch_off(int sock, const char *ifname, size_t *which)
{
	struct ethtool_value value;
	uint32_t now;
	int rc = 0;

	for (size_t i = 0; i < sizeof(offloads) / sizeof(offloads[0]); i++) {
		*which = i;
		rc = get_value(sock, ifname, offloads[i].get, &now);
		if (rc != 0)
			return rc;
		if ((now & offloads[i].bits) == 0)
			continue;
		value = (struct ethtool_value){
			.cmd = offloads[i].set, .data = now & ~offloads[i].bits};
		rc = ethtool(sock, ifname, &value);
		if (rc == 0)
			rc = get_value(sock, ifname, offloads[i].get, &now);
		if (rc != 0)
			return rc;
		if ((now & offloads[i].bits) != 0)
			return -EOPNOTSUPP;
	}
	return 0;
}

static int quiet_one(const char *ifname, char *why, size_t size)
{
	size_t which = 0;
	int sock, rc;

	sock = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (sock < 0)
		return -errno;
	rc = switch_off(sock, ifname, &which);
	if (rc != 0)
		snprintf(why, size, "offload \"%s\" of %s cannot be switched off: %s",
			offloads[which].name, ifname, strerror(-rc));
	close(sock);
	return rc;
}

static bool is_veth(const char *ifname)
{
	struct ethtool_drvinfo info = {.cmd = ETHTOOL_GDRVINFO};
	int sock, rc;

	sock = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (sock < 0)
		return false;
	rc = ethtool(sock, ifname, &info);
	close(sock);
	return rc == 0 && strcmp(info.driver, "veth") == 0;
}

/* The other end, in the namespace of the calling thread. */
struct other_end {
	unsigned int ifindex;
	char *why;
	size_t size;
};

static int quiet_other(void *arg)
{
	const struct other_end *other = arg;
	char ifname[IF_NAMESIZE];

	if (if_indextoname(other->ifindex, ifname) == NULL) {
		snprintf(other->why, other->size, "the other end of the veth is gone");
		return -ENODEV;
	}
	return quiet_one(ifname, other->why, other->size);
}

static int quiet_peer(const char *ifname, char *why, size_t size)
{
	struct other_end other = {.why = why, .size = size};
	struct tg_netns_peer peer;
	int netns, rc;

	rc = tg_netns_peer(if_nametoindex(ifname), &peer);
	if (rc != 0) {
		snprintf(why, size, "the other end of veth %s cannot be found: %s", ifname,
			strerror(-rc));
		return rc;
	}
	other.ifindex = peer.ifindex;
	if (!peer.elsewhere)
		return quiet_other(&other);
	netns = tg_netns_open(peer.nsid);
	if (netns < 0) {
		snprintf(why, size,
			"the network namespace of the other end of veth %s cannot be found: run "
			"'ethtool -K DEVICE tx off gso off tso off' there, and set kernel-offloads: trust",
			ifname);
		return netns;
	}
	rc = tg_netns_call(netns, quiet_other, &other);
	close(netns);
	return rc;
}

int tg_netdev_quiet(const char *ifname, char *why, size_t size)
{
	int rc;

	snprintf(why, size, "%s", "no socket");
	if (if_nametoindex(ifname) == 0) {
		snprintf(why, size, "there is no interface %s", ifname);
		return -ENODEV;
	}
	rc = quiet_one(ifname, why, size);
	if (rc != 0 || !is_veth(ifname))
		return rc;
	return quiet_peer(ifname, why, size);
}

/* --- links --- */

/* The flags of an interface, changed by `set` and `clear` where these are not 0. */
static int change_flags(unsigned int ifindex, short set, short clear, short *out)
{
	struct ifreq ifr = {0};
	int sock, rc = 0;

	if (if_indextoname(ifindex, ifr.ifr_name) == NULL)
		return -errno;
	sock = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (sock < 0)
		return -errno;
	if (ioctl(sock, SIOCGIFFLAGS, &ifr) != 0)
		rc = -errno;
	*out = (short)((ifr.ifr_flags | set) & ~clear);
	if (rc == 0 && *out != ifr.ifr_flags) {
		ifr.ifr_flags = *out;
		rc = ioctl(sock, SIOCSIFFLAGS, &ifr) != 0 ? -errno : 0;
	}
	close(sock);
	return rc;
}

bool tg_netdev_running(unsigned int ifindex)
{
	short flags = 0;

	return change_flags(ifindex, 0, 0, &flags) == 0 && (flags & IFF_UP) &&
	       (flags & IFF_RUNNING);
}

int tg_netdev_set_up(unsigned int ifindex, bool up)
{
	short flags;

	return change_flags(ifindex, up ? IFF_UP : 0, up ? 0 : IFF_UP, &flags);
}
