/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What the dataplane says of what NICs have: the file that comes with OFFLOAD_REPORT
 * (<tidegate/control.h>), a memfd with F_SEAL_SHRINK, GROW and WRITE.
 *
 * Layout: struct tg_hw_report; n_ports times struct tg_hw_port, in the configuration's
 * order; n_rules times struct tg_hw_rule; n_left times struct tg_hw_left. Nothing behind.
 * All integers are little-endian, texts end with NUL, reserved fields are zero. Offsets are
 * multiples of 8. At most TG_HW_PORTS ports and TG_HW_LIMIT of each of the others, so a
 * file has at most TG_HW_SIZE_MAX bytes.
 *
 * Each record is whole, but the list is not of one moment: while it is made connections come and
 * go. Times are ages, in ms before `at`; they are of the owner's clock, which goes around after 49
 * days.
 *
 * What is listed as left is the last time that each connection or denial was refused or given back,
 * of as many as there is room for; another one may have taken its place.
 */
#ifndef TIDEGATE_OFFLOAD_REPORT_H
#define TIDEGATE_OFFLOAD_REPORT_H

#include <assert.h>
#include <stdint.h>

#include <tidegate/offload.h>
#include <tidegate/stats.h>

#define TG_HW_MAGIC 0x504552464f4754ull /* the bytes "TGOFREP" */
#define TG_HW_VERSION 3
#define TG_HW_PORTS 64
#define TG_HW_LIMIT 65536
#define TG_HW_NAME 32
#define TG_HW_WHY 256

/* What may be in hardware. Append only. X(SYMBOL, "text") */
#define TG_HW_KINDS(X)                       \
	X(TCP4, "TCP over IPv4")             \
	X(UDP4, "UDP over IPv4")             \
	X(TCP6, "TCP over IPv6")             \
	X(UDP6, "UDP over IPv6")             \
	X(DENY_TCP4, "denied TCP over IPv4") \
	X(DENY_UDP4, "denied UDP over IPv4") \
	X(DENY_TCP6, "denied TCP over IPv6") \
	X(DENY_UDP6, "denied UDP over IPv6") \
	X(MARK_TCP4, "marked TCP over IPv4") \
	X(MARK_UDP4, "marked UDP over IPv4") \
	X(MARK_TCP6, "marked TCP over IPv6") \
	X(MARK_UDP6, "marked UDP over IPv6")

enum tg_hw_kind_number {
#define X(sym, text) TG_HW_##sym,
	TG_HW_KINDS(X)
#undef X
		TG_HW_KIND_COUNT
};

/* "?" for a number that is not in the list. */
static inline const char *tg_hw_kind_text(unsigned int v)
{
	static const char *const texts[] = {
#define X(sym, text) text,
		TG_HW_KINDS(X)
#undef X
	};
	return v < TG_HW_KIND_COUNT ? texts[v] : "?";
}

#define TG_HW_OFF 0u	 /* not configured */
#define TG_HW_NOTHING 1u /* configured, but no port can do anything */
#define TG_HW_ON 2u

#define TG_HW_MORE_RULES (1u << 0) /* there are more than were asked for */
#define TG_HW_MORE_LEFT (1u << 1)

struct tg_hw_report {
	uint64_t magic;
	uint32_t version;
	uint32_t state; /* TG_HW_OFF, NOTHING, ON */
	uint64_t size;	/* of the file */
	uint64_t at;	/* Unix time, ms */
	uint32_t n_ports;
	uint32_t n_rules;
	uint32_t n_left;
	uint32_t flags;	  /* TG_HW_MORE_* */
	uint32_t idle_ms; /* without a packet: back to software */
	uint32_t reserved[3];
	struct tg_stats_offload counts; /* all zero when OFF */
};

struct tg_hw_kind {
	uint32_t hardware; /* 0 or 1 */
	uint32_t reserved;
	char why[TG_HW_WHY]; /* of software */
};

