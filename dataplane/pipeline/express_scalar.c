/* SPDX-License-Identifier: BSD-3-Clause */
/* For any processor. */
#include "bytes.h"
#include "tcp.h"

#define EXPRESS express_scalar

/* The two addresses of an IPv6 header, in their order or the other way round. Not a branch. */
static inline void order6(uint64_t to[4], const uint8_t *from, bool swapped)
{
	const uint64_t src[2] = {raw64(from), raw64(from + 8)};
	const uint64_t dst[2] = {raw64(from + 16), raw64(from + 24)};
	const uint64_t all = -(uint64_t)swapped;
	const uint64_t differ[2] = {(src[0] ^ dst[0]) & all, (src[1] ^ dst[1]) & all};

	to[0] = src[0] ^ differ[0];
	to[1] = src[1] ^ differ[1];
	to[2] = dst[0] ^ differ[0];
	to[3] = dst[1] ^ differ[1];
}

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
