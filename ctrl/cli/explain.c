/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#include "batch.h"
#include "explanation.h"
#include "remote.h"

struct arguments {
	struct tg_offline_request request;
	const char *url;
	const char *names;
	int64_t zone; /* -1: not said */
	bool live, batch, json;
};

static int parse_options(struct arguments *args, struct tg_cli *cli, int argc, char **argv)
{
	static const struct option longs[] = {
		TG_OFFLINE_OPTIONS,
		{"batch", no_argument, NULL, 'b'},
		{"live", no_argument, NULL, 'l'},
		{"names", required_argument, NULL, 'n'},
		{"url", required_argument, NULL, 'u'},
		{"zone", required_argument, NULL, 'z'},
		{0},
	};
	uint32_t zone;
	int c;

	while ((c = getopt_long(argc, argv, TG_OFFLINE_LETTERS, longs, NULL)) != -1)
		switch (c) {
		case 'b':
			args->batch = true;
			break;
		case 'l':
			args->live = true;
			break;
		case 'n':
			args->names = optarg;
			break;
		case 'o':
			if (tg_cli_parse_output(cli, argv[0], optarg, &args->json) != TG_EXIT_OK)
				return TG_EXIT_USAGE;
			break;
		case 'u':
			args->url = optarg;
			break;
		case 'z':
			if (tg_cli_parse_number(cli, argv[0], "--zone", optarg, 0, UINT16_MAX,
				    &zone) != TG_EXIT_OK)
				return TG_EXIT_USAGE;
			args->zone = zone;
			break;
		default:
			if (!tg_offline_option(&args->request, c, optarg))
				return tg_cli_bad_option(cli, c, argv);
		}
	return TG_EXIT_OK;
}

/* Options that mean nothing together are refused rather than ignored. */
static int check_options(const struct arguments *args, struct tg_cli *cli)
{
	if (args->live && args->batch)
		return tg_cli_fail(cli, "explain", "--live and --batch exclude each other");
	if (args->live && (args->request.config != NULL || args->request.default_action != NULL))
		return tg_cli_fail(cli, "explain",
			"--live asks the ruleset in force: -c and --default-action mean nothing");
	if (!args->live && (args->names != NULL || args->url != NULL || args->zone >= 0))
		return tg_cli_fail(cli, "explain", "--names, --url and --zone are for --live");
	return TG_EXIT_OK;
}

static int answer(struct tg_offline *offline, struct tg_cli *cli, const struct arguments *args,
	char **argv, int n)
{
	struct tg_explain_query query = {.src_text = argv[0], .dst_text = argv[1]};
	int code = tg_service_parse(cli, "explain", argv + 2, n - 2, &query.protocol, &query.port);

	return code != TG_EXIT_OK ? code : tg_explain(offline, cli, &query, args->json);
}

/* The zone that is asked about: the only one, unless it is said which. */
static int choose_zone(
	struct tg_cli *cli, const struct tg_image *image, int64_t asked, uint16_t *out)
{
	const struct tg_image_prefix4 *last = &image->prefix4[image->n_prefix4 - 1];

	*out = asked >= 0 ? (uint16_t)asked : image->prefix4[0].zone;
	if (asked < 0 && last->zone != *out)
		return tg_cli_fail(cli, "explain",
			"the ruleset has several zones, from %u to %u: say which with --zone", *out,
			last->zone);
	for (uint32_t i = 0; i < image->n_prefix4; i++)
		if (image->prefix4[i].zone == *out)
			return TG_EXIT_OK;
	return tg_cli_fail(cli, "explain", "the ruleset has no zone %u", *out);
}

static int run_live(struct arguments *args, struct tg_cli *cli, char **argv, int n)
{
	struct tg_offline offline = {.command = "explain"};
	struct tg_remote_image image = {0};
	int code = TG_EXIT_OK;

	if (n != 3 && n != 4)
		return tg_cli_bad_usage(cli, "explain", "SRC DST PROTO [PORT]");
	if (args->names != NULL) {
		args->request.dir = args->names;
		code = tg_offline_load(&offline, cli, &args->request);
	}
	if (code == TG_EXIT_OK)
		code = tg_remote_ruleset(cli, "explain", args->url, &image);
	if (code == TG_EXIT_OK) {
		offline.image = image.image;
		code = choose_zone(cli, &image.image, args->zone, &offline.options.home.zone);
	}
	if (code == TG_EXIT_OK)
		code = answer(&offline, cli, args, argv, n);
	tg_remote_image_free(&image);
	tg_offline_close(&offline);
	return code;
}

