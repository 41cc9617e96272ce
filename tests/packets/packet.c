/* SPDX-License-Identifier: BSD-3-Clause */
#include "packet.h"

#include <arpa/inet.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define EXTENSIONS_MAX 128
#define HEX_MAX 2048
#define TCP_OPTIONS_MAX 40

struct hex {
	uint8_t bytes[HEX_MAX];
	size_t size;
};

/* What the words say, before it is written down. */
struct spec {
	uint16_t vlan[3];
	unsigned int n_vlans;
	uint16_t ethertype;
	uint8_t dmac[6];
	struct hex raw, options, data, tcp_options, chunks;
	uint8_t src[16], dst[16];
	int family;			   /* 4, 6; 0: not IP */
	uint8_t extension[EXTENSIONS_MAX]; /* protocol numbers */
	uint8_t routing_type;
	unsigned int n_extensions;
	uint8_t ttl;
	int protocol;
	uint32_t id;
	bool fragment, more;
	uint32_t offset;
	uint16_t sport, dport;
	uint16_t tcp_flags; /* with the lowest reserved bit */
	uint32_t seq, ack, tag;
	uint16_t win;
	uint8_t data_offset; /* in words; 0: what is true */
	uint8_t type, code;
	uint16_t icmp_id;
	size_t length;
	const char *quoted;
	struct {
		size_t at;
		struct hex hex;
	} set[4];
	unsigned int n_sets;
	long cut, l4;
	size_t pad;
	unsigned int segment;
};

static void die(const char *text, const char *word)
{
	fprintf(stderr, "packet \"%s\": what is \"%s\"?\n", text, word);
	abort();
}

static bool hex_add(struct hex *hex, const uint8_t *bytes, size_t n)
{
	if (hex->size + n > HEX_MAX)
		return false;
	for (size_t i = 0; i < n; i++)
		hex->bytes[hex->size++] = bytes[i];
	return true;
}

static bool parse_hex(struct hex *hex, const char *text)
{
	for (hex->size = 0; *text != '\0'; text += 2) {
		unsigned int byte;
		int used = 0;

		if (hex->size == HEX_MAX || sscanf(text, "%2x%n", &byte, &used) != 1 || used != 2)
			return false;
		hex->bytes[hex->size++] = (uint8_t)byte;
	}
	return true;
}

/* A number in C's notation, up to and including `end`; what follows it, or NULL. */
static const char *parse_number(const char *text, unsigned long max, char end, unsigned long *out)
{
	char *rest;

	if (*text < '0' || *text > '9')
		return NULL;
	*out = strtoul(text, &rest, 0);
	if (*out > max || (*rest != end && *rest != '\0'))
		return NULL;
	return *rest == '\0' ? rest : rest + 1;
}

static bool parse_address(struct spec *s, const char *word, uint8_t *out)
{
	if (strchr(word, ':') != NULL && inet_pton(AF_INET6, word, out) == 1)
		s->family = 6;
	else if (strchr(word, '.') != NULL && inet_pton(AF_INET, word, out) == 1)
		s->family = 4;
	else
		return false;
	return true;
}

static bool parse_flags(struct spec *s, const char *word)
{
	static const char letters[] = "FSRPAUECN";
	uint16_t flags = 0;

	for (const char *p = word; *p != '\0'; p++) {
		const char *found = strchr(letters, *p);

		if (found == NULL)
			return false;
		flags |= (uint16_t)(1u << (found - letters));
	}
	s->tcp_flags = flags;
	return true;
}

static bool add_extension(struct spec *s, uint8_t protocol)
{
	if (s->n_extensions == EXTENSIONS_MAX)
		return false;
	s->extension[s->n_extensions++] = protocol;
	return true;
}

static bool add_extensions(struct spec *s, uint8_t protocol, unsigned long n)
{
	while (n-- > 0) {
		if (!add_extension(s, protocol))
			return false;
	}
	return true;
}

static bool parse_set(struct spec *s, const char *value)
{
	unsigned long at;
	const char *hex = parse_number(value, PACKET_MAX, ':', &at);

	if (hex == NULL || s->n_sets == 4)
		return false;
	s->set[s->n_sets].at = at;
	return parse_hex(&s->set[s->n_sets++].hex, hex);
}

