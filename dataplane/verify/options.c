/* SPDX-License-Identifier: BSD-3-Clause */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "options.h"
#include "profile.h"

#define CAPACITY_MAX (8u << 20)

static const char help[] =
	"usage: tidegate nic verify [OPTION]... --generator DEVICE DEVICE\n"
	"\n"
	"Tries on a live port what the profile of its NIC says, line by line: rules are put in,\n"
	"packets that have to match and packets that must not are sent, and what becomes of them is\n"
	"looked at. DEVICE is the port, a PCI address or a virtual device of DPDK. Another port has\n"
	"to be cabled to it that sends: any that DPDK has a driver for, or the other port of the NIC.\n"
	"Nothing else may be sent on that cable. The ports are taken over, stopped and started:\n"
	"never run it while the gateway uses them.\n"
	"\n"
	"options:\n"
	"      --generator DEVICE     the port that sends, cabled to the one that is tried\n"
	"      --other DEVICE         a second port of the NIC, to which packets are forwarded\n"
	"      --catcher DEVICE       the port that --other is cabled to\n"
	"      --profile NAME         the profile (default: by driver and device)\n"
	"      --profiles DIR         where the profiles are (default: what is installed)\n"
	"      --capacity N           put in up to N rules, until there is no room\n"
	"      --nic TEXT             what to call the NIC in the line `verified:`\n"
	"      --no-huge              without huge pages; real NICs mostly need them\n"
	"      --eal ARG              one more argument for DPDK; can be repeated\n"
	"  -o, --output text|json     how to print\n"
	"\n"
	"verdicts: ok; WRONG: the NIC, its driver or the profile; not testable here: why\n"
	"\n"
	"example:\n"
	"  tidegate nic verify --generator 0000:3b:00.1 0000:3b:00.0\n"
	"\n"
	"exit codes: 0 nothing is WRONG; 1 something is; 2 not tried, or not to the end\n";

static int usage(const char *what, const char *value)
{
	fprintf(stderr, "tidegate nic verify: %s%s; see 'tidegate nic verify --help'\n", what,
		value);
	return 2;
}

static int read_capacity(struct options *options, const char *text)
{
	char *end;
	unsigned long n = strtoul(text, &end, 10);

	if (*text < '0' || *text > '9' || *end != '\0' || n == 0 || n > CAPACITY_MAX)
		return usage("--capacity wants a number from 1 to 8388608, not ", text);
	options->capacity = (uint32_t)n;
	return -1;
}

static int read_output(struct options *options, const char *text)
{
	options->json = strcmp(text, "json") == 0;
	if (!options->json && strcmp(text, "text") != 0)
		return usage("--output wants text or json, not ", text);
	return -1;
}

static int read_eal(struct options *options, const char *text)
{
	if (options->n_eal == OPTIONS_EAL_MAX)
		return usage("too many --eal", "");
	options->eal[options->n_eal++] = text;
	return -1;
}

static int read_option(struct options *options, int c, char **argv)
{
	switch (c) {
	case 'g':
		options->devices[ROLE_GENERATOR] = optarg;
		return -1;
	case 't':
		options->devices[ROLE_OTHER] = optarg;
		return -1;
	case 'c':
		options->devices[ROLE_CATCHER] = optarg;
		return -1;
	case 'f':
		options->profile = optarg;
		return -1;
	case 'p':
		options->folder = optarg;
		return -1;
	case 'm':
		return read_capacity(options, optarg);
	case 'n':
		options->nic = optarg;
		return -1;
	case 'u':
		options->no_huge = true;
		return -1;
	case 'e':
		return read_eal(options, optarg);
	case 'o':
		return read_output(options, optarg);
	case 'h':
		fputs(help, stdout);
		return 0;
	default:
		return usage(
			c == ':' ? "a value is missing for " : "unknown option ", argv[optind - 1]);
	}
}

static int check(const struct options *options)
{
	if (options->devices[ROLE_PORT] == NULL)
		return usage("expected one DEVICE", "");
	if (options->devices[ROLE_GENERATOR] == NULL)
		return usage("--generator is needed: a port that is cabled to ",
			options->devices[ROLE_PORT]);
	if ((options->devices[ROLE_OTHER] == NULL) != (options->devices[ROLE_CATCHER] == NULL))
		return usage("--other and --catcher go together", "");
	for (int a = 0; a < ROLE_COUNT; a++)
		for (int b = 0; b < a; b++)
			if (options->devices[a] != NULL && options->devices[b] != NULL &&
				strcmp(options->devices[a], options->devices[b]) == 0)
				return usage("one device cannot be two: ", options->devices[a]);
	return -1;
}

int options_read(struct options *options, int argc, char **argv)
{
	static const struct option longs[] = {
		{"generator", required_argument, NULL, 'g'},
		{"other", required_argument, NULL, 't'},
		{"catcher", required_argument, NULL, 'c'},
		{"profile", required_argument, NULL, 'f'},
		{"profiles", required_argument, NULL, 'p'},
		{"capacity", required_argument, NULL, 'm'},
		{"nic", required_argument, NULL, 'n'},
		{"no-huge", no_argument, NULL, 'u'},
		{"eal", required_argument, NULL, 'e'},
		{"output", required_argument, NULL, 'o'},
		{"help", no_argument, NULL, 'h'},
		{0},
	};
	int c, rc;

	*options = (struct options){.folder = tg_nic_profiles_folder()};
	while ((c = getopt_long(argc, argv, ":ho:", longs, NULL)) != -1) {
		rc = read_option(options, c, argv);
		if (rc >= 0)
			return rc;
	}
	if (argc - optind == 1)
		options->devices[ROLE_PORT] = argv[optind];
	return check(options);
}
