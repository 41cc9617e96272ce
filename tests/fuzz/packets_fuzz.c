/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Bytes as packets and changes of rules, addresses, links and time, against the real packet path
 * with three workers. After each input every mbuf is back, and every packet that came in has gone
 * out or is a counted drop.
 *
 * An input is a list of records: a control byte, an argument byte, a 16-bit little-endian length,
 * and that many bytes of frame. Control 0-3 receives the frame by that port, the argument being the
 * size of the mbufs' segments (0: one); the others change something, see `change`.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "world.h"

#define RECORD 4
#define FRAME_MAX 2000

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t max_size);
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned int seed);

/* Worlds live as long as the process, in DPDK's memory, where the leak checker does not look. */
const char *__asan_default_options(void);
const char *__asan_default_options(void)
{
	return "detect_leaks=0";
}

/* Packets that lead somewhere, for the mutator to put in. */
static const char *const known[] = {
	"10.1.0.1 > 8.8.8.8 udp 4000>53 len=20",
	"8.8.8.8 > 10.1.0.1 udp 53>4000 len=20",
	"10.1.0.1 > 8.8.8.8 tcp 4000>80 S seq=1000 ws=7",
	"8.8.8.8 > 10.1.0.1 tcp 80>4000 SA seq=5000 ack=1001 ws=2",
	"10.1.0.1 > 8.8.8.8 tcp 4000>80 A seq=1001 ack=5001",
	"10.1.0.1 > 8.8.8.8 tcp 4000>80 FA seq=1001 ack=5001",
	"8.8.8.8 > 10.1.0.1 tcp 80>4000 FA seq=5001 ack=1002",
	"8.8.8.8 > 10.1.0.1 tcp 80>4000 R seq=5001",
	"10.1.0.1 > 8.8.8.8 tcp 4000>80 S seq=900000",
	"8.8.8.8 > 10.1.0.1 tcp 80>4000 SA seq=700000 ack=900001",
	"10.1.0.1 > 8.8.8.8 id=7 udp 4000>53 frag=0+ len=72",
	"10.1.0.1 > 8.8.8.8 id=7 udp frag=80+ len=80",
	"10.1.0.1 > 8.8.8.8 id=7 udp frag=160 len=80",
	"10.1.0.1 > 8.8.8.8 opt=94040000 icmp type=8 icmpid=7",
	"8.8.8.8 > 10.1.0.1 icmp type=0 icmpid=7",
	"192.0.2.1 > 10.1.0.1 icmp type=3 code=4 / 10.1.0.1 > 8.8.8.8 udp 4000>53",
	"10.1.0.1 > 8.8.8.8 sctp 5000>3868 init=11",
	"8.8.8.8 > 10.1.0.1 sctp 3868>5000 tag=11 init-ack=22",
	"10.1.0.1 > 8.8.8.8 sctp 5000>3868 tag=22 cookie-echo data",
	"8.8.8.8 > 10.1.0.1 sctp 3868>5000 tag=11 cookie-ack sack data",
	"10.1.0.1 > 8.8.8.8 sctp 5000>3868 init=33",
	"8.8.8.8 > 10.1.0.1 sctp 3868>5000 tag=33 init-ack=44",
	"10.1.0.1 > 8.8.8.8 sctp 5000>3868 tag=44 cookie-echo",
	"8.8.8.8 > 10.1.0.1 sctp 3868>5000 tag=33 cookie-ack",
	"10.1.0.1 > 8.8.8.8 sctp 5000>3868 tag=22 heartbeat",
	"8.8.8.8 > 10.1.0.1 sctp 3868>5000 tag=11 heartbeat-ack",
	"10.1.0.1 > 8.8.8.8 sctp 5000>3868 tag=22 shutdown",
	"8.8.8.8 > 10.1.0.1 sctp 3868>5000 tag=11 shutdown-ack",
	"10.1.0.1 > 8.8.8.8 sctp 5000>3868 tag=11 shutdown-complete-t",
	"8.8.8.8 > 10.1.0.1 sctp 3868>5000 tag=22 abort-t",
	"10.1.0.1 > 8.8.8.8 proto=47 len=20",
	"vlan=5 vlan=6 fd00:1::1 > 2001:db8::8 hbh dst udp 4000>53 len=8",
	"2001:db8::8 > fd00:1::1 udp 53>4000 len=8",
	"fd00:1::1 > 2001:db8::8 id=9 frag=0+ udp 4000>53 len=72",
	"fd00:1::1 > 2001:db8::8 id=9 frag=80 udp len=8",
	"fd00:1::1 > 2001:db8::8 rt=4 ah tcp 4000>80 S",
	"2001:db8::1 > fd00:1::1 icmp6 type=2 / fd00:1::1 > 2001:db8::8 hbh udp 4000>53",
	"ttl=255 fe80::1 > ff02::1 icmp6 type=134 data=0000000000000000",
	"ttl=255 fe80::1 > ff02::1 icmp6 type=134 data=00000000000000000101020000000001"
	"030440c000000e1000000e1000000000fd000001000000000000000000000000",
	"ttl=255 fd00:1::1 > fd00:1::2 icmp6 type=135 data=fd000001000000000000000000000002",
	"ttl=255 fd00:1::2 > fd00:1::1 icmp6 type=136 data=fd000001000000000000000000000002"
	"0201020000000001",
	"ttl=1 fe80::1 > ff02::16 hbh set=56:050200000100 icmp6 type=143 set=68:0001"
	" data=04000000ff0200000000000000000001ff000001",
	"ttl=1 10.1.0.1 > 224.0.0.22 opt=94040000 proto=2 data=220000000000000104000000e0000001",
	"type=0x806 raw=0001080006040001020000000001c0000201000000000000c0000202",
	"0.0.0.0 > 255.255.255.255 udp 68>67 len=252 set=42:010106 set=278:63825363",
	"fe80::1 > ff02::1:2 udp 546>547 data=01aabbcc000600020017",
	"ttl=255 192.0.2.1 > 192.0.2.2 tcp 40000>179 S",
	"dmac=01:80:c2:00:00:00 type=0x26 raw=42420300000000",
};

