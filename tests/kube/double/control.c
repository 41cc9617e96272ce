/* SPDX-License-Identifier: BSD-3-Clause */
/* Commands as text, for whoever runs the double as a program. */
#include <cjson/cJSON.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "internal.h"
#include "scale.h"

struct command {
	const char *name, *usage;
	int (*run)(struct kube_double *d, char *rest, struct buf *out);
};

/* The next word, or NULL. */
static char *next(char **rest)
{
	char *word = NULL;

	while (*rest != NULL && (word = strsep(rest, " ")) != NULL && *word == '\0')
		word = NULL;
	return word;
}

/* "-" and nothing: NULL. */
static char *next_or_null(char **rest)
{
	char *word = next(rest);

	return word == NULL || strcmp(word, "-") == 0 ? NULL : word;
}

static int number(char **rest, uint64_t otherwise, uint64_t *out)
{
	char *word = next(rest), *end;

	*out = otherwise;
	if (word == NULL)
		return 0;
	*out = strtoull(word, &end, 10);
	return *end == '\0' ? 0 : -EINVAL;
}

static int put_revision(uint64_t rv, struct buf *out)
{
	if (rv == 0)
		return -EINVAL;
	buf_printf(out, "%llu\n", (unsigned long long)rv);
	return 0;
}

static int run_put(struct kube_double *d, char *rest, struct buf *out)
{
	char *resource = next(&rest), *ns = next_or_null(&rest), *name = next(&rest);

	if (name == NULL)
		return -EINVAL;
	return put_revision(double_put(d, resource, ns, name, rest), out);
}

static int run_delete(struct kube_double *d, char *rest, struct buf *out)
{
	char *resource = next(&rest), *ns = next_or_null(&rest), *name = next(&rest);

	return name == NULL ? -EINVAL : put_revision(double_delete(d, resource, ns, name), out);
}

static int run_revision(struct kube_double *d, char *rest, struct buf *out)
{
	return put_revision(d->store.revision, out);
}

static int run_skip(struct kube_double *d, char *rest, struct buf *out)
{
	uint64_t n;

	return number(&rest, 1, &n) != 0
		       ? -EINVAL
		       : put_revision(double_skip_revisions(d, (unsigned int)n), out);
}

static int run_count(struct kube_double *d, char *rest, struct buf *out)
{
	char *resource = next(&rest);

	if (resource == NULL || store_kind(&d->store, resource) == NULL)
		return -EINVAL;
	buf_printf(out, "%zu\n", double_count(d, resource));
	return 0;
}

static int run_bookmark(struct kube_double *d, char *rest, struct buf *out)
{
	double_bookmark(d, next(&rest));
	return 0;
}

static int run_compact(struct kube_double *d, char *rest, struct buf *out)
{
	uint64_t rv;

	if (number(&rest, 0, &rv) != 0)
		return -EINVAL;
	double_compact(d, rv);
	return 0;
}

static int run_end_watches(struct kube_double *d, char *rest, struct buf *out)
{
	double_end_watches(d, next(&rest));
	return 0;
}

static int run_token(struct kube_double *d, char *rest, struct buf *out)
{
	double_set_token(d, next_or_null(&rest));
	return 0;
}

static int forbid(struct kube_double *d, char *rest, bool forbidden)
{
	char *verb = next(&rest), *resource = next(&rest);

	if (resource == NULL)
		return -EINVAL;
	double_forbid(d, verb, resource, forbidden);
	return 0;
}

static int run_forbid(struct kube_double *d, char *rest, struct buf *out)
{
	return forbid(d, rest, true);
}

static int run_allow(struct kube_double *d, char *rest, struct buf *out)
{
	return forbid(d, rest, false);
}

/* "reset", or nothing; -EINVAL */
static int how(char *rest)
{
	char *word = next(&rest);

	return word == NULL ? 0 : strcmp(word, "reset") == 0 ? 1 : -EINVAL;
}

static int run_down(struct kube_double *d, char *rest, struct buf *out)
{
	int reset = how(rest);

	if (reset >= 0)
		double_down(d, reset);
	return reset < 0 ? reset : 0;
}

static int run_up(struct kube_double *d, char *rest, struct buf *out)
{
	return double_up(d);
}

