/* SPDX-License-Identifier: BSD-3-Clause */
/* What the owner does with denials. */
#include "owner_lab.h"
#include "ruleset.h"

#define D(reason) TG_DROP_##reason

/* The same again and again, from different ports where that is TCP. */
static void hammer(struct lab *l)
{
	static const struct line lines[] = {
		{INSIDE, "10.1.0.1 > 8.8.8.8 tcp 4001>22 S", D(POLICY_EGRESS)},
		{INSIDE, "10.1.0.1 > 8.8.8.8 tcp 4002>22 S", D(POLICY_EGRESS)},
		{INSIDE, "10.1.0.1 > 8.8.8.8 tcp 4003>22 S", D(POLICY_EGRESS)},
		{INSIDE, "10.1.0.1 > 8.8.8.8 udp 4000>9", D(POLICY_EGRESS)},
		{INSIDE, "10.1.0.1 > 8.8.8.8 udp 4000>9", D(POLICY_EGRESS)},
		{INSIDE, "10.1.0.1 > 8.8.8.8 udp 4000>9", D(POLICY_EGRESS)},
	};

	PLAY(&l->w, lines);
	step(l);
}

/* Packets with options may be dropped for another reason. */
static void what_has_options_is_not_dropped(void **state)
{
	struct tg_nic_profile nic = forwarder();
	struct lab l;

	nic.engines[0].masking[TG_NIC_IPV4_IHL] = TG_NIC_MASK_NEVER;
	nic.hazards[TG_NIC_HAZARD_NO_OPTIONS] =
		(struct tg_nic_hazard){.present = true, .engines = 1};
	nic.strategies = BIT(TG_NIC_STRATEGY_DENY);
	lab_start_with(&l, &nic, 64);
	hammer(&l);
	assert_int_equal(fake_rules(INSIDE), 0);
	lab_stop(&l);
}

/* What the NIC does not drop yet is denied and offered on: once is enough. */
static void what_is_denied_is_dropped_by_one_rule(void **state)
{
	struct lab l;

	lab_start(&l);
	hammer(&l);
	pass(&l, 1000);
	hammer(&l);
	assert_int_equal(fake_rules(INSIDE), 2);
	assert_true(left(&l, TG_OFFLOAD_DUPLICATE) > 0);
	lab_stop(&l);
}

static void what_is_denied_often_is_dropped_by_hardware(void **state)
{
	const struct tg_nic_rule *tcp, *udp;
	struct lab l;

	lab_start(&l);
	hammer(&l);
	assert_int_equal(fake_rules(INSIDE), 2);
	assert_int_equal(fake_rules(OUTSIDE), 0);
	tcp = &fake_find(INSIDE, 0, 22)->rule;
	udp = &fake_find(INSIDE, 4000, 9)->rule;
	assert_int_equal(tcp->actions, BIT(TG_NIC_DROP) | BIT(TG_NIC_COUNT));
	/* a SYN and nothing of a connection, from any port */
	assert_int_equal(tcp->match.mask.tcp_flags, 0x17);
	assert_int_equal(tcp->match.spec.tcp_flags, 0x02);
	assert_bytes(tcp->match.mask.sport, 0, 2);
	assert_bytes(udp->match.mask.sport, 0xffff, 2);
	assert_true(tcp->match.untagged && udp->match.untagged);
	fake_find(INSIDE, 0, 22)->count = (struct tg_flow_count){100, 6000};
	pass(&l, 2 * POLL_MS);
	assert_int_equal(world_slot(&l.w, SLOT_OUT_DENY).packets, 6 + 100);
	assert_int_equal(world_slot(&l.w, SLOT_OUT_DENY).connections, 6 + 100);
	assert_int_equal(world_drops(&l.w, TG_DROP_POLICY_EGRESS), 6 + 100);
	assert_int_equal(l.stats.dropped, 100);
	/* After a while software looks at it again. */
	pass(&l, DENIAL_MS);
	assert_int_equal(fake_rules(INSIDE), 0);
	assert_int_equal(left(&l, TG_OFFLOAD_RENEWED) + left(&l, TG_OFFLOAD_IDLE), 2);
	lab_stop(&l);
}

static void what_becomes_allowed_is_not_dropped(void **state)
{
	const struct ruleset_allow ssh = {.protocol = 6, .port = 22};
	struct lab l;

	lab_start(&l);
	hammer(&l);
	hold(&l);
	world_allow(&l.w, &ssh, 1);
	judged(&l, 0);
	assert_null(fake_find(INSIDE, 0, 22));
	lab_stop(&l);
}

/* A denied datagram may be the reply to one that the other side may send. */
static void what_may_be_a_reply_is_not_dropped(void **state)
{
	const struct ruleset_allow asked = {.to_client = true, .protocol = 17, .port = 4000};
	struct lab l;

	lab_start(&l);
	world_allow(&l.w, &asked, 1);
	hold(&l);
	judged(&l, 0);
	hammer(&l);
	assert_null(fake_find(INSIDE, 4000, 9));
	assert_non_null(fake_find(INSIDE, 0, 22));
	lab_stop(&l);
}

/* Nor is one that becomes one by a later change. */
static void what_becomes_a_reply_is_not_dropped(void **state)
{
	const struct ruleset_allow asked = {.to_client = true, .protocol = 17, .port = 4000};
	struct lab l;

	lab_start(&l);
	hammer(&l);
	assert_non_null(fake_find(INSIDE, 4000, 9));
	hold(&l);
	world_allow(&l.w, &asked, 1);
	judged(&l, 0);
	assert_null(fake_find(INSIDE, 4000, 9));
	lab_stop(&l);
}

static void what_cannot_be_counted_is_not_dropped(void **state)
{
	struct tg_nic_profile nic = forwarder();
	struct lab l;

	nic.engines[0].masking[TG_NIC_TCP_FLAGS] = TG_NIC_MASK_NEVER;
	lab_start_with(&l, &nic, 64);
	hammer(&l);
	assert_null(fake_find(INSIDE, 0, 22));
	assert_non_null(fake_find(INSIDE, 4000, 9));
	lab_stop(&l);
}

int run_denial_tests(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_has_options_is_not_dropped),
		cmocka_unit_test(what_is_denied_is_dropped_by_one_rule),
		cmocka_unit_test(what_is_denied_often_is_dropped_by_hardware),
		cmocka_unit_test(what_becomes_allowed_is_not_dropped),
		cmocka_unit_test(what_may_be_a_reply_is_not_dropped),
		cmocka_unit_test(what_becomes_a_reply_is_not_dropped),
		cmocka_unit_test(what_cannot_be_counted_is_not_dropped),
	};

	return cmocka_run_group_tests_name("denials", tests, NULL, NULL);
}
