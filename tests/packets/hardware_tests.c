/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Connections whose packets hardware forwards, from the worker's side. The test plays the owner of
 * the hardware: it reads offers and writes events.
 */
#include "internal.h"
#include "tcp_lines.h"

#include <stdlib.h>

#include <rte_ring_elem.h>

#define D(reason) TG_DROP_##reason
#define ENTRIES 16
#define ENTRY 3u
#define MERIT 4

#define PLACES (1u << 12) /* of marks: the tables have 1024 entries and some */
#define GENERATIONS 2u

struct owner {
	struct world w;
	struct tg_hardware_sight sight[ENTRIES];
	struct tg_hardware_channel channel;
	_Atomic uint32_t recall[ENTRIES];
};

/* `marks`: by NICs that forward nothing. */
static void owner_begin(struct owner *o, bool marks)
{
	const unsigned int flags = RING_F_SP_ENQ | RING_F_SC_DEQ;

	*o = (struct owner){0};
	world_defaults(&o->w);
	world_start(&o->w);
	o->channel.offers = rte_ring_create_elem(
		"offers", sizeof(struct tg_hardware_offer), 64, SOCKET_ID_ANY, flags);
	o->channel.events = rte_ring_create_elem(
		"events", sizeof(struct tg_hardware_event), 64, SOCKET_ID_ANY, flags);
	o->channel.recall = o->recall;
	atomic_store(&o->channel.merit, MERIT);
	if (marks) {
		o->channel.places = PLACES;
		o->channel.generations = GENERATIONS;
		o->channel.sight = o->sight;
		o->channel.marking = o->channel.to_mark[0][0] = UINT64_MAX;
	}
	assert_int_equal(tg_worker_attach(o->w.worker[0], &o->channel), 0);
	world_rules(&o->w, 0);
}

static void owner_start(struct owner *o)
{
	owner_begin(o, false);
}

static void owner_stop(struct owner *o)
{
	world_stop(&o->w);
	rte_ring_free(o->channel.offers);
	rte_ring_free(o->channel.events);
}

static bool next_offer(struct owner *o, struct tg_hardware_offer *offer)
{
	return rte_ring_sc_dequeue_elem(o->channel.offers, offer, sizeof(*offer)) == 0;
}

static void tell(struct owner *o, const struct tg_hardware_offer *offer,
	enum tg_hardware_event_kind kind, uint64_t there, uint64_t back)
{
	struct tg_hardware_event e = {
		.kind = (uint8_t)kind,
		.family = offer->tuple.family,
		.ticket = offer->ticket,
		.entry = ENTRY,
		.index = offer->index,
		.verdict = {offer->verdict[0], offer->verdict[1]},
	};

	e.packets[offer->initiator] = there;
	e.packets[offer->initiator ^ 1] = back;
	e.bytes[offer->initiator] = there * 100;
	e.bytes[offer->initiator ^ 1] = back * 1000;
	assert_int_equal(rte_ring_sp_enqueue_elem(o->channel.events, &e, sizeof(e)), 0);
	tg_worker_sweep(o->w.worker[0], o->w.now);
}

static bool wanted_back(const struct owner *o, const struct tg_hardware_offer *offer)
{
	return atomic_load(&o->recall[ENTRY]) == offer->ticket;
}

/* A handshake and enough data; numbers 1001.. of the client, 5001.. of the server. */
static void converse(struct owner *o)
{
	static const struct line lines[] = {
		HANDSHAKE,
		{INSIDE, C "PA seq=1001 ack=5001 len=100", PASSED},
		{OUTSIDE, S "A seq=5001 ack=1101", PASSED},
	};

	PLAY(&o->w, lines);
	world_sweep(&o->w);
}

/* The conversation's offer, which hardware takes. */
static struct tg_hardware_offer taken(struct owner *o)
{
	struct tg_hardware_offer offer;

	converse(o);
	assert_true(next_offer(o, &offer));
	tell(o, &offer, TG_HARDWARE_TAKEN, 0, 0);
	return offer;
}

