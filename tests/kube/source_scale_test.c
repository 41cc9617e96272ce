/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * No event is lost: after a storm of changes the store has exactly the pods that the server has,
 * each with its addresses, labels and node.
 *
 *	kube_source_scale_test [PODS [POLICIES [CHANGES-A-SECOND [SECONDS]]]]
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "cluster.h"
#include "log.h"
#include "patience.h"
#include "scale.h"

static uint32_t sizes[] = {3000, 300, 2000, 2};

struct fixture {
	struct patience patience;
	struct kube_double *server;
	struct scale *scale;
	struct tg_store *store;
	struct tg_cluster_source *source;
};

static void nothing(void *ctx)
{
}

/* --- what the store has, as the double says it --- */

static int by_text(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static int by_key(const void *a, const void *b, void *strings)
{
	return strcmp(tg_intern_text(strings, ((const struct tg_label *)a)->key),
		tg_intern_text(strings, ((const struct tg_label *)b)->key));
}

static char *pod_line(struct tg_intern *strings, const struct tg_pod *pod)
{
	struct tg_label labels[64];
	char text[2048], addr[TG_ADDR_TEXT];
	size_t n = (size_t)snprintf(text, sizeof(text), "%s/%s", tg_intern_text(strings, pod->ns),
		tg_intern_text(strings, pod->name));

	for (uint32_t i = 0; i < pod->n_addrs; i++) {
		tg_addr_format(&pod->addrs[i], addr);
		n += (size_t)snprintf(text + n, sizeof(text) - n, "%c%s", i == 0 ? ' ' : ',', addr);
	}
	assert_true(pod->labels.n <= 64);
	memcpy(labels, pod->labels.v, pod->labels.n * sizeof(labels[0]));
	qsort_r(labels, pod->labels.n, sizeof(labels[0]), by_key, strings);
	for (uint32_t i = 0; i < pod->labels.n; i++)
		n += (size_t)snprintf(text + n, sizeof(text) - n, "%c%s=%s", i == 0 ? ' ' : ',',
			tg_intern_text(strings, labels[i].key),
			tg_intern_text(strings, labels[i].value));
	n += (size_t)snprintf(
		text + n, sizeof(text) - n, " %s", tg_intern_text(strings, pod->node));
	assert_true(n < sizeof(text));
	return strdup(text);
}

static size_t store_lines(struct fixture *f, char ***out)
{
	struct tg_view *view = tg_store_view(f->store);
	size_t n = view->cluster.n_pods;
	char **lines = calloc(n + 1, sizeof(*lines));

	for (size_t i = 0; i < n; i++)
		lines[i] = pod_line(view->cluster.strings, view->cluster.pods[i]);
	tg_view_release(f->store, view);
	qsort(lines, n, sizeof(*lines), by_text);
	*out = lines;
	return n;
}

static size_t server_lines(struct fixture *f, struct buf *text, char ***out)
{
	char **lines = NULL, *save = NULL;
	size_t n = 0;

	scale_state(f->scale, text);
	buf_add(text, "", 1);
	for (char *line = strtok_r(text->v, "\n", &save); line != NULL;
		line = strtok_r(NULL, "\n", &save)) {
		lines = realloc(lines, (n + 1) * sizeof(*lines));
		lines[n++] = line;
	}
	if (n != 0)
		qsort(lines, n, sizeof(*lines), by_text);
	*out = lines;
	return n;
}

static bool same_state(struct fixture *f, bool tell)
{
	char **ours, **theirs;
	struct buf text = {0};
	size_t n = store_lines(f, &ours), m = server_lines(f, &text, &theirs);
	bool same = n == m;

	for (size_t i = 0; i < n && i < m && same; i++) {
		same = strcmp(ours[i], theirs[i]) == 0;
		if (!same && tell)
			print_error("ours:   %s\ntheirs: %s\n", ours[i], theirs[i]);
	}
	if (n != m && tell)
		print_error("%zu pods here, %zu there\n", n, m);
	for (size_t i = 0; i < n; i++)
		free(ours[i]);
	free(ours);
	free(theirs);
	buf_free(&text);
	return same;
}

/* --- the run --- */

static bool run_until(struct fixture *f, bool (*done)(struct fixture *f))
{
	return patience_until(&f->patience, done(f));
}

static bool is_synced(struct fixture *f)
{
	return tg_cluster_source_synced(f->source);
}

static uint64_t version_of_pods(struct fixture *f)
{
	struct tg_cluster_status status;
	struct tg_feed_status feed;

	tg_cluster_source_status(f->source, &status);
	for (size_t i = 0; i < status.n_feeds; i++) {
		tg_cluster_source_feed(f->source, i, &feed);
		if (strcmp(feed.resource, "pods") == 0)
			return strtoull(feed.reflector.resource_version, NULL, 10);
	}
	return 0;
}

static bool is_over(struct fixture *f)
{
	uint64_t changes;

	return !scale_churning(f->scale, &changes) &&
	       version_of_pods(f) == double_revision(f->server);
}

/* What the controller takes now and then: no address may be given to two pods in it. */
static void take_changes(struct fixture *f)
{
	struct tg_changes *changes = tg_store_take_changes(f->store);

	assert_non_null(changes);
	for (size_t i = 0; i < changes->n_pods; i++)
		assert_true(changes->pods[i].before != NULL || changes->pods[i].after != NULL);
	tg_changes_release(f->store, changes);
}

static void on_objects(void *ctx)
{
	struct fixture *f = ctx;

	if (f->source != NULL && is_synced(f))
		take_changes(f);
}

static void no_event_is_lost(void **state)
{
	static const struct tg_cluster_handler handler = {on_objects, nothing};
	const struct double_options server = {.version = DOUBLE_1_34, .bookmark_ms = 1000};
	const struct tg_config_cluster config = {.name = "prod"};
	struct fixture f = {0};
	struct tg_kube_access access = {0};
	struct tg_cluster_options options = {.config = &config, .access = &access};
	uint64_t from = uv_hrtime();
	char *error;

	patience_begin(&f.patience);
	assert_int_equal(double_create(&f.patience.loop, &server, &f.server), 0);
	f.scale = scale_create(f.server, sizes[0], sizes[1]);
	assert_non_null(f.scale);
	access.server = double_url(f.server);
	f.store = tg_store_create();
	assert_int_equal(tg_cluster_source_create(&f.patience.loop, f.store, &options, &handler, &f,
				 &f.source, &error),
		0);
	assert_true(run_until(&f, is_synced));
	print_message("%u pods and %u policies in %.2f s\n", sizes[0], sizes[1],
		(double)(uv_hrtime() - from) / 1e9);
	assert_true(same_state(&f, true));
	scale_churn_start(f.scale, sizes[2], sizes[3]);
	assert_true(run_until(&f, is_over));
	assert_true(same_state(&f, true));
	assert_int_equal(double_wrongs(f.server), 0);
	tg_cluster_source_free(f.source);
	f.source = NULL;
	tg_store_free(f.store);
	double_close(f.server);
	scale_free(f.scale);
	patience_end(&f.patience);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(no_event_is_lost),
	};

	for (int i = 1; i < argc && i <= 4; i++)
		sizes[i - 1] = (uint32_t)strtoul(argv[i], NULL, 10);
	tg_log_init("test", TG_LOG_ERR);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
