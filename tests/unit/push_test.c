/* SPDX-License-Identifier: BSD-3-Clause */
/* What the push client sends, and what it makes of what the dataplane says. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "push_server.h"

static void the_image_travels_sealed(void **state)
{
	struct fixture *f = *state;
	struct tg_target *t = target(1);
	struct tg_push_status status;
	struct tg_image_header header;

	tg_push_desire(f->push, t);
	greet(f, 0, 0, 0);
	assert_non_null(tg_push_mapping(f->push));
	assert_int_equal(tg_push_mapping(f->push)->reader.instance, 77);
	expect(f, TG_MSG_RULESET);
	assert_int_equal(f->got->ruleset.size, sizeof(header));
	assert_int_equal(f->got->ruleset.n_entries, 0);
	assert_int_equal(f->got->ruleset.delta_sequence, 40);
	assert_int_equal(
		fcntl(f->got->fd, F_GET_SEALS) & (F_SEAL_WRITE | F_SEAL_GROW | F_SEAL_SHRINK),
		F_SEAL_WRITE | F_SEAL_GROW | F_SEAL_SHRINK);
	assert_int_equal(pread(f->got->fd, &header, sizeof(header), 0), sizeof(header));
	assert_int_equal(header.generation, 1);
	close(f->got->fd);
	tg_push_status(f->push, &status);
	assert_int_equal(status.desired_generation, 1);
	assert_int_equal(status.applied_generation, 0);
	ack(f, f->last_txn, 1, 40);
	WAIT(f, f->applied == 1);
	tg_push_status(f->push, &status);
	assert_int_equal(status.applied_generation, 1);
	assert_int_equal(status.delta_sequence, 40);
	assert_int_equal(status.epoch, 9);
	expect_quiet(f);
	tg_target_unref(t);
}

static void the_newest_desire_wins(void **state)
{
	struct fixture *f = *state;
	struct tg_target *a = target(1), *b = target(2), *c = target(3);

	greet(f, 0, 0, 0);
	tg_push_desire(f->push, a);
	expect(f, TG_MSG_RULESET);
	close(f->got->fd);
	tg_push_desire(f->push, b);
	tg_push_desire(f->push, c);
	expect_quiet(f); /* one in flight */
	ack(f, f->last_txn, 1, 40);
	expect(f, TG_MSG_RULESET);
	assert_int_equal(f->got->ruleset.generation, 3);
	close(f->got->fd);
	ack(f, f->last_txn, 3, 40);
	WAIT(f, f->applied == 2);
	expect_quiet(f);
	tg_target_unref(a);
	tg_target_unref(b);
	tg_target_unref(c);
}

static void deltas_count_up_one_at_a_time(void **state)
{
	struct fixture *f = *state;
	struct tg_target *t = target(1);

	greet(f, 0, 0, 0);
	bring(f, t);
	log_one(t, 1, 5);
	tg_push_kick(f->push);
	expect(f, TG_MSG_CLASSMAP);
	assert_int_equal(f->got->classmap.generation, 1);
	assert_int_equal(f->got->classmap.sequence, 41);
	assert_int_equal(f->got->classmap.n_entries, 1);
	log_one(t, 2, 6);
	log_one(t, 3, TG_NONE);
	tg_push_kick(f->push);
	expect_quiet(f);
	ack(f, f->last_txn, 1, 41);
	expect(f, TG_MSG_CLASSMAP);
	assert_int_equal(f->got->classmap.sequence, 42);
	assert_int_equal(f->got->classmap.n_entries, 2);
	assert_int_equal(f->got->classmap.entries[1].addr[3], 3);
	ack(f, f->last_txn, 1, 42);
	WAIT(f, f->delta_entries == 3);
	assert_int_equal(f->deltas, 2);
	tg_target_unref(t);
}

