/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The way that nearly all packets take: untagged, whole TCP and UDP of live connections that need
 * nothing but to be counted. This text is compiled once for each kind of processor (express_*.c).
 *
 * It takes what it is certain of and leaves everything else, and with it each decision that is not
 * "passes", to the parser and to track.c, packet by packet and without a change of order within a
 * connection. What no predictor knows of a packet in a burst (TCP or UDP, which direction, whether
 * the connection is in its home) is never branched on: bits are gathered, and packets of one kind
 * are then followed together. All other conditions nearly always hold and are branches.
 *
 * What is taken belongs to a connection that a packet began which the parser accepted, with the
 * same two addresses. So of the checks of addresses only the one is repeated that the other
 * direction has not passed: what may be a destination and not a source.
 */
#ifndef TG_PIPELINE_EXPRESS_H
#define TG_PIPELINE_EXPRESS_H

#include "bytes.h"
#include "internal.h"
#include "parse_quick.h"

#define ETH_HEADER 14u
#define UDP_HEADER 8u
#define TCP_HEADER 20u
#define LEAST4 (ETH_HEADER + TG_IP4_HEADER + UDP_HEADER)
#define LEAST6 (ETH_HEADER + TG_IP6_HEADER + UDP_HEADER)

/* Bytes 12 to 15 of a frame: IPv4 and a header of 20 bytes; IPv6. */
#define FIRST4 RTE_BE32(0x08004500u)
#define FIRST4_MASK RTE_BE32(0xffffff00u)
#define FIRST6 RTE_BE32(0x86dd6000u)
#define FIRST6_MASK RTE_BE32(0xfffff000u)
/* Bytes 20 and 21 of an IPv4 frame: more fragments, or not the first. */
#define FRAGMENT_MASK RTE_BE16(0x3fff)

/* Multicast and what comes after it. */
#define NO_SOURCE4 0xe0000000u
#define NO_SOURCE6 0xff00000000000000ull

/* Flags in the fourth word of a TCP header: an acknowledgement and nothing more than data. */
#define TCP_SPECIAL ((TG_TCP_FIN | TG_TCP_SYN | TG_TCP_RST | TG_TCP_URG | TG_TCP_ACK) << 16)
#define TCP_ORDINARY (TG_TCP_ACK << 16)
#define TCP_OPENS (TG_TCP_SYN << 16)

/* The first of the two ports of DHCP, whose messages may be link traffic. */
#define DHCP4_PORT 67
#define DHCP6_PORT 546

/* What is the same for all packets of a burst. */
struct lane {
	struct tg_worker *w;
	struct rte_mbuf *const *mbufs;
	struct tx_buffer *tx;
	uint64_t tail; /* what all keys have in common */
	uint32_t mtu;
	uint32_t epoch;
	uint32_t now;
	uint32_t idle_tcp, idle_udp; /* ms that a connection lasts at least */
	uint16_t zone;
	bool liberal;
	uint8_t port;
	uint8_t end;   /* of the wire */
	bool open;     /* ordinary packets may pass */
	bool all_home; /* all plain packets here are this worker's */
};

/* The shorter timeout of the two families: what lasts longer is found out in the other way. */
static inline uint32_t timeout_of(const struct tg_worker *w, enum tg_conn_state state)
{
	return RTE_MIN(w->timeouts[0].ms[state], w->timeouts[1].ms[state]);
}

static inline struct lane lane_of(
	struct tg_worker *w, struct rte_mbuf *const mbufs[], uint8_t port, bool handed_over)
{
	const struct tg_datapath_config *config = &w->dp->config;
	const struct tg_port_config *in = &config->ports[port];
	bool same = config->rss.reta_size != 0, all = w->trusted == TG_PLACED_ALL;

	return (struct lane){
		.w = w,
		.mbufs = mbufs,
		.tx = &w->tx[in->peer],
		.tail = tg_key_tail(0, 0, 0, in->group),
		.mtu = config->ports[in->peer].mtu,
		.epoch = w->epoch,
		.now = w->now,
		.idle_tcp = timeout_of(w, TG_CONN_ESTABLISHED),
		.idle_udp = timeout_of(w, TG_CONN_UDP_STREAM),
		.zone = in->zone,
		.liberal = config->tcp_liberal,
		.port = port,
		.end = in->end,
		.open = w->gen != NULL && !(in->link_pass & (TG_LINK(BGP) | TG_LINK(BFD))) &&
			atomic_load_explicit(&w->dp->link_up[in->peer], memory_order_relaxed) &&
			(config->n_workers == 1 || !same || all || handed_over),
		.all_home = config->n_workers == 1 || (same && all) || handed_over,
	};
}

