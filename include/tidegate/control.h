/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The control protocol between tidegate-ctrl (client) and tidegate-dataplane (server).
 *
 * Transport: a unix SOCK_SEQPACKET socket, mode 0600, peer checked with SO_PEERCRED (root or the
 * dataplane's own user). One record is one message: struct tg_msg_header and the body of its
 * type; at most TG_MSG_MAX bytes. All integers little-endian, no pointers, no bools. Reserved
 * fields are zero and are checked. File descriptors travel by SCM_RIGHTS and are received with
 * MSG_CMSG_CLOEXEC; a message has exactly the number of descriptors its type names, else it is
 * refused and they are closed.
 *
 * One writer. A client that says HELLO with role WRITER while another writer is connected is
 * refused with NAK EBUSY and disconnected; READERs may only send HELLO, STATE_GET and OFFLOAD_GET.
 *
 * Session:
 *
 * - HELLO: the server answers STATE with the descriptor of the statistics segment, a memfd sealed
 *   against shrinking, growing and, since Linux 5.1, future writes; map it read-only. The protocol
 *   major must match, else NAK EPROTONOSUPPORT; the minor is tolerant: unknown message types are
 *   answered with NAK EOPNOTSUPP.
 *
 * - STATE_GET: the server answers STATE, without a descriptor.
 *
 * - RULESET with a descriptor, a memfd with F_SEAL_SHRINK, GROW and WRITE: ACK or NAK. The server
 *   reads it into private memory and checks the copy. ACK comes when every worker judges by the new
 *   ruleset and none reads the old one: no packet that the new one denies passes after it.
 *
 * - CLASSMAP: ACK, as for RULESET, or NAK. Entries are applied in order, all or none. They name
 *   classes of the generation in force (`generation`); `sequence` must be the server's
 *   delta_sequence + 1.
 *
 * - OFFLOAD_GET (since 1.2): the server answers OFFLOAD_REPORT with the descriptor of a sealed file
 *   that says what NICs have and what not (<tidegate/offload_report.h>), or NAK: ETIMEDOUT when a
 *   driver keeps the server from looking, ENOMEM. Only what the filter fits is listed, and at most
 *   `limit` connections and denials and as many that have left.
 *
 * - EVENT_STATE is sent unasked when the state changes for another reason (checkpoint loaded, port
 *   up or down).
 *
 * One RULESET and one CLASSMAP may be in flight at a time; each reply carries the `txn` of its
 * request. While a RULESET is being built CLASSMAPs are still applied to the ruleset in force.
 * Class numbers belong to a generation, so the client has the same change in classes of the new
 * image too: what it knows when it sends the RULESET follows in the same message and is applied
 * before the swap, what comes later it sends as CLASSMAP after the ACK. `delta_sequence` of the
 * RULESET says up to which delta the new ruleset has everything. When later ones are in force by
 * the time of the swap, the server refuses it with NAK ESTALE and their sequence, and the client
 * sends it again with them: a slow RULESET never undoes a delta, and a re-used address never counts
 * as its former owner. (A server keeps what it has built: the second try is quick.)
 *
 * NAK ETIMEDOUT with the requested generation (or sequence) in it: the change is in force, but a
 * worker has not come round to it (TG_STATE_STUCK_WORKER), or a NIC still has rules that it denies
 * (TG_STATE_STUCK_HARDWARE).
 *
 * NAK errors. A message with a bad length, reserved field or number of descriptors: EINVAL; one
 * without the magic, or whose length is not the record's, ends the connection. Before HELLO, or
 * from a reader: EPERM. A second writer, a second RULESET: EBUSY. A RULESET whose memfd is not
 * sealed: EPERM; whose image is refused: EINVAL, EFBIG, EPROTONOSUPPORT; with more slots than the
 * segment counts: E2BIG; not above the generation in force: ESTALE. A CLASSMAP for another
 * generation or out of sequence: ESTALE; with a class that the image does not have: EINVAL; without
 * a ruleset in force: ENOENT; without room: ENOSPC.
 *
 * Checkpoint: the server writes the image of a RULESET, and appends CLASSMAPs to a journal, before
 * it sends ACK; when `fsync` is configured both are on the disk by then.
 */
#ifndef TIDEGATE_CONTROL_H
#define TIDEGATE_CONTROL_H

#include <assert.h>
#include <stdint.h>

#define TG_PROTO_MAGIC 0x54474350u /* "TGCP" as a number */
#define TG_PROTO_MAJOR 1
#define TG_PROTO_MINOR 2
#define TG_MSG_MAX 65536u     /* bytes, header included */
#define TG_CLASSMAP_MAX 1024u /* entries of one message */
#define TG_REASON_MAX 256u    /* bytes of a reason text, NUL included */

#define TG_MSG_TYPES(X)   \
	X(HELLO, 1)       \
	X(STATE, 2)       \
	X(STATE_GET, 3)   \
	X(RULESET, 4)     \
	X(CLASSMAP, 5)    \
	X(ACK, 6)         \
	X(NAK, 7)         \
	X(EVENT_STATE, 8) \
	X(OFFLOAD_GET, 9) \
	X(OFFLOAD_REPORT, 10)

enum tg_msg_type {
#define X(sym, value) TG_MSG_##sym = value,
	TG_MSG_TYPES(X)
#undef X
};

struct tg_msg_header {
	uint32_t magic;
	uint16_t type;
	uint16_t reserved;
	uint32_t length; /* of the whole message, header included, = the record's length */
	uint32_t txn;	 /* chosen by the client; replies repeat it; 0 in EVENT_STATE */
};

#define TG_ROLE_READER 0u
#define TG_ROLE_WRITER 1u

struct tg_msg_hello {
	struct tg_msg_header h;
	uint16_t major;
	uint16_t minor;
	uint32_t role;
	uint64_t pid;
	char name[32]; /* NUL-terminated, for the log */
};

#define TG_STATE_NO_RULESET (1u << 0)	     /* nothing in force: no-ruleset decides */
#define TG_STATE_FROM_CHECKPOINT (1u << 1)   /* the ruleset in force came from the checkpoint */
#define TG_STATE_PICKUP (1u << 2)	     /* inside the pickup window */
#define TG_STATE_CHECKPOINT_FAILED (1u << 3) /* the last write of the checkpoint failed */
#define TG_STATE_STUCK_WORKER (1u << 4)	     /* a worker missed its quiescent deadline */
#define TG_STATE_STUCK_HARDWARE (1u << 5)    /* a NIC may still forward what is denied */
#define TG_STATE_PORT_FAILED (1u << 6)	     /* a port did not come back from a reset: it is down */

struct tg_msg_state {
	struct tg_msg_header h;
	uint16_t major;
	uint16_t minor;
	uint32_t flags;
	uint64_t generation; /* in force; 0: none */
	uint64_t delta_sequence;
	uint32_t epoch;
	uint32_t n_workers;
	uint32_t n_ports;
	uint32_t slot_capacity;	 /* slots the statistics segment can count */
	uint32_t image_checksum; /* of the image in force */
	uint32_t reserved;
	uint64_t checkpoint_at; /* Unix time of the checkpoint in force, ms; 0: none */
	uint64_t stats_size;	/* bytes of the statistics segment */
};

/* Upsert (cls != TG_NONE) or removal (cls == TG_NONE) of one exact address. */
struct tg_classmap_entry {
	uint8_t addr[16]; /* network order; an IPv4 address in the first 4 bytes, the rest zero */
	uint8_t family;	  /* 4 or 6 */
	uint8_t reserved;
	uint16_t zone;
	uint32_t cls;
	uint32_t node;
	uint32_t ns; /* number of a NAMESPACE record of the image, as tg_image_addr4 has it */
};

struct tg_msg_ruleset {
	struct tg_msg_header h;
	uint64_t generation; /* must equal the image's, and exceed the one in force */
	uint64_t size;	     /* of the image, bytes */
	uint32_t n_entries;  /* CLASSMAP entries that follow, in classes of this image */
	uint32_t reserved;
	uint64_t delta_sequence; /* the server's after the swap: at least what is in force then */
	struct tg_classmap_entry entries[];
};

struct tg_msg_classmap {
	struct tg_msg_header h;
	uint64_t generation;
	uint64_t sequence;
	uint32_t n_entries; /* 1..TG_CLASSMAP_MAX */
	uint32_t reserved;
	struct tg_classmap_entry entries[];
};

struct tg_msg_ack {
	struct tg_msg_header h;
	uint64_t generation;
	uint64_t delta_sequence;
	uint32_t epoch;
	uint32_t build_us; /* check and build of the accelerated form */
	uint32_t swap_us;  /* swap and grace period */
	uint32_t reserved;
};

struct tg_msg_nak {
	struct tg_msg_header h;
	uint64_t generation;	 /* still in force */
	uint64_t delta_sequence; /* still in force */
	uint32_t error;		 /* positive errno, Linux numbering */
	uint32_t index;		 /* entry or section at fault; TG_NONE */
	char reason[TG_REASON_MAX];
};

#define TG_OFFLOAD_GET_RULES (1u << 0) /* what NICs have */
#define TG_OFFLOAD_GET_LEFT (1u << 1)  /* what was refused or given back, and why */

/*
 * Fits connections and denials of these ends, whoever began them; what is 0 fits all, and so do
 * addresses when `family` is 0. Denials of TCP have no source port and fit every one.
 */
struct tg_msg_offload_get {
	struct tg_msg_header h;
	uint32_t flags;	 /* TG_OFFLOAD_GET_*; 0: only ports and counts */
	uint32_t limit;	 /* of each list, 0..TG_HW_LIMIT of offload_report.h */
	uint8_t src[16]; /* as in a classmap entry */
	uint8_t dst[16];
	uint16_t sport; /* host order */
	uint16_t dport;
	uint8_t protocol;
	uint8_t family; /* 0, 4, 6 */
	uint16_t reserved;
};

struct tg_msg_offload_report {
	struct tg_msg_header h;
	uint64_t size; /* of the file */
};

static_assert(sizeof(struct tg_msg_header) == 16, "message header layout");
static_assert(sizeof(struct tg_msg_hello) == 64, "hello layout");
static_assert(sizeof(struct tg_msg_state) == 80, "state layout");
static_assert(sizeof(struct tg_classmap_entry) == 32, "classmap entry layout");
static_assert(sizeof(struct tg_msg_ruleset) == 48, "ruleset layout");
static_assert(sizeof(struct tg_msg_classmap) == 40, "classmap layout");
static_assert(sizeof(struct tg_msg_ack) == 48, "ack layout");
static_assert(sizeof(struct tg_msg_nak) == 40 + TG_REASON_MAX, "nak layout");
static_assert(sizeof(struct tg_msg_offload_get) == 64, "offload get layout");
static_assert(sizeof(struct tg_msg_offload_report) == 24, "offload report layout");
static_assert(sizeof(struct tg_msg_classmap) + TG_CLASSMAP_MAX * sizeof(struct tg_classmap_entry) <=
		      TG_MSG_MAX,
	"a full CLASSMAP fits one record");

#endif