static void what_has_many_packets_is_offered_once(void **state)
{
	struct tg_hardware_offer offer, other;
	struct owner o;

	owner_start(&o);
	converse(&o);
	assert_true(next_offer(&o, &offer));
	assert_int_equal(offer.tuple.family, 4);
	assert_int_equal(offer.tuple.protocol, 6);
	assert_int_equal(offer.tuple.src.v4, RTE_BE32(0x0a010001));
	assert_int_equal(offer.tuple.dst.v4, RTE_BE32(0x08080808));
	assert_int_equal(offer.tuple.sport, 4000);
	assert_int_equal(offer.tuple.dport, 80);
	assert_int_equal(offer.port, INSIDE);
	assert_int_equal(offer.packets, 5);
	assert_int_equal(tg_verdict_slot(offer.verdict[TG_EGRESS]), SLOT_OUT_WEB);
	for (unsigned int i = 0; i < 8; i++)
		world_send(&o.w, INSIDE, C "A seq=1101 ack=5001");
	world_sweep(&o.w);
	assert_false(next_offer(&o, &other));
	/* Refused, it may be offered again. */
	tell(&o, &offer, TG_HARDWARE_BACK, 0, 0);
	for (unsigned int i = 0; i < 8; i++)
		world_send(&o.w, INSIDE, C "A seq=1101 ack=5001");
	world_sweep(&o.w);
	assert_true(next_offer(&o, &other));
	assert_int_not_equal(other.ticket, offer.ticket);
	owner_stop(&o);
}

static void what_only_software_can_follow_is_not_offered(void **state)
{
	static const struct line lines[] = {
		/* half-open, closing, without a reply, of another protocol */
		{INSIDE, C "S seq=1000", PASSED},
		{INSIDE, "10.1.0.1 > 8.8.8.8 udp 4000>53 len=4", PASSED},
		{INSIDE, "10.1.0.1 > 8.8.8.8 udp 4000>53 len=4", PASSED},
		{INSIDE, "10.1.0.1 > 8.8.8.8 udp 4000>53 len=4", PASSED},
		{INSIDE, "10.1.0.1 > 8.8.8.8 udp 4000>53 len=4", PASSED},
		{INSIDE, "10.1.0.1 > 8.8.8.8 icmp type=8 code=0 icmpid=7", PASSED},
		{OUTSIDE, "8.8.8.8 > 10.1.0.1 icmp type=0 code=0 icmpid=7", PASSED},
		{INSIDE, "10.1.0.1 > 8.8.8.8 icmp type=8 code=0 icmpid=7", PASSED},
		{OUTSIDE, "8.8.8.8 > 10.1.0.1 icmp type=0 code=0 icmpid=7", PASSED},
		{OUTSIDE, S "SA seq=5000 ack=1001", PASSED},
		{INSIDE, C "A seq=1001 ack=5001", PASSED},
		{INSIDE, C "A seq=1001 ack=5001", PASSED},
		{INSIDE, C "FA seq=1001 ack=5001", PASSED},
	};
	struct tg_hardware_offer offer;
	struct owner o;

	owner_start(&o);
	PLAY(&o.w, lines);
	world_sweep(&o.w);
	assert_false(next_offer(&o, &offer));
	owner_stop(&o);
}

static void few_packets_are_not_worth_it(void **state)
{
	static const struct line lines[] = {
		{INSIDE, "10.1.0.1 > 8.8.8.8 udp 4000>53 len=4", PASSED},
		{OUTSIDE, "8.8.8.8 > 10.1.0.1 udp 53>4000 len=4", PASSED},
		{INSIDE, "10.1.0.1 > 8.8.8.8 udp 4000>53 len=4", PASSED},
	};
	static const struct line more[] = {
		{OUTSIDE, "8.8.8.8 > 10.1.0.1 udp 53>4000 len=4", PASSED},
		{OUTSIDE, "8.8.8.8 > 10.1.0.1 udp 53>4000 len=4", PASSED},
		{OUTSIDE, "8.8.8.8 > 10.1.0.1 udp 53>4000 len=4", PASSED},
		{OUTSIDE, "8.8.8.8 > 10.1.0.1 udp 53>4000 len=4", PASSED},
	};
	struct tg_hardware_offer offer;
	struct owner o;

	owner_start(&o);
	PLAY(&o.w, lines);
	world_sweep(&o.w);
	assert_false(next_offer(&o, &offer));
	PLAY(&o.w, more);
	world_sweep(&o.w);
	assert_true(next_offer(&o, &offer));
	assert_int_equal(offer.tuple.protocol, 17);
	owner_stop(&o);
}

