/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <getopt.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "config.h"
#include "endpoint.h"
#include "json_print.h"
#include "live.h"
#include "offload_tree.h"
#include "table.h"
#include "wire.h"

#define RULES_DEFAULT 100
#define EXPLAIN_LIMIT 20 /* connections of one question that are looked at */
#define DURATION_TEXT 32
#define TUPLE_TEXT 128

struct arguments {
	const char *socket, *names;
	bool json;
	bool limited;
	uint32_t limit;
	uint16_t sport;
};

static const cJSON *member(const cJSON *tree, const char *key)
{
	return cJSON_GetObjectItemCaseSensitive(tree, key);
}

static bool is_true(const cJSON *tree, const char *key)
{
	return cJSON_IsTrue(member(tree, key));
}

static bool is_on(const cJSON *tree)
{
	return strcmp(tg_json_text(tree, "offload"), "on") == 0;
}

static const char *duration(double ms, char text[DURATION_TEXT])
{
	snprintf(text, DURATION_TEXT, "%.1f s", ms / 1000);
	return text;
}

/* --- status --- */

static void print_state(struct tg_cli *cli, const cJSON *tree)
{
	const char *state = tg_json_text(tree, "offload");

	if (strcmp(state, "off") == 0)
		fputs("offload is off (offload.enabled of the dataplane): all is done in "
		      "software\n",
			cli->out);
	else if (!is_on(tree))
		fputs("offload is on, but no port can do anything: all is done in software\n",
			cli->out);
}

/* Kinds with the same answer share a line. */
static void print_kinds(struct tg_cli *cli, const cJSON *port)
{
	const cJSON *kinds = member(port, "kinds"), *kind, *before;
	bool wire = *tg_json_text(port, "wire") != '\0';

	if (wire)
		fprintf(cli->out, "  %ssoftware%s  connections: %s\n", tg_colour_on(cli, TG_YELLOW),
			tg_colour_off(cli), tg_json_text(port, "wire"));
	cJSON_ArrayForEach(kind, kinds)
	{
		bool hardware = is_true(kind, "hardware");
		const char *why = tg_json_text(kind, "why"), *between = "";

		if (!hardware && *why == '\0')
			continue; /* the wire has said it */
		before = kinds->child;
		while (before != kind && (is_true(before, "hardware") != hardware ||
						 strcmp(tg_json_text(before, "why"), why) != 0))
			before = before->next;
		if (before != kind)
			continue;
		fprintf(cli->out, "  %s%s%s  ", tg_colour_on(cli, hardware ? TG_GREEN : TG_YELLOW),
			hardware ? "hardware" : "software", tg_colour_off(cli));
		for (const cJSON *same = kind; same != NULL; same = same->next) {
			if (is_true(same, "hardware") != hardware ||
				strcmp(tg_json_text(same, "why"), why) != 0)
				continue;
			fprintf(cli->out, "%s%s", between, tg_json_text(same, "kind"));
			between = ", ";
		}
		fprintf(cli->out, "%s%s\n", hardware ? "" : ": ", hardware ? "" : why);
	}
}

/* Whether the NIC spreads connections over workers. */
static void print_placement(struct tg_cli *cli, const cJSON *port)
{
	static const struct {
		const char *state, *text;
		enum tg_colour colour;
	} states[] = {
		{"software", "not believed", TG_YELLOW},
		{"learning", "not believed yet: it has to show it", TG_YELLOW},
		{"trusted", "believed", TG_GREEN},
		{"wrong", "not believed: it was found to place packets elsewhere", TG_RED},
	};
	const char *state = tg_json_text(port, "placement");
	const char *why = tg_json_text(port, "placement_why");

	for (size_t i = 0; i < sizeof(states) / sizeof(states[0]); i++)
		if (strcmp(states[i].state, state) == 0)
			fprintf(cli->out, "  %s%s%s  where the NIC places packets: %s%s%s\n",
				tg_colour_on(cli, states[i].colour), state, tg_colour_off(cli),
				states[i].text, *why != '\0' ? "; " : "", why);
}

