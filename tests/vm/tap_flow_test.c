/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Rules of ours in a real rte_flow: net_tap's, which the kernel executes by tc flower. A packet
 * socket on the TAP's interface puts packets on the wire; what software gets of them, the port
 * receives. The profile is what is tested here as much as the rules are: what it admits does
 * exactly what it says, what it refuses is seen to be refused or to go wrong.
 * usage: tap_flow_test PROFILES [RULES]   that many random ones
 */
#include <errno.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include <rte_eal.h>
#include <rte_ethdev.h>
#include <rte_mbuf.h>

#include "flow.h"
#include "packet.h"
#include "rule_packets.h"

#define B(action) (1u << TG_NIC_##action)
#define IFNAME "tgflow"
#define PORT 0
#define RULES_MAX 16
#define BUFFERS 1023
#define DESCRIPTORS 256
#define PATIENCE_S 20 /* until a packet that must come is missing */
#define NEIGHBOURS 8

static struct {
	struct tg_nic_profiles *profiles;
	const struct tg_nic_profile *profile;
	const struct tg_nic_engine *engine;
	struct rte_mempool *pool;
	struct tg_flow_port *flows;
	int wire;
	uint32_t mark; /* number of the last packet that ends a wait */
	unsigned int random_rules;
} tap = {.random_rules = 200};

/* ---- the wire ---- */

static int open_wire(void)
{
	struct sockaddr_ll at = {.sll_family = AF_PACKET};
	int fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);

	at.sll_ifindex = (int)if_nametoindex(IFNAME);
	if (fd >= 0 && at.sll_ifindex != 0 && bind(fd, (struct sockaddr *)&at, sizeof(at)) == 0)
		return fd;
	if (fd >= 0)
		close(fd);
	return -1;
}

static void put(const void *bytes, size_t size)
{
	/* ENOBUFS is how a packet socket learns that a filter has dropped its packet. */
	if (send(tap.wire, bytes, size, 0) != (ssize_t)size)
		assert_int_equal(errno, ENOBUFS);
}

/* Whether it is among what software receives until the next mark. */
static bool received(const void *bytes, size_t size)
{
	uint8_t mark[64] = {2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1, 0x88, 0xb5};
	time_t deadline = time(NULL) + PATIENCE_S;
	bool seen = false, ended = false;
	struct rte_mbuf *m;

	tap.mark++;
	memcpy(mark + 14, &tap.mark, sizeof(tap.mark));
	put(mark, sizeof(mark));
	while (!ended && time(NULL) < deadline) {
		if (rte_eth_rx_burst(PORT, 0, &m, 1) == 0)
			continue;
		if (m->pkt_len == size && memcmp(rte_pktmbuf_mtod(m, void *), bytes, size) == 0)
			seen = true;
		ended = m->pkt_len == sizeof(mark) &&
			memcmp(rte_pktmbuf_mtod(m, void *), mark, sizeof(mark)) == 0;
		rte_pktmbuf_free(m);
	}
	assert_true(ended);
	return seen;
}

static bool passes(const char *text)
{
	struct packet packet;

	packet_make(&packet, text);
	put(packet.bytes, packet.size);
	return received(packet.bytes, packet.size);
}

static bool packet_passes(const struct rule_packet *packet)
{
	uint8_t bytes[RULE_PACKET_SIZE];

	rule_packet_write(packet, bytes);
	put(bytes, sizeof(bytes));
	return received(bytes, sizeof(bytes));
}

/* ---- rules ---- */

static int insert(const struct tg_nic_rule *rule, struct tg_flow **flow)
{
	struct tg_flow_done done;
	int error = tg_flow_insert(tap.flows, rule, tap.engine, &tap);

	if (error != 0)
		return error;
	assert_int_equal(tg_flow_poll(tap.flows, &done, 1), 1);
	assert_ptr_equal(done.user, &tap);
	*flow = done.flow;
	return done.error;
}

/* One that the profile admits has to go in. */
static struct tg_flow *must_insert(const struct tg_nic_rule *rule)
{
	char text[TG_NIC_MATCH_TEXT], why[TG_NIC_WHY];
	struct tg_flow *flow = NULL;
	int error;

