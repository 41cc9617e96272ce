/* SPDX-License-Identifier: BSD-3-Clause */
/* Wires in different zones: the same packet is of somebody else on each. */
#include "tests.h"

/* The second wire is in a zone in which the client and the closed pod have changed places. */
static void start(struct world *w)
{
	world_defaults(w);
	w->config.ports[INSIDE2].zone = w->config.ports[OUTSIDE2].zone = ZONE_FAR;
	world_start(w);
	world_rules(w, RULES_FAR);
}

static void a_packet_is_judged_in_the_zone_of_its_port(void **state)
{
	static const struct {
		const char *packet;
		unsigned int near, far;
	} cases[] = {
		{"10.1.0.1 > 8.8.8.8 tcp 1000>80 S", PASSED, D(POLICY_EGRESS)},
		{"10.1.0.3 > 8.8.8.8 tcp 1000>80 S", D(POLICY_EGRESS), PASSED},
		{"fd00:1::1 > 2001:db8::8 udp 1000>53 len=40", PASSED, D(POLICY_EGRESS)},
		{"fd00:1::3 > 2001:db8::8 udp 1000>53 len=40", D(POLICY_EGRESS), PASSED},
		{"10.1.0.4 > 8.8.8.8 tcp 1000>443 S", PASSED, PASSED},
	};
	struct world w;

	start(&w);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_int_equal(world_send(&w, INSIDE, cases[i].packet), cases[i].near);
		assert_int_equal(world_send(&w, INSIDE2, cases[i].packet), cases[i].far);
	}
	world_stop(&w);
}

/* What is open on one wire lets nothing through on the other. */
static void a_connection_is_of_its_zone(void **state)
{
	struct world w;

	start(&w);
	assert_int_equal(world_send(&w, INSIDE, "10.1.0.1 > 8.8.8.8 udp 1000>53 len=40"), PASSED);
	assert_int_equal(world_send(&w, OUTSIDE, "8.8.8.8 > 10.1.0.1 udp 53>1000 len=40"), PASSED);
	assert_int_not_equal(
		world_send(&w, OUTSIDE2, "8.8.8.8 > 10.1.0.1 udp 53>1000 len=40"), PASSED);
	assert_int_not_equal(
		world_send(&w, INSIDE2, "10.1.0.1 > 8.8.8.8 udp 1000>53 len=40"), PASSED);
	assert_int_equal(world_send(&w, INSIDE2, "10.1.0.3 > 8.8.8.8 udp 1000>53 len=40"), PASSED);
	assert_int_equal(world_send(&w, OUTSIDE2, "8.8.8.8 > 10.1.0.3 udp 53>1000 len=40"), PASSED);
	assert_int_not_equal(
		world_send(&w, OUTSIDE, "8.8.8.8 > 10.1.0.3 udp 53>1000 len=40"), PASSED);
	world_stop(&w);
}

/* The same conversation on both wires: a pod that changes in one zone does so in that only. */
static void a_delta_is_of_one_zone(void **state)
{
	static const char packet[] = "10.1.0.4 > 8.8.8.8 udp 1000>53 len=40";
	struct world w;

	start(&w);
	assert_int_equal(world_send(&w, INSIDE, packet), PASSED);
	assert_int_equal(world_send(&w, INSIDE2, packet), PASSED);
	world_remap_in(&w, ZONE_FAR, "10.1.0.4", CLASS_CLOSED);
	assert_int_equal(world_send(&w, INSIDE, packet), PASSED);
	assert_int_equal(world_send(&w, INSIDE2, packet), D(CONN_REVOKED));
	world_remap_in(&w, 0, "10.1.0.4", CLASS_CLOSED);
	world_remap_in(&w, ZONE_FAR, "10.1.0.4", CLASS_FREE);
	assert_int_equal(world_send(&w, INSIDE, packet), D(CONN_REVOKED));
	assert_int_equal(world_send(&w, INSIDE2, packet), PASSED);
	world_stop(&w);
}

/* Live connections are judged again in their own zone. */
static void a_new_ruleset_is_for_all_zones(void **state)
{
	static const char near[] = "10.1.0.1 > 8.8.8.8 udp 1000>53 len=40";
	static const char far[] = "10.1.0.3 > 8.8.8.8 udp 1000>53 len=40";
	struct world w;

	start(&w);
	assert_int_equal(world_send(&w, INSIDE, near), PASSED);
	assert_int_equal(world_send(&w, INSIDE2, far), PASSED);
	world_rules(&w, RULES_FAR | RULES_NO_WEB);
	assert_int_equal(world_send(&w, INSIDE, near), PASSED);
	assert_int_equal(world_send(&w, INSIDE2, far), PASSED);
	world_rules(&w, RULES_FAR | RULES_NO_DNS);
	assert_int_equal(world_send(&w, INSIDE, near), D(CONN_REVOKED));
	assert_int_equal(world_send(&w, INSIDE2, far), D(CONN_REVOKED));
	world_stop(&w);
}

/* A zone that the ruleset does not have is closed, also for what was allowed in it before. */
static void a_zone_that_is_gone_is_closed(void **state)
{
	static const char packet[] = "10.1.0.3 > 8.8.8.8 udp 1000>53 len=40";
	struct world w;

	start(&w);
	assert_int_equal(world_send(&w, INSIDE2, packet), PASSED);
	world_rules(&w, 0);
	assert_int_equal(world_send(&w, INSIDE2, packet), D(CONN_REVOKED));
	assert_int_not_equal(world_send(&w, INSIDE2, "8.8.8.8 > 9.9.9.9 tcp 1000>80 S"), PASSED);
	assert_int_not_equal(world_send(&w, INSIDE2, "10.1.0.4 > 8.8.8.8 tcp 1001>80 S"), PASSED);
	assert_int_equal(world_send(&w, INSIDE, "10.1.0.4 > 8.8.8.8 tcp 1001>80 S"), PASSED);
	world_rules(&w, RULES_FAR);
	assert_int_equal(world_send(&w, INSIDE2, packet), PASSED);
	world_stop(&w);
}

int run_zone_tests(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_packet_is_judged_in_the_zone_of_its_port),
		cmocka_unit_test(a_connection_is_of_its_zone),
		cmocka_unit_test(a_delta_is_of_one_zone),
		cmocka_unit_test(a_new_ruleset_is_for_all_zones),
		cmocka_unit_test(a_zone_that_is_gone_is_closed),
	};

	return cmocka_run_group_tests_name("zones", tests, NULL, NULL);
}
