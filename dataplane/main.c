/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <rte_eal.h>
#include <rte_version.h>

#include "config.h"
#include "eal.h"
#include "folder.h"
#include "gateway.h"
#include "log.h"
#include "tap.h"

static const char usage[] =
	"usage: tidegate-dataplane -c FILE [--check]\n"
	"\n"
	"The packet path of Tidegate: enforces the ruleset that tidegate-ctrl hands it, or the one\n"
	"from its checkpoint, on the port pairs of the configuration.\n"
	"\n"
	"  -c, --config FILE  the configuration (YAML)\n"
	"      --check        only read the configuration, and say what is wrong with it or with\n"
	"                     the folders that it names\n"
	"  -V, --version      print the version\n"
	"  -h, --help         print this\n"
	"\n"
	"SIGTERM and SIGINT stop it cleanly. Exit codes: 0 stopped or checked, 1 failed, 2 wrong\n"
	"usage or configuration.\n"
	"\n"
	"Example: tidegate-dataplane -c /etc/tidegate/dataplane.yaml\n";

enum { EXIT_USAGE = 2 };

struct options {
	const char *config;
	bool check;
};

/* -1: go on; else the exit code. */
static int parse_options(int argc, char **argv, struct options *options)
{
	static const struct option longs[] = {{"config", required_argument, NULL, 'c'},
		{"check", no_argument, NULL, 'C'}, {"version", no_argument, NULL, 'V'},
		{"help", no_argument, NULL, 'h'}, {NULL, 0, NULL, 0}};
	int c;

	while ((c = getopt_long(argc, argv, "c:Vh", longs, NULL)) != -1) {
		switch (c) {
		case 'c':
			options->config = optarg;
			break;
		case 'C':
			options->check = true;
			break;
		case 'V':
			printf("tidegate-dataplane %s (%s)\n", TG_VERSION, rte_version());
			return 0;
		case 'h':
			fputs(usage, stdout);
			return 0;
		default:
			fputs(usage, stderr);
			return EXIT_USAGE;
		}
	}
	if (options->config != NULL && optind == argc)
		return -1;
	fputs(usage, stderr);
	return EXIT_USAGE;
}

static int load_config(const char *path, struct tg_dataplane_config *config)
{
	struct tg_config_problems problems = {0};
	int rc;

	rc = tg_dataplane_config_load(path, config, &problems);
	for (size_t i = 0; i < problems.n; i++)
		fprintf(stderr, "%s\n", problems.v[i]);
	tg_config_problems_free(&problems);
	if (rc == -ENOMEM)
		fprintf(stderr, "%s: out of memory\n", path);
	return rc;
}

static int check_folder(const char *file, const char *key, const char *path, int rc)
{
	if (rc != 0)
		fprintf(stderr, "%s: %s: %s cannot be used or made: %s\n", file, key, path,
			strerror(-rc));
	return rc;
}

/* What a start would stumble over, so that it is not found out at the next reboot. */
static int check_folders(const char *file, const struct tg_dataplane_config *config)
{
	const char *state = config->state_directory;
	int rc;

	rc = check_folder(file, "socket", config->socket, tg_folder_check_for(config->socket));
	if (state != NULL && check_folder(file, "state-directory", state, tg_folder_check(state)))
		rc = -EINVAL;
	return rc;
}

/* Signals that end the process arrive by a descriptor; threads inherit that they are blocked. */
static int open_signals(void)
{
	sigset_t set, blocked;

	sigemptyset(&set);
	sigemptyset(&blocked);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGHUP);
	tg_tap_block(&blocked);
	if (sigprocmask(SIG_BLOCK, &set, NULL) != 0 || sigprocmask(SIG_BLOCK, &blocked, NULL) != 0)
		return -errno;
	return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

static int run(const struct tg_dataplane_config *config, int stop_fd)
{
	struct tg_gateway *gateway;
	int rc;

	rc = tg_eal_start(config);
	if (rc != 0)
		return rc;
	rc = tg_gateway_start(config, stop_fd, &gateway);
	if (rc == 0) {
		rc = tg_gateway_run(gateway);
		tg_log_info("stopping");
		tg_gateway_stop(gateway);
	}
	rte_eal_cleanup();
	return rc;
}

int main(int argc, char **argv)
{
	struct tg_dataplane_config *config;
	struct options options = {0};
	int rc, stop_fd;

	rc = parse_options(argc, argv, &options);
	if (rc >= 0)
		return rc;
	config = malloc(sizeof(*config));
	if (config == NULL || load_config(options.config, config) != 0) {
		free(config);
		return EXIT_USAGE;
	}
	if (options.check) {
		rc = check_folders(options.config, config);
	} else {
		tg_log_init("tidegate-dataplane", (enum tg_log_level)config->log_level);
		stop_fd = open_signals();
		rc = stop_fd < 0 ? stop_fd : run(config, stop_fd);
		close(stop_fd);
	}
	tg_dataplane_config_free(config);
	free(config);
	return rc == 0 ? 0 : options.check ? EXIT_USAGE : EXIT_FAILURE;
}
