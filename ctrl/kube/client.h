/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * GET requests to one API server, as many at a time as there are callers, over libcurl's multi
 * interface in a libuv loop. Bodies are handed on as they come in. TLS (1.2 and up) is verified
 * against the access's CA; credentials go into headers and nowhere else: no log, no error has them.
 * Redirects are not followed, and nothing of the environment (proxies, .netrc) is heeded.
 *
 * Credentials (token files, certificates, exec plugins) are read again when they change or expire,
 * and once more when the server does not accept them (401, or a TLS alert about our certificate):
 * when that gives others, or an exec plugin's are asked for anew, the call is repeated, once. A
 * file that cannot be read any more leaves in force what it had.
 *
 * HTTP/1.1, each call on a connection of its own, kept for the next call. With HTTP/2 all watches
 * would share one: a packet that is lost, or a connection that has silently died, would stop all of
 * them at once (client-go needs pings of HTTP/2 for that, which libcurl's multi interface has
 * not), a handler that takes its time would stop the others through the shared window, and libcurl
 * 7.88's HTTP/2 is known to stall. A dozen connections per cluster are no burden to a server.
 *
 * A connection is given up when nothing is heard from the other end's kernel for four times
 * keepalive_s.
 *
 * One thread: the loop's; SIGPIPE is ignored by the process. A handler may make and cancel calls,
 * its own included, and free the client.
 */
#ifndef TG_KUBE_CLIENT_H
#define TG_KUBE_CLIENT_H

#include <stddef.h>
#include <stdint.h>

#include <uv.h>

#include "kubeconfig.h"

struct tg_kube_client;
struct tg_kube_call;

struct tg_kube_client_options {
	const struct tg_kube_access *access; /* outlives the client */
	const char *agent;		     /* User-Agent; outlives the client */
	uint32_t connect_ms;		     /* name, TCP, TLS; 0: 10,000 */
	uint32_t keepalive_s;		     /* TCP keepalive: idle time and interval; 0: 15 */
	uint32_t exec_ms;		     /* an exec plugin's time; 0: 60,000 */
};

/* 0 or -errno; nothing is sent yet. */
int tg_kube_client_create(
	uv_loop_t *loop, const struct tg_kube_client_options *options, struct tg_kube_client **out);
/*
 * Cancels all calls and kills an exec plugin that runs; the loop has to run until the client's
 * handles are closed, which frees it. NULL is fine.
 */
void tg_kube_client_free(struct tg_kube_client *client);

struct tg_kube_request {
	const char *path;    /* "/api/v1/pods?limit=500", begins with a slash, already escaped */
	const char *accept;  /* NULL: application/json */
	uint32_t total_ms;   /* for the whole answer, credentials included; 0: no limit */
	uint32_t silence_ms; /* without a byte of it since it was asked for; 0: no limit */
};

#define TG_KUBE_WHY 256

/* How a call ended. */
struct tg_kube_result {
	/*
	 * 0: a complete answer, whatever its status. Else no (complete) answer: -ETIMEDOUT,
	 * -ECONNREFUSED, -ECONNRESET (ended before its end), -EHOSTUNREACH (name, route, or a proxy
	 * that does not let us), -EKEYREJECTED (TLS: its certificate, or ours, is not accepted),
	 * -EACCES (no credentials to be had), -EPROTO (not HTTP or TLS as we know it), -ECANCELED
	 * (the handler said stop), -ENOMEM, -EIO.
	 */
	int error;
	unsigned int status; /* HTTP; 0: there was none */
	uint32_t
		retry_after_ms; /* Retry-After, or details.retryAfterSeconds of a Status; 0: none */
	int64_t date;		/* Date of the answer, Unix seconds; 0: none */
	/* Of a status from 400 up: metav1.Status reason ("Expired", "Forbidden"); else "". */
	char reason[64];
	/* One line for people, never empty when something went wrong: UTF-8, nothing secret. */
	char why[TG_KUBE_WHY];
};

struct tg_kube_handler {
	/* The answer has begun: status 200..299. May be NULL. */
	void (*begin)(void *ctx);
	/* Some of its body, decompressed, of a status 200..299 only. Nonzero: stop the call. */
	int (*data)(void *ctx, const void *data, size_t size);
	/* The call is over and freed; not called after tg_kube_call_cancel(). */
	void (*done)(void *ctx, const struct tg_kube_result *result);
};

/*
 * NULL: out of memory. `done` is never called before this returns. `handler` outlives the call, the
 * request does not have to.
 */
struct tg_kube_call *tg_kube_client_get(struct tg_kube_client *client,
	const struct tg_kube_request *request, const struct tg_kube_handler *handler, void *ctx);
void tg_kube_call_cancel(struct tg_kube_call *call);

struct tg_kube_client_stats {
	uint64_t requests;    /* that were sent, or for which a connection was tried */
	uint64_t bytes;	      /* of bodies, decompressed */
	uint64_t connections; /* that were tried */
	uint64_t tls_failures;
	uint64_t credentials_read; /* times that a file was read or a plugin's answer taken */
	uint64_t exec_runs;
	int64_t certificate_expires_at; /* Unix seconds, of our client certificate; 0: none */
};

void tg_kube_client_stats(const struct tg_kube_client *client, struct tg_kube_client_stats *out);

#endif
