/* SPDX-License-Identifier: BSD-3-Clause */
#include "export.h"

void tg_metric_family(struct tg_buffer *b, const char *name, const char *type, const char *help)
{
	tg_buffer_printf(b, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

void tg_metric_gauge(struct tg_buffer *b, const char *name, const char *help, uint64_t value)
{
	tg_metric_family(b, name, "gauge", help);
	tg_buffer_printf(b, "%s %llu\n", name, (unsigned long long)value);
}

void tg_metric_counter(struct tg_buffer *b, const char *name, const char *help, uint64_t value)
{
	tg_metric_family(b, name, "counter", help);
	tg_buffer_printf(b, "%s %llu\n", name, (unsigned long long)value);
}

/* name{key="value"} n */
static void sample(
	struct tg_buffer *b, const char *name, const char *key, const char *value, uint64_t n)
{
	tg_buffer_printf(b, "%s{%s=", name, key);
	tg_buffer_label(b, value);
	tg_buffer_printf(b, "} %llu\n", (unsigned long long)n);
}

static void write_build(struct tg_buffer *b, const struct tg_notice *notice)
{
	tg_metric_family(b, "tidegate_build_info", "gauge", "Version of the control process.");
	sample(b, "tidegate_build_info", "version", TG_VERSION, 1);
	tg_metric_family(b, "tidegate_start_time_seconds", "gauge",
		"When the control process started, Unix time.");
	tg_buffer_printf(b, "tidegate_start_time_seconds %.3f\n", (double)notice->started_at / 1e3);
}

static void write_kinds(struct tg_buffer *b, const char *name, const char *help,
	const struct tg_report_kind *v, size_t n)
{
	tg_metric_family(b, name, "gauge", help);
	for (size_t i = 0; i < n; i++) {
		tg_buffer_printf(b, "%s{api_version=", name);
		tg_buffer_label(b, v[i].api_version);
		tg_buffer_text(b, ",kind=");
		tg_buffer_label(b, v[i].kind);
		tg_buffer_printf(b, "} %zu\n", v[i].count);
	}
}

static void write_objects(struct tg_buffer *b, const struct tg_notice_source *s)
{
	const char *name = "tidegate_objects";

	tg_metric_family(b, name, "gauge", "Objects that are in force, by kind.");
	sample(b, name, "kind", "Namespace", s->namespaces);
	sample(b, name, "kind", "Pod", s->pods);
	sample(b, name, "kind", "Node", s->nodes);
	sample(b, name, "kind", "Service", s->services);
	sample(b, name, "kind", "NetworkPolicy", s->policies);
}

static void write_sweeps(struct tg_buffer *b, const struct tg_notice_source *s)
{
	const char *name = "tidegate_source_string_sweeps_total";

	tg_metric_family(
		b, name, "counter", "Sweeps of strings that no object has any more, by result.");
	sample(b, name, "result", "succeeded", s->sweeps);
	sample(b, name, "result", "failed", s->sweeps_failed);
}

static void write_source(struct tg_buffer *b, const struct tg_notice *notice)
{
	const struct tg_notice_source *s = &notice->source;
	const struct tg_report *r = notice->report;

	tg_metric_gauge(b, "tidegate_source_synced",
		"1 when every source was read completely; nothing is pushed before.", s->synced);
	tg_metric_gauge(b, "tidegate_source_stale",
		"1 when a cluster is out of touch: what was known of it stays in force.", s->stale);
	tg_metric_gauge(b, "tidegate_source_files", "Manifest files.", s->files);
	tg_metric_gauge(b, "tidegate_source_files_refused",
		"Manifest files whose last text is not in force.", s->files_refused);
	tg_metric_gauge(b, "tidegate_source_errors", "Mistakes in the sources right now.",
		r != NULL ? r->errors.total : 0);
	tg_metric_gauge(b, "tidegate_source_warnings", "Warnings about the sources right now.",
		r != NULL ? r->warnings.total : 0);
	tg_metric_counter(b, "tidegate_source_loads_total", "Files read.", s->loads);
	tg_metric_counter(b, "tidegate_source_load_errors_total", "Files read and refused.",
		s->loads_refused);
	tg_metric_counter(b, "tidegate_source_rescans_total", "Scans of all folders.", s->rescans);
	tg_metric_gauge(b, "tidegate_source_strings",
		"Names, labels and other texts of objects that are kept in memory.", s->strings);
	tg_metric_gauge(b, "tidegate_source_paths",
		"Paths of files and folders that are kept in memory.", s->paths);
	write_sweeps(b, s);
	write_objects(b, s);
	if (r == NULL)
		return;
	write_kinds(b, "tidegate_policies_not_enforced",
		"Policies that are present and NOT ENFORCED, by kind.", r->unenforced_kinds.v,
		r->unenforced_kinds.n);
	write_kinds(b, "tidegate_documents_skipped", "Documents that are no policy, by kind.",
		r->skipped_kinds.v, r->skipped_kinds.n);
}

static void write_compile(struct tg_buffer *b, const struct tg_notice *notice)
{
	const struct tg_notice_compile *c = &notice->compile;
	const struct tg_compile_stats *s = &c->stats;
	const char *name = "tidegate_compiles_total", *warnings = "tidegate_compile_warnings";

	tg_metric_family(b, name, "counter", "Compilations, by result.");
	sample(b, name, "result", "changed", c->succeeded);
	sample(b, name, "result", "unchanged", c->unchanged);
	sample(b, name, "result", "failed", c->failed);
	tg_metric_family(b, warnings, "gauge", "Warnings of the last compilation, by kind.");
	for (int i = 0; i < TG_WARN_COUNT; i++)
		sample(b, warnings, "warning", tg_warning_label((enum tg_warning_kind)i),
			c->warnings[i]);
	tg_histogram_write(&notice->compile_time, b, "tidegate_compile_duration_seconds",
		"How long compilations took.");
	tg_metric_gauge(
		b, "tidegate_ruleset_bytes", "Size of the last compiled image.", s->image_size);
	tg_metric_gauge(b, "tidegate_ruleset_endpoints", "Single addresses in it.", s->endpoints);
	tg_metric_gauge(b, "tidegate_ruleset_prefixes", "Prefixes in it.", s->prefixes);
	tg_metric_gauge(b, "tidegate_ruleset_classes", "Address classes in it.", s->classes);
	tg_metric_gauge(b, "tidegate_ruleset_rows", "Rows in it.", s->rows);
	tg_metric_gauge(b, "tidegate_ruleset_cells", "Cells in it.", s->cells);
	tg_metric_gauge(b, "tidegate_ruleset_programs", "Port programs in it.", s->programs);
	tg_metric_gauge(b, "tidegate_ruleset_rules", "Rules in it.", s->rules);
}

static void write_push(struct tg_buffer *b, const struct tg_notice *notice)
{
	const struct tg_push_status *p = &notice->push;
	const char *generation = "tidegate_ruleset_generation", *pushes = "tidegate_pushes_total";

	tg_metric_family(b, generation, "gauge",
		"Generation of the ruleset that is desired, and of the one in force; 0: none.");
	sample(b, generation, "state", "desired", p->desired_generation);
	sample(b, generation, "state", "applied", p->applied_generation);
	tg_metric_gauge(b, "tidegate_ruleset_delta_sequence",
		"Class-map deltas applied, by sequence.", p->delta_sequence);
	tg_metric_gauge(b, "tidegate_ruleset_pending_deltas",
		"Class-map entries that wait for their acknowledgement.", p->pending_deltas);
	tg_metric_gauge(
		b, "tidegate_ruleset_epoch", "Changes in force in the dataplane.", p->epoch);
	tg_metric_family(
		b, pushes, "counter", "Changes sent to the dataplane, by kind and result.");
	tg_buffer_printf(b,
		"%s{kind=\"ruleset\",result=\"applied\"} %llu\n"
		"%s{kind=\"ruleset\",result=\"refused\"} %llu\n"
		"%s{kind=\"delta\",result=\"applied\"} %llu\n"
		"%s{kind=\"delta\",result=\"refused\"} %llu\n",
		pushes, (unsigned long long)p->rulesets_applied, pushes,
		(unsigned long long)p->rulesets_refused, pushes,
		(unsigned long long)p->deltas_applied, pushes,
		(unsigned long long)p->deltas_refused);
	tg_metric_counter(
		b, "tidegate_delta_entries_total", "Class-map entries applied.", p->delta_entries);
	tg_metric_counter(b, "tidegate_dataplane_connects_total",
		"Connections made to the dataplane's control socket.", p->connects);
	tg_histogram_write(&notice->push_time, b, "tidegate_push_duration_seconds",
		"From sending a ruleset to its acknowledgement.");
	tg_histogram_write(&notice->build_time, b, "tidegate_dataplane_build_duration_seconds",
		"Of that: reading and checking the ruleset and building the lookup tables.");
	tg_histogram_write(&notice->swap_time, b, "tidegate_dataplane_swap_duration_seconds",
		"Of that: until every worker judges by the new ruleset.");
	tg_histogram_write(&notice->delta_time, b, "tidegate_delta_duration_seconds",
		"From sending a class-map delta to its acknowledgement.");
	tg_histogram_write(&notice->change_time, b, "tidegate_change_duration_seconds",
		"From noticing a change of the sources until it is enforced.");
	tg_histogram_write(&notice->pod_change_time, b, "tidegate_pod_change_duration_seconds",
		"Of these, changes of pods that no compilation was needed for.");
}

void tg_metrics_write(struct tg_buffer *b, const struct tg_notice *notice,
	const struct tg_rule_set *rules, uint64_t now_ms)
{
	write_build(b, notice);
	write_source(b, notice);
	tg_sources_write_metrics(b, notice->clusters, now_ms);
	write_compile(b, notice);
	write_push(b, notice);
	tg_metric_gauge(b, "tidegate_dataplane_up",
		"1 when the dataplane is connected and alive; its counters are absent otherwise.",
		tg_notice_alive(notice, now_ms, NULL));
	if (notice->push.connected && notice->mapping != NULL)
		tg_metrics_write_dataplane(b, &notice->mapping->reader, rules, now_ms);
}