/* Whether workers believe where the NIC places packets on queues, offload or not. */
struct tg_hw_placement {
	uint32_t state; /* enum tg_port_placement of stats.h */
	uint32_t reserved;
	char why[TG_HW_WHY]; /* what is not believed; empty: nothing to add */
};

#define TG_HW_PORT_UP (1u << 0)
#define TG_HW_PORT_READY (1u << 1)  /* rules may be inserted; not while it holds off */
#define TG_HW_PORT_UNSURE (1u << 2) /* a removal failed: until a flush succeeds */

struct tg_hw_port {
	char name[TG_HW_NAME];
	char profile[TG_HW_NAME]; /* of the NIC; empty: none */
	uint32_t flags;
	uint32_t hold_off_ms; /* so long the driver is not asked again; 0: it is */
	uint32_t stale_ms;    /* how old counters may be, the poll included */
	uint32_t reserved;
	char wire[TG_HW_WHY]; /* why its wire carries no connection; empty: it can */
	struct tg_hw_placement placement;
	struct tg_hw_kind kind[TG_HW_KIND_COUNT];
};

/* IPv4 addresses in the first 4 bytes, the rest zero; network order. Ports in host order. */
struct tg_hw_tuple {
	uint8_t src[16]; /* of who began it */
	uint8_t dst[16];
	uint16_t sport; /* 0: any, as denials of TCP have it */
	uint16_t dport;
	uint16_t zone;
	uint8_t protocol; /* IANA */
	uint8_t family;	  /* 4 or 6 */
};

#define TG_HW_CONNECTION 0u
#define TG_HW_DENIAL 1u
#define TG_HW_MARK 3u /* a connection whose packets come to software with a mark */

#define TG_HW_INSTALLING 1u
#define TG_HW_ACTIVE 2u
#define TG_HW_DRAINING 3u

/* A connection, which is two rules (or one, where one port marks), or a denial, which is one. */
struct tg_hw_rule {
	struct tg_hw_tuple tuple;
	uint8_t kind;	     /* CONNECTION, DENIAL, MARK */
	uint8_t state;	     /* INSTALLING, ACTIVE, DRAINING */
	uint8_t why;	     /* DRAINING: enum tg_offload_reason */
	uint8_t drop_reason; /* DENIAL: enum tg_drop_reason of its packets */
	uint16_t port;	     /* index of the one that its first packet came by */
	uint16_t peer;	     /* and of the one that replies come by */
	uint32_t worker;     /* that owns it */
	uint32_t since_ms;   /* in this state */
	uint32_t seen_ms;    /* when its counters last moved */
	uint32_t stale_ms;   /* how old the counters may be */
	/* Since it is in hardware, as read last: of who began it, replies. MARK: that software had.
	 */
	uint64_t packets[2];
	uint64_t bytes[2];
};

struct tg_hw_left {
	struct tg_hw_tuple tuple;
	uint8_t kind;
	uint8_t why;   /* enum tg_offload_reason */
	uint8_t given; /* 0: it was refused, 1: it was in hardware and was given back */
	uint8_t reserved;
	uint16_t port;
	uint16_t worker;
	uint32_t age_ms;
	uint32_t times; /* in a row, for this reason */
};

#define TG_HW_SIZE_MAX                                                           \
	(sizeof(struct tg_hw_report) + TG_HW_PORTS * sizeof(struct tg_hw_port) + \
		TG_HW_LIMIT * (sizeof(struct tg_hw_rule) + sizeof(struct tg_hw_left)))

static_assert(sizeof(struct tg_hw_report) == 448, "report header layout");
static_assert(sizeof(struct tg_hw_kind) == 264, "report kind layout");
static_assert(sizeof(struct tg_hw_placement) == 264, "report placement layout");
static_assert(sizeof(struct tg_hw_port) == 336 + 264 + 12 * 264, "report port layout");
static_assert(sizeof(struct tg_hw_tuple) == 40, "report tuple layout");
static_assert(sizeof(struct tg_hw_rule) == 96, "report rule layout");
static_assert(sizeof(struct tg_hw_left) == 56, "report left layout");

#endif
