/* SPDX-License-Identifier: BSD-3-Clause */
#include "conversation.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "world.h"

#define TALKS 12
#define TEXT 256
#define ADDRESS 24
#define PORTS 50000u

enum phase { SILENT, ASKED, ANSWERED, OPEN, CLOSED };

struct side {
	char address[ADDRESS];
	uint16_t port;
	uint32_t seq;	/* next */
	uint32_t heard; /* of the other side: next */
	bool fin;
};

struct talk {
	struct side side[2]; /* the one that begins is the first */
	bool tcp;
	bool inward; /* the first side is outside */
	uint8_t phase;
};

struct conversations {
	struct talk talk[TALKS];
	struct talk before; /* the one that spoke last, before it did */
	unsigned int last;
	uint32_t state;
	uint32_t begun;
	char text[TEXT];
};

static uint32_t any(struct conversations *c, uint32_t below)
{
	c->state = c->state * 1664525u + 1013904223u;
	return (uint32_t)((uint64_t)c->state * below >> 32);
}

static const char *one_of(struct conversations *c, const char *const *list, unsigned int n)
{
	return list[any(c, n)];
}

/* Somebody new. Half of what is tried is denied. */
static void begin(struct conversations *c, struct talk *t)
{
	static const char *const pods[] = {"10.1.0.1", "10.1.0.1", "10.1.0.3", "10.1.0.4"};
	static const char *const pods6[] = {"fd00:1::1", "fd00:1::1", "fd00:1::3", "fd00:1::4"};
	static const uint16_t tcp[] = {80, 80, 80, 22, 23}, udp[] = {53, 53, 514, 9};
	bool six = any(c, 3) == 0;

	*t = (struct talk){.tcp = any(c, 3) != 0, .inward = any(c, 6) == 0};
	snprintf(t->side[t->inward].address, ADDRESS, "%s",
		t->inward ? (six ? "fd00:1::2" : "10.1.0.2") : one_of(c, six ? pods6 : pods, 4));
	/* No two have the same ports and addresses: what is remembered of the first may differ. */
	snprintf(t->side[!t->inward].address, ADDRESS, six ? "2001:db8::8:%u" : "8.8.8.%u",
		1 + c->begun / PORTS % 200);
	t->side[0].port = (uint16_t)(10000 + c->begun++ % PORTS);
	t->side[1].port = t->tcp ? tcp[any(c, 5)] : udp[any(c, 4)];
	t->side[0].seq = any(c, UINT32_MAX);
	t->side[1].seq = any(c, UINT32_MAX);
}

static bool is_six(const struct talk *t)
{
	return strchr(t->side[0].address, ':') != NULL;
}

/* What makes a packet special, though not its connection. */
static void oddity(struct conversations *c, const struct talk *t, char *before, char *after)
{
	before[0] = after[0] = '\0';
	switch (any(c, 40)) {
	case 0:
		strcpy(before, "vlan=5 ");
		break;
	case 1:
		strcpy(after, is_six(t) ? "" : " opt=83070400000000000000"); /* a source route */
		break;
	case 2:
		strcpy(after, is_six(t) ? "" : " opt=94040000"); /* router alert */
		break;
	case 3:
		strcpy(after, " ttl=1");
		break;
	case 4:
		strcpy(after, is_six(t) ? " hbh" : "");
		break;
	default:
		break;
	}
}

static void say(struct conversations *c, const struct talk *t, unsigned int from, const char *what)
{
	const struct side *a = &t->side[from], *b = &t->side[!from];
	char before[32], after[64];

	oddity(c, t, before, after);
	snprintf(c->text, TEXT, "%s%s > %s%s %s %u>%u %s", before, a->address, b->address, after,
		t->tcp ? "tcp" : "udp", a->port, b->port, what);
}

static void segment(struct conversations *c, struct talk *t, unsigned int from, const char *flags,
	uint32_t seq, uint32_t length)
{
	char what[96];

	if (strchr(flags, 'A') != NULL)
		snprintf(what, sizeof(what), "%s seq=%u ack=%u win=60000 len=%u", flags, seq,
			t->side[from].heard, length);
	else
		snprintf(what, sizeof(what), "%s seq=%u win=60000", flags, seq);
	say(c, t, from, what);
}

/* New numbers, which the other side hears if it gets them. */
static void send_new(struct conversations *c, struct talk *t, unsigned int from, const char *flags,
	uint32_t length)
{
	struct side *a = &t->side[from];
	bool counts = strpbrk(flags, "SF") != NULL;

	segment(c, t, from, flags, a->seq, length);
	a->seq += length + counts;
	t->side[!from].heard = a->seq;
}

static void speak_open(struct conversations *c, struct talk *t)
{
	unsigned int from = any(c, 2);
	struct side *a = &t->side[from];
	uint32_t length = any(c, 1400);

	if (a->fin) {
		/* what it sends after its end is for nobody, unless it is an acknowledgement */
		segment(c, t, from, "A", a->seq, any(c, 8) == 0 && t->side[!from].fin ? 10 : 0);
		if (t->side[!from].fin && any(c, 12) == 0)
			t->phase = CLOSED;
		return;
	}
	switch (any(c, 60)) {
	case 0:
		send_new(c, t, from, "FA", 0);
		a->fin = true;
		break;
	case 1:
		segment(c, t, from, "R", a->seq, 0);
		t->phase = CLOSED;
		break;
	case 2: /* again */
		segment(c, t, from, "A", a->seq - any(c, 200), 0);
		break;
	default:
		send_new(c, t, from, any(c, 2) ? "A" : "PA", length);
		break;
	}
}

