/* SPDX-License-Identifier: BSD-3-Clause */
#include "offload_tree.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "addr.h"
#include "endpoint.h"
#include "wire.h"

#define ANSWER_MS 5000

/* --- asking --- */

static int complain(struct tg_cli *cli, const char *socket, const char *what)
{
	return tg_cli_fail(cli, "offload", "%s: %s", socket, what);
}

/* The next message that answers `txn`; events in between are somebody else's. 0 or -errno. */
static int receive(int sock, uint32_t txn, struct tg_wire_message *m, struct tg_wire_error *error)
{
	struct pollfd fd = {.fd = sock, .events = POLLIN};
	int rc;

	for (;;) {
		rc = poll(&fd, 1, ANSWER_MS);
		if (rc == 0)
			return -ETIMEDOUT;
		rc = rc < 0 ? -errno : tg_wire_receive(sock, m, error);
		if (rc == -EAGAIN || rc == -EINTR)
			continue;
		if (rc != 0 || m->h.txn == txn)
			return rc;
		if (m->fd >= 0)
			close(m->fd);
	}
}

/* Sends `request` and takes the answer, which has to be of `type`. An exit code. */
static int ask(struct tg_cli *cli, const char *socket, int sock,
	const struct tg_msg_header *request, enum tg_msg_type type, struct tg_wire_message *m)
{
	struct tg_wire_error error = {.text = ""};
	int rc = tg_wire_send(sock, request, -1);

	if (rc == 0)
		rc = receive(sock, request->txn, m, &error);
	if (rc != 0)
		return complain(cli, socket, error.text[0] != '\0' ? error.text : strerror(-rc));
	if (m->h.type == type)
		return TG_EXIT_OK;
	if (m->fd >= 0)
		close(m->fd);
	if (m->h.type != TG_MSG_NAK)
		return complain(cli, socket, "an answer to something else");
	if (m->nak.error == EOPNOTSUPP)
		return complain(cli, socket, "this dataplane is older and cannot say");
	return complain(cli, socket, m->nak.reason);
}

static int greet(struct tg_cli *cli, const char *socket, int sock, struct tg_wire_message *m)
{
	struct tg_msg_hello hello = {
		.major = TG_PROTO_MAJOR,
		.minor = TG_PROTO_MINOR,
		.role = TG_ROLE_READER,
		.pid = (uint64_t)getpid(),
		.name = "tidegate offload",
	};
	int code;

	tg_wire_header(&hello.h, TG_MSG_HELLO, sizeof(hello), 1);
	code = ask(cli, socket, sock, &hello.h, TG_MSG_STATE, m);
	if (code == TG_EXIT_OK && m->fd >= 0)
		close(m->fd);
	return code;
}

/* --- the tree --- */

static cJSON *add_list(cJSON *tree, const char *key)
{
	return cJSON_AddArrayToObject(tree, key);
}

static cJSON *add_item(cJSON *list)
{
	cJSON *item = cJSON_CreateObject();

	cJSON_AddItemToArray(list, item);
	return item;
}

static void add_number(cJSON *tree, const char *key, uint64_t value)
{
	cJSON_AddNumberToObject(tree, key, (double)value);
}

static void add_end(
	cJSON *tree, const char *key, const uint8_t *address, uint8_t family, uint16_t port)
{
	struct tg_addr addr = {.family = family};
	char text[TG_ADDR_TEXT];
	cJSON *end = cJSON_AddObjectToObject(tree, key);

	memcpy(addr.bytes, address, family == 4 ? 4 : 16);
	cJSON_AddStringToObject(end, "address", tg_addr_format(&addr, text));
	if (port != 0)
		add_number(end, "port", port);
}

static void add_tuple(cJSON *item, const struct tg_hw_tuple *t, uint8_t kind)
{
	cJSON_AddStringToObject(item, "kind",
		kind == TG_HW_DENIAL ? "denial"
		: kind == TG_HW_MARK ? "mark"
				     : "connection");
	cJSON_AddStringToObject(item, "protocol", t->protocol == 6 ? "TCP" : "UDP");
	add_end(item, "src", t->src, t->family, t->sport);
	add_end(item, "dst", t->dst, t->family, t->dport);
}

