/* SPDX-License-Identifier: BSD-3-Clause */
#include "batch.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "endpoint.h"
#include "json_print.h"
#include "judge.h"
#include "nearest.h"

#define ERROR_TEXT 512

struct question {
	const char *src, *dst;
	uint8_t protocol;
	uint16_t port;
};

/* Bytes of the UTF-8 character at `p` (RFC 3629), 0 when it is none. */
static size_t utf8_length(const unsigned char *p)
{
	size_t n = p[0] < 0x80 ? 1 : p[0] < 0xc2 ? 0 : p[0] < 0xe0 ? 2 : p[0] < 0xf0 ? 3 : 4;

	if (p[0] > 0xf4 || (p[0] == 0xe0 && p[1] < 0xa0) || (p[0] == 0xed && p[1] > 0x9f) ||
		(p[0] == 0xf0 && p[1] < 0x90) || (p[0] == 0xf4 && p[1] > 0x8f))
		return 0;
	for (size_t i = 1; i < n; i++)
		if ((p[i] & 0xc0) != 0x80)
			return 0;
	return n;
}

/* Error texts quote the question: its bytes, perhaps cut short, must not spoil the answer. */
static void make_utf8(char *text)
{
	for (unsigned char *p = (unsigned char *)text; *p != '\0';) {
		size_t n = utf8_length(p);

		if (n == 0)
			*p = '?';
		p += n != 0 ? n : 1;
	}
}

static cJSON *answer_error(const char *why)
{
	cJSON *tree = cJSON_CreateObject();
	char text[ERROR_TEXT + 8];

	snprintf(text, sizeof(text), "%s", why);
	make_utf8(text);
	if (tree != NULL && cJSON_AddStringToObject(tree, "error", text) != NULL)
		return tree;
	cJSON_Delete(tree);
	return NULL;
}

static bool whole_number(const cJSON *item, double max)
{
	return cJSON_IsNumber(item) && item->valuedouble >= 0 && item->valuedouble <= max &&
	       floor(item->valuedouble) == item->valuedouble;
}

static int read_string(const cJSON *tree, const char *key, const char **out, char *error)
{
	const cJSON *item = cJSON_GetObjectItemCaseSensitive(tree, key);

	if (!cJSON_IsString(item)) {
		snprintf(error, ERROR_TEXT, "%s: %s", key,
			item == NULL ? "missing" : "must be a string");
		return -EINVAL;
	}
	*out = item->valuestring;
	return 0;
}

static int read_protocol(const cJSON *tree, struct question *out, char *error)
{
	const cJSON *item = cJSON_GetObjectItemCaseSensitive(tree, "proto");
	int protocol = -EINVAL;

	if (cJSON_IsString(item))
		protocol = tg_protocol_of_text(item->valuestring);
	else if (whole_number(item, 255))
		protocol = item->valueint;
	if (protocol < 0) {
		snprintf(error, ERROR_TEXT,
			item == NULL ? "proto: missing"
				     : "proto: must be TCP, UDP, SCTP, ICMP, ICMPv6 or 0-255");
		return -EINVAL;
	}
	out->protocol = (uint8_t)protocol;
	return 0;
}

static int read_port(const cJSON *tree, struct question *out, char *error)
{
	const cJSON *item = cJSON_GetObjectItemCaseSensitive(tree, "dport");
	bool has_ports = tg_protocol_has_ports(out->protocol);

	if (item == NULL || cJSON_IsNull(item)) {
		if (!has_ports)
			return 0;
		snprintf(error, ERROR_TEXT, "dport: missing");
		return -EINVAL;
	}
	if (!whole_number(item, 65535) || (has_ports && item->valueint == 0)) {
		snprintf(error, ERROR_TEXT, "dport: must be an integer from 1 to 65535");
		return -EINVAL;
	}
	out->port = has_ports ? (uint16_t)item->valueint : 0;
	return 0;
}

/* Which of two values was meant nobody knows. */
static int refuse_twice(const cJSON *tree, char *error)
{
	static const char *const keys[] = {"src", "dst", "proto", "dport"};
	const cJSON *item;

	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		unsigned int n = 0;

		cJSON_ArrayForEach(item, tree) n += strcmp(item->string, keys[i]) == 0;
		if (n > 1) {
			snprintf(error, ERROR_TEXT, "%s: set twice", keys[i]);
			return -EINVAL;
		}
	}
	return 0;
}

static int read_question(const cJSON *tree, struct question *out, char *error)
{
	int rc;

	if (!cJSON_IsObject(tree)) {
		snprintf(error, ERROR_TEXT, "must be a JSON object");
		return -EINVAL;
	}
	rc = refuse_twice(tree, error);
	if (rc == 0)
		rc = read_string(tree, "src", &out->src, error);
	if (rc == 0)
		rc = read_string(tree, "dst", &out->dst, error);
	if (rc == 0)
		rc = read_protocol(tree, out, error);
	return rc == 0 ? read_port(tree, out, error) : rc;
}

static cJSON *answer_self(void)
{
	static const char text[] = "{\"verdict\":\"allow\",\"reason\":\"self\","
				   "\"egress\":{\"verdict\":\"allow\",\"rule\":null},"
				   "\"ingress\":{\"verdict\":\"allow\",\"rule\":null}}";

	return cJSON_Parse(text);
}

