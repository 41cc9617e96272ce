/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Texts of files into the decoder and the store. An input is a sequence of steps, separated by the
 * byte 0x1e; a step's first byte chooses the file ('0'.. '3'), the rest is its new text (nothing:
 * the file is removed). After each step what the store says must add up.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "store.h"

#define SEPARATOR 0x1e

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool holds, const char *what)
{
	if (holds)
		return;
	fprintf(stderr, "%s\n", what);
	abort();
}

/* Reads every object through, so that a dangling pointer is met. */
static uint64_t read_pod(const struct tg_cluster *cluster, const struct tg_pod *pod)
{
	uint64_t sum = strlen(tg_intern_text(cluster->strings, pod->name)) + pod->place.line;

	for (uint32_t i = 0; i < pod->n_addrs; i++)
		sum += pod->addrs[i].bytes[0] + pod->addrs[i].family;
	for (uint32_t i = 0; i < pod->labels.n; i++) {
		require(i == 0 || pod->labels.v[i - 1].key < pod->labels.v[i].key, "labels sorted");
		sum += pod->labels.v[i].value;
	}
	for (uint32_t i = 0; i < pod->n_ports; i++) {
		require(pod->ports[i].number != 0, "a port has a number");
		sum += pod->ports[i].name;
	}
	return sum;
}

static uint64_t read_selector(const struct tg_selector *selector)
{
	for (uint32_t i = 0; i < selector->n_reqs; i++) {
		const struct tg_requirement *r = &selector->reqs[i];
		bool listed = r->op == TG_OP_IN || r->op == TG_OP_NOT_IN;

		require(listed == (r->n_values != 0), "values where they belong");
	}
	return tg_selector_hash(selector);
}

static uint64_t read_rule(const struct tg_policy_rule *rule)
{
	uint64_t sum = rule->index;

	require(rule->any_peer == (rule->n_peers == 0), "any peer");
	require(rule->any_port == (rule->n_ports == 0), "any port");
	for (uint32_t i = 0; i < rule->n_peers; i++) {
		const struct tg_peer *p = &rule->peers[i];

		require(p->is_block != (p->has_ns_selector || p->has_pod_selector),
			"one peer kind");
		require(!p->is_block || p->block.addr.family != 0, "a block has a prefix");
		sum += read_selector(&p->ns_selector) + read_selector(&p->pod_selector);
		for (uint32_t k = 0; k < p->n_except; k++)
			require(tg_prefix_covers(&p->block, &p->except[k]), "except within");
	}
	for (uint32_t i = 0; i < rule->n_ports; i++) {
		require(rule->ports[i].lo <= rule->ports[i].hi, "a range in order");
		sum += rule->ports[i].protocol;
	}
	return sum;
}

static uint64_t read_policy(const struct tg_policy *policy)
{
	uint64_t sum = read_selector(&policy->pod_selector);

	require(policy->name != 0 && policy->ns != 0, "a policy has a name");
	for (unsigned int i = 0; i < TG_DIRECTION_COUNT; i++) {
		const struct tg_policy_side *side = &policy->side[i];

		require(side->isolates || side->n_rules == 0, "rules only where isolated");
		for (uint32_t k = 0; k < side->n_rules; k++)
			sum += read_rule(&side->rules[k]);
	}
	return sum;
}

static uint64_t read_cluster(const struct tg_cluster *c)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < c->n_namespaces; i++) {
		require(c->namespaces[i]->labels.n != 0, "a namespace has its name as a label");
		sum += c->namespaces[i]->labels.v[0].value;
	}
	for (size_t i = 0; i < c->n_pods; i++)
		sum += read_pod(c, c->pods[i]);
	for (size_t i = 0; i < c->n_nodes; i++)
		for (uint32_t k = 0; k < c->nodes[i]->n_pod_cidrs; k++)
			sum += c->nodes[i]->pod_cidrs[k].length;
	for (size_t i = 0; i < c->n_services; i++)
		for (uint32_t k = 0; k < c->services[i]->n_addrs; k++)
			sum += c->services[i]->addrs[k].bytes[0];
	for (size_t i = 0; i < c->n_policies; i++)
		sum += read_policy(c->policies[i]);
	return sum;
}

static void check_files(const struct tg_store *store)
{
	for (size_t i = 0; i < tg_store_file_count(store); i++) {
		struct tg_file_status status;

		tg_store_file(store, i, &status);
		require(status.refused == (status.n_errors != 0), "a refused file says why");
		require(status.refused || status.in_force, "a file is in force or refused");
		for (size_t k = 0; k < status.n_errors; k++)
			require(strlen(status.errors[k].text) != 0, "an error has a text");
	}
}

struct watch {
	struct tg_store *store;
	struct tg_view *old; /* of the step before, still held */
	uint64_t old_sum;
	size_t pods; /* as the changes say */
};

static void follow_changes(struct watch *w)
{
	struct tg_changes *changes = tg_store_take_changes(w->store);
	struct tg_view *view = tg_store_view(w->store);

	if (changes == NULL || view == NULL)
		abort();
	for (size_t i = 0; i < changes->n_pods; i++) {
		const struct tg_pod_change *c = &changes->pods[i];

		require(c->before != c->after, "a change changes something");
		if (c->before != NULL) {
			read_pod(&view->cluster, c->before);
			w->pods--;
		}
		if (c->after != NULL) {
			read_pod(&view->cluster, c->after);
			w->pods++;
		}
	}
	if (changes->other)
		w->pods = view->cluster.n_pods;
	require(w->pods == view->cluster.n_pods, "the changes lead to the view");
	tg_changes_release(w->store, changes);
	if (w->old != NULL)
		require(read_cluster(&w->old->cluster) == w->old_sum, "a view stays as it was");
	tg_view_release(w->store, w->old);
	w->old = view;
	w->old_sum = read_cluster(&view->cluster);
}

static void take_step(struct watch *w, const uint8_t *data, size_t size)
{
	static const char *const names[] = {"a.yaml", "b.json", "c.endpoints", "d.yaml"};
	const char *name = size != 0 ? names[data[0] % 4] : NULL;

	if (size > 1)
		tg_store_load(w->store, name, data + 1, size - 1);
	else if (size == 1)
		tg_store_remove(w->store, name);
	check_files(w->store);
	follow_changes(w);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct watch w = {.store = tg_store_create()};
	const uint8_t *end;

	if (w.store == NULL)
		return 0;
	for (; size != 0; size -= (size_t)(end - data), data = end) {
		if (*data == SEPARATOR) {
			end = data + 1;
			continue;
		}
		end = memchr(data, SEPARATOR, size);
		if (end == NULL)
			end = data + size;
		take_step(&w, data, (size_t)(end - data));
	}
	tg_view_release(w.store, w.old);
	tg_store_free(w.store);
	return 0;
}
