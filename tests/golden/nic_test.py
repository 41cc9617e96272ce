#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""nic list, show, check and the command line of verify: usage: nic_test.py TIDEGATE"""
import json
import os
import shutil
import subprocess
import sys
import tempfile
import unittest

TIDEGATE = os.path.abspath(sys.argv.pop(1))
SHIPPED = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../nic-profiles")

SOURCE = "source: net/x/x_flow.c @ v22.11.11"
PROFILE = f"""title: a NIC
dpdk: v22.11.11
verified: {{nic: X-100, firmware: "1.2", date: "2026-01-31"}}
drivers: {{are: [net_x, net_y], {SOURCE}}}
devices: {{are: ["8086:1592"], {SOURCE}}}
on-stop: {{is: lost, {SOURCE}}}
thread-safe: {{is: true, {SOURCE} (a flag)}}
engines:
  - name: fdir
    domains: {{are: [ingress], {SOURCE}}}
    protocols: [{{are: [tcp, udp], {SOURCE}}}]
    fields:
      - {{are: [ipv4.src, ipv4.dst], mask: any, {SOURCE}}}
      - {{are: [tcp.dport], mask: exact, {SOURCE}}}
    actions: [{{are: [drop, count, software, mark], {SOURCE}}}]
    shapes: {{is: limited, max: 64, {SOURCE}}}
    counters: {{hits: true, bytes: true, stale-ms: 500, {SOURCE}}}
    marks: {{max: 65533, passthru: true, {SOURCE}}}
strategies:
  deny-cache: {{use: true, {SOURCE}}}
  connections: {{use: false, why-not: no port, {SOURCE}}}
  mark: {{use: true, {SOURCE}}}
  symmetric-rss: {{use: true, {SOURCE}}}
placement:
  - {{are: [tcp4, udp4, tcp6], by: key, {SOURCE}}}
  - {{are: [udp6], by: addresses, {SOURCE}}}
hazards:
  - {{id: mask-widened, fields: [ipv4.src], refuse-when: prefixes, {SOURCE}}}
  - {{id: stale-counter, refuse-when: too soon, {SOURCE}}}
  - {{id: lost-on-stop, refuse-when: always, {SOURCE}}}
"""

SHOWN = """x: a NIC
verified      X-100, firmware 1.2, 2026-01-31
dpdk          v22.11.11
drivers       net_x, net_y
              net/x/x_flow.c @ v22.11.11
devices       8086:1592
              net/x/x_flow.c @ v22.11.11
on-stop       lost
              net/x/x_flow.c @ v22.11.11
thread-safe   yes
              net/x/x_flow.c @ v22.11.11 (a flag)

engine fdir
  domains       ingress
                net/x/x_flow.c @ v22.11.11
  protocols     tcp, udp
                net/x/x_flow.c @ v22.11.11
  fields        ipv4.src, ipv4.dst; mask any
                net/x/x_flow.c @ v22.11.11
                tcp.dport; mask exact
                net/x/x_flow.c @ v22.11.11
  actions       drop, software, count, mark
                net/x/x_flow.c @ v22.11.11
  shapes        limited; max 64
                net/x/x_flow.c @ v22.11.11
  counters      hits; bytes; stale-ms 500
                net/x/x_flow.c @ v22.11.11
  marks         max 65533; passthru
                net/x/x_flow.c @ v22.11.11

placement     tcp4, udp4, tcp6; by key
              net/x/x_flow.c @ v22.11.11
              udp6; by addresses
              net/x/x_flow.c @ v22.11.11

strategies
  deny-cache    used
                net/x/x_flow.c @ v22.11.11
  connections   not used: no port
                net/x/x_flow.c @ v22.11.11
  mark          used
                net/x/x_flow.c @ v22.11.11
  symmetric-rss used
                net/x/x_flow.c @ v22.11.11

hazards
  mask-widened in fdir: ipv4.src
    happens     a field with a partial mask is left out of the match: the rule hits more
    refused     a partial mask on any of the hazard's fields
    here        prefixes
                net/x/x_flow.c @ v22.11.11
  stale-counter in fdir
    happens     a query gives what was counted some time ago
    refused     calling a rule idle before stale-ms have passed, and destroying a rule that counts before its last count can be read
    here        too soon
                net/x/x_flow.c @ v22.11.11
  lost-on-stop in fdir
    happens     rules are gone after the port was stopped
    refused     believing in rules of before
    here        always
                net/x/x_flow.c @ v22.11.11
"""

