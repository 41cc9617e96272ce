/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <getopt.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "assertions.h"
#include "endpoint.h"
#include "judge.h"
#include "report.h"

#define SHOWN_PAIRS 10 /* of those that fail, in a message */
#define MESSAGE_MAX 16384

struct arguments {
	struct tg_offline_request request;
	const char *file;
	enum tg_report_format format;
};

/* One assertion being run. */
struct trial {
	const struct tg_offline *offline;
	const struct tg_assertion *assertion;
	size_t pairs, failed;
	char message[MESSAGE_MAX];
	size_t used;
};

static int parse_options(struct arguments *args, struct tg_cli *cli, int argc, char **argv)
{
	static const struct option longs[] = {
		TG_OFFLINE_OPTIONS,
		{"junit", no_argument, NULL, 'j'},
		{0},
	};
	int c;

	while ((c = getopt_long(argc, argv, TG_OFFLINE_LETTERS, longs, NULL)) != -1)
		switch (c) {
		case 'j':
			args->format = TG_REPORT_JUNIT;
			break;
		case 'o':
			if (tg_report_parse(optarg, &args->format) != 0)
				return tg_cli_fail(cli, argv[0],
					"-o: '%s' is none of tap, junit, json", optarg);
			break;
		default:
			if (!tg_offline_option(&args->request, c, optarg))
				return tg_cli_bad_option(cli, c, argv);
		}
	if (argc - optind != 2)
		return tg_cli_bad_usage(cli, argv[0], "DIR ASSERTIONS.yaml");
	args->request.dir = argv[optind];
	args->file = argv[optind + 1];
	return TG_EXIT_OK;
}

__attribute__((format(printf, 2, 3))) static void complain(
	struct trial *trial, const char *fmt, ...)
{
	size_t room = sizeof(trial->message) - trial->used;
	va_list ap;
	int n;

	if (trial->failed++ >= SHOWN_PAIRS)
		return;
	if (trial->used != 0 && room > 1) {
		trial->message[trial->used++] = '\n';
		room--;
	}
	va_start(ap, fmt);
	n = vsnprintf(trial->message + trial->used, room, fmt, ap);
	va_end(ap);
	trial->used += n > 0 && (size_t)n < room ? (size_t)n : room - 1;
}

static void judge_addresses(struct trial *trial, const struct tg_endpoint *src,
	const struct tg_endpoint *dst, const struct tg_addr_pair *pair)
{
	const struct tg_assertion *it = trial->assertion;
	struct tg_question question = {
		.src = pair->src,
		.dst = pair->dst,
		.zone = trial->offline->options.home.zone,
		.protocol = it->protocol,
		.port = it->port,
	};
	struct tg_judgement judgement;
	char egress[TG_RULE_NAME], ingress[TG_RULE_NAME];
	bool passes;

	tg_judge(&trial->offline->image, &question, &judgement);
	passes = tg_action_passes(judgement.action);
	if (passes == it->allow)
		return;
	complain(trial, "%s -> %s%s is %s: egress %s (%s), ingress %s (%s)", src->text, dst->text,
		pair->src.family == 6 ? " over IPv6" : "", passes ? "allowed" : "denied",
		tg_action_label(judgement.side[TG_EGRESS].action),
		tg_side_rule_name(&judgement.side[TG_EGRESS], egress),
		tg_action_label(judgement.side[TG_INGRESS].action),
		tg_side_rule_name(&judgement.side[TG_INGRESS], ingress));
}

static void judge_pair(
	struct trial *trial, const struct tg_endpoint *src, const struct tg_endpoint *dst)
{
	struct tg_addr_pair pairs[2];
	unsigned int n;

	trial->pairs++;
	if (tg_endpoint_same(src, dst)) {
		if (!trial->assertion->allow)
			complain(trial, "%s is the same as %s: always allowed", src->text,
				dst->text);
		return;
	}
	n = tg_endpoint_pairs(src, dst, pairs);
	if (n == 0)
		complain(trial, "%s and %s have no address family in common", src->text, dst->text);
	for (unsigned int i = 0; i < n; i++)
		judge_addresses(trial, src, dst, &pairs[i]);
}

static bool in_set(const struct tg_assertion_end *end, const struct tg_pod *pod)
{
	return !pod->host_network && !pod->finished &&
	       (end->ns == UINT32_MAX || end->ns == pod->ns) &&
	       tg_selector_matches(&end->selector, &pod->labels);
}

