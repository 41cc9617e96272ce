/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What may be asked of a NIC. A profile is written from the driver's source and says what a driver
 * does exactly, not what it accepts: several drivers accept a rule, even create it, and do
 * something else. So a profile is refused by default: a field, a mask, an action, a priority that
 * it does not list is never asked for. Format: docs/nic-profiles.md.
 *
 * A driver has one or several engines that rules end up in. The driver chooses the engine, so where
 * there are several, whatever one of them would misunderstand is refused (hazard engine-fallback).
 */
#ifndef TG_NIC_PROFILE_H
#define TG_NIC_PROFILE_H

#include <stddef.h>

#include "rule.h"

#define TG_NIC_ENGINES_MAX 8
#define TG_NIC_LIST_MAX 32 /* drivers, devices, devargs of a profile */

/* How much of a field's bits a mask may take. X(SYMBOL, "key") */
#define TG_NIC_MASKINGS(X)                                \
	X(NEVER, "none")                                  \
	X(EXACT, "exact")                                 \
	X(PREFIX, "prefix") /* from the highest bit on */ \
	X(ANY, "any")

enum tg_nic_masking {
#define X(sym, key) TG_NIC_MASK_##sym,
	TG_NIC_MASKINGS(X)
#undef X
};

/* How many kinds of match can be in an engine at a time. X(SYMBOL, "key") */
#define TG_NIC_SHAPES(X)                                              \
	X(FREE, "free")		/* each rule its own */               \
	X(PER_TYPE, "per-type") /* one of each family and protocol */ \
	X(GLOBAL, "one")	/* one for the port */                \
	X(LIMITED, "limited")	/* as many as struct tg_nic_engine.shapes_max says */

enum tg_nic_shapes {
#define X(sym, key) TG_NIC_SHAPES_##sym,
	TG_NIC_SHAPES(X)
#undef X
};

/* What happens to a rule whose match is there already. X(SYMBOL, "key") */
#define TG_NIC_DUPLICATES(X)                                       \
	X(REFUSED, "refused")	    /* EEXIST */                   \
	X(FIRST_WINS, "first-wins") /* accepted, without effect */ \
	X(UNKNOWN, "unknown")

enum tg_nic_duplicates {
#define X(sym, key) TG_NIC_DUPLICATES_##sym,
	TG_NIC_DUPLICATES(X)
#undef X
};

/* What becomes of rules when the port stops. X(SYMBOL, "key") */
#define TG_NIC_ON_STOP(X)                                                              \
	X(LOST, "lost")	      /* destroy them before, or they leak */                  \
	X(FLUSHED, "flushed") /* by the driver: handles must not be used afterwards */ \
	X(KEPT, "kept")

enum tg_nic_on_stop {
#define X(sym, key) TG_NIC_ON_STOP_##sym,
	TG_NIC_ON_STOP(X)
#undef X
};

/* What hardware is used for. X(SYMBOL, "key") */
#define TG_NIC_STRATEGIES(X)          \
	X(DENY, "deny-cache")         \
	X(CONNECTIONS, "connections") \
	X(MARK_HINT, "mark")          \
	X(STEER, "symmetric-rss")

enum tg_nic_strategy {
#define X(sym, key) TG_NIC_STRATEGY_##sym,
	TG_NIC_STRATEGIES(X)
#undef X
		TG_NIC_STRATEGY_COUNT
};

/*
 * Ways in which a driver or NIC silently does something else than what it was asked for; each has
 * a check that refuses what it would spoil, and the NIC model does the same wrong on demand.
 * X(SYMBOL, "id", "what happens", "what is refused")
 */
#define TG_NIC_HAZARDS(X)                                                                      \
	X(MASK_WIDENED, "mask-widened",                                                        \
		"a field with a partial mask is left out of the match: the rule hits more",    \
		"a partial mask on any of the hazard's fields")                                \
	X(ENGINE_FALLBACK, "engine-fallback",                                                  \
		"what one engine refuses is tried on the next, which may misunderstand it",    \
		"what any engine of the NIC would misunderstand")                              \
	X(PRIORITY_IGNORED, "priority-ignored",                                                \
		"priorities are accepted and mean nothing, or something else",                 \
		"a rule that overlaps one with another fate")                                  \
	X(GROUP_IGNORED, "group-ignored", "the group is accepted and means nothing",           \
		"any group but 0, and jumps")                                                  \
	X(ONE_MASK, "one-mask", "the first rule's masks are used for every later one",         \
		"a second shape")                                                              \
	X(FIRST_WINS, "first-wins", "of two equal matches only the first acts",                \
		"a match that is installed already")                                           \
	X(VLAN_BLIND, "vlan-blind", "a match without VLAN hits tagged packets too",            \
		"a match that does not state that packets are untagged")                       \
	X(FRAGMENT_MATCHED, "fragment-matched",                                                \
		"a match on ports also hits first fragments, others not",                      \
		"forwarding on ports, unless a rule of higher priority keeps fragments")       \
	X(LATE_INSERT, "late-insert", "a rule acts only some time after it was created",       \
		"nothing; whoever counts on it waits struct tg_nic_profile.insert_late_ms")    \
	X(STALE_COUNTER, "stale-counter", "a query gives what was counted some time ago",      \
		"calling a rule idle before struct tg_nic_counters.stale_ms have passed, and " \
		"destroying a rule that counts before its last count can be read")             \
	X(COUNTER_FAILS, "counter-fails", "a query fails at times, and says nothing",          \
		"taking a failed query for no packets")                                        \
	X(LOST_ON_STOP, "lost-on-stop", "rules are gone after the port was stopped",           \
		"believing in rules of before")                                                \
	X(NO_OPTIONS, "options-matched",                                                       \
		"a match on ports hits packets with IPv4 options as well",                     \
		"forwarding, unless a rule of higher priority keeps packets with options")     \
	X(RANGE_IGNORED, "range-ignored", "the end of a range is not looked at",               \
		"ranges: they are never asked for")