/* ---- from a frame to where its connection is ---- */

static inline bool is_tcp(const struct live_packet *q)
{
	return (q->key.tail >> 32 & 0xff) == TG_IPPROTO_TCP;
}

static inline bool is_express(uint8_t protocol)
{
	/* One of two, and no predictor knows which. */
	return protocol < 32 && (1u << protocol & (1u << TG_IPPROTO_TCP | 1u << TG_IPPROTO_UDP));
}

/* The key's tail; `ports` as in the frame, read as a big-endian word. */
static inline uint64_t tail_of(
	const struct lane *lane, uint32_t ports, uint8_t protocol, bool swapped)
{
	return lane->tail | (uint64_t)protocol << 32 |
	       (swapped ? ports : ports >> 16 | ports << 16);
}

static __rte_always_inline bool plain4(
	struct live_packet *q, const struct lane *lane, const uint8_t *frame)
{
	const uint32_t total = load32(frame + 16) >> 16;
	const uint64_t ends = raw64(frame + 26), ordered = rte_be_to_cpu_64(ends);
	const uint32_t src = (uint32_t)(ordered >> 32), dst = (uint32_t)ordered;

	if (unlikely((raw32(frame + 12) & FIRST4_MASK) != FIRST4 ||
		     (raw16(frame + 20) & FRAGMENT_MASK) != 0 || total > q->length - ETH_HEADER ||
		     total > lane->mtu || total < TG_IP4_HEADER + UDP_HEADER || src >= NO_SOURCE4 ||
		     !is_express(frame[23])))
		return false;
	q->family = 4;
	q->dir = src > dst;
	q->key.addr.v4 = src > dst ? ends << 32 | ends >> 32 : ends;
	q->l4 = frame + ETH_HEADER + TG_IP4_HEADER;
	q->size = (uint16_t)(total - TG_IP4_HEADER);
	q->key.tail = tail_of(lane, load32(q->l4), frame[23], src > dst);
	return true;
}

static __rte_always_inline bool plain6(
	struct live_packet *q, const struct lane *lane, const uint8_t *frame)
{
	const uint32_t size = load32(frame + 16) & 0xffff;
	const uint64_t src[2] = {raw64(frame + 22), raw64(frame + 30)};
	const uint64_t dst[2] = {raw64(frame + 38), raw64(frame + 46)};
	const uint64_t src_high = rte_be_to_cpu_64(src[0]), dst_high = rte_be_to_cpu_64(dst[0]);
	const bool swapped =
		(src_high > dst_high) |
		((src_high == dst_high) & (rte_be_to_cpu_64(src[1]) > rte_be_to_cpu_64(dst[1])));

	if (unlikely(q->length < LEAST6 || (raw32(frame + 12) & FIRST6_MASK) != FIRST6 ||
		     size > q->length - ETH_HEADER - TG_IP6_HEADER ||
		     size + TG_IP6_HEADER > lane->mtu || size < UDP_HEADER ||
		     src_high >= NO_SOURCE6 || !is_express(frame[20])))
		return false;
	q->family = 6;
	q->dir = swapped;
	order6(q->key.addr.v6, frame + 22, swapped);
	q->l4 = frame + ETH_HEADER + TG_IP6_HEADER;
	rte_prefetch0(q->l4 + UDP_HEADER); /* the rest of TCP's header: the frame's second line */
	q->size = (uint16_t)size;
	q->key.tail = tail_of(lane, load32(q->l4), frame[20], swapped);
	return true;
}

/* Is it TCP or UDP, and nothing special down to there? Else it is the parser's. */
static __rte_always_inline bool plain(
	struct live_packet *q, const struct lane *lane, const struct rte_mbuf *m, uint64_t *hash)
{
	const struct tg_worker *w = lane->w;
	const uint8_t *frame = rte_pktmbuf_mtod(m, const uint8_t *);
	const uint32_t length = rte_pktmbuf_pkt_len(m);