static int run_cut(struct kube_double *d, char *rest, struct buf *out)
{
	int reset = how(rest);

	if (reset >= 0)
		double_cut_all(d, reset);
	return reset < 0 ? reset : 0;
}

static int run_kind(struct kube_double *d, char *rest, struct buf *out)
{
	char *group = next_or_null(&rest), *version = next(&rest), *resource = next(&rest),
	     *kind = next(&rest), *scope = next(&rest);

	if (scope == NULL)
		return -EINVAL;
	double_add_kind(d, &(struct double_kind){group != NULL ? group : "", version, resource,
				   kind, strcmp(scope, "namespaced") == 0});
	return 0;
}

static int run_remove_kind(struct kube_double *d, char *rest, struct buf *out)
{
	char *resource = next(&rest);

	if (resource == NULL || store_kind(&d->store, resource) == NULL)
		return -EINVAL;
	double_remove_kind(d, resource);
	return 0;
}

static int run_fault(struct kube_double *d, char *rest, struct buf *out)
{
	struct double_fault fault;

	if (rest == NULL || fault_parse(&fault, rest, out) != 0)
		return -EINVAL;
	buf_printf(out, "%zu\n", double_fault(d, &fault));
	return 0;
}

static int run_hits(struct kube_double *d, char *rest, struct buf *out)
{
	uint64_t fault;

	if (number(&rest, 0, &fault) != 0)
		return -EINVAL;
	buf_printf(out, "%u\n", double_fault_hits(d, (size_t)fault));
	return 0;
}

static int run_clear_faults(struct kube_double *d, char *rest, struct buf *out)
{
	double_clear_faults(d);
	return 0;
}

static int run_wrongs(struct kube_double *d, char *rest, struct buf *out)
{
	for (size_t i = 0; i < double_wrongs(d); i++)
		buf_printf(out, "%s\n", double_wrong(d, i));
	return 0;
}

static int run_clear_wrongs(struct kube_double *d, char *rest, struct buf *out)
{
	double_clear_wrongs(d);
	return 0;
}

static int run_requests(struct kube_double *d, char *rest, struct buf *out)
{
	for (size_t i = 0; i < double_requests(d); i++) {
		const struct double_request *request = double_request(d, i);

		buf_printf(out, "%llu %d %s %s\n", (unsigned long long)request->at, request->status,
			request->method, request->target);
	}
	return 0;
}

static int run_watches(struct kube_double *d, char *rest, struct buf *out)
{
	buf_printf(out, "%zu\n", double_watches(d, next(&rest)));
	return 0;
}

/* Only with a large cluster. */
static int run_scale(struct kube_double *d, char *rest, struct buf *out)
{
	uint64_t pods, policies;

	if (number(&rest, 100000, &pods) != 0 || number(&rest, pods / 10, &policies) != 0)
		return -EINVAL;
	if (d->scale != NULL) {
		buf_text(out, "there is one already\n");
		return -EINVAL;
	}
	d->scale = scale_create(d, (uint32_t)pods, (uint32_t)policies);
	return d->scale != NULL ? run_revision(d, NULL, out) : -EINVAL;
}

static int run_churn(struct kube_double *d, char *rest, struct buf *out)
{
	uint64_t n, seconds;

	if (d->scale == NULL || number(&rest, 1, &n) != 0 || number(&rest, 0, &seconds) != 0)
		return -EINVAL;
	if (seconds == 0)
		scale_churn(d->scale, (uint32_t)n);
	else
		scale_churn_start(d->scale, (uint32_t)n, (uint32_t)seconds);
	return run_revision(d, NULL, out);
}

static int run_churning(struct kube_double *d, char *rest, struct buf *out)
{
	uint64_t changes;
	bool going;

	if (d->scale == NULL)
		return -EINVAL;
	going = scale_churning(d->scale, &changes);
	buf_printf(out, "%s %llu\n", going ? "yes" : "no", (unsigned long long)changes);
	return 0;
}

static int run_stop_churn(struct kube_double *d, char *rest, struct buf *out)
{
	if (d->scale == NULL)
		return -EINVAL;
	scale_churn_stop(d->scale);
	return 0;
}

