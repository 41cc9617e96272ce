/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "wire.h"

static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__,
	"messages and images are little-endian and read in place");

/* How long a message of a type is and what comes with it; what is not listed is unknown. */
struct shape {
	size_t size;	 /* exact, or of the part before the entries */
	size_t n_at;	 /* offset of n_entries; 0: no entries */
	uint32_t n_min;	 /* of entries */
	uint8_t fds_min; /* descriptors */
	uint8_t fds_max;
};

static const struct shape shapes[] = {
	[TG_MSG_HELLO] = {.size = sizeof(struct tg_msg_hello)},
	[TG_MSG_STATE] = {.size = sizeof(struct tg_msg_state), .fds_max = 1},
	[TG_MSG_STATE_GET] = {.size = sizeof(struct tg_msg_header)},
	[TG_MSG_RULESET] = {.size = sizeof(struct tg_msg_ruleset),
		.n_at = offsetof(struct tg_msg_ruleset, n_entries),
		.fds_min = 1,
		.fds_max = 1},
	[TG_MSG_CLASSMAP] = {.size = sizeof(struct tg_msg_classmap),
		.n_at = offsetof(struct tg_msg_classmap, n_entries),
		.n_min = 1},
	[TG_MSG_ACK] = {.size = sizeof(struct tg_msg_ack)},
	[TG_MSG_NAK] = {.size = sizeof(struct tg_msg_nak)},
	[TG_MSG_EVENT_STATE] = {.size = sizeof(struct tg_msg_state)},
	[TG_MSG_OFFLOAD_GET] = {.size = sizeof(struct tg_msg_offload_get)},
	[TG_MSG_OFFLOAD_REPORT] = {.size = sizeof(struct tg_msg_offload_report),
		.fds_min = 1,
		.fds_max = 1},
};

int tg_wire_refuse(struct tg_wire_error *error, int err, uint32_t index, const char *fmt, ...)
{
	va_list args;

	if (error == NULL)
		return err;
	error->index = index;
	va_start(args, fmt);
	vsnprintf(error->text, sizeof(error->text), fmt, args);
	va_end(args);
	return err;
}

static int check_entry(const struct tg_classmap_entry *e, uint32_t i, struct tg_wire_error *error)
{
	static const uint8_t zero[12];

	if (e->family != 4 && e->family != 6)
		return tg_wire_refuse(
			error, -EINVAL, i, "entry %u: family %u, expected 4 or 6", i, e->family);
	if (e->family == 4 && memcmp(e->addr + 4, zero, sizeof(zero)) != 0)
		return tg_wire_refuse(
			error, -EINVAL, i, "entry %u: bytes after an IPv4 address", i);
	if (e->reserved != 0)
		return tg_wire_refuse(error, -EINVAL, i, "entry %u: reserved field is not zero", i);
	return 0;
}

static int check_entries(
	const struct tg_classmap_entry *entries, uint32_t n, struct tg_wire_error *error)
{
	int rc;

	for (uint32_t i = 0; i < n; i++) {
		rc = check_entry(&entries[i], i, error);
		if (rc != 0)
			return rc;
	}
	return 0;
}

static bool terminated(const char *text, size_t size)
{
	return memchr(text, '\0', size) != NULL;
}

static int check_hello(const struct tg_msg_hello *m, struct tg_wire_error *error)
{
	if (m->role != TG_ROLE_READER && m->role != TG_ROLE_WRITER)
		return tg_wire_refuse(error, -EINVAL, TG_NONE, "HELLO: unknown role %u", m->role);
	if (!terminated(m->name, sizeof(m->name)))
		return tg_wire_refuse(error, -EINVAL, TG_NONE, "HELLO: name is not terminated");
	return 0;
}

static int check_state(const struct tg_msg_state *m, struct tg_wire_error *error)
{
	if (m->reserved != 0)
		return tg_wire_refuse(error, -EINVAL, TG_NONE, "STATE: reserved field is not zero");
	if (m->h.type == TG_MSG_EVENT_STATE && m->h.txn != 0)
		return tg_wire_refuse(error, -EINVAL, TG_NONE, "EVENT_STATE: has a transaction");
	return 0;
}

