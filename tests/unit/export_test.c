/* SPDX-License-Identifier: BSD-3-Clause */
/* What is served: escaping, rules that share labels, and the whole text before promtool. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include <tidegate/offload.h>

#include "builder.h"
#include "export.h"
#include "http.h"

/* --- escaping --- */

static const struct {
	const char *text, *label, *json;
} escapes[] = {
	{"", "\"\"", "\"\""},
	{"plain", "\"plain\"", "\"plain\""},
	{"a\"b\\c\nd", "\"a\\\"b\\\\c\\nd\"", "\"a\\\"b\\\\c\\nd\""},
	{"tab\there", "\"tab\there\"", "\"tab\\u0009here\""},
	{"\x01", "\"\x01\"", "\"\\u0001\""},
	{"gr\xc3\xbc\xc3\x9f", "\"gr\xc3\xbc\xc3\x9f\"", "\"gr\xc3\xbc\xc3\x9f\""},
	{"\xf0\x9f\x8c\x8a", "\"\xf0\x9f\x8c\x8a\"", "\"\xf0\x9f\x8c\x8a\""},
	/* not UTF-8: alone, cut, overlong, surrogate, above U+10FFFF */
	{"\xff", "\"\xef\xbf\xbd\"", "\"\xef\xbf\xbd\""},
	{"a\xc3", "\"a\xef\xbf\xbd\"", "\"a\xef\xbf\xbd\""},
	{"\xc0\x80", "\"\xef\xbf\xbd\xef\xbf\xbd\"", "\"\xef\xbf\xbd\xef\xbf\xbd\""},
	{"\xed\xa0\x80", "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\"",
		"\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\""},
	{"\xf4\x90\x80\x80", "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\"",
		"\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\""},
};

static void expect_text(struct tg_buffer *b, const char *expected)
{
	size_t n;
	char *text = tg_buffer_take(b, &n);

	assert_non_null(text);
	assert_int_equal(n, strlen(expected));
	assert_memory_equal(text, expected, n);
	free(text);
}

static void texts_are_escaped(void **state)
{
	struct tg_buffer b = {0};

	for (size_t i = 0; i < sizeof(escapes) / sizeof(escapes[0]); i++) {
		tg_buffer_label(&b, escapes[i].text);
		expect_text(&b, escapes[i].label);
		tg_buffer_json(&b, escapes[i].text);
		expect_text(&b, escapes[i].json);
	}
}

static void labels_are_bounded_at_a_character(void **state)
{
	char text[TG_LABEL_MAX + 10], expected[TG_LABEL_MAX + 20];
	struct tg_buffer b = {0};

	memset(text, 'x', sizeof(text));
	text[TG_LABEL_MAX] = '\0';
	snprintf(expected, sizeof(expected), "\"%s\"", text);
	tg_buffer_label(&b, text);
	expect_text(&b, expected);

	/* One byte more than fits, and it is half a character. */
	strcpy(text + TG_LABEL_MAX - 1, "\xc3\xbc");
	snprintf(expected, sizeof(expected), "\"%.*s\xe2\x80\xa6\"", TG_LABEL_MAX - 1, text);
	tg_buffer_label(&b, text);
	expect_text(&b, expected);
}

static void numbers_and_formats(void **state)
{
	struct tg_buffer b = {0};

	tg_buffer_number(&b, 0);
	tg_buffer_text(&b, " ");
	tg_buffer_number(&b, UINT64_MAX);
	tg_buffer_printf(&b, " %s-%d", "a", 5);
	expect_text(&b, "0 18446744073709551615 a-5");
}

static void durations_fall_into_their_bucket(void **state)
{
	struct tg_histogram h = {0};
	struct tg_buffer b = {0};
	size_t n;
	char *text;

	tg_histogram_add(&h, 100);
	tg_histogram_add(&h, 101);
	tg_histogram_add(&h, 99000000);
	tg_histogram_write(&h, &b, "x_seconds", "X.");
	tg_buffer_add(&b, "", 1);
	text = tg_buffer_take(&b, &n);
	assert_non_null(strstr(text, "x_seconds_bucket{le=\"0.0001\"} 1\n"));
	assert_non_null(strstr(text, "x_seconds_bucket{le=\"0.00025\"} 2\n"));
	assert_non_null(strstr(text, "x_seconds_bucket{le=\"5\"} 2\n"));
	assert_non_null(strstr(text, "x_seconds_bucket{le=\"+Inf\"} 3\n"));
	assert_non_null(strstr(text, "x_seconds_sum 99.000201\n"));
	assert_non_null(strstr(text, "x_seconds_count 3\n"));
	free(text);
}

