/* SPDX-License-Identifier: BSD-3-Clause */
#include "sources.h"

#include <inttypes.h>
#include <stdio.h>

#include "export.h"

struct tg_sources *tg_sources_create(void)
{
	struct tg_sources *s = calloc(1, sizeof(*s));

	if (s == NULL)
		return NULL;
	s->arena = tg_arena_create(2048);
	if (s->arena == NULL) {
		free(s);
		return NULL;
	}
	s->refs = 1;
	return s;
}

struct tg_sources *tg_sources_ref(struct tg_sources *sources)
{
	__atomic_fetch_add(&sources->refs, 1, __ATOMIC_RELAXED);
	return sources;
}

void tg_sources_unref(struct tg_sources *s)
{
	if (s == NULL || __atomic_sub_fetch(&s->refs, 1, __ATOMIC_ACQ_REL) != 0)
		return;
	for (size_t i = 0; i < s->clusters.n; i++)
		tg_vec_free(&s->clusters.v[i].kinds);
	tg_vec_free(&s->clusters);
	tg_arena_free(s->arena);
	free(s);
}

static uint64_t age_ms(const struct tg_source_kind *k, uint64_t now_ms)
{
	return now_ms > k->heard_at ? now_ms - k->heard_at : 0;
}

void tg_sources_why_not(const struct tg_sources *s, char *why, size_t size)
{
	why[0] = '\0';
	for (size_t i = 0; s != NULL && i < s->clusters.n; i++) {
		const struct tg_source_cluster *c = &s->clusters.v[i];

		if (c->synced)
			continue;
		if (why[0] == '\0')
			snprintf(why, size, "cluster %s is being read", c->name);
		for (size_t k = 0; k < c->kinds.n; k++) {
			const struct tg_source_kind *kind = &c->kinds.v[k];

			if (kind->synced || !kind->enforced || kind->problem[0] == '\0')
				continue;
			snprintf(why, size, "cluster %s: %s", c->name, kind->problem);
			return;
		}
	}
}

/* --- metrics --- */

/* What is said of each kind: a value of its row. */
struct kind_metric {
	const char *name, *type, *help;
	uint64_t (*value)(const struct tg_source_kind *k);
};

#define VALUE(field)                                                  \
	static uint64_t value_##field(const struct tg_source_kind *k) \
	{                                                             \
		return (uint64_t)k->field;                            \
	}

VALUE(synced)
VALUE(stale)
VALUE(objects)
VALUE(refused)
#define X(field, metric, help) VALUE(field)
TG_SOURCE_COUNTERS(X)
#undef X