static bool parse_mac(struct spec *s, const char *value)
{
	unsigned int m[6];

	if (sscanf(value, "%x:%x:%x:%x:%x:%x", &m[0], &m[1], &m[2], &m[3], &m[4], &m[5]) != 6)
		return false;
	for (int i = 0; i < 6; i++)
		s->dmac[i] = (uint8_t)m[i];
	return true;
}

static bool parse_fragment(struct spec *s, const char *value)
{
	unsigned long offset;
	const char *rest = parse_number(value, 65528, '+', &offset);

	if (rest == NULL || *rest != '\0' || offset % 8 != 0)
		return false;
	s->fragment = true;
	s->offset = (uint32_t)offset;
	s->more = rest[-1] == '+';
	return s->family != 6 || add_extension(s, 44);
}

/* A TCP option, after as many NOPs as keep its numbers aligned. */
static bool tcp_option(struct spec *s, uint8_t kind, const uint8_t *value, size_t n)
{
	static const uint8_t nops[] = {1, 1, 1};
	const uint8_t head[] = {kind, (uint8_t)(n + 2)};

	return hex_add(&s->tcp_options, nops, (6 - n % 4) % 4) &&
	       hex_add(&s->tcp_options, head, 2) && hex_add(&s->tcp_options, value, n) &&
	       s->tcp_options.size <= TCP_OPTIONS_MAX;
}

static void big32(uint8_t out[4], unsigned long n)
{
	for (int i = 0; i < 4; i++)
		out[i] = (uint8_t)(n >> (24 - 8 * i));
}

/* sack=L-R,L-R (RFC 2018) and ts=VALUE:ECHO (RFC 7323). */
static bool parse_number_pairs(struct spec *s, uint8_t kind, const char *value, char between)
{
	uint8_t bytes[32];
	size_t n = 0;

	do {
		unsigned long first, second;

		value = parse_number(value, UINT32_MAX, between, &first);
		if (value == NULL || n == sizeof(bytes))
			return false;
		value = parse_number(value, UINT32_MAX, ',', &second);
		if (value == NULL)
			return false;
		big32(bytes + n, first);
		big32(bytes + n + 4, second);
		n += 8;
	} while (*value != '\0');
	return tcp_option(s, kind, bytes, n);
}

static bool parse_fast_open(struct spec *s, const char *value)
{
	struct hex cookie;

	return parse_hex(&cookie, value) && tcp_option(s, 34, cookie.bytes, cookie.size);
}

static bool parse_small_option(struct spec *s, const char *key, const char *value, bool *ok)
{
	const bool wide = strcmp(key, "mss") == 0;
	unsigned long n = 0;
	const char *rest;
	uint8_t bytes[2];

	if (!wide && strcmp(key, "ws") != 0)
		return false;
	rest = parse_number(value, wide ? 65535 : 255, '\0', &n);
	bytes[0] = (uint8_t)(wide ? n >> 8 : n);
	bytes[1] = (uint8_t)n;
	*ok = rest != NULL && tcp_option(s, wide ? 2 : 3, bytes, wide ? 2 : 1);
	return true;
}

/* False: no such key. */
static bool parse_text_value(struct spec *s, const char *key, const char *value, bool *ok)
{
	if (strcmp(key, "raw") == 0)
		*ok = parse_hex(&s->raw, value);
	else if (strcmp(key, "opt") == 0)
		*ok = parse_hex(&s->options, value);
	else if (strcmp(key, "data") == 0)
		*ok = parse_hex(&s->data, value);
	else if (strcmp(key, "dmac") == 0)
		*ok = parse_mac(s, value);
	else if (strcmp(key, "set") == 0)
		*ok = parse_set(s, value);
	else if (strcmp(key, "frag") == 0)
		*ok = parse_fragment(s, value);
	else if (strcmp(key, "sack") == 0)
		*ok = parse_number_pairs(s, 5, value, '-');
	else if (strcmp(key, "ts") == 0)
		*ok = parse_number_pairs(s, 8, value, ':');
	else if (strcmp(key, "tfo") == 0)
		*ok = parse_fast_open(s, value);
	else
		return parse_small_option(s, key, value, ok);
	return true;
}

