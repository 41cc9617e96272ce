/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <rte_epoll.h>
#include <rte_ethdev.h>

#include "sockets.h"
#include "wake.h"

#define EVENTS 16

/* Edges only: what has been told is not told again while the worker is busy. */
static int watch(struct tg_wake *wake, int fd, struct rte_epoll_event *event)
{
	event->epdata.event = EPOLLIN | EPOLLET;
	return rte_epoll_ctl(wake->epfd, EPOLL_CTL_ADD, fd, event);
}

static bool add_interrupt(
	struct tg_wake *wake, struct tg_wake_queue *q, const struct tg_port *port, uint16_t queue)
{
	if (!port->interrupts || rte_eth_dev_rx_intr_ctl_q(port->ethdev, queue, wake->epfd,
					 RTE_INTR_EVENT_ADD, NULL) != 0)
		return false;
	*q = (struct tg_wake_queue){.ethdev = port->ethdev, .queue = queue, .interrupt = true};
	q->arms = rte_eth_dev_rx_intr_enable(port->ethdev, queue) == 0;
	if (q->arms)
		rte_eth_dev_rx_intr_disable(port->ethdev, queue);
	return true;
}

static bool add_socket(
	struct tg_wake *wake, struct tg_wake_queue *q, const struct tg_port *port, uint16_t queue)
{
	int fd = port->sockets[queue];

	*q = (struct tg_wake_queue){.ethdev = port->ethdev, .queue = queue};
	return fd >= 0 && watch(wake, fd, &q->event) == 0;
}

/* Where a port's queue is, was or will be: EAL refers to it, so it stays where it is. */
static struct tg_wake_queue *place(struct tg_wake *wake, uint16_t ethdev)
{
	for (uint32_t i = 0; i < wake->n; i++)
		if (wake->queues[i].ethdev == ethdev)
			return &wake->queues[i];
	return &wake->queues[wake->n++];
}

static void add_queue(struct tg_wake *wake, const struct tg_port *port, uint16_t queue)
{
	struct tg_wake_queue *q = place(wake, port->ethdev);

	q->used = add_interrupt(wake, q, port, queue) || add_socket(wake, q, port, queue);
	if (!q->used)
		wake->all = false;
}

static void drop_queue(struct tg_wake *wake, struct tg_wake_queue *q)
{
	if (q->used && q->interrupt)
		rte_eth_dev_rx_intr_ctl_q(
			q->ethdev, q->queue, wake->epfd, RTE_INTR_EVENT_DEL, NULL);
	else if (q->used)
		rte_epoll_ctl(wake->epfd, EPOLL_CTL_DEL, q->event.fd, &q->event);
	q->used = false;
}

void tg_wake_ports(struct tg_wake *wake, const struct tg_ports *ports, uint32_t worker)
{
	wake->all = true;
	for (uint32_t i = 0; i < ports->n; i++) {
		const struct tg_port *port = &ports->v[i];
		struct tg_wake_queue *q;

		if (worker >= port->n_rx_queues)
			continue;
		q = place(wake, port->ethdev);
		if (atomic_load_explicit(&ports->paused[i], memory_order_relaxed))
			drop_queue(wake, q);
		else if (!q->used)
			add_queue(wake, port, (uint16_t)worker);
	}
}

int tg_wake_open(struct tg_wake *wake, const struct tg_ports *ports, uint32_t worker)
{
	memset(wake, 0, sizeof(*wake));
	wake->epfd = epoll_create1(EPOLL_CLOEXEC);
	wake->bell = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (wake->epfd < 0 || wake->bell < 0 || watch(wake, wake->bell, &wake->bell_event) != 0) {
		int rc = errno != 0 ? -errno : -EIO;

		tg_wake_close(wake);
		return rc;
	}
	wake->all = true;
	if (ports != NULL)
		tg_wake_ports(wake, ports, worker);
	return 0;
}

void tg_wake_close(struct tg_wake *wake)
{
	for (uint32_t i = 0; i < wake->n; i++)
		if (wake->queues[i].interrupt)
			drop_queue(wake, &wake->queues[i]);
	wake->n = 0;
	if (wake->bell >= 0)
		close(wake->bell);
	if (wake->epfd >= 0)
		close(wake->epfd);
	wake->bell = wake->epfd = -1;
}

/* Takes what epoll has to tell of the time when the worker was busy. */
static void drain(struct tg_wake *wake)
{
	struct rte_epoll_event events[EVENTS];

	while (rte_epoll_wait(wake->epfd, events, EVENTS, 0) == EVENTS)
		;
}

void tg_wake_arm(struct tg_wake *wake)
{
	drain(wake);
	for (uint32_t i = 0; i < wake->n; i++)
		if (wake->queues[i].used && wake->queues[i].arms)
			rte_eth_dev_rx_intr_enable(wake->queues[i].ethdev, wake->queues[i].queue);
	__atomic_store_n(&wake->waiting, true, __ATOMIC_RELAXED);
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
}

bool tg_wake_wait(struct tg_wake *wake, uint32_t us)
{
	const struct timespec ts = {.tv_sec = us / 1000000, .tv_nsec = us % 1000000 * 1000};
	struct pollfd fd = {.fd = wake->epfd, .events = POLLIN};

	return ppoll(&fd, 1, &ts, NULL) != 0;
}

void tg_wake_disarm(struct tg_wake *wake)
{
	__atomic_store_n(&wake->waiting, false, __ATOMIC_RELAXED);
	for (uint32_t i = 0; i < wake->n; i++)
		if (wake->queues[i].used && wake->queues[i].arms)
			rte_eth_dev_rx_intr_disable(wake->queues[i].ethdev, wake->queues[i].queue);
}

void tg_wake_ring(struct tg_wake *wake)
{
	const uint64_t one = 1;

	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	if (__atomic_load_n(&wake->waiting, __ATOMIC_RELAXED) &&
		__atomic_exchange_n(&wake->waiting, false, __ATOMIC_RELAXED))
		(void)!write(wake->bell, &one, sizeof(one));
}
