/* SPDX-License-Identifier: BSD-3-Clause */
/* api_server.py as a child process, and a client that calls it. */
#ifndef TG_TEST_API_SERVER_H
#define TG_TEST_API_SERVER_H

#include <stdbool.h>
#include <stddef.h>

#include "client.h"

/* Group fixtures; *state is of use to the tests as `const char *`, the folder. */
int api_server_start(void **state);
int api_server_stop(void **state);
/* Of the server of that name. */
unsigned int api_server_port(const char *name);
/* "https://localhost:PORT"; valid until the next call. */
const char *api_server_url(const char *name);
/* A file of the folder: its path (which lasts), what it holds, what it shall.
 */
const char *api_server_path(const char *name);
const char *api_server_read(const char *name); /* valid until the next call; "": is not there */
void api_server_write(const char *name, const char *text);

/* A loop with a client of `access`. */
struct caller {
	uv_loop_t loop;
	struct tg_kube_access access;
	struct tg_kube_client_options options;
	struct tg_kube_client *client;
};

/* How a call went. */
struct heard {
	struct tg_kube_call *call; /* NULL when it is over */
	int begun, done;
	struct tg_kube_result result;
	size_t size;	  /* of the body */
	char body[65536]; /* its beginning, terminated */
	/* What it does itself, or NULL. */
	void (*on_begin)(struct heard *heard);
	int (*on_data)(struct heard *heard);
	void (*on_done)(struct heard *heard);
	struct caller *caller;
};

/* `access` as far as it is set; else "server" and the right CA (a file of no name: no CA). */
void caller_open(struct caller *caller, const struct tg_kube_access *access);
/* Frees the client, and fails when a handle of it stays behind. */
void caller_close(struct caller *caller);
/* False: out of memory. */
bool caller_try(struct caller *caller, struct heard *heard, const struct tg_kube_request *request);
void caller_get(struct caller *caller, struct heard *heard, const struct tg_kube_request *request);
/* Runs the loop until `heard` is done. */
void caller_wait(struct caller *caller, const struct heard *heard);
/* All of it, for a path, on a client of its own: how it went. Valid until the next call. */
const struct heard *call_once(const struct tg_kube_access *access, const char *path);

#endif