static void many_deltas_take_several_messages(void **state)
{
	struct fixture *f = *state;
	struct tg_target *t = target(1);

	greet(f, 0, 0, 0);
	bring(f, t);
	for (int i = 0; i < 1500; i++)
		log_one(t, (uint8_t)i, (uint32_t)i);
	tg_push_kick(f->push);
	expect(f, TG_MSG_CLASSMAP);
	assert_int_equal(f->got->classmap.n_entries, TG_CLASSMAP_MAX);
	ack(f, f->last_txn, 1, 41);
	expect(f, TG_MSG_CLASSMAP);
	assert_int_equal(f->got->classmap.n_entries, 1500 - TG_CLASSMAP_MAX);
	assert_int_equal(f->got->classmap.entries[0].cls, TG_CLASSMAP_MAX);
	ack(f, f->last_txn, 1, 42);
	WAIT(f, f->delta_entries == 1500);
	tg_target_unref(t);
}

/* The deltas of what is in force go on while another ruleset is built; its own go with it or after.
 */
static void a_ruleset_in_flight_stops_no_delta(void **state)
{
	struct fixture *f = *state;
	struct tg_target *a = target(1), *b = target(2);
	uint32_t txn;

	greet(f, 0, 0, 0);
	bring(f, a);
	log_one(b, 1, 50); /* came between compilation and push */
	tg_push_desire(f->push, b);
	expect(f, TG_MSG_RULESET);
	txn = f->last_txn;
	close(f->got->fd);
	assert_int_equal(f->got->ruleset.n_entries, 1);
	assert_int_equal(f->got->ruleset.entries[0].cls, 50);
	assert_int_equal(f->got->ruleset.delta_sequence, 41);

	log_one(a, 2, 7);
	log_one(b, 2, 70);
	tg_push_kick(f->push);
	expect(f, TG_MSG_CLASSMAP);
	assert_int_equal(f->got->classmap.generation, 1);
	assert_int_equal(f->got->classmap.sequence, 41);
	assert_int_equal(f->got->classmap.entries[0].cls, 7);
	ack(f, f->last_txn, 1, 41);
	WAIT(f, f->deltas == 1);

	ack(f, txn, 2, 41);
	expect(f, TG_MSG_CLASSMAP);
	assert_int_equal(f->got->classmap.generation, 2);
	assert_int_equal(f->got->classmap.sequence, 42);
	assert_int_equal(f->got->classmap.n_entries, 1);
	assert_int_equal(f->got->classmap.entries[0].cls, 70);
	ack(f, f->last_txn, 2, 42);
	WAIT(f, f->deltas == 2);
	tg_target_unref(a);
	tg_target_unref(b);
}

/* The dataplane refuses to undo deltas that were applied while it built: they go with the next try,
 * and when that does not help either they wait.
 */
static void a_ruleset_that_deltas_overtook_is_sent_again_with_them(void **state)
{
	struct fixture *f = *state;
	struct tg_target *a = target(1), *b = target(2);
	uint32_t txn;

	greet(f, 0, 0, 0);
	bring(f, a);
	tg_push_desire(f->push, b);
	for (uint8_t i = 0; i < 3; i++) {
		expect(f, TG_MSG_RULESET);
		txn = f->last_txn;
		close(f->got->fd);
		assert_int_equal(f->got->ruleset.generation, 2);
		assert_int_equal(f->got->ruleset.n_entries, i);
		assert_int_equal(f->got->ruleset.delta_sequence, 40 + i);
		log_one(a, i, 7);
		log_one(b, i, 70);
		tg_push_kick(f->push);
		if (i == 2)
			break;
		expect(f, TG_MSG_CLASSMAP);
		ack(f, f->last_txn, 1, 41 + i);
		WAIT(f, f->deltas == (unsigned int)i + 1);
		nak(f, txn, ESTALE, 1, 41 + i);
	}
	expect_quiet(f);
	assert_int_equal(f->refusals, 0);
	ack(f, txn, 2, 42);
	expect(f, TG_MSG_CLASSMAP);
	assert_int_equal(f->got->classmap.generation, 2);
	assert_int_equal(f->got->classmap.sequence, 43);
	assert_int_equal(f->got->classmap.entries[0].cls, 70);
	assert_int_equal(f->got->classmap.entries[0].addr[3], 2);
	tg_target_unref(a);
	tg_target_unref(b);
}