/*
 * The ends that one side of an assertion means: index runs over all pods for a set, and is 0 for a
 * single end. 1: filled; 0: this pod is not in the set; -errno: cannot be judged, said in `error`.
 */
static int take_end(const struct trial *trial, const struct tg_assertion_end *end, size_t index,
	struct tg_endpoint *out, char *error, size_t error_size)
{
	const struct tg_pod *pod;
	int rc;

	if (end->text != NULL) {
		rc = tg_endpoint_find(trial->offline, end->text, out, error, error_size);
		return rc != 0 ? rc : 1;
	}
	pod = trial->offline->cluster->pods[index];
	if (!in_set(end, pod))
		return 0;
	rc = tg_endpoint_of_pod(trial->offline, pod, out, error, error_size);
	return rc != 0 ? rc : 1;
}

static size_t end_count(const struct trial *trial, const struct tg_assertion_end *end)
{
	return end->text != NULL ? 1 : trial->offline->cluster->n_pods;
}

static void run_against(struct trial *trial, const struct tg_endpoint *src)
{
	const struct tg_assertion *it = trial->assertion;
	bool sets = it->from.text == NULL || it->to.text == NULL;
	struct tg_endpoint dst;
	char error[640];

	for (size_t i = 0; i < end_count(trial, &it->to); i++) {
		int rc = take_end(trial, &it->to, i, &dst, error, sizeof(error));

		if (rc < 0)
			complain(trial, "to: %s", error);
		if (rc > 0 && !(sets && src->named != NULL && src->named == dst.named))
			judge_pair(trial, src, &dst);
	}
}

static void run_trial(struct trial *trial)
{
	const struct tg_assertion *it = trial->assertion;
	struct tg_endpoint src;
	char error[640];

	for (size_t i = 0; i < end_count(trial, &it->from); i++) {
		int rc = take_end(trial, &it->from, i, &src, error, sizeof(error));

		if (rc < 0)
			complain(trial, "from: %s", error);
		if (rc > 0)
			run_against(trial, &src);
	}
	if (trial->pairs == 0 && trial->failed == 0)
		complain(trial, "no pair of pods matches: nothing was tested");
}

static int run_one(struct trial *trial, struct tg_arena *arena, struct tg_result *out)
{
	const char *message = NULL;

	trial->pairs = trial->failed = trial->used = 0;
	trial->message[0] = '\0';
	run_trial(trial);
	if (trial->failed > SHOWN_PAIRS)
		message = tg_arena_printf(
			arena, "%s\nand %zu more", trial->message, trial->failed - SHOWN_PAIRS);
	else if (trial->failed != 0)
		message = tg_arena_strdup(arena, trial->message);
	*out = (struct tg_result){
		.name = trial->assertion->name,
		.line = trial->assertion->line,
		.passed = trial->failed == 0,
		.pairs = trial->pairs,
		.message = message,
	};
	return trial->failed != 0 && message == NULL ? -ENOMEM : 0;
}

static int run_all(const struct tg_offline *offline, struct tg_cli *cli,
	const struct arguments *args, const struct tg_assertions *assertions,
	struct tg_arena *arena)
{
	struct tg_result *results = tg_arena_calloc(arena, assertions->n, sizeof(*results));
	struct trial *trial = tg_arena_calloc(arena, 1, sizeof(*trial));
	int rc = results != NULL && trial != NULL ? 0 : -ENOMEM;
	bool failed = false;

	for (size_t i = 0; i < assertions->n && rc == 0; i++) {
		trial->offline = offline;
		trial->assertion = &assertions->v[i];
		rc = run_one(trial, arena, &results[i]);
		failed |= rc == 0 && !results[i].passed;
	}
	if (rc == 0)
		rc = tg_report_print(cli->out, args->format, args->file, results, assertions->n);
	if (rc != 0)
		return tg_cli_fail(cli, "test", "out of memory");
	return failed ? TG_EXIT_NEGATIVE : TG_EXIT_OK;
}

