/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Packet traces in, verdicts out. A trace is a text file about one rule; it says what a gateway
 * between a client and a server has to do with each packet, whatever the code that does it.
 *
 *	# RFC 9293 section 3.5, figure 6: the handshake.
 *	scenario a client opens a connection
 *	allow client>server tcp/80
 *	0.0   client>server tcp S seq=1000 win=8192          : pass
 *	+0.01 server>client tcp SA seq=5000 ack=1001         : pass
 *	+0    server>client tcp A seq=99999 ack=1001 len=10  : drop tcp_invalid
 *	+0    check connections 1
 *
 * `#` begins a comment. Each scenario has a fresh gateway; a comment right above its heading names
 * the RFC (or a file of docs/) that it is written from. What stands before the first heading is
 * done at the start of each scenario of the file. Lines:
 *
 *	scenario NAME
 *	family 4|6   only for this family; else each scenario is run for both
 *	allow FROM>TO PROTOCOL[/PORT]
 *		FROM or TO is the client; tcp, udp, sctp, icmp or a number. Nothing else is
 *		allowed: the client is a pod that policies isolate.
 *	set KEY VALUE
 *		as in docs/configuration.md, without `connections.`: tcp-windows pickup-window
 *		ipv4 ipv6 half-open half-open-per-source fragments fragment-timeout fragments-held
 *		fragment-hold mtu timeouts.STATE; workers 1 (the scenario is about one worker's
 *tables) TIME FROM>TO PACKET : VERDICT TIME check WHAT NUMBER after a sweep; WHAT: connections
 *half-open fragments held (gauges), created evicted, drops REASON (counters) repeat N LINE   a
 *packet line, N times; $n in it is 1 to N
 *
 * TIME is in seconds since the start, or since the line before when it begins with +.
 *
 * FROM and TO: client and neighbour are inside, server, router and other outside. PACKET is in the
 * words of packet.h. Ports that are not given are 4000 of the client and, of the server, 80 (tcp),
 * 53 (udp), 3868 (sctp). After `icmp` a kind that both families have: echo echo-reply unreachable
 * port-unreachable too-big time-exceeded parameter-problem; a quotation begins with FROM>TO.
 *
 * VERDICT: pass (it leaves by the other port at once, unchanged), drop REASON, hold (kept, neither
 * passed nor counted as dropped). What becomes of N packets that were held before: `held N pass`
 * (they leave after this one) or `held N drop REASON`, behind it.
 *
 * Each scenario is run for each family packet by packet; with neighbouring packets of one time and
 * port in one burst, and a sweep before each; in such bursts through three workers; and in bursts
 * among packets of other connections, all of which have to pass. Verdicts are the same in all, and
 * packets of one conversation (FROM>TO, protocol, ports) leave in order.
 */
#ifndef TG_TEST_TRACE_H
#define TG_TEST_TRACE_H

#include <stdio.h>

struct trace;

/*
 * NULL when the text is no trace: what is wrong is written to `errors` as NAME:LINE: text, for
 * every line that is. The name is copied.
 */
struct trace *trace_parse(const char *name, const char *text, FILE *errors);
/* The same from a file. */
struct trace *trace_load(const char *path, FILE *errors);
void trace_free(struct trace *trace);
/* The number of scenarios. */
unsigned int trace_count(const struct trace *trace);
/*
 * Needs world_eal. Plays every scenario; what was otherwise than expected goes to `report` as
 * NAME:LINE: expected ..., got ... . The number of scenarios that failed: each stops being varied
 * at the first variant that does.
 */
unsigned int trace_run(const struct trace *trace, FILE *report);

#endif
