/* SPDX-License-Identifier: BSD-3-Clause */
#include <cjson/cJSON.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli.h"
#include "file.h"
#include "init_cluster.h"
#include "json_print.h"
#include "machine.h"

#define CTRL_FILE "tidegate-ctrl.yaml"
#define DATAPLANE_FILE "tidegate-dataplane.yaml"
#define DNS_FILE "allow-dns.yaml"
#define MANIFESTS "/etc/tidegate/manifests"
#define CLUSTER_NAME "cluster"
#define HUGE_ENOUGH_MIB 1024

struct arguments {
	const char *dir;
	const char *manifests;	/* NULL: none */
	const char *root;	/* before /sys and /proc */
	const char *kubeconfig; /* NULL: no cluster, or in_cluster */
	const char *context;
	bool in_cluster;
	bool force, json;
};

enum file { CTRL, DATAPLANE, DNS, FILES };

/* The files to be, and where they go. */
struct outcome {
	struct tg_machine machine;
	const struct tg_machine_port *inside, *outside; /* NULL: no two NICs to spare */
	char *kubeconfig;				/* its whole path */
	struct tg_config_cluster cluster;
	struct tg_compile_options options;
	struct tg_cluster_facts *facts; /* NULL: there is no cluster */
	char *path[FILES];		/* NULL: not to be written */
	char *text[FILES];
};

static int parse_options(struct arguments *args, struct tg_cli *cli, int argc, char **argv)
{
	static const struct option longs[] = {
		{"context", required_argument, NULL, 'x'},
		{"force", no_argument, NULL, 'f'},
		{"in-cluster", no_argument, NULL, 'i'},
		{"kubeconfig", required_argument, NULL, 'k'},
		{"manifests", required_argument, NULL, 'm'},
		{"output", required_argument, NULL, 'o'},
		{"root", required_argument, NULL, 'r'},
		{0},
	};
	int c;

	while ((c = getopt_long(argc, argv, ":o:f", longs, NULL)) != -1)
		switch (c) {
		case 'f':
			args->force = true;
			break;
		case 'i':
			args->in_cluster = true;
			break;
		case 'k':
			args->kubeconfig = optarg;
			break;
		case 'x':
			args->context = optarg;
			break;
		case 'm':
			args->manifests = optarg;
			break;
		case 'o':
			if (tg_cli_parse_output(cli, argv[0], optarg, &args->json) != TG_EXIT_OK)
				return TG_EXIT_USAGE;
			break;
		case 'r':
			args->root = optarg;
			break;
		default:
			return tg_cli_bad_option(cli, c, argv);
		}
	if (argc - optind > 1)
		return tg_cli_bad_usage(cli, argv[0], "at most one DIR");
	if (optind < argc)
		args->dir = argv[optind];
	if (args->in_cluster && args->kubeconfig != NULL)
		return tg_cli_bad_usage(cli, argv[0], "--kubeconfig or --in-cluster");
	if (args->context != NULL && args->kubeconfig == NULL)
		return tg_cli_bad_usage(cli, argv[0], "--kubeconfig with --context");
	if (args->manifests == NULL && args->kubeconfig == NULL && !args->in_cluster)
		args->manifests = MANIFESTS;
	return TG_EXIT_OK;
}

static void print_manifests(FILE *out, const char *manifests)
{
	fputs("\n# Folders with Kubernetes manifests or endpoints files; they are watched.\n", out);
	if (manifests == NULL) {
		fputs("# manifests: " MANIFESTS "\n", out);
		return;
	}
	fputs("manifests: ", out);
	tg_json_print_string(out, manifests);
	fputc('\n', out);
}

/* Without a cluster to ask. */
static void print_guesses(FILE *out, const struct outcome *it)
{
	fputs("# Where pods get their addresses from. An address in there that belongs to no\n"
	      "# known pod is denied, so be exact. spec.podCIDRs of Node objects count anyway.\n",
		out);
	for (size_t i = 0; i < it->machine.n_ranges; i++)
		fprintf(out, "# pod-ranges: [%s]    # routed to a virtual interface here\n",
			it->machine.ranges[i]);
	fputs("# pod-ranges: [10.244.0.0/16]     # the default of kubeadm with flannel\n"
	      "# pod-ranges: [10.42.0.0/16]      # the default of k3s and RKE2\n"
	      "# pod-ranges: [192.168.0.0/16]    # the default of Calico\n"
	      "\n"
	      "# Traffic of nodes that must pass whatever the policies say.\n"
	      "# infrastructure:\n"
	      "# - {name: kube-api, from: nodes, to: 192.0.2.10, ports: 6443}\n"
	      "# - {name: ntp, from: nodes, to: 192.0.2.123, protocol: UDP, ports: 123}\n",
		out);
}

