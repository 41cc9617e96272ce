/* SPDX-License-Identifier: BSD-3-Clause */
/* Text to scenarios. What is wrong is said with file and line, all of it. */
#include "trace_internal.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#define REPEAT_MAX 1000

struct parser {
	struct trace *trace;
	FILE *errors;
	unsigned int number; /* of the line */
	bool failed;
	bool sourced;		      /* the comment just above names where a rule comes from */
	struct trace_scenario before; /* what stands before the first scenario */
};

static void complain(struct parser *p, const char *format, ...)
{
	va_list args;

	fprintf(p->errors, "%s:%u: ", p->trace->name, p->number);
	va_start(args, format);
	vfprintf(p->errors, format, args);
	va_end(args);
	fputc('\n', p->errors);
	p->failed = true;
}

static struct trace_scenario *current(struct parser *p)
{
	struct trace *t = p->trace;

	return t->n_scenarios != 0 ? &t->scenarios[t->n_scenarios - 1] : &p->before;
}

static struct trace_line *add_line(struct trace_scenario *s)
{
	s->lines = realloc(s->lines, (s->n_lines + 1) * sizeof(*s->lines));
	s->lines[s->n_lines] = (struct trace_line){0};
	return &s->lines[s->n_lines++];
}

/* The next word of *rest, which is left behind it; an empty one at the end. */
static char *next(char **rest)
{
	char *word = *rest + strspn(*rest, " \t");

	*rest = word + strcspn(word, " \t");
	if (**rest != '\0')
		*(*rest)++ = '\0';
	*rest += strspn(*rest, " \t");
	return word;
}

static bool whole_number(const char *text, uint64_t max, uint64_t *out)
{
	char *end;

	*out = strtoull(text, &end, 10);
	return *text >= '0' && *text <= '9' && *end == '\0' && *out <= max;
}

static bool reason_of(const char *label, unsigned int *reason)
{
	for (*reason = 0; *reason < TG_DROP_COUNT; ++*reason) {
		if (strcmp(label, tg_drop_label(*reason)) == 0)
			return true;
	}
	return false;
}

/* Its time is set by the caller. */
static bool check(struct parser *p, char *rest, struct trace_line *line)
{
	static const struct {
		const char *name;
		enum trace_what what;
	} checks[] = {
		{"connections", TRACE_CONNECTIONS},
		{"half-open", TRACE_HALF_OPEN},
		{"fragments", TRACE_FRAGMENTS},
		{"created", TRACE_CREATED},
		{"evicted", TRACE_EVICTED},
		{"held", TRACE_HELD},
		{"drops", TRACE_DROPS},
	};
	const char *name = next(&rest), *word;

	for (size_t i = 0; i < sizeof(checks) / sizeof(checks[0]); i++) {
		if (strcmp(name, checks[i].name) == 0)
			line->what = checks[i].what;
	}
	if (line->what == TRACE_PACKET) {
		complain(p, "there is no \"%s\" to check", name);
		return false;
	}
	if (line->what == TRACE_DROPS && !reason_of(word = next(&rest), &line->reason)) {
		complain(p, "\"%s\" is no drop reason", word);
		return false;
	}
	if (!whole_number(next(&rest), UINT64_MAX, &line->value) || *rest != '\0') {
		complain(p, "a check ends with one number");
		return false;
	}
	return true;
}

/* `pass`, or `drop REASON`. */
static bool outcome(struct parser *p, const char *word, char **rest, unsigned int *verdict)
{
	const char *label;

	*verdict = PASSED;
	if (strcmp(word, "pass") == 0)
		return true;
	if (strcmp(word, "drop") != 0) {
		complain(p, "\"%s\" is no verdict", word);
		return false;
	}
	label = next(rest);
	if (!reason_of(label, verdict))
		complain(p, "\"%s\" is no drop reason", label);
	return *verdict != TG_DROP_COUNT;
}

static bool verdict(struct parser *p, char *rest, struct trace_line *line)
{
	const char *word = next(&rest);
	uint64_t held;

	if (strcmp(word, "hold") == 0)
		line->verdict = HELD;
	else if (!outcome(p, word, &rest, &line->verdict))
		return false;
	word = next(&rest);
	if (strcmp(word, "held") == 0) {
		if (!whole_number(next(&rest), 1000, &held)) {
			complain(p, "how many of those that were held?");
			return false;
		}
		line->held = (unsigned int)held;
		if (!outcome(p, next(&rest), &rest, &line->held_verdict))
			return false;
		word = next(&rest);
	}
	if (*word != '\0')
		complain(p, "\"%s\" after the verdict", word);
	return *word == '\0';
}

