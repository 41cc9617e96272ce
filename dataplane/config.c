/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "config.h"
#include "log.h"
#include "profile.h"
#include "reader.h"
#include "tree.h"

#define FILE_MAX (1u << 20)
#define GROUPS_MAX 64
#define GROUP_TEXT 32
#define MTU_MIN 576
#define MTU_MAX 9600
#define COUNT_MAX (1u << 26) /* entries of any table */

/* One parse: where values go and what is wrong. */
struct load {
	struct tg_reader reader;
	struct tg_dataplane_config *config;
	char groups[GROUPS_MAX][GROUP_TEXT];
	uint32_t n_groups;
	uint64_t wired; /* bit by port index */
};

/* --- scalars --- */

static void read_u32(struct load *load, const struct tg_at *map, const char *key, uint32_t lo,
	uint32_t hi, uint32_t *out)
{
	struct tg_at at = tg_at_field(map, key);
	int64_t value;

	if (tg_read_int(&load->reader, &at, lo, hi, &value))
		*out = (uint32_t)value;
}

static void read_u16(struct load *load, const struct tg_at *map, const char *key, uint16_t lo,
	uint16_t hi, uint16_t *out)
{
	uint32_t value = *out;

	read_u32(load, map, key, lo, hi, &value);
	*out = (uint16_t)value;
}

static void read_flag(struct load *load, const struct tg_at *map, const char *key, bool *out)
{
	struct tg_at at = tg_at_field(map, key);

	tg_read_bool(&load->reader, &at, out);
}

/* One of `words` (NULL ends them): its index; -1 when absent or wrong. */
static int read_word(
	struct load *load, const struct tg_at *map, const char *key, const char *const *words)
{
	struct tg_at at = tg_at_field(map, key);
	char expected[128] = "";
	const char *text;
	size_t used;

	if (!tg_read_string(&load->reader, &at, &text))
		return -1;
	for (int i = 0; words[i] != NULL; i++) {
		if (strcmp(text, words[i]) == 0)
			return i;
		used = strlen(expected);
		snprintf(expected + used, sizeof(expected) - used, "%s%s", i == 0 ? "" : ", ",
			words[i]);
	}
	tg_reader_problem(&load->reader, &at, "\"%.40s\": expected one of: %s", text, expected);
	return -1;
}

/* The milliseconds of "1500ms", "90s", "10m", "24h", "7d" or a number of seconds. */
static bool duration_ms(const struct tg_value *value, uint64_t *out)
{
	static const struct {
		const char *suffix;
		uint64_t ms;
	} units[] = {{"ms", 1}, {"s", 1000}, {"m", 60000}, {"h", 3600000}, {"d", 86400000}};
	unsigned long long n;
	int64_t seconds;
	char *end;

	if (value->type == TG_VALUE_NUMBER) {
		if (!tg_value_int(value, &seconds) || seconds < 0 || seconds > INT32_MAX)
			return false;
		*out = (uint64_t)seconds * 1000;
		return true;
	}
	if (value->type != TG_VALUE_STRING || value->text[0] < '0' || value->text[0] > '9')
		return false;
	errno = 0;
	n = strtoull(value->text, &end, 10);
	for (size_t i = 0; errno == 0 && i < sizeof(units) / sizeof(units[0]); i++)
		if (strcmp(end, units[i].suffix) == 0 && n <= INT32_MAX) {
			*out = n * units[i].ms;
			return true;
		}
	return false;
}

static void read_duration(struct load *load, const struct tg_at *map, const char *key, uint64_t lo,
	uint64_t hi, uint32_t *out_ms)
{
	struct tg_at at = tg_at_field(map, key);
	uint64_t ms;

	if (at.value == NULL)
		return;
	if (!duration_ms(at.value, &ms)) {
		tg_reader_problem(&load->reader, &at,
			"expected a duration: seconds, or a number with ms, s, m, h or d");
		return;
	}
	if (ms < lo || ms > hi) {
		tg_reader_problem(&load->reader, &at, "expected a duration from %llu ms to %llu s",
			(unsigned long long)lo, (unsigned long long)hi / 1000);
		return;
	}
	*out_ms = (uint32_t)ms;
}

