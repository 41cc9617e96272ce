/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What may be asked of a NIC. A profile is written from the driver's source. It lists what the
 * driver takes: a field, a mask, an action, a priority that is not listed is never asked for. And
 * it lists as hazards what the driver takes and does otherwise than asked, without saying so: what
 * a hazard spoils is never asked for either. Format: docs/nic-profiles.md.
 *
 * A driver has one or several engines that rules end up in, in the order in which it tries them.
 * The driver chooses, so where it tries the next one (hazard engine-fallback), what any of them
 * would misunderstand is refused.
 */
#ifndef TG_NIC_PROFILE_H
#define TG_NIC_PROFILE_H

#include <stddef.h>

#include "rule.h"

#define TG_NIC_ENGINES_MAX 8
#define TG_NIC_LIST_MAX 64		   /* drivers, devices, devargs of a profile */
#define TG_NIC_PROFILE_SIZE_MAX (1u << 20) /* bytes of a file */
#define TG_NIC_GENERIC "generic"	   /* the profile of every device that has none */

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

/* Untagged, whole packets that a NIC may place on queues by addresses and ports. X(SYMBOL, "key")
 */
#define TG_NIC_PLACED(X) \
	X(TCP4, "tcp4")  \
	X(UDP4, "udp4")  \
	X(TCP6, "tcp6")  \
	X(UDP6, "udp6")

enum tg_nic_placed {
#define X(sym, key) TG_NIC_PLACED_##sym,
	TG_NIC_PLACED(X)
#undef X
		TG_NIC_PLACED_COUNT
};

/*
 * The function by which, of both addresses and both ports and nothing else. X(SYMBOL, "key")
 * KEY: Toeplitz, by the key that the port is given: a key that repeats 16 bits makes it the same
 * for both directions. SYMMETRIC: both directions alike by a function that the NIC has for that
 * (RTE_ETH_HASH_FUNCTION_SYMMETRIC_TOEPLITZ). What becomes of ends is not the same in all NICs,
 * so software cannot compute it. ADDRESSES: without the ports.
 */
#define TG_NIC_PLACINGS(X)                 \
	X(NONE, "none")                    \
	X(KEY, "key")                      \
	X(SYMMETRIC, "symmetric-toeplitz") \
	X(ADDRESSES, "addresses")

