/* SPDX-License-Identifier: BSD-3-Clause */
#include "packet.h"

#include <arpa/inet.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define EXTENSIONS_MAX 12
#define HEX_MAX 2048

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
	struct hex raw, options, data;
	uint8_t src[16], dst[16];
	int family;			   /* 4, 6; 0: not IP */
	uint8_t extension[EXTENSIONS_MAX]; /* protocol numbers */
	uint8_t routing_type;
	unsigned int n_extensions;
	int ttl, protocol;
	uint32_t id;
	bool fragment, more;
	uint32_t offset;
	uint16_t sport, dport;
	uint8_t tcp_flags;
	uint32_t seq, ack, tag;
	uint16_t win;
	int scale;
	uint8_t chunk, type, code;
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

static void parse_hex(struct hex *hex, const char *text)
{
	for (hex->size = 0; text[0] != '\0' && text[1] != '\0'; text += 2) {
		unsigned int byte = 0;

		if (hex->size == HEX_MAX || sscanf(text, "%2x", &byte) != 1)
			die(text, "hex");
		hex->bytes[hex->size++] = (uint8_t)byte;
	}
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
	static const char letters[] = "FSRPAU";
	uint8_t flags = 0;

	for (const char *p = word; *p != '\0'; p++) {
		const char *found = strchr(letters, *p);

		if (found == NULL)
			return false;
		flags |= (uint8_t)(1u << (found - letters));
	}
	s->tcp_flags = flags;
	return true;
}

static void parse_set(struct spec *s, const char *value)
{
	const char *colon = strchr(value, ':');

	if (colon == NULL || s->n_sets == 4)
		die(value, "set");
	s->set[s->n_sets].at = strtoul(value, NULL, 0);
	parse_hex(&s->set[s->n_sets++].hex, colon + 1);
}

static void parse_mac(struct spec *s, const char *value)
{
	unsigned int m[6];

	if (sscanf(value, "%x:%x:%x:%x:%x:%x", &m[0], &m[1], &m[2], &m[3], &m[4], &m[5]) != 6)
		die(value, "dmac");
	for (int i = 0; i < 6; i++)
		s->dmac[i] = (uint8_t)m[i];
}

static void parse_fragment(struct spec *s, const char *value)
{
	s->fragment = true;
	s->offset = (uint32_t)strtoul(value, NULL, 0);
	s->more = strchr(value, '+') != NULL;
	if (s->family == 6)
		s->extension[s->n_extensions++] = 44;
}

static bool parse_text_value(struct spec *s, const char *key, const char *value)
{
	if (strcmp(key, "raw") == 0)
		parse_hex(&s->raw, value);
	else if (strcmp(key, "opt") == 0)
		parse_hex(&s->options, value);
	else if (strcmp(key, "data") == 0)
		parse_hex(&s->data, value);
	else if (strcmp(key, "dmac") == 0)
		parse_mac(s, value);
	else if (strcmp(key, "set") == 0)
		parse_set(s, value);
	else if (strcmp(key, "frag") == 0)
		parse_fragment(s, value);
	else
		return false;
	return true;
}

static bool parse_type(struct spec *s, unsigned long n)
{
	if (s->family == 0)
		s->ethertype = (uint16_t)n;
	else
		s->type = (uint8_t)n;
	return true;
}

static bool parse_number_value(struct spec *s, const char *key, unsigned long n)
{
	if (strcmp(key, "vlan") == 0)
		s->vlan[s->n_vlans++] = (uint16_t)n;
	else if (strcmp(key, "type") == 0)
		return parse_type(s, n);
	else if (strcmp(key, "ttl") == 0)
		s->ttl = (int)n;
	else if (strcmp(key, "id") == 0)
		s->id = (uint32_t)n;
	else if (strcmp(key, "proto") == 0)
		s->protocol = (int)n;
	else if (strcmp(key, "rt") == 0) {
		s->extension[s->n_extensions++] = 43;
		s->routing_type = (uint8_t)n;
	} else if (strcmp(key, "seq") == 0)
		s->seq = (uint32_t)n;
	else if (strcmp(key, "ack") == 0)
		s->ack = (uint32_t)n;
	else if (strcmp(key, "win") == 0)
		s->win = (uint16_t)n;
	else if (strcmp(key, "ws") == 0)
		s->scale = (int)n;
	else if (strcmp(key, "chunk") == 0)
		s->chunk = (uint8_t)n;
	else if (strcmp(key, "tag") == 0)
		s->tag = (uint32_t)n;
	else if (strcmp(key, "code") == 0)
		s->code = (uint8_t)n;
	else if (strcmp(key, "icmpid") == 0)
		s->icmp_id = (uint16_t)n;
	else if (strcmp(key, "len") == 0)
		s->length = n;
	else if (strcmp(key, "cut") == 0)
		s->cut = (long)n;
	else if (strcmp(key, "l4") == 0)
		s->l4 = (long)n;
	else if (strcmp(key, "pad") == 0)
		s->pad = n;
	else if (strcmp(key, "seg") == 0)
		s->segment = (unsigned int)n;
	else
		return false;
	return true;
}

