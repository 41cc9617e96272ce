/* SPDX-License-Identifier: BSD-3-Clause */
/* A cluster as a source: the store has what the double of an API server has, and nothing else. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "cluster.h"
#include "double.h"
#include "log.h"
#include "patience.h"
#include "served.h"

#define POLICY "{\"spec\":{\"podSelector\":{},\"policyTypes\":[\"Ingress\",\"Egress\"]}}"

struct fixture {
	struct patience patience;
	struct kube_double *server;
	struct tg_kube_access access;
	struct tg_config_cluster config;
	struct tg_cluster_options options;
	struct tg_store *store;
	struct tg_cluster_source *source;
	unsigned int told; /* that objects are others */
};

static void on_objects(void *ctx)
{
	((struct fixture *)ctx)->told++;
}

static void on_status(void *ctx)
{
}

typedef bool condition(struct fixture *f);

static void run_until(struct fixture *f, condition *done, const char *what)
{
	struct tg_cluster_status status;
	struct tg_feed_status feed;
	char problem[512];

	if (patience_until(&f->patience, done(f)))
		return;
	tg_cluster_source_status(f->source, &status);
	for (size_t i = 0; i < status.n_feeds; i++) {
		tg_cluster_source_feed(f->source, i, &feed);
		tg_feed_problem(&feed, problem, sizeof(problem));
		print_message("%s %s: %zu objects, %s: %s\n", feed.api_version, feed.resource,
			feed.objects.objects, tg_reflector_state_name(feed.reflector.state),
			problem);
	}
	fail_msg("it did not happen: %s", what);
}

#define UNTIL(f, condition) run_until(f, condition, #condition)

static void start(struct fixture *f)
{
	static const struct tg_cluster_handler handler = {on_objects, on_status};
	char *error;

	f->access.server = double_url(f->server);
	f->options.config = &f->config;
	f->options.access = &f->access;
	assert_int_equal(tg_cluster_source_create(&f->patience.loop, f->store, &f->options,
				 &handler, f, &f->source, &error),
		0);
}

static int setup(void **state)
{
	const struct double_options server = {.version = DOUBLE_1_34, .bookmark_ms = 50};
	struct fixture *f = calloc(1, sizeof(*f));

	tg_log_init("test", TG_LOG_ERR);
	patience_begin(&f->patience);
	assert_int_equal(double_create(&f->patience.loop, &server, &f->server), 0);
	f->config.name = "prod";
	f->options.times = (struct tg_reflector_times){
		.wait_min = 20, .wait_max = 100, .silence = 1000, .list_silence = 1000};
	f->options.discovery_ms = 50;
	f->options.stale_ms = 100;
	f->store = tg_store_create();
	double_put(f->server, "namespaces", NULL, "shop",
		"{\"metadata\":{\"labels\":{\"team\":\"shop\"}}}");
	double_put(f->server, "nodes", NULL, "n1",
		"{\"spec\":{\"podCIDR\":\"10.0.0.0/24\"},\"status\":{\"addresses\":"
		"[{\"type\":\"InternalIP\",\"address\":\"192.0.2.1\"}]}}");
	double_put(f->server, "networkpolicies", "shop", "deny", POLICY);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;
	size_t wrongs = double_wrongs(f->server);

	for (size_t i = 0; i < wrongs; i++)
		print_error("against the protocol: %s\n", double_wrong(f->server, i));
	tg_cluster_source_free(f->source);
	tg_store_free(f->store);
	double_close(f->server);
	patience_end(&f->patience);
	free(f);
	return wrongs != 0 ? -1 : 0;
}

static struct tg_store_stats stats_of(struct fixture *f)
{
	struct tg_store_stats stats;

	tg_store_stats(f->store, &stats);
	return stats;
}

static bool is_synced(struct fixture *f)
{
	return tg_cluster_source_synced(f->source);
}

static bool has_one_pod(struct fixture *f)
{
	return stats_of(f).pods == 1;
}

static bool has_two_pods(struct fixture *f)
{
	return stats_of(f).pods == 2;
}

static bool has_no_pod(struct fixture *f)
{
	return stats_of(f).pods == 0;
}

