#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""check, test, init, help and exit codes: usage: commands_test.py TIDEGATE [CTRL DATAPLANE]

With the two other programs, what `init` writes is put before their --check.
"""
import json
import os
import pty
import subprocess
import sys
import tempfile
import unittest
import xml.etree.ElementTree

HERE = os.path.dirname(os.path.abspath(__file__))
SHOP = os.path.join(HERE, "shop")
TIDEGATE = os.path.abspath(sys.argv.pop(1))
PROCESSES = [os.path.abspath(path) for path in sys.argv[1:]]
del sys.argv[1:]

ANP = """apiVersion: policy.networking.k8s.io/v1alpha1
kind: AdminNetworkPolicy
metadata: {name: deny-all}
spec: {priority: 1, subject: {namespaces: {}}}
"""


def run(*arguments, env=None, cwd=None):
    return subprocess.run([TIDEGATE, *arguments], capture_output=True, encoding="utf-8",
                          check=False, timeout=60, env=env, cwd=cwd)


class Folder(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = folder.name

    def write(self, name, text):
        path = os.path.join(self.folder, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        return path


class Help(Folder):
    def commands(self):
        lines = run("--help").stdout.split("commands:\n")[1].split("\n\n")[0].splitlines()
        return [line.split()[0] for line in lines]

    def test_every_command_has_help(self):
        commands = self.commands()
        self.assertEqual(sorted(commands), ["check", "doctor", "drops", "explain", "init", "nic", "offload",
                                            "print", "rules", "sources", "status", "test"])
        for command in commands:
            with self.subTest(command=command):
                done = run(command, "--help")
                self.assertEqual((done.returncode, done.stderr), (0, ""))
                self.assertTrue(done.stdout.startswith(f"usage: tidegate {command}"))
                self.assertIn(f"\nexample:\n  tidegate {command}", done.stdout)
                self.assertIn("\nexit codes: 0 ", done.stdout)
                self.assertLessEqual(max(map(len, done.stdout.splitlines())), 90)
                self.assertEqual(run("help", command).stdout, done.stdout)

    def test_options_in_the_help_are_options(self):
        """Each --option that the help of a command names is one that it takes."""
        for command in self.commands():
            words = run(command, "--help").stdout.split("options:\n")[1].split("\nexample:")[0]
            options = {word.rstrip(",").split("=")[0].split("[")[0] for line in words.splitlines()
                       for word in line.split()[:2] if word.startswith("-")}
            self.assertTrue(options, command)
            for option in options:
                with self.subTest(command=command, option=option):
                    # Away from here: `init --force` writes where it stands.
                    done = run(command, option, cwd=self.folder)
                    self.assertNotIn("unknown option", done.stderr)

    def test_usage(self):
        for arguments in ([], ["nonsense"], ["nonsense", "--help"], ["help", "nonsense"],
                          ["check"], ["print"], ["test", SHOP], ["status", "x"], ["rules", "x"],
                          ["drops", "x"], ["check", SHOP, SHOP], ["rules", "--sort", "colour"],
                          ["rules", "--limit", "x"], ["status", "--watch=0"],
                          ["check", "--nonsense", SHOP], ["nic"], ["nic", "nonsense"],
                          ["nic", "list", "x"], ["nic", "show"], ["nic", "check"],
                          ["nic", "list", "--nonsense"]):
            with self.subTest(arguments=arguments):
                done = run(*arguments)
                self.assertEqual((done.returncode, done.stdout), (2, ""))
                self.assertTrue(done.stderr)

    def test_version(self):
        self.assertRegex(run("--version").stdout, r"^tidegate \d+\.\d+\.\d+\n$")

    def test_output_that_cannot_be_written(self):
        with open("/dev/full", "w", encoding="utf-8") as full:
            done = subprocess.run([TIDEGATE, "--help"], stdout=full, stderr=subprocess.PIPE,
                                  check=False, timeout=60)
        self.assertEqual(done.returncode, 2)


class Check(Folder):
    def test_good(self):
        done = run("check", SHOP)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("4 policies", done.stdout)
        self.assertIn("[address-conflict]", done.stdout)
        tree = json.loads(run("check", "-o", "json", SHOP).stdout)
        self.assertEqual((tree["ok"], tree["objects"]["policies"]), (True, 4))
        self.assertGreater(tree["image"]["bytes"], 0)
        self.assertIn("address-conflict", [w["kind"] for w in tree["warnings"]])

    def test_refused(self):
        self.write("bad.yaml", "apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\n"
                               "metadata: {name: a, namespace: b}\nspec:\n  podSelecter: {}\n")
        for command in ("check", "print"):
            done = run(command, self.folder)
            self.assertEqual((done.returncode, done.stdout), (2, ""))
            self.assertRegex(done.stderr, r"bad\.yaml:5: .*podSelecter")

    def test_not_enforced(self):
        self.write("anp.yaml", ANP)
        done = run("check", self.folder)
        self.assertEqual(done.returncode, 1)
        self.assertRegex(done.stderr, r"anp\.yaml:1: AdminNetworkPolicy deny-all .*NOT ENFORCED")
        tree = json.loads(run("check", "-o", "json", self.folder).stdout)
        self.assertEqual((tree["ok"], len(tree["not_enforced"])), (False, 1))
        self.assertEqual(run("check", "--allow-unenforced", self.folder).returncode, 0)
        for command in (["print"], ["explain", "--batch"]):
            done = subprocess.run([TIDEGATE, *command, self.folder], input="", check=False,
                                  capture_output=True, encoding="utf-8", timeout=60)
            self.assertEqual(done.returncode, 0)
            self.assertIn("NOT ENFORCED", done.stderr)

    def test_configuration(self):
        good = self.write("c/good.yaml", "manifests: .\ndefault-action: kubernetes\n")
        bad = self.write("c/bad.yaml", "manifests: .\ndefault-action: maybe\n")
        self.assertEqual(run("check", "-c", good, SHOP).returncode, 0)
        done = run("check", "-c", bad, SHOP)
        self.assertEqual(done.returncode, 2)
        self.assertIn("bad.yaml:2", done.stderr)
        self.assertEqual(run("check", "-c", good + ".none", SHOP).returncode, 2)
        question = ["open/free", "192.0.2.77", "TCP", "80"]
        self.assertEqual(run("explain", SHOP, *question).returncode, 1)
        self.assertEqual(run("explain", "-c", good, SHOP, *question).returncode, 0)
        self.assertEqual(run("explain", "-c", good, "--default-action", "deny", SHOP,
                             *question).returncode, 1)

    def test_missing_folder(self):
        done = run("check", os.path.join(self.folder, "none"))
        self.assertEqual(done.returncode, 2)
        self.assertIn("none", done.stderr)

    def test_empty_folder(self):
        done = run("check", self.folder)
        self.assertEqual(done.returncode, 0)
        self.assertIn("no manifest", done.stderr)


class Colour(unittest.TestCase):
    """Only on a terminal that can, and never when NO_COLOR is set."""

    def on_terminal(self, **environment):
        master, slave = pty.openpty()
        env = {key: value for key, value in os.environ.items() if key not in ("NO_COLOR", "TERM")}
        subprocess.run([TIDEGATE, "explain", SHOP, "shop/web", "shop/api", "TCP", "8080"],
                       stdout=slave, check=True, timeout=60, env={**env, **environment})
        os.close(slave)
        text = b""
        try:
            while chunk := os.read(master, 65536):
                text += chunk
        except OSError:  # EIO: the other end is closed and everything is read
            pass
        os.close(master)
        self.assertIn(b"ALLOWED", text)
        return b"\033[" in text

    def test_terminal(self):
        self.assertTrue(self.on_terminal(TERM="xterm"))
        self.assertTrue(self.on_terminal(TERM="xterm", NO_COLOR=""))
        self.assertFalse(self.on_terminal(TERM="xterm", NO_COLOR="1"))
        self.assertFalse(self.on_terminal(TERM="dumb"))
        self.assertFalse(self.on_terminal())

    def test_pipe(self):
        done = run("explain", SHOP, "shop/web", "shop/api", "TCP", "8080",
                   env={**os.environ, "TERM": "xterm"})
        self.assertNotIn("\033", done.stdout)


class Assertions(Folder):
    GOOD = """assertions:
