/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What the stages of the pipeline share: the bodies of datapath, generation and worker.
 *
 * Synchronisation. struct tg_datapath is constant while workers run, but for `generation` and
 * `link_up`, which the control thread writes and workers read, and for what placement.h says.
 * struct tg_generation: see generation.h. A struct tg_worker and all it points to is one thread's
 * own; its counters lie in the statistics segment, where others read them. Rings are
 * single-producer, single-consumer: one for each ordered pair of workers.
 */
#ifndef TG_PIPELINE_INTERNAL_H
#define TG_PIPELINE_INTERNAL_H

#include <stdatomic.h>

#include <rte_branch_prediction.h>
#include <rte_cycles.h>
#include <rte_mbuf.h>
#include <rte_ring.h>

#include "budget.h"
#include "bytes.h"
#include "fragment.h"
#include "halfopen.h"
#include "hardware.h"
#include "packet.h"
#include "placement.h"
#include "classify.h"
#include "table.h"
#include "worker.h"

#define FILTER_WORDS 512 /* 4 KiB: stays in the first-level cache */
#define TX_BUFFER (2 * TG_BURST)
#define HANDOFF_BUFFER TG_BURST

struct tg_generation {
	const struct tg_classifier *classifier;
	bool limits; /* namespaces have some */
	uint64_t number;
	uint32_t base; /* connections of an earlier epoch are judged again whatever the filter */
	_Atomic uint32_t epoch;
	uint32_t bits; /* control thread only: set in the filter */
	_Atomic uint64_t filter[FILTER_WORDS];
};

struct tg_datapath {
	struct tg_datapath_config config;
	_Atomic(struct tg_generation *) generation;
	_Atomic bool link_up[TG_PORTS_MAX];
	_Atomic uint32_t placing[TG_PORTS_MAX];	 /* placement.h: how often it began, or WRONG */
	_Atomic uint64_t trusting[TG_PORTS_MAX]; /* bit by worker */
	struct tg_secret secret;
	struct tg_budget budget; /* of namespaces, by the slots of their limits */
	struct rte_ring **ring;	 /* [from * n_workers + to]; NULL on the diagonal */
};

/*
 * What travels with a packet that is handed to another worker: in the mbuf's `hash`, of which
 * nobody needs what a NIC has left there, and which lies in the mbuf's first line.
 */
struct note {
	uint16_t sport, dport;
	uint8_t protocol;
	uint8_t port;	   /* by which it came */
	uint8_t annotated; /* a fragment: ports and protocol are set */
	uint8_t reserved;
};

static_assert(sizeof(struct note) <= sizeof(((struct rte_mbuf *)NULL)->hash) &&
		      offsetof(struct rte_mbuf, hash) + sizeof(struct note) <= RTE_CACHE_LINE_SIZE,
	"a note is in the mbuf's first line");

static inline struct note *note_of(struct rte_mbuf *m)
{
	return (struct note *)(void *)&m->hash;
}

struct tx_buffer {
	uint16_t ethdev;
	uint16_t n;
	uint32_t bytes;
	struct rte_mbuf *m[TX_BUFFER];
};

struct handoff_buffer {
	uint16_t n;
	struct rte_mbuf *m[HANDOFF_BUFFER];
};

/* What it takes to find a live packet's connection and, if nothing is special, to follow it. */
struct live_packet {
	struct tg_key key;
	struct tg_conn *c; /* the key's home */
	const uint8_t *l4; /* of express packets only: transport header */
	uint32_t length;   /* of the frame */
	uint16_t size;	   /* of the datagram's payload; 0: what there is to know is in `packet` */
	uint8_t dir;
	uint8_t family;
};

static_assert(sizeof(struct live_packet) == 64, "a line for each packet");

/*
 * The way of most packets through a burst, one for each kind of processor. `receive` parses n
 * packets that came by `port`, maybe to another worker, and finds out which are live; `track`
 * follows these.
 */
