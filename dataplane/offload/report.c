/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What NICs have and what not, for whoever asks (<tidegate/offload_report.h>).
 *
 * The lock is held for a part of the tables at a time, so that the owner gets its turn; each record
 * is whole, the list is not of one moment.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "clock.h"
#include "file.h"
#include "internal.h"

#define PART 8192u /* entries that are looked at under the lock */

static_assert(ENTRY_INSTALLING == TG_HW_INSTALLING && ENTRY_ACTIVE == TG_HW_ACTIVE &&
		      ENTRY_DRAINING == TG_HW_DRAINING,
	"states are the report's");
static_assert(TG_HARDWARE_CONNECTION == TG_HW_CONNECTION && TG_HARDWARE_DENIAL == TG_HW_DENIAL &&
		      TG_HARDWARE_MARK == TG_HW_MARK,
	"kinds of offers are the report's");
static_assert(TG_NIC_WHY <= TG_HW_WHY, "reasons fit");
static_assert(TG_PORTS_MAX <= TG_HW_PORTS, "ports fit");

/* ---- what has left ---- */

struct left {
	struct tg_tuple tuple; /* family 0: free */
	uint32_t at;	       /* ms */
	uint32_t times;
	uint16_t port;
	uint8_t kind, why, worker;
	bool given;
};

int left_create(struct tg_offload *o)
{
	o->left = calloc(LEFT_MAX, sizeof(*o->left));
	return o->left != NULL ? 0 : -ENOMEM;
}

static bool same_left(const struct left *left, const struct tg_tuple *tuple, uint8_t kind)
{
	return left->kind == kind && left->tuple.family == tuple->family &&
	       left->tuple.protocol == tuple->protocol && left->tuple.zone == tuple->zone &&
	       tuple_same_ends(&left->tuple, tuple);
}

/* One place for each tuple: what is refused again and again does not push out the others. */
void left_for(struct tg_offload *o, const struct entry *e, enum tg_offload_reason why, bool given)
{
	struct left *left = &o->left[tuple_number(&e->tuple) % LEFT_MAX];
	bool again = same_left(left, &e->tuple, e->kind) && left->why == why;

	o->counts->left[why]++;
	*left = (struct left){
		.tuple = e->tuple,
		.at = o->now,
		.times = again ? left->times + 1 : 1,
		.port = e->port,
		.kind = e->kind,
		.why = (uint8_t)why,
		.worker = e->worker,
		.given = given,
	};
}

/* ---- the filter ---- */

static bool fits_ends(const struct tg_msg_offload_get *get, const struct tg_tuple *t)
{
	static const uint8_t any[16];
	const size_t size = t->family == 4 ? 4 : 16;

	if (get->family != 0 && get->family != t->family)
		return false;
	if (memcmp(get->src, any, sizeof(any)) != 0 && memcmp(get->src, &t->src, size) != 0)
		return false;
	if (memcmp(get->dst, any, sizeof(any)) != 0 && memcmp(get->dst, &t->dst, size) != 0)
		return false;
	return (get->sport == 0 || t->sport == 0 || get->sport == t->sport) &&
	       (get->dport == 0 || t->dport == 0 || get->dport == t->dport);
}

static bool fits(const struct tg_msg_offload_get *get, const struct tg_tuple *t, uint8_t kind)
{
	struct tg_tuple back;

	if (get->protocol != 0 && get->protocol != t->protocol)
		return false;
	if (fits_ends(get, t))
		return true;
	back = tg_tuple_reversed(t);
	return kind != TG_HARDWARE_DENIAL && fits_ends(get, &back);
}

/* ---- records ---- */

static struct tg_hw_tuple write_tuple(const struct tg_tuple *t)
{
	struct tg_hw_tuple out = {
		.sport = t->sport,
		.dport = t->dport,
		.zone = t->zone,
		.protocol = t->protocol,
		.family = t->family,
	};
	const size_t size = t->family == 4 ? 4 : 16;

	memcpy(out.src, &t->src, size);
	memcpy(out.dst, &t->dst, size);
	return out;
}

