/* SPDX-License-Identifier: BSD-3-Clause */
#include "wire.h"

#include <stdlib.h>
#include <string.h>

#define PATIENCE 30000u /* ms; nothing here takes long, unless it fails */

static void expired(uv_timer_t *timer)
{
	((struct lab *)timer->data)->late = true;
}

struct lab *lab_open(const struct double_options *options)
{
	struct lab *lab = xzalloc(sizeof(*lab));

	uv_loop_init(&lab->loop);
	uv_timer_init(&lab->loop, &lab->patience);
	lab->patience.data = lab;
	assert_int_equal(double_create(&lab->loop, options, &lab->d), 0);
	return lab;
}

void lab_close(struct lab *lab)
{
	double_close(lab->d);
	uv_close((uv_handle_t *)&lab->patience, NULL);
	uv_run(&lab->loop, UV_RUN_DEFAULT);
	assert_int_equal(uv_loop_close(&lab->loop), 0);
	free(lab);
}

static void room(uv_handle_t *handle, size_t size, uv_buf_t *buf)
{
	*buf = uv_buf_init(xrealloc(NULL, size), (unsigned int)size);
}

static void got(uv_stream_t *stream, ssize_t n, const uv_buf_t *buf)
{
	struct wire *wire = stream->data;

	if (n > 0)
		buf_add(&wire->got, buf->base, (size_t)n);
	if (n < 0) {
		wire->ended = true;
		wire->error = (int)n;
		uv_read_stop(stream);
	}
	free(buf->base);
}

static void connected(uv_connect_t *connect, int status)
{
	struct wire *wire = connect->data;
	uv_buf_t ask = uv_buf_init((char *)wire->ask, (unsigned int)strlen(wire->ask));

	wire->error = status;
	wire->ended = status != 0;
	if (status != 0)
		return;
	assert_int_equal(uv_try_write((uv_stream_t *)&wire->tcp, &ask, 1), (int)ask.len);
	uv_read_start((uv_stream_t *)&wire->tcp, room, got);
}

struct wire *wire_ask(struct lab *lab, const char *target)
{
	struct wire *wire = xzalloc(sizeof(*wire));
	struct sockaddr_in addr;

	wire->lab = lab;
	wire->ask = xprintf("GET %s HTTP/1.1\r\nHost: double\r\nUser-Agent: test\r\n"
			    "Accept: application/json\r\n\r\n",
		target);
	uv_tcp_init(&lab->loop, &wire->tcp);
	wire->tcp.data = wire->connecting.data = wire;
	uv_ip4_addr("127.0.0.1", double_port(lab->d), &addr);
	uv_tcp_connect(&wire->connecting, &wire->tcp, (struct sockaddr *)&addr, connected);
	return wire;
}

void wire_say(struct wire *wire, const char *text)
{
	uv_buf_t piece = uv_buf_init((char *)text, (unsigned int)strlen(text));

	assert_int_equal(uv_try_write((uv_stream_t *)&wire->tcp, &piece, 1), (int)piece.len);
}

static void wire_closed(uv_handle_t *handle)
{
	struct wire *wire = handle->data;

	free((char *)wire->ask);
	buf_free(&wire->got);
	free(wire);
}

void wire_close(struct wire *wire)
{
	struct lab *lab = wire->lab;

	uv_close((uv_handle_t *)&wire->tcp, wire_closed);
	uv_run(&lab->loop, UV_RUN_NOWAIT);
}

size_t times(const struct wire *wire, const char *text)
{
	const char *at = wire->got.v;
	size_t n = 0;

	for (; at != NULL && (at = strstr(at, text)) != NULL; at++)
		n++;
	return n;
}

bool wait_times(struct wire *wire, const char *text, size_t n)
{
	struct lab *lab = wire->lab;

	lab->late = false;
	uv_timer_start(&lab->patience, expired, PATIENCE, 0);
	while (!lab->late && !wire->ended && times(wire, text) < n)
		uv_run(&lab->loop, UV_RUN_ONCE);
	uv_timer_stop(&lab->patience);
	return times(wire, text) >= n;
}

bool wait_for(struct wire *wire, const char *text)
{
	return wait_times(wire, text, 1);
}

bool wait_end(struct wire *wire)
{
	struct lab *lab = wire->lab;

	lab->late = false;
	uv_timer_start(&lab->patience, expired, PATIENCE, 0);
	while (!lab->late && !wire->ended)
		uv_run(&lab->loop, UV_RUN_ONCE);
	uv_timer_stop(&lab->patience);
	return wire->ended;
}

void settle(struct lab *lab)
{
	for (int i = 0; i < 20; i++)
		uv_run(&lab->loop, UV_RUN_NOWAIT);
}

const char *body_of(const struct wire *wire)
{
	const char *end = wire->got.v != NULL ? strstr(wire->got.v, "\r\n\r\n") : NULL;

	return end != NULL ? end + 4 : "";
}

struct wire *fetch(struct lab *lab, const char *target, int status)
{
	struct wire *wire = wire_ask(lab, target);
	char *line = xprintf("HTTP/1.1 %d ", status);

	assert_true(wait_for(wire, "\r\n\r\n"));
	if (strstr(wire->got.v, "Content-Length: 0") == NULL)
		assert_true(wait_for(wire, "\n"));
	settle(lab);
	assert_memory_equal(wire->got.v, line, strlen(line));
	free(line);
	return wire;
}

void expect(struct lab *lab, const char *target, int status, const char *text)
{
	struct wire *wire = fetch(lab, target, status);

	if (strstr(wire->got.v, text) == NULL)
		fail_msg("%s: no %s in %s", target, text, wire->got.v);
	wire_close(wire);
}

char *token_of(const struct wire *wire)
{
	const char *at = strstr(wire->got.v, "\"continue\":\"");

	assert_non_null(at);
	at += strlen("\"continue\":\"");
	return strndup(at, strcspn(at, "\""));
}