struct express {
	void (*receive)(struct tg_worker *w, struct rte_mbuf *const mbufs[], unsigned int n,
		uint8_t port, bool handed_over);
	void (*track)(struct tg_worker *w, struct rte_mbuf *const mbufs[], uint8_t port);
};

/* A packet that no live, current connection decides at first sight. */
struct judged_packet {
	uint8_t packet;	   /* index of the burst */
	uint8_t initiator; /* direction whose source the judged tuple has as source */
	bool wanted;	   /* a judgement is needed */
	bool plain;	   /* none was there, of any sort; only w->live_packet tells of it yet */
	uint8_t judgement; /* when wanted: index of the worker's judgements */
	uint8_t reversed;  /* the same for the other orientation, when that is asked for */
};

struct sweep {
	uint8_t table;
	uint64_t cursor;     /* span */
	uint64_t due;	     /* spans, 1/1024 */
	uint64_t rate;	     /* spans a millisecond, 1/1024 */
	uint64_t last;	     /* ms */
	uint64_t generation; /* in force when this pass began; 0: none */
	uint64_t packets;    /* of the worker, when it swept last */
	uint64_t unseen;     /* spans from the cursor on of which everything must be visited */
	uint32_t epoch;	     /* that all others are of */
	uint32_t pass;	     /* its number */
	uint32_t every;	     /* passes in which everything is visited once: 1, 2 or 4 */
	uint32_t busy;	     /* with more connections than this they are not all visited in one */
	uint32_t horizon;    /* ms: who lasts longer need not be watched */
};

/* For what could make room in a full table: at most so many in a time. */
struct searches {
	uint32_t left;
	uint32_t refilled; /* ms */
};

/* What a worker remembers of a connection that it has offered to hardware: who has it now. */
enum hardware_state {
	LEASE_NONE,
	LEASE_OFFERED,
	LEASE_TAKEN,
	LEASE_RECALLED,
};

#define ENTRY_MASK 0x0fffffffu

struct hardware_lease {
	uint32_t ticket;
	uint32_t entry : 28;   /* of the owner's, from TAKEN on */
	uint32_t state : 2;    /* enum hardware_state */
	uint32_t unwanted : 1; /* while OFFERED: to be recalled when it is TAKEN */
	uint32_t marked : 1;   /* its packets come here, with a mark */
};

static_assert(sizeof(struct hardware_lease) == 8, "a word for each connection");

/* What is denied often, as far as a small table can tell. */
#define DENIALS 256

struct denial {
	struct tg_tuple tuple; /* of TCP without the source's port */
	uint32_t since;	       /* ms */
	uint32_t count;	       /* packets */
	uint8_t port;
	uint8_t reason; /* enum tg_drop_reason */
};

struct tg_worker {
	struct tg_datapath *dp;
	uint32_t index;
	uint32_t slot_capacity;
	struct tg_stats_worker *stats;
	struct tg_stats_slot *slots;
	/* of the round */
	const struct tg_generation *gen; /* NULL: no ruleset */
	uint32_t epoch;
	uint32_t now;
	bool pickup;
	bool pickup_over; /* for good: not everything that was cut could be remembered */

	uint8_t trusted; /* TG_PLACED bits of this burst's port that need no look at the owner */
	struct placement placement[TG_PORTS_MAX];

	struct tg_stages *stages; /* NULL: nobody measures */
	uint64_t stage_began;

	struct tg_table table[2]; /* IPv4, IPv6 */
	struct tg_halfopen halfopen[2];
	struct searches searches[2];
	struct tg_conn_timeouts timeouts[2]; /* in force: some are shorter while room is short */
	struct tg_fragments fragments;
	struct sweep sweep;
	uint64_t tx_pending;	    /* bit by port: something is buffered */
	struct tx_buffer *tx;	    /* by port */
	struct handoff_buffer *out; /* by worker */
	uint64_t handed;	    /* bit by worker: it has got packets */

