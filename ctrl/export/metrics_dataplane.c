/* SPDX-License-Identifier: BSD-3-Clause */
#include <string.h>
#include <stddef.h>

#include <tidegate/control.h>
#include <tidegate/offload.h>

#include "export.h"

static void sample(
	struct tg_buffer *b, const char *name, const char *key, const char *value, uint64_t n)
{
	tg_buffer_printf(b, "%s{%s=\"%s\"} %llu\n", name, key, value, (unsigned long long)n);
}

/* A point in time, and how long ago it is; nothing for a time that never was. */
static void write_time(struct tg_buffer *b, const char *name, const char *help, uint64_t at_ms)
{
	tg_metric_family(b, name, "gauge", help);
	tg_buffer_printf(b, "%s %.3f\n", name, (double)at_ms / 1e3);
}

static void write_flags(struct tg_buffer *b, uint32_t flags)
{
	const char *name = "tidegate_dataplane_state";

	tg_metric_family(b, name, "gauge", "1 when the flag is set.");
	sample(b, name, "flag", "no_ruleset", (flags & TG_STATE_NO_RULESET) != 0);
	sample(b, name, "flag", "from_checkpoint", (flags & TG_STATE_FROM_CHECKPOINT) != 0);
	sample(b, name, "flag", "pickup", (flags & TG_STATE_PICKUP) != 0);
	sample(b, name, "flag", "checkpoint_failed", (flags & TG_STATE_CHECKPOINT_FAILED) != 0);
	sample(b, name, "flag", "stuck_worker", (flags & TG_STATE_STUCK_WORKER) != 0);
	sample(b, name, "flag", "stuck_hardware", (flags & TG_STATE_STUCK_HARDWARE) != 0);
	sample(b, name, "flag", "port_failed", (flags & TG_STATE_PORT_FAILED) != 0);
}

static void write_changes(struct tg_buffer *b, const struct tg_stats_state *s)
{
	const char *rulesets = "tidegate_dataplane_rulesets_total";
	const char *deltas = "tidegate_dataplane_deltas_total";

	tg_metric_family(b, rulesets, "counter", "Rulesets that reached the dataplane, by result.");
	sample(b, rulesets, "result", "applied", s->rulesets_applied);
	sample(b, rulesets, "result", "refused", s->rulesets_refused);
	tg_metric_family(
		b, deltas, "counter", "Class-map deltas that reached the dataplane, by result.");
	sample(b, deltas, "result", "applied", s->deltas_applied);
	sample(b, deltas, "result", "refused", s->deltas_refused);
}

static void write_state(struct tg_buffer *b, const struct tg_stats_reader *reader, uint64_t now_ms)
{
	struct tg_stats_state s;
	uint64_t age;

	if (tg_stats_read_state(reader, &s) != 0)
		return;
	write_time(b, "tidegate_dataplane_start_time_seconds",
		"When the dataplane started, Unix time.", reader->started_at);
	write_time(b, "tidegate_dataplane_heartbeat_timestamp_seconds",
		"The last sign of life, Unix time.", s.heartbeat);
	write_time(b, "tidegate_ruleset_applied_timestamp_seconds",
		"When the ruleset in force last changed, Unix time.", s.applied_at);
	write_flags(b, s.state_flags);
	write_changes(b, &s);
	tg_metric_gauge(b, "tidegate_endpoints_bytes", "Memory of the single addresses in force.",
		s.endpoint_bytes);
	tg_metric_counter(b, "tidegate_dataplane_checkpoint_errors_total",
		"Checkpoints that could not be written.", s.checkpoint_errors);
	if (s.checkpoint_at == 0)
		return;
	age = now_ms > s.checkpoint_at ? now_ms - s.checkpoint_at : 0;
	write_time(b, "tidegate_dataplane_checkpoint_timestamp_seconds",
		"When the checkpoint was last written, Unix time.", s.checkpoint_at);
	write_time(b, "tidegate_dataplane_checkpoint_age_seconds", "How long ago that was.", age);
}

/* --- rules and drops --- */

