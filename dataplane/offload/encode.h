/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A rule as rte_flow takes it: attributes, items, actions, and the memory that these point to.
 * Every bit of the rule's match is stated, and nothing else.
 */
#ifndef TG_OFFLOAD_ENCODE_H
#define TG_OFFLOAD_ENCODE_H

#include <rte_flow.h>

#include "profile.h"

#define TG_ENCODE_ITEMS 6
#define TG_ENCODE_ACTIONS 14

struct tg_encoded {
	struct rte_flow_attr attr;
	struct rte_flow_item items[TG_ENCODE_ITEMS];	   /* END is the last */
	struct rte_flow_action actions[TG_ENCODE_ACTIONS]; /* END is the last */
	/* private: what items and actions point to */
	union tg_encoded_item {
		struct rte_flow_item_eth eth;
		struct rte_flow_item_ethdev ethdev;
		struct rte_flow_item_ipv4 ipv4;
		struct rte_flow_item_ipv6 ipv6;
		struct rte_flow_item_tcp tcp;
		struct rte_flow_item_udp udp;
		struct rte_flow_item_sctp sctp;
		struct rte_flow_item_icmp icmp;
		struct rte_flow_item_icmp6 icmp6;
	} spec[TG_ENCODE_ITEMS], mask[TG_ENCODE_ITEMS];
	union tg_encoded_action {
		struct rte_flow_action_mark mark;
		struct rte_flow_action_age age;
		struct rte_flow_action_count count;
		struct rte_flow_action_queue queue;
		struct rte_flow_action_rss rss;
		struct rte_flow_action_jump jump;
		struct rte_flow_action_ethdev ethdev;
		struct rte_flow_action_port_id port_id;
		struct rte_flow_action_set_mac set_mac;
		struct rte_flow_action_set_ipv4 set_ipv4;
		struct rte_flow_action_set_ipv6 set_ipv6;
		struct rte_flow_action_set_tp set_tp;
		struct rte_flow_action_modify_field modify_field;
	} conf[TG_ENCODE_ACTIONS];
};

/*
 * Words for leaving a packet to software. PASSTHRU lets other rules act on it as well: only where
 * none can.
 */
enum tg_encode_software { TG_ENCODE_QUEUE, TG_ENCODE_RSS, TG_ENCODE_PASSTHRU };

/* How a driver wants to be spoken to, besides what its profile says. */
struct tg_encode_context {
	const struct tg_nic_engine *engine;
	enum tg_encode_software software; /* not of domain TRANSFER, which knows one word for it */
	uint16_t queue;			  /* QUEUE */
	struct rte_flow_action_rss rss;	  /* RSS; what it points to outlives what was encoded */
	void *age_context;		  /* AGE: what the driver names the rule by */
	uint32_t counter;		  /* COUNT: no two rules of a port have the same */
};

/*
 * `rule` is sound (tg_nic_rule_sound), as all are that a profile admits. `out` points into itself:
 * it is not to be moved. 0; -EINVAL what rte_flow has no words for.
 */
int tg_encode(const struct tg_encode_context *context, const struct tg_nic_rule *rule,
	struct tg_encoded *out);

#endif
