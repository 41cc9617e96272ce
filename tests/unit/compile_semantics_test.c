/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What compiled policies mean: small clusters, tuples, and what each side says, by the lines of
 * docs/policy-semantics.md ("NetworkPolicy").
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "cluster.h"

#define TCP 6
#define UDP 17
#define ICMP 1
#define SCTP 132
#define GRE 47

/* Two nodes, four namespaces; addresses 10.0.N.x are pods of node nN. */
#define BASE                                                                      \
	"ns a team=red\n"                                                         \
	"ns b team=blue\n"                                                        \
	"ns c\n"                                                                  \
	"node n1 192.168.0.1 cidr 10.0.1.0/24,fd00:1::/64\n"                      \
	"node n2 192.168.0.2 cidr 10.0.2.0/24,fd00:2::/64\n"                      \
	"pod a/web 10.0.1.1,fd00:1::1 labels app=web,tier=front node n1 "         \
	"ports http:8080/TCP,http:8443/TCP,dns:53/UDP\n"                          \
	"pod a/db 10.0.1.2,fd00:1::2 labels app=db node n1 ports http:9000/TCP\n" \
	"pod b/web 10.0.2.1,fd00:2::1 labels app=web,empty= node n2\n"            \
	"pod c/job 10.0.2.2 labels app=job node n2\n"                             \
	"pod c/done 10.0.2.9 labels app=job node n2 finished\n"                   \
	"pod c/host 192.168.0.2 labels app=web node n2 hostnet\n"                 \
	"pod nowhere/lost 10.0.2.3 labels app=web node n2\n"                      \
	"service a/web 10.96.0.1\n"

#define A_WEB "10.0.1.1"
#define A_DB "10.0.1.2"
#define B_WEB "10.0.2.1"
#define C_JOB "10.0.2.2"
#define LOST "10.0.2.3"
#define NODE1 "192.168.0.1"
#define NODE2 "192.168.0.2"
#define SERVICE "10.96.0.1"
#define UNKNOWN "10.0.1.77"
#define WORLD "203.0.113.5"

struct row {
	int line; /* of the semantics */
	const char *policies;
	struct test_tuple tuple;
	enum tg_direction dir;
	const char *says;
};

