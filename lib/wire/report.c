/* SPDX-License-Identifier: BSD-3-Clause */
/* The file of an OFFLOAD_REPORT: everything that a reader follows is looked at before. */
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "wire.h"

#define SEALS (F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE)

static int bad(struct tg_wire_error *error, uint32_t index, const char *what)
{
	return tg_wire_refuse(error, -EINVAL, index, "report: %s", what);
}

static int check_file(int fd, uint64_t size, struct tg_wire_error *error)
{
	struct stat st;
	int seals = fcntl(fd, F_GET_SEALS);

	if (seals < 0 || (seals & SEALS) != SEALS)
		return bad(error, TG_NONE, "the file is not sealed");
	if (fstat(fd, &st) != 0)
		return -errno;
	if (size < sizeof(struct tg_hw_report) || size > TG_HW_SIZE_MAX ||
		(uint64_t)st.st_size != size)
		return bad(error, TG_NONE, "the file has another size than the message says");
	return 0;
}

static int check_header(const struct tg_hw_report *h, uint64_t size, struct tg_wire_error *error)
{
	if (h->magic != TG_HW_MAGIC || h->version != TG_HW_VERSION)
		return bad(error, TG_NONE, "of another version");
	if (h->state > TG_HW_ON || h->n_ports > TG_HW_PORTS || h->n_rules > TG_HW_LIMIT ||
		h->n_left > TG_HW_LIMIT)
		return bad(error, TG_NONE, "a number is out of bounds");
	if (h->size != size || size != sizeof(*h) + h->n_ports * sizeof(struct tg_hw_port) +
					       h->n_rules * sizeof(struct tg_hw_rule) +
					       h->n_left * sizeof(struct tg_hw_left))
		return bad(error, TG_NONE, "its parts do not fill the file");
	return 0;
}

static bool known_kind(uint8_t kind)
{
	return kind == TG_HW_CONNECTION || kind == TG_HW_DENIAL || kind == TG_HW_MARK;
}

static bool terminated(const char *text, size_t size)
{
	return memchr(text, '\0', size) != NULL;
}

static bool port_texts(const struct tg_hw_port *port)
{
	bool ok = terminated(port->name, sizeof(port->name)) &&
		  terminated(port->profile, sizeof(port->profile)) &&
		  terminated(port->wire, sizeof(port->wire)) &&
		  terminated(port->placement.why, sizeof(port->placement.why));

	for (unsigned int i = 0; ok && i < TG_HW_KIND_COUNT; i++)
		ok = terminated(port->kind[i].why, sizeof(port->kind[i].why));
	return ok;
}

static bool tuple_ok(const struct tg_hw_tuple *tuple)
{
	return tuple->family == 4 || tuple->family == 6;
}

static int check_records(const struct tg_wire_report *r, struct tg_wire_error *error)
{
	const struct tg_hw_report *h = r->header;

	for (uint32_t i = 0; i < h->n_ports; i++)
		if (!port_texts(&r->ports[i]))
			return bad(error, i, "a text of a port is not terminated");
	for (uint32_t i = 0; i < h->n_rules; i++) {
		const struct tg_hw_rule *rule = &r->rules[i];

		if (!tuple_ok(&rule->tuple) || rule->port >= h->n_ports ||
			rule->peer >= h->n_ports || !known_kind(rule->kind) ||
			rule->state < TG_HW_INSTALLING || rule->state > TG_HW_DRAINING)
			return bad(error, i, "a rule is out of bounds");
	}
	for (uint32_t i = 0; i < h->n_left; i++) {
		const struct tg_hw_left *left = &r->left[i];

		if (!tuple_ok(&left->tuple) || left->port >= h->n_ports ||
			!known_kind(left->kind) || left->given > 1)
			return bad(error, i, "what has left is out of bounds");
	}
	return 0;
}

int tg_wire_report_open(
	int fd, uint64_t size, struct tg_wire_report *out, struct tg_wire_error *error)
{
	const struct tg_hw_report *h;
	int rc = check_file(fd, size, error);

	*out = (struct tg_wire_report){0};
	if (rc != 0)
		return rc;
	h = mmap(NULL, size, PROT_READ, MAP_SHARED, fd, 0);
	if (h == MAP_FAILED)
		return -errno;
	rc = check_header(h, size, error);
	if (rc == 0) {
		out->ports = (const void *)(h + 1);
		out->rules = (const void *)(out->ports + h->n_ports);
		out->left = (const void *)(out->rules + h->n_rules);
		out->header = h;
		rc = check_records(out, error);
	}
	if (rc != 0) {
		munmap((void *)(uintptr_t)h, size);
		*out = (struct tg_wire_report){0};
	}
	return rc;
}

void tg_wire_report_close(struct tg_wire_report *report)
{
	if (report->header != NULL)
		munmap((void *)(uintptr_t)report->header, report->header->size);
	*report = (struct tg_wire_report){0};
}
