/* SPDX-License-Identifier: BSD-3-Clause */
/* Names of traces: hosts, kinds of ICMP, settings. */
#include "trace_internal.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

static const struct {
	const char *name, *address[2]; /* IPv4, IPv6 */
	unsigned int port;
} hosts[] = {
	{"client", {"10.1.0.1", "fd00:1::1"}, INSIDE},
	{"neighbour", {"10.1.0.4", "fd00:1::4"}, INSIDE},
	{"server", {"8.8.8.8", "2001:db8::8"}, OUTSIDE},
	{"other", {"8.8.4.4", "2001:db8::4"}, OUTSIDE},
	{"router", {"192.0.2.1", "2001:db8::1"}, OUTSIDE},
};

static const struct {
	const char *name, *words[2];
} kinds[] = {
	{"echo", {"type=8", "type=128"}},
	{"echo-reply", {"type=0", "type=129"}},
	{"unreachable", {"type=3 code=1", "type=1 code=3"}},
	{"port-unreachable", {"type=3 code=3", "type=1 code=4"}},
	{"too-big", {"type=3 code=4", "type=2"}},
	{"time-exceeded", {"type=11", "type=3"}},
	{"parameter-problem", {"type=12", "type=4"}},
};

static const struct {
	const char *name;
	unsigned int server_port;
} protocols[] = {
	{"tcp", 80},
	{"udp", 53},
	{"sctp", 3868},
};

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static int host_of(const char *name, size_t length)
{
	for (size_t i = 0; i < COUNT(hosts); i++) {
		if (strlen(hosts[i].name) == length && memcmp(hosts[i].name, name, length) == 0)
			return (int)i;
	}
	return -1;
}

static bool ends(const char *word, int *from, int *to)
{
	const char *arrow = strchr(word, '>');

	if (arrow == NULL)
		return false;
	*from = host_of(word, (size_t)(arrow - word));
	*to = host_of(arrow + 1, strlen(arrow + 1));
	return *from >= 0 && *to >= 0 && hosts[*from].port != hosts[*to].port;
}

bool trace_direction(const char *word, unsigned int *port)
{
	int from, to;

	if (!ends(word, &from, &to))
		return false;
	*port = hosts[from].port;
	return true;
}

/* The words for one word, or NULL: unknown here. `from` is a host or -1. */
static const char *replacement(const char *word, int family, int from, char out[64])
{
	if (strcmp(word, "icmp") == 0)
		return family == 6 ? "icmp6" : "icmp";
	for (size_t i = 0; i < COUNT(kinds); i++) {
		if (strcmp(word, kinds[i].name) == 0)
			return kinds[i].words[family == 6];
	}
	for (size_t i = 0; i < COUNT(protocols); i++) {
		bool inside = hosts[from].port == INSIDE;

		if (strcmp(word, protocols[i].name) != 0)
			continue;
		snprintf(out, 64, "%s %u>%u", word, inside ? 4000 : protocols[i].server_port,
			inside ? protocols[i].server_port : 4000);
		return out;
	}
	return NULL;
}

const char *trace_translate(const char *words, int family, char out[TRACE_TEXT])
{
	static char bad[128];
	char copy[TRACE_TEXT], *rest = copy, *word, buffer[64];
	int from = -1, to = -1;
	size_t used = 0;

	snprintf(copy, sizeof(copy), "%s", words);
	while ((word = strsep(&rest, " \t")) != NULL) {
		const char *text = NULL;

		if (*word == '\0')
			continue;
		snprintf(bad, sizeof(bad), "%s", word);
		if (strcmp(word, "/") == 0) {
			from = -1;
			text = word;
		} else if (from < 0) {
			if (!ends(word, &from, &to))
				return bad;
			used += (size_t)snprintf(out + used, TRACE_TEXT - used, "%s > ",
				hosts[from].address[family == 6]);
			text = hosts[to].address[family == 6];
		} else {
			text = replacement(word, family, from, buffer);
		}
		used += (size_t)snprintf(
			out + used, TRACE_TEXT - used, "%s ", text != NULL ? text : word);
		if (used >= TRACE_TEXT / 2)
			return bad;
	}
	return NULL;
}

bool trace_ms(const char *text, uint64_t *ms)
{
	unsigned int scale = 1000;
	bool dot = false;

	*ms = 0;
	if (*text == '\0')
		return false;
	for (; *text != '\0'; text++) {
		if (*text == '.' && !dot) {
			dot = true;
			continue;
		}
		if (*text < '0' || *text > '9' || scale == 1 || *ms > 1000000000)
			return false;
		*ms = *ms * 10 + (uint64_t)(*text - '0');
		scale /= dot ? 10 : 1;
	}
	*ms *= scale;
	return true;
}

static bool set_windows(struct trace_scenario *s, const char *value)
{
	s->config.tcp_liberal = strcmp(value, "liberal") == 0;
	return s->config.tcp_liberal || strcmp(value, "strict") == 0;
}

static bool set_mtu(struct trace_scenario *s, const char *value)
{
	unsigned long mtu = strtoul(value, NULL, 10);

	for (unsigned int i = 0; i < WORLD_PORTS; i++)
		s->config.ports[i].mtu = (uint32_t)mtu;
	return mtu >= 576 && mtu <= 9600;
}

static bool set_timeout(struct trace_scenario *s, const char *state, uint64_t ms)
{
	static const char *const names[] = {
#define X(sym, key, seconds, half_open, text) key,
		TG_CONN_STATES(X)
#undef X
	};

	for (size_t i = 1; i < COUNT(names); i++) {
		if (strcmp(state, names[i]) != 0)
			continue;
		s->config.timeouts.ms[i] = (uint32_t)ms;
		return true;
	}
	return false;
}

static bool set_number(struct trace_scenario *s, const char *key, const char *value)
{
#define AT(field) offsetof(struct tg_datapath_config, field)
	static const struct {
		const char *key;
		size_t at;
		bool duration;
	} numbers[] = {
		{"pickup-window", AT(pickup_ms), true},
		{"ipv4", AT(conn4_max), false},
		{"ipv6", AT(conn6_max), false},
		{"half-open", AT(half_open_max), false},
		{"half-open-per-source", AT(half_open_per_source), false},
		{"fragments", AT(fragments_max), false},
		{"fragment-timeout", AT(fragment_timeout_ms), true},
		{"fragments-held", AT(fragments_held), false},
		{"fragment-hold", AT(fragment_hold_ms), true},
	};
#undef AT
	uint64_t ms;

	if (!trace_ms(value, &ms))
		return false;
	if (strncmp(key, "timeouts.", 9) == 0)
		return set_timeout(s, key + 9, ms);
	for (size_t i = 0; i < COUNT(numbers); i++) {
		uint32_t n = (uint32_t)(numbers[i].duration ? ms : ms / 1000);

		if (strcmp(key, numbers[i].key) != 0)
			continue;
		memcpy((char *)&s->config + numbers[i].at, &n, sizeof(n));
		return true;
	}
	return false;
}

bool trace_set(struct trace_scenario *s, const char *key, const char *value)
{
	if (strcmp(key, "tcp-windows") == 0)
		return set_windows(s, value);
	if (strcmp(key, "mtu") == 0)
		return set_mtu(s, value);
	if (strcmp(key, "workers") == 0) {
		s->several_workers = false;
		return strcmp(value, "1") == 0;
	}
	return set_number(s, key, value);
}