/* Numbers have gone on by gigabytes unseen: the end is followed all the same, then checked. */
static void a_connection_ends_after_being_out_of_sight(void **state)
{
	struct tg_hardware_offer offer;
	struct owner o;

	owner_start(&o);
	offer = taken(&o);
	assert_false(wanted_back(&o, &offer));
	assert_int_equal(world_send(&o.w, INSIDE, C "FA seq=3000000000 ack=2000000000"), PASSED);
	assert_true(wanted_back(&o, &offer));
	assert_int_equal(world_send(&o.w, OUTSIDE, S "A seq=2000000000 ack=3000000001"), PASSED);
	tell(&o, &offer, TG_HARDWARE_BACK, 10, 20);
	assert_int_equal(world_send(&o.w, OUTSIDE, S "FA seq=2000000000 ack=3000000001"), PASSED);
	assert_int_equal(world_send(&o.w, INSIDE, C "A seq=3000000001 ack=2000000001"), PASSED);
	/* Both sides are known again. */
	assert_int_equal(
		world_send(&o.w, OUTSIDE, S "A seq=1 ack=3000000001 len=10"), D(TCP_INVALID));
	assert_int_equal(
		world_send(&o.w, INSIDE, C "A seq=3000000001 ack=2100000000"), D(TCP_INVALID));
	owner_stop(&o);
}

static void a_reset_out_of_sight_closes_nothing_by_itself(void **state)
{
	struct tg_hardware_offer offer;
	struct owner o;

	owner_start(&o);
	offer = taken(&o);
	/* The number that was exact before hardware took over is a guess by now. */
	assert_int_equal(world_send(&o.w, OUTSIDE, S "R seq=5001"), PASSED);
	assert_true(wanted_back(&o, &offer));
	tell(&o, &offer, TG_HARDWARE_BACK, 1, 1);
	assert_int_equal(world_send(&o.w, INSIDE, C "A seq=900001 ack=800001 len=10"), PASSED);
	assert_int_equal(world_send(&o.w, OUTSIDE, S "A seq=800001 ack=900011 len=10"), PASSED);
	/* The exact one does. */
	assert_int_equal(world_send(&o.w, OUTSIDE, S "R seq=800011"), PASSED);
	assert_int_equal(
		world_send(&o.w, OUTSIDE, S "A seq=800011 ack=900011 len=10"), D(TCP_INVALID));
	owner_stop(&o);
}

/* Path MTU discovery goes on for what hardware forwards, whatever number is quoted. */
static void errors_about_what_is_out_of_sight_pass(void **state)
{
	static const char error[] = "192.0.2.1 > 10.1.0.1 icmp type=3 code=4 / "
				    "10.1.0.1 > 8.8.8.8 tcp 4000>80 seq=3000000000";
	static const char other[] = "192.0.2.1 > 10.1.0.1 icmp type=3 code=4 / "
				    "10.1.0.1 > 8.8.8.8 tcp 4001>80 seq=3000000000";
	struct tg_hardware_offer offer;
	struct owner o;

	owner_start(&o);
	converse(&o);
	assert_true(next_offer(&o, &offer));
	tell(&o, &offer, TG_HARDWARE_BACK, 0, 0); /* refused: it was never out of sight */
	assert_int_equal(world_send(&o.w, OUTSIDE, error), D(ICMP_UNRELATED));
	for (unsigned int i = 0; i < 8; i++)
		world_send(&o.w, INSIDE, C "A seq=1101 ack=5001");
	world_sweep(&o.w);
	assert_true(next_offer(&o, &offer));
	tell(&o, &offer, TG_HARDWARE_TAKEN, 0, 0);
	assert_int_equal(world_send(&o.w, OUTSIDE, error), PASSED);
	assert_int_equal(world_send(&o.w, OUTSIDE, other), D(ICMP_UNRELATED));
	tell(&o, &offer, TG_HARDWARE_BACK, 10, 10);
	assert_int_equal(world_send(&o.w, OUTSIDE, error), PASSED);
	assert_int_equal(world_send(&o.w, INSIDE, C "A seq=9000 ack=8000"), PASSED);
	assert_int_equal(world_send(&o.w, OUTSIDE, error), D(ICMP_UNRELATED));
	owner_stop(&o);
}