	struct tg_hardware_channel *hardware; /* NULL: there is none */
	struct hardware_lease *lease[2];      /* by table and entry of it */
	uint32_t ticket;		      /* the last */
	struct denial *denial;		      /* DENIALS of them */
	uint32_t mark_mask; /* what of a mark is the place; 0: there are no marks */

	const struct express *express;
	uint64_t live; /* bit by index of the packet: a connection decides */
	/* Of these: `c` of their live_packet is their connection; and which are TCP. 0 but between
	 * receiving and tracking. */
	uint64_t known, known_tcp;
	struct live_packet live_packet[TG_BURST] __rte_cache_aligned;
	struct tg_packet packet[TG_BURST];
	struct judged_packet judged[TG_BURST];
	struct rte_mbuf *dropped[TG_BURST];
	struct tg_tuple tuple[TG_BURST];
	const struct tg_tuple *tuples[TG_BURST]; /* these, in order */
	struct tg_judgement judgement[TG_BURST], reversed[TG_BURST];
	unsigned int n_judged, n_tuples, n_dropped;
};

/* ---- generation.c ---- */

static inline uint64_t filter_hash(const uint8_t *addr, unsigned int size)
{
	uint64_t a = 0, b = 0;

	memcpy(&a, addr, size < 8 ? size : 8);
	if (size > 8)
		memcpy(&b, addr + 8, 8);
	return tg_secret_fold(a ^ 0x9e3779b97f4a7c15ull, b ^ 0xc2b2ae3d27d4eb4full);
}

static inline uint64_t filter_bits(uint64_t hash)
{
	return 1ull << (hash >> 58) | 1ull << (hash >> 52 & 63);
}

static inline bool filter_hit(
	const struct tg_generation *gen, const uint8_t *addr, unsigned int size)
{
	uint64_t hash = filter_hash(addr, size), bits = filter_bits(hash);
	uint64_t word =
		atomic_load_explicit(&gen->filter[hash % FILTER_WORDS], memory_order_relaxed);

	return (word & bits) == bits;
}

/* ---- account.c: counters ---- */

static inline struct tg_table *table_of(struct tg_worker *w, uint8_t family)
{
	return &w->table[family == 6];
}

static inline struct tg_halfopen *halfopen_of(struct tg_worker *w, const struct tg_table *table)
{
	return &w->halfopen[table->family == 6];
}

/* Of a pair of which one denies. */
static inline enum tg_direction denying_side(const uint32_t verdict[TG_DIRECTION_COUNT])
{
	return tg_verdict_passes(verdict[TG_EGRESS]) ? TG_INGRESS : TG_EGRESS;
}

/* Adds to the slots of both sides' verdicts (once, if they are the same rule's). */
void charge(struct tg_worker *w, const uint32_t verdict[2], uint64_t packets, uint64_t bytes);
void charge_slot(
	struct tg_worker *w, uint32_t slot, uint64_t packets, uint64_t bytes, uint64_t connections);
/* A connection's counters into its rules' slots. */
void fold(struct tg_worker *w, struct tg_table *table, struct tg_conn *c);

/* Slots are anywhere in the segment: ask for them early. */
static inline void fetch_slots(const struct tg_worker *w, const uint32_t verdict[2])
{
	for (unsigned int i = 0; i < TG_DIRECTION_COUNT; i++) {
		uint32_t slot = tg_verdict_slot(verdict[i]);

		if (slot < w->slot_capacity)
			rte_prefetch0(&w->slots[slot]);
	}
}

/* A connection has begun that both sides' rules let in. */
static inline void charge_begun(struct tg_worker *w, const uint32_t verdict[2])
{
	uint32_t egress = tg_verdict_slot(verdict[TG_EGRESS]);
	uint32_t ingress = tg_verdict_slot(verdict[TG_INGRESS]);

	if (likely(egress < w->slot_capacity))
		w->slots[egress].connections++;
	if (ingress != egress && likely(ingress < w->slot_capacity))
		w->slots[ingress].connections++;
}