#define KNOWN (sizeof(known) / sizeof(known[0]))

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	world_eal();
	return 0;
}

static void die(const char *why)
{
	fprintf(stderr, "packets_fuzz: %s\n", why);
	abort();
}

/* True when the rules are no longer the plain ones. */
static bool change(struct world *w, uint8_t what, uint8_t argument)
{
	char address[32];

	switch (what % 8) {
	case 0:
		if (argument > 0x1f)
			break; /* building a classifier is slow: not too often */
		tg_datapath_publish(w->dp, w->generation);
		world_rules(w, argument);
		return true;
	case 1:
		snprintf(address, sizeof(address), "10.1.0.%u", argument & 7);
		world_remap(w, address, argument & 8 ? CLASS_FREE : TG_NONE);
		break;
	case 2:
		w->now += 1u << (argument % 31);
		break;
	case 3:
		world_sweep(w);
		break;
	case 4:
		tg_datapath_set_link(w->dp, argument & 3, (argument & 4) != 0);
		break;
	case 5:
		tg_datapath_publish(w->dp, argument % 2 == 0 ? NULL : w->generation);
		break;
	default:
		w->receiver = argument % w->config.n_workers;
		break;
	}
	return false;
}

static struct rte_mbuf *frame(struct world *w, const uint8_t *data, size_t size, uint8_t argument)
{
	struct packet packet = {.size = size, .segment = argument};

	memcpy(packet.bytes, data, size);
	return packet_mbuf(w->pool, &packet);
}

/* Back to how an input expects to find it; building worlds anew would take most of the time. */
static void tidy(struct world *w, bool changed)
{
	static const uint32_t owner[8] = {TG_NONE, CLASS_CLIENT, CLASS_SERVER, CLASS_CLOSED,
		CLASS_FREE, TG_NONE, TG_NONE, TG_NONE};
	const uint64_t longest = 21ull * 86400 * 1000;
	char address[32];

	for (uint16_t i = 0; i < WORLD_PORTS; i++)
		tg_datapath_set_link(w->dp, i, true);
	w->receiver = 0;
	w->now += longest;
	for (int i = 0; i < 16; i++)
		world_sweep(w);
	if (world_stats(w).conn4_used + world_stats(w).conn6_used + world_stats(w).half_open +
			world_stats(w).fragments_used !=
		0)
		die("something does not time out");
	if (rte_mempool_avail_count(w->pool) != w->idle_mbufs)
		die("mbufs were lost");
	tg_datapath_publish(w->dp, w->generation);
	if (changed || tg_generation_crowded(w->generation)) {
		world_rules(w, 0);
		return;
	}
	for (unsigned int i = 0; i < 8; i++) {
		snprintf(address, sizeof(address), "10.1.0.%u", i);
		world_remap(w, address, owner[i]);
	}
}