/* Can this packet be made, for every family that it is for? */
static bool makeable(struct parser *p, const char *words)
{
	static struct packet packet;
	const int only = current(p)->family;
	char text[TRACE_TEXT], why[128];

	for (int family = 4; family <= 6; family += 2) {
		const char *bad;

		if (only != 0 && only != family)
			continue;
		bad = trace_translate(words, family, text);
		if (bad == NULL && !packet_try(&packet, text, why, sizeof(why)))
			bad = why;
		if (bad != NULL) {
			complain(p, "what is \"%s\"?", bad);
			return false;
		}
	}
	return true;
}

static bool packet(struct parser *p, char *rest, struct trace_line *line)
{
	char *colon = strstr(rest, " : "), *end, word[64];

	snprintf(word, sizeof(word), "%.*s", (int)strcspn(rest, " \t"), rest);
	if (!trace_direction(word, &line->port)) {
		complain(p, "\"%s\" is not from one side to the other", word);
		return false;
	}
	if (colon == NULL) {
		complain(p, "no verdict: it stands behind \" : \"");
		return false;
	}
	for (end = colon; end > rest && (end[-1] == ' ' || end[-1] == '\t'); end--)
		;
	*end = '\0';
	if (!makeable(p, rest) || !verdict(p, colon + 3, line))
		return false;
	line->words = strdup(rest);
	return true;
}

static void event(struct parser *p, char *time, char *rest)
{
	struct trace_scenario *s = current(p);
	const uint64_t last = s->n_lines != 0 ? s->lines[s->n_lines - 1].at : 0;
	struct trace_line line = {.number = p->number};
	bool ok;

	if (!trace_ms(time + (*time == '+'), &line.at)) {
		complain(p, "what is \"%s\"?", time);
		return;
	}
	line.at += *time == '+' ? last : 0;
	if (line.at < last) {
		complain(p, "time goes back");
		return;
	}
	if (strncmp(rest, "check ", 6) == 0)
		ok = check(p, rest + 6, &line);
	else
		ok = packet(p, rest, &line);
	if (ok)
		*add_line(s) = line;
}

/* With $n as a number. */
static void substitute(char out[TRACE_TEXT], const char *text, uint64_t n)
{
	size_t used = 0;

	while (*text != '\0' && used < TRACE_TEXT - 24) {
		if (strncmp(text, "$n", 2) == 0) {
			used += (size_t)sprintf(out + used, "%llu", (unsigned long long)n);
			text += 2;
		} else {
			out[used++] = *text++;
		}
	}
	out[used] = '\0';
}

static void repeat(struct parser *p, char *rest)
{
	char copy[TRACE_TEXT], *end = copy, *time;
	uint64_t times;

	if (!whole_number(next(&rest), REPEAT_MAX, &times)) {
		complain(p, "repeat how often?");
		return;
	}
	for (uint64_t n = 1; n <= times && !p->failed; n++) {
		substitute(copy, rest, n);
		end = copy;
		time = next(&end);
		event(p, time, end);
	}
}

static void allow(struct parser *p, char *rest)
{
	static const struct {
		const char *name;
		uint8_t number[2];
	} protocols[] = {
		{"tcp", {6}},
		{"udp", {17}},
		{"sctp", {132}},
		{"icmp", {1, 58}},
	};
	struct trace_scenario *s = current(p);
	char *direction = next(&rest), *protocol = next(&rest), *slash = strchr(protocol, '/');
	uint8_t numbers[2] = {0};
	unsigned int side;
	uint64_t port = 0, number;

	if (slash != NULL)
		*slash++ = '\0';
	for (size_t i = 0; i < sizeof(protocols) / sizeof(protocols[0]); i++) {
		if (strcmp(protocol, protocols[i].name) == 0)
			memcpy(numbers, protocols[i].number, 2);
	}
	if (whole_number(protocol, 254, &number))
		numbers[0] = (uint8_t)number;
	if (!trace_direction(direction, &side) || numbers[0] == 0 || *rest != '\0' ||
		(slash != NULL && (!whole_number(slash, 65534, &port) || port == 0)) ||
		s->n_allows + 2 > TRACE_ALLOWS) {
		complain(p, "allow FROM>TO PROTOCOL or PROTOCOL/PORT, at most %d", TRACE_ALLOWS);
		return;
	}
	for (unsigned int i = 0; i < 2 && numbers[i] != 0; i++)
		s->allow[s->n_allows++] =
			(struct ruleset_allow){side != INSIDE, numbers[i], (uint16_t)port};
}

