/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * JSON of the size and the shape that a cluster's objects have: most of a pod is what nobody but
 * the kubelet wants to know.
 */
#include "render.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

/* Texts up to a NULL. Faster than formats, and this is most of what a large list costs. */
static void put(struct buf *out, ...)
{
	const char *text;
	va_list args;

	va_start(args, out);
	while ((text = va_arg(args, const char *)) != NULL)
		buf_text(out, text);
	va_end(args);
}

static const char *string(const struct made *made, uint32_t id)
{
	const struct tg_cluster *cluster = made->cluster;

	return tg_intern_text(cluster->strings, id);
}

static uint64_t hash_of(const char *text, uint64_t seed)
{
	uint64_t hash = seed ^ 0xcbf29ce484222325u;

	for (; *text != '\0'; text++)
		hash = (hash ^ (unsigned char)*text) * 0x100000001b3u;
	return hash ^ hash >> 29;
}

static void uid_of(const char *name, uint64_t seed, char out[40])
{
	uint64_t a = hash_of(name, seed), b = hash_of(name, a);

	snprintf(out, 40, "%08x-%04x-4%03x-a%03x-%012llx", (unsigned int)(a >> 32),
		(unsigned int)(a >> 16 & 0xffff), (unsigned int)(a & 0xfff),
		(unsigned int)(b >> 52), (unsigned long long)(b & 0xffffffffffff));
}

static void time_of(int64_t seconds, char out[24])
{
	time_t when = (time_t)seconds;
	struct tm tm;

	gmtime_r(&when, &tm);
	strftime(out, 24, "%Y-%m-%dT%H:%M:%SZ", &tm);
}

/* {"metadata":{ and who it is, up to the creationTimestamp. */
static void put_identity(
	struct buf *out, const char *ns, const char *name, uint64_t rv, int64_t created)
{
	char uid[40], when[24], revision[24];

	uid_of(name, ns != NULL ? hash_of(ns, 0) : 0, uid);
	time_of(created, when);
	snprintf(revision, sizeof(revision), "%llu", (unsigned long long)rv);
	put(out, "{\"metadata\":{\"name\":\"", name, NULL);
	if (ns != NULL)
		put(out, "\",\"namespace\":\"", ns, NULL);
	put(out, "\",\"uid\":\"", uid, "\",\"resourceVersion\":\"", revision,
		"\",\"creationTimestamp\":\"", when, "\"", NULL);
}

const char *render_label(const struct made *made, uint32_t i, char *buf)
{
	const struct tg_pod *look = made->look;

	if (made->serial == 0 || strcmp(string(made, look->labels.v[i].key), "version") != 0)
		return string(made, look->labels.v[i].value);
	snprintf(buf, 16, "v2.%u", made->serial);
	return buf;
}

static void put_pod_labels(const struct made *made, struct buf *out)
{
	const struct tg_pod *look = made->look;
	char buf[16];

	buf_text(out, ",\"labels\":{");
	for (uint32_t i = 0; i < look->labels.n; i++)
		put(out, i > 0 ? ",\"" : "\"", string(made, look->labels.v[i].key), "\":\"",
			render_label(made, i, buf), "\"", NULL);
	buf_text(out, "}");
}

static void put_labels(const struct made *made, const struct tg_labels *labels, struct buf *out)
{
	buf_text(out, ",\"labels\":{");
	for (uint32_t i = 0; i < labels->n; i++)
		put(out, i > 0 ? ",\"" : "\"", string(made, labels->v[i].key), "\":\"",
			string(made, labels->v[i].value), "\"", NULL);
	buf_text(out, "}");
}

