/* SPDX-License-Identifier: BSD-3-Clause */
/* Arbitrary bytes as a file of `tidegate test`, and as a selector. */
#include <stdlib.h>
#include <string.h>

#include "assertions.h"
#include "selector.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void read_selector(const uint8_t *data, size_t size)
{
	struct tg_intern *strings = tg_intern_create();
	struct tg_arena *arena = tg_arena_create(0);
	char *text = malloc(size + 1);
	struct tg_selector selector;
	char error[160];

	if (strings == NULL || arena == NULL || text == NULL)
		abort();
	memcpy(text, data, size);
	text[size] = '\0';
	/* What is accepted has its requirements in full. */
	if (tg_selector_parse(text, strings, arena, &selector, error, sizeof(error)) == 0)
		for (uint32_t i = 0; i < selector.n_reqs; i++)
			if ((selector.reqs[i].n_values == 0) !=
				(selector.reqs[i].op == TG_OP_EXISTS ||
					selector.reqs[i].op == TG_OP_NOT_EXISTS))
				abort();
	free(text);
	tg_arena_free(arena);
	tg_intern_free(strings);
}

static void read_file(const uint8_t *data, size_t size)
{
	struct tg_intern *strings = tg_intern_create();
	struct tg_arena *arena = tg_arena_create(0);
	struct tg_assertions assertions;
	struct tg_reader reader;
	int rc;

	if (strings == NULL || arena == NULL)
		abort();
	tg_reader_init(&reader, arena);
	rc = tg_assertions_read(data, size, strings, arena, &reader, &assertions);
	/* A file is refused with a problem, or accepted with every assertion named. */
	if ((rc == 0) != (reader.problems.n == 0))
		abort();
	for (size_t i = 0; rc == 0 && i < assertions.n; i++)
		if (assertions.v[i].name == NULL)
			abort();
	tg_reader_free(&reader);
	tg_arena_free(arena);
	tg_intern_free(strings);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	read_selector(data, size);
	read_file(data, size);
	return 0;
}
