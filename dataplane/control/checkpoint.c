/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>
#include <zlib.h>

#include <tidegate/ruleset.h>

#include "checkpoint.h"

#define VERSION 1
#define DRAFT_NAME TG_CHECKPOINT_NAME ".new"
#define COMPACT_NAME TG_CHECKPOINT_NAME ".compact"
#define LOCK_NAME TG_CHECKPOINT_NAME ".lock"
#define COMPACT_MIN (1u << 20) /* bytes of records that are never worth a rewrite */

struct tg_checkpoint {
	int dir;
	int lock;
	int fd;	    /* of the file that takes records; -1: none */
	off_t end;  /* of the last whole record of fd */
	off_t full; /* the file is rewritten when it is longer than this */
	bool fsync;
};

static uint32_t crc_header(const struct tg_checkpoint_header *h)
{
	struct tg_checkpoint_header copy = *h;

	copy.checksum = 0;
	return (uint32_t)crc32(0, (const Bytef *)&copy, sizeof(copy));
}

static uint32_t crc_record(
	const struct tg_checkpoint_record *r, const struct tg_classmap_entry *entries)
{
	struct tg_checkpoint_record copy = *r;
	uLong crc;

	copy.checksum = 0;
	crc = crc32(0, (const Bytef *)&copy, sizeof(copy));
	/* zlib takes a NULL buffer as "start anew" */
	if (r->n_entries != 0)
		crc = crc32_z(crc, (const Bytef *)entries, r->n_entries * sizeof(*entries));
	return (uint32_t)crc;
}

int tg_checkpoint_open(const char *directory, bool fsync, struct tg_checkpoint **out)
{
	struct tg_checkpoint *cp = calloc(1, sizeof(*cp));
	int rc;

	if (cp == NULL)
		return -ENOMEM;
	*cp = (struct tg_checkpoint){.fd = -1, .fsync = fsync};
	cp->dir = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (cp->dir < 0) {
		rc = -errno;
		goto free_cp;
	}
	cp->lock = openat(cp->dir, LOCK_NAME, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (cp->lock < 0) {
		rc = -errno;
		goto close_dir;
	}
	if (flock(cp->lock, LOCK_EX | LOCK_NB) != 0) {
		rc = -errno;
		goto close_lock;
	}
	*out = cp;
	return 0;

close_lock:
	close(cp->lock);
close_dir:
	close(cp->dir);
free_cp:
	free(cp);
	return rc;
}

static void drop_file(struct tg_checkpoint *cp)
{
	if (cp->fd >= 0)
		close(cp->fd);
	cp->fd = -1;
}

/* The file that takes records from now on. It may double before a rewrite is worth it. */
static void take_file(struct tg_checkpoint *cp, int fd, off_t end)
{
	drop_file(cp);
	cp->fd = fd;
	cp->end = end;
	cp->full = 2 * end > COMPACT_MIN ? 2 * end : COMPACT_MIN;
}

void tg_checkpoint_close(struct tg_checkpoint *cp)
{
	if (cp == NULL)
		return;
	drop_file(cp);
	close(cp->lock);
	close(cp->dir);
	free(cp);
}

/* --- reading --- */

static int read_all(int fd, void *data, size_t size, off_t at)
{
	uint8_t *p = data;
	ssize_t n;

	while (size > 0) {
		n = pread(fd, p, size, at);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n < 0 ? -errno : -EINVAL;
		p += n;
		at += n;
		size -= (size_t)n;
	}
	return 0;
}

static int read_header(int fd, struct tg_checkpoint_header *h, char *reason)
{
	struct stat st;
	const char *what = NULL;

	if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode) || read_all(fd, h, sizeof(*h), 0) != 0)
		what = "no header";
	else if (h->magic != TG_CHECKPOINT_MAGIC || h->version != VERSION)
		what = "not a checkpoint of this version";
	else if (h->checksum != crc_header(h))
		what = "damaged header";
	else if (h->image_size < sizeof(struct tg_image_header) ||
		 h->image_size > TG_IMAGE_MAX_SIZE ||
		 h->image_size > (uint64_t)st.st_size - sizeof(*h))
		what = "the image is not complete";
	if (what == NULL)
		return 0;
	snprintf(reason, TG_REASON_MAX, "%s", what);
	return -EINVAL;
}

