/* SPDX-License-Identifier: BSD-3-Clause */
#include <tidegate/control.h>

#include "export.h"

void tg_json_text_member(struct tg_buffer *b, const char *before, const char *key, const char *text)
{
	tg_buffer_printf(b, "%s\"%s\":", before, key);
	tg_buffer_json(b, text);
}

void tg_json_number_member(struct tg_buffer *b, const char *before, const char *key, uint64_t value)
{
	tg_buffer_printf(b, "%s\"%s\":%llu", before, key, (unsigned long long)value);
}

void tg_json_bool_member(struct tg_buffer *b, const char *before, const char *key, bool value)
{
	tg_buffer_printf(b, "%s\"%s\":%s", before, key, value ? "true" : "false");
}

static const char *boolean(bool value)
{
	return value ? "true" : "false";
}

/* --- /v1/status --- */

static void write_flags(struct tg_buffer *b, uint32_t flags)
{
	tg_buffer_printf(b,
		",\"no_ruleset\":%s,\"from_checkpoint\":%s,\"pickup\":%s,"
		"\"checkpoint_failed\":%s,\"stuck_worker\":%s,\"stuck_hardware\":%s,"
		"\"port_failed\":%s",
		boolean(flags & TG_STATE_NO_RULESET), boolean(flags & TG_STATE_FROM_CHECKPOINT),
		boolean(flags & TG_STATE_PICKUP), boolean(flags & TG_STATE_CHECKPOINT_FAILED),
		boolean(flags & TG_STATE_STUCK_WORKER), boolean(flags & TG_STATE_STUCK_HARDWARE),
		boolean(flags & TG_STATE_PORT_FAILED));
}

/* Of the second before. */
static void write_load(struct tg_buffer *b, const struct tg_stats_reader *reader)
{
	struct tg_stats_worker s;

	tg_buffer_printf(b, ",\"load\":[");
	for (uint32_t w = 0; w < reader->n_workers; w++) {
		if (tg_stats_read_worker(reader, w, &s) != 0)
			continue;
		tg_json_number_member(b, w == 0 ? "{" : ",{", "worker", w);
		tg_json_number_member(b, ",", "busy_permille", s.busy_permille);
		tg_json_number_member(b, ",", "packets_per_second", s.receive_rate);
		tg_json_number_member(b, ",", "handed_over_per_second", s.handoff_rate);
		tg_json_number_member(b, ",", "connections", s.conn4_used + s.conn6_used);
		tg_buffer_printf(b, "}");
	}
	tg_buffer_printf(b, "]");
}

static void write_ports(struct tg_buffer *b, const struct tg_stats_reader *reader)
{
	struct tg_stats_port port;

	tg_buffer_text(b, ",\"port_list\":[");
	for (uint32_t i = 0; i < reader->n_ports; i++) {
		if (tg_stats_read_port(reader, i, &port) != 0)
			continue;
		tg_json_text_member(b, i == 0 ? "{" : ",{", "name", port.name);
		tg_buffer_printf(b, ",\"link_up\":%s", boolean(port.link_up));
		tg_json_number_member(b, ",", "resets", port.resets);
		tg_json_text_member(b, ",", "placement", tg_port_placement_text(port.placement));
		tg_buffer_text(b, "}");
	}
	tg_buffer_text(b, "]");
}

/* A table: how full it is, and what it costs. */
static void write_table(struct tg_buffer *b, const char *before, const char *name, uint64_t used,
	uint64_t limit, uint64_t bytes)
{
	tg_buffer_printf(b, "%s\"%s\":", before, name);
	tg_json_number_member(b, "{", "used", used);
	tg_json_number_member(b, ",", "limit", limit);
	tg_json_number_member(b, ",", "bytes", bytes);
	tg_json_number_member(b, ",", "bytes_each", limit != 0 ? bytes / limit : 0);
	tg_buffer_printf(b, "}");
}

