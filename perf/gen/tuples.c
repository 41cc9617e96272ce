/* SPDX-License-Identifier: BSD-3-Clause */
#include <netinet/in.h>
#include <string.h>

#include "internal.h"

static struct tg_addr outside_v4(const struct tg_gen *gen, struct tg_rng *rng)
{
	uint32_t bits = (uint32_t)tg_rng_next(rng);
	struct tg_prefix prefix;

	if (!tg_rng_percent(rng, 30))
		return tg_addr_from_v4(0x01000000 + bits % 0xde000000u);
	prefix = gen_internal_prefix(gen, rng);
	if (prefix.length < 32)
		bits >>= prefix.length;
	return tg_addr_from_v4(tg_addr_v4(&prefix.addr) | bits);
}

/* Global unicast, 2000::/3. */
static struct tg_addr outside_v6(struct tg_rng *rng)
{
	struct tg_addr addr = {.family = 6};
	uint64_t hi = tg_rng_next(rng), lo = tg_rng_next(rng);

	memcpy(addr.bytes, &hi, 8);
	memcpy(addr.bytes + 8, &lo, 8);
	addr.bytes[0] = 0x20 | (addr.bytes[0] & 0x1f);
	return addr;
}

static void pick_port(struct tg_rng *rng, struct tg_gen_tuple *t)
{
	static const uint16_t common[] = {
		443, 80, 8080, 8443, 5432, 9090, 9000, 9102, 53, 6379, 5672, 8081, 8000, 3000};
	uint32_t roll = tg_rng_below(rng, 100);

	t->protocol = roll < 80 ? IPPROTO_TCP : roll < 97 ? IPPROTO_UDP : IPPROTO_ICMP;
	if (t->protocol == IPPROTO_ICMP) {
		t->protocol = t->src.family == 4 ? IPPROTO_ICMP : IPPROTO_ICMPV6;
		t->dport = 0;
	} else if (tg_rng_percent(rng, 75)) {
		t->dport = common[tg_rng_below(rng, sizeof(common) / sizeof(common[0]))];
	} else {
		t->dport = (uint16_t)tg_rng_next(rng);
	}
}

static const struct tg_pod *random_pod(const struct tg_gen *gen, struct tg_rng *rng)
{
	return gen->pod_view[tg_rng_below(rng, gen->shape.pods)];
}

static void pick_addrs(const struct tg_gen *gen, struct tg_rng *rng, struct tg_gen_tuple *t)
{
	const struct tg_pod *src = random_pod(gen, rng), *dst = random_pod(gen, rng);
	bool outside = tg_rng_percent(rng, 50), v6 = src->n_addrs == 2 && tg_rng_percent(rng, 50);

	if (!outside && dst->n_addrs != 2)
		v6 = false;
	t->src = src->addrs[v6];
	if (!outside)
		t->dst = dst->addrs[v6];
	else
		t->dst = v6 ? outside_v6(rng) : outside_v4(gen, rng);
}

void tg_gen_tuples(
	const struct tg_gen *gen, uint64_t seed, bool swap, struct tg_gen_tuple *out, size_t n)
{
	struct tg_rng rng = {.state = seed ^ 0x7475706c65ull};

	for (size_t i = 0; i < n; i++) {
		struct tg_gen_tuple *t = &out[i];

		pick_addrs(gen, &rng, t);
		pick_port(&rng, t);
		if (swap && i % 2 == 1) {
			struct tg_addr src = t->src;

			t->src = t->dst;
			t->dst = src;
		}
	}
}