static int grow_entries(struct tg_checkpoint_state *state, uint32_t n, size_t *capacity)
{
	size_t want = (size_t)state->n_entries + n;
	struct tg_classmap_entry *grown;

	if (want <= *capacity)
		return 0;
	want = want < 1024 ? 1024 : 2 * want;
	grown = realloc(state->entries, want * sizeof(*grown));
	if (grown == NULL)
		return -ENOMEM;
	state->entries = grown;
	*capacity = want;
	return 0;
}

/*
 * The record at `at`: its entries are added to the state. `base` is the header's sequence, which
 * the records of a draft have. 1: taken; 0: there is none, or not a whole one; -ENOMEM.
 */
static int read_record(
	int fd, off_t at, uint64_t base, struct tg_checkpoint_state *state, size_t *capacity)
{
	bool in_base = state->delta_sequence == base;
	struct tg_checkpoint_record r;
	struct tg_classmap_entry *to;

	if (read_all(fd, &r, sizeof(r), at) != 0 || r.magic != TG_CHECKPOINT_RECORD ||
		r.reserved != 0 || r.reserved2 != 0 || r.n_entries > TG_CLASSMAP_MAX)
		return 0;
	if (!(r.sequence == state->delta_sequence && (r.n_entries == 0 || in_base)) &&
		!(r.sequence == state->delta_sequence + 1 && r.n_entries != 0))
		return 0;
	if (grow_entries(state, r.n_entries, capacity) != 0)
		return -ENOMEM;
	to = state->entries + state->n_entries;
	if (read_all(fd, to, r.n_entries * sizeof(*to), at + (off_t)sizeof(r)) != 0 ||
		r.checksum != crc_record(&r, to))
		return 0;
	state->n_entries += r.n_entries;
	state->delta_sequence = r.sequence;
	state->confirmed_at = r.at;
	return 1;
}

/* All whole records; *end is behind the last. */
static int read_records(int fd, struct tg_checkpoint_state *state, off_t *end)
{
	uint64_t base = state->delta_sequence;
	size_t capacity = 0;
	uint32_t before;
	off_t at = *end;
	int rc;

	for (;;) {
		before = state->n_entries;
		rc = read_record(fd, at, base, state, &capacity);
		if (rc <= 0)
			break;
		at += (off_t)(sizeof(struct tg_checkpoint_record) +
			      (state->n_entries - before) * sizeof(*state->entries));
	}
	*end = at;
	return rc;
}

static int by_address(const void *a, const void *b)
{
	const struct tg_classmap_entry *l = *(const struct tg_classmap_entry *const *)a;
	const struct tg_classmap_entry *r = *(const struct tg_classmap_entry *const *)b;
	int d = (l->family > r->family) - (l->family < r->family);

	if (d == 0)
		d = (l->zone > r->zone) - (l->zone < r->zone);
	if (d == 0)
		d = memcmp(l->addr, r->addr, sizeof(l->addr));
	return d != 0 ? d : (l > r) - (l < r); /* later ones after earlier ones */
}

static bool same_address(const struct tg_classmap_entry *a, const struct tg_classmap_entry *b)
{
	return a->family == b->family && a->zone == b->zone &&
	       memcmp(a->addr, b->addr, sizeof(a->addr)) == 0;
}

/* Leaves the last entry of each address: any number of changes fits the headroom of one. */
static int merge_entries(struct tg_checkpoint_state *state)
{
	const struct tg_classmap_entry **order;
	struct tg_classmap_entry *merged;
	uint32_t n = 0;

	if (state->n_entries < 2)
		return 0;
	order = malloc(state->n_entries * sizeof(*order));
	merged = malloc(state->n_entries * sizeof(*merged));
	if (order == NULL || merged == NULL) {
		free(order);
		free(merged);
		return -ENOMEM;
	}
	for (uint32_t i = 0; i < state->n_entries; i++)
		order[i] = &state->entries[i];
	qsort(order, state->n_entries, sizeof(*order), by_address);
	for (uint32_t i = 0; i < state->n_entries; i++)
		if (i + 1 == state->n_entries || !same_address(order[i], order[i + 1]))
			merged[n++] = *order[i];
	free(order);
	free(state->entries);
	state->entries = merged;
	state->n_entries = n;
	return 0;
}

