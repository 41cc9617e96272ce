/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The owner of rules, between real workers and a list of rules that plays the NICs.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include <rte_byteorder.h>

#include "owner_lab.h"
#include "ruleset.h"
#include "wire.h"

/* ---- what is asked ---- */

static void a_connection_gets_two_exact_rules(void **state)
{
	const struct tg_nic_rule *there, *back;
	struct lab l;

	lab_start(&l);
	converse(&l);
	assert_int_equal(l.stats.active, 1);
	assert_int_equal(fake_rules(INSIDE), 1);
	assert_int_equal(fake_rules(OUTSIDE), 1);
	there = &fake_find(INSIDE, 4000, 80)->rule;
	back = &fake_find(OUTSIDE, 80, 4000)->rule;
	assert_int_equal(there->actions, BIT(TG_NIC_FORWARD) | BIT(TG_NIC_COUNT));
	assert_int_equal(there->domain, TG_NIC_TRANSFER);
	assert_int_equal(there->port, INSIDE);
	assert_int_equal(there->to, OUTSIDE);
	assert_int_equal(back->port, OUTSIDE);
	assert_int_equal(back->to, INSIDE);
	assert_int_equal(there->match.family, 4);
	assert_int_equal(there->match.protocol, 6);
	assert_true(there->match.untagged);
	assert_bytes(there->match.spec.src, 0x0a010001, 4);
	assert_bytes(there->match.mask.src, 0xffffffff, 4);
	assert_bytes(there->match.spec.dst, 0x08080808, 4);
	assert_bytes(there->match.mask.dst, 0xffffffff, 4);
	assert_bytes(back->match.spec.src, 0x08080808, 4);
	assert_bytes(back->match.spec.dst, 0x0a010001, 4);
	assert_bytes(there->match.mask.sport, 0xffff, 2);
	assert_bytes(there->match.mask.dport, 0xffff, 2);
	/* neither SYN, FIN nor RST, no fragment, no options */
	assert_int_equal(there->match.mask.tcp_flags, 0x07);
	assert_int_equal(there->match.spec.tcp_flags, 0);
	assert_bytes(there->match.mask.fragment, 0x3fff, 2);
	assert_bytes(there->match.spec.fragment, 0, 2);
	assert_int_equal(there->match.mask.ihl, 0x0f);
	assert_int_equal(there->match.spec.ihl, 5);
	lab_stop(&l);
}

/* Each takes one ability from the NIC; no rule is asked for, and it is said why. */
static void no_flags(struct tg_nic_profile *p)
{
	p->engines[0].masking[TG_NIC_TCP_FLAGS] = TG_NIC_MASK_NEVER;
}

static void no_bytes(struct tg_nic_profile *p)
{
	p->engines[0].counters.bytes = false;
}

static void no_hits(struct tg_nic_profile *p)
{
	p->engines[0].counters.hits = false;
}

/* ... and what a rule counts last goes with it. */
static void late_counters(struct tg_nic_profile *p)
{
	p->engines[0].counters.stale_ms = 30;
}

static void no_vlan(struct tg_nic_profile *p)
{
	p->engines[0].untagged = false;
	p->hazards[TG_NIC_HAZARD_VLAN_BLIND] =
		(struct tg_nic_hazard){.present = true, .engines = 1};
}

static void fragments_too(struct tg_nic_profile *p)
{
	p->engines[0].masking[TG_NIC_IPV4_FRAGMENT] = TG_NIC_MASK_NEVER;
	p->hazards[TG_NIC_HAZARD_FRAGMENT_MATCHED] =
		(struct tg_nic_hazard){.present = true, .engines = 1};
}

static void options_too(struct tg_nic_profile *p)
{
	p->engines[0].masking[TG_NIC_IPV4_IHL] = TG_NIC_MASK_NEVER;
	p->hazards[TG_NIC_HAZARD_NO_OPTIONS] =
		(struct tg_nic_hazard){.present = true, .engines = 1};
}

static void no_exact_port(struct tg_nic_profile *p)
{
	p->engines[0].masking[TG_NIC_TCP_SPORT] = TG_NIC_MASK_NEVER;
}

