/* SPDX-License-Identifier: BSD-3-Clause */
/* Unaligned big-endian loads, and the header fields they are used for. */
#ifndef TG_PIPELINE_BYTES_H
#define TG_PIPELINE_BYTES_H

#include <stdint.h>
#include <string.h>

#include <rte_byteorder.h>

/* IANA protocol numbers */
#define TG_IPPROTO_HOPOPTS 0
#define TG_IPPROTO_ICMP 1
#define TG_IPPROTO_IGMP 2
#define TG_IPPROTO_TCP 6
#define TG_IPPROTO_UDP 17
#define TG_IPPROTO_ROUTING 43
#define TG_IPPROTO_FRAGMENT 44
#define TG_IPPROTO_AH 51
#define TG_IPPROTO_ICMPV6 58
#define TG_IPPROTO_DSTOPTS 60
#define TG_IPPROTO_VRRP 112
#define TG_IPPROTO_SCTP 132

/* Headers without options and extensions, bytes */
#define TG_IP4_HEADER 20u
#define TG_IP6_HEADER 40u

static inline uint16_t load16(const uint8_t *p)
{
	uint16_t v;

	memcpy(&v, p, sizeof(v));
	return rte_be_to_cpu_16(v);
}

static inline uint32_t load32(const uint8_t *p)
{
	uint32_t v;

	memcpy(&v, p, sizeof(v));
	return rte_be_to_cpu_32(v);
}

/* As it lies in memory. */
static inline uint16_t raw16(const uint8_t *p)
{
	uint16_t v;

	memcpy(&v, p, sizeof(v));
	return v;
}

static inline uint32_t raw32(const uint8_t *p)
{
	uint32_t v;

	memcpy(&v, p, sizeof(v));
	return v;
}

static inline uint64_t raw64(const uint8_t *p)
{
	uint64_t v;

	memcpy(&v, p, sizeof(v));
	return v;
}

#endif