static void write_rule_family(struct tg_buffer *b, const struct tg_rule_set *rules,
	const struct tg_stats_slot *counts, const char *name, const char *help, size_t offset)
{
	tg_metric_family(b, name, "counter", help);
	for (size_t i = 0; i < rules->n; i++) {
		uint64_t value;

		if (rules->rows[i].labels == NULL)
			continue;
		memcpy(&value, (const char *)&counts[i] + offset, sizeof(value));
		tg_buffer_text(b, name);
		tg_buffer_add(b, "{", 1);
		tg_buffer_text(b, rules->rows[i].labels);
		tg_buffer_add(b, "} ", 2);
		tg_buffer_number(b, value);
		tg_buffer_add(b, "\n", 1);
	}
}

static void write_limit_family(struct tg_buffer *b, const struct tg_rule_set *rules,
	const struct tg_stats_slot *counts, const char *name, const char *type, const char *help,
	size_t offset)
{
	tg_metric_family(b, name, type, help);
	for (size_t i = 0; i < rules->n_limits; i++) {
		uint64_t value = rules->limits[i].limit;

		if (counts != NULL)
			memcpy(&value, (const char *)&counts[i] + offset, sizeof(value));
		tg_buffer_text(b, name);
		tg_buffer_text(b, "{namespace=");
		tg_buffer_label(b, rules->limits[i].ns);
		tg_buffer_add(b, "} ", 2);
		tg_buffer_number(b, value);
		tg_buffer_add(b, "\n", 1);
	}
}

static void write_limits(
	struct tg_buffer *b, const struct tg_stats_reader *reader, const struct tg_rule_set *rules)
{
	struct tg_stats_slot *counts = calloc(rules->n_limits + 1, sizeof(*counts));

	if (counts == NULL) {
		b->failed = true;
		return;
	}
	for (size_t i = 0; i < rules->n_limits; i++)
		tg_stats_read_slot(reader, rules->limits[i].slot, &counts[i]);
	write_limit_family(b, rules, counts, "tidegate_namespace_connections", "gauge",
		"Connections that count for the namespace, where it has a limit.",
		offsetof(struct tg_stats_slot, open));
	write_limit_family(b, rules, NULL, "tidegate_namespace_connections_limit", "gauge",
		"Connections that the namespace may have.", 0);
	write_limit_family(b, rules, counts, "tidegate_namespace_connections_total", "counter",
		"Connections that began in the namespace.",
		offsetof(struct tg_stats_slot, connections));
	write_limit_family(b, rules, counts, "tidegate_namespace_refused_packets_total", "counter",
		"Packets that would have begun a connection above the namespace's limit.",
		offsetof(struct tg_stats_slot, packets));
	free(counts);
}

static void write_rules(
	struct tg_buffer *b, const struct tg_stats_reader *reader, const struct tg_rule_set *rules)
{
	struct tg_stats_slot *counts = calloc(rules->n + 1, sizeof(*counts));

	if (counts == NULL) {
		b->failed = true;
		return;
	}
	for (size_t i = 0; i < rules->n; i++)
		if (rules->rows[i].labels != NULL)
			tg_rule_row_read(&rules->rows[i], reader, &counts[i]);
	write_rule_family(b, rules, counts, "tidegate_rule_packets_total",
		"Packets that the rule decided; those of live connections are seconds late.",
		offsetof(struct tg_stats_slot, packets));
	write_rule_family(b, rules, counts, "tidegate_rule_bytes_total",
		"Bytes that the rule decided.", offsetof(struct tg_stats_slot, bytes));
	write_rule_family(b, rules, counts, "tidegate_rule_connections_total",
		"New connections that the rule decided, allowed or denied.",
		offsetof(struct tg_stats_slot, connections));
	write_rule_family(b, rules, counts, "tidegate_rule_would_deny_packets_total",
		"Packets that passed only because the rule audits.",
		offsetof(struct tg_stats_slot, would_deny));
	free(counts);
}

static void write_drops(struct tg_buffer *b, const struct tg_stats_reader *reader,
	const struct tg_stats_worker *sum)
{
	const char *packets = "tidegate_dropped_packets_total";
	const char *bytes = "tidegate_dropped_bytes_total";
	uint32_t n = reader->n_drop_reasons < TG_DROP_COUNT ? reader->n_drop_reasons
							    : (uint32_t)TG_DROP_COUNT;

	tg_metric_family(b, packets, "counter", "Packets dropped, by reason.");
	for (uint32_t i = 0; i < n; i++)
		sample(b, packets, "reason", tg_drop_label(i), sum->drops[i].packets);
	tg_metric_family(b, bytes, "counter", "Bytes dropped, by reason.");
	for (uint32_t i = 0; i < n; i++)
		sample(b, bytes, "reason", tg_drop_label(i), sum->drops[i].bytes);
}

