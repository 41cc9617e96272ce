/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * tg_tcp_established for a segment as it lies in the frame, all four bounds at a time. For x86-64
 * with AVX2. What is known of the two directions is shuffled into place by the packet's direction,
 * so that nothing depends on that but what is loaded.
 */
#ifndef TG_CONN_TCP_AVX2_H
#define TG_CONN_TCP_AVX2_H

#include <immintrin.h>

#include "tcp.h"

#define NOWHERE 0x80, 0x80, 0x80, 0x80
#define WORD(i) 4 * (i), 4 * (i) + 1, 4 * (i) + 2, 4 * (i) + 3
#define BIG_WORD(i) 4 * (i) + 3, 4 * (i) + 2, 4 * (i) + 1, 4 * (i)
#define SHORT(i) 2 * (i), 2 * (i) + 1, 0x80, 0x80
#define BYTE(i) (i), 0x80, 0x80, 0x80

/* By the segment's direction. Words of `edge` are end[2], max_end[2]. */
struct tg_tcp_places {
	uint8_t edge[16];  /* max_end and end of its sender, end of its receiver twice */
	uint8_t win[16];   /* nothing, largest window of the receiver, nothing, of the sender */
	uint8_t scale[16]; /* the same for the scales */
	uint8_t ends[16];  /* of [-, its end, its ack, -]: where it moves an edge */
	uint8_t own[16];   /* its window: to its ack */
	uint8_t own_scale[16];
	uint32_t least[4]; /* a closed window allows a probe */
	uint32_t moves[4]; /* the edges that it may move */
};

static const struct tg_tcp_places tg_tcp_places[2] __attribute__((aligned(64))) = {
	{
		.edge = {WORD(2), WORD(0), WORD(1), WORD(1)},
		.win = {NOWHERE, SHORT(1), NOWHERE, SHORT(0)},
		.scale = {NOWHERE, BYTE(5), NOWHERE, BYTE(4)},
		.ends = {WORD(1), NOWHERE, NOWHERE, WORD(2)},
		.own = {NOWHERE, NOWHERE, NOWHERE, 11, 10, 0x80, 0x80},
		.own_scale = {NOWHERE, NOWHERE, NOWHERE, BYTE(4)},
		.least = {0, 0, 0, 1},
		.moves = {UINT32_MAX, 0, 0, UINT32_MAX},
	},
	{
		.edge = {WORD(3), WORD(1), WORD(0), WORD(0)},
		.win = {NOWHERE, SHORT(0), NOWHERE, SHORT(1)},
		.scale = {NOWHERE, BYTE(4), NOWHERE, BYTE(5)},
		.ends = {NOWHERE, WORD(1), WORD(2), NOWHERE},
		.own = {NOWHERE, NOWHERE, 11, 10, 0x80, 0x80, NOWHERE},
		.own_scale = {NOWHERE, NOWHERE, BYTE(5), NOWHERE},
		.least = {0, 0, 1, 0},
		.moves = {0, UINT32_MAX, UINT32_MAX, 0},
	},
};

static_assert(offsetof(struct tg_conn, max_end) == offsetof(struct tg_conn, end) + 8 &&
		      offsetof(struct tg_conn, side) == offsetof(struct tg_conn, max_win) + 4,
	"what is loaded at once lies together");

static inline __m128i tg_tcp_place(__m128i v, const void *where)
{
	return _mm_shuffle_epi8(v, _mm_load_si128(where));
}

/*
 * `tcp`: the header, of which 20 bytes are there; ESTABLISHED and an ordinary ACK have been seen
 * to; `length`: of its payload.
 */
static inline bool tg_tcp_established_avx2(struct tg_conn *c, unsigned int dir, const uint8_t *tcp,
	uint32_t length, uint16_t win, bool liberal)
{
	const struct tg_tcp_places *to = &tg_tcp_places[dir];
	const __m128i header = _mm_loadu_si128((const __m128i *)(const void *)(tcp + 4));
	const __m128i edges = _mm_loadu_si128((const __m128i *)(const void *)c->end);
	const __m128i wins = _mm_loadl_epi64((const __m128i *)(const void *)c->max_win);
	const __m128i scales = _mm_and_si128(wins, _mm_set1_epi8(TG_CONN_SCALE));
	/* seq, end, ack, ack */
	const __m128i segment = _mm_add_epi32(
		_mm_shuffle_epi8(
			header, _mm_setr_epi8(BIG_WORD(0), BIG_WORD(0), BIG_WORD(1), BIG_WORD(1))),
		_mm_insert_epi32(_mm_setzero_si128(), (int)length, 1));
	/* nothing, the receiver's window and 2, nothing, twice the sender's */
	const __m128i room = _mm_add_epi32(
		_mm_sllv_epi32(tg_tcp_place(wins, to->win),
			_mm_add_epi32(tg_tcp_place(scales, to->scale), _mm_setr_epi32(0, 0, 0, 1))),
		_mm_setr_epi32(0, 2, 0, 0));
	/* above, below, unsent, stale, as tg_tcp_in_window has them */
	const __m128i away =
		_mm_add_epi32(_mm_sub_epi32(segment, tg_tcp_place(edges, to->edge)), room);
	const __m128i positive = _mm_cmpgt_epi32(away, _mm_setr_epi32(0, 0, 0, -1));
	__m128i reach, moves;

	if (_mm_movemask_ps(_mm_castsi128_ps(positive)) != 0xa && !liberal)
		return false;
	reach = _mm_add_epi32(tg_tcp_place(segment, to->ends),
		_mm_max_epu32(_mm_sllv_epi32(tg_tcp_place(header, to->own),
				      tg_tcp_place(scales, to->own_scale)),
			_mm_load_si128((const __m128i *)(const void *)to->least)));
	moves = _mm_and_si128(_mm_cmpgt_epi32(_mm_sub_epi32(reach, edges), _mm_setzero_si128()),
		_mm_load_si128((const __m128i *)(const void *)to->moves));
	_mm_storeu_si128((__m128i *)(void *)c->end, _mm_blendv_epi8(edges, reach, moves));
	if (win > c->max_win[dir])
		c->max_win[dir] = win;
	return true;
}

#undef NOWHERE
#undef WORD
#undef BIG_WORD
#undef SHORT
#undef BYTE

#endif
