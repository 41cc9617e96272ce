/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The packet path. A datapath is what all workers of a process share: ports, settings, the ruleset
 * in force, the hand-off rings. A worker is one lcore's own: connection table, fragment table,
 * counters, transmit buffers. Packets go in as bursts; every mbuf handed in is transmitted, handed
 * to its owner or freed. Nothing here logs, locks, allocates or calls the system after creation.
 *
 * The loop around it (one lcore, one worker):
 *
 *	for each receive queue: n = rx; tg_worker_burst(w, port, mbufs, n, now);
 *	tg_worker_handoff(w, now);
 *	tg_worker_sweep(w, now);
 *	tg_worker_flush(w);
 *	wake those that tg_worker_handed(w) names
 *	report quiescent
 *
 * Everything that a burst judged has left for the transmit queue when flush returns, so a
 * generation that was replaced before a worker's quiescent report has no packet in flight after it.
 *
 * Time. `now` is milliseconds on any monotonic clock, the same one for all workers, starting near
 * 0 when the datapath is created (the pickup window counts from 0). Callers read it once a round.
 *
 * Ownership. A connection belongs to one worker, a function of its canonical tuple and group; the
 * worker of an address pair's hash tracks its fragments. A packet that reaches another worker is
 * passed over a ring. With one worker nothing is.
 */
#ifndef TG_PIPELINE_WORKER_H
#define TG_PIPELINE_WORKER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <tidegate/stats.h>
#include <tidegate/verdict.h>

#include "generation.h"
#include "timeout.h"

struct rte_mbuf;

#define TG_PORTS_MAX TG_STATS_PORTS
#define TG_WORKERS_MAX TG_STATS_WORKERS_MAX
#define TG_BURST 64 /* the most packets tg_worker_burst takes */
#define TG_RETA_MAX 512
#define TG_RSS_KEY_MAX 64

enum tg_side { TG_SIDE_INSIDE, TG_SIDE_OUTSIDE, TG_SIDE_ANY };

/* The link traffic a port passes: bits by built-in rule, TG_BUILTIN_ARP..TG_BUILTIN_VRRP. */
#define TG_LINK(sym) (1u << (TG_BUILTIN_##sym))
#define TG_LINK_DEFAULT                                                                \
	(TG_LINK(ARP) | TG_LINK(ND) | TG_LINK(MLD) | TG_LINK(IGMP) | TG_LINK(DHCPV4) | \
		TG_LINK(DHCPV6) | TG_LINK(LACP) | TG_LINK(LLDP) | TG_LINK(STP))
/* Router advertisements and redirects are ND, and separate bits: ND alone passes NS, NA and RS. */
#define TG_LINK_RA (1u << 30)
#define TG_LINK_REDIRECT (1u << 31)

/* Plain packets that a NIC may place: bits, by family and protocol. */
#define TG_PLACED_TCP4 (1u << 0)
#define TG_PLACED_UDP4 (1u << 1)
#define TG_PLACED_TCP6 (1u << 2)
#define TG_PLACED_UDP6 (1u << 3)
#define TG_PLACED_ALL 0xfu

struct tg_port_config {
	uint16_t ethdev;    /* DPDK port number; queue `worker index` is where a worker sends */
	uint16_t peer;	    /* index of the other end of the wire; its peer is this one */
	uint16_t zone;	    /* address zone that tuples are judged in */
	uint8_t group;	    /* connections are shared by the wires of one group */
	uint8_t end;	    /* which end of the group's wires, 0 or 1; the peer has the other */
	uint8_t side;	    /* enum tg_side */
	uint8_t placed;	    /* TG_PLACED bits: what the NIC is said to place as `rss` says */
	uint32_t mtu;	    /* longest IP datagram, bytes */
	uint32_t link_pass; /* TG_LINK bits, TG_LINK_RA, TG_LINK_REDIRECT */
};

/* Pods live inside: one that speaks from outside is somebody else. `kind`: the source's. */
static inline bool tg_port_spoofed(const struct tg_port_config *port, uint8_t kind)
{
	return port->side == TG_SIDE_OUTSIDE && (kind == TG_KIND_POD || kind == TG_KIND_QUARANTINE);
}

/* How the NICs place packets, when all of them do it the same, symmetric way. */
struct tg_rss_config {
	uint8_t key[TG_RSS_KEY_MAX];
	uint16_t key_length;	    /* 40 or 52 */
	uint16_t reta_size;	    /* power of two; 0: ownership is by the tables' own hash */
	uint16_t reta[TG_RETA_MAX]; /* worker by low bits of the Toeplitz hash */
};