static const struct kind_metric kind_metrics[] = {
	{"tidegate_cluster_kind_synced", "gauge", "1 when a kind was listed completely once.",
		value_synced},
	{"tidegate_cluster_kind_stale", "gauge",
		"1 when a kind is out of touch with the API server: what was known stays in force.",
		value_stale},
	{"tidegate_cluster_objects", "gauge", "Objects that the API server has, by kind.",
		value_objects},
	{"tidegate_cluster_objects_refused", "gauge",
		"Of these, not in force as they are: unreadable, or in another source as well.",
		value_refused},
#define X(field, metric, help) \
	{"tidegate_cluster_" metric "_total", "counter", help, value_##field},
	TG_SOURCE_COUNTERS(X)
#undef X
};

static void write_kind_labels(struct tg_buffer *b, const char *name,
	const struct tg_source_cluster *c, const struct tg_source_kind *k)
{
	tg_buffer_printf(b, "%s{cluster=", name);
	tg_buffer_label(b, c->name);
	tg_buffer_text(b, ",resource=");
	tg_buffer_label(b, k->resource);
	tg_buffer_text(b, ",api_version=");
	tg_buffer_label(b, k->api_version);
	tg_buffer_text(b, ",namespace=");
	tg_buffer_label(b, k->ns);
	tg_buffer_text(b, "} ");
}

static void write_kind_metric(
	struct tg_buffer *b, const struct tg_sources *s, const struct kind_metric *m)
{
	tg_metric_family(b, m->name, m->type, m->help);
	for (size_t i = 0; i < s->clusters.n; i++) {
		const struct tg_source_cluster *c = &s->clusters.v[i];

		for (size_t k = 0; k < c->kinds.n; k++) {
			write_kind_labels(b, m->name, c, &c->kinds.v[k]);
			tg_buffer_printf(b, "%" PRIu64 "\n", m->value(&c->kinds.v[k]));
		}
	}
}

static void write_ages(struct tg_buffer *b, const struct tg_sources *s, uint64_t now_ms)
{
	const char *name = "tidegate_cluster_age_seconds";

	tg_metric_family(b, name, "gauge",
		"Since when nothing is known about a kind: its last event, bookmark or list.");
	for (size_t i = 0; i < s->clusters.n; i++) {
		const struct tg_source_cluster *c = &s->clusters.v[i];

		for (size_t k = 0; k < c->kinds.n; k++) {
			if (c->kinds.v[k].heard_at == 0)
				continue;
			write_kind_labels(b, name, c, &c->kinds.v[k]);
			tg_buffer_printf(b, "%.3f\n", (double)age_ms(&c->kinds.v[k], now_ms) / 1e3);
		}
	}
}

static void write_cluster_metric(struct tg_buffer *b, const struct tg_sources *s, const char *name,
	const char *type, const char *help, uint64_t (*value)(const struct tg_source_cluster *c))
{
	tg_metric_family(b, name, type, help);
	for (size_t i = 0; i < s->clusters.n; i++) {
		tg_buffer_printf(b, "%s{cluster=", name);
		tg_buffer_label(b, s->clusters.v[i].name);
		tg_buffer_printf(b, "} %" PRIu64 "\n", value(&s->clusters.v[i]));
	}
}

static uint64_t cluster_synced(const struct tg_source_cluster *c)
{
	return c->synced;
}

static uint64_t cluster_requests(const struct tg_source_cluster *c)
{
	return c->requests;
}

static uint64_t cluster_bytes(const struct tg_source_cluster *c)
{
	return c->bytes;
}

static uint64_t cluster_expiry(const struct tg_source_cluster *c)
{
	return (uint64_t)c->certificate_expires_at;
}

void tg_sources_write_metrics(struct tg_buffer *b, const struct tg_sources *s, uint64_t now_ms)
{
	if (s == NULL || s->clusters.n == 0)
		return;
	write_cluster_metric(b, s, "tidegate_cluster_synced", "gauge",
		"1 when everything of a cluster was read once.", cluster_synced);
	write_cluster_metric(b, s, "tidegate_cluster_requests_total", "counter",
		"Requests to the API server.", cluster_requests);
	write_cluster_metric(b, s, "tidegate_cluster_received_bytes_total", "counter",
		"Bytes of its answers.", cluster_bytes);
	write_cluster_metric(b, s, "tidegate_cluster_certificate_expiry_timestamp_seconds", "gauge",
		"When our client certificate expires, Unix time; 0: we use none.", cluster_expiry);
	write_ages(b, s, now_ms);
	for (size_t i = 0; i < sizeof(kind_metrics) / sizeof(kind_metrics[0]); i++)
		write_kind_metric(b, s, &kind_metrics[i]);
}

/* --- JSON --- */

static void write_kind(struct tg_buffer *b, const struct tg_source_kind *k, uint64_t now_ms)
{
	tg_json_text_member(b, "{", "resource", k->resource);
	tg_json_text_member(b, ",", "api_version", k->api_version);
	tg_json_text_member(b, ",", "kind", k->kind);
	tg_json_text_member(b, ",", "namespace", k->ns);
	tg_json_text_member(b, ",", "state", k->state);
	tg_json_bool_member(b, ",", "enforced", k->enforced);
	tg_json_bool_member(b, ",", "optional", k->optional);
	tg_json_bool_member(b, ",", "synced", k->synced);
	tg_json_bool_member(b, ",", "stale", k->stale);
	tg_json_number_member(b, ",", "objects", k->objects);
	tg_json_number_member(b, ",", "refused", k->refused);
	tg_json_text_member(b, ",", "resource_version", k->resource_version);
	if (k->heard_at != 0)
		tg_json_number_member(b, ",", "age_ms", age_ms(k, now_ms));
	if (k->next_at > now_ms)
		tg_json_number_member(b, ",", "next_try_ms", k->next_at - now_ms);
	tg_json_text_member(b, ",", "problem", k->problem);
#define X(field, metric, help) tg_json_number_member(b, ",", #field, k->field);
	TG_SOURCE_COUNTERS(X)
#undef X
	tg_buffer_text(b, "}");
}

void tg_sources_write_json(struct tg_buffer *b, const struct tg_sources *s, uint64_t now_ms)
{
	tg_buffer_text(b, ",\"clusters\":[");
	for (size_t i = 0; s != NULL && i < s->clusters.n; i++) {
		const struct tg_source_cluster *c = &s->clusters.v[i];

		tg_json_text_member(b, i == 0 ? "{" : ",{", "name", c->name);
		tg_json_text_member(b, ",", "server", c->server);
		tg_json_number_member(b, ",", "zone", c->zone);
		tg_json_bool_member(b, ",", "synced", c->synced);
		tg_json_bool_member(b, ",", "stale", c->stale);
		tg_json_number_member(b, ",", "requests", c->requests);
		tg_json_number_member(b, ",", "received_bytes", c->bytes);
		if (c->certificate_expires_at != 0)
			tg_json_number_member(b, ",", "certificate_expires_at",
				(uint64_t)c->certificate_expires_at);
		tg_json_text_member(b, ",", "discovery_problem", c->discovery_problem);
		tg_buffer_text(b, ",\"kinds\":[");
		for (size_t k = 0; k < c->kinds.n; k++) {
			if (k != 0)
				tg_buffer_text(b, ",");
			write_kind(b, &c->kinds.v[k], now_ms);
		}
		tg_buffer_text(b, "]}");
	}
	tg_buffer_text(b, "]");
}
