/* SPDX-License-Identifier: BSD-3-Clause */
#include "prefixes.h"

#include <endian.h>
#include <stdlib.h>
#include <string.h>

#include <tidegate/ruleset.h>

#include "sort.h"

#define KEY_WORDS 6u

/* One step of the walk over nested prefixes. */
struct open_prefix {
	uint32_t prefix;
	prefix_number end; /* last address */
};

/* What prefixes_build works with. */
struct walk {
	struct prefixes *p;
	uint32_t *first_start, *starts;	  /* terms that begin at a prefix */
	uint32_t *first_except, *excepts; /* terms that except it */
	uint32_t *excepted;		  /* by term: how many open prefixes except it */
	TG_VEC(struct open_prefix) open;
	struct tg_vec_u32 scratch;
	size_t max; /* words of all sets */
};

int prefixes_init(struct prefixes *p, uint32_t n_zones)
{
	const struct tg_prefix all4 = {.addr.family = 4}, all6 = {.addr.family = 6};

	memset(p, 0, sizeof(*p));
	if (seqs_init(&p->keys) != 0 || seqs_init(&p->sets) != 0)
		goto fail;
	for (uint32_t zone = 0; zone < n_zones; zone++)
		if (prefixes_add(p, zone, &all4) == TG_NONE ||
			prefixes_add(p, zone, &all6) == TG_NONE)
			goto fail;
	return 0;
fail:
	prefixes_free(p);
	return -ENOMEM;
}

void prefixes_free(struct prefixes *p)
{
	seqs_free(&p->keys);
	seqs_free(&p->sets);
	tg_vec_free(&p->nodes);
	tg_vec_free(&p->marks);
	tg_vec_free(&p->regions);
	tg_vec_free(&p->first);
}

uint32_t prefixes_add(struct prefixes *p, uint32_t zone, const struct tg_prefix *prefix)
{
	const uint8_t *b = prefix->addr.bytes;
	uint32_t key[KEY_WORDS] = {zone << 8 | prefix->addr.family, prefix->length}, id;
	struct prefix_node node = {.parent = TG_NONE};

	for (unsigned int i = 0; i < 4; i++, b += 4)
		key[2 + i] = (uint32_t)b[0] << 24 | (uint32_t)b[1] << 16 | (uint32_t)b[2] << 8 |
			     b[3];
	id = seqs_add(&p->keys, key, KEY_WORDS);
	if (id == TG_NONE || (id > p->nodes.n && tg_vec_push(&p->nodes, node) != 0))
		return TG_NONE;
	return id - 1;
}

void prefixes_set_pod_range(struct prefixes *p, uint32_t prefix)
{
	p->nodes.v[prefix].pod_range = true;
}

int prefixes_attach(struct prefixes *p, uint32_t prefix, uint32_t term, bool except)
{
	struct prefix_mark mark = {prefix, term, except};

	return tg_vec_push(&p->marks, mark);
}

static const uint32_t *key_of(const struct prefixes *p, uint32_t prefix)
{
	return seqs_get(&p->keys, prefix + 1).v;
}

struct tg_prefix prefixes_get(const struct prefixes *p, uint32_t prefix)
{
	const uint32_t *key = key_of(p, prefix);
	struct tg_prefix out = {.addr.family = (uint8_t)key[0], .length = (uint8_t)key[1]};

	for (unsigned int i = 0; i < 16; i++)
		out.addr.bytes[i] = (uint8_t)(key[2 + i / 4] >> (24 - 8 * (i % 4)));
	return out;
}

static prefix_number first_address(const uint32_t *key)
{
	return (prefix_number)key[2] << 96 | (prefix_number)key[3] << 64 |
	       (prefix_number)key[4] << 32 | key[5];
}

static prefix_number last_address(const uint32_t *key)
{
	unsigned int length = key[1];

	return length == 128 ? first_address(key)
			     : first_address(key) | ~(prefix_number)0 >> length;
}

static prefix_number number_of(const struct tg_addr *addr)
{
	uint64_t half[2];

	memcpy(half, addr->bytes, sizeof(half));
	return (prefix_number)be64toh(half[0]) << 64 | be64toh(half[1]);
}

