/* SPDX-License-Identifier: BSD-3-Clause */
/* A large cluster: what is listed and watched is what the double says is so, also while it changes.
 */
#include "scale.h"

#include <cjson/cJSON.h>
#include <stdlib.h>
#include <string.h>

#include "wire.h"

#define N_PODS 3000u
#define N_POLICIES 300u

struct cluster {
	struct lab *lab;
	struct scale *scale;
	cJSON *pods; /* "namespace/name" to the object */
};

static void cluster_open(struct cluster *c)
{
	/* What these tests ask is no client: they list as fast as they can. */
	c->lab = lab_open(&(struct double_options){.version = DOUBLE_1_34, .burst = 1000});
	c->scale = scale_create(c->lab->d, N_PODS, N_POLICIES);
	assert_non_null(c->scale);
	c->pods = cJSON_CreateObject();
}

static void cluster_close(struct cluster *c)
{
	cJSON_Delete(c->pods);
	scale_free(c->scale);
	lab_close(c->lab);
}

/* The chunks of a body put together. */
static struct buf unchunk(const struct wire *wire)
{
	const char *at = body_of(wire);
	struct buf out = {0};
	char *end;
	size_t n;

	if (strstr(wire->got.v, "Transfer-Encoding: chunked") == NULL) {
		buf_text(&out, at);
		return out;
	}
	while ((n = strtoul(at, &end, 16)) > 0 && strlen(end) >= n + 2) {
		buf_add(&out, end + 2, n);
		at = end + 2 + n + 2;
	}
	return out;
}

static const char *text_in(const cJSON *object, const char *name)
{
	return cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(object, name));
}

static char *key_of(const cJSON *object)
{
	const cJSON *metadata = cJSON_GetObjectItemCaseSensitive(object, "metadata");

	return xprintf("%s/%s", text_in(metadata, "namespace"), text_in(metadata, "name"));
}

/* Takes items out of the list and keeps them. */
static void keep_items(struct cluster *c, cJSON *list)
{
	cJSON *items = cJSON_GetObjectItemCaseSensitive(list, "items"), *item;

	while ((item = items->child) != NULL) {
		char *key = key_of(item);

		cJSON_DetachItemViaPointer(items, item);
		cJSON_AddItemToObject(c->pods, key, item);
		free(key);
	}
}

/* Lists all in pages; the revision of the list. */
static char *list_pods(struct cluster *c)
{
	char *target = xstrdup("/api/v1/pods?limit=500"), *token, *rv = NULL;
	bool more = true;

	cJSON_Delete(c->pods);
	c->pods = cJSON_CreateObject();
	while (more) {
		struct wire *wire = wire_ask(c->lab, target);
		struct buf body;
		cJSON *list, *metadata;

		assert_true(wait_for(wire, "\r\n0\r\n\r\n"));
		body = unchunk(wire);
		list = cJSON_Parse(body.v);
		assert_non_null(list);
		metadata = cJSON_GetObjectItemCaseSensitive(list, "metadata");
		more = text_in(metadata, "continue") != NULL;
		free(rv);
		rv = xstrdup(text_in(metadata, "resourceVersion"));
		free(target);
		token = more ? xstrdup(text_in(metadata, "continue")) : NULL;
		target = xprintf("/api/v1/pods?limit=500&continue=%s", token != NULL ? token : "");
		free(token);
		keep_items(c, list);
		cJSON_Delete(list);
		buf_free(&body);
		wire_close(wire);
	}
	free(target);
	return rv;
}

