/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "json_print.h"
#include "nic_tree.h"
#include "nic_verify.h"
#include "table.h"

#define INDENT 14

struct arguments {
	const char *folder; /* of the profiles */
	const char *what;   /* NAME, FILE or DIR; NULL: none */
	bool json;
};

static bool is_text(const cJSON *item, const char *key)
{
	return item->string != NULL && strcmp(item->string, key) == 0;
}

static const cJSON *member(const cJSON *tree, const char *key)
{
	return cJSON_GetObjectItemCaseSensitive(tree, key);
}

/* Every line of `errors`; the exit code. `folder` is what could not be loaded. */
static int refused(struct tg_cli *cli, const char *folder, char *errors, int rc)
{
	char *rest = errors;

	if (errors == NULL)
		return tg_cli_fail(cli, "nic", "%s: %s", folder, strerror(-rc));
	for (char *line = strsep(&rest, "\n"); line != NULL; line = strsep(&rest, "\n"))
		tg_cli_fail(cli, "nic", "%s", line);
	free(errors);
	return TG_EXIT_USAGE;
}

static int out_of_memory(struct tg_cli *cli)
{
	return tg_cli_fail(cli, "nic", "%s", strerror(ENOMEM));
}

/* --- text --- */

static void print_words(struct tg_cli *cli, const cJSON *list)
{
	const cJSON *word;

	cJSON_ArrayForEach(word, list)
		fprintf(cli->out, "%s%s", word == list->child ? "" : ", ", word->valuestring);
}

/* "drop, count", "64", "mask any", "hits": what a block says, without its source. */
static void print_value(struct tg_cli *cli, const cJSON *item)
{
	bool plain = is_text(item, "is") || is_text(item, "are");

	if (cJSON_IsBool(item) && plain)
		fputs(cJSON_IsTrue(item) ? "yes" : "no", cli->out);
	else if (cJSON_IsTrue(item))
		fputs(item->string, cli->out);
	else if (!plain)
		fprintf(cli->out, "%s ", item->string);
	if (cJSON_IsNumber(item))
		fprintf(cli->out, "%.0f", item->valuedouble);
	else if (cJSON_IsString(item))
		fputs(item->valuestring, cli->out);
	else if (cJSON_IsArray(item))
		print_words(cli, item);
}

static void print_source(struct tg_cli *cli, const cJSON *block, int indent)
{
	fprintf(cli->out, "%*s%s%s%s\n", indent + INDENT, "", tg_colour_on(cli, TG_DIM),
		member(block, "source")->valuestring, tg_colour_off(cli));
}

static void print_block(struct tg_cli *cli, const char *key, const cJSON *block, int indent)
{
	const char *between = "";
	const cJSON *item;

	fprintf(cli->out, "%*s%-*s", indent, "", INDENT, key);
	cJSON_ArrayForEach(item, block)
	{
		if (is_text(item, "source") || (cJSON_IsFalse(item) && !is_text(item, "is")))
			continue;
		fputs(between, cli->out);
		print_value(cli, item);
		between = "; ";
	}
	fputc('\n', cli->out);
	print_source(cli, block, indent);
}

/* A key's block, or its blocks, the key before the first. */
static void print_key(struct tg_cli *cli, const cJSON *item, int indent)
{
	const cJSON *block;

	if (cJSON_IsObject(item))
		print_block(cli, item->string, item, indent);
	else
		cJSON_ArrayForEach(block, item)
			print_block(cli, block == item->child ? item->string : "", block, indent);
}

static void print_line(struct tg_cli *cli, const char *key, const char *text)
{
	fprintf(cli->out, "%-*s%s\n", INDENT, key, text);
}

static void print_engines(struct tg_cli *cli, const cJSON *engines)
{
	const cJSON *engine, *item;

	cJSON_ArrayForEach(engine, engines)
	{
		fprintf(cli->out, "\n%sengine %s%s\n", tg_colour_on(cli, TG_BOLD),
			member(engine, "name")->valuestring, tg_colour_off(cli));
		cJSON_ArrayForEach(item, engine) if (!is_text(item, "name"))
			print_key(cli, item, 2);
	}
}

static void print_placement(struct tg_cli *cli, const cJSON *placement)
{
	if (cJSON_GetArraySize(placement) == 0)
		return;
	fputc('\n', cli->out);
	print_key(cli, placement, 0);
}

static void print_strategies(struct tg_cli *cli, const cJSON *strategies)
{
	const cJSON *strategy;

	fprintf(cli->out, "\n%sstrategies%s\n", tg_colour_on(cli, TG_BOLD), tg_colour_off(cli));
	cJSON_ArrayForEach(strategy, strategies)
	{
		bool used = cJSON_IsTrue(member(strategy, "use"));

		fprintf(cli->out, "  %-*s%s%s%s", INDENT, strategy->string,
			tg_colour_on(cli, used ? TG_GREEN : TG_YELLOW), used ? "used" : "not used",
			tg_colour_off(cli));
		if (!used)
			fprintf(cli->out, ": %s", member(strategy, "why-not")->valuestring);
		fputc('\n', cli->out);
		print_source(cli, strategy, 2);
	}
}

