/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <uv.h>

#include "config.h"
#include "controller.h"
#include "folder.h"
#include "log.h"

static const char usage[] =
	"usage: tidegate-ctrl -c FILE\n"
	"\n"
	"Reads NetworkPolicies and pods from folders of manifests, compiles them and keeps the\n"
	"result in force in tidegate-dataplane.\n"
	"\n"
	"  -c, --config FILE   configuration, YAML (docs/configuration.md)\n"
	"      --check         check the configuration and the folder for state, and exit\n"
	"      --version       print the version and exit\n"
	"  -h, --help          print this and exit\n"
	"\n"
	"Signals: SIGTERM, SIGINT stop (the dataplane goes on enforcing); SIGHUP looks at all\n"
	"files again.\n"
	"\n"
	"Exit codes: 0 ok, 1 it could not start, 2 bad usage or configuration.\n";

struct process {
	uv_loop_t loop;
	uv_signal_t term, interrupt, hangup;
	struct tg_controller *controller;
};

static int bad_usage(const char *why)
{
	fprintf(stderr, "tidegate-ctrl: %s\nTry --help.\n", why);
	return 2;
}

static void on_stop(uv_signal_t *handle, int number)
{
	struct process *p = handle->data;

	tg_log_info("stopping; the dataplane goes on enforcing");
	tg_controller_stop(p->controller);
	uv_close((uv_handle_t *)&p->term, NULL);
	uv_close((uv_handle_t *)&p->interrupt, NULL);
	uv_close((uv_handle_t *)&p->hangup, NULL);
}

static void on_hangup(uv_signal_t *handle, int number)
{
	struct process *p = handle->data;

	tg_log_info("looking at all files again");
	tg_controller_rescan(p->controller);
}

static void start_signal(struct process *p, uv_signal_t *handle, uv_signal_cb callback, int number)
{
	uv_signal_init(&p->loop, handle);
	handle->data = p;
	uv_signal_start(handle, callback, number);
}

static int run(const struct tg_config *config)
{
	struct process p = {0};
	int err;

	signal(SIGPIPE, SIG_IGN);
	err = uv_loop_init(&p.loop);
	if (err != 0) {
		tg_log_err("%s", uv_strerror(err));
		return 1;
	}
	err = tg_controller_start(&p.loop, config, &p.controller);
	if (err != 0)
		return 1;
	start_signal(&p, &p.term, on_stop, SIGTERM);
	start_signal(&p, &p.interrupt, on_stop, SIGINT);
	start_signal(&p, &p.hangup, on_hangup, SIGHUP);
	uv_run(&p.loop, UV_RUN_DEFAULT);
	tg_controller_free(p.controller);
	uv_loop_close(&p.loop);
	return 0;
}

/* The manifests may come later and the dataplane too, but state that cannot be kept is a mistake.
 */
static int check_folders(const char *file, const struct tg_config *config)
{
	const char *state = config->state_directory;
	int err = state != NULL ? tg_folder_check(state) : 0;

	if (err == 0)
		return 0;
	fprintf(stderr, "%s: state-directory: %s cannot be used or made: %s\n", file, state,
		strerror(-err));
	return 2;
}

int main(int argc, char **argv)
{
	enum { OPT_CHECK = 256, OPT_VERSION };
	static const struct option options[] = {
		{"config", required_argument, NULL, 'c'},
		{"check", no_argument, NULL, OPT_CHECK},
		{"version", no_argument, NULL, OPT_VERSION},
		{"help", no_argument, NULL, 'h'},
		{0},
	};
	const char *file = NULL;
	struct tg_config *config;
	bool check = false;
	char *error;
	int c, code;

	while ((c = getopt_long(argc, argv, "c:h", options, NULL)) != -1) {
		switch (c) {
		case 'c':
			file = optarg;
			break;
		case OPT_CHECK:
			check = true;
			break;
		case OPT_VERSION:
			puts("tidegate-ctrl " TG_VERSION);
			return 0;
		case 'h':
			fputs(usage, stdout);
			return 0;
		default:
			fputs("Try --help.\n", stderr);
			return 2;
		}
	}
	if (optind != argc)
		return bad_usage("unexpected argument");
	if (file == NULL)
		return bad_usage("no configuration: -c FILE");
	if (tg_config_load(file, &config, &error) != 0) {
		fprintf(stderr, "%s\n", error != NULL ? error : "out of memory");
		free(error);
		return 2;
	}
	if (check) {
		code = check_folders(file, config);
	} else {
		tg_log_init("tidegate-ctrl", config->log_level);
		code = run(config);
	}
	tg_config_free(config);
	return code;
}