static int by_text(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static void put_labels(const cJSON *pod, struct buf *out)
{
	const cJSON *labels = cJSON_GetObjectItemCaseSensitive(
			    cJSON_GetObjectItemCaseSensitive(pod, "metadata"), "labels"),
		    *label;
	char *texts[16];
	size_t n = 0;

	cJSON_ArrayForEach(label, labels)
		texts[n++] = xprintf("%s=%s", label->string, label->valuestring);
	qsort(texts, n, sizeof(texts[0]), by_text);
	for (size_t i = 0; i < n; i++) {
		buf_printf(out, "%s%s", i > 0 ? "," : " ", texts[i]);
		free(texts[i]);
	}
}

/* As scale_state has it. */
static char *line_of(const cJSON *pod)
{
	const cJSON *ip, *status = cJSON_GetObjectItemCaseSensitive(pod, "status");
	struct buf out = {0};
	char *key = key_of(pod);
	bool first = true;

	buf_text(&out, key);
	cJSON_ArrayForEach(ip, cJSON_GetObjectItemCaseSensitive(status, "podIPs"))
	{
		buf_printf(&out, "%s%s", first ? " " : ",", text_in(ip, "ip"));
		first = false;
	}
	put_labels(pod, &out);
	buf_printf(&out, " %s", text_in(cJSON_GetObjectItemCaseSensitive(pod, "spec"), "nodeName"));
	free(key);
	return out.v;
}

/* The lines of what the client has and of what the double says, sorted. */
static void assert_state(struct cluster *c)
{
	struct buf state = {0};
	VEC(char *) has = {0}, is = {0};
	const cJSON *pod;
	char *rest, *line;

	cJSON_ArrayForEach(pod, c->pods) vec_push(&has, line_of(pod));
	scale_state(c->scale, &state);
	rest = state.v;
	while ((line = strsep(&rest, "\n")) != NULL)
		if (*line != '\0')
			vec_push(&is, line);
	qsort(has.v, has.n, sizeof(has.v[0]), by_text);
	qsort(is.v, is.n, sizeof(is.v[0]), by_text);
	assert_int_equal(has.n, is.n);
	for (size_t i = 0; i < is.n; i++) {
		assert_string_equal(has.v[i], is.v[i]);
		free(has.v[i]);
	}
	free(has.v);
	free(is.v);
	buf_free(&state);
}

static void test_list_is_state(void **state)
{
	struct cluster c;

	cluster_open(&c);
	assert_int_equal(double_count(c.lab->d, "pods"), N_PODS);
	assert_int_equal(double_count(c.lab->d, "networkpolicies"), N_POLICIES);
	free(list_pods(&c));
	assert_int_equal(cJSON_GetArraySize(c.pods), N_PODS);
	assert_state(&c);
	assert_int_equal(double_wrongs(c.lab->d), 0);
	cluster_close(&c);
}

static void test_objects_are_json(void **state)
{
	static const char *const paths[] = {"/apis/networking.k8s.io/v1/networkpolicies",
		"/api/v1/namespaces", "/api/v1/nodes", "/api/v1/services"};
	struct cluster c;

	cluster_open(&c);
	for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
		char *target = xprintf("%s?limit=5000", paths[i]);
		struct wire *wire = wire_ask(c.lab, target);
		struct buf body;
		cJSON *list;

		free(target);
		assert_true(wait_for(wire, "]}\n"));
		settle(c.lab);
		body = unchunk(wire);
		list = cJSON_Parse(body.v);
		assert_non_null(list);
		assert_true(cJSON_GetArraySize(cJSON_GetObjectItem(list, "items")) > 5);
		cJSON_Delete(list);
		buf_free(&body);
		wire_close(wire);
	}
	cluster_close(&c);
}

static void test_pods_have_the_usual_size(void **state)
{
	struct cluster c;
	struct wire *wire;

	cluster_open(&c);
	wire = wire_ask(c.lab, "/api/v1/pods?limit=100");
	assert_true(wait_for(wire, "\r\n0\r\n\r\n"));
	assert_in_range(wire->got.n / 100, 4096, 6144);
	wire_close(wire);
	cluster_close(&c);
}

/* No two pods have an address, at any time: who loses it does so before another one has it. */
static void take_address(cJSON *owners, const cJSON *pod, bool gone)
{
	const char *ip = text_in(cJSON_GetObjectItemCaseSensitive(pod, "status"), "podIP");
	const char *owner = text_in(owners, ip);
	char *key = key_of(pod);

	if (owner != NULL)
		assert_string_equal(owner, key);
	cJSON_DeleteItemFromObjectCaseSensitive(owners, ip);
	if (!gone)
		cJSON_AddStringToObject(owners, ip, key);
	free(key);
}