static void everything_is_read(void **state)
{
	struct fixture *f = *state;

	served_put_pod(f->server, "shop", "a", "10.0.0.1");
	start(f);
	assert_false(is_synced(f));
	UNTIL(f, is_synced);
	assert_int_equal(stats_of(f).pods, 1);
	assert_int_equal(stats_of(f).nodes, 1);
	assert_int_equal(stats_of(f).policies, 1);
	assert_int_equal(stats_of(f).files_missing, 0);
	assert_int_not_equal(f->told, 0);
	f->told = 0;
	served_put_pod(f->server, "shop", "b", "10.0.0.2");
	UNTIL(f, has_two_pods);
	assert_int_not_equal(f->told, 0);
	double_delete(f->server, "pods", "shop", "a");
	UNTIL(f, has_one_pod);
}

static bool is_forbidden(struct fixture *f)
{
	return served_feed(f->source, "networkpolicies").reflector.state ==
		       TG_REFLECTOR_FORBIDDEN &&
	       served_feed(f->source, "pods").reflector.synced;
}

static void a_kind_that_is_forbidden_keeps_everything_waiting(void **state)
{
	struct fixture *f = *state;
	struct tg_feed_status feed;
	char problem[512];

	double_forbid(f->server, "list", "networkpolicies", true);
	double_forbid(f->server, "watch", "networkpolicies", true);
	start(f);
	UNTIL(f, is_forbidden);
	assert_false(is_synced(f));
	feed = served_feed(f->source, "networkpolicies");
	tg_feed_problem(&feed, problem, sizeof(problem));
	assert_non_null(strstr(problem, "missing RBAC: verbs get, list, watch on resource "
					"networkpolicies in API group \"networking.k8s.io\""));
	double_forbid(f->server, "list", "networkpolicies", false);
	double_forbid(f->server, "watch", "networkpolicies", false);
	UNTIL(f, is_synced);
	assert_int_equal(stats_of(f).policies, 1);
}

static void unless_it_is_optional(void **state)
{
	struct fixture *f = *state;

	double_forbid(f->server, "list", "nodes", true);
	double_forbid(f->server, "watch", "nodes", true);
	f->config.optional = 1u << TG_CLUSTER_NODES;
	start(f);
	UNTIL(f, is_synced);
	assert_int_equal(stats_of(f).nodes, 0);
}

static bool is_half_read(struct fixture *f)
{
	return served_feed(f->source, "networkpolicies").reflector.failures > 1 &&
	       served_feed(f->source, "pods").reflector.synced &&
	       served_feed(f->source, "namespaces").reflector.synced &&
	       served_feed(f->source, "nodes").reflector.synced &&
	       served_feed(f->source, "services").reflector.synced;
}

/* A server that has just started refuses what it will give a moment later. */
static void but_not_at_the_first_refusal(void **state)
{
	struct fixture *f = *state;

	double_fault(f->server, &(struct double_fault){.kind = DOUBLE_STATUS,
					.status = 403,
					.path = "/apis/networking.k8s.io/v1/networkpolicies",
					.count = 2});
	f->config.optional = 1u << TG_CLUSTER_NETWORK_POLICIES;
	start(f);
	UNTIL(f, is_synced);
	assert_int_equal(stats_of(f).policies, 1);
}

static void half_of_it_is_not_enough(void **state)
{
	struct fixture *f = *state;

	double_fault(f->server, &(struct double_fault){.kind = DOUBLE_STATUS,
					.status = 503,
					.path = "/apis/networking.k8s.io/v1/networkpolicies",
					.forever = true});
	start(f);
	UNTIL(f, is_half_read);
	assert_false(is_synced(f));
	double_clear_faults(f->server);
	UNTIL(f, is_synced);
}

static bool is_stale(struct fixture *f)
{
	struct tg_cluster_status status;

	tg_cluster_source_status(f->source, &status);
	return status.stale;
}

static bool is_fresh(struct fixture *f)
{
	return !is_stale(f) && has_two_pods(f);
}

static void what_is_known_outlives_the_server(void **state)
{
	struct fixture *f = *state;
	struct tg_store_stats before, after;

	served_put_pod(f->server, "shop", "a", "10.0.0.1");
	start(f);
	UNTIL(f, is_synced);
	assert_false(is_stale(f));
	before = stats_of(f);
	double_down(f->server, true);
	UNTIL(f, is_stale);
	after = stats_of(f);
	assert_memory_equal(&before, &after, sizeof(before));
	assert_true(is_synced(f));
	served_put_pod(f->server, "shop", "b", "10.0.0.2");
	double_compact(f->server, 0);
	assert_int_equal(double_up(f->server), 0);
	UNTIL(f, is_fresh);
}

