/* SPDX-License-Identifier: BSD-3-Clause */
/* /version, /readyz, and which groups, versions and resources there are. */
#include <stdlib.h>
#include <string.h>

#include "internal.h"

static void send_json(struct conn *conn, const struct buf *out)
{
	strict_answered(conn, 200, 0);
	answer(conn, 200, NULL, "application/json", out->v, out->n);
}

static void version(struct conn *conn, struct buf *out)
{
	bool old = conn->d->options.version == DOUBLE_1_20;

	buf_printf(out,
		"{\n  \"major\": \"1\",\n  \"minor\": \"%s\",\n  \"gitVersion\": \"v1.%s\",\n"
		"  \"gitCommit\": \"0000000000000000000000000000000000000000\",\n"
		"  \"gitTreeState\": \"clean\",\n  \"buildDate\": \"2021-01-13T13:20:00Z\",\n"
		"  \"goVersion\": \"go1.15.5\",\n  \"compiler\": \"gc\",\n"
		"  \"platform\": \"linux/amd64\"\n}",
		old ? "20" : "34", old ? "20.2" : "34.1");
	send_json(conn, out);
}

static void healthy(struct conn *conn)
{
	strict_answered(conn, 200, 0);
	answer(conn, 200, "X-Content-Type-Options: nosniff\r\n", "text/plain; charset=utf-8", "ok",
		2);
}

static void put_group(const struct kind *kind, struct buf *out)
{
	const char *group = kind->type.group, *v = kind->type.version;

	buf_printf(out,
		"\"name\":\"%s\",\"versions\":[{\"groupVersion\":\"%s/%s\",\"version\":\"%s\"}],"
		"\"preferredVersion\":{\"groupVersion\":\"%s/%s\",\"version\":\"%s\"}}",
		group, group, v, v, group, v, v);
}

/* The first kind of its group, core left out. */
static bool first_of_group(const struct store *store, size_t i)
{
	const char *group = store->kinds.v[i]->type.group;

	for (size_t k = 0; k < i; k++)
		if (strcmp(store->kinds.v[k]->type.group, group) == 0)
			return false;
	return group[0] != '\0';
}

static void groups(struct conn *conn, struct buf *out)
{
	const struct store *store = &conn->d->store;
	const char *comma = "";

	buf_text(out, "{\"kind\":\"APIGroupList\",\"apiVersion\":\"v1\",\"groups\":[");
	for (size_t i = 0; i < store->kinds.n; i++)
		if (first_of_group(store, i)) {
			buf_printf(out, "%s{", comma);
			put_group(store->kinds.v[i], out);
			comma = ",";
		}
	buf_text(out, "]}\n");
	send_json(conn, out);
}

static void put_resource(const struct kind *kind, struct buf *out)
{
	buf_printf(out,
		"{\"name\":\"%s\",\"singularName\":\"\",\"namespaced\":%s,\"kind\":\"%s\",\"verbs\":"
		"[\"create\",\"delete\",\"deletecollection\",\"get\",\"list\",\"patch\",\"update\","
		"\"watch\"]}",
		kind->type.resource, kind->type.namespaced ? "true" : "false", kind->type.kind);
}

/* "v1" or "group/version" */
static bool resources(struct conn *conn, const char *group_version, struct buf *out)
{
	const struct store *store = &conn->d->store;
	struct buf name = {0};
	const char *comma = "";

	/* That of the core group has no apiVersion. */
	buf_printf(out, "{\"kind\":\"APIResourceList\",%s\"groupVersion\":\"%s\",\"resources\":[",
		strcmp(group_version, "v1") != 0 ? "\"apiVersion\":\"v1\"," : "", group_version);
	for (size_t i = 0; i < store->kinds.n; i++) {
		name.n = 0;
		kind_version(store->kinds.v[i], &name);
		if (strcmp(name.v, group_version) != 0)
			continue;
		buf_text(out, comma);
		put_resource(store->kinds.v[i], out);
		comma = ",";
	}
	buf_text(out, "]}\n");
	buf_free(&name);
	if (*comma == '\0')
		return false;
	send_json(conn, out);
	return true;
}

static bool group(struct conn *conn, const char *name, struct buf *out)
{
	const struct store *store = &conn->d->store;

	for (size_t i = 0; i < store->kinds.n; i++)
		if (name[0] != '\0' && strcmp(store->kinds.v[i]->type.group, name) == 0) {
			buf_text(out, "{\"kind\":\"APIGroup\",\"apiVersion\":\"v1\",");
			put_group(store->kinds.v[i], out);
			buf_text(out, "\n");
			send_json(conn, out);
			return true;
		}
	return false;
}

static bool below_apis(struct conn *conn, const char *rest, struct buf *out)
{
	const char *slash = strchr(rest, '/');

	if (slash == NULL)
		return group(conn, rest, out);
	return strchr(slash + 1, '/') == NULL && resources(conn, rest, out);
}

static void versions(struct conn *conn, struct buf *out)
{
	buf_printf(out,
		"{\"kind\":\"APIVersions\",\"versions\":[\"v1\"],\"serverAddressByClientCIDRs\":["
		"{\"clientCIDR\":\"0.0.0.0/0\",\"serverAddress\":\"127.0.0.1:%u\"}]}\n",
		conn->d->port);
	send_json(conn, out);
}

static bool serve(struct conn *conn, const char *path, struct buf *out)
{
	if (strcmp(path, "/version") == 0)
		version(conn, out);
	else if (strcmp(path, "/readyz") == 0 || strcmp(path, "/livez") == 0 ||
		 strcmp(path, "/healthz") == 0)
		healthy(conn);
	else if (strcmp(path, "/api") == 0)
		versions(conn, out);
	else if (strcmp(path, "/apis") == 0)
		groups(conn, out);
	else if (strcmp(path, "/api/v1") == 0)
		return resources(conn, "v1", out);
	else if (strncmp(path, "/apis/", 6) == 0)
		return below_apis(conn, path + 6, out);
	else
		return false;
	return true;
}

bool discovery_serve(struct conn *conn)
{
	struct buf out = {0};
	bool served = serve(conn, conn->request.path, &out);

	buf_free(&out);
	return served;
}
