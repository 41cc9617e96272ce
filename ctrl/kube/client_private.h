/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Private to ctrl/kube: the client and its calls.
 *
 * libcurl does not like to be called from its own callbacks, and handlers may do anything from
 * theirs. So whatever changes a call (it is made, cancelled, answered) only notes it in the call's
 * state and puts it into `ready`; kube_client_pump() does what follows, never within libcurl, and
 * what handlers ask for meanwhile is done by the next one.
 */
#ifndef TG_KUBE_CLIENT_PRIVATE_H
#define TG_KUBE_CLIENT_PRIVATE_H

#include <stdbool.h>
#include <sys/queue.h>

#include <curl/curl.h>

#include "client.h"
#include "credentials.h"
#include "url.h"

#define KUBE_ERROR_BODY_MAX 16384u /* bytes read of the body of an answer that is no success */

enum kube_call_state {
	KUBE_CALL_WAITING,   /* for credentials */
	KUBE_CALL_RUNNING,   /* libcurl has it */
	KUBE_CALL_OVER,	     /* `result` is to be told */
	KUBE_CALL_CANCELLED, /* to be freed without a word */
};

struct tg_kube_call {
	struct tg_kube_client *client;
	TAILQ_ENTRY(tg_kube_call) entry, ready_entry;
	const struct tg_kube_handler *handler;
	void *ctx;
	enum kube_call_state state;
	bool is_ready; /* in client->ready */
	bool repeated;
	bool has_head; /* all headers of the answer have come */
	bool stopped;  /* by its handler */
	bool refused;  /* our certificate, by the other end of TLS */
	bool cut;      /* the body of an error is longer than what is kept */
	char *path, *accept;
	uint32_t total_ms, silence_ms;
	uint64_t made_at, heard_at; /* uv_now() */
	struct kube_credentials *credentials;
	/* The transfer; NULL while there is none. */
	CURL *easy;
	struct curl_slist *headers, *connect_to;
	char *body; /* of an error */
	size_t body_size;
	char curl_error[CURL_ERROR_SIZE];
	struct tg_kube_result result;
};

TAILQ_HEAD(kube_calls, tg_kube_call);

struct tg_kube_client {
	uv_loop_t *loop;
	struct tg_kube_client_options options;
	struct kube_authenticator *authenticator;
	struct kube_url server;
	CURLM *multi;
	uv_timer_t curl_timer; /* libcurl's */
	uv_idle_t kick;	       /* pumps when the loop comes by */
	uv_timer_t watchdog;   /* total_ms and silence_ms of all calls */
	uv_check_t look;       /* what the watchdog is for, once sockets have been read */
	unsigned int open;     /* handles, those of sockets included */
	unsigned int inside;   /* libcurl or the pump are on the stack */
	bool closing;
	bool blind; /* a socket could not be watched, of whichever call */
	struct kube_calls calls, ready;
	struct tg_kube_client_stats stats;
};

/* client.c */
void kube_call_ready(struct tg_kube_call *call);
void kube_client_pump(struct tg_kube_client *client);
/* Frees what a transfer has, and forgets what it got. */
void kube_call_end_transfer(struct tg_kube_call *call);

/* sockets.c: libcurl's sockets and timer in the loop. */
int kube_sockets_create(struct tg_kube_client *client);
/* Closes libcurl's side and the timer; calls have been freed. */
void kube_sockets_free(struct tg_kube_client *client);
/* An uv_close_cb for handles whose `data` is the client. */
void kube_client_closed(uv_handle_t *handle);

/* transfer.c: 0 or -ENOMEM; after an error kube_call_end_transfer() undoes what was done. */
int kube_transfer_start(struct tg_kube_call *call);

/* outcome.c: fills call->result when libcurl is done. */
void kube_outcome(struct tg_kube_call *call, CURLcode code);

#endif