/* A delta in flight counts as applied for a ruleset that has it. */
static void a_ruleset_claims_the_delta_in_flight(void **state)
{
	struct fixture *f = *state;
	struct tg_target *a = target(1), *b = target(2);

	greet(f, 0, 0, 0);
	bring(f, a);
	log_one(a, 1, 7);
	log_one(b, 1, 70);
	tg_push_kick(f->push);
	expect(f, TG_MSG_CLASSMAP);
	log_one(a, 2, 7);
	log_one(b, 2, 70);
	tg_push_desire(f->push, b);
	expect(f, TG_MSG_RULESET);
	close(f->got->fd);
	assert_int_equal(f->got->ruleset.n_entries, 2);
	assert_int_equal(f->got->ruleset.delta_sequence, 41);
	tg_target_unref(a);
	tg_target_unref(b);
}

static void a_stuck_worker_is_an_alarm_and_no_reason_to_repeat(void **state)
{
	struct fixture *f = *state;
	struct tg_target *t = target(1);

	greet(f, 0, 0, 0);
	tg_push_desire(f->push, t);
	expect(f, TG_MSG_RULESET);
	close(f->got->fd);
	nak(f, f->last_txn, ETIMEDOUT, 1, 40);
	WAIT(f, f->refusals == 1);
	assert_ptr_equal(tg_push_in_force(f->push), t);
	expect_quiet(f);
	log_one(t, 1, 5);
	tg_push_kick(f->push);
	expect(f, TG_MSG_CLASSMAP);
	nak(f, f->last_txn, ETIMEDOUT, 1, 41);
	WAIT(f, f->refusals == 2);
	assert_int_equal(t->acked, 1);
	assert_int_equal(f->renews, 0);
	expect_quiet(f);
	tg_target_unref(t);
}

/* A delta of the old ruleset that arrives after the swap is refused; it is no failure. */
static void a_delta_that_crosses_the_swap_is_forgotten(void **state)
{
	struct fixture *f = *state;
	struct tg_target *a = target(1), *b = target(2);
	uint32_t ruleset, delta;

	greet(f, 0, 0, 0);
	bring(f, a);
	tg_push_desire(f->push, b);
	expect(f, TG_MSG_RULESET);
	ruleset = f->last_txn;
	close(f->got->fd);
	log_one(a, 2, 7);
	log_one(b, 2, 70);
	tg_push_kick(f->push);
	expect(f, TG_MSG_CLASSMAP);
	delta = f->last_txn;
	ack(f, ruleset, 2, 40);
	nak(f, delta, ESTALE, 2, 40);
	expect(f, TG_MSG_CLASSMAP);
	assert_int_equal(f->got->classmap.generation, 2);
	assert_int_equal(f->got->classmap.sequence, 41);
	assert_int_equal(f->got->classmap.entries[0].cls, 70);
	assert_int_equal(f->refusals, 0);
	assert_int_equal(f->renews, 0);
	tg_target_unref(a);
	tg_target_unref(b);
}

static void a_refused_ruleset_is_tried_again_later(void **state)
{
	struct fixture *f = *state;
	struct tg_target *t = target(5);
	struct tg_push_status status;

	greet(f, 3, 0, 1);
	tg_push_desire(f->push, t);
	for (int i = 0; i < 3; i++) {
		expect(f, TG_MSG_RULESET);
		close(f->got->fd);
		nak(f, f->last_txn, ENOMEM, 3, 0);
	}
	expect(f, TG_MSG_RULESET);
	close(f->got->fd);
	assert_int_equal(f->refusals, 3);
	assert_int_equal(f->renews, 0);
	tg_push_status(f->push, &status);
	assert_int_equal(status.rulesets_refused, 3);
	assert_non_null(strstr(status.error, "ruleset refused: no: 12"));
	ack(f, f->last_txn, 5, 40);
	WAIT(f, f->applied == 1);
	tg_push_status(f->push, &status);
	assert_string_equal(status.error, "");
	tg_target_unref(t);
}

