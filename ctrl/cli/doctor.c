/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#include "checks.h"
#include "cli.h"
#include "json_print.h"

#define DEFAULT_CONFIG "/etc/tidegate/tidegate-ctrl.yaml"
#define TIMEOUT_MAX_S 3600

struct arguments {
	const char *config, *url;
	uint32_t timeout_s; /* 0: the default */
	bool json;
};

static int parse_options(struct arguments *args, struct tg_cli *cli, int argc, char **argv)
{
	static const struct option longs[] = {
		{"config", required_argument, NULL, 'c'},
		{"output", required_argument, NULL, 'o'},
		{"timeout", required_argument, NULL, 't'},
		{"url", required_argument, NULL, 'u'},
		{0},
	};
	int c;

	while ((c = getopt_long(argc, argv, ":c:o:", longs, NULL)) != -1)
		switch (c) {
		case 'c':
			args->config = optarg;
			break;
		case 't':
			if (tg_cli_parse_number(cli, argv[0], "--timeout", optarg, 1, TIMEOUT_MAX_S,
				    &args->timeout_s) != TG_EXIT_OK)
				return TG_EXIT_USAGE;
			break;
		case 'u':
			args->url = optarg;
			break;
		case 'o':
			if (tg_cli_parse_output(cli, argv[0], optarg, &args->json) != TG_EXIT_OK)
				return TG_EXIT_USAGE;
			break;
		default:
			return tg_cli_bad_option(cli, c, argv);
		}
	return optind == argc ? TG_EXIT_OK : tg_cli_bad_usage(cli, argv[0], "no argument");
}

/* --- print --- */

static enum tg_colour colour_of(enum tg_level level)
{
	static const enum tg_colour colours[] = {
		[TG_LEVEL_OK] = TG_GREEN,
		[TG_LEVEL_WARN] = TG_YELLOW,
		[TG_LEVEL_FAIL] = TG_RED,
		[TG_LEVEL_SKIP] = TG_DIM,
	};

	return colours[level];
}

static void print_todo(struct tg_cli *cli, const char *todo)
{
	const char *mark = "->";

	while (*todo != '\0') {
		const size_t n = strcspn(todo, "\n");

		fprintf(cli->out, "      %s %.*s\n", mark, (int)n, todo);
		todo += n + (todo[n] == '\n');
		mark = "  ";
	}
}

static void print_finding(struct tg_cli *cli, const struct tg_finding *finding)
{
	static const char *const words[] = {
		[TG_LEVEL_OK] = "OK  ",
		[TG_LEVEL_WARN] = "WARN",
		[TG_LEVEL_FAIL] = "FAIL",
		[TG_LEVEL_SKIP] = "SKIP",
	};

	fprintf(cli->out, "%s%s%s  %s%s%s: %s\n", tg_colour_on(cli, colour_of(finding->level)),
		words[finding->level], tg_colour_off(cli), finding->cluster,
		finding->cluster[0] != '\0' ? " " : "gateway ", finding->check, finding->found);
	if (finding->todo != NULL)
		print_todo(cli, finding->todo);
}

static void count(const struct tg_findings *findings, size_t n[TG_LEVEL_COUNT])
{
	for (size_t i = 0; i < findings->list.n; i++)
		n[findings->list.v[i].level]++;
}

static void print_text(struct tg_cli *cli, const struct tg_findings *findings)
{
	size_t n[TG_LEVEL_COUNT] = {0};

	for (size_t i = 0; i < findings->list.n; i++)
		print_finding(cli, &findings->list.v[i]);
	count(findings, n);
	fprintf(cli->out, "%zu ok, %zu to be looked at, %zu wrong, %zu not known\n", n[TG_LEVEL_OK],
		n[TG_LEVEL_WARN], n[TG_LEVEL_FAIL], n[TG_LEVEL_SKIP]);
}

static bool add_finding(cJSON *list, const struct tg_finding *finding)
{
	cJSON *item = cJSON_CreateObject();

	return item != NULL && cJSON_AddItemToArray(list, item) &&
	       cJSON_AddStringToObject(item, "level", tg_level_label(finding->level)) != NULL &&
	       cJSON_AddStringToObject(item, "cluster", finding->cluster) != NULL &&
	       cJSON_AddStringToObject(item, "check", finding->check) != NULL &&
	       cJSON_AddStringToObject(item, "found", finding->found) != NULL &&
	       (finding->todo == NULL ||
		       cJSON_AddStringToObject(item, "todo", finding->todo) != NULL);
}