static void add_ports(cJSON *tree, const struct tg_wire_report *r)
{
	cJSON *list = add_list(tree, "ports");

	for (uint32_t i = 0; i < r->header->n_ports; i++) {
		const struct tg_hw_port *port = &r->ports[i];
		cJSON *item = add_item(list), *kinds;

		cJSON_AddStringToObject(item, "name", port->name);
		cJSON_AddStringToObject(item, "profile", port->profile);
		cJSON_AddBoolToObject(item, "link_up", port->flags & TG_HW_PORT_UP);
		cJSON_AddBoolToObject(item, "ready", port->flags & TG_HW_PORT_READY);
		cJSON_AddBoolToObject(item, "unsure", port->flags & TG_HW_PORT_UNSURE);
		add_number(item, "hold_off_ms", port->hold_off_ms);
		add_number(item, "stale_ms", port->stale_ms);
		cJSON_AddStringToObject(item, "wire", port->wire);
		cJSON_AddStringToObject(
			item, "placement", tg_port_placement_text(port->placement.state));
		cJSON_AddStringToObject(item, "placement_why", port->placement.why);
		kinds = add_list(item, "kinds");
		for (unsigned int k = 0; k < TG_HW_KIND_COUNT; k++) {
			cJSON *kind = add_item(kinds);

			cJSON_AddStringToObject(kind, "kind", tg_hw_kind_text(k));
			cJSON_AddBoolToObject(kind, "hardware", port->kind[k].hardware != 0);
			cJSON_AddStringToObject(kind, "why", port->kind[k].why);
		}
	}
}

static const char *state_text(uint8_t state)
{
	return state == TG_HW_INSTALLING ? "installing"
	       : state == TG_HW_ACTIVE	 ? "active"
					 : "draining";
}

static void add_reason(cJSON *item, uint8_t why)
{
	cJSON_AddStringToObject(item, "reason", tg_offload_label(why));
	cJSON_AddStringToObject(item, "text", tg_offload_text(why));
}

static void add_rules(cJSON *tree, const struct tg_wire_report *r)
{
	static const char *const ways[2] = {"sent", "replies"};
	cJSON *list = add_list(tree, "rules");

	for (uint32_t i = 0; i < r->header->n_rules; i++) {
		const struct tg_hw_rule *rule = &r->rules[i];
		cJSON *item = add_item(list);

		add_tuple(item, &rule->tuple, rule->kind);
		cJSON_AddStringToObject(item, "state", state_text(rule->state));
		if (rule->state == TG_HW_DRAINING)
			add_reason(item, rule->why);
		if (rule->kind == TG_HW_DENIAL)
			cJSON_AddStringToObject(
				item, "drop_reason", tg_drop_label(rule->drop_reason));
		cJSON_AddStringToObject(item, "port", r->ports[rule->port].name);
		if (rule->kind != TG_HW_DENIAL)
			cJSON_AddStringToObject(item, "peer", r->ports[rule->peer].name);
		add_number(item, "worker", rule->worker);
		add_number(item, "since_ms", rule->since_ms);
		add_number(item, "seen_ms", rule->seen_ms);
		add_number(item, "stale_ms", rule->stale_ms);
		for (unsigned int way = 0; way < (rule->kind == TG_HW_DENIAL ? 1 : 2); way++) {
			cJSON *count = cJSON_AddObjectToObject(item, ways[way]);

			add_number(count, "packets", rule->packets[way]);
			add_number(count, "bytes", rule->bytes[way]);
		}
	}
}

