/* SPDX-License-Identifier: BSD-3-Clause */
#include "offline.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "config.h"
#include "manifests.h"

bool tg_offline_option(struct tg_offline_request *request, int c, const char *value)
{
	if (c == 'c')
		request->config = value;
	else if (c == 'd')
		request->default_action = value;
	else
		return false;
	return true;
}

static void report_file(struct tg_cli *cli, const struct tg_file_status *file)
{
	for (size_t i = 0; i < file->n_errors; i++) {
		const struct tg_problem *error = &file->errors[i];

		if (error->line != 0)
			fprintf(cli->err, "%s:%u: %s\n", file->file, error->line, error->text);
		else
			fprintf(cli->err, "%s: %s\n", file->file, error->text);
	}
	if (file->errors_dropped != 0)
		fprintf(cli->err, "%s: and %zu more\n", file->file, file->errors_dropped);
}

/* The number of files that were refused. */
static size_t report_errors(const struct tg_offline *offline, struct tg_cli *cli)
{
	size_t n = 0;

	for (size_t i = 0; i < tg_store_file_count(offline->store); i++) {
		struct tg_file_status file;

		tg_store_file(offline->store, i, &file);
		if (!file.refused)
			continue;
		report_file(cli, &file);
		n++;
	}
	return n;
}

size_t tg_offline_report_not_enforced(
	const struct tg_offline *offline, struct tg_cli *cli, const char *prefix)
{
	const struct tg_intern *strings = tg_store_strings(offline->store);
	size_t n = 0;

	for (size_t i = 0; i < tg_store_file_count(offline->store); i++) {
		struct tg_file_status file;

		tg_store_file(offline->store, i, &file);
		for (size_t k = 0; k < file.n_not_enforced; k++, n++) {
			const struct tg_not_enforced *it = &file.not_enforced[k];

			fprintf(cli->err, "%s%s:%u: %s %s%s%s (%s) is NOT ENFORCED\n", prefix,
				file.file, it->place.line, tg_intern_text(strings, it->kind),
				tg_intern_text(strings, it->ns), it->ns != 0 ? "/" : "",
				tg_intern_text(strings, it->name),
				tg_intern_text(strings, it->api_version));
		}
	}
	return n;
}

static int apply_default_action(struct tg_offline *offline, struct tg_cli *cli, const char *word)
{
	enum tg_default_action action;

	if (strcmp(word, "deny") == 0)
		action = TG_DEFAULT_DENY;
	else if (strcmp(word, "audit") == 0)
		action = TG_DEFAULT_AUDIT;
	else if (strcmp(word, "kubernetes") == 0)
		action = TG_DEFAULT_KUBERNETES;
	else
		return tg_cli_fail(cli, offline->command,
			"--default-action: '%s' is none of deny, audit, kubernetes", word);
	offline->options.default_action[TG_EGRESS] = action;
	offline->options.default_action[TG_INGRESS] = action;
	return TG_EXIT_OK;
}

static int load_options(
	struct tg_offline *offline, struct tg_cli *cli, const struct tg_offline_request *request)
{
	char *error = NULL;
	int rc = 0;

	if (request->config == NULL)
		offline->config = tg_config_default();
	else
		rc = tg_config_load(request->config, &offline->config, &error);
	if (rc != 0 || offline->config == NULL) {
		if (error != NULL)
			fprintf(cli->err, "%s\n", error);
		free(error);
		return tg_cli_fail(cli, offline->command,
			rc == 0 || rc == -ENOMEM ? "out of memory"
						 : "the configuration is refused");
	}
	offline->options = offline->config->compile;
	if (request->default_action == NULL)
		return TG_EXIT_OK;
	return apply_default_action(offline, cli, request->default_action);
}

static int load_directory(struct tg_offline *offline, struct tg_cli *cli, const char *dir)
{
	size_t refused;
	int rc;

	offline->store = tg_store_create();
	if (offline->store == NULL)
		return tg_cli_fail(cli, offline->command, "out of memory");
	tg_store_set_scope(offline->store, &offline->config->scope);
	rc = tg_manifests_load(offline->store, dir);
	if (rc != 0)
		return tg_cli_fail(cli, offline->command, "%s: %s", dir, strerror(-rc));
	refused = report_errors(offline, cli);
	if (refused != 0)
		return tg_cli_fail(cli, offline->command, "%zu file%s refused", refused,
			refused == 1 ? "" : "s");
	if (tg_store_file_count(offline->store) == 0)
		fprintf(cli->err, "warning: %s: no manifest is there\n", dir);
	offline->view = tg_store_view(offline->store);
	if (offline->view == NULL)
		return tg_cli_fail(cli, offline->command, "out of memory");
	offline->cluster = &offline->view->cluster;
	return TG_EXIT_OK;
}

static int add_standins(struct tg_offline *offline, struct tg_cli *cli)
{
	int rc = tg_standin_create(offline->cluster, &offline->standin);

	if (rc != 0)
		return tg_cli_fail(cli, offline->command,
			rc == -ENOSPC ? "no room for addresses of the pods that have none"
				      : "out of memory");
	offline->cluster = tg_standin_cluster(offline->standin);
	return TG_EXIT_OK;
}

int tg_offline_load(
	struct tg_offline *offline, struct tg_cli *cli, const struct tg_offline_request *request)
{
	int code;

	*offline = (struct tg_offline){.command = request->command};
	code = load_options(offline, cli, request);
	if (code == TG_EXIT_OK)
		code = load_directory(offline, cli, request->dir);
	if (code == TG_EXIT_OK && request->standins)
		code = add_standins(offline, cli);
	if (code != TG_EXIT_OK)
		return code;
	offline->roster = tg_roster_create(offline->cluster);
	if (offline->roster == NULL)
		return tg_cli_fail(cli, offline->command, "out of memory");
	return TG_EXIT_OK;
}

int tg_offline_compile(struct tg_offline *offline, struct tg_cli *cli)
{
	struct tg_image_error refusal;
	char error[256] = "";
	const void *data;
	size_t size;
	int rc;

	offline->compiler = tg_compiler_create();
	if (offline->compiler == NULL)
		return tg_cli_fail(cli, offline->command, "out of memory");
	rc = tg_compile(offline->compiler, offline->cluster, &offline->options, &offline->compiled,
		error, sizeof(error));
	if (rc != 0)
		return tg_cli_fail(cli, offline->command, "compiling: %s",
			error[0] != '\0' ? error : strerror(-rc));
	data = tg_compiled_image(offline->compiled, &size);
	rc = tg_image_check(data, size, &offline->image, &refusal);
	if (rc != 0)
		return tg_cli_fail(
			cli, offline->command, "the compiled image is damaged: %s", refusal.text);
	return TG_EXIT_OK;
}

int tg_offline_open(
	struct tg_offline *offline, struct tg_cli *cli, const struct tg_offline_request *request)
{
	int code = tg_offline_load(offline, cli, request);

	if (code != TG_EXIT_OK)
		return code;
	tg_offline_report_not_enforced(offline, cli, "warning: ");
	return tg_offline_compile(offline, cli);
}

void tg_offline_close(struct tg_offline *offline)
{
	tg_compiled_free(offline->compiled);
	tg_compiler_free(offline->compiler);
	tg_roster_free(offline->roster);
	tg_standin_free(offline->standin);
	if (offline->view != NULL)
		tg_view_release(offline->store, offline->view);
	tg_store_free(offline->store);
	tg_config_free(offline->config);
}