static bool has_a_policy_that_is_not_enforced(struct fixture *f)
{
	return stats_of(f).not_enforced == 1;
}

static bool has_none(struct fixture *f)
{
	return stats_of(f).not_enforced == 0;
}

static bool kind_is_gone(struct fixture *f)
{
	return served_feed(f->source, "ciliumnetworkpolicies").resource == NULL;
}

static void other_policy_kinds_are_found_and_reported(void **state)
{
	static const struct double_kind cilium = {
		"cilium.io", "v2", "ciliumnetworkpolicies", "CiliumNetworkPolicy", true};
	static const struct double_kind widget = {"example.com", "v1", "widgets", "Widget", true};
	struct fixture *f = *state;

	start(f);
	UNTIL(f, is_synced);
	double_add_kind(f->server, &cilium);
	double_add_kind(f->server, &widget);
	double_put(f->server, "ciliumnetworkpolicies", "shop", "c", "{\"spec\":{\"secret\":1}}");
	double_put(f->server, "widgets", "shop", "w", "{\"spec\":{}}");
	UNTIL(f, has_a_policy_that_is_not_enforced);
	assert_false(served_feed(f->source, "ciliumnetworkpolicies").enforced);
	assert_null(served_feed(f->source, "widgets").resource);
	assert_int_equal(stats_of(f).policies, 1);
	double_delete(f->server, "ciliumnetworkpolicies", "shop", "c");
	UNTIL(f, has_none);
	double_put(f->server, "ciliumnetworkpolicies", "shop", "d", "{\"spec\":{}}");
	UNTIL(f, has_a_policy_that_is_not_enforced);
	double_remove_kind(f->server, "ciliumnetworkpolicies");
	UNTIL(f, has_none);
	UNTIL(f, kind_is_gone);
}

static bool policies_are_not_there(struct fixture *f)
{
	return served_feed(f->source, "networkpolicies").reflector.state == TG_REFLECTOR_ABSENT;
}

/* As a proxy says it whose server is gone. */
static void what_is_enforced_stays_when_the_kind_is_not_there(void **state)
{
	struct fixture *f = *state;

	f->config.optional = 1u << TG_CLUSTER_NETWORK_POLICIES;
	start(f);
	UNTIL(f, is_synced);
	assert_int_equal(stats_of(f).policies, 1);
	double_fault(f->server, &(struct double_fault){.kind = DOUBLE_STATUS,
					.path = "/apis/networking.k8s.io/v1/networkpolicies",
					.status = 404,
					.forever = true});
	double_end_watches(f->server, "networkpolicies");
	UNTIL(f, policies_are_not_there);
	assert_int_equal(stats_of(f).policies, 1);
}

static uint64_t discovery_failures(struct fixture *f)
{
	struct tg_cluster_status status;

	tg_cluster_source_status(f->source, &status);
	return status.discovery.failures;
}

static bool discovery_has_failed(struct fixture *f)
{
	return discovery_failures(f) == 1;
}

static bool discovery_has_failed_twice(struct fixture *f)
{
	return discovery_failures(f) == 2;
}

static void an_answer_of_somebody_else_takes_no_kind_away(void **state)
{
	static const struct double_kind cilium = {
		"cilium.io", "v2", "ciliumnetworkpolicies", "CiliumNetworkPolicy", true};
	struct fixture *f = *state;

	double_add_kind(f->server, &cilium);
	double_put(f->server, "ciliumnetworkpolicies", "shop", "c", "{\"spec\":{}}");
	start(f);
	UNTIL(f, has_a_policy_that_is_not_enforced);
	double_fault(f->server, &(struct double_fault){.kind = DOUBLE_STATUS,
					.path = "/apis/cilium.io/v2",
					.status = 200,
					.body = "{}",
					.content_type = "application/json"});
	UNTIL(f, discovery_has_failed);
	double_fault(f->server, &(struct double_fault){.kind = DOUBLE_STATUS,
					.path = "/apis",
					.status = 200,
					.body = "{}",
					.content_type = "application/json"});
	UNTIL(f, discovery_has_failed_twice);
	assert_false(kind_is_gone(f));
	assert_int_equal(stats_of(f).not_enforced, 1);
}

