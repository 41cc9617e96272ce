/* SPDX-License-Identifier: BSD-3-Clause */
/* Which of the ways of express.h a processor takes. */
#include "internal.h"

#ifdef RTE_ARCH_X86_64
#include <rte_cpuflags.h>

static bool has_v3(void)
{
	return rte_cpu_get_flag_enabled(RTE_CPUFLAG_AVX2) > 0 &&
	       rte_cpu_get_flag_enabled(RTE_CPUFLAG_BMI1) > 0 &&
	       rte_cpu_get_flag_enabled(RTE_CPUFLAG_BMI2) > 0 &&
	       rte_cpu_get_flag_enabled(RTE_CPUFLAG_MOVBE) > 0;
}
#endif

const struct express *express_for_processor(void)
{
#ifdef RTE_ARCH_X86_64
	if (has_v3())
		return &express_v3;
#endif
	return &express_scalar;
}
