/* SPDX-License-Identifier: BSD-3-Clause */
#include <cjson/cJSON.h>
#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#include "json_print.h"
#include "offline.h"

struct arguments {
	struct tg_offline_request request;
	const char *image; /* where to write it; NULL: nowhere */
	bool allow_unenforced, json;
};

/* Everything that is wrong or worth knowing besides refused files. */
struct findings {
	struct tg_store_stats store;
	const struct tg_compile_stats *compiled;
	const struct tg_warning *warnings;
	size_t n_warnings;
};

static int parse_options(struct arguments *args, struct tg_cli *cli, int argc, char **argv)
{
	static const struct option longs[] = {
		TG_OFFLINE_OPTIONS,
		{"allow-unenforced", no_argument, NULL, 'a'},
		{"image", required_argument, NULL, 'i'},
		{0},
	};
	int c;

	while ((c = getopt_long(argc, argv, TG_OFFLINE_LETTERS, longs, NULL)) != -1)
		switch (c) {
		case 'a':
			args->allow_unenforced = true;
			break;
		case 'i':
			args->image = optarg;
			break;
		case 'o':
			if (tg_cli_parse_output(cli, argv[0], optarg, &args->json) != TG_EXIT_OK)
				return TG_EXIT_USAGE;
			break;
		default:
			if (!tg_offline_option(&args->request, c, optarg))
				return tg_cli_bad_option(cli, c, argv);
		}
	if (argc - optind != 1)
		return tg_cli_bad_usage(cli, argv[0], "DIR");
	args->request.dir = argv[optind];
	return TG_EXIT_OK;
}

/* "file:line" or "file" of a place. */
static const char *place_text(
	const struct tg_offline *offline, const struct tg_place *place, char *buf, size_t size)
{
	const char *file = tg_intern_text(tg_store_strings(offline->store), place->file);

	if (place->line != 0)
		snprintf(buf, size, "%s:%u", file, place->line);
	else
		snprintf(buf, size, "%s", file);
	return buf;
}

static void print_store_warnings(const struct tg_offline *offline, struct tg_cli *cli)
{
	for (size_t i = 0; i < tg_store_file_count(offline->store); i++) {
		struct tg_file_status file;

		tg_store_file(offline->store, i, &file);
		for (size_t k = 0; k < file.n_warnings; k++)
			fprintf(cli->out, "%swarning%s: %s:%u: %s\n", tg_colour_on(cli, TG_YELLOW),
				tg_colour_off(cli), file.file, file.warnings[k].line,
				file.warnings[k].text);
	}
}

static void print_warnings(
	const struct tg_offline *offline, struct tg_cli *cli, const struct findings *found)
{
	char place[600];

	print_store_warnings(offline, cli);
	for (size_t i = 0; i < found->n_warnings; i++) {
		const struct tg_warning *warning = &found->warnings[i];

		place_text(offline, &warning->place, place, sizeof(place));
		fprintf(cli->out, "%swarning%s: %s%s%s [%s]\n", tg_colour_on(cli, TG_YELLOW),
			tg_colour_off(cli), place, *place != '\0' ? ": " : "", warning->text,
			tg_warning_label(warning->kind));
	}
}

static void print_summary(struct tg_cli *cli, const struct findings *found)
{
	const struct tg_compile_stats *c = found->compiled;

	fprintf(cli->out,
		"%zu policies, %zu pods, %zu namespaces, %zu nodes, %zu services in %zu files\n"
		"%zu addresses in %zu classes; %zu rows, %zu columns, %zu cells, %zu port programs\n"
		"%zu rules; image of %zu bytes, compiled in %.1f ms\n",
		found->store.policies, found->store.pods, found->store.namespaces,
		found->store.nodes, found->store.services, found->store.files, c->endpoints,
		c->classes, c->rows, c->columns, c->cells, c->programs, c->rules, c->image_size,
		(double)c->duration_us / 1000);
	if (found->store.skipped != 0)
		fprintf(cli->out, "%zu documents of kinds that are no policy skipped\n",
			found->store.skipped);
}

static bool add_number(cJSON *tree, const char *name, size_t value)
{
	return cJSON_AddNumberToObject(tree, name, (double)value) != NULL;
}

static bool add_objects(cJSON *tree, const struct tg_store_stats *s)
{
	cJSON *objects = cJSON_AddObjectToObject(tree, "objects");

	return objects != NULL && add_number(objects, "policies", s->policies) &&
	       add_number(objects, "pods", s->pods) &&
	       add_number(objects, "namespaces", s->namespaces) &&
	       add_number(objects, "nodes", s->nodes) &&
	       add_number(objects, "services", s->services) &&
	       add_number(objects, "skipped", s->skipped);
}

static bool add_image(cJSON *tree, const struct tg_compile_stats *c)
{
	cJSON *image = cJSON_AddObjectToObject(tree, "image");

	return image != NULL && add_number(image, "addresses", c->endpoints) &&
	       add_number(image, "classes", c->classes) && add_number(image, "rows", c->rows) &&
	       add_number(image, "columns", c->columns) && add_number(image, "cells", c->cells) &&
	       add_number(image, "programs", c->programs) && add_number(image, "rules", c->rules) &&
	       add_number(image, "bytes", c->image_size) &&
	       add_number(image, "compile_us", c->duration_us);
}

static bool add_message(cJSON *list, const char *place, const char *kind, const char *text)
{
	cJSON *item = cJSON_CreateObject();

	return item != NULL && cJSON_AddItemToArray(list, item) &&
	       cJSON_AddStringToObject(item, "place", place) != NULL &&
	       cJSON_AddStringToObject(item, "kind", kind) != NULL &&
	       cJSON_AddStringToObject(item, "text", text) != NULL;
}

