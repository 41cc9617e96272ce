/* SPDX-License-Identifier: BSD-3-Clause */
#include "rows.h"

#include <stdlib.h>
#include <string.h>

#include "sort.h"

int row_set_init(struct rows *r)
{
	memset(r, 0, sizeof(*r));
	if (seqs_init(&r->stance_keys) == 0 && seqs_init(&r->implicit_keys) == 0 &&
		seqs_init(&r->keys) == 0)
		return 0;
	row_set_free(r);
	return -ENOMEM;
}

void row_set_free(struct rows *r)
{
	seqs_free(&r->stance_keys);
	seqs_free(&r->implicit_keys);
	seqs_free(&r->keys);
	tg_vec_free(&r->stances);
	tg_vec_free(&r->implicits);
	tg_vec_free(&r->v);
	memset(r, 0, sizeof(*r));
}

/* The policies among `all` that isolate in this direction. */
static int isolating(
	const struct policies *p, enum tg_direction dir, struct seq all, struct tg_vec_u32 *out)
{
	if (tg_vec_reserve(out, out->n + all.n) != 0)
		return -ENOMEM;
	for (uint32_t i = 0; i < all.n; i++)
		if (p->v.v[all.v[i]].side[dir].isolates)
			out->v[out->n++] = all.v[i];
	return 0;
}

/* The pod's ports that ingress rules of the policies ask for by name, appended to `out`. */
static int resolve(
	const struct policies *p, struct seq policies, struct seq ports, struct tg_vec_u32 *out)
{
	for (uint32_t i = 0; i < ports.n; i += 2) {
		bool used = false;

		for (uint32_t k = 0; k < policies.n && !used; k++) {
			struct seq uses = seqs_get(&p->use_sets, p->v.v[policies.v[k]].uses);

			used = sorted_has(uses.v, uses.n, ports.v[i]);
		}
		if (used && (tg_vec_push(out, ports.v[i]) != 0 ||
				    tg_vec_push(out, ports.v[i + 1]) != 0))
			return -ENOMEM;
	}
	return 0;
}

static uint32_t make_implicit(struct rows *r, enum tg_direction dir, struct seq policies)
{
	struct tg_vec_u32 key = {0};
	struct implicit fresh = {.direction = (uint8_t)dir};
	uint32_t id;

	if (tg_vec_reserve(&key, policies.n + 1) != 0)
		return TG_NONE;
	key.v[0] = dir;
	memcpy(key.v + 1, policies.v, policies.n * sizeof(*key.v));
	id = seqs_add(&r->implicit_keys, key.v, policies.n + 1);
	tg_vec_free(&key);
	if (id == TG_NONE || id <= r->implicits.n)
		return id == TG_NONE ? TG_NONE : id - 1;
	fresh.policies = seqs_get(&r->implicit_keys, id);
	fresh.policies.v++;
	fresh.policies.n--;
	return tg_vec_push(&r->implicits, fresh) == 0 ? id - 1 : TG_NONE;
}

/* Key words: direction, zone << 8 | kind, namespace, number of policies, policies, resolved ports.
 */
#define STANCE_HEAD 4u

static uint32_t make_stance(struct rows *r, const uint32_t *key, uint32_t n, bool create)
{
	uint32_t id = seqs_put(&r->stance_keys, key, n, create), n_policies = key[3];
	struct stance fresh = {
		.direction = (uint8_t)key[0],
		.kind = (uint8_t)key[1],
		.zone = (uint16_t)(key[1] >> 8),
		.ns = key[2],
		.implicit = TG_NONE,
	};

	if (id == TG_NONE || id <= r->stances.n)
		return id == TG_NONE ? TG_NONE : id - 1;
	key = seqs_get(&r->stance_keys, id).v;
	fresh.policies = (struct seq){key + STANCE_HEAD, n_policies};
	fresh.resolved = (struct seq){key + STANCE_HEAD + n_policies, n - STANCE_HEAD - n_policies};
	if (n_policies > 0) {
		fresh.implicit = make_implicit(r, fresh.direction, fresh.policies);
		if (fresh.implicit == TG_NONE)
			return TG_NONE;
	}
	return tg_vec_push(&r->stances, fresh) == 0 ? id - 1 : TG_NONE;
}

