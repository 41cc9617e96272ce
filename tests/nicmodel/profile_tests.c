/* SPDX-License-Identifier: BSD-3-Clause */
/* What a profile does not list is refused, what it lists is taken. */
#include "lab.h"

#include <stdio.h>
#include <string.h>

#define P4 "10.1.0.1 > 10.2.0.1 "

/* Rules come between: the profile is changed under the NIC, as a new one would be. */
#define ENGINE (lab_nic.engines[0])

static void full_profile(void)
{
	lab_profile(&lab_nic);
}

static void no_egress(void)
{
	ENGINE.domains = 1u << TG_NIC_INGRESS;
}

static void no_groups(void)
{
	ENGINE.n_groups = 1;
	ENGINE.n_priorities = 1;
}

static void exact_only(void)
{
	memset(ENGINE.masking, TG_NIC_MASK_EXACT, sizeof(ENGINE.masking));
}

static void prefixes(void)
{
	memset(ENGINE.masking, TG_NIC_MASK_PREFIX, sizeof(ENGINE.masking));
}

static void zero_fragments(void)
{
	ENGINE.masking[TG_NIC_IPV4_FRAGMENT] = TG_NIC_MASK_ZERO;
}

static void no_ports(void)
{
	ENGINE.masking[TG_NIC_UDP_SPORT] = ENGINE.masking[TG_NIC_UDP_DPORT] = TG_NIC_MASK_NEVER;
}

static void no_ipv6(void)
{
	ENGINE.masking[TG_NIC_IPV6_SRC] = ENGINE.masking[TG_NIC_IPV6_DST] =
		ENGINE.masking[TG_NIC_IPV6_HOP_LIMIT] = TG_NIC_MASK_NEVER;
}

static void tcp_only(void)
{
	ENGINE.protocols = 1u << TG_NIC_PROTOCOL_TCP;
}

static void no_tags(void)
{
	ENGINE.untagged = false;
}

static void needs_field(void)
{
	ENGINE.needs_field = true;
}

static void drop_only(void)
{
	ENGINE.actions = 1u << TG_NIC_DROP;
}

static void modify_field(void)
{
	ENGINE.modify_field = true;
}

#define ITEMS(items) "ingress : " items " : drop"
#define ACTIONS(actions) "ingress : eth / ipv4 / udp : " actions

