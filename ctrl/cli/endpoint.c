/* SPDX-License-Identifier: BSD-3-Clause */
#include "endpoint.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define NAME_MAX_LENGTH 253 /* of a Kubernetes object */

static const char *text_of(const struct tg_offline *offline, uint32_t id)
{
	return tg_intern_text(offline->cluster->strings, id);
}

static void use_addresses(struct tg_endpoint *out, const struct tg_offline *offline,
	const struct tg_addr *addrs, uint32_t n)
{
	out->addrs = addrs;
	out->n_addrs = n;
	out->standin = n != 0 && offline->standin != NULL && tg_standin_is(offline->standin, addrs);
}

/* A hostNetwork pod is its node: the node's addresses, else the ones that the pod was given. */
static int use_node(const struct tg_offline *offline, const struct tg_pod *pod,
	struct tg_endpoint *out, char *error, size_t error_size)
{
	const struct tg_node *node = tg_roster_node(offline->roster, pod->node);

	if (node != NULL && node->n_addrs != 0)
		use_addresses(out, offline, node->addrs, node->n_addrs);
	else
		use_addresses(out, offline, pod->addrs, pod->n_addrs);
	if (out->n_addrs == 0) {
		snprintf(error, error_size,
			"%s is a hostNetwork pod and has its node's address, which is not known",
			out->text);
		return -EADDRNOTAVAIL;
	}
	snprintf(out->note, sizeof(out->note),
		"%.260s is a hostNetwork pod: its traffic is that of node %s, no policy selects it",
		out->text, pod->node != 0 ? text_of(offline, pod->node) : "?");
	return 0;
}

/* An address that another pod holds speaks for that one, on the wire as here. */
static void note_owner(const struct tg_offline *offline, struct tg_endpoint *out)
{
	bool conflict;
	const struct tg_pod *owner = tg_roster_owner(offline->roster, &out->addrs[0], &conflict);
	char address[TG_ADDR_TEXT];

	tg_addr_format(&out->addrs[0], address);
	out->conflict = conflict;
	if (conflict)
		snprintf(out->note, sizeof(out->note),
			"%s is claimed by several pods, none of which is newer: denied", address);
	else if (owner != NULL && owner != out->pod)
		snprintf(out->note, sizeof(out->note),
			"%s belongs to %s/%s, which claims it with a better right", address,
			text_of(offline, owner->ns), text_of(offline, owner->name));
	out->pod = owner;
}

int tg_endpoint_of_pod(const struct tg_offline *offline, const struct tg_pod *pod,
	struct tg_endpoint *out, char *error, size_t error_size)
{
	*out = (struct tg_endpoint){.named = pod};
	snprintf(out->text, sizeof(out->text), "%.253s/%.253s", text_of(offline, pod->ns),
		text_of(offline, pod->name));
	if (pod->finished) {
		snprintf(error, error_size, "%s has finished and gives no address", out->text);
		return -EADDRNOTAVAIL;
	}
	if (pod->host_network)
		return use_node(offline, pod, out, error, error_size);
	use_addresses(out, offline, pod->addrs, pod->n_addrs);
	if (out->n_addrs == 0) {
		snprintf(error, error_size, "%s has no address", out->text);
		return -EADDRNOTAVAIL;
	}
	out->pod = pod;
	note_owner(offline, out);
	if (out->standin)
		snprintf(out->note, sizeof(out->note),
			"%.260s has no address yet: of all ipBlocks only 0.0.0.0/0 and ::/0 "
			"(without except) match it",
			out->text);
	return 0;
}

static int find_by_name(const struct tg_offline *offline, const char *text, struct tg_endpoint *out,
	char *error, size_t error_size)
{
	const char *slash = strchr(text, '/');
	char ns[NAME_MAX_LENGTH + 1];
	const struct tg_pod *pod = NULL;

	if (offline->roster == NULL) {
		snprintf(error, error_size,
			"'%.300s' is a name, and names are not known here (see --names)", text);
		return -ENOENT;
	}
	if ((size_t)(slash - text) < sizeof(ns) && strlen(slash + 1) <= NAME_MAX_LENGTH) {
		memcpy(ns, text, (size_t)(slash - text));
		ns[slash - text] = '\0';
		pod = tg_roster_pod(offline->roster, ns, slash + 1);
	}
	if (pod == NULL) {
		snprintf(error, error_size, "no pod is called '%.300s'", text);
		return -ENOENT;
	}
	return tg_endpoint_of_pod(offline, pod, out, error, error_size);
}

