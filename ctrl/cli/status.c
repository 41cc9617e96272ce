/* SPDX-License-Identifier: BSD-3-Clause */
#include <string.h>

#include "live.h"

#define LIMITS_SHOWN 10

static const cJSON *member(const cJSON *tree, const char *key)
{
	return cJSON_GetObjectItemCaseSensitive(tree, key);
}

static bool connected(const cJSON *tree)
{
	return cJSON_IsTrue(member(member(tree, "dataplane"), "connected"));
}

static bool in_step(const cJSON *tree)
{
	const cJSON *generation = member(tree, "generation");

	return tg_json_number(generation, "desired") != 0 &&
	       tg_json_number(generation, "desired") == tg_json_number(generation, "applied");
}

/* Entries of a list, those that are only counted included. */
static double count(const cJSON *tree, const char *list)
{
	const cJSON *sources = member(tree, "sources");
	char total[32];

	snprintf(total, sizeof(total), "n_%s", list);
	if (cJSON_IsNumber(member(sources, total)))
		return tg_json_number(sources, total);
	return cJSON_GetArraySize(member(sources, list));
}

static bool flag(const cJSON *tree, const char *object, const char *key)
{
	return cJSON_IsTrue(member(member(tree, object), key));
}

static int finding(const cJSON *tree)
{
	bool ok = cJSON_IsTrue(member(tree, "ready")) && connected(tree) && in_step(tree) &&
		  flag(tree, "sources", "synced") && !flag(tree, "sources", "stale") &&
		  count(tree, "errors") == 0 && count(tree, "not_enforced") == 0 &&
		  !flag(tree, "dataplane", "no_ruleset") &&
		  !flag(tree, "dataplane", "checkpoint_failed") &&
		  !flag(tree, "dataplane", "stuck_worker") &&
		  !flag(tree, "dataplane", "stuck_hardware") &&
		  !flag(tree, "dataplane", "port_failed");

	return ok ? TG_EXIT_OK : TG_EXIT_NEGATIVE;
}

static void print_word(
	struct tg_cli *cli, const char *title, bool good, const char *yes, const char *no)
{
	fprintf(cli->out, "%-12s %s%s%s", title, tg_colour_on(cli, good ? TG_GREEN : TG_RED),
		good ? yes : no, tg_colour_off(cli));
}

/* States that a dataplane reports beyond being there; the bad ones in red. */
static void print_flags(struct tg_cli *cli, const cJSON *tree)
{
	static const struct {
		const char *key, *text;
		bool bad;
	} flags[] = {
		{"no_ruleset", "no ruleset is in force", true},
		{"from_checkpoint", "enforces its checkpoint", false},
		{"pickup", "picks up connections that existed before it", false},
		{"checkpoint_failed", "could not write its checkpoint", true},
		{"stuck_worker", "a worker does not come round", true},
		{"stuck_hardware", "a NIC has not removed what is denied", true},
		{"port_failed", "a port did not come back from a reset: it is down", true},
	};

	for (size_t i = 0; i < sizeof(flags) / sizeof(flags[0]); i++)
		if (flag(tree, "dataplane", flags[i].key))
			fprintf(cli->out, "%-12s %s%s%s\n", "",
				tg_colour_on(cli, flags[i].bad ? TG_RED : TG_YELLOW), flags[i].text,
				tg_colour_off(cli));
}

/* What each worker did in the last second. */
static void print_load(struct tg_cli *cli, const cJSON *dataplane)
{
	const cJSON *item;

	cJSON_ArrayForEach(item, member(dataplane, "load")) fprintf(cli->out,
		"%-12s worker %.0f: %.1f %% busy, %.0f packets/s, %.0f/s handed over, %.0f "
		"connections\n",
		"", tg_json_number(item, "worker"), tg_json_number(item, "busy_permille") / 10,
		tg_json_number(item, "packets_per_second"),
		tg_json_number(item, "handed_over_per_second"),
		tg_json_number(item, "connections"));
}

/* Ports whose NIC is said to spread connections over workers (offload status says why). */
static void print_placement(struct tg_cli *cli, const cJSON *dataplane)
{
	const char *title = "placement";
	const cJSON *item;

	cJSON_ArrayForEach(item, member(dataplane, "port_list"))
	{
		const char *state = tg_json_text(item, "placement");
		const bool wrong = strcmp(state, "wrong") == 0;

		if (strcmp(state, "software") == 0)
			continue;
		fprintf(cli->out, "%-12s port %s: %s%s%s\n", title, tg_json_text(item, "name"),
			wrong ? tg_colour_on(cli, TG_RED) : "", state,
			wrong ? tg_colour_off(cli) : "");
		title = "";
	}
}

