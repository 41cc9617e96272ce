/* SPDX-License-Identifier: BSD-3-Clause */
/* A TCP connection of the client to a server in the world, for tests that begin with one. */
#ifndef TG_TEST_TCP_LINES_H
#define TG_TEST_TCP_LINES_H

#include "tests.h"

#define C "10.1.0.1 > 8.8.8.8 tcp 4000>80 " /* client to server */
#define S "8.8.8.8 > 10.1.0.1 tcp 80>4000 " /* server to client */

/* ISNs 1000 and 5000; windows 8192. */
#define HANDSHAKE                                                                      \
	{INSIDE, C "S seq=1000", PASSED}, {OUTSIDE, S "SA seq=5000 ack=1001", PASSED}, \
	{                                                                              \
		INSIDE, C "A seq=1001 ack=5001", PASSED                                \
	}

#endif
