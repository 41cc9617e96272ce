/* SPDX-License-Identifier: BSD-3-Clause */
#include "client.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "client_private.h"
#include "text.h"

#define CONNECT_MS 10000u
#define KEEPALIVE_S 15u
#define EXEC_MS 60000u

/* --- the life of a call --- */

static void on_kick(uv_idle_t *idle)
{
	uv_idle_stop(idle);
	kube_client_pump(idle->data);
}

void kube_call_ready(struct tg_kube_call *call)
{
	struct tg_kube_client *client = call->client;

	if (call->is_ready)
		return;
	call->is_ready = true;
	TAILQ_INSERT_TAIL(&client->ready, call, ready_entry);
	if (!client->closing)
		uv_idle_start(&client->kick, on_kick);
}

void kube_call_end_transfer(struct tg_kube_call *call)
{
	if (call->easy != NULL) {
		curl_multi_remove_handle(call->client->multi, call->easy);
		curl_easy_cleanup(call->easy);
	}
	for (struct curl_slist *item = call->headers; item != NULL; item = item->next)
		explicit_bzero(item->data, strlen(item->data));
	curl_slist_free_all(call->headers);
	curl_slist_free_all(call->connect_to);
	free(call->body);
	kube_credentials_put(call->credentials);
	call->easy = NULL;
	call->headers = call->connect_to = NULL;
	call->body = NULL;
	call->body_size = 0;
	call->has_head = call->cut = call->refused = false;
	call->credentials = NULL;
	call->curl_error[0] = '\0';
}

static void call_free(struct tg_kube_call *call)
{
	kube_call_end_transfer(call);
	if (call->is_ready)
		TAILQ_REMOVE(&call->client->ready, call, ready_entry);
	TAILQ_REMOVE(&call->client->calls, call, entry);
	free(call->path);
	free(call->accept);
	free(call);
}

/* Ends it without an answer of the server. */
static void call_fail(struct tg_kube_call *call, int error, const char *why)
{
	memset(&call->result, 0, sizeof(call->result));
	call->result.error = error;
	kube_text_line(call->result.why, sizeof(call->result.why), "%s", why);
	call->state = KUBE_CALL_OVER;
	kube_call_ready(call);
}

static void call_start(struct tg_kube_call *call)
{
	char why[TG_KUBE_WHY] = "out of memory";
	int err = kube_authenticator_get(call->client->authenticator, &call->credentials, why);

	if (err == -EINPROGRESS)
		return;
	if (err == 0)
		err = kube_transfer_start(call);
	if (err != 0) {
		call_fail(call, err, err == -ENOMEM ? "out of memory" : why);
		return;
	}
	call->heard_at = uv_now(call->client->loop);
	call->state = KUBE_CALL_RUNNING;
}

static void call_tell(struct tg_kube_call *call)
{
	const struct tg_kube_handler *handler = call->handler;
	struct tg_kube_result result = call->result;
	void *ctx = call->ctx;

	call_free(call);
	handler->done(ctx, &result);
}

/* --- the client's --- */

/* The server does not want these credentials, others may be had, and nobody was told anything. */
static bool is_rejected(const struct tg_kube_call *call)
{
	bool refused = call->result.status == 401 || (call->refused && !call->has_head);

	return refused && !call->repeated &&
	       kube_authenticator_reject(call->client->authenticator, call->credentials);
}

static void call_answered(struct tg_kube_call *call, CURLcode code)
{
	if (call->state != KUBE_CALL_RUNNING)
		return;
	kube_outcome(call, code);
	if (call->result.error == -EKEYREJECTED)
		call->client->stats.tls_failures++;
	if (is_rejected(call)) {
		kube_call_end_transfer(call);
		call->repeated = true;
		call->state = KUBE_CALL_WAITING;
	} else {
		call->state = KUBE_CALL_OVER;
	}
	kube_call_ready(call);
}

static void take_answers(struct tg_kube_client *client)
{
	struct tg_kube_call *call;
	CURLMsg *message;
	int left;

	while ((message = curl_multi_info_read(client->multi, &left)) != NULL) {
		curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, (char **)&call);
		call_answered(call, message->data.result);
	}
}