static void what_hardware_counts_is_the_rules(void **state)
{
	struct tg_hardware_offer offer;
	struct tg_stats_slot slot;
	struct owner o;

	owner_start(&o);
	offer = taken(&o);
	tell(&o, &offer, TG_HARDWARE_COUNTED, 7, 5);
	slot = world_slot(&o.w, SLOT_OUT_WEB);
	assert_int_equal(slot.packets, 5 + 12);
	assert_int_equal(slot.connections, 1);
	assert_int_equal(world_stats(&o.w).offloaded_packets, 12);
	assert_int_equal(world_stats(&o.w).offloaded_bytes, 700 + 5000);
	tell(&o, &offer, TG_HARDWARE_BACK, 1, 0);
	assert_int_equal(world_slot(&o.w, SLOT_OUT_WEB).packets, 5 + 13);
	owner_stop(&o);
}

/* What comes in by hardware keeps a connection alive; without it, it is called back, then ends. */
static void it_lives_as_long_as_hardware_sees_packets(void **state)
{
	struct tg_hardware_offer offer;
	struct owner o;
	uint64_t timeout;

	owner_start(&o);
	offer = taken(&o);
	timeout = o.w.config.timeouts.ms[TG_CONN_ESTABLISHED];
	o.w.now += timeout - 1000;
	tell(&o, &offer, TG_HARDWARE_COUNTED, 1, 0);
	o.w.now += 2000;
	world_sweep(&o.w);
	assert_int_equal(world_stats(&o.w).conn_expired, 0);
	assert_false(wanted_back(&o, &offer));
	o.w.now += timeout;
	world_sweep(&o.w);
	assert_true(wanted_back(&o, &offer));
	assert_int_equal(world_stats(&o.w).conn_expired, 0);
	/* The last count says that it was in use until now. */
	tell(&o, &offer, TG_HARDWARE_BACK, 3, 0);
	world_sweep(&o.w);
	assert_int_equal(world_stats(&o.w).conn_expired, 0);
	o.w.now += timeout;
	world_sweep(&o.w);
	assert_int_equal(world_stats(&o.w).conn_expired, 1);
	owner_stop(&o);
}

static void what_is_revoked_is_called_back_and_counted(void **state)
{
	struct tg_hardware_offer offer;
	struct owner o;

	owner_start(&o);
	offer = taken(&o);
	world_rules(&o.w, RULES_NO_WEB);
	world_sweep(&o.w);
	assert_int_equal(world_stats(&o.w).conn_revoked, 1);
	assert_true(wanted_back(&o, &offer));
	/* It is no more, but what passed before counts for the rule that allowed it. */
	tell(&o, &offer, TG_HARDWARE_BACK, 4, 4);
	assert_int_equal(world_slot(&o.w, SLOT_OUT_WEB).packets, 5 + 8);
	assert_int_equal(world_send(&o.w, INSIDE, C "A seq=1101 ack=5001"), D(TCP_NO_CONNECTION));
	owner_stop(&o);
}

/* Hardware takes what has gone meanwhile, or what is not wanted there any more. */
static void what_is_taken_too_late_is_called_back(void **state)
{
	struct tg_hardware_offer offer, second;
	struct owner o;

	owner_start(&o);
	converse(&o);
	assert_true(next_offer(&o, &offer));
	world_rules(&o.w, RULES_NO_WEB);
	world_sweep(&o.w);
	tell(&o, &offer, TG_HARDWARE_TAKEN, 0, 0);
	assert_true(wanted_back(&o, &offer));

	world_rules(&o.w, 0);
	converse(&o);
	while (next_offer(&o, &second) && second.kind != TG_HARDWARE_CONNECTION)
		;
	assert_int_equal(second.kind, TG_HARDWARE_CONNECTION);
	assert_int_equal(world_send(&o.w, INSIDE, C "FA seq=1101 ack=5001"), PASSED);
	assert_false(wanted_back(&o, &second));
	tell(&o, &second, TG_HARDWARE_TAKEN, 0, 0);
	assert_true(wanted_back(&o, &second));
	/* An answer to the first does not end the second. */
	tell(&o, &offer, TG_HARDWARE_BACK, 1, 0);
	assert_true(tg_worker_offloaded(o.w.worker[0]) == 1);
	tell(&o, &second, TG_HARDWARE_BACK, 0, 0);
	assert_true(tg_worker_offloaded(o.w.worker[0]) == 0);
	owner_stop(&o);
}