static void print_port(struct tg_cli *cli, const cJSON *port, bool off)
{
	const char *profile = tg_json_text(port, "profile");
	double hold_off = tg_json_number(port, "hold_off_ms");
	char text[DURATION_TEXT];

	fprintf(cli->out, "%s%s%s: %s%s", tg_colour_on(cli, TG_BOLD), tg_json_text(port, "name"),
		tg_colour_off(cli), *profile != '\0' ? "NIC profile " : "no NIC profile", profile);
	if (!is_true(port, "link_up"))
		fputs(", link down", cli->out);
	if (hold_off != 0)
		fprintf(cli->out, ", the driver is not asked for %s", duration(hold_off, text));
	if (is_true(port, "unsure"))
		fprintf(cli->out, ", %sa rule could not be removed%s", tg_colour_on(cli, TG_RED),
			tg_colour_off(cli));
	fputc('\n', cli->out);
	print_placement(cli, port);
	if (!off)
		print_kinds(cli, port);
}

static void print_counts(struct tg_cli *cli, const cJSON *tree)
{
	const cJSON *entries = member(tree, "entries"), *reason;

	fprintf(cli->out,
		"entries   %.0f active (%.0f of them marks), %.0f installing, %.0f draining, of %.0f\n"
		"offers    %.0f from %.0f packets in a pass of the sweep, %.0f taken\n"
		"rules     %.0f inserted, %.0f removed, %.0f failed\n"
		"packets   %.0f forwarded, %.0f dropped, %.0f bytes\n",
		tg_json_number(entries, "active"), tg_json_number(entries, "marked"),
		tg_json_number(entries, "installing"), tg_json_number(entries, "draining"),
		tg_json_number(entries, "limit"), tg_json_number(tree, "offers"),
		tg_json_number(tree, "merit_packets"), tg_json_number(tree, "taken"),
		tg_json_number(tree, "rules_inserted"), tg_json_number(tree, "rules_removed"),
		tg_json_number(tree, "rules_failed"), tg_json_number(tree, "packets_forwarded"),
		tg_json_number(tree, "packets_dropped"), tg_json_number(tree, "bytes"));
	cJSON_ArrayForEach(reason, member(tree, "left_by_reason")) if (reason->valuedouble != 0)
		fprintf(cli->out, "left      %.0f %s\n", reason->valuedouble, reason->string);
}

static int print_status(struct tg_cli *cli, const cJSON *tree)
{
	const cJSON *port;

	print_state(cli, tree);
	cJSON_ArrayForEach(port, member(tree, "ports"))
		print_port(cli, port, strcmp(tg_json_text(tree, "offload"), "off") == 0);
	if (is_on(tree))
		print_counts(cli, tree);
	return 0;
}

/* --- rules --- */

/* "10.0.0.1:4000 > 10.0.0.2:80 TCP" */
static const char *tuple_text(const cJSON *item, char text[TUPLE_TEXT])
{
	const cJSON *ends[2] = {member(item, "src"), member(item, "dst")};
	size_t used = 0;

	for (unsigned int i = 0; i < 2; i++) {
		const char *address = tg_json_text(ends[i], "address");
		bool six = strchr(address, ':') != NULL;

		used += (size_t)snprintf(text + used, TUPLE_TEXT - used, "%s%s%s:", six ? "[" : "",
			address, six ? "]" : "");
		if (member(ends[i], "port") != NULL)
			used += (size_t)snprintf(text + used, TUPLE_TEXT - used, "%.0f",
				tg_json_number(ends[i], "port"));
		else
			used += (size_t)snprintf(text + used, TUPLE_TEXT - used, "*");
		if (i == 0)
			used += (size_t)snprintf(text + used, TUPLE_TEXT - used, " > ");
	}
	snprintf(text + used, TUPLE_TEXT - used, " %s", tg_json_text(item, "protocol"));
	return text;
}

static double count_of(const cJSON *rule, const char *what)
{
	return tg_json_number(member(rule, "sent"), what) +
	       tg_json_number(member(rule, "replies"), what);
}

/* What hardware does with the packets of a rule. */
enum action { FORWARDS, DROPS, MARKS };

