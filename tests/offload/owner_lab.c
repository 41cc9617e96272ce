/* SPDX-License-Identifier: BSD-3-Clause */
#include "owner_lab.h"

#include <string.h>
#include <unistd.h>

struct tg_nic_profile forwarder(void)
{
	struct tg_nic_profile p = {.name = "forwarder",
		.n_engines = 1,
		.strategies = BIT(TG_NIC_STRATEGY_CONNECTIONS) | BIT(TG_NIC_STRATEGY_DENY),
		.same_switch = true};
	struct tg_nic_engine *e = &p.engines[0];

	e->name = "only";
	e->domains = BIT(TG_NIC_TRANSFER);
	e->protocols = ALL(TG_NIC_PROTOCOL_COUNT);
	memset(e->masking, TG_NIC_MASK_ANY, sizeof(e->masking));
	e->untagged = true;
	e->actions = BIT(TG_NIC_DROP) | BIT(TG_NIC_FORWARD) | BIT(TG_NIC_COUNT) | BIT(TG_NIC_JUMP) |
		     BIT(TG_NIC_SOFTWARE);
	e->n_groups = e->n_priorities = 2;
	e->counters.hits = e->counters.bytes = true;
	return p;
}

int lab_open(struct lab *l, uint32_t room)
{
	struct tg_offload_config config = {.datapath = &l->w.config,
		.connections_max = room,
		.marks = true,
		.refused = l->refused,
		.merit = MERIT,
		.idle_ms = IDLE_MS,
		.poll_ms = POLL_MS,
		.denials = DENIALS,
		.denial_ms = DENIAL_MS,
		.stats = &l->stats};

	for (uint16_t i = 0; i < WORLD_PORTS; i++)
		config.ports[i] = (struct tg_offload_port){.name = i == INSIDE ? "in" : "out",
			.profile = &l->nic,
			.ethdev = i,
			.switch_domain = 1};
	return tg_offload_create(&config, &l->offload);
}

void step(struct lab *l)
{
	while (tg_offload_step(l->offload, l->w.now))
		;
}

void pass(struct lab *l, uint64_t ms)
{
	while (ms != 0) {
		uint64_t n = ms < POLL_MS ? ms : POLL_MS;

		l->w.now += n;
		ms -= n;
		step(l);
		tg_worker_sweep(l->w.worker[0], l->w.now);
	}
}

void hold(struct lab *l)
{
	assert_int_equal(tg_offload_hold(l->offload, WAIT_MS), 0);
}

int judge(struct lab *l, const struct tg_classmap_entry *entries, uint32_t n)
{
	return tg_offload_judge(l->offload, l->w.classifier, tg_generation_epoch(l->w.generation),
		entries, n, WAIT_MS);
}

void judged(struct lab *l, int expected)
{
	assert_int_equal(judge(l, NULL, 0), expected);
	tg_offload_release(l->offload);
}

void rules(struct lab *l, uint32_t bits)
{
	hold(l);
	world_rules(&l->w, bits);
	judged(l, 0);
}

void lab_start_with(struct lab *l, const struct tg_nic_profile *nic, uint32_t room)
{
	*l = (struct lab){.nic = *nic};
	fake_reset();
	world_defaults(&l->w);
	world_start(&l->w);
	assert_int_equal(lab_open(l, room), 0);
	for (uint16_t i = 0; i < WORLD_PORTS; i++)
		tg_offload_link(l->offload, i, true);
	assert_int_equal(tg_worker_attach(l->w.worker[0], tg_offload_channel(l->offload, 0)), 0);
	rules(l, 0);
	step(l);
}

void lab_start(struct lab *l)
{
	const struct tg_nic_profile nic = forwarder();

	lab_start_with(l, &nic, 64);
}

void lab_stop(struct lab *l)
{
	world_stop(&l->w);
	tg_offload_free(l->offload);
}

void converse(struct lab *l)
{
	static const struct line lines[] = {
		HANDSHAKE,
		{INSIDE, C "PA seq=1001 ack=5001 len=100", PASSED},
		{OUTSIDE, S "A seq=5001 ack=1101", PASSED},
	};

	PLAY(&l->w, lines);
	world_sweep(&l->w);
	step(l);
	pass(l, 1);
}

void go_on(struct lab *l)
{
	for (unsigned int i = 0; i < MERIT; i++)
		world_send(&l->w, INSIDE, C "A seq=1101 ack=5001");
	world_sweep(&l->w);
	pass(l, 1);
}

uint64_t left(const struct lab *l, enum tg_offload_reason why)
{
	return l->stats.left[why];
}

void assert_bytes(const uint8_t *bytes, uint64_t value, unsigned int n)
{
	for (unsigned int i = 0; i < n; i++)
		assert_int_equal(bytes[i], value >> 8 * (n - 1 - i) & 0xff);
}

struct tg_wire_report report(struct lab *l, const struct tg_msg_offload_get *get)
{
	struct tg_wire_report r;
	struct tg_wire_error error = {.text = ""};
	int fd;

	assert_int_equal(tg_offload_report(l->offload, get, NULL, WAIT_MS, &fd), 0);
	assert_int_equal(tg_wire_report_open(fd, (uint64_t)lseek(fd, 0, SEEK_END), &r, &error), 0);
	close(fd);
	return r;
}