	tg_nic_match_text(&rule->match, text);
	if (tg_nic_admits(tap.profile, rule, why) == NULL)
		fail_msg("%s: not admitted: %s", text, why);
	error = insert(rule, &flow);
	if (error != 0)
		fail_msg("%s: %d: %s", text, error, tg_flow_message(tap.flows));
	assert_non_null(flow);
	return flow;
}

static void take_out(struct tg_flow *flow)
{
	struct tg_flow_done done;

	assert_int_equal(tg_flow_remove(tap.flows, flow, &tap), 0);
	assert_int_equal(tg_flow_poll(tap.flows, &done, 1), 1);
	assert_true(done.removal);
	assert_int_equal(done.error, 0);
}

static struct tg_nic_rule drop(uint8_t family, uint8_t protocol)
{
	return (struct tg_nic_rule){.match = {.family = family, .protocol = protocol},
		.actions = B(DROP),
		.port = PORT};
}

/* 10.1.2.3 under a mask. */
static struct tg_nic_rule drop_from(uint32_t mask)
{
	struct tg_nic_rule rule = drop(4, 0);
	uint32_t bits = htonl(mask), spec = htonl(0x0a010203 & mask);

	tg_nic_match_set(&rule.match, TG_NIC_IPV4_SRC, &spec, &bits);
	return rule;
}

static struct tg_nic_rule drop_udp_port(uint16_t port, uint16_t mask)
{
	struct tg_nic_rule rule = drop(4, IPPROTO_UDP);
	uint16_t bits = htons(mask), spec = htons(port & mask);

	tg_nic_match_set(&rule.match, TG_NIC_UDP_DPORT, &spec, &bits);
	return rule;
}

static void start(void)
{
	assert_int_equal(rte_eth_dev_start(PORT), 0);
	tap.wire = open_wire();
	assert_true(tap.wire >= 0);
}

static void stop(void)
{
	close(tap.wire);
	assert_int_equal(rte_eth_dev_stop(PORT), 0);
}

static void open_flows(void)
{
	struct tg_flow_config config = {
		.ethdev = PORT, .profile = tap.profile, .rules_max = RULES_MAX, .n_queues = 1};

	assert_int_equal(tg_flow_open(&config, NULL, 0, &tap.flows), 0);
}

static int setup(void **state)
{
	start();
	open_flows();
	return 0;
}

static int teardown(void **state)
{
	tg_flow_close(tap.flows);
	stop();
	return 0;
}

/* ---- what is admitted does what it says ---- */

static void test_exact(void **state)
{
	struct tg_nic_rule rule = drop_from(UINT32_MAX);
	struct tg_flow *flow;
	char text[64];

	assert_true(passes("10.1.2.3 > 10.9.9.9 udp 1>2"));
	flow = must_insert(&rule);
	assert_false(passes("10.1.2.3 > 10.9.9.9 udp 1>2"));
	assert_false(passes("10.1.2.3 > 10.8.8.8 tcp 3>4 S"));
	assert_true(passes("10.9.9.9 > 10.1.2.3 udp 1>2"));
	assert_true(passes("fd00::1 > fd00::2 udp 1>2"));
	assert_true(passes("vlan=5 10.1.2.3 > 10.9.9.9 udp 1>2"));
	for (int bit = 0; bit < 32; bit++) {
		uint32_t a = 0x0a010203 ^ 1u << bit;

		snprintf(text, sizeof(text), "%u.%u.%u.%u > 10.9.9.9 udp 1>2", a >> 24,
			a >> 16 & 0xff, a >> 8 & 0xff, a & 0xff);
		if (!passes(text))
			fail_msg("dropped: %s", text);
	}
	take_out(flow);
	assert_true(passes("10.1.2.3 > 10.9.9.9 udp 1>2"));
}

/* A mask is what it says, bit by bit; not all are prefixes. */
static void each_bit(uint32_t mask)
{
	struct tg_nic_rule rule = drop_from(mask);
	struct tg_flow *flow = must_insert(&rule);
	char text[64];

	for (int bit = 0; bit < 32; bit++) {
		uint32_t a = 0x0a010203 ^ 1u << bit;

		snprintf(text, sizeof(text), "%u.%u.%u.%u > 10.9.9.9 tcp 1>2 S", a >> 24,
			a >> 16 & 0xff, a >> 8 & 0xff, a & 0xff);
		if (passes(text) != ((mask >> bit & 1) == 1))
			fail_msg("mask %08x, bit %d: %s", mask, bit, text);
	}
	take_out(flow);
}

