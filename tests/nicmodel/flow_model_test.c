/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Rules of ours in a NIC, which the model stands for: by both of rte_flow's interfaces, with both
 * ways of rewriting, seen by what becomes of packets and by what the NIC is asked.
 */
#include "lab.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../dataplane/offload/flow.h"
#include "rule_packets.h"

#define B(action) (1u << TG_NIC_##action)
#define RULES 100
#define MANY 100000
#define PAIRS 20000
#define PACKET "10.1.0.1 > 10.2.0.1 "
#define PACKET6 "fd00::1 > fd00::2 "

struct fixture {
	struct tg_nic_profile profile;
	struct tg_flow_port *port;
	const struct tg_nic_engine *engine;
};

/* UDP to a port is dropped and counted. */
static struct tg_nic_rule drop_rule(uint16_t to)
{
	const uint8_t dport[] = {(uint8_t)(to >> 8), (uint8_t)to};
	struct tg_nic_rule rule = {
		.match = {.family = 4, .protocol = IPPROTO_UDP, .untagged = true},
		.actions = B(COUNT) | B(DROP),
		.port = lab.port[0],
		.age_s = 10};

	tg_nic_match_exact(&rule.match, TG_NIC_UDP_DPORT, dport);
	return rule;
}

static void set_address(struct tg_nic_match *match, enum tg_nic_field field, uint8_t family,
	uint8_t net, uint8_t host)
{
	uint8_t four[4] = {10, net, 0, host}, six[16] = {0xfd, [15] = host};

	tg_nic_match_exact(match, field, family == 4 ? four : six);
}

/* One direction of a connection, rewritten in all that can be rewritten. */
static struct tg_nic_rule connection_rule(uint8_t family)
{
	static const uint8_t sport[] = {0, 1}, dport[] = {0, 2}, flags = 0, kept = 7;
	static const uint8_t unfragmented[2] = {0}, five = 5;
	struct tg_nic_rule rule = {
		.match = {.family = family, .protocol = IPPROTO_TCP, .untagged = true},
		.actions = B(COUNT) | B(FORWARD) | B(DEC_TTL) | B(SET_MAC) | B(SET_PORTS),
		.domain = TG_NIC_TRANSFER,
		.guarded = 1u << TG_NIC_GUARD_LAST_HOP,
		.port = lab.port[0],
		.to = lab.port[1],
		.rewrite = {.smac = {2, 0, 0, 0, 0, 7},
			.dmac = {2, 0, 0, 0, 0, 8},
			.src = {10, 9, 9, 1},
			.dst = {10, 9, 9, 2},
			.sport = {0, 3},
			.dport = {0, 4}}};

	set_address(&rule.match, family == 4 ? TG_NIC_IPV4_SRC : TG_NIC_IPV6_SRC, family, 1, 1);
	set_address(&rule.match, family == 4 ? TG_NIC_IPV4_DST : TG_NIC_IPV6_DST, family, 2,
		family == 4 ? 1 : 2);
	tg_nic_match_exact(&rule.match, TG_NIC_TCP_SPORT, sport);
	tg_nic_match_exact(&rule.match, TG_NIC_TCP_DPORT, dport);
	tg_nic_match_set(&rule.match, TG_NIC_TCP_FLAGS, &flags, &kept);
	if (family == 4) {
		tg_nic_match_exact(&rule.match, TG_NIC_IPV4_FRAGMENT, unfragmented);
		tg_nic_match_exact(&rule.match, TG_NIC_IPV4_IHL, &five);
		rule.actions |= B(SET_IPV4);
	}
	return rule;
}

static void open_nic(struct fixture *f, bool templates)
{
	lab_profile(&f->profile);
	f->profile.templates = templates;
	f->profile.on_stop = TG_NIC_ON_STOP_LOST;
	f->engine = &f->profile.engines[0];
	f->profile.engines[0].marks.max = 0xffffff;
}

static void open_port(struct fixture *f, uint32_t rules_max)
{
	struct tg_flow_config config = {
		.profile = &f->profile, .rules_max = rules_max, .n_queues = 1};
	struct tg_nic_rule shapes[6];
	uint32_t n = 0;

	lab_open(&f->profile);
	shapes[n++] = drop_rule(1);
	shapes[n] = drop_rule(1);
	shapes[n++].actions |= B(AGE);
	shapes[n++] = connection_rule(4);
	shapes[n++] = connection_rule(6);
	shapes[n] = drop_rule(1);
	shapes[n++].actions = B(COUNT) | B(MARK) | B(SOFTWARE);
	config.ethdev = lab.port[0];
	assert_int_equal(rte_eth_dev_stop(lab.port[0]), 0);
	assert_int_equal(tg_flow_open(&config, shapes, n, &f->port), 0);
	assert_int_equal(rte_eth_dev_start(lab.port[0]), 0);
}

