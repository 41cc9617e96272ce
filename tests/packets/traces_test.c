/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Runs the traces of a folder or of single files: traces_test PATH... First it tests the runner:
 * that it sees what is wrong.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <glob.h>
#include <sys/stat.h>

#include "trace.h"
#include "world.h"

#define HEAD "# RFC 9293\nscenario one\nallow client>server tcp/80\nfamily 4\n"

/* What the runner, or before it the parser, has to say about a text; to be freed. */
static char *said_about(const char *text, unsigned int *failed)
{
	char *said = NULL;
	size_t size;
	FILE *out = open_memstream(&said, &size);
	struct trace *trace = trace_parse("t", text, out);

	*failed = trace != NULL ? trace_run(trace, out) : UINT32_MAX;
	trace_free(trace);
	fclose(out);
	return said;
}

struct sample {
	const char *text, *said; /* the beginning; "": nothing */
};

static void try_samples(const struct sample *samples, size_t n, unsigned int expected)
{
	for (size_t i = 0; i < n; i++) {
		unsigned int failed;
		char *said = said_about(samples[i].text, &failed);

		if (failed != expected ||
			strncmp(said, samples[i].said, strlen(samples[i].said)) != 0)
			fail_msg("sample %zu: %u failed: %s", i, failed, said);
		free(said);
	}
}

#define TRY(samples, expected) \
	try_samples(samples, sizeof(samples) / sizeof((samples)[0]), expected)

static void what_is_as_expected_is_not_mentioned(void **state)
{
	static const struct sample samples[] = {
		{HEAD "0 client>server tcp S seq=1 : pass", ""},
		{HEAD "0 client>server tcp A seq=1 : drop tcp_no_connection", ""},
		{HEAD "0 client>server tcp S 1>81 : drop policy_egress\n"
		      "+0 check drops policy_egress 1\n+0 check connections 0",
			""},
		{HEAD "0 client>server tcp S seq=1 : pass\n+0 check connections 1\n"
		      "+0 check half-open 1\n+0 check held 0\n+31 check connections 0",
			""},
		/* neighbours in one burst, one passes, one does not */
		{HEAD "0 client>server tcp S seq=1 : pass\n"
		      "0 client>server tcp SF seq=1 : drop tcp_invalid\n"
		      "0 client>server tcp S seq=1 5>80 : pass",
			""},
		{HEAD "repeat 3 +1 client>server tcp $n>80 S seq=1 : pass\n+0 check created 3", ""},
		/* both families, and what stands before the first heading */
		{"allow client>server icmp\n0 client>server icmp echo icmpid=1 : pass\n"
		 "# RFC 792\nscenario one\n+0 server>client icmp echo-reply icmpid=1 : pass\n"
		 "# RFC 792\nscenario two\n+0 server>client icmp echo-reply icmpid=2 : drop "
		 "icmp_unrelated\n",
			""},
	};

	TRY(samples, 0);
}

static void a_wrong_expectation_fails(void **state)
{
	static const struct sample samples[] = {
		{HEAD "0 client>server tcp S seq=1 : drop tcp_invalid",
			"t:5: expected drop tcp_invalid, got pass (one, IPv4, packet by packet)\n"},
		{HEAD "0 client>server tcp A seq=1 : pass",
			"t:5: expected pass, got drop tcp_no_connection (one, IPv4, "},
		{HEAD "0 client>server tcp A seq=1 : drop tcp_invalid",
			"t:5: expected drop tcp_invalid, got drop tcp_no_connection (one, IPv4, "},
		{HEAD "0 client>server tcp S seq=1 : hold", "t:5: expected hold, got pass ("},
		{HEAD "0 client>server tcp A seq=1 : hold",
			"t:5: expected hold, got drop tcp_no_connection ("},
		{HEAD "0 client>server tcp S seq=1 : pass held 1 pass",
			"t:5: expected held 1 pass, got 0 ("},
		{HEAD "0 client>server tcp S seq=1 : pass held 1 drop fragment_overlap",
			"t:5: expected held 1 drop fragment_overlap, got 0 ("},
		{HEAD "0 client>server tcp S seq=1 : pass\n+0 check connections 2",
			"t:6: expected 2, got 1 ("},
		{HEAD "0 check drops tcp_invalid 1", "t:5: expected 1, got 0 ("},
		{HEAD "0 check held 1", "t:5: expected 1, got 0 ("},
		{HEAD "0 client>server tcp S seq=1 : pass\n+31 check connections 1",
			"t:6: expected 1, got 0 ("},
		{"# RFC 9293\nscenario one\nfamily 6\n0 client>server tcp S : pass",
			"t:4: expected pass, got drop policy_egress (one, IPv6, "},
	};

	TRY(samples, 1);
}