/* --- tables --- */

static void write_pair(
	struct tg_buffer *b, const char *name, const char *help, uint64_t v4, uint64_t v6)
{
	tg_metric_family(b, name, "gauge", help);
	sample(b, name, "family", "ipv4", v4);
	sample(b, name, "family", "ipv6", v6);
}

static void write_tables(struct tg_buffer *b, const struct tg_stats_worker *s)
{
	const char *events = "tidegate_connection_events_total";

	write_pair(b, "tidegate_connections", "Live connections.", s->conn4_used, s->conn6_used);
	write_pair(b, "tidegate_connections_limit", "Connections that there is room for.",
		s->conn4_capacity, s->conn6_capacity);
	write_pair(b, "tidegate_connections_bytes", "Memory of the connection tables.",
		s->conn4_bytes, s->conn6_bytes);
	tg_metric_gauge(b, "tidegate_half_open_connections", "Connections without a reply yet.",
		s->half_open);
	tg_metric_gauge(b, "tidegate_half_open_connections_limit",
		"Half-open connections that there is room for.", s->half_open_capacity);
	tg_metric_gauge(b, "tidegate_fragmented_datagrams",
		"Datagrams whose fragments are tracked.", s->fragments_used);
	tg_metric_gauge(b, "tidegate_fragmented_datagrams_limit",
		"Fragmented datagrams that there is room for.", s->fragments_capacity);
	tg_metric_family(b, events, "counter", "What happened to connections.");
	sample(b, events, "event", "created", s->conn_created);
	sample(b, events, "event", "closed", s->conn_closed);
	sample(b, events, "event", "expired", s->conn_expired);
	sample(b, events, "event", "evicted", s->conn_evicted);
	sample(b, events, "event", "revoked", s->conn_revoked);
	sample(b, events, "event", "rejudged", s->conn_rejudged);
}

/* --- workers --- */

static const struct {
	const char *name, *help;
	size_t offset;
} worker_counters[] = {
	{"tidegate_worker_receive_packets_total", "Packets received by the worker.",
		offsetof(struct tg_stats_worker, rx_packets)},
	{"tidegate_worker_receive_bytes_total", "Bytes received by the worker.",
		offsetof(struct tg_stats_worker, rx_bytes)},
	{"tidegate_worker_transmit_packets_total", "Packets sent by the worker.",
		offsetof(struct tg_stats_worker, tx_packets)},
	{"tidegate_worker_transmit_bytes_total", "Bytes sent by the worker.",
		offsetof(struct tg_stats_worker, tx_bytes)},
	{"tidegate_worker_polls_total", "Rounds of the worker.",
		offsetof(struct tg_stats_worker, polls)},
	{"tidegate_worker_idle_polls_total", "Rounds in which there was no packet.",
		offsetof(struct tg_stats_worker, idle_polls)},
	{"tidegate_worker_busy_cycles_total", "TSC cycles spent on packets.",
		offsetof(struct tg_stats_worker, busy_cycles)},
	{"tidegate_worker_cycles_total", "TSC cycles in all.",
		offsetof(struct tg_stats_worker, total_cycles)},
	{"tidegate_worker_handoff_sent_packets_total", "Packets handed to their owner.",
		offsetof(struct tg_stats_worker, handoff_sent)},
	{"tidegate_worker_misplaced_packets_total",
		"Packets that a NIC has placed elsewhere than it is said to.",
		offsetof(struct tg_stats_worker, misplaced)},
	{"tidegate_worker_marks_right_total", "Marks of NICs that said the packet's connection.",
		offsetof(struct tg_stats_worker, marks_right)},
	{"tidegate_worker_marks_stale_total", "Marks of NICs that are of no connection any more.",
		offsetof(struct tg_stats_worker, marks_stale)},
	{"tidegate_worker_marks_wrong_total", "Marks of NICs that are another connection's.",
		offsetof(struct tg_stats_worker, marks_wrong)},
	{"tidegate_worker_handoff_received_packets_total", "Packets that others handed over.",
		offsetof(struct tg_stats_worker, handoff_received)},
};

/* Gauges, which other than counters are not for a rate over time. */
static void write_worker_gauges(
	struct tg_buffer *b, const struct tg_stats_worker *workers, uint32_t n)
{
	static const char connections[] = "tidegate_worker_connections";
	static const char busy[] = "tidegate_worker_busy_ratio";

