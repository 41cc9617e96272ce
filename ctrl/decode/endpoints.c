/* SPDX-License-Identifier: BSD-3-Clause */
#include "endpoints.h"

#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "decoder.h"
#include "syntax.h"

#define LIST_MAX 1024 /* entries of one column */

/* A line is cut into words in place. */
struct line {
	struct decoder *d;
	char *rest; /* what follows the words taken so far */
	uint32_t number;
	bool bad;
};

static void problem(struct line *line, const char *column, const char *expected, const char *text)
{
	line->bad = true;
	tg_reader_problem_line(&line->d->reader, line->number, "%s: %s is expected, not \"%.80s\"",
		column, expected, text);
}

static char *next_word(struct line *line)
{
	char *word = line->rest + strspn(line->rest, " \t\r");
	size_t n = strcspn(word, " \t\r");

	if (n == 0 || *word == '#')
		return NULL;
	line->rest = word + n;
	if (word[n] != '\0') {
		word[n] = '\0';
		line->rest++;
	}
	return word;
}

/* The next entry of a comma-separated list; NULL at its end. */
static char *next_entry(char **list)
{
	char *entry = *list, *comma;

	if (entry == NULL)
		return NULL;
	comma = strchr(entry, ',');
	*list = comma != NULL ? comma + 1 : NULL;
	if (comma != NULL)
		*comma = '\0';
	return entry;
}

static uint32_t count_entries(struct line *line, const char *list, const char *column)
{
	uint32_t n = 1;

	for (; *list != '\0'; list++)
		n += *list == ',';
	if (n <= LIST_MAX)
		return n;
	problem(line, column, "a list of at most 1024", "a longer one");
	return 0;
}

static void read_name(struct line *line, struct tg_pod *pod)
{
	char *word = next_word(line), *slash = strchr(word, '/');

	if (slash != NULL)
		*slash = '\0';
	if (slash == NULL || !tg_is_dns_label(word) || !tg_is_dns_subdomain(slash + 1)) {
		if (slash != NULL)
			*slash = '/';
		problem(line, "column 1", "namespace/name", word);
		return;
	}
	pod->ns = decoder_string(line->d, word);
	pod->name = decoder_string(line->d, slash + 1);
}

static void read_addresses(struct line *line, struct tg_pod *pod)
{
	char *list = next_word(line), *entry;
	struct tg_addr *addrs;
	uint32_t n;

	if (list == NULL) {
		problem(line, "column 2", "a list of addresses or -", "");
		return;
	}
	n = strcmp(list, "-") != 0 ? count_entries(line, list, "column 2") : 0;
	addrs = n != 0 ? decoder_alloc(line->d, n, sizeof(*addrs)) : NULL;
	if (addrs == NULL)
		return;
	while ((entry = next_entry(&list)) != NULL) {
		if (tg_addr_parse(entry, &addrs[pod->n_addrs]) == 0)
			pod->n_addrs++;
		else
			problem(line, "column 2", "an IP address", entry);
	}
	pod->addrs = addrs;
}

static void sort_labels(struct line *line, struct tg_label *labels, uint32_t n)
{
	for (uint32_t i = 1; i < n; i++) {
		struct tg_label label = labels[i];
		uint32_t at = i;

		for (; at > 0 && labels[at - 1].key > label.key; at--)
			labels[at] = labels[at - 1];
		labels[at] = label;
		if (at > 0 && labels[at - 1].key == label.key)
			problem(line, "column 3", "each label once",
				tg_intern_text(line->d->strings, label.key));
	}
}

static void read_label(struct line *line, char *entry, struct tg_label *out)
{
	char *equals = strchr(entry, '=');

	if (equals != NULL)
		*equals = '\0';
	if (equals == NULL || !tg_is_qualified_name(entry) || !tg_is_label_value(equals + 1)) {
		if (equals != NULL)
			*equals = '=';
		problem(line, "column 3", "a label as key=value", entry);
		return;
	}
	out->key = decoder_string(line->d, entry);
	out->value = decoder_string(line->d, equals + 1);
}

static void read_labels(struct line *line, struct tg_pod *pod)
{
	char *list = next_word(line), *entry;
	struct tg_label *labels;
	uint32_t n, i = 0;

	if (list == NULL || strcmp(list, "-") == 0)
		return;
	n = count_entries(line, list, "column 3");
	labels = n != 0 ? decoder_alloc(line->d, n, sizeof(*labels)) : NULL;
	if (labels == NULL)
		return;
	while ((entry = next_entry(&list)) != NULL)
		read_label(line, entry, &labels[i++]);
	if (!line->bad)
		sort_labels(line, labels, n);
	pod->labels.v = labels;
	pod->labels.n = n;
}

