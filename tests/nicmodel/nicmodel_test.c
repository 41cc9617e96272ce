/* SPDX-License-Identifier: BSD-3-Clause */
/* The NIC model, through rte_flow and by real packets. */
#include "lab.h"

int main(void)
{
	int failed = 0;

	lab_eal();
	failed += run_match_tests();
	failed += run_action_tests();
	failed += run_profile_tests();
	failed += run_quirk_tests();
	failed += run_life_tests();
	failed += run_async_tests();
	failed += run_scale_tests();
	return failed != 0;
}
