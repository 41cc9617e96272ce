/* SPDX-License-Identifier: BSD-3-Clause */
/* How long the push client waits for a reply, in a loop that is also busy otherwise. */
#include <unistd.h>

#include "internal.h"
#include "push_server.h"

/* What is pushed to a server that has been greeted, without the loop's help. */
static struct tg_target *push_at_once(struct fixture *f)
{
	struct tg_target *t = target(1);
	struct tg_wire_error error;

	greet(f, 0, 0, 0);
	tg_push_desire(f->push, t);
	assert_int_equal(tg_wire_receive(f->client, f->got, &error), 0);
	assert_int_equal(f->got->h.type, TG_MSG_RULESET);
	close(f->got->fd);
	return t;
}

static void a_server_that_says_nothing_is_left(void **state)
{
	struct fixture *f = *state;
	struct tg_target *t = push_at_once(f);

	WAIT(f, f->downs == 1);
	assert_string_equal(f->why, "the dataplane did not answer in time");
	assert_int_equal(f->applied, 0);
	tg_target_unref(t);
}

/* The loop was busy until the deadline had passed; the reply had come long before. */
static void a_reply_that_had_to_wait_for_the_loop_is_not_late(void **state)
{
	struct fixture *f = *state;
	struct tg_target *t = push_at_once(f);

	ack(f, f->got->h.txn, 1, 40);
	expect_quiet(f);
	assert_int_equal(f->downs, 0);
	assert_int_equal(f->applied, 1);
	assert_ptr_equal(tg_push_in_force(f->push), t);
	tg_target_unref(t);
}

/* What a callback did before it pushed is not the server's time. */
static void the_time_to_reply_begins_when_it_is_sent(void **state)
{
	struct fixture *f = *state;
	struct tg_target *t = target(1);
	uint64_t sent;

	greet(f, 0, 0, 0);
	while (uv_hrtime() / 1000000 <= uv_now(&f->loop) + 1)
		;
	sent = uv_hrtime() / 1000000;
	tg_push_desire(f->push, t);
	assert_true(f->push->ruleset.active);
	assert_true(f->push->ruleset.deadline >= sent + WATCHDOG_MS * 2);
	tg_target_unref(t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			a_server_that_says_nothing_is_left, setup_hasty, teardown),
		cmocka_unit_test_setup_teardown(
			a_reply_that_had_to_wait_for_the_loop_is_not_late, setup_hasty, teardown),
		cmocka_unit_test_setup_teardown(
			the_time_to_reply_begins_when_it_is_sent, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