static bool pods_are_read(struct fixture *f)
{
	return served_feed(f->source, "pods").reflector.synced && is_synced(f);
}

static void only_some_namespaces_are_read(void **state)
{
	static const char *const namespaces[] = {"shop", "data"};
	struct fixture *f = *state;
	struct tg_view *view;

	double_put(f->server, "namespaces", NULL, "data", NULL);
	double_put(f->server, "namespaces", NULL, "other", NULL);
	served_put_pod(f->server, "shop", "a", "10.0.0.1");
	served_put_pod(f->server, "data", "b", "10.0.0.2");
	served_put_pod(f->server, "other", "c", "10.0.0.3");
	f->config.namespaces = namespaces;
	f->config.n_namespaces = 2;
	start(f);
	UNTIL(f, pods_are_read);
	view = tg_store_view(f->store);
	assert_int_equal(view->cluster.n_pods, 2);
	assert_int_equal(view->cluster.n_namespaces, 2);
	assert_int_equal(view->cluster.n_nodes, 1);
	tg_view_release(f->store, view);
	assert_int_equal(double_count_requests(f->server, DOUBLE_WATCH, "/api/v1/pods"), 0);
	assert_true(
		double_count_requests(f->server, DOUBLE_WATCH, "/api/v1/namespaces/data/pods") > 0);
}

static void only_some_pods_are_read(void **state)
{
	struct fixture *f = *state;

	served_put_pod(f->server, "shop", "a", "10.0.0.1");
	served_put_pod(f->server, "shop", "batch", "10.0.0.2");
	f->config.selector[TG_CLUSTER_PODS] = "app!=batch";
	start(f);
	UNTIL(f, is_synced);
	assert_int_equal(stats_of(f).pods, 1);
}

static void namespaces_are_known_when_their_object_is(void **state)
{
	struct fixture *f = *state;
	struct tg_view *view;

	served_put_pod(f->server, "late", "a", "10.0.0.1");
	start(f);
	UNTIL(f, is_synced);
	view = tg_store_view(f->store);
	for (size_t i = 0; i < view->cluster.n_namespaces; i++)
		assert_string_not_equal(
			tg_intern_text(view->cluster.strings, view->cluster.namespaces[i]->name),
			"late");
	tg_view_release(f->store, view);
}

static bool has_a_refused_pod(struct fixture *f)
{
	return stats_of(f).served_refused == 1;
}

static void what_cannot_be_read_is_counted(void **state)
{
	struct fixture *f = *state;

	served_put_pod(f->server, "shop", "a", "10.0.0.1");
	start(f);
	UNTIL(f, is_synced);
	double_put(f->server, "pods", "shop", "a", "{\"status\":{\"podIP\":\"everywhere\"}}");
	UNTIL(f, has_a_refused_pod);
	UNTIL(f, has_no_pod);
	assert_int_equal(served_feed(f->source, "pods").objects.refused, 1);
	assert_true(is_synced(f));
	served_put_pod(f->server, "shop", "a", "10.0.0.1");
	UNTIL(f, has_one_pod);
	assert_int_equal(served_feed(f->source, "pods").objects.refused, 0);
}

static void it_can_be_stopped_while_it_reads(void **state)
{
	struct fixture *f = *state;

	start(f);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(everything_is_read),
		TEST(a_kind_that_is_forbidden_keeps_everything_waiting),
		TEST(unless_it_is_optional),
		TEST(but_not_at_the_first_refusal),
		TEST(half_of_it_is_not_enough),
		TEST(what_is_known_outlives_the_server),
		TEST(other_policy_kinds_are_found_and_reported),
		TEST(what_is_enforced_stays_when_the_kind_is_not_there),
		TEST(an_answer_of_somebody_else_takes_no_kind_away),
		TEST(only_some_namespaces_are_read),
		TEST(only_some_pods_are_read),
		TEST(namespaces_are_known_when_their_object_is),
		TEST(what_cannot_be_read_is_counted),
		TEST(it_can_be_stopped_while_it_reads),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