/* Says so when the two families of a pair of pods are judged differently. */
static bool add_families(cJSON *tree, const struct tg_addr_pair *pairs, unsigned int n,
	const struct tg_judgement *judgements)
{
	cJSON *families;

	if (n < 2 ||
		tg_action_passes(judgements[0].action) == tg_action_passes(judgements[1].action))
		return true;
	families = cJSON_AddObjectToObject(tree, "families");
	for (unsigned int i = 0; i < n && families != NULL; i++)
		if (cJSON_AddStringToObject(families, pairs[i].src.family == 4 ? "IPv4" : "IPv6",
			    tg_action_passes(judgements[i].action) ? "allow" : "deny") == NULL)
			return false;
	return families != NULL;
}

/* Names all policies that isolate, which the image's text may cut short. */
static bool add_isolating(cJSON *tree, const struct tg_offline *offline,
	const struct tg_endpoint *src, const struct tg_endpoint *dst)
{
	for (unsigned int dir = 0; dir < TG_DIRECTION_COUNT; dir++) {
		const struct tg_pod *pod = dir == TG_EGRESS ? src->pod : dst->pod;
		cJSON *side = cJSON_GetObjectItemCaseSensitive(tree, tg_direction_label(dir));

		if (pod != NULL && !tg_isolating_json(offline->roster, offline->cluster->strings,
					   pod, (enum tg_direction)dir, side))
			return false;
	}
	return true;
}

static cJSON *judge(const struct tg_offline *offline, const struct question *question,
	const struct tg_endpoint *src, const struct tg_endpoint *dst)
{
	struct tg_addr_pair pairs[2];
	struct tg_judgement judgements[2];
	unsigned int n = tg_endpoint_pairs(src, dst, pairs);
	cJSON *tree;

	if (n == 0)
		return answer_error("src and dst have no address family in common");
	for (unsigned int i = 0; i < n; i++) {
		struct tg_question one = {
			.src = pairs[i].src,
			.dst = pairs[i].dst,
			.zone = offline->options.home.zone,
			.protocol = question->protocol,
			.port = question->port,
		};

		tg_judge(&offline->image, &one, &judgements[i]);
	}
	tree = tg_judgement_json(&judgements[0]);
	if (tree == NULL || (add_families(tree, pairs, n, judgements) &&
				    add_isolating(tree, offline, src, dst)))
		return tree;
	cJSON_Delete(tree);
	return NULL;
}

static cJSON *answer_question(const struct tg_offline *offline, const struct question *question)
{
	struct tg_endpoint src, dst;
	char error[ERROR_TEXT], where[ERROR_TEXT + 8];
	const char *side = "src";
	int rc = tg_endpoint_find(offline, question->src, &src, error, sizeof(error));

	if (rc == 0) {
		side = "dst";
		rc = tg_endpoint_find(offline, question->dst, &dst, error, sizeof(error));
	}
	if (rc != 0) {
		snprintf(where, sizeof(where), "%s: %s", side, error);
		return answer_error(where);
	}
	return tg_endpoint_same(&src, &dst) ? answer_self() : judge(offline, question, &src, &dst);
}

/* One line, without its line end, to one answer; NULL when memory is out. */
static cJSON *answer_line(const struct tg_offline *offline, char *line, size_t length)
{
	struct question question = {0};
	char error[ERROR_TEXT];
	cJSON *tree, *answer;

	/* cJSON would stop at the NUL and take what stands before it for the whole. */
	if (length > TG_BATCH_LINE_MAX)
		return answer_error("the line is too long");
	if (memchr(line, '\0', length) != NULL)
		return answer_error("not valid JSON: a NUL byte");
	tree = cJSON_ParseWithOpts(line, NULL, 1);
	if (tree == NULL)
		return answer_error("not valid JSON");
	if (read_question(tree, &question, error) == 0)
		answer = answer_question(offline, &question);
	else
		answer = answer_error(error);
	cJSON_Delete(tree);
	return answer;
}

static int print_answer(struct tg_cli *cli, cJSON *answer)
{
	if (answer == NULL)
		return -ENOMEM;
	tg_json_print_line(cli->out, answer);
	cJSON_Delete(answer);
	return fflush(cli->out) != 0 ? -errno : 0;
}

/*
 * Reads a line into `line` (TG_BATCH_LINE_MAX + 2 bytes), NUL-terminated, without its line end. Of
 * a longer line the rest is read and dropped, and *length is above the limit. False at the end.
 */
static bool read_line(FILE *in, char *line, size_t *length)
{
	int c = getc_unlocked(in);

	*length = 0;
	if (c == EOF)
		return false;
	for (; c != EOF && c != '\n'; c = getc_unlocked(in)) {
		if (*length <= TG_BATCH_LINE_MAX)
			line[(*length)++] = (char)c;
	}
	if (*length > 0 && *length <= TG_BATCH_LINE_MAX && line[*length - 1] == '\r')
		(*length)--;
	line[*length] = '\0';
	return true;
}

int tg_batch(const struct tg_offline *offline, struct tg_cli *cli)
{
	char *line = malloc(TG_BATCH_LINE_MAX + 2);
	size_t length;
	int rc = 0;

	if (line == NULL)
		return tg_cli_fail(cli, offline->command, "out of memory");
	while (rc == 0 && read_line(cli->in, line, &length))
		rc = print_answer(cli, answer_line(offline, line, length));
	free(line);
	if (rc != 0)
		return tg_cli_fail(cli, offline->command, "%s", strerror(-rc));
	if (ferror(cli->in))
		return tg_cli_fail(cli, offline->command, "reading questions: %s", strerror(errno));
	return TG_EXIT_OK;
}