static void read_text(
	struct load *load, const struct tg_at *map, const char *key, size_t max, const char **out)
{
	struct tg_at at = tg_at_field(map, key);
	const char *text;

	if (!tg_read_string(&load->reader, &at, &text))
		return;
	if (text[0] == '\0' || strlen(text) > max) {
		tg_reader_problem(&load->reader, &at, "expected 1 to %zu characters", max);
		return;
	}
	*out = tg_arena_strdup(load->config->arena, text);
}

/* --- process --- */

static void read_cores(struct load *load, const struct tg_at *root)
{
	struct tg_dataplane_config *config = load->config;
	struct tg_at at = tg_at_field(root, "cores"), item;
	const struct tg_value *v;
	size_t i = 0;
	int64_t core;

	if (!tg_read_list(&load->reader, &at))
		return;
	for (v = tg_at_first(&at); v != NULL && i < TG_WORKERS_MAX; v = v->next, i++) {
		item = tg_at_item(&at, v, i);
		if (!tg_read_int(&load->reader, &item, 0, 1023, &core))
			continue;
		for (uint32_t k = 0; k < config->n_cores; k++)
			if (config->cores[k] == core)
				tg_reader_problem(
					&load->reader, &item, "core %d is listed twice", (int)core);
		config->cores[config->n_cores++] = (uint32_t)core;
	}
	if (at.value->n != config->datapath.n_workers)
		tg_reader_problem(&load->reader, &at, "%u cores for %u workers: expected one each",
			at.value->n, config->datapath.n_workers);
}

static void read_eal_args(struct load *load, const struct tg_at *eal)
{
	struct tg_dataplane_config *config = load->config;
	struct tg_at at = tg_at_field(eal, "arguments"), item;
	const struct tg_value *v;
	const char *text;
	size_t i = 0;

	if (!tg_read_list(&load->reader, &at))
		return;
	for (v = tg_at_first(&at); v != NULL; v = v->next, i++) {
		item = tg_at_item(&at, v, i);
		if (!tg_read_string(&load->reader, &item, &text))
			continue;
		if (config->n_eal_args == TG_EAL_ARGS_MAX) {
			tg_reader_problem(
				&load->reader, &at, "more than %u arguments", TG_EAL_ARGS_MAX);
			return;
		}
		config->eal_args[config->n_eal_args++] = tg_arena_strdup(config->arena, text);
	}
}

static void read_eal(struct load *load, const struct tg_at *root)
{
	static const char *const keys[] = {
		"huge-pages", "memory", "file-prefix", "arguments", NULL};
	struct tg_dataplane_config *config = load->config;
	struct tg_at at = tg_at_field(root, "eal");

	if (!tg_read_map(&load->reader, &at))
		return;
	tg_read_known(&load->reader, &at, keys);
	read_flag(load, &at, "huge-pages", &config->huge_pages);
	read_u32(load, &at, "memory", 64, 1u << 20, &config->memory_mb);
	read_text(load, &at, "file-prefix", 64, &config->file_prefix);
	read_eal_args(load, &at);
}

static void read_process(struct load *load, const struct tg_at *root)
{
	static const char *const levels[] = {"error", "warning", "info", "debug", NULL};
	static const char *const polls[] = {"adaptive", "busy", NULL};
	static const char *const rss[] = {"auto", "software", NULL};
	struct tg_dataplane_config *config = load->config;
	int word;

	read_u32(load, root, "workers", 1, TG_WORKERS_MAX, &config->datapath.n_workers);
	read_cores(load, root);
	read_eal(load, root);
	word = read_word(load, root, "log-level", levels);
	if (word >= 0)
		config->log_level = word;
	word = read_word(load, root, "poll", polls);
	read_u32(load, root, "poll-sleep-max", 1, 100000, &config->sleep_max_us);
	if (word == 1)
		config->sleep_max_us = 0;
	word = read_word(load, root, "rss", rss);
	if (word >= 0)
		config->rss_auto = word == 0;
	read_duration(load, root, "stuck-worker-after", 10, 60000, &config->grace_ms);
}