- {name: pod, from: shop/web, to: shop/api, port: 8080, expect: allow}
- {name: address, from: shop/web, to: 203.0.113.200, port: 443, expect: deny}
- name: all web pods reach all api pods
  from: {namespace: shop, selector: "app=web"}
  to: {namespace: shop, selector: "app in (api, backend), !canary"}
  port: 8080
  protocol: TCP
  expect: allow
- {name: nobody else does, from: {selector: "app notin (web, api)"}, to: shop/api, port: 8080, expect: deny}
- {name: ping, from: shop/web, to: shop/api, protocol: ICMP, expect: deny}
- {from: open/free, to: data/db, port: 5432, expect: deny}
"""

    def assertions(self, text, *options):
        path = self.write("a.yaml", text)
        return run("test", "--default-action", "kubernetes", *options, SHOP, path)

    def one(self, fields):
        return self.assertions(f"assertions:\n- {{{fields}}}\n")

    def test_tap(self):
        done = self.assertions(self.GOOD)
        self.assertEqual(done.returncode, 1, done.stdout + done.stderr)
        lines = done.stdout.splitlines()
        self.assertEqual(lines[:2], ["TAP version 13", "1..6"])
        results = [line for line in lines if line.startswith(("ok ", "not ok "))]
        # Of the pods that are called web one has a conflicting address: it is denied everything.
        self.assertEqual(results, [
            "ok 1 - pod", "ok 2 - address", "not ok 3 - all web pods reach all api pods",
            "ok 4 - nobody else does", "ok 5 - ping",
            "ok 6 - deny open/free data/db TCP/5432"])
        self.assertIn("shop/tie-a -> shop/api is denied", done.stdout)
        self.assertIn("a.yaml:4", done.stdout)
        self.assertEqual(lines[-1], "# 5 of 6 hold")

    def test_all_hold(self):
        done = self.one("name: x, from: shop/web, to: shop/api, port: 8080, expect: allow")
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.assertEqual(done.stdout, "TAP version 13\n1..1\nok 1 - x\n# 1 of 1 hold\n")

    def test_junit(self):
        for options in (("--junit",), ("-o", "junit")):
            done = self.assertions(self.GOOD.replace("name: pod", 'name: "<a> & \\"b\\""'), *options)
            self.assertEqual(done.returncode, 1)
            root = xml.etree.ElementTree.fromstring(done.stdout)
            suite = root.find("testsuite")
            self.assertEqual((suite.get("tests"), suite.get("failures")), ("6", "1"))
            cases = suite.findall("testcase")
            self.assertEqual(cases[0].get("name"), '<a> & "b"')
            failed = [case.get("name") for case in cases if case.find("failure") is not None]
            self.assertEqual(failed, ["all web pods reach all api pods"])
            self.assertIn("shop/tie-a", cases[2].find("failure").get("message"))

    def test_json(self):
        tree = json.loads(self.assertions(self.GOOD, "-o", "json").stdout)
        self.assertEqual((tree["passed"], tree["failed"]), (5, 1))
        self.assertEqual(tree["assertions"][0]["pairs"], 1)
        self.assertGreater(tree["assertions"][2]["pairs"], 2)

    def test_what_fails(self):
        """Assertions that do not hold, and the word that says why."""
        table = [
            ("from: shop/web, to: shop/api, port: 8080, expect: deny", "is allowed"),
            ("from: shop/web, to: shop/api, port: 1, expect: allow", "implicit-deny"),
            ("from: shop/nobody, to: shop/api, port: 1, expect: allow", "shop/nobody"),
            ("from: shop/done, to: shop/api, port: 1, expect: deny", "finished"),
            ("from: {namespace: none}, to: shop/api, port: 1, expect: deny", "nothing was tested"),
            ("from: {selector: app=none}, to: shop/api, port: 1, expect: deny",
             "nothing was tested"),
            # A pod and itself is no pair of a set.
            ("from: {namespace: open}, to: {namespace: open}, port: 1, expect: allow",
             "nothing was tested"),
            ("from: shop/web, to: shop/web, port: 1, expect: deny", "always allowed"),
            ("from: data/db, to: data/six, port: 1, expect: deny", "family"),
            # Both families count: IPv6 has no ipBlock that allows it.
            ("from: open/free, to: shop/api, port: 9000, expect: allow", "over IPv6"),
            ("from: open/free, to: shop/api, port: 9000, expect: deny", "is allowed"),
        ]
        for fields, word in table:
            with self.subTest(fields=fields):
                done = self.one(fields)
                self.assertEqual(done.returncode, 1, done.stderr)
                self.assertIn("not ok 1 - ", done.stdout)
                self.assertIn(word, done.stdout)

    def test_bad_files(self):
        """Files that are refused: line and field are named, nothing is run."""
        table = [
            ("", "empty|document"),
            ("[]\n", "assertions"),
            ("assertions: {}\n", r"a\.yaml:1: assertions"),
            ("assertions: []\n", "no assertion"),
            ("assertion: []\n", "assertion"),
            ("assertions:\n- 7\n", r"a\.yaml:2: assertions\[0\]"),
            ("assertions:\n- {from: shop/web, to: shop/api, port: 1}\n", r":2: .*expect"),
            ("assertions:\n- {from: a/b, to: c/d, port: 1, expect: maybe}\n", r":2: .*expect"),
            ("assertions:\n- from: a/b\n  port: 1\n  expect: allow\n", r"to: missing"),
            ("assertions:\n- from: ab\n  to: c/d\n  port: 1\n  expect: allow\n", r":2: .*from: 'ab'"),
            ("assertions:\n- {from: a/b, to: c/d, expect: allow}\n", r"port: missing"),
            ("assertions:\n- {from: a/b, to: c/d, port: 0, expect: allow}\n", r"port"),
            ("assertions:\n- {from: a/b, to: c/d, port: http, expect: allow}\n", r"port"),
            ("assertions:\n- {from: a/b, to: c/d, port: 1, protocol: ICMP, expect: deny}\n", "ports"),
            ("assertions:\n- {from: a/b, to: c/d, port: 1, protocol: X, expect: deny}\n", "protocol"),
            ("assertions:\n- {from: a/b, to: c/d, port: 1, expect: deny, colour: red}\n", "colour"),
            ("assertions:\n- {from: {pods: a}, to: c/d, port: 1, expect: deny}\n", "from.pods"),
            ("assertions:\n- {from: {selector: 'a in b'}, to: c/d, port: 1, expect: deny}\n",
             r"from\.selector: expected"),
            ("assertions:\n- {from: {selector: ',a'}, to: c/d, port: 1, expect: deny}\n", "selector"),
            ("assertions:\n- {from: {selector: 'a=b c'}, to: c/d, port: 1, expect: deny}\n",
             "selector"),
            ("assertions:\n- from: a/b\n   to: x\n", r"a\.yaml:\d"),
            ("assertions: []\n---\nassertions: []\n", "one document"),
        ]
        for text, pattern in table:
            with self.subTest(text=text):
                done = self.assertions(text)
                self.assertEqual((done.returncode, done.stdout), (2, ""), done.stderr)
                self.assertRegex(done.stderr, pattern)

    def test_missing_file(self):
        done = run("test", SHOP, os.path.join(self.folder, "none.yaml"))
        self.assertEqual(done.returncode, 2)
        self.assertIn("none.yaml", done.stderr)


class Init(Folder):
    NICS = ("0000:03:00.0", "0000:03:00.1", "0000:65:00.0")

    def machine(self, nics, default=None):
        """A root folder with network ports; default: the one with the default route."""
        root = os.path.join(self.folder, "root")
        os.makedirs(os.path.join(root, "sys/bus/pci/devices"), exist_ok=True)
        for number, pci in enumerate(nics):
            device = f"root/sys/bus/pci/devices/{pci}"
            self.write(f"{device}/class", "0x020000\n")
            os.makedirs(os.path.join(self.folder, f"{device}/net/eth{number}"))
            self.write(f"root/sys/class/net/eth{number}/mtu", "9000\n")
        self.write("root/sys/bus/pci/devices/0000:00:01.0/class", "0x060400\n")
        routes = "Iface\tDestination\tGateway\tFlags\tRefCnt\tUse\tMetric\tMask\n"
        if default is not None:
            routes += f"eth{default}\t00000000\t0100000A\t0003\t0\t0\t0\t00000000\n"
        routes += "cni0\t0000F40A\t00000000\t0001\t0\t0\t0\t0000FFFF\n"
        self.write("root/proc/net/route", routes)
        return root

    def init(self, *options):
        out = os.path.join(self.folder, "out")
        os.makedirs(out, exist_ok=True)
        done = run("init", *options, out)
        texts = {}
        for name in os.listdir(out):
            with open(os.path.join(out, name), encoding="utf-8") as file:
                texts[name] = file.read()
        return done, texts

    def checked(self, root):
        """What --check of both processes says, with `root` before the folders of socket and state."""
        for program, name in zip(PROCESSES, ("tidegate-ctrl.yaml", "tidegate-dataplane.yaml")):
            path = os.path.join(self.folder, "out", name)
            with open(path, encoding="utf-8") as file:
                text = file.read()
            for folder in ("/run/tidegate", "/var/lib/tidegate"):
                self.assertIn(f": {folder}/", text)
                text = text.replace(f": {folder}/", f": {root}{folder}/")
            yield subprocess.run([program, "-c", self.write("moved.yaml", text), "--check"],
                                 capture_output=True, encoding="utf-8", check=False, timeout=60)

    def accepted(self):
        """Both processes take what was written, and --check makes nothing."""
        root = os.path.join(self.folder, "machine")
        for done in self.checked(root):
            self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.assertFalse(os.path.exists(root))

    def test_check_says_which_folder_cannot_be_made(self):
        self.init()
        root = self.write("machine", "a file in the way")
        for done, keys in zip(self.checked(root), (["state-directory"],
                                                   ["socket", "state-directory"])):
            self.assertEqual(done.returncode, 2)
            lines = done.stderr.splitlines()
            self.assertEqual([line.split(": ")[1] for line in lines], keys)
            for line in lines:
                self.assertIn("moved.yaml: ", line)
                self.assertIn(f"{root}/", line)
                self.assertIn("Not a directory", line)

    def test_next_steps(self):
        """Manifests that are not there yet are part of what is to be done."""
        missing = os.path.join(self.folder, "missing")
        self.assertIn(f"make {missing}, ", self.init("--manifests", missing)[0].stdout)
        self.assertNotIn("  make ", self.init("-f", "--manifests", self.folder)[0].stdout)

    def test_two_nics(self):
        done, texts = self.init("--root", self.machine(self.NICS, default=0))
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(sorted(texts), ["tidegate-ctrl.yaml", "tidegate-dataplane.yaml"])
        self.assertIn("\ndefault-action: audit\n", texts["tidegate-ctrl.yaml"])
        self.assertIn("\ntransit: allow\n", texts["tidegate-ctrl.yaml"])
        self.assertIn("# pod-ranges: [10.244.0.0/16]", texts["tidegate-ctrl.yaml"])
        dataplane = texts["tidegate-dataplane.yaml"]
        self.assertIn('{name: inside, device: "0000:03:00.1", side: inside, mtu: 9000}', dataplane)
        self.assertIn('{name: outside, device: "0000:65:00.0", side: outside, mtu: 9000}',
                      dataplane)
        self.assertIn("# 0000:03:00.0  eth0  (the machine's own", dataplane)
        self.accepted()

    def test_no_nics_to_spare(self):
        done, texts = self.init("--root", self.machine(self.NICS[:2], default=1))
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("net_tap0", texts["tidegate-dataplane.yaml"])
        self.accepted()

    def test_this_machine(self):
        done, texts = self.init()
        self.assertEqual((done.returncode, len(texts)), (0, 2), done.stderr)
        self.accepted()

    def test_awkward_folder_name(self):
        done, texts = self.init("--manifests", '/a "b": #c\\')
        self.assertEqual(done.returncode, 0)
        self.assertIn(r'manifests: "/a \"b\": #c\\"', texts["tidegate-ctrl.yaml"])
        self.accepted()

    def test_does_not_overwrite(self):
        kept = self.write("out/tidegate-dataplane.yaml", "mine\n")
        done, texts = self.init()
        self.assertEqual(done.returncode, 2)
        self.assertIn(kept, done.stderr)
        self.assertEqual(texts, {"tidegate-dataplane.yaml": "mine\n"})
        done, texts = self.init("--force")
        self.assertEqual(done.returncode, 0)
        self.assertNotEqual(texts["tidegate-dataplane.yaml"], "mine\n")
        self.assertEqual(len(texts), 2)

    def test_json(self):
        done, _ = self.init("-o", "json", "--root", self.machine(self.NICS))
        tree = json.loads(done.stdout)
        self.assertEqual([port["use"] for port in tree["ports"]], ["inside", "outside", "none"])

    def test_folder_that_is_not_there(self):
        self.assertEqual(run("init", os.path.join(self.folder, "none")).returncode, 2)


if __name__ == "__main__":
    unittest.main()
