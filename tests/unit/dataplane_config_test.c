/* SPDX-License-Identifier: BSD-3-Clause */
/* The dataplane's configuration: defaults, every key, and each mistake with its place. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "config.h"
#include "log.h"

/* Two ports and a wire, for everything that is about something else. */
#define PORTS                                                   \
	"ports:\n"                                              \
	"  - {name: a, device: \"net_null0\", side: inside}\n"  \
	"  - {name: b, device: \"net_null1\", side: outside}\n" \
	"wires: [{ports: [a, b]}]\n"

static int parse(
	const char *text, struct tg_dataplane_config *config, struct tg_config_problems *problems)
{
	*problems = (struct tg_config_problems){0};
	return tg_dataplane_config_parse(text, strlen(text), "f", config, problems);
}

static void good(const char *text, struct tg_dataplane_config *config)
{
	struct tg_config_problems problems;

	if (parse(text, config, &problems) != 0)
		fail_msg("%s\n%s", problems.n != 0 ? problems.v[0] : "refused", text);
	assert_int_equal(problems.n, 0);
}

static void test_defaults(void **state)
{
	struct tg_datapath_config defaults;
	struct tg_dataplane_config c;

	tg_datapath_config_default(&defaults);
	good(PORTS, &c);
	assert_string_equal(c.socket, "/run/tidegate/dataplane.sock");
	assert_null(c.state_directory);
	assert_null(c.file_prefix);
	assert_int_equal(c.n_cores, 0);
	assert_int_equal(c.datapath.n_workers, 1);
	assert_true(c.huge_pages);
	assert_false(c.fsync);
	assert_true(c.rss_auto);
	assert_int_equal(c.sleep_max_us, 90);
	assert_int_equal(c.log_level, TG_LOG_INFO);
	assert_false(c.datapath.no_ruleset_pass);
	assert_false(c.datapath.keep_existing);
	assert_int_equal(c.datapath.pickup_ms, 0);
	assert_int_equal(c.datapath.conn4_max, defaults.conn4_max);
	assert_int_equal(c.datapath.n_ports, 2);
	assert_int_equal(c.datapath.ports[0].peer, 1);
	assert_int_equal(c.datapath.ports[1].peer, 0);
	assert_int_equal(c.datapath.ports[0].end, 0);
	assert_int_equal(c.datapath.ports[1].end, 1);
	assert_int_equal(c.datapath.ports[0].side, TG_SIDE_INSIDE);
	assert_int_equal(c.datapath.ports[1].mtu, 1500);
	assert_int_equal(c.datapath.ports[0].link_pass, TG_LINK_DEFAULT);
	assert_int_equal(c.datapath.ports[1].link_pass, TG_LINK_DEFAULT | TG_LINK_RA);
	assert_true(c.ports[0].propagate_link);
	assert_int_equal(c.ports[0].peer, 1);
	tg_dataplane_config_free(&c);
}