static void read_state(struct load *load, const struct tg_at *root)
{
	struct tg_dataplane_config *config = load->config;
	uint32_t age_ms = 0;

	/* sun_path has 108 bytes */
	read_text(load, root, "socket", 107, &config->socket);
	read_text(load, root, "state-directory", 4000, &config->state_directory);
	read_flag(load, root, "fsync", &config->fsync);
	/* milliseconds in 32 bits: 49 days */
	read_duration(load, root, "checkpoint-max-age", 0, 49ull * 86400000, &age_ms);
	config->checkpoint_max_age_s = age_ms / 1000;
}

/* --- enforcement --- */

static void read_timeouts(struct load *load, const struct tg_at *root)
{
	/* FREE is no state of a connection: it has no timeout. */
	static const char *const keys[] = {
#define X(sym, key, seconds, worth, text) key,
		TG_CONN_STATES(X)
#undef X
			NULL,
	};
	struct tg_at at = tg_at_field(root, "timeouts");

	if (!tg_read_map(&load->reader, &at))
		return;
	tg_read_known(&load->reader, &at, keys + 1);
	for (unsigned int i = 1; i < TG_CONN_STATE_COUNT; i++)
		read_duration(load, &at, keys[i], 1000, TG_CONN_TIMEOUT_MAX_S * 1000ull,
			&load->config->datapath.timeouts.ms[i]);
}

static void read_connections(struct load *load, const struct tg_at *root)
{
	static const char *const keys[] = {"ipv4", "ipv6", "half-open", "half-open-per-source",
		"fragments", "fragment-timeout", "fragments-held", "fragment-hold", "sweep", NULL};
	struct tg_datapath_config *dp = &load->config->datapath;
	struct tg_at at = tg_at_field(root, "connections");

	if (!tg_read_map(&load->reader, &at))
		return;
	tg_read_known(&load->reader, &at, keys);
	read_u32(load, &at, "ipv4", 64, COUNT_MAX, &dp->conn4_max);
	read_u32(load, &at, "ipv6", 64, COUNT_MAX, &dp->conn6_max);
	read_u32(load, &at, "half-open", 16, COUNT_MAX, &dp->half_open_max);
	read_u32(load, &at, "half-open-per-source", 1, COUNT_MAX, &dp->half_open_per_source);
	read_u32(load, &at, "fragments", 16, 1u << 20, &dp->fragments_max);
	read_duration(load, &at, "fragment-timeout", 100, 120000, &dp->fragment_timeout_ms);
	read_u32(load, &at, "fragments-held", 0, 1u << 16, &dp->fragments_held);
	read_duration(load, &at, "fragment-hold", 1, 5000, &dp->fragment_hold_ms);
	read_duration(load, &at, "sweep", 100, 60000, &dp->sweep_ms);
}

static void read_handoff(struct load *load, const struct tg_at *root)
{
	uint32_t *depth = &load->config->datapath.handoff_depth;
	struct tg_at at = tg_at_field(root, "handoff-depth");

	read_u32(load, root, "handoff-depth", 64, 1u << 16, depth);
	if ((*depth & (*depth - 1)) != 0)
		tg_reader_problem(&load->reader, &at, "expected a power of two");
}

static void read_enforcement(struct load *load, const struct tg_at *root)
{
	static const char *const none[] = {"drop", "pass", NULL};
	static const char *const existing[] = {"rejudge", "keep", NULL};
	static const char *const windows[] = {"strict", "liberal", NULL};
	struct tg_datapath_config *dp = &load->config->datapath;

	dp->no_ruleset_pass = read_word(load, root, "no-ruleset", none) == 1;
	dp->keep_existing = read_word(load, root, "existing-connections", existing) == 1;
	dp->tcp_liberal = read_word(load, root, "tcp-windows", windows) == 1;
	read_duration(load, root, "pickup-window", 0, 3600000, &dp->pickup_ms);
	read_u32(load, root, "slot-capacity", 1024, 1u << 24, &dp->slot_capacity);
	read_u32(load, root, "address-headroom", 1024, COUNT_MAX, &load->config->address_headroom);
	read_handoff(load, root);
	read_connections(load, root);
	read_timeouts(load, root);
}

/* --- offload --- */

/*
 * A connection must not expire between two looks at what hardware has counted: the shortest timeout
 * of those that are offloaded is for three of them, and the idle time for one.
 */