static void print_hazard(struct tg_cli *cli, const cJSON *hazard)
{
	static const struct {
		const char *key, *title;
	} lines[] = {{"happens", "happens"}, {"refused", "refused"}, {"refuse-when", "here"}};

	fprintf(cli->out, "  %s%s%s in ", tg_colour_on(cli, TG_BOLD),
		member(hazard, "id")->valuestring, tg_colour_off(cli));
	print_words(cli, member(hazard, "engines"));
	if (member(hazard, "fields") != NULL) {
		fputs(": ", cli->out);
		print_words(cli, member(hazard, "fields"));
	}
	fputc('\n', cli->out);
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++)
		fprintf(cli->out, "    %-*s%s\n", INDENT - 2, lines[i].title,
			member(hazard, lines[i].key)->valuestring);
	print_source(cli, hazard, 2);
}

static void print_hazards(struct tg_cli *cli, const cJSON *hazards)
{
	const cJSON *hazard;

	if (cJSON_GetArraySize(hazards) > 0)
		fprintf(cli->out, "\n%shazards%s\n", tg_colour_on(cli, TG_BOLD),
			tg_colour_off(cli));
	cJSON_ArrayForEach(hazard, hazards) print_hazard(cli, hazard);
}

static void print_profile(struct tg_cli *cli, const cJSON *tree)
{
	const cJSON *item;

	fprintf(cli->out, "%s%s%s: %s\n", tg_colour_on(cli, TG_BOLD),
		member(tree, "name")->valuestring, tg_colour_off(cli),
		member(tree, "title")->valuestring);
	print_line(cli, "verified", member(tree, "verified")->valuestring);
	print_line(cli, "dpdk", member(tree, "dpdk")->valuestring);
	cJSON_ArrayForEach(item, tree) if (cJSON_IsObject(item) && !is_text(item, "strategies"))
		print_key(cli, item, 0);
	print_engines(cli, member(tree, "engines"));
	print_placement(cli, member(tree, "placement"));
	print_strategies(cli, member(tree, "strategies"));
	print_hazards(cli, member(tree, "hazards"));
}

/* --- list --- */

/* The summaries of all profiles; NULL: out of memory. */
static cJSON *list_tree(const struct tg_nic_profiles *profiles)
{
	cJSON *tree = cJSON_CreateObject(), *list = cJSON_AddArrayToObject(tree, "profiles");
	bool ok = list != NULL;

	for (size_t i = 0; ok && i < tg_nic_profiles_count(profiles); i++) {
		cJSON *item = tg_nic_tree_summary(tg_nic_profiles_at(profiles, i));

		ok = item != NULL && cJSON_AddItemToArray(list, item);
	}
	if (ok)
		return tree;
	cJSON_Delete(tree);
	return NULL;
}

/* The words of a list in one cell, or `none`. */
static int add_cell(struct tg_table *table, const cJSON *list, const char *none)
{
	char text[256] = "";
	const cJSON *word;

	cJSON_ArrayForEach(word, list)
	{
		size_t used = strlen(text);

		snprintf(text + used, sizeof(text) - used, "%s%s", used != 0 ? "," : "",
			word->valuestring);
	}
	return tg_table_text(table, TG_PLAIN, text[0] != '\0' ? text : none);
}

static int print_list(struct tg_cli *cli, const cJSON *tree)
{
	static const char *const titles[] = {
		"NAME", "DRIVERS", "STRATEGIES", "VERIFIED", "TITLE", NULL};
	struct tg_table *table = tg_table_create(titles);
	int rc = table != NULL ? 0 : -ENOMEM;
	const cJSON *item;

	cJSON_ArrayForEach(item, member(tree, "profiles"))
	{
		if (rc == 0)
			rc = tg_table_row(table);
		if (rc == 0)
			rc = tg_table_text(table, TG_BOLD, member(item, "name")->valuestring);
		if (rc == 0)
			rc = add_cell(table, member(item, "drivers"), "any");
		if (rc == 0)
			rc = add_cell(table, member(item, "strategies"), "none");
		if (rc == 0)
			rc = tg_table_text(table, TG_PLAIN, member(item, "verified")->valuestring);
		if (rc == 0)
			rc = tg_table_text(table, TG_PLAIN, member(item, "title")->valuestring);
	}
	if (rc == 0)
		tg_table_print(table, cli);
	tg_table_free(table);
	return rc;
}

/* --- the three of them --- */

static int list(struct tg_cli *cli, const struct arguments *args, struct tg_nic_profiles *profiles)
{
	cJSON *tree = list_tree(profiles);
	int rc = tree != NULL ? 0 : -ENOMEM;

	if (rc == 0 && args->json)
		tg_json_print(cli->out, tree);
	else if (rc == 0)
		rc = print_list(cli, tree);
	cJSON_Delete(tree);
	return rc == 0 ? TG_EXIT_OK : out_of_memory(cli);
}

