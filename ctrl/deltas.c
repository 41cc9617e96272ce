/* SPDX-License-Identifier: BSD-3-Clause */
#include "deltas.h"

#include <errno.h>
#include <string.h>

#include "hash.h"
#include "vec.h"

/* What the entries so far have made of an address. */
struct claim {
	struct tg_addr addr; /* family 0: free */
	uint16_t zone;
	uint32_t ns, name; /* of the pod that has it; name 0: nobody */
	uint64_t batch;	   /* the call that last touched it ... */
	size_t entry;	   /* ... and its entry in that call */
};

struct tg_deltas {
	struct tg_compiled *compiled;
	struct tg_hold *hold; /* on the strings of `compiled` and of claims */
	struct claim *claims;
	size_t n, mask;
	uint64_t batch;
	TG_VEC(struct tg_classmap_entry) entries;   /* of this call */
	TG_VEC(struct tg_placement) places, before; /* scratch */
	TG_VEC(bool) left;			    /* scratch: addresses of a pod */
	bool missing;				    /* this call: something has no place */
};

int tg_deltas_create(struct tg_compiled *compiled, struct tg_hold *hold, struct tg_deltas **out)
{
	struct tg_deltas *d = calloc(1, sizeof(*d));

	if (d == NULL) {
		tg_compiled_free(compiled);
		tg_hold_release(hold);
		return -ENOMEM;
	}
	d->compiled = compiled;
	d->hold = hold;
	d->mask = 63;
	d->claims = calloc(d->mask + 1, sizeof(*d->claims));
	if (d->claims == NULL) {
		tg_deltas_free(d);
		return -ENOMEM;
	}
	*out = d;
	return 0;
}

void tg_deltas_free(struct tg_deltas *d)
{
	tg_compiled_free(d->compiled);
	tg_hold_release(d->hold);
	tg_vec_free(&d->entries);
	tg_vec_free(&d->places);
	tg_vec_free(&d->before);
	tg_vec_free(&d->left);
	free(d->claims);
	free(d);
}

const struct tg_compiled *tg_deltas_compiled(const struct tg_deltas *d)
{
	return d->compiled;
}

/* --- claims --- */

static struct claim *locate(const struct tg_deltas *d, uint16_t zone, const struct tg_addr *addr)
{
	size_t at = tg_hash_bytes(addr, sizeof(*addr), zone) & d->mask;

	while (d->claims[at].addr.family != 0 &&
		(d->claims[at].zone != zone || memcmp(&d->claims[at].addr, addr, sizeof(*addr))))
		at = (at + 1) & d->mask;
	return &d->claims[at];
}

static int grow(struct tg_deltas *d)
{
	struct claim *old = d->claims;
	size_t n = d->mask + 1;

	d->claims = calloc(n * 2, sizeof(*d->claims));
	if (d->claims == NULL) {
		d->claims = old;
		return -ENOMEM;
	}
	d->mask = n * 2 - 1;
	for (size_t i = 0; i < n; i++)
		if (old[i].addr.family != 0)
			*locate(d, old[i].zone, &old[i].addr) = old[i];
	free(old);
	return 0;
}

/* The claim on an address, made when there is none; NULL: out of memory. */
static struct claim *claim(struct tg_deltas *d, uint16_t zone, const struct tg_addr *addr)
{
	struct claim *c = locate(d, zone, addr);

	if (c->addr.family != 0)
		return c;
	if (d->n * 2 > d->mask) {
		if (grow(d) != 0)
			return NULL;
		c = locate(d, zone, addr);
	}
	c->addr = *addr;
	c->zone = zone;
	d->n++;
	return c;
}

/* --- entries --- */

/* The claim remembers whose the address is, perhaps longer than there is such a pod. */
static int set_owner(struct tg_deltas *d, struct claim *c, const struct tg_pod *owner)
{
	if (owner != NULL && d->hold != NULL &&
		(tg_hold_add(d->hold, owner->ns) != 0 || tg_hold_add(d->hold, owner->name) != 0))
		return -ENOMEM;
	c->ns = owner != NULL ? owner->ns : 0;
	c->name = owner != NULL ? owner->name : 0;
	return 0;
}

/* One entry an address and call: a later one takes the earlier one's place. */
static int put(struct tg_deltas *d, const struct tg_placement *place, const struct tg_pod *owner)
{
	struct tg_classmap_entry e = {
		.family = place->addr.family,
		.zone = place->zone,
		.cls = place->cls,
		.node = place->node,
		.ns = place->ns,
	};
	struct claim *c = claim(d, place->zone, &place->addr);

	if (c == NULL || set_owner(d, c, owner) != 0)
		return -ENOMEM;
	memcpy(e.addr, place->addr.bytes, sizeof(e.addr));
	if (c->batch == d->batch) {
		d->entries.v[c->entry] = e;
		return 0;
	}
	c->batch = d->batch;
	c->entry = d->entries.n;
	return tg_vec_push(&d->entries, e);
}

