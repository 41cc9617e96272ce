/* SPDX-License-Identifier: BSD-3-Clause */
/* For x86-64-v3 (AVX2, BMI2, MOVBE); compiled for it and called only where the processor has it. */
#define EXPRESS express_v3

#include "express.h"
