/* SPDX-License-Identifier: BSD-3-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "standin.h"
#include "store.h"

/* A cluster from manifests, with its stand-ins. */
struct fixture {
	struct tg_store *store;
	struct tg_view *view;
	struct tg_standin *standin;
	const struct tg_cluster *cluster;
};

static void open_fixture(struct fixture *fix, const char *manifests)
{
	fix->store = tg_store_create();
	assert_non_null(fix->store);
	assert_int_equal(tg_store_load(fix->store, "a.yaml", manifests, strlen(manifests)), 0);
	fix->view = tg_store_view(fix->store);
	assert_non_null(fix->view);
	assert_int_equal(tg_standin_create(&fix->view->cluster, &fix->standin), 0);
	fix->cluster = tg_standin_cluster(fix->standin);
}

static void close_fixture(struct fixture *fix)
{
	tg_standin_free(fix->standin);
	tg_view_release(fix->store, fix->view);
	tg_store_free(fix->store);
}

static const struct tg_pod *pod(const struct fixture *fix, const char *name)
{
	for (size_t i = 0; i < fix->cluster->n_pods; i++)
		if (strcmp(tg_intern_text(fix->cluster->strings, fix->cluster->pods[i]->name),
			    name) == 0)
			return fix->cluster->pods[i];
	fail_msg("no pod %s", name);
	return NULL;
}

#define POD(name, status)                                                             \
	"---\nkind: Pod\napiVersion: v1\nmetadata: {namespace: ns, name: " name "}\n" \
	"status: " status "\n"

#define POLICY(name, blocks)                                           \
	"---\nkind: NetworkPolicy\napiVersion: networking.k8s.io/v1\n" \
	"metadata: {namespace: ns, name: " name "}\n"                  \
	"spec: {podSelector: {}, ingress: [{from: [" blocks "]}]}\n"

static void everybody_has_an_address(void **state)
{
	struct fixture fix;

	open_fixture(&fix,
		POD("four", "{podIP: 10.0.0.1}") POD("lost", "{}") POD("also", "{}")
			POD("done", "{phase: Failed}") POD("six", "{podIPs: [{ip: \"fd00::1\"}]}"));
	/* One of each family that the cluster uses, each its own. */
	assert_int_equal(pod(&fix, "lost")->n_addrs, 2);
	assert_int_equal(pod(&fix, "lost")->addrs[0].family, 4);
	assert_int_equal(pod(&fix, "lost")->addrs[1].family, 6);
	for (int i = 0; i < 2; i++) {
		assert_true(tg_standin_is(fix.standin, &pod(&fix, "lost")->addrs[i]));
		assert_int_not_equal(
			tg_addr_compare(&pod(&fix, "lost")->addrs[i], &pod(&fix, "also")->addrs[i]),
			0);
	}
	/* Nobody else's are touched. */
	assert_int_equal(pod(&fix, "four")->n_addrs, 1);
	assert_false(tg_standin_is(fix.standin, &pod(&fix, "four")->addrs[0]));
	assert_int_equal(pod(&fix, "six")->n_addrs, 1);
	assert_int_equal(pod(&fix, "done")->n_addrs, 0);
	close_fixture(&fix);
}

static void nothing_to_do_is_the_same_cluster(void **state)
{
	struct fixture fix;

	open_fixture(&fix,
		POD("four", "{podIP: 10.0.0.1}") POLICY("p", "{ipBlock: {cidr: 240.0.0.0/4}}"));
	assert_ptr_equal(fix.cluster->pods, fix.view->cluster.pods);
	assert_ptr_equal(fix.cluster->policies, fix.view->cluster.policies);
	close_fixture(&fix);
}

/* The block of the n-th peer of the only rule matches the address. */
static bool block_matches(const struct fixture *fix, uint32_t n, const struct tg_addr *addr)
{
	const struct tg_policy_rule *rule = &fix->cluster->policies[0]->side[TG_INGRESS].rules[0];
	const struct tg_peer *peer = &rule->peers[n];

	if (!tg_prefix_contains(&peer->block, addr))
		return false;
	for (uint32_t i = 0; i < peer->n_except; i++)
		if (tg_prefix_contains(&peer->except[i], addr))
			return false;
	return true;
}