static void a_generation_that_is_too_old_is_renewed_not_repeated(void **state)
{
	struct fixture *f = *state;
	struct tg_target *old = target(5), *fresh = target(9);

	greet(f, 8, 0, 1);
	tg_push_desire(f->push, old);
	WAIT(f, f->renews == 1);
	assert_int_equal(f->renew_above, 8);
	expect_quiet(f);
	tg_push_desire(f->push, fresh);
	expect(f, TG_MSG_RULESET);
	assert_int_equal(f->got->ruleset.generation, 9);
	close(f->got->fd);
	/* Somebody was faster. */
	nak(f, f->last_txn, ESTALE, 9, 0);
	WAIT(f, f->renews == 2);
	assert_int_equal(f->renew_above, 9);
	expect_quiet(f);
	tg_target_unref(old);
	tg_target_unref(fresh);
}

static void a_refused_delta_asks_for_a_ruleset(void **state)
{
	struct fixture *f = *state;
	struct tg_target *a = target(1), *b = target(2);

	greet(f, 0, 0, 0);
	bring(f, a);
	log_one(a, 1, 5);
	tg_push_kick(f->push);
	expect(f, TG_MSG_CLASSMAP);
	nak(f, f->last_txn, ENOSPC, 1, 40);
	WAIT(f, f->renews == 1);
	assert_int_equal(f->refusals, 1);
	log_one(a, 2, 5);
	tg_push_kick(f->push);
	expect_quiet(f); /* nothing more for a ruleset whose deltas are refused */
	bring(f, b);
	log_one(b, 3, 5);
	tg_push_kick(f->push);
	expect(f, TG_MSG_CLASSMAP);
	assert_int_equal(f->got->classmap.generation, 2);
	tg_target_unref(a);
	tg_target_unref(b);
}

static void a_busy_dataplane_gets_the_delta_again(void **state)
{
	struct fixture *f = *state;
	struct tg_target *t = target(1);

	greet(f, 0, 0, 0);
	bring(f, t);
	log_one(t, 1, 5);
	tg_push_kick(f->push);
	expect(f, TG_MSG_CLASSMAP);
	nak(f, f->last_txn, EBUSY, 1, 40);
	expect(f, TG_MSG_CLASSMAP);
	assert_int_equal(f->got->classmap.sequence, 41);
	assert_int_equal(f->renews, 0);
	tg_target_unref(t);
}

static void reconnecting_to_what_is_in_force_sends_nothing(void **state)
{
	struct fixture *f = *state;
	struct tg_target *t = target(1);
	struct tg_push_status status;

	greet(f, 0, 0, 0);
	bring(f, t);
	hang_up(f);
	WAIT(f, f->downs == 1);
	assert_null(tg_push_in_force(f->push));
	assert_null(tg_push_mapping(f->push));
	tg_push_status(f->push, &status);
	assert_false(status.connected);
	assert_int_equal(status.applied_generation, 0);
	greet(f, 1, 40, 3);
	WAIT(f, f->applied == 2);
	expect_quiet(f);
	assert_ptr_equal(tg_push_in_force(f->push), t);
	log_one(t, 1, 5);
	tg_push_kick(f->push);
	expect(f, TG_MSG_CLASSMAP);
	assert_int_equal(f->got->classmap.sequence, 41);
	tg_target_unref(t);
}

static void what_was_lost_is_pushed_again_with_its_deltas(void **state)
{
	struct fixture *f = *state;
	struct tg_target *t = target(4);

	greet(f, 0, 0, 0);
	bring(f, t);
	log_one(t, 1, 5);
	tg_push_kick(f->push);
	expect(f, TG_MSG_CLASSMAP);
	ack(f, f->last_txn, 4, 41);
	WAIT(f, f->deltas == 1);
	hang_up(f);
	greet(f, 0, 0, 0); /* came back without its checkpoint */
	expect(f, TG_MSG_RULESET);
	close(f->got->fd);
	assert_int_equal(f->got->ruleset.generation, 4);
	assert_int_equal(f->got->ruleset.n_entries, 1);
	assert_int_equal(f->got->ruleset.delta_sequence, 41);
	ack(f, f->last_txn, 4, 41);
	WAIT(f, f->applied == 2);
	expect_quiet(f);
	tg_target_unref(t);
}

