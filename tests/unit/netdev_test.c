/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Kernel interfaces behind ports: offloads are off afterwards, on both ends of a veth, in whatever
 * network namespace the other one is. In namespaces of its own; needs root.
 */
#include <errno.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include "netdev.h"
#include "ports.h"

static void run(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

static void run(const char *fmt, ...)
{
	char command[256];
	va_list args;

	va_start(args, fmt);
	vsnprintf(command, sizeof(command), fmt, args);
	va_end(args);
	if (system(command) != 0)
		fail_msg("%s", command);
}

/* None of the offloads that matter is on. In the namespace of process `pid`, 0 for ours. */
static bool is_quiet(pid_t pid, const char *ifname)
{
	char command[256];

	snprintf(command, sizeof(command),
		"nsenter --net=/proc/%d/ns/net ethtool -k %s | grep -Eq "
		"'^\\s*(tx-checksumming|tx-checksum-sctp|tx-tcp6?-segmentation|"
		"generic-segmentation-offload|generic-receive-offload|large-receive-offload): on'",
		pid != 0 ? pid : getpid(), ifname);
	return system(command) != 0;
}

/* A process that has a network namespace and does nothing. */
static pid_t other_namespace(void)
{
	int ready[2];
	char byte;
	pid_t pid;

	assert_int_equal(pipe(ready), 0);
	pid = fork();
	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL); /* a failed test leaves nobody behind */
		if (unshare(CLONE_NEWNET) != 0 || write(ready[1], "x", 1) != 1)
			_exit(1);
		pause();
		_exit(0);
	}
	assert_int_equal(read(ready[0], &byte, 1), 1);
	close(ready[0]);
	close(ready[1]);
	return pid;
}

static void test_both_ends_here(void **state)
{
	char why[256];

	run("ip link add v0 type veth peer name v1");
	assert_false(is_quiet(0, "v0"));
	assert_int_equal(tg_netdev_quiet("v0", why, sizeof(why)), 0);
	assert_true(is_quiet(0, "v0"));
	assert_true(is_quiet(0, "v1"));
	assert_int_equal(tg_netdev_quiet("v0", why, sizeof(why)), 0); /* again */
	run("ip link del v0");
}

static void test_other_end_elsewhere(void **state)
{
	pid_t pid = other_namespace();
	char why[256];

	run("ip link add v0 type veth peer name far netns %d", pid);
	assert_false(is_quiet(pid, "far"));
	assert_int_equal(tg_netdev_quiet("v0", why, sizeof(why)), 0);
	assert_true(is_quiet(0, "v0"));
	assert_true(is_quiet(pid, "far"));
	run("ip link del v0");
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

static void test_what_is_not_there(void **state)
{
	char why[256] = "";

	assert_int_equal(tg_netdev_quiet("nosuch0", why, sizeof(why)), -ENODEV);
	assert_string_equal(why, "there is no interface nosuch0");
}

static void test_devices(void **state)
{
	static const struct {
		const char *device;
		uint32_t workers;
		uint16_t mtu;
		const char *expect; /* NULL: refused */
	} rows[] = {
		{"net_tap0,iface=x", 4, 9000, "net_tap0,iface=x"},
		{"0000:03:00.0", 4, 9000, "0000:03:00.0"},
		{"net_af_packet0,iface=q0", 1, 1500, "net_af_packet0,iface=q0"},
		{"net_af_packet0,iface=q0", 2, 1500, "net_af_packet0,iface=q0,qpairs=2"},
		{"net_af_packet0,iface=q0,qpairs=3", 2, 1500, "net_af_packet0,iface=q0,qpairs=3"},
		{"net_af_packet0,iface=q0", 1, 9000,
			"net_af_packet0,iface=q0,framesz=16384,blocksz=16384"},
		{"net_af_packet0,iface=q0", 1, 1800,
			"net_af_packet0,iface=q0,framesz=4096,blocksz=4096"},
		{"net_af_xdp0,iface=q0", 2, 1500, "net_af_xdp0,iface=q0,queue_count=2"},
		{"net_af_packet0", 1, 1500, NULL},
		{"net_af_packet0,iface=", 1, 1500, NULL},
		{"net_af_packet0,iface=nosuch", 1, 1500, NULL},
		{"net_af_xdp0,iface=a23456789012345678901", 1, 1500, NULL},
	};
	struct tg_port_spec spec = {.name = "p"};
	char device[TG_DEVICE_TEXT];
	int rc;

	run("ip link add q0 type veth peer name q1");
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		spec.mtu = rows[i].mtu;
		snprintf(spec.device, sizeof(spec.device), "%s", rows[i].device);
		rc = tg_port_prepare(&spec, rows[i].workers, device);
		if ((rc == 0) != (rows[i].expect != NULL))
			fail_msg("%s: %d", rows[i].device, rc);
		if (rc == 0)
			assert_string_equal(device, rows[i].expect);
	}
	assert_true(is_quiet(0, "q1"));
	run("ip link del q0");
	/* trusted: nothing is touched */
	run("ip link add q0 type veth peer name q1");
	spec.trust_kernel_offloads = true;
	strcpy(spec.device, "net_af_packet0,iface=q0");
	assert_int_equal(tg_port_prepare(&spec, 1, device), 0);
	assert_false(is_quiet(0, "q0"));
	run("ip link del q0");
}

static void test_pci_addresses(void **state)
{
	static const struct {
		const char *device;
		bool pci;
	} rows[] = {
		{"0000:03:00.0", true},
		{"03:00.0", true},
		{"0000:03:00.1,x=1", true},
		{"10000:e1:00.7", true},
		{"0000:03:00.8", false},
		{"0000:03:00", false},
		{"0000:03:00.00", false},
		{"net_tap0", false},
		{"", false},
		{"de", false},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (tg_port_is_pci(rows[i].device) != rows[i].pci)
			fail_msg("%s", rows[i].device);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_both_ends_here),
		cmocka_unit_test(test_other_end_elsewhere),
		cmocka_unit_test(test_what_is_not_there),
		cmocka_unit_test(test_devices),
		cmocka_unit_test(test_pci_addresses),
	};

	if (geteuid() != 0 || unshare(CLONE_NEWNET) != 0) {
		printf("skipped: needs root for network namespaces\n");
		return 77;
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