/* The NIC is empty, and was never asked for what is not there. */
static void close_port(struct fixture *f)
{
	struct nicmodel_rules rules;

	tg_flow_close(f->port);
	nicmodel_rules(lab.port[0], &rules);
	assert_int_equal(rules.rules, 0);
	assert_int_equal(rules.handles, 0);
	assert_int_equal(rules.stale_handles, 0);
	assert_int_equal(rules.early_destroys, 0);
	lab_close();
}

static void assert_rules(uint32_t n)
{
	struct nicmodel_rules rules;

	nicmodel_rules(lab.port[0], &rules);
	assert_int_equal(rules.rules, n);
}

/* The only end that there is. */
static struct tg_flow_done end(struct fixture *f)
{
	struct tg_flow_done done[2];
	uint32_t n = 0;

	for (int i = 0; i < 3 && n == 0; i++)
		n = tg_flow_poll(f->port, done, 2);
	assert_int_equal(n, 1);
	return done[0];
}

/* How the insertion ended, wherever it did. */
static int try_insert(struct fixture *f, const struct tg_nic_rule *rule, struct tg_flow **flow)
{
	struct tg_flow_done done;
	int error = tg_flow_insert(f->port, rule, f->engine, f);

	if (error != 0)
		return error;
	done = end(f);
	assert_ptr_equal(done.user, f);
	assert_false(done.removal);
	*flow = done.flow;
	return done.error;
}

static struct tg_flow *insert(struct fixture *f, const struct tg_nic_rule *rule)
{
	struct tg_flow *flow = NULL;
	int error = try_insert(f, rule, &flow);

	if (error != 0)
		fail_msg("%d: %s", error, tg_flow_message(f->port));
	assert_non_null(flow);
	return flow;
}

static int take_out(struct fixture *f, struct tg_flow *flow)
{
	struct tg_flow_done done;

	assert_int_equal(tg_flow_remove(f->port, flow, f), 0);
	done = end(f);
	assert_true(done.removal);
	return done.error;
}

static void in_and_out(bool templates)
{
	struct tg_flow_count count;
	struct tg_nic_rule rule;
	struct tg_flow *flow;
	struct fixture f;

	open_nic(&f, templates);
	open_port(&f, RULES);
	rule = drop_rule(53);
	assert_true(lab_passes(0, PACKET "udp 1>53"));
	flow = insert(&f, &rule);
	assert_true(lab_dropped(0, PACKET "udp 1>53"));
	assert_true(lab_dropped(0, PACKET "udp 1>53"));
	assert_true(lab_passes(0, PACKET "udp 1>54"));
	assert_true(lab_passes(0, PACKET "tcp 1>53 S"));
	assert_true(lab_passes(0, PACKET6 "udp 1>53"));
	assert_true(lab_passes(0, "vlan=5 " PACKET "udp 1>53"));
	assert_true(lab_passes(1, PACKET "udp 1>53"));
	assert_int_equal(tg_flow_query(f.port, flow, &count), 0);
	assert_int_equal(count.packets, 2);
	assert_true(count.bytes >= 2 * (14 + 20 + 8));
	assert_int_equal(take_out(&f, flow), 0);
	assert_true(lab_passes(0, PACKET "udp 1>53"));
	close_port(&f);
}

static void test_in_and_out(void **state)
{
	in_and_out(false);
	in_and_out(true);
}

