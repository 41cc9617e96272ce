#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Questions and answers of `tidegate explain --batch`, edges first: usage: batch_test.py TIDEGATE"""
import json
import os
import shutil
import subprocess
import sys
import tempfile
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
SHOP = os.path.join(HERE, "shop")
TIDEGATE = sys.argv.pop(1)


def batch(lines, *options):
    data = b"".join(line if isinstance(line, bytes) else line.encode() for line in lines)
    done = subprocess.run([TIDEGATE, "explain", "--batch", *options, SHOP], input=data,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False, timeout=60)
    return done, [json.loads(line) for line in done.stdout.decode().splitlines()]


def ask(src, dst, proto="TCP", dport=None, options=()):
    question = {"src": src, "dst": dst, "proto": proto}
    if dport is not None:
        question["dport"] = dport
    done, answers = batch([json.dumps(question) + "\n"], *options)
    assert done.returncode == 0, done.stderr
    assert len(answers) == 1, answers
    return answers[0]


class Batch(unittest.TestCase):
    def test_verdicts(self):
        """src, dst, proto, dport -> verdict, egress (verdict, rule), ingress (verdict, rule)"""
        none = ("allow", None)
        table = [
            # Both sides have their say.
            ("shop/web", "shop/api", "TCP", 8080, "allow",
             ("allow", "shop/web egress[0]"), ("allow", "shop/api ingress[0]")),
            ("shop/web", "shop/api", "TCP", 8081, "deny",
             ("deny", "implicit-deny"), ("deny", "implicit-deny")),
            # A denied egress side does not hide what the ingress side says.
            ("shop/web", "shop/api", "TCP", 9000, "deny",
             ("deny", "implicit-deny"), ("allow", "shop/api ingress[1]")),
            ("open/free", "shop/api", "TCP", 9000, "allow",
             ("allow", "default-allow"), ("allow", "shop/api ingress[1]")),
            ("open/free", "open/free", "TCP", 1, "allow", none, none),
            ("shop/web", "data/db", "UDP", 6005, "deny",
             ("deny", "implicit-deny"), ("allow", "data/db ingress[0]")),
            ("open/free", "data/db", "TCP", 5432, "deny",
             ("allow", "default-allow"), ("deny", "implicit-deny")),
            # An address that is no pod has no say, whatever the pod's side says.
            ("shop/web", "203.0.113.7", "TCP", 443, "allow",
             ("allow", "shop/web egress[2]"), none),
            ("shop/web", "203.0.113.200", "TCP", 443, "deny", ("deny", "implicit-deny"), none),
            ("198.51.100.1", "shop/api", "TCP", 9001, "deny", none, ("deny", "implicit-deny")),
            ("198.51.101.1", "shop/api", "TCP", 9001, "allow",
             none, ("allow", "shop/api ingress[2]")),
            # A pod's address is that pod, in either family and notation.
            ("10.10.0.1", "10.10.0.2", "TCP", 8080, "allow",
             ("allow", "shop/web egress[0]"), ("allow", "shop/api ingress[0]")),
            ("fd00:10::1", "fd00:0010:0:0::2", "TCP", 8080, "allow",
             ("allow", "shop/web egress[0]"), ("allow", "shop/api ingress[0]")),
            ("::ffff:10.10.0.1", "shop/api", "TCP", 8080, "allow",
             ("allow", "shop/web egress[0]"), ("allow", "shop/api ingress[0]")),
            ("fd00:10::1", "shop/api", "TCP", 9000, "deny",
             ("deny", "implicit-deny"), ("deny", "implicit-deny")),
            # Protocols without ports; `dport` is optional there.
            ("open/free", "10.10.0.2", "ICMP", None, "deny",
             ("allow", "default-allow"), ("deny", "implicit-deny")),
            ("open/free", "192.0.2.77", "ICMP", 5, "allow", ("allow", "default-allow"), none),
            ("open/free", "192.0.2.77", 47, None, "allow", ("allow", "default-allow"), none),
            ("open/free", "192.0.2.77", "47", None, "allow", ("allow", "default-allow"), none),
            ("open/free", "192.0.2.77", "udp", 53, "allow", ("allow", "default-allow"), none),
            # A pod without address is judged by its policies, as subject and as peer.
            ("shop/pending", "shop/api", "TCP", 8080, "allow",
             ("allow", "shop/web egress[0]"), ("allow", "shop/api ingress[0]")),
            ("shop/pending", "data/pending-db", "TCP", 5432, "allow",
             ("allow", "shop/web egress[1]"), ("allow", "data/db ingress[0]")),
            # 0.0.0.0/0 is every address, its own too; with an except nobody can know.
            ("shop/pending", "shop/api", "TCP", 9000, "deny",
             ("deny", "implicit-deny"), ("allow", "shop/api ingress[1]")),
            ("data/pending-db", "shop/api", "TCP", 9000, "allow",
             ("allow", "default-allow"), ("allow", "shop/api ingress[1]")),
            ("data/pending-db", "shop/api", "TCP", 9001, "deny",
             ("allow", "default-allow"), ("deny", "implicit-deny")),
            # A hostNetwork pod is its node; labels do not count.
            ("shop/agent", "shop/api", "TCP", 8080, "deny", none, ("deny", "implicit-deny")),
            ("shop/agent", "shop/api", "TCP", 9000, "allow",
             none, ("allow", "shop/api ingress[1]")),
            # The own node is always admitted.
            ("192.0.2.1", "shop/api", "TCP", 1, "allow", none, ("allow", "own-node")),
            ("192.0.2.2", "shop/api", "TCP", 1, "deny", none, ("deny", "implicit-deny")),
            # The newer pod has the address, a tie denies.
            ("10.10.0.20", "shop/api", "TCP", 8080, "allow",
             ("allow", "shop/web egress[0]"), ("allow", "shop/api ingress[0]")),
            ("10.10.0.21", "shop/api", "TCP", 8080, "deny",
             ("deny", "address-conflict"), ("deny", "implicit-deny")),
            ("shop/tie-a", "open/free", "TCP", 80, "deny",
             ("deny", "address-conflict"), ("allow", "default-allow")),
        ]
        for src, dst, proto, dport, verdict, egress, ingress in table:
            with self.subTest(src=src, dst=dst, proto=proto, dport=dport):
                answer = ask(src, dst, proto, dport, ("--default-action", "kubernetes"))
                self.assertEqual(answer.get("verdict"), verdict, answer)
                for side, expected in (("egress", egress), ("ingress", ingress)):
                    self.assertEqual((answer[side]["verdict"], answer[side]["rule"]), expected,
                                     answer)

    def test_reasons(self):
        """Denials that are nobody's policy are named, and the address's side stays allow/null."""
        for dst, reason in (("10.10.9.9", "unknown-endpoint"), ("10.96.0.10", "service-address")):
            answer = ask("open/free", dst, "TCP", 80, ("--default-action", "kubernetes"))
            self.assertEqual((answer["verdict"], answer["reason"]), ("deny", reason))
            self.assertEqual(answer["ingress"], {"verdict": "allow", "rule": None})
        answer = ask("198.51.100.1", "203.0.113.1", "TCP", 80)
        self.assertEqual((answer["verdict"], answer["reason"]), ("deny", "transit"))
        self.assertEqual(ask("shop/web", "10.10.0.1", "TCP", 1)["reason"], "self")

    def test_default_action(self):
        for options, verdict, rule in (((), "deny", "baseline"),
                                       (("--default-action", "deny"), "deny", "baseline"),
                                       (("--default-action", "kubernetes"), "allow",
                                        "default-allow")):
            answer = ask("open/free", "192.0.2.77", "TCP", 80, options)
            self.assertEqual(answer["verdict"], verdict)
            self.assertEqual(answer["egress"]["rule"], rule)
        answer = ask("open/free", "192.0.2.77", "TCP", 80, ("--default-action", "audit"))
        self.assertEqual((answer["verdict"], answer["egress"]["would"]), ("allow", "deny"))

    def test_implicit_deny_names_the_policies(self):
        answer = ask("open/free", "data/db", "TCP", 1, options=("--default-action", "kubernetes"))
        self.assertEqual(answer["ingress"]["isolated_by"], ["data/db", "data/default-deny"])

    def test_all_isolating_policies(self):
        """However many there are."""
        policy = ("---\napiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\n"
                  "metadata: {namespace: shop, name: isolates-everything-%03d}\n"
                  "spec: {podSelector: {}, policyTypes: [Egress]}\n")
        with tempfile.TemporaryDirectory() as folder:
            for name in os.listdir(SHOP):
                shutil.copy(os.path.join(SHOP, name), folder)
            with open(os.path.join(folder, "more.yaml"), "w", encoding="utf-8") as file:
                file.write("".join(policy % i for i in range(100)))
            question = {"src": "shop/api", "dst": "192.0.2.77", "proto": "TCP", "dport": 1}
            done = subprocess.run([TIDEGATE, "explain", "--batch", folder], timeout=60,
                                  input=json.dumps(question), capture_output=True, check=True,
                                  encoding="utf-8")
        isolating = json.loads(done.stdout)["egress"]["isolated_by"]
        self.assertEqual(isolating, [f"shop/isolates-everything-{i:03}" for i in range(100)])

    def test_families_that_differ(self):
        answer = ask("open/free", "shop/api", "TCP", 9000, ("--default-action", "kubernetes"))
        self.assertEqual(answer["families"], {"IPv4": "allow", "IPv6": "deny"})
        answer = ask("shop/web", "shop/api", "TCP", 8080)
        self.assertNotIn("families", answer)

    def test_errors(self):
        table = [
            ('{"src": "shop/nobody", "dst": "shop/api", "proto": "TCP", "dport": 80}', "shop/nobody"),
            ('{"src": "shop/web", "dst": "nowhere/api", "proto": "TCP", "dport": 80}', "dst"),
            ('{"src": "web", "dst": "shop/api", "proto": "TCP", "dport": 80}', "neither"),
            ('{"src": "10.0.0.300", "dst": "shop/api", "proto": "TCP", "dport": 80}', "neither"),
            ('{"src": "/", "dst": "shop/api", "proto": "TCP", "dport": 80}', "no pod"),
            ('{"src": "", "dst": "shop/api", "proto": "TCP", "dport": 80}', "neither"),
            ('{"src": "shop/done", "dst": "shop/api", "proto": "TCP", "dport": 80}', "finished"),
            ('{"src": "shop/agent-nowhere", "dst": "shop/api", "proto": "TCP", "dport": 80}',
             "hostNetwork"),
            ('{"src": "data/db", "dst": "data/six", "proto": "TCP", "dport": 80}', "family"),
            ('{"src": "data/db", "dst": "2001:db8::7", "proto": "TCP", "dport": 80}', "family"),
            ('{"src": "shop/web", "dst": "shop/api", "proto": "XTP", "dport": 80}', "proto"),
            ('{"src": "shop/web", "dst": "shop/api", "proto": 256, "dport": 80}', "proto"),
            ('{"src": "shop/web", "dst": "shop/api", "proto": "256", "dport": 80}', "proto"),
            ('{"src": "shop/web", "dst": "shop/api", "dport": 80}', "proto: missing"),
            ('{"src": "shop/web", "dst": "shop/api", "proto": "TCP"}', "dport: missing"),
            ('{"src": "shop/web", "dst": "shop/api", "proto": "TCP", "dport": null}', "dport"),
            ('{"src": "shop/web", "dst": "shop/api", "proto": "TCP", "dport": 0}', "dport"),
            ('{"src": "shop/web", "dst": "shop/api", "proto": "TCP", "dport": 65536}', "dport"),
            ('{"src": "shop/web", "dst": "shop/api", "proto": "TCP", "dport": -1}', "dport"),
            ('{"src": "shop/web", "dst": "shop/api", "proto": "TCP", "dport": 80.5}', "dport"),
            ('{"src": "shop/web", "dst": "shop/api", "proto": "TCP", "dport": 1e400}', "dport"),
            ('{"src": "shop/web", "dst": "shop/api", "proto": "TCP", "dport": "80"}', "dport"),
            ('{"src": 7, "dst": "shop/api", "proto": "TCP", "dport": 80}', "src"),
            ('{"dst": "shop/api", "proto": "TCP", "dport": 80}', "src: missing"),
            ('{"src": "240.0.0.1", "dst": "shop/api", "proto": "TCP", "dport": 80}', "reserved"),
            ('{"src": "shop/web", "src": "shop/api", "dst": "shop/api", "proto": "TCP", "dport": 80}',
             "src: set twice"),
            ('{"src": "shop/web", "dst": "shop/api", "proto": "TCP", "dport": 80, "dport": 80}',
             "dport: set twice"),
            ('[1]', "object"),
            ('{"src": "shop/web"', "JSON"),
            ('{} {}', "JSON"),
            ('', "JSON"),
            ('null', "object"),
            ('{"src": "a\\u0000b/c", "dst": "shop/api", "proto": "TCP", "dport": 80}', None),
            ("x" * 70000, "too long"),
            ("[" * 30000, "JSON"),
            (b'{"src": "\xff\xfe/x", "dst": "shop/api", "proto": "TCP", "dport": 80}', "no pod"),
            (b'{"src": "\x00"}', "NUL"),
        ]
        lines = [(t if isinstance(t, bytes) else t.encode()) + b"\n" for t, _ in table]
        done, answers = batch(lines)
        self.assertEqual(done.returncode, 0)
        self.assertEqual(len(answers), len(table))
        for (line, word), answer in zip(table, answers):
            with self.subTest(line=line[:90]):
                self.assertEqual(list(answer), ["error"])
                self.assertIn(word or "", answer["error"])

    def test_other_keys_are_ignored(self):
        _, answers = batch([b'{"id": 7, "id": 8, "src": "shop/web", "dst": "shop/api", '
                            b'"proto": "TCP", "dport": 8080}\n'])
        self.assertEqual(answers[0]["verdict"], "allow")

    def test_count_and_order(self):
        """Good and bad lines mixed, CRLF, and a last line without an end."""
        good = '{"src":"shop/web","dst":"shop/api","proto":"TCP","dport":%d}'
        lines, expected = [], []
        for i in range(500):
            port = 8080 if i % 3 else 8081
            lines.append(good % port + ("\r\n" if i % 2 else "\n") if i % 5 else "garbage\n")
            expected.append(None if i % 5 == 0 else "allow" if port == 8080 else "deny")
        lines.append(good % 8080)
        expected.append("allow")
        _, answers = batch(lines)
        self.assertEqual([a.get("verdict") for a in answers], expected)

    def test_answers_one_by_one(self):
        """Each answer is flushed before the next question is read."""
        with subprocess.Popen([TIDEGATE, "explain", "--batch", SHOP], stdin=subprocess.PIPE,
                              stdout=subprocess.PIPE) as process:
            for port, verdict in ((8080, "allow"), (8081, "deny")):
                question = {"src": "shop/web", "dst": "shop/api", "proto": "TCP", "dport": port}
                process.stdin.write(json.dumps(question).encode() + b"\n")
                process.stdin.flush()
                self.assertEqual(json.loads(process.stdout.readline())["verdict"], verdict)
            process.stdin.close()
            self.assertEqual(process.wait(timeout=30), 0)

    def test_no_questions(self):
        done, answers = batch([])
        self.assertEqual((done.returncode, answers), (0, []))


if __name__ == "__main__":
    unittest.main()