	q->length = length;
	if (unlikely(rte_pktmbuf_data_len(m) != length || length < LEAST4))
		return false;
	if (likely(frame[12] == 0x08)) {
		if (unlikely(!plain4(q, lane, frame)))
			return false;
		*hash = tg_key_hash4(&w->table[0].secret, &q->key);
		q->c = tg_table_home4(&w->table[0], *hash);
	} else {
		if (unlikely(!plain6(q, lane, frame)))
			return false;
		*hash = tg_key_hash6(&w->table[1].secret, &q->key);
		q->c = tg_table_home6(&w->table[1], *hash);
	}
	return true;
}

/*
 * Asks for the lines of all live packets in one go: a prefetch ends only when its address has been
 * translated, so the misses of the TLB overlap only if the processor has many prefetches before it
 * at a time, and not two with all of the parser between them.
 */
static inline void fetch_connections(const struct tg_worker *w)
{
	for (uint64_t left = w->live & ~w->known; left != 0; left &= left - 1) {
		const struct live_packet *q = &w->live_packet[__builtin_ctzll(left)];

		rte_prefetch0(q->c);
		if (unlikely(q->family == 6))
			rte_prefetch0((const uint8_t *)q->c - 64); /* an entry is two lines */
	}
}

/* Plain packets of other workers, as their owners have them from anybody. */
static __rte_noinline void pass_foreign(
	const struct lane *lane, uint64_t foreign, const uint8_t *owner)
{
	for (; foreign != 0; foreign &= foreign - 1) {
		const unsigned int index = (unsigned int)__builtin_ctzll(foreign);

		hand_over(lane->w, lane->mbufs[index], owner[index],
			(struct note){.port = lane->port});
	}
}

/*
 * Which of two workers a packet belongs to is as good as random: it is not branched on. The parser
 * may hand over as well: before it has its turn, what came earlier is on its way. Not of those that
 * are `known`: they are live.
 */
static __rte_always_inline void receive_all(const struct lane *lane, unsigned int n,
	bool handed_over, const bool all_home, const uint64_t known)
{
	struct tg_worker *w = lane->w;
	uint64_t live = known, foreign = 0, hash;
	uint8_t owner[TG_BURST] = {0};

	for (unsigned int i = 0; i < n; i++) {
		struct live_packet *q = &w->live_packet[i];
		uint64_t mine = 1;

		if (known >> i & 1)
			continue;
		if (likely(lane->open && plain(q, lane, lane->mbufs[i], &hash))) {
			if (!all_home) {
				owner[i] = (uint8_t)owner_by_hash(hash, w->dp->config.n_workers);
				mine = owner[i] == w->index;
				foreign |= (mine ^ 1) << i;
			}
		} else {
			if (!all_home) {
				pass_foreign(lane, foreign, owner);
				foreign = 0;
			}
			mine = receive_one(w, i, lane->mbufs[i], lane->port, handed_over);
		}
		live |= mine << i;
	}
	if (!all_home)
		pass_foreign(lane, foreign, owner);
	w->live = live;
}

static __rte_noinline void receive_unmarked(struct tg_worker *w, struct rte_mbuf *const mbufs[],
	unsigned int n, uint8_t port, bool handed_over)
{
	const struct lane lane = lane_of(w, mbufs, port, handed_over);

	if (lane.all_home)
		receive_all(&lane, n, handed_over, true, 0);
	else
		receive_all(&lane, n, handed_over, false, 0);
	fetch_connections(w);
}

/* ---- the same where a NIC has put marks on packets ---- */

/*
 * Finds the entries that marks say and asks for their lines, before any frame is looked at; NULL:
 * none.
 */
static inline void fetch_marked(struct tg_worker *w, struct rte_mbuf *const mbufs[], unsigned int n)
{
	for (unsigned int i = 0; i < n; i++) {
		const uint32_t place = mbufs[i]->hash.fdir.hi & w->mark_mask, index = place >> 1;
		const struct tg_table *table = &w->table[place & 1];
		struct live_packet *q = &w->live_packet[i];

		q->c = NULL;
		if (!(mbufs[i]->ol_flags & RTE_MBUF_F_RX_FDIR_ID) ||
			unlikely(index >= tg_table_size(table)))
			continue;
		q->c = tg_table_at(table, index);
		rte_prefetch0(q->c);
		if (place & 1)
			rte_prefetch0((const uint8_t *)q->c - 64);
	}
}