/* By zone, family, address, length: a prefix comes right before those inside it. */
static int compare_keys(const void *a, const void *b, void *arg)
{
	static const unsigned char order[KEY_WORDS] = {0, 2, 3, 4, 5, 1};
	const uint32_t *x = key_of(arg, *(const uint32_t *)a),
		       *y = key_of(arg, *(const uint32_t *)b);

	for (unsigned int i = 0; i < KEY_WORDS; i++)
		if (x[order[i]] != y[order[i]])
			return x[order[i]] < y[order[i]] ? -1 : 1;
	return 0;
}

/* The terms of the marks of one sort, listed by prefix. */
static int list_marks(const struct prefixes *p, bool except, uint32_t **first, uint32_t **terms)
{
	size_t n = prefixes_count(p);

	*first = calloc(n + 1, sizeof(**first));
	*terms = malloc((p->marks.n + 1) * sizeof(**terms));
	if (*first == NULL || *terms == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < p->marks.n; i++)
		if (p->marks.v[i].except == except)
			(*first)[p->marks.v[i].prefix]++;
	csr_open(*first, n);
	for (size_t i = 0; i < p->marks.n; i++)
		if (p->marks.v[i].except == except)
			(*terms)[(*first)[p->marks.v[i].prefix]++] = p->marks.v[i].term;
	csr_close(*first, n);
	return 0;
}

/* The set of a prefix: its parent's, without what it excepts, with what begins here. */
static int make_set(struct walk *w, uint32_t prefix, uint32_t *out)
{
	struct prefixes *p = w->p;
	uint32_t parent = p->nodes.v[prefix].parent;
	struct seq set = seqs_get(&p->sets, parent == TG_NONE ? 0 : p->nodes.v[parent].set);
	uint32_t from = w->first_start[prefix], to = w->first_start[prefix + 1];

	if (parent != TG_NONE && from == to &&
		w->first_except[prefix] == w->first_except[prefix + 1]) {
		*out = p->nodes.v[parent].set;
		return 0;
	}
	w->scratch.n = 0;
	if (tg_vec_reserve(&w->scratch, (size_t)set.n + (to - from) + 1) != 0)
		return -ENOMEM;
	for (uint32_t i = 0; i < set.n; i++)
		if (w->excepted[set.v[i]] == 0)
			w->scratch.v[w->scratch.n++] = set.v[i];
	for (uint32_t i = from; i < to; i++)
		if (w->excepted[w->starts[i]] == 0)
			w->scratch.v[w->scratch.n++] = w->starts[i];
	w->scratch.n = sort_distinct_u32(w->scratch.v, w->scratch.n);
	*out = seqs_add(&p->sets, w->scratch.v, (uint32_t)w->scratch.n);
	if (*out == TG_NONE)
		return -ENOMEM;
	return p->sets.words > w->max ? -EOVERFLOW : 0;
}

/* To the zone and family that was begun last. */
static int add_region(struct prefixes *p, prefix_number start, uint32_t prefix)
{
	struct prefix_region region = {start, prefix};
	size_t n = p->regions.n, first = p->first.v[p->first.n - 1];

	/* Nothing lies between: the later, more specific one takes the place. */
	if (n > first && p->regions.v[n - 1].start == start) {
		p->regions.v[n - 1].prefix = prefix;
		return 0;
	}
	return tg_vec_push(&p->regions, region);
}

static int open_one(struct walk *w, uint32_t prefix)
{
	struct prefixes *p = w->p;
	const uint32_t *key = key_of(p, prefix);
	struct prefix_node *node = &p->nodes.v[prefix];
	struct open_prefix open = {prefix, last_address(key)};
	int err = 0;

	if (key[1] == 0)
		err = tg_vec_push(&p->first, (uint32_t)p->regions.n);
	if (w->open.n > 0) {
		node->parent = w->open.v[w->open.n - 1].prefix;
		node->pod_range |= p->nodes.v[node->parent].pod_range;
	}
	for (uint32_t i = w->first_except[prefix]; i < w->first_except[prefix + 1]; i++)
		w->excepted[w->excepts[i]]++;
	if (err == 0)
		err = make_set(w, prefix, &node->set);
	if (err == 0)
		err = add_region(p, first_address(key), prefix);
	if (err == 0)
		err = tg_vec_push(&w->open, open);
	return err;
}

