/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What the double's files share: the server, its connections, and who does what of a request.
 *
 *	http.c	  bytes to a request; an answer's pieces to bytes, and what a fault does to these
 *	api.c	  what a request asks for: discovery, list, watch, one object, a write
 *	list.c, watch.c	  produce their answers piece by piece, as fast as they are taken
 *	strict.c  what is wrong with a request
 *	fault.c	  which request a fault is for
 */
#ifndef TG_KUBE_DOUBLE_INTERNAL_H
#define TG_KUBE_DOUBLE_INTERNAL_H

#include "store.h"

#define PIECE 65536u	 /* bytes that a producer makes at a time, about */
#define SHORT_BODY 2048u /* shorter ones have a Content-Length, as net/http does it */

struct param {
	char *name, *value;
};

struct request {
	char *head; /* of which the strings below are parts */
	const char *method, *target, *agent, *accept, *authorization, *content_type, *host;
	char *path; /* without query, decoded */
	VEC(struct param) params;
	char *body;
	size_t body_size;
	bool expects, close;
	enum double_verb verb;
	size_t number; /* in the record of requests */
};

/* A parameter's value, or NULL. */
const char *request_param(const struct request *request, const char *name);
bool request_flag(const struct request *request, const char *name);

/* What a request's path names. */
struct target {
	struct kind *kind;	     /* NULL: not a path of objects that are served */
	const char *ns, *name, *sub; /* NULL: none */
};

typedef VEC(const struct revision *) revisions;

/* A page of a list that is being sent. */
struct listing {
	struct kind *kind; /* NULL: none is */
	revisions items;
	size_t sent;
	uint64_t rv;
	char *token;	   /* of the next page; NULL: this is the last one */
	int64_t remaining; /* -1: not told */
	bool begun, metadata_only;
};

struct watching {
	struct kind *kind; /* NULL: none is */
	char *ns;
	struct selector *selector;
	revisions initial; /* are sent first, at `rv` */
	size_t initial_sent;
	bool end_bookmark;		  /* ends them */
	uint64_t rv;			  /* all up to here was looked at */
	uint64_t deadline, next_bookmark; /* uv_now */
	size_t sent;			  /* events */
	bool fault_done, bookmarks, bookmark_due, metadata_only, expired;
};

struct conn {
	struct kube_double *d;
	uv_tcp_t tcp;
	uv_timer_t drip, tick;
	unsigned int handles; /* not closed yet */
	struct conn **prev, *next;
	struct buf in, out;
	uv_write_t write;
	char *writing; /* what is on its way; NULL: nothing */
	bool closing, control;
	/* The request that is being answered, and the answer. */
	struct request request;
	bool busy, finished, chunked, keep;
	bool stopped, cut; /* nothing more is sent; and the connection ends there */
	uint64_t body;	   /* bytes of it so far */
	struct double_fault fault;
	bool faulty; /* fault is in force */
	uint64_t filler;
	struct buf after_filler;
	struct listing list;
	struct watching watch;
};

struct fault {
	struct double_fault spec;
	unsigned int matched, hits;
};

/* A continue token that was given out. */
struct token {
	char *text, *path, *selectors;
	unsigned int page; /* that it leads to */
	size_t remaining;
};

struct forbidden {
	char *verb, *resource;
};

/* Requests of one path and verb lately. */
struct rate {
	char *path;
	enum double_verb verb;
	uint64_t second;     /* uv_hrtime at which counting began */
	uint64_t not_before; /* Retry-After */
	unsigned int n;
	bool failed; /* the last one */
};

struct kube_double {
	uv_loop_t *loop;
	struct double_options options;
	char *token, *user, *url;
	struct store store;
	uv_tcp_t *listener, *control; /* NULL: it does not listen there */
	uv_timer_t kick;
	bool closing;
	unsigned int handles;
	uint16_t port;
	struct conn *conns;
	VEC(struct fault) faults;
	VEC(char *) wrongs;
	VEC(struct double_request) requests;
	VEC(struct token) tokens;
	VEC(struct forbidden) forbidden;
	VEC(struct rate) rates;
	struct rate all;
	struct scale *scale; /* made by a command */
};

/* double.c */
void double_kick(struct kube_double *d);
/* Frees history that no request, open or allowed, can ask for. */
void double_prune(struct kube_double *d);
/* http.c */
/* The port, or -errno; the handle is there to be closed in any case. */
int http_listen(
	struct kube_double *d, uv_tcp_t *listener, uint16_t port, uv_connection_cb accepted);
void http_accepted(uv_stream_t *listener, int status);
void http_control_accepted(uv_stream_t *listener, int status);
void conn_close(struct conn *conn, bool reset);
void conn_pump(struct conn *conn);
/* length < 0: in chunks. */
void answer_begin(struct conn *conn, int status, const char *headers, int64_t length);
void answer_body(struct conn *conn, const void *data, size_t n);
/* n bytes of 'x', then `rest`, before anything that comes next. */
void answer_filler(struct conn *conn, uint64_t n, const char *rest);
void answer_end(struct conn *conn);
/* All of it. */
void answer(struct conn *conn, int status, const char *headers, const char *type, const void *body,
	size_t n);
