/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Packets from text, so that a test's table reads like a capture:
 *
 *	"10.1.0.1 > 10.2.0.1 tcp 4000>80 S seq=1 win=1000 ws=7"
 *	"vlan=5 fd00::1 > fd00::2 hbh udp 4000>53 len=100"
 *	"10.9.9.9 > 10.1.0.1 icmp type=3 code=4 / 10.1.0.1 > 10.2.0.1 udp 4000>53"
 *
 * Words, in any order unless said otherwise:
 *	vlan=N (up to 3 times)  type=0xN (ethertype, before any address)  dmac=xx:xx:xx:xx:xx:xx
 *	raw=HEX (what follows the ethertype; no IP)
 *	SRC > DST   IPv4 or IPv6
 *	ttl=N  id=N  frag=OFFSET or frag=OFFSET+ (more follow)  opt=HEX (IPv4 options)
 *	hbh dst dst=COUNT rt=TYPE ah (IPv6 extension headers, in the order written; frag= is one)
 *	tcp|udp|sctp SPORT>DPORT   icmp|icmp6   none (IPv6: no next header)   proto=N
 *	S A F R P U E C N (TCP flags together, as in SA; ECE, CWR, AE)
 *	seq= ack= win=  doff=WORDS (a false data offset)
 *	mss=N ws=N sackok sack=LEFT-RIGHT,... ts=VALUE:ECHO tfo=HEX (TCP options)
 *	tag=N (SCTP verification tag), then chunks in the order written:
 *		init=TAG init-ack=TAG cookie-echo cookie-ack data sack heartbeat heartbeat-ack
 *		error abort shutdown shutdown-ack shutdown-complete
 *		abort-t shutdown-complete-t (with the T bit)  chunk=TYPE (4 bytes)
 *	type=N code=N icmpid=N (ICMP)
 *	len=N (payload bytes)  data=HEX (payload)
 *	l4=N (only this much of the transport header and payload; lengths agree)
 *	Faults, applied last: cut=N (bytes left)  pad=N (bytes added)  set=OFFSET:HEX (overwrite)
 *	seg=N (mbuf segments of N bytes)
 *	/ ...  an ICMP error's quotation, a packet of its own without Ethernet header
 */
#ifndef TG_TEST_PACKET_H
#define TG_TEST_PACKET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <rte_mbuf.h>

#define PACKET_MAX 9216

struct packet {
	uint8_t bytes[PACKET_MAX];
	size_t size;
	unsigned int segment; /* bytes of each mbuf segment; 0: one segment */
};

/* False for text that it does not understand, with the first such word in `bad`. */
bool packet_try(struct packet *packet, const char *text, char *bad, size_t size);
/* Aborts the test on such text. */
void packet_make(struct packet *packet, const char *text);
struct rte_mbuf *packet_mbuf(struct rte_mempool *pool, const struct packet *packet);

#endif
