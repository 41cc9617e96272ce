/* SPDX-License-Identifier: BSD-3-Clause */
/* Connections: bytes to requests, answers to bytes, and what a fault does to these on the way. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "internal.h"

#define MAX_HEAD 65536u
#define MAX_BODY (4u << 20)

const char *http_reason(int status)
{
	static const struct {
		int status;
		const char *text;
	} reasons[] = {{200, "OK"}, {201, "Created"}, {202, "Accepted"}, {400, "Bad Request"},
		{401, "Unauthorized"}, {403, "Forbidden"}, {404, "Not Found"},
		{405, "Method Not Allowed"}, {406, "Not Acceptable"}, {409, "Conflict"},
		{410, "Gone"}, {415, "Unsupported Media Type"}, {422, "Unprocessable Entity"},
		{429, "Too Many Requests"}, {500, "Internal Server Error"}, {502, "Bad Gateway"},
		{503, "Service Unavailable"}, {504, "Gateway Timeout"}};

	for (size_t i = 0; i < sizeof(reasons) / sizeof(reasons[0]); i++)
		if (reasons[i].status == status)
			return reasons[i].text;
	return "Status";
}

static void handle_closed(uv_handle_t *handle)
{
	struct conn *conn = handle->data;

	if (--conn->handles > 0)
		return;
	buf_free(&conn->in);
	buf_free(&conn->out);
	buf_free(&conn->after_filler);
	free(conn);
}

/* Whatever belongs to one request. */
static void request_done(struct conn *conn)
{
	request_free(&conn->request);
	list_free(&conn->list);
	watch_free(&conn->watch);
	buf_free(&conn->after_filler);
	uv_timer_stop(&conn->tick);
	conn->filler = 0;
	conn->body = 0;
	conn->busy = conn->finished = conn->chunked = conn->cut = conn->stopped = conn->faulty =
		false;
}

void conn_close(struct conn *conn, bool reset)
{
	if (conn->closing)
		return;
	conn->closing = true;
	*conn->prev = conn->next;
	if (conn->next != NULL)
		conn->next->prev = conn->prev;
	request_done(conn);
	uv_close((uv_handle_t *)&conn->drip, handle_closed);
	uv_close((uv_handle_t *)&conn->tick, handle_closed);
	if (!reset || uv_tcp_close_reset(&conn->tcp, handle_closed) != 0)
		uv_close((uv_handle_t *)&conn->tcp, handle_closed);
}

static void serve_next(struct conn *conn);

/* The answer is out. */
static void answer_done(struct conn *conn)
{
	if (!conn->cut)
		strict_done(conn);
	if (conn->cut || !conn->keep) {
		conn_close(conn, conn->cut && conn->fault.reset);
		return;
	}
	request_done(conn);
	serve_next(conn);
}

static void written(uv_write_t *write, int status)
{
	struct conn *conn = write->data;

	free(conn->writing);
	conn->writing = NULL;
	if (conn->closing)
		return;
	if (status != 0)
		conn_close(conn, false);
	else
		conn_pump(conn);
}

static void write_some(struct conn *conn, size_t n)
{
	uv_buf_t piece;

	if (n >= conn->out.n) {
		n = conn->out.n;
		conn->writing = conn->out.v;
		conn->out = (struct buf){0};
	} else {
		conn->writing = memcpy(xrealloc(NULL, n), conn->out.v, n);
		buf_drop(&conn->out, n);
	}
	piece = uv_buf_init(conn->writing, (unsigned int)n);
	conn->write.data = conn;
	if (uv_write(&conn->write, (uv_stream_t *)&conn->tcp, &piece, 1, written) != 0) {
		free(conn->writing);
		conn->writing = NULL;
		conn_close(conn, false);
	}
}

static void drip(uv_timer_t *timer)
{
	struct conn *conn = timer->data;

	if (conn->writing == NULL && conn->out.n > 0)
		write_some(conn, conn->fault.size);
}

static void produce(struct conn *conn)
{
	if (conn->filler > 0 || conn->after_filler.n > 0) {
		struct buf rest = conn->after_filler;
		size_t n = conn->filler < PIECE ? conn->filler : PIECE;
		char *piece = memset(xrealloc(NULL, PIECE), 'x', PIECE);

		conn->filler -= n;
		if (n > 0)
			answer_body(conn, piece, n);
		free(piece);
		if (conn->filler == 0) {
			conn->after_filler = (struct buf){0};
			answer_body(conn, rest.v, rest.n);
			buf_free(&rest);
		}
	} else if (conn->list.kind != NULL) {
		list_produce(conn);
	} else if (conn->watch.kind != NULL) {
		watch_produce(conn);
	}
}