static const struct row rows[] = {
	/* 1: isolation is per direction */
	{1, "policy a/p *\ningress", {B_WEB, A_WEB, TCP, 80}, TG_INGRESS, "deny implicit a: p"},
	{1, "policy a/p *\ningress", {A_WEB, B_WEB, TCP, 80}, TG_EGRESS, "deny baseline a"},
	{1, "policy a/p *\negress", {A_WEB, B_WEB, TCP, 80}, TG_EGRESS, "deny implicit a: p"},
	{1, "policy a/p *\negress", {B_WEB, A_WEB, TCP, 80}, TG_INGRESS, "deny baseline a"},
	{1, "policy a/p app=db\ningress", {B_WEB, A_WEB, TCP, 80}, TG_INGRESS, "deny baseline a"},
	/* 2: nothing, everything, every port */
	{2, "policy a/p *\ningress from any ports any", {WORLD, A_WEB, ICMP, 0}, TG_INGRESS,
		"allow a/p[0]"},
	{2, "policy a/p *\ningress from any ports any", {WORLD, A_WEB, 255, 0}, TG_INGRESS,
		"allow a/p[0]"},
	{2, "policy a/p *\ningress from any ports TCP/*", {WORLD, A_WEB, TCP, 0}, TG_INGRESS,
		"allow a/p[0]"},
	{2, "policy a/p *\ningress from any ports TCP/*", {WORLD, A_WEB, TCP, 65535}, TG_INGRESS,
		"allow a/p[0]"},
	{2, "policy a/p *\ningress from any ports TCP/*", {WORLD, A_WEB, UDP, 53}, TG_INGRESS,
		"deny implicit a: p"},
	{2, "policy a/p *\ningress from any ports UDP/*", {WORLD, A_WEB, UDP, 1}, TG_INGRESS,
		"allow a/p[0]"},
	{2, "policy a/p *\ningress from pods:* ports any", {A_DB, A_WEB, TCP, 1}, TG_INGRESS,
		"allow a/p[0]"},
	{2, "policy a/p *\ningress from pods:* ports any", {B_WEB, A_WEB, TCP, 1}, TG_INGRESS,
		"deny implicit a: p"},
	{2, "policy a/p *\ningress from ns:* ports any", {C_JOB, A_WEB, TCP, 1}, TG_INGRESS,
		"allow a/p[0]"},
	{2, "policy a/p *\ningress from ns:* ports any", {WORLD, A_WEB, TCP, 1}, TG_INGRESS,
		"deny implicit a: p"},
	{2, "policy a/p *\ningress from - ports any", {A_DB, A_WEB, TCP, 1}, TG_INGRESS,
		"deny implicit a: p"},
	/* 3: OR of peers, AND inside one */
	{3, "policy a/p *\ningress from ns:team=blue+app=web ports any", {B_WEB, A_WEB, TCP, 1},
		TG_INGRESS, "allow a/p[0]"},
	{3, "policy a/p *\ningress from ns:team=blue+app=db ports any", {B_WEB, A_WEB, TCP, 1},
		TG_INGRESS, "deny implicit a: p"},
	{3, "policy a/p *\ningress from ns:team=blue;pods:app=db ports any", {A_DB, A_WEB, TCP, 1},
		TG_INGRESS, "allow a/p[0]"},
	{3, "policy a/p *\ningress from pods:app=web ports any", {B_WEB, A_WEB, TCP, 1}, TG_INGRESS,
		"deny implicit a: p"},
	/* 4: selectors */
	{4, "policy a/p *\ningress from ns:*+app!=db ports any", {C_JOB, A_WEB, TCP, 1}, TG_INGRESS,
		"allow a/p[0]"},
	{4, "policy a/p *\ningress from ns:*+app!=job|db ports any", {C_JOB, A_WEB, TCP, 1},
		TG_INGRESS, "deny implicit a: p"},
	{4, "policy a/p *\ningress from ns:*+tier!=front ports any", {B_WEB, A_WEB, TCP, 1},
		TG_INGRESS, "allow a/p[0]"},
	{4, "policy a/p *\ningress from ns:*+!tier ports any", {B_WEB, A_DB, TCP, 1}, TG_INGRESS,
		"allow a/p[0]"},
	{4, "policy a/p *\ningress from ns:*+!tier ports any", {A_WEB, A_DB, TCP, 1}, TG_INGRESS,
		"deny implicit a: p"},
	{4, "policy a/p *\ningress from ns:*+tier ports any", {A_WEB, A_DB, TCP, 1}, TG_INGRESS,
		"allow a/p[0]"},
	{4, "policy a/p *\ningress from ns:*+empty= ports any", {B_WEB, A_DB, TCP, 1}, TG_INGRESS,
		"allow a/p[0]"},
	{4, "policy a/p *\ningress from ns:*+app=web&!empty ports any", {B_WEB, A_DB, TCP, 1},
		TG_INGRESS, "deny implicit a: p"},
	{4, "policy a/p *\ningress from ns:* ports any", {LOST, A_WEB, TCP, 1}, TG_INGRESS,
		"deny implicit a: p"},
	{4, "", {A_WEB, LOST, TCP, 1}, TG_INGRESS, "deny unknown-endpoint"},
	/* 5: policies add up, the first in canonical order is named */
	{5, "policy a/q *\ningress from any ports TCP/80\npolicy a/p *\ningress from any ports TCP/81",
		{WORLD, A_WEB, TCP, 80}, TG_INGRESS, "allow a/q[0]"},
	{5, "policy a/q *\ningress from any ports any\npolicy a/p *\ningress from any ports TCP/81",
		{WORLD, A_WEB, TCP, 81}, TG_INGRESS, "allow a/p[0]"},
	{5, "policy a/q *\ningress\npolicy a/p *\ningress", {WORLD, A_WEB, TCP, 81}, TG_INGRESS,
		"deny implicit a: p, q"},
	{5, "policy a/p *\ningress from any ports TCP/80-90\ningress from any ports TCP/85-95",
		{WORLD, A_WEB, TCP, 90}, TG_INGRESS, "allow a/p[0]"},
	{5, "policy a/p *\ningress from any ports TCP/80-90\ningress from any ports TCP/85-95",
		{WORLD, A_WEB, TCP, 91}, TG_INGRESS, "allow a/p[1]"},
	{5, "policy a/p *\ningress from pods:app=nobody ports any", {A_DB, A_WEB, TCP, 81},
		TG_INGRESS, "deny implicit a: p"},
	/* 6: except is no deny */
	{6, "policy a/p *\negress to block:0.0.0.0/0-203.0.113.0/24 ports any",
		{A_WEB, WORLD, TCP, 80}, TG_EGRESS, "deny implicit a: p"},
	{6, "policy a/p *\negress to block:0.0.0.0/0-203.0.113.0/24 ports any",
		{A_WEB, "198.51.100.1", TCP, 80}, TG_EGRESS, "allow a/p[0]"},
	{6, "policy a/p *\negress to block:0.0.0.0/0-203.0.113.0/24;block:203.0.113.4/31 ports any",
		{A_WEB, WORLD, TCP, 80}, TG_EGRESS, "allow a/p[0]"},
	{6,
		"policy a/p *\negress to block:0.0.0.0/0-203.0.113.0/24 ports any\n"
		"egress to block:203.0.113.0/25 ports any",
		{A_WEB, WORLD, TCP, 80}, TG_EGRESS, "allow a/p[1]"},
	/* 7: ipBlock matches pods, nodes, everything */
	{7, "policy a/p *\negress to block:10.0.2.0/24 ports any", {A_WEB, B_WEB, TCP, 80},
		TG_EGRESS, "allow a/p[0]"},
	{7, "policy a/p *\negress to block:192.168.0.0/16 ports any", {A_WEB, NODE2, TCP, 80},
		TG_EGRESS, "allow a/p[0]"},
	{7, "policy a/p *\negress to block:10.0.1.0/31 ports any", {A_WEB, A_DB, TCP, 80},
		TG_EGRESS, "deny implicit a: p"},
	{7, "policy a/p *\negress to block:0.0.0.0/0 ports any", {A_WEB, SERVICE, TCP, 80},
		TG_EGRESS, "allow a/p[0]"},
	{7, "policy a/p *\negress to block:fd00:2::/64 ports any",
		{"fd00:1::1", "fd00:2::1", TCP, 80}, TG_EGRESS, "allow a/p[0]"},
	{7, "policy a/p *\negress to block:0.0.0.0/0 ports any",
		{"fd00:1::1", "fd00:2::1", TCP, 80}, TG_EGRESS, "deny implicit a: p"},
	/* 8: named ports, by destination */
	{8, "policy a/p *\negress to pods:* ports TCP/http", {A_WEB, A_DB, TCP, 9000}, TG_EGRESS,
		"allow a/p[0]"},
	{8, "policy a/p *\negress to pods:* ports TCP/http", {A_WEB, A_DB, TCP, 8080}, TG_EGRESS,
		"deny implicit a: p"},
	{8, "policy a/p *\negress to any ports TCP/http", {A_DB, A_WEB, TCP, 8443}, TG_EGRESS,
		"allow a/p[0]"},
	{8, "policy a/p *\negress to any ports TCP/http", {A_DB, WORLD, TCP, 8443}, TG_EGRESS,
		"deny implicit a: p"},
	{8, "policy a/p *\negress to any ports UDP/http", {A_DB, A_WEB, UDP, 8443}, TG_EGRESS,
		"deny implicit a: p"},
	{8, "policy a/p *\negress to block:10.0.1.0/31 ports TCP/http", {A_DB, A_WEB, TCP, 8080},
		TG_EGRESS, "allow a/p[0]"},
	{8, "policy a/p *\negress to block:10.0.1.0/31 ports TCP/http", {A_WEB, A_DB, TCP, 9000},
		TG_EGRESS, "deny implicit a: p"},
	{8, "policy a/p *\ningress from any ports TCP/http", {WORLD, A_WEB, TCP, 8080}, TG_INGRESS,
		"allow a/p[0]"},
	{8, "policy a/p *\ningress from any ports TCP/http", {WORLD, A_WEB, TCP, 9000}, TG_INGRESS,
		"deny implicit a: p"},
	{8, "policy a/p *\ningress from any ports TCP/http", {WORLD, A_DB, TCP, 9000}, TG_INGRESS,
		"allow a/p[0]"},
	{8, "policy a/p *\ningress from any ports UDP/dns,TCP/22", {WORLD, A_WEB, UDP, 53},
		TG_INGRESS, "allow a/p[0]"},
	{8, "policy a/p *\ningress from any ports TCP/dns", {WORLD, A_WEB, TCP, 53}, TG_INGRESS,
		"deny implicit a: p"},
	/* 9: ranges are inclusive, SCTP is 132 */
	{9, "policy a/p *\ningress from any ports TCP/80-90", {WORLD, A_WEB, TCP, 79}, TG_INGRESS,
		"deny implicit a: p"},
	{9, "policy a/p *\ningress from any ports TCP/80-90", {WORLD, A_WEB, TCP, 80}, TG_INGRESS,
		"allow a/p[0]"},
	{9, "policy a/p *\ningress from any ports TCP/80-90", {WORLD, A_WEB, TCP, 90}, TG_INGRESS,
		"allow a/p[0]"},
	{9, "policy a/p *\ningress from any ports TCP/80-90", {WORLD, A_WEB, TCP, 91}, TG_INGRESS,
		"deny implicit a: p"},
	{9, "policy a/p *\ningress from any ports TCP/65535", {WORLD, A_WEB, TCP, 65535},
		TG_INGRESS, "allow a/p[0]"},
	{9, "policy a/p *\ningress from any ports SCTP/5000", {WORLD, A_WEB, SCTP, 5000},
		TG_INGRESS, "allow a/p[0]"},
	{9, "policy a/p *\ningress from any ports SCTP/5000", {WORLD, A_WEB, TCP, 5000}, TG_INGRESS,
		"deny implicit a: p"},
	/* 10: protocols without ports */
	{10, "policy a/p *\ningress from any ports TCP/*,UDP/*,SCTP/*", {WORLD, A_WEB, ICMP, 0},
		TG_INGRESS, "deny implicit a: p"},
	{10, "policy a/p *\ningress from any ports any", {WORLD, A_WEB, GRE, 0}, TG_INGRESS,
		"allow a/p[0]"},
	{10, "policy a/p *\ningress from any ports ICMP/*", {WORLD, A_WEB, ICMP, 0}, TG_INGRESS,
		"deny implicit a: p"},
	/* 12: nodes */
	{12, "policy a/p *\ningress", {NODE1, A_WEB, TCP, 80}, TG_INGRESS, "allow own-node"},
	{12, "policy a/p *\ningress", {NODE2, A_WEB, TCP, 80}, TG_INGRESS, "deny implicit a: p"},
	{12, "policy a/p *\negress", {A_WEB, NODE1, TCP, 80}, TG_EGRESS, "deny implicit a: p"},
	{12, "", {NODE1, A_WEB, TCP, 80}, TG_EGRESS, "allow not-subject"},
	{12, "", {A_WEB, NODE1, TCP, 80}, TG_INGRESS, "allow not-subject"},
	{12, "", {NODE1, NODE2, TCP, 80}, TG_EGRESS, "deny node-default"},
	{12, "", {NODE1, NODE2, TCP, 80}, TG_INGRESS, "deny node-default"},
	{12, "", {NODE1, WORLD, TCP, 80}, TG_EGRESS, "deny node-default"},
	{12, "", {NODE1, WORLD, TCP, 80}, TG_INGRESS, "allow not-subject"},
	{12, "", {WORLD, NODE1, TCP, 80}, TG_INGRESS, "deny node-default"},
	{12, "", {NODE2, LOST, TCP, 80}, TG_INGRESS, "deny unknown-endpoint"},
	/* 13: hostNetwork pods are the node */
	{13, "policy a/p *\ningress from ns:* ports any", {NODE2, A_WEB, TCP, 80}, TG_INGRESS,
		"deny implicit a: p"},
	{13, "policy c/p *\negress from any ports any", {NODE2, A_WEB, TCP, 80}, TG_EGRESS,
		"allow not-subject"},
	/* 14: finished pods give no address */
	{14, "policy a/p *\ningress from ns:* ports any", {"10.0.2.9", A_WEB, TCP, 80}, TG_INGRESS,
		"deny implicit a: p"},
	{14, "", {"10.0.2.9", A_WEB, TCP, 80}, TG_EGRESS, "deny unknown-endpoint"},
	{14,
		"pod c/old 10.0.2.50 labels app=web created 5\npod c/new 10.0.2.50 labels app=db created 6\n"
		"policy a/p *\ningress from ns:*+app=db ports any",
		{"10.0.2.50", A_WEB, TCP, 1}, TG_INGRESS, "allow a/p[0]"},
	{14,
		"pod c/new 10.0.2.50 labels app=db created 6 terminating\n"
		"pod c/old 10.0.2.50 labels app=web created 5\n"
		"policy a/p *\ningress from ns:*+app=db ports any",
		{"10.0.2.50", A_WEB, TCP, 1}, TG_INGRESS, "deny implicit a: p"},
	{14, "pod c/x 10.0.2.50 labels app=web created 5\npod c/y 10.0.2.50 labels app=web created 5\n",
		{"10.0.2.50", WORLD, TCP, 1}, TG_EGRESS, "deny address-conflict"},
	{14, "pod c/x 10.0.2.50 created 5\npod c/y 10.0.2.50 created 5\npod c/z 10.0.2.50 created 6",
		{"10.0.2.50", WORLD, TCP, 1}, TG_EGRESS, "deny baseline c"},
	{14, "pod c/z 10.0.2.50 created 6\npod c/x 10.0.2.50 created 5\npod c/y 10.0.2.50 created 5\n",
		{"10.0.2.50", WORLD, TCP, 1}, TG_EGRESS, "deny baseline c"},
	/* 15, 16: labels of namespaces, as they are now */
	{15, "policy a/p *\ningress from ns:kubernetes.io/metadata.name=b ports any",
		{B_WEB, A_WEB, TCP, 80}, TG_INGRESS, "allow a/p[0]"},
	{15, "policy a/p *\ningress from ns:kubernetes.io/metadata.name=b ports any",
		{C_JOB, A_WEB, TCP, 80}, TG_INGRESS, "deny implicit a: p"},
	{16, "policy a/p *\ningress from ns:team!=red ports any", {C_JOB, A_WEB, TCP, 80},
		TG_INGRESS, "allow a/p[0]"},
	/* 17: unknown endpoints, against everybody */
	{17, "", {UNKNOWN, WORLD, TCP, 80}, TG_EGRESS, "deny unknown-endpoint"},
	{17, "", {WORLD, UNKNOWN, TCP, 80}, TG_INGRESS, "deny unknown-endpoint"},
	{17, "", {WORLD, UNKNOWN, TCP, 80}, TG_EGRESS, "allow not-subject"},
	{17, "", {"fd00:1::99", "fd00:1::1", TCP, 80}, TG_EGRESS, "deny unknown-endpoint"},
	{17, "", {"10.0.3.1", A_WEB, TCP, 80}, TG_EGRESS, "allow not-subject"},
	/* 19: baseline and transit */
	{19, "", {A_WEB, WORLD, TCP, 80}, TG_EGRESS, "deny baseline a"},
	{19, "", {WORLD, C_JOB, TCP, 80}, TG_INGRESS, "deny baseline c"},
	{19, "", {WORLD, "198.51.100.7", TCP, 80}, TG_EGRESS, "deny transit"},
	{19, "", {WORLD, "198.51.100.7", TCP, 80}, TG_INGRESS, "deny transit"},
	{19, "", {WORLD, A_WEB, TCP, 80}, TG_EGRESS, "allow not-subject"},
	/* 20: Service addresses */
	{20, "", {A_WEB, SERVICE, TCP, 80}, TG_INGRESS, "deny service-address"},
	{20, "", {SERVICE, WORLD, TCP, 80}, TG_EGRESS, "deny service-address"},
};