static void family(struct parser *p, const char *rest)
{
	current(p)->family = strcmp(rest, "4") == 0 ? 4 : strcmp(rest, "6") == 0 ? 6 : -1;
	if (current(p)->family < 0)
		complain(p, "a family is 4 or 6");
}

static void set(struct parser *p, char *rest)
{
	const char *key = next(&rest), *value = next(&rest);

	if (*rest != '\0' || !trace_set(current(p), key, value))
		complain(p, "no such setting: %s %s", key, value);
}

static void heading(struct parser *p, const char *name, bool sourced)
{
	struct trace *t = p->trace;
	struct trace_scenario *s;

	if (*name == '\0')
		complain(p, "a scenario has a name");
	if (!sourced)
		complain(p,
			"no source: the comment above a scenario names an RFC or a file of docs/");
	t->scenarios = realloc(t->scenarios, (t->n_scenarios + 1) * sizeof(*t->scenarios));
	s = &t->scenarios[t->n_scenarios++];
	*s = p->before;
	s->number = p->number;
	s->name = strdup(name);
	s->lines = NULL;
	s->n_lines = 0;
	for (unsigned int i = 0; i < p->before.n_lines; i++) {
		struct trace_line *line = add_line(s);

		*line = p->before.lines[i];
		line->words = line->words != NULL ? strdup(line->words) : NULL;
	}
}

static void statement(struct parser *p, char *text)
{
	const bool sourced = p->sourced;
	char *rest = text, *word;

	p->sourced = false;
	word = next(&rest);
	if (strcmp(word, "scenario") == 0)
		heading(p, rest, sourced);
	else if (strcmp(word, "allow") == 0)
		allow(p, rest);
	else if (strcmp(word, "family") == 0)
		family(p, rest);
	else if (strcmp(word, "set") == 0)
		set(p, rest);
	else if (strcmp(word, "repeat") == 0)
		repeat(p, rest);
	else
		event(p, word, rest);
}

static void parse_line(struct parser *p, const char *text, size_t length)
{
	char copy[TRACE_TEXT], *comment, *end;

	if (length >= TRACE_TEXT / 2) {
		complain(p, "a line of more than %d characters", TRACE_TEXT / 2);
		return;
	}
	memcpy(copy, text, length);
	copy[length] = '\0';
	comment = strchr(copy, '#');
	if (comment != NULL) {
		if (strstr(comment, "RFC ") != NULL || strstr(comment, "docs/") != NULL)
			p->sourced = true;
		*comment = '\0';
	}
	for (end = copy + strlen(copy); end > copy && strchr(" \t\r", end[-1]) != NULL; end--)
		end[-1] = '\0';
	if (copy[strspn(copy, " \t")] != '\0')
		statement(p, copy);
}

static void release(struct trace_scenario *s)
{
	for (unsigned int i = 0; i < s->n_lines; i++)
		free(s->lines[i].words);
	free(s->lines);
	free(s->name);
}

void trace_free(struct trace *trace)
{
	if (trace == NULL)
		return;
	for (unsigned int i = 0; i < trace->n_scenarios; i++)
		release(&trace->scenarios[i]);
	free(trace->scenarios);
	free(trace->name);
	free(trace);
}

unsigned int trace_count(const struct trace *trace)
{
	return trace->n_scenarios;
}

struct trace *trace_parse(const char *name, const char *text, FILE *errors)
{
	struct parser p = {.trace = calloc(1, sizeof(*p.trace)), .errors = errors};
	struct world defaults;

	world_defaults(&defaults);
	defaults.config.fragments_held = 64;
	p.trace->name = strdup(name);
	p.before = (struct trace_scenario){.config = defaults.config, .several_workers = true};
	while (*text != '\0') {
		size_t length = strcspn(text, "\n");

		p.number++;
		parse_line(&p, text, length);
		text += length + (text[length] != '\0');
	}
	release(&p.before);
	if (p.trace->n_scenarios == 0)
		complain(&p, "no scenario");
	if (!p.failed)
		return p.trace;
	trace_free(p.trace);
	return NULL;
}

struct trace *trace_load(const char *path, FILE *errors)
{
	struct trace *trace = NULL;
	size_t size = 0;
	char *text = NULL;
	FILE *file = fopen(path, "re");

	if (file == NULL || getdelim(&text, &size, '\0', file) < 0)
		fprintf(errors, "%s: %s\n", path, errno != 0 ? strerror(errno) : "empty");
	else
		trace = trace_parse(path, text, errors);
	free(text);
	if (file != NULL)
		fclose(file);
	return trace;
}