static unsigned int speak_tcp(struct conversations *c, struct talk *t)
{
	unsigned int from = 0;

	switch (t->phase) {
	case SILENT:
		send_new(c, t, 0, "S", 0);
		t->phase = ASKED;
		break;
	case ASKED:
		from = 1;
		send_new(c, t, 1, "SA", 0);
		t->phase = ANSWERED;
		break;
	case ANSWERED:
		send_new(c, t, 0, "A", 0);
		t->phase = OPEN;
		break;
	default:
		speak_open(c, t);
		/* who spoke can be seen from the text */
		from = strstr(c->text, t->side[1].address) < strstr(c->text, t->side[0].address);
		break;
	}
	return from;
}

static unsigned int speak_udp(struct conversations *c, struct talk *t)
{
	unsigned int from = t->phase == SILENT ? 0 : any(c, 2);
	char what[32];

	snprintf(what, sizeof(what), "len=%u", any(c, 1400));
	say(c, t, from, what);
	if (t->phase == SILENT)
		t->phase = OPEN;
	if (any(c, 200) == 0)
		t->phase = CLOSED;
	return from;
}

/* The same source tries the same again from another port. */
static unsigned int hammer(
	struct conversations *c, struct packet *packets, unsigned int max, unsigned int *port)
{
	bool tcp = any(c, 2), six = any(c, 3) == 0;
	unsigned int n = 1 + any(c, max);

	for (unsigned int i = 0; i < n; i++) {
		snprintf(c->text, TEXT, "%s > %s %s %u>%u %s", six ? "fd00:1::3" : "10.1.0.3",
			six ? "2001:db8::8" : "8.8.8.8", tcp ? "tcp" : "udp",
			tcp ? 1000 + any(c, 50000) : 4000, tcp ? 22 : 9,
			tcp ? (any(c, 30) == 0 ? "SA seq=1 ack=1" : "S seq=1") : "len=10");
		packet_make(&packets[i], c->text);
	}
	*port = INSIDE;
	return n;
}

/* A datagram of an open exchange in two parts. */
static unsigned int in_parts(struct conversations *c, const struct talk *t, struct packet *packets)
{
	const struct side *a = &t->side[0], *b = &t->side[1];
	unsigned int id = any(c, 60000);

	snprintf(c->text, TEXT, "%s > %s id=%u udp %u>%u frag=0+ len=1000", a->address, b->address,
		id, a->port, b->port);
	packet_make(&packets[0], c->text);
	snprintf(c->text, TEXT, "%s > %s id=%u udp frag=1008 len=100", a->address, b->address, id);
	packet_make(&packets[1], c->text);
	return 2;
}

/* Somebody on the way has not taken a packet of an open connection. */
static void complain(struct conversations *c, const struct talk *t, unsigned int from)
{
	const struct side *a = &t->side[from], *b = &t->side[!from];
	const bool six = is_six(t);

	snprintf(c->text, TEXT, "%s > %s %s / %s > %s %s %u>%u seq=%u",
		six ? "2001:db8::1" : "192.0.2.1", a->address,
		six ? "icmp6 type=2 code=0" : "icmp type=3 code=4", a->address, b->address,
		t->tcp ? "tcp" : "udp", a->port, b->port, a->seq);
}

unsigned int conversations_next(
	struct conversations *c, struct packet *packets, unsigned int max, unsigned int *port)
{
	struct talk *t;
	unsigned int from;

	c->last = any(c, TALKS);
	t = &c->talk[c->last];
	c->before = *t;
	if (any(c, 25) == 0)
		return hammer(c, packets, max, port);
	if (t->phase == CLOSED || t->side[0].address[0] == '\0')
		begin(c, t);
	if (!t->tcp && t->phase == OPEN && !is_six(t) && any(c, 30) == 0) {
		*port = t->inward ? OUTSIDE : INSIDE;
		return in_parts(c, t, packets);
	}
	if (t->phase == OPEN && any(c, 60) == 0) {
		/* about what the pod has sent, from outside */
		complain(c, t, t->inward);
		packet_make(&packets[0], c->text);
		*port = OUTSIDE;
		return 1;
	}
	from = t->tcp ? speak_tcp(c, t) : speak_udp(c, t);
	packet_make(&packets[0], c->text);
	*port = (from != 0) ^ t->inward ? OUTSIDE : INSIDE;
	return 1;
}

/* What did not arrive was not said; who cannot begin gives up. */
void conversations_heard(struct conversations *c, bool all)
{
	struct talk *t = &c->talk[c->last];

	if (all)
		return;
	*t = c->before;
	if (any(c, 4) == 0)
		t->phase = CLOSED;
}

void conversations_forget(struct conversations *c)
{
	for (unsigned int i = 0; i < TALKS; i++)
		c->talk[i].phase = CLOSED;
}

const char *conversations_last(const struct conversations *c)
{
	return c->text;
}

struct conversations *conversations_create(uint32_t seed)
{
	struct conversations *c = calloc(1, sizeof(*c));

	if (c == NULL)
		abort();
	c->state = seed;
	return c;
}

void conversations_free(struct conversations *c)
{
	free(c);
}