static int print_json(struct tg_cli *cli, const struct tg_findings *findings)
{
	cJSON *tree = cJSON_CreateObject(), *list = cJSON_AddArrayToObject(tree, "findings");
	size_t n[TG_LEVEL_COUNT] = {0}, i = 0;
	bool good = list != NULL;

	count(findings, n);
	for (int level = 0; level < TG_LEVEL_COUNT; level++)
		good = good && cJSON_AddNumberToObject(
				       tree, tg_level_label(level), (double)n[level]) != NULL;
	while (good && i < findings->list.n)
		good = add_finding(list, &findings->list.v[i++]);
	if (good)
		tg_json_print(cli->out, tree);
	cJSON_Delete(tree);
	return good ? 0 : -ENOMEM;
}

/* --- look --- */

static void examine_clusters(
	struct tg_findings *findings, const struct arguments *args, const struct tg_config *config)
{
	struct tg_cluster_facts **facts =
		calloc(config->n_clusters, sizeof(struct tg_cluster_facts *));
	size_t n = 0;

	for (; facts != NULL && n < config->n_clusters; n++) {
		facts[n] = tg_cluster_facts_gather(
			&config->clusters[n], &config->compile, args->timeout_s * 1000);
		if (facts[n] == NULL)
			break;
		tg_check_cluster(facts[n], findings);
	}
	findings->no_memory |= n != config->n_clusters;
	tg_check_clusters(facts, n, findings);
	while (n > 0)
		tg_cluster_facts_free(facts[--n]);
	free(facts);
}

static void examine(
	struct tg_findings *findings, const struct arguments *args, const struct tg_config *config)
{
	struct tg_gateway_facts gateway = {0};

	if (config->n_clusters > 0) {
		examine_clusters(findings, args, config);
	} else {
		findings->cluster = "";
		findings->check = "clusters";
		tg_find(findings, TG_LEVEL_SKIP, NULL, "the configuration has none");
	}
	tg_gateway_facts_gather(&gateway, config, args->url);
	tg_check_gateway(&gateway, findings);
}

/* A failure is a negative finding; what is to be looked at is not. */
static int conclude(
	struct tg_cli *cli, const struct arguments *args, const struct tg_findings *findings)
{
	size_t n[TG_LEVEL_COUNT] = {0};

	if (!findings->no_memory && !args->json)
		print_text(cli, findings);
	if (findings->no_memory || (args->json && print_json(cli, findings) != 0))
		return tg_cli_fail(cli, "doctor", "out of memory");
	count(findings, n);
	return n[TG_LEVEL_FAIL] > 0 ? TG_EXIT_NEGATIVE : TG_EXIT_OK;
}

static int run(struct tg_cli *cli, int argc, char **argv)
{
	struct arguments args = {.config = DEFAULT_CONFIG};
	struct tg_findings findings = {0};
	struct tg_config *config;
	char *error;
	int code = parse_options(&args, cli, argc, argv);

	if (code != TG_EXIT_OK)
		return code;
	if (tg_config_load(args.config, &config, &error) != 0) {
		code = tg_cli_fail(cli, "doctor", "%s", error != NULL ? error : "out of memory");
		free(error);
		return code;
	}
	findings.arena = tg_arena_create(0);
	if (findings.arena != NULL)
		examine(&findings, &args, config);
	else
		findings.no_memory = true;
	code = conclude(cli, &args, &findings);
	tg_vec_free(&findings.list);
	tg_arena_free(findings.arena);
	tg_config_free(config);
	return code;
}

const struct tg_command tg_command_doctor = {
	.name = "doctor",
	.summary = "look for what stands between clusters, gateway and enforcement",
	.help = "usage: tidegate doctor [OPTION]...\n"
		"\n"
		"Asks every cluster of the control process's configuration, as it would itself, and\n"
		"the control process what the gateway has seen. Each line is something that is in\n"
		"order (OK), to be looked at (WARN), wrong (FAIL) or not to be known from here\n"
		"(SKIP), with what to do about it: credentials, the server, clocks, RBAC, policies\n"
		"that are NOT ENFORCED, pod ranges, infrastructure tuples that are missing,\n"
		"masquerading and tunnels that hide pods' addresses, paths of which only one\n"
		"direction passes the gateway. Nothing is written anywhere.\n"
		"\n"
		"options:\n"
		"  -c, --config FILE          of the control process (default\n"
		"                             " DEFAULT_CONFIG ")\n"
		"      --url URL              where tidegate-ctrl answers (default\n"
		"                             http://127.0.0.1:9469)\n"
		"      --timeout SECONDS      that a cluster has for an answer (default 20); one that\n"
		"                             is silent is not asked again\n"
		"  -o, --output text|json     how to print\n"
		"\n"
		"example:\n"
		"  tidegate doctor -c /etc/tidegate/tidegate-ctrl.yaml\n"
		"\n"
		"exit codes: 0 nothing is wrong; 1 something is (FAIL); 2 usage, or the\n"
		"configuration cannot be read\n",
	.run = run,
};