static void what_a_nic_cannot_do_exactly_is_not_asked(void **state)
{
	static void (*const lacks[])(struct tg_nic_profile *) = {no_flags, no_bytes, no_hits,
		late_counters, no_vlan, fragments_too, options_too, no_exact_port};

	for (size_t i = 0; i < sizeof(lacks) / sizeof(lacks[0]); i++) {
		struct tg_nic_profile nic = forwarder();
		struct lab l = {.nic = nic};
		int rc;

		lacks[i](&nic);
		l.nic = nic;
		world_defaults(&l.w);
		fake_reset();
		/* UDP may still be possible where only TCP lacks something. */
		rc = lab_open(&l, 64);
		if (rc == -ENOTSUP)
			continue;
		assert_int_equal(rc, 0);
		tg_offload_free(l.offload);
		lab_start_with(&l, &nic, 64);
		converse(&l);
		assert_int_equal(l.stats.taken, 0);
		assert_int_equal(left(&l, TG_OFFLOAD_PROFILE), 1);
		assert_null(fake_find(INSIDE, 4000, 80));
		lab_stop(&l);
	}
}

static void wires_between_switches_are_not_offloaded(void **state)
{
	struct tg_offload_config config = {
		.connections_max = 4, .merit = 1, .idle_ms = 100, .poll_ms = 10};
	struct lab l = {.nic = forwarder()};
	struct tg_hw_port refused[WORLD_PORTS];

	l.nic.strategies = BIT(TG_NIC_STRATEGY_CONNECTIONS);
	world_defaults(&l.w);
	config.datapath = &l.w.config;
	config.stats = &l.stats;
	for (uint16_t i = 0; i < WORLD_PORTS; i++)
		config.ports[i] = (struct tg_offload_port){
			.profile = &l.nic, .ethdev = i, .switch_domain = i};
	config.refused = refused;
	assert_int_equal(tg_offload_create(&config, &l.offload), -ENOTSUP);
	for (unsigned int i = 0; i < WORLD_PORTS; i++) {
		assert_string_equal(refused[i].profile, "forwarder");
		assert_string_equal(refused[i].wire, "the wire's ports are not of one switch");
		assert_int_equal(refused[i].kind[TG_HW_TCP4].hardware, 0);
	}
}

/* A packet that fits one port may not fit the other, and no NIC says so. */
static void wires_of_two_mtus_are_not_offloaded(void **state)
{
	struct lab l = {.nic = forwarder()};

	l.nic.strategies = BIT(TG_NIC_STRATEGY_CONNECTIONS);
	world_defaults(&l.w);
	for (unsigned int i = 0; i < WORLD_PORTS; i++)
		l.w.config.ports[i].mtu += l.w.config.ports[i].end;
	fake_reset();
	assert_int_equal(lab_open(&l, 64), -ENOTSUP);
}

/* ---- counts and ends ---- */

static void counts_reach_the_rules(void **state)
{
	struct tg_stats_slot slot;
	struct lab l;

	lab_start(&l);
	converse(&l);
	fake_find(INSIDE, 4000, 80)->count = (struct tg_flow_count){10, 1000};
	fake_find(OUTSIDE, 80, 4000)->count = (struct tg_flow_count){20, 30000};
	pass(&l, 2 * POLL_MS);
	slot = world_slot(&l.w, SLOT_OUT_WEB);
	assert_int_equal(slot.packets, 5 + 30);
	assert_int_equal(world_stats(&l.w).offloaded_bytes, 31000);
	/* A query that fails is no news. */
	fake_nics[INSIDE].query_fails = fake_nics[OUTSIDE].query_fails = true;
	pass(&l, 3 * IDLE_MS);
	assert_int_equal(l.stats.active, 1);
	fake_nics[INSIDE].query_fails = fake_nics[OUTSIDE].query_fails = false;
	fake_find(INSIDE, 4000, 80)->count = (struct tg_flow_count){11, 1100};
	pass(&l, 2 * POLL_MS);
	assert_int_equal(world_slot(&l.w, SLOT_OUT_WEB).packets, 5 + 31);
	/* Nor is one that has counted less than before. */
	fake_find(INSIDE, 4000, 80)->count = (struct tg_flow_count){2, 200};
	pass(&l, 2 * POLL_MS);
	assert_int_equal(world_slot(&l.w, SLOT_OUT_WEB).packets, 5 + 31);
	fake_find(INSIDE, 4000, 80)->count = (struct tg_flow_count){12, 1200};
	pass(&l, 2 * POLL_MS);
	assert_int_equal(world_slot(&l.w, SLOT_OUT_WEB).packets, 5 + 32);
	lab_stop(&l);
}