static inline void count_packet(struct tg_worker *w, struct tg_table *table, struct tg_conn *c,
	unsigned int dir, uint32_t length)
{
	uint64_t *count = &c->count[dir];

	*count += TG_CONN_COUNT_PACKET + length;
	if (unlikely(*count & TG_CONN_COUNT_FOLD))
		fold(w, table, c);
}

/* ---- life.c: connections come and go ---- */

void conn_remove(struct tg_worker *w, struct tg_table *table, struct tg_conn *c);
/*
 * The connection is over: it is removed, or, when its next segment would be picked up as if the
 * gateway had not seen the end, buried. What was revoked must not come back; when there is no room
 * to remember it, this worker picks up nothing more.
 */
void conn_end(struct tg_worker *w, struct tg_table *table, struct tg_conn *c, bool revoked);

/* After its timeout. True: removed; false: buried. */
bool conn_expire(struct tg_worker *w, struct tg_table *table, struct tg_conn *c);

/* Buried ones last as long as segments are picked up. */
static inline bool conn_over(
	const struct tg_worker *w, const struct tg_table *table, const struct tg_conn *c)
{
	return unlikely(tg_conn_expired(c, &w->timeouts[table->family == 6], w->now)) &&
	       !(w->pickup && (c->flags & TG_CONN_BURIED));
}

void conn_set_state(struct tg_worker *w, struct tg_table *table, struct tg_conn *c, uint8_t state);
/* Its initiator has spoken: from now on it is the one that a half-open connection counts for. */
void conn_end_trial(struct tg_worker *w, struct tg_table *table, struct tg_conn *c);
/* TG_CONN_WIDE if an initiator of this kind counts with its whole network, else 0. */
static inline uint8_t wide_source(const struct tg_table *table, uint8_t kind)
{
	return table->family == 6 && kind == TG_KIND_WORLD ? TG_CONN_WIDE : 0;
}

/*
 * As the second half of the room for half-open connections fills, or the last quarter of a table,
 * what is not firm is given less time: in proportion to what is left, down to a grace period.
 */
void conn_adapt_timeouts(struct tg_worker *w, struct tg_table *table);
/*
 * The packet is about to begin a connection: asks for what conn_create touches, but for the cold
 * part, which it returns: these are asked for together (see fetch_connections in express.h).
 */
const struct tg_conn_cold *conn_expect(
	struct tg_worker *w, const struct tg_packet *p, const struct tg_judgement *j);
/*
 * A connection by its first packet, `initiator` being the direction of the initiator's packets.
 * NULL, with the reason why there is none.
 */
struct tg_conn *conn_create(struct tg_worker *w, const struct tg_packet *p, unsigned int initiator,
	const struct tg_judgement *j, enum tg_drop_reason *reason);
/* The SYN or INIT that `pending` remembers has been answered: it becomes the connection. */
void conn_adopt_pending(struct tg_worker *w, struct tg_table *table, struct tg_conn *c);

/* ---- hardware.c: connections whose packets NICs forward ---- */

/* A connection that the sweep looks at, before it is folded. */
void hardware_offer(struct tg_worker *w, struct tg_table *table, struct tg_conn *c);
/* May packets of it pass unseen? */
bool hardware_has(struct tg_worker *w, const struct tg_table *table, const struct tg_conn *c);
/* From now on all its packets are to come here. True: until they do, its numbers may be stale. */
bool hardware_recall(struct tg_worker *w, const struct tg_table *table, const struct tg_conn *c);
/* The connection is over. */
void hardware_forget(struct tg_worker *w, const struct tg_table *table, const struct tg_conn *c);
/* A packet of `tuple` was denied that has nothing special about it. */
void hardware_denied(struct tg_worker *w, const struct tg_tuple *tuple,
	const struct tg_judgement *j, uint8_t port, enum tg_drop_reason reason);
void hardware_take_events(struct tg_worker *w);
/* A mark that its packet does not belong to; the place is within its table. */
void hardware_misled(struct tg_worker *w, uint32_t mark);
/* May what a port receives have marks? Where there are any. */
static inline bool hardware_marks(const struct tg_worker *w, unsigned int port)
{
	return atomic_load_explicit(&w->hardware->marking, memory_order_relaxed) >> port & 1;
}

