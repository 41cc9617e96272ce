/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A gateway in a test: real workers between in-memory ports, a ruleset of a few rules, a clock
 * that the test turns.
 *
 * Ports: 0 inside, 1 outside, joined by a wire; 2 and 3 likewise, a wire of another group.
 *
 * Addresses (the same in both families, fd00:1::N for 10.1.0.N and so on):
 *	pods 10.1.0.1 "client", .2 "server", .3 "closed" (no policy allows it anything), .4 "free"
 *	(governed by nothing), .66 claimed twice, .77 quarantined; the rest of 10.1.0.0/16 unknown
 *	nodes 10.0.0.10, .11; Service 10.96.0.1; everything else is the world
 * Rules: the client may send TCP 80, UDP 53, ICMP, SCTP 3868 and GRE anywhere, UDP 514 in audit
 * mode; the server may receive the same. Slots are below.
 */
#ifndef TG_TEST_WORLD_H
#define TG_TEST_WORLD_H

#include <stdbool.h>
#include <stdint.h>

#include "image.h"
#include "packet.h"
#include "worker.h"

#define WORLD_PORTS 4
#define WORLD_WORKERS 3
#define WORLD_SLOTS 128

enum {
	INSIDE,
	OUTSIDE,
	INSIDE2,
	OUTSIDE2,
};

/* Slots of the rules, egress of the client and ingress of the server. */
enum {
	SLOT_OUT_WEB = TG_SLOT_FIRST,
	SLOT_OUT_DNS,
	SLOT_OUT_ICMP,
	SLOT_OUT_SCTP,
	SLOT_OUT_GRE,
	SLOT_OUT_LOG, /* audit */
	SLOT_OUT_DENY,
	SLOT_IN_WEB,
	SLOT_IN_DNS,
	SLOT_IN_ICMP,
	SLOT_IN_SCTP,
	SLOT_IN_GRE,
	SLOT_IN_DENY,
	SLOT_CLOSED_OUT,
	SLOT_CLOSED_IN,
	SLOT_OUT_WEB_NEW, /* replaces SLOT_OUT_WEB where the ruleset says so */
	SLOT_NS_APPS,	  /* of the client and the free pod: LIMIT_APPS */
	SLOT_NS_DATA,	  /* of the server: LIMIT_DATA */
	SLOT_LIMIT,
};

/* Classes, IPv4; each one's IPv6 twin follows it. */
enum {
	CLASS_NONE,
	CLASS_WORLD,
	CLASS_CLIENT = 3,
	CLASS_SERVER = 5,
	CLASS_CLOSED = 7,
	CLASS_FREE = 9,
	CLASS_UNKNOWN = 11,
	CLASS_NODE = 13,
	CLASS_SERVICE = 15,
	CLASS_CONFLICT = 17,
	CLASS_QUARANTINE = 19,
	CLASS_COUNT = 21,
};

/* How a ruleset differs from the one described above. */
#define RULES_NO_WEB (1u << 0)	 /* the client may not send TCP 80 */
#define RULES_NEW_WEB (1u << 1)	 /* it may, by another rule */
#define RULES_NO_DNS (1u << 2)	 /* nor UDP 53 */
#define RULES_NO_ICMP (1u << 3)	 /* nor ICMP */
#define RULES_WEB_BOTH (1u << 4) /* server may open TCP from port 80, client may receive it */
#define RULES_OPEN_IN (1u << 5)	 /* the client's ingress is governed by no policy */
#define RULES_LIMITS (1u << 6)	 /* namespaces have limits */
#define RULES_MOVED (1u << 7)	 /* the client is in the server's namespace */
/* There is a second zone, the same but that "client" and "closed" have each other's addresses. */
#define RULES_FAR (1u << 8)
#define ZONE_FAR 40000

#define LIMIT_APPS 9
#define LIMIT_DATA 5

struct world {
	struct tg_datapath_config config; /* change between world_defaults and world_start */
	struct tg_datapath *dp;
	struct tg_worker *worker[WORLD_WORKERS];
	struct tg_stats_worker *stats[WORLD_WORKERS];
	struct tg_stats_slot *slots[WORLD_WORKERS];
	struct tg_classifier *classifier;
	struct tg_generation *generation;
	struct rte_mempool *pool;
	unsigned int idle_mbufs; /* free ones at the start: all must be back at the end */
	uint64_t now;
	uint64_t number;   /* of generations */
	uint32_t receiver; /* worker that world_send feeds */
};

/* What became of a packet. */
#define PASSED TG_DROP_COUNT
#define HELD (TG_DROP_COUNT + 1) /* neither sent nor dropped: a fragment, in a ring, or a bug */

void world_eal(void);
void world_defaults(struct world *w);
void world_start(struct world *w);
/* Checks that every mbuf came back, and what the tables say of their entries. */
void world_stop(struct world *w);

/* Puts a full ruleset in force (RULES_* bits), or none. */
void world_rules(struct world *w, uint32_t rules);
void world_no_rules(struct world *w);
/* The same pods, of which only the client may do anything: what `allow` lists. */
struct ruleset_allow;
void world_allow(struct world *w, const struct ruleset_allow *allow, unsigned int n);
/* A delta: address (text) gets a class, TG_NONE removes it. */
void world_remap(struct world *w, const char *address, uint32_t cls);
void world_remap_in(struct world *w, uint16_t zone, const char *address, uint32_t cls);

/* Sends one packet in by a port, lets all workers run dry; PASSED (unchanged, by the peer port), or
 * the drop reason. */
unsigned int world_send(struct world *w, unsigned int port, const char *text);
/* A burst of mbufs from one port; the number that came out of the peer. */
unsigned int world_burst(struct world *w, unsigned int port, struct rte_mbuf **m, unsigned int n);
/* The parts of both: packets in by a port until all workers have run dry, one that came out and by
 * which port (NULL: no more; the caller frees it), what the gateway keeps to itself. */
void world_feed(struct world *w, unsigned int port, struct rte_mbuf **m, unsigned int n);
struct rte_mbuf *world_take(unsigned int *port);
/* One that worker `worker` has sent by a port. */
struct rte_mbuf *world_take_of(unsigned int port, uint32_t worker);
/* All workers until none has anything left. */
void world_settle(struct world *w);
unsigned int world_held(const struct world *w);
bool world_same_bytes(struct rte_mbuf *m, const struct packet *sent);
/* One whole pass of every worker's sweep. Moves the clock by a few ms. */
void world_sweep(struct world *w);
/* So many milliseconds, in each of which all workers sweep as far as is due. */
void world_run(struct world *w, uint64_t ms);

/* Sums over the workers. world_slot sweeps first, so that live connections are counted. */
struct tg_stats_slot world_slot(struct world *w, uint32_t slot);
uint64_t world_drops(const struct world *w, enum tg_drop_reason reason);
struct tg_stats_worker world_stats(const struct world *w);

/* Which drop reasons any test of the process has seen. */
bool world_reached(enum tg_drop_reason reason);

/* A conversation: lines are sent in order and each must end as it says. */
struct line {
	unsigned int port;
	const char *packet;
	unsigned int expect; /* PASSED or a drop reason */
};

void world_play(struct world *w, const struct line *lines, size_t n);
#define PLAY(w, lines) world_play((w), (lines), sizeof(lines) / sizeof((lines)[0]))

#endif
