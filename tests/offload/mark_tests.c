/* SPDX-License-Identifier: BSD-3-Clause */
/* Connections whose packets a NIC only marks, from the owner's side. */
#include <errno.h>
#include <string.h>

#include "owner_lab.h"
#include "ruleset.h"

/* A NIC that forwards nothing and marks. */
static struct tg_nic_profile marker(void)
{
	struct tg_nic_profile p = forwarder();
	struct tg_nic_engine *e = &p.engines[0];

	p.strategies = BIT(TG_NIC_STRATEGY_MARK_HINT);
	p.same_switch = false;
	e->domains = BIT(TG_NIC_INGRESS);
	e->masking[TG_NIC_TCP_FLAGS] = e->masking[TG_NIC_IPV4_FRAGMENT] =
		e->masking[TG_NIC_IPV4_IHL] = TG_NIC_MASK_NEVER;
	e->untagged = false;
	e->actions = BIT(TG_NIC_MARK) | BIT(TG_NIC_SOFTWARE);
	e->marks = (struct tg_nic_marks){.max = 0xffffff, .passthru = true};
	e->n_groups = e->n_priorities = 1;
	e->counters = (struct tg_nic_counters){.hits = false};
	return p;
}

static void what_is_not_forwarded_is_marked(void **state)
{
	const struct tg_nic_profile nic = marker();
	const struct fake_rule *there, *back;
	struct tg_wire_report r;
	struct tg_msg_offload_get get = {.flags = TG_OFFLOAD_GET_RULES, .limit = 9};
	struct lab l;

	lab_start_with(&l, &nic, 64);
	converse(&l);
	assert_int_equal(l.stats.active, 1);
	assert_int_equal(l.stats.marked, 1);
	there = fake_find(INSIDE, 4000, 80);
	back = fake_find(OUTSIDE, 80, 4000);
	assert_non_null(there);
	assert_non_null(back);
	assert_int_equal(there->rule.actions, BIT(TG_NIC_MARK) | BIT(TG_NIC_SOFTWARE));
	assert_int_equal(there->rule.domain, TG_NIC_INGRESS);
	assert_int_equal(there->rule.mark, back->rule.mark);
	assert_int_equal(tg_worker_offloaded(l.w.worker[0]), 0);
	/* What software counts is shown. */
	go_on(&l);
	pass(&l, POLL_MS);
	r = report(&l, &get);
	assert_int_equal(r.header->n_rules, 1);
	assert_int_equal(r.rules[0].kind, TG_HW_MARK);
	assert_int_equal(r.rules[0].packets[0], MERIT);
	assert_int_equal(r.ports[INSIDE].kind[TG_HW_MARK_TCP4].hardware, 1);
	tg_wire_report_close(&r);
	lab_stop(&l);
}

/* A mark decides nothing: a change leaves it alone, and software cuts what it denies. */
static void a_change_does_not_wait_for_marks(void **state)
{
	const struct tg_nic_profile nic = marker();
	struct lab l;

	lab_start_with(&l, &nic, 64);
	converse(&l);
	fake_nics[INSIDE].late = fake_nics[OUTSIDE].late = true;
	rules(&l, RULES_NO_WEB);
	assert_int_equal(fake_rules(INSIDE), 1);
	assert_int_equal(world_send(&l.w, INSIDE, C "A seq=1101 ack=5001"), TG_DROP_CONN_REVOKED);
	/* The worker has given it up; its rules leave in their time, and nobody waits for them. */
	step(&l);
	assert_int_equal(l.stats.draining, 1);
	rules(&l, 0);
	fake_end(INSIDE);
	fake_end(OUTSIDE);
	pass(&l, POLL_MS);
	assert_int_equal(fake_rules(INSIDE) + fake_rules(OUTSIDE), 0);
	assert_int_equal(l.stats.marked, 0);
	assert_int_equal(left(&l, TG_OFFLOAD_RECALLED), 1);
	lab_stop(&l);
}

static void idle_marks_make_room(void **state)
{
	const struct tg_nic_profile nic = marker();
	struct lab l;

	lab_start_with(&l, &nic, 64);
	converse(&l);
	pass(&l, IDLE_MS / 2);
	go_on(&l);
	pass(&l, IDLE_MS / 2 + POLL_MS);
	assert_int_equal(l.stats.active, 1);
	pass(&l, IDLE_MS);
	assert_int_equal(l.stats.active, 0);
	assert_int_equal(left(&l, TG_OFFLOAD_IDLE), 1);
	assert_int_equal(fake_rules(INSIDE) + fake_rules(OUTSIDE), 0);
	lab_stop(&l);
}

static void marks_need_a_nic_that_keeps_the_queue(void **state)
{
	static const struct {
		bool passthru;
		uint32_t workers, max;
		const char *why;
	} rows[] = {
		{true, 2, 0xffffff, ""},
		{false, 1, 0xffffff, ""},
		{false, 2, 0xffffff, "name a queue"},
		{true, 1, 4094, "tell"},
	};
	struct tg_msg_offload_get get = {.flags = 0};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct tg_hw_port refused[WORLD_PORTS];
		struct lab l = {.nic = marker()};
		struct tg_wire_report r;

		fake_reset();
		world_defaults(&l.w);
		l.w.config.n_workers = rows[i].workers;
		l.nic.engines[0].marks.passthru = rows[i].passthru;
		l.nic.engines[0].marks.max = rows[i].max;
		l.refused = refused;
		if (rows[i].why[0] != '\0') {
			assert_int_equal(lab_open(&l, 64), -ENOTSUP);
			assert_non_null(
				strstr(refused[INSIDE].kind[TG_HW_MARK_UDP6].why, rows[i].why));
			continue;
		}
		assert_int_equal(lab_open(&l, 64), 0);
		r = report(&l, &get);
		assert_int_equal(r.ports[INSIDE].kind[TG_HW_MARK_UDP6].hardware, 1);
		tg_wire_report_close(&r);
		tg_offload_free(l.offload);
	}
}

int run_mark_tests(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_not_forwarded_is_marked),
		cmocka_unit_test(a_change_does_not_wait_for_marks),
		cmocka_unit_test(idle_marks_make_room),
		cmocka_unit_test(marks_need_a_nic_that_keeps_the_queue),
	};

	return cmocka_run_group_tests_name("marks", tests, NULL, NULL);
}