int tg_endpoint_find(const struct tg_offline *offline, const char *text, struct tg_endpoint *out,
	char *error, size_t error_size)
{
	struct tg_addr addr;

	if (strchr(text, '/') != NULL)
		return find_by_name(offline, text, out, error, error_size);
	if (tg_addr_parse(text, &addr) != 0) {
		snprintf(error, error_size, "'%.300s' is neither namespace/pod nor an address",
			text);
		return -EINVAL;
	}
	/* Made-up addresses are nobody's to ask for. */
	if (offline->standin != NULL && tg_standin_is(offline->standin, &addr)) {
		snprintf(error, error_size,
			"%.60s is in a reserved range that stands for pods without an address here",
			text);
		return -EINVAL;
	}
	*out = (struct tg_endpoint){.own = addr, .n_addrs = 1};
	out->addrs = &out->own;
	tg_addr_format(&addr, out->text);
	if (offline->roster != NULL)
		note_owner(offline, out);
	return 0;
}

static const struct tg_addr *first_of_family(const struct tg_endpoint *end, uint8_t family)
{
	for (uint32_t i = 0; i < end->n_addrs; i++)
		if (end->addrs[i].family == family)
			return &end->addrs[i];
	return NULL;
}

unsigned int tg_endpoint_pairs(
	const struct tg_endpoint *src, const struct tg_endpoint *dst, struct tg_addr_pair out[2])
{
	unsigned int n = 0;

	for (uint32_t i = 0; i < src->n_addrs && n < 2; i++) {
		const struct tg_addr *dst_addr = first_of_family(dst, src->addrs[i].family);

		if (dst_addr == NULL || (n == 1 && out[0].src.family == dst_addr->family))
			continue;
		out[n++] = (struct tg_addr_pair){src->addrs[i], *dst_addr};
	}
	return n;
}

bool tg_endpoint_same(const struct tg_endpoint *a, const struct tg_endpoint *b)
{
	if (a->pod != NULL && a->pod == b->pod)
		return true;
	for (uint32_t i = 0; i < a->n_addrs; i++)
		for (uint32_t k = 0; k < b->n_addrs; k++)
			if (tg_addr_compare(&a->addrs[i], &b->addrs[k]) == 0)
				return true;
	return false;
}

int tg_protocol_of_text(const char *text)
{
	static const char *const names[] = {"TCP", "UDP", "SCTP", "ICMP", "ICMPv6", "GRE"};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (strcasecmp(text, names[i]) == 0)
			return tg_protocol_parse(names[i]);
	return tg_protocol_parse(text);
}

bool tg_protocol_has_ports(uint8_t protocol)
{
	return protocol == IPPROTO_TCP || protocol == IPPROTO_UDP || protocol == IPPROTO_SCTP;
}

int tg_service_parse(struct tg_cli *cli, const char *command, char **argv, int n, uint8_t *protocol,
	uint16_t *port)
{
	int number = tg_protocol_of_text(argv[0]);
	unsigned long value = 0;
	char *end;

	if (number < 0)
		return tg_cli_fail(cli, command,
			"'%s' is no protocol: TCP, UDP, SCTP, ICMP, ICMPv6 or a number 0-255",
			argv[0]);
	*protocol = (uint8_t)number;
	if (n > 1) {
		value = strtoul(argv[1], &end, 10);
		if (argv[1][0] < '0' || argv[1][0] > '9' || *end != '\0' || value > 65535)
			return tg_cli_fail(cli, command, "'%s' is no port: 1-65535", argv[1]);
	}
	if (!tg_protocol_has_ports(*protocol))
		return TG_EXIT_OK;
	if (value == 0)
		return tg_cli_fail(cli, command, "%s needs a port, 1-65535", argv[0]);
	*port = (uint16_t)value;
	return TG_EXIT_OK;
}