/* Closes the innermost prefix; its parent goes on behind it. */
static int close_one(struct walk *w)
{
	struct open_prefix done = w->open.v[--w->open.n];
	const struct open_prefix *parent;

	for (uint32_t i = w->first_except[done.prefix]; i < w->first_except[done.prefix + 1]; i++)
		w->excepted[w->excepts[i]]--;
	if (w->open.n == 0)
		return 0;
	parent = &w->open.v[w->open.n - 1];
	if (parent->end == done.end)
		return 0;
	return add_region(w->p, done.end + 1, parent->prefix);
}

static int walk_all(struct walk *w, const uint32_t *sorted, size_t n)
{
	int err = 0;

	for (size_t i = 0; i < n && err == 0; i++) {
		const uint32_t *key = key_of(w->p, sorted[i]);

		/* A /0 begins another zone or family: everything of the one before is closed. */
		while (err == 0 && w->open.n > 0 &&
			(key[1] == 0 || w->open.v[w->open.n - 1].end < first_address(key)))
			err = close_one(w);
		if (err == 0)
			err = open_one(w, sorted[i]);
	}
	while (err == 0 && w->open.n > 0)
		err = close_one(w);
	return err;
}

int prefixes_build(struct prefixes *p, uint32_t n_terms, size_t max)
{
	size_t n = prefixes_count(p);
	uint32_t *sorted = malloc(n * sizeof(*sorted));
	struct walk w = {.p = p, .max = max, .excepted = calloc(n_terms + 1, sizeof(*w.excepted))};
	int err = sorted == NULL || w.excepted == NULL ? -ENOMEM : 0;

	if (err == 0)
		err = list_marks(p, false, &w.first_start, &w.starts);
	if (err == 0)
		err = list_marks(p, true, &w.first_except, &w.excepts);
	if (err != 0)
		goto out;
	for (uint32_t i = 0; i < n; i++)
		sorted[i] = i;
	qsort_r(sorted, n, sizeof(*sorted), compare_keys, p);
	err = walk_all(&w, sorted, n);
out:
	free(sorted);
	free(w.excepted);
	free(w.first_start);
	free(w.starts);
	free(w.first_except);
	free(w.excepts);
	tg_vec_free(&w.open);
	tg_vec_free(&w.scratch);
	tg_vec_free(&p->marks);
	return err;
}

struct prefix_walk prefixes_walk_begin(const struct prefixes *p, uint32_t zone, uint8_t family)
{
	const size_t at = 2 * (size_t)zone + (family == 6);

	return (struct prefix_walk){
		p->first.v[at], at + 1 < p->first.n ? p->first.v[at + 1] : p->regions.n};
}

uint32_t prefixes_lookup(const struct prefixes *p, uint32_t zone, const struct tg_addr *addr)
{
	const struct prefix_region *v = p->regions.v;
	const struct prefix_walk walk = prefixes_walk_begin(p, zone, addr->family);
	size_t lo = walk.at, hi = walk.end;
	prefix_number at = number_of(addr);

	/* The last region that starts at or before the address; the first starts at 0. */
	while (hi - lo > 1) {
		size_t mid = lo + (hi - lo) / 2;

		if (v[mid].start <= at)
			lo = mid;
		else
			hi = mid;
	}
	return v[lo].prefix;
}

uint32_t prefixes_walk(
	const struct prefixes *p, struct prefix_walk *walk, const struct tg_addr *addr)
{
	const struct prefix_region *v = p->regions.v;
	prefix_number number = number_of(addr);

	while (walk->at + 1 < walk->end && v[walk->at + 1].start <= number)
		walk->at++;
	return v[walk->at].prefix;
}