/*
 * True: the packet is plain, and is of the connection that its mark says, in every bit of the key;
 * what generation the mark is of does not matter then.
 */
static __rte_always_inline bool known_by_mark(
	struct live_packet *q, const struct lane *lane, const struct rte_mbuf *m)
{
	const uint8_t *frame = rte_pktmbuf_mtod(m, const uint8_t *);
	const uint32_t length = rte_pktmbuf_pkt_len(m);
	bool right;

	if (q->c == NULL || unlikely(rte_pktmbuf_data_len(m) != length || length < LEAST4))
		return false;
	q->length = length;
	if (likely(frame[12] == 0x08)) {
		if (unlikely(!plain4(q, lane, frame)))
			return false;
		right = !(m->hash.fdir.hi & 1) && tg_table_is4(q->c, &q->key);
	} else {
		if (unlikely(!plain6(q, lane, frame)))
			return false;
		right = (m->hash.fdir.hi & 1) && tg_table_is6(q->c, &q->key);
	}
	if (unlikely(!right))
		hardware_misled(lane->w, m->hash.fdir.hi);
	return right;
}

static __rte_noinline void receive_marked(
	struct tg_worker *w, struct rte_mbuf *const mbufs[], unsigned int n, uint8_t port)
{
	const struct lane lane = lane_of(w, mbufs, port, false);
	uint64_t known = 0, tcp = 0, rest = 0;

	n = RTE_MIN(n, (unsigned int)TG_BURST);
	fetch_marked(w, mbufs, n);
	for (unsigned int i = 0; i < n; i++) {
		struct live_packet *q = &w->live_packet[i];
		const uint64_t here = lane.open && known_by_mark(q, &lane, mbufs[i]);

		known |= here << i;
		tcp |= (here & is_tcp(q)) << i;
		rest |= (here ^ 1) << i;
	}
	w->live = w->known = known;
	w->known_tcp = tcp;
	w->stats->marks_right += (unsigned int)__builtin_popcountll(known);
	/* What marks do not say takes the usual way. What they say is at home: it is here. */
	if (rest != 0) {
		receive_all(&lane, n, false, lane.all_home, known);
		fetch_connections(w);
	}
}

static void receive_burst(struct tg_worker *w, struct rte_mbuf *const mbufs[], unsigned int n,
	uint8_t port, bool handed_over)
{
	/* A mark lies where a packet that is handed over has its note. */
	if (unlikely(w->mark_mask != 0) && !handed_over && hardware_marks(w, port))
		receive_marked(w, mbufs, n, port);
	else
		receive_unmarked(w, mbufs, n, port, handed_over);
}

/* ---- along the connection ---- */

/* Is it of now, not timed out, and does the packet come from its side of the wire? */
static inline bool in_order(const struct lane *lane, const struct tg_conn *c,
	const struct live_packet *q, enum tg_conn_state state, uint32_t timeout)
{
	const unsigned int side = c->flags >> 1 ^ c->flags ^ q->dir ^ lane->end;

	return c->epoch == lane->epoch && c->state == state && lane->now - c->seen < timeout &&
	       !(side & 1);
}

/* True: an ordinary segment, which has moved its connection on. */
static inline bool segment_passes(
	const struct lane *lane, struct tg_conn *c, const struct live_packet *q)
{
	uint32_t word, header;

	if (unlikely(q->size < TCP_HEADER))
		return false;
	word = load32(q->l4 + 12);
	header = word >> 26 & 0x3c;
	return likely((word & TCP_SPECIAL) == TCP_ORDINARY && header >= TCP_HEADER &&
		       header <= q->size &&
		       in_order(lane, c, q, TG_CONN_ESTABLISHED, lane->idle_tcp)) &&
	       established(c, q->dir, q->l4, q->size - header, (uint16_t)word, lane->liberal);
}

/* Is the header as it has to be, and no message of DHCP? */
static inline bool datagram_plain(const struct live_packet *q)
{
	const uint16_t dhcp = q->family == 4 ? DHCP4_PORT : DHCP6_PORT;
	uint32_t length;

	if (unlikely(q->size < UDP_HEADER))
		return false;
	length = load32(q->l4 + 4) >> 16;
	return likely(length >= UDP_HEADER && length <= q->size &&
		      (uint16_t)(q->key.tail - dhcp) > 1 &&
		      (uint16_t)((q->key.tail >> 16) - dhcp) > 1);
}