static void an_older_checkpoint_is_replaced(void **state)
{
	struct fixture *f = *state;
	struct tg_target *t = target(4);

	greet(f, 0, 0, 0);
	bring(f, t);
	hang_up(f);
	greet(f, 3, 0, 9);
	expect(f, TG_MSG_RULESET);
	assert_int_equal(f->got->ruleset.generation, 4);
	close(f->got->fd);
	assert_int_equal(f->renews, 0);
	tg_target_unref(t);
}

/* {the delta was in flight, sequence that the dataplane comes back with, renewed} */
static void the_sequence_decides_whether_deltas_were_lost(void **state)
{
	static const struct {
		uint64_t sequence;
		bool renewed;
		size_t resent;
	} rows[] = {
		{41, false, 1}, /* the delta in flight was not applied: again */
		{42, false, 0}, /* it was */
		{40, false, 2}, /* all are gone: all again */
		{43, true, 0},	/* somebody else's */
		{39, true, 0},
	};
	struct fixture *f = *state;
	struct tg_target *t;
	uint64_t generation = 1;

	greet(f, 0, 0, 0);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		unsigned int renews = f->renews;

		t = target(++generation);
		bring(f, t);
		log_one(t, 1, 5);
		tg_push_kick(f->push);
		expect(f, TG_MSG_CLASSMAP);
		ack(f, f->last_txn, generation, 41);
		WAIT(f, t->acked == 1);
		log_one(t, 2, 6);
		tg_push_kick(f->push);
		expect(f, TG_MSG_CLASSMAP);
		hang_up(f);
		greet(f, generation, rows[i].sequence, (uint32_t)generation * 3);
		assert_int_equal(f->renews - renews, rows[i].renewed);
		if (rows[i].resent > 0) {
			expect(f, TG_MSG_CLASSMAP);
			assert_int_equal(f->got->classmap.sequence, rows[i].sequence + 1);
			assert_int_equal(f->got->classmap.n_entries, rows[i].resent);
			ack(f, f->last_txn, generation, rows[i].sequence + 1);
			WAIT(f, t->acked == 2);
		}
		expect_quiet(f);
		tg_target_unref(t);
	}
}

static void a_ruleset_whose_reply_was_lost_is_recognised(void **state)
{
	struct fixture *f = *state;
	struct tg_target *t = target(6);

	greet(f, 0, 0, 0);
	log_one(t, 1, 5);
	tg_push_desire(f->push, t);
	expect(f, TG_MSG_RULESET);
	close(f->got->fd);
	hang_up(f);
	greet(f, 6, 41, 18);
	WAIT(f, f->applied == 1);
	expect_quiet(f);
	assert_int_equal(t->acked, 1);
	tg_target_unref(t);
}

static void the_same_generation_with_another_checksum_is_not_ours(void **state)
{
	struct fixture *f = *state;
	struct tg_target *t = target(6);

	greet(f, 0, 0, 0);
	bring(f, t);
	hang_up(f);
	greet(f, 6, 40, 1234);
	WAIT(f, f->renews == 1);
	assert_int_equal(f->renew_above, 6);
	expect_quiet(f);
	tg_target_unref(t);
}

/* After a restart of ctrl: what it compiled (or kept) is what the dataplane has. */
static void what_is_in_force_already_is_not_pushed(void **state)
{
	struct fixture *f = *state;
	struct tg_target *t = target(6);

	greet(f, 6, 40, 18);
	tg_push_desire(f->push, t);
	WAIT(f, f->applied == 1);
	expect_quiet(f);
	tg_target_unref(t);
}

static void a_restarted_server_is_found_again(void **state)
{
	struct fixture *f = *state;
	struct tg_target *t = target(1);

	greet(f, 0, 0, 0);
	bring(f, t);
	listen_stop(f);
	hang_up(f);
	WAIT(f, f->downs == 1);
	for (int i = 0; i < 10; i++)
		uv_run(&f->loop, UV_RUN_ONCE); /* attempts that fail are told once */
	assert_int_equal(f->downs, 1);
	listen_start(f);
	greet(f, 1, 40, 3);
	WAIT(f, f->applied == 2);
	tg_target_unref(t);
}

