/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Between the workers and whoever owns the rules in the NICs. A worker offers connections that have
 * many packets, and takes back what hardware has counted; it never speaks to a driver.
 *
 * Synchronisation. One channel for each worker: two rings of messages, each with one sender and one
 * receiver, and the words that both see. Messages may be lost where a ring is full, but for those
 * that carry counts, which their sender keeps until there is room:
 *
 * - A lost offer is repeated when the connection is looked at next.
 * - A worker wants a connection back by writing its ticket into `recall` at the entry's number.
 *   That is never lost; the message that goes with it only makes it quicker.
 *
 * A ticket is one offer of one worker. It names the connection on both sides of the rings, as long
 * as table entries are used again. The worker's memory of it ends with TG_HARDWARE_BACK.
 *
 * Marks. Of a connection that a NIC cannot forward it may be able to recognise the packets. They
 * come to the worker as ever, but with a mark (RTE_MBUF_F_RX_FDIR_ID, hash.fdir.hi) that says
 * where in its table the worker has the connection:
 *
 *	mark = generation * places + 2 * index + (1 for IPv6)
 *
 * A mark is a hint. The packet is parsed and followed like any other; only the search for its
 * connection is spared, and only when the key of the entry is the packet's, in every bit: then it
 * is the entry that the search would have found. All other marks are counted, and the packet takes
 * the usual way. The generation tells why: that of the entry's lease, the mark is of a live
 * connection and on a packet of another one; else it is stale, of a lease that is over. Nothing
 * passes unseen: the connection is followed, times out and is judged as if there were no rule.
 */
#ifndef TG_PIPELINE_HARDWARE_H
#define TG_PIPELINE_HARDWARE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include <tidegate/verdict.h>

#include "classify.h"

struct rte_ring;
struct tg_datapath_config;
struct tg_worker;

enum tg_hardware_offer_kind {
	TG_HARDWARE_CONNECTION,
	/*
	 * What is denied again and again: of TCP every SYN to `dport`, from whatever port; else the
	 * tuple, whose replies nothing allows either.
	 */
	TG_HARDWARE_DENIAL,
	TG_HARDWARE_RECALL, /* look at `recall` of `entry` */
	TG_HARDWARE_MARK,   /* a connection whose packets are to be marked */
};

/* A worker's message. */
struct tg_hardware_offer {
	struct tg_tuple tuple; /* the initiator first */
	uint8_t kind;	       /* enum tg_hardware_offer_kind */
	uint8_t reason;	       /* DENIAL: enum tg_drop_reason */
	uint32_t verdict[TG_DIRECTION_COUNT];
	uint32_t epoch;	 /* in which that was judged */
	uint32_t ticket; /* 0: look at `recall` of `entry` */
	uint32_t entry;
	uint32_t index;	   /* of the table */
	uint32_t packets;  /* since the sweep looked at it before */
	uint32_t mark;	   /* MARK */
	uint16_t port;	   /* index of the port that the initiator's packets come by */
	uint8_t initiator; /* direction of its packets */
	uint8_t reserved;
};

enum tg_hardware_event_kind {
	TG_HARDWARE_TAKEN,   /* `entry` has it: its packets may no longer be seen */
	TG_HARDWARE_COUNTED, /* packets that were not seen */
	TG_HARDWARE_BACK,    /* it is in software again, or never left; last counts */
	TG_HARDWARE_DENIED,  /* packets that hardware dropped: not of a connection */
};

/* A message to a worker. */
struct tg_hardware_event {
	uint8_t kind;
	uint8_t family;
	uint8_t reason; /* DENIED: enum tg_drop_reason */
	uint8_t reserved;
	uint32_t ticket;
	uint32_t entry;
	uint32_t index;
	/* In force when hardware took it: whose rules packets count for. DENIED: of who denies. */
	uint32_t verdict[TG_DIRECTION_COUNT];
	uint64_t packets[2], bytes[2]; /* by direction of the connection; DENIED: the first */
};

static_assert(sizeof(struct tg_hardware_event) == 56, "event layout");

/*
 * What a worker has seen of a marked connection, since it was marked. The worker writes, while it
 * sweeps; the owner reads, and zeroes it before the entry is anybody's. Each word is true by
 * itself, of the entry's last user for a moment after that.
 */
struct tg_hardware_sight {
	_Atomic uint64_t packets[2], bytes[2]; /* by direction of the connection */
};

struct tg_hardware_channel {
	struct rte_ring *offers;  /* of struct tg_hardware_offer; the worker sends */
	struct rte_ring *events;  /* of struct tg_hardware_event; the worker receives */
	_Atomic uint32_t *recall; /* ticket by entry; the workers write, the owner reads */
	/* Packets in a pass of the sweep that make a connection worth offering. The owner writes.
	 */
	_Atomic uint32_t merit;
	/* Packets in a second that make a denial worth offering; 0: none are. */
	uint32_t denials;
	uint32_t places;      /* that a mark may say, a power of two; 0: there are no marks */
	uint32_t generations; /* of each; marks are below places * generations */
	struct tg_hardware_sight *sight; /* by entry; NULL where there are no marks */
	/* Ports, by bit, whose packets may have marks. The owner writes. */
	_Atomic uint64_t marking;
	/*
	 * Ports, by bit, that first packets come by of connections which are offered as MARK, by
	 * [is IPv6][is UDP]. The owner writes.
	 */
	_Atomic uint64_t to_mark[2][2];
};

/* What marks have to tell apart: each entry of a worker's two tables. A power of two. */
uint64_t tg_hardware_places(const struct tg_datapath_config *config);

/*
 * Before the worker runs. The channel outlives the worker. Memory for what the worker remembers of
 * each connection: 0 or -ENOMEM.
 */
int tg_worker_attach(struct tg_worker *w, struct tg_hardware_channel *channel);

/* Connections that hardware has. The worker's own thread. */
uint64_t tg_worker_offloaded(const struct tg_worker *w);

#endif