/* --- a ruleset and a segment --- */

/* Offsets of the texts below. */
static const char strings[] = "\0shop\0web\0a \"quoted\" rule\0team-a";
enum { NS = 1, POLICY = 6, TEXT = 10, OWNER = 26 };

static struct tg_target *make_target(void)
{
	const struct tg_image_class class0 = {
		.row = {TG_NONE, TG_NONE},
		.column = {TG_NONE, TG_NONE, TG_NONE},
		.default_program = {TG_PROGRAM_DIRECT, TG_PROGRAM_DIRECT},
		.kind = TG_KIND_UNKNOWN,
	};
	const struct tg_image_prefix4 prefix4 = {0};
	const struct tg_image_prefix6 prefix6 = {0};
	const struct tg_image_rule rule = {
		.kind = TG_RULE_POLICY,
		.direction = TG_EGRESS,
		.action = TG_ACTION_ALLOW,
		.ns = NS,
		.policy = POLICY,
		.text = TEXT,
		.owner = OWNER,
	};
	struct tg_image_rule rules[4] = {rule, rule, rule, rule};
	struct tg_image_parts parts = {
		.classes = &class0,
		.n_classes = 1,
		.prefix4 = &prefix4,
		.n_prefix4 = 1,
		.prefix6 = &prefix6,
		.n_prefix6 = 1,
		.rules = rules,
		.n_rules = 4,
		.strings = strings,
		.n_strings = sizeof(strings),
		.generation = 7,
		.slot_limit = 68,
	};
	struct tg_target *t;
	size_t size;
	void *image;

	/* The second and the third cannot be told apart by their labels. */
	for (uint32_t i = 0; i < 4; i++) {
		rules[i].slot = TG_SLOT_FIRST + i;
		rules[i].index = i == 0 ? 0 : 1;
		rules[i].identity = i;
	}
	rules[3].kind = TG_RULE_NAMESPACE;
	rules[3].index = 5000;
	assert_int_equal(tg_image_build(&parts, &image, &size), 0);
	assert_int_equal(tg_target_create(image, size, &t), 0);
	free(image);
	return t;
}

struct fixture {
	struct tg_stats_segment segment;
	struct tg_board *board;
	struct tg_notice notice;
};

static void fill_segment(struct fixture *f)
{
	for (uint32_t w = 0; w < 2; w++) {
		struct tg_stats_slot *slots = tg_stats_slots_at(&f->segment, w);

		for (uint32_t i = 0; i < 3; i++)
			slots[TG_SLOT_FIRST + i].packets = 10 * (i + 1);
		slots[TG_SLOT_FIRST + 3] = (struct tg_stats_slot){3, 180, 400, {.open = 70}};
		tg_stats_worker_at(&f->segment, w)->drops[TG_DROP_MARTIAN].packets = 4;
		tg_stats_worker_at(&f->segment, w)->conn4_used = 100;
		tg_stats_worker_at(&f->segment, w)->conn4_capacity = 1000;
		tg_stats_worker_at(&f->segment, w)->conn4_bytes = 512000;
		tg_stats_worker_at(&f->segment, w)->busy_permille = 250 * w;
		tg_stats_worker_at(&f->segment, w)->receive_rate = 3000;
		tg_stats_worker_at(&f->segment, w)->handoff_rate = 7;
	}
	tg_stats_begin(&f->segment);
	f->segment.header->generation = 7;
	f->segment.header->heartbeat = 5000;
	f->segment.header->endpoints = 3;
	f->segment.header->endpoints_capacity = 100;
	f->segment.header->endpoint_bytes = 2600;
	f->segment.header->checkpoint_at = 4000;
	tg_stats_end(&f->segment);
	f->segment.header->n_drop_reasons = TG_DROP_COUNT;
	f->segment.header->n_ports = 1;
	strcpy(f->segment.ports[0].name, "pods\"0");
}

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	struct tg_notice *n = &f->notice;

	assert_non_null(f);
	assert_int_equal(tg_stats_create(&f->segment, 2, 128, 1, 1000), 0);
	fill_segment(f);
	assert_int_equal(tg_mapping_create(f->segment.fd, &n->mapping), 0);
	n->in_force = make_target();
	n->report = tg_report_create();
	tg_report_error(n->report, "a.yaml", 3, "spec.ingres: unknown field \"x\"");
	tg_report_warning(n->report, "b.yaml", 0, "odd");
	tg_report_not_enforced(
		n->report, "c.yaml", 9, "cilium.io/v2", "CiliumNetworkPolicy", "shop", "l7");
	tg_report_skipped(n->report, "apps/v1", "Deployment", 4);
	n->source.synced = true;
	n->source.policies = 12;
	n->push.connected = true;
	n->push.desired_generation = n->push.applied_generation = 7;
	n->push.ours = true;
	tg_histogram_add(&n->compile_time, 1234);
	f->board = tg_board_create();
	assert_non_null(f->board);
	tg_board_put(f->board, n);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	tg_board_free(f->board);
	tg_notice_drop(&f->notice);
	tg_stats_destroy(&f->segment);
	free(f);
	return 0;
}