static void what_hardware_drops_is_counted(void **state)
{
	struct tg_hardware_event e = {
		.kind = TG_HARDWARE_DENIED,
		.family = 4,
		.reason = TG_DROP_POLICY_EGRESS,
		.verdict = {SLOT_OUT_DENY},
		.packets = {9},
		.bytes = {540},
	};
	struct tg_stats_slot slot;
	struct owner o;

	owner_start(&o);
	assert_int_equal(rte_ring_sp_enqueue_elem(o.channel.events, &e, sizeof(e)), 0);
	slot = world_slot(&o.w, SLOT_OUT_DENY);
	assert_int_equal(slot.packets, 9);
	assert_int_equal(slot.bytes, 540);
	assert_int_equal(slot.connections, 9);
	assert_int_equal(world_drops(&o.w, TG_DROP_POLICY_EGRESS), 9);
	owner_stop(&o);
}

static struct tg_stats_worker send_marked(
	struct owner *o, unsigned int port, const char *text, uint32_t mark)
{
	struct packet packet;
	struct rte_mbuf *m;

	packet_make(&packet, text);
	m = packet_mbuf(o->w.pool, &packet);
	m->ol_flags |= RTE_MBUF_F_RX_FDIR | RTE_MBUF_F_RX_FDIR_ID;
	m->hash.fdir.hi = mark;
	assert_int_equal(world_burst(&o->w, port, &m, 1), 1);
	return world_stats(&o->w);
}

/* The entry of a packet's connection; *far: it is not in its home. */
static uint32_t place_of(struct owner *o, struct rte_mbuf *m, bool *far)
{
	struct tg_packet p = {.m = m, .port = INSIDE};
	const struct tg_table *table = &o->w.worker[0]->table[0];
	const struct tg_conn *c;
	uint64_t hash;

	tg_packet_parse(&p, &o->w.config.ports[INSIDE]);
	hash = tg_table_hash(table, &p.key);
	c = tg_table_find(table, &p.key, hash);
	assert_non_null(c);
	*far = c != tg_table_home(table, hash);
	return (uint32_t)tg_table_index(table, c) << 1;
}

/* A rule begins and ends to mark in the middle of a burst; it matters where an entry is not home.
 */
static void packets_keep_their_order_whichever_are_marked(void **state)
{
	enum { CONNECTIONS = 250 };
	unsigned int n_far = 0;
	struct owner o;

	owner_begin(&o, true);
	for (unsigned int port = 1; port <= CONNECTIONS; port++) {
		struct rte_mbuf *m[3], *out;
		char text[96];
		bool far;

		snprintf(text, sizeof(text), "10.1.0.1 > 8.8.8.8 tcp %u>80 S seq=1000", port);
		assert_int_equal(world_send(&o.w, INSIDE, text), PASSED);
		snprintf(text, sizeof(text), "8.8.8.8 > 10.1.0.1 tcp 80>%u SA seq=5000 ack=1001",
			port);
		assert_int_equal(world_send(&o.w, OUTSIDE, text), PASSED);
		snprintf(text, sizeof(text), "10.1.0.1 > 8.8.8.8 tcp %u>80 A seq=1001 ack=5001",
			port);
		assert_int_equal(world_send(&o.w, INSIDE, text), PASSED);
		for (unsigned int i = 0; i < 3; i++) {
			struct packet packet;

			packet_make(&packet, text);
			m[i] = packet_mbuf(o.w.pool, &packet);
		}
		m[1]->hash.fdir.hi = place_of(&o, m[1], &far);
		m[1]->ol_flags |= RTE_MBUF_F_RX_FDIR | RTE_MBUF_F_RX_FDIR_ID;
		n_far += far;
		world_feed(&o.w, INSIDE, m, 3);
		for (unsigned int i = 0; i < 3; i++) {
			unsigned int by;

			out = world_take(&by);
			assert_ptr_equal(out, m[i]);
			rte_pktmbuf_free(out);
		}
	}
	assert_int_not_equal(n_far, 0);
	owner_stop(&o);
}

