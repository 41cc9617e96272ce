/* SPDX-License-Identifier: BSD-3-Clause */
/* The NIC model, through rte_flow and by real packets. */
#include "lab.h"

int main(void)
{
	int failed = 0;

	lab_eal();
	failed += run_match_tests();
	failed += run_action_tests();
	return failed != 0;
}