static void check_row(const struct row *row, const struct tg_compile_options *options)
{
	struct tg_compiler *compiler = tg_compiler_create();
	struct test_cluster *cluster = test_cluster_create(BASE);
	struct test_ruleset ruleset;
	char says[TEST_SAYS];

	test_cluster_add(cluster, row->policies);
	ruleset = test_compile(compiler, cluster, options);
	test_says(&ruleset.image, &row->tuple, row->dir, says);
	if (strcmp(says, row->says) != 0)
		fail_msg("line %d: [%s] %s -> %s %u/%u %s: says \"%s\", not \"%s\"", row->line,
			row->policies, row->tuple.src, row->tuple.dst, row->tuple.protocol,
			row->tuple.dport, tg_direction_label(row->dir), says, row->says);
	test_ruleset_free(&ruleset);
	test_cluster_free(cluster);
	tg_compiler_free(compiler);
}

static void each_line_of_the_semantics(void **state)
{
	const struct tg_compile_options options = {.generation = 1};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		check_row(&rows[i], &options);
}

/* semantics 19: isolation enforces whatever the default action */
static void default_actions(void **state)
{
	static const struct {
		enum tg_default_action mode;
		struct row row;
	} modes[] = {
		{TG_DEFAULT_AUDIT,
			{19, "", {A_WEB, WORLD, TCP, 80}, TG_EGRESS, "audit baseline a"}},
		{TG_DEFAULT_AUDIT, {19, "policy a/p *\negress", {A_WEB, WORLD, TCP, 80}, TG_EGRESS,
					   "deny implicit a: p"}},
		{TG_DEFAULT_AUDIT,
			{19, "", {NODE1, NODE2, TCP, 80}, TG_EGRESS, "audit node-default"}},
		{TG_DEFAULT_AUDIT,
			{19, "", {UNKNOWN, A_WEB, TCP, 80}, TG_EGRESS, "deny unknown-endpoint"}},
		{TG_DEFAULT_KUBERNETES,
			{19, "", {A_WEB, WORLD, TCP, 80}, TG_EGRESS, "allow default-allow"}},
		{TG_DEFAULT_KUBERNETES, {19, "policy a/p *\negress", {A_WEB, WORLD, TCP, 80},
						TG_EGRESS, "deny implicit a: p"}},
		{TG_DEFAULT_KUBERNETES,
			{19, "", {NODE1, WORLD, TCP, 80}, TG_EGRESS, "allow node-default"}},
		{TG_DEFAULT_KUBERNETES,
			{20, "", {A_WEB, SERVICE, TCP, 80}, TG_INGRESS, "deny service-address"}},
		{TG_DEFAULT_KUBERNETES,
			{17, "", {A_WEB, UNKNOWN, TCP, 80}, TG_INGRESS, "deny unknown-endpoint"}},
		{TG_DEFAULT_KUBERNETES,
			{19, "", {WORLD, "198.51.100.7", TCP, 80}, TG_EGRESS, "deny transit"}},
	};

	for (size_t i = 0; i < sizeof(modes) / sizeof(modes[0]); i++) {
		const struct tg_compile_options options = {
			.generation = 1, .default_action = {modes[i].mode, modes[i].mode}};

		check_row(&modes[i].row, &options);
	}
}