static void write_memory(struct tg_buffer *b, const struct tg_stats_reader *reader,
	const struct tg_stats_state *state)
{
	struct tg_stats_worker s;

	if (tg_stats_read_worker(reader, TG_STATS_ALL, &s) != 0)
		return;
	tg_buffer_printf(b, ",\"memory\":{");
	write_table(b, "", "connections_ipv4", s.conn4_used, s.conn4_capacity, s.conn4_bytes);
	write_table(b, ",", "connections_ipv6", s.conn6_used, s.conn6_capacity, s.conn6_bytes);
	write_table(b, ",", "endpoints", state->endpoints, state->endpoints_capacity,
		state->endpoint_bytes);
	tg_buffer_printf(b, "}");
}

/* Namespaces that may have so many connections. */
static void write_limits(
	struct tg_buffer *b, const struct tg_stats_reader *reader, const struct tg_rule_set *rules)
{
	struct tg_stats_slot s;

	tg_buffer_text(b, ",\"namespace_limits\":[");
	for (size_t i = 0; i < rules->n_limits; i++) {
		tg_stats_read_slot(reader, rules->limits[i].slot, &s);
		tg_json_text_member(b, i == 0 ? "{" : ",{", "namespace", rules->limits[i].ns);
		tg_json_number_member(b, ",", "connections", s.open);
		tg_json_number_member(b, ",", "limit", rules->limits[i].limit);
		tg_json_number_member(b, ",", "refused_packets", s.packets);
		tg_buffer_text(b, "}");
	}
	tg_buffer_text(b, "]");
}

static void write_segment(struct tg_buffer *b, const struct tg_stats_reader *reader,
	const struct tg_rule_set *rules, uint64_t now_ms)
{
	struct tg_stats_state state;

	if (tg_stats_read_state(reader, &state) != 0)
		return;
	tg_json_number_member(b, ",", "workers", reader->n_workers);
	tg_json_number_member(b, ",", "ports", reader->n_ports);
	tg_json_number_member(b, ",", "started_at_ms", reader->started_at);
	tg_json_number_member(b, ",", "heartbeat_age_ms",
		now_ms > state.heartbeat ? now_ms - state.heartbeat : 0);
	tg_json_number_member(b, ",", "applied_at_ms", state.applied_at);
	if (state.checkpoint_at != 0)
		tg_json_number_member(b, ",", "checkpoint_age_ms",
			now_ms > state.checkpoint_at ? now_ms - state.checkpoint_at : 0);
	write_flags(b, state.state_flags);
	write_load(b, reader);
	write_ports(b, reader);
	write_memory(b, reader, &state);
	write_limits(b, reader, rules);
}

static void write_dataplane(struct tg_buffer *b, const struct tg_notice *notice,
	const struct tg_rule_set *rules, uint64_t now_ms)
{
	tg_buffer_printf(b, "\"dataplane\":{\"connected\":%s,\"alive\":%s",
		boolean(notice->push.connected), boolean(tg_notice_alive(notice, now_ms, NULL)));
	tg_json_text_member(b, ",", "error", notice->push.error);
	if (notice->push.connected && notice->mapping != NULL)
		write_segment(b, &notice->mapping->reader, rules, now_ms);
	tg_buffer_text(b, "}");
}

static void write_generation(struct tg_buffer *b, const struct tg_push_status *push)
{
	tg_json_number_member(b, ",\"generation\":{", "desired", push->desired_generation);
	tg_json_number_member(b, ",", "applied", push->applied_generation);
	tg_json_number_member(b, ",", "delta_sequence", push->delta_sequence);
	tg_json_number_member(b, ",", "pending_deltas", push->pending_deltas);
	tg_json_number_member(b, ",", "epoch", push->epoch);
	tg_buffer_text(b, "}");
}