/* The mark is the connection's as long as the lease lasts; then it is an old one. */
static void a_mark_is_of_one_lease(void **state)
{
	struct tg_hardware_offer offer, second;
	struct owner o;

	owner_begin(&o, true);
	offer = taken(&o);
	assert_int_equal(offer.kind, TG_HARDWARE_MARK);
	assert_true(offer.mark < PLACES * GENERATIONS);
	assert_int_equal(
		send_marked(&o, INSIDE, C "A seq=1101 ack=5001", offer.mark).marks_right, 1);
	/* whatever the generation, where the key is right */
	assert_int_equal(
		send_marked(&o, OUTSIDE, S "A seq=5001 ack=1101", offer.mark ^ PLACES).marks_right,
		2);
	/* another connection's packet, by the live mark and by an old one */
	assert_int_equal(send_marked(&o, INSIDE, "10.1.0.1 > 8.8.4.4 tcp 1>80 S seq=1", offer.mark)
				 .marks_wrong,
		1);
	assert_int_equal(
		send_marked(&o, INSIDE, "10.1.0.1 > 8.8.4.4 tcp 2>80 S seq=1", offer.mark ^ PLACES)
			.marks_stale,
		1);
	/* what a NIC cannot have meant: IPv6, no entry */
	assert_int_equal(
		send_marked(&o, INSIDE, C "A seq=1101 ack=5001", offer.mark ^ 1).marks_stale, 2);
	send_marked(&o, INSIDE, C "A seq=1101 ack=5001", UINT32_MAX);
	assert_int_equal(world_stats(&o.w).marks_right, 2);

	tell(&o, &offer, TG_HARDWARE_BACK, 0, 0);
	for (unsigned int i = 0; i < MERIT; i++)
		assert_int_equal(world_send(&o.w, INSIDE, C "A seq=1101 ack=5001"), PASSED);
	world_sweep(&o.w);
	assert_true(next_offer(&o, &second));
	assert_int_equal(second.mark, offer.mark ^ PLACES);
	assert_int_equal(send_marked(&o, INSIDE, "10.1.0.1 > 8.8.4.4 tcp 3>80 S seq=1", offer.mark)
				 .marks_stale,
		3);
	owner_stop(&o);
}

/* Nothing passes unseen: windows are checked, resets close, the owner is told what was seen. */
static void what_is_marked_is_followed_as_ever(void **state)
{
	struct tg_hardware_offer offer;
	struct owner o;

	owner_begin(&o, true);
	offer = taken(&o);
	assert_int_equal(tg_worker_offloaded(o.w.worker[0]), 0);
	assert_int_equal(world_send(&o.w, INSIDE, C "A seq=900000 ack=5001"), D(TCP_INVALID));
	assert_int_equal(world_send(&o.w, INSIDE, C "A seq=1101 ack=5001"), PASSED);
	world_sweep(&o.w);
	assert_int_equal(o.sight[ENTRY].packets[offer.initiator], 1);
	assert_false(wanted_back(&o, &offer));

	world_rules(&o.w, RULES_NO_WEB);
	assert_int_equal(world_send(&o.w, INSIDE, C "A seq=1101 ack=5001"), D(CONN_REVOKED));
	assert_true(wanted_back(&o, &offer));
	owner_stop(&o);
}

/* It ends at its time, though nobody has answered. */
static void what_is_marked_times_out(void **state)
{
	struct tg_hardware_offer offer;
	struct owner o;

	owner_begin(&o, true);
	offer = taken(&o);
	o.w.now += o.w.config.timeouts.ms[TG_CONN_ESTABLISHED];
	world_sweep(&o.w);
	assert_int_equal(world_stats(&o.w).conn_expired, 1);
	assert_true(wanted_back(&o, &offer));
	owner_stop(&o);
}

int run_hardware_tests(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_has_many_packets_is_offered_once),
		cmocka_unit_test(what_only_software_can_follow_is_not_offered),
		cmocka_unit_test(few_packets_are_not_worth_it),
		cmocka_unit_test(a_connection_ends_after_being_out_of_sight),
		cmocka_unit_test(a_reset_out_of_sight_closes_nothing_by_itself),
		cmocka_unit_test(errors_about_what_is_out_of_sight_pass),
		cmocka_unit_test(what_hardware_counts_is_the_rules),
		cmocka_unit_test(it_lives_as_long_as_hardware_sees_packets),
		cmocka_unit_test(what_is_revoked_is_called_back_and_counted),
		cmocka_unit_test(what_is_taken_too_late_is_called_back),
		cmocka_unit_test(what_hardware_drops_is_counted),
		cmocka_unit_test(a_mark_is_of_one_lease),
		cmocka_unit_test(packets_keep_their_order_whichever_are_marked),
		cmocka_unit_test(what_is_marked_is_followed_as_ever),
		cmocka_unit_test(what_is_marked_times_out),
	};

	return cmocka_run_group_tests_name("hardware", tests, NULL, NULL);
}
