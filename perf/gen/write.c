/* SPDX-License-Identifier: BSD-3-Clause */
/* A cluster as manifests. */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "internal.h"

struct writer {
	const struct tg_cluster *cluster;
	FILE *f;
};

static const char *text(const struct writer *w, uint32_t id)
{
	return tg_intern_text(w->cluster->strings, id);
}

static int open_file(struct writer *w, const char *path)
{
	w->f = fopen(path, "we");
	return w->f != NULL ? 0 : -errno;
}

static int close_file(struct writer *w)
{
	int bad = ferror(w->f);

	errno = EIO;
	return fclose(w->f) != 0 || bad ? -errno : 0;
}

/* {"k":"v",...}: flow style is YAML and JSON alike. */
static void put_labels(struct writer *w, const struct tg_labels *labels)
{
	fputc('{', w->f);
	for (uint32_t i = 0; i < labels->n; i++)
		fprintf(w->f, "%s\"%s\": \"%s\"", i > 0 ? ", " : "", text(w, labels->v[i].key),
			text(w, labels->v[i].value));
	fputc('}', w->f);
}

static void put_head(struct writer *w, const char *version, const char *kind, uint32_t ns,
	uint32_t name, const struct tg_labels *labels)
{
	fprintf(w->f, "---\napiVersion: %s\nkind: %s\nmetadata:\n  name: \"%s\"\n", version, kind,
		text(w, name));
	if (ns != 0)
		fprintf(w->f, "  namespace: \"%s\"\n", text(w, ns));
	if (labels != NULL && labels->n > 0) {
		fputs("  labels: ", w->f);
		put_labels(w, labels);
		fputc('\n', w->f);
	}
}

static void put_namespaces(struct writer *w)
{
	for (size_t i = 0; i < w->cluster->n_namespaces; i++) {
		const struct tg_namespace *ns = w->cluster->namespaces[i];

		put_head(w, "v1", "Namespace", 0, ns->name, &ns->labels);
	}
}

static void put_nodes(struct writer *w)
{
	char buf[TG_PREFIX_TEXT];

	for (size_t i = 0; i < w->cluster->n_nodes; i++) {
		const struct tg_node *node = w->cluster->nodes[i];

		put_head(w, "v1", "Node", 0, node->name, &node->labels);
		fputs("spec:\n  podCIDRs:\n", w->f);
		for (uint32_t k = 0; k < node->n_pod_cidrs; k++)
			fprintf(w->f, "  - \"%s\"\n", tg_prefix_format(&node->pod_cidrs[k], buf));
		fputs("status:\n  addresses:\n", w->f);
		for (uint32_t k = 0; k < node->n_addrs; k++)
			fprintf(w->f, "  - {type: InternalIP, address: \"%s\"}\n",
				tg_addr_format(&node->addrs[k], buf));
	}
}

static void put_services(struct writer *w)
{
	char buf[TG_ADDR_TEXT];

	for (size_t i = 0; i < w->cluster->n_services; i++) {
		const struct tg_service *service = w->cluster->services[i];

		put_head(w, "v1", "Service", service->ns, service->name, NULL);
		fprintf(w->f, "spec:\n  clusterIP: \"%s\"\n  clusterIPs:\n",
			tg_addr_format(&service->addrs[0], buf));
		for (uint32_t k = 0; k < service->n_addrs; k++)
			fprintf(w->f, "  - \"%s\"\n", tg_addr_format(&service->addrs[k], buf));
	}
}

static void put_requirement(struct writer *w, const struct tg_requirement *req)
{
	static const char *const ops[] = {"In", "NotIn", "Exists", "DoesNotExist"};

	fprintf(w->f, "{key: \"%s\", operator: %s", text(w, req->key), ops[req->op]);
	for (uint32_t i = 0; i < req->n_values; i++)
		fprintf(w->f, "%s\"%s\"", i > 0 ? ", " : ", values: [", text(w, req->values[i]));
	fputs(req->n_values > 0 ? "]}" : "}", w->f);
}

/* People write matchLabels where they can. */
static bool as_match_labels(const struct tg_selector *selector)
{
	for (uint32_t i = 0; i < selector->n_reqs; i++) {
		const struct tg_requirement *req = &selector->reqs[i];

		if (req->op != TG_OP_IN || req->n_values != 1 ||
			(i > 0 && req->key == selector->reqs[i - 1].key))
			return false;
	}
	return true;
}

static void put_selector(struct writer *w, const struct tg_selector *selector)
{
	bool labels = as_match_labels(selector);

	if (selector->n_reqs == 0) {
		fputs("{}\n", w->f);
		return;
	}
	fputs(labels ? "{matchLabels: {" : "{matchExpressions: [", w->f);
	for (uint32_t i = 0; i < selector->n_reqs; i++) {
		const struct tg_requirement *req = &selector->reqs[i];

		fputs(i > 0 ? ", " : "", w->f);
		if (labels)
			fprintf(w->f, "\"%s\": \"%s\"", text(w, req->key), text(w, req->values[0]));
		else
			put_requirement(w, req);
	}
	fputs(labels ? "}}\n" : "]}\n", w->f);
}