/* ---- namespace.c: limits of namespaces ---- */

/*
 * Whose limit a connection between the ends of `key`, judged so, counts against; NULL: nobody's. To
 * be asked where there are limits.
 */
const struct tg_namespace_limit *namespace_of(const struct tg_worker *w, const struct tg_key *key,
	uint8_t family, unsigned int initiator, unsigned int port, const struct tg_judgement *j);
/* A place for a new connection; false: there is none. */
bool namespace_admit(struct tg_worker *w, const struct tg_namespace_limit *limit);
/* The connection has come about and has the place. */
void namespace_join(
	struct tg_worker *w, struct tg_conn_cold *cold, const struct tg_namespace_limit *limit);
/* It has not. */
void namespace_waive(struct tg_worker *w, const struct tg_namespace_limit *limit);
/* One that is open counts for this namespace from now on (NULL: none), and for no other. */
void namespace_move(
	struct tg_worker *w, struct tg_conn_cold *cold, const struct tg_namespace_limit *limit);
void namespace_leave(struct tg_worker *w, struct tg_conn_cold *cold);

/* ---- track.c: packets of live connections ---- */

enum track_result {
	TRACK_PASS,
	TRACK_DROP,  /* reason in p->code */
	TRACK_JUDGE, /* a judgement of the packet's own direction is needed */
};

/* Is the connection's verdict of this epoch? Stamps it when only deltas of others came between. */
bool track_current(struct tg_worker *w, struct tg_table *table, struct tg_conn *c);
/* A packet of a connection that is current: its state moves on, it is counted. */
enum track_result track(
	struct tg_worker *w, struct tg_table *table, struct tg_conn *c, struct tg_packet *p);
/* A live packet of which w->packet tells: it is forwarded, dropped or left to judge_all. */
void track_one(struct tg_worker *w, unsigned int index);

/*
 * The epoch of a live connection of which a packet waits for judge_all: so do those that come
 * behind it in the burst, for packets of a connection keep their order. No connection is as old.
 */
static inline uint32_t waiting_epoch(const struct tg_worker *w)
{
	return w->epoch ^ 1u << 31;
}

/* ---- judge.c: packets that need a judgement ---- */

/* `c`: a connection to be judged again, or NULL: the packet itself. */
void judge_later(struct tg_worker *w, unsigned int packet, const struct tg_conn *c, bool wanted);
/* Packets of a burst that came by `port`; fragments that waited are none of the plain ones. */
void judge_all(struct tg_worker *w, struct rte_mbuf *const mbufs[], uint8_t port);
/* A refused first fragment leaves nothing behind: the others then have no first. */
void drop_whole(struct tg_worker *w, struct tg_packet *p, enum tg_drop_reason reason);
/* The tuple of a connection or packet as the classifier takes it. */
static inline void tuple_make(struct tg_tuple *tuple, const struct tg_key *key, uint8_t family,
	unsigned int initiator, uint16_t zone)
{
	const uint8_t protocol = (uint8_t)(key->tail >> 32);
	const bool has_ports = protocol == TG_IPPROTO_TCP || protocol == TG_IPPROTO_UDP ||
			       protocol == TG_IPPROTO_SCTP;
	const uint64_t ports = has_ports ? key->tail : 0;

	if (likely(family == 4)) {
		tuple->src.v4 = (uint32_t)(key->addr.v4 >> (32 * initiator));
		tuple->dst.v4 = (uint32_t)(key->addr.v4 >> (32 * (initiator ^ 1)));
	} else {
		memcpy(tuple->src.v6, &key->addr.v6[2 * initiator], 16);
		memcpy(tuple->dst.v6, &key->addr.v6[2 * (initiator ^ 1)], 16);
	}
	tuple->sport = (uint16_t)(ports >> (16 * initiator));
	tuple->dport = (uint16_t)(ports >> (16 * (initiator ^ 1)));
	tuple->zone = zone;
	tuple->protocol = protocol;
	tuple->family = family;
}

