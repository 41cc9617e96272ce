/* SPDX-License-Identifier: BSD-3-Clause */
/* NICs and their ports, the model's time, and what tests may ask of them. */
#include "flow.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <rte_ethdev.h>

/* Of all NICs. The list's lock is taken before any NIC's. */
static pthread_mutex_t list_lock = PTHREAD_MUTEX_INITIALIZER;
static TAILQ_HEAD(, nm_nic) nics = TAILQ_HEAD_INITIALIZER(nics);

/* --- time -------------------------------------------------------------------------------- */

static uint64_t stopped_ms; /* atomic; 0: the clock runs */

static uint64_t real_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

uint64_t nicmodel_clock(void)
{
	uint64_t ms = __atomic_load_n(&stopped_ms, __ATOMIC_ACQUIRE);

	return ms != 0 ? ms : real_ms();
}

void nicmodel_clock_stop(void)
{
	__atomic_store_n(&stopped_ms, nicmodel_clock(), __ATOMIC_RELEASE);
}

void nicmodel_clock_run(void)
{
	__atomic_store_n(&stopped_ms, 0, __ATOMIC_RELEASE);
}

void nicmodel_clock_advance(uint32_t ms)
{
	if (__atomic_load_n(&stopped_ms, __ATOMIC_ACQUIRE) != 0)
		__atomic_fetch_add(&stopped_ms, ms, __ATOMIC_ACQ_REL);
	nm_nics_age();
}

/* --- NICs -------------------------------------------------------------------------------- */

static void quirks_of(const struct tg_nic_profile *profile, struct nicmodel_quirks *quirks)
{
	*quirks = (struct nicmodel_quirks){0};
	if (profile == NULL)
		return;
	for (unsigned int h = 0; h < TG_NIC_HAZARD_COUNT; h++)
		quirks->on |= (uint32_t)profile->hazards[h].present << h;
	if (profile->on_stop != TG_NIC_ON_STOP_KEPT)
		quirks->on |= 1u << TG_NIC_HAZARD_LOST_ON_STOP;
	quirks->flushed_on_stop = profile->on_stop == TG_NIC_ON_STOP_FLUSHED;
	quirks->widened = profile->hazards[TG_NIC_HAZARD_MASK_WIDENED].fields;
	for (size_t i = 0; i < profile->n_engines; i++)
		if (profile->engines[i].counters.stale_ms > quirks->stale_ms)
			quirks->stale_ms = profile->engines[i].counters.stale_ms;
	quirks->late_ms = profile->insert_late_ms;
	quirks->fail_every = 7;
}

static struct nm_nic *nic_make(const struct tg_nic_profile *profile, int number)
{
	struct nm_nic *nic = calloc(1, sizeof(*nic));

	if (nic == NULL)
		return NULL;
	rte_rwlock_init(&nic->lock);
	nic->number = number;
	nic->profile = profile;
	nic->domain = RTE_ETH_DEV_SWITCH_DOMAIN_ID_INVALID;
	rte_eth_switch_domain_alloc(&nic->domain);
	quirks_of(profile, &nic->quirks);
	TAILQ_INIT(&nic->shapes);
	for (unsigned int i = 0; i < NM_WHEEL; i++)
		TAILQ_INIT(&nic->wheel[i]);
	TAILQ_INSERT_TAIL(&nics, nic, link);
	return nic;
}

static void nic_free(struct nm_nic *nic)
{
	TAILQ_REMOVE(&nics, nic, link);
	if (nic->domain != RTE_ETH_DEV_SWITCH_DOMAIN_ID_INVALID)
		rte_eth_switch_domain_free(nic->domain);
	for (uint32_t i = 0; i < nic->n_groups; i++) {
		free(nic->groups[i]->tuples);
		free(nic->groups[i]);
	}
	free(nic->groups);
	free(nic->rules.v);
	free(nic->indirects.v);
	free(nic);
}

static struct nm_nic *nic_numbered(int number)
{
	struct nm_nic *nic;

	TAILQ_FOREACH(nic, &nics, link)
	if (number >= 0 && nic->number == number)
		return nic;
	return NULL;
}

int nm_nic_join(struct nm_port *port, const struct tg_nic_profile *profile, int number)
{
	struct nm_nic *nic;
	int rc = 0;

	pthread_mutex_lock(&list_lock);
	nic = nic_numbered(number);
	if (nic == NULL)
		nic = nic_make(profile, number);
	if (nic == NULL) {
		rc = -ENOMEM;
	} else if (nic->profile != profile || nic->n_ports == NICMODEL_PORTS_MAX) {
		rc = nic->profile != profile ? -EINVAL : -ENOSPC;
	} else {
		rte_rwlock_write_lock(&nic->lock);
		nic->ports[nic->n_ports++] = port;
		port->nic = nic;
		rte_rwlock_write_unlock(&nic->lock);
	}
	pthread_mutex_unlock(&list_lock);
	return rc;
}

void nm_nic_leave(struct nm_port *port)
{
	struct nm_nic *nic = port->nic;
	unsigned int i = 0;

	pthread_mutex_lock(&list_lock);
	rte_rwlock_write_lock(&nic->lock);
	while (nic->ports[i] != port)
		i++;
	nic->ports[i] = nic->ports[--nic->n_ports];
	rte_rwlock_write_unlock(&nic->lock);
	if (nic->n_ports == 0)
		nic_free(nic);
	pthread_mutex_unlock(&list_lock);
}

