/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The configuration of the control process: one YAML file (docs/configuration.md lists every key).
 * Unknown keys, wrong types and values out of range are refused, each with its file, line and field
 * path; a key that is absent has its default. Relative paths are relative to the folder of the
 * file.
 *
 * The CLI reads the same file, for the options that a ruleset is compiled with.
 */
#ifndef TG_CONFIG_H
#define TG_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "compile.h"
#include "decode.h"
#include "kinds.h"
#include "log.h"

#define TG_CONFIG_SOCKET "/run/tidegate/dataplane.sock"
#define TG_CONFIG_LISTEN "127.0.0.1"
#define TG_CONFIG_PORT 9469

#define TG_CONFIG_CLUSTER_NAME 63 /* bytes: a DNS label (RFC 1123) */

/* A Kubernetes cluster to read from. */
struct tg_config_cluster {
	const char *name;
	struct tg_scope scope;
	const char *kubeconfig;	       /* path; NULL: we run in it, as a pod */
	const char *context;	       /* of the kubeconfig; NULL: its current one */
	bool insecure;		       /* its certificate is not verified */
	const char *const *namespaces; /* that are read; NULL: all */
	size_t n_namespaces;
	const char *selector[TG_CLUSTER_KIND_COUNT]; /* label selectors; NULL: all objects */
	uint32_t optional; /* 1 << enum tg_cluster_kind: may be absent or forbidden */
};

/* All pointers are owned by the config. */
struct tg_config {
	/* After tg_config_load there is at least one of both together. */
	const char *const *manifests; /* folders to read and watch */
	size_t n_manifests;
	struct tg_scope scope; /* of what is in them */
	struct tg_config_cluster *clusters;
	size_t n_clusters;
	const char *dataplane_socket;
	const char *state_directory; /* NULL: nothing is kept */
	struct {
		bool enabled;
		struct tg_addr addr;
		uint16_t port;
	} http;
	unsigned int debounce_ms;
	unsigned int rescan_s; /* 0: only when inotify or SIGHUP says so */
	enum tg_log_level log_level;
	/* generation, delta_sequence, slot_capacity and now_ms are left zero. */
	struct tg_compile_options compile;
};

/*
 * 0; -EINVAL refused, with one line "file:line: field: what was expected" for each mistake in
 * *error, to be freed; -errno when the file cannot be read, with *error saying so; -ENOMEM.
 */
int tg_config_load(const char *file, struct tg_config **out, char **error);
/* The same from memory; `file` names it and anchors relative paths. */
int tg_config_parse(
	const char *file, const void *text, size_t size, struct tg_config **out, char **error);
/* Defaults only: no manifests. NULL: out of memory. */
struct tg_config *tg_config_default(void);
void tg_config_free(struct tg_config *config);

#endif