enum tg_nic_placing {
#define X(sym, key) TG_NIC_PLACING_##sym,
	TG_NIC_PLACINGS(X)
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
#define TG_NIC_HAZARDS(X)                                                                         \
	X(MASK_WIDENED, "mask-widened",                                                           \
		"a field with a partial mask is left out of the match: the rule hits more",       \
		"a partial mask on any of the hazard's fields")                                   \
	X(ENGINE_FALLBACK, "engine-fallback",                                                     \
		"what one engine refuses is tried on the next, which may misunderstand it",       \
		"what any engine of the NIC would misunderstand")                                 \
	X(PRIORITY_IGNORED, "priority-ignored",                                                   \
		"priorities are accepted and mean nothing, or something else",                    \
		"a rule that overlaps another one")                                               \
	X(GROUP_IGNORED, "group-ignored", "the group is accepted and means nothing",              \
		"any group but 0, and jumps")                                                     \
	X(ONE_MASK, "one-mask", "the first rule's masks are used for every later one",            \
		"a second shape")                                                                 \
	X(FIRST_WINS, "first-wins", "of two equal matches only the first acts",                   \
		"a match that is installed already with that priority")                           \
	X(VLAN_BLIND, "vlan-blind", "a match without VLAN hits tagged packets too",               \
		"dropping and forwarding, unless tagged packets are kept out")                    \
	X(FRAGMENT_MATCHED, "fragment-matched",                                                   \
		"a match on ports also hits first fragments, others not",                         \
		"forwarding or dropping on ports, unless fragments are kept out")                 \
	X(LATE_INSERT, "late-insert", "a rule acts only some time after it was created",          \
		"nothing; whoever counts on it waits for insert-late")                            \
	X(STALE_COUNTER, "stale-counter", "a query gives what was counted some time ago",         \
		"calling a rule idle before stale-ms have passed, and "                           \
		"destroying a rule that counts before its last count can be read")                \
	X(COUNTER_FAILS, "counter-fails", "a query fails at times, and says nothing",             \
		"taking a failed query for no packets")                                           \
	X(LOST_ON_STOP, "lost-on-stop", "rules are gone after the port was stopped",              \
		"believing in rules of before")                                                   \
	X(NO_OPTIONS, "options-matched",                                                          \
		"a match on ports hits packets with IPv4 options as well",                        \
		"forwarding, unless packets with options are kept out")                           \
	X(EXTENSIONS, "extensions-matched",                                                       \
		"a match on IPv6 hits packets with extension headers as well", "forwarding IPv6") \
	X(RANGE_IGNORED, "range-ignored", "the end of a range is not looked at",                  \
		"ranges: they are never asked for")                                               \
	X(KEY_IGNORED, "key-ignored",                                                             \
		"an RSS key is taken and read back, and packets are placed by another",           \
		"believing where packets are placed")

enum tg_nic_hazard_id {
#define X(sym, id, happens, refused) TG_NIC_HAZARD_##sym,
	TG_NIC_HAZARDS(X)
#undef X
		TG_NIC_HAZARD_COUNT
};

struct tg_nic_hazard {
	bool present;
	uint8_t engines;	 /* 1 << index: those that it is in */
	uint32_t fields;	 /* MASK_WIDENED: 1 << enum tg_nic_field */
	const char *refuse_when; /* of this NIC, in words */
	const char *source;	 /* driver's file at a tag, or a report */
};

struct tg_nic_counters {
	bool hits, bytes; /* what a query gives exactly */
	bool shared;	  /* one counter of many rules (an indirect action) */
	uint32_t max;	  /* 0: unknown */
	uint32_t stale_ms;
};

/* What the action MARK puts on packets. */
struct tg_nic_marks {
	uint32_t max; /* the highest; 0: there are none */
	/* PASSTHRU beside it leaves packets to the queue that they would have come by. Else a rule
	 * has to name a queue. */
	bool passthru;
};

/* What is said of an engine besides fields, protocols and actions. X(SYMBOL, "key in profiles") */
#define TG_NIC_ENGINE_FACTS(X)          \
	X(DOMAINS, "domains")           \
	X(UNTAGGED, "untagged")         \
	X(TAGGED, "tagged")             \
	X(NEEDS_FIELD, "needs-field")   \
	X(SHAPES, "shapes")             \
	X(GROUPS, "groups")             \
	X(FIRST_GROUP, "first-group")   \
	X(MISS, "miss-to-software")     \
	X(PRIORITIES, "priorities")     \
	X(CAPACITY, "capacity")         \
	X(COUNTERS, "counters")         \
	X(DUPLICATES, "duplicates")     \
	X(MODIFY_FIELD, "modify-field") \
	X(MARKS, "marks")

enum tg_nic_engine_fact {
#define X(sym, key) TG_NIC_ENGINE_##sym,
	TG_NIC_ENGINE_FACTS(X)
#undef X
		TG_NIC_ENGINE_FACT_COUNT
};

/* What is not listed is not there; sources are NULL where nothing is said. */
struct tg_nic_engine {
	const char *name;
	uint8_t domains;		     /* 1 << enum tg_nic_domain */
	uint8_t protocols;		     /* 1 << enum tg_nic_protocol */
	uint8_t masking[TG_NIC_FIELD_COUNT]; /* enum tg_nic_masking: masks that are taken */
	bool untagged;			     /* can state that packets are untagged */
	bool tagged;			     /* can ask for packets with any tags */
	bool needs_field;		     /* a match without any field is refused */
	uint8_t shapes;			     /* enum tg_nic_shapes */
	uint32_t shapes_max;		     /* LIMITED */
	uint32_t actions;		     /* 1 << enum tg_nic_action */
	uint32_t n_groups;		     /* 1: group 0 alone */
	uint32_t n_priorities;		     /* of a group; 1: priority 0 alone */
	uint32_t first_group;		     /* where rules belong: group 0 only jumps there */
	bool miss_to_software; /* what no rule of a later group matches; else it may be lost */
	uint32_t capacity;     /* rules; 0: unknown, found out by ENOSPC */
	struct tg_nic_counters counters;
	struct tg_nic_marks marks;
	uint8_t duplicates; /* enum tg_nic_duplicates */
	bool modify_field;  /* rewrites by MODIFY_FIELD; else by SET_* actions */
	const char *field_source[TG_NIC_FIELD_COUNT];
	const char *action_source[TG_NIC_ACTION_COUNT];
	const char *protocol_source[TG_NIC_PROTOCOL_COUNT];
	const char *source[TG_NIC_ENGINE_FACT_COUNT];
};

/* What is said of a device besides its engines and hazards. X(SYMBOL, "key in profiles") */
#define TG_NIC_FACTS(X)                       \
	X(DRIVERS, "drivers")                 \
	X(DEVICES, "devices")                 \
	X(DEVARGS, "devargs")                 \
	X(FIRMWARE, "firmware")               \
	X(ON_STOP, "on-stop")                 \
	X(THREAD_SAFE, "thread-safe")         \
	X(TEMPLATES, "templates")             \
	X(SAME_SWITCH, "same-switch")         \
	X(MAX_CONNECTIONS, "max-connections") \
	X(INSERT_RATE, "insert-rate")         \
	X(INSERT_LATE, "insert-late")

enum tg_nic_fact {
#define X(sym, key) TG_NIC_FACT_##sym,
	TG_NIC_FACTS(X)
#undef X
		TG_NIC_FACT_COUNT
};

struct tg_nic_profile {
	const char *name; /* as of the file: nic-profiles/NAME.yaml */
	const char *title;
	const char *drivers[TG_NIC_LIST_MAX + 1]; /* rte_eth_dev_info.driver_name; NULL ends them */
	/* "15b3:101d"; NULL ends them; none: any device of these drivers that no other profile
	 * names */
	const char *devices[TG_NIC_LIST_MAX + 1];
	/* that have to be set: "dv_flow_en=2"; such a profile is chosen by name only */
	const char *devargs[TG_NIC_LIST_MAX + 1];
	const char *firmware; /* the least; NULL: any */
	const char *verified; /* "from-source", or where, with what and when */
	const char *dpdk;     /* release that it was written from */
	struct tg_nic_engine engines[TG_NIC_ENGINES_MAX];
	size_t n_engines;
	uint8_t strategies;			    /* 1 << enum tg_nic_strategy */
	const char *why_not[TG_NIC_STRATEGY_COUNT]; /* of those that are not used */
	const char *strategy_source[TG_NIC_STRATEGY_COUNT];
	struct tg_nic_hazard hazards[TG_NIC_HAZARD_COUNT];
	uint8_t placing[TG_NIC_PLACED_COUNT]; /* enum tg_nic_placing */
	const char *placed_source[TG_NIC_PLACED_COUNT];
	uint8_t on_stop;	  /* enum tg_nic_on_stop */
	bool thread_safe;	  /* RTE_ETH_DEV_FLOW_OPS_THREAD_SAFE */
	bool templates;		  /* asynchronous interface; devargs say how it is switched on */
	bool same_switch;	  /* FORWARD needs both ports in one switch domain */
	uint32_t max_connections; /* offloaded at a time; 0: what the capacity allows */
	uint32_t insert_rate;	  /* rules a second that is asked for at most; 0: no limit */
	uint32_t insert_late_ms;  /* LATE_INSERT */
	const char *source[TG_NIC_FACT_COUNT];
};

/* All profiles of a folder. */
struct tg_nic_profiles;

/* Why something is not loaded or not admitted, to be shown to people. */
#define TG_NIC_WHY 256

/* Where profiles are unless somebody says otherwise: what is installed, or what was built from. */
const char *tg_nic_profiles_folder(void);

/*
 * Reads every *.yaml of `folder`. Strict: an unknown key, a wrong value, a key set twice, a fact
 * without its source, two profiles for one device is an error, "file:line: path: what was
 * expected", one line each in *errors (to be freed; NULL when there are none). 0; -EINVAL: refused,
 * or not to be read, with *errors; -ENOMEM.
 */
int tg_nic_profiles_load(const char *folder, struct tg_nic_profiles **out, char **errors);
/* The same of one file, for checking it before it is put in its folder. */
int tg_nic_profiles_load_file(const char *path, struct tg_nic_profiles **out, char **errors);
/* The same of one text. `name`: its path. */
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
 * alone, else `generic`. NULL when not even that is there; it is among what is shipped.
 */
const struct tg_nic_profile *tg_nic_profiles_select(
	const struct tg_nic_profiles *profiles, const char *driver, const char *device);

/* "15b3:101d" of a PCI device, "0000:3b:00.0", as the kernel says; NULL: there is none there. */
#define TG_NIC_DEVICE_TEXT 16
const char *tg_nic_device(const char *address, char text[TG_NIC_DEVICE_TEXT]);

/* What profiles call things, and back; -1: nothing is called so. */
const char *tg_nic_masking_name(enum tg_nic_masking masking);
int tg_nic_masking_find(const char *key);
const char *tg_nic_shapes_name(enum tg_nic_shapes shapes);
int tg_nic_shapes_find(const char *key);
const char *tg_nic_duplicates_name(enum tg_nic_duplicates duplicates);
int tg_nic_duplicates_find(const char *key);
const char *tg_nic_on_stop_name(enum tg_nic_on_stop on_stop);
int tg_nic_on_stop_find(const char *key);
const char *tg_nic_placed_name(enum tg_nic_placed placed);
int tg_nic_placed_find(const char *key);
const char *tg_nic_placing_name(enum tg_nic_placing placing);
int tg_nic_placing_find(const char *key);
const char *tg_nic_strategy_name(enum tg_nic_strategy strategy);
int tg_nic_strategy_find(const char *key);
const char *tg_nic_hazard_id_name(enum tg_nic_hazard_id hazard);
int tg_nic_hazard_id_find(const char *key);
const char *tg_nic_hazard_happens(enum tg_nic_hazard_id hazard);
const char *tg_nic_hazard_refused(enum tg_nic_hazard_id hazard);
const char *tg_nic_engine_fact_name(enum tg_nic_engine_fact fact);
int tg_nic_engine_fact_find(const char *key);
const char *tg_nic_fact_name(enum tg_nic_fact fact);
int tg_nic_fact_find(const char *key);

/*
 * Whether a hazard is to be reckoned with for a rule that is meant for `engine`: it is the
 * engine's, or any engine's where the driver falls back from one to the next.
 */
bool tg_nic_hazard_in(const struct tg_nic_profile *profile, const struct tg_nic_engine *engine,
	enum tg_nic_hazard_id hazard);

/*
 * What this NIC places by the key that it is given, so that software knows where: 1 << enum
 * tg_nic_placed each. `why` it is not all of them; empty: it is.
 */
uint8_t tg_nic_places(const struct tg_nic_profile *profile, char why[TG_NIC_WHY]);

/*
 * Does this NIC do exactly what `rule` says, taken alone? The engine, or NULL and why not. Of
 * several reasons it is the first one that is found.
 */
const struct tg_nic_engine *tg_nic_admits(
	const struct tg_nic_profile *profile, const struct tg_nic_rule *rule, char why[TG_NIC_WHY]);

/*
 * Would `rule`, admitted to `engine`, change what `installed` does there, or be changed by it? To
 * be asked of every rule that is installed or on its way, to or from the NIC; those of other
 * ports too, as devices share tables. True, and why. Room, and the number of shapes where they
 * are LIMITED, are the caller's to count.
 */
bool tg_nic_conflicts(const struct tg_nic_profile *profile, const struct tg_nic_engine *engine,
	const struct tg_nic_rule *rule, const struct tg_nic_rule *installed, char why[TG_NIC_WHY]);

/*
 * Whether `rule` keeps out what `guard` says: by its own match, or because it says that others do,
 * or because no such packet can match.
 */
bool tg_nic_keeps_out(const struct tg_nic_rule *rule, enum tg_nic_guard guard);

#endif