static bool parse_protocol(const char *text, uint8_t *out)
{
	if (strcmp(text, "TCP") == 0)
		*out = IPPROTO_TCP;
	else if (strcmp(text, "UDP") == 0)
		*out = IPPROTO_UDP;
	else if (strcmp(text, "SCTP") == 0)
		*out = IPPROTO_SCTP;
	else
		return false;
	return true;
}

static bool parse_port(struct decoder *d, char *entry, struct tg_named_port *out)
{
	char *equals = strchr(entry, '='), *slash = strchr(entry, '/'), *end;
	unsigned long number;
	bool ok;

	if (equals == NULL || slash == NULL || slash < equals)
		return false;
	number = equals[1] >= '0' && equals[1] <= '9' ? strtoul(equals + 1, &end, 10) : 0;
	if (number < 1 || number > UINT16_MAX || end != slash)
		return false;
	*equals = '\0';
	ok = tg_is_port_name(entry) && parse_protocol(slash + 1, &out->protocol);
	if (ok)
		out->name = decoder_string(d, entry);
	*equals = '=';
	out->number = (uint16_t)number;
	return ok;
}

static void read_ports(struct line *line, char *list, struct tg_pod *pod)
{
	uint32_t n = count_entries(line, list, "column 4");
	struct tg_named_port *ports = n != 0 ? decoder_alloc(line->d, n, sizeof(*ports)) : NULL;
	char *entry;

	if (ports == NULL)
		return;
	pod->ports = ports;
	while ((entry = next_entry(&list)) != NULL)
		if (!parse_port(line->d, entry, &ports[pod->n_ports++]))
			problem(line, "column 4", "a port as name=number/protocol", entry);
}

static void read_option(struct line *line, char *word, struct tg_pod *pod)
{
	if (strncmp(word, "node=", 5) == 0 && tg_is_dns_subdomain(word + 5))
		pod->node = decoder_string(line->d, word + 5);
	else if (strncmp(word, "created=", 8) == 0 && tg_time_parse(word + 8, &pod->created_at))
		return;
	else if (strcmp(word, "host-network") == 0)
		pod->host_network = true;
	else if (strcmp(word, "finished") == 0)
		pod->finished = true;
	else if (strcmp(word, "terminating") == 0)
		pod->terminating = true;
	else
		problem(line, "column 5",
			"node=NAME, created=TIME, host-network, finished or terminating", word);
}

/* Columns 4 and 5; only the entries of column 4 have a slash. */
static void read_rest(struct line *line, struct tg_pod *pod)
{
	char *word = next_word(line);

	if (word != NULL && (strcmp(word, "-") == 0 || strchr(word, '/') != NULL)) {
		if (strcmp(word, "-") != 0)
			read_ports(line, word, pod);
		word = next_word(line);
	}
	for (; word != NULL; word = next_word(line))
		read_option(line, word, pod);
}

static void read_endpoint(struct line *line)
{
	struct decoder *d = line->d;
	struct tg_pod *pod = decoder_alloc(d, 1, sizeof(*pod));

	if (pod == NULL)
		return;
	pod->created_at = INT64_MIN;
	pod->zone = d->scope.zone;
	pod->place = (struct tg_place){.file = d->file, .line = line->number};
	read_name(line, pod);
	if (!line->bad)
		read_addresses(line, pod);
	if (!line->bad)
		read_labels(line, pod);
	if (!line->bad)
		read_rest(line, pod);
	if (pod->finished)
		pod->n_addrs = 0;
	pod->ns = decoder_scoped(d, pod->ns);
	pod->node = decoder_scoped(d, pod->node);
	if (tg_vec_push(&d->out->pods, pod) != 0)
		d->no_memory = true;
}

static bool says_nothing(const char *text)
{
	text += strspn(text, " \t\r");
	return *text == '\0' || *text == '#';
}

void decode_endpoints(struct decoder *d, const char *text, size_t size)
{
	struct line line = {.d = d};
	char *copy, *end;

	if (size > TG_ENDPOINTS_SIZE_MAX) {
		tg_reader_problem_line(
			&d->reader, 0, "larger than %u MiB", TG_ENDPOINTS_SIZE_MAX >> 20);
		return;
	}
	copy = malloc(size + 1);
	if (copy == NULL) {
		d->no_memory = true;
		return;
	}
	memcpy(copy, text, size);
	copy[size] = '\0';
	for (char *p = copy; p < copy + size && !d->no_memory; p = end + 1) {
		end = memchr(p, '\n', (size_t)(copy + size - p));
		if (end == NULL)
			end = copy + size;
		*end = '\0';
		line.number++;
		line.rest = p;
		line.bad = false;
		if (memchr(p, '\0', (size_t)(end - p)) != NULL)
			problem(&line, "line", "text", "a NUL byte");
		else if (!says_nothing(p))
			read_endpoint(&line);
	}
	free(copy);
}