static char *metrics(const struct tg_notice *notice)
{
	struct tg_rule_set *rules = tg_rule_set_create(notice);
	struct tg_buffer b = {0};
	size_t n;

	assert_non_null(rules);
	tg_metrics_write(&b, notice, rules, 6000);
	tg_buffer_add(&b, "", 1);
	tg_rule_set_free(rules);
	return tg_buffer_take(&b, &n);
}

static void expect_line(const char *text, const char *line)
{
	const char *at = strstr(text, line);
	size_t n = strlen(line);

	while (at != NULL && !((at == text || at[-1] == '\n') && at[n] == '\n'))
		at = strstr(at + 1, line);
	if (at == NULL)
		fail_msg("no line: %s", line);
}

static void counters_are_summed_over_workers(void **state)
{
	struct fixture *f = *state;
	char *text = metrics(&f->notice);

	expect_line(text,
		"tidegate_rule_packets_total{namespace=\"shop\",policy=\"web\",direction=\"egress\","
		"rule=\"0\",action=\"allow\",kind=\"policy\"} 20");
	/* slots 65 and 66, both with index 1 */
	expect_line(text,
		"tidegate_rule_packets_total{namespace=\"shop\",policy=\"web\",direction=\"egress\","
		"rule=\"1\",action=\"allow\",kind=\"policy\"} 100");
	expect_line(text, "tidegate_namespace_connections{namespace=\"shop\"} 140");
	expect_line(text, "tidegate_namespace_connections_limit{namespace=\"shop\"} 5000");
	expect_line(text, "tidegate_namespace_connections_total{namespace=\"shop\"} 800");
	expect_line(text, "tidegate_namespace_refused_packets_total{namespace=\"shop\"} 6");
	assert_null(strstr(text, "kind=\"namespace\""));
	expect_line(text, "tidegate_dropped_packets_total{reason=\"martian\"} 8");
	expect_line(text, "tidegate_connections{family=\"ipv4\"} 200");
	expect_line(text, "tidegate_ruleset_generation{state=\"applied\"} 7");
	expect_line(text, "tidegate_connections_bytes{family=\"ipv4\"} 1024000");
	expect_line(text, "tidegate_endpoints_bytes 2600");
	expect_line(text, "tidegate_worker_connections{worker=\"1\"} 100");
	expect_line(text, "tidegate_worker_busy_ratio{worker=\"1\"} 0.250");
	expect_line(text, "tidegate_dataplane_up 1");
	expect_line(text, "tidegate_dataplane_checkpoint_age_seconds 2.000");
	expect_line(text, "tidegate_port_link_up{port=\"pods\\\"0\",side=\"inside\"} 0");
	expect_line(text, "tidegate_objects{kind=\"NetworkPolicy\"} 12");
	expect_line(text, "tidegate_policies_not_enforced{api_version=\"cilium.io/v2\","
			  "kind=\"CiliumNetworkPolicy\"} 1");
	expect_line(
		text, "tidegate_documents_skipped{api_version=\"apps/v1\",kind=\"Deployment\"} 4");
	expect_line(text, "tidegate_source_errors 1");
	free(text);
}