static const char *const does[] = {"forward", "drop", "mark"};

static enum action action_of(const cJSON *rule)
{
	const char *kind = tg_json_text(rule, "kind");

	return strcmp(kind, "denial") == 0 ? DROPS : strcmp(kind, "mark") == 0 ? MARKS : FORWARDS;
}

static int add_rule(struct tg_table *table, const cJSON *rule)
{
	const enum action action = action_of(rule);
	char tuple[TUPLE_TEXT], text[DURATION_TEXT];
	int rc = tg_table_row(table);

	if (rc == 0)
		rc = tg_table_text(table, TG_BOLD, tuple_text(rule, tuple));
	if (rc == 0)
		rc = tg_table_text(table, action == DROPS ? TG_RED : TG_GREEN, does[action]);
	if (rc == 0)
		rc = tg_table_text(table, TG_PLAIN, tg_json_text(rule, "state"));
	if (rc == 0)
		rc = tg_table_text(
			table, TG_PLAIN, duration(tg_json_number(rule, "since_ms"), text));
	if (rc == 0)
		rc = tg_table_number(table, (uint64_t)count_of(rule, "packets"));
	if (rc == 0)
		rc = tg_table_number(table, (uint64_t)count_of(rule, "bytes"));
	if (rc == 0)
		rc = tg_table_text(
			table, TG_PLAIN, duration(tg_json_number(rule, "stale_ms"), text));
	if (rc == 0)
		rc = tg_table_number(table, (uint64_t)tg_json_number(rule, "worker"));
	if (rc == 0)
		rc = tg_table_text(table, TG_PLAIN, tg_json_text(rule, "port"));
	return rc;
}

static int print_rules(struct tg_cli *cli, const cJSON *tree)
{
	static const char *const titles[] = {"TUPLE", "DOES", "STATE", "<SINCE", "<PACKETS",
		"<BYTES", "<LATE", "<WORKER", "PORT", NULL};
	const cJSON *rules = member(tree, "rules"), *rule;
	struct tg_table *table;
	int rc = 0;

	print_state(cli, tree);
	if (!is_on(tree))
		return 0;
	if (cJSON_GetArraySize(rules) == 0) {
		fputs("nothing is in hardware\n", cli->out);
		return 0;
	}
	table = tg_table_create(titles);
	if (table == NULL)
		return -ENOMEM;
	cJSON_ArrayForEach(rule, rules) if (rc == 0) rc = add_rule(table, rule);
	if (rc == 0)
		tg_table_print(table, cli);
	if (rc == 0 && is_true(tree, "more_rules"))
		fputs("and more (see --limit)\n", cli->out);
	tg_table_free(table);
	return rc;
}

/* --- explain --- */