static void print_memory(struct tg_cli *cli, const cJSON *dataplane)
{
	static const struct {
		const char *key, *title;
	} tables[] = {
		{"connections_ipv4", "IPv4 connections"},
		{"connections_ipv6", "IPv6 connections"},
		{"endpoints", "endpoints"},
	};
	const cJSON *memory = member(dataplane, "memory");

	for (size_t i = 0; i < sizeof(tables) / sizeof(tables[0]); i++) {
		const cJSON *table = member(memory, tables[i].key);

		if (table != NULL)
			fprintf(cli->out, "%-12s %s: %.0f of %.0f in %.1f MB, %.0f bytes each\n",
				i == 0 ? "memory" : "", tables[i].title,
				tg_json_number(table, "used"), tg_json_number(table, "limit"),
				tg_json_number(table, "bytes") / 1e6,
				tg_json_number(table, "bytes_each"));
	}
}

static double fullness(const cJSON *limit)
{
	return tg_json_number(limit, "connections") / tg_json_number(limit, "limit");
}

/* The fullest first. */
static int by_fullness(const void *a, const void *b, void *arg)
{
	double left = fullness(*(cJSON *const *)a), right = fullness(*(cJSON *const *)b);

	return (left < right) - (left > right);
}

static void arrange(cJSON *tree, void *arg)
{
	cJSON *dataplane = cJSON_GetObjectItemCaseSensitive(tree, "dataplane");

	tg_json_sort(
		cJSON_GetObjectItemCaseSensitive(dataplane, "namespace_limits"), by_fullness, NULL);
}

/* Namespaces with a limit on their connections. */
static void print_limits(struct tg_cli *cli, const cJSON *dataplane)
{
	const cJSON *limits = member(dataplane, "namespace_limits"), *item;
	int n = 0;

	cJSON_ArrayForEach(item, limits)
	{
		const double refused = tg_json_number(item, "refused_packets");
		const bool full = fullness(item) >= 1;

		if (n++ == LIMITS_SHOWN)
			break;
		fprintf(cli->out, "%-12s %s: %s%.0f of %.0f connections%s", n == 1 ? "limits" : "",
			tg_json_text(item, "namespace"), full ? tg_colour_on(cli, TG_RED) : "",
			tg_json_number(item, "connections"), tg_json_number(item, "limit"),
			full ? tg_colour_off(cli) : "");
		if (refused != 0)
			fprintf(cli->out, ", %.0f packets refused", refused);
		fputc('\n', cli->out);
	}
	if (n > LIMITS_SHOWN)
		fprintf(cli->out, "%-12s and %d namespaces less full\n", "",
			cJSON_GetArraySize(limits) - LIMITS_SHOWN);
}

static void print_dataplane(struct tg_cli *cli, const cJSON *tree)
{
	const cJSON *dataplane = member(tree, "dataplane");
	const char *error = tg_json_text(dataplane, "error");

	print_word(cli, "dataplane", connected(tree), "connected", "away");
	if (connected(tree))
		fprintf(cli->out, ", %.0f workers, heartbeat %.1f s ago",
			tg_json_number(dataplane, "workers"),
			tg_json_number(dataplane, "heartbeat_age_ms") / 1000);
	if (*error != '\0')
		fprintf(cli->out, ", last error: %s", error);
	fputc('\n', cli->out);
	print_flags(cli, tree);
	print_load(cli, dataplane);
	print_placement(cli, dataplane);
	print_memory(cli, dataplane);
	print_limits(cli, dataplane);
}

static void print_generation(struct tg_cli *cli, const cJSON *tree)
{
	double applied = tg_json_number(member(tree, "generation"), "applied");
	double desired = tg_json_number(member(tree, "generation"), "desired");

	if (applied != 0)
		fprintf(cli->out, ", generation %.0f in force", applied);
	else
		fprintf(cli->out, ", %s in force", connected(tree) ? "none" : "not known what is");
	if (desired != 0)
		fprintf(cli->out, ", %.0f desired\n", desired);
	else
		fprintf(cli->out, ", none desired: %s\n",
			flag(tree, "sources", "synced") ? "nothing is compiled yet"
							: "sources not read");
}