/* Without memory to watch a socket nobody knows which call would wait for ever. */
static void give_up_blind(struct tg_kube_client *client)
{
	struct tg_kube_call *call;

	if (!client->blind)
		return;
	client->blind = false;
	TAILQ_FOREACH(call, &client->calls, entry)
	if (call->state == KUBE_CALL_RUNNING)
		call_fail(call, -ENOMEM, "out of memory");
}

static void advance(struct tg_kube_call *call)
{
	switch (call->state) {
	case KUBE_CALL_WAITING:
		call_start(call);
		break;
	case KUBE_CALL_RUNNING:
		break;
	case KUBE_CALL_OVER:
		call_tell(call);
		break;
	case KUBE_CALL_CANCELLED:
		call_free(call);
		break;
	}
}

static void close_all(struct tg_kube_client *client)
{
	struct tg_kube_call *call;

	while ((call = TAILQ_FIRST(&client->calls)) != NULL)
		call_free(call);
	kube_authenticator_free(client->authenticator);
	uv_close((uv_handle_t *)&client->kick, kube_client_closed);
	uv_close((uv_handle_t *)&client->watchdog, kube_client_closed);
	uv_close((uv_handle_t *)&client->look, kube_client_closed);
	kube_sockets_free(client);
}

static void watch_times(struct tg_kube_client *client);

void kube_client_pump(struct tg_kube_client *client)
{
	struct tg_kube_call *call, *last;

	if (client->inside > 0)
		return; /* whoever is inside pumps */
	client->inside++;
	take_answers(client);
	give_up_blind(client);
	/* What becomes ready meanwhile has its turn later: handlers may ask for ever more. */
	last = TAILQ_LAST(&client->ready, kube_calls);
	while (last != NULL && !client->closing && (call = TAILQ_FIRST(&client->ready)) != NULL) {
		bool was_last = call == last;

		TAILQ_REMOVE(&client->ready, call, ready_entry);
		call->is_ready = false;
		advance(call);
		if (was_last)
			break;
	}
	client->inside--;
	if (client->closing)
		close_all(client);
	else
		watch_times(client);
}

void kube_client_closed(uv_handle_t *handle)
{
	struct tg_kube_client *client = handle->data;

	if (--client->open > 0)
		return;
	kube_url_free(&client->server);
	free(client);
	curl_global_cleanup();
}

/* --- time --- */

static uint64_t silent_at(const struct tg_kube_call *call)
{
	return call->silence_ms != 0 && call->state == KUBE_CALL_RUNNING
		       ? call->heard_at + call->silence_ms
		       : UINT64_MAX;
}

static uint64_t late_at(const struct tg_kube_call *call)
{
	bool going = call->state == KUBE_CALL_WAITING || call->state == KUBE_CALL_RUNNING;

	return call->total_ms != 0 && going ? call->made_at + call->total_ms : UINT64_MAX;
}

static void time_out(struct tg_kube_call *call, uint64_t now)
{
	char why[TG_KUBE_WHY];
	long status = 0;

	if (silent_at(call) <= now)
		kube_text_line(why, sizeof(why), "nothing was heard for %u ms", call->silence_ms);
	else if (late_at(call) <= now)
		kube_text_line(why, sizeof(why), "there was no complete answer within %u ms",
			call->total_ms);
	else
		return;
	if (call->easy != NULL)
		curl_easy_getinfo(call->easy, CURLINFO_RESPONSE_CODE, &status);
	call_fail(call, -ETIMEDOUT, why);
	call->result.status = (unsigned int)status;
}

static void on_look(uv_check_t *look)
{
	struct tg_kube_client *client = look->data;
	struct tg_kube_call *call;

	uv_check_stop(look);
	TAILQ_FOREACH(call, &client->calls, entry)
	time_out(call, uv_now(client->loop));
	kube_client_pump(client);
}

/*
 * When the loop was kept by something else, what calls wait for may lie in their sockets. So they
 * are judged behind the loop's next poll, which the timer keeps from taking long.
 */
static void on_watchdog(uv_timer_t *timer)
{
	struct tg_kube_client *client = timer->data;

	uv_check_start(&client->look, on_look);
	uv_timer_start(timer, on_watchdog, 1, 0);
}

