/* SPDX-License-Identifier: BSD-3-Clause */
/* The compact endpoints format: each line as the pod it stands for, or the problem it is. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "decode.h"
#include "endpoints.h"

#define ZONE 700

struct fixture {
	struct tg_intern *strings;
	struct tg_arena *arena;
	struct tg_decoded out;
	int err;
};

static void decode(struct fixture *f, const char *text, size_t size)
{
	const struct tg_scope scope = {.zone = ZONE};

	f->strings = tg_intern_create();
	f->arena = tg_arena_create(0);
	f->err = tg_decode(
		"a" TG_ENDPOINTS_SUFFIX, text, size, &scope, f->strings, f->arena, &f->out);
}

static void teardown(struct fixture *f)
{
	tg_decoded_free(&f->out);
	tg_arena_free(f->arena);
	tg_intern_free(f->strings);
}

struct text {
	char buf[1024];
};

static void put(struct text *t, const char *fmt, ...)
{
	size_t used = strlen(t->buf);
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(t->buf + used, sizeof(t->buf) - used, fmt, ap);
	va_end(ap);
}

static void put_pod(struct text *t, const struct fixture *f, const struct tg_pod *pod)
{
	char buf[TG_ADDR_TEXT];

	put(t, "%u %s/%s", pod->place.line, tg_intern_text(f->strings, pod->ns),
		tg_intern_text(f->strings, pod->name));
	assert_int_equal(pod->zone, ZONE);
	for (uint32_t i = 0; i < pod->n_addrs; i++)
		put(t, " %s", tg_addr_format(&pod->addrs[i], buf));
	for (uint32_t i = 0; i < pod->labels.n; i++)
		put(t, " %s=%s", tg_intern_text(f->strings, pod->labels.v[i].key),
			tg_intern_text(f->strings, pod->labels.v[i].value));
	for (uint32_t i = 0; i < pod->n_ports; i++)
		put(t, " %s:%u/%u", tg_intern_text(f->strings, pod->ports[i].name),
			pod->ports[i].number, pod->ports[i].protocol);
	if (pod->node != 0)
		put(t, " on %s", tg_intern_text(f->strings, pod->node));
	if (pod->created_at != INT64_MIN)
		put(t, " at %lld", (long long)pod->created_at);
	put(t, "%s%s%s;", pod->host_network ? " host" : "", pod->finished ? " finished" : "",
		pod->terminating ? " terminating" : "");
}

static void lines_become_pods(void **state)
{
	static const struct {
		const char *text, *expected;
	} cases[] = {
		{"", ""},
		{"\n# c\n   \t\n  # c\r\n", ""},
		{"shop/a 10.0.0.1", "1 shop/a 10.0.0.1;"},
		{"\nshop/a -\nshop/b.c -\n", "2 shop/a;3 shop/b.c;"},
		{"shop/a\t10.0.0.1,2001:db8::1   app=web,a.b/c=D_e\thttp=8080/TCP,d=53/UDP node=n1\r\n",
			"1 shop/a 10.0.0.1 2001:db8::1 app=web a.b/c=D_e http:8080/6 d:53/17 on n1;"},
		{"shop/a 10.0.0.1 app= - node=n1", "1 shop/a 10.0.0.1 app= on n1;"},
		{"shop/a 10.0.0.1 - node=n1", "1 shop/a 10.0.0.1 on n1;"},
		{"shop/a 10.0.0.1 - - host-network", "1 shop/a 10.0.0.1 host;"},
		{"shop/a 10.0.0.1 node=x", "1 shop/a 10.0.0.1 node=x;"}, /* a label */
		{"shop/a 10.0.0.1 - s=1/SCTP terminating node=n1 # c",
			"1 shop/a 10.0.0.1 s:1/132 on n1 terminating;"},
		{"shop/a 10.0.0.1 - finished", "1 shop/a finished;"},
		{"shop/a - - created=1970-01-01T00:00:07Z", "1 shop/a at 7;"},
		{"shop/a ::ffff:10.0.0.1 # c", "1 shop/a 10.0.0.1;"},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct text out = {""};
		struct fixture f;

		decode(&f, cases[i].text, strlen(cases[i].text));
		if (f.err != 0)
			fail_msg("%s: %s", cases[i].text, f.out.errors.v[0].text);
		for (size_t k = 0; k < f.out.pods.n; k++)
			put_pod(&out, &f, f.out.pods.v[k]);
		assert_string_equal(out.buf, cases[i].expected);
		teardown(&f);
	}
}

