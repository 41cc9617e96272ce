/* SPDX-License-Identifier: BSD-3-Clause */
/* For any processor. */
#define EXPRESS express_scalar

#include "express.h"