/* How old counters are at most: the profile's, of whichever engine, after a poll. */
static uint32_t staleness(const struct tg_offload *o, uint16_t port)
{
	const struct tg_nic_profile *profile = o->config.ports[port].profile;
	uint32_t most = 0;

	for (size_t i = 0; profile != NULL && i < profile->n_engines; i++)
		if (profile->engines[i].counters.stale_ms > most)
			most = profile->engines[i].counters.stale_ms;
	return most + o->config.poll_ms;
}

static void write_port(const struct tg_offload *o, uint16_t number, struct tg_hw_port *out)
{
	const struct tg_offload_port *config = &o->config.ports[number];
	const struct port *port = &o->port[number];
	int32_t hold_off = (int32_t)(port->retry_at - o->now);

	snprintf(out->name, sizeof(out->name), "%s", config->name != NULL ? config->name : "");
	snprintf(out->profile, sizeof(out->profile), "%s",
		config->profile != NULL ? config->profile->name : "");
	snprintf(out->wire, sizeof(out->wire), "%s", port->wire);
	out->flags = (port->up ? TG_HW_PORT_UP : 0) | (port->based ? TG_HW_PORT_READY : 0) |
		     (port->unsure ? TG_HW_PORT_UNSURE : 0);
	out->hold_off_ms = port->backoff_ms != 0 && hold_off > 0 ? (uint32_t)hold_off : 0;
	out->stale_ms = staleness(o, number);
	for (unsigned int i = 0; i < TG_HW_KIND_COUNT; i++) {
		const struct shape *shape = &port->shape[i];

		out->kind[i].hardware = plan_carries(o, (uint16_t)number, (int)i);
		/* What the profile allows the driver may have refused, for the whole port. */
		snprintf(out->kind[i].why, sizeof(out->kind[i].why), "%s",
			shape->engine != NULL && !out->kind[i].hardware
				? o->port[plan_at(o, (uint16_t)number, shape->engine)].wire
				: shape->why);
	}
}

static void write_rule(const struct tg_offload *o, const struct entry *e, struct tg_hw_rule *out)
{
	const uint16_t peer = way_port(o, e, 1);
	const uint32_t here = staleness(o, e->port), there = staleness(o, peer);

	*out = (struct tg_hw_rule){
		.tuple = write_tuple(&e->tuple),
		.kind = e->kind,
		.state = e->state,
		.why = e->why,
		.drop_reason = e->reason,
		.port = e->port,
		.peer = peer,
		.worker = e->worker,
		.since_ms = o->now - e->since,
		.seen_ms = o->now - e->seen,
		.stale_ms = here > there ? here : there,
		.packets = {e->way[0].packets, e->way[1].packets},
		.bytes = {e->way[0].bytes, e->way[1].bytes},
	};
}

static void write_left(const struct tg_offload *o, const struct left *left, struct tg_hw_left *out)
{
	*out = (struct tg_hw_left){
		.tuple = write_tuple(&left->tuple),
		.kind = left->kind,
		.why = left->why,
		.given = left->given,
		.port = left->port,
		.worker = left->worker,
		.age_ms = o->now - left->at,
		.times = left->times,
	};
}

void report_ports(const struct tg_offload *o, struct tg_hw_port *ports)
{
	for (uint16_t i = 0; i < o->config.datapath->n_ports; i++)
		write_port(o, i, &ports[i]);
}

/* ---- the file ---- */

static int seal(int fd)
{
	const int seals = F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL;

	return fcntl(fd, F_ADD_SEALS, seals) == 0 ? 0 : -errno;
}

/* What is put together before it is written. */
struct draft {
	struct tg_hw_report header;
	struct tg_hw_port *ports;
	struct tg_hw_rule *rules;
	struct tg_hw_left *left;
};

static int draft_write(struct draft *d, int *out)
{
	struct tg_hw_report *h = &d->header;
	const size_t ports = h->n_ports * sizeof(*d->ports), rules = h->n_rules * sizeof(*d->rules),
		     left = h->n_left * sizeof(*d->left);
	int fd = memfd_create("tidegate-offload", MFD_CLOEXEC | MFD_ALLOW_SEALING), rc;

	if (fd < 0)
		return -errno;
	h->magic = TG_HW_MAGIC;
	h->version = TG_HW_VERSION;
	h->at = tg_clock_ms(CLOCK_REALTIME);
	h->size = sizeof(*h) + ports + rules + left;
	rc = tg_write_all(fd, h, sizeof(*h));
	if (rc == 0)
		rc = tg_write_all(fd, d->ports, ports);
	if (rc == 0)
		rc = tg_write_all(fd, d->rules, rules);
	if (rc == 0)
		rc = tg_write_all(fd, d->left, left);
	if (rc == 0)
		rc = seal(fd);
	if (rc == 0)
		*out = fd;
	else
		close(fd);
	return rc;
}