static void test_every_key(void **state)
{
	static const char text[] =
		"socket: /tmp/s\n"
		"state-directory: /tmp\n"
		"workers: 2\n"
		"cores: [4, 5]\n"
		"eal: {huge-pages: false, memory: 300, file-prefix: x, arguments: [--iova-mode=va]}\n"
		"log-level: debug\n"
		"poll: busy\n"
		"poll-sleep-max: 100\n"
		"rss: software\n"
		"stuck-worker-after: 500ms\n"
		"fsync: true\n"
		"checkpoint-max-age: 7d\n"
		"no-ruleset: pass\n"
		"existing-connections: keep\n"
		"pickup-window: 2m\n"
		"tcp-windows: liberal\n"
		"slot-capacity: 100000\n"
		"address-headroom: 5000\n"
		"handoff-depth: 128\n"
		"connections: {ipv4: 1000, ipv6: 2000, half-open: 300, half-open-per-source: 4,\n"
		"  fragments: 50, fragment-timeout: 6, fragments-held: 7,\n"
		"  fragment-hold: 50ms, sweep: 700ms}\n"
		"timeouts: {tcp-established: 2h, udp-replied: 90}\n"
		"offload: {enabled: true, profiles: /p, connections: 9, min-packets: 8, idle: 7s,\n"
		"  poll: 600ms, denials: 0, denial-time: 5s}\n"
		"ports:\n"
		"  - {name: a, device: '0000:03:00.0,x=1', side: inside, mtu: 9000, zone: 3,\n"
		"     rx-descriptors: 512, tx-descriptors: 256, kernel-offloads: trust,\n"
		"     nic-profile: mine,\n"
		"     link: {arp: drop, bgp: pass, router-advertisement: pass}}\n"
		"  - {name: b, device: net_tap0, mtu: 9000, zone: 3}\n"
		"  - {name: c, device: net_tap1, side: inside, zone: 3}\n"
		"  - {name: d, device: net_tap2, side: any, zone: 3}\n"
		"wires:\n"
		"  - {ports: [a, b], group: lag, propagate-link: false}\n"
		"  - {ports: [c, d], group: lag}\n";
	struct tg_dataplane_config c;

	good(text, &c);
	assert_string_equal(c.socket, "/tmp/s");
	assert_string_equal(c.state_directory, "/tmp");
	assert_int_equal(c.datapath.n_workers, 2);
	assert_int_equal(c.n_cores, 2);
	assert_int_equal(c.cores[1], 5);
	assert_false(c.huge_pages);
	assert_int_equal(c.memory_mb, 300);
	assert_string_equal(c.file_prefix, "x");
	assert_int_equal(c.n_eal_args, 1);
	assert_string_equal(c.eal_args[0], "--iova-mode=va");
	assert_int_equal(c.log_level, TG_LOG_DEBUG);
	assert_int_equal(c.sleep_max_us, 0);
	assert_false(c.rss_auto);
	assert_int_equal(c.grace_ms, 500);
	assert_true(c.fsync);
	assert_int_equal(c.checkpoint_max_age_s, 7 * 86400);
	assert_true(c.datapath.no_ruleset_pass);
	assert_true(c.datapath.keep_existing);
	assert_int_equal(c.datapath.pickup_ms, 120000);
	assert_true(c.datapath.tcp_liberal);
	assert_int_equal(c.datapath.slot_capacity, 100000);
	assert_int_equal(c.address_headroom, 5000);
	assert_int_equal(c.datapath.handoff_depth, 128);
	assert_int_equal(c.datapath.conn4_max, 1000);
	assert_int_equal(c.datapath.conn6_max, 2000);
	assert_int_equal(c.datapath.half_open_max, 300);
	assert_int_equal(c.datapath.half_open_per_source, 4);
	assert_int_equal(c.datapath.fragments_max, 50);
	assert_int_equal(c.datapath.fragment_timeout_ms, 6000);
	assert_int_equal(c.datapath.fragments_held, 7);
	assert_int_equal(c.datapath.fragment_hold_ms, 50);
	assert_int_equal(c.datapath.sweep_ms, 700);
	assert_int_equal(c.datapath.timeouts.ms[TG_CONN_ESTABLISHED], 7200000);
	assert_int_equal(c.datapath.timeouts.ms[TG_CONN_UDP_REPLIED], 90000);
	assert_string_equal(c.ports[0].device, "0000:03:00.0,x=1");
	assert_int_equal(c.ports[0].rx_descriptors, 512);
	assert_int_equal(c.ports[0].tx_descriptors, 256);
	assert_true(c.ports[0].trust_kernel_offloads);
	assert_string_equal(c.ports[0].nic_profile, "mine");
	assert_true(c.offload.enabled);
	assert_string_equal(c.offload.profiles, "/p");
	assert_int_equal(c.offload.connections, 9);
	assert_int_equal(c.offload.min_packets, 8);
	assert_int_equal(c.offload.idle_ms, 7000);
	assert_int_equal(c.offload.poll_ms, 600);
	assert_int_equal(c.offload.denials, 0);
	assert_int_equal(c.offload.denial_ms, 5000);
	assert_int_equal(c.datapath.ports[0].zone, 3);
	assert_int_equal(c.datapath.ports[0].link_pass,
		(TG_LINK_DEFAULT & ~TG_LINK(ARP)) | TG_LINK(BGP) | TG_LINK_RA);
	assert_false(c.ports[1].propagate_link);
	assert_int_equal(c.datapath.ports[0].group, c.datapath.ports[3].group);
	assert_int_equal(c.datapath.ports[2].mtu, 1500);
	tg_dataplane_config_free(&c);
}