/* error 0: taken */
static const struct {
	void (*change)(void);
	const char *rule;
	int error;
	enum rte_flow_error_type type;
} table[] = {
	{full_profile, ITEMS("eth"), 0, 0},
	{full_profile,
		ITEMS("eth has_vlan=0 / ipv4 src=10.0.0.0&255.0.255.0 ttl=0&0xfe / tcp flags=2"), 0,
		0},
	{full_profile, ITEMS("eth type=0x0800 / ipv4 proto=17 / udp dport=1"), 0, 0},
	{full_profile, ITEMS("eth / ipv4 proto=47"), 0, 0},
	{full_profile, ITEMS("eth / ipv4 proto=6 / udp"), ENOTSUP, RTE_FLOW_ERROR_TYPE_ITEM_MASK},
	{full_profile, ITEMS("eth type=0x86dd / ipv4"), ENOTSUP, RTE_FLOW_ERROR_TYPE_ITEM_MASK},
	{full_profile, ITEMS("eth dst=02:00:00:00:00:01"), ENOTSUP, RTE_FLOW_ERROR_TYPE_ITEM_MASK},
	{full_profile, ITEMS("eth / vlan"), ENOTSUP, RTE_FLOW_ERROR_TYPE_ITEM},
	{full_profile, ITEMS("eth has_vlan=1"), ENOTSUP, RTE_FLOW_ERROR_TYPE_ITEM},
	{full_profile, ITEMS("eth / ipv4 tos=1"), ENOTSUP, RTE_FLOW_ERROR_TYPE_ITEM_MASK},
	{full_profile, ITEMS("eth / ipv4 frag=0x4000&0x4000"), ENOTSUP,
		RTE_FLOW_ERROR_TYPE_ITEM_MASK},
	{full_profile, ITEMS("eth / ipv4 / tcp seq=1"), ENOTSUP, RTE_FLOW_ERROR_TYPE_ITEM_MASK},
	{full_profile, ITEMS("eth / ipv6 has_frag_ext=0"), ENOTSUP, RTE_FLOW_ERROR_TYPE_ITEM_MASK},
	{full_profile, ITEMS("eth / ipv4 / tcp dport=1..5"), ENOTSUP,
		RTE_FLOW_ERROR_TYPE_ITEM_LAST},
	{full_profile, "ingress group=3 priority=3 : eth : drop", 0, 0},
	{full_profile, "ingress group=4 : eth : drop", ENOTSUP, RTE_FLOW_ERROR_TYPE_ATTR_GROUP},
	{full_profile, "ingress priority=4 : eth : drop", ENOTSUP,
		RTE_FLOW_ERROR_TYPE_ATTR_PRIORITY},
	{full_profile, "ingress : eth : jump=4", ENOTSUP, RTE_FLOW_ERROR_TYPE_ACTION},
	{no_egress, "egress : eth : drop", ENOTSUP, RTE_FLOW_ERROR_TYPE_ATTR_EGRESS},
	{no_egress, "transfer : eth : drop", ENOTSUP, RTE_FLOW_ERROR_TYPE_ATTR_TRANSFER},
	{no_groups, "ingress group=1 : eth : drop", ENOTSUP, RTE_FLOW_ERROR_TYPE_ATTR_GROUP},
	{no_groups, "ingress priority=1 : eth : drop", ENOTSUP, RTE_FLOW_ERROR_TYPE_ATTR_PRIORITY},
	{no_groups, ITEMS("eth"), 0, 0},
	{exact_only, ITEMS("eth / ipv4 src=10.1.1.1 / udp dport=5"), 0, 0},
	{exact_only, ITEMS("eth / ipv4 src=10.0.0.0&255.0.0.0"), ENOTSUP,
		RTE_FLOW_ERROR_TYPE_ITEM_MASK},
	{exact_only, ITEMS("eth / ipv4 / udp dport=80&0xfff0"), ENOTSUP,
		RTE_FLOW_ERROR_TYPE_ITEM_MASK},
	{exact_only, ITEMS("eth / ipv4 ver=5&0x0f frag=0&0x3fff"), 0, 0},
	{exact_only, ITEMS("eth / ipv4 ver=5&0x07"), ENOTSUP, RTE_FLOW_ERROR_TYPE_ITEM_MASK},
	{exact_only, ITEMS("eth / ipv4 frag=0&0x1fff"), ENOTSUP, RTE_FLOW_ERROR_TYPE_ITEM_MASK},
	{prefixes, ITEMS("eth / ipv4 src=10.0.0.0&255.0.0.0"), 0, 0},
	{prefixes, ITEMS("eth / ipv6 src=fd00::&ffff::"), 0, 0},
	{prefixes, ITEMS("eth / ipv4 src=10.0.0.0&255.0.255.0"), ENOTSUP,
		RTE_FLOW_ERROR_TYPE_ITEM_MASK},
	{zero_fragments, ITEMS("eth / ipv4 frag=0&0x3fff"), 0, 0},
	{zero_fragments, ITEMS("eth / ipv4 frag=0x2000&0x3fff"), ENOTSUP,
		RTE_FLOW_ERROR_TYPE_ITEM_MASK},
	{zero_fragments, ITEMS("eth / ipv4 frag=0&0x2000"), ENOTSUP, RTE_FLOW_ERROR_TYPE_ITEM_MASK},
	{no_ports, ITEMS("eth / ipv4 / udp"), 0, 0},
	{no_ports, ITEMS("eth / ipv4 / udp dport=1"), ENOTSUP, RTE_FLOW_ERROR_TYPE_ITEM_MASK},
	{no_ports, ITEMS("eth / ipv4 / tcp dport=1"), 0, 0},
	{no_ipv6, ITEMS("eth / ipv6"), ENOTSUP, RTE_FLOW_ERROR_TYPE_ITEM},
	{no_ipv6, ITEMS("eth / ipv4"), 0, 0},
	{tcp_only, ITEMS("eth / ipv4 / tcp"), 0, 0},
	{tcp_only, ITEMS("eth / ipv4 / udp"), ENOTSUP, RTE_FLOW_ERROR_TYPE_ITEM},
	{tcp_only, ITEMS("eth / ipv4 proto=17"), ENOTSUP, RTE_FLOW_ERROR_TYPE_ITEM},
	{tcp_only, ITEMS("eth / ipv4"), ENOTSUP, RTE_FLOW_ERROR_TYPE_ITEM},
	{no_tags, ITEMS("eth has_vlan=0 / ipv4"), ENOTSUP, RTE_FLOW_ERROR_TYPE_ITEM},
	{no_tags, ITEMS("eth / ipv4"), 0, 0},
	{needs_field, ITEMS("eth / ipv4"), EINVAL, RTE_FLOW_ERROR_TYPE_ITEM_SPEC},
	{needs_field, ITEMS("eth / ipv4 ttl=3"), 0, 0},
	{drop_only, ACTIONS("drop"), 0, 0},
	{drop_only, ACTIONS("count / drop"), ENOTSUP, RTE_FLOW_ERROR_TYPE_ACTION},
	{drop_only, ACTIONS("queue=0"), ENOTSUP, RTE_FLOW_ERROR_TYPE_ACTION},
	{drop_only, ACTIONS("dec_ttl / drop"), ENOTSUP, RTE_FLOW_ERROR_TYPE_ACTION},
	{full_profile, ACTIONS("src4=1.2.3.4 / sport=4 / dec_ttl / queue=0"), 0, 0},
	{full_profile, ACTIONS("m.src4=1.2.3.4 / queue=0"), ENOTSUP, RTE_FLOW_ERROR_TYPE_ACTION},
	{modify_field, ACTIONS("m.src4=1.2.3.4 / m.ttl-=1 / queue=0"), 0, 0},
	{modify_field, ACTIONS("src4=1.2.3.4 / queue=0"), ENOTSUP, RTE_FLOW_ERROR_TYPE_ACTION},
	{modify_field, ACTIONS("dec_ttl / queue=0"), ENOTSUP, RTE_FLOW_ERROR_TYPE_ACTION},
};

