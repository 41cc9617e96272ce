/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The checkpoint: one file with the ruleset image in force and every change after it, so that a
 * restarted dataplane enforces at once what it enforced before, without the control process.
 *
 * File. All integers little-endian. A header of 64 bytes, the image, then records, each appended by
 * one write: a record header of 40 bytes and its entries (32 bytes each, as on the wire). CRC-32
 * (zlib's) covers the header and each record with the checksum field zero; the image has its own.
 * A whole file is written beside the old one and renamed over it. Only a write that did not finish
 * can leave a bad record, and only at the end: reading stops there and the rest is cut off.
 *
 * Records are CLASSMAPs with the sequence of each, one after the other; the first ones may carry
 * the entries that came with the image and have the header's sequence. A record without entries
 * repeats the sequence and says that the control process has confirmed the state at that time.
 *
 * Ownership: one process a directory (a lock file is held). tg_checkpoint_draft may run in another
 * thread than the rest, one at a time.
 */
#ifndef TG_CONTROL_CHECKPOINT_H
#define TG_CONTROL_CHECKPOINT_H

#include <assert.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <tidegate/control.h>

#define TG_CHECKPOINT_NAME "dataplane.checkpoint"
#define TG_CHECKPOINT_MAGIC 0x3154504b43475454ull /* the bytes "TTGCKPT1" */
#define TG_CHECKPOINT_RECORD 0x31434552u	  /* the bytes "REC1" */

struct tg_checkpoint_header {
	uint64_t magic;
	uint32_t checksum;
	uint32_t version; /* 1 */
	uint64_t image_size;
	uint64_t generation;
	uint64_t delta_sequence; /* contained in the image and the first record */
	uint64_t written_at;	 /* Unix time, ms */
	uint64_t reserved[2];
};

struct tg_checkpoint_record {
	uint32_t magic;
	uint32_t checksum;
	uint32_t n_entries;
	uint32_t reserved;
	uint64_t sequence;
	uint64_t at; /* Unix time, ms */
	uint64_t reserved2;
};

static_assert(sizeof(struct tg_checkpoint_header) == 64, "checkpoint header layout");
static_assert(sizeof(struct tg_checkpoint_record) == 40, "checkpoint record layout");

struct tg_checkpoint;

/* What a checkpoint holds. */
struct tg_checkpoint_state {
	void *image; /* 64-byte aligned, not checked yet */
	size_t image_size;
	struct tg_classmap_entry *entries; /* to be applied in order; one an address */
	uint32_t n_entries;
	uint64_t generation;
	uint64_t delta_sequence;
	uint64_t confirmed_at; /* Unix time, ms */
	uint64_t cut;	       /* bytes of a damaged end that were left out */
};

/*
 * Takes the directory. `fsync`: every call that writes flushes to the disk before it returns.
 * -EWOULDBLOCK: another process has it; else what opening it says.
 */
int tg_checkpoint_open(const char *directory, bool fsync, struct tg_checkpoint **out);
void tg_checkpoint_close(struct tg_checkpoint *cp);

/*
 * Reads the checkpoint; later records are appended to it. 0; -ENOENT: there is none; -ESTALE: older
 * than max_age_ms (0: any age); -EINVAL: damaged; `reason` (TG_REASON_MAX bytes) then says how. A
 * file that is refused is left alone. Free the state with tg_checkpoint_state_free.
 */
int tg_checkpoint_load(struct tg_checkpoint *cp, uint64_t now_ms, uint64_t max_age_ms,
	struct tg_checkpoint_state *state, char *reason);
void tg_checkpoint_state_free(struct tg_checkpoint_state *state);

/* A whole new checkpoint that is not in force yet. */
struct tg_checkpoint_draft {
	int fd; /* -1: none */
	int64_t end;
};

/* Writes `state` (`cut` aside) beside the checkpoint in force. 0 or -errno; nothing changed then.
 */
int tg_checkpoint_draft(struct tg_checkpoint *cp, const struct tg_checkpoint_state *state,
	struct tg_checkpoint_draft *draft);
void tg_checkpoint_drop(struct tg_checkpoint *cp, struct tg_checkpoint_draft *draft);
/*
 * Puts the draft in force; it is used up. On an error the old checkpoint stays on the disk, but
 * takes no more records: they would belong to another image.
 */
int tg_checkpoint_commit(struct tg_checkpoint *cp, struct tg_checkpoint_draft *draft);

/*
 * Appends one CLASSMAP; with n = 0 a confirmation. A record that could not be written whole is cut
 * off again; should even that fail, nothing more is appended until the next commit.
 * -ENOENT: there is nothing to append to. When the records have outgrown the image the file is
 * rewritten with one entry an address.
 */
int tg_checkpoint_append(struct tg_checkpoint *cp, uint64_t sequence,
	const struct tg_classmap_entry *entries, uint32_t n, uint64_t now_ms);

#endif