static void put_block(struct writer *w, const struct tg_peer *peer)
{
	char buf[TG_PREFIX_TEXT];

	fprintf(w->f, "    - ipBlock:\n        cidr: \"%s\"\n",
		tg_prefix_format(&peer->block, buf));
	for (uint32_t i = 0; i < peer->n_except; i++)
		fprintf(w->f, "%s        - \"%s\"\n", i == 0 ? "        except:\n" : "",
			tg_prefix_format(&peer->except[i], buf));
}

static void put_peer(struct writer *w, const struct tg_peer *peer)
{
	const char *lead = "    - ";

	if (peer->is_block) {
		put_block(w, peer);
		return;
	}
	if (peer->has_ns_selector) {
		fprintf(w->f, "%snamespaceSelector: ", lead);
		put_selector(w, &peer->ns_selector);
		lead = "      ";
	}
	if (peer->has_pod_selector) {
		fprintf(w->f, "%spodSelector: ", lead);
		put_selector(w, &peer->pod_selector);
	}
}

static void put_port(struct writer *w, const struct tg_policy_port *port)
{
	char buf[4];

	fprintf(w->f, "    - {protocol: %s", tg_protocol_name(port->protocol, buf));
	if (port->named)
		fprintf(w->f, ", port: \"%s\"", text(w, port->name));
	else if (port->lo != 0)
		fprintf(w->f, ", port: %u", port->lo);
	if (!port->named && port->lo != 0 && port->hi != port->lo)
		fprintf(w->f, ", endPort: %u", port->hi);
	fputs("}\n", w->f);
}

static void put_rule(struct writer *w, const struct tg_policy_rule *rule, const char *peers)
{
	const char *lead = "  - ";

	if (rule->any_peer && rule->any_port) {
		fputs("  - {}\n", w->f);
		return;
	}
	if (!rule->any_peer) {
		fprintf(w->f, "%s%s:\n", lead, peers);
		lead = "    ";
		for (uint32_t i = 0; i < rule->n_peers; i++)
			put_peer(w, &rule->peers[i]);
	}
	if (!rule->any_port) {
		fprintf(w->f, "%sports:\n", lead);
		for (uint32_t i = 0; i < rule->n_ports; i++)
			put_port(w, &rule->ports[i]);
	}
}

static void put_side(
	struct writer *w, const struct tg_policy_side *side, const char *name, const char *peers)
{
	if (side->n_rules == 0)
		return;
	fprintf(w->f, "  %s:\n", name);
	for (uint32_t i = 0; i < side->n_rules; i++)
		put_rule(w, &side->rules[i], peers);
}

static void put_policy(struct writer *w, const struct tg_policy *policy)
{
	put_head(w, "networking.k8s.io/v1", "NetworkPolicy", policy->ns, policy->name, NULL);
	fputs("spec:\n  podSelector: ", w->f);
	put_selector(w, &policy->pod_selector);
	fprintf(w->f, "  policyTypes: [%s%s%s]\n",
		policy->side[TG_INGRESS].isolates ? "Ingress" : "",
		policy->side[TG_INGRESS].isolates && policy->side[TG_EGRESS].isolates ? ", " : "",
		policy->side[TG_EGRESS].isolates ? "Egress" : "");
	put_side(w, &policy->side[TG_INGRESS], "ingress", "from");
	put_side(w, &policy->side[TG_EGRESS], "egress", "to");
}

/* namespace/name  addresses  labels  ports  node=name; "-" for none */
static void put_endpoint(struct writer *w, const struct tg_pod *pod)
{
	char buf[TG_ADDR_TEXT], protocol[4];

	fprintf(w->f, "%s/%s  %s", text(w, pod->ns), text(w, pod->name),
		pod->n_addrs == 0 ? "-" : "");
	for (uint32_t i = 0; i < pod->n_addrs; i++)
		fprintf(w->f, "%s%s", i > 0 ? "," : "", tg_addr_format(&pod->addrs[i], buf));
	fputs(pod->labels.n == 0 ? "  -" : "  ", w->f);
	for (uint32_t i = 0; i < pod->labels.n; i++)
		fprintf(w->f, "%s%s=%s", i > 0 ? "," : "", text(w, pod->labels.v[i].key),
			text(w, pod->labels.v[i].value));
	fputs(pod->n_ports == 0 ? "  -" : "  ", w->f);
	for (uint32_t i = 0; i < pod->n_ports; i++)
		fprintf(w->f, "%s%s=%u/%s", i > 0 ? "," : "", text(w, pod->ports[i].name),
			pod->ports[i].number, tg_protocol_name(pod->ports[i].protocol, protocol));
	fprintf(w->f, "  node=%s\n", text(w, pod->node));
}