int tg_offload_report_without(uint32_t state, const struct tg_hw_port *ports, uint32_t n, int *fd)
{
	struct draft d = {.header = {.state = state, .n_ports = n},
		.ports = (struct tg_hw_port *)(uintptr_t)ports};

	return draft_write(&d, fd);
}

static void take_rules(const struct tg_offload *o, const struct tg_msg_offload_get *get,
	uint32_t from, struct draft *d)
{
	for (uint32_t i = from; i < o->n_entries && i - from < PART; i++) {
		const struct entry *e = &o->entries[i];

		if (e->state == ENTRY_FREE || !fits(get, &e->tuple, e->kind))
			continue;
		if (d->header.n_rules == get->limit) {
			d->header.flags |= TG_HW_MORE_RULES;
			return;
		}
		write_rule(o, e, &d->rules[d->header.n_rules++]);
	}
}

static void take_left(const struct tg_offload *o, const struct tg_msg_offload_get *get,
	uint32_t from, struct draft *d)
{
	for (uint32_t i = from; i < LEFT_MAX && i - from < PART; i++) {
		const struct left *left = &o->left[i];

		if (left->tuple.family == 0 || !fits(get, &left->tuple, left->kind))
			continue;
		if (d->header.n_left == get->limit) {
			d->header.flags |= TG_HW_MORE_LEFT;
			return;
		}
		write_left(o, left, &d->left[d->header.n_left++]);
	}
}

/* Part by part; the lock is free between two of them. */
static int take_lists(
	struct tg_offload *o, const struct tg_msg_offload_get *get, uint32_t ms, struct draft *d)
{
	const bool rules = get->flags & TG_OFFLOAD_GET_RULES,
		   left = get->flags & TG_OFFLOAD_GET_LEFT;
	bool more = rules || left;

	for (uint32_t from = 0; more; from += PART) {
		int rc = lock_within(o, ms);

		if (rc != 0)
			return rc;
		if (rules && !(d->header.flags & TG_HW_MORE_RULES))
			take_rules(o, get, from, d);
		if (left && !(d->header.flags & TG_HW_MORE_LEFT))
			take_left(o, get, from, d);
		more = (rules && from + PART < o->n_entries &&
			       !(d->header.flags & TG_HW_MORE_RULES)) ||
		       (left && from + PART < LEFT_MAX && !(d->header.flags & TG_HW_MORE_LEFT));
		pthread_mutex_unlock(&o->lock);
	}
	return 0;
}

static int take_ports(struct tg_offload *o, uint32_t ms, struct draft *d)
{
	int rc = lock_within(o, ms);

	if (rc != 0)
		return rc;
	d->header.state = TG_HW_ON;
	d->header.idle_ms = o->config.idle_ms;
	d->header.counts = *o->counts;
	d->header.n_ports = o->config.datapath->n_ports;
	report_ports(o, d->ports);
	pthread_mutex_unlock(&o->lock);
	return 0;
}

int tg_offload_report(struct tg_offload *o, const struct tg_msg_offload_get *get,
	const struct tg_hw_placement placements[], uint32_t ms, int *fd)
{
	struct draft d = {
		.ports = calloc(o->config.datapath->n_ports, sizeof(*d.ports)),
		.rules = calloc(get->limit + 1, sizeof(*d.rules)),
		.left = calloc(get->limit + 1, sizeof(*d.left)),
	};
	int rc = d.ports != NULL && d.rules != NULL && d.left != NULL ? 0 : -ENOMEM;

	if (rc == 0)
		rc = take_ports(o, ms, &d);
	for (uint32_t i = 0; rc == 0 && placements != NULL && i < d.header.n_ports; i++)
		d.ports[i].placement = placements[i];
	if (rc == 0)
		rc = take_lists(o, get, ms, &d);
	if (rc == 0)
		rc = draft_write(&d, fd);
	free(d.ports);
	free(d.rules);
	free(d.left);
	return rc;
}