static int run_offline(struct arguments *args, struct tg_cli *cli, char **argv, int n)
{
	struct tg_offline offline;
	int code;

	if (args->batch ? n != 1 : n != 4 && n != 5)
		return tg_cli_bad_usage(
			cli, "explain", args->batch ? "DIR" : "DIR SRC DST PROTO [PORT]");
	args->request.dir = argv[0];
	args->request.standins = true;
	code = tg_offline_open(&offline, cli, &args->request);
	if (code == TG_EXIT_OK)
		code = args->batch ? tg_batch(&offline, cli)
				   : answer(&offline, cli, args, argv + 1, n - 1);
	tg_offline_close(&offline);
	return code;
}

static int run(struct tg_cli *cli, int argc, char **argv)
{
	struct arguments args = {.request = {.command = "explain"}, .zone = -1};
	int code = parse_options(&args, cli, argc, argv);

	if (code == TG_EXIT_OK)
		code = check_options(&args, cli);
	if (code != TG_EXIT_OK)
		return code;
	return args.live ? run_live(&args, cli, argv + optind, argc - optind)
			 : run_offline(&args, cli, argv + optind, argc - optind);
}

const struct tg_command tg_command_explain = {
	.name = "explain",
	.summary =
		"say what happens to a connection, which rule decides, and what failed by how much",
	.help = "usage: tidegate explain [OPTION]... DIR SRC DST PROTO [PORT]\n"
		"       tidegate explain [OPTION]... --batch DIR\n"
		"       tidegate explain [--url URL] [--names DIR] [--zone N] --live SRC DST PROTO\n"
		"           [PORT]\n"
		"\n"
		"Judges a new connection from SRC to DST by the manifests in DIR, with the compiler\n"
		"and the lookup that enforce them. SRC and DST are namespace/pod or an address;\n"
		"PROTO is TCP, UDP, SCTP, ICMP, ICMPv6 or a number; PORT is the destination port\n"
		"(a number; none for protocols without ports).\n"
		"\n"
		"Both directions are printed, each with the rule that decided. For an implicit deny:\n"
		"the policies that isolate the pod, and the nearest miss, the rule that failed on the\n"
		"fewest fields, with its file and line and the fields that failed.\n"
		"\n"
		"A pod without an address yet is judged by its policies all the same; of ipBlocks\n"
		"only 0.0.0.0/0 and ::/0 without except match it. A hostNetwork pod is its node.\n"
		"A pod always reaches itself. Dual-stack ends are judged in both families; the second\n"
		"is printed (in JSON as \"other_family\") where it comes to something else.\n"
		"\n"
		"options:\n" TG_OFFLINE_HELP "  -o, --output text|json     how to print\n"
		"      --batch                read questions as JSON lines, answer each with one line\n"
		"      --live                 ask the ruleset in force, fetched from tidegate-ctrl\n"
		"      --url URL              where that is (default http://127.0.0.1:9469)\n"
		"      --names DIR            with --live: manifests that give names to addresses,\n"
		"                             and the nearest miss; without, only addresses are known\n"
		"      --zone N               with --live: the address zone, where there are several\n"
		"\n"
		"--batch reads {\"src\": \"shop/web\", \"dst\": \"10.0.0.7\", \"proto\": \"TCP\", \"dport\": 80}\n"
		"and answers in the same order {\"verdict\": \"deny\", \"egress\": {\"verdict\": \"allow\",\n"
		"\"rule\": \"shop/web egress[0]\", ...}, \"ingress\": {\"verdict\": \"deny\",\n"
		"\"rule\": \"implicit-deny\", \"isolated_by\": [\"shop/api\"], ...}}. The side of an address\n"
		"that is no pod is {\"verdict\": \"allow\", \"rule\": null}; \"reason\" is set when something\n"
		"else than a pod's policies decided. \"families\" is set when the IPv4 and the IPv6\n"
		"addresses of two pods are judged differently; the verdict is then that of the\n"
		"source's first address. What cannot be judged is {\"error\": \"...\"}.\n"
		"\n"
		"example:\n"
		"  tidegate explain manifests shop/web-0 shop/db-0 TCP 5432\n"
		"\n"
		"exit codes: 0 allowed (or every line answered); 1 denied; 2 usage or bad input\n",
	.run = run,
};