static int print_ctrl(FILE *out, const struct arguments *args, const struct outcome *it)
{
	fputs("# Tidegate's control process: tidegate-ctrl -c " CTRL_FILE "\n"
	      "# Written by `tidegate init`. Every key: docs/configuration.md.\n",
		out);
	if (it->facts != NULL) {
		fputc('\n', out);
		tg_init_print_clusters(out, it->facts);
	}
	print_manifests(out, args->manifests);
	fputs("\n"
	      "# Where the dataplane listens (the same as `socket` there).\n"
	      "dataplane-socket: /run/tidegate/dataplane.sock\n"
	      "\n"
	      "# Remembers the last ruleset, so that rules keep their counters over a restart.\n"
	      "state-directory: /var/lib/tidegate/ctrl\n"
	      "\n"
	      "# Metrics, health and the interface of the `tidegate` command. No authentication.\n"
	      "http: {listen: 127.0.0.1:9469}\n"
	      "\n"
	      "# What happens to traffic of pods that no policy isolates. To begin with it passes\n"
	      "# and is counted as would-deny: see `tidegate rules --sort would_deny`, write the\n"
	      "# policies that are missing, then say `deny`. Denied all the same: what a policy\n"
	      "# that isolates the pod does not allow; an address of `pod-ranges` that no known pod\n"
	      "# has; a Service's address, which must be translated before it gets here; an\n"
	      "# address that several pods claim.\n"
	      "default-action: audit\n"
	      "\n"
	      "# Traffic with neither a pod nor a node at its ends. Outside of `pod-ranges`, pods and\n"
	      "# nodes that the manifests do not name yet look like that, so it passes while you\n"
	      "# observe: a gateway put in front of a running cluster does not cut what it does not\n"
	      "# know. `tidegate rules` counts it as transit. When none of it is your cluster's,\n"
	      "# say `deny`, the default.\n"
	      "transit: allow\n"
	      "\n",
		out);
	if (it->facts == NULL) {
		print_guesses(out, it);
		return 0;
	}
	tg_init_print_ranges(out, it->facts);
	return tg_init_print_infrastructure(out, it->facts);
}

static void print_port_comment(FILE *out, const struct tg_machine_port *port)
{
	fprintf(out, "# %s", port->pci);
	if (port->interface[0] != '\0')
		fprintf(out, "  %s", port->interface);
	if (port->driver[0] != '\0')
		fprintf(out, "  driver %s", port->driver);
	if (port->default_route)
		fputs("  (the machine's own default route: left alone)", out);
	fputc('\n', out);
}

static void print_ports(FILE *out, const struct outcome *it)
{
	fputs("\n# Network ports found on this machine:\n", out);
	for (size_t i = 0; i < it->machine.n_ports; i++)
		print_port_comment(out, &it->machine.ports[i]);
	if (it->machine.n_ports == 0)
		fputs("# none on a PCI bus\n", out);
	if (it->inside != NULL) {
		unsigned int mtu = it->inside->mtu < it->outside->mtu ? it->inside->mtu
								      : it->outside->mtu;

		if (mtu < 1280 || mtu > 9600)
			mtu = 1500;
		fputs("# Which one is on the pods' side is a guess: look before you plug it in.\n"
		      "# Most NICs must be given to DPDK first:\n",
			out);
		fprintf(out, "#   dpdk-devbind.py --bind=vfio-pci %s %s\n", it->inside->pci,
			it->outside->pci);
		fprintf(out,
			"ports:\n"
			"- {name: inside, device: \"%s\", side: inside, mtu: %u}\n"
			"- {name: outside, device: \"%s\", side: outside, mtu: %u}\n",
			it->inside->pci, mtu, it->outside->pci, mtu);
		return;
	}
	fputs("# There are no two NICs to spare, so this wires two TAP interfaces, tg-inside and\n"
	      "# tg-outside, which is good for trying things out. With NICs:\n"
	      "# - {name: inside, device: \"0000:03:00.0\", side: inside, mtu: 9000}\n"
	      "# - {name: outside, device: \"0000:03:00.1\", side: outside, mtu: 9000}\n"
	      "ports:\n"
	      "- {name: inside, device: \"net_tap0,iface=tg-inside\", side: inside}\n"
	      "- {name: outside, device: \"net_tap1,iface=tg-outside\", side: outside}\n",
		out);
}

