/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The ruleset image: the compiled decision tables. One flat, position-independent file that is
 * pushed to the dataplane, checkpointed on disk, read by the CLI and enforced.
 *
 * Encoding. All integers little-endian, naturally aligned; addresses in network byte order, an
 * IPv4 address as a host-order u32 in little-endian (so that it sorts as a number). No pointers,
 * bools or enums. The image is a header, a table of sections, and the sections in the order of the
 * table, each beginning on the first 64-byte boundary after the one before it; the image's size is
 * a multiple of 64; padding is zero. A section that this version does not know is refused when its
 * type has TG_SECTION_REQUIRED set, else ignored; so zones, shadow verdicts and name tables can
 * come with a minor version. The checksum is CRC-32 (zlib's crc32) over the whole image with the
 * checksum field zero.
 *
 * The decision. Judging a new connection (zone, source, destination, protocol, destination port):
 *
 *  1. class(zone, address): an exact entry of ADDR4/ADDR6; else the longest matching prefix of
 *     PREFIX4/PREFIX6 of the zone. Each zone has a /0 of each family, so a class is always found.
 *  2. egress side: row = class[src].row[EGRESS]; columns = class[dst].column[0..2], from the most
 *     specific (own) over the group's to the kind's. The first (row, column) present in CELL names
 * a program; when none is present it is class[src].default_program[EGRESS]. A column of TG_NONE is
 * skipped.
 *  3. ingress side: the same with row = class[dst].row[INGRESS], columns of class[src],
 *     class[dst].default_program[INGRESS].
 *  4. program + key, key = protocol << 16 | destination port (0 for protocols without ports): a
 *     reference with TG_PROGRAM_DIRECT is a verdict word itself; else PROGRAM gives a run of
 *     steps, sorted by `start`, the first with start 0; the last step with start <= key holds the
 *     verdict word. A program so covers every key.
 *  5. own node: when the ingress side denies, class[src] is of kind NODE, class[dst] of kind POD,
 * and the nodes of their exact entries are equal and not TG_NONE, the ingress side allows by
 *     TG_BUILTIN_OWN_NODE. The connection passes when both sides pass. With egress denied, the
 *     egress side is what decides.
 *
 * Rows are numbered in one space over both directions. Class 0 is fail-closed: no rows, kind
 * UNKNOWN, default programs that deny.
 *
 * The rule table is for humans and counters: one record a slot, sorted by slot.
 *
 * Limits of namespaces (minor 1). A record of kind NAMESPACE is no rule that a verdict may name: it
 * says how many connections a namespace may have, and its slot counts them (stats.h). These records
 * are numbered from 1 in the order of the table, TG_NAMESPACES_MAX of them at most, and exact
 * addresses name theirs by that number. A connection counts for the namespace of its initiator when
 * that is a pod, else for that of its other end.
 */
#ifndef TIDEGATE_RULESET_H
#define TIDEGATE_RULESET_H

#include <assert.h>
#include <stdint.h>

#include <tidegate/verdict.h>

#define TG_IMAGE_MAGIC 0x3153454c55524754ull /* the bytes "TGRULES1" */
#define TG_IMAGE_MAJOR 1		     /* a reader refuses another major */
#define TG_IMAGE_MINOR 1		     /* a reader tolerates another minor */
#define TG_IMAGE_ALIGN 64u
#define TG_IMAGE_MAX_SIZE (1ull << 30) /* bytes */
#define TG_NONE 0xffffffffu	       /* "no such index" */
#define TG_CLASS_FAIL_CLOSED 0u
#define TG_COLUMNS 3 /* own, group, kind */
#define TG_NAMESPACES_MAX 65535u
#define TG_NAMESPACE_SLOT_MAX (1u << 22) /* their slots are below */

#define TG_SECTION_REQUIRED 0x8000u
enum tg_section_type {
	TG_SECTION_ADDR4 = TG_SECTION_REQUIRED | 1,
	TG_SECTION_ADDR6 = TG_SECTION_REQUIRED | 2,
	TG_SECTION_PREFIX4 = TG_SECTION_REQUIRED | 3,
	TG_SECTION_PREFIX6 = TG_SECTION_REQUIRED | 4,
	TG_SECTION_CLASS = TG_SECTION_REQUIRED | 5,
	TG_SECTION_CELL = TG_SECTION_REQUIRED | 6,
	TG_SECTION_PROGRAM = TG_SECTION_REQUIRED | 7,
	TG_SECTION_STEP = TG_SECTION_REQUIRED | 8,
	TG_SECTION_VERDICT_EXT = TG_SECTION_REQUIRED | 9,
	TG_SECTION_RULE = TG_SECTION_REQUIRED | 10,
	TG_SECTION_STRINGS = TG_SECTION_REQUIRED | 11, /* NUL-terminated UTF-8, first byte NUL */
};
#define TG_SECTION_KNOWN 11 /* types 1..11 are each present exactly once */

struct tg_image_header {
	uint64_t magic;
	uint16_t major;
	uint16_t minor;
	uint32_t header_size; /* sizeof(struct tg_image_header) + sections * 32 */
	uint64_t size;	      /* of the whole image, bytes */
	uint32_t checksum;
	uint32_t n_sections;
	uint64_t generation;	 /* assigned by ctrl, increases */
	uint64_t compiled_at;	 /* Unix time, ms */
	uint64_t delta_sequence; /* class-map deltas up to this one are contained */
	uint32_t n_rows;	 /* rows are 0..n_rows-1 */
	uint32_t n_columns;	 /* columns are 0..n_columns-1 */
	uint32_t slot_limit;	 /* every slot is below this; TG_SLOT_FIRST..1 << 24 */
	uint32_t flags;		 /* zero */
	uint8_t reserved[56];	 /* zero */
};

struct tg_image_section {
	uint16_t type;
	uint16_t entry_size; /* bytes; 1 for STRINGS */
	uint32_t flags;	     /* zero */
	uint64_t offset;     /* from the image's start, multiple of TG_IMAGE_ALIGN */
	uint64_t count;	     /* entries */
	uint64_t reserved;   /* zero */
};

/* Sorted by (zone, address), no duplicates. */
struct tg_image_addr4 {
	uint32_t addr;
	uint16_t zone;
	uint16_t ns; /* number of its NAMESPACE record; 0: none */
	uint32_t cls;
	uint32_t node; /* the pod's node, for own-node admission; TG_NONE when unknown */
};

struct tg_image_addr6 {
	uint8_t addr[16];
	uint16_t zone;
	uint16_t ns; /* as of IPv4 */
	uint32_t cls;
	uint32_t node;
	uint32_t reserved; /* zero */
};

/* Sorted by (zone, length, address), no duplicates; host bits zero. Ascending length. */
struct tg_image_prefix4 {
	uint32_t addr;
	uint16_t zone;
	uint8_t length; /* 0..32 */
	uint8_t flags;	/* zero */
	uint32_t cls;
	uint32_t reserved; /* zero */
};

struct tg_image_prefix6 {
	uint8_t addr[16];
	uint16_t zone;
	uint8_t length; /* 0..128 */
	uint8_t flags;	/* zero */
	uint32_t cls;
	uint64_t reserved; /* zero */
};

/* One half cache line: all that judging needs of a class. */
struct tg_image_class {
	uint32_t row[TG_DIRECTION_COUNT];	      /* TG_NONE: only the default program */
	uint32_t column[TG_COLUMNS];		      /* as a peer; TG_NONE: none at this level */
	uint32_t default_program[TG_DIRECTION_COUNT]; /* program references */
	uint8_t kind;				      /* enum tg_class_kind */
	uint8_t family;				      /* 4, 6; 0 for class 0 */
	uint16_t flags;				      /* zero */
};

/* Sorted by (row, column), no duplicates. */
struct tg_image_cell {
	uint32_t row;
	uint32_t column;
	uint32_t program; /* program reference */
};

/* Consecutive: each begins where the one before ends, and together they have every step. */
struct tg_image_program {
	uint32_t first; /* index of the first step */
	uint32_t count; /* >= 1 */
};

struct tg_image_step {
	uint32_t start;	  /* protocol << 16 | port, < 1 << 24 */
	uint32_t verdict; /* verdict word */
};

/* What a verdict word with TG_VERDICT_EXT refers to. No compiler of this version writes one. */
struct tg_image_verdict_ext {
	uint32_t verdict; /* the enforced verdict word, without EXT */
	uint32_t shadow; /* what the audit policies would have said; word 0 with flag clear: none */
	uint32_t flags;	 /* bit 0: shadow present */
	uint32_t name_row; /* TG_NONE */
};

/* X(SYMBOL, "label", text): what kind of rule a slot belongs to. */
#define TG_RULE_KINDS(X)                                                                      \
	X(BUILTIN, "builtin", "built into the gateway")                                       \
	X(POLICY, "policy", "a rule of a NetworkPolicy")                                      \
	X(IMPLICIT, "implicit-deny", "isolated by policies, and no rule matched")             \
	X(BASELINE, "baseline", "the default action for a namespace that no policy isolates") \
	X(INFRASTRUCTURE, "infrastructure", "a tuple of the configuration")                   \
	X(NAMESPACE, "namespace", "the connections of a namespace that has a limit")

enum tg_rule_kind {
#define X(sym, label, text) TG_RULE_##sym,
	TG_RULE_KINDS(X)
#undef X
		TG_RULE_KIND_COUNT
};

/*
 * Sorted by slot, each TG_SLOT_FIRST or above: built-in rules have no record. String fields are
 * offsets into STRINGS; 0 is the empty string.
 */
struct tg_image_rule {
	uint32_t slot;
	uint8_t kind;	   /* enum tg_rule_kind */
	uint8_t direction; /* enum tg_direction; TG_DIRECTION_COUNT: both */
	uint8_t action;	   /* enum tg_action */
	uint8_t flags;	   /* zero */
	uint32_t ns;	   /* namespace of the policy or subject */
	uint32_t
		policy; /* name of the policy or tuple; of an IMPLICIT: "a, b" (all that isolate) */
	/* of the rule in the policy's list; TG_NONE when not one; of a NAMESPACE: its limit, >= 1
	 */
	uint32_t index;
	uint32_t text;	   /* the rule in one line, for people */
	uint64_t identity; /* hash of what makes this rule itself: its counters follow it */
	uint32_t owner;	   /* annotation tidegate.dev/owner, or empty */
	uint32_t expires;  /* zero in this version */
	uint64_t reserved; /* zero */
};

static_assert(sizeof(struct tg_image_header) == 128, "header layout");
static_assert(sizeof(struct tg_image_section) == 32, "section layout");
static_assert(sizeof(struct tg_image_addr4) == 16, "addr4 layout");
static_assert(sizeof(struct tg_image_addr6) == 32, "addr6 layout");
static_assert(sizeof(struct tg_image_prefix4) == 16, "prefix4 layout");
static_assert(sizeof(struct tg_image_prefix6) == 32, "prefix6 layout");
static_assert(sizeof(struct tg_image_class) == 32, "class layout");
static_assert(sizeof(struct tg_image_cell) == 12, "cell layout");
static_assert(sizeof(struct tg_image_program) == 8, "program layout");
static_assert(sizeof(struct tg_image_step) == 8, "step layout");
static_assert(sizeof(struct tg_image_verdict_ext) == 16, "verdict extension layout");
static_assert(sizeof(struct tg_image_rule) == 48, "rule layout");

static inline const char *tg_rule_kind_label(unsigned int v)
{
	static const char *const labels[] = {
#define X(sym, label, text) label,
		TG_RULE_KINDS(X)
#undef X
	};
	return v < TG_RULE_KIND_COUNT ? labels[v] : "?";
}

#endif