void conn_pump(struct conn *conn)
{
	if (conn->closing || conn->writing != NULL)
		return;
	if (conn->out.n == 0 && conn->busy && !conn->finished && !conn->stopped)
		produce(conn);
	if (conn->closing)
		return;
	if (conn->out.n == 0) {
		if (conn->busy && conn->finished)
			answer_done(conn);
		return;
	}
	if (!conn->faulty || conn->fault.kind != DOUBLE_DRIP)
		write_some(conn, conn->out.n);
	else if (!uv_is_active((uv_handle_t *)&conn->drip))
		uv_timer_start(&conn->drip, drip, conn->fault.ms, 0);
}

static void date(const struct kube_double *d, char text[40])
{
	time_t now = time(NULL) + (time_t)d->options.clock_skew;
	struct tm tm;

	gmtime_r(&now, &tm);
	strftime(text, 40, "%a, %d %b %Y %H:%M:%S GMT", &tm);
}

/* Whether a fault has it that nothing follows when n more bytes of the body are out. */
static bool ends_after(const struct conn *conn, size_t n)
{
	return conn->faulty &&
	       (conn->fault.kind == DOUBLE_CUT || conn->fault.kind == DOUBLE_SILENT) &&
	       conn->body + n >= conn->fault.after;
}

static void stop_answer(struct conn *conn)
{
	conn->stopped = true;
	conn->cut = conn->finished = conn->fault.kind == DOUBLE_CUT;
}

void answer_begin(struct conn *conn, int status, const char *headers, int64_t length)
{
	char when[40];

	date(conn->d, when);
	conn->chunked = length < 0;
	conn->keep = !conn->request.close;
	buf_printf(&conn->out,
		"HTTP/1.1 %d %s\r\nCache-Control: no-cache, private\r\nDate: %s\r\n%s%s", status,
		http_reason(status), when, headers,
		conn->request.close ? "Connection: close\r\n" : "");
	if (conn->chunked)
		buf_text(&conn->out, "Transfer-Encoding: chunked\r\n\r\n");
	else
		buf_printf(&conn->out, "Content-Length: %lld\r\n\r\n", (long long)length);
	if (conn->request.number < conn->d->requests.n && !conn->control)
		conn->d->requests.v[conn->request.number].status = status;
	if (ends_after(conn, 0))
		stop_answer(conn);
}

/* One chunk, of which a fault may leave only `sent` bytes. */
static void put_chunk(struct conn *conn, const char *data, size_t n, size_t sent)
{
	if (conn->chunked)
		buf_printf(&conn->out, "%zx\r\n", n);
	buf_add(&conn->out, data, sent);
	if (conn->chunked && sent == n)
		buf_text(&conn->out, "\r\n");
}

static void put_body(struct conn *conn, const char *data, size_t n)
{
	size_t chunk = conn->d->options.chunk;

	while (n > 0 && !conn->finished && !conn->stopped) {
		size_t piece = conn->chunked && chunk > 0 && chunk < n ? chunk : n, sent = piece;

		if (ends_after(conn, piece)) {
			sent = conn->fault.after - conn->body;
			stop_answer(conn);
		}
		put_chunk(conn, data, piece, sent);
		conn->body += sent;
		data += piece;
		n -= piece;
	}
}

void answer_body(struct conn *conn, const void *data, size_t n)
{
	const struct double_fault *fault = &conn->fault;

	if (conn->faulty && fault->kind == DOUBLE_GARBAGE && conn->watch.kind == NULL &&
		conn->body + n >= fault->after) {
		put_body(conn, data, fault->after - conn->body);
		put_body(conn, fault->body, fault->body_size);
		answer_end(conn);
	} else {
		put_body(conn, data, n);
	}
}

void answer_filler(struct conn *conn, uint64_t n, const char *rest)
{
	conn->filler = n;
	buf_text(&conn->after_filler, rest);
}

void answer_end(struct conn *conn)
{
	if (conn->finished || conn->stopped)
		return;
	if (conn->chunked)
		buf_text(&conn->out, "0\r\n\r\n");
	conn->finished = true;
}

void answer(struct conn *conn, int status, const char *headers, const char *type, const void *body,
	size_t n)
{
	char *lines = xprintf("%sContent-Type: %s\r\n", headers != NULL ? headers : "", type);

	answer_begin(conn, status, lines, (int64_t)n);
	free(lines);
	answer_body(conn, body, n);
	answer_end(conn);
}

static void bad_request(struct conn *conn)
{
	static const char text[] = "HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain; "
				   "charset=utf-8\r\nConnection: close\r\n\r\n400 Bad Request";

	wrong(conn->d, NULL, "not an HTTP/1.1 request: %.60s", conn->in.v);
	buf_text(&conn->out, text);
	conn->busy = conn->finished = true;
	conn->keep = false;
	conn_pump(conn);
}

