/* SPDX-License-Identifier: BSD-3-Clause */
#include "http.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <microhttpd.h>

#include "clock.h"
#include "export.h"

#define CONNECTIONS_MAX 64
#define IDLE_S 15

struct tg_http {
	struct MHD_Daemon *daemon;
	struct tg_board *board;
	struct tg_rule_set
		*rules; /* of the last ruleset that was asked for; server's thread only */
	uint16_t port;
};

/* An answer in the making. */
struct answer {
	unsigned int status;
	const char *type;
	struct tg_buffer body;
	struct tg_target *image; /* instead of the body; a reference */
};

/* Labels are made once a ruleset. NULL: out of memory. */
static const struct tg_rule_set *rules_for(struct tg_http *http, const struct tg_notice *notice)
{
	if (http->rules != NULL && http->rules->target == notice->in_force)
		return http->rules;
	tg_rule_set_free(http->rules);
	http->rules = tg_rule_set_create(notice);
	return http->rules;
}

static void answer_metrics(struct tg_http *http, const struct tg_notice *notice, struct answer *a)
{
	const struct tg_rule_set *rules = rules_for(http, notice);

	a->type = "text/plain; version=0.0.4; charset=utf-8";
	if (rules != NULL)
		tg_metrics_write(&a->body, notice, rules, tg_clock_ms(CLOCK_REALTIME));
	else
		a->body.failed = true;
}

static void answer_health(struct tg_http *http, const struct tg_notice *notice, struct answer *a)
{
	tg_buffer_text(&a->body, "ok\n");
}

static void answer_ready(struct tg_http *http, const struct tg_notice *notice, struct answer *a)
{
	char why[512];

	if (tg_notice_ready(notice, tg_clock_ms(CLOCK_REALTIME), why, sizeof(why))) {
		tg_buffer_text(&a->body, "ready\n");
		return;
	}
	a->status = MHD_HTTP_SERVICE_UNAVAILABLE;
	tg_buffer_printf(&a->body, "not ready: %s\n", why);
}

static void answer_status(struct tg_http *http, const struct tg_notice *notice, struct answer *a)
{
	const struct tg_rule_set *rules = rules_for(http, notice);

	a->type = "application/json";
	if (rules != NULL)
		tg_api_status(&a->body, notice, rules, tg_clock_ms(CLOCK_REALTIME));
	else
		a->body.failed = true;
}

static void answer_rules(struct tg_http *http, const struct tg_notice *notice, struct answer *a)
{
	const struct tg_rule_set *rules = rules_for(http, notice);

	a->type = "application/json";
	if (rules != NULL)
		tg_api_rules(&a->body, notice, rules);
	else
		a->body.failed = true;
}

static void answer_sources(struct tg_http *http, const struct tg_notice *notice, struct answer *a)
{
	a->type = "application/json";
	tg_api_sources(&a->body, notice, tg_clock_ms(CLOCK_REALTIME));
}

static void answer_drops(struct tg_http *http, const struct tg_notice *notice, struct answer *a)
{
	a->type = "application/json";
	tg_api_drops(&a->body, notice);
}

static void answer_ruleset(struct tg_http *http, const struct tg_notice *notice, struct answer *a)
{
	if (notice->in_force == NULL) {
		a->status = MHD_HTTP_NOT_FOUND;
		tg_buffer_text(&a->body, "no ruleset is in force\n");
		return;
	}
	a->type = "application/octet-stream";
	a->image = tg_target_ref(notice->in_force);
}

static const struct {
	const char *path;
	void (*answer)(struct tg_http *http, const struct tg_notice *notice, struct answer *a);
} paths[] = {
	{"/metrics", answer_metrics},
	{"/healthz", answer_health},
	{"/readyz", answer_ready},
	{"/v1/status", answer_status},
	{"/v1/sources", answer_sources},
	{"/v1/rules", answer_rules},
	{"/v1/drops", answer_drops},
	{"/v1/ruleset", answer_ruleset},
};

static void make_answer(struct tg_http *http, const char *path, struct answer *a)
{
	struct tg_notice notice;

	for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
		if (strcmp(path, paths[i].path) != 0)
			continue;
		tg_board_get(http->board, &notice);
		paths[i].answer(http, &notice, a);
		tg_notice_drop(&notice);
		return;
	}
	a->status = MHD_HTTP_NOT_FOUND;
	tg_buffer_text(&a->body, "not found; there are:\n");
	for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++)
		tg_buffer_printf(&a->body, "%s\n", paths[i].path);
}

static void release_image(void *target)
{
	tg_target_unref(target);
}

static struct MHD_Response *make_response(struct answer *a)
{
	struct MHD_Response *response;
	size_t n;
	char *text;

