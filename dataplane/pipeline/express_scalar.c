/* SPDX-License-Identifier: BSD-3-Clause */
/* For any processor. */
#include "bytes.h"
#include "tcp.h"

#define EXPRESS express_scalar

/* tg_tcp_established for an ordinary ACK as it lies in the frame. */
static inline bool established(struct tg_conn *c, unsigned int dir, const uint8_t *tcp,
	uint32_t length, uint16_t win, bool liberal)
{
	const struct tg_segment seg = {
		.seq = load32(tcp + 4),
		.ack = load32(tcp + 8),
		.length = length,
		.win = win,
		.flags = TG_TCP_ACK,
		.scale = TG_TCP_NO_SCALE,
	};

	return tg_tcp_established(c, dir, &seg, liberal);
}

#include "express.h"