static int show(struct tg_cli *cli, const struct arguments *args, struct tg_nic_profiles *profiles)
{
	const struct tg_nic_profile *profile = tg_nic_profiles_find(profiles, args->what);
	cJSON *tree;

	if (profile == NULL)
		return tg_cli_fail(
			cli, "nic", "there is no profile '%s' in %s", args->what, args->folder);
	tree = tg_nic_tree(profile);
	if (tree == NULL)
		return out_of_memory(cli);
	if (args->json)
		tg_json_print(cli->out, tree);
	else
		print_profile(cli, tree);
	cJSON_Delete(tree);
	return TG_EXIT_OK;
}

static int check(struct tg_cli *cli, const struct arguments *args, struct tg_nic_profiles *profiles)
{
	size_t n = tg_nic_profiles_count(profiles);

	if (args->json)
		return list(cli, args, profiles);
	fprintf(cli->out, "%zu profile%s, nothing to complain about\n", n, n == 1 ? "" : "s");
	return TG_EXIT_OK;
}

static int load(const char *path, struct tg_nic_profiles **out, char **errors)
{
	struct stat st;

	if (stat(path, &st) == 0 && S_ISREG(st.st_mode))
		return tg_nic_profiles_load_file(path, out, errors);
	return tg_nic_profiles_load(path, out, errors);
}

static const struct verb {
	const char *name, *expected;
	bool takes_path; /* what is loaded, instead of the folder */
	int (*run)(
		struct tg_cli *cli, const struct arguments *args, struct tg_nic_profiles *profiles);
} verbs[] = {
	{"list", NULL, false, list},
	{"show", "NAME", false, show},
	{"check", "FILE or DIR", true, check},
};

static const struct verb *find_verb(const char *name)
{
	for (size_t i = 0; name != NULL && i < sizeof(verbs) / sizeof(verbs[0]); i++)
		if (strcmp(verbs[i].name, name) == 0)
			return &verbs[i];
	return NULL;
}

static int run_verb(struct tg_cli *cli, const struct verb *verb, struct arguments *args)
{
	struct tg_nic_profiles *profiles;
	char *errors;
	int rc, code;

	if (verb->takes_path)
		args->folder = args->what;
	rc = load(args->folder, &profiles, &errors);
	if (rc != 0)
		return refused(cli, args->folder, errors, rc);
	code = verb->run(cli, args, profiles);
	tg_nic_profiles_free(profiles);
	return code;
}

static int run(struct tg_cli *cli, int argc, char **argv)
{
	static const struct option longs[] = {
		{"output", required_argument, NULL, 'o'},
		{"profiles", required_argument, NULL, 'p'},
		{0},
	};
	struct arguments args = {.folder = tg_nic_profiles_folder()};
	const struct verb *verb;
	int c;

	if (argc > 1 && strcmp(argv[1], "verify") == 0)
		return tg_nic_verify(cli, argv + 1);
	while ((c = getopt_long(argc, argv, ":o:", longs, NULL)) != -1) {
		if (c == 'o') {
			if (tg_cli_parse_output(cli, argv[0], optarg, &args.json) != TG_EXIT_OK)
				return TG_EXIT_USAGE;
		} else if (c == 'p') {
			args.folder = optarg;
		} else {
			return tg_cli_bad_option(cli, c, argv);
		}
	}
	verb = find_verb(argv[optind]);
	if (verb == NULL)
		return tg_cli_bad_usage(cli, argv[0], "list, show, check or verify");
	args.what = argv[optind + 1];
	if (argc - optind != (verb->expected != NULL ? 2 : 1))
		return tg_cli_bad_usage(
			cli, argv[0], verb->expected != NULL ? verb->expected : "no argument");
	return run_verb(cli, verb, &args);
}

const struct tg_command tg_command_nic = {
	.name = "nic",
	.summary = "what may be asked of which NIC: list, show, check and verify profiles",
	.help = "usage: tidegate nic list [OPTION]...\n"
		"       tidegate nic show [OPTION]... NAME\n"
		"       tidegate nic check [OPTION]... FILE|DIR\n"
		"       tidegate nic verify [OPTION]... --generator DEVICE DEVICE\n"
		"\n"
		"Profiles say what the driver of a NIC does exactly when it is given rules, with the\n"
		"source of each line. list: all of them; show: one with everything that it says;\n"
		"check: whether a file, or a folder of them, is without mistakes; verify: whether a NIC\n"
		"does what its profile says ('tidegate nic verify --help').\n"
		"\n"
		"options:\n"
		"      --profiles DIR         where the profiles are (default: what is installed)\n"
		"  -o, --output text|json     how to print\n"
		"\n"
		"example:\n"
		"  tidegate nic show mlx5-cx6dx\n"
		"\n"
		"exit codes: 0 ok; 1 verify: something is WRONG; 2 usage, no such profile, or a profile\n"
		"with mistakes\n",
	.other_help = "verify",
	.run = run,
};