	if (a->image != NULL) {
		response = MHD_create_response_from_buffer_with_free_callback_cls(a->image->size,
			(void *)(uintptr_t)a->image->image, release_image, a->image);
		if (response == NULL)
			tg_target_unref(a->image);
		return response;
	}
	text = tg_buffer_take(&a->body, &n);
	if (text == NULL)
		return NULL;
	response = MHD_create_response_from_buffer(n, text, MHD_RESPMEM_MUST_FREE);
	if (response == NULL)
		free(text);
	return response;
}

static enum MHD_Result send_answer(struct MHD_Connection *connection, struct answer *a)
{
	struct MHD_Response *response = make_response(a);
	enum MHD_Result result;

	if (response == NULL)
		return MHD_NO;
	MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, a->type);
	MHD_add_response_header(response, MHD_HTTP_HEADER_CACHE_CONTROL, "no-store");
	if (a->status == MHD_HTTP_METHOD_NOT_ALLOWED)
		MHD_add_response_header(response, MHD_HTTP_HEADER_ALLOW, "GET, HEAD");
	result = MHD_queue_response(connection, a->status, response);
	MHD_destroy_response(response);
	return result;
}

static enum MHD_Result handle(void *cls, struct MHD_Connection *connection, const char *url,
	const char *method, const char *version, const char *upload, size_t *upload_size,
	void **request)
{
	struct answer a = {.status = MHD_HTTP_OK, .type = "text/plain; charset=utf-8"};

	if (strcmp(method, "GET") == 0 || strcmp(method, "HEAD") == 0) {
		make_answer(cls, url, &a);
	} else {
		a.status = MHD_HTTP_METHOD_NOT_ALLOWED;
		tg_buffer_text(&a.body, "only GET and HEAD\n");
	}
	return send_answer(connection, &a);
}

static socklen_t socket_address(
	const struct tg_addr *addr, uint16_t port, struct sockaddr_storage *out)
{
	struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)out;
	struct sockaddr_in *v4 = (struct sockaddr_in *)out;

	memset(out, 0, sizeof(*out));
	if (addr->family == 4) {
		v4->sin_family = AF_INET;
		v4->sin_port = htons(port);
		memcpy(&v4->sin_addr, addr->bytes, 4);
		return sizeof(*v4);
	}
	v6->sin6_family = AF_INET6;
	v6->sin6_port = htons(port);
	memcpy(&v6->sin6_addr, addr->bytes, 16);
	return sizeof(*v6);
}

/* A listening socket of our own: its errors are known before a thread runs. */
static int listen_on(const struct tg_addr *addr, uint16_t port, uint16_t *bound)
{
	struct sockaddr_storage sa;
	socklen_t n = socket_address(addr, port, &sa);
	int fd = socket(sa.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	int on = 1, err;

	if (fd < 0)
		return -errno;
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (bind(fd, (struct sockaddr *)&sa, n) != 0 || listen(fd, 64) != 0 ||
		getsockname(fd, (struct sockaddr *)&sa, &n) != 0) {
		err = -errno;
		close(fd);
		return err;
	}
	*bound = ntohs(sa.ss_family == AF_INET ? ((struct sockaddr_in *)&sa)->sin_port
					       : ((struct sockaddr_in6 *)&sa)->sin6_port);
	return fd;
}

int tg_http_start(
	const struct tg_addr *addr, uint16_t port, struct tg_board *board, struct tg_http **out)
{
	struct tg_http *http = calloc(1, sizeof(*http));
	int fd, err;

	if (http == NULL)
		return -ENOMEM;
	http->board = board;
	fd = listen_on(addr, port, &http->port);
	if (fd < 0) {
		err = fd;
		goto free_http;
	}
	http->daemon =
		MHD_start_daemon(MHD_USE_INTERNAL_POLLING_THREAD | MHD_USE_POLL | MHD_USE_ITC, 0,
			NULL, NULL, handle, http, MHD_OPTION_LISTEN_SOCKET, fd,
			MHD_OPTION_CONNECTION_LIMIT, (unsigned int)CONNECTIONS_MAX,
			MHD_OPTION_CONNECTION_TIMEOUT, (unsigned int)IDLE_S, MHD_OPTION_END);
	if (http->daemon == NULL) {
		err = -ENOMEM;
		goto close_fd;
	}
	*out = http;
	return 0;

close_fd:
	close(fd);
free_http:
	free(http);
	return err;
}

void tg_http_stop(struct tg_http *http)
{
	if (http == NULL)
		return;
	MHD_stop_daemon(http->daemon);
	tg_rule_set_free(http->rules);
	free(http);
}

uint16_t tg_http_port(const struct tg_http *http)
{
	return http->port;
}