static void put_managed_fields(const char *when, struct buf *out)
{
	put(out,
		",\"managedFields\":[{\"manager\":\"kube-controller-manager\",\"operation\":\"Update\","
		"\"apiVersion\":\"v1\",\"time\":\"",
		when,
		"\",\"fieldsType\":\"FieldsV1\",\"fieldsV1\":{\"f:metadata\":{\"f:annotations\":{\".\":{},"
		"\"f:checksum/config\":{}},\"f:generateName\":{},\"f:labels\":{\".\":{},"
		"\"f:app.kubernetes.io/component\":{},\"f:app.kubernetes.io/name\":{},"
		"\"f:pod-template-hash\":{},\"f:team\":{},\"f:tier\":{},\"f:version\":{}},"
		"\"f:ownerReferences\":{\".\":{},\"k:{\\\"uid\\\":\\\"7b0c3c1e-93f1-4cd5-a7a9-"
		"0d0c4e1f6a11\\\"}\":{\".\":{},\"f:apiVersion\":{},\"f:blockOwnerDeletion\":{},"
		"\"f:controller\":{},\"f:kind\":{},\"f:name\":{},\"f:uid\":{}}}},\"f:spec\":{"
		"\"f:containers\":{\"k:{\\\"name\\\":\\\"app\\\"}\":{\".\":{},\"f:env\":{\".\":{},"
		"\"k:{\\\"name\\\":\\\"LOG_LEVEL\\\"}\":{\".\":{},\"f:name\":{},\"f:value\":{}}},"
		"\"f:image\":{},\"f:imagePullPolicy\":{},\"f:livenessProbe\":{\".\":{},"
		"\"f:failureThreshold\":{},\"f:httpGet\":{\".\":{},\"f:path\":{},\"f:port\":{},"
		"\"f:scheme\":{}},\"f:periodSeconds\":{},\"f:successThreshold\":{},"
		"\"f:timeoutSeconds\":{}},\"f:name\":{},\"f:ports\":{\".\":{}},\"f:resources\":{\".\":{},"
		"\"f:limits\":{\".\":{},\"f:cpu\":{},\"f:memory\":{}},\"f:requests\":{\".\":{},"
		"\"f:cpu\":{},\"f:memory\":{}}}}},\"f:dnsPolicy\":{},\"f:enableServiceLinks\":{},"
		"\"f:restartPolicy\":{},\"f:schedulerName\":{},\"f:securityContext\":{},"
		"\"f:terminationGracePeriodSeconds\":{}}}},{\"manager\":\"kubelet\",\"operation\":"
		"\"Update\",\"apiVersion\":\"v1\",\"time\":\"",
		when,
		"\",\"fieldsType\":\"FieldsV1\",\"fieldsV1\":{\"f:status\":{\"f:conditions\":{"
		"\"k:{\\\"type\\\":\\\"ContainersReady\\\"}\":{\".\":{},\"f:status\":{},\"f:type\":{}},"
		"\"k:{\\\"type\\\":\\\"Initialized\\\"}\":{\".\":{},\"f:status\":{},\"f:type\":{}},"
		"\"k:{\\\"type\\\":\\\"Ready\\\"}\":{\".\":{},\"f:status\":{},\"f:type\":{}}},"
		"\"f:containerStatuses\":{},\"f:hostIP\":{},\"f:phase\":{},\"f:podIP\":{},"
		"\"f:podIPs\":{\".\":{}},\"f:startTime\":{}}}}]}",
		NULL);
}

static void put_ports(const struct made *made, struct buf *out)
{
	const struct tg_pod *pod = made->object;
	char number[8], protocol[4];

	buf_text(out, ",\"ports\":[");
	for (uint32_t i = 0; i < pod->n_ports; i++) {
		snprintf(number, sizeof(number), "%u", pod->ports[i].number);
		put(out, i > 0 ? ",{\"name\":\"" : "{\"name\":\"", string(made, pod->ports[i].name),
			"\",\"containerPort\":", number, ",\"protocol\":\"",
			tg_protocol_name(pod->ports[i].protocol, protocol), "\"}", NULL);
	}
	buf_text(out, "]");
}

static const char env[] =
	",\"env\":[{\"name\":\"LOG_LEVEL\",\"value\":\"info\"},{\"name\":\"POD_NAME\",\"valueFrom\":{"
	"\"fieldRef\":{\"apiVersion\":\"v1\",\"fieldPath\":\"metadata.name\"}}},{\"name\":\"POD_IP\","
	"\"valueFrom\":{\"fieldRef\":{\"apiVersion\":\"v1\",\"fieldPath\":\"status.podIP\"}}}],"
	"\"resources\":{\"limits\":{\"cpu\":\"1\",\"memory\":\"512Mi\"},\"requests\":{\"cpu\":\"100m\","
	"\"memory\":\"256Mi\"}},\"volumeMounts\":[{\"name\":\"config\",\"mountPath\":\"/etc/app\"},{"
	"\"name\":\"kube-api-access-x7m2p\",\"readOnly\":true,\"mountPath\":\"/var/run/secrets/"
	"kubernetes.io/serviceaccount\"}],\"livenessProbe\":{\"httpGet\":{\"path\":\"/healthz\","
	"\"port\":8080,\"scheme\":\"HTTP\"},\"timeoutSeconds\":1,\"periodSeconds\":10,"
	"\"successThreshold\":1,\"failureThreshold\":3},\"terminationMessagePath\":"
	"\"/dev/termination-log\",\"terminationMessagePolicy\":\"File\",\"imagePullPolicy\":"
	"\"IfNotPresent\"}],\"restartPolicy\":\"Always\",\"terminationGracePeriodSeconds\":30,"
	"\"dnsPolicy\":\"ClusterFirst\",\"serviceAccountName\":\"default\",\"serviceAccount\":"
	"\"default\",\"nodeName\":\"";