static void test_masks(void **state)
{
	static const uint32_t masks[] = {
		0x80000000, 0xff000000, 0xffff8000, 0xfffffffe, 0xff00ff07, 0x00000001};

	for (size_t i = 0; i < sizeof(masks) / sizeof(masks[0]); i++)
		each_bit(masks[i]);
}

static void test_ipv6(void **state)
{
	uint8_t spec[16] = {0xfd, 0, 0, 0x10}, mask[16];
	struct tg_nic_rule rule = drop(6, IPPROTO_TCP);
	struct tg_flow *flow;

	memset(mask, 0xff, 4);
	memset(mask + 4, 0, 12);
	tg_nic_match_set(&rule.match, TG_NIC_IPV6_DST, spec, mask);
	flow = must_insert(&rule);
	assert_false(passes("fd00::1 > fd00:10:5::1 tcp 1>2 S"));
	assert_true(passes("fd00::1 > fd00:11:5::1 tcp 1>2 S"));
	assert_true(passes("fd00::1 > fd00:10:5::1 udp 1>2"));
	assert_true(passes("fd00:10::1 > fd00::1 tcp 1>2 S"));
	take_out(flow);
	assert_true(passes("fd00::1 > fd00:10:5::1 tcp 1>2 S"));
}

/* The rule of higher priority leaves to software what the other would drop, in either order. */
static void test_priority(void **state)
{
	struct tg_nic_rule wide = drop_from(0xff000000), narrow = drop_from(UINT32_MAX);
	struct tg_flow *flows[2];

	wide.priority = 1;
	narrow.actions = B(SOFTWARE);
	for (int first = 0; first < 2; first++) {
		flows[0] = must_insert(first == 0 ? &wide : &narrow);
		flows[1] = must_insert(first == 0 ? &narrow : &wide);
		assert_true(passes("10.1.2.3 > 10.9.9.9 udp 1>2"));
		assert_false(passes("10.1.2.2 > 10.9.9.9 udp 1>2"));
		take_out(flows[0]);
		take_out(flows[1]);
	}
}

static void test_duplicate(void **state)
{
	struct tg_nic_rule rule = drop_from(UINT32_MAX);
	struct tg_flow *flow = must_insert(&rule), *second = NULL;

	assert_int_equal(insert(&rule, &second), -EEXIST);
	assert_null(second);
	assert_false(passes("10.1.2.3 > 10.9.9.9 udp 1>2"));
	take_out(flow);
	assert_true(passes("10.1.2.3 > 10.9.9.9 udp 1>2"));
	take_out(must_insert(&rule));
}

/*
 * How the kernel reads a packet: the protocol is looked for behind extension headers, and is that
 * of later fragments too; packets with a tag are not IP.
 */
static bool kernel_matches(const struct tg_nic_match *match, struct rule_packet packet)
{
	if (packet.tags != 0)
		return false;
	packet.extension = false;
	memset(packet.header.fragment, 0, sizeof(packet.header.fragment));
	return rule_packet_matches(match, &packet);
}

static void compare(const struct tg_nic_match *match, struct rule_packet packet)
{
	char text[TG_NIC_MATCH_TEXT];
	bool drops = kernel_matches(match, packet);

	tg_nic_match_text(match, text);
	if (packet_passes(&packet) == drops)
		fail_msg("%s %s a packet: protocol %u, tags %u, extension %d, fragment %02x%02x",
			text, drops ? "does not drop" : "drops", packet.protocol, packet.tags,
			packet.extension, packet.header.fragment[0], packet.header.fragment[1]);
	if (drops)
		return;
	/* No more is dropped than the rule says; less may be, as of tagged packets. */
	packet.extension = false;
	assert_false(packet.tags == 0 && rule_packet_matches(match, &packet));
}

