/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The configuration file of tidegate-dataplane (YAML; every key is in docs/configuration.md).
 * Unknown keys, wrong types and values out of range are problems with file and line; a file with
 * a problem gives no configuration.
 */
#ifndef TG_DATAPLANE_CONFIG_H
#define TG_DATAPLANE_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "arena.h"
#include "spec.h"
#include "vec.h"
#include "worker.h"

#define TG_EAL_ARGS_MAX 32

/* A problem as it is printed: "file:line: key: what was expected". */
struct tg_config_problems {
	char **v;
	size_t n, cap;
};

/* What may be left to NICs. */
struct tg_offload_settings {
	bool enabled;
	const char *profiles; /* folder */
	uint32_t connections; /* at a time */
	bool marks;
	uint32_t min_packets; /* of a connection, in a pass of the sweep */
	uint32_t idle_ms;
	uint32_t poll_ms;
	uint32_t denials; /* packets in a second; 0: denials are left to software */
	uint32_t denial_ms;
};

struct tg_dataplane_config {
	struct tg_arena *arena; /* owns the strings */
	const char *socket;
	const char *state_directory; /* NULL: no checkpoint */
	const char *file_prefix;     /* of EAL's files; NULL: EAL makes none */
	const char *eal_args[TG_EAL_ARGS_MAX];
	uint32_t n_eal_args;
	uint32_t cores[TG_WORKERS_MAX]; /* a CPU for each worker */
	uint32_t n_cores;		/* 0: workers float */
	uint32_t memory_mb;
	uint32_t checkpoint_max_age_s; /* 0: any age */
	uint32_t address_headroom;     /* addresses that deltas may add to a ruleset */
	uint32_t grace_ms;	       /* workers must pass a quiescent state within this */
	uint32_t sleep_max_us;	       /* longest sleep of an idle worker that packets cannot wake;
					  0: workers never wait */
	int log_level;		       /* enum tg_log_level */
	bool huge_pages;
	bool fsync;
	bool rss_auto; /* trust a NIC's placement where it can be proven */
	struct tg_offload_settings offload;
	struct tg_port_spec ports[TG_PORTS_MAX];
	/* Complete but for what only the running ports tell: ethdev numbers and RSS. */
	struct tg_datapath_config datapath;
};

/*
 * 0: `config` is filled, free it with tg_dataplane_config_free. -EINVAL: `problems` says what is
 * wrong, in file order. -ENOMEM. `name` is the file's name in problems.
 */
int tg_dataplane_config_parse(const void *text, size_t size, const char *name,
	struct tg_dataplane_config *config, struct tg_config_problems *problems);
/* The same for a file; what open and read say is a problem too. */
int tg_dataplane_config_load(
	const char *path, struct tg_dataplane_config *config, struct tg_config_problems *problems);
void tg_dataplane_config_free(struct tg_dataplane_config *config);
void tg_config_problems_free(struct tg_config_problems *problems);

#endif
