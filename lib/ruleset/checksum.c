/* SPDX-License-Identifier: BSD-3-Clause */
#include <zlib.h>

#include "image.h"

uint32_t tg_image_checksum(const void *data, size_t size)
{
	const unsigned char *bytes = data;
	const size_t at = offsetof(struct tg_image_header, checksum);
	const unsigned char zero[sizeof(uint32_t)] = {0};
	uLong crc = crc32_z(0, NULL, 0);

	if (size < sizeof(struct tg_image_header))
		return 0;
	crc = crc32_z(crc, bytes, at);
	crc = crc32_z(crc, zero, sizeof(zero));
	return (uint32_t)crc32_z(crc, bytes + at + sizeof(zero), size - at - sizeof(zero));
}
