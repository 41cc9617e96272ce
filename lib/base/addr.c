/* SPDX-License-Identifier: BSD-3-Clause */
#include "addr.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const uint8_t mapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

/* Dotted quad; octets of up to 3 digits after any number of zeros, always decimal. */
static int parse_v4(const char *text, uint8_t bytes[4])
{
	for (int i = 0; i < 4; i++) {
		unsigned int value = 0, digits = 0;

		for (; *text >= '0' && *text <= '9'; text++, digits++) {
			value = value * 10 + (unsigned int)(*text - '0');
			if (value > 255)
				return -EINVAL;
		}
		if (digits == 0 || *text != (i < 3 ? '.' : '\0'))
			return -EINVAL;
		bytes[i] = (uint8_t)value;
		text++;
	}
	return 0;
}

/* Without the folding of IPv4-mapped addresses. */
static int parse_plain(const char *text, struct tg_addr *out)
{
	memset(out, 0, sizeof(*out));
	if (strchr(text, ':') == NULL) {
		out->family = 4;
		return parse_v4(text, out->bytes);
	}
	out->family = 6;
	return inet_pton(AF_INET6, text, out->bytes) == 1 ? 0 : -EINVAL;
}

static bool is_mapped(const struct tg_addr *addr)
{
	return addr->family == 6 && memcmp(addr->bytes, mapped, sizeof(mapped)) == 0;
}

static void unmap(struct tg_addr *addr)
{
	memcpy(addr->bytes, addr->bytes + 12, 4);
	memset(addr->bytes + 4, 0, 12);
	addr->family = 4;
}

static void mask_host_bits(struct tg_prefix *prefix)
{
	unsigned int whole = prefix->length / 8, rest = prefix->length % 8;

	if (whole >= 16)
		return;
	prefix->addr.bytes[whole] &= (uint8_t)(0xff00u >> rest);
	memset(prefix->addr.bytes + whole + 1, 0, 16 - whole - 1);
}

int tg_addr_parse(const char *text, struct tg_addr *out)
{
	int err = parse_plain(text, out);

	if (err == 0 && is_mapped(out))
		unmap(out);
	return err;
}

int tg_prefix_parse(const char *text, struct tg_prefix *out)
{
	const char *slash = strchr(text, '/');
	char addr[INET6_ADDRSTRLEN + 32];
	unsigned long length = 0;

	memset(out, 0, sizeof(*out));
	if (slash == NULL || (size_t)(slash - text) >= sizeof(addr) || slash[1] == '\0')
		return -EINVAL;
	memcpy(addr, text, (size_t)(slash - text));
	addr[slash - text] = '\0';
	for (const char *p = slash + 1; *p != '\0'; p++) {
		if (*p < '0' || *p > '9')
			return -EINVAL;
		length = length * 10 + (unsigned long)(*p - '0');
		if (length > 128)
			return -EINVAL;
	}
	if (parse_plain(addr, &out->addr) != 0 || length > tg_family_bits(out->addr.family))
		return -EINVAL;
	if (is_mapped(&out->addr) && length >= 96) {
		unmap(&out->addr);
		length -= 96;
	}
	out->length = (uint8_t)length;
	mask_host_bits(out);
	return 0;
}

struct tg_prefix tg_prefix_host(const struct tg_addr *addr)
{
	struct tg_prefix p = {.addr = *addr, .length = (uint8_t)tg_family_bits(addr->family)};

	return p;
}

const char *tg_addr_format(const struct tg_addr *addr, char *buf)
{
	if (addr->family == 0 || inet_ntop(addr->family == 4 ? AF_INET : AF_INET6, addr->bytes, buf,
					 TG_ADDR_TEXT) == NULL)
		strcpy(buf, "-");
	return buf;
}

const char *tg_prefix_format(const struct tg_prefix *prefix, char *buf)
{
	size_t used;

	tg_addr_format(&prefix->addr, buf);
	used = strlen(buf);
	snprintf(buf + used, TG_PREFIX_TEXT - used, "/%u", prefix->length);
	return buf;
}

bool tg_prefix_contains(const struct tg_prefix *prefix, const struct tg_addr *addr)
{
	unsigned int whole = prefix->length / 8, rest = prefix->length % 8;

	if (prefix->addr.family != addr->family ||
		memcmp(prefix->addr.bytes, addr->bytes, whole) != 0)
		return false;
	return rest == 0 ||
	       ((prefix->addr.bytes[whole] ^ addr->bytes[whole]) & (uint8_t)(0xff00u >> rest)) == 0;
}

bool tg_prefix_covers(const struct tg_prefix *outer, const struct tg_prefix *inner)
{
	return outer->length <= inner->length && tg_prefix_contains(outer, &inner->addr);
}

int tg_addr_compare(const struct tg_addr *a, const struct tg_addr *b)
{
	if (a->family != b->family)
		return a->family < b->family ? -1 : 1;
	return memcmp(a->bytes, b->bytes, sizeof(a->bytes));
}

int tg_prefix_compare(const struct tg_prefix *a, const struct tg_prefix *b)
{
	int order = tg_addr_compare(&a->addr, &b->addr);

	if (order != 0)
		return order;
	return (int)a->length - (int)b->length;
}

uint32_t tg_addr_v4(const struct tg_addr *addr)
{
	uint32_t value;

	memcpy(&value, addr->bytes, sizeof(value));
	return ntohl(value);
}

struct tg_addr tg_addr_from_v4(uint32_t host_order)
{
	struct tg_addr addr = {.family = 4};
	uint32_t value = htonl(host_order);

	memcpy(addr.bytes, &value, sizeof(value));
	return addr;
}