static void test_random(void **state)
{
	unsigned int n = 0;

	while (n < tap.random_rules) {
		struct tg_nic_rule rule = drop(4, 0);
		struct rule_packet packet, neighbour;
		char why[TG_NIC_WHY];
		struct tg_flow *flow;

		rule_packet_any(&packet);
		rule_packet_rule(&packet, &rule.match);
		if (tg_nic_admits(tap.profile, &rule, why) == NULL)
			continue;
		flow = must_insert(&rule);
		compare(&rule.match, packet);
		for (int i = 0; i < NEIGHBOURS; i++) {
			neighbour = packet;
			rule_packet_neighbour(&neighbour);
			compare(&rule.match, neighbour);
		}
		take_out(flow);
		compare(&(struct tg_nic_match){.family = 0}, packet);
		n++;
	}
	printf("%u random rules\n", n);
}

/* ---- what is refused ---- */

/* By both. And it is no hindrance to others. */
static void refused(const struct tg_nic_rule *rule)
{
	struct tg_nic_rule other = drop_from(UINT32_MAX);
	struct tg_flow *flow = NULL;
	char why[TG_NIC_WHY];

	assert_null(tg_nic_admits(tap.profile, rule, why));
	printf("profile: %s; ", why);
	assert_int_equal(insert(rule, &flow), -ENOTSUP);
	printf("driver: %s\n", tg_flow_message(tap.flows));
	assert_null(flow);
	assert_true(passes("10.1.2.3 > 10.9.9.9 udp 1>4608"));
	flow = must_insert(&other);
	assert_false(passes("10.1.2.3 > 10.9.9.9 udp 1>4608"));
	take_out(flow);
}

static void test_refused(void **state)
{
	const uint32_t actions[] = {
		B(DROP) | B(COUNT), B(SOFTWARE) | B(MARK), B(SOFTWARE) | B(COUNT)};
	struct tg_nic_rule rule;

	for (size_t i = 0; i < sizeof(actions) / sizeof(actions[0]); i++) {
		rule = drop_from(UINT32_MAX);
		rule.actions = actions[i];
		rule.mark = 7;
		refused(&rule);
	}
	rule = drop_udp_port(0x1200, 0xff00);
	refused(&rule);
	rule = drop(4, IPPROTO_SCTP);
	refused(&rule);
	rule = drop(4, IPPROTO_ICMP);
	refused(&rule);
}

/* What the profile keeps from being asked for goes wrong when it is asked for. */
static struct tg_flow *force(const struct tg_nic_rule *rule, const char *why_not)
{
	struct tg_flow *flow = NULL;
	char why[TG_NIC_WHY];

	assert_null(tg_nic_admits(tap.profile, rule, why));
	if (strstr(why, why_not) == NULL)
		fail_msg("refused for another reason: %s", why);
	assert_int_equal(insert(rule, &flow), 0);
	return flow;
}

/* To the kernel fragments have port 0, whatever is in them. */
static void test_fragments(void **state)
{
	struct tg_nic_rule some = drop_udp_port(4660, 0xffff), zero = drop_udp_port(0, 0xffff);
	struct tg_flow *flow = force(&some, "fragment");

	assert_false(passes("10.1.0.1 > 10.2.0.1 udp 1>4660"));
	assert_true(passes("10.1.0.1 > 10.2.0.1 udp 1>4661"));
	take_out(flow);
	flow = force(&zero, "fragment");
	assert_false(passes("10.1.0.1 > 10.2.0.1 udp 1>0"));
	assert_true(passes("10.1.0.1 > 10.2.0.1 udp 1>4660"));
	assert_false(passes("10.1.0.1 > 10.2.0.1 id=1 frag=0+ udp 1>4660 len=32"));
	take_out(flow);
}

static void test_extensions(void **state)
{
	struct tg_nic_rule rule = drop(6, IPPROTO_TCP);
	struct tg_flow *flow = must_insert(&rule);

	assert_true(tap.profile->hazards[TG_NIC_HAZARD_EXTENSIONS].present);
	assert_false(passes("fd00::1 > fd00::2 tcp 1>2 S"));
	assert_false(passes("fd00::1 > fd00::2 dst tcp 1>2 S"));
	assert_true(passes("fd00::1 > fd00::2 dst udp 1>2"));
	take_out(flow);
}

/* ---- the end of rules ---- */

static void test_stop(void **state)
{
	struct tg_nic_rule rule = drop_from(UINT32_MAX);

	must_insert(&rule);
	assert_false(passes("10.1.2.3 > 10.9.9.9 udp 1>2"));
	tg_flow_lost(tap.flows);
	stop();
	start();
	assert_true(passes("10.1.2.3 > 10.9.9.9 udp 1>2"));
	take_out(must_insert(&rule));
	assert_true(passes("10.1.2.3 > 10.9.9.9 udp 1>2"));
}