static void print_memory(FILE *out, const struct outcome *it)
{
	bool huge = it->inside != NULL || it->machine.huge_mib >= HUGE_ENOUGH_MIB;

	fprintf(out,
		"\n# Memory for packets, connections and rulesets, MiB. %lu MiB of huge pages\n"
		"# are reserved here",
		it->machine.huge_mib);
	if (it->machine.huge_mib >= HUGE_ENOUGH_MIB)
		fputs(".\n", out);
	else
		fputs("; NICs need them:\n"
		      "#   echo 1024 > /sys/kernel/mm/hugepages/hugepages-2048kB/nr_hugepages\n",
			out);
	fprintf(out, "eal: {huge-pages: %s, memory: 1024}\n", huge ? "true" : "false");
}

static void print_dataplane(FILE *out, const struct outcome *it)
{
	unsigned int workers = it->machine.cpus / 2;

	workers = workers < 1 ? 1 : workers > 4 ? 4 : workers;
	fputs("# Tidegate's dataplane: tidegate-dataplane -c " DATAPLANE_FILE "\n"
	      "# Written by `tidegate init`. Every key: docs/configuration.md.\n"
	      "\n"
	      "# Where the control process connects. The folder is made when it is missing.\n"
	      "socket: /run/tidegate/dataplane.sock\n"
	      "\n"
	      "# The ruleset in force is kept there and enforced again after a restart, even\n"
	      "# without the control process. The folder is made when it is missing.\n"
	      "state-directory: /var/lib/tidegate/dataplane\n",
		out);
	fprintf(out,
		"\n# Polling threads; this machine has %u CPUs. `cores` pins them.\n"
		"workers: %u\n"
		"# cores: [2, 3]\n",
		it->machine.cpus, workers);
	print_memory(out, it);
	fputs("\n# Before the first ruleset, and without a checkpoint: drop (counted), or pass. With\n"
	      "# drop nothing crosses until tidegate-ctrl has pushed for the first time.\n"
	      "no-ruleset: drop\n"
	      "\n"
	      "# TCP connections that exist already when the dataplane starts, be it for the first\n"
	      "# time or again, are cut: only a SYN begins one. For a while after a start others\n"
	      "# may be judged, and go on if they are allowed:\n"
	      "# pickup-window: 2m\n",
		out);
	print_ports(out, it);
	fputs("\n# What comes in at one port of a wire goes out at the other.\n"
	      "wires:\n"
	      "- {ports: [inside, outside]}\n",
		out);
}

/* Two ports that the machine itself does not need. */
static void choose_ports(struct outcome *it)
{
	for (size_t i = 0; i < it->machine.n_ports && it->outside == NULL; i++) {
		const struct tg_machine_port *port = &it->machine.ports[i];

		if (port->default_route)
			continue;
		if (it->inside == NULL)
			it->inside = port;
		else
			it->outside = port;
	}
	if (it->outside == NULL)
		it->inside = NULL;
}

static int make_text(const struct arguments *args, struct outcome *it, enum file which)
{
	size_t size;
	FILE *out = open_memstream(&it->text[which], &size);
	int err = 0;

	if (out == NULL)
		return -ENOMEM;
	if (which == CTRL)
		err = print_ctrl(out, args, it);
	else if (which == DATAPLANE)
		print_dataplane(out, it);
	else
		tg_init_print_dns(out, it->facts);
	return fclose(out) == 0 ? err : -ENOMEM;
}