static int check_ruleset(const struct tg_msg_ruleset *m, struct tg_wire_error *error)
{
	if (m->reserved != 0)
		return tg_wire_refuse(
			error, -EINVAL, TG_NONE, "RULESET: reserved field is not zero");
	if (m->generation == 0)
		return tg_wire_refuse(error, -EINVAL, TG_NONE, "RULESET: generation 0 means none");
	if (m->size < sizeof(struct tg_image_header) || m->size > TG_IMAGE_MAX_SIZE)
		return tg_wire_refuse(error, -EINVAL, TG_NONE, "RULESET: an image of %llu bytes",
			(unsigned long long)m->size);
	return check_entries(m->entries, m->n_entries, error);
}

static int check_classmap(const struct tg_msg_classmap *m, struct tg_wire_error *error)
{
	if (m->reserved != 0)
		return tg_wire_refuse(
			error, -EINVAL, TG_NONE, "CLASSMAP: reserved field is not zero");
	return check_entries(m->entries, m->n_entries, error);
}

static int check_ack(const struct tg_msg_ack *m, struct tg_wire_error *error)
{
	if (m->reserved != 0)
		return tg_wire_refuse(error, -EINVAL, TG_NONE, "ACK: reserved field is not zero");
	return 0;
}

static int check_nak(const struct tg_msg_nak *m, struct tg_wire_error *error)
{
	if (m->error == 0)
		return tg_wire_refuse(error, -EINVAL, TG_NONE, "NAK: without an error");
	if (!terminated(m->reason, sizeof(m->reason)))
		return tg_wire_refuse(error, -EINVAL, TG_NONE, "NAK: reason is not terminated");
	return 0;
}

static int check_offload_get(const struct tg_msg_offload_get *m, struct tg_wire_error *error)
{
	static const uint8_t zero[16];
	size_t used = m->family == 6 ? 16 : m->family; /* bytes of an address */

	if (m->reserved != 0 || (m->flags & ~(TG_OFFLOAD_GET_RULES | TG_OFFLOAD_GET_LEFT)) != 0)
		return tg_wire_refuse(
			error, -EINVAL, TG_NONE, "OFFLOAD_GET: reserved field is not zero");
	if (m->limit > TG_HW_LIMIT)
		return tg_wire_refuse(
			error, -EINVAL, TG_NONE, "OFFLOAD_GET: more than %u entries", TG_HW_LIMIT);
	if (m->family != 0 && m->family != 4 && m->family != 6)
		return tg_wire_refuse(error, -EINVAL, TG_NONE,
			"OFFLOAD_GET: family %u, expected 0, 4 or 6", m->family);
	if (memcmp(m->src + used, zero, sizeof(zero) - used) != 0 ||
		memcmp(m->dst + used, zero, sizeof(zero) - used) != 0)
		return tg_wire_refuse(
			error, -EINVAL, TG_NONE, "OFFLOAD_GET: bytes after an address");
	return 0;
}

static int check_offload_report(const struct tg_msg_offload_report *m, struct tg_wire_error *error)
{
	if (m->size < sizeof(struct tg_hw_report) || m->size > TG_HW_SIZE_MAX)
		return tg_wire_refuse(error, -EINVAL, TG_NONE,
			"OFFLOAD_REPORT: a file of %llu bytes", (unsigned long long)m->size);
	return 0;
}

static int check_body(const struct tg_msg_header *h, struct tg_wire_error *error)
{
	switch (h->type) {
	case TG_MSG_HELLO:
		return check_hello((const struct tg_msg_hello *)h, error);
	case TG_MSG_STATE:
	case TG_MSG_EVENT_STATE:
		return check_state((const struct tg_msg_state *)h, error);
	case TG_MSG_RULESET:
		return check_ruleset((const struct tg_msg_ruleset *)h, error);
	case TG_MSG_CLASSMAP:
		return check_classmap((const struct tg_msg_classmap *)h, error);
	case TG_MSG_ACK:
		return check_ack((const struct tg_msg_ack *)h, error);
	case TG_MSG_NAK:
		return check_nak((const struct tg_msg_nak *)h, error);
	case TG_MSG_OFFLOAD_GET:
		return check_offload_get((const struct tg_msg_offload_get *)h, error);
	case TG_MSG_OFFLOAD_REPORT:
		return check_offload_report((const struct tg_msg_offload_report *)h, error);
	default:
		return 0;
	}
}