/*
 * A stale connection's new verdict. False: it is denied now, and was removed; *slot gets the
 * rule's.
 */
bool rejudge(struct tg_worker *w, struct tg_table *table, struct tg_conn *c,
	const struct tg_judgement *j, uint32_t *slot);

/* ---- forward.c: where packets go ---- */

void transmit(struct tg_worker *w, struct tx_buffer *tx);
void drop(struct tg_worker *w, struct tg_packet *p, enum tg_drop_reason reason);
static inline void drop_frame(
	struct tg_worker *w, struct rte_mbuf *m, uint32_t length, enum tg_drop_reason reason)
{
	w->stats->drops[reason].packets++;
	w->stats->drops[reason].bytes += length;
	w->dropped[w->n_dropped++] = m;
}
/* Passes a packet to another worker. */
void hand_over(struct tg_worker *w, struct rte_mbuf *m, uint32_t to, struct note note);
void flush_handoff(struct tg_worker *w);
void free_dropped(struct tg_worker *w);
/* Fragments that were held in vain. */
void drop_held(struct tg_worker *w);

/* ---- receive.c: from a frame to a live packet ---- */

/* Parses a packet into w->packet; one that was handed over has a note. True: a connection decides.
 */
bool receive_one(struct tg_worker *w, unsigned int index, struct rte_mbuf *m, uint8_t port,
	bool handed_over);
/* The same for a packet of which w->live_packet told so far. */
bool receive_again(struct tg_worker *w, unsigned int index, struct rte_mbuf *m, uint8_t port);
/* What receive_again would make of one that is plain (struct judged_packet). */
void receive_plain(struct tg_worker *w, unsigned int index, struct rte_mbuf *m, uint8_t port);
/* What the fragment table takes of a packet. */
void fragment_of(const struct tg_packet *p, uint8_t group, struct tg_fragment *f);

/* ---- owner.c: which worker a packet belongs to ---- */

static inline uint32_t owner_by_hash(uint64_t hash, uint32_t n_workers)
{
	/* The upper half: the tables index by the lower. */
	return (uint32_t)((hash >> 32) * n_workers >> 32);
}

uint32_t owner_of(const struct tg_datapath *dp, const struct tg_packet *p);
uint32_t owner_of_fragments(const struct tg_datapath *dp, const struct tg_packet *p);

/* ---- express.c: packets of connections that nothing happens to ---- */

extern const struct express express_scalar, express_v3;

/* The fastest that this processor can do; all do the same. */
const struct express *express_for_processor(void);

/* ---- sweep.c ---- */

void sweep_init(struct tg_worker *w);

/* ---- worker.c ---- */

/* Loads what is in force; at the beginning of each call from outside. */
void begin_round(struct tg_worker *w, uint64_t now);

static inline void stage_begins(struct tg_worker *w)
{
	if (unlikely(w->stages != NULL))
		w->stage_began = rte_rdtsc();
}

/* Ends a stage; the next one begins. */
static inline void stage_ends(struct tg_worker *w, enum tg_stage stage)
{
	uint64_t now;

	if (likely(w->stages == NULL))
		return;
	now = rte_rdtsc();
	w->stages->cycles[stage] += now - w->stage_began;
	w->stage_began = now;
}

static inline const struct tg_port_config *port_of(
	const struct tg_worker *w, const struct tg_packet *p)
{
	return &w->dp->config.ports[p->port];
}

static inline void forward(struct tg_worker *w, const struct tg_packet *p)
{
	uint16_t out = port_of(w, p)->peer;
	struct tx_buffer *tx = &w->tx[out];

	tx->m[tx->n++] = p->m;
	tx->bytes += p->length;
	w->tx_pending |= 1ull << out;
	if (unlikely(tx->n == TX_BUFFER))
		transmit(w, tx);
}

#endif
