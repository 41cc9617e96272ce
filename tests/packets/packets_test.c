/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The real packet path in one process: packets in, packets out, verdict, slot and drop reason.
 *
 *	packets_test [SEED]
 *
 * SEED: all of that with marks of NICs on the packets, which must not change anything.
 */
#include "tests.h"

#include <stdio.h>
#include <stdlib.h>

#include "marks.h"

/* Every reason that there is has been seen by some test above. */
static void every_drop_reason_is_reached(void **state)
{
	unsigned int missing = 0;

	for (unsigned int r = 0; r < TG_DROP_COUNT; r++) {
		if (world_reached((enum tg_drop_reason)r))
			continue;
		fprintf(stderr, "no test reaches %s\n", tg_drop_label(r));
		missing++;
	}
	assert_int_equal(missing, 0);
}

static void there_were_marks_of_each_sort(void **state)
{
	assert_true(marks_of_each_sort());
}

int main(int argc, char **argv)
{
	static const struct CMUnitTest last[] = {
		cmocka_unit_test(every_drop_reason_is_reached),
	};
	static const struct CMUnitTest marks[] = {
		cmocka_unit_test(there_were_marks_of_each_sort),
	};
	const bool marked = argc > 1;
	int failed = 0;

	world_eal();
	if (marked)
		marks_begin((uint32_t)strtoul(argv[1], NULL, 10));
	failed += run_flow_tests();
	failed += run_sctp_tests();
	failed += run_state_tests();
	failed += run_sweep_tests();
	failed += run_tcp_tests();
	failed += run_tcp_rule_tests();
	failed += run_header_tests();
	failed += run_fragment_tests();
	failed += run_link_tests();
	failed += run_icmp_tests();
	failed += run_epoch_tests();
	failed += run_life_tests();
	failed += run_limit_tests();
	failed += run_flood_tests();
	failed += run_hash_tests();
	failed += run_namespace_tests();
	failed += run_zone_tests();
	failed += run_worker_tests();
	failed += run_order_tests();
	failed += run_owner_tests();
	failed += run_express_tests();
	/* These play the owner of hardware themselves. */
	if (!marked)
		failed += run_hardware_tests();
	failed += cmocka_run_group_tests_name("coverage", last, NULL, NULL);
	if (marked)
		failed += cmocka_run_group_tests_name("marks", marks, NULL, NULL);
	return failed != 0;
}