static void apply(struct cluster *c, cJSON *owners, cJSON *event)
{
	cJSON *pod = cJSON_DetachItemFromObject(event, "object");
	const char *type = text_in(event, "type");
	char *key = key_of(pod);

	assert_int_equal(
		strcmp(type, "ADDED") != 0, cJSON_GetObjectItemCaseSensitive(c->pods, key) != NULL);
	take_address(owners, pod, strcmp(type, "DELETED") == 0);
	cJSON_DeleteItemFromObjectCaseSensitive(c->pods, key);
	if (strcmp(type, "DELETED") != 0)
		cJSON_AddItemToObject(c->pods, key, pod);
	else
		cJSON_Delete(pod);
	free(key);
}

static void apply_all(struct cluster *c, const struct wire *wire)
{
	struct buf body = unchunk(wire);
	cJSON *owners = cJSON_CreateObject(), *pod;
	char *rest = body.v, *line;

	cJSON_ArrayForEach(pod, c->pods) take_address(owners, pod, false);
	while ((line = strsep(&rest, "\n")) != NULL && *line != '\0') {
		cJSON *event = cJSON_Parse(line);

		assert_non_null(event);
		apply(c, owners, event);
		cJSON_Delete(event);
	}
	cJSON_Delete(owners);
	buf_free(&body);
}

static void test_churn_is_watched(void **state)
{
	struct cluster c;
	struct wire *wire;
	struct buf changes = {0};
	char *rv, *target;
	uint64_t made;

	cluster_open(&c);
	rv = list_pods(&c);
	target = xprintf("/api/v1/pods?watch=true&resourceVersion=%s&allowWatchBookmarks=true"
			 "&timeoutSeconds=300",
		rv);
	wire = wire_ask(c.lab, target);
	assert_true(wait_for(wire, "chunked"));
	scale_churn(c.scale, 200);
	scale_churn_start(c.scale, 1000, 1);
	while (scale_churning(c.scale, &made))
		uv_run(&c.lab->loop, UV_RUN_ONCE);
	assert_int_equal(made, 1200);
	double_end_watches(c.lab->d, "pods");
	assert_true(wait_for(wire, "\r\n0\r\n\r\n"));
	scale_changes(c.scale, strtoull(rv, NULL, 10), &changes);
	/* Two thirds are two revisions each. */
	assert_int_equal(times(wire, "{\"type\":\"ADDED\""), 800);
	assert_int_equal(times(wire, "{\"type\":\"DELETED\""), 800);
	assert_int_equal(times(wire, "{\"type\":\"MODIFIED\""), 400);
	assert_non_null(strstr(changes.v, " DELETED "));
	apply_all(&c, wire);
	assert_state(&c);
	assert_int_equal(double_wrongs(c.lab->d), 0);
	free(rv);
	free(target);
	buf_free(&changes);
	wire_close(wire);
	cluster_close(&c);
}

static void test_same_every_time(void **state)
{
	struct cluster a, b;
	struct buf first = {0}, second = {0};

	cluster_open(&a);
	cluster_open(&b);
	scale_churn(a.scale, 500);
	scale_churn(b.scale, 200);
	scale_churn(b.scale, 300);
	scale_state(a.scale, &first);
	scale_state(b.scale, &second);
	assert_string_equal(first.v, second.v);
	buf_free(&first);
	buf_free(&second);
	cluster_close(&a);
	cluster_close(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_list_is_state),
		cmocka_unit_test(test_objects_are_json),
		cmocka_unit_test(test_pods_have_the_usual_size),
		cmocka_unit_test(test_churn_is_watched),
		cmocka_unit_test(test_same_every_time),
	};

	return cmocka_run_group_tests_name("kube_double_scale", tests, NULL, NULL);
}