/* A last count that cannot be read is waited for, but not for ever. */
static void a_rule_goes_without_its_last_count(void **state)
{
	struct lab l;

	lab_start(&l);
	converse(&l);
	fake_nics[INSIDE].query_fails = fake_nics[OUTSIDE].query_fails = true;
	tg_offload_link(l.offload, OUTSIDE, false);
	assert_int_equal(fake_rules(INSIDE) + fake_rules(OUTSIDE), 2);
	pass(&l, 20 * POLL_MS);
	assert_int_equal(fake_rules(INSIDE) + fake_rules(OUTSIDE), 0);
	lab_stop(&l);
}

static void an_end_brings_it_back_with_the_last_counts(void **state)
{
	struct lab l;

	lab_start(&l);
	converse(&l);
	fake_find(INSIDE, 4000, 80)->count = (struct tg_flow_count){10, 1000};
	assert_int_equal(world_send(&l.w, INSIDE, C "FA seq=99999 ack=88888"), PASSED);
	step(&l);
	assert_int_equal(fake_rules(INSIDE) + fake_rules(OUTSIDE), 0);
	assert_int_equal(left(&l, TG_OFFLOAD_RECALLED), 1);
	pass(&l, POLL_MS);
	assert_int_equal(world_slot(&l.w, SLOT_OUT_WEB).packets, 5 + 10 + 1);
	assert_int_equal(tg_worker_offloaded(l.w.worker[0]), 0);
	lab_stop(&l);
}

static void what_is_idle_goes_back(void **state)
{
	struct lab l;

	lab_start(&l);
	converse(&l);
	pass(&l, IDLE_MS - 2 * POLL_MS);
	assert_int_equal(l.stats.active, 1);
	pass(&l, 4 * POLL_MS);
	assert_int_equal(l.stats.active, 0);
	assert_int_equal(left(&l, TG_OFFLOAD_IDLE), 1);
	assert_int_equal(fake_rules(INSIDE) + fake_rules(OUTSIDE), 0);
	lab_stop(&l);
}

/* ---- what is in force changes ---- */

static void what_is_denied_leaves_before_the_answer(void **state)
{
	struct lab l;

	lab_start(&l);
	converse(&l);
	fake_find(INSIDE, 4000, 80)->count = (struct tg_flow_count){3, 300};
	rules(&l, RULES_NO_WEB);
	assert_int_equal(fake_rules(INSIDE) + fake_rules(OUTSIDE), 0);
	assert_int_equal(left(&l, TG_OFFLOAD_REVOKED), 1);
	pass(&l, POLL_MS);
	/* What passed before counts for the rule that allowed it. */
	assert_int_equal(world_slot(&l.w, SLOT_OUT_WEB).packets, 5 + 3);
	lab_stop(&l);
}

static void what_is_allowed_as_before_stays(void **state)
{
	struct lab l;

	lab_start(&l);
	converse(&l);
	rules(&l, RULES_NO_DNS);
	assert_int_equal(l.stats.active, 1);
	rules(&l, RULES_NEW_WEB); /* allowed, by another rule */
	assert_int_equal(l.stats.active, 0);
	lab_stop(&l);
}