static void only_what_is_listed(void **state)
{
	for (size_t i = 0; i < RTE_DIM(table); i++) {
		lab_profile(&lab_nic);
		table[i].change();
		if (table[i].error == 0)
			lab_destroy(0, lab_rule(0, table[i].rule));
		else
			lab_refused(0, table[i].rule, table[i].error, table[i].type);
	}
}

/* Validation says the same, without making anything. */
static void validation_agrees(void **state)
{
	struct nicmodel_rules rules;
	struct words w = {.context = NULL};

	for (size_t i = 0; i < RTE_DIM(table); i++) {
		lab_profile(&lab_nic);
		table[i].change();
		words_read(&w, table[i].rule);
		assert_int_equal(
			rte_flow_validate(lab.port[0], &w.attr, w.items, w.actions, &lab.error),
			-table[i].error);
	}
	nicmodel_rules(lab.port[0], &rules);
	assert_int_equal(rules.created + rules.refused, 0);
}

static void capacity_and_counters_end(void **state)
{
	struct rte_flow *flow;

	ENGINE.capacity = 3;
	ENGINE.counters.max = 1;
	flow = lab_rule(0, "ingress : eth / ipv4 src=10.0.0.1 : count / drop");
	lab_refused(0, "ingress : eth / ipv4 src=10.0.0.2 : count / drop", ENOSPC,
		RTE_FLOW_ERROR_TYPE_UNSPECIFIED);
	lab_rule(0, "ingress : eth / ipv4 src=10.0.0.2 : drop");
	lab_rule(0, "ingress : eth / ipv4 src=10.0.0.3 : drop");
	lab_refused(0, "ingress : eth / ipv4 src=10.0.0.4 : drop", ENOSPC,
		RTE_FLOW_ERROR_TYPE_UNSPECIFIED);
	lab_destroy(0, flow);
	lab_rule(0, "ingress : eth / ipv4 src=10.0.0.4 : count / drop");
}

static void counters_count_what_they_can(void **state)
{
	struct rte_flow *flow = lab_rule(0, "ingress : eth / ipv4 : count / drop");
	struct rte_flow_query_count count = {0};

	ENGINE.counters.bytes = false;
	assert_true(lab_dropped(0, P4 "udp 1>2"));
	assert_int_equal(lab_query(0, flow, &count), 0);
	assert_true(count.hits_set && !count.bytes_set);
	assert_int_equal(count.hits, 1);
	assert_int_equal(count.bytes, 0);
}

static void counters_may_not_be_shared(void **state)
{
	struct rte_flow_indir_action_conf conf = {.ingress = 1};
	struct rte_flow_action count = {.type = RTE_FLOW_ACTION_TYPE_COUNT};

	ENGINE.counters.shared = false;
	assert_null(rte_flow_action_handle_create(lab.port[0], &conf, &count, &lab.error));
	assert_int_equal(rte_errno, ENOTSUP);
}

static void one_shape_of_each_type(void **state)
{
	struct rte_flow *flow;

	ENGINE.shapes = TG_NIC_SHAPES_PER_TYPE;
	flow = lab_rule(0, "ingress : eth / ipv4 src=10.0.0.1 / udp dport=1 : drop");
	lab_rule(0, "ingress : eth / ipv4 src=10.0.0.2 / udp dport=2 : drop");
	lab_rule(0, "ingress : eth / ipv4 src=10.0.0.1 / tcp : drop");
	lab_rule(0, "ingress : eth / ipv6 src=fd00::1 / udp : drop");
	lab_refused(0, "ingress : eth / ipv4 src=10.0.0.3 / udp : drop", EINVAL,
		RTE_FLOW_ERROR_TYPE_ITEM_MASK);
	lab_destroy(0, flow);
	lab_refused(0, "ingress : eth / ipv4 src=10.0.0.3 / udp : drop", EINVAL,
		RTE_FLOW_ERROR_TYPE_ITEM_MASK);
	assert_int_equal(rte_flow_flush(lab.port[0], &lab.error), 0);
	lab_rule(0, "ingress : eth / ipv4 src=10.0.0.3 / udp : drop");
}