static int read_parts(int fd, struct tg_checkpoint_state *state, off_t *end, char *reason)
{
	struct tg_checkpoint_header h;
	struct stat st;
	int rc;

	rc = read_header(fd, &h, reason);
	if (rc != 0)
		return rc;
	state->generation = h.generation;
	state->delta_sequence = h.delta_sequence;
	state->confirmed_at = h.written_at;
	state->image_size = h.image_size;
	state->image = aligned_alloc(64, (h.image_size + 63) / 64 * 64);
	if (state->image == NULL)
		return -ENOMEM;
	rc = read_all(fd, state->image, h.image_size, sizeof(h));
	if (rc != 0) {
		snprintf(reason, TG_REASON_MAX, "the image cannot be read: %s", strerror(-rc));
		return rc;
	}
	*end = (off_t)(sizeof(h) + h.image_size);
	rc = read_records(fd, state, end);
	if (rc == 0)
		rc = merge_entries(state);
	if (rc == 0 && fstat(fd, &st) == 0)
		state->cut = (uint64_t)(st.st_size - *end);
	return rc;
}

void tg_checkpoint_state_free(struct tg_checkpoint_state *state)
{
	free(state->image);
	free(state->entries);
	*state = (struct tg_checkpoint_state){0};
}

/* Fills `state` or leaves it empty. */
static int read_state(int fd, struct tg_checkpoint_state *state, off_t *end, char *reason)
{
	int rc;

	*state = (struct tg_checkpoint_state){0};
	rc = read_parts(fd, state, end, reason);
	if (rc != 0)
		tg_checkpoint_state_free(state);
	return rc;
}

int tg_checkpoint_load(struct tg_checkpoint *cp, uint64_t now_ms, uint64_t max_age_ms,
	struct tg_checkpoint_state *state, char *reason)
{
	off_t end = 0;
	int fd, rc;

	reason[0] = '\0';
	*state = (struct tg_checkpoint_state){0};
	fd = openat(cp->dir, TG_CHECKPOINT_NAME, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0) {
		rc = -errno;
		snprintf(reason, TG_REASON_MAX, "%s", strerror(errno));
		return rc;
	}
	rc = read_state(fd, state, &end, reason);
	if (rc == 0 && max_age_ms != 0 && now_ms > state->confirmed_at &&
		now_ms - state->confirmed_at > max_age_ms) {
		snprintf(reason, TG_REASON_MAX, "last confirmed %llu s ago",
			(unsigned long long)(now_ms - state->confirmed_at) / 1000);
		rc = -ESTALE;
	}
	if (rc == 0 && state->cut != 0 && ftruncate(fd, end) != 0)
		rc = -errno;
	if (rc != 0) {
		tg_checkpoint_state_free(state);
		close(fd);
		return rc;
	}
	take_file(cp, fd, end);
	return 0;
}

/* --- writing --- */

static int write_all(int fd, const void *data, size_t size, off_t at)
{
	const uint8_t *p = data;
	ssize_t n;

	while (size > 0) {
		n = pwrite(fd, p, size, at);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n < 0 ? -errno : -EIO;
		p += n;
		at += n;
		size -= (size_t)n;
	}
	return 0;
}

static int write_record(int fd, off_t *end, uint64_t sequence,
	const struct tg_classmap_entry *entries, uint32_t n, uint64_t now_ms)
{
	struct tg_checkpoint_record r = {
		.magic = TG_CHECKPOINT_RECORD, .n_entries = n, .sequence = sequence, .at = now_ms};
	struct iovec iov[2] = {{&r, sizeof(r)}, {(void *)(uintptr_t)entries, n * sizeof(*entries)}};
	size_t size = sizeof(r) + n * sizeof(*entries);
	ssize_t written;

	r.checksum = crc_record(&r, entries);
	do {
		written = pwritev(fd, iov, n == 0 ? 1 : 2, *end);
	} while (written < 0 && errno == EINTR);
	if (written < 0)
		return -errno;
	if ((size_t)written != size)
		return -ENOSPC;
	*end += (off_t)size;
	return 0;
}

/* The entries of a draft, in records of the size a message has; all have the header's sequence. */
static int write_entries(int fd, off_t *end, uint64_t sequence,
	const struct tg_classmap_entry *entries, uint32_t n, uint64_t now_ms)
{
	uint32_t chunk;
	int rc = 0;

	for (; n != 0 && rc == 0; entries += chunk, n -= chunk) {
		chunk = n < TG_CLASSMAP_MAX ? n : TG_CLASSMAP_MAX;
		rc = write_record(fd, end, sequence, entries, chunk, now_ms);
	}
	return rc;
}