static void default_action_is_per_direction(void **state)
{
	const struct tg_compile_options options = {
		.generation = 1, .default_action = {[TG_EGRESS] = TG_DEFAULT_AUDIT}};
	static const struct row both[] = {
		{19, "", {A_WEB, B_WEB, TCP, 80}, TG_EGRESS, "audit baseline a"},
		{19, "", {A_WEB, B_WEB, TCP, 80}, TG_INGRESS, "deny baseline b"},
		{19, "", {NODE1, NODE2, TCP, 80}, TG_EGRESS, "audit node-default"},
		{19, "", {NODE1, NODE2, TCP, 80}, TG_INGRESS, "deny node-default"},
	};

	for (size_t i = 0; i < sizeof(both) / sizeof(both[0]); i++)
		check_row(&both[i], &options);
}

static void transit_can_be_allowed(void **state)
{
	const struct tg_compile_options options = {.generation = 1, .transit_allow = true};
	static const struct row both[] = {
		{19, "", {WORLD, "198.51.100.7", TCP, 80}, TG_EGRESS, "allow transit"},
		{19, "", {WORLD, "198.51.100.7", TCP, 80}, TG_INGRESS, "allow transit"},
		{19, "", {WORLD, NODE1, TCP, 80}, TG_INGRESS, "deny node-default"},
		{19, "", {WORLD, UNKNOWN, TCP, 80}, TG_INGRESS, "deny unknown-endpoint"},
	};

	for (size_t i = 0; i < sizeof(both) / sizeof(both[0]); i++)
		check_row(&both[i], &options);
}