static void add_left(cJSON *tree, const struct tg_wire_report *r)
{
	cJSON *list = add_list(tree, "left");

	for (uint32_t i = 0; i < r->header->n_left; i++) {
		const struct tg_hw_left *left = &r->left[i];
		cJSON *item = add_item(list);

		add_tuple(item, &left->tuple, left->kind);
		cJSON_AddStringToObject(item, "event", left->given ? "returned" : "refused");
		add_reason(item, left->why);
		cJSON_AddStringToObject(item, "port", r->ports[left->port].name);
		add_number(item, "worker", left->worker);
		add_number(item, "age_ms", left->age_ms);
		add_number(item, "times", left->times);
	}
}

static void add_counts(cJSON *tree, const struct tg_stats_offload *s)
{
	cJSON *entries = cJSON_AddObjectToObject(tree, "entries"), *left;

	add_number(entries, "installing", s->installing);
	add_number(entries, "active", s->active);
	add_number(entries, "draining", s->draining);
	add_number(entries, "marked", s->marked);
	add_number(entries, "limit", s->capacity);
	add_number(tree, "merit_packets", s->merit);
	add_number(tree, "memory_bytes", s->memory);
	add_number(tree, "offers", s->offers);
	add_number(tree, "taken", s->taken);
	add_number(tree, "rules_inserted", s->inserted);
	add_number(tree, "rules_removed", s->removed);
	add_number(tree, "rules_failed", s->failed);
	add_number(tree, "packets_forwarded", s->packets);
	add_number(tree, "packets_dropped", s->dropped);
	add_number(tree, "bytes", s->bytes);
	left = cJSON_AddObjectToObject(tree, "left_by_reason");
	for (unsigned int i = TG_OFFLOAD_NONE + 1; i < TG_OFFLOAD_REASON_COUNT; i++)
		add_number(left, tg_offload_label(i), s->left[i]);
}

static cJSON *tree_of(const struct tg_wire_report *r)
{
	static const char *const states[] = {
		[TG_HW_OFF] = "off", [TG_HW_NOTHING] = "nothing", [TG_HW_ON] = "on"};
	cJSON *tree = cJSON_CreateObject();

	cJSON_AddStringToObject(tree, "offload", states[r->header->state]);
	add_number(tree, "at_ms", r->header->at);
	add_ports(tree, r);
	if (r->header->state != TG_HW_ON)
		return tree;
	add_number(tree, "idle_ms", r->header->idle_ms);
	add_counts(tree, &r->header->counts);
	add_rules(tree, r);
	cJSON_AddBoolToObject(tree, "more_rules", r->header->flags & TG_HW_MORE_RULES);
	add_left(tree, r);
	cJSON_AddBoolToObject(tree, "more_left", r->header->flags & TG_HW_MORE_LEFT);
	return tree;
}

static int read_report(
	struct tg_cli *cli, const char *socket, const struct tg_wire_message *m, cJSON **out)
{
	struct tg_wire_error error = {.text = ""};
	struct tg_wire_report report;
	int rc = tg_wire_report_open(m->fd, m->offload_report.size, &report, &error);

	close(m->fd);
	if (rc != 0)
		return complain(cli, socket, error.text[0] != '\0' ? error.text : strerror(-rc));
	*out = tree_of(&report);
	tg_wire_report_close(&report);
	return TG_EXIT_OK;
}

int tg_offload_ask(
	struct tg_cli *cli, const char *socket, struct tg_msg_offload_get *get, cJSON **out)
{
	struct tg_wire_message *m = malloc(sizeof(*m));
	int sock = tg_wire_connect(socket), code;

	tg_wire_header(&get->h, TG_MSG_OFFLOAD_GET, sizeof(*get), 2);
	if (sock < 0)
		code = tg_cli_fail(cli, "offload", "%s: %s (is tidegate-dataplane running there?)",
			socket, strerror(-sock));
	else if (m == NULL)
		code = complain(cli, socket, strerror(ENOMEM));
	else
		code = greet(cli, socket, sock, m);
	if (code == TG_EXIT_OK)
		code = ask(cli, socket, sock, &get->h, TG_MSG_OFFLOAD_REPORT, m);
	if (code == TG_EXIT_OK)
		code = read_report(cli, socket, m, out);
	if (sock >= 0)
		close(sock);
	free(m);
	return code;
}