/* What is ordinary goes through the NIC as it should look; what is not, does not. */
static void forwarding(bool templates, bool modify_field)
{
	static const char macs[] = "set=0:020000000008 set=6:020000000007";
	struct tg_flow *flow, *flow6;
	struct tg_flow_count count;
	struct tg_nic_rule rule;
	struct lab_seen seen;
	struct fixture f;
	char packet[256];

	open_nic(&f, templates);
	f.profile.engines[0].modify_field = modify_field;
	open_port(&f, RULES);
	rule = connection_rule(4);
	flow = insert(&f, &rule);
	rule = connection_rule(6);
	flow6 = insert(&f, &rule);

	lab_send(0, PACKET "ttl=9 tcp 1>2 A", &seen);
	assert_true(seen.wire[1] && !seen.software);
	snprintf(packet, sizeof(packet), "10.9.9.1 > 10.9.9.2 ttl=8 tcp 3>4 A %s", macs);
	lab_assert_packet(&seen, packet);
	lab_send(0, PACKET6 "ttl=9 tcp 1>2 PA", &seen);
	assert_true(seen.wire[1] && !seen.software);
	snprintf(packet, sizeof(packet), PACKET6 "ttl=8 tcp 3>4 PA %s", macs);
	lab_assert_packet(&seen, packet);

	assert_true(lab_passes(0, PACKET "tcp 1>2 S"));
	assert_true(lab_passes(0, PACKET "tcp 1>2 FA"));
	assert_true(lab_passes(0, PACKET "tcp 1>2 R"));
	assert_true(lab_passes(0, PACKET "tcp 2>1 A"));
	assert_true(lab_passes(0, PACKET "frag=0+ tcp 1>2 A"));
	assert_true(lab_passes(0, PACKET "opt=01010101 tcp 1>2 A"));
	assert_true(lab_passes(0, "vlan=5 " PACKET "tcp 1>2 A"));
	assert_true(lab_passes(0, PACKET6 "hbh tcp 1>2 A"));
	assert_true(lab_passes(0, PACKET6 "frag=0+ tcp 1>2 A"));
	assert_true(lab_passes(1, PACKET "tcp 1>2 A"));
	assert_int_equal(tg_flow_query(f.port, flow, &count), 0);
	assert_int_equal(count.packets, 1);
	assert_int_equal(tg_flow_query(f.port, flow6, &count), 0);
	assert_int_equal(count.packets, 1);
	close_port(&f);
}

static void test_forwarding(void **state)
{
	forwarding(false, false);
	forwarding(false, true);
	forwarding(true, false);
	forwarding(true, true);
}

static void test_software(void **state)
{
	for (int templates = 0; templates <= 1; templates++) {
		struct tg_nic_rule rule;
		struct lab_seen seen;
		struct fixture f;

		open_nic(&f, templates);
		open_port(&f, RULES);
		rule = drop_rule(53);
		rule.actions = B(COUNT) | B(MARK) | B(SOFTWARE);
		rule.mark = 0x1234;
		insert(&f, &rule);
		lab_send(0, PACKET "udp 1>53", &seen);
		assert_true(seen.software && seen.marked);
		assert_int_equal(seen.mark, 0x1234);
		assert_int_equal(seen.queue, 0);
		close_port(&f);
	}
}

/* Two rules with one match; a table that is full. Who asks by the queue does not hear why. */
static void test_refused(void **state)
{
	for (int templates = 0; templates <= 1; templates++) {
		struct nicmodel_quirks quirks;
		struct tg_flow *flow = NULL;
		struct tg_nic_rule rule;
		struct fixture f;

		open_nic(&f, templates);
		open_port(&f, RULES);
		rule = drop_rule(53);
		insert(&f, &rule);
		assert_int_equal(try_insert(&f, &rule, &flow), templates ? -EAGAIN : -EEXIST);
		assert_null(flow);
		assert_rules(1);

		nicmodel_quirks_get(lab.port[0], &quirks);
		quirks.capacity = 2;
		nicmodel_quirks_set(lab.port[0], &quirks);
		rule = drop_rule(54);
		insert(&f, &rule);
		rule = drop_rule(55);
		assert_int_equal(try_insert(&f, &rule, &flow), templates ? -EAGAIN : -ENOSPC);
		assert_true(lab_passes(0, PACKET "udp 1>55"));
		assert_rules(2);
		close_port(&f);
	}
}

