/* SPDX-License-Identifier: BSD-3-Clause */
#include "semantics_table.h"

#define META(ns, name, more) "'metadata':{'namespace':'" ns "','name':'" name "'" more "}"
#define NS(name, more) \
	"{'apiVersion':'v1','kind':'Namespace','metadata':{'name':'" name "'" more "}},"
#define POD_FULL(meta, spec, status) \
	"{'apiVersion':'v1','kind':'Pod'," meta ",'spec':{" spec "},'status':{" status "}},"
#define POD(ns, name, ip, labels)                                             \
	POD_FULL(META(ns, name, ",'labels':{" labels "}"), "'nodeName':'n0'", \
		"'phase':'Running','podIP':'" ip "'")
#define POD_AGED(name, ip, labels, age)                                            \
	POD_FULL(META("a", name, ",'labels':{" labels "}" age), "'nodeName':'n0'", \
		"'phase':'Running','podIP':'" ip "'")
#define CREATED(time) ",'creationTimestamp':'2024-01-01T00:00:" time "Z'"
#define DELETED ",'deletionTimestamp':'2024-02-01T00:00:00Z'"
#define NODE(name, ip, spec)                                                            \
	"{'apiVersion':'v1','kind':'Node','metadata':{'name':'" name "'},'spec':{" spec \
	"},'status':{'addresses':[{'type':'InternalIP','address':'" ip "'}]}},"
#define SERVICE(ns, name, spec, status)                                            \
	"{'apiVersion':'v1','kind':'Service'," META(ns, name, "") ",'spec':{" spec \
								  "},'status':{" status "}},"
#define POLICY(ns, name, spec)                                               \
	"{'apiVersion':'networking.k8s.io/v1','kind':'NetworkPolicy'," META( \
		ns, name, "") ",'spec':{" spec "}},"
#define ALL "'podSelector':{}"
#define ON(labels) "'podSelector':{'matchLabels':{" labels "}}"
#define IN_ONLY ",'policyTypes':['Ingress']"
#define OUT_ONLY ",'policyTypes':['Egress']"
/* A policy p of namespace a for all its pods: ingress rules, egress rules. */
#define INGRESS(rules) POLICY("a", "p", ALL IN_ONLY ",'ingress':[" rules "]")
#define EGRESS(rules) POLICY("a", "p", ALL OUT_ONLY ",'egress':[" rules "]")
#define FROM(peers) "{'from':[" peers "]}"
#define TO(peers) "{'to':[" peers "]}"
#define TO_PORTS(peers, ports) "{'to':[" peers "],'ports':[" ports "]}"
#define PORTS(ports) "{'ports':[" ports "]}"
#define BLOCK(cidr, excepts) "{'ipBlock':{'cidr':'" cidr "','except':[" excepts "]}}"
#define PODS(selector) "{'podSelector':{" selector "}}"
#define IN_NS(selector) "{'namespaceSelector':{" selector "}}"
#define LABELS(labels) "'matchLabels':{" labels "}"
#define EXPR(key, op, more) "'matchExpressions':[{'key':'" key "','operator':'" op "'" more "}]"
#define VALUES(values) ",'values':[" values "]"

#define WEB "10.1.0.2"
#define DB "10.1.0.3"
#define BWEB "10.1.1.2"
#define NODE0 "192.168.0.1"
#define NODE1 "192.168.0.2"
#define WORLD "203.0.113.9"
#define TCP 6
#define UDP 17
#define SCTP 132
#define ICMP 1
#define GRE 47

#define BY_P "policy a/p 0"
#define BY_P1 "policy a/p 1"
#define NOT_BY_P "implicit a: p"
#define BASE_A "baseline a"
#define BASE_B "baseline b"
#define NO_SUBJECT "builtin not-subject"
#define UNKNOWN "builtin unknown-endpoint"

const char *const semantics_common = NS("a", ",'labels':{'team':'x'}") NS(
	"b", ",'labels':{'team':'y'}") POD("a", "web", WEB,
	"'app':'web'") POD_FULL(META("a", "db", ",'labels':{'app':'db','tier':'data'}"),
	"'nodeName':'n0','containers':[{'name':'c','ports':["
	"{'name':'http','containerPort':80},{'name':'dns','containerPort':53,'protocol':'UDP'}]}]",
	"'phase':'Running','podIPs':[{'ip':'" DB "'},{'ip':'fd00:1::3'}],'podIP':'" DB
	"'") POD("b", "web", BWEB, "'app':'web'")
	NODE("n0", NODE0, "'podCIDRs':['10.1.0.0/24','fd00:1::/64']") NODE("n1", NODE1, "")
		SERVICE("b", "svc", "'clusterIP':'10.96.0.5','clusterIPs':['10.96.0.5']", "");