static void check_offload(struct load *load, const struct tg_at *at)
{
	const struct tg_conn_timeouts *timeouts = &load->config->datapath.timeouts;
	const struct tg_offload_settings *offload = &load->config->offload;
	uint32_t least = timeouts->ms[TG_CONN_UDP_STREAM];

	if (timeouts->ms[TG_CONN_ESTABLISHED] < least)
		least = timeouts->ms[TG_CONN_ESTABLISHED];
	if (offload->poll_ms > least / 3)
		tg_reader_problem(&load->reader, at,
			"poll is %u ms: expected a third of timeouts.udp-stream and "
			"tcp-established at most",
			offload->poll_ms);
	if (offload->idle_ms <= offload->poll_ms)
		tg_reader_problem(&load->reader, at, "idle is not longer than poll");
}

static void read_offload(struct load *load, const struct tg_at *root)
{
	static const char *const keys[] = {"enabled", "profiles", "connections", "min-packets",
		"idle", "poll", "denials", "denial-time", "marks", NULL};
	struct tg_offload_settings *offload = &load->config->offload;
	struct tg_at at = tg_at_field(root, "offload");

	if (!tg_read_map(&load->reader, &at))
		return;
	tg_read_known(&load->reader, &at, keys);
	read_flag(load, &at, "enabled", &offload->enabled);
	read_flag(load, &at, "marks", &offload->marks);
	read_text(load, &at, "profiles", 4000, &offload->profiles);
	read_u32(load, &at, "connections", 1, 1u << 24, &offload->connections);
	read_u32(load, &at, "min-packets", 1, 1u << 24, &offload->min_packets);
	read_duration(load, &at, "idle", 100, 3600000, &offload->idle_ms);
	read_duration(load, &at, "poll", 10, 60000, &offload->poll_ms);
	read_u32(load, &at, "denials", 0, 1u << 24, &offload->denials);
	read_duration(load, &at, "denial-time", 100, 3600000, &offload->denial_ms);
	check_offload(load, &at);
}

/* --- ports --- */

/* The switches of a port's link traffic: all built-in rules about it, and two finer ones. */
static const struct {
	const char *key;
	uint32_t bit;
} link_keys[] = {
	{"arp", TG_LINK(ARP)},
	{"nd", TG_LINK(ND)},
	{"router-advertisement", TG_LINK_RA},
	{"redirect", TG_LINK_REDIRECT},
	{"mld", TG_LINK(MLD)},
	{"igmp", TG_LINK(IGMP)},
	{"dhcpv4", TG_LINK(DHCPV4)},
	{"dhcpv6", TG_LINK(DHCPV6)},
	{"lacp", TG_LINK(LACP)},
	{"lldp", TG_LINK(LLDP)},
	{"stp", TG_LINK(STP)},
	{"bgp", TG_LINK(BGP)},
	{"bfd", TG_LINK(BFD)},
	{"vrrp", TG_LINK(VRRP)},
};
#define N_LINK_KEYS (sizeof(link_keys) / sizeof(link_keys[0]))

static void read_link(struct load *load, const struct tg_at *port, uint32_t *pass)
{
	static const char *const actions[] = {"drop", "pass", NULL};
	const char *keys[N_LINK_KEYS + 1] = {0};
	struct tg_at at = tg_at_field(port, "link");
	int word;

	if (!tg_read_map(&load->reader, &at))
		return;
	for (size_t i = 0; i < N_LINK_KEYS; i++)
		keys[i] = link_keys[i].key;
	tg_read_known(&load->reader, &at, keys);
	for (size_t i = 0; i < N_LINK_KEYS; i++) {
		word = read_word(load, &at, keys[i], actions);
		if (word == 0)
			*pass &= ~link_keys[i].bit;
		else if (word == 1)
			*pass |= link_keys[i].bit;
	}
}

static bool name_ok(const char *name)
{
	static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				      "0123456789_.-";
	size_t length = strlen(name);

	return length > 0 && length < TG_STATS_PORT_NAME && strspn(name, allowed) == length;
}

/* Index of the port called `name`; n_ports: none. */
static uint32_t port_index(const struct tg_dataplane_config *config, const char *name)
{
	uint32_t i;

	for (i = 0; i < config->datapath.n_ports; i++)
		if (strcmp(config->ports[i].name, name) == 0)
			break;
	return i;
}

