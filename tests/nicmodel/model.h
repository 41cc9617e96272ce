/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What the model's files share.
 *
 * Synchronisation: a NIC has one reader-writer lock. Whoever passes packets holds it for reading
 * for a burst, whoever changes rules, quirks or time holds it for writing, and tells the
 * application of events after letting it go. What passing packets changes (counters, times of last
 * hits, statistics) has its own locks or is atomic. A wire is sent to under a lock, as several
 * ports may forward to it.
 */
#ifndef TG_NICMODEL_MODEL_H
#define TG_NICMODEL_MODEL_H

#include <pthread.h>
#include <sys/queue.h>

#include <ethdev_driver.h>
#include <rte_flow.h>
#include <rte_flow_driver.h>
#include <rte_ring.h>
#include <rte_rwlock.h>
#include <rte_spinlock.h>

#include "key.h"
#include "nicmodel.h"

#define NM_RANGES_MAX 4
#define NM_SETS_MAX 8
#define NM_HOPS_MAX 16 /* jumps of a packet */

/* --- what a rule says -------------------------------------------------------------------- */

struct nm_range {
	uint8_t at, size;
	uint8_t mask[16], low[16], high[16];
};

struct nm_pattern {
	struct nm_key spec, mask;
	struct nm_range ranges[NM_RANGES_MAX];
	uint8_t n_ranges;
	uint8_t family;	   /* 4, 6; 0: no such item */
	uint8_t transport; /* protocol of the transport item; 0: none */
	bool untagged;	   /* said of the packet in so many words */
	bool tagged;	   /* likewise, or by a VLAN item */
	/* Items, for complaints. */
	const struct rte_flow_item *ether, *network, *transport_item, *range;
};

/* How the items are understood. */
struct nm_reading {
	bool vlan_blind, ranges_ignored;
	bool relaxed; /* an item without mask says nothing, not even that its header is there */
	bool transfer;
};

/* 0 or -errno with *error. */
int nm_pattern_read(struct nm_pattern *pattern, const struct rte_flow_item items[],
	const struct nm_reading *reading, struct rte_flow_error *error);

enum nm_fate {
	NM_NONE,
	NM_DROP,
	NM_SOFTWARE,
	NM_QUEUE,
	NM_RSS,
	NM_FORWARD,
	NM_JUMP,
	NM_PASS, /* and on to the next rule that matches */
};

enum nm_field {
	NM_MAC_SRC,
	NM_MAC_DST,
	NM_IPV4_SRC,
	NM_IPV4_DST,
	NM_IPV6_SRC,
	NM_IPV6_DST,
	NM_SPORT,
	NM_DPORT,
	NM_TTL_ADD,
	NM_TTL_SET,
};

struct nm_set {
	uint8_t field; /* enum nm_field */
	uint8_t value[16];
};

#define NM_RSS_KEY 40
#define NM_RETA 128

/* Where a port places packets of which no rule says it. */
struct nm_place {
	uint64_t types; /* RTE_ETH_RSS_* */
	uint16_t reta[NM_RETA];
	uint8_t key[NM_RSS_KEY];
};

struct nm_rss {
	bool symmetric;
	uint16_t n;
	uint16_t queues[NICMODEL_QUEUES_MAX];
	uint8_t key[NM_RSS_KEY];
};

struct nm_indirect;
struct nm_nic;

struct nm_actions {
	uint32_t does; /* 1 << enum tg_nic_action */
	uint8_t fate;  /* enum nm_fate */
	bool flag, modify_field, set_legacy;
	bool counts, ages; /* with a counter, a timer of the rule's own */
	uint16_t queue, to;
	uint32_t mark, jump;
	uint32_t timeout_s;
	void *context;
	struct nm_rss rss;
	uint8_t n_sets;
	struct nm_set sets[NM_SETS_MAX];
	struct nm_indirect *counter, *timer;
	/* Actions, for complaints. */
	const struct rte_flow_action *item[TG_NIC_ACTION_COUNT];
};

struct nm_port;

int nm_actions_read(struct nm_actions *actions, struct nm_port *port,
	const struct rte_flow_attr *attr, const struct nm_pattern *pattern,
	const struct rte_flow_action list[], struct rte_flow_error *error);
/* Bytes of an action's conf; 0: it has none, or is unknown. */
size_t nm_action_conf_size(enum rte_flow_action_type type);

/* --- counters and ages ------------------------------------------------------------------- */