/* Keys whose number goes to one place. */
static bool parse_plain_value(struct spec *s, const char *key, const char *value)
{
#define AT(field) offsetof(struct spec, field), sizeof(((struct spec *)0)->field)
	static const struct {
		const char *key;
		unsigned long max;
		size_t at, size;
	} keys[] = {
		{"ttl", UINT8_MAX, AT(ttl)},
		{"id", UINT32_MAX, AT(id)},
		{"proto", UINT8_MAX, AT(protocol)},
		{"seq", UINT32_MAX, AT(seq)},
		{"ack", UINT32_MAX, AT(ack)},
		{"win", UINT16_MAX, AT(win)},
		{"doff", 15, AT(data_offset)},
		{"tag", UINT32_MAX, AT(tag)},
		{"code", UINT8_MAX, AT(code)},
		{"icmpid", UINT16_MAX, AT(icmp_id)},
		{"len", PACKET_MAX, AT(length)},
		{"cut", PACKET_MAX, AT(cut)},
		{"l4", PACKET_MAX, AT(l4)},
		{"pad", PACKET_MAX, AT(pad)},
		{"seg", PACKET_MAX, AT(segment)},
	};
#undef AT
	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		unsigned long n;

		if (strcmp(key, keys[i].key) != 0)
			continue;
		if (parse_number(value, keys[i].max, '\0', &n) == NULL)
			return false;
		memcpy((char *)s + keys[i].at, &n, keys[i].size); /* little-endian machines */
		return true;
	}
	return false;
}

static bool add_chunk(
	struct spec *s, uint8_t type, uint8_t flags, const uint8_t *body, uint16_t size)
{
	const uint8_t head[] = {type, flags, (uint8_t)((size + 4) >> 8), (uint8_t)(size + 4)};

	return hex_add(&s->chunks, head, sizeof(head)) && hex_add(&s->chunks, body, size);
}

/* INIT and INIT ACK: tag, receiver window, streams, first TSN. */
static bool add_init(struct spec *s, uint8_t type, unsigned long tag)
{
	uint8_t body[16] = {0, 0, 0, 0, 0, 0, 0xff, 0xff, 0, 10, 0, 10, 0, 0, 0, 1};

	big32(body, tag);
	return add_chunk(s, type, 0, body, sizeof(body));
}

static bool parse_number_value(struct spec *s, const char *key, const char *value)
{
	unsigned long n;

	if (parse_plain_value(s, key, value))
		return true;
	if (parse_number(value, UINT32_MAX, '\0', &n) == NULL)
		return false;
	if (strcmp(key, "vlan") == 0 && s->n_vlans < 3)
		s->vlan[s->n_vlans++] = (uint16_t)n;
	else if (strcmp(key, "type") == 0 && s->family == 0)
		s->ethertype = (uint16_t)n;
	else if (strcmp(key, "type") == 0)
		s->type = (uint8_t)n;
	else if (strcmp(key, "rt") == 0)
		return (s->routing_type = (uint8_t)n, add_extension(s, 43));
	else if (strcmp(key, "dst") == 0)
		return add_extensions(s, 60, n);
	else if (strcmp(key, "chunk") == 0)
		return add_chunk(s, (uint8_t)n, 0, NULL, 0);
	else if (strcmp(key, "init") == 0)
		return add_init(s, 1, n);
	else if (strcmp(key, "init-ack") == 0)
		return add_init(s, 2, n);
	else
		return false;
	return true;
}

static bool parse_assignment(struct spec *s, char *word)
{
	char *value = strchr(word, '=');
	bool ok = false;

	if (value == NULL)
		return false;
	*value = '\0';
	if (!parse_text_value(s, word, value + 1, &ok))
		ok = parse_number_value(s, word, value + 1);
	*value = '=';
	return ok;
}