static void test_faults(void **state)
{
	static const struct {
		int error, means;
	} rows[] = {{EAGAIN, -EAGAIN}, {EIO, -EIO}, {ENOSPC, -ENOSPC}, {EBUSY, -EBUSY}};
	struct tg_flow_count count;
	struct tg_nic_rule rule;
	struct tg_flow *flow;
	struct fixture f;

	open_nic(&f, false);
	open_port(&f, RULES);
	rule = drop_rule(53);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		nicmodel_fail(lab.port[0], NICMODEL_CREATE, rows[i].error, 0, 1);
		assert_int_equal(try_insert(&f, &rule, &flow), rows[i].means);
	}
	flow = insert(&f, &rule);
	nicmodel_fail(lab.port[0], NICMODEL_QUERY, EAGAIN, 0, 1);
	assert_int_equal(tg_flow_query(f.port, flow, &count), -EAGAIN);
	assert_int_equal(tg_flow_query(f.port, flow, &count), 0);
	nicmodel_fail(lab.port[0], NICMODEL_DESTROY, EBUSY, 0, 1);
	assert_int_equal(tg_flow_remove(f.port, flow, NULL), -EAGAIN);
	nicmodel_fail(lab.port[0], NICMODEL_DESTROY, EIO, 0, 1);
	assert_int_equal(take_out(&f, flow), -EIO);
	assert_true(lab_dropped(0, PACKET "udp 1>53"));
	nicmodel_fail(lab.port[0], NICMODEL_FLUSH, EIO, 0, 1);
	assert_int_equal(tg_flow_flush(f.port), -EIO);
	assert_int_equal(tg_flow_flush(f.port), 0);
	assert_true(lab_passes(0, PACKET "udp 1>53"));
	close_port(&f);

	open_nic(&f, true);
	open_port(&f, RULES);
	nicmodel_fail(lab.port[0], NICMODEL_ASYNC_CREATE, EIO, 0, 1);
	assert_int_equal(try_insert(&f, &rule, &flow), -EAGAIN);
	flow = insert(&f, &rule);
	nicmodel_fail(lab.port[0], NICMODEL_ASYNC_DESTROY, EIO, 0, 1);
	assert_int_equal(take_out(&f, flow), -EIO);
	assert_true(lab_dropped(0, PACKET "udp 1>53"));
	assert_int_equal(tg_flow_flush(f.port), 0);
	assert_true(lab_passes(0, PACKET "udp 1>53"));
	close_port(&f);
}

/* What a late counter has not told when its rule goes, it tells afterwards. */
static void last_count(bool templates)
{
	const uint32_t stale_ms = 100;
	struct tg_flow_done done;
	struct tg_nic_rule rule;
	struct tg_flow *flow;
	struct fixture f;

	nicmodel_clock_stop();
	open_nic(&f, templates);
	f.profile.engines[0].counters.shared = true;
	f.profile.engines[0].counters.stale_ms = stale_ms;
	f.profile.hazards[TG_NIC_HAZARD_STALE_COUNTER] =
		(struct tg_nic_hazard){.present = true, .engines = 1};
	open_port(&f, RULES);
	rule = drop_rule(53);
	flow = insert(&f, &rule);
	assert_true(lab_dropped(0, PACKET "udp 1>53"));
	assert_int_equal(tg_flow_remove(f.port, flow, &f), 0);
	assert_true(templates || lab_passes(0, PACKET "udp 1>53"));
	done = end(&f);
	assert_true(done.removal && done.last_follows && !done.counted);
	assert_true(lab_passes(0, PACKET "udp 1>53"));
	for (uint32_t ms = 1; ms < stale_ms; ms++) {
		tg_flow_clock(f.port, ms);
		assert_int_equal(tg_flow_poll(f.port, &done, 1), 0);
	}
	nicmodel_clock_advance(stale_ms);
	tg_flow_clock(f.port, 3 * stale_ms);
	done = end(&f);
	assert_true(done.removal && done.counted);
	assert_int_equal(done.last.packets, 1);
	close_port(&f);
	nicmodel_clock_run();
}

static void test_last_count(void **state)
{
	last_count(false);
	last_count(true);
}

/* Counters that wait for their last count are reserved as well, and may all be in use. */
static void test_counters_run_out(void **state)
{
	struct tg_nic_rule rule;
	struct tg_flow *flow;
	struct fixture f;
	int error;

	nicmodel_clock_stop();
	open_nic(&f, true);
	f.profile.engines[0].counters.shared = true;
	f.profile.engines[0].counters.stale_ms = 100;
	f.profile.hazards[TG_NIC_HAZARD_STALE_COUNTER] =
		(struct tg_nic_hazard){.present = true, .engines = 1};
	open_port(&f, 1);
	rule = drop_rule(53);
	do {
		error = try_insert(&f, &rule, &flow);
		if (error == 0)
			assert_int_equal(take_out(&f, flow), 0);
	} while (error == 0);
	assert_true(error == -ENOSPC || error == -EAGAIN);
	assert_rules(0);
	close_port(&f);
	nicmodel_clock_run();
}