static void write_ruleset(struct tg_buffer *b, const struct tg_notice_compile *compile)
{
	const struct tg_compile_stats *s = &compile->stats;

	tg_json_number_member(b, ",\"ruleset\":{", "rules", s->rules);
	tg_json_number_member(b, ",", "endpoints", s->endpoints);
	tg_json_number_member(b, ",", "prefixes", s->prefixes);
	tg_json_number_member(b, ",", "classes", s->classes);
	tg_json_number_member(b, ",", "rows", s->rows);
	tg_json_number_member(b, ",", "columns", s->columns);
	tg_json_number_member(b, ",", "cells", s->cells);
	tg_json_number_member(b, ",", "programs", s->programs);
	tg_json_number_member(b, ",", "bytes", s->image_size);
	tg_json_number_member(b, ",", "compile_us", s->duration_us);
	tg_json_text_member(b, ",", "error", compile->error);
	tg_buffer_text(b, "}");
}

static void write_objects(struct tg_buffer *b, const struct tg_notice_source *s)
{
	tg_json_number_member(b, ",\"objects\":{", "namespaces", s->namespaces);
	tg_json_number_member(b, ",", "pods", s->pods);
	tg_json_number_member(b, ",", "nodes", s->nodes);
	tg_json_number_member(b, ",", "services", s->services);
	tg_json_number_member(b, ",", "policies", s->policies);
	tg_buffer_text(b, "}");
}

static void write_items(struct tg_buffer *b, const char *key, const struct tg_report_items *items)
{
	tg_buffer_printf(b, ",\"%s\":[", key);
	for (size_t i = 0; i < items->n; i++) {
		tg_json_text_member(b, i == 0 ? "{" : ",{", "place", items->v[i].place);
		tg_json_text_member(b, ",", "text", items->v[i].text);
		tg_buffer_text(b, "}");
	}
	tg_buffer_text(b, "]");
}

static void write_unenforced(struct tg_buffer *b, const struct tg_report *r)
{
	tg_buffer_text(b, ",\"not_enforced\":[");
	for (size_t i = 0; i < r->unenforced.n; i++) {
		const struct tg_report_unenforced *u = &r->unenforced.v[i];

		tg_json_text_member(b, i == 0 ? "{" : ",{", "place", u->place);
		tg_json_text_member(b, ",", "api_version", u->api_version);
		tg_json_text_member(b, ",", "kind", u->kind);
		tg_json_text_member(b, ",", "namespace", u->ns);
		tg_json_text_member(b, ",", "name", u->name);
		tg_buffer_text(b, "}");
	}
	tg_buffer_text(b, "]");
}

static void write_sources(struct tg_buffer *b, const struct tg_notice *notice)
{
	static const struct tg_report nothing;
	const struct tg_report *r = notice->report != NULL ? notice->report : &nothing;

	tg_buffer_printf(b, ",\"sources\":{\"synced\":%s", boolean(notice->source.synced));
	tg_json_number_member(b, ",", "files", notice->source.files);
	tg_json_number_member(b, ",", "files_refused", notice->source.files_refused);
	tg_json_number_member(b, ",", "served", notice->source.served);
	tg_json_number_member(b, ",", "served_refused", notice->source.served_refused);
	tg_json_bool_member(b, ",", "stale", notice->source.stale);
	tg_json_number_member(b, ",", "skipped", r->n_skipped);
	tg_json_number_member(b, ",", "n_errors", r->errors.total);
	tg_json_number_member(b, ",", "n_warnings", r->warnings.total);
	tg_json_number_member(b, ",", "n_not_enforced", r->n_unenforced);
	write_items(b, "errors", &r->errors);
	write_items(b, "warnings", &r->warnings);
	write_unenforced(b, r);
	tg_buffer_text(b, "}");
}

void tg_api_status(struct tg_buffer *b, const struct tg_notice *notice,
	const struct tg_rule_set *rules, uint64_t now_ms)
{
	char why[512] = "";
	bool ready = tg_notice_ready(notice, now_ms, why, sizeof(why));

	tg_json_text_member(b, "{", "version", TG_VERSION);
	tg_buffer_printf(b, ",\"ready\":%s", boolean(ready));
	tg_json_text_member(b, ",", "not_ready", why);
	tg_buffer_text(b, ",");
	write_dataplane(b, notice, rules, now_ms);
	write_generation(b, &notice->push);
	write_ruleset(b, &notice->compile);
	write_objects(b, &notice->source);
	write_sources(b, notice);
	tg_buffer_text(b, "}\n");
}