static bool parse_chunk(struct spec *s, const char *word)
{
	static const struct {
		const char *word;
		uint8_t type, flags, size;
	} chunks[] = {
		{"data", 0, 3, 16}, /* 12 bytes of header and 4 of payload */
		{"sack", 3, 0, 12},
		{"heartbeat", 4, 0, 8},
		{"heartbeat-ack", 5, 0, 8},
		{"abort", 6, 0, 0},
		{"abort-t", 6, 1, 0},
		{"shutdown", 7, 0, 4},
		{"shutdown-ack", 8, 0, 0},
		{"error", 9, 0, 4},
		{"cookie-echo", 10, 0, 32},
		{"cookie-ack", 11, 0, 0},
		{"shutdown-complete", 14, 0, 0},
		{"shutdown-complete-t", 14, 1, 0},
	};
	static const uint8_t body[32] = {0, 1, 0, 8, 0};

	for (size_t i = 0; i < sizeof(chunks) / sizeof(chunks[0]); i++) {
		if (strcmp(word, chunks[i].word) == 0)
			return add_chunk(s, chunks[i].type, chunks[i].flags, body, chunks[i].size);
	}
	return false;
}

static bool parse_keyword(struct spec *s, const char *word)
{
	static const struct {
		const char *word;
		int protocol, extension;
	} words[] = {
		{"tcp", 6, 0},
		{"udp", 17, 0},
		{"sctp", 132, 0},
		{"icmp", 1, 0},
		{"icmp6", 58, 0},
		{"none", 59, 0},
		{"dst", -1, 60},
		{"ah", -1, 51},
		{"hbh", -1, 0},
	};

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		if (strcmp(word, words[i].word) != 0)
			continue;
		if (words[i].protocol < 0)
			return add_extension(s, (uint8_t)words[i].extension);
		s->protocol = words[i].protocol;
		return true;
	}
	if (strcmp(word, "sackok") == 0)
		return tcp_option(s, 4, NULL, 0);
	return parse_chunk(s, word);
}

static bool parse_ports(struct spec *s, const char *word)
{
	unsigned int sport, dport;
	int used = 0;

	if (sscanf(word, "%u>%u%n", &sport, &dport, &used) != 2 || word[used] != '\0' ||
		sport > UINT16_MAX || dport > UINT16_MAX)
		return false;
	s->sport = (uint16_t)sport;
	s->dport = (uint16_t)dport;
	return true;
}

/* The first word that is not understood, in `bad`, or an empty one. */
static void parse(struct spec *s, const char *text, char *bad, size_t size)
{
	char copy[2048], *rest = copy, *word;
	bool to = false;

	*s = (struct spec){.ttl = 64, .protocol = -1, .win = 8192, .cut = -1, .l4 = -1};
	memcpy(s->dmac, "\x02\x00\x00\x00\x00\x02", 6);
	bad[0] = '\0';
	s->quoted = strstr(text, " / ");
	snprintf(copy, sizeof(copy), "%.*s",
		s->quoted != NULL ? (int)(s->quoted - text) : (int)strlen(text), text);
	while ((word = strsep(&rest, " \t\n")) != NULL && bad[0] == '\0') {
		if (*word == '\0')
			continue;
		if (strcmp(word, ">") == 0)
			to = true;
		else if (!parse_address(s, word, to ? s->dst : s->src) && !parse_keyword(s, word) &&
			 !parse_ports(s, word) && !parse_flags(s, word) &&
			 !parse_assignment(s, word))
			snprintf(bad, size, "%s", word);
	}
	if (s->quoted != NULL)
		s->quoted += 3;
}

/* Counts on beyond the end, so that the maker sees that it does not fit. */
static void put8(struct packet *p, uint8_t v)
{
	if (p->size < PACKET_MAX)
		p->bytes[p->size] = v;
	p->size++;
}

static void put16(struct packet *p, uint16_t v)
{
	put8(p, (uint8_t)(v >> 8));
	put8(p, (uint8_t)v);
}

static void put32(struct packet *p, uint32_t v)
{
	put16(p, (uint16_t)(v >> 16));
	put16(p, (uint16_t)v);
}

static void put_bytes(struct packet *p, const uint8_t *bytes, size_t n)
{
	for (size_t i = 0; i < n; i++)
		put8(p, bytes[i]);
}