static void wrong_lines_are_problems(void **state)
{
	static const struct {
		const char *text, *expected;
	} cases[] = {
		{"a", "1: column 1: namespace/name is expected, not \"a\""},
		{"/a -", "1: column 1: namespace/name is expected, not \"/a\""},
		{"a/ -", "1: column 1: namespace/name"},
		{"A/b -", "1: column 1: namespace/name"},
		{"a/b/c -", "1: column 1: namespace/name"},
		{"a/B -", "1: column 1: namespace/name"},
		{"\n\na/b", "3: column 2: a list of addresses or -"},
		{"a/b x", "1: column 2: an IP address is expected, not \"x\""},
		{"a/b 10.0.0.1,", "1: column 2: an IP address is expected, not \"\""},
		{"a/b 10.0.0.1,,10.0.0.2", "1: column 2: an IP address"},
		{"a/b 10.0.0.0/8", "1: column 2: an IP address"},
		{"a/b - x", "1: column 3: a label as key=value is expected, not \"x\""},
		{"a/b - =x", "1: column 3: a label as key=value"},
		{"a/b - a=-", "1: column 3: a label as key=value is expected, not \"a=-\""},
		{"a/b - a=b,", "1: column 3: a label as key=value"},
		{"a/b - a=b,c=d,a=e", "1: column 3: each label once is expected, not \"a\""},
		{"a/b - http=80/TCP", "1: column 3: a label as key=value"},
		{"a/b - - http=80/tcp", "1: column 4: a port as name=number/protocol"},
		{"a/b - - http=80/", "1: column 4: a port as name=number/protocol"},
		{"a/b - - http=0/TCP", "1: column 4: a port as name=number/protocol"},
		{"a/b - - http=65536/TCP", "1: column 4: a port as name=number/protocol"},
		{"a/b - - http=80x/TCP", "1: column 4: a port as name=number/protocol"},
		{"a/b - - http=/TCP", "1: column 4: a port as name=number/protocol"},
		{"a/b - - HTTP=80/TCP", "1: column 4: a port as name=number/protocol"},
		{"a/b - - 80/TCP", "1: column 4: a port as name=number/protocol"},
		{"a/b - - http=80", "1: column 5: node=NAME"},
		{"a/b - - - nod=x", "1: column 5: node=NAME"},
		{"a/b - - - node=", "1: column 5: node=NAME"},
		{"a/b - - - Finished", "1: column 5: node=NAME"},
		{"a/b - - - created=now", "1: column 5: node=NAME"},
		{"a/b - - - - node=n1", "1: column 5: node=NAME"},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char first[512] = "accepted";
		struct fixture f;

		decode(&f, cases[i].text, strlen(cases[i].text));
		if (f.out.errors.n != 0)
			snprintf(first, sizeof(first), "%u: %s", f.out.errors.v[0].line,
				f.out.errors.v[0].text);
		if (strncmp(first, cases[i].expected, strlen(cases[i].expected)) != 0)
			fail_msg("%s, in: %s", first, cases[i].text);
		assert_int_equal(f.err, -EINVAL);
		teardown(&f);
	}
}

static void a_nul_byte_is_a_problem(void **state)
{
	static const char text[] = "shop/a - app=x\0,role=admin\n";
	struct fixture f;

	decode(&f, text, sizeof(text) - 1);
	assert_int_equal(f.err, -EINVAL);
	assert_int_equal(f.out.errors.v[0].line, 1);
	teardown(&f);
}

static void each_line_is_told(void **state)
{
	static const char text[] = "shop/a x\nshop/b -\nshop/c - y\n";
	struct fixture f;

	decode(&f, text, sizeof(text) - 1);
	assert_int_equal(f.out.errors.n, 2);
	assert_int_equal(f.out.errors.v[1].line, 3);
	teardown(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lines_become_pods),
		cmocka_unit_test(wrong_lines_are_problems),
		cmocka_unit_test(a_nul_byte_is_a_problem),
		cmocka_unit_test(each_line_is_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
