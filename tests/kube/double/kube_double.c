/* SPDX-License-Identifier: BSD-3-Clause */
/* The double as a program. */
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "double.h"

static void usage(FILE *to)
{
	fputs("kube_double [OPTION]...: a double of a Kubernetes API server, on 127.0.0.1\n"
	      "  --server VERSION     1.20 (default), 1.34, or 1.34-no-stream\n"
	      "  --port PORT          of the API; any when left out\n"
	      "  --control-port PORT  of the control interface; any when left out\n"
	      "  --token TOKEN        the bearer token that requests need\n"
	      "  --user NAME          whom a 403 names\n"
	      "  --bookmark-ms MS     between bookmarks; a minute when left out\n"
	      "  --chunk BYTES        of a chunk of a body\n"
	      "  --clock-skew SECONDS the Date header is ahead\n"
	      "  --writes             a client that writes is not wrong\n"
	      "  --unpaged            a list without limit is not wrong\n"
	      "Prints `API-URL CONTROL-URL` when both listen, and ends with SIGTERM or SIGINT.\n"
	      "\n"
	      "Commands are lines of the body of a POST to the control URL:\n",
		to);
	double_usage(to);
}

static int server_version(const char *text, enum double_version *version)
{
	static const char *const names[] = {[DOUBLE_1_20] = "1.20",
		[DOUBLE_1_34] = "1.34",
		[DOUBLE_1_34_NO_STREAM] = "1.34-no-stream"};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (strcmp(names[i], text) == 0) {
			*version = (enum double_version)i;
			return 0;
		}
	fprintf(stderr, "kube_double: no such version: %s\n", text);
	return -1;
}

static const struct option long_options[] = {{"server", required_argument, NULL, 's'},
	{"port", required_argument, NULL, 'p'}, {"control-port", required_argument, NULL, 'c'},
	{"token", required_argument, NULL, 't'}, {"user", required_argument, NULL, 'n'},
	{"bookmark-ms", required_argument, NULL, 'b'}, {"chunk", required_argument, NULL, 'k'},
	{"clock-skew", required_argument, NULL, 'd'}, {"writes", no_argument, NULL, 'w'},
	{"unpaged", no_argument, NULL, 'u'}, {"help", no_argument, NULL, 'h'}, {0}};

/* 0, or what to exit with, negative when that is 0. */
static int parse(int argc, char **argv, struct double_options *options, uint16_t *control)
{
	int option;

	while ((option = getopt_long(argc, argv, "", long_options, NULL)) != -1)
		switch (option) {
		case 's':
			if (server_version(optarg, &options->version) != 0)
				return 2;
			break;
		case 'p':
			options->port = (uint16_t)atoi(optarg);
			break;
		case 'c':
			*control = (uint16_t)atoi(optarg);
			break;
		case 't':
			options->token = optarg;
			break;
		case 'n':
			options->user = optarg;
			break;
		case 'b':
			options->bookmark_ms = (unsigned int)atoi(optarg);
			break;
		case 'k':
			options->chunk = (unsigned int)atoi(optarg);
			break;
		case 'd':
			options->clock_skew = atoll(optarg);
			break;
		case 'w':
			options->allow_writes = true;
			break;
		case 'u':
			options->allow_unpaged = true;
			break;
		case 'h':
			usage(stdout);
			return -1;
		default:
			return 2;
		}
	return 0;
}

static void stop(uv_signal_t *signal, int number)
{
	uv_stop(signal->loop);
}

int main(int argc, char **argv)
{
	struct double_options options = {0};
	uint16_t control = 0;
	int rc = parse(argc, argv, &options, &control), port;
	uv_loop_t *loop = uv_default_loop();
	uv_signal_t terminated, interrupted;
	struct kube_double *d;

	if (rc != 0)
		return rc < 0 ? 0 : rc;
	signal(SIGPIPE, SIG_IGN);
	rc = double_create(loop, &options, &d);
	if (rc != 0) {
		fprintf(stderr, "kube_double: %s\n", strerror(-rc));
		return 1;
	}
	port = double_control(d, control);
	if (port < 0) {
		fprintf(stderr, "kube_double: control port: %s\n", strerror(-port));
		return 1;
	}
	uv_signal_init(loop, &terminated);
	uv_signal_init(loop, &interrupted);
	uv_signal_start(&terminated, stop, SIGTERM);
	uv_signal_start(&interrupted, stop, SIGINT);
	printf("%s http://127.0.0.1:%d\n", double_url(d), port);
	fflush(stdout);
	uv_run(loop, UV_RUN_DEFAULT);
	double_close(d);
	uv_close((uv_handle_t *)&terminated, NULL);
	uv_close((uv_handle_t *)&interrupted, NULL);
	uv_run(loop, UV_RUN_DEFAULT);
	return 0;
}