static bool parse_assignment(struct spec *s, char *word)
{
	char *value = strchr(word, '='), *end;
	unsigned long n;

	if (value == NULL)
		return false;
	*value++ = '\0';
	if (parse_text_value(s, word, value))
		return true;
	n = strtoul(value, &end, 0);
	return *end == '\0' && parse_number_value(s, word, n);
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
		{"dst", -1, 60},
		{"ah", -1, 51},
		{"hbh", -1, 256},
	};

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		if (strcmp(word, words[i].word) != 0)
			continue;
		if (words[i].protocol >= 0)
			s->protocol = words[i].protocol;
		else
			s->extension[s->n_extensions++] = (uint8_t)words[i].extension;
		return true;
	}
	return false;
}

static bool parse_ports(struct spec *s, const char *word)
{
	unsigned int sport, dport;

	if (sscanf(word, "%u>%u", &sport, &dport) != 2)
		return false;
	s->sport = (uint16_t)sport;
	s->dport = (uint16_t)dport;
	return true;
}

static void parse(struct spec *s, const char *text)
{
	char copy[1024], *rest = copy, *word;
	bool to = false;

	*s = (struct spec){
		.ttl = 64, .protocol = -1, .win = 8192, .scale = -1, .cut = -1, .l4 = -1};
	memcpy(s->dmac, "\x02\x00\x00\x00\x00\x02", 6);
	s->quoted = strstr(text, " / ");
	snprintf(copy, sizeof(copy), "%.*s",
		s->quoted != NULL ? (int)(s->quoted - text) : (int)strlen(text), text);
	while ((word = strsep(&rest, " \t\n")) != NULL) {
		if (*word == '\0')
			continue;
		if (strcmp(word, ">") == 0)
			to = true;
		else if (!parse_address(s, word, to ? s->dst : s->src) && !parse_keyword(s, word) &&
			 !parse_ports(s, word) && !parse_flags(s, word) &&
			 !parse_assignment(s, word))
			die(text, word);
	}
	if (s->quoted != NULL)
		s->quoted += 3;
}

static void put8(struct packet *p, uint8_t v)
{
	if (p->size == PACKET_MAX)
		die("packet", "too long");
	p->bytes[p->size++] = v;
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
	put16(p, s->sport);
	put16(p, s->dport);
	put32(p, s->seq);
	put32(p, s->ack);
	put8(p, s->scale >= 0 ? 0x60 : 0x50);
	put8(p, s->tcp_flags);
	put16(p, s->win);
	put32(p, 0);
	if (s->scale >= 0) {
		put8(p, 1);
		put8(p, 3);
		put8(p, 3);
		put8(p, (uint8_t)s->scale);
	}
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
	put8(p, s->chunk);
	put8(p, 0);
	put16(p, 4);
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

		parse(&quoted, s->quoted);
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

void packet_make(struct packet *packet, const char *text)
{
	struct spec s;

	parse(&s, text);
	packet->size = 0;
	packet->segment = s.segment;
	put_ethernet(packet, &s);
	put_datagram(packet, &s);
	for (unsigned int i = 0; i < s.n_sets; i++) {
		if (s.set[i].at + s.set[i].hex.size > packet->size)
			die(text, "set");
		memcpy(packet->bytes + s.set[i].at, s.set[i].hex.bytes, s.set[i].hex.size);
	}
	if (s.cut >= 0 && (size_t)s.cut < packet->size)
		packet->size = (size_t)s.cut;
	for (size_t i = 0; i < s.pad; i++)
		put8(packet, 0);
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