enum tg_nic_hazard_id {
#define X(sym, id, happens, refused) TG_NIC_HAZARD_##sym,
	TG_NIC_HAZARDS(X)
#undef X
		TG_NIC_HAZARD_COUNT
};

struct tg_nic_hazard {
	bool present;
	uint32_t fields;	/* MASK_WIDENED: 1 << enum tg_nic_field */
	const char *provenance; /* driver's file and lines at a tag, or a report */
};

struct tg_nic_counters {
	bool hits, bytes; /* what a query gives exactly */
	bool shared;	  /* one counter of many rules (an indirect action) */
	uint32_t max;	  /* 0: unknown */
	uint32_t stale_ms;
};

struct tg_nic_engine {
	const char *name;
	const char *provenance;
	uint8_t domains;		     /* 1 << enum tg_nic_domain */
	uint8_t masking[TG_NIC_FIELD_COUNT]; /* enum tg_nic_masking */
	bool untagged;			     /* can state that packets are untagged */
	bool needs_field;		     /* a match without any field is refused */
	uint8_t shapes;			     /* enum tg_nic_shapes */
	uint32_t shapes_max;		     /* LIMITED */
	uint32_t actions;		     /* 1 << enum tg_nic_action */
	uint32_t n_groups;		     /* 1: group 0 alone */
	uint32_t n_priorities;		     /* of a group; 1: priority 0 alone */
	uint32_t first_group;		     /* where rules belong: group 0 only jumps there */
	uint32_t capacity;		     /* rules; 0: unknown, found out by ENOSPC */
	struct tg_nic_counters counters;
	uint8_t duplicates; /* enum tg_nic_duplicates */
	bool modify_field;  /* rewrites by MODIFY_FIELD; else by SET_* actions */
};

struct tg_nic_profile {
	const char *name; /* as of the file: nic-profiles/NAME.yaml */
	const char *title;
	const char *drivers[TG_NIC_LIST_MAX]; /* rte_eth_dev_info.driver_name; NULL ends them */
	/* "15b3:101d"; NULL ends them; none: any device of these drivers that no other profile
	 * names */
	const char *devices[TG_NIC_LIST_MAX];
	const char *devargs[TG_NIC_LIST_MAX]; /* that have to be set */
	const char *firmware;		      /* the least; NULL: any */
	const char *verified;		      /* "from-source", or where, with what and when */
	const char *dpdk;		      /* release that it was written from */
	struct tg_nic_engine engines[TG_NIC_ENGINES_MAX];
	size_t n_engines;
	uint8_t strategies;			    /* 1 << enum tg_nic_strategy */
	const char *why_not[TG_NIC_STRATEGY_COUNT]; /* of those that are not used */
	struct tg_nic_hazard hazards[TG_NIC_HAZARD_COUNT];
	uint8_t on_stop;	  /* enum tg_nic_on_stop */
	bool thread_safe;	  /* RTE_ETH_DEV_FLOW_OPS_THREAD_SAFE */
	bool templates;		  /* asynchronous interface; devargs say how it is switched on */
	bool same_switch;	  /* FORWARD needs both ports in one switch domain */
	uint32_t max_connections; /* offloaded at a time; 0: what the capacity allows */
	uint32_t insert_rate;	  /* rules a second that is asked for at most; 0: no limit */
	uint32_t insert_late_ms;  /* LATE_INSERT */
};

/* All profiles of a folder. */
struct tg_nic_profiles;

/* Why something is not loaded or not admitted, to be shown to people. */
#define TG_NIC_WHY 256

/*
 * Reads every *.yaml of `folder`. Strict: an unknown key, a wrong value, a key set twice, a hazard
 * or line without provenance, two profiles for one device is an error, "file:line: path: what was
 * expected", one line each in *errors (malloced; NULL when there are none). 0, -EINVAL with
 * *errors, -errno.
 */
int tg_nic_profiles_load(const char *folder, struct tg_nic_profiles **out, char **errors);
/* The same of one text, for checking a file before it is put in its folder. `name`: its path. */
int tg_nic_profiles_parse(const char *name, const void *text, size_t size,
	struct tg_nic_profiles **out, char **errors);
void tg_nic_profiles_free(struct tg_nic_profiles *profiles);
size_t tg_nic_profiles_count(const struct tg_nic_profiles *profiles);
const struct tg_nic_profile *tg_nic_profiles_at(
	const struct tg_nic_profiles *profiles, size_t index);
const struct tg_nic_profile *tg_nic_profiles_find(
	const struct tg_nic_profiles *profiles, const char *name);
/*
 * The profile of a device: by driver and PCI id ("15b3:101d"; NULL: no PCI device), else by driver
 * alone, else `generic`. Never NULL when `generic` is among them, as it is in what is shipped.
 */
const struct tg_nic_profile *tg_nic_profiles_select(
	const struct tg_nic_profiles *profiles, const char *driver, const char *device);

/*
 * Does this NIC do exactly what `rule` says, taken alone? The engine, or NULL and why not. What
 * depends on the other rules that are installed (overlap, shapes, room) is the planner's.
 */
const struct tg_nic_engine *tg_nic_admits(
	const struct tg_nic_profile *profile, const struct tg_nic_rule *rule, char why[TG_NIC_WHY]);

#endif