static void a_state_event_with_another_ruleset_resyncs(void **state)
{
	struct fixture *f = *state;
	struct tg_target *t = target(2);
	unsigned int states;

	greet(f, 0, 0, 0);
	bring(f, t);
	states = f->states;
	send_state(f, TG_MSG_EVENT_STATE, 2, 40, 6); /* a port went down */
	WAIT(f, f->states > states);
	expect_quiet(f);
	send_state(f, TG_MSG_EVENT_STATE, 1, 0, 7);
	expect(f, TG_MSG_RULESET);
	assert_int_equal(f->got->ruleset.generation, 2);
	close(f->got->fd);
	tg_target_unref(t);
}

static void a_second_writer_keeps_trying(void **state)
{
	struct fixture *f = *state;

	expect(f, TG_MSG_HELLO);
	nak(f, f->last_txn, EBUSY, 0, 0);
	WAIT(f, f->gone);
	assert_int_equal(f->downs, 1);
	assert_non_null(strstr(f->why, "refused: no: 16"));
	hang_up(f);
	greet(f, 0, 0, 0);
}

static void nonsense_ends_the_connection(void **state)
{
	struct fixture *f = *state;
	struct tg_msg_ack unasked = {.generation = 1};
	uint8_t garbage[32] = {1};

	greet(f, 0, 0, 0);
	tg_wire_header(&unasked.h, TG_MSG_ACK, sizeof(unasked), 999);
	reply(f, &unasked, -1);
	WAIT(f, f->gone);
	assert_int_equal(f->downs, 1);
	hang_up(f);
	greet(f, 0, 0, 0);
	assert_int_equal(write(f->client, garbage, sizeof(garbage)), sizeof(garbage));
	WAIT(f, f->gone);
	assert_int_equal(f->downs, 2);
}

static void a_foreign_acknowledgement_is_not_believed(void **state)
{
	struct fixture *f = *state;
	struct tg_target *t = target(5);

	greet(f, 0, 0, 0);
	tg_push_desire(f->push, t);
	expect(f, TG_MSG_RULESET);
	close(f->got->fd);
	ack(f, f->last_txn, 4, 40);
	WAIT(f, f->gone);
	assert_int_equal(f->applied, 0);
	tg_target_unref(t);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(the_image_travels_sealed),
		TEST(the_newest_desire_wins),
		TEST(deltas_count_up_one_at_a_time),
		TEST(many_deltas_take_several_messages),
		TEST(a_ruleset_in_flight_stops_no_delta),
		TEST(a_ruleset_that_deltas_overtook_is_sent_again_with_them),
		TEST(a_ruleset_claims_the_delta_in_flight),
		TEST(a_stuck_worker_is_an_alarm_and_no_reason_to_repeat),
		TEST(a_delta_that_crosses_the_swap_is_forgotten),
		TEST(a_refused_ruleset_is_tried_again_later),
		TEST(a_generation_that_is_too_old_is_renewed_not_repeated),
		TEST(a_refused_delta_asks_for_a_ruleset),
		TEST(a_busy_dataplane_gets_the_delta_again),
		TEST(reconnecting_to_what_is_in_force_sends_nothing),
		TEST(what_was_lost_is_pushed_again_with_its_deltas),
		TEST(an_older_checkpoint_is_replaced),
		TEST(the_sequence_decides_whether_deltas_were_lost),
		TEST(a_ruleset_whose_reply_was_lost_is_recognised),
		TEST(the_same_generation_with_another_checksum_is_not_ours),
		TEST(what_is_in_force_already_is_not_pushed),
		TEST(a_restarted_server_is_found_again),
		TEST(a_state_event_with_another_ruleset_resyncs),
		TEST(a_second_writer_keeps_trying),
		TEST(nonsense_ends_the_connection),
		TEST(a_foreign_acknowledgement_is_not_believed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