/* True: a datagram between two that have spoken to each other. */
static inline bool datagram_passes(
	const struct lane *lane, const struct tg_conn *c, const struct live_packet *q)
{
	return datagram_plain(q) && in_order(lane, c, q, TG_CONN_UDP_STREAM, lane->idle_udp);
}

static __attribute__((noinline)) void fold_counts(
	struct tg_worker *w, struct tg_conn *c, const struct live_packet *q)
{
	fold(w, table_of(w, q->family), c);
}

/* Where packets go that pass; put back before anything else transmits. */
struct way_out {
	unsigned int n;
	uint32_t bytes;
};

static inline struct way_out way_out_of(const struct lane *lane)
{
	return (struct way_out){lane->tx->n, lane->tx->bytes};
}

static inline void put_back(const struct lane *lane, const struct way_out *out)
{
	lane->tx->n = (uint16_t)out->n;
	lane->tx->bytes = out->bytes;
}

/* Counted and on its way. */
static inline void pass(const struct lane *lane, struct way_out *out, struct tg_conn *c,
	const struct live_packet *q, struct rte_mbuf *m)
{
	uint64_t *count = &c->count[q->dir];

	c->seen = lane->now;
	*count += TG_CONN_COUNT_PACKET + q->length;
	if (unlikely(*count & TG_CONN_COUNT_FOLD))
		fold_counts(lane->w, c, q);
	lane->tx->m[out->n++] = m;
	out->bytes += q->length;
}

/* Everything that is not ordinary, at its turn. */
static __attribute__((noinline)) struct way_out leave(
	const struct lane *lane, struct way_out out, unsigned int index)
{
	struct tg_worker *w = lane->w;

	put_back(lane, &out);
	if (w->live_packet[index].size == 0 ||
		receive_again(w, index, lane->mbufs[index], lane->port))
		track_one(w, index);
	return way_out_of(lane);
}

/* ---- what has no connection ---- */

/* Can these be the two ends of one? What is doubtful is the parser's. */
static inline bool ends_plain(const struct live_packet *q)
{
	const uint64_t ends = q->key.addr.v4, *v6 = q->key.addr.v6;
	uint64_t ordered;

	if (unlikely(q->family == 6))
		return v6[0] != 0 && v6[2] != 0 && ((v6[0] ^ v6[2]) | (v6[1] ^ v6[3])) != 0;
	ordered = rte_be_to_cpu_64(q->dir ? ends << 32 | ends >> 32 : ends);
	return !tg_martian4((uint32_t)(ordered >> 32), (uint32_t)ordered);
}

/* A SYN, or an ordinary segment; *opens: which of them. */
static inline bool segment_plain(const struct live_packet *q, bool *opens)
{
	uint32_t word, header, flags;

	if (unlikely(q->size < TCP_HEADER))
		return false;
	word = load32(q->l4 + 12);
	header = word >> 26 & 0x3c;
	flags = word & TCP_SPECIAL;
	*opens = flags == TCP_OPENS;
	return likely((flags == TCP_OPENS || flags == TCP_ORDINARY) && header >= TCP_HEADER &&
		      header <= q->size);
}

/*
 * True: a packet without connection is ready to be judged. All that judging takes is its tuple; the
 * parser's record is made of those only that are allowed.
 */
static inline bool is_new(
	const struct lane *lane, const struct live_packet *q, unsigned int index, const bool tcp)
{
	struct tg_worker *w = lane->w;
	bool opens = true;

	if (unlikely(q->size == 0 || !ends_plain(q) ||
		     !(tcp ? segment_plain(q, &opens) : datagram_plain(q)) ||
		     (!opens && w->pickup)))
		return false;
	w->judged[w->n_judged++] = (struct judged_packet){
		.packet = (uint8_t)index,
		.initiator = q->dir,
		.wanted = opens,
		.plain = true,
		.judgement = (uint8_t)w->n_tuples,
	};
	tuple_make(&w->tuple[w->n_tuples], &q->key, q->family, q->dir, lane->zone);
	w->n_tuples += opens;
	return true;
}

