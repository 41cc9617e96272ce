/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <string.h>

#include "live.h"
#include "table.h"

static const cJSON *member(const cJSON *tree, const char *key)
{
	return cJSON_GetObjectItemCaseSensitive(tree, key);
}

static bool is_true(const cJSON *tree, const char *key)
{
	return cJSON_IsTrue(member(tree, key));
}

/* It has to be read, and the server does not let us. */
static bool is_missing(const cJSON *kind)
{
	const char *state = tg_json_text(kind, "state");

	return is_true(kind, "enforced") && !is_true(kind, "optional") &&
	       (strcmp(state, "forbidden") == 0 || strcmp(state, "absent") == 0);
}

static int finding(const cJSON *tree)
{
	const cJSON *cluster, *kind;

	if (!is_true(tree, "synced") || is_true(tree, "stale") ||
		tg_json_number(tree, "files_refused") != 0)
		return TG_EXIT_NEGATIVE;
	cJSON_ArrayForEach(cluster, member(tree, "clusters"))
	{
		cJSON_ArrayForEach(kind, member(cluster, "kinds"))
		{
			if (tg_json_number(kind, "refused") != 0 || is_missing(kind))
				return TG_EXIT_NEGATIVE;
		}
	}
	return TG_EXIT_OK;
}

/* A time span: "12 ms", "3.4 s", "2 h"; "-": none. */
static void span_text(const cJSON *tree, const char *key, char text[32])
{
	double ms = tg_json_number(tree, key);

	if (!cJSON_IsNumber(member(tree, key)))
		snprintf(text, 32, "-");
	else if (ms < 1000)
		snprintf(text, 32, "%.0f ms", ms);
	else if (ms < 600e3)
		snprintf(text, 32, "%.1f s", ms / 1e3);
	else if (ms < 36e6)
		snprintf(text, 32, "%.0f min", ms / 60e3);
	else
		snprintf(text, 32, "%.0f h", ms / 3600e3);
}

static enum tg_colour state_colour(const cJSON *kind)
{
	if (is_true(kind, "stale") || (!is_true(kind, "synced") && is_true(kind, "enforced")))
		return TG_RED;
	return strcmp(tg_json_text(kind, "state"), "watching") == 0 ? TG_GREEN : TG_YELLOW;
}

static int add_row(struct tg_table *table, const cJSON *cluster, const cJSON *kind)
{
	const char *ns = tg_json_text(kind, "namespace");
	char age[32], state[64];
	int rc = tg_table_row(table);

	span_text(kind, "age_ms", age);
	snprintf(state, sizeof(state), "%s%s", tg_json_text(kind, "state"),
		is_true(kind, "stale") ? ", STALE" : "");
	if (rc == 0)
		rc = tg_table_text(table, TG_BOLD, tg_json_text(cluster, "name"));
	if (rc == 0)
		rc = tg_table_text(table, TG_PLAIN, tg_json_text(kind, "resource"));
	if (rc == 0)
		rc = tg_table_text(table, TG_PLAIN, *ns != '\0' ? ns : "all");
	if (rc == 0)
		rc = tg_table_text(table, state_colour(kind), state);
	if (rc == 0)
		rc = tg_table_number(table, (uint64_t)tg_json_number(kind, "objects"));
	if (rc == 0)
		rc = tg_table_number(table, (uint64_t)tg_json_number(kind, "refused"));
	if (rc == 0)
		rc = tg_table_text(table, TG_PLAIN, tg_json_text(kind, "resource_version"));
	if (rc == 0)
		rc = tg_table_text(table, TG_PLAIN, age);
	if (rc == 0)
		rc = tg_table_text(table, is_true(kind, "enforced") ? TG_PLAIN : TG_RED,
			is_true(kind, "enforced") ? is_true(kind, "optional") ? "optional" : "yes"
			: tg_json_number(kind, "objects") != 0 ? "NOT ENFORCED"
							       : "no");
	return rc;
}

static int print_kinds(struct tg_cli *cli, const cJSON *clusters)
{
	static const char *const titles[] = {"CLUSTER", "RESOURCE", "NAMESPACE", "STATE",
		"<OBJECTS", "<REFUSED", "VERSION", "AGE", "ENFORCED", NULL};
	struct tg_table *table = tg_table_create(titles);
	const cJSON *cluster, *kind;
	int rc = table != NULL ? 0 : -ENOMEM;

	cJSON_ArrayForEach(cluster, clusters)
	{
		cJSON_ArrayForEach(kind, member(cluster, "kinds"))
		{
			if (rc == 0)
				rc = add_row(table, cluster, kind);
		}
	}
	if (rc == 0)
		tg_table_print(table, cli);
	tg_table_free(table);
	return rc;
}

static void print_problem(
	struct tg_cli *cli, const cJSON *cluster, const char *text, const cJSON *kind)
{
	char next[32];

	if (*text == '\0')
		return;
	fprintf(cli->out, "%s%s%s: %s", tg_colour_on(cli, TG_RED), tg_json_text(cluster, "name"),
		tg_colour_off(cli), text);
	if (cJSON_IsNumber(member(kind, "next_try_ms"))) {
		span_text(kind, "next_try_ms", next);
		fprintf(cli->out, "; next try in %s", next);
	}
	fputc('\n', cli->out);
}

static int print(struct tg_cli *cli, const cJSON *tree, void *arg)
{
	const cJSON *clusters = member(tree, "clusters"), *cluster, *kind;
	bool synced = is_true(tree, "synced"), stale = is_true(tree, "stale");
	int rc = 0;

	fprintf(cli->out, "%s%s%s\n", tg_colour_on(cli, synced && !stale ? TG_GREEN : TG_RED),
		!synced ? "not read completely yet: nothing of it is enforced"
		: stale ? "out of touch: what was known stays in force"
			: "read",
		tg_colour_off(cli));
	fprintf(cli->out, "%.0f files, %.0f refused\n", tg_json_number(tree, "files"),
		tg_json_number(tree, "files_refused"));
	if (cJSON_GetArraySize(clusters) != 0)
		rc = print_kinds(cli, clusters);
	cJSON_ArrayForEach(cluster, clusters)
	{
		print_problem(cli, cluster, tg_json_text(cluster, "discovery_problem"), NULL);
		cJSON_ArrayForEach(kind, member(cluster, "kinds"))
			print_problem(cli, cluster, tg_json_text(kind, "problem"), kind);
	}
	return rc;
}

static int run(struct tg_cli *cli, int argc, char **argv)
{
	struct tg_live live = {
		.command = "sources",
		.path = "/v1/sources",
		.print = print,
		.finding = finding,
	};

	return tg_live_command(&live, cli, argc, argv);
}

const struct tg_command tg_command_sources = {
	.name = "sources",
	.summary = "say how the clusters and files stand that objects are read from",
	.help = "usage: tidegate sources [OPTION]...\n"
		"\n"
		"Lists each kind of each cluster: whether it is watched, how many objects there are\n"
		"and how many of them could not be read, up to which resourceVersion it is known\n"
		"and since when; and what stands in the way, missing RBAC for instance. Kinds that\n"
		"are policies which nothing here enforces are listed as such.\n"
		"\n"
		"options:\n" TG_LIVE_HELP "\n"
		"example:\n"
		"  tidegate sources --watch\n"
		"\n"
		"exit codes: 0 all was read and is up to date; 1 something was not, or is stale;\n"
		"2 usage, or the control process does not answer\n",
	.run = run,
};