	tg_metric_family(b, connections, "gauge", "Connections that the worker owns.");
	for (uint32_t w = 0; w < n; w++)
		tg_buffer_printf(b, "%s{worker=\"%u\"} %llu\n", connections, w,
			(unsigned long long)(workers[w].conn4_used + workers[w].conn6_used));
	tg_metric_family(
		b, busy, "gauge", "Part of the last second that the worker spent on packets.");
	for (uint32_t w = 0; w < n; w++)
		tg_buffer_printf(b, "%s{worker=\"%u\"} %.3f\n", busy, w,
			(double)workers[w].busy_permille / 1000);
}

static void write_workers(struct tg_buffer *b, const struct tg_stats_reader *reader)
{
	struct tg_stats_worker *workers = calloc(reader->n_workers, sizeof(*workers));

	if (workers == NULL) {
		b->failed = true;
		return;
	}
	for (uint32_t w = 0; w < reader->n_workers; w++)
		tg_stats_read_worker(reader, w, &workers[w]);
	for (size_t i = 0; i < sizeof(worker_counters) / sizeof(worker_counters[0]); i++) {
		tg_metric_family(b, worker_counters[i].name, "counter", worker_counters[i].help);
		for (uint32_t w = 0; w < reader->n_workers; w++) {
			uint64_t value;

			memcpy(&value, (const char *)&workers[w] + worker_counters[i].offset,
				sizeof(value));
			tg_buffer_printf(b, "%s{worker=\"%u\"} %llu\n", worker_counters[i].name, w,
				(unsigned long long)value);
		}
	}
	write_worker_gauges(b, workers, reader->n_workers);
	free(workers);
}

/* --- ports --- */

static const struct {
	const char *name, *type, *help;
	size_t offset, size;
} port_values[] = {
	{"tidegate_port_link_up", "gauge", "1 when the port has a link.",
		offsetof(struct tg_stats_port, link_up), 4},
	{"tidegate_port_mtu_bytes", "gauge", "MTU of the port.",
		offsetof(struct tg_stats_port, mtu), 4},
	{"tidegate_port_receive_packets_total", "counter", "Packets received.",
		offsetof(struct tg_stats_port, rx_packets), 8},
	{"tidegate_port_receive_bytes_total", "counter", "Bytes received.",
		offsetof(struct tg_stats_port, rx_bytes), 8},
	{"tidegate_port_transmit_packets_total", "counter", "Packets sent.",
		offsetof(struct tg_stats_port, tx_packets), 8},
	{"tidegate_port_transmit_bytes_total", "counter", "Bytes sent.",
		offsetof(struct tg_stats_port, tx_bytes), 8},
	{"tidegate_port_receive_missed_packets_total", "counter",
		"Packets that the port had no room for.", offsetof(struct tg_stats_port, rx_missed),
		8},
	{"tidegate_port_receive_errors_total", "counter", "Damaged packets received.",
		offsetof(struct tg_stats_port, rx_errors), 8},
	{"tidegate_port_transmit_errors_total", "counter", "Packets that could not be sent.",
		offsetof(struct tg_stats_port, tx_errors), 8},
	{"tidegate_port_link_changes_total", "counter", "How often the link went up or down.",
		offsetof(struct tg_stats_port, link_changes), 8},
	{"tidegate_port_resets_total", "counter",
		"Resets that the port's driver asked for and that went well.",
		offsetof(struct tg_stats_port, resets), 8},
	{"tidegate_port_reset_state", "gauge",
		"The last reset of the port: 0 none or done, 1 under way, 2 failed, it is down.",
		offsetof(struct tg_stats_port, reset), 4},
	{"tidegate_port_placement", "gauge",
		"Whether it is believed where the NIC places packets: 0 no, 1 not yet, 2 yes, 3 it was "
		"wrong.",
		offsetof(struct tg_stats_port, placement), 4},
};

static void write_port_value(struct tg_buffer *b, const struct tg_stats_port *port, size_t which)
{
	static const char *const sides[] = {"inside", "outside", "any"};
	const char *from = (const char *)port + port_values[which].offset;
	uint64_t value = 0;

	memcpy(&value, from, port_values[which].size); /* little-endian, see lib/wire */
	tg_buffer_printf(b, "%s{port=", port_values[which].name);
	tg_buffer_label(b, port->name);
	tg_buffer_printf(b, ",side=\"%s\"} ", port->side < 3 ? sides[port->side] : "?");
	tg_buffer_number(b, value);
	tg_buffer_add(b, "\n", 1);
}