static void check_sums(const struct world *w)
{
	struct tg_stats_worker sum = world_stats(w);
	uint64_t gone = sum.tx_packets;

	for (unsigned int r = 0; r < TG_DROP_COUNT; r++)
		gone += sum.drops[r].packets;
	if (gone != sum.rx_packets)
		die("packets were lost or counted twice");
	if (sum.conn_created - sum.conn_closed != sum.conn4_used + sum.conn6_used)
		die("connections were lost");
	if (sum.half_open > sum.conn4_used + sum.conn6_used)
		die("half-open ones are miscounted");
}

/* How the datapath is set up is the first byte's matter. */
static void set_up(struct world *w, uint8_t how)
{
	world_defaults(w);
	w->config.n_workers = how & 1 ? 3 : 1;
	w->config.keep_existing = (how & 2) != 0;
	w->config.tcp_liberal = (how & 4) != 0;
	w->config.pickup_ms = how & 8 ? UINT32_MAX : 0;
	w->config.no_ruleset_pass = (how & 16) != 0;
	w->config.conn4_max = how & 32 ? 8 : 64;
	w->config.conn6_max = 8;
	for (unsigned int i = 0; i < WORLD_PORTS; i++) {
		if (how & 64)
			w->config.ports[i].link_pass = UINT32_MAX;
		if (how & 128)
			w->config.ports[i].group = 0;
	}
	world_start(w);
	world_rules(w, 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct world *worlds[256];
	unsigned int records = 0;
	bool changed = false;
	struct world *w;

	if (size == 0)
		return 0;
	if (worlds[data[0]] == NULL) {
		worlds[data[0]] = malloc(sizeof(*w));
		set_up(worlds[data[0]], data[0]);
	}
	w = worlds[data[0]];
	data++;
	size--;
	while (size >= RECORD && records++ < 128) {
		uint8_t control = data[0], argument = data[1];
		size_t length = (data[2] | (size_t)data[3] << 8) % FRAME_MAX;
		struct rte_mbuf *m;

		data += RECORD;
		size -= RECORD;
		if (length > size)
			length = size;
		if (control < WORLD_PORTS) {
			m = frame(w, data, length, argument);
			world_burst(w, control, &m, 1);
		} else {
			changed |= change(w, control, argument);
			length = 0;
		}
		data += length;
		size -= length;
	}
	world_sweep(w);
	check_sums(w);
	tidy(w, changed);
	return 0;
}

/* The offset of some record's beginning. */
static size_t some_record(const uint8_t *data, size_t size, unsigned int skip)
{
	size_t at = 1;

	while (skip-- != 0 && at + RECORD <= size) {
		size_t length = data[at] < WORLD_PORTS
					? (data[at + 2] | (size_t)data[at + 3] << 8) % FRAME_MAX
					: 0;

		if (at + RECORD + length > size)
			break;
		at += RECORD + length;
	}
	return at < size ? at : size;
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned int seed)
{
	struct packet packet;
	size_t at, need;

	if (seed % 4 != 0 || size == 0)
		return LLVMFuzzerMutate(data, size, max_size);
	packet_make(&packet, known[seed / 4 % KNOWN]);
	need = RECORD + packet.size;
	if (size + need > max_size)
		return LLVMFuzzerMutate(data, size, max_size);
	at = some_record(data, size, seed / 256 % 32);
	memmove(data + at + need, data + at, size - at);
	data[at] = seed / 8192 % 2 != 0 ? OUTSIDE : INSIDE;
	data[at + 1] = 0;
	data[at + 2] = (uint8_t)packet.size;
	data[at + 3] = (uint8_t)(packet.size >> 8);
	memcpy(data + at + RECORD, packet.bytes, packet.size);
	return size + need;
}