static void a_malformed_line_is_an_error(void **state)
{
	static const struct sample samples[] = {
		{"", "t:0: no scenario\n"},
		{"scenario one\n", "t:1: no source"},
		{"# RFC 1\nfamily 4\nscenario one\n", "t:3: no source"},
		{"# RFC 1\nscenario\n", "t:2: a scenario has a name\n"},
		{HEAD "0 client>server tcp S", "t:5: no verdict"},
		{HEAD "0 client>server tcp S : maybe", "t:5: \"maybe\" is no verdict\n"},
		{HEAD "0 client>server tcp S : drop", "t:5: \"\" is no drop reason\n"},
		{HEAD "0 client>server tcp S : drop dead", "t:5: \"dead\" is no drop reason\n"},
		{HEAD "0 client>server tcp S : pass or drop", "t:5: \"or\" after the verdict\n"},
		{HEAD "0 client>server tcp S : pass held x pass", "t:5: how many"},
		{HEAD "0 client>server tcp S : pass held 1", "t:5: \"\" is no verdict\n"},
		{HEAD "x client>server tcp S : pass", "t:5: what is \"x\"?\n"},
		{HEAD "0.0001 client>server tcp S : pass", "t:5: what is \"0.0001\"?\n"},
		{HEAD "1 client>server tcp S : pass\n0 client>server tcp S : pass",
			"t:6: time goes back\n"},
		{HEAD "0 client>neighbour tcp S : pass", "t:5: \"client>neighbour\" is not from"},
		{HEAD "0 server tcp S : pass", "t:5: \"server\" is not from"},
		{HEAD "0 client>server tcp S sequence=1 : pass", "t:5: what is \"sequence=1\"?\n"},
		{HEAD "0 client>server tcp S win=65536 : pass", "t:5: what is \"win=65536\"?\n"},
		{HEAD "0 client>server tcp S seq= : pass", "t:5: what is \"seq=\"?\n"},
		{HEAD "0 client>server tcp S sack=1 : pass", "t:5: what is \"sack=1\"?\n"},
		{HEAD "0 client>server udp frag=3 : pass", "t:5: what is \"frag=3\"?\n"},
		{HEAD "0 client>server udp data=123 : pass", "t:5: what is \"data=123\"?\n"},
		{HEAD "0 client>server tcp 1>70000 S : pass", "t:5: what is \"1>70000\"?\n"},
		{HEAD "0 client>server tcp Z : pass", "t:5: what is \"Z\"?\n"},
		{HEAD "0 server>client icmp unreachable / tcp S : pass", "t:5: what is \"tcp\"?\n"},
		{HEAD "0 server>client icmp unreachable / client>server tcp Q : pass",
			"t:5: what is \"Q\"?\n"},
		{HEAD "0 client>server udp len=9216 : pass", "t:5: what is \"more than"},
		{HEAD "0 check weather 1", "t:5: there is no \"weather\" to check\n"},
		{HEAD "0 check drops 1", "t:5: \"1\" is no drop reason\n"},
		{HEAD "0 check connections", "t:5: a check ends with one number\n"},
		{HEAD "0 check connections 1 2", "t:5: a check ends with one number\n"},
		{HEAD "family 5", "t:5: a family is 4 or 6\n"},
		{HEAD "allow client>server tcp/0", "t:5: allow FROM>TO"},
		{HEAD "allow client>server tpc/80", "t:5: allow FROM>TO"},
		{HEAD "allow client tcp/80", "t:5: allow FROM>TO"},
		{HEAD "set tcp-windows slack", "t:5: no such setting: tcp-windows slack\n"},
		{HEAD "set tcp-window strict", "t:5: no such setting: tcp-window strict\n"},
		{HEAD "set timeouts.tcp-open 3", "t:5: no such setting"},
		{HEAD "set mtu 3", "t:5: no such setting"},
		{HEAD "set half-open 3 4", "t:5: no such setting"},
		{HEAD "repeat x 0 client>server tcp S : pass", "t:5: repeat how often?\n"},
		{HEAD "nonsense", "t:5: what is \"nonsense\"?\n"},
		{HEAD "nonsense\n0 client>server tcp S",
			"t:5: what is \"nonsense\"?\nt:6: no verdict"},
	};

	TRY(samples, UINT32_MAX);
}

static unsigned int run_file(const char *path)
{
	struct trace *trace = trace_load(path, stderr);
	unsigned int failed;

	if (trace == NULL)
		return 1;
	failed = trace_run(trace, stderr);
	printf("%s: %u of %u scenarios as expected\n", path, trace_count(trace) - failed,
		trace_count(trace));
	trace_free(trace);
	return failed;
}

static unsigned int run_path(const char *path)
{
	char pattern[4096];
	struct stat status;
	glob_t found;
	unsigned int failed = 0;

	if (stat(path, &status) != 0 || !S_ISDIR(status.st_mode))
		return run_file(path);
	snprintf(pattern, sizeof(pattern), "%s/*.trace", path);
	if (glob(pattern, 0, NULL, &found) != 0) {
		fprintf(stderr, "%s: no traces\n", path);
		return 1;
	}
	for (size_t i = 0; i < found.gl_pathc; i++)
		failed += run_file(found.gl_pathv[i]);
	globfree(&found);
	return failed;
}

int main(int argc, char **argv)
{
	static const struct CMUnitTest runner[] = {
		cmocka_unit_test(what_is_as_expected_is_not_mentioned),
		cmocka_unit_test(a_wrong_expectation_fails),
		cmocka_unit_test(a_malformed_line_is_an_error),
	};
	unsigned int failed;

	world_eal();
	failed = (unsigned int)cmocka_run_group_tests_name("runner", runner, NULL, NULL);
	for (int i = 1; i < argc; i++)
		failed += run_path(argv[i]);
	return failed != 0;
}
