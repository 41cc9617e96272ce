/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What real drivers answer that need no NIC: net_null knows no rte_flow, net_tap takes few actions
 * and what the kernel's classifier has. Whatever they say, it is an error that the owner of rules
 * can act on, and nothing is left behind. Makes a network interface in a namespace of its own.
 */
#include <errno.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <rte_dev.h>
#include <rte_ethdev.h>
#include <rte_mbuf.h>

#include "../eal.h"
#include "flow.h"

#define B(action) (1u << TG_NIC_##action)

static uint16_t add_port(const char *name, const char *args)
{
	const struct rte_eth_conf conf = {0};
	static struct rte_mempool *pool;
	uint16_t port;

	if (pool == NULL)
		pool = rte_pktmbuf_pool_create("pool", 1023, 0, 0, RTE_MBUF_DEFAULT_BUF_SIZE, 0);
	assert_non_null(pool);
	assert_int_equal(rte_eal_hotplug_add("vdev", name, args), 0);
	assert_int_equal(rte_eth_dev_get_port_by_name(name, &port), 0);
	assert_int_equal(rte_eth_dev_configure(port, 1, 1, &conf), 0);
	assert_int_equal(rte_eth_rx_queue_setup(port, 0, 64, 0, NULL, pool), 0);
	assert_int_equal(rte_eth_tx_queue_setup(port, 0, 64, 0, NULL), 0);
	return port;
}

static void remove_port(const char *name, uint16_t port)
{
	rte_eth_dev_stop(port);
	assert_int_equal(rte_eal_hotplug_remove("vdev", name), 0);
}

static void profile_of(struct tg_nic_profile *profile, bool templates)
{
	struct tg_nic_engine *engine = &profile->engines[0];

	*profile = (struct tg_nic_profile){.name = "test", .n_engines = 1, .templates = templates};
	engine->domains = UINT8_MAX;
	engine->protocols = UINT8_MAX;
	memset(engine->masking, TG_NIC_MASK_ANY, sizeof(engine->masking));
	engine->untagged = true;
	engine->actions = UINT32_MAX;
	engine->n_groups = engine->n_priorities = 16;
}

static struct tg_nic_rule rule_of(uint32_t actions)
{
	static const uint8_t address[] = {192, 0, 2, 1};
	struct tg_nic_rule rule = {.match = {.family = 4}, .actions = actions, .age_s = 30};

	tg_nic_match_exact(&rule.match, TG_NIC_IPV4_SRC, address);
	return rule;
}

static void test_null(void **state)
{
	const struct tg_nic_rule rule = rule_of(B(DROP));
	struct tg_nic_profile profile;
	struct tg_flow_config config = {.ethdev = add_port("net_null0", ""),
		.profile = &profile,
		.rules_max = 10,
		.n_queues = 1};
	struct tg_flow_port *port;

	profile_of(&profile, true);
	assert_int_equal(tg_flow_open(&config, &rule, 1, &port), -ENOTSUP);
	profile_of(&profile, false);
	assert_int_equal(tg_flow_open(&config, &rule, 1, &port), -ENOTSUP);
	/* Who does not say what he will ask for hears it then. */
	assert_int_equal(tg_flow_open(&config, NULL, 0, &port), 0);
	assert_int_equal(tg_flow_insert(port, &rule, &profile.engines[0], NULL), -ENOTSUP);
	assert_int_equal(tg_flow_flush(port), 0);
	tg_flow_lost(port);
	tg_flow_close(port);
	remove_port("net_null0", config.ethdev);
}

/* Removes what a kernel with all of tc's parts has taken. */
static void take_back(struct tg_flow_port *port)
{
	struct tg_flow_done done;

	assert_int_equal(tg_flow_poll(port, &done, 1), 1);
	assert_int_equal(done.error, 0);
	assert_int_equal(tg_flow_remove(port, done.flow, NULL), 0);
	assert_int_equal(tg_flow_poll(port, &done, 1), 1);
	assert_int_equal(done.error, 0);
}

static void test_tap(void **state)
{
	static const struct {
		uint32_t actions, group;
		uint8_t domain;
	} refused[] = {
		{B(COUNT) | B(DROP), 0, TG_NIC_INGRESS},
		{B(AGE) | B(DROP), 0, TG_NIC_INGRESS},
		{B(MARK) | B(SOFTWARE), 0, TG_NIC_INGRESS},
		{B(JUMP), 0, TG_NIC_INGRESS},
		{B(FORWARD), 0, TG_NIC_INGRESS},
		{B(DROP), 0, TG_NIC_TRANSFER},
		{B(DROP), 16, TG_NIC_INGRESS},
	};
	struct tg_nic_rule rule = rule_of(B(DROP));
	struct tg_nic_profile profile;
	struct tg_flow_config config = {.profile = &profile, .rules_max = 10, .n_queues = 1};
	struct tg_flow_port *port;
	int error;

	profile_of(&profile, false);
	config.ethdev = add_port("net_tap0", "iface=flow0");
	assert_int_equal(rte_eth_dev_start(config.ethdev), 0);
	assert_int_equal(tg_flow_open(&config, &rule, 1, &port), 0);
	for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
		struct tg_nic_rule bad = rule_of(refused[i].actions);

		bad.group = refused[i].group;
		bad.domain = refused[i].domain;
		bad.jump = 1;
		error = tg_flow_insert(port, &bad, &profile.engines[0], NULL);
		if (error != -ENOTSUP)
			fail_msg("row %zu: %d, %s", i, error, tg_flow_message(port));
		assert_true(tg_flow_message(port)[0] != '\0');
	}
	/* That it has validated such rules does not say that the kernel takes them. */
	error = tg_flow_insert(port, &rule, &profile.engines[0], NULL);
	assert_true(error == 0 || error == -EEXIST || error == -ENOTSUP);
	if (error == 0)
		take_back(port);
	tg_flow_lost(port);
	tg_flow_close(port);
	remove_port("net_tap0", config.ethdev);
}

static int start(void **state)
{
	if (unshare(CLONE_NEWNET) != 0)
		return -1;
	test_eal_start("64");
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_null),
		cmocka_unit_test(test_tap),
	};

	return cmocka_run_group_tests(tests, start, NULL);
}