/* Those of one protocol, all at home. */
static __rte_always_inline void follow(const struct lane *lane, uint64_t left, const bool tcp)
{
	const struct live_packet *packets = lane->w->live_packet;
	struct way_out out = way_out_of(lane);

	for (; left != 0; left &= left - 1) {
		const unsigned int index = (unsigned int)__builtin_ctzll(left);
		const struct live_packet *q = &packets[index];
		struct tg_conn *c = q->c;

		if (likely(tcp ? segment_passes(lane, c, q) : datagram_passes(lane, c, q)))
			pass(lane, &out, c, q, lane->mbufs[index]);
		else
			out = leave(lane, out, index);
	}
	put_back(lane, &out);
}

/* Those of one protocol whose connection is not in its home, if there is one. */
static __rte_always_inline void follow_far(const struct lane *lane, uint64_t left, const bool tcp)
{
	const struct live_packet *packets = lane->w->live_packet;
	struct way_out out = way_out_of(lane);

	for (; left != 0; left &= left - 1) {
		const unsigned int index = (unsigned int)__builtin_ctzll(left);
		const struct live_packet *q = &packets[index];
		const struct tg_table *table = table_of(lane->w, q->family);
		struct tg_conn *c = NULL;

		if (q->c->displaced != 0)
			c = tg_table_find_far(table, &q->key, tg_table_hash(table, &q->key));
		if (c == NULL) {
			if (unlikely(!is_new(lane, q, index, tcp)))
				out = leave(lane, out, index);
		} else if (q->size != 0 &&
			   (tcp ? segment_passes(lane, c, q) : datagram_passes(lane, c, q))) {
			pass(lane, &out, c, q, lane->mbufs[index]);
		} else {
			out = leave(lane, out, index);
		}
	}
	put_back(lane, &out);
}

/* A key that is not in its home: asks for the entry after it that it can be. */
static inline void fetch_far(struct tg_worker *w, uint64_t left)
{
	for (; left != 0; left &= left - 1) {
		const struct live_packet *q = &w->live_packet[__builtin_ctzll(left)];

		if (q->c->displaced == 0)
			continue;
		tg_table_fetch_displaced(table_of(w, q->family), q->c);
	}
}

/*
 * Of a connection that is not in its home, a packet with a mark is at the entry at once, and one
 * without has to go far. When a burst has both, those with a mark go there as well, in their turn.
 * Which they are.
 */
static __rte_noinline uint64_t known_far(struct tg_worker *w)
{
	uint64_t far = 0;

	for (uint64_t left = w->known; left != 0; left &= left - 1) {
		const unsigned int index = (unsigned int)__builtin_ctzll(left);
		struct live_packet *q = &w->live_packet[index];
		const struct tg_table *table = table_of(w, q->family);
		const uint64_t hash = tg_table_hash(table, &q->key);
		struct tg_conn *home = tg_table_home(table, hash);

		far |= (uint64_t)(q->c != home) << index;
		q->c = home;
	}
	return far;
}

/*
 * Packets of one key are in the same set: they keep their order. The places beyond the homes are
 * asked for before the first packet is followed.
 */
static void track_burst(struct tg_worker *w, struct rte_mbuf *const mbufs[], uint8_t port)
{
	const struct lane lane = lane_of(w, mbufs, port, false);
	uint64_t home = w->known, tcp = w->known_tcp;

	for (uint64_t left = w->live & ~w->known; left != 0; left &= left - 1) {
		const unsigned int index = (unsigned int)__builtin_ctzll(left);
		const struct live_packet *q = &w->live_packet[index];
		const uint64_t here = likely(q->family == 4) ? tg_table_is4(q->c, &q->key)
							     : tg_table_is6(q->c, &q->key);

		home |= here << index;
		tcp |= (uint64_t)is_tcp(q) << index;
	}
	if (unlikely(w->known != 0 && (w->live & ~home) != 0))
		home &= ~known_far(w);
	w->known = w->known_tcp = 0;
	fetch_far(w, w->live & ~home);
	if (unlikely(lane.tx->n > TX_BUFFER - TG_BURST))
		transmit(w, lane.tx);
	follow(&lane, home & tcp, true);
	follow(&lane, home & ~tcp, false);
	follow_far(&lane, w->live & ~home & tcp, true);
	follow_far(&lane, w->live & ~home & ~tcp, false);
	w->tx_pending |= (uint64_t)(lane.tx->n != 0) << (lane.tx - w->tx);
}

const struct express EXPRESS = {.receive = receive_burst, .track = track_burst};

#endif