static void read_port_name(struct load *load, const struct tg_at *port, struct tg_port_spec *spec)
{
	struct tg_at at = tg_at_field(port, "name");
	const char *text;

	if (at.value == NULL)
		tg_reader_problem(&load->reader, &at, "is missing");
	if (!tg_read_string(&load->reader, &at, &text))
		return;
	if (!name_ok(text)) {
		tg_reader_problem(&load->reader, &at,
			"expected 1 to %u letters, digits, '_', '.' or '-'",
			TG_STATS_PORT_NAME - 1);
		return;
	}
	if (port_index(load->config, text) < load->config->datapath.n_ports)
		tg_reader_problem(&load->reader, &at, "another port is called \"%s\"", text);
	snprintf(spec->name, sizeof(spec->name), "%s", text);
}

static bool same_device(const char *a, const char *b)
{
	size_t length = strcspn(a, ",");

	return length == strcspn(b, ",") && strncmp(a, b, length) == 0;
}

static void read_device(struct load *load, const struct tg_at *port, struct tg_port_spec *spec)
{
	struct tg_at at = tg_at_field(port, "device");
	const char *text;

	if (at.value == NULL)
		tg_reader_problem(&load->reader, &at, "is missing");
	if (!tg_read_string(&load->reader, &at, &text))
		return;
	if (text[0] == '\0' || text[0] == ',' || strlen(text) >= TG_DEVICE_TEXT) {
		tg_reader_problem(&load->reader, &at,
			"expected a PCI address or a vdev such as net_tap0,iface=in0");
		return;
	}
	for (uint32_t i = 0; i < load->config->datapath.n_ports; i++)
		if (same_device(load->config->ports[i].device, text))
			tg_reader_problem(&load->reader, &at, "port \"%s\" is this device",
				load->config->ports[i].name);
	snprintf(spec->device, sizeof(spec->device), "%s", text);
}

static void read_nic_profile(struct load *load, const struct tg_at *port, struct tg_port_spec *spec)
{
	struct tg_at at = tg_at_field(port, "nic-profile");
	const char *text;

	if (!tg_read_string(&load->reader, &at, &text))
		return;
	if (!name_ok(text))
		tg_reader_problem(&load->reader, &at, "expected the name of a profile");
	snprintf(spec->nic_profile, sizeof(spec->nic_profile), "%s", text);
}

static void read_port(struct load *load, const struct tg_at *at)
{
	static const char *const keys[] = {"name", "device", "side", "mtu", "zone", "link",
		"rx-descriptors", "tx-descriptors", "kernel-offloads", "nic-profile", NULL};
	static const char *const sides[] = {"inside", "outside", "any", NULL};
	static const char *const offloads[] = {"switch-off", "trust", NULL};
	struct tg_datapath_config *dp = &load->config->datapath;
	struct tg_port_spec spec = {.mtu = 1500,
		.side = TG_SIDE_ANY,
		.rx_descriptors = 1024,
		.tx_descriptors = 1024,
		.interrupts = load->config->sleep_max_us != 0};
	struct tg_port_config *port = &dp->ports[dp->n_ports];
	int word;

	if (at->value == NULL)
		tg_reader_problem(&load->reader, at, "expected a port");
	if (!tg_read_map(&load->reader, at))
		return;
	tg_read_known(&load->reader, at, keys);
	read_port_name(load, at, &spec);
	read_device(load, at, &spec);
	word = read_word(load, at, "side", sides);
	if (word >= 0)
		spec.side = (uint8_t)word;
	read_u16(load, at, "mtu", MTU_MIN, MTU_MAX, &spec.mtu);
	read_u16(load, at, "rx-descriptors", 64, 16384, &spec.rx_descriptors);
	read_u16(load, at, "tx-descriptors", 64, 16384, &spec.tx_descriptors);
	spec.trust_kernel_offloads = read_word(load, at, "kernel-offloads", offloads) == 1;
	read_nic_profile(load, at, &spec);
	*port = (struct tg_port_config){.link_pass = TG_LINK_DEFAULT, .mtu = spec.mtu};
	port->side = spec.side;
	/* A router is not behind a port that only pods are behind. */
	if (spec.side != TG_SIDE_INSIDE)
		port->link_pass |= TG_LINK_RA;
	read_u16(load, at, "zone", 0, UINT16_MAX, &port->zone);
	read_link(load, at, &port->link_pass);
	load->config->ports[dp->n_ports++] = spec;
}