static void a_delta_looks_at_its_addresses_alone(void **state)
{
	const struct tg_classmap_entry other = {
		.addr = {10, 1, 0, 2}, .family = 4, .cls = CLASS_CLOSED, .node = TG_NONE};
	const struct tg_classmap_entry client = {
		.addr = {10, 1, 0, 1}, .family = 4, .cls = CLASS_CLOSED, .node = TG_NONE};
	struct lab l;

	lab_start(&l);
	converse(&l);
	hold(&l);
	world_remap(&l.w, "10.1.0.1", CLASS_CLOSED);
	assert_int_equal(judge(&l, &other, 1), 0);
	assert_int_equal(l.stats.active, 1);
	assert_int_equal(judge(&l, &client, 1), 0);
	tg_offload_release(l.offload);
	assert_int_equal(l.stats.active, 0);
	assert_int_equal(fake_rules(INSIDE) + fake_rules(OUTSIDE), 0);
	lab_stop(&l);
}

/* Judged before the change, offered after it. */
static void offers_of_before_are_refused(void **state)
{
	static const struct line lines[] = {
		HANDSHAKE,
		{INSIDE, C "A seq=1001 ack=5001", PASSED},
	};
	struct lab l;

	lab_start(&l);
	PLAY(&l.w, lines);
	world_sweep(&l.w);
	rules(&l, RULES_NO_WEB);
	step(&l);
	assert_int_equal(left(&l, TG_OFFLOAD_STALE), 1);
	assert_int_equal(l.stats.inserted, 0);
	lab_stop(&l);
}

/* An insertion that has not ended when the change comes: the answer waits for both. */
static void what_is_under_way_is_waited_for(void **state)
{
	struct lab l;

	lab_start(&l);
	fake_nics[INSIDE].late = fake_nics[OUTSIDE].late = true;
	converse(&l);
	assert_int_equal(l.stats.installing, 1);
	hold(&l);
	world_rules(&l.w, RULES_NO_WEB);
	judged(&l, -ETIMEDOUT);
	/* Nothing is taken meanwhile, and the next try ends well. */
	fake_nics[INSIDE].late = fake_nics[OUTSIDE].late = false;
	fake_end(INSIDE);
	fake_end(OUTSIDE);
	hold(&l);
	judged(&l, 0);
	assert_int_equal(fake_rules(INSIDE) + fake_rules(OUTSIDE), 0);
	lab_stop(&l);
}

/* ---- faults ---- */

static void a_removal_that_fails_costs_the_port_its_rules(void **state)
{
	struct lab l;

	lab_start(&l);
	converse(&l);
	fake_nics[INSIDE].remove_error = -EIO;
	rules(&l, RULES_NO_WEB);
	assert_int_equal(fake_nics[INSIDE].flushes, 1);
	assert_int_equal(fake_rules(INSIDE) + fake_rules(OUTSIDE), 0);
	lab_stop(&l);
}

static void without_a_flush_nothing_is_promised(void **state)
{
	struct lab l;

	lab_start(&l);
	converse(&l);
	fake_nics[INSIDE].remove_error = fake_nics[INSIDE].flush_error = -EIO;
	hold(&l);
	world_rules(&l.w, RULES_NO_WEB);
	judged(&l, -EIO);
	fake_nics[INSIDE].flush_error = 0;
	hold(&l);
	judged(&l, 0);
	assert_int_equal(fake_rules(INSIDE), 0);
	lab_stop(&l);
}

static void a_half_installed_connection_is_taken_back(void **state)
{
	static const int errors[] = {-ENOSPC, -EEXIST, -EAGAIN, -ENOTSUP, -EIO};
	static const enum tg_offload_reason why[] = {TG_OFFLOAD_FULL, TG_OFFLOAD_DUPLICATE,
		TG_OFFLOAD_BUSY, TG_OFFLOAD_UNSUPPORTED, TG_OFFLOAD_FAILED};

	for (unsigned int i = 0; i < sizeof(errors) / sizeof(errors[0]); i++) {
		struct lab l;

		lab_start(&l);
		fake_nics[OUTSIDE].insert_error = errors[i];
		converse(&l);
		assert_int_equal(l.stats.failed, 1);
		assert_int_equal(left(&l, why[i]), 1);
		assert_int_equal(fake_rules(INSIDE) + fake_rules(OUTSIDE), 0);
		assert_int_equal(l.stats.installing + l.stats.active + l.stats.draining, 0);
		assert_int_equal(tg_worker_offloaded(l.w.worker[0]), 0);
		lab_stop(&l);
	}
}

