/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The compiler: a cluster in, a ruleset image out. Pure: no I/O, no clock but `now_ms`. The image's
 * format and how a decision is read from it are in <tidegate/ruleset.h>.
 *
 *	compiler = tg_compiler_create(...)            lives as long as the process: keeps rule slots
 *	tg_compile(compiler, cluster, options, &out)  as often as needed
 *	tg_compiled_place_pod(out, pod, ...)          pods that come and go within existing classes
 *	tg_compiled_free(out)
 *
 * With a cache (options.cache) a cluster of which little has changed since the last time compiles
 * faster, to the same image and warnings, byte by byte.
 *
 * A namespace whose policies would take more cells, work or memory than one may (cell_budget) is
 * denied everything by TG_BUILTIN_CELL_BUDGET and warned of; all others are compiled as ever.
 *
 * Not thread-safe; one compiler is used by one thread at a time. A tg_compiled stays valid when the
 * compiler compiles again, but not after the cluster's intern table is gone.
 */
#ifndef TG_COMPILE_H
#define TG_COMPILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <tidegate/ruleset.h>

#include "model.h"

/* semantics: what happens to traffic of pods that no policy isolates in a direction */
enum tg_default_action { TG_DEFAULT_DENY, TG_DEFAULT_AUDIT, TG_DEFAULT_KUBERNETES };

/*
 * Zones. The image has every zone that the options or an object are in, and what is said here of
 * addresses is said of those of one zone: the same address in two zones is two endpoints, which
 * have nothing to do with each other. A policy isolates the pods of its namespace that it selects;
 * its rules allow what is in its own zone, so to a pod of another zone it allows nothing.
 *
 * Whose an address is, in this order: a Node's (status.addresses, options.node_addrs), a pod's, a
 * Service's, else that of the prefixes: inside a pod range an unknown endpoint, else the world. A
 * pod of a Namespace that the cluster does not have is an unknown endpoint; hostNetwork and
 * finished pods own no address.
 *
 * Who judges what (E: the source's egress side, I: the destination's ingress side):
 *   infrastructure tuple that holds     allowed by it on both sides, before anything else
 *   pod                                 its policies, else the default action of its namespace
 *   world, node                         no opinion (TG_BUILTIN_NOT_SUBJECT), except
 *     between two world addresses       TG_BUILTIN_TRANSIT on both sides
 *     node to or from node or world     TG_BUILTIN_NODE_DEFAULT on the node's side(s): the default
 *                                       action of that direction
 *   unknown endpoint, Service, conflict deny by their built-in rule in both directions, whatever
 *                                       the default action
 */

/* One configured infrastructure tuple: node or world addresses to anything. */
struct tg_infrastructure {
	const char *name; /* becomes the rule's name */
	bool from_nodes;  /* every known node address; else `from` */
	bool to_nodes;
	uint16_t zone;
	struct tg_prefix from; /* matches node and world addresses only, so no masqueraded pod */
	struct tg_prefix to;   /* matches every address, whoever's it is */
	uint8_t protocol;      /* IANA number */
	uint16_t lo, hi; /* destination ports, inclusive; 0..65535 for protocols without ports */
};

/*
 * What compilations keep for later ones: facts about objects, found again by the objects'
 * addresses, and the tables, for when only numbers of ports in policies are others. So an object
 * must stay what and where it is for as long as the cache refers to it:
 *
 *   - tg_compile, whatever it returns, leaves the cache referring to objects of the cluster that it
 *     was given, or to none, and no longer to those of clusters before. The caller keeps that
 *     cluster's objects until the next tg_compile with this cache has returned, or the cache is
 *     cleared or freed.
 *   - The strings that these objects refer to must not be swept meanwhile: clear it first.
 *
 * A compilation that fails leaves the cache valid; the next one makes its tables anew. One
 * compilation at a time. For 100,000 pods and 10,000 policies it takes some 35 MB, of which it
 * shares 23 with what was compiled last.
 */
struct tg_compile_cache;

struct tg_compile_cache *tg_compile_cache_create(void); /* NULL: out of memory */
void tg_compile_cache_free(struct tg_compile_cache *cache);
/* As if it were new. */
void tg_compile_cache_clear(struct tg_compile_cache *cache);

/* What the configuration says of one address zone. */
struct tg_zone_options {
	uint16_t zone;
	/* Node.spec.podCIDRs of the zone add to them. */
	const struct tg_prefix *pod_ranges;
	size_t n_pod_ranges;
	/* Node bridge and tunnel addresses inside pod ranges; they are node addresses. */
	const struct tg_addr *node_addrs;
	size_t n_node_addrs;
};