static int check_header(const struct tg_msg_header *h, size_t size, struct tg_wire_error *error)
{
	if (size < sizeof(*h) || size > TG_MSG_MAX)
		return tg_wire_refuse(error, -EPROTO, TG_NONE, "a record of %zu bytes", size);
	if (h->magic != TG_PROTO_MAGIC)
		return tg_wire_refuse(error, -EPROTO, TG_NONE, "bad magic 0x%08x", h->magic);
	if (h->length != size)
		return tg_wire_refuse(error, -EPROTO, TG_NONE, "length %u in a record of %zu bytes",
			h->length, size);
	if (h->reserved != 0)
		return tg_wire_refuse(error, -EPROTO, TG_NONE, "reserved header field is not zero");
	return 0;
}

/* A HELLO of another major version may look different after its version fields. */
static bool foreign_hello(const struct tg_msg_header *h, size_t size)
{
	const struct tg_msg_hello *m = (const struct tg_msg_hello *)h;

	return h->type == TG_MSG_HELLO && size >= offsetof(struct tg_msg_hello, role) &&
	       m->major != TG_PROTO_MAJOR;
}

static int check_size(
	const struct shape *shape, const struct tg_msg_header *h, struct tg_wire_error *error)
{
	size_t want = shape->size;
	uint32_t n;

	if (h->length < want)
		return tg_wire_refuse(error, -EINVAL, TG_NONE, "type %u: %u bytes, expected %zu",
			h->type, h->length, want);
	if (shape->n_at != 0) {
		memcpy(&n, (const uint8_t *)h + shape->n_at, sizeof(n));
		if (n < shape->n_min || n > TG_CLASSMAP_MAX)
			return tg_wire_refuse(
				error, -EINVAL, TG_NONE, "type %u: %u entries", h->type, n);
		want += n * sizeof(struct tg_classmap_entry);
	}
	if (h->length != want)
		return tg_wire_refuse(error, -EINVAL, TG_NONE, "type %u: %u bytes, expected %zu",
			h->type, h->length, want);
	return 0;
}

int tg_wire_check(const void *data, size_t size, unsigned int n_fds, struct tg_wire_error *error)
{
	const struct tg_msg_header *h = data;
	const struct shape *shape;
	int rc;

	rc = check_header(h, size, error);
	if (rc != 0)
		return rc;
	if (h->type == 0 || h->type >= sizeof(shapes) / sizeof(shapes[0]))
		return tg_wire_refuse(
			error, -EOPNOTSUPP, TG_NONE, "unknown message type %u", h->type);
	if (foreign_hello(h, size))
		return tg_wire_refuse(error, -EPROTONOSUPPORT, TG_NONE,
			"protocol major %u, this side speaks %u",
			((const struct tg_msg_hello *)h)->major, TG_PROTO_MAJOR);
	shape = &shapes[h->type];
	if (n_fds < shape->fds_min || n_fds > shape->fds_max)
		return tg_wire_refuse(
			error, -EINVAL, TG_NONE, "type %u: %u descriptors", h->type, n_fds);
	rc = check_size(shape, h, error);
	if (rc != 0)
		return rc;
	return check_body(h, error);
}

void tg_wire_header(struct tg_msg_header *h, enum tg_msg_type type, size_t length, uint32_t txn)
{
	*h = (struct tg_msg_header){
		.magic = TG_PROTO_MAGIC,
		.type = (uint16_t)type,
		.length = (uint32_t)length,
		.txn = txn,
	};
}

void tg_wire_nak(
	struct tg_msg_nak *nak, uint32_t txn, uint32_t error, uint32_t index, const char *fmt, ...)
{
	va_list args;

	memset(nak, 0, sizeof(*nak));
	tg_wire_header(&nak->h, TG_MSG_NAK, sizeof(*nak), txn);
	nak->error = error;
	nak->index = index;
	va_start(args, fmt);
	vsnprintf(nak->reason, sizeof(nak->reason), fmt, args);
	va_end(args);
}