/* A full NIC is left alone for a while, and connections have to be worth more. */
static void a_full_nic_raises_the_price(void **state)
{
	struct lab l;

	lab_start(&l);
	fake_nics[INSIDE].insert_error = -ENOSPC;
	converse(&l);
	fake_nics[INSIDE].insert_error = 0;
	for (unsigned int i = 0; i < MERIT; i++)
		world_send(&l.w, INSIDE, C "A seq=1101 ack=5001");
	world_sweep(&l.w);
	l.w.now += 1;
	step(&l);
	assert_int_equal(left(&l, TG_OFFLOAD_BUSY), 1);
	pass(&l, 1100);
	assert_int_equal(l.stats.merit, 2 * MERIT);
	pass(&l, 1100);
	pass(&l, 1100);
	assert_int_equal(l.stats.merit, MERIT);
	go_on(&l);
	assert_int_equal(l.stats.active, 1);
	lab_stop(&l);
}

static void links_and_resets(void **state)
{
	struct lab l;

	lab_start(&l);
	converse(&l);
	tg_offload_link(l.offload, OUTSIDE, false);
	pass(&l, 1);
	assert_int_equal(left(&l, TG_OFFLOAD_LINK), 1);
	assert_int_equal(fake_rules(INSIDE) + fake_rules(OUTSIDE), 0);
	go_on(&l);
	assert_int_equal(left(&l, TG_OFFLOAD_LINK), 2);

	tg_offload_link(l.offload, OUTSIDE, true);
	go_on(&l);
	assert_int_equal(l.stats.active, 1);
	assert_int_equal(tg_offload_reset_begin(l.offload, OUTSIDE, WAIT_MS), 0);
	assert_int_equal(fake_nics[OUTSIDE].lost, 1);
	tg_offload_reset_open(l.offload, OUTSIDE);
	tg_offload_reset_end(l.offload);
	pass(&l, 1);
	assert_int_equal(l.stats.active, 0);
	assert_int_equal(left(&l, TG_OFFLOAD_LOST), 1);
	assert_int_equal(fake_rules(INSIDE) + fake_rules(OUTSIDE), 0);
	assert_int_equal(tg_worker_offloaded(l.w.worker[0]), 0);
	lab_stop(&l);
}

static void reset(struct lab *l, uint16_t port)
{
	assert_int_equal(tg_offload_reset_begin(l->offload, port, WAIT_MS), 0);
	tg_offload_reset_open(l->offload, port);
	tg_offload_reset_end(l->offload);
	tg_offload_link(l->offload, port, true);
}

/* The port that manages the switch has the rules of both, and loses them for both. */
static void rules_of_a_switch_are_its_managers(void **state)
{
	struct lab l;

	fake_switch = true;
	lab_start(&l);
	converse(&l);
	assert_int_equal(l.stats.active, 1);
	assert_int_equal(fake_rules(INSIDE), 2);
	assert_int_equal(fake_find(INSIDE, 80, 4000)->rule.port, OUTSIDE);

	/* The other one is gone, its rule is not: it is removed. */
	reset(&l, OUTSIDE);
	assert_int_equal(fake_nics[OUTSIDE].lost, 0);
	pass(&l, 1);
	assert_int_equal(fake_rules(INSIDE), 0);
	assert_int_equal(left(&l, TG_OFFLOAD_LOST), 1);

	go_on(&l);
	assert_int_equal(l.stats.active, 1);
	assert_int_equal(tg_offload_reset_begin(l.offload, INSIDE, WAIT_MS), 0);
	assert_int_equal(fake_nics[INSIDE].lost, 1);
	tg_offload_reset_end(l.offload);
	pass(&l, 1);
	assert_int_equal(l.stats.active, 0);
	assert_int_equal(left(&l, TG_OFFLOAD_LOST), 2);
	lab_stop(&l);
	fake_switch = false;
}