const struct semantics_row semantics_rows[] = {
	/* 1: isolation */
	{1, "no policyTypes, no egress: ingress only", MODE_DENY, POLICY("a", "p", ALL), WEB, BWEB,
		TCP, 80, BASE_A, BASE_B},
	{1, "no policyTypes isolates ingress", MODE_DENY, POLICY("a", "p", ALL), BWEB, WEB, TCP, 80,
		BASE_B, NOT_BY_P},
	{1, "an egress rule alone isolates egress", MODE_DENY,
		POLICY("a", "p", ALL ",'egress':[" PORTS("{'port':443}") "]"), WEB, BWEB, TCP, 80,
		NOT_BY_P, BASE_B},
	{1, "an egress rule alone isolates ingress too", MODE_DENY,
		POLICY("a", "p", ALL ",'egress':[{}]"), BWEB, WEB, TCP, 80, BASE_B, NOT_BY_P},
	{1, "egress: [] without policyTypes does not isolate egress", MODE_DENY,
		POLICY("a", "p", ALL ",'egress':[],'policyTypes':null"), WEB, BWEB, TCP, 80, BASE_A,
		BASE_B},
	{1, "rules of a direction not listed are ignored", MODE_DENY,
		POLICY("a", "p", ALL OUT_ONLY ",'ingress':[{}],'egress':[{}]"), BWEB, WEB, TCP, 80,
		BASE_B, BASE_A},
	{1, "types listed twice", MODE_DENY,
		POLICY("a", "p", ALL ",'policyTypes':['Egress','Egress']"), WEB, BWEB, TCP, 80,
		NOT_BY_P, BASE_B},
	{1, "Egress alone leaves ingress open", MODE_DENY,
		POLICY("a", "p", ALL ",'policyTypes':['Egress']"), BWEB, WEB, TCP, 80, BASE_B,
		BASE_A},
	/* 2: emptiness */
	{2, "ingress: [] allows nothing", MODE_DENY, INGRESS(""), BWEB, WEB, TCP, 80, BASE_B,
		NOT_BY_P},
	{2, "ingress: null allows nothing", MODE_DENY,
		POLICY("a", "p", ALL IN_ONLY ",'ingress':null"), BWEB, WEB, TCP, 80, BASE_B,
		NOT_BY_P},
	{2, "[{}] allows everything", MODE_DENY, INGRESS("{}"), BWEB, WEB, TCP, 80, BASE_B, BY_P},
	{2, "[{}] allows the outside", MODE_DENY, INGRESS("{}"), WORLD, WEB, GRE, 0, NO_SUBJECT,
		BY_P},
	{2, "from: [] is any peer", MODE_DENY, INGRESS("{'from':[]}"), WORLD, WEB, TCP, 80,
		NO_SUBJECT, BY_P},
	{2, "to: null is any peer", MODE_DENY, EGRESS("{'to':null}"), WEB, WORLD, UDP, 9, BY_P,
		NO_SUBJECT},
	{2, "ports: [] is every protocol", MODE_DENY, EGRESS("{'ports':[]}"), WEB, WORLD, ICMP, 0,
		BY_P, NO_SUBJECT},
	{2, "ports: null is every protocol", MODE_DENY, EGRESS("{'ports':null}"), WEB, WORLD, SCTP,
		9, BY_P, NO_SUBJECT},
	{2, "ports: [{}] is every TCP port", MODE_DENY, EGRESS(PORTS("{}")), WEB, WORLD, TCP, 65535,
		BY_P, NO_SUBJECT},
	{2, "ports: [{}] is TCP port 0 too", MODE_DENY, EGRESS(PORTS("{}")), WEB, WORLD, TCP, 0,
		BY_P, NO_SUBJECT},
	{2, "ports: [null] is every TCP port", MODE_DENY, EGRESS(PORTS("null")), WEB, WORLD, TCP, 1,
		BY_P, NO_SUBJECT},
	{2, "ports: [{}] is no UDP port", MODE_DENY, EGRESS(PORTS("{}")), WEB, WORLD, UDP, 53,
		NOT_BY_P, NO_SUBJECT},
	{2, "{protocol: UDP} is every UDP port", MODE_DENY, EGRESS(PORTS("{'protocol':'UDP'}")),
		WEB, WORLD, UDP, 65535, BY_P, NO_SUBJECT},
	{2, "{protocol: UDP} is no TCP port", MODE_DENY, EGRESS(PORTS("{'protocol':'UDP'}")), WEB,
		WORLD, TCP, 53, NOT_BY_P, NO_SUBJECT},
	{2, "podSelector {} stays in the namespace", MODE_DENY, POLICY("a", "p", ALL IN_ONLY), WEB,
		BWEB, TCP, 80, BASE_A, BASE_B},
	{2, "namespaceSelector {} is all namespaces", MODE_DENY, INGRESS(FROM(IN_NS(""))), BWEB,
		WEB, TCP, 80, BASE_B, BY_P},
	{2, "namespaceSelector {} is not the outside", MODE_DENY, INGRESS(FROM(IN_NS(""))), WORLD,
		WEB, TCP, 80, NO_SUBJECT, NOT_BY_P},
	/* 3: peers */
	{3, "the second peer counts", MODE_DENY,
		INGRESS(FROM(PODS(LABELS("'app':'none'")) "," IN_NS(LABELS("'team':'y'")))), BWEB,
		WEB, TCP, 80, BASE_B, BY_P},
	{3, "the first peer counts", MODE_DENY,
		INGRESS(FROM(IN_NS(LABELS("'team':'y'")) "," PODS(LABELS("'app':'none'")))), BWEB,
		WEB, TCP, 80, BASE_B, BY_P},
	{3, "both selectors must hold", MODE_DENY,
		INGRESS(FROM("{'namespaceSelector':{" LABELS(
			"'team':'y'") "},'podSelector':{" LABELS("'app':'db'") "}}")),
		BWEB, WEB, TCP, 80, BASE_B, NOT_BY_P},
	{3, "both selectors hold", MODE_DENY,
		INGRESS(FROM("{'namespaceSelector':{" LABELS(
			"'team':'y'") "},'podSelector':{" LABELS("'app':'web'") "}}")),
		BWEB, WEB, TCP, 80, BASE_B, BY_P},
	{3, "podSelector alone is the own namespace", MODE_DENY,
		INGRESS(FROM(PODS(LABELS("'app':'web'")))), BWEB, DB, TCP, 80, BASE_B, NOT_BY_P},
	{3, "podSelector alone matches there", MODE_DENY,
		POLICY("a", "p",
			ON("'app':'db'") IN_ONLY
			",'ingress':[" FROM(PODS(LABELS("'app':'web'"))) "]"),
		WEB, DB, TCP, 80, BASE_A, BY_P},
	/* 4: selectors */
	{4, "labels and expressions must both hold", MODE_DENY,
		INGRESS(FROM(PODS(LABELS("'app':'db'") "," EXPR("tier", "In", VALUES("'web'"))))),
		DB, WEB, TCP, 80, BASE_A, NOT_BY_P},
	{4, "NotIn matches an absent key", MODE_DENY,
		INGRESS(FROM(PODS(EXPR("tier", "NotIn", VALUES("'data'"))))), WEB, DB, TCP, 80,
		BASE_A, BY_P},
	{4, "NotIn excludes the value", MODE_DENY,
		INGRESS(FROM(PODS(EXPR("tier", "NotIn", VALUES("'data'"))))), DB, WEB, TCP, 80,
		BASE_A, NOT_BY_P},
	{4, "DoesNotExist matches an absent key", MODE_DENY,
		INGRESS(FROM(PODS(EXPR("tier", "DoesNotExist", "")))), WEB, DB, TCP, 80, BASE_A,
		BY_P},
	{4, "DoesNotExist excludes a present key", MODE_DENY,
		INGRESS(FROM(PODS(EXPR("tier", "DoesNotExist", "")))), DB, WEB, TCP, 80, BASE_A,
		NOT_BY_P},
	{4, "Exists", MODE_DENY, INGRESS(FROM(PODS(EXPR("tier", "Exists", "")))), DB, WEB, TCP, 80,
		BASE_A, BY_P},
	{4, "a null label is the empty string", MODE_DENY,
		POD("a", "nil", "10.1.0.9", "'tier':null") INGRESS(FROM(PODS(LABELS("'tier':''")))),
		"10.1.0.9", WEB, TCP, 80, BASE_A, BY_P},
	{4, "pods of a namespace not yet seen are unknown", MODE_SEEN,
		POD("ghost", "web", "10.1.0.9", "'app':'web'") INGRESS(FROM(IN_NS(""))), "10.1.0.9",
		WEB, TCP, 80, UNKNOWN, NOT_BY_P},
	/* 5: adding up */
	{5, "a second policy may allow", MODE_DENY,
		INGRESS("") POLICY("a", "q", ALL IN_ONLY ",'ingress':[{}]"), BWEB, WEB, TCP, 80,
		BASE_B, "policy a/q 0"},
	{5, "the first in canonical order is named", MODE_DENY,
		POLICY("a", "q", ALL IN_ONLY ",'ingress':[{}]") INGRESS("{}"), BWEB, WEB, TCP, 80,
		BASE_B, BY_P},
	{5, "the first rule that allows is named", MODE_DENY,
		INGRESS(PORTS("{'port':81}") ",{},{}"), BWEB, WEB, TCP, 80, BASE_B, BY_P1},
	{5, "the first of two that overlap, narrow first", MODE_DENY,
		INGRESS(PORTS("{'port':80}") "," PORTS("{'port':79,'endPort':81}")), BWEB, WEB, TCP,
		80, BASE_B, BY_P},
	{5, "the first of two that overlap, wide first", MODE_DENY,
		INGRESS(PORTS("{'port':79,'endPort':81}") "," PORTS("{'port':80}")), BWEB, WEB, TCP,
		80, BASE_B, BY_P},
	{5, "behind the narrow one the wide one goes on", MODE_DENY,
		INGRESS(PORTS("{'port':80}") "," PORTS("{'port':79,'endPort':81}")), BWEB, WEB, TCP,
		81, BASE_B, BY_P1},
	{5, "all that isolate are named", MODE_DENY, POLICY("a", "q", ALL) INGRESS(""), BWEB, WEB,
		TCP, 80, BASE_B, "implicit a: p, q"},
	{5, "egress allows, ingress denies", MODE_DENY, EGRESS("{}") POLICY("b", "p", ALL IN_ONLY),
		WEB, BWEB, TCP, 80, BY_P, "implicit b: p"},
	{5, "a selector that matches nothing allows nobody", MODE_DENY,
		INGRESS(FROM(PODS(LABELS("'app':'none'")))), DB, WEB, TCP, 80, BASE_A, NOT_BY_P},
	/* 6: except */
	{6, "except removes", MODE_DENY, EGRESS(TO(BLOCK("0.0.0.0/0", "'203.0.113.0/24'"))), WEB,
		WORLD, TCP, 80, NOT_BY_P, NO_SUBJECT},
	{6, "beside the except", MODE_DENY, EGRESS(TO(BLOCK("0.0.0.0/0", "'203.0.113.0/29'"))), WEB,
		WORLD, TCP, 80, BY_P, NO_SUBJECT},
	{6, "another peer may allow", MODE_DENY,
		EGRESS(TO(BLOCK("0.0.0.0/0", "'203.0.113.0/24'") "," BLOCK("203.0.113.8/31", ""))),
		WEB, WORLD, TCP, 80, BY_P, NO_SUBJECT},
	{6, "another rule may allow", MODE_DENY,
		EGRESS(TO(BLOCK("0.0.0.0/0", "'203.0.113.0/24'")) "," TO(
			BLOCK("203.0.113.9/32", ""))),
		WEB, WORLD, TCP, 80, BY_P1, NO_SUBJECT},
	{6, "another policy may allow", MODE_DENY,
		EGRESS(TO(BLOCK("0.0.0.0/0", "'203.0.113.0/24'")))
			POLICY("a", "q", ALL OUT_ONLY ",'egress':[{}]"),
		WEB, WORLD, TCP, 80, "policy a/q 0", NO_SUBJECT},
	/* 7: ipBlock */
	{7, "a block matches pods", MODE_DENY, INGRESS(FROM(BLOCK("10.1.1.0/24", ""))), BWEB, WEB,
		TCP, 80, BASE_B, BY_P},
	{7, "a block matches nodes", MODE_DENY, EGRESS(TO(BLOCK("192.168.0.1/32", ""))), WEB, NODE0,
		TCP, 80, BY_P, NO_SUBJECT},
	{7, "an except removes pods", MODE_DENY,
		INGRESS(FROM(BLOCK("10.0.0.0/8", "'10.1.1.2/32'"))), BWEB, WEB, TCP, 80, BASE_B,
		NOT_BY_P},
	{7, "host bits are masked off", MODE_DENY, INGRESS(FROM(BLOCK("10.1.1.77/24", ""))), BWEB,
		WEB, TCP, 80, BASE_B, BY_P},
	{7, "host bits of an except are masked off", MODE_DENY,
		INGRESS(FROM(BLOCK("10.0.0.0/8", "'10.1.1.77/24'"))), BWEB, WEB, TCP, 80, BASE_B,
		NOT_BY_P},
	{7, "leading zeros are decimal", MODE_DENY, INGRESS(FROM(BLOCK("010.001.001.002/32", ""))),
		BWEB, WEB, TCP, 80, BASE_B, BY_P},
	{7, "a mapped prefix is the IPv4 prefix", MODE_DENY,
		INGRESS(FROM(BLOCK("::ffff:10.1.1.0/120", ""))), BWEB, WEB, TCP, 80, BASE_B, BY_P},
	{7, "a mapped except excludes", MODE_DENY,
		INGRESS(FROM(BLOCK("10.0.0.0/8", "'::ffff:10.1.1.0/120'"))), BWEB, WEB, TCP, 80,
		BASE_B, NOT_BY_P},
	{7, "an IPv6 block is no IPv4 block", MODE_DENY, EGRESS(TO(BLOCK("::/0", ""))), WEB, WORLD,
		TCP, 80, NOT_BY_P, NO_SUBJECT},
	{7, "an IPv6 block", MODE_DENY, EGRESS(TO(BLOCK("2001:db8::/33", ""))), "fd00:1::3",
		"2001:db8:7fff::1", TCP, 80, BY_P, NO_SUBJECT},
	{7, "beside the IPv6 block", MODE_DENY, EGRESS(TO(BLOCK("2001:db8::/33", ""))), "fd00:1::3",
		"2001:db8:8000::1", TCP, 80, NOT_BY_P, NO_SUBJECT},
	/* 8: named ports */
	{8, "a named port of the subject", MODE_DENY, INGRESS(PORTS("{'port':'http'}")), WEB, DB,
		TCP, 80, BASE_A, BY_P},
	{8, "another number is not it", MODE_DENY, INGRESS(PORTS("{'port':'http'}")), WEB, DB, TCP,
		81, BASE_A, NOT_BY_P},
	{8, "a pod without the name", MODE_DENY, INGRESS(PORTS("{'port':'http'}")), DB, WEB, TCP,
		80, BASE_A, NOT_BY_P},
	{8, "the protocol must match", MODE_DENY, INGRESS(PORTS("{'port':'dns'}")), WEB, DB, TCP,
		53, BASE_A, NOT_BY_P},
	{8, "the protocol matches", MODE_DENY, INGRESS(PORTS("{'port':'dns','protocol':'UDP'}")),
		WEB, DB, UDP, 53, BASE_A, BY_P},
	{8, "egress: the destination's port", MODE_DENY,
		EGRESS(TO_PORTS(PODS(""), "{'port':'http'}")), WEB, DB, TCP, 80, BY_P, BASE_A},
	{8, "egress: no cross product", MODE_DENY,
		POD_FULL(META("a", "alt", ""),
			"'containers':[{'name':'c','ports':[{'name':'http','containerPort':8080}]}]",
			"'podIP':'10.1.0.9'") EGRESS(TO_PORTS(PODS(""), "{'port':'http'}")),
		WEB, DB, TCP, 8080, NOT_BY_P, BASE_A},
	{8, "egress to a block resolves for a pod", MODE_DENY,
		EGRESS(TO_PORTS(BLOCK("0.0.0.0/0", ""), "{'port':'http'}")), WEB, DB, TCP, 80, BY_P,
		BASE_A},
	{8, "egress to a block: nothing outside", MODE_DENY,
		EGRESS(TO_PORTS(BLOCK("0.0.0.0/0", ""), "{'port':'http'}")), WEB, WORLD, TCP, 80,
		NOT_BY_P, NO_SUBJECT},
	{8, "egress to anybody resolves for a pod", MODE_DENY, EGRESS(PORTS("{'port':'http'}")),
		WEB, DB, TCP, 80, BY_P, BASE_A},
	{8, "egress to anybody: nothing outside", MODE_DENY, EGRESS(PORTS("{'port':'http'}")), WEB,
		WORLD, TCP, 80, NOT_BY_P, NO_SUBJECT},
	{8, "sidecars count", MODE_DENY,
		POD_FULL(META("a", "car", ""),
			"'initContainers':[{'name':'c','restartPolicy':'Always','ports':[{'name':'m',"
			"'containerPort':90}]}]",
			"'podIP':'10.1.0.9'") INGRESS(PORTS("{'port':'m'}")),
		WEB, "10.1.0.9", TCP, 90, BASE_A, BY_P},
	{8, "init containers do not", MODE_DENY,
		POD_FULL(META("a", "car", ""),
			"'initContainers':[{'name':'c','ports':[{'name':'m','containerPort':90}]}]",
			"'podIP':'10.1.0.9'") INGRESS(PORTS("{'port':'m'}")),
		WEB, "10.1.0.9", TCP, 90, BASE_A, NOT_BY_P},
	{8, "one name may give several numbers", MODE_DENY,
		POD_FULL(META("a", "two", ""),
			"'containers':[{'name':'c','ports':[{'name':'m','containerPort':90}]},{'name':"
			"'d','ports':[{'name':'m','containerPort':91}]}]",
			"'podIP':'10.1.0.9'") INGRESS(PORTS("{'port':'m'}")),
		WEB, "10.1.0.9", TCP, 91, BASE_A, BY_P},
	/* 9: ranges */
	{9, "below the range", MODE_DENY, INGRESS(PORTS("{'port':80,'endPort':90}")), WEB, DB, TCP,
		79, BASE_A, NOT_BY_P},
	{9, "the first of the range", MODE_DENY, INGRESS(PORTS("{'port':80,'endPort':90}")), WEB,
		DB, TCP, 80, BASE_A, BY_P},
	{9, "the last of the range", MODE_DENY, INGRESS(PORTS("{'port':80,'endPort':90}")), WEB, DB,
		TCP, 90, BASE_A, BY_P},
	{9, "above the range", MODE_DENY, INGRESS(PORTS("{'port':80,'endPort':90}")), WEB, DB, TCP,
		91, BASE_A, NOT_BY_P},
	{9, "no protocol is TCP", MODE_DENY, INGRESS(PORTS("{'port':80}")), WEB, DB, UDP, 80,
		BASE_A, NOT_BY_P},
	{9, "SCTP", MODE_DENY, INGRESS(PORTS("{'port':80,'protocol':'SCTP'}")), WEB, DB, SCTP, 80,
		BASE_A, BY_P},
	{9, "up to 65535", MODE_DENY, INGRESS(PORTS("{'port':1,'endPort':65535}")), WEB, DB, TCP,
		65535, BASE_A, BY_P},
	{9, "but not 0", MODE_DENY, INGRESS(PORTS("{'port':1,'endPort':65535}")), WEB, DB, TCP, 0,
		BASE_A, NOT_BY_P},
	/* 10: protocols without ports */
	{10, "ICMP needs a rule without ports", MODE_DENY, INGRESS(PORTS("{}")), WEB, DB, ICMP, 0,
		BASE_A, NOT_BY_P},
	{10, "GRE needs a rule without ports", MODE_DENY, INGRESS(PORTS("{}")), WEB, DB, GRE, 0,
		BASE_A, NOT_BY_P},
	{10, "GRE by a rule without ports", MODE_DENY, INGRESS(FROM(PODS(""))), WEB, DB, GRE, 0,
		BASE_A, BY_P},
	{10, "no list of every port lets ICMP pass", MODE_DENY,
		INGRESS(PORTS("{'protocol':'TCP'},{'protocol':'UDP'},{'protocol':'SCTP'}")), WEB,
		DB, ICMP, 0, BASE_A, NOT_BY_P},
	/* 12: nodes */
	{12, "from the own node", MODE_DENY, INGRESS(""), NODE0, WEB, TCP, 80, NO_SUBJECT,
		"builtin own-node"},
	{12, "from the own node without a policy", MODE_DENY, "", NODE0, WEB, TCP, 80, NO_SUBJECT,
		"builtin own-node"},
	{12, "from another node", MODE_DENY, INGRESS(""), NODE1, WEB, TCP, 80, NO_SUBJECT,
		NOT_BY_P},
	{12, "to the own node is judged", MODE_DENY, EGRESS(""), WEB, NODE0, TCP, 80, NOT_BY_P,
		NO_SUBJECT},
	{12, "a policy that allows comes before the own node", MODE_DENY, INGRESS("{}"), NODE0, WEB,
		TCP, 80, NO_SUBJECT, BY_P},
	{12, "nodes are no transit", MODE_TRANSIT, "", NODE0, WORLD, TCP, 80,
		"builtin node-default", NO_SUBJECT},
	{12, "node to node", MODE_AUDIT, "", NODE0, NODE1, TCP, 80, "builtin node-default",
		"builtin node-default"},
	{12, "an infrastructure tuple", MODE_INFRA, "", NODE0, NODE1, TCP, 6443,
		"infrastructure api", "infrastructure api"},
	{12, "beside the infrastructure tuple", MODE_INFRA, "", NODE0, NODE1, TCP, 6444,
		"builtin node-default", "builtin node-default"},
	{12, "an infrastructure tuple is not for pods", MODE_INFRA, EGRESS(""), WEB, NODE1, TCP,
		6443, NOT_BY_P, NO_SUBJECT},
	{12, "an infrastructure tuple reaches pods", MODE_INFRA, INGRESS(""), NODE1, WEB, TCP, 6443,
		"infrastructure api", "infrastructure api"},
	{12, "an infrastructure tuple from everywhere is not for pods", MODE_INFRA, EGRESS(""), WEB,
		NODE1, TCP, 2379, NOT_BY_P, NO_SUBJECT},
	{12, "nor for unknown endpoints", MODE_INFRA, "", "10.1.0.200", NODE1, TCP, 2379, UNKNOWN,
		NO_SUBJECT},
	{12, "but for the world", MODE_INFRA, "", WORLD, NODE1, TCP, 2379, "infrastructure any",
		"infrastructure any"},
	/* 13: hostNetwork */
	{13, "a hostNetwork pod is no peer", MODE_DENY,
		POD_FULL(META("a", "host", ",'labels':{'app':'host'}"),
			"'nodeName':'n1','hostNetwork':true", "'podIP':'" NODE1 "'")
			INGRESS(FROM(PODS(LABELS("'app':'host'")))),
		NODE1, WEB, TCP, 80, NO_SUBJECT, NOT_BY_P},
	{13, "a hostNetwork pod is no subject", MODE_DENY,
		POD_FULL(META("a", "host", ",'labels':{'app':'host'}"),
			"'nodeName':'n1','hostNetwork':true", "'podIP':'" NODE1 "'") INGRESS(""),
		BWEB, NODE1, TCP, 80, BASE_B, NO_SUBJECT},
	{13, "a hostNetwork pod owns no address", MODE_DENY,
		POD_FULL(META("a", "host", ""), "'nodeName':'n1','hostNetwork':true",
			"'podIP':'10.1.0.9'"),
		"10.1.0.9", WORLD, TCP, 80, UNKNOWN, NO_SUBJECT},
	/* 14: whose address */
	{14, "a finished pod gives no address", MODE_DENY,
		POD_FULL(META("a", "job", ""), "", "'phase':'Succeeded','podIP':'10.1.0.9'"),
		"10.1.0.9", WORLD, TCP, 80, UNKNOWN, NO_SUBJECT},
	{14, "a failed pod gives no address", MODE_DENY,
		POD_FULL(META("a", "job", ""), "", "'phase':'Failed','podIP':'10.1.0.9'"),
		"10.1.0.9", WORLD, TCP, 80, UNKNOWN, NO_SUBJECT},
	{14, "the address of a finished pod is taken up", MODE_DENY,
		POD_FULL(META("a", "job", CREATED("09")), "", "'phase':'Failed','podIP':'10.1.0.9'")
			POD("b", "new", "10.1.0.9", ""),
		"10.1.0.9", WORLD, TCP, 80, BASE_B, NO_SUBJECT},
	{14, "podIP counts when podIPs is empty", MODE_DENY,
		POD_FULL(META("a", "one", ""), "", "'podIPs':[],'podIP':'10.1.0.9'"), "10.1.0.9",
		WORLD, TCP, 80, BASE_A, NO_SUBJECT},
	{14, "all podIPs count", MODE_DENY, INGRESS("{}"), "2001:db8::1", "fd00:1::3", TCP, 80,
		NO_SUBJECT, BY_P},
	{14, "live beats terminating", MODE_DENY,
		POD_AGED("old", "10.1.0.9", "'app':'old'", CREATED("01"))
			POD_AGED("new", "10.1.0.9", "'app':'new'", CREATED("09") DELETED)
				INGRESS(FROM(PODS(LABELS("'app':'old'")))),
		"10.1.0.9", WEB, TCP, 80, BASE_A, BY_P},
	{14, "the newest wins", MODE_DENY,
		POD_AGED("old", "10.1.0.9", "'app':'old'", CREATED("01"))
			POD_AGED("new", "10.1.0.9", "'app':'new'", CREATED("09"))
				INGRESS(FROM(PODS(LABELS("'app':'new'")))),
		"10.1.0.9", WEB, TCP, 80, BASE_A, BY_P},
	{14, "the newest wins in either order", MODE_DENY,
		POD_AGED("new", "10.1.0.9", "'app':'new'", CREATED("09"))
			POD_AGED("old", "10.1.0.9", "'app':'old'", CREATED("01"))
				INGRESS(FROM(PODS(LABELS("'app':'new'")))),
		"10.1.0.9", WEB, TCP, 80, BASE_A, BY_P},
	{14, "a tie denies", MODE_DENY,
		POD_AGED("one", "10.1.0.9", "", CREATED("01"))
			POD_AGED("two", "10.1.0.9", "", CREATED("01")) INGRESS("{}"),
		"10.1.0.9", WEB, TCP, 80, "builtin address-conflict", BY_P},
	{14, "a tie denies whatever the default", MODE_KUBERNETES,
		POD_AGED("one", "10.1.0.9", "", CREATED("01"))
			POD_AGED("two", "10.1.0.9", "", CREATED("01")),
		BWEB, "10.1.0.9", TCP, 80, "builtin default-allow", "builtin address-conflict"},
	{14, "a terminating pod counts until it is gone", MODE_DENY,
		POD_AGED("end", "10.1.0.9", "'app':'end'", DELETED)
			INGRESS(FROM(PODS(LABELS("'app':'end'")))),
		"10.1.0.9", WEB, TCP, 80, BASE_A, BY_P},
	{14, "a terminating namespace keeps its labels", MODE_DENY,
		NS("c", ",'labels':{'team':'z'}" DELETED) POD("c", "web", "10.1.0.9", "")
			INGRESS(FROM(IN_NS(LABELS("'team':'z'")))),
		"10.1.0.9", WEB, TCP, 80, "baseline c", BY_P},
	/* 15: names of namespaces */
	{15, "metadata.name is always set", MODE_DENY,
		INGRESS(FROM(IN_NS(LABELS("'kubernetes.io/metadata.name':'b'")))), BWEB, WEB, TCP,
		80, BASE_B, BY_P},
	{15, "metadata.name overrides", MODE_DENY,
		NS("c", ",'labels':{'kubernetes.io/metadata.name':'b'}") POD("c", "web", "10.1.0.9",
			"") INGRESS(FROM(IN_NS(LABELS("'kubernetes.io/metadata.name':'b'")))),
		"10.1.0.9", WEB, TCP, 80, "baseline c", NOT_BY_P},
	{15, "a namespace that is only mentioned exists", MODE_DENY,
		POD("ghost", "web", "10.1.0.9", "")
			INGRESS(FROM(IN_NS(LABELS("'kubernetes.io/metadata.name':'ghost'")))),
		"10.1.0.9", WEB, TCP, 80, "baseline ghost", BY_P},
	/* 17: unknown endpoints */
	{17, "inside a node's pod CIDR", MODE_KUBERNETES, "", "10.1.0.200", WORLD, TCP, 80, UNKNOWN,
		NO_SUBJECT},
	{17, "as a destination", MODE_KUBERNETES, "", WEB, "10.1.0.200", TCP, 80,
		"builtin default-allow", UNKNOWN},
	{17, "outside every range is the world", MODE_DENY, INGRESS("{}"), "10.1.2.200", WEB, TCP,
		80, NO_SUBJECT, BY_P},
	{17, "inside a configured range", MODE_NODES, INGRESS("{}"), "10.1.2.200", WEB, TCP, 80,
		UNKNOWN, BY_P},
	{17, "inside a range and a block of a policy", MODE_NODES,
		INGRESS(FROM(BLOCK("10.1.2.0/24", ""))), "10.1.2.200", WEB, TCP, 80, UNKNOWN, BY_P},
	{17, "a bridge inside the range is a node", MODE_NODES, "", "10.1.0.1", WORLD, TCP, 80,
		"builtin node-default", NO_SUBJECT},
	{17, "a bridge is nobody's own node", MODE_NODES, INGRESS(""), "10.1.0.1", WEB, TCP, 80,
		NO_SUBJECT, NOT_BY_P},
	{17, "a pod outside the ranges is a pod", MODE_DENY, "", BWEB, WORLD, TCP, 80, BASE_B,
		NO_SUBJECT},
	/* 19: the default action */
	{19, "audit", MODE_AUDIT, "", WEB, BWEB, TCP, 80, BASE_A, BASE_B},
	{19, "kubernetes", MODE_KUBERNETES, "", WEB, BWEB, TCP, 80, "builtin default-allow",
		"builtin default-allow"},
	{19, "isolation enforces in audit", MODE_AUDIT, INGRESS(""), BWEB, WEB, TCP, 80, BASE_B,
		NOT_BY_P},
	{19, "isolation enforces in kubernetes", MODE_KUBERNETES, INGRESS(""), BWEB, WEB, TCP, 80,
		"builtin default-allow", NOT_BY_P},
	{19, "transit is denied", MODE_KUBERNETES, "", WORLD, "8.8.8.8", TCP, 80, "builtin transit",
		"builtin transit"},
	{19, "transit: allow", MODE_TRANSIT, "", WORLD, "8.8.8.8", TCP, 80, "builtin transit",
		"builtin transit"},
	/* 20: Services */
	{20, "a cluster IP is no pod", MODE_KUBERNETES, "", WEB, "10.96.0.5", TCP, 80,
		"builtin default-allow", "builtin service-address"},
	{20, "nor a source", MODE_KUBERNETES, "", "10.96.0.5", WEB, TCP, 80,
		"builtin service-address", "builtin default-allow"},
	{20, "external IPs", MODE_KUBERNETES,
		SERVICE("b", "ext", "'externalIPs':['198.51.100.7']", ""), WEB, "198.51.100.7", TCP,
		80, "builtin default-allow", "builtin service-address"},
	{20, "load balancer IPs", MODE_KUBERNETES,
		SERVICE("b", "lb", "", "'loadBalancer':{'ingress':[{'ip':'198.51.100.8'}]}"), WEB,
		"198.51.100.8", TCP, 80, "builtin default-allow", "builtin service-address"},
	{20, "a headless Service has none", MODE_KUBERNETES,
		SERVICE("b", "none", "'clusterIP':'None','clusterIPs':['None']", ""), WEB, WORLD,
		TCP, 80, "builtin default-allow", NO_SUBJECT},
};

const size_t semantics_n_rows = sizeof(semantics_rows) / sizeof(semantics_rows[0]);