/* Asks the cluster, if there is to be one. An exit code. */
static int ask_cluster(const struct arguments *args, struct tg_cli *cli, struct outcome *it)
{
	const struct tg_cluster_facts *facts;
	const char *why;

	if (args->kubeconfig == NULL && !args->in_cluster)
		return TG_EXIT_OK;
	/* Relative to here, while the configuration's are to its folder. */
	if (args->kubeconfig != NULL) {
		it->kubeconfig = realpath(args->kubeconfig, NULL);
		if (it->kubeconfig == NULL)
			return tg_cli_fail(
				cli, "init", "%s: %s", args->kubeconfig, strerror(errno));
	}
	it->cluster = (struct tg_config_cluster){
		.name = CLUSTER_NAME, .kubeconfig = it->kubeconfig, .context = args->context};
	it->facts = tg_cluster_facts_gather(&it->cluster, &it->options, 0);
	facts = it->facts;
	if (facts == NULL)
		return tg_cli_fail(cli, "init", "out of memory");
	why = facts->access_error;
	if (why == NULL && (facts->answer.error != 0 || facts->answer.status == 401))
		why = facts->answer.why;
	if (why != NULL)
		return tg_cli_fail(cli, "init", "%s%s%s; nothing was written",
			facts->server != NULL ? facts->server : "",
			facts->server != NULL ? ": " : "", why);
	return TG_EXIT_OK;
}

static int prepare(const struct arguments *args, struct outcome *it)
{
	static const char *const names[] = {CTRL_FILE, DATAPLANE_FILE, DNS_FILE};

	tg_machine_inspect(args->root, &it->machine);
	choose_ports(it);
	for (unsigned int i = 0; i < FILES; i++) {
		if (i == DNS && (it->facts == NULL || it->facts->dns_services.n == 0))
			continue;
		if (asprintf(&it->path[i], "%s/%s", args->dir, names[i]) < 0) {
			it->path[i] = NULL;
			return -ENOMEM;
		}
		if (make_text(args, it, i) != 0)
			return -ENOMEM;
	}
	return 0;
}

/* The whole file or nothing: written beside it, then renamed over it (linked, without force). */
static int write_file(const char *path, const char *text, bool force)
{
	char *temporary;
	int fd, rc;

	if (asprintf(&temporary, "%s.XXXXXX", path) < 0)
		return -ENOMEM;
	fd = mkostemp(temporary, O_CLOEXEC);
	if (fd < 0) {
		rc = -errno;
		free(temporary);
		return rc;
	}
	rc = tg_write_all(fd, text, strlen(text));
	if (rc == 0 && fchmod(fd, 0644) != 0)
		rc = -errno;
	if (close(fd) != 0 && rc == 0)
		rc = -errno;
	if (rc == 0 && (force ? rename(temporary, path) : link(temporary, path)) != 0)
		rc = -errno;
	unlink(temporary);
	free(temporary);
	return rc;
}

static int write_files(const struct arguments *args, struct tg_cli *cli, const struct outcome *it)
{
	for (unsigned int i = 0; i < FILES && !args->force; i++)
		if (it->path[i] != NULL && access(it->path[i], F_OK) == 0)
			return tg_cli_fail(cli, "init",
				"%s exists (--force overwrites it); nothing was written",
				it->path[i]);
	for (unsigned int i = 0; i < FILES; i++) {
		int rc = it->path[i] != NULL ? write_file(it->path[i], it->text[i], args->force)
					     : 0;

		if (rc != 0)
			return tg_cli_fail(cli, "init", "%s: %s", it->path[i], strerror(-rc));
	}
	return TG_EXIT_OK;
}

static void print_text(struct tg_cli *cli, const struct arguments *args, const struct outcome *it)
{
	for (unsigned int i = 0; i < FILES; i++)
		if (it->path[i] != NULL)
			fprintf(cli->out, "wrote %s\n", it->path[i]);
	if (it->inside != NULL)
		fprintf(cli->out, "wired %s (inside) to %s (outside): a guess, look at it\n",
			it->inside->pci, it->outside->pci);
	else
		fputs("no two NICs to spare: wired two TAP interfaces\n", cli->out);
	fputs("next:\n", cli->out);
	if (it->facts != NULL)
		fprintf(cli->out, "  tidegate doctor -c %s\n", it->path[CTRL]);
	if (args->manifests != NULL && access(args->manifests, F_OK) != 0)
		fprintf(cli->out,
			"  make %s, with your manifests in it: nothing is pushed before it exists\n",
			args->manifests);
	fprintf(cli->out,
		"  tidegate-dataplane -c %s --check\n"
		"  tidegate-ctrl -c %s --check\n"
		"  and without --check, as root; the folders of socket and state are made then\n",
		it->path[DATAPLANE], it->path[CTRL]);
}