/* The port stops with rules in it and operations under way. */
static void stop(bool templates, enum tg_nic_on_stop on_stop)
{
	struct tg_flow_done done[4];
	struct nicmodel_rules rules;
	struct tg_nic_rule rule;
	struct fixture f;

	open_nic(&f, templates);
	f.profile.on_stop = on_stop;
	open_port(&f, RULES);
	rule = drop_rule(53);
	insert(&f, &rule);
	rule = drop_rule(54);
	assert_int_equal(tg_flow_insert(f.port, &rule, f.engine, &f), 0);
	tg_flow_lost(f.port);
	assert_int_equal(rte_eth_dev_stop(lab.port[0]), 0);
	assert_int_equal(tg_flow_poll(f.port, done, 4), 1);
	assert_int_equal(done[0].error, -ENODEV);
	assert_int_equal(rte_eth_dev_start(lab.port[0]), 0);
	assert_true(lab_passes(0, PACKET "udp 1>53"));
	assert_true(lab_passes(0, PACKET "udp 1>54"));
	insert(&f, &rule);
	assert_true(lab_dropped(0, PACKET "udp 1>54"));
	nicmodel_rules(lab.port[0], &rules);
	assert_int_equal(rules.rules, 1);
	assert_int_equal(rules.leaked, 0);
	close_port(&f);
}

static void test_stop(void **state)
{
	for (int templates = 0; templates <= 1; templates++) {
		stop(templates, TG_NIC_ON_STOP_LOST);
		stop(templates, TG_NIC_ON_STOP_FLUSHED);
		stop(templates, TG_NIC_ON_STOP_KEPT);
	}
}

/* The device was reset: it fails, its rules are void, and it is as before when started anew. */
static void test_reset(void **state)
{
	for (int templates = 0; templates <= 1; templates++) {
		struct tg_flow *flow;
		struct tg_nic_rule rule;
		struct fixture f;

		open_nic(&f, templates);
		f.profile.on_stop = TG_NIC_ON_STOP_FLUSHED;
		open_port(&f, RULES);
		rule = drop_rule(53);
		insert(&f, &rule);
		nicmodel_reset(lab.port[0]);
		rule = drop_rule(54);
		assert_int_equal(try_insert(&f, &rule, &flow), -EIO);
		tg_flow_lost(f.port);
		assert_int_equal(rte_eth_dev_stop(lab.port[0]), 0);
		assert_int_equal(rte_eth_dev_start(lab.port[0]), 0);
		assert_true(lab_passes(0, PACKET "udp 1>53"));
		insert(&f, &rule);
		assert_true(lab_dropped(0, PACKET "udp 1>54"));
		close_port(&f);
	}
}

static void test_aged(void **state)
{
	for (int templates = 0; templates <= 1; templates++) {
		struct tg_flow_done done;
		struct tg_nic_rule rule;
		struct fixture f;
		void *users[4];
		int busy;

		open_nic(&f, templates);
		open_port(&f, RULES);
		rule = drop_rule(53);
		rule.actions |= B(AGE);
		assert_int_equal(tg_flow_insert(f.port, &rule, f.engine, &busy), 0);
		done = end(&f);
		assert_int_equal(done.error, 0);
		rule = drop_rule(54);
		rule.actions |= B(AGE);
		insert(&f, &rule);
		nicmodel_clock_advance(9000);
		assert_true(lab_dropped(0, PACKET "udp 1>53"));
		assert_int_equal(tg_flow_aged(f.port, users, 4), 0);
		nicmodel_clock_advance(3000);
		assert_true(lab_passes(0, PACKET "udp 1>9"));
		assert_int_equal(tg_flow_aged(f.port, users, 4), 1);
		assert_ptr_equal(users[0], &f);
		nicmodel_clock_advance(9000);
		assert_int_equal(take_out(&f, done.flow), 0);
		assert_int_equal(tg_flow_aged(f.port, users, 4), 0);
		close_port(&f);
	}
}

/* Reads everything at its widest: what a rule does not state, a packet may have. */
static void read_widely(struct nicmodel_quirks *quirks)
{
	quirks->on |= 1u << TG_NIC_HAZARD_VLAN_BLIND | 1u << TG_NIC_HAZARD_FRAGMENT_MATCHED |
		      1u << TG_NIC_HAZARD_NO_OPTIONS;
	quirks->malformed_matched = true;
}