static void put_ethernet(struct packet *p, const struct spec *s)
{
	static const uint8_t from[6] = {2, 0, 0, 0, 0, 1};

	put_bytes(p, s->dmac, 6);
	put_bytes(p, from, 6);
	for (unsigned int i = 0; i < s->n_vlans; i++) {
		put16(p, i + 1 < s->n_vlans ? 0x88a8 : 0x8100);
		put16(p, s->vlan[i]);
	}
	put16(p, s->family == 4 ? 0x0800 : s->family == 6 ? 0x86dd : s->ethertype);
}

static void put_payload(struct packet *p, const struct spec *s)
{
	put_bytes(p, s->data.bytes, s->data.size);
	for (size_t i = s->data.size; i < s->length; i++)
		put8(p, (uint8_t)i);
}

static void put_tcp(struct packet *p, const struct spec *s)
{
	const size_t words = 5 + s->tcp_options.size / 4;

	put16(p, s->sport);
	put16(p, s->dport);
	put32(p, s->seq);
	put32(p, s->ack);
	put16(p, (uint16_t)((s->data_offset != 0 ? s->data_offset : words) << 12 | s->tcp_flags));
	put16(p, s->win);
	put32(p, 0);
	put_bytes(p, s->tcp_options.bytes, s->tcp_options.size);
	put_payload(p, s);
}

static void put_udp(struct packet *p, const struct spec *s)
{
	size_t length = s->length > s->data.size ? s->length : s->data.size;

	put16(p, s->sport);
	put16(p, s->dport);
	put16(p, (uint16_t)(8 + length));
	put16(p, 0);
	put_payload(p, s);
}

static void put_sctp(struct packet *p, const struct spec *s)
{
	put16(p, s->sport);
	put16(p, s->dport);
	put32(p, s->tag);
	put32(p, 0);
	if (s->chunks.size == 0)
		put32(p, 4); /* a chunk of type 0 */
	put_bytes(p, s->chunks.bytes, s->chunks.size);
	put_payload(p, s);
}

static void put_datagram(struct packet *p, const struct spec *s);

static void put_icmp(struct packet *p, const struct spec *s)
{
	put8(p, s->type);
	put8(p, s->code);
	put16(p, 0);
	put16(p, s->icmp_id);
	put16(p, 1);
	if (s->quoted != NULL) {
		struct spec quoted;
		char bad[8]; /* looked for when the whole text was parsed */

		parse(&quoted, s->quoted, bad, sizeof(bad));
		put_datagram(p, &quoted);
	}
	put_payload(p, s);
}

static void put_l4(struct packet *p, const struct spec *s)
{
	if (s->fragment && s->offset != 0) {
		put_payload(p, s);
		return;
	}
	switch (s->protocol) {
	case 6:
		put_tcp(p, s);
		break;
	case 17:
		put_udp(p, s);
		break;
	case 132:
		put_sctp(p, s);
		break;
	case 1:
	case 58:
		put_icmp(p, s);
		break;
	default:
		put_payload(p, s);
		break;
	}
}

static void put_transport(struct packet *p, const struct spec *s)
{
	size_t begin = p->size;

	put_l4(p, s);
	if (s->l4 >= 0 && begin + (size_t)s->l4 < p->size)
		p->size = begin + (size_t)s->l4;
}

static void put_ip4(struct packet *p, const struct spec *s)
{
	size_t begin = p->size, total;

	put8(p, (uint8_t)(0x45 + (s->options.size + 3) / 4));
	put8(p, 0);
	put16(p, 0);
	put16(p, (uint16_t)s->id);
	put16(p, (uint16_t)(s->offset / 8 | (s->more ? 0x2000 : 0)));
	put8(p, (uint8_t)s->ttl);
	put8(p, (uint8_t)s->protocol);
	put16(p, 0);
	put_bytes(p, s->src, 4);
	put_bytes(p, s->dst, 4);
	put_bytes(p, s->options.bytes, s->options.size);
	while ((p->size - begin) % 4 != 0)
		put8(p, 0);
	put_transport(p, s);
	total = p->size - begin;
	p->bytes[begin + 2] = (uint8_t)(total >> 8);
	p->bytes[begin + 3] = (uint8_t)total;
}