static void put_pod_json(struct writer *w, const struct tg_pod *pod)
{
	char buf[TG_ADDR_TEXT], protocol[4];

	fprintf(w->f,
		"{\"apiVersion\": \"v1\", \"kind\": \"Pod\", \"metadata\": {\"namespace\": \"%s\", "
		"\"name\": \"%s\", \"labels\": ",
		text(w, pod->ns), text(w, pod->name));
	put_labels(w, &pod->labels);
	fprintf(w->f,
		"}, \"spec\": {\"nodeName\": \"%s\", \"containers\": [{\"name\": \"app\", "
		"\"ports\": [",
		text(w, pod->node));
	for (uint32_t i = 0; i < pod->n_ports; i++)
		fprintf(w->f, "%s{\"name\": \"%s\", \"containerPort\": %u, \"protocol\": \"%s\"}",
			i > 0 ? ", " : "", text(w, pod->ports[i].name), pod->ports[i].number,
			tg_protocol_name(pod->ports[i].protocol, protocol));
	fputs("]}]}, \"status\": {\"phase\": \"Running\", \"podIPs\": [", w->f);
	for (uint32_t i = 0; i < pod->n_addrs; i++)
		fprintf(w->f, "%s{\"ip\": \"%s\"}", i > 0 ? ", " : "",
			tg_addr_format(&pod->addrs[i], buf));
	fputs("]}}", w->f);
}

static void put_pods_endpoints(struct writer *w)
{
	for (size_t i = 0; i < w->cluster->n_pods; i++)
		put_endpoint(w, w->cluster->pods[i]);
}

static void put_pods_json(struct writer *w)
{
	fputs("{\"apiVersion\": \"v1\", \"kind\": \"List\", \"items\": [\n", w->f);
	for (size_t i = 0; i < w->cluster->n_pods; i++) {
		put_pod_json(w, w->cluster->pods[i]);
		fputs(i + 1 < w->cluster->n_pods ? ",\n" : "\n", w->f);
	}
	fputs("]}\n", w->f);
}

static int write_file(
	struct writer *w, const char *dir, const char *name, void (*put)(struct writer *w))
{
	char path[PATH_MAX];
	int rc;

	if (snprintf(path, sizeof(path), "%s/%s", dir, name) >= (int)sizeof(path))
		return -ENAMETOOLONG;
	rc = open_file(w, path);
	if (rc != 0)
		return rc;
	put(w);
	return close_file(w);
}

static int by_namespace(const void *a, const void *b)
{
	const struct tg_policy *p = *(const struct tg_policy *const *)a;
	const struct tg_policy *q = *(const struct tg_policy *const *)b;

	return p->ns != q->ns ? (p->ns > q->ns) - (p->ns < q->ns)
			      : (p->name > q->name) - (p->name < q->name);
}

/* The run of policies of one namespace as one file; returns how many, or -errno. */
static int write_namespace_policies(
	struct writer *w, const char *dir, const struct tg_policy **policies, size_t n)
{
	char path[PATH_MAX];
	size_t i;
	int rc;

	if (snprintf(path, sizeof(path), "%s/%s.yaml", dir, text(w, policies[0]->ns)) >=
		(int)sizeof(path))
		return -ENAMETOOLONG;
	rc = open_file(w, path);
	if (rc != 0)
		return rc;
	for (i = 0; i < n && policies[i]->ns == policies[0]->ns; i++)
		put_policy(w, policies[i]);
	rc = close_file(w);
	return rc != 0 ? rc : (int)i;
}

static int make_directory(const char *path)
{
	return mkdir(path, 0777) == 0 || errno == EEXIST ? 0 : -errno;
}

static int write_policies(struct writer *w, const char *path)
{
	size_t n = w->cluster->n_policies;
	const struct tg_policy **sorted = calloc(n + 1, sizeof(*sorted));
	char dir[PATH_MAX];
	int rc;

	if (sorted == NULL)
		return -ENOMEM;
	if (n > 0)
		memcpy(sorted, w->cluster->policies, n * sizeof(*sorted));
	qsort(sorted, n, sizeof(*sorted), by_namespace);
	rc = -ENAMETOOLONG;
	if (snprintf(dir, sizeof(dir), "%s/policies", path) < (int)sizeof(dir))
		rc = make_directory(dir);
	for (size_t i = 0; i < n && rc >= 0; i += (size_t)rc)
		rc = write_namespace_policies(w, dir, sorted + i, n - i);
	free(sorted);
	return rc < 0 ? rc : 0;
}

int tg_gen_write(const struct tg_cluster *cluster, const char *path, enum tg_gen_pod_format format)
{
	struct writer w = {.cluster = cluster};
	int rc = make_directory(path);

	if (rc == 0)
		rc = write_file(&w, path, "namespaces.yaml", put_namespaces);
	if (rc == 0)
		rc = write_file(&w, path, "nodes.yaml", put_nodes);
	if (rc == 0)
		rc = write_file(&w, path, "services.yaml", put_services);
	if (rc == 0)
		rc = format == TG_GEN_PODS_JSON
			     ? write_file(&w, path, "pods.json", put_pods_json)
			     : write_file(&w, path, "pods.endpoints", put_pods_endpoints);
	return rc == 0 ? write_policies(&w, path) : rc;
}