static void a_few_shapes(void **state)
{
	struct rte_flow *flow;

	ENGINE.shapes = TG_NIC_SHAPES_LIMITED;
	ENGINE.shapes_max = 2;
	flow = lab_rule(0, "ingress : eth / ipv4 src=10.0.0.0&255.0.0.0 : drop");
	lab_rule(0, "ingress : eth / ipv4 src=11.0.0.0&255.0.0.0 : drop");
	lab_rule(0, "ingress : eth / ipv4 src=10.1.0.0&255.255.0.0 : drop");
	lab_refused(0, "ingress : eth / ipv4 src=10.1.1.0&255.255.255.0 : drop", ENOSPC,
		RTE_FLOW_ERROR_TYPE_ITEM_MASK);
	lab_destroy(0, flow);
	assert_true(lab_passes(0, "10.9.9.9 > 1.1.1.1 udp 1>2"));
	assert_true(lab_dropped(0, "10.1.9.9 > 1.1.1.1 udp 1>2"));
}

static void misses_go_to_software_or_nowhere(void **state)
{
	lab_rule(0, "ingress : eth / ipv4 : jump=1");
	lab_rule(0, "ingress group=1 : eth / ipv4 / udp dport=2 : queue=0");
	assert_true(lab_passes(0, P4 "udp 1>2"));
	assert_true(lab_passes(0, P4 "udp 1>3"));
	ENGINE.miss_to_software = false;
	assert_true(lab_passes(0, P4 "udp 1>2"));
	assert_true(lab_dropped(0, P4 "udp 1>3"));
	assert_true(lab_passes(0, "fd00::1 > fd00::2 udp 1>3"));
}

/* A NIC without a switch that calls forwarding ingress. */
static void forwards_without_a_switch(void **state)
{
	struct lab_seen seen;
	char rule[128];

	snprintf(rule, sizeof(rule), "ingress : eth / ipv4 : port_id=%u", lab.port[1]);
	lab_refused(0, rule, ENOTSUP, RTE_FLOW_ERROR_TYPE_ACTION);
	ENGINE.domains = 1u << TG_NIC_INGRESS;
	lab_rule(0, rule);
	lab_send(0, P4 "udp 1>2", &seen);
	assert_true(seen.wire[1]);
}

static const char *const shipped[] = {"bnxt", "cnxk", "cxgbe", "dpaa2", "enic", "generic", "hns3",
	"i40e", "ice", "igc", "ixgbe", "mlx5-cx5", "mlx5-cx6dx", "mlx5-cx6dx-templates", "nfp",
	"sfc-ef100", "tap", "txgbe"};

/* Every profile makes a NIC; hazards are its quirks. */
static void shipped_profiles(void **state)
{
	struct tg_nic_profiles *profiles;
	struct nicmodel_quirks quirks;
	char *errors;

	lab_close();
	assert_int_equal(tg_nic_profiles_load(NIC_PROFILES, &profiles, &errors), 0);
	for (size_t i = 0; i < RTE_DIM(shipped); i++) {
		const struct tg_nic_profile *p = tg_nic_profiles_find(profiles, shipped[i]);

		assert_non_null(p);
		lab_open(p);
		nicmodel_quirks_get(lab.port[0], &quirks);
		for (unsigned int h = 0; h < TG_NIC_HAZARD_COUNT; h++)
			if (p->hazards[h].present)
				assert_true(quirks.on >> h & 1);
		if (p->n_engines == 0)
			lab_refused(0, "ingress : eth : drop", ENOTSUP,
				RTE_FLOW_ERROR_TYPE_UNSPECIFIED);
		assert_true(lab_passes(0, P4 "udp 1>2"));
		lab_close();
	}
	tg_nic_profiles_free(profiles);
	lab_open(NULL);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, lab_setup_profile, lab_teardown)

int run_profile_tests(void)
{
	static const struct CMUnitTest tests[] = {
		TEST(only_what_is_listed),
		TEST(validation_agrees),
		TEST(capacity_and_counters_end),
		TEST(counters_count_what_they_can),
		TEST(counters_may_not_be_shared),
		TEST(one_shape_of_each_type),
		TEST(a_few_shapes),
		TEST(misses_go_to_software_or_nowhere),
		TEST(forwards_without_a_switch),
		TEST(shipped_profiles),
	};

	return cmocka_run_group_tests_name("profile", tests, NULL, NULL);
}