static void what_nics_do_is_told_where_they_may(void **state)
{
	struct fixture *f = *state;
	struct tg_stats_offload *s = f->segment.offload;
	char *text = metrics(&f->notice);

	assert_null(strstr(text, "tidegate_offload"));
	free(text);
	*s = (struct tg_stats_offload){.enabled = 1,
		.installing = 1,
		.active = 20,
		.draining = 3,
		.capacity = 64,
		.merit = 1000,
		.memory = 5000,
		.offers = 90,
		.taken = 60,
		.inserted = 120,
		.removed = 80,
		.failed = 4,
		.packets = 7000,
		.dropped = 500,
		.bytes = 99000,
		.left = {[TG_OFFLOAD_WIRE] = 11, [TG_OFFLOAD_RENEWED] = 12}};
	text = metrics(&f->notice);
	expect_line(text, "tidegate_offload_entries{state=\"installing\"} 1");
	expect_line(text, "tidegate_offload_entries{state=\"active\"} 20");
	expect_line(text, "tidegate_offload_entries{state=\"draining\"} 3");
	expect_line(text, "tidegate_offload_entries_limit 64");
	expect_line(text, "tidegate_offload_merit_packets 1000");
	expect_line(text, "tidegate_offload_bytes 5000");
	expect_line(text, "tidegate_offload_packets_total{action=\"forwarded\"} 7000");
	expect_line(text, "tidegate_offload_packets_total{action=\"dropped\"} 500");
	expect_line(text, "tidegate_offload_traffic_bytes_total 99000");
	expect_line(text, "tidegate_offload_offers_total 90");
	expect_line(text, "tidegate_offload_taken_total 60");
	expect_line(text, "tidegate_offload_rules_total{event=\"inserted\"} 120");
	expect_line(text, "tidegate_offload_rules_total{event=\"removed\"} 80");
	expect_line(text, "tidegate_offload_rules_total{event=\"failed\"} 4");
	expect_line(text, "tidegate_offload_left_total{reason=\"wire\"} 11");
	expect_line(text, "tidegate_offload_left_total{reason=\"renewed\"} 12");
	assert_null(strstr(text, "reason=\"none\""));
	free(text);
}

static void nothing_is_said_twice(void **state)
{
	struct fixture *f = *state;
	char *text, *lines[4096], *save;
	size_t n = 0;

	f->segment.offload->enabled = 1;
	text = metrics(&f->notice);

	for (char *line = strtok_r(text, "\n", &save); line != NULL;
		line = strtok_r(NULL, "\n", &save)) {
		char *value = strrchr(line, ' ');

		assert_true(n < 4096);
		if (line[0] != '#' && value != NULL)
			*value = '\0';
		for (size_t i = 0; i < n; i++)
			assert_string_not_equal(lines[i], line);
		lines[n++] = line;
	}
	assert_true(n > 100);
	free(text);
}

static void counters_of_a_dataplane_that_is_away_are_not_made_up(void **state)
{
	struct fixture *f = *state;
	struct tg_notice away = f->notice;
	struct tg_rule_set *rules;
	struct tg_buffer b = {0};
	size_t n;
	char *text;

	away.push.connected = false;
	away.mapping = NULL;
	text = metrics(&away);
	expect_line(text, "tidegate_dataplane_up 0");
	assert_null(strstr(text, "tidegate_rule_packets_total"));
	assert_null(strstr(text, "tidegate_dropped_packets_total"));
	free(text);
	rules = tg_rule_set_create(&away);
	tg_api_rules(&b, &away, rules);
	tg_buffer_add(&b, "", 1);
	text = tg_buffer_take(&b, &n);
	assert_non_null(strstr(text, "a \\\"quoted\\\" rule"));
	assert_null(strstr(text, "\"packets\""));
	free(text);
	tg_rule_set_free(rules);
}

static void promtool_finds_nothing(void **state)
{
	struct fixture *f = *state;
	char *text, *away;
	struct tg_notice without = f->notice;
	FILE *promtool;

	if (access("/usr/bin/promtool", X_OK) != 0)
		skip();
	f->segment.offload->enabled = 1;
	text = metrics(&f->notice);
	promtool = popen("promtool check metrics", "w");
	assert_non_null(promtool);
	assert_true(fputs(text, promtool) >= 0);
	assert_int_equal(pclose(promtool), 0);
	free(text);
	without.push.connected = false;
	away = metrics(&without);
	promtool = popen("promtool check metrics", "w");
	assert_non_null(promtool);
	assert_true(fputs(away, promtool) >= 0);
	assert_int_equal(pclose(promtool), 0);
	free(away);
}

/* --- readiness --- */

