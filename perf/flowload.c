/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Opens many UDP flows through an interface: one small frame for each (source port, destination
 * port), paced, by an AF_PACKET socket with sendmmsg. Used to fill a connection table through a
 * real port; perf/bench_enforce.py runs it inside a namespace of its own.
 *
 * usage: flowload INTERFACE NEXT-HOP-MAC SOURCE DESTINATION FLOWS PER-SECOND
 */
#include <arpa/inet.h>
#include <errno.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <netinet/ip.h>
#include <netinet/udp.h>
#include <netpacket/packet.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define BATCH 32u
#define FIRST_PORT 1024u
#define PORTS 60000u /* source ports of one destination port */
#define PAYLOAD 18u  /* brings the frame to the minimum of 60 bytes */

struct frame {
	struct ether_header eth;
	struct iphdr ip;
	struct udphdr udp;
	uint8_t payload[PAYLOAD];
} __attribute__((packed));

static uint16_t ip_checksum(const void *header)
{
	const uint8_t *bytes = header;
	uint32_t sum = 0;

	for (size_t i = 0; i < sizeof(struct iphdr); i += 2)
		sum += (uint32_t)bytes[i] << 8 | bytes[i + 1];
	sum = (sum & 0xffff) + (sum >> 16);
	return htons((uint16_t) ~(sum + (sum >> 16)));
}

static int frame_init(struct frame *f, int sock, const char *ifname, char *const argv[])
{
	struct ifreq req = {0};
	struct iphdr ip;
	unsigned int mac[ETH_ALEN];

	snprintf(req.ifr_name, sizeof(req.ifr_name), "%s", ifname);
	if (ioctl(sock, SIOCGIFHWADDR, &req) != 0)
		return -errno;
	memset(f, 0, sizeof(*f));
	memcpy(f->eth.ether_shost, req.ifr_hwaddr.sa_data, ETH_ALEN);
	if (sscanf(argv[0], "%x:%x:%x:%x:%x:%x", &mac[0], &mac[1], &mac[2], &mac[3], &mac[4],
		    &mac[5]) != ETH_ALEN)
		return -EINVAL;
	for (int i = 0; i < ETH_ALEN; i++)
		f->eth.ether_dhost[i] = (uint8_t)mac[i];
	f->eth.ether_type = htons(ETHERTYPE_IP);
	ip = (struct iphdr){.version = 4, .ihl = 5, .ttl = 64, .protocol = IPPROTO_UDP};
	ip.tot_len = htons(sizeof(*f) - sizeof(f->eth));
	if (inet_pton(AF_INET, argv[1], &ip.saddr) != 1 ||
		inet_pton(AF_INET, argv[2], &ip.daddr) != 1)
		return -EINVAL;
	ip.check = ip_checksum(&ip);
	f->ip = ip;
	f->udp.len = htons(sizeof(f->udp) + PAYLOAD);
	return 0;
}

static void pace(const struct timespec *start, uint64_t sent, uint64_t rate)
{
	uint64_t ns = sent * 1000000000ull / rate + (uint64_t)start->tv_nsec;
	struct timespec due = {
		.tv_sec = start->tv_sec + (time_t)(ns / 1000000000ull),
		.tv_nsec = (long)(ns % 1000000000ull),
	};

	clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &due, NULL);
}

static int load(int sock, const struct sockaddr_ll *to, const struct frame *model, uint64_t flows,
	uint64_t rate)
{
	struct frame frames[BATCH];
	struct iovec iov[BATCH];
	struct mmsghdr msgs[BATCH];
	struct timespec start;

	memset(msgs, 0, sizeof(msgs));
	for (unsigned int i = 0; i < BATCH; i++) {
		frames[i] = *model;
		iov[i] = (struct iovec){&frames[i], sizeof(frames[i])};
		msgs[i].msg_hdr.msg_iov = &iov[i];
		msgs[i].msg_hdr.msg_iovlen = 1;
		msgs[i].msg_hdr.msg_name = (void *)(uintptr_t)to;
		msgs[i].msg_hdr.msg_namelen = sizeof(*to);
	}
	clock_gettime(CLOCK_MONOTONIC, &start);
	for (uint64_t sent = 0; sent < flows;) {
		unsigned int n = flows - sent < BATCH ? (unsigned int)(flows - sent) : BATCH;
		int done;

		for (unsigned int i = 0; i < n; i++) {
			frames[i].udp.source = htons((uint16_t)(FIRST_PORT + (sent + i) % PORTS));
			frames[i].udp.dest = htons((uint16_t)(FIRST_PORT + (sent + i) / PORTS));
		}
		done = sendmmsg(sock, msgs, n, 0);
		if (done < 0 && errno != ENOBUFS && errno != EAGAIN)
			return -errno;
		if (done > 0)
			sent += (uint64_t)done;
		pace(&start, sent, rate);
	}
	return 0;
}

int main(int argc, char **argv)
{
	struct sockaddr_ll to = {.sll_family = AF_PACKET, .sll_halen = ETH_ALEN};
	struct frame model = {0};
	uint64_t flows, rate;
	int sock, err;

	if (argc != 7) {
		fprintf(stderr, "usage: flowload INTERFACE NEXT-HOP-MAC SOURCE DESTINATION FLOWS "
				"PER-SECOND\n");
		return 2;
	}
	flows = strtoull(argv[5], NULL, 10);
	rate = strtoull(argv[6], NULL, 10);
	sock = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);
	to.sll_ifindex = (int)if_nametoindex(argv[1]);
	if (sock < 0 || to.sll_ifindex == 0 || flows == 0 || rate == 0 ||
		flows > (uint64_t)PORTS * PORTS) {
		fprintf(stderr, "flowload: no such interface, no permission or no such number\n");
		return 2;
	}
	err = frame_init(&model, sock, argv[1], argv + 2);
	memcpy(to.sll_addr, model.eth.ether_dhost, ETH_ALEN);
	if (err == 0)
		err = load(sock, &to, &model, flows, rate);
	if (err != 0)
		fprintf(stderr, "flowload: %s\n", strerror(-err));
	close(sock);
	return err == 0 ? 0 : 1;
}