struct nm_counter {
	rte_spinlock_t lock;
	uint64_t hits, bytes;
	uint64_t seen_hits, seen_bytes; /* as of the beginning of `period` */
	uint64_t base_hits, base_bytes; /* what a reset took off */
	uint64_t period;
};

void nm_counter_add(struct nm_counter *counter, uint64_t now, uint32_t stale_ms, uint32_t bytes);
void nm_counter_read(struct nm_counter *counter, uint64_t now, uint32_t stale_ms, bool reset,
	uint64_t *hits, uint64_t *bytes);

struct nm_age {
	TAILQ_ENTRY(nm_age) link; /* of the wheel, or of the port's aged ones */
	struct nm_port *port;
	void *context;
	uint64_t hit_ms; /* atomic */
	uint32_t timeout_s;
	uint16_t slot, queue;
	bool in_wheel, in_aged, aged;
};

TAILQ_HEAD(nm_ages, nm_age);

#define NM_WHEEL 4096

/* All under the NIC's lock. */
void nm_age_start(struct nm_age *age, struct nm_port *port, uint32_t timeout_s, uint64_t hit_ms,
	void *context);
void nm_age_stop(struct nm_age *age);
/* Lets time pass; ports that have to tell the application are flagged. */
void nm_age_run(struct nm_nic *nic, uint64_t now);
void nm_age_query(const struct nm_age *age, uint64_t now, struct rte_flow_query_age *query);

/* An action that rules refer to. */
struct nm_indirect {
	uint8_t type; /* enum tg_nic_action: COUNT or AGE */
	struct nm_port *port;
	struct nm_counter counter;
	struct nm_age age;
	uint32_t references;
	uint32_t index; /* in the NIC's handles */
	TAILQ_ENTRY(nm_indirect) link;
};

TAILQ_HEAD(nm_indirects, nm_indirect);

/* --- handles: never pointers, so that one used too late is noticed ------------------------- */

struct nm_handles {
	struct nm_handle {
		void *object;
		uint32_t generation, next;
	} * v;
	uint32_t n, cap, free, used;
};

/* A handle of an object, and its number; NULL: no memory or too many. */
void *nm_handle_take(struct nm_handles *handles, void *object, uint32_t *index);
void *nm_handle_find(const struct nm_handles *handles, const void *handle);
void nm_handle_free(struct nm_handles *handles, uint32_t index);
void *nm_handle_of(const struct nm_handles *handles, uint32_t index);

/* --- tables ------------------------------------------------------------------------------ */

enum nm_state { NM_QUEUED, NM_ACTIVE, NM_FAILED, NM_GONE };

struct nm_table; /* of templates */

/* What packets need comes last, by the values that they are compared with. */
struct nm_rule {
	TAILQ_ENTRY(nm_rule) link; /* of the port */
	struct nm_tuple *tuple;
	struct nm_table *table;
	struct nm_shape *shape;
	struct nm_indirect *indirect_counter, *indirect_age;
	struct nm_counter *own_counter; /* behind the rule; NULL: none */
	struct nm_age *own_age;
	uint32_t group;
	uint32_t index; /* in the NIC's handles */
	uint8_t domain, state;
	bool pulled, sees_application;

	struct nm_port *port;
	struct nm_rss *rss;
	struct nm_range *ranges;
	struct nm_set *sets;
	uint32_t mark, jump;
	uint16_t queue, to;
	uint8_t fate, engine;
	uint8_t n_ranges, n_sets;
	bool marks, flag;
	struct nm_counter *counter;
	struct nm_age *age;
	uint64_t from_ms, from_packet;
	uint64_t order;	      /* of insertion */
	struct nm_rule *next; /* of the bucket */
	uint32_t hash;
	uint32_t priority; /* that it has in effect */
	uint64_t spec[];   /* the tuple's words */
};

TAILQ_HEAD(nm_rule_list, nm_rule);

/* All rules of a group with the same mask. */
struct nm_tuple {
	struct nm_group *group;
	struct nm_key mask;
	uint8_t n_words, word[NM_WORDS];
	uint32_t best; /* no rule has a higher priority */
	uint32_t count, n_buckets;
	struct nm_rule **buckets;
};

struct nm_group {
	uint8_t domain;
	uint16_t port; /* of ingress and egress */
	uint32_t id;
	uint32_t n_tuples, cap;
	struct nm_tuple **tuples; /* by `best` */
};

/* Mask sets of an engine, as the profile counts them. */
struct nm_shape {
	struct nm_key mask;
	uint8_t family, protocol, engine;
	uint32_t rules;
	TAILQ_ENTRY(nm_shape) link;
};