static const char scheduling[] =
	"\",\"securityContext\":{},\"schedulerName\":\"default-scheduler\",\"tolerations\":[{\"key\":"
	"\"node.kubernetes.io/not-ready\",\"operator\":\"Exists\",\"effect\":\"NoExecute\","
	"\"tolerationSeconds\":300},{\"key\":\"node.kubernetes.io/unreachable\",\"operator\":\"Exists\","
	"\"effect\":\"NoExecute\",\"tolerationSeconds\":300}],\"priority\":0,\"enableServiceLinks\":"
	"true,\"preemptionPolicy\":\"PreemptLowerPriority\"}";
static const char volumes[] =
	",\"spec\":{\"volumes\":[{\"name\":\"config\",\"configMap\":{\"name\":\"app\",\"defaultMode\":"
	"420}},{\"name\":\"kube-api-access-x7m2p\",\"projected\":{\"sources\":[{\"serviceAccountToken\":"
	"{\"expirationSeconds\":3607,\"path\":\"token\"}},{\"configMap\":{\"name\":\"kube-root-ca.crt\","
	"\"items\":[{\"key\":\"ca.crt\",\"path\":\"ca.crt\"}]}},{\"downwardAPI\":{\"items\":[{\"path\":"
	"\"namespace\",\"fieldRef\":{\"apiVersion\":\"v1\",\"fieldPath\":\"metadata.namespace\"}}]}}],"
	"\"defaultMode\":420}}],\"containers\":[{\"name\":\"app\",\"image\":\"registry.example.com/";

static void put_condition(struct buf *out, const char *type, const char *when, const char *end)
{
	put(out, "{\"type\":\"", type,
		"\",\"status\":\"True\",\"lastProbeTime\":null,\"lastTransitionTime\":\"", when,
		"\"}", end, NULL);
}

static void put_status(const struct made *made, const char *when, struct buf *out)
{
	char host[TG_ADDR_TEXT] = "", ip[TG_ADDR_TEXT];
	const struct tg_node *node = render_node_of(made->cluster, made->address);
	struct tg_addr addrs[2];
	uint32_t n = render_addresses(made, addrs);

	tg_addr_format(&node->addrs[0], host);
	buf_text(out, ",\"status\":{\"phase\":\"Running\",\"conditions\":[");
	put_condition(out, "Initialized", when, ",");
	put_condition(out, "Ready", when, ",");
	put_condition(out, "ContainersReady", when, ",");
	put_condition(out, "PodScheduled", when, "],\"hostIP\":\"");
	put(out, host, "\",\"podIP\":\"", tg_addr_format(&addrs[0], ip), "\",\"podIPs\":[", NULL);
	for (uint32_t i = 0; i < n; i++)
		put(out, i > 0 ? ",{\"ip\":\"" : "{\"ip\":\"", tg_addr_format(&addrs[i], ip), "\"}",
			NULL);
	put(out, "],\"startTime\":\"", when,
		"\",\"containerStatuses\":[{\"name\":\"app\",\"state\":{\"running\":{\"startedAt\":\"",
		when,
		"\"}},\"lastState\":{},\"ready\":true,\"restartCount\":0,\"image\":"
		"\"registry.example.com/app:1\",\"imageID\":\"registry.example.com/app@sha256:9f86d081884c7d"
		"659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08\",\"containerID\":\"containerd://2c26b46"
		"b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae\",\"started\":true}],\"qosClass\":"
		"\"Burstable\"}}",
		NULL);
}

