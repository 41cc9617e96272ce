/* SPDX-License-Identifier: BSD-3-Clause */
/* Private to ctrl/source: the objects of a file as one sequence, and when two are the same. */
#ifndef TG_SOURCE_OBJECT_H
#define TG_SOURCE_OBJECT_H

#include "decode.h"
#include "index.h"

enum object_kind {
	OBJECT_NAMESPACE = 1,
	OBJECT_POD,
	OBJECT_NODE,
	OBJECT_SERVICE,
	OBJECT_POLICY,
};

struct object {
	struct index_key key; /* kind is an enum object_kind; ns is 0 for kinds that have none */
	const void *object;
	struct tg_place place;
};

const char *object_kind_name(uint32_t kind);
size_t object_count(const struct tg_decoded *decoded);
/* The objects of a file are numbered 0..count-1. */
struct object object_at(const struct tg_decoded *decoded, size_t index);
struct tg_place object_place(uint32_t kind, const void *object);
/* Two objects of one kind say the same; where they were read does not matter. */
bool object_same(uint32_t kind, const void *a, const void *b);

#endif