static int write_whole(int fd, const struct tg_checkpoint_header *h, const void *image,
	const struct tg_classmap_entry *entries, uint32_t n, off_t *end)
{
	int rc;

	*end = (off_t)(sizeof(*h) + h->image_size);
	rc = write_all(fd, h, sizeof(*h), 0);
	if (rc == 0)
		rc = write_all(fd, image, h->image_size, sizeof(*h));
	if (rc == 0)
		rc = write_entries(fd, end, h->delta_sequence, entries, n, h->written_at);
	return rc;
}

/* A file called `name` with all of `state`, whose end goes to *end. Its descriptor or -errno. */
static int write_file(struct tg_checkpoint *cp, const char *name,
	const struct tg_checkpoint_state *state, off_t *end)
{
	struct tg_checkpoint_header h = {
		.magic = TG_CHECKPOINT_MAGIC,
		.version = VERSION,
		.image_size = state->image_size,
		.generation = state->generation,
		.delta_sequence = state->delta_sequence,
		.written_at = state->confirmed_at,
	};
	int fd, rc;

	fd = openat(cp->dir, name, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return -errno;
	h.checksum = crc_header(&h);
	rc = write_whole(fd, &h, state->image, state->entries, state->n_entries, end);
	if (rc == 0 && cp->fsync && fdatasync(fd) != 0)
		rc = -errno;
	if (rc == 0)
		return fd;
	close(fd);
	unlinkat(cp->dir, name, 0);
	return rc;
}

static int sync_directory(struct tg_checkpoint *cp)
{
	return cp->fsync && fsync(cp->dir) != 0 ? -errno : 0;
}

int tg_checkpoint_draft(struct tg_checkpoint *cp, const struct tg_checkpoint_state *state,
	struct tg_checkpoint_draft *draft)
{
	int fd;

	fd = write_file(cp, DRAFT_NAME, state, &draft->end);
	draft->fd = fd < 0 ? -1 : fd;
	return fd < 0 ? fd : 0;
}

void tg_checkpoint_drop(struct tg_checkpoint *cp, struct tg_checkpoint_draft *draft)
{
	if (draft->fd < 0)
		return;
	close(draft->fd);
	draft->fd = -1;
	unlinkat(cp->dir, DRAFT_NAME, 0);
}

int tg_checkpoint_commit(struct tg_checkpoint *cp, struct tg_checkpoint_draft *draft)
{
	int rc;

	drop_file(cp);
	if (draft->fd < 0)
		return -ENOENT;
	if (renameat(cp->dir, DRAFT_NAME, cp->dir, TG_CHECKPOINT_NAME) != 0) {
		rc = -errno;
		tg_checkpoint_drop(cp, draft);
		return rc;
	}
	take_file(cp, draft->fd, draft->end);
	draft->fd = -1;
	return sync_directory(cp);
}

/* Rewrites the file in force with one entry an address. */
static int compact(struct tg_checkpoint *cp)
{
	char reason[TG_REASON_MAX];
	struct tg_checkpoint_state state;
	off_t end = 0;
	int fd, rc;

	rc = read_state(cp->fd, &state, &end, reason);
	if (rc != 0)
		return rc;
	fd = write_file(cp, COMPACT_NAME, &state, &end);
	tg_checkpoint_state_free(&state);
	if (fd < 0)
		return fd;
	if (renameat(cp->dir, COMPACT_NAME, cp->dir, TG_CHECKPOINT_NAME) != 0) {
		rc = -errno;
		close(fd);
		return rc;
	}
	take_file(cp, fd, end);
	return sync_directory(cp);
}

int tg_checkpoint_append(struct tg_checkpoint *cp, uint64_t sequence,
	const struct tg_classmap_entry *entries, uint32_t n, uint64_t now_ms)
{
	off_t end = cp->end;
	int rc;

	if (cp->fd < 0)
		return -ENOENT;
	rc = write_record(cp->fd, &end, sequence, entries, n, now_ms);
	if (rc == 0 && cp->fsync && fdatasync(cp->fd) != 0)
		rc = -errno;
	if (rc != 0) {
		/* A torn record would hide every one after it. */
		if (ftruncate(cp->fd, cp->end) != 0)
			drop_file(cp);
		return rc;
	}
	cp->end = end;
	if (cp->end > cp->full && compact(cp) != 0)
		cp->full *= 2; /* the file is complete, only long: try again later */
	return 0;
}