static void write_ports(struct tg_buffer *b, const struct tg_stats_reader *reader)
{
	struct tg_stats_port ports[TG_STATS_PORTS];
	uint32_t n = 0;

	for (uint32_t i = 0; i < reader->n_ports && i < TG_STATS_PORTS; i++)
		if (tg_stats_read_port(reader, i, &ports[n]) == 0 && ports[n].name[0] != '\0')
			n++;
	for (size_t which = 0; which < sizeof(port_values) / sizeof(port_values[0]); which++) {
		tg_metric_family(b, port_values[which].name, port_values[which].type,
			port_values[which].help);
		for (uint32_t i = 0; i < n; i++)
			write_port_value(b, &ports[i], which);
	}
}

/* --- what NICs do --- */

static void write_offload_entries(struct tg_buffer *b, const struct tg_stats_offload *s)
{
	const char *name = "tidegate_offload_entries";

	tg_metric_family(b, name, "gauge", "Connections and denials that NICs have, by state.");
	sample(b, name, "state", "installing", s->installing);
	sample(b, name, "state", "active", s->active);
	sample(b, name, "state", "draining", s->draining);
	tg_metric_gauge(b, "tidegate_offload_marked",
		"Of the active ones, connections whose packets NICs only mark.", s->marked);
	tg_metric_gauge(b, "tidegate_offload_entries_limit",
		"Connections and denials that NICs may have.", s->capacity);
	tg_metric_gauge(b, "tidegate_offload_merit_packets",
		"Packets in a pass of the sweep that a connection needs to be offered.", s->merit);
	tg_metric_gauge(b, "tidegate_offload_bytes", "Memory of what is known of them.", s->memory);
}

static void write_offload_traffic(struct tg_buffer *b, const struct tg_stats_offload *s)
{
	const char *packets = "tidegate_offload_packets_total";

	tg_metric_family(b, packets, "counter",
		"Packets that NICs forwarded or dropped; also in their rules' counters.");
	sample(b, packets, "action", "forwarded", s->packets);
	sample(b, packets, "action", "dropped", s->dropped);
	tg_metric_counter(b, "tidegate_offload_traffic_bytes_total", "Bytes of both.", s->bytes);
}

static void write_offload_changes(struct tg_buffer *b, const struct tg_stats_offload *s)
{
	const char *rules = "tidegate_offload_rules_total", *left = "tidegate_offload_left_total";

	tg_metric_counter(b, "tidegate_offload_offers_total",
		"Connections and denials that workers offered.", s->offers);
	tg_metric_counter(
		b, "tidegate_offload_taken_total", "Of these, those that NICs took.", s->taken);
	tg_metric_family(b, rules, "counter", "Rules in NICs, by what happened to them.");
	sample(b, rules, "event", "inserted", s->inserted);
	sample(b, rules, "event", "removed", s->removed);
	sample(b, rules, "event", "failed", s->failed);
	tg_metric_family(b, left, "counter",
		"Connections and denials refused or given back to software, by reason.");
	for (uint32_t i = TG_OFFLOAD_NONE + 1; i < TG_OFFLOAD_REASON_COUNT; i++)
		sample(b, left, "reason", tg_offload_label(i), s->left[i]);
}

/* Nothing where offload is off: zeros would say that NICs could do something. */
static void write_offload(struct tg_buffer *b, const struct tg_stats_reader *reader)
{
	struct tg_stats_offload s;

	tg_stats_read_offload(reader, &s);
	if (s.enabled == 0)
		return;
	write_offload_entries(b, &s);
	write_offload_traffic(b, &s);
	write_offload_changes(b, &s);
}

void tg_metrics_write_dataplane(struct tg_buffer *b, const struct tg_stats_reader *reader,
	const struct tg_rule_set *rules, uint64_t now_ms)
{
	struct tg_stats_worker sum;

	write_state(b, reader, now_ms);
	write_ports(b, reader);
	write_workers(b, reader);
	if (tg_stats_read_worker(reader, TG_STATS_ALL, &sum) == 0) {
		write_tables(b, &sum);
		write_drops(b, reader, &sum);
	}
	write_offload(b, reader);
	write_rules(b, reader, rules);
	write_limits(b, reader, rules);
}