struct nm_port *nm_nic_port(const struct nm_nic *nic, uint16_t id)
{
	for (unsigned int i = 0; i < nic->n_ports; i++)
		if (nic->ports[i]->id == id)
			return nic->ports[i];
	return NULL;
}

struct nm_port *nm_switch_manager(struct nm_port *port)
{
	const struct tg_nic_profile *p = port->nic->profile;

	return p != NULL && p->templates ? port->nic->ports[0] : port;
}

void nm_nics_age(void)
{
	uint16_t tell[RTE_MAX_ETHPORTS];
	unsigned int n = 0;
	struct nm_nic *nic;

	pthread_mutex_lock(&list_lock);
	TAILQ_FOREACH(nic, &nics, link)
	{
		rte_rwlock_write_lock(&nic->lock);
		nm_age_run(nic, nicmodel_clock());
		for (unsigned int i = 0; i < nic->n_ports; i++) {
			if (nic->ports[i]->tell_aged)
				tell[n++] = nic->ports[i]->id;
			nic->ports[i]->tell_aged = false;
		}
		rte_rwlock_write_unlock(&nic->lock);
	}
	pthread_mutex_unlock(&list_lock);
	/* What applications do then may use any function of the model. */
	for (unsigned int i = 0; i < n; i++)
		rte_eth_dev_callback_process(
			&rte_eth_devices[tell[i]], RTE_ETH_EVENT_FLOW_AGED, NULL);
}

/* --- what tests ask ---------------------------------------------------------------------- */

struct nm_port *nm_port_find(uint16_t id)
{
	struct nm_port *port = NULL;
	struct nm_nic *nic;

	pthread_mutex_lock(&list_lock);
	TAILQ_FOREACH(nic, &nics, link)
	if (port == NULL)
		port = nm_nic_port(nic, id);
	pthread_mutex_unlock(&list_lock);
	return port;
}

void nicmodel_quirks_get(uint16_t id, struct nicmodel_quirks *quirks)
{
	struct nm_port *port = nm_port_find(id);

	rte_rwlock_read_lock(&port->nic->lock);
	*quirks = port->nic->quirks;
	rte_rwlock_read_unlock(&port->nic->lock);
}

void nicmodel_quirks_set(uint16_t id, const struct nicmodel_quirks *quirks)
{
	struct nm_port *port = nm_port_find(id);

	rte_rwlock_write_lock(&port->nic->lock);
	port->nic->quirks = *quirks;
	rte_rwlock_write_unlock(&port->nic->lock);
}

void nicmodel_fail(uint16_t id, enum nicmodel_op op, int error, uint32_t after, uint32_t times)
{
	struct nm_port *port = nm_port_find(id);

	rte_rwlock_write_lock(&port->nic->lock);
	port->faults[op] = (struct nm_fault){.error = error, .after = after, .times = times};
	rte_rwlock_write_unlock(&port->nic->lock);
}

void nicmodel_link(uint16_t id, bool up)
{
	struct nm_port *port = nm_port_find(id);
	bool changed;

	rte_rwlock_write_lock(&port->nic->lock);
	changed = port->link_up != up;
	port->link_up = up;
	rte_rwlock_write_unlock(&port->nic->lock);
	if (!changed)
		return;
	port->dev->dev_ops->link_update(port->dev, 0);
	rte_eth_dev_callback_process(port->dev, RTE_ETH_EVENT_INTR_LSC, NULL);
}

void nicmodel_reset(uint16_t id)
{
	struct nm_port *port = nm_port_find(id);

	rte_rwlock_write_lock(&port->nic->lock);
	port->reset = true;
	nm_async_abandon(port);
	nm_rules_stop(port, true);
	rte_rwlock_write_unlock(&port->nic->lock);
	rte_eth_dev_callback_process(port->dev, RTE_ETH_EVENT_INTR_RESET, NULL);
}

/* Does a file ask for a reset of this port? */
static bool reset_asked(struct nm_port *port)
{
	char text[8] = "";
	FILE *file = port->reset_file != NULL ? fopen(port->reset_file, "r") : NULL;

	if (file == NULL)
		return false;
	port->dead = fgets(text, sizeof(text), file) != NULL && strncmp(text, "fail", 4) == 0;
	fclose(file);
	unlink(port->reset_file);
	return true;
}

void nm_nics_reset(void)
{
	uint16_t asked[RTE_MAX_ETHPORTS];
	unsigned int n = 0;
	struct nm_nic *nic;

	pthread_mutex_lock(&list_lock);
	TAILQ_FOREACH(nic, &nics, link)
	for (unsigned int i = 0; i < nic->n_ports; i++)
		if (reset_asked(nic->ports[i]))
			asked[n++] = nic->ports[i]->id;
	pthread_mutex_unlock(&list_lock);
	for (unsigned int i = 0; i < n; i++)
		nicmodel_reset(asked[i]);
}

void nicmodel_stats(uint16_t id, struct nicmodel_stats *stats)
{
	const uint64_t *from = (const uint64_t *)&nm_port_find(id)->stats;
	uint64_t *to = (uint64_t *)stats;

	for (size_t i = 0; i < sizeof(*stats) / sizeof(uint64_t); i++)
		to[i] = __atomic_load_n(&from[i], __ATOMIC_RELAXED);
}

void nicmodel_rules(uint16_t id, struct nicmodel_rules *rules)
{
	struct nm_port *port = nm_port_find(id);

	rte_rwlock_read_lock(&port->nic->lock);
	*rules = port->nic->stats;
	rules->handles = port->nic->rules.used;
	rte_rwlock_read_unlock(&port->nic->lock);
}