static bool add_ports(cJSON *tree, const struct outcome *it)
{
	cJSON *list = cJSON_AddArrayToObject(tree, "ports");

	for (size_t i = 0; i < it->machine.n_ports && list != NULL; i++) {
		const struct tg_machine_port *port = &it->machine.ports[i];
		cJSON *item = cJSON_CreateObject();
		const char *use = port == it->inside	? "inside"
				  : port == it->outside ? "outside"
							: "none";

		if (item == NULL || !cJSON_AddItemToArray(list, item) ||
			cJSON_AddStringToObject(item, "pci", port->pci) == NULL ||
			cJSON_AddStringToObject(item, "interface", port->interface) == NULL ||
			cJSON_AddStringToObject(item, "driver", port->driver) == NULL ||
			cJSON_AddStringToObject(item, "use", use) == NULL)
			return false;
	}
	return list != NULL;
}

static int print_json(struct tg_cli *cli, const struct outcome *it)
{
	cJSON *tree = cJSON_CreateObject();
	int code = TG_EXIT_OK;

	if (tree != NULL && cJSON_AddStringToObject(tree, "ctrl", it->path[CTRL]) != NULL &&
		cJSON_AddStringToObject(tree, "dataplane", it->path[DATAPLANE]) != NULL &&
		(it->path[DNS] == NULL ||
			cJSON_AddStringToObject(tree, "dns", it->path[DNS]) != NULL) &&
		add_ports(tree, it))
		tg_json_print(cli->out, tree);
	else
		code = tg_cli_fail(cli, "init", "out of memory");
	cJSON_Delete(tree);
	return code;
}

static int run(struct tg_cli *cli, int argc, char **argv)
{
	struct arguments args = {.dir = ".", .root = ""};
	struct outcome it = {0};
	int code = parse_options(&args, cli, argc, argv);

	if (code != TG_EXIT_OK)
		return code;
	code = ask_cluster(&args, cli, &it);
	if (code == TG_EXIT_OK && prepare(&args, &it) != 0)
		code = tg_cli_fail(cli, "init", "out of memory");
	if (code == TG_EXIT_OK)
		code = write_files(&args, cli, &it);
	if (code == TG_EXIT_OK && args.json)
		code = print_json(cli, &it);
	else if (code == TG_EXIT_OK)
		print_text(cli, &args, &it);
	for (unsigned int i = 0; i < FILES; i++) {
		free(it.path[i]);
		free(it.text[i]);
	}
	tg_cluster_facts_free(it.facts);
	free(it.kubeconfig);
	return code;
}

const struct tg_command tg_command_init = {
	.name = "init",
	.summary = "write a commented pair of configuration files for this machine",
	.help = "usage: tidegate init [OPTION]... [DIR]\n"
		"\n"
		"Looks at the machine's network ports, routes and huge pages and writes " CTRL_FILE
		"\n"
		"and " DATAPLANE_FILE " into DIR (default: here). The ports that are wired are\n"
		"the first two that do not carry the machine's own default route; without two such\n"
		"ports, two TAP interfaces. Pod ranges are guessed as comments.\n"
		"\n"
		"With --kubeconfig or --in-cluster the cluster is asked, and read from: `clusters`,\n"
		"`pod-ranges`, `node-addresses` and `infrastructure` are what its Nodes, Services and\n"
		"EndpointSlices say, and " DNS_FILE " proposes the policies that its DNS needs.\n"
		"Nothing is written to the cluster.\n"
		"\n"
		"To begin with, traffic of pods that no policy isolates passes (default-action:\n"
		"audit), and so does traffic between addresses that are neither pods nor nodes\n"
		"(transit: allow). Denied from the start are what the policies of isolated pods do\n"
		"not allow, unknown addresses in pod ranges, Service addresses, addresses that\n"
		"several pods claim, broken or spoofed packets, and everything while there is no\n"
		"ruleset yet.\n"
		"\n"
		"options:\n"
		"  -f, --force                overwrite files that exist\n"
		"      --in-cluster           ask the cluster that this is a pod of\n"
		"      --kubeconfig FILE      ask the cluster of FILE's current context\n"
		"      --context NAME         or of this one\n"
		"      --manifests DIR        where manifests will be (default without a cluster\n"
		"                             " MANIFESTS ")\n"
		"  -o, --output text|json     how to print what was done\n"
		"      --root DIR             look at DIR/sys and DIR/proc instead of this machine's\n"
		"\n"
		"example:\n"
		"  tidegate init /etc/tidegate\n"
		"\n"
		"exit codes: 0 written; 2 usage, a cluster that does not answer, or a file exists or\n"
		"cannot be written\n",
	.run = run,
};