static void ready_means_that_what_is_wanted_is_enforced(void **state)
{
	struct fixture *f = *state;
	struct tg_notice n = f->notice;
	char why[256];

	assert_true(tg_notice_ready(&n, 6000, why, sizeof(why)));
	assert_false(tg_notice_ready(&n, 5000 + TG_HEARTBEAT_MAX_MS + 1, why, sizeof(why)));
	assert_non_null(strstr(why, "heart"));
	n.push.ours = false; /* the number alone says nothing */
	assert_false(tg_notice_ready(&n, 6000, why, sizeof(why)));
	n.push.applied_generation = 6;
	assert_false(tg_notice_ready(&n, 6000, why, sizeof(why)));
	assert_string_equal(why, "generation 7 is desired, 6 is applied");
	n.push.applied_generation = n.push.desired_generation = 0;
	assert_false(tg_notice_ready(&n, 6000, why, sizeof(why)));
	n.push.connected = false;
	assert_false(tg_notice_ready(&n, 6000, why, sizeof(why)));
	assert_non_null(strstr(why, "away"));
	n.source.synced = false;
	assert_false(tg_notice_ready(&n, 6000, why, sizeof(why)));
	assert_non_null(strstr(why, "sources"));
}

/* --- HTTP --- */

/* What `curl ARGUMENTS URL/path` prints. */
static void curl(
	const struct tg_http *http, const char *arguments, const char *path, char *out, size_t size)
{
	char command[256];
	FILE *pipe;
	size_t n;

	snprintf(command, sizeof(command), "curl -s --max-time 10 %s http://127.0.0.1:%u%s",
		arguments, tg_http_port(http), path);
	pipe = popen(command, "r");
	assert_non_null(pipe);
	n = fread(out, 1, size - 1, pipe);
	out[n] = '\0';
	pclose(pipe);
}

static void paths_are_served(void **state)
{
	static const struct {
		const char *arguments, *path, *says;
	} rows[] = {
		{"", "/healthz", "ok\n"},
		{"", "/v1/status", "\"generation\":{\"desired\":7,\"applied\":7"},
		{"", "/v1/status",
			"{\"worker\":1,\"busy_permille\":250,\"packets_per_second\":3000,"
			"\"handed_over_per_second\":7,\"connections\":100}"},
		{"", "/v1/status",
			"\"connections_ipv4\":{\"used\":200,\"limit\":2000,\"bytes\":1024000,"
			"\"bytes_each\":512}"},
		{"", "/v1/status",
			"\"endpoints\":{\"used\":3,\"limit\":100,\"bytes\":2600,\"bytes_each\":26}"},
		{"", "/v1/status",
			"\"namespace_limits\":[{\"namespace\":\"shop\",\"connections\":140,"
			"\"limit\":5000,\"refused_packets\":6}]"},
		{"", "/v1/status",
			"\"errors\":[{\"place\":\"a.yaml:3\",\"text\":\"spec.ingres: unknown field "
			"\\\"x\\\"\"}]"},
		{"", "/v1/status", "\"kind\":\"CiliumNetworkPolicy\""},
		{"", "/v1/rules", "\"packets\":20"},
		{"", "/v1/rules", "\"owner\":\"team-a\""},
		{"", "/v1/drops", "{\"reason\":\"martian\""},
		{"", "/metrics", "tidegate_build_info{version="},
		{"-I", "/metrics", "text/plain; version=0.0.4"},
		{"-o /dev/null -w '%{http_code}'", "/nothing", "404"},
		{"-o /dev/null -w '%{http_code}' -X POST", "/metrics", "405"},
		{"-o /dev/null -w '%{size_download}'", "/v1/ruleset", ""},
	};
	struct fixture *f = *state;
	struct tg_addr addr;
	struct tg_http *http;
	static char out[1 << 20];
	char size[32];

	assert_int_equal(tg_addr_parse("127.0.0.1", &addr), 0);
	assert_int_equal(tg_http_start(&addr, 0, f->board, &http), 0);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		curl(http, rows[i].arguments, rows[i].path, out, sizeof(out));
		if (strstr(out, rows[i].says) == NULL)
			fail_msg("%s: no \"%s\" in: %s", rows[i].path, rows[i].says, out);
	}
	snprintf(size, sizeof(size), "%zu", f->notice.in_force->size);
	assert_string_equal(out, size);
	tg_http_stop(http);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(texts_are_escaped),
		cmocka_unit_test(labels_are_bounded_at_a_character),
		cmocka_unit_test(numbers_and_formats),
		cmocka_unit_test(durations_fall_into_their_bucket),
		TEST(counters_are_summed_over_workers),
		TEST(what_nics_do_is_told_where_they_may),
		TEST(nothing_is_said_twice),
		TEST(counters_of_a_dataplane_that_is_away_are_not_made_up),
		TEST(promtool_finds_nothing),
		TEST(ready_means_that_what_is_wanted_is_enforced),
		TEST(paths_are_served),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
