/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A double of a Kubernetes API server: plain HTTP/1.1 on 127.0.0.1, in the caller's libuv loop,
 * without threads. It does on command what a real server does when it is overloaded, compacted,
 * restarted or broken, and it keeps a record of what its client does wrong.
 *
 * Written from the API's documentation (Kubernetes API concepts; API conventions) and from what
 * k8s.io/apiserver does: texts of errors, order of keys, what a resourceVersion means in a list and
 * in a watch, bookmarks, watch-lists. Objects are kept with their history until it is compacted, so
 * the pages of a list show one state however much changes between them.
 *
 *	double_create(loop, &(struct double_options){.version = DOUBLE_1_34}, &d);
 *	double_put(d, "pods", "shop", "web-1", "{\"status\":{\"podIP\":\"10.0.0.1\"}}");
 *	double_fault(d, &(struct double_fault){.kind = DOUBLE_STATUS, .verb = DOUBLE_LIST,
 *		.path = "/api/v1/pods", .count = 2, .status = 429, .retry_after = 1});
 *	(run the client against double_url(d) in the same loop)
 *	assert_int_equal(double_wrongs(d), 0);
 *	double_close(d);	(and run the loop until it has nothing left to do)
 *
 * What runs out of memory here aborts: it is a test.
 */
#ifndef TG_KUBE_DOUBLE_H
#define TG_KUBE_DOUBLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <uv.h>

struct kube_double;

enum double_version {
	DOUBLE_1_20, /* sendInitialEvents is not known and ignored as any unknown parameter */
	DOUBLE_1_34, /* watch-lists */
	DOUBLE_1_34_NO_STREAM, /* the WatchList feature gate is off: 422 */
};

struct double_options {
	enum double_version version;
	uint16_t port;	   /* 0: any */
	const char *token; /* bearer token that every request needs; NULL: none */
	const char *user;  /* whom a 403 names; NULL: system:serviceaccount:tidegate:tidegate */
	unsigned int bookmark_ms; /* between bookmarks of a watch; 0: a minute, as the real one */
	unsigned int burst;   /* requests a second that are no wrong; pages do not count; 0: 50 */
	unsigned int retries; /* the same of a request that just failed; 0: 10 */
	unsigned int chunk; /* bytes of a chunk of a body; 0: an event or a piece of a list each */
	bool allow_unpaged; /* a list without limit is no wrong */
	bool allow_writes;  /* POST, PUT, PATCH and DELETE are no wrong */
	int64_t clock_skew; /* seconds that the Date header is ahead */
};

/* Listens when it returns. 0, or -errno of the socket. */
int double_create(uv_loop_t *loop, const struct double_options *options, struct kube_double **out);
/* Cuts every connection and frees all, within the next runs of the loop. */
void double_close(struct kube_double *d);
/* "http://127.0.0.1:PORT" */
const char *double_url(const struct kube_double *d);
uint16_t double_port(const struct kube_double *d);

/*
 * Kinds. Served from the start: namespaces, nodes, pods, services (v1), networkpolicies
 * (networking.k8s.io/v1), endpointslices (discovery.k8s.io/v1; v1beta1 in 1.20). Others appear as a
 * CustomResourceDefinition's do: in discovery, with another order of keys (metadata comes last in
 * a list) and apiVersion and kind in every item. A removed kind is 404; its objects are gone, its
 * watches end.
 */
struct double_kind {
	const char *group, *version; /* "" for the core group */
	const char *resource, *kind; /* "pods", "Pod" */
	bool namespaced;
};
void double_add_kind(struct kube_double *d, const struct double_kind *kind);
void double_remove_kind(struct kube_double *d, const char *resource);

/*
 * Objects. `resource` is "pods", or "resource.group" where that is ambiguous; ns is NULL for
 * objects without. `json` is an object to which identity and whatever a server fills in is added
 * (uid, creationTimestamp, resourceVersion); NULL: nothing else. The event goes to watches in the
 * loop's next run. Return the resourceVersion, 0 when there is no such kind, object, or no JSON.
 */
uint64_t double_put(struct kube_double *d, const char *resource, const char *ns, const char *name,
	const char *json);
uint64_t double_delete(
	struct kube_double *d, const char *resource, const char *ns, const char *name);
/* The newest revision of the whole store. */
uint64_t double_revision(const struct kube_double *d);
/* How many objects of that kind there are now. */
size_t double_count(const struct kube_double *d, const char *resource);
/* Raises the revision by n, as writes to kinds that nobody looks at do. */
uint64_t double_skip_revisions(struct kube_double *d, unsigned int n);
/* A bookmark on every watch of that kind that allows bookmarks, now; NULL: of all kinds. */
void double_bookmark(struct kube_double *d, const char *resource);
/*
 * Forgets what was before `revision`: lists and tokens of an older one are 410 Expired, watches
 * that start before get an ERROR event. 0: everything but the newest.
 */
void double_compact(struct kube_double *d, uint64_t revision);
/* Ends watches of that kind as a server does whose time is over; NULL: of all kinds. */
void double_end_watches(struct kube_double *d, const char *resource);

