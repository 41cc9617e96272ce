/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "selector.h"

struct world {
	struct tg_intern *strings;
	struct tg_arena *arena;
};

static int setup(void **state)
{
	static struct world world;

	world.strings = tg_intern_create();
	world.arena = tg_arena_create(0);
	*state = &world;
	return world.strings != NULL && world.arena != NULL ? 0 : -1;
}

static int teardown(void **state)
{
	struct world *world = *state;

	tg_intern_free(world->strings);
	tg_arena_free(world->arena);
	return 0;
}

/* Labels app=web, tier=fe, empty="". */
static struct tg_labels sample(struct world *world, struct tg_label room[3])
{
	static const char *const texts[][2] = {{"app", "web"}, {"tier", "fe"}, {"empty", ""}};
	uint32_t n = 0;

	for (size_t i = 0; i < 3; i++) {
		struct tg_label label = {tg_intern_id(world->strings, texts[i][0]),
			tg_intern_id(world->strings, texts[i][1])};
		uint32_t at = n++;

		for (; at > 0 && room[at - 1].key > label.key; at--)
			room[at] = room[at - 1];
		room[at] = label;
	}
	return (struct tg_labels){room, n};
}

static void selectors_select(void **state)
{
	static const struct {
		const char *text;
		bool matches;
	} table[] = {
		{"", true},
		{"  ", true},
		{"app=web", true},
		{"app==web", true},
		{" app = web , tier = fe ", true},
		{"app=db", false},
		{"app=web,tier=be", false},
		{"app!=db", true},
		{"app!=web", false},
		{"missing!=x", true},
		{"app in (db, web)", true},
		{"app in (db,cache)", false},
		{"app notin (db,cache)", true},
		{"app notin (web)", false},
		{"missing notin (web)", true},
		{"tier", true},
		{"missing", false},
		{"!missing", true},
		{"! tier", false},
		{"empty=", true},
		{"app=", false},
		{"inner", false},
		{"!in", true},
		{"example.org/app=web", false},
	};
	struct world *world = *state;
	struct tg_label room[3];
	struct tg_labels labels = sample(world, room);
	char error[160];

	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		struct tg_selector selector;

		if (tg_selector_parse(table[i].text, world->strings, world->arena, &selector, error,
			    sizeof(error)) != 0)
			fail_msg("'%s': %s", table[i].text, error);
		if (tg_selector_matches(&selector, &labels) != table[i].matches)
			fail_msg("'%s'", table[i].text);
	}
}

static void nonsense_is_refused(void **state)
{
	static const char *const table[] = {",", "app=web,", ",app", "app in web", "app in ()",
		"app in (a", "app in (a,)", "app notin", "app=web tier=fe", "app=(web)", "=web",
		"!", "!app=web", "app>3", "app in (a) b", "app=\"web\""};
	struct world *world = *state;
	struct tg_selector selector;
	char error[160], big[1024];

	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
		if (tg_selector_parse(table[i], world->strings, world->arena, &selector, error,
			    sizeof(error)) != -EINVAL)
			fail_msg("'%s'", table[i]);
	memset(big, 'a', sizeof(big) - 1);
	big[sizeof(big) - 1] = '\0';
	assert_int_equal(tg_selector_parse(big, world->strings, world->arena, &selector, error,
				 sizeof(error)),
		-EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(selectors_select),
		cmocka_unit_test(nonsense_is_refused),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
