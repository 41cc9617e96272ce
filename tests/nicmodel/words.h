/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * rte_flow rules from text, so that a test's table can be read:
 *
 *	"ingress group=1 priority=2 : eth / ipv4 src=10.0.0.0&255.0.0.0 / tcp dport=80 : count /
 *drop"
 *
 * Attributes: ingress egress transfer group= priority=
 * Items, with FIELD=VALUE[..LAST][&MASK] each; no mask: all bits of the field; no field: no spec.
 *	eth dst= src= type= has_vlan=     vlan tci= inner_type= has_more_vlan=
 *	ipv4 ver= tos= len= id= frag= ttl= proto= src= dst=
 *	ipv6 vtc= plen= proto= hop= src= dst= has_frag_ext= has_hop_ext=
 *	tcp|udp|sctp sport= dport= (tcp) flags=    icmp type= code= ident= seq=    icmp6 type= code=
 *	from=PORT (represented port)  app=PORT (port representor)  port_id=PORT  void
 *	`default` in an item: no mask is given, so the item's default one holds
 *	`maskonly` in an item: a mask without spec
 * Actions:
 *	drop count age=SECONDS mark=N flag queue=N rss=N,N,... rsssym=N,N,... passthru jump=GROUP
 *	to=PORT (represented port) port_id=PORT software=PORT (port representor) void
 *	dec_ttl set_ttl=N smac= dmac= src4= dst4= src6= dst6= sport= dport=
 *	m.ttl-=N m.ttl+=N m.hop-=N m.smac= m.dmac= m.src4= m.dst4= m.src6= m.dst6=
 *	m.tcp.sport= m.tcp.dport= m.udp.sport= m.udp.dport=   (MODIFY_FIELD)
 *	indirect=I (of words_indirect)
 */
#ifndef TG_NICMODEL_WORDS_H
#define TG_NICMODEL_WORDS_H

#include <rte_flow.h>

#define WORDS_LIST_MAX 16
#define WORDS_BYTES 64

struct words {
	struct rte_flow_attr attr;
	struct rte_flow_item items[WORDS_LIST_MAX];
	struct rte_flow_action actions[WORDS_LIST_MAX];
	struct {
		_Alignas(8) uint8_t spec[WORDS_BYTES];
		_Alignas(8) uint8_t last[WORDS_BYTES];
		_Alignas(8) uint8_t mask[WORDS_BYTES];
	} of_item[WORDS_LIST_MAX];
	_Alignas(8) uint8_t of_action[WORDS_LIST_MAX][WORDS_BYTES + 64];
	uint16_t queues[WORDS_LIST_MAX][16];
	void *context; /* of AGE */
};

extern struct rte_flow_action_handle *words_indirect[4];

/* Aborts the test on a text that it does not understand. */
void words_read(struct words *words, const char *text);

#endif