static void add_why(cJSON *list, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
static void add_why(cJSON *list, const char *fmt, ...)
{
	char text[640];
	va_list args;

	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	cJSON_AddItemToArray(list, cJSON_CreateString(text));
}

/* The kind of a connection of that protocol and family. */
static unsigned int kind_of(const struct tg_msg_offload_get *get)
{
	if (get->protocol == 6)
		return get->family == 6 ? TG_HW_TCP6 : TG_HW_TCP4;
	return get->family == 6 ? TG_HW_UDP6 : TG_HW_UDP4;
}

/* What ports say of all of its kind. True: one of them could have it. */
static bool why_ports(const cJSON *tree, const struct tg_msg_offload_get *get, cJSON *why)
{
	const unsigned int kind = kind_of(get);
	const cJSON *port;
	bool any = false;

	cJSON_ArrayForEach(port, member(tree, "ports"))
	{
		const cJSON *answer = cJSON_GetArrayItem(member(port, "kinds"), (int)kind);
		const char *wire = tg_json_text(port, "wire");

		if (is_true(answer, "hardware") && *wire == '\0')
			any = true;
		else
			add_why(why, "port %s: %s in software: %s", tg_json_text(port, "name"),
				tg_json_text(answer, "kind"),
				*wire != '\0' ? wire : tg_json_text(answer, "why"));
	}
	return any;
}

static void why_left(const cJSON *tree, cJSON *why)
{
	char tuple[TUPLE_TEXT], text[DURATION_TEXT];
	const cJSON *left;

	cJSON_ArrayForEach(left, member(tree, "left"))
		add_why(why, "%s: %s %s ago, %.0f time%s in a row: %s", tuple_text(left, tuple),
			tg_json_text(left, "event"), duration(tg_json_number(left, "age_ms"), text),
			tg_json_number(left, "times"),
			tg_json_number(left, "times") == 1 ? "" : "s", tg_json_text(left, "text"));
}

/* Why it is in software, the most general reason first. */
static void add_whys(cJSON *tree, const struct tg_msg_offload_get *get)
{
	cJSON *why = cJSON_AddArrayToObject(tree, "why");

	if (strcmp(tg_json_text(tree, "offload"), "off") == 0) {
		add_why(why, "offload is off (offload.enabled of the dataplane)");
		return;
	}
	if (get->protocol != 6 && get->protocol != 17) {
		add_why(why, "only TCP and UDP are left to NICs");
		return;
	}
	if (why_ports(tree, get, why) && cJSON_GetArraySize(member(tree, "left")) == 0)
		add_why(why,
			"too few packets: a connection that is established is offered from %.0f in "
			"a pass of the sweep (as far as is remembered, this one never was)",
			tg_json_number(tree, "merit_packets"));
	why_left(tree, why);
}

static void print_hardware(struct tg_cli *cli, const cJSON *rule)
{
	char tuple[TUPLE_TEXT], since[DURATION_TEXT], late[DURATION_TEXT];
	static const char *const where[] = {
		"in hardware", "dropped in hardware", "marked by hardware"};
	const enum action action = action_of(rule);

	fprintf(cli->out, "%s: %s%s%s, %s for %s%s%s", tuple_text(rule, tuple),
		tg_colour_on(cli, TG_GREEN), where[action], tg_colour_off(cli),
		tg_json_text(rule, "state"), duration(tg_json_number(rule, "since_ms"), since),
		member(rule, "text") != NULL ? ": " : "", tg_json_text(rule, "text"));
	fprintf(cli->out,
		"\n  %.0f packets, %.0f bytes (up to %s late), worker %.0f, port %s%s%s\n",
		count_of(rule, "packets"), count_of(rule, "bytes"),
		duration(tg_json_number(rule, "stale_ms"), late), tg_json_number(rule, "worker"),
		tg_json_text(rule, "port"), action == DROPS ? "" : " to ",
		tg_json_text(rule, "peer"));
}

static int print_explained(struct tg_cli *cli, const cJSON *tree)
{
	const cJSON *item;

	cJSON_ArrayForEach(item, member(tree, "rules")) print_hardware(cli, item);
	if (is_true(tree, "hardware"))
		return 0;
	fprintf(cli->out, "%sin software%s\n", tg_colour_on(cli, TG_YELLOW), tg_colour_off(cli));
	cJSON_ArrayForEach(item, member(tree, "why"))
		fprintf(cli->out, "  %s\n", item->valuestring);
	return 0;
}

/* --- the three of them --- */

static int show(struct tg_cli *cli, const struct arguments *args, const cJSON *tree,
	int (*print)(struct tg_cli *cli, const cJSON *tree))
{
	if (args->json)
		tg_json_print(cli->out, tree);
	else if (print(cli, tree) != 0)
		return tg_cli_fail(cli, "offload", "%s", strerror(ENOMEM));
	return TG_EXIT_OK;
}

static int ask_and_show(struct tg_cli *cli, const struct arguments *args,
	struct tg_msg_offload_get *get, int (*print)(struct tg_cli *cli, const cJSON *tree))
{
	cJSON *tree = NULL;
	int code = tg_offload_ask(cli, args->socket, get, &tree);

	if (code == TG_EXIT_OK)
		code = show(cli, args, tree, print);
	if (code == TG_EXIT_OK && !is_on(tree))
		code = TG_EXIT_NEGATIVE;
	cJSON_Delete(tree);
	return code;
}

static int status(struct tg_cli *cli, const struct arguments *args, char **argv)
{
	struct tg_msg_offload_get get = {.flags = 0};

	return ask_and_show(cli, args, &get, print_status);
}

static int rules(struct tg_cli *cli, const struct arguments *args, char **argv)
{
	struct tg_msg_offload_get get = {.flags = TG_OFFLOAD_GET_RULES,
		.limit = args->limited ? args->limit : RULES_DEFAULT};

	return ask_and_show(cli, args, &get, print_rules);
}

/* One family's answer. */
static int explain_pair(struct tg_cli *cli, const struct arguments *args,
	const struct tg_addr_pair *pair, struct tg_msg_offload_get *get)
{
	const size_t size = pair->src.family == 4 ? 4 : 16;
	cJSON *tree = NULL;
	bool hardware;
	int code;

	get->family = pair->src.family;
	memcpy(get->src, pair->src.bytes, size);
	memcpy(get->dst, pair->dst.bytes, size);
	code = tg_offload_ask(cli, args->socket, get, &tree);
	if (code != TG_EXIT_OK)
		return code;
	hardware = cJSON_GetArraySize(member(tree, "rules")) != 0;
	cJSON_AddBoolToObject(tree, "hardware", hardware);
	if (!hardware)
		add_whys(tree, get);
	code = show(cli, args, tree, print_explained);
	cJSON_Delete(tree);
	return code == TG_EXIT_OK && !hardware ? TG_EXIT_NEGATIVE : code;
}

static int find_pair(struct tg_cli *cli, const struct tg_offline *offline, char **argv,
	struct tg_addr_pair pairs[2])
{
	struct tg_endpoint src, dst;
	char error[TG_ENDPOINT_TEXT];

	if (tg_endpoint_find(offline, argv[0], &src, error, sizeof(error)) != 0 ||
		tg_endpoint_find(offline, argv[1], &dst, error, sizeof(error)) != 0)
		return tg_cli_fail(cli, "offload", "%s", error);
	if (tg_endpoint_pairs(&src, &dst, pairs) == 0)
		return tg_cli_fail(cli, "offload", "%s and %s have no address family in common",
			argv[0], argv[1]);
	return TG_EXIT_OK;
}

static int explain(struct tg_cli *cli, const struct arguments *args, char **argv)
{
	const struct tg_offline_request request = {.command = "offload", .dir = args->names};
	struct tg_msg_offload_get get = {.flags = TG_OFFLOAD_GET_RULES | TG_OFFLOAD_GET_LEFT,
		.limit = args->limited ? args->limit : EXPLAIN_LIMIT,
		.sport = args->sport};
	struct tg_offline offline = {.command = "offload"};
	struct tg_addr_pair pairs[2];
	int code = TG_EXIT_OK;

	if (args->names != NULL)
		code = tg_offline_load(&offline, cli, &request);
	if (code == TG_EXIT_OK)
		code = tg_service_parse(cli, "offload", argv + 2, argv[3] != NULL ? 2 : 1,
			&get.protocol, &get.dport);
	if (code == TG_EXIT_OK)
		code = find_pair(cli, &offline, argv, pairs);
	if (code == TG_EXIT_OK)
		code = explain_pair(cli, args, &pairs[0], &get);
	tg_offline_close(&offline);
	return code;
}

static const struct verb {
	const char *name, *expected;
	int least, most; /* arguments */
	bool takes_limit, takes_ends;
	int (*run)(struct tg_cli *cli, const struct arguments *args, char **argv);
} verbs[] = {
	{"status", "no argument", 0, 0, false, false, status},
	{"rules", "no argument", 0, 0, true, false, rules},
	{"explain", "SRC DST PROTO [PORT]", 3, 4, true, true, explain},
};

static const struct verb *find_verb(const char *name)
{
	for (size_t i = 0; name != NULL && i < sizeof(verbs) / sizeof(verbs[0]); i++)
		if (strcmp(verbs[i].name, name) == 0)
			return &verbs[i];
	return NULL;
}

static int parse_option(struct arguments *args, struct tg_cli *cli, int c, char **argv)
{
	uint32_t number = 0;
	int code;

	switch (c) {
	case 'o':
		return tg_cli_parse_output(cli, argv[0], optarg, &args->json);
	case 's':
		args->socket = optarg;
		return TG_EXIT_OK;
	case 'n':
		args->names = optarg;
		return TG_EXIT_OK;
	case 'l':
		args->limited = true;
		return tg_cli_parse_number(
			cli, "offload", "--limit", optarg, 1, TG_HW_LIMIT, &args->limit);
	case 'p':
		code = tg_cli_parse_number(
			cli, "offload", "--source-port", optarg, 1, 65535, &number);
		args->sport = (uint16_t)number;
		return code;
	default:
		return tg_cli_bad_option(cli, c, argv);
	}
}

static int check_arguments(
	struct tg_cli *cli, const struct verb *verb, const struct arguments *args, int n)
{
	if (n < verb->least || n > verb->most)
		return tg_cli_bad_usage(cli, "offload", verb->expected);
	if (args->limited && !verb->takes_limit)
		return tg_cli_fail(cli, "offload", "--limit is for rules and explain");
	if ((args->names != NULL || args->sport != 0) && !verb->takes_ends)
		return tg_cli_fail(cli, "offload", "--names and --source-port are for explain");
	return TG_EXIT_OK;
}

static int run(struct tg_cli *cli, int argc, char **argv)
{
	static const struct option longs[] = {
		{"limit", required_argument, NULL, 'l'},
		{"names", required_argument, NULL, 'n'},
		{"output", required_argument, NULL, 'o'},
		{"socket", required_argument, NULL, 's'},
		{"source-port", required_argument, NULL, 'p'},
		{0},
	};
	struct arguments args = {.socket = TG_CONFIG_SOCKET};
	const struct verb *verb;
	int c, code = TG_EXIT_OK;

	while (code == TG_EXIT_OK && (c = getopt_long(argc, argv, ":o:", longs, NULL)) != -1)
		code = parse_option(&args, cli, c, argv);
	if (code != TG_EXIT_OK)
		return code;
	verb = find_verb(argv[optind]);
	if (verb == NULL)
		return tg_cli_bad_usage(cli, argv[0], "status, rules or explain");
	code = check_arguments(cli, verb, &args, argc - optind - 1);
	return code == TG_EXIT_OK ? verb->run(cli, &args, argv + optind + 1) : code;
}

const struct tg_command tg_command_offload = {
	.name = "offload",
	.summary = "what NICs do instead of workers, and why not: status, rules, explain",
	.help = "usage: tidegate offload status [OPTION]...\n"
		"       tidegate offload rules [OPTION]...\n"
		"       tidegate offload explain [OPTION]... SRC DST PROTO [PORT]\n"
		"\n"
		"Asks a running dataplane what it has left to NICs. status: what each port does in\n"
		"hardware and what not, and why; counts. rules: what is in hardware now, since when,\n"
		"with its counters and how late these may be. explain: whether the connections\n"
		"between two ends are in hardware, and else why not; who began them does not matter.\n"
		"SRC and DST are addresses, or namespace/pod with --names, of which the first family\n"
		"that both have is asked for.\n"
		"\n"
		"It asks on the dataplane's own socket, which only root and the dataplane's user may\n"
		"open: who talks to whom is not served by HTTP.\n"
		"\n"
		"options:\n"
		"      --socket PATH          the dataplane's control socket (default\n"
		"                             " TG_CONFIG_SOCKET ")\n"
		"      --limit N              rules: how many (default 100); explain: how many\n"
		"                             connections to look at (default 20); at most 65536\n"
		"      --source-port N        explain: of this source port only\n"
		"      --names DIR            explain: manifests that give names to addresses\n"
		"  -o, --output text|json     how to print\n"
		"\n"
		"example:\n"
		"  tidegate offload explain 10.0.0.7 10.0.1.9 TCP 5432\n"
		"\n"
		"exit codes: 0 on (explain: in hardware, or on its way in or out); 1 off, or no port\n"
		"can do anything (explain: in software); 2 usage, or the dataplane does not answer\n",
	.run = run,
};