static void print_ruleset(struct tg_cli *cli, const cJSON *tree)
{
	const cJSON *ruleset = member(tree, "ruleset"), *generation = member(tree, "generation");
	const cJSON *objects = member(tree, "objects");
	const char *error = tg_json_text(ruleset, "error");

	print_word(cli, "ruleset", in_step(tree), "in step",
		tg_json_number(generation, "desired") == 0 ? "held" : "behind");
	print_generation(cli, tree);
	fprintf(cli->out, "%-12s %.0f rules, %.0f classes, %.0f cells, %.0f bytes\n", "",
		tg_json_number(ruleset, "rules"), tg_json_number(ruleset, "classes"),
		tg_json_number(ruleset, "cells"), tg_json_number(ruleset, "bytes"));
	if (*error != '\0')
		fprintf(cli->out, "%-12s %scompiling failed: %s%s\n", "", tg_colour_on(cli, TG_RED),
			error, tg_colour_off(cli));
	fprintf(cli->out, "%-12s %.0f policies, %.0f pods, %.0f namespaces, %.0f nodes\n",
		"objects", tg_json_number(objects, "policies"), tg_json_number(objects, "pods"),
		tg_json_number(objects, "namespaces"), tg_json_number(objects, "nodes"));
}

static void print_messages(
	struct tg_cli *cli, const cJSON *tree, const char *list, const char *title, bool bad)
{
	const cJSON *item;

	cJSON_ArrayForEach(item, member(member(tree, "sources"), list)) fprintf(cli->out,
		"%s%s%s %s: %s\n", tg_colour_on(cli, bad ? TG_RED : TG_YELLOW), title,
		tg_colour_off(cli), tg_json_text(item, "place"), tg_json_text(item, "text"));
}

static void print_unenforced(struct tg_cli *cli, const cJSON *tree)
{
	const cJSON *item;

	cJSON_ArrayForEach(item, member(member(tree, "sources"), "not_enforced"))
	{
		const char *ns = tg_json_text(item, "namespace");

		fprintf(cli->out, "%sNOT ENFORCED%s %s: %s %s%s%s\n", tg_colour_on(cli, TG_RED),
			tg_colour_off(cli), tg_json_text(item, "place"), tg_json_text(item, "kind"),
			ns, *ns != '\0' ? "/" : "", tg_json_text(item, "name"));
	}
}

static int print(struct tg_cli *cli, const cJSON *tree, void *arg)
{
	const cJSON *sources = member(tree, "sources");
	const char *why = tg_json_text(tree, "not_ready");

	print_word(cli, "tidegate", cJSON_IsTrue(member(tree, "ready")), "ready", "not ready");
	fprintf(cli->out, "%s%s\n", *why != '\0' ? ": " : "", why);
	print_dataplane(cli, tree);
	print_ruleset(cli, tree);
	print_word(cli, "sources",
		cJSON_IsTrue(member(sources, "synced")) && count(tree, "errors") == 0, "read",
		cJSON_IsTrue(member(sources, "synced")) ? "with errors" : "not yet read");
	fprintf(cli->out,
		", %.0f files, %.0f objects of clusters, %.0f documents of other kinds "
		"skipped\n",
		tg_json_number(sources, "files"), tg_json_number(sources, "served"),
		tg_json_number(sources, "skipped"));
	if (cJSON_IsTrue(member(sources, "stale")))
		fprintf(cli->out, "%-12s %sa cluster is out of touch%s: tidegate sources\n", "",
			tg_colour_on(cli, TG_RED), tg_colour_off(cli));
	print_messages(cli, tree, "errors", "error", true);
	print_unenforced(cli, tree);
	print_messages(cli, tree, "warnings", "warning", false);
	return 0;
}

static int run(struct tg_cli *cli, int argc, char **argv)
{
	struct tg_live live = {
		.command = "status",
		.path = "/v1/status",
		.print = print,
		.finding = finding,
		.arrange = arrange,
	};

	return tg_live_command(&live, cli, argc, argv);
}

const struct tg_command tg_command_status = {
	.name = "status",
	.summary = "say whether what is wanted is enforced: dataplane, ruleset, sources",
	.help = "usage: tidegate status [OPTION]...\n"
		"\n"
		"Asks the control process whether the dataplane is connected, whether the ruleset\n"
		"it enforces is the one that is wanted, which files were refused and which policies\n"
		"are of a kind that is NOT ENFORCED; how busy each worker was in the last second,\n"
		"what connections and endpoints cost in memory, and how many connections namespaces\n"
		"with a limit have, the fullest ten.\n"
		"\n"
		"options:\n" TG_LIVE_HELP "\n"
		"example:\n"
		"  tidegate status || echo 'the gateway needs attention'\n"
		"\n"
		"exit codes: 0 all well; 1 not ready, dataplane away or behind, files refused or\n"
		"policies not enforced; 2 usage, or the control process does not answer\n",
	.run = run,
};
