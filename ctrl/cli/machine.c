/* SPDX-License-Identifier: BSD-3-Clause */
#include "machine.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PATH_ROOM 1024

/* The first line of a small file, without its line end; false when there is none. */
__attribute__((format(printf, 3, 4))) static bool read_line(
	char *buf, size_t size, const char *fmt, ...)
{
	char path[PATH_ROOM];
	va_list ap;
	FILE *file;
	bool ok;

	va_start(ap, fmt);
	vsnprintf(path, sizeof(path), fmt, ap);
	va_end(ap);
	file = fopen(path, "re");
	if (file == NULL)
		return false;
	ok = fgets(buf, (int)size, file) != NULL;
	fclose(file);
	if (ok)
		buf[strcspn(buf, "\n")] = '\0';
	return ok;
}

static bool is_pci_address(const char *text)
{
	unsigned int domain, bus, slot, function;
	int used = 0;

	return sscanf(text, "%4x:%2x:%2x.%1x%n", &domain, &bus, &slot, &function, &used) == 4 &&
	       text[used] == '\0' && strlen(text) == 12;
}

static const char *last_component(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash != NULL ? slash + 1 : path;
}

/* The name of what a link in sysfs leads to. */
static bool link_name(const char *path, char *buf, size_t size)
{
	char target[PATH_ROOM];
	ssize_t n = readlink(path, target, sizeof(target) - 1);

	if (n < 0)
		return false;
	target[n] = '\0';
	snprintf(buf, size, "%.31s", last_component(target));
	return true;
}

static bool is_ethernet_class(const char *root, const char *pci)
{
	char text[32];

	return read_line(text, sizeof(text), "%s/sys/bus/pci/devices/%s/class", root, pci) &&
	       strncmp(text, "0x0200", 6) == 0;
}

static bool first_entry(const char *path, char *buf, size_t size)
{
	DIR *dir = opendir(path);
	struct dirent *entry;
	bool found = false;

	if (dir == NULL)
		return false;
	while (!found && (entry = readdir(dir)) != NULL)
		if (entry->d_name[0] != '.') {
			snprintf(buf, size, "%.31s", entry->d_name);
			found = true;
		}
	closedir(dir);
	return found;
}

/* The kernel's interface of a PCI device; virtio has it one level below. */
static void find_interface(const char *root, struct tg_machine_port *port)
{
	char path[PATH_ROOM];
	struct dirent *entry;
	DIR *dir;

	snprintf(path, sizeof(path), "%s/sys/bus/pci/devices/%s/net", root, port->pci);
	if (first_entry(path, port->interface, sizeof(port->interface)))
		return;
	snprintf(path, sizeof(path), "%s/sys/bus/pci/devices/%s", root, port->pci);
	dir = opendir(path);
	while (dir != NULL && port->interface[0] == '\0' && (entry = readdir(dir)) != NULL) {
		if (strncmp(entry->d_name, "virtio", 6) != 0)
			continue;
		snprintf(path, sizeof(path), "%s/sys/bus/pci/devices/%s/%.60s/net", root, port->pci,
			entry->d_name);
		first_entry(path, port->interface, sizeof(port->interface));
	}
	if (dir != NULL)
		closedir(dir);
}

static void add_port(struct tg_machine *out, const char *root, const char *pci)
{
	struct tg_machine_port *port = &out->ports[out->n_ports];
	char path[PATH_ROOM], text[32];

	if (out->n_ports == TG_MACHINE_PORTS)
		return;
	*port = (struct tg_machine_port){.mtu = 1500};
	snprintf(port->pci, sizeof(port->pci), "%.15s", pci);
	snprintf(path, sizeof(path), "%s/sys/bus/pci/devices/%s/driver", root, pci);
	link_name(path, port->driver, sizeof(port->driver));
	find_interface(root, port);
	if (port->interface[0] != '\0' &&
		read_line(text, sizeof(text), "%s/sys/class/net/%s/mtu", root, port->interface))
		port->mtu = (unsigned int)strtoul(text, NULL, 10);
	out->n_ports++;
}