static bool add_file_messages(cJSON *warnings, cJSON *unenforced, const struct tg_offline *offline,
	const struct tg_file_status *file)
{
	const struct tg_intern *strings = tg_store_strings(offline->store);
	char place[600];

	for (size_t i = 0; i < file->n_warnings; i++) {
		snprintf(place, sizeof(place), "%s:%u", file->file, file->warnings[i].line);
		if (!add_message(warnings, place, "object", file->warnings[i].text))
			return false;
	}
	for (size_t i = 0; i < file->n_not_enforced; i++) {
		const struct tg_not_enforced *it = &file->not_enforced[i];

		snprintf(place, sizeof(place), "%s:%u", file->file, it->place.line);
		if (!add_message(unenforced, place, tg_intern_text(strings, it->kind),
			    tg_intern_text(strings, it->name)))
			return false;
	}
	return true;
}

static bool add_messages(
	cJSON *tree, const struct tg_offline *offline, const struct findings *found)
{
	cJSON *warnings = cJSON_AddArrayToObject(tree, "warnings");
	cJSON *unenforced = cJSON_AddArrayToObject(tree, "not_enforced");
	char place[600];

	for (size_t i = 0; i < tg_store_file_count(offline->store); i++) {
		struct tg_file_status file;

		tg_store_file(offline->store, i, &file);
		if (warnings == NULL || unenforced == NULL ||
			!add_file_messages(warnings, unenforced, offline, &file))
			return false;
	}
	for (size_t i = 0; i < found->n_warnings; i++) {
		const struct tg_warning *warning = &found->warnings[i];

		if (!add_message(warnings,
			    place_text(offline, &warning->place, place, sizeof(place)),
			    tg_warning_label(warning->kind), warning->text))
			return false;
	}
	return true;
}

static int print_json(
	const struct tg_offline *offline, struct tg_cli *cli, const struct findings *found, bool ok)
{
	cJSON *tree = cJSON_CreateObject();
	int code = TG_EXIT_OK;

	if (tree != NULL && cJSON_AddBoolToObject(tree, "ok", ok) != NULL &&
		add_objects(tree, &found->store) && add_image(tree, found->compiled) &&
		add_messages(tree, offline, found))
		tg_json_print(cli->out, tree);
	else
		code = tg_cli_fail(cli, "check", "out of memory");
	cJSON_Delete(tree);
	return code;
}

static int write_image(
	const struct tg_offline *offline, struct tg_cli *cli, const struct arguments *args)
{
	size_t size;
	const void *data = tg_compiled_image(offline->compiled, &size);
	FILE *file = fopen(args->image, "wbe");
	bool ok = file != NULL && fwrite(data, 1, size, file) == size;

	if (file != NULL && fclose(file) != 0)
		ok = false;
	return ok ? TG_EXIT_OK : tg_cli_fail(cli, "check", "%s: %s", args->image, strerror(errno));
}

static int report(
	const struct tg_offline *offline, struct tg_cli *cli, const struct arguments *args)
{
	struct findings found = {.compiled = tg_compiled_stats(offline->compiled)};
	size_t unenforced;
	bool ok;

	tg_store_stats(offline->store, &found.store);
	found.warnings = tg_compiled_warnings(offline->compiled, &found.n_warnings);
	unenforced = tg_offline_report_not_enforced(
		offline, cli, args->allow_unenforced ? "warning: " : "error: ");
	ok = unenforced == 0 || args->allow_unenforced;
	if (args->json) {
		if (print_json(offline, cli, &found, ok) != TG_EXIT_OK)
			return TG_EXIT_USAGE;
	} else {
		print_warnings(offline, cli, &found);
		print_summary(cli, &found);
	}
	return ok ? TG_EXIT_OK : TG_EXIT_NEGATIVE;
}

static int run(struct tg_cli *cli, int argc, char **argv)
{
	struct arguments args = {.request = {.command = "check"}};
	struct tg_offline offline = {0};
	int code = parse_options(&args, cli, argc, argv);

	if (code == TG_EXIT_OK)
		code = tg_offline_load(&offline, cli, &args.request);
	if (code == TG_EXIT_OK)
		code = tg_offline_compile(&offline, cli);
	if (code == TG_EXIT_OK)
		code = report(&offline, cli, &args);
	if (code == TG_EXIT_OK && args.image != NULL)
		code = write_image(&offline, cli, &args);
	tg_offline_close(&offline);
	return code;
}

const struct tg_command tg_command_check = {
	.name = "check",
	.summary = "read and compile manifests, and report what is wrong with them",
	.help = "usage: tidegate check [OPTION]... DIR\n"
		"\n"
		"Reads every manifest in DIR (*.yaml, *.yml, *.json, *.endpoints, nested folders),\n"
		"compiles them as the control process would and prints warnings and a summary.\n"
		"A file that would be refused is an error with file, line and field. A policy of a\n"
		"kind that Tidegate does not enforce is an error too: it may contain denies.\n"
		"\n"
		"options:\n"
		"      --allow-unenforced     policies that are not enforced are only warnings\n" TG_OFFLINE_HELP
		"      --image FILE           write the compiled ruleset, when there is no error\n"
		"  -o, --output text|json     how to print\n"
		"\n"
		"example:\n"
		"  tidegate check -c /etc/tidegate/tidegate-ctrl.yaml /etc/tidegate/manifests\n"
		"\n"
		"exit codes: 0 fine, perhaps with warnings; 1 policies that are not enforced;\n"
		"2 usage, or manifests that are refused\n",
	.run = run,
};