static void test_flush(void **state)
{
	struct tg_nic_rule one = drop_from(UINT32_MAX), two = drop(6, IPPROTO_UDP);

	must_insert(&one);
	must_insert(&two);
	assert_false(passes("10.1.2.3 > 10.9.9.9 udp 1>2"));
	assert_false(passes("fd00::1 > fd00::2 udp 1>2"));
	assert_int_equal(tg_flow_flush(tap.flows), 0);
	assert_true(passes("10.1.2.3 > 10.9.9.9 udp 1>2"));
	assert_true(passes("fd00::1 > fd00::2 udp 1>2"));
	must_insert(&one);
	tg_flow_close(tap.flows);
	assert_true(passes("10.1.2.3 > 10.9.9.9 udp 1>2"));
	open_flows();
}

/* ---- */

static void load_profile(const char *folder)
{
	struct rte_eth_dev_info info;
	char *errors = NULL;

	if (tg_nic_profiles_load(folder, &tap.profiles, &errors) != 0) {
		fprintf(stderr, "%s: %s\n", folder, errors);
		exit(1);
	}
	if (rte_eth_dev_info_get(PORT, &info) == 0)
		tap.profile = tg_nic_profiles_select(tap.profiles, info.driver_name, NULL);
	if (tap.profile == NULL || strcmp(tap.profile->name, "tap") != 0) {
		fprintf(stderr, "the port's profile is not `tap`\n");
		exit(1);
	}
	tap.engine = &tap.profile->engines[0];
}

static void open_tap(void)
{
	char *argv[] = {(char *)"tap_flow_test", (char *)"--no-huge", (char *)"-m", (char *)"64",
		(char *)"--no-pci", (char *)"--no-shconf", (char *)"--no-telemetry",
		(char *)"--log-level=warning", (char *)"--lcores=0",
		(char *)"--vdev=net_tap0,iface=" IFNAME, NULL};
	struct rte_eth_conf conf = {0};

	if (rte_eal_init((int)(sizeof(argv) / sizeof(argv[0])) - 1, argv) < 0)
		exit(1);
	tap.pool = rte_pktmbuf_pool_create(
		"wire", BUFFERS, 0, 0, RTE_MBUF_DEFAULT_BUF_SIZE, SOCKET_ID_ANY);
	if (tap.pool == NULL || rte_eth_dev_configure(PORT, 1, 1, &conf) != 0 ||
		rte_eth_rx_queue_setup(PORT, 0, DESCRIPTORS, SOCKET_ID_ANY, NULL, tap.pool) != 0 ||
		rte_eth_tx_queue_setup(PORT, 0, DESCRIPTORS, SOCKET_ID_ANY, NULL) != 0) {
		fprintf(stderr, "no port\n");
		exit(1);
	}
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_exact, setup, teardown),
		cmocka_unit_test_setup_teardown(test_masks, setup, teardown),
		cmocka_unit_test_setup_teardown(test_ipv6, setup, teardown),
		cmocka_unit_test_setup_teardown(test_priority, setup, teardown),
		cmocka_unit_test_setup_teardown(test_duplicate, setup, teardown),
		cmocka_unit_test_setup_teardown(test_refused, setup, teardown),
		cmocka_unit_test_setup_teardown(test_fragments, setup, teardown),
		cmocka_unit_test_setup_teardown(test_extensions, setup, teardown),
		cmocka_unit_test_setup_teardown(test_stop, setup, teardown),
		cmocka_unit_test_setup_teardown(test_flush, setup, teardown),
		cmocka_unit_test_setup_teardown(test_random, setup, teardown),
	};
	int failed;

	if (argc < 2 || argc > 3) {
		fprintf(stderr, "usage: tap_flow_test PROFILES [RULES]\n");
		return 2;
	}
	if (argc == 3)
		tap.random_rules = (unsigned int)strtoul(argv[2], NULL, 10);
	open_tap();
	load_profile(argv[1]);
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	tg_nic_profiles_free(tap.profiles);
	rte_eth_dev_close(PORT);
	rte_eal_cleanup();
	return failed != 0;
}