TAILQ_HEAD(nm_shapes, nm_shape);

struct nm_engine {
	uint32_t rules, counters;
};

/* --- ports and NICs ---------------------------------------------------------------------- */

#define NM_MARKS 16

struct nm_nic {
	rte_rwlock_t lock;
	int number;	 /* of the switch; -1: not to be joined */
	uint16_t domain; /* that ethdev knows the switch by */
	const struct tg_nic_profile *profile;
	struct nicmodel_quirks quirks;
	struct nm_port *ports[NICMODEL_PORTS_MAX];
	unsigned int n_ports;
	struct nm_group **groups;
	uint32_t n_groups, cap_groups;
	struct nm_group *transfer; /* group 0 */
	uint32_t from_application; /* transfer rules that may match what software sends */
	struct nm_engine engines[TG_NIC_ENGINES_MAX];
	struct nm_shapes shapes;
	struct nm_handles rules, indirects;
	uint64_t order;
	uint64_t packets;	  /* atomic */
	uint32_t marks[NM_MARKS]; /* that packets had last, atomic */
	uint32_t n_marks;
	uint64_t queries;
	struct nm_ages wheel[NM_WHEEL];
	uint64_t wheel_s;
	uint32_t ages;
	struct nicmodel_rules stats;
	TAILQ_ENTRY(nm_nic) link;
};

struct nm_fault {
	int error;
	uint32_t after, times;
};

struct nm_result {
	void *rule; /* handle of what was created; NULL: destroyed */
	void *user_data;
	enum rte_flow_op_status status;
};

struct nm_job {
	void *rule;		/* handle */
	struct nm_draft *draft; /* NULL: destroy */
	void *user_data;
};

struct nm_queue {
	uint32_t size, n_jobs, head, n_results; /* of operations that were not pulled */
	struct nm_job *jobs;			/* not pushed yet */
	struct nm_result *results;		/* from head on */
};

/* What ethdev hands to a burst function. */
struct nm_queue_of {
	struct nm_port *port;
	uint16_t number;
};

struct nm_tx_lock {
	rte_spinlock_t lock;
} __rte_cache_aligned;

struct nm_port {
	struct nm_nic *nic;
	struct rte_eth_dev *dev;
	uint16_t id, lower;
	struct rte_eth_dev_owner owner;
	struct rte_ether_addr mac;
	bool started, link_up, isolated, reset;
	bool dead; /* does not start any more */
	struct nm_place place;
	char *reset_file;		   /* whose coming is a reset; NULL: none */
	struct nm_group *ingress, *egress; /* group 0 */
	struct nm_rule_list list;
	struct nm_indirects indirects;
	struct nm_ages aged;
	uint32_t n_aged;
	bool tell_aged, told_aged;
	struct nm_fault faults[NICMODEL_OP_COUNT];
	struct nicmodel_stats stats; /* atomic */
	uint16_t n_lower_tx;
	struct nm_tx_lock tx[NICMODEL_QUEUES_MAX];
	struct nm_queue_of queue_of[NICMODEL_QUEUES_MAX];
	struct rte_ring *steered[NICMODEL_QUEUES_MAX]; /* from one queue to another */
	uint16_t n_queues;
	struct nm_queue *queues;
	bool configured, strict_queues;
	uint32_t reserved_counters, shared_counters; /* configured: indirect ones are of these */
	LIST_HEAD(, nm_pattern_template) patterns;
	LIST_HEAD(, nm_actions_template) actions;
	LIST_HEAD(, nm_table) tables;
};

static inline struct nm_port *nm_port_of(struct rte_eth_dev *dev)
{
	return dev->data->dev_private;
}

struct nm_port *nm_port_find(uint16_t id);
/* Ports of one NIC that are there; NULL: not one of these. */
struct nm_port *nm_nic_port(const struct nm_nic *nic, uint16_t id);
/* Who takes templates for the switch, as with mlx5: of the ports that are there the first one. */
struct nm_port *nm_switch_manager(struct nm_port *port);
int nm_nic_join(struct nm_port *port, const struct tg_nic_profile *profile, int number);
void nm_nic_leave(struct nm_port *port);
/* All NICs: lets time pass, and tells applications of what has aged. Without any lock. */
void nm_nics_age(void);
/* All NICs: resets the ports for which a file asks. Without any lock. */
void nm_nics_reset(void);