static void read_ports(struct load *load, const struct tg_at *root)
{
	struct tg_at at = tg_at_field(root, "ports"), item;
	const struct tg_value *v;
	size_t i = 0;

	if (at.value == NULL || (at.value->type == TG_VALUE_LIST && at.value->n == 0)) {
		tg_reader_problem(&load->reader, &at, "expected at least one pair of ports");
		return;
	}
	if (!tg_read_list(&load->reader, &at))
		return;
	for (v = tg_at_first(&at); v != NULL; v = v->next, i++) {
		if (i == TG_PORTS_MAX) {
			tg_reader_problem(&load->reader, &at, "more than %u ports", TG_PORTS_MAX);
			return;
		}
		item = tg_at_item(&at, v, i);
		read_port(load, &item);
	}
}

/* --- wires --- */

/* The number of a group; a wire without a name is a group of its own. */
static uint32_t group_of(struct load *load, const struct tg_at *wire, size_t index)
{
	struct tg_at at = tg_at_field(wire, "group");
	char own[GROUP_TEXT];
	const char *name = own;
	uint32_t i;

	snprintf(own, sizeof(own), "/%zu", index); /* no name has a slash */
	if (tg_read_string(&load->reader, &at, &name) && !name_ok(name))
		tg_reader_problem(&load->reader, &at, "expected letters, digits, '_', '.' or '-'");
	for (i = 0; i < load->n_groups; i++)
		if (strncmp(load->groups[i], name, GROUP_TEXT - 1) == 0)
			return i;
	snprintf(load->groups[i], GROUP_TEXT, "%s", name);
	load->n_groups++;
	return i;
}

/* The two ports of a wire, by index. */
static bool wire_ports(struct load *load, const struct tg_at *wire, uint32_t ports[2])
{
	struct tg_at at = tg_at_field(wire, "ports"), item;
	const struct tg_value *v;
	const char *name;
	bool ok = true;
	size_t i = 0;

	if (at.value == NULL || at.value->type != TG_VALUE_LIST || at.value->n != 2) {
		tg_reader_problem(&load->reader, &at, "expected the names of two ports");
		return false;
	}
	for (v = tg_at_first(&at); v != NULL; v = v->next, i++) {
		item = tg_at_item(&at, v, i);
		if (item.value == NULL)
			tg_reader_problem(&load->reader, &item, "expected the name of a port");
		if (!tg_read_string(&load->reader, &item, &name)) {
			ok = false;
			continue;
		}
		ports[i] = port_index(load->config, name);
		if (ports[i] == load->config->datapath.n_ports) {
			tg_reader_problem(
				&load->reader, &item, "no port is called \"%.40s\"", name);
			ok = false;
		} else if (load->wired & (1ull << ports[i])) {
			tg_reader_problem(&load->reader, &item,
				"port \"%s\" is part of a wire already", name);
			ok = false;
		} else {
			load->wired |= 1ull << ports[i];
		}
	}
	return ok;
}

/* What the two ends have in common, and what the wires of a group have. */
static void check_wire(struct load *load, const struct tg_at *at, const uint32_t ports[2])
{
	const struct tg_datapath_config *dp = &load->config->datapath;
	const struct tg_port_config *a = &dp->ports[ports[0]], *b = &dp->ports[ports[1]];

	if (a->mtu != b->mtu)
		tg_reader_problem(&load->reader, at,
			"the ports of a wire have mtu %u and %u: expected equal ones", a->mtu,
			b->mtu);
	if (a->zone != b->zone)
		tg_reader_problem(&load->reader, at,
			"the ports of a wire have zone %u and %u: expected equal ones", a->zone,
			b->zone);
	if (a->side == b->side && a->side != TG_SIDE_ANY)
		tg_reader_problem(&load->reader, at, "both ports of the wire are %s",
			a->side == TG_SIDE_INSIDE ? "inside" : "outside");
	for (uint32_t i = 0; i < dp->n_ports; i++) {
		const struct tg_port_config *other = &dp->ports[i];

		if (!(load->wired & (1ull << i)) || i == ports[0] || i == ports[1] ||
			other->group != a->group)
			continue;
		if (other->zone != a->zone)
			tg_reader_problem(
				&load->reader, at, "the wires of a group have different zones");
		if (other->side != (other->end == 0 ? a->side : b->side))
			tg_reader_problem(&load->reader, at,
				"the wires of a group list inside and outside in different order");
	}
}