/* Arms the watchdog for the next time; that a call is heard of only moves it when it is due. */
static void watch_times(struct tg_kube_client *client)
{
	uint64_t next = UINT64_MAX, now = uv_now(client->loop);
	struct tg_kube_call *call;

	TAILQ_FOREACH(call, &client->calls, entry)
	{
		if (silent_at(call) < next)
			next = silent_at(call);
		if (late_at(call) < next)
			next = late_at(call);
	}
	if (next == UINT64_MAX)
		uv_timer_stop(&client->watchdog);
	else
		uv_timer_start(&client->watchdog, on_watchdog, next > now ? next - now : 0, 0);
}

/* --- what is called from outside --- */

static void on_credentials(void *ctx, const char *why)
{
	struct tg_kube_client *client = ctx;
	struct tg_kube_call *call;

	TAILQ_FOREACH(call, &client->calls, entry)
	{
		if (call->state != KUBE_CALL_WAITING || call->is_ready)
			continue;
		if (why != NULL)
			call_fail(call, -EACCES, why);
		else
			kube_call_ready(call);
	}
	kube_client_pump(client);
}

static void set_options(struct tg_kube_client *client, const struct tg_kube_client_options *options)
{
	client->options = *options;
	if (client->options.connect_ms == 0)
		client->options.connect_ms = CONNECT_MS;
	if (client->options.keepalive_s == 0)
		client->options.keepalive_s = KEEPALIVE_S;
	if (client->options.exec_ms == 0)
		client->options.exec_ms = EXEC_MS;
}

int tg_kube_client_create(
	uv_loop_t *loop, const struct tg_kube_client_options *options, struct tg_kube_client **out)
{
	struct tg_kube_client *client;
	int err;

	if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
		return -ENOMEM;
	client = calloc(1, sizeof(*client));
	if (client == NULL) {
		err = -ENOMEM;
		goto cleanup_curl;
	}
	client->loop = loop;
	set_options(client, options);
	TAILQ_INIT(&client->calls);
	TAILQ_INIT(&client->ready);
	err = kube_url_parse(options->access->server, &client->server);
	if (err != 0)
		goto free_client;
	client->authenticator = kube_authenticator_create(
		loop, options->access, client->options.exec_ms, on_credentials, client);
	if (client->authenticator == NULL) {
		err = -ENOMEM;
		goto free_url;
	}
	err = kube_sockets_create(client);
	if (err != 0)
		goto free_authenticator;
	uv_idle_init(loop, &client->kick);
	uv_timer_init(loop, &client->watchdog);
	uv_check_init(loop, &client->look);
	client->kick.data = client->watchdog.data = client->look.data = client;
	client->open += 3;
	*out = client;
	return 0;

free_authenticator:
	kube_authenticator_free(client->authenticator);
free_url:
	kube_url_free(&client->server);
free_client:
	free(client);
cleanup_curl:
	curl_global_cleanup();
	return err;
}

void tg_kube_client_free(struct tg_kube_client *client)
{
	struct tg_kube_call *call;

	if (client == NULL)
		return;
	client->closing = true;
	TAILQ_FOREACH(call, &client->calls, entry)
	call->state = KUBE_CALL_CANCELLED;
	if (client->inside == 0)
		close_all(client);
}

static char *copy(const char *text)
{
	return text != NULL ? strdup(text) : NULL;
}

struct tg_kube_call *tg_kube_client_get(struct tg_kube_client *client,
	const struct tg_kube_request *request, const struct tg_kube_handler *handler, void *ctx)
{
	struct tg_kube_call *call = calloc(1, sizeof(*call));

	if (call == NULL)
		return NULL;
	call->path = copy(request->path);
	call->accept = copy(request->accept);
	if (call->path == NULL || (request->accept != NULL && call->accept == NULL)) {
		free(call->path);
		free(call->accept);
		free(call);
		return NULL;
	}
	call->client = client;
	call->handler = handler;
	call->ctx = ctx;
	call->total_ms = request->total_ms;
	call->silence_ms = request->silence_ms;
	uv_update_time(client->loop);
	call->made_at = uv_now(client->loop);
	TAILQ_INSERT_TAIL(&client->calls, call, entry);
	kube_call_ready(call);
	return call;
}

void tg_kube_call_cancel(struct tg_kube_call *call)
{
	call->state = KUBE_CALL_CANCELLED;
	kube_call_ready(call);
}

void tg_kube_client_stats(const struct tg_kube_client *client, struct tg_kube_client_stats *out)
{
	*out = client->stats;
	kube_authenticator_stats(client->authenticator, out);
}