static void test_groups_are_apart(void **state)
{
	static const char text[] = "ports:\n"
				   "  - {name: a, device: n0}\n"
				   "  - {name: b, device: n1}\n"
				   "  - {name: c, device: n2, zone: 7}\n"
				   "  - {name: d, device: n3, zone: 7}\n"
				   "wires: [{ports: [a, b]}, {ports: [d, c]}]\n";
	struct tg_dataplane_config c;

	good(text, &c);
	assert_int_not_equal(c.datapath.ports[0].group, c.datapath.ports[2].group);
	assert_int_equal(c.datapath.ports[3].end, 0);
	tg_dataplane_config_free(&c);
}

/* What is wrong, and what the first problem says. */
static const struct {
	const char *text, *expect;
} mistakes[] = {
	{"", "f: "},
	{"[]", "f:1: "},
	{"a: [", "f:"},
	{"---\n" PORTS "---\nx: 1\n", "f: expected one YAML document"},
	{PORTS "sokcet: /x\n", "f:5: sokcet"},
	{PORTS "socket: /x\nsocket: /y\n", "f:6: socket"},
	{PORTS "socket: 3\n", "f:5: socket"},
	{PORTS "socket: ''\n", "f:5: socket"},
	{PORTS "workers: 0\n", "f:5: workers"},
	{PORTS "workers: 65\n", "f:5: workers"},
	{PORTS "workers: 1.5\n", "f:5: workers"},
	{PORTS "workers: two\n", "f:5: workers"},
	{PORTS "workers: 2\ncores: [1]\n", "f:6: cores"},
	{PORTS "workers: 2\ncores: [1, 1]\n", "f:6: cores[1]"},
	{PORTS "cores: 1\n", "f:5: cores"},
	{PORTS "cores: [-1]\n", "f:5: cores[0]"},
	{PORTS "eal: {memory: 1}\n", "f:5: eal.memory"},
	{PORTS "eal: {hugepages: true}\n", "f:5: eal.hugepages"},
	{PORTS "eal: {huge-pages: 1}\n", "f:5: eal.huge-pages"},
	{PORTS "eal: {arguments: x}\n", "f:5: eal.arguments"},
	{PORTS "eal: {arguments: [3]}\n", "f:5: eal.arguments[0]"},
	{PORTS "eal: []\n", "f:5: eal"},
	{PORTS "log-level: loud\n", "f:5: log-level: \"loud\": expected one of: error, warning"},
	{PORTS "poll: never\n", "f:5: poll"},
	{PORTS "poll-sleep-max: 0\n", "f:5: poll-sleep-max"},
	{PORTS "rss: yes\n", "f:5: rss"},
	{PORTS "stuck-worker-after: 1ms\n", "f:5: stuck-worker-after"},
	{PORTS "fsync: 1\n", "f:5: fsync"},
	{PORTS "offload: {enabled: maybe}\n", "f:5: offload.enabled"},
	{PORTS "offload: {connections: 0}\n", "f:5: offload.connections"},
	{PORTS "offload: {idle: 1s}\n", "f:5: offload: idle is not longer than poll"},
	{PORTS "offload: {idle: 2m, poll: 61s}\n", "f:5: offload.poll"},
	{PORTS "offload: {idle: 2m, poll: 60s}\ntimeouts: {udp-stream: 179s}\n",
		"f:5: offload: poll is"},
	{PORTS "offload: {what: 1}\n", "f:5: offload.what"},
	{PORTS "checkpoint-max-age: 50d\n", "f:5: checkpoint-max-age"},
	{PORTS "checkpoint-max-age: 5w\n", "f:5: checkpoint-max-age"},
	{PORTS "checkpoint-max-age: -1\n", "f:5: checkpoint-max-age"},
	{PORTS "checkpoint-max-age: 99999999999999999999s\n", "f:5: checkpoint-max-age"},
	{PORTS "no-ruleset: allow\n", "f:5: no-ruleset"},
	{PORTS "existing-connections: cut\n", "f:5: existing-connections"},
	{PORTS "tcp-windows: none\n", "f:5: tcp-windows"},
	{PORTS "pickup-window: soon\n", "f:5: pickup-window"},
	{PORTS "slot-capacity: 10\n", "f:5: slot-capacity"},
	{PORTS "slot-capacity: 99999999\n", "f:5: slot-capacity"},
	{PORTS "address-headroom: 1\n", "f:5: address-headroom"},
	{PORTS "handoff-depth: 100\n", "f:5: handoff-depth: expected a power of two"},
	{PORTS "connections: {ipv5: 1}\n", "f:5: connections.ipv5"},
	{PORTS "connections: {ipv4: 1}\n", "f:5: connections.ipv4"},
	{PORTS "connections: {sweep: 1ms}\n", "f:5: connections.sweep"},
	{PORTS "timeouts: {tcp: 1}\n", "f:5: timeouts.tcp"},
	{PORTS "timeouts: {free: 1}\n", "f:5: timeouts.free"},
	{PORTS "timeouts: {udp-replied: 21d}\n", "f:5: timeouts.udp-replied"},
	{PORTS "timeouts: {udp-replied: 0}\n", "f:5: timeouts.udp-replied"},
	{"wires: []\n", "f:1: ports"},
	{"ports: []\nwires: []\n", "f:1: ports"},
	{"ports: {}\nwires: []\n", "f:1: ports"},
	{"ports:\n- ~\nwires: []\n", "f:"},
	{"ports:\n- {device: x}\n- {name: b, device: z1}\nwires: []\n", "f:2: ports[0].name"},
	{"ports:\n- {name: 'a b', device: x}\nwires: []\n", "f:2: ports[0].name"},
	{"ports:\n- {name: a23456789012345678901234567890123, device: x}\nwires: []\n",
		"f:2: ports[0].name"},
	{"ports:\n- {name: a, device: x}\n- {name: a, device: z1}\nwires: []\n",
		"f:3: ports[1].name"},
	{"ports:\n- {name: a}\nwires: []\n", "f:2: ports[0].device"},
	{"ports:\n- {name: a, device: ''}\nwires: []\n", "f:2: ports[0].device"},
	{"ports:\n- {name: a, device: 'x,1'}\n- {name: b, device: 'x,2'}\nwires: []\n",
		"f:3: ports[1].device: port \"a\" is this device"},
	{"ports:\n- {name: a, device: x, side: left}\nwires: []\n", "f:2: ports[0].side"},
	{"ports:\n- {name: a, device: x, mtu: 100}\nwires: []\n", "f:2: ports[0].mtu"},
	{"ports:\n- {name: a, device: x, mtu: 10000}\nwires: []\n", "f:2: ports[0].mtu"},
	{"ports:\n- {name: a, device: x, zone: 65536}\nwires: []\n", "f:2: ports[0].zone"},
	{"ports:\n- {name: a, device: x, speed: 1}\nwires: []\n", "f:2: ports[0].speed"},
	{"ports:\n- {name: a, device: x, link: {arp: allow}}\nwires: []\n",
		"f:2: ports[0].link.arp"},
	{"ports:\n- {name: a, device: x, link: {ospf: pass}}\nwires: []\n",
		"f:2: ports[0].link.ospf"},
	{"ports:\n- {name: a, device: x, kernel-offloads: on}\nwires: []\n",
		"f:2: ports[0].kernel-offloads"},
	{"ports:\n- {name: a, device: x, rx-descriptors: 1}\nwires: []\n",
		"f:2: ports[0].rx-descriptors"},
#define TWO "ports:\n- {name: a, device: x}\n- {name: b, device: z1}\n"
	{TWO, "f:1: wires"},
	{TWO "wires: [{ports: [a]}]\n", "f:4: wires[0].ports"},
	{TWO "wires: [{ports: [a, b, a]}]\n", "f:4: wires[0].ports"},
	{TWO "wires: [{ports: [a, c]}]\n", "f:4: wires[0].ports[1]: no port is called \"c\""},
	{TWO "wires: [{ports: [a, a]}]\n", "f:4: wires[0].ports[1]"},
	{TWO "wires: [{ports: [a, 3]}]\n", "f:4: wires[0].ports[1]"},
	{TWO "wires: [{ports: [a, ~]}]\n", "f:4: wires[0].ports[1]"},
	{TWO "wires: [~]\n", "f:4: wires"},
	{TWO "wires: [{}]\n", "f:4: wires[0]"},
	{TWO "wires: [{ports: [a, b], name: w}]\n", "f:4: wires[0].name"},
	{TWO "wires: [{ports: [a, b], group: 'x y'}]\n", "f:4: wires[0].group"},
	{TWO "wires: [{ports: [a, b], propagate-link: maybe}]\n", "f:4: wires[0].propagate-link"},
	{TWO "wires: []\n", "f:4: wires: port \"a\" is not part of a wire"},
	{"ports:\n- {name: a, device: x, mtu: 9000}\n- {name: b, device: z1}\n"
	 "wires: [{ports: [a, b]}]\n",
		"f:4: wires[0]: the ports of a wire have mtu 9000 and 1500"},
	{"ports:\n- {name: a, device: x, zone: 1}\n- {name: b, device: z1}\n"
	 "wires: [{ports: [a, b]}]\n",
		"f:4: wires[0]: the ports of a wire have zone 1 and 0"},
	{"ports:\n- {name: a, device: x, side: inside}\n- {name: b, device: z1, side: inside}\n"
	 "wires: [{ports: [a, b]}]\n",
		"f:4: wires[0]: both ports of the wire are inside"},
#define FOUR                                                                     \
	"ports:\n- {name: a, device: w, side: inside}\n- {name: b, device: x}\n" \
	"- {name: c, device: z1, side: inside}\n- {name: d, device: z}\n"
	{FOUR "wires: [{ports: [a, b], group: g}, {ports: [d, c], group: g}]\n",
		"f:6: wires[1]: the wires of a group list inside and outside in different order"},
	{FOUR "wires: [{ports: [a, b]}, {ports: [c, b]}]\n",
		"f:6: wires[1].ports[1]: port \"b\" is part of a wire already"},
};

