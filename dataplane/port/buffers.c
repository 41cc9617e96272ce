/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Pools of packet buffers.
 *
 * The AF_XDP driver gives its pool's memory to the kernel as one area: so many bytes an object, so
 * many objects, from where the first one is. Objects of any size do not lie like that: none
 * crosses a page, so there are gaps between them, and the last ones would be outside. Where such a
 * port uses a pool an object is therefore exactly as large as a page.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <rte_errno.h>
#include <rte_ethdev.h>
#include <rte_mbuf.h>
#include <rte_mbuf_pool_ops.h>
#include <rte_mempool.h>
#include <rte_memzone.h>

#include "buffers.h"
#include "log.h"

#define POOL_CACHE 256u
#define BUFFERS_MAX (1u << 22)
#define PAGE 4096u /* the smallest there is; a larger one holds a whole number of these */
/* In the kernel's fill and completion rings of a queue, whose sizes the driver fixes. */
#define XDP_BUFFERS 4096u

struct demand {
	uint32_t n;    /* buffers */
	uint32_t room; /* bytes of each */
	bool pages;    /* each exactly a page */
};

/* Room for the longest packet, or for a part of it where the driver makes chains. */
static uint32_t room_for(const struct tg_port *port, const struct rte_eth_dev_info *info)
{
	uint32_t frame = port->spec.mtu + TG_FRAME_EXTRA;

	if (strcmp(info->driver_name, "net_af_packet") == 0) {
		/* It compares the buffer with its frame, not with what fits. */
		for (frame = TG_BUFFER_ROOM; frame < port->spec.mtu + 256u; frame *= 2)
			;
		return frame;
	}
	if (frame <= TG_BUFFER_ROOM || (info->rx_offload_capa & RTE_ETH_RX_OFFLOAD_SCATTER))
		return TG_BUFFER_ROOM;
	return RTE_ALIGN(frame, 64u);
}

static void add_demand(const struct tg_port *port, struct demand *d)
{
	uint32_t n = (uint32_t)port->n_rx_queues * port->spec.rx_descriptors +
		     (uint32_t)port->n_tx_queues * port->spec.tx_descriptors;
	struct rte_eth_dev_info info;

	rte_eth_dev_info_get(port->ethdev, &info);
	if (strcmp(info.driver_name, "net_af_xdp") == 0) {
		n += port->n_rx_queues * XDP_BUFFERS;
		d->pages = true;
	}
	d->n += n;
	d->room = RTE_MAX(d->room, room_for(port, &info));
}

/* --- a page an object --- */

/* Whether every object is where the driver thinks that the kernel's area is. */
struct area {
	uintptr_t from, to;
	bool outside;
};

static void look(struct rte_mempool *pool, void *arg, void *object, unsigned int index)
{
	struct area *area = arg;
	uintptr_t at = (uintptr_t)object - pool->header_size;

	area->outside |= at < area->from || at + PAGE > area->to;
}

static bool in_one_area(struct rte_mempool *pool)
{
	struct area area = {.from = (uintptr_t)STAILQ_FIRST(&pool->mem_list)->addr};

	area.to = area.from + (uintptr_t)pool->populated_size * PAGE;
	rte_mempool_obj_iter(pool, look, &area);
	return !area.outside;
}

static void free_zone(struct rte_mempool_memhdr *chunk, void *zone)
{
	rte_memzone_free(zone);
}

/* From the start of a page on, in one piece: the pool's own way aligns to cache lines only. */
static int give_memory(struct rte_mempool *pool)
{
	const struct rte_memzone *zone;
	size_t page;
	int rc;

	rc = rte_mempool_get_page_size(pool, &page);
	if (rc != 0)
		return rc;
	zone = rte_memzone_reserve_aligned(
		pool->name, (size_t)pool->size * PAGE, pool->socket_id, 0, PAGE);
	if (zone == NULL)
		return -rte_errno;
	rc = rte_mempool_populate_virt(pool, zone->addr, (size_t)pool->size * PAGE, page, free_zone,
		(void *)(uintptr_t)zone);
	if (rc > 0)
		return pool->populated_size == pool->size && in_one_area(pool) ? 0 : -ENOMEM;
	rte_memzone_free(zone);
	return rc < 0 ? rc : -ENOMEM;
}