const char *http_reason(int status);

/* request.c: 0, or -EINVAL */
int request_parse(struct request *request, char *head);
void request_free(struct request *request);
/* Undoes percent-encoding in place; false: it is wrong. */
bool url_decode(char *text);

/* api.c */
void api_serve(struct conn *conn);
struct target api_target(struct kube_double *d, char *path);
/* As the first part of an Accept header that can be served: PartialObjectMetadata. */
bool api_metadata_only(const struct request *request);
/* The group and version of a kind: "v1", "networking.k8s.io/v1". */
void kind_version(const struct kind *kind, struct buf *out);
/* {"kind":"Pod","apiVersion":"v1" or, of custom kinds, the other way round; no closing brace. */
void kind_head(const struct kind *kind, const char *suffix, struct buf *out);
/* The object as it is sent; `item`: of a list, where built-in kinds have no apiVersion and kind. */
void object_render(const struct kind *kind, const struct revision *revision, uint64_t rv, bool item,
	bool metadata_only, struct buf *out);

/* discovery.c: false when the path is none of it */
bool discovery_serve(struct conn *conn);

/* status.c: a Status object, as JSON */
void status_text(struct buf *out, int code, const char *reason, const char *message,
	const char *details, const char *token);
/* Sends it. headers: NULL or lines that end in CRLF. */
void status_send(
	struct conn *conn, int code, const char *reason, const char *message, const char *details);
/* No such path. */
void status_not_found(struct conn *conn);
/* An object that is not there (404), or is already (409). */
void status_object(struct conn *conn, const struct kind *kind, const char *name, bool exists);
/* 410; with the token that takes up where the one of the request was, at the newest revision. */
void status_expired(struct conn *conn, bool with_token);
/* What a real server says with that code when it is not about anything in particular. */
void status_default(struct conn *conn, const struct double_fault *fault);
/* The reason that goes with a code. */
const char *status_reason(int code);

/* list.c, watch.c */
void list_start(struct conn *conn, const struct target *target);
void list_produce(struct conn *conn);
void list_free(struct listing *list);
void watch_start(struct conn *conn, const struct target *target);
void watch_produce(struct conn *conn);
void watch_tick(struct conn *conn);
void watch_free(struct watching *watch);
/*
 * Sends what is in `out` from `from` on an object, which comes after `sent` others, with an
 * annotation as large as a fault wants it, if one does: true, and `out` is empty.
 */
bool send_oversized(struct conn *conn, size_t sent, struct buf *out, size_t from);
/*
 * Options that a server refuses (ValidateListOptions): false, and the answer is given.
 */
bool options_valid(struct conn *conn);
/* An unsigned number of a parameter; 0 when it is absent; false: 400 was sent. */
bool param_number(struct conn *conn, const char *name, uint64_t *out);
/* 504, with what a client is to do about it. */
void status_too_large(struct conn *conn, uint64_t asked);

/* write.c: POST, PUT, PATCH, DELETE */
void write_serve(struct conn *conn, const struct target *target);

/* selector.c */
struct selector;
/* NULL: everything. -EINVAL: `error` says why; to be freed. */
int selector_parse(const char *labels, const char *fields, struct selector **out, char **error);
bool selector_matches(const struct selector *selector, const struct revision *revision);
void selector_free(struct selector *selector);

/* strict.c */
void wrong(struct kube_double *d, const struct conn *conn, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
/* Before it is served. */
void strict_request(struct conn *conn);
void strict_list(struct conn *conn, const struct target *target);
void strict_watch(struct conn *conn, const struct target *target);
/* When its status is known, and whether a fault cut it. */
void strict_answered(struct conn *conn, int status, unsigned int retry_after);
/* The answer has ended well, which ends a row of failures. */
void strict_done(struct conn *conn);
/* The connection ends before its answer. */
void strict_cut(struct conn *conn);
void strict_free(struct kube_double *d);
/* A watch of that kind may start from rv now. */
void handed_out(struct kind *kind, uint64_t rv);
bool was_handed_out(const struct kind *kind, uint64_t rv);
/* Continue tokens. */
const struct token *token_find(const struct kube_double *d, const char *text);
/* For the request's next page, which begins after place and is page number `page`. */
char *token_make(struct conn *conn, const struct place *place, int64_t rv, unsigned int page,
	size_t remaining);
bool token_read(const char *text, int64_t *rv, struct place *place);

/* fault.c */
void fault_choose(struct conn *conn, unsigned int page);
void faults_free(struct kube_double *d);
int fault_parse(struct double_fault *fault, char *words, struct buf *error);

#endif
