/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdio.h>

#include "profile.h"

/* One of /sys/bus/pci/devices/ADDRESS/{vendor,device}: "0x15b3" without 0x. */
static bool read_id(const char *address, const char *what, char text[8])
{
	char path[256], line[32];
	FILE *file;
	bool ok;

	snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/%s", address, what);
	file = fopen(path, "re");
	if (file == NULL)
		return false;
	ok = fgets(line, sizeof(line), file) != NULL && sscanf(line, "0x%4s", text) == 1;
	fclose(file);
	return ok;
}

const char *tg_nic_device(const char *address, char text[TG_NIC_DEVICE_TEXT])
{
	char vendor[8], device[8];

	if (!read_id(address, "vendor", vendor) || !read_id(address, "device", device))
		return NULL;
	snprintf(text, TG_NIC_DEVICE_TEXT, "%s:%s", vendor, device);
	return text;
}