/* What keeps tagged packets out is there before all else, and again when it was lost. */
static void without_guards_nothing_is_inserted(void **state)
{
	struct tg_nic_profile nic = forwarder();
	struct lab l;

	nic.engines[0].untagged = false;
	nic.engines[0].tagged = true;
	nic.hazards[TG_NIC_HAZARD_VLAN_BLIND] =
		(struct tg_nic_hazard){.present = true, .engines = 1};
	lab_start_with(&l, &nic, 64);
	for (unsigned int port = INSIDE; port <= OUTSIDE; port++)
		assert_int_equal(fake_rules((uint16_t)port), 2); /* IPv4, IPv6 */
	fake_nics[INSIDE].insert_error = -EIO;
	reset(&l, INSIDE);
	pass(&l, 1);
	converse(&l);
	assert_int_equal(fake_rules(INSIDE), 0);
	assert_int_equal(left(&l, TG_OFFLOAD_BUSY), 1);
	fake_nics[INSIDE].insert_error = 0;
	pass(&l, IDLE_MS);
	assert_int_equal(fake_rules(INSIDE), 2);
	go_on(&l);
	assert_int_equal(l.stats.active, 1);
	assert_int_equal(fake_find(INSIDE, 4000, 80)->rule.guarded, BIT(TG_NIC_GUARD_TAGS));
	assert_int_equal(fake_find(INSIDE, 4000, 80)->rule.priority, 1);
	assert_true(fake_find(INSIDE, 0, 0)->rule.match.tagged);
	assert_int_equal(fake_find(INSIDE, 0, 0)->rule.priority, 0);
	lab_stop(&l);
}

/* ---- what is told ---- */

static struct tg_msg_offload_get everything(void)
{
	return (struct tg_msg_offload_get){
		.flags = TG_OFFLOAD_GET_RULES | TG_OFFLOAD_GET_LEFT, .limit = 100};
}

static void what_is_in_hardware_is_told(void **state)
{
	struct tg_msg_offload_get get = everything();
	struct tg_wire_report r;
	struct lab l;

	lab_start(&l);
	l.nic.engines[0].counters.stale_ms = 30;
	converse(&l);
	fake_find(INSIDE, 4000, 80)->count = (struct tg_flow_count){3, 300};
	fake_find(OUTSIDE, 80, 4000)->count = (struct tg_flow_count){2, 200};
	pass(&l, 3 * POLL_MS);
	r = report(&l, &get);
	assert_int_equal(r.header->state, TG_HW_ON);
	assert_int_equal(r.header->counts.active, 1);
	assert_int_equal(r.header->n_ports, WORLD_PORTS);
	assert_string_equal(r.ports[INSIDE].name, "in");
	assert_string_equal(r.ports[INSIDE].profile, "forwarder");
	assert_string_equal(r.ports[INSIDE].wire, "");
	assert_int_equal(r.ports[INSIDE].flags, TG_HW_PORT_UP | TG_HW_PORT_READY);
	assert_int_equal(r.ports[INSIDE].kind[TG_HW_TCP4].hardware, 1);
	assert_int_equal(r.header->n_rules, 1);
	assert_int_equal(r.header->n_left, 0);
	assert_int_equal(r.rules[0].kind, TG_HW_CONNECTION);
	assert_int_equal(r.rules[0].state, TG_HW_ACTIVE);
	assert_int_equal(r.rules[0].port, INSIDE);
	assert_int_equal(r.rules[0].peer, OUTSIDE);
	assert_int_equal(r.rules[0].since_ms, 3 * POLL_MS + 1); /* converse: one ms after it */
	assert_int_equal(r.rules[0].stale_ms, POLL_MS + 30);
	assert_int_equal(r.rules[0].packets[0], 3);
	assert_int_equal(r.rules[0].packets[1], 2);
	assert_int_equal(r.rules[0].bytes[0], 300);
	assert_memory_equal(r.rules[0].tuple.src, "\x0a\x01\x00\x01\0\0\0\0\0\0\0\0\0\0\0\0", 16);
	assert_int_equal(r.rules[0].tuple.sport, 4000);
	assert_int_equal(r.rules[0].tuple.dport, 80);
	tg_wire_report_close(&r);
	lab_stop(&l);
}