static bool taken_by_other(
	const struct tg_deltas *d, const struct tg_addr *addr, const struct tg_pod *pod)
{
	const struct claim *c = locate(d, pod->zone, addr);

	return c->addr.family != 0 && c->name != 0 && (c->ns != pod->ns || c->name != pod->name);
}

static bool untouched(const struct tg_deltas *d, const struct tg_placement *place)
{
	return locate(d, place->zone, &place->addr)->addr.family == 0;
}

/* The pod that had the address when this was compiled has left it, and no other has taken it. */
static bool was_left(
	const struct tg_deltas *d, const struct tg_addr *addr, const struct tg_pod *pod)
{
	return locate(d, pod->zone, addr)->addr.family != 0 && !taken_by_other(d, addr, pod);
}

/* Does the pod have the address in the same zone afterwards? */
static bool keeps(const struct tg_pod_change *change, const struct tg_addr *addr)
{
	const struct tg_pod *pod = change->after;

	if (pod == NULL || pod->host_network || pod->finished || pod->zone != change->before->zone)
		return false;
	for (uint32_t i = 0; i < pod->n_addrs; i++)
		if (tg_addr_compare(&pod->addrs[i], addr) == 0)
			return true;
	return false;
}

/*
 * Each address on its own: one that several pods claim, which the compiler has to decide about,
 * does not leave the pod's others with the class that they had.
 */
static int vacate_address(struct tg_deltas *d, const struct tg_pod *pod, const struct tg_addr *addr)
{
	struct tg_placement place = {*addr, TG_NONE, TG_NONE, 0, pod->zone};
	struct tg_pod alone = *pod;
	const bool left = was_left(d, addr, pod);
	int n;

	alone.addrs = addr;
	alone.n_addrs = 1;
	n = tg_compiled_vacate_pod(d->compiled, &alone, &left, &place);
	if (n == 0)
		return 0;
	if (n < 0 || taken_by_other(d, addr, pod))
		d->missing = true;
	/* What becomes a Service's, the compiler says; it is not the pod's meanwhile. */
	if (n == -EEXIST || taken_by_other(d, addr, pod))
		return 0;
	return put(d, &place, NULL);
}

static int vacate(struct tg_deltas *d, const struct tg_pod_change *change)
{
	const struct tg_pod *pod = change->before;
	int err = 0;

	for (uint32_t i = 0; pod != NULL && i < pod->n_addrs && err == 0; i++)
		if (!keeps(change, &pod->addrs[i]))
			err = vacate_address(d, pod, &pod->addrs[i]);
	return err;
}

/* Where the pod was before, to find out what stays as it is; -1: not known. */
static int placed_before(struct tg_deltas *d, const struct tg_pod *before)
{
	if (before == NULL || tg_vec_reserve(&d->before, before->n_addrs + 1) != 0)
		return -1;
	return tg_compiled_place_pod(d->compiled, before, NULL, d->before.v);
}

static bool unchanged(const struct tg_deltas *d, const struct tg_placement *place, int n_before)
{
	if (!untouched(d, place))
		return false;
	for (int i = 0; i < n_before; i++) {
		const struct tg_placement *b = &d->before.v[i];

		if (b->zone == place->zone && tg_addr_compare(&b->addr, &place->addr) == 0)
			return b->cls == place->cls && b->node == place->node && b->ns == place->ns;
	}
	return false;
}

static int place(struct tg_deltas *d, const struct tg_pod_change *change)
{
	const struct tg_pod *pod = change->after;
	int n, n_before, err = 0;

	if (pod == NULL || pod->n_addrs == 0)
		return 0;
	if (tg_vec_reserve(&d->places, pod->n_addrs) != 0 ||
		tg_vec_reserve(&d->left, pod->n_addrs) != 0)
		return -ENOMEM;
	for (uint32_t i = 0; i < pod->n_addrs; i++)
		d->left.v[i] = was_left(d, &pod->addrs[i], pod);
	n = tg_compiled_place_pod(d->compiled, pod, d->left.v, d->places.v);
	for (int i = 0; i < n; i++)
		if (taken_by_other(d, &d->places.v[i].addr, pod))
			n = -EEXIST;
	if (n < 0) {
		d->missing = true;
		return n == -ENOMEM ? n : 0;
	}
	n_before = placed_before(d, change->before);
	for (int i = 0; i < n && err == 0; i++)
		if (!unchanged(d, &d->places.v[i], n_before))
			err = put(d, &d->places.v[i], pod);
	return err;
}

int tg_deltas_apply(struct tg_deltas *d, const struct tg_pod_change *changes, size_t n,
	struct tg_target *target)
{
	int err = 0;

	d->batch++;
	d->entries.n = 0;
	d->missing = false;
	/* First all that go: an address may move from one pod to another in one step. */
	for (size_t i = 0; i < n && err == 0; i++)
		err = vacate(d, &changes[i]);
	for (size_t i = 0; i < n && err == 0; i++)
		err = place(d, &changes[i]);
	if (err == 0 && d->entries.n > 0)
		err = tg_target_append(target, d->entries.v, d->entries.n);
	if (err != 0)
		return err;
	return d->missing ? -ENOENT : 0;
}