static void test_mistakes(void **state)
{
	struct tg_config_problems problems;
	struct tg_dataplane_config c;
	int rc;

	for (size_t i = 0; i < sizeof(mistakes) / sizeof(mistakes[0]); i++) {
		rc = parse(mistakes[i].text, &c, &problems);
		if (rc != -EINVAL || problems.n == 0)
			fail_msg("accepted (%d): %s", rc, mistakes[i].text);
		if (strncmp(problems.v[0], mistakes[i].expect, strlen(mistakes[i].expect)) != 0)
			fail_msg("%s\n-> %s\nexpected %s", mistakes[i].text, problems.v[0],
				mistakes[i].expect);
		tg_config_problems_free(&problems);
	}
}

static void test_all_problems_are_told(void **state)
{
	static const char text[] = "workers: 0\nfsync: 7\nwat: 1\n" PORTS;
	struct tg_config_problems problems;
	struct tg_dataplane_config c;

	assert_int_equal(parse(text, &c, &problems), -EINVAL);
	assert_int_equal(problems.n, 3);
	assert_memory_equal(problems.v[0], "f:1: ", 5);
	assert_memory_equal(problems.v[1], "f:2: ", 5);
	assert_memory_equal(problems.v[2], "f:3: ", 5);
	tg_config_problems_free(&problems);
}

