/* SPDX-License-Identifier: BSD-3-Clause */
#include "compiled.h"

/*
 * Placements look up what the compilation added; they change nothing but scratch memory inside the
 * compiled, so the const of the interface holds for whoever calls from one thread.
 */
static struct tg_compiled *scratch_of(const struct tg_compiled *compiled)
{
	return (struct tg_compiled *)(uintptr_t)compiled;
}

/* 0, or -EEXIST when the address is not this pod's to take or to leave. */
static int check_owner(const struct endpoint *at, const struct tg_pod *pod, bool left)
{
	if (at == NULL || at->kind == TG_KIND_SERVICE)
		return 0;
	if (at->contested || at->kind != TG_KIND_POD)
		return -EEXIST;
	return left || (at->ns == pod->ns && at->name == pod->name) ? 0 : -EEXIST;
}

static int check_owners(
	const struct tg_compiled *compiled, const struct tg_pod *pod, const bool *left)
{
	for (uint32_t i = 0; i < pod->n_addrs; i++) {
		int err =
			check_owner(endpoints_find(compiled->endpoints, pod->zone, &pod->addrs[i]),
				pod, left != NULL && left[i]);

		if (err != 0)
			return err;
	}
	return 0;
}

static struct class_address class_address_of(
	const struct tg_compiled *compiled, uint32_t zone, const struct tg_addr *addr)
{
	const struct prefixes *prefixes = &compiled->frame->prefixes;
	uint32_t prefix = prefixes_lookup(prefixes, zone, addr);

	return (struct class_address){zone, prefixes->nodes.v[prefix].set, addr->family};
}

int tg_compiled_place_pod(const struct tg_compiled *compiled, const struct tg_pod *pod,
	const bool *left, struct tg_placement *out)
{
	struct tg_compiled *c = scratch_of(compiled);
	const struct profile_sources profile_sources = profile_sources_of(c);
	const struct class_sources class_sources = class_sources_of(c);
	uint32_t ns = scopes_find(&c->frame->scopes, pod->ns);
	uint32_t zone = zones_find(&c->frame->zones, pod->zone);
	struct profile profile;
	int err;

	if (!endpoints_pod_counts(pod) || pod->n_addrs == 0)
		return 0;
	err = zone != TG_NONE ? check_owners(c, pod, left) : -ENOENT;
	if (err == 0 && ns != TG_NONE)
		err = profiles_look(&c->frame->profiles, &profile_sources, pod, zone, ns, &profile);
	if (err != 0)
		return err;
	for (uint32_t i = 0; i < pod->n_addrs; i++) {
		const struct tg_addr *addr = &pod->addrs[i];
		struct class_address address = class_address_of(c, zone, addr);

		out[i].addr = *addr;
		out[i].zone = pod->zone;
		out[i].ns = limits_number(&c->limits, ns);
		out[i].node = ns != TG_NONE ? endpoints_node(c->endpoints, pod->node) : TG_NONE;
		out[i].cls = ns != TG_NONE ? classes_pod(&c->frame->classes, &class_sources,
						     &profile, address, false)
					   : classes_kind(&c->frame->classes, &class_sources,
						     TG_KIND_UNKNOWN, address, false);
		if (out[i].cls == TG_NONE)
			return -ENOENT;
	}
	return (int)pod->n_addrs;
}

int tg_compiled_vacate_pod(const struct tg_compiled *compiled, const struct tg_pod *pod,
	const bool *left, struct tg_placement *out)
{
	int err;

	if (!endpoints_pod_counts(pod) || pod->n_addrs == 0)
		return 0;
	err = check_owners(compiled, pod, left);
	if (err != 0)
		return err;
	for (uint32_t i = 0; i < pod->n_addrs; i++) {
		const struct endpoint *at =
			endpoints_find(compiled->endpoints, pod->zone, &pod->addrs[i]);

		if (at != NULL && (at->over_service || at->kind == TG_KIND_SERVICE))
			return -ENOENT;
		out[i] = (struct tg_placement){pod->addrs[i], TG_NONE, TG_NONE, 0, pod->zone};
	}
	return (int)pod->n_addrs;
}