static void read_wire(struct load *load, const struct tg_at *at, size_t index)
{
	static const char *const keys[] = {"ports", "group", "propagate-link", NULL};
	struct tg_datapath_config *dp = &load->config->datapath;
	uint32_t ports[2], group;
	bool propagate = true;

	if (at->value == NULL)
		tg_reader_problem(&load->reader, at, "expected a wire");
	if (!tg_read_map(&load->reader, at))
		return;
	tg_read_known(&load->reader, at, keys);
	read_flag(load, at, "propagate-link", &propagate);
	group = group_of(load, at, index);
	if (!wire_ports(load, at, ports))
		return;
	for (uint32_t end = 0; end < 2; end++) {
		dp->ports[ports[end]].peer = (uint16_t)ports[!end];
		dp->ports[ports[end]].group = (uint8_t)group;
		dp->ports[ports[end]].end = (uint8_t)end;
		load->config->ports[ports[end]].peer = (uint16_t)ports[!end];
		load->config->ports[ports[end]].propagate_link = propagate;
	}
	check_wire(load, at, ports);
}

static void read_wires(struct load *load, const struct tg_at *root)
{
	const struct tg_dataplane_config *config = load->config;
	struct tg_at at = tg_at_field(root, "wires"), item;
	const struct tg_value *v;
	size_t i = 0;

	if (at.value == NULL)
		tg_reader_problem(&load->reader, &at, "is missing: which ports belong together");
	if (!tg_read_list(&load->reader, &at))
		return;
	for (v = tg_at_first(&at); v != NULL && i < GROUPS_MAX; v = v->next, i++) {
		item = tg_at_item(&at, v, i);
		read_wire(load, &item, i);
	}
	for (uint32_t p = 0; p < config->datapath.n_ports; p++)
		if (!(load->wired & (1ull << p)))
			tg_reader_problem(&load->reader, &at, "port \"%s\" is not part of a wire",
				config->ports[p].name);
}

/* --- the file --- */

static void read_root(struct load *load, const struct tg_value *document)
{
	static const char *const keys[] = {"workers", "cores", "eal", "log-level", "poll",
		"poll-sleep-max", "rss", "stuck-worker-after", "socket", "state-directory", "fsync",
		"checkpoint-max-age", "no-ruleset", "existing-connections", "tcp-windows",
		"pickup-window", "slot-capacity", "address-headroom", "handoff-depth",
		"connections", "timeouts", "offload", "ports", "wires", NULL};
	struct tg_at root = tg_at_root(document);

	if (document->type != TG_VALUE_MAP) {
		tg_reader_problem(&load->reader, &root, "expected a map of settings");
		return;
	}
	tg_read_no_duplicates(&load->reader, &root);
	tg_read_known(&load->reader, &root, keys);
	read_process(load, &root);
	read_state(load, &root);
	read_enforcement(load, &root);
	read_offload(load, &root);
	read_ports(load, &root);
	read_wires(load, &root);
}

static void set_defaults(struct tg_dataplane_config *config)
{
	config->socket = "/run/tidegate/dataplane.sock";
	config->memory_mb = 1024;
	config->address_headroom = 65536;
	config->grace_ms = 1000;
	config->sleep_max_us = 90;
	config->log_level = TG_LOG_INFO;
	config->huge_pages = true;
	config->rss_auto = true;
	config->offload = (struct tg_offload_settings){
		.profiles = tg_nic_profiles_folder(),
		.connections = 65536,
		.min_packets = 1000,
		.idle_ms = 10000,
		.poll_ms = 1000,
		.denials = 1000,
		.denial_ms = 10000,
	};
	tg_datapath_config_default(&config->datapath);
}

static int add_problem(
	struct tg_config_problems *problems, const char *name, uint32_t line, const char *text)
{
	char *message;

