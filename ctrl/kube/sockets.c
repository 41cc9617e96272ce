/* SPDX-License-Identifier: BSD-3-Clause */
/* libcurl's multi interface in a libuv loop (curl_multi_socket_action). */
#include <errno.h>
#include <stdlib.h>

#include "client_private.h"

/* A socket that libcurl wants to know about. */
struct watched {
	uv_poll_t poll;
	struct tg_kube_client *client;
	curl_socket_t fd;
};

/* Lets libcurl act, then do what has come of it. */
static void act(struct tg_kube_client *client, curl_socket_t fd, int events)
{
	int running;

	client->inside++;
	curl_multi_socket_action(client->multi, fd, events, &running);
	client->inside--;
	kube_client_pump(client);
}

static void on_socket(uv_poll_t *poll, int status, int events)
{
	struct watched *watched = poll->data;
	int what = 0;

	if (status < 0)
		what = CURL_CSELECT_ERR;
	if ((events & UV_READABLE) != 0)
		what |= CURL_CSELECT_IN;
	if ((events & UV_WRITABLE) != 0)
		what |= CURL_CSELECT_OUT;
	act(watched->client, watched->fd, what);
}

static void on_timer(uv_timer_t *timer)
{
	act(timer->data, CURL_SOCKET_TIMEOUT, 0);
}

static void socket_closed(uv_handle_t *handle)
{
	struct watched *watched = handle->data;

	handle->data = watched->client;
	kube_client_closed(handle);
	free(watched);
}

static struct watched *watch(struct tg_kube_client *client, curl_socket_t fd)
{
	struct watched *watched = malloc(sizeof(*watched));

	if (watched == NULL)
		return NULL;
	if (uv_poll_init_socket(client->loop, &watched->poll, fd) != 0) {
		free(watched);
		return NULL;
	}
	watched->poll.data = watched;
	watched->client = client;
	watched->fd = fd;
	client->open++;
	curl_multi_assign(client->multi, fd, watched);
	return watched;
}

/* CURLMOPT_SOCKETFUNCTION */
static int socket_wanted(CURL *easy, curl_socket_t fd, int what, void *ctx, void *known)
{
	struct tg_kube_client *client = ctx;
	struct watched *watched = known;
	int events = 0;

	if (what == CURL_POLL_REMOVE) {
		if (watched != NULL)
			uv_close((uv_handle_t *)&watched->poll, socket_closed);
		return 0;
	}
	if (watched == NULL)
		watched = watch(client, fd);
	if (what == CURL_POLL_IN || what == CURL_POLL_INOUT)
		events |= UV_READABLE;
	if (what == CURL_POLL_OUT || what == CURL_POLL_INOUT)
		events |= UV_WRITABLE;
	/* Told of it, libcurl would never do anything again. */
	if (watched == NULL || uv_poll_start(&watched->poll, events, on_socket) != 0)
		client->blind = true;
	return 0;
}

/* CURLMOPT_TIMERFUNCTION */
static int timer_wanted(CURLM *multi, long ms, void *ctx)
{
	struct tg_kube_client *client = ctx;

	if (ms < 0)
		uv_timer_stop(&client->curl_timer);
	else
		uv_timer_start(&client->curl_timer, on_timer, (uint64_t)ms, 0);
	return 0;
}

int kube_sockets_create(struct tg_kube_client *client)
{
	client->multi = curl_multi_init();
	if (client->multi == NULL)
		return -ENOMEM;
	uv_timer_init(client->loop, &client->curl_timer);
	client->curl_timer.data = client;
	client->open++;
	curl_multi_setopt(client->multi, CURLMOPT_SOCKETFUNCTION, socket_wanted);
	curl_multi_setopt(client->multi, CURLMOPT_SOCKETDATA, client);
	curl_multi_setopt(client->multi, CURLMOPT_TIMERFUNCTION, timer_wanted);
	curl_multi_setopt(client->multi, CURLMOPT_TIMERDATA, client);
	curl_multi_setopt(client->multi, CURLMOPT_PIPELINING, CURLPIPE_NOTHING);
	return 0;
}

void kube_sockets_free(struct tg_kube_client *client)
{
	curl_multi_cleanup(client->multi);
	uv_close((uv_handle_t *)&client->curl_timer, kube_client_closed);
}