static int run_state(struct kube_double *d, char *rest, struct buf *out)
{
	if (d->scale == NULL)
		return -EINVAL;
	scale_state(d->scale, out);
	return 0;
}

static int run_changes(struct kube_double *d, char *rest, struct buf *out)
{
	uint64_t since;

	if (d->scale == NULL || number(&rest, 0, &since) != 0)
		return -EINVAL;
	scale_changes(d->scale, since, out);
	return 0;
}

static const struct command commands[] = {
	{"put", "RESOURCE NS|- NAME [JSON]: writes an object; prints its resourceVersion", run_put},
	{"delete", "RESOURCE NS|- NAME", run_delete},
	{"revision", "prints the newest revision", run_revision},
	{"skip", "[N]: raises the revision, as writes elsewhere do", run_skip},
	{"count", "RESOURCE: prints how many objects there are", run_count},
	{"bookmark", "[RESOURCE]: a bookmark on its watches now", run_bookmark},
	{"compact", "[REVISION]: what was before is 410 Expired", run_compact},
	{"end-watches", "[RESOURCE]: as when their time is over", run_end_watches},
	{"token", "TOKEN|-: the bearer token that requests need", run_token},
	{"forbid", "VERB RESOURCE: 403 in RBAC's words", run_forbid},
	{"allow", "VERB RESOURCE: no more", run_allow},
	{"down", "[reset]: closes the listener and every connection", run_down},
	{"up", "listens there again", run_up},
	{"cut", "[reset]: closes every connection, listens on", run_cut},
	{"kind", "GROUP VERSION RESOURCE KIND namespaced|cluster: serves a custom resource",
		run_kind},
	{"remove-kind", "RESOURCE: 404 from now on", run_remove_kind},
	{"fault",
		"KIND [verb=V] [path=PREFIX] [page=N] [skip=N] [count=N|forever] [status=N]\n"
		"    [retry-after=S] [after=N] [size=N] [ms=N] [body=TEXT] [type=MEDIA-TYPE]\n"
		"    [with-length] [reset] [token]: of double.h; text as in a URL (%20 is a space).\n"
		"    KIND: status error-event cut drip garbage raw duplicate reorder oversized\n"
		"    no-bookmarks silent hang stale never-ends. Prints the fault's number",
		run_fault},
	{"hits", "FAULT: prints how many requests it has been the fate of", run_hits},
	{"clear-faults", "no more faults", run_clear_faults},
	{"wrongs", "prints what clients did wrong, a line each", run_wrongs},
	{"clear-wrongs", "forgets these", run_clear_wrongs},
	{"requests", "prints all: nanoseconds, status, method, target", run_requests},
	{"scale", "[PODS [POLICIES]]: a cluster of that size from perf/gen, 100000 and a tenth",
		run_scale},
	{"churn", "[N]: so many changes of its pods now; N SECONDS: N a second for so long",
		run_churn},
	{"churning", "prints yes or no, and how many changes there were", run_churning},
	{"stop-churn", "no more of them", run_stop_churn},
	{"state", "prints its pods: namespace/name addresses labels node", run_state},
	{"changes",
		"[REVISION]: prints what changed since: revision, nanoseconds, type, pod, addresses",
		run_changes},
	{"watches", "[RESOURCE]: prints how many are open", run_watches},
};

int double_command(struct kube_double *d, char *line, char **out)
{
	char *rest = line, *name;
	struct buf text = {0};
	int rc = 0;

	line[strcspn(line, "\r\n")] = '\0';
	name = next(&rest);
	if (name != NULL) {
		rc = -EINVAL;
		for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
			if (strcmp(commands[i].name, name) == 0) {
				rc = commands[i].run(d, rest, &text);
				if (rc != 0 && text.n == 0)
					buf_printf(
						&text, "usage: %s %s\n", name, commands[i].usage);
				name = NULL;
				break;
			}
		if (name != NULL)
			buf_printf(&text, "no such command: %s\n", name);
	}
	buf_add(&text, "", 0);
	*out = text.v;
	return rc != 0 ? -EINVAL : 0;
}

void double_usage(FILE *to)
{
	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
		fprintf(to, "  %s %s\n", commands[i].name, commands[i].usage);
}