/* A new token; NULL: none is needed. The old one is 401 from now on. */
void double_set_token(struct kube_double *d, const char *token);
/* 403 for verb ("list", "watch", "get") on resource, as RBAC says it; until allowed again. */
void double_forbid(struct kube_double *d, const char *verb, const char *resource, bool forbidden);
/* Closes the listener and every connection (with RST or FIN); double_up listens there again. */
void double_down(struct kube_double *d, bool reset);
int double_up(struct kube_double *d);
/* Cuts every connection, listens on. */
void double_cut_all(struct kube_double *d, bool reset);

/* Which requests a fault is for. */
enum double_verb { DOUBLE_ANY, DOUBLE_LIST, DOUBLE_WATCH, DOUBLE_GET, DOUBLE_WRITE, DOUBLE_OTHER };

enum double_fault_kind {
	/*
	 * Answers `status`, with retry_after (seconds; 0: no such header), and `body` (NULL: what a
	 * real server says with that status) as content_type (NULL: what fits).
	 * 410 on a page after the first says with `token` that an inconsistent list can be had.
	 */
	DOUBLE_STATUS,
	/* After `after` events of a watch: an ERROR event with a Status of `status`, then the end.
	 */
	DOUBLE_ERROR_EVENT,
	/* Closes after `after` bytes of the body, in the middle of a chunk or short of the length.
	 */
	DOUBLE_CUT,
	/* Sends `size` bytes of the answer each `ms` milliseconds. */
	DOUBLE_DRIP,
	/* After `after` bytes (list) or events (watch): `body` instead of what follows. */
	DOUBLE_GARBAGE,
	/* The whole answer, headers and all, is `body`. */
	DOUBLE_RAW,
	DOUBLE_DUPLICATE, /* every event of a watch twice */
	DOUBLE_REORDER,	  /* each two events that are sent in one go, the other way round */
	/*
	 * The object after `after` others has an annotation of `size` bytes. No memory is held, so
	 * it may be gigabytes.
	 */
	DOUBLE_OVERSIZED,
	DOUBLE_NO_BOOKMARKS, /* of any sort, on this watch; not even of a watch-list's end */
	DOUBLE_SILENT, /* after `after` bytes of the body nothing ever: a half-open connection */
	DOUBLE_HANG,   /* accepts, and does not even send headers */
	DOUBLE_STALE,  /* a list of the state `after` revisions ago */
	DOUBLE_NEVER_ENDS, /* a list whose every page promises another one: the same again */
};

/*
 * Faults are asked in the order in which they were set; the first that matches is it. Strings are
 * copied.
 */
struct double_fault {
	enum double_fault_kind kind;
	enum double_verb verb;
	const char *path;   /* prefix of the path; NULL: any */
	unsigned int page;  /* of a list, from 1; 0: any */
	unsigned int skip;  /* as many matching requests go well first */
	unsigned int count; /* as many fail then; 0: one */
	bool forever;	    /* not count: all that follow */
	bool with_length;   /* a list with Content-Length instead of in chunks */
	bool reset;	    /* CUT with RST instead of FIN */
	bool token;	    /* see DOUBLE_STATUS */
	int status;
	unsigned int retry_after;
	uint64_t after, size;
	unsigned int ms;
	const char *body, *content_type;
	size_t body_size; /* 0: strlen(body) */
};
/* The fault's number, for double_fault_hits. */
size_t double_fault(struct kube_double *d, const struct double_fault *fault);
/* How many requests it has been the fate of. */
unsigned int double_fault_hits(const struct kube_double *d, size_t fault);
void double_clear_faults(struct kube_double *d);

/* What the client did wrong, in words, with the request; how many, and each. */
size_t double_wrongs(const struct kube_double *d);
const char *double_wrong(const struct kube_double *d, size_t i);
void double_clear_wrongs(struct kube_double *d);

/* What was asked, in the order of arrival. */
struct double_request {
	const char *method, *target;		    /* target: path and query as sent */
	const char *agent, *accept, *authorization; /* "" when absent */
	enum double_verb verb;
	int status;  /* 0: none was sent */
	uint64_t at; /* uv_hrtime */
};
size_t double_requests(const struct kube_double *d);
const struct double_request *double_request(const struct kube_double *d, size_t i);
/* Of those that match; path NULL: any. */
size_t double_count_requests(const struct kube_double *d, enum double_verb verb, const char *path);
/* Watches that are open now; NULL: of all kinds. */
size_t double_watches(const struct kube_double *d, const char *resource);

/*
 * One command of the control interface (see `kube_double --help`); `out` gets its answer, which
 * the caller frees. 0, or -EINVAL and what was wrong in `out`.
 */
int double_command(struct kube_double *d, char *line, char **out);
/* All commands, a line or more each. */
void double_usage(FILE *to);
/* Listens for these as bodies of HTTP POSTs, lines of commands; returns the port or -errno. */
int double_control(struct kube_double *d, uint16_t port);

#endif