static void test_too_many_ports(void **state)
{
	char *text = malloc(1 << 16), *at = text;
	struct tg_config_problems problems;
	struct tg_dataplane_config c;

	at += sprintf(at, "ports:\n");
	for (int i = 0; i < TG_PORTS_MAX + 2; i++)
		at += sprintf(at, "- {name: p%d, device: d%d}\n", i, i);
	at += sprintf(at, "wires:\n");
	for (int i = 0; i < TG_PORTS_MAX; i += 2)
		at += sprintf(at, "- {ports: [p%d, p%d]}\n", i, i + 1);
	assert_int_equal(parse(text, &c, &problems), -EINVAL);
	assert_non_null(strstr(problems.v[0], "more than 64 ports"));
	tg_config_problems_free(&problems);
	free(text);
}

static void test_files(void **state)
{
	char path[] = "/tmp/tg-config-XXXXXX";
	struct tg_config_problems problems = {0};
	struct tg_dataplane_config c;
	int fd = mkstemp(path);

	assert_int_equal(write(fd, PORTS, strlen(PORTS)), strlen(PORTS));
	close(fd);
	assert_int_equal(tg_dataplane_config_load(path, &c, &problems), 0);
	tg_dataplane_config_free(&c);
	unlink(path);
	assert_int_equal(tg_dataplane_config_load(path, &c, &problems), -EINVAL);
	assert_non_null(strstr(problems.v[0], "No such file"));
	tg_config_problems_free(&problems);
	assert_int_equal(tg_dataplane_config_load("/", &c, &problems), -EINVAL);
	tg_config_problems_free(&problems);
	assert_int_equal(tg_dataplane_config_load("/dev/zero", &c, &problems), -EINVAL);
	assert_non_null(strstr(problems.v[0], "too large"));
	tg_config_problems_free(&problems);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_defaults),
		cmocka_unit_test(test_every_key),
		cmocka_unit_test(test_groups_are_apart),
		cmocka_unit_test(test_mistakes),
		cmocka_unit_test(test_all_problems_are_told),
		cmocka_unit_test(test_too_many_ports),
		cmocka_unit_test(test_files),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
