/* SPDX-License-Identifier: BSD-3-Clause */
#include "nic_pair.h"

#include <stdio.h>
#include <stdlib.h>

#include <rte_eth_ring.h>
#include <rte_ethdev.h>
#include <rte_ring.h>

#include "nicmodel.h"

#define RING 1024

static void die(const char *why)
{
	fprintf(stderr, "NIC: %s\n", why);
	exit(2);
}

/* EAL makes ports of rings once a process. */
static struct {
	struct rte_ring *in[2], *out[2];
	char name[2][32];
} wires;

static void make_wire(unsigned int i)
{
	char name[32];

	if (wires.in[i] != NULL)
		return;
	snprintf(name, sizeof(name), "twin_in%u", i);
	wires.in[i] = rte_ring_create(name, RING, SOCKET_ID_ANY, 0);
	snprintf(name, sizeof(name), "twin_out%u", i);
	wires.out[i] = rte_ring_create(name, RING, SOCKET_ID_ANY, 0);
	snprintf(name, sizeof(name), "twin%u", i);
	if (wires.in[i] == NULL || wires.out[i] == NULL ||
		rte_eth_from_rings(name, &wires.in[i], 1, &wires.out[i], 1, 0) < 0)
		die("no wire");
	snprintf(wires.name[i], sizeof(wires.name[i]), "net_ring_twin%u", i);
}

void nic_pair_open(
	struct nic_pair *pair, const struct tg_nic_profile *profile, struct rte_mempool *pool)
{
	const struct rte_eth_conf conf = {0};
	char name[32];

	for (unsigned int i = 0; i < 2; i++) {
		const struct nicmodel_config config = {
			.name = name, .lower = wires.name[i], .profile = profile, .nic = 1};

		make_wire(i);
		pair->in[i] = wires.in[i];
		pair->out[i] = wires.out[i];
		snprintf(name, sizeof(name), "net_tgmodel%u", i);
		if (nicmodel_create(&config, &pair->port[i]) != 0)
			die("no model port");
		if (rte_eth_dev_configure(pair->port[i], 1, 1, &conf) != 0 ||
			rte_eth_rx_queue_setup(pair->port[i], 0, 0, SOCKET_ID_ANY, NULL, pool) !=
				0 ||
			rte_eth_tx_queue_setup(pair->port[i], 0, 0, SOCKET_ID_ANY, NULL) != 0)
			die("a model port cannot be configured");
	}
}

void nic_pair_start(const struct nic_pair *pair)
{
	for (unsigned int i = 0; i < 2; i++)
		if (rte_eth_dev_start(pair->port[i]) != 0)
			die("a model port does not start");
}

void nic_pair_close(const struct nic_pair *pair)
{
	struct nicmodel_rules rules;

	for (unsigned int i = 0; i < 2; i++) {
		nicmodel_rules(pair->port[i], &rules);
		if (rules.stale_handles != 0 || rules.early_destroys != 0)
			die("a handle was used that is none");
	}
	for (unsigned int i = 0; i < 2; i++)
		nicmodel_destroy(pair->port[i]);
}

const struct tg_nic_profile *nic_pair_profile(
	const char *folder, const char *name, struct tg_nic_profiles **profiles)
{
	const struct tg_nic_profile *profile;
	char *errors = NULL;

	if (tg_nic_profiles_load(folder, profiles, &errors) != 0)
		die(errors != NULL ? errors : folder);
	profile = tg_nic_profiles_find(*profiles, name);
	if (profile == NULL)
		die(name);
	return profile;
}
