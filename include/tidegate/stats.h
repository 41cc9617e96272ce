/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The statistics segment: one shared memory file (memfd), created by the dataplane at its
 * configured maximum size so that it never moves, mapped read-only by everybody else. Sparse:
 * pages that no counter touched cost nothing.
 *
 * Layout: struct tg_stats_header; ports[TG_STATS_PORTS]; struct tg_stats_offload; for each worker,
 * at worker_offset + w * worker_stride: struct tg_stats_worker, then slot_capacity times struct
 * tg_stats_slot. Offsets and strides are multiples of 64.
 *
 * Each counter has one writer (the worker; the control thread for header and ports) that
 * stores aligned 64-bit words without locks; readers load them relaxed and sum over the
 * workers. Counters only grow while the process lives; `instance` changes when it restarts.
 * The header's generation fields are written inside a sequence lock (`seq` odd while writing).
 */
#ifndef TIDEGATE_STATS_H
#define TIDEGATE_STATS_H

#include <assert.h>
#include <stdint.h>

#include <tidegate/verdict.h>

#define TG_STATS_MAGIC 0x31535441545354ull /* the bytes "TSTATS1" */
#define TG_STATS_MAJOR 1
#define TG_STATS_MINOR 3
#define TG_STATS_PORTS 64
#define TG_STATS_WORKERS_MAX 64
#define TG_STATS_PORT_NAME 32

/* Whether it is believed where a port's NIC places packets. X(SYMBOL, "text") */
#define TG_PORT_PLACEMENTS(X)   \
	X(SOFTWARE, "software") \
	X(LEARNING, "learning") \
	X(TRUSTED, "trusted")   \
	X(WRONG, "wrong")

enum tg_port_placement {
#define X(sym, text) TG_PORT_PLACEMENT_##sym,
	TG_PORT_PLACEMENTS(X)
#undef X
};

/* "?" for a number that is not in the list. */
static inline const char *tg_port_placement_text(unsigned int v)
{
	static const char *const texts[] = {
#define X(sym, text) text,
		TG_PORT_PLACEMENTS(X)
#undef X
	};
	return v < sizeof(texts) / sizeof(texts[0]) ? texts[v] : "?";
}

/* What became of the last reset that a port's driver asked for. */
enum tg_port_reset {
	TG_PORT_RESET_NONE,    /* none, or it went well */
	TG_PORT_RESET_RUNNING, /* the port is down meanwhile */
	TG_PORT_RESET_FAILED,  /* and stays down */
};

struct tg_stats_port {
	char name[TG_STATS_PORT_NAME]; /* as configured; empty: unused */
	uint32_t side;		       /* 0 inside, 1 outside, 2 any */
	uint32_t link_up;	       /* 0 or 1 */
	uint32_t peer;		       /* index of the other port of the pair */
	uint32_t mtu;
	uint64_t rx_packets;
	uint64_t rx_bytes;
	uint64_t tx_packets;
	uint64_t tx_bytes;
	uint64_t rx_missed; /* the NIC had no descriptor */
	uint64_t rx_errors;
	uint64_t tx_errors;
	uint64_t link_changes;
	uint64_t resets;    /* that the driver asked for and that went well */
	uint32_t reset;	    /* enum tg_port_reset */
	uint32_t placement; /* enum tg_port_placement */
};

struct tg_stats_header {
	uint64_t magic;
	uint16_t major;
	uint16_t minor;
	uint32_t header_size;
	uint64_t size;	     /* of the segment */
	uint64_t instance;   /* random, new at every start */
	uint64_t started_at; /* Unix time, ms */
	uint32_t n_workers;
	uint32_t n_ports;
	uint32_t slot_capacity;
	uint32_t n_drop_reasons; /* of the writer; labels by number, see verdict.h */
	uint64_t worker_offset;
	uint64_t worker_stride;
	/* under the sequence lock */
	uint32_t seq;
	uint32_t epoch;
	uint64_t generation;
	uint64_t delta_sequence;
	uint64_t applied_at;  /* Unix time of the last swap, ms */
	uint32_t state_flags; /* TG_STATE_* of control.h */
	uint32_t image_checksum;
	uint64_t image_size;
	uint64_t rulesets_applied;
	uint64_t rulesets_refused;
	uint64_t deltas_applied;
	uint64_t deltas_refused;
	uint64_t checkpoint_at;
	uint64_t checkpoint_errors;
	uint64_t heartbeat; /* Unix time, ms; stored about once a second */
	/* under the sequence lock as well: single addresses of the ruleset in force */
	uint64_t endpoints;
	uint64_t endpoints_capacity; /* with room for deltas */
	uint64_t endpoint_bytes;     /* memory of the tables that hold them */
	uint64_t reserved[7];
};

