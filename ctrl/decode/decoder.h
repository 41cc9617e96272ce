/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Private to ctrl/decode: what the files of the kinds share. Decoding goes on after a problem, so
 * that all of them are reported; whatever is made meanwhile is thrown away with the file.
 */
#ifndef TG_DECODER_H
#define TG_DECODER_H

#include <stdbool.h>

#include "decode.h"

struct decoder {
	uint32_t file; /* intern number of the file's name */
	struct tg_scope scope;
	struct tg_intern *strings;
	struct tg_arena *arena;
	struct tg_reader reader;   /* problems that refuse the file */
	struct tg_reader warnings; /* problems that do not */
	struct tg_decoded *out;
	bool no_memory; /* sticky: the result is void */
	/* NULL: a file. What follows is of use for served objects only. */
	const struct tg_served *served;
	size_t tolerated;      /* problems that spoil a part of a policy which does not count */
	bool selector_damaged; /* there was a problem in one */
};

/* Zeroed room for n things of `size` bytes; NULL sets no_memory. */
void *decoder_alloc(struct decoder *d, size_t n, size_t size);
/* The intern number; 0 and no_memory when memory is out. */
uint32_t decoder_string(struct decoder *d, const char *text);
/* How many problems there have been: if it grows, what was read meanwhile is not to be relied on.
 */
size_t decoder_problems(const struct decoder *d);
/* The name of a namespace or node as it is called outside of its cluster; 0 stays. */
uint32_t decoder_scoped(struct decoder *d, uint32_t name);
struct tg_place decoder_place(const struct decoder *d, const struct tg_at *at);

/* An optional string field of a map, as an intern number; 0 when absent. */
uint32_t decode_string_field(struct decoder *d, const struct tg_at *up, const char *key);
/* An optional map of strings, null values being "". */
struct tg_labels decode_labels(struct decoder *d, const struct tg_at *at);
/* Sets a label in the sorted array of n; returns the new n. */
uint32_t put_label(struct tg_label *labels, uint32_t n, struct tg_label label);
/* "TCP", "UDP" or "SCTP" as the IANA number, TCP when absent. */
uint8_t decode_protocol(struct decoder *d, const struct tg_at *at);

/* IP addresses are gathered one by one. */
struct addr_list {
	struct tg_addr *v;
	uint32_t n;
	uint32_t cap;
};

struct addr_list decoder_addr_list(struct decoder *d, uint32_t cap);
/* Adds the address at a place (absent: none); a text that is no address is a problem. */
void decode_addr(struct decoder *d, const struct tg_at *at, struct addr_list *list);

/* metadata of the kinds that are read tolerantly. */
struct metadata {
	struct tg_at at;
	uint32_t ns; /* "default" when absent; 0 for kinds that have none */
	uint32_t name;
	uint32_t uid;
	struct tg_labels labels;
};

/* Without the labels. */
void decode_identity(
	struct decoder *d, const struct tg_at *object, bool namespaced, struct metadata *out);
void decode_metadata(
	struct decoder *d, const struct tg_at *object, bool namespaced, struct metadata *out);
/* The same read strictly: every field known, every rule of the API server's validation. */
void decode_metadata_strict(struct decoder *d, const struct tg_at *object, struct metadata *out);
/* Annotations under tidegate.dev/ that this version does not act on. */
void warn_annotations(struct decoder *d, const struct tg_at *metadata, const char *honoured,
	const char *consequence);

/* Strictly; an absent selector selects everything. */
void decode_selector(struct decoder *d, const struct tg_at *at, struct tg_selector *out);
/* The same of a namespaceSelector, which selects in its own scope only. */
void decode_namespace_selector(struct decoder *d, const struct tg_at *at, struct tg_selector *out);

/* One object each; they add it to d->out. */
void decode_namespace(struct decoder *d, const struct tg_at *object);
void decode_pod(struct decoder *d, const struct tg_at *object);
void decode_node(struct decoder *d, const struct tg_at *object);
void decode_service(struct decoder *d, const struct tg_at *object);
void decode_network_policy(struct decoder *d, const struct tg_at *object);
/* A policy of this name of which nothing is understood: isolates its whole namespace. */
void decode_network_policy_unread(struct decoder *d, const struct tg_served *served);
/* A policy that nothing here enforces; ns and name are intern numbers. */
void decode_not_enforced(struct decoder *d, const struct tg_not_enforced *policy);
/* Whatever it is, by its kind. */
void decode_as(
	struct decoder *d, const struct tg_at *object, const char *api_version, const char *kind);
/*
 * The field `kind` or `apiVersion`. *out stays when it is absent and has a default; false: there
 * was a problem.
 */
bool decode_type_field(
	struct decoder *d, const struct tg_at *object, const char *field, const char **out);

/* A text in the compact format of endpoints.h. */
void decode_endpoints(struct decoder *d, const char *text, size_t size);

enum kind_treatment {
	KIND_NAMESPACE,
	KIND_POD,
	KIND_NODE,
	KIND_SERVICE,
	KIND_NETWORK_POLICY,
	KIND_NOT_ENFORCED,
	KIND_SKIPPED,
	KIND_REFUSED,
};

/* What to do with an object; *why is set for KIND_REFUSED. */
enum kind_treatment kind_treatment(const char *api_version, const char *kind, const char **why);

#endif