uint32_t row_set_pod_stance(struct rows *r, const struct policies *p, enum tg_direction dir,
	uint32_t zone, uint32_t ns, struct seq policies, struct seq ports, bool create)
{
	struct tg_vec_u32 key = {0};
	uint32_t stance = TG_NONE;
	struct seq chosen;

	/* All of it at once: `chosen` points into the key while the ports are appended. */
	if (tg_vec_reserve(&key, STANCE_HEAD + policies.n + ports.n) != 0)
		return TG_NONE;
	key.v[0] = dir;
	key.v[1] = zone << 8 | TG_KIND_POD;
	key.v[2] = ns;
	key.n = STANCE_HEAD;
	if (isolating(p, dir, policies, &key) != 0)
		goto out;
	key.v[3] = (uint32_t)key.n - STANCE_HEAD;
	chosen = (struct seq){key.v + STANCE_HEAD, key.v[3]};
	if (dir == TG_INGRESS && resolve(p, chosen, ports, &key) != 0)
		goto out;
	stance = make_stance(r, key.v, (uint32_t)key.n, create);
out:
	tg_vec_free(&key);
	return stance;
}

uint32_t row_set_kind_verdict(enum tg_class_kind kind)
{
	switch (kind) {
	case TG_KIND_WORLD:
	case TG_KIND_NODE:
		return tg_verdict_make(TG_ACTION_ALLOW, TG_BUILTIN_NOT_SUBJECT);
	case TG_KIND_UNKNOWN:
		return tg_verdict_make(TG_ACTION_DENY, TG_BUILTIN_UNKNOWN_ENDPOINT);
	case TG_KIND_SERVICE:
		return tg_verdict_make(TG_ACTION_DENY, TG_BUILTIN_SERVICE_ADDRESS);
	case TG_KIND_CONFLICT:
		return tg_verdict_make(TG_ACTION_DENY, TG_BUILTIN_ADDRESS_CONFLICT);
	case TG_KIND_QUARANTINE:
		return tg_verdict_make(TG_ACTION_DENY, TG_BUILTIN_QUARANTINE);
	default:
		return tg_verdict_make(TG_ACTION_DENY, TG_BUILTIN_FAIL_CLOSED);
	}
}

uint32_t row_set_kind_stance(
	struct rows *r, enum tg_direction dir, uint32_t zone, enum tg_class_kind kind, bool create)
{
	uint32_t key[STANCE_HEAD] = {dir, zone << 8 | kind, TG_NONE, 0};
	struct stance fresh = {
		.direction = (uint8_t)dir,
		.kind = (uint8_t)kind,
		.zone = (uint16_t)zone,
		.ns = TG_NONE,
		.implicit = TG_NONE,
	};
	uint32_t id = seqs_put(&r->stance_keys, key, STANCE_HEAD, create);

	if (id != TG_NONE && id > r->stances.n && tg_vec_push(&r->stances, fresh) != 0)
		return TG_NONE;
	return id == TG_NONE ? TG_NONE : id - 1;
}

uint32_t row_set_put(struct rows *r, uint32_t stance, struct seq infrastructure, bool create)
{
	struct tg_vec_u32 key = {0};
	struct row fresh = {.stance = stance};
	uint32_t id;

	if (tg_vec_reserve(&key, infrastructure.n + 1) != 0)
		return TG_NONE;
	key.v[0] = stance;
	if (infrastructure.n != 0)
		memcpy(key.v + 1, infrastructure.v, infrastructure.n * sizeof(*key.v));
	id = seqs_put(&r->keys, key.v, infrastructure.n + 1, create);
	tg_vec_free(&key);
	if (id == TG_NONE || id <= r->v.n)
		return id == TG_NONE ? TG_NONE : id - 1;
	fresh.infrastructure = seqs_get(&r->keys, id);
	fresh.infrastructure.v++;
	fresh.infrastructure.n--;
	return tg_vec_push(&r->v, fresh) == 0 ? id - 1 : TG_NONE;
}