struct tg_stats_count {
	uint64_t packets;
	uint64_t bytes;
};

/* Occupancy fields are gauges. */
struct tg_stats_worker {
	struct tg_stats_count drops[64]; /* by enum tg_drop_reason */
	uint64_t rx_packets;
	uint64_t rx_bytes;
	uint64_t tx_packets;
	uint64_t tx_bytes;
	uint64_t polls;
	uint64_t idle_polls;
	uint64_t conn4_used; /* gauges: entries */
	uint64_t conn4_capacity;
	uint64_t conn6_used;
	uint64_t conn6_capacity;
	uint64_t half_open;
	uint64_t half_open_capacity;
	uint64_t fragments_used;
	uint64_t fragments_capacity;
	uint64_t conn_created; /* counters from here on */
	uint64_t conn_closed;
	uint64_t conn_expired;
	uint64_t conn_evicted;
	uint64_t conn_revoked;
	uint64_t conn_rejudged;
	uint64_t handoff_sent;
	uint64_t handoff_received;
	uint64_t swept_generation; /* no connection refers to a slot of an older generation */
	uint64_t seen_epoch;
	uint64_t busy_cycles; /* TSC */
	uint64_t total_cycles;
	uint64_t conn4_bytes; /* gauges: memory of the connection tables */
	uint64_t conn6_bytes;
	uint64_t busy_permille; /* gauges of the second before: cycles spent on packets */
	uint64_t receive_rate;	/* packets a second from ports */
	uint64_t handoff_rate;	/* packets a second to other workers */
	/* counters: what NICs have forwarded and dropped without this worker; in its rules' too */
	uint64_t offloaded_packets;
	uint64_t offloaded_bytes;
	uint64_t offloaded_drops;
	uint64_t offload_offers;
	uint64_t misplaced; /* packets that a NIC has placed elsewhere than it is said to */
	/* packets with marks: of the connection that the mark said, of none of that mark (any
	 * more), of another one */
	uint64_t marks_right;
	uint64_t marks_stale;
	uint64_t marks_wrong;
	uint64_t reserved[1];
};

/* What NICs do; the thread that owns their rules writes it. */
struct tg_stats_offload {
	uint64_t enabled;    /* 0: nothing else here is set */
	uint64_t installing; /* gauges: connections */
	uint64_t active;
	uint64_t draining;
	uint64_t capacity;
	uint64_t merit;	   /* gauge: packets in a pass of the sweep that a connection has to have */
	uint64_t memory;   /* gauge: bytes */
	uint64_t offers;   /* counters from here on: connections that workers offered */
	uint64_t taken;	   /* and that were installed */
	uint64_t inserted; /* rules */
	uint64_t removed;
	uint64_t failed;
	uint64_t packets;  /* forwarded, of connections */
	uint64_t dropped;  /* packets */
	uint64_t bytes;	   /* of both */
	uint64_t marked;   /* gauge: of the active ones, those whose packets are only marked */
	uint64_t left[32]; /* connections refused or returned, by enum tg_offload_reason */
};

/*
 * Of a NAMESPACE record: packets and bytes that its limit refused, connections that began, and, a
 * gauge, how many are open.
 *
 * One rule. Established connections keep their packet counts in their own entry and add them
 * here when the entry is swept: a live connection's packets show up within a few seconds.
 */
struct tg_stats_slot {
	uint64_t packets;
	uint64_t bytes;
	uint64_t connections; /* new connections this rule decided, allowed or denied */
	union {
		uint64_t would_deny; /* packets passed by an AUDIT verdict */
		uint64_t open;	     /* of a NAMESPACE record */
	};
};

#define TG_STATS_PORTS_OFFSET sizeof(struct tg_stats_header)
#define TG_STATS_OFFLOAD_OFFSET \
	(TG_STATS_PORTS_OFFSET + TG_STATS_PORTS * sizeof(struct tg_stats_port))
#define TG_STATS_WORKERS_OFFSET (TG_STATS_OFFLOAD_OFFSET + sizeof(struct tg_stats_offload))

static_assert(sizeof(struct tg_stats_port) == 128, "port layout");
static_assert(sizeof(struct tg_stats_header) == 256, "header layout");
static_assert(sizeof(struct tg_stats_worker) % 64 == 0, "worker layout");
static_assert(sizeof(struct tg_stats_offload) == 384, "offload layout");
static_assert(sizeof(struct tg_stats_slot) == 32, "slot layout");

#endif