void render_pod(const struct made *made, const char *name, uint64_t rv, struct buf *out)
{
	const struct tg_pod *pod = made->object;
	const struct tg_node *node = render_node_of(made->cluster, made->address);
	char when[24];

	time_of(pod->created_at, when);
	put_identity(out, string(made, pod->ns), name, rv, pod->created_at);
	put(out, ",\"generateName\":\"", string(made, pod->name), "-\"", NULL);
	put_pod_labels(made, out);
	put(out,
		",\"annotations\":{\"checksum/config\":\"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934c"
		"a495991b7852b855\"},\"ownerReferences\":[{\"apiVersion\":\"apps/v1\",\"kind\":"
		"\"ReplicaSet\",\"name\":\"",
		string(made, pod->name),
		"\",\"uid\":\"7b0c3c1e-93f1-4cd5-a7a9-0d0c4e1f6a11\",\"controller\":true,"
		"\"blockOwnerDeletion\":true}]",
		NULL);
	put_managed_fields(when, out);
	put(out, volumes, string(made, pod->ns), "/app:1\"", NULL);
	put_ports(made, out);
	put(out, env, string(made, node->name), scheduling, NULL);
	put_status(made, when, out);
}

const struct tg_node *render_node_of(const struct tg_cluster *cluster, uint32_t address)
{
	/* perf/gen gives the nodes a /24 each, in order. */
	uint32_t first = tg_addr_v4(&cluster->nodes[0]->pod_cidrs[0].addr);

	return cluster->nodes[(address - first) >> 8];
}

uint32_t render_addresses(const struct made *made, struct tg_addr out[2])
{
	const struct tg_node *node = render_node_of(made->cluster, made->address);

	out[0] = tg_addr_from_v4(made->address);
	if (node->n_pod_cidrs < 2)
		return 1;
	out[1] = node->pod_cidrs[1].addr;
	out[1].bytes[15] = (uint8_t)made->address;
	return 2;
}

void render_namespace(const struct made *made, const char *name, uint64_t rv, struct buf *out)
{
	const struct tg_namespace *ns = made->object;

	put_identity(out, NULL, name, rv, 1700000000);
	put_labels(made, &ns->labels, out);
	buf_text(out,
		"},\"spec\":{\"finalizers\":[\"kubernetes\"]},\"status\":{\"phase\":\"Active\"}}");
}

void render_node(const struct made *made, const char *name, uint64_t rv, struct buf *out)
{
	const struct tg_node *node = made->object;
	char text[TG_PREFIX_TEXT];

	put_identity(out, NULL, name, rv, 1700000000);
	put_labels(made, &node->labels, out);
	put(out, "},\"spec\":{\"podCIDR\":\"", tg_prefix_format(&node->pod_cidrs[0], text),
		"\",\"podCIDRs\":[", NULL);
	for (uint32_t i = 0; i < node->n_pod_cidrs; i++)
		put(out, i > 0 ? ",\"" : "\"", tg_prefix_format(&node->pod_cidrs[i], text), "\"",
			NULL);
	buf_text(out, "]},\"status\":{\"addresses\":[");
	for (uint32_t i = 0; i < node->n_addrs; i++)
		put(out, "{\"type\":\"InternalIP\",\"address\":\"",
			tg_addr_format(&node->addrs[i], text), "\"},", NULL);
	put(out, "{\"type\":\"Hostname\",\"address\":\"", name, "\"}]}}", NULL);
}

void render_service(const struct made *made, const char *name, uint64_t rv, struct buf *out)
{
	const struct tg_service *service = made->object;
	char text[TG_ADDR_TEXT];

	put_identity(out, string(made, service->ns), name, rv, 1700000000);
	put(out, "},\"spec\":{\"clusterIP\":\"", tg_addr_format(&service->addrs[0], text),
		"\",\"clusterIPs\":[", NULL);
	for (uint32_t i = 0; i < service->n_addrs; i++)
		put(out, i > 0 ? ",\"" : "\"", tg_addr_format(&service->addrs[i], text), "\"",
			NULL);
	buf_text(out, "],\"type\":\"ClusterIP\"},\"status\":{\"loadBalancer\":{}}}");
}

static void put_requirement(
	const struct made *made, const struct tg_requirement *req, struct buf *out)
{
	static const char *const ops[] = {"In", "NotIn", "Exists", "DoesNotExist"};

	put(out, "{\"key\":\"", string(made, req->key), "\",\"operator\":\"", ops[req->op], "\"",
		NULL);
	for (uint32_t i = 0; i < req->n_values; i++)
		put(out, i > 0 ? ",\"" : ",\"values\":[\"", string(made, req->values[i]), "\"",
			NULL);
	buf_text(out, req->n_values > 0 ? "]}" : "}");
}

