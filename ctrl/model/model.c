/* SPDX-License-Identifier: BSD-3-Clause */
#include "model.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "hash.h"

uint32_t tg_labels_get(const struct tg_labels *labels, uint32_t key)
{
	uint32_t lo = 0, hi = labels->n;

	while (lo < hi) {
		uint32_t mid = (lo + hi) / 2;

		if (labels->v[mid].key < key)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo < labels->n && labels->v[lo].key == key ? labels->v[lo].value : UINT32_MAX;
}

static bool has_value(const struct tg_requirement *req, uint32_t value)
{
	for (uint32_t i = 0; i < req->n_values; i++)
		if (req->values[i] == value)
			return true;
	return false;
}

static bool requirement_holds(const struct tg_requirement *req, const struct tg_labels *labels)
{
	uint32_t value = tg_labels_get(labels, req->key);

	switch (req->op) {
	case TG_OP_IN:
		return value != UINT32_MAX && has_value(req, value);
	case TG_OP_NOT_IN:
		return value == UINT32_MAX || !has_value(req, value);
	case TG_OP_EXISTS:
		return value != UINT32_MAX;
	case TG_OP_NOT_EXISTS:
		return value == UINT32_MAX;
	}
	return false;
}

bool tg_selector_matches(const struct tg_selector *selector, const struct tg_labels *labels)
{
	for (uint32_t i = 0; i < selector->n_reqs; i++)
		if (!requirement_holds(&selector->reqs[i], labels))
			return false;
	return true;
}

bool tg_selector_equal(const struct tg_selector *a, const struct tg_selector *b)
{
	if (a->n_reqs != b->n_reqs)
		return false;
	for (uint32_t i = 0; i < a->n_reqs; i++) {
		const struct tg_requirement *x = &a->reqs[i], *y = &b->reqs[i];

		if (x->key != y->key || x->op != y->op || x->n_values != y->n_values)
			return false;
		for (uint32_t k = 0; k < x->n_values; k++)
			if (x->values[k] != y->values[k])
				return false;
	}
	return true;
}

uint64_t tg_selector_hash(const struct tg_selector *selector)
{
	uint64_t h = tg_hash_mix(selector->n_reqs, 0);

	for (uint32_t i = 0; i < selector->n_reqs; i++) {
		const struct tg_requirement *req = &selector->reqs[i];

		h = tg_hash_mix(h, ((uint64_t)req->key << 8) | req->op);
		for (uint32_t k = 0; k < req->n_values; k++)
			h = tg_hash_mix(h, req->values[k]);
		h = tg_hash_mix(h, req->n_values);
	}
	return h;
}

static const struct {
	const char *name;
	uint8_t number;
} protocols[] = {
	{"TCP", IPPROTO_TCP},
	{"UDP", IPPROTO_UDP},
	{"SCTP", IPPROTO_SCTP},
	{"ICMP", IPPROTO_ICMP},
	{"ICMPv6", IPPROTO_ICMPV6},
	{"GRE", IPPROTO_GRE},
};

const char *tg_protocol_name(uint8_t protocol, char buf[4])
{
	for (size_t i = 0; i < sizeof(protocols) / sizeof(protocols[0]); i++)
		if (protocols[i].number == protocol)
			return protocols[i].name;
	snprintf(buf, 4, "%u", protocol);
	return buf;
}

int tg_protocol_parse(const char *text)
{
	char *end;
	unsigned long value;

	for (size_t i = 0; i < sizeof(protocols) / sizeof(protocols[0]); i++)
		if (strcmp(protocols[i].name, text) == 0)
			return protocols[i].number;
	if (*text < '0' || *text > '9')
		return -EINVAL;
	value = strtoul(text, &end, 10);
	return *end == '\0' && value <= 255 ? (int)value : -EINVAL;
}