struct tg_datapath_config {
	struct tg_port_config ports[TG_PORTS_MAX];
	uint32_t n_ports;
	uint32_t n_workers; /* 1..TG_WORKERS_MAX */
	uint32_t slot_capacity;
	bool no_ruleset_pass; /* without a ruleset pass everything, else drop it */
	bool keep_existing;   /* a change of rules does not cut live connections */
	bool tcp_liberal;     /* no window check */
	uint32_t pickup_ms;   /* mid-stream TCP is judged, not dropped, until now reaches this */
	uint32_t conn4_max;   /* connections a worker can hold; rounded up to a power of two */
	uint32_t conn6_max;   /* the same for IPv6 */
	/* of a worker; each family has its part, as of the two above; 0: half of them */
	uint32_t half_open_max;
	uint32_t half_open_per_source; /* of a worker: an address, or a stranger's IPv6 /64 */
	uint32_t fragments_max;	       /* datagrams in fragments at a time, of a worker */
	uint32_t fragment_timeout_ms;
	uint32_t fragments_held;   /* packets that wait for a first fragment, of a worker */
	uint32_t fragment_hold_ms; /* for so long */
	uint32_t handoff_depth;	   /* packets a ring between two workers holds; power of two */
	uint32_t sweep_ms;	   /* one pass over the connection tables takes this long */
	struct tg_conn_timeouts timeouts;
	struct tg_rss_config rss;
};

/* The stages of a burst, for measuring. X(SYMBOL, "name") */
#define TG_STAGES(X)          \
	X(FETCH, "fetch")     \
	X(RECEIVE, "receive") \
	X(TRACK, "track")     \
	X(JUDGE, "judge")     \
	X(RELEASE, "release") \
	X(SWEEP, "sweep")     \
	X(TRANSMIT, "transmit")

enum tg_stage {
#define X(sym, name) TG_STAGE_##sym,
	TG_STAGES(X)
#undef X
		TG_STAGE_COUNT
};

/* Cycles of the time stamp counter that each stage took. */
struct tg_stages {
	uint64_t cycles[TG_STAGE_COUNT];
};

struct tg_datapath;
struct tg_worker;

/* Shipped defaults; no ports, one worker. */
void tg_datapath_config_default(struct tg_datapath_config *config);

/*
 * Needs EAL. Checks the configuration (peers symmetric with opposite ends, one zone a group),
 * copies it, makes the rings. 0, -EINVAL, -ENOMEM.
 */
int tg_datapath_create(const struct tg_datapath_config *config, struct tg_datapath **out);
/* After the workers are freed; packets left in rings are freed. The generation stays the caller's.
 */
void tg_datapath_free(struct tg_datapath *dp);

/*
 * Control thread. Puts `gen` in force (NULL: none) and returns what was; the caller frees that
 * after every worker has passed a quiescent state.
 */
struct tg_generation *tg_datapath_publish(struct tg_datapath *dp, struct tg_generation *gen);
struct tg_generation *tg_datapath_generation(const struct tg_datapath *dp);
/* Control thread. Ports are down until told otherwise: packets to them are LINK_DOWN drops. */
void tg_datapath_set_link(struct tg_datapath *dp, uint16_t port, bool up);

/* As workers have found it (placement.h). */
enum tg_port_placement tg_datapath_placement(const struct tg_datapath *dp, uint16_t port);
/* Control thread. The port was configured anew: it has to show it again, or cannot any more. */
void tg_datapath_placed_anew(struct tg_datapath *dp, uint16_t port, bool placed);

/*
 * Worker `index` with counters in `stats` and `slots` (slot_capacity of them), both zeroed or
 * continued, owned by the caller. Memory is prepared on NUMA node `socket` (SOCKET_ID_ANY: -1).
 * 0, -EINVAL, -ENOMEM.
 */
int tg_worker_create(struct tg_datapath *dp, uint32_t index, int socket,
	struct tg_stats_worker *stats, struct tg_stats_slot *slots, struct tg_worker **out);
void tg_worker_free(struct tg_worker *w);
/* What the connections of a family (4 or 6) lie in, for the log. */
const char *tg_worker_pages(const struct tg_worker *w, uint8_t family);
/* Bytes that half-open connections are counted in, and that fragments are tracked in. */
uint64_t tg_worker_halfopen_bytes(const struct tg_worker *w);
uint64_t tg_worker_fragment_bytes(const struct tg_worker *w);

/* From now on stages are timed into `stages` (NULL: no longer), which stays the caller's. */
void tg_worker_time(struct tg_worker *w, struct tg_stages *stages);

/* n <= TG_BURST packets that port `port` (index in the configuration) received. */
void tg_worker_burst(
	struct tg_worker *w, uint16_t port, struct rte_mbuf *mbufs[], uint16_t n, uint64_t now);
/* Takes up to TG_BURST packets that other workers passed on. How many. */
uint16_t tg_worker_handoff(struct tg_worker *w, uint64_t now);
/* The workers, as bits, that packets were passed on to since this was asked last: wake them. */
uint64_t tg_worker_handed(struct tg_worker *w);
/*
 * A bounded step of the cursor over the connection tables: ages entries, folds their counters
 * into the rules', judges again what an older epoch judged. Paced by `now`: a pass takes sweep_ms
 * when called often enough; returns the milliseconds until the next step is due, 0: at once.
 */
uint32_t tg_worker_sweep(struct tg_worker *w, uint64_t now);
/* Sends what is buffered; what a transmit queue does not take is a TX_FULL drop. */
void tg_worker_flush(struct tg_worker *w);

#endif