static void put_extension(struct packet *p, const struct spec *s, uint8_t type, uint8_t next)
{
	put8(p, next);
	switch (type) {
	case 44:
		put8(p, 0);
		put16(p, (uint16_t)(s->offset | s->more));
		put32(p, s->id);
		return;
	case 51:
		put8(p, 4); /* 24 bytes */
		for (int i = 0; i < 22; i++)
			put8(p, 0);
		return;
	case 43:
		put8(p, 0);
		put8(p, s->routing_type);
		put8(p, 0);
		put32(p, 0);
		return;
	default: /* options: one PadN */
		put8(p, 0);
		put16(p, 0x0104);
		put32(p, 0);
		return;
	}
}

static void put_ip6(struct packet *p, const struct spec *s)
{
	size_t begin = p->size, length;

	put32(p, 0x60000000);
	put16(p, 0);
	put8(p, s->n_extensions != 0 ? s->extension[0] : (uint8_t)s->protocol);
	put8(p, (uint8_t)s->ttl);
	put_bytes(p, s->src, 16);
	put_bytes(p, s->dst, 16);
	for (unsigned int i = 0; i < s->n_extensions; i++)
		put_extension(p, s, s->extension[i],
			i + 1 < s->n_extensions ? s->extension[i + 1] : (uint8_t)s->protocol);
	put_transport(p, s);
	length = p->size - begin - 40;
	p->bytes[begin + 4] = (uint8_t)(length >> 8);
	p->bytes[begin + 5] = (uint8_t)length;
}

static void put_datagram(struct packet *p, const struct spec *s)
{
	if (s->family == 4)
		put_ip4(p, s);
	else if (s->family == 6)
		put_ip6(p, s);
	else
		put_bytes(p, s->raw.bytes, s->raw.size);
}

/* Quotations included. */
static bool understood(const struct spec *s, char *bad, size_t size)
{
	struct spec quoted;

	for (const char *text = s->quoted; text != NULL && bad[0] == '\0'; text = quoted.quoted)
		parse(&quoted, text, bad, size);
	return bad[0] == '\0';
}

static bool finish(struct packet *packet, const struct spec *s, char *bad, size_t size)
{
	for (unsigned int i = 0; i < s->n_sets; i++) {
		if (s->set[i].at + s->set[i].hex.size > packet->size) {
			snprintf(bad, size, "set=%zu", s->set[i].at);
			return false;
		}
		memcpy(packet->bytes + s->set[i].at, s->set[i].hex.bytes, s->set[i].hex.size);
	}
	if (s->cut >= 0 && (size_t)s->cut < packet->size)
		packet->size = (size_t)s->cut;
	for (size_t i = 0; i < s->pad; i++)
		put8(packet, 0);
	return true;
}

bool packet_try(struct packet *packet, const char *text, char *bad, size_t size)
{
	struct spec s;

	parse(&s, text, bad, size);
	if (bad[0] != '\0' || !understood(&s, bad, size))
		return false;
	packet->size = 0;
	packet->segment = s.segment;
	put_ethernet(packet, &s);
	put_datagram(packet, &s);
	if (packet->size <= PACKET_MAX && !finish(packet, &s, bad, size))
		return false;
	if (packet->size > PACKET_MAX)
		snprintf(bad, size, "more than %d bytes", PACKET_MAX);
	return bad[0] == '\0';
}

void packet_make(struct packet *packet, const char *text)
{
	char bad[128];

	if (!packet_try(packet, text, bad, sizeof(bad)))
		die(text, bad);
}

struct rte_mbuf *packet_mbuf(struct rte_mempool *pool, const struct packet *packet)
{
	size_t step = packet->segment != 0 ? packet->segment : packet->size, done = 0;
	struct rte_mbuf *head = NULL;

	do {
		size_t n = packet->size - done < step ? packet->size - done : step;
		struct rte_mbuf *m = rte_pktmbuf_alloc(pool);
		char *room = m != NULL ? rte_pktmbuf_append(m, (uint16_t)n) : NULL;

		if (room == NULL)
			die("packet", "no mbuf");
		memcpy(room, packet->bytes + done, n);
		done += n;
		if (head == NULL)
			head = m;
		else if (rte_pktmbuf_chain(head, m) != 0)
			die("packet", "too many segments");
	} while (done < packet->size);
	return head;
}
