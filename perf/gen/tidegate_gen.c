/* SPDX-License-Identifier: BSD-3-Clause */
/* tidegate-gen: writes a generated cluster as a directory of manifests. */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gen.h"

static const char usage[] =
	"usage: tidegate-gen [options] DIR\n"
	"Writes the manifests of a generated cluster into DIR; the same options give the same files.\n"
	"\n"
	"  -p, --pods N         pods, 1 to 1000000 (1000)\n"
	"  -n, --policies N     NetworkPolicies, 0 to 100000 (100)\n"
	"  -s, --namespaces N   namespaces (by the number of pods)\n"
	"  -x, --prefixes N     corporate prefixes that policies name (by the number of policies)\n"
	"  -d, --dual-stack N   percent of nodes with IPv6 too (20)\n"
	"  -S, --seed N         another cluster of the same shape (1)\n"
	"  -j, --json           pods as pods.json instead of pods.endpoints\n"
	"  -h, --help           this text\n";

static const struct option options[] = {
	{"pods", required_argument, NULL, 'p'},
	{"policies", required_argument, NULL, 'n'},
	{"namespaces", required_argument, NULL, 's'},
	{"prefixes", required_argument, NULL, 'x'},
	{"dual-stack", required_argument, NULL, 'd'},
	{"seed", required_argument, NULL, 'S'},
	{"json", no_argument, NULL, 'j'},
	{"help", no_argument, NULL, 'h'},
	{NULL, 0, NULL, 0},
};

struct request {
	long long value[256]; /* by option letter; -1: not given */
	bool json;
	const char *dir;
};

/* 0; 1 for --help; -EINVAL. */
static int parse(int argc, char **argv, struct request *request)
{
	int c;

	memset(request->value, 0xff, sizeof(request->value));
	while ((c = getopt_long(argc, argv, "p:n:s:x:d:S:jh", options, NULL)) != -1) {
		char *end = NULL;

		if (c == '?')
			return -EINVAL;
		if (c == 'h')
			return 1;
		if (c == 'j') {
			request->json = true;
			continue;
		}
		errno = 0;
		request->value[c] = strtoll(optarg, &end, 10);
		if (errno != 0 || *end != '\0' || end == optarg || request->value[c] < 0 ||
			(c != 'S' && request->value[c] > UINT32_MAX)) {
			fprintf(stderr, "tidegate-gen: -%c: not a number: %s\n", c, optarg);
			return -EINVAL;
		}
	}
	if (optind + 1 != argc)
		return -EINVAL;
	request->dir = argv[optind];
	return 0;
}

static void make_shape(const struct request *request, struct tg_gen_shape *shape)
{
	const long long *v = request->value;

	tg_gen_shape_of(
		shape, v['p'] >= 0 ? (uint32_t)v['p'] : 1000, v['n'] >= 0 ? (uint32_t)v['n'] : 100);
	if (v['s'] >= 0) {
		shape->namespaces = (uint32_t)v['s'];
		if (shape->governed > shape->namespaces)
			shape->governed = shape->namespaces;
	}
	if (v['x'] >= 0)
		shape->internal_prefixes = (uint32_t)v['x'];
	if (v['d'] >= 0)
		shape->dual_stack_percent = (uint32_t)v['d'];
	if (v['S'] >= 0)
		shape->seed = (uint64_t)v['S'];
}

int main(int argc, char **argv)
{
	struct request request = {.json = false};
	struct tg_gen_shape shape;
	struct tg_gen *gen;
	int rc = parse(argc, argv, &request);

	if (rc != 0) {
		fputs(usage, rc > 0 ? stdout : stderr);
		return rc > 0 ? 0 : 2;
	}
	make_shape(&request, &shape);
	gen = tg_gen_create(&shape);
	if (gen == NULL) {
		fprintf(stderr, "tidegate-gen: no such cluster: %s\n", strerror(errno));
		return 1;
	}
	rc = tg_gen_write(tg_gen_cluster(gen), request.dir,
		request.json ? TG_GEN_PODS_JSON : TG_GEN_PODS_ENDPOINTS);
	tg_gen_free(gen);
	if (rc != 0)
		fprintf(stderr, "tidegate-gen: %s: %s\n", request.dir, strerror(-rc));
	return rc != 0;
}