static void only_blocks_of_everything_match(void **state)
{
	static const struct {
		const char *block;
		bool four, six;
	} table[] = {
		{"{ipBlock: {cidr: 0.0.0.0/0}}", true, false},
		{"{ipBlock: {cidr: \"::/0\"}}", false, true},
		{"{ipBlock: {cidr: 0.0.0.0/0, except: [10.0.0.0/8]}}", false, false},
		{"{ipBlock: {cidr: 0.0.0.0/0, except: [240.0.0.0/4]}}", false, false},
		{"{ipBlock: {cidr: \"::/0\", except: [\"fd00::/8\"]}}", false, false},
		{"{ipBlock: {cidr: 128.0.0.0/1}}", false, false},
		{"{ipBlock: {cidr: 240.0.0.0/4}}", false, false},
		{"{ipBlock: {cidr: 240.0.0.0/8}}", false, false},
		{"{ipBlock: {cidr: \"100::/8\"}}", false, false},
		{"{ipBlock: {cidr: \"100::/64\"}}", false, false},
		{"{ipBlock: {cidr: 10.0.0.0/8}}", false, false},
	};
	char text[1024];

	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		const struct tg_addr *addrs;
		struct fixture fix;

		snprintf(text, sizeof(text),
			POD("lost", "{}") POD("dual",
				"{podIPs: [{ip: 10.0.0.1}, {ip: \"fd00::1\"}]}") POLICY("p", "%s"),
			table[i].block);
		open_fixture(&fix, text);
		addrs = pod(&fix, "lost")->addrs;
		if (block_matches(&fix, 0, &addrs[0]) != table[i].four ||
			block_matches(&fix, 0, &addrs[1]) != table[i].six)
			fail_msg("%s", table[i].block);
		close_fixture(&fix);
	}
}

static void ranges_in_use_are_left_alone(void **state)
{
	struct tg_addr used;
	struct fixture fix;

	/* Each of these takes one of the first ranges away. */
	open_fixture(&fix,
		POD("a", "{podIP: 240.1.2.3}") POD("lost", "{}") POLICY("p",
			"{ipBlock: {cidr: 0.0.0.0/0, except: [241.0.0.0/16]}}, "
			"{ipBlock: {cidr: 242.7.0.0/16}}") "---\nkind: Service\napiVersion: v1\nmetadata: {namespace: ns, name: s}\n"
							   "spec: {clusterIP: 243.0.0.1}\n"
							   "---\nkind: Node\napiVersion: v1\nmetadata: {name: m}\n"
							   "spec: {podCIDRs: [244.0.0.0/16]}\n"
							   "status: {addresses: [{type: InternalIP, address: 245.0.0.1}]}\n");
	used = pod(&fix, "lost")->addrs[0];
	assert_int_equal(used.bytes[0], 246);
	close_fixture(&fix);
}

static void host_network_pods_find_their_node(void **state)
{
	static const char text[] =
		"---\nkind: Node\napiVersion: v1\nmetadata: {name: bare}\n"
		"---\nkind: Node\napiVersion: v1\nmetadata: {name: idle}\n"
		"---\nkind: Pod\napiVersion: v1\nmetadata: {namespace: ns, name: agent}\n"
		"spec: {hostNetwork: true, nodeName: bare}\n";
	struct fixture fix;

	open_fixture(&fix, text);
	assert_int_equal(pod(&fix, "agent")->n_addrs, 0);
	for (size_t i = 0; i < fix.cluster->n_nodes; i++) {
		const struct tg_node *node = fix.cluster->nodes[i];
		bool bare = strcmp(tg_intern_text(fix.cluster->strings, node->name), "bare") == 0;

		assert_int_equal(node->n_addrs, bare ? 1 : 0);
	}
	close_fixture(&fix);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(everybody_has_an_address),
		cmocka_unit_test(nothing_to_do_is_the_same_cluster),
		cmocka_unit_test(only_blocks_of_everything_match),
		cmocka_unit_test(ranges_in_use_are_left_alone),
		cmocka_unit_test(host_network_pods_find_their_node),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