static int populate(struct rte_mempool *pool, uint16_t room)
{
	struct rte_pktmbuf_pool_private private = {.mbuf_data_room_size = room};
	int rc;

	rc = rte_mempool_set_ops_byname(pool, rte_mbuf_best_mempool_ops(), NULL);
	if (rc != 0)
		return rc;
	rte_pktmbuf_pool_init(pool, &private);
	rc = give_memory(pool);
	if (rc != 0)
		return rc;
	rte_mempool_obj_iter(pool, rte_pktmbuf_init, NULL);
	return 0;
}

static struct rte_mempool *create_of_pages(const char *name, const struct demand *d, int numa)
{
	struct rte_mempool_objsz size;
	struct rte_mempool *pool;
	uint32_t object, room;
	int rc;

	/* Nothing between objects: what is not the header is ours. */
	rte_mempool_calc_obj_size(sizeof(struct rte_mbuf), RTE_MEMPOOL_F_NO_SPREAD, &size);
	object = PAGE - size.header_size - size.trailer_size;
	room = object - (uint32_t)sizeof(struct rte_mbuf);
	if (d->room + RTE_PKTMBUF_HEADROOM > room) {
		tg_log_err("packets of %u bytes do not fit the buffers of AF_XDP ports (%u bytes)",
			d->room, room - RTE_PKTMBUF_HEADROOM);
		rte_errno = EMSGSIZE;
		return NULL;
	}
	pool = rte_mempool_create_empty(name, d->n, object, POOL_CACHE,
		sizeof(struct rte_pktmbuf_pool_private), numa, RTE_MEMPOOL_F_NO_SPREAD);
	if (pool == NULL)
		return NULL;
	rc = populate(pool, (uint16_t)room);
	if (rc == 0)
		return pool;
	rte_mempool_free(pool);
	rte_errno = -rc;
	return NULL;
}

/* --- pools --- */

static int create(struct tg_ports *ports, uint32_t numa, const struct demand *d)
{
	int socket = rte_eth_dev_socket_id(ports->v[0].ethdev) < 0 ? SOCKET_ID_ANY : (int)numa;
	struct rte_mempool *pool;
	char name[32];

	snprintf(name, sizeof(name), "tidegate-%u", numa);
	if (d->pages)
		pool = create_of_pages(name, d, socket);
	else
		pool = rte_pktmbuf_pool_create(name, d->n, POOL_CACHE, 0,
			(uint16_t)(d->room + RTE_PKTMBUF_HEADROOM), socket);
	if (pool == NULL) {
		tg_log_err("no memory for %u packet buffers of %u bytes (eal.memory): %s", d->n,
			d->pages ? PAGE : d->room, rte_strerror(rte_errno));
		return -ENOMEM;
	}
	ports->pools[numa] = pool;
	tg_log_info("%u packet buffers in %lu MiB of EAL's memory, node %u", d->n,
		(uint64_t)d->n * (pool->header_size + pool->elt_size + pool->trailer_size) >> 20,
		numa);
	return 0;
}

int tg_buffers_create(struct tg_ports *ports, uint32_t extra)
{
	struct demand demands[TG_NUMA_MAX] = {0};
	int rc = 0;

	for (uint32_t i = 0; i < ports->n; i++)
		add_demand(&ports->v[i], &demands[ports->v[i].numa]);
	for (uint32_t numa = 0; numa < TG_NUMA_MAX && rc == 0; numa++) {
		struct demand *d = &demands[numa];

		if (d->n == 0)
			continue;
		d->n = RTE_MIN(d->n + extra + ports->n_workers * 2 * POOL_CACHE, BUFFERS_MAX);
		rc = create(ports, numa, d);
	}
	return rc;
}

void tg_buffers_free(struct tg_ports *ports)
{
	for (unsigned int i = 0; i < TG_NUMA_MAX; i++)
		rte_mempool_free(ports->pools[i]);
	memset(ports->pools, 0, sizeof(ports->pools));
}