/* Tuples come first, on both sides, and never for pods. */
static void infrastructure_tuples(void **state)
{
	const struct tg_infrastructure tuples[] = {
		{.name = "kubelet",
			.from_nodes = true,
			.to_nodes = true,
			.protocol = TCP,
			.lo = 10250,
			.hi = 10250},
		{.name = "probe",
			.from = test_prefix("203.0.113.0/24"),
			.to = test_prefix("10.0.1.0/24"),
			.protocol = TCP,
			.lo = 80,
			.hi = 81},
		{.name = "ping",
			.from_nodes = true,
			.to = test_prefix("0.0.0.0/0"),
			.protocol = ICMP,
			.lo = 0,
			.hi = 65535},
		{.name = "wide",
			.from = test_prefix("0.0.0.0/0"),
			.to = test_prefix("198.51.100.0/24"),
			.protocol = UDP,
			.lo = 123,
			.hi = 123},
	};
	const struct tg_compile_options options = {
		.generation = 1, .infrastructure = tuples, .n_infrastructure = 4};
	static const struct row all[] = {
		{0, "", {NODE1, NODE2, TCP, 10250}, TG_EGRESS, "allow infrastructure kubelet"},
		{0, "", {NODE1, NODE2, TCP, 10250}, TG_INGRESS, "allow infrastructure kubelet"},
		{0, "", {NODE1, NODE2, TCP, 10251}, TG_INGRESS, "deny node-default"},
		{0, "policy a/p *\ningress", {WORLD, A_WEB, TCP, 80}, TG_INGRESS,
			"allow infrastructure probe"},
		{0, "policy a/p *\ningress from any ports any", {WORLD, A_WEB, TCP, 80}, TG_INGRESS,
			"allow infrastructure probe"},
		{0, "policy a/p *\ningress from any ports any", {WORLD, A_WEB, TCP, 82}, TG_INGRESS,
			"allow a/p[0]"},
		{0, "", {WORLD, A_WEB, TCP, 81}, TG_EGRESS, "allow infrastructure probe"},
		{0, "", {WORLD, B_WEB, TCP, 80}, TG_INGRESS, "deny baseline b"},
		{0, "", {"198.51.100.1", A_WEB, TCP, 80}, TG_INGRESS, "deny baseline a"},
		{0, "", {WORLD, UNKNOWN, TCP, 80}, TG_INGRESS, "allow infrastructure probe"},
		{0, "", {NODE1, WORLD, ICMP, 0}, TG_EGRESS, "allow infrastructure ping"},
		{0, "", {NODE1, A_WEB, ICMP, 0}, TG_INGRESS, "allow infrastructure ping"},
		{0, "", {A_WEB, WORLD, ICMP, 0}, TG_EGRESS, "deny baseline a"},
		{0, "", {WORLD, "198.51.100.9", UDP, 123}, TG_EGRESS, "allow infrastructure wide"},
		{0, "", {NODE1, "198.51.100.9", UDP, 123}, TG_EGRESS, "allow infrastructure wide"},
		/* A masqueraded or unknown pod does not slip through. */
		{0, "", {A_WEB, "198.51.100.9", UDP, 123}, TG_EGRESS, "deny baseline a"},
		{0, "", {UNKNOWN, "198.51.100.9", UDP, 123}, TG_EGRESS, "deny unknown-endpoint"},
		{0, "", {SERVICE, "198.51.100.9", UDP, 123}, TG_EGRESS, "deny service-address"},
	};

	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
		check_row(&all[i], &options);
}