static void why_it_is_in_software_is_remembered(void **state)
{
	struct tg_msg_offload_get get = everything();
	struct tg_wire_report r;
	struct lab l;

	lab_start(&l);
	converse(&l);
	rules(&l, RULES_NO_WEB);
	pass(&l, POLL_MS);
	r = report(&l, &get);
	assert_int_equal(r.header->n_rules, 0);
	assert_int_equal(r.header->n_left, 1);
	assert_int_equal(r.left[0].why, TG_OFFLOAD_REVOKED);
	assert_int_equal(r.left[0].given, 1);
	assert_int_equal(r.left[0].times, 1);
	assert_int_equal(r.left[0].age_ms, POLL_MS);
	assert_int_equal(r.left[0].tuple.sport, 4000);
	tg_wire_report_close(&r);
	lab_stop(&l);
}

/* One that is refused again and again takes one place, and is counted. */
static void refusals_in_a_row_are_one(void **state)
{
	struct tg_msg_offload_get get = everything();
	struct tg_wire_report r;
	struct lab l;

	lab_start(&l);
	tg_offload_link(l.offload, OUTSIDE, false);
	converse(&l);
	for (unsigned int again = 0; again < 2; again++) {
		for (unsigned int i = 0; i < MERIT; i++)
			world_send(&l.w, INSIDE, C "A seq=1101 ack=5001");
		world_sweep(&l.w);
		pass(&l, 1);
	}
	r = report(&l, &get);
	assert_int_equal(r.header->n_left, 1);
	assert_int_equal(r.left[0].why, TG_OFFLOAD_LINK);
	assert_int_equal(r.left[0].given, 0);
	assert_int_equal(r.left[0].times, left(&l, TG_OFFLOAD_LINK));
	assert_true(r.left[0].times > 1);
	assert_int_equal(r.ports[OUTSIDE].flags & TG_HW_PORT_UP, 0);
	tg_wire_report_close(&r);
	lab_stop(&l);
}

/* What the profile would allow is no answer where the driver does not even begin. */
static void what_the_driver_refuses_is_in_software(void **state)
{
	struct tg_msg_offload_get get = {.flags = 0};
	struct tg_wire_report r;
	struct lab l = {.nic = forwarder()};

	fake_reset();
	world_defaults(&l.w);
	fake_nics[OUTSIDE].open_error = -ENOTSUP;
	assert_int_equal(lab_open(&l, 64), 0);
	r = report(&l, &get);
	assert_int_equal(r.ports[INSIDE].kind[TG_HW_DENY_UDP4].hardware, 1);
	for (unsigned int kind = 0; kind < TG_HW_KIND_COUNT; kind++) {
		assert_int_equal(r.ports[OUTSIDE].kind[kind].hardware, 0);
		if (kind < TG_HW_MARK_TCP4)
			assert_non_null(
				strstr(r.ports[OUTSIDE].kind[kind].why, "the driver refuses"));
	}
	tg_wire_report_close(&r);
	tg_offload_free(l.offload);
	fake_reset();
}

