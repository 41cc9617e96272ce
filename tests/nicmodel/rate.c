/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * How fast the model is: rules made and destroyed a second, and packets through them.
 *	nicmodel_rate [RULES]
 */
#include "lab.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#define PACKETS 4096
#define ROUNDS 256

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static long resident_mb(void)
{
	struct rusage usage;

	getrusage(RUSAGE_SELF, &usage);
	return usage.ru_maxrss / 1024;
}

static void make_rules(struct rte_flow **flow, uint32_t n)
{
	struct rte_flow_item_ipv4 *ip;
	struct words w = {.context = NULL};
	double start;

	words_read(&w,
		"ingress : eth / ipv4 src=10.0.0.0 dst=192.0.2.1 / tcp sport=4000 dport=80 : "
		"count / age=60 / drop");
	ip = (void *)w.of_item[1].spec;
	start = now();
	for (uint32_t i = 0; i < n; i++) {
		ip->hdr.src_addr = rte_cpu_to_be_32(0x0a000000 + i);
		flow[i] = rte_flow_create(lab.port[0], &w.attr, w.items, w.actions, &lab.error);
		assert_non_null(flow[i]);
	}
	printf("create   %10.0f rules/s\n", n / (now() - start));
}

static void send_packets(uint32_t n)
{
	struct rte_mbuf *m[32];
	double spent = 0;
	uint32_t sent = 0;

	for (unsigned int round = 0; round < ROUNDS; round++) {
		double start;

		for (unsigned int i = 0; i < 32; i++) {
			uint32_t src = rte_cpu_to_be_32(0x0a000000 + (uint32_t)(rand() % (int)n));

			m[i] = lab_mbuf("10.0.0.0 > 192.0.2.1 tcp 4000>80 A");
			memcpy(rte_pktmbuf_mtod_offset(m[i], void *, 26), &src, 4);
		}
		start = now();
		assert_int_equal(lab_burst(0, m, 32), 0);
		spent += now() - start;
		sent += 32;
	}
	printf("drop     %10.0f packets/s\n", sent / spent);
}

static void destroy_rules(struct rte_flow **flow, uint32_t n)
{
	double start = now();

	for (uint32_t i = 0; i < n; i++)
		lab_destroy(0, flow[i]);
	printf("destroy  %10.0f rules/s\n", n / (now() - start));
}

int main(int argc, char **argv)
{
	uint32_t n = argc > 1 ? (uint32_t)atoi(argv[1]) : 100000;
	struct rte_flow **flow = calloc(n, sizeof(struct rte_flow *));
	long before;

	lab_eal();
	lab_open(NULL);
	before = resident_mb();
	make_rules(flow, n);
	printf("memory   %10ld bytes/rule\n", (resident_mb() - before) * 1048576 / (long)n);
	send_packets(n);
	destroy_rules(flow, n);
	lab_close();
	free(flow);
	return 0;
}