static void put_selector(
	const struct made *made, const struct tg_selector *selector, struct buf *out)
{
	buf_text(out, selector->n_reqs > 0 ? "{\"matchExpressions\":[" : "{");
	for (uint32_t i = 0; i < selector->n_reqs; i++) {
		buf_text(out, i > 0 ? "," : "");
		put_requirement(made, &selector->reqs[i], out);
	}
	buf_text(out, selector->n_reqs > 0 ? "]}" : "}");
}

static void put_peer(const struct made *made, const struct tg_peer *peer, struct buf *out)
{
	const char *lead = "{";
	char text[TG_PREFIX_TEXT];

	if (peer->is_block) {
		put(out, "{\"ipBlock\":{\"cidr\":\"", tg_prefix_format(&peer->block, text), "\"",
			NULL);
		for (uint32_t i = 0; i < peer->n_except; i++)
			put(out, i > 0 ? ",\"" : ",\"except\":[\"",
				tg_prefix_format(&peer->except[i], text), "\"", NULL);
		buf_text(out, peer->n_except > 0 ? "]}}" : "}}");
		return;
	}
	if (peer->has_ns_selector) {
		buf_text(out, "{\"namespaceSelector\":");
		put_selector(made, &peer->ns_selector, out);
		lead = ",";
	}
	if (peer->has_pod_selector) {
		put(out, lead, "\"podSelector\":", NULL);
		put_selector(made, &peer->pod_selector, out);
	}
	buf_text(out, "}");
}

static void put_port(const struct made *made, const struct tg_policy_port *port, struct buf *out)
{
	char protocol[4];

	put(out, "{\"protocol\":\"", tg_protocol_name(port->protocol, protocol), "\"", NULL);
	if (port->named)
		put(out, ",\"port\":\"", string(made, port->name), "\"", NULL);
	else if (port->lo != 0)
		buf_printf(out, ",\"port\":%u", port->lo);
	if (!port->named && port->lo != 0 && port->hi != port->lo)
		buf_printf(out, ",\"endPort\":%u", port->hi);
	buf_text(out, "}");
}

static void put_rule(const struct made *made, const struct tg_policy_rule *rule, const char *peers,
	struct buf *out)
{
	buf_text(out, "{");
	for (uint32_t i = 0; i < rule->n_peers; i++) {
		put(out, i > 0 ? "," : "\"", i > 0 ? "" : peers, i > 0 ? "" : "\":[", NULL);
		put_peer(made, &rule->peers[i], out);
	}
	buf_text(out, rule->n_peers == 0 ? "" : rule->n_ports > 0 ? "]," : "]");
	for (uint32_t i = 0; i < rule->n_ports; i++) {
		buf_text(out, i > 0 ? "," : "\"ports\":[");
		put_port(made, &rule->ports[i], out);
	}
	buf_text(out, rule->n_ports > 0 ? "]}" : "}");
}

static void put_side(const struct made *made, const struct tg_policy_side *side, const char *name,
	const char *peers, struct buf *out)
{
	for (uint32_t i = 0; i < side->n_rules; i++) {
		put(out, i > 0 ? "," : ",\"", i > 0 ? "" : name, i > 0 ? "" : "\":[", NULL);
		put_rule(made, &side->rules[i], peers, out);
	}
	buf_text(out, side->n_rules > 0 ? "]" : "");
}

void render_policy(const struct made *made, const char *name, uint64_t rv, struct buf *out)
{
	const struct tg_policy *policy = made->object;
	const bool in = policy->side[TG_INGRESS].isolates,
		   egress = policy->side[TG_EGRESS].isolates;

	put_identity(out, string(made, policy->ns), name, rv, 1700000000);
	buf_text(out, ",\"generation\":1},\"spec\":{\"podSelector\":");
	put_selector(made, &policy->pod_selector, out);
	put_side(made, &policy->side[TG_INGRESS], "ingress", "from", out);
	put_side(made, &policy->side[TG_EGRESS], "egress", "to", out);
	put(out, ",\"policyTypes\":[", in ? "\"Ingress\"" : "", in && egress ? "," : "",
		egress ? "\"Egress\"" : "", "]}}", NULL);
}