static void serve_control(struct conn *conn)
{
	struct buf out = {0};
	char *rest = conn->request.body, *line;
	int status = 200;

	while (status == 200 && (line = strsep(&rest, "\n")) != NULL) {
		char *text = NULL;

		if (double_command(conn->d, line, &text) != 0)
			status = 400;
		buf_text(&out, text);
		free(text);
	}
	answer(conn, status, NULL, "text/plain", out.v != NULL ? out.v : "", out.n);
	buf_free(&out);
}

/* The head, up to the empty line, is in `in`; 0, 1: a request is there, or -EINVAL. */
static int take_request(struct conn *conn)
{
	char *end = conn->in.n > 0 ? memmem(conn->in.v, conn->in.n, "\r\n\r\n", 4) : NULL;
	struct request *request = &conn->request;
	size_t head;

	if (end == NULL)
		return conn->in.n > MAX_HEAD ? -EINVAL : 0;
	head = (size_t)(end - conn->in.v) + 4;
	if (request->head == NULL) {
		char *copy = memcpy(xzalloc(head + 1), conn->in.v, head);

		if (request_parse(request, copy) != 0 || request->body_size > MAX_BODY)
			return -EINVAL;
		if (request->expects && conn->in.n < head + request->body_size)
			buf_text(&conn->out, "HTTP/1.1 100 Continue\r\n\r\n");
	}
	if (conn->in.n < head + request->body_size)
		return 0;
	request->body =
		memcpy(xzalloc(request->body_size + 1), conn->in.v + head, request->body_size);
	buf_drop(&conn->in, head + request->body_size);
	return 1;
}

static void serve_next(struct conn *conn)
{
	int rc = take_request(conn);

	if (rc < 0) {
		bad_request(conn);
		return;
	}
	if (rc > 0) {
		conn->busy = true;
		if (conn->control)
			serve_control(conn);
		else
			api_serve(conn);
	}
	conn_pump(conn);
}

static void got(uv_stream_t *stream, ssize_t n, const uv_buf_t *buf)
{
	struct conn *conn = stream->data;

	if (n > 0)
		buf_add(&conn->in, buf->base, (size_t)n);
	free(buf->base);
	if (n < 0) {
		conn_close(conn, false);
		return;
	}
	if (n == 0)
		return;
	if (conn->busy)
		wrong(conn->d, conn, "another request before the answer has ended");
	else
		serve_next(conn);
}

static void room(uv_handle_t *handle, size_t suggested, uv_buf_t *buf)
{
	*buf = uv_buf_init(xrealloc(NULL, suggested), (unsigned int)suggested);
}

static void accepted(uv_stream_t *listener, int status, bool control)
{
	struct kube_double *d = listener->data;
	struct conn *conn;

	if (status != 0)
		return;
	conn = xzalloc(sizeof(*conn));
	conn->d = d;
	conn->control = control;
	uv_tcp_init(d->loop, &conn->tcp);
	uv_timer_init(d->loop, &conn->drip);
	uv_timer_init(d->loop, &conn->tick);
	conn->handles = 3;
	conn->tcp.data = conn->drip.data = conn->tick.data = conn;
	conn->prev = &d->conns;
	conn->next = d->conns;
	if (d->conns != NULL)
		d->conns->prev = &conn->next;
	d->conns = conn;
	if (uv_accept(listener, (uv_stream_t *)&conn->tcp) != 0) {
		conn_close(conn, false);
		return;
	}
	uv_tcp_nodelay(&conn->tcp, 1);
	uv_read_start((uv_stream_t *)&conn->tcp, room, got);
}

void http_accepted(uv_stream_t *listener, int status)
{
	accepted(listener, status, false);
}

void http_control_accepted(uv_stream_t *listener, int status)
{
	accepted(listener, status, true);
}

int http_listen(struct kube_double *d, uv_tcp_t *listener, uint16_t port, uv_connection_cb cb)
{
	struct sockaddr_in addr;
	int n = sizeof(addr), rc;

	uv_ip4_addr("127.0.0.1", port, &addr);
	uv_tcp_init(d->loop, listener);
	listener->data = d;
	rc = uv_tcp_bind(listener, (const struct sockaddr *)&addr, 0);
	if (rc == 0)
		rc = uv_listen((uv_stream_t *)listener, 128, cb);
	if (rc == 0)
		rc = uv_tcp_getsockname(listener, (struct sockaddr *)&addr, &n);
	return rc != 0 ? rc : ntohs(addr.sin_port);
}
