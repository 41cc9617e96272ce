/* SPDX-License-Identifier: BSD-3-Clause */
/* What a port needs before EAL makes its device. */
#include <errno.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "log.h"
#include "netdev.h"
#include "ports.h"

#define FRAME_OVERHEAD 256 /* of a packet socket's frame: its header, Ethernet, two tags */
#define FRAME_DEFAULT 2048

bool tg_port_is_pci(const char *device)
{
	static const char hex[] = "0123456789abcdefABCDEF";
	size_t n = strspn(device, hex);

	/* [dddd:]bb:dd.f */
	if (n >= 4 && device[n] == ':') {
		device += n + 1;
		n = strspn(device, hex);
	}
	if (n != 2 || device[n] != ':' || strspn(device + 3, hex) != 2 || device[5] != '.')
		return false;
	return strspn(device + 6, "01234567") == 1 && (device[7] == '\0' || device[7] == ',');
}

static bool is_driver(const char *device, const char *driver)
{
	size_t length = strlen(driver);
	size_t digits = strncmp(device, driver, length) == 0 ? strcspn(device + length, ",") : 0;

	return digits != 0 && device[length] != '_';
}

static bool has_argument(const char *device, const char *key)
{
	size_t length = strlen(key);
	const char *at;

	for (at = strchr(device, ','); at != NULL; at = strchr(at + 1, ','))
		if (strncmp(at + 1, key, length) == 0 && at[1 + length] == '=')
			return true;
	return false;
}

/* The value of iface=. */
static bool interface_of(const char *device, char ifname[IF_NAMESIZE])
{
	const char *at = strstr(device, ",iface=");
	size_t length;

	if (at == NULL)
		return false;
	at += strlen(",iface=");
	length = strcspn(at, ",");
	if (length == 0 || length >= IF_NAMESIZE)
		return false;
	memcpy(ifname, at, length);
	ifname[length] = '\0';
	return true;
}

static int add_argument(char *device, const char *key, uint32_t value)
{
	size_t used = strlen(device);
	int n;

	if (has_argument(device, key))
		return 0;
	n = snprintf(device + used, TG_DEVICE_TEXT - used, ",%s=%u", key, value);
	return n < 0 || (size_t)n >= TG_DEVICE_TEXT - used ? -ENAMETOOLONG : 0;
}

/* Frames of a packet socket hold whole packets; what is longer would be cut. */
static int add_frames(char *device, uint16_t mtu)
{
	uint32_t frame = FRAME_DEFAULT;
	int rc;

	while (frame < (uint32_t)mtu + FRAME_OVERHEAD)
		frame *= 2;
	if (frame == FRAME_DEFAULT)
		return 0;
	rc = add_argument(device, "framesz", frame);
	if (rc == 0)
		rc = add_argument(device, "blocksz", frame < 4096 ? 4096 : frame);
	return rc;
}

static int quiet(const struct tg_port_spec *spec)
{
	char ifname[IF_NAMESIZE], why[256];
	int rc;

	if (!interface_of(spec->device, ifname)) {
		tg_log_err("port %s: the device has no iface=", spec->name);
		return -EINVAL;
	}
	if (spec->trust_kernel_offloads)
		return 0;
	rc = tg_netdev_quiet(ifname, why, sizeof(why));
	if (rc != 0)
		tg_log_err("port %s: %s", spec->name, why);
	return rc;
}

int tg_port_prepare(
	const struct tg_port_spec *spec, uint32_t n_workers, char device[TG_DEVICE_TEXT])
{
	bool packet = is_driver(spec->device, "net_af_packet");
	bool xdp = is_driver(spec->device, "net_af_xdp");
	int rc = 0;

	snprintf(device, TG_DEVICE_TEXT, "%s", spec->device);
	if (packet || xdp)
		rc = quiet(spec);
	if (rc != 0)
		return rc;
	if (packet && n_workers > 1)
		rc = add_argument(device, "qpairs", n_workers);
	if (packet && rc == 0)
		rc = add_frames(device, spec->mtu);
	if (xdp && n_workers > 1)
		rc = add_argument(device, "queue_count", n_workers);
	if (rc != 0)
		tg_log_err("port %s: the device string is too long", spec->name);
	return rc;
}