static inline bool nm_has(const struct nm_nic *nic, enum tg_nic_hazard_id hazard)
{
	return nic->quirks.on >> hazard & 1;
}

/* The hazard's engines; none named: all. */
bool nm_has_in(const struct nm_nic *nic, unsigned int engine, enum tg_nic_hazard_id hazard);

/* --- rules ------------------------------------------------------------------------------- */

/* A rule as asked for. */
struct nm_draft {
	struct nm_port *port;
	uint8_t domain; /* enum tg_nic_domain */
	uint32_t group, priority;
	struct nm_pattern pattern;
	struct nm_actions actions;
	struct nm_table *table;
	uint16_t queue;
};

int nm_draft_read(struct nm_draft *draft, struct nm_port *port, const struct rte_flow_attr *attr,
	const struct rte_flow_item items[], const struct rte_flow_action actions[], bool relaxed,
	struct rte_flow_error *error);
/* Does the engine take it? 0 or -errno; `widened`: it would not do quite what it was asked. */
int nm_engine_admits(const struct nm_draft *draft, unsigned int engine, bool *widened,
	struct rte_flow_error *error);
int nm_draft_check(const struct nm_draft *draft, struct rte_flow_error *error);

/* A rule with a handle; not in the tables yet. */
struct nm_rule *nm_rule_new(const struct nm_draft *draft, struct rte_flow_error *error);
/* Into an engine and its tables. */
int nm_rule_insert(
	struct nm_rule *rule, const struct nm_draft *draft, struct rte_flow_error *error);
/* Out of the tables; the handle stays. */
void nm_rule_remove(struct nm_rule *rule);
void nm_rule_free(struct nm_rule *rule);
/* All of a port; `flushed`: the handles as well. */
void nm_rules_stop(struct nm_port *port, bool flushed);

struct nm_group *nm_group_find(
	const struct nm_nic *nic, uint8_t domain, uint16_t port, uint32_t id);
int nm_table_insert(struct nm_nic *nic, struct nm_rule *rule, const struct nm_key *mask,
	const struct nm_key *spec, bool refuse_equal);
void nm_table_remove(struct nm_nic *nic, struct nm_rule *rule);

/* The rule that acts, of those that come after `after` (NULL: of all). */
struct nm_rule *nm_table_lookup(const struct nm_group *group, const struct nm_key *key,
	const struct nm_rule *after, uint64_t now, uint64_t packet);

/* True: this operation has to fail, *error is set. */
bool nm_fault(struct nm_port *port, enum nicmodel_op op, struct rte_flow_error *error);
/* 0, or why nothing can be asked of the port now. */
int nm_port_ready(struct nm_port *port, struct rte_flow_error *error);

/* --- packets ----------------------------------------------------------------------------- */

/*
 * Does what the sets say to a packet, with the checksums. *m is another mbuf afterwards where it
 * could not be written to. False: it could not be done, *m is as it was.
 */
bool nm_rewrite(struct rte_mbuf **m, const struct nm_packet *packet, const struct nm_set *sets,
	unsigned int n);
uint16_t nm_rx_burst(void *queue, struct rte_mbuf **packets, uint16_t n);
uint16_t nm_tx_burst(void *queue, struct rte_mbuf **packets, uint16_t n);

/* The profile of a file, for good. 0 or -errno. */
int nm_profile_load(const char *path, const struct tg_nic_profile **profile);

extern const struct rte_flow_ops nm_flow_ops;

/* --- place.c --- */

uint32_t nm_hash(const uint8_t *rss_key, bool symmetric, const struct nm_key *key);
void nm_place_info(const struct nm_port *port, struct rte_eth_dev_info *info);
/* Takes what `conf` says of it, and out of it what is for the port below. */
int nm_place_configure(struct nm_port *port, struct rte_eth_conf *conf, uint16_t n_rx);
/* The queue of a packet that has arrived on `queue`. */
uint16_t nm_place_queue(const struct nm_port *port, uint16_t queue, const struct nm_key *key);
int nm_place_hash_update(struct rte_eth_dev *dev, struct rte_eth_rss_conf *conf);
int nm_place_hash_get(struct rte_eth_dev *dev, struct rte_eth_rss_conf *conf);
int nm_place_reta_update(
	struct rte_eth_dev *dev, struct rte_eth_rss_reta_entry64 *reta, uint16_t size);
int nm_place_reta_query(
	struct rte_eth_dev *dev, struct rte_eth_rss_reta_entry64 *reta, uint16_t size);

#endif
