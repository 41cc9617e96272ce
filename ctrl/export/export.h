/* SPDX-License-Identifier: BSD-3-Clause */
/* What is served: Prometheus text and JSON, written from a notice. HTTP thread only. */
#ifndef TG_EXPORT_H
#define TG_EXPORT_H

#include "board.h"
#include "buffer.h"
#include "rules.h"

/* A metric's name, type (gauge, counter, histogram) and meaning, before its samples. */
void tg_metric_family(struct tg_buffer *b, const char *name, const char *type, const char *help);
/* One of a single sample without labels. */
void tg_metric_gauge(struct tg_buffer *b, const char *name, const char *help, uint64_t value);
void tg_metric_counter(struct tg_buffer *b, const char *name, const char *help, uint64_t value);
/* The Prometheus text exposition format 0.0.4. */
void tg_metrics_write(struct tg_buffer *b, const struct tg_notice *notice,
	const struct tg_rule_set *rules, uint64_t now_ms);
/* Its part that is read from the statistics segment; nothing when the dataplane is away. */
void tg_metrics_write_dataplane(struct tg_buffer *b, const struct tg_stats_reader *reader,
	const struct tg_rule_set *rules, uint64_t now_ms);

/* "key":value of a JSON object, with what comes before it. */
void tg_json_text_member(
	struct tg_buffer *b, const char *before, const char *key, const char *text);
void tg_json_number_member(
	struct tg_buffer *b, const char *before, const char *key, uint64_t value);
void tg_json_bool_member(struct tg_buffer *b, const char *before, const char *key, bool value);

/* JSON objects, as docs/http-json.md has them. */
void tg_api_status(struct tg_buffer *b, const struct tg_notice *notice,
	const struct tg_rule_set *rules, uint64_t now_ms);
void tg_api_sources(struct tg_buffer *b, const struct tg_notice *notice, uint64_t now_ms);
void tg_api_rules(
	struct tg_buffer *b, const struct tg_notice *notice, const struct tg_rule_set *rules);
void tg_api_drops(struct tg_buffer *b, const struct tg_notice *notice);

#endif