/* The whole file, to be freed; NULL with errno. */
static char *read_file(const char *name, size_t *size)
{
	FILE *file = fopen(name, "re");
	char *text = NULL, *grown;
	size_t capacity = 0, n = 1;

	*size = 0;
	if (file == NULL)
		return NULL;
	while (n != 0 && *size <= TG_ASSERTIONS_SIZE_MAX) {
		capacity = capacity != 0 ? capacity * 2 : 65536;
		grown = realloc(text, capacity);
		if (grown == NULL) {
			free(text);
			fclose(file);
			errno = ENOMEM;
			return NULL;
		}
		text = grown;
		n = fread(text + *size, 1, capacity - *size, file);
		*size += n;
		if (*size < capacity)
			break;
	}
	if (ferror(file) || *size > TG_ASSERTIONS_SIZE_MAX) {
		if (!ferror(file))
			errno = EFBIG;
		free(text);
		text = NULL;
	}
	fclose(file);
	return text;
}

static int report_problems(struct tg_cli *cli, const char *file, const struct tg_reader *reader)
{
	for (size_t i = 0; i < reader->problems.n; i++)
		fprintf(cli->err, "%s:%u: %s\n", file, reader->problems.v[i].line,
			reader->problems.v[i].text);
	if (reader->dropped != 0)
		fprintf(cli->err, "%s: and %zu more\n", file, reader->dropped);
	return tg_cli_fail(cli, "test", "%s is no valid assertion file", file);
}

static int test_file(struct tg_offline *offline, struct tg_cli *cli, const struct arguments *args)
{
	struct tg_arena *arena = tg_arena_create(0);
	struct tg_assertions assertions;
	struct tg_reader reader;
	int code = TG_EXIT_USAGE, rc;
	size_t size;
	char *text;

	if (arena == NULL)
		return tg_cli_fail(cli, "test", "out of memory");
	tg_reader_init(&reader, arena);
	text = read_file(args->file, &size);
	if (text == NULL) {
		tg_cli_fail(cli, "test", "%s: %s", args->file, strerror(errno));
		goto free_reader;
	}
	rc = tg_assertions_read(
		text, size, tg_store_strings(offline->store), arena, &reader, &assertions);
	if (rc == -EINVAL)
		code = report_problems(cli, args->file, &reader);
	else if (rc != 0)
		code = tg_cli_fail(cli, "test", "out of memory");
	else
		code = run_all(offline, cli, args, &assertions, arena);
	free(text);
free_reader:
	tg_reader_free(&reader);
	tg_arena_free(arena);
	return code;
}

static int run(struct tg_cli *cli, int argc, char **argv)
{
	struct arguments args = {.request = {.command = "test", .standins = true}};
	struct tg_offline offline = {0};
	int code = parse_options(&args, cli, argc, argv);

	if (code == TG_EXIT_OK)
		code = tg_offline_open(&offline, cli, &args.request);
	if (code == TG_EXIT_OK)
		code = test_file(&offline, cli, &args);
	tg_offline_close(&offline);
	return code;
}

const struct tg_command tg_command_test = {
	.name = "test",
	.summary = "hold a set of allow/deny expectations against the policies",
	.help = "usage: tidegate test [OPTION]... DIR ASSERTIONS.yaml\n"
		"\n"
		"Judges every assertion by the manifests in DIR and reports those that do not hold,\n"
		"with the pairs that are judged otherwise and the rules that decided.\n"
		"\n"
		"  assertions:\n"
		"  - name: web reaches the api         # optional\n"
		"    from: shop/web-0                  # a pod, an address, or a set of pods\n"
		"    to: {namespace: shop, selector: \"app=api,tier in (be, fe)\"}\n"
		"    port: 8080                        # destination port\n"
		"    protocol: TCP                     # the default; ICMP or a number need no port\n"
		"    expect: allow                     # or deny\n"
		"\n"
		"A set is all pods of the namespace (of every namespace without `namespace`) that the\n"
		"selector matches (all without `selector`), hostNetwork and finished pods aside. An\n"
		"assertion about sets must hold for each pair of different pods, and there must be\n"
		"at least one. Dual-stack ends must meet it in both families.\n"
		"\n"
		"options:\n" TG_OFFLINE_HELP
		"  -o, --output tap|junit|json  what to print (default tap)\n"
		"      --junit                the same as -o junit\n"
		"\n"
		"example:\n"
		"  tidegate test manifests expectations.yaml\n"
		"\n"
		"exit codes: 0 all hold; 1 some do not; 2 usage, or input that is refused\n",
	.run = run,
};