/* semantics 17: node addresses inside pod ranges; ranges of the configuration */
static void configured_addresses(void **state)
{
	const struct tg_addr bridges[] = {test_addr("10.0.1.254")};
	const struct tg_prefix ranges[] = {test_prefix("10.9.0.0/16")};
	const struct tg_compile_options options = {.generation = 1,
		.home.node_addrs = bridges,
		.home.n_node_addrs = 1,
		.home.pod_ranges = ranges,
		.home.n_pod_ranges = 1};
	static const struct row all[] = {
		{17, "", {"10.0.1.254", WORLD, TCP, 80}, TG_EGRESS, "deny node-default"},
		{17, "", {"10.0.1.254", A_WEB, TCP, 80}, TG_EGRESS, "allow not-subject"},
		{17, "policy a/p *\ningress", {"10.0.1.254", A_WEB, TCP, 80}, TG_INGRESS,
			"deny implicit a: p"},
		{17, "", {"10.9.1.1", WORLD, TCP, 80}, TG_EGRESS, "deny unknown-endpoint"},
		{17, "pod a/thief 192.168.0.1 labels app=web\npolicy a/p *\negress from any ports any",
			{NODE1, WORLD, TCP, 80}, TG_EGRESS, "deny node-default"},
		{20, "service a/ext 10.0.1.1", {WORLD, A_WEB, TCP, 80}, TG_INGRESS,
			"deny baseline a"},
		{20, "service a/lb 192.168.0.1", {WORLD, NODE1, TCP, 80}, TG_INGRESS,
			"deny node-default"},
	};

	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
		check_row(&all[i], &options);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_line_of_the_semantics),
		cmocka_unit_test(default_actions),
		cmocka_unit_test(default_action_is_per_direction),
		cmocka_unit_test(transit_can_be_allowed),
		cmocka_unit_test(infrastructure_tuples),
		cmocka_unit_test(configured_addresses),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