static int compare_ports(const void *a, const void *b)
{
	return strcmp(
		((const struct tg_machine_port *)a)->pci, ((const struct tg_machine_port *)b)->pci);
}

static void find_ports(const char *root, struct tg_machine *out)
{
	char path[PATH_ROOM];
	struct dirent *entry;
	DIR *dir;

	snprintf(path, sizeof(path), "%s/sys/bus/pci/devices", root);
	dir = opendir(path);
	while (dir != NULL && (entry = readdir(dir)) != NULL)
		if (is_pci_address(entry->d_name) && is_ethernet_class(root, entry->d_name))
			add_port(out, root, entry->d_name);
	if (dir != NULL)
		closedir(dir);
	qsort(out->ports, out->n_ports, sizeof(out->ports[0]), compare_ports);
}

static struct tg_machine_port *port_of(struct tg_machine *machine, const char *interface)
{
	for (size_t i = 0; i < machine->n_ports; i++)
		if (strcmp(machine->ports[i].interface, interface) == 0)
			return &machine->ports[i];
	return NULL;
}

/* RFC 1918 and RFC 6598: where pods live in every cluster that we know of. */
static bool is_private(uint32_t addr)
{
	return addr >> 24 == 10 || addr >> 20 == 0xac1 || addr >> 16 == 0xc0a8 ||
	       addr >> 22 == 0x191; /* 100.64.0.0/10 */
}

static void add_range(struct tg_machine *machine, uint32_t addr, uint32_t mask)
{
	char text[INET_ADDRSTRLEN];
	struct in_addr in = {.s_addr = htonl(addr)};

	if (machine->n_ranges == TG_MACHINE_RANGES ||
		inet_ntop(AF_INET, &in, text, sizeof(text)) == NULL)
		return;
	snprintf(machine->ranges[machine->n_ranges++], sizeof(machine->ranges[0]), "%s/%d", text,
		__builtin_popcount(mask));
}

/* One line of /proc/net/route: addresses are hexadecimal in the machine's byte order. */
static void take_route(struct tg_machine *machine, const char *line)
{
	unsigned int destination, gateway, flags, mask;
	char interface[32];
	struct tg_machine_port *port;

	if (sscanf(line, "%31s %x %x %x %*s %*s %*s %x", interface, &destination, &gateway, &flags,
		    &mask) != 5)
		return;
	port = port_of(machine, interface);
	if (mask == 0 && port != NULL)
		port->default_route = true;
	else if (mask != 0 && port == NULL && is_private(ntohl(destination)))
		add_range(machine, ntohl(destination), ntohl(mask));
}

static void find_routes(const char *root, struct tg_machine *out)
{
	char path[PATH_ROOM], line[512];
	FILE *file;

	snprintf(path, sizeof(path), "%s/proc/net/route", root);
	file = fopen(path, "re");
	if (file == NULL)
		return;
	while (fgets(line, sizeof(line), file) != NULL)
		take_route(out, line);
	fclose(file);
}

static void find_huge_pages(const char *root, struct tg_machine *out)
{
	char path[PATH_ROOM], text[32];
	struct dirent *entry;
	unsigned long kib;
	DIR *dir;

	snprintf(path, sizeof(path), "%s/sys/kernel/mm/hugepages", root);
	dir = opendir(path);
	while (dir != NULL && (entry = readdir(dir)) != NULL)
		if (sscanf(entry->d_name, "hugepages-%lukB", &kib) == 1 &&
			read_line(text, sizeof(text), "%s/%.60s/nr_hugepages", path, entry->d_name))
			out->huge_mib += kib * strtoul(text, NULL, 10) / 1024;
	if (dir != NULL)
		closedir(dir);
}

void tg_machine_inspect(const char *root, struct tg_machine *out)
{
	long cpus = sysconf(_SC_NPROCESSORS_ONLN);

	*out = (struct tg_machine){.cpus = cpus > 0 ? (unsigned int)cpus : 1};
	find_ports(root, out);
	find_routes(root, out);
	find_huge_pages(root, out);
}