static void only_what_was_asked_for_is_told(void **state)
{
	static const struct {
		struct tg_msg_offload_get get;
		uint32_t n, flags;
	} rows[] = {
		{{.flags = 0, .limit = 9}, 0, 0},
		{{.flags = TG_OFFLOAD_GET_LEFT, .limit = 9}, 0, 0},
		{{.flags = TG_OFFLOAD_GET_RULES}, 0, TG_HW_MORE_RULES},
		{{.flags = TG_OFFLOAD_GET_RULES, .limit = 1}, 1, 0},
		{{.flags = TG_OFFLOAD_GET_RULES, .limit = 9, .family = 6}, 0, 0},
		{{.flags = TG_OFFLOAD_GET_RULES, .limit = 9, .protocol = 17}, 0, 0},
		{{.flags = TG_OFFLOAD_GET_RULES, .limit = 9, .protocol = 6}, 1, 0},
		{{.flags = TG_OFFLOAD_GET_RULES, .limit = 9, .sport = 4000, .dport = 80}, 1, 0},
		{{.flags = TG_OFFLOAD_GET_RULES, .limit = 9, .sport = 80, .dport = 4000}, 1, 0},
		{{.flags = TG_OFFLOAD_GET_RULES, .limit = 9, .sport = 80, .dport = 80}, 0, 0},
		{{.flags = TG_OFFLOAD_GET_RULES,
			 .limit = 9,
			 .family = 4,
			 .src = {10, 1, 0, 1},
			 .dst = {8, 8, 8, 8},
			 .dport = 80},
			1, 0},
		{{.flags = TG_OFFLOAD_GET_RULES, .limit = 9, .family = 4, .dst = {10, 1, 0, 1}}, 1,
			0},
		{{.flags = TG_OFFLOAD_GET_RULES, .limit = 9, .family = 4, .src = {10, 1, 0, 2}}, 0,
			0},
	};
	struct tg_wire_report r;
	struct lab l;

	lab_start(&l);
	converse(&l);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		r = report(&l, &rows[i].get);
		if (r.header->n_rules != rows[i].n || r.header->flags != rows[i].flags)
			fail_msg("row %zu: %u rules, flags %x", i, r.header->n_rules,
				r.header->flags);
		tg_wire_report_close(&r);
	}
	lab_stop(&l);
}

/* A driver that hangs keeps the lock: whoever asks is told so, and is not kept. */
static void who_asks_does_not_wait_for_ever(void **state)
{
	const struct tg_msg_offload_get get = everything();
	struct lab l;
	int fd;

	lab_start(&l);
	hold(&l);
	assert_int_equal(tg_offload_report(l.offload, &get, NULL, 1, &fd), -ETIMEDOUT);
	tg_offload_resume(l.offload);
	tg_offload_release(l.offload);
	lab_stop(&l);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_connection_gets_two_exact_rules),
		cmocka_unit_test(what_a_nic_cannot_do_exactly_is_not_asked),
		cmocka_unit_test(wires_between_switches_are_not_offloaded),
		cmocka_unit_test(wires_of_two_mtus_are_not_offloaded),
		cmocka_unit_test(counts_reach_the_rules),
		cmocka_unit_test(a_rule_goes_without_its_last_count),
		cmocka_unit_test(an_end_brings_it_back_with_the_last_counts),
		cmocka_unit_test(what_is_idle_goes_back),
		cmocka_unit_test(what_is_denied_leaves_before_the_answer),
		cmocka_unit_test(what_is_allowed_as_before_stays),
		cmocka_unit_test(a_delta_looks_at_its_addresses_alone),
		cmocka_unit_test(offers_of_before_are_refused),
		cmocka_unit_test(what_is_under_way_is_waited_for),
		cmocka_unit_test(a_removal_that_fails_costs_the_port_its_rules),
		cmocka_unit_test(without_a_flush_nothing_is_promised),
		cmocka_unit_test(a_half_installed_connection_is_taken_back),
		cmocka_unit_test(a_full_nic_raises_the_price),
		cmocka_unit_test(links_and_resets),
		cmocka_unit_test(rules_of_a_switch_are_its_managers),
		cmocka_unit_test(without_guards_nothing_is_inserted),
		cmocka_unit_test(what_is_in_hardware_is_told),
		cmocka_unit_test(why_it_is_in_software_is_remembered),
		cmocka_unit_test(refusals_in_a_row_are_one),
		cmocka_unit_test(what_the_driver_refuses_is_in_software),
		cmocka_unit_test(only_what_was_asked_for_is_told),
		cmocka_unit_test(who_asks_does_not_wait_for_ever),
	};

	world_eal();
	return run_denial_tests() + run_mark_tests() + cmocka_run_group_tests(tests, NULL, NULL);
}