	if (line != 0 ? asprintf(&message, "%s:%u: %s", name, line, text) < 0
		      : asprintf(&message, "%s: %s", name, text) < 0)
		return -ENOMEM;
	if (tg_vec_push(problems, message) != 0) {
		free(message);
		return -ENOMEM;
	}
	return 0;
}

static int by_line(const void *a, const void *b)
{
	const struct tg_problem *left = a, *right = b;

	return (left->line > right->line) - (left->line < right->line);
}

static int take_problems(
	struct tg_reader *reader, const char *name, struct tg_config_problems *problems)
{
	if (tg_reader_count(reader) == 0)
		return 0;
	if (reader->problems.n == 0)
		return -ENOMEM;
	qsort(reader->problems.v, reader->problems.n, sizeof(reader->problems.v[0]), by_line);
	for (size_t i = 0; i < reader->problems.n; i++)
		if (add_problem(problems, name, reader->problems.v[i].line,
			    reader->problems.v[i].text) != 0)
			return -ENOMEM;
	return -EINVAL;
}

static int read_tree(const struct tg_tree *tree, const char *name,
	struct tg_dataplane_config *config, struct tg_config_problems *problems)
{
	struct load *load;
	int rc;

	if (tg_tree_count(tree) != 1) {
		rc = add_problem(problems, name, 0, "expected one YAML document");
		return rc != 0 ? rc : -EINVAL;
	}
	load = calloc(1, sizeof(*load));
	if (load == NULL)
		return -ENOMEM;
	load->config = config;
	tg_reader_init(&load->reader, config->arena);
	read_root(load, tg_tree_document(tree, 0));
	rc = take_problems(&load->reader, name, problems);
	tg_reader_free(&load->reader);
	free(load);
	return rc;
}

int tg_dataplane_config_parse(const void *text, size_t size, const char *name,
	struct tg_dataplane_config *config, struct tg_config_problems *problems)
{
	struct tg_tree_error error;
	struct tg_tree *tree;
	int rc;

	memset(config, 0, sizeof(*config));
	config->arena = tg_arena_create(0);
	if (config->arena == NULL)
		return -ENOMEM;
	set_defaults(config);
	rc = tg_tree_parse(text, size, &tree, &error);
	if (rc == -EINVAL && add_problem(problems, name, error.line, error.text) != 0)
		rc = -ENOMEM;
	if (rc == 0) {
		rc = read_tree(tree, name, config, problems);
		tg_tree_free(tree);
	}
	if (rc != 0)
		tg_dataplane_config_free(config);
	return rc;
}

/* The whole file, at most FILE_MAX bytes; *size is set. */
static int read_file(const char *path, char **out, size_t *size)
{
	char *text = malloc(FILE_MAX + 1);
	size_t used = 0;
	ssize_t n;
	int fd, rc;

	if (text == NULL)
		return -ENOMEM;
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0) {
		rc = -errno;
		goto free_text;
	}
	do {
		n = read(fd, text + used, FILE_MAX + 1 - used);
		used += n > 0 ? (size_t)n : 0;
	} while ((n > 0 && used <= FILE_MAX) || (n < 0 && errno == EINTR));
	rc = n < 0 ? -errno : used > FILE_MAX ? -EFBIG : 0;
	close(fd);
	if (rc != 0)
		goto free_text;
	*out = text;
	*size = used;
	return 0;

free_text:
	free(text);
	return rc;
}

int tg_dataplane_config_load(
	const char *path, struct tg_dataplane_config *config, struct tg_config_problems *problems)
{
	char *text = NULL;
	size_t size = 0;
	int rc;

	rc = read_file(path, &text, &size);
	if (rc == -ENOMEM)
		return rc;
	if (rc != 0) {
		rc = add_problem(problems, path, 0, strerror(-rc));
		return rc != 0 ? rc : -EINVAL;
	}
	rc = tg_dataplane_config_parse(text, size, path, config, problems);
	free(text);
	return rc;
}

void tg_dataplane_config_free(struct tg_dataplane_config *config)
{
	tg_arena_free(config->arena);
	config->arena = NULL;
}

void tg_config_problems_free(struct tg_config_problems *problems)
{
	for (size_t i = 0; i < problems->n; i++)
		free(problems->v[i]);
	tg_vec_free(problems);
}