GENERIC = f"""title: any other
dpdk: v22.11.11
verified: from-source
engines: []
strategies:
  deny-cache: {{use: false, why-not: unknown, {SOURCE}}}
  connections: {{use: false, why-not: unknown, {SOURCE}}}
  mark: {{use: false, why-not: unknown, {SOURCE}}}
  symmetric-rss: {{use: false, why-not: unknown, {SOURCE}}}
hazards: []
"""

LISTED = """NAME     DRIVERS      STRATEGIES       VERIFIED                           TITLE
generic  any          none             from-source                        any other
x        net_x,net_y  deny-cache,mark,symmetric-rss  X-100, firmware 1.2, 2026-01-31    a NIC
"""


def run(*arguments):
    return subprocess.run([TIDEGATE, "nic", *arguments], capture_output=True, encoding="utf-8",
                          check=False, timeout=60)


class Nic(unittest.TestCase):
    maxDiff = None

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = folder.name
        self.write("x.yaml", PROFILE)
        self.write("generic.yaml", GENERIC)

    def write(self, name, text):
        path = os.path.join(self.folder, name)
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        return path

    def good(self, *arguments):
        done = run(*arguments, "--profiles", self.folder)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        return done.stdout

    def bad(self, *arguments):
        done = run(*arguments)
        self.assertEqual((done.returncode, done.stdout), (2, ""))
        return done.stderr

    def test_list(self):
        self.assertEqual([line.split() for line in self.good("list").splitlines()],
                         [line.split() for line in LISTED.splitlines()])
        tree = json.loads(self.good("list", "-o", "json"))
        self.assertEqual([p["name"] for p in tree["profiles"]], ["generic", "x"])
        self.assertEqual(tree["profiles"][1]["strategies"], ["deny-cache", "mark", "symmetric-rss"])
        self.assertEqual(tree["profiles"][1]["drivers"], ["net_x", "net_y"])

    def test_show(self):
        self.assertEqual(self.good("show", "x"), SHOWN)

    def test_show_json(self):
        tree = json.loads(self.good("show", "x", "-o", "json"))
        engine = tree["engines"][0]
        self.assertEqual(tree["drivers"], {"are": ["net_x", "net_y"],
                                           "source": "net/x/x_flow.c @ v22.11.11"})
        self.assertEqual([f["mask"] for f in engine["fields"]], ["any", "exact"])
        self.assertEqual((engine["shapes"]["is"], engine["shapes"]["max"]), ("limited", 64))
        self.assertEqual(engine["counters"]["stale-ms"], 500)
        self.assertEqual(tree["strategies"]["connections"]["why-not"], "no port")
        self.assertEqual([h["id"] for h in tree["hazards"]],
                         ["mask-widened", "stale-counter", "lost-on-stop"])

    def test_every_line_has_a_source(self):
        """In what is shipped, and in what is shown of it."""
        def look(value, path):
            if isinstance(value, list):
                for item in value:
                    look(item, path)
            elif isinstance(value, dict):
                if {"is", "are", "use", "id"} & value.keys():
                    self.assertIn(" @ ", value["source"], path)
                for key, item in value.items():
                    look(item, f"{path}.{key}")

        for name in os.listdir(SHIPPED):
            name = name.removesuffix(".yaml")
            done = run("show", name, "--profiles", SHIPPED, "-o", "json")
            self.assertEqual((done.returncode, done.stderr), (0, ""))
            look(json.loads(done.stdout), name)
            self.assertTrue(run("show", name, "--profiles", SHIPPED).stdout.startswith(name))

    def test_default_folder(self):
        """The program that was built finds what it was built from."""
        self.assertIn("mlx5-cx5", run("list").stdout)

    def test_no_such_profile(self):
        self.assertEqual(self.bad("show", "y", "--profiles", self.folder),
                         f"tidegate nic: there is no profile 'y' in {self.folder}\n")
        self.assertIn("No such file", self.bad("list", "--profiles", self.folder + "/none"))

    def test_check(self):
        done = run("check", self.folder)
        self.assertEqual((done.returncode, done.stdout),
                         (0, "2 profiles, nothing to complain about\n"))
        done = run("check", os.path.join(self.folder, "x.yaml"))
        self.assertEqual((done.returncode, done.stdout),
                         (0, "1 profile, nothing to complain about\n"))
        self.assertEqual(run("check", SHIPPED).returncode, 0)

    def test_check_refuses(self):
        bad = self.write("bad.yaml", PROFILE.replace("mask: any", "mask: some")
                         .replace("are: [net_x, net_y]", "are: [net_z]"))
        expected = (f"tidegate nic: {bad}:13: engines[0].fields[0].mask: expected none, zero, "
                    "exact, prefix or any, not \"some\"\n")
        self.assertEqual(self.bad("check", bad), expected)
        self.assertEqual(self.bad("check", self.folder), expected)
        self.assertEqual(self.bad("list", "--profiles", self.folder), expected)
        self.assertIn("No such file", self.bad("check", self.folder + "/none.yaml"))
        self.assertIn("no *.yaml", self.bad("check", os.path.dirname(TIDEGATE)))

    def test_documented(self):
        """Every word that a profile may have is in the documentation."""
        with open(os.path.join(SHIPPED, "../docs/nic-profiles.md"), encoding="utf-8") as file:
            documented = file.read()
        for good, bad in (("id: mask-widened", "id: zzz"), ("[tcp.dport]", "[zzz]"),
                          ("drop, count, software, mark", "zzz"), ("mask: exact", "mask: zzz"),
                          ("limited, max: 64", "zzz"), ("[tcp, udp]", "[zzz]"),
                          ("are: [ingress]", "are: [zzz]"), ("is: lost", "is: zzz")):
            self.assertIn(good, PROFILE)
            said = self.bad("check", self.write("x.yaml", PROFILE.replace(good, bad, 1)))
            words = said.split("expected ")[1].split(", not ")[0].replace(" or ", ", ")
            for word in words.split(", "):
                self.assertIn(f"`{word}`", documented)

    def test_verify_usage(self):
        """What is no run says what is missing; nothing is tried."""
        help_text = run("verify", "--help")
        self.assertEqual((help_text.returncode, help_text.stderr), (0, ""))
        self.assertTrue(help_text.stdout.startswith("usage: tidegate nic verify "))
        for arguments, said in (
                ([], "expected one DEVICE"),
                (["a", "b"], "expected one DEVICE"),
                (["a"], "--generator is needed: a port that is cabled to a"),
                (["a", "--generator", "a"], "one device cannot be two: a"),
                (["a", "--generator", "b", "--other", "c"], "--other and --catcher go together"),
                (["a", "--generator"], "a value is missing for --generator"),
                (["a", "--generator", "b", "--nonsense"], "unknown option --nonsense"),
                (["a", "--generator", "b", "-o", "xml"], "--output wants text or json, not xml"),
                (["a", "--capacity", "0"],
                 "--capacity wants a number from 1 to 8388608, not 0")):
            self.assertEqual(self.bad("verify", *arguments),
                             f"tidegate nic verify: {said}; see 'tidegate nic verify --help'\n")

    def test_verify_without_cable(self):
        """A port that nothing comes to is no finding, and no success."""
        done = run("verify", "--no-huge", "--profiles", SHIPPED, "--profile", "enic", "--generator",
                   "net_null1", "net_null0", "-o", "json")
        self.assertEqual((done.returncode, done.stderr), (2, "tidegate nic verify: given up: no "
                                                          "packet of the generator arrives\n"))
        tree = json.loads(done.stdout)
        self.assertEqual((tree["driver"], tree["profile"], tree["wrong"]), ("net_null", "enic", 0))
        self.assertNotIn("verified", tree)

    def test_verify_not_installed(self):
        alone = shutil.copy(TIDEGATE, self.folder)
        done = subprocess.run([alone, "nic", "verify"], capture_output=True, encoding="utf-8",
                              check=False, timeout=60)
        self.assertEqual((done.returncode, done.stdout), (2, ""))
        self.assertIn("tidegate-nic-verify is not installed", done.stderr)

    def test_check_two_for_a_device(self):
        other = self.write("y.yaml", PROFILE)
        self.assertEqual(self.bad("check", self.folder),
                         f"tidegate nic: {other}:5: devices: 8086:1592 has the profile x\n")


if __name__ == "__main__":
    unittest.main(verbosity=0)