struct tg_compile_options {
	enum tg_default_action default_action[TG_DIRECTION_COUNT];
	bool transit_allow;
	struct tg_zone_options home;	     /* of the zone of manifests */
	const struct tg_zone_options *zones; /* of others; of one zone they add up */
	size_t n_zones;
	const struct tg_infrastructure *infrastructure;
	size_t n_infrastructure;
	uint32_t cell_budget;	  /* class-level cells of one namespace; 0: the default, 262144 */
	uint32_t max_connections; /* of a namespace that does not say; 0: as many as it likes */
	uint32_t slot_capacity;	  /* slots the dataplane can count; 0: 1 << 20 */
	uint64_t generation;
	uint64_t delta_sequence;
	uint64_t now_ms;
	struct tg_compile_cache *cache; /* NULL: nothing is kept */
};

#define TG_WARNINGS(X)                                          \
	X(BLOCK_OVERLAPS_PODS, "ipblock-overlaps-pods")         \
	X(BLOCK_OVERLAPS_SERVICES, "ipblock-overlaps-services") \
	X(ADDRESS_CONFLICT, "address-conflict")                 \
	X(CELL_BUDGET, "cell-budget")                           \
	X(SELECTOR_EMPTY, "selector-matches-nothing")           \
	X(NAMED_PORT_UNRESOLVED, "named-port-unresolved")       \
	X(NAMESPACE_UNKNOWN, "namespace-unknown")               \
	X(POD_OUTSIDE_RANGES, "pod-outside-ranges")

enum tg_warning_kind {
#define X(sym, label) TG_WARN_##sym,
	TG_WARNINGS(X)
#undef X
		TG_WARN_COUNT
};

struct tg_warning {
	enum tg_warning_kind kind;
	struct tg_place place;
	const char *text; /* one sentence with the object and field path; owned by the compiled */
};

const char *tg_warning_label(enum tg_warning_kind kind);

/* Figures of one compilation, for status, metrics and benchmarks. */
struct tg_compile_stats {
	size_t endpoints, classes, rows, groups, columns, cells, programs, steps, prefixes, rules;
	size_t image_size; /* bytes */
	uint64_t duration_us;
};

struct tg_compiler;
struct tg_compiled;

struct tg_compiler *tg_compiler_create(void);
void tg_compiler_free(struct tg_compiler *compiler);

/*
 * Remember the rule slots of an image that is already in force (after a restart of ctrl), so that
 * the same rules keep their slots. 0 or -EINVAL for a damaged image.
 */
int tg_compiler_adopt_slots(struct tg_compiler *compiler, const void *image, size_t size);
/*
 * Slots freed by generations up to this one may be given to other rules: no connection refers to
 * them any more (stats.h swept_generation, minimum over the workers).
 */
void tg_compiler_slots_swept(struct tg_compiler *compiler, uint64_t generation);

/*
 * Compiles. On success *out is the caller's. Errors: -ENOMEM; -E2BIG when the result passes a limit
 * of the image or the slot capacity; -EEXIST, -EINVAL for a cluster or options that break the rules
 * above; `error` (size bytes) then says what. Nothing of the compiler's state is lost by an error.
 */
int tg_compile(struct tg_compiler *compiler, const struct tg_cluster *cluster,
	const struct tg_compile_options *options, struct tg_compiled **out, char *error,
	size_t error_size);
void tg_compiled_free(struct tg_compiled *compiled);

/* The image; owned by the compiled. */
const void *tg_compiled_image(const struct tg_compiled *compiled, size_t *size);
const struct tg_compile_stats *tg_compiled_stats(const struct tg_compiled *compiled);
const struct tg_warning *tg_compiled_warnings(const struct tg_compiled *compiled, size_t *n);

/* An exact address and its class, as the image or a CLASSMAP holds it. */
struct tg_placement {
	struct tg_addr addr;
	uint32_t cls;
	uint32_t node;
	uint16_t ns; /* number of its NAMESPACE record; 0: none */
	uint16_t zone;
};

/*
 * Where a new or changed pod would go in a compiled ruleset without compiling again: one placement
 * for each of its addresses in out[0..n_addrs-1], and returns their number (0 for hostNetwork and
 * finished pods). -ENOENT when the pod needs a class that does not exist (compile again);
 * -EEXIST when one of its addresses is already claimed by another pod in the compiled cluster
 * or by a node (compile again: conflicts are resolved there). `pod` need not be part of the cluster
 * compiled; a pod of the same namespace and name in it is the same pod. Deltas already sent are not
 * known here: the caller sees to it that two pods it places have no address in common, and says by
 * left[i] that the one pod that had the pod's address i has given it up since (NULL: none has).
 */
int tg_compiled_place_pod(const struct tg_compiled *compiled, const struct tg_pod *pod,
	const bool *left, struct tg_placement *out);
/*
 * What an address becomes when its pod goes: the class of the address as if no pod had it, TG_NONE
 * meaning "remove the exact entry, the prefixes decide". Returns as tg_compiled_place_pod; -EEXIST
 * when several claimed the address, -ENOENT when it becomes a Service's (compile again).
 */
int tg_compiled_vacate_pod(const struct tg_compiled *compiled, const struct tg_pod *pod,
	const bool *left, struct tg_placement *out);

#endif