/* What the NIC drops is what the rule means, on packets in and beside it. */
static void test_meaning(void **state)
{
	struct tg_flow_config config = {.rules_max = RULES, .n_queues = 1};
	uint32_t matched = 0;
	struct fixture f;

	open_nic(&f, false);
	lab_open(&f.profile);
	lab_quirks(read_widely);
	config.ethdev = lab.port[0];
	config.profile = &f.profile;
	assert_int_equal(tg_flow_open(&config, NULL, 0, &f.port), 0);
	for (uint32_t i = 0; i < PAIRS; i++) {
		struct tg_nic_rule rule = {.actions = B(COUNT) | B(DROP)};
		char text[TG_NIC_MATCH_TEXT];
		struct rule_packet p;
		struct rte_mbuf *m = lab_mbuf(PACKET "udp 1>2");
		struct tg_flow *flow;
		bool should;

		rule_packet_any(&p);
		rule_packet_rule(&p, &rule.match);
		rule_packet_neighbour(&p);
		should = rule_packet_matches(&rule.match, &p);
		matched += should;
		flow = insert(&f, &rule);
		assert_non_null(rte_pktmbuf_append(m, RULE_PACKET_SIZE - m->data_len));
		rule_packet_write(&p, rte_pktmbuf_mtod(m, uint8_t *));
		tg_nic_match_text(&rule.match, text);
		if (lab_burst(0, &m, 1) == should)
			fail_msg("pair %u: %s: %s", i, text, should ? "missed" : "hit");
		assert_int_equal(take_out(&f, flow), 0);
	}
	assert_in_range(matched, PAIRS / 5, PAIRS - PAIRS / 5);
	close_port(&f);
}

/* A rule of one address of many. */
static void many(bool templates)
{
	struct tg_flow_done done[256];
	struct tg_flow **flows = calloc(MANY, sizeof(*flows));
	uint32_t begun = 0, there = 0, gone = 0, n;
	struct tg_flow_config config = {.rules_max = MANY, .n_queues = 1};
	struct tg_nic_rule rule;
	struct fixture f;
	uint8_t address[4] = {10};

	open_nic(&f, templates);
	lab_open(&f.profile);
	rule = (struct tg_nic_rule){
		.match = {.family = 4, .untagged = true}, .actions = B(COUNT) | B(DROP)};
	tg_nic_match_exact(&rule.match, TG_NIC_IPV4_SRC, address);
	config.ethdev = lab.port[0];
	config.profile = &f.profile;
	assert_int_equal(rte_eth_dev_stop(lab.port[0]), 0);
	assert_int_equal(tg_flow_open(&config, &rule, 1, &f.port), 0);
	assert_int_equal(rte_eth_dev_start(lab.port[0]), 0);
	while (there < MANY) {
		for (uint32_t i = 0; i < 256 && begun < MANY; i++) {
			address[1] = (uint8_t)(begun >> 16);
			address[2] = (uint8_t)(begun >> 8);
			address[3] = (uint8_t)begun;
			tg_nic_match_exact(&rule.match, TG_NIC_IPV4_SRC, address);
			if (tg_flow_insert(f.port, &rule, f.engine, NULL) != 0)
				break;
			begun++;
		}
		n = tg_flow_poll(f.port, done, 256);
		for (uint32_t i = 0; i < n; i++) {
			assert_int_equal(done[i].error, 0);
			flows[there++] = done[i].flow;
		}
	}
	assert_rules(MANY);
	assert_true(lab_dropped(0, "10.1.134.159 > 10.2.0.1 udp 1>2"));
	assert_true(lab_passes(0, "10.1.134.160 > 10.2.0.1 udp 1>2"));
	for (begun = 0; gone < MANY;) {
		for (uint32_t i = 0; i < 256 && begun < MANY; i++)
			if (tg_flow_remove(f.port, flows[begun], NULL) == 0)
				begun++;
		n = tg_flow_poll(f.port, done, 256);
		for (uint32_t i = 0; i < n; i++)
			assert_int_equal(done[i].error, 0);
		gone += n;
	}
	assert_rules(0);
	close_port(&f);
	free(flows);
}

static void test_many(void **state)
{
	many(false);
	many(true);
}

static int start(void **state)
{
	lab_eal();
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_in_and_out),
		cmocka_unit_test(test_forwarding),
		cmocka_unit_test(test_software),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_faults),
		cmocka_unit_test(test_last_count),
		cmocka_unit_test(test_counters_run_out),
		cmocka_unit_test(test_stop),
		cmocka_unit_test(test_reset),
		cmocka_unit_test(test_aged),
		cmocka_unit_test(test_meaning),
		cmocka_unit_test(test_many),
	};

	return cmocka_run_group_tests(tests, start, NULL);
}