/* --- /v1/sources --- */

void tg_api_sources(struct tg_buffer *b, const struct tg_notice *notice, uint64_t now_ms)
{
	const struct tg_notice_source *s = &notice->source;

	tg_json_bool_member(b, "{", "synced", s->synced);
	tg_json_bool_member(b, ",", "stale", s->stale);
	tg_json_number_member(b, ",", "files", s->files);
	tg_json_number_member(b, ",", "files_refused", s->files_refused);
	tg_sources_write_json(b, notice->clusters, now_ms);
	tg_buffer_text(b, "}\n");
}

/* --- /v1/rules --- */

static void write_rule(struct tg_buffer *b, const struct tg_rule_row *row)
{
	tg_json_number_member(b, "{", "slot", row->slot);
	tg_json_text_member(b, ",", "kind", row->kind);
	tg_json_text_member(b, ",", "namespace", row->ns);
	tg_json_text_member(b, ",", "policy", row->policy);
	tg_json_text_member(b, ",", "direction", row->direction);
	if (row->index != TG_NONE)
		tg_json_number_member(b, ",", "index", row->index);
	tg_json_text_member(b, ",", "action", row->action);
	tg_json_text_member(b, ",", "text", row->text);
	tg_json_text_member(b, ",", "owner", row->owner);
}

static void write_counts(struct tg_buffer *b, const struct tg_stats_slot *s)
{
	tg_json_number_member(b, ",", "packets", s->packets);
	tg_json_number_member(b, ",", "bytes", s->bytes);
	tg_json_number_member(b, ",", "connections", s->connections);
	tg_json_number_member(b, ",", "would_deny", s->would_deny);
}

static bool counted(const struct tg_stats_slot *s)
{
	return s->packets != 0 || s->bytes != 0 || s->connections != 0 || s->would_deny != 0;
}

/* Built-in rules are listed when they counted something: most never do. */
void tg_api_rules(
	struct tg_buffer *b, const struct tg_notice *notice, const struct tg_rule_set *rules)
{
	bool counts = notice->push.connected && notice->mapping != NULL;
	const char *separator = "\n";

	tg_json_number_member(b, "{", "generation", notice->push.applied_generation);
	tg_buffer_text(b, ",\"rules\":[");
	for (size_t i = 0; i < rules->n; i++) {
		const struct tg_rule_row *row = &rules->rows[i];
		struct tg_stats_slot s = {0};

		if (counts)
			tg_stats_read_slot(&notice->mapping->reader, row->slot, &s);
		if (row->slot < TG_SLOT_FIRST && !counted(&s))
			continue;
		tg_buffer_text(b, separator);
		separator = ",\n";
		write_rule(b, row);
		if (counts)
			write_counts(b, &s);
		tg_buffer_text(b, "}");
	}
	tg_buffer_text(b, "]}\n");
}

/* --- /v1/drops --- */

void tg_api_drops(struct tg_buffer *b, const struct tg_notice *notice)
{
	struct tg_stats_worker sum;
	bool counts = notice->push.connected && notice->mapping != NULL &&
		      tg_stats_read_worker(&notice->mapping->reader, TG_STATS_ALL, &sum) == 0;

	tg_buffer_printf(b, "{\"connected\":%s,\"drops\":[", boolean(counts));
	for (uint32_t i = 0; counts && i < TG_DROP_COUNT; i++) {
		tg_json_text_member(b, i == 0 ? "{" : ",{", "reason", tg_drop_label(i));
		tg_json_text_member(b, ",", "text", tg_drop_text(i));
		tg_json_number_member(b, ",", "packets", sum.drops[i].packets);
		tg_json_number_member(b, ",", "bytes", sum.drops[i].bytes);
		tg_buffer_text(b, "}");
	}
	tg_buffer_text(b, "]}\n");
}
