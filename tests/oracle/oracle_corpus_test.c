/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Is the oracle right? It is held against verdicts that others have reached: the cases of a corpus
 * folder, each a cluster, policies and a table of expected verdicts. The folder is named by
 * TIDEGATE_CORPUS, else by the first argument; without it the test is skipped.
 */
#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "objects.h"
#include "oracle.h"
#include "trees.h"

#define SKIP 77

static const char *const families[] = {"wild", "wild-combo", "npguard"};

struct tally {
	size_t cases, rows, wrong;
};

static void __attribute__((format(printf, 2, 3)))
make_path(char path[PATH_MAX], const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	if (vsnprintf(path, PATH_MAX, fmt, args) >= PATH_MAX)
		*path = '\0'; /* cannot be opened */
	va_end(args);
}

/* "namespace/pod" or "ip:ADDRESS". */
static bool find_addr(const struct o_cluster *cluster, const char *name, struct tg_addr *out)
{
	if (strncmp(name, "ip:", 3) == 0)
		return objects_addr(name + 3, out) == 0;
	for (size_t i = 0; i < cluster->n_pods; i++) {
		const struct o_pod *pod = &cluster->pods[i];
		size_t ns = strlen(pod->ns);

		if (pod->n_addrs > 0 && strncmp(name, pod->ns, ns) == 0 && name[ns] == '/' &&
			strcmp(name + ns + 1, pod->name) == 0) {
			*out = pod->addrs[0];
			return true;
		}
	}
	return false;
}

static bool agrees(const char *expected, enum tg_action action)
{
	return *expected == '-' || (*expected == 'A') == (action != TG_ACTION_DENY);
}

static int protocol_of(const char *name)
{
	return strcmp(name, "TCP") == 0 ? 6 : strcmp(name, "UDP") == 0 ? 17 : 132;
}

static void judge_row(const struct oracle *oracle, const struct o_cluster *cluster, char *row,
	const char *path, struct tally *tally)
{
	char src[300], dst[300], proto[8], ingress[4], egress[4], combined[4];
	struct oracle_tuple tuple;
	struct oracle_answer answer;

	if (sscanf(row, "%299s %299s %7s %d %3s %3s %3s", src, dst, proto, &tuple.dport, ingress,
		    egress, combined) != 7 ||
		*src == '#' || strcmp(src, dst) == 0)
		return;
	if (!find_addr(cluster, src, &tuple.src) || !find_addr(cluster, dst, &tuple.dst) ||
		tuple.src.family != tuple.dst.family)
		return;
	tuple.protocol = protocol_of(proto);
	oracle_judge(oracle, &tuple, &answer);
	tally->rows++;
	if (agrees(ingress, answer.side[TG_INGRESS].action) &&
		agrees(egress, answer.side[TG_EGRESS].action) && agrees(combined, answer.action))
		return;
	if (tally->wrong++ < 20)
		printf("%s: %s %s %s %d: expected %s %s %s, oracle: ingress %s, egress %s\n", path,
			src, dst, proto, tuple.dport, ingress, egress, combined,
			answer.side[TG_INGRESS].reason, answer.side[TG_EGRESS].reason);
}

static void judge_table(const cJSON *list, const char *path, struct tally *tally)
{
	static const struct oracle_options options = {
		.default_action = {ORACLE_KUBERNETES, ORACLE_KUBERNETES},
		.transit_allow = true,
		.implicit_namespaces = true,
	};
	struct oracle *oracle = oracle_create(list, &options);
	struct tg_arena *arena = tg_arena_create(0);
	struct o_cluster cluster;
	char row[1024];
	FILE *f = fopen(path, "re");

	if (oracle == NULL || f == NULL || objects_read(arena, list, true, &cluster) != 0) {
		printf("%s: cannot be judged\n", path);
		tally->wrong++;
	} else {
		while (fgets(row, sizeof(row), f) != NULL)
			judge_row(oracle, &cluster, row, path, tally);
		tally->cases++;
	}
	if (f != NULL)
		fclose(f);
	tg_arena_free(arena);
	oracle_free(oracle);
}

static void judge_case(const char *dir, struct tally *tally)
{
	char path[PATH_MAX];
	cJSON *list = cJSON_CreateArray();
	bool ok;

	make_path(path, "%s/step-1/cluster.yaml", dir);
	ok = trees_add_file(list, path);
	make_path(path, "%s/step-1/policies.yaml", dir);
	ok = trees_add_file(list, path) && ok;
	make_path(path, "%s/step-1/truth.tsv", dir);
	if (ok) {
		judge_table(list, path, tally);
	} else {
		printf("%s: cannot be read\n", dir);
		tally->wrong++;
	}
	cJSON_Delete(list);
}

static void judge_family(const char *corpus, const char *family, struct tally *tally)
{
	char path[PATH_MAX];
	struct dirent *entry;
	DIR *dir;

	make_path(path, "%s/cases/%s", corpus, family);
	dir = opendir(path);
	if (dir == NULL)
		return;
	while ((entry = readdir(dir)) != NULL) {
		if (entry->d_name[0] == '.')
			continue;
		make_path(path, "%s/cases/%s/%s", corpus, family, entry->d_name);
		judge_case(path, tally);
	}
	closedir(dir);
}

int main(int argc, char **argv)
{
	const char *corpus = getenv("TIDEGATE_CORPUS");
	struct tally tally = {0};

	if (corpus == NULL && argc > 1)
		corpus = argv[1];
	for (size_t i = 0; corpus != NULL && i < sizeof(families) / sizeof(families[0]); i++)
		judge_family(corpus, families[i], &tally);
	if (tally.cases == 0 && tally.wrong == 0) {
		printf("skipped: no corpus of cases (TIDEGATE_CORPUS)\n");
		return SKIP;
	}
	printf("%zu cases, %zu rows, %zu wrong\n", tally.cases, tally.rows, tally.wrong);
	return tally.wrong > 0;
}
