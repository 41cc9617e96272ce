#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Commands that ask a running control process, against one made of a few canned answers.

usage: live_test.py TIDEGATE
"""
import copy
import http.server
import json
import os
import subprocess
import sys
import tempfile
import threading
import unittest

SHOP = os.path.join(os.path.dirname(os.path.abspath(__file__)), "shop")
TIDEGATE = sys.argv.pop(1)

STATUS = {
    "version": "0.1.0", "ready": True, "not_ready": "", "generation": {"desired": 12, "applied": 12},
    "dataplane": {"connected": True, "heartbeat_age_ms": 210, "workers": 2, "error": "",
                  "alive": True, "no_ruleset": False, "from_checkpoint": False,
                  "load": [{"worker": 0, "busy_permille": 123, "packets_per_second": 4000,
                            "handed_over_per_second": 70, "connections": 5},
                           {"worker": 1, "busy_permille": 0, "packets_per_second": 0,
                            "handed_over_per_second": 0, "connections": 6}],
                  "memory": {"connections_ipv4": {"used": 9, "limit": 64, "bytes": 2000000,
                                                  "bytes_each": 512},
                             "endpoints": {"used": 3, "limit": 8, "bytes": 300000,
                                           "bytes_each": 26}},
                  "namespace_limits": [
                      {"namespace": "shop", "connections": 40, "limit": 40, "refused_packets": 7},
                      {"namespace": "data", "connections": 9, "limit": 10, "refused_packets": 0},
                      {"namespace": "lab", "connections": 30, "limit": 900,
                       "refused_packets": 0}]},
    "ruleset": {"classes": 41, "cells": 118, "rules": 75, "bytes": 20480},
    "objects": {"policies": 9, "pods": 31, "namespaces": 5, "nodes": 3, "services": 6},
    "sources": {"synced": True, "files": 12, "skipped": 3, "errors": [], "warnings": [],
                "not_enforced": [], "n_errors": 0, "n_warnings": 0, "n_not_enforced": 0},
}
RULES = {"generation": 12, "rules": [
    {"slot": 64, "kind": "policy", "namespace": "shop", "policy": "api", "direction": "ingress",
     "index": 0, "action": "allow", "text": "rule A", "packets": 5, "bytes": 900,
     "connections": 3, "would_deny": 0},
    {"slot": 65, "kind": "implicit-deny", "namespace": "data", "policy": "db", "direction":
     "ingress", "action": "deny", "text": "rule B", "packets": 7, "bytes": 100, "connections": 1,
     "would_deny": 0},
    {"slot": 66, "kind": "baseline", "namespace": "shop", "policy": "", "direction": "egress",
     "action": "audit", "text": "rule C", "packets": 6, "bytes": 100, "connections": 2,
     "would_deny": 6},
    {"slot": 9, "kind": "builtin", "namespace": "", "policy": "", "direction": "both",
     "action": "allow", "text": "idle D", "packets": 0, "bytes": 0, "connections": 0,
     "would_deny": 0}]}
DROPS = {"drops": [
    {"reason": "no_ruleset", "text": "none", "packets": 0, "bytes": 0},
    {"reason": "policy_ingress", "text": "in", "packets": 2, "bytes": 120},
    {"reason": "malformed", "text": "bad", "packets": 5, "bytes": 50},
    {"reason": "transit", "text": "through", "packets": 9, "bytes": 540},
    {"reason": "fragment", "text": "part", "packets": 7, "bytes": 70},
    {"reason": "expired", "text": "old", "packets": 5, "bytes": 51},
    {"reason": "spoofed", "text": "lie", "packets": 8, "bytes": 80}]}

KIND = {"resource": "pods", "api_version": "v1", "kind": "Pod", "namespace": "", "state": "watching",
        "enforced": True, "optional": False, "synced": True, "stale": False, "objects": 31,
        "refused": 0, "resource_version": "18211", "age_ms": 840, "problem": ""}
SOURCES = {"synced": True, "stale": False, "files": 12, "files_refused": 0, "clusters": [
    {"name": "prod", "server": "https://192.0.2.1:6443", "zone": 0, "synced": True, "stale": False,
     "discovery_problem": "", "kinds": [
         KIND, {**KIND, "resource": "nodes", "optional": True, "age_ms": 62000},
         {**KIND, "resource": "ciliumnetworkpolicies", "enforced": False, "objects": 2}]}]}


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        status, body = self.server.answers.get(self.path, (404, b"no such thing\nreally"))
        self.send_response(status)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


class Live(unittest.TestCase):
    def setUp(self):
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        thread = threading.Thread(target=self.server.serve_forever, args=(0.02,))
        thread.start()
        self.addCleanup(thread.join)
        self.addCleanup(self.server.server_close)
        self.addCleanup(self.server.shutdown)
        self.serve({"/v1/status": STATUS, "/v1/rules": RULES, "/v1/drops": DROPS,
                    "/v1/sources": SOURCES})

    def serve(self, answers):
        self.server.answers = {path: (200, json.dumps(tree).encode())
                               for path, tree in answers.items()}

    def run_live(self, *arguments):
        return subprocess.run([TIDEGATE, *arguments, "--url", self.url], capture_output=True,
                              encoding="utf-8", check=False, timeout=60)

    def test_status(self):
        done = self.run_live("status")
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        for words in ("dataplane    connected", "generation 12 in force, 12 desired", "9 policies",
                      "worker 0: 12.3 % busy, 4000 packets/s, 70/s handed over, 5 connections",
                      "IPv4 connections: 9 of 64 in 2.0 MB, 512 bytes each",
                      "endpoints: 3 of 8 in 0.3 MB, 26 bytes each",
                      "limits       shop: 40 of 40 connections, 7 packets refused\n",
                      "             data: 9 of 10 connections\n"):
            self.assertIn(words, done.stdout)
        self.assertEqual(json.loads(self.run_live("status", "-o", "json").stdout), STATUS)

    def test_status_shows_the_fullest_namespaces(self):
        tree = copy.deepcopy(STATUS)
        tree["dataplane"]["namespace_limits"] = [
            {"namespace": f"n{i}", "connections": i, "limit": 100, "refused_packets": 0}
            for i in range(25)]
        self.serve({"/v1/status": tree})
        text = self.run_live("status").stdout
        self.assertIn("limits       n24: 24 of 100 connections\n             n23: ", text)
        self.assertIn("             n15: 15 of 100 connections\n"
                      "             and 15 namespaces less full\n", text)
        self.assertNotIn("n14", text)
        limits = json.loads(self.run_live("status", "-o", "json").stdout)["dataplane"]
        self.assertEqual(len(limits["namespace_limits"]), 25)

    def test_status_is_negative(self):
        """(what is wrong, the words for it); the JSON gives the same exit code"""
        def change(path, value):
            tree = copy.deepcopy(STATUS)
            at = tree
            for key in path[:-1]:
                at = at[key]
            at[path[-1]] = value
            return tree
        table = [
            (change(["dataplane", "connected"], False), "away"),
            (change(["generation", "applied"], 11), "behind"),
            (change(["sources", "synced"], False), "not yet read"),
            (change(["sources"], {"synced": True, "errors": [{"place": "a.yaml:3", "text": "bad"}]}),
             "a.yaml:3: bad"),
            (change(["sources", "n_errors"], 1), "with errors"),
            (change(["sources"], {"synced": True, "not_enforced": [
                {"place": "b.yaml:1", "kind": "X", "name": "y", "namespace": ""}]}),
             "NOT ENFORCED b.yaml:1: X y"),
            (change(["ready"], False), "not ready"),
            (change(["dataplane", "stuck_worker"], True), "a worker does not come round"),
            (change(["dataplane", "stuck_hardware"], True), "a NIC has not removed what is denied"),
            (change(["dataplane", "port_failed"], True), "a port did not come back from a reset"),
            ({}, "away"),
        ]
        for tree, words in table:
            with self.subTest(words=words):
                self.serve({"/v1/status": tree})
                done = self.run_live("status")
                self.assertEqual(done.returncode, 1)
                self.assertIn(words, done.stdout)
                self.assertEqual(self.run_live("status", "-o", "json").returncode, 1)

    def rules(self, *options):
        tree = json.loads(self.run_live("rules", "-o", "json", *options).stdout)
        return [rule["text"][-1] for rule in tree["rules"]]

    def test_rules(self):
        self.assertEqual(self.rules(), ["B", "C", "A"])
        self.assertEqual(self.rules("--sort", "bytes"), ["A", "B", "C"])
        self.assertEqual(self.rules("--sort", "connections"), ["A", "C", "B"])
        self.assertEqual(self.rules("--sort", "would_deny"), ["C", "B", "A"])
        self.assertEqual(self.rules("--sort", "name"), ["B", "C", "A"])
        self.assertEqual(self.rules("-n", "shop"), ["C", "A"])
        self.assertEqual(self.rules("--limit", "1"), ["B"])
        self.assertEqual(self.rules("--all"), ["B", "C", "A", "D"])
        lines = self.run_live("rules").stdout.splitlines()
        self.assertEqual(lines[0].split(), ["PACKETS", "BYTES", "CONNECTIONS", "WOULD-DENY",
                                            "ACTION", "KIND", "NAMESPACE", "RULE"])
        self.assertEqual(lines[1].split()[:5], ["7", "100", "1", "0", "deny"])

    def test_rules_without_dataplane(self):
        rule = {key: RULES["rules"][0][key] for key in ("kind", "namespace", "action", "text")}
        self.serve({"/v1/rules": {"rules": [rule]}})
        self.assertEqual(self.run_live("rules").stdout.splitlines()[1].split()[:4], ["-"] * 4)

    def test_sources(self):
        done = self.run_live("sources")
        self.assertEqual(done.returncode, 0)
        lines = [line.split() for line in done.stdout.splitlines()]
        self.assertEqual(lines[:2], [["read"], ["12", "files,", "0", "refused"]])
        self.assertEqual(lines[3], ["prod", "pods", "all", "watching", "31", "0", "18211", "840", "ms",
                                    "yes"])
        self.assertEqual(lines[4][-3:], ["62.0", "s", "optional"])
        self.assertEqual(lines[5][-2:], ["NOT", "ENFORCED"])
        tree = copy.deepcopy(SOURCES)
        tree["synced"] = False
        kind = tree["clusters"][0]["kinds"][0]
        kind.update(state="forbidden", synced=False, problem="missing RBAC: pods", next_try_ms=21000)
        self.serve({"/v1/sources": tree})
        done = self.run_live("sources")
        self.assertEqual(done.returncode, 1)
        self.assertIn("not read completely yet: nothing of it is enforced\n", done.stdout)
        self.assertIn("prod: missing RBAC: pods; next try in 21.0 s\n", done.stdout)
        for change in ({"stale": True}, {"files_refused": 1}):
            self.serve({"/v1/sources": {**SOURCES, **change}})
            self.assertEqual(self.run_live("sources").returncode, 1)
        tree = copy.deepcopy(SOURCES)
        kind = tree["clusters"][0]["kinds"][0]
        for change in ({"state": "forbidden"}, {"state": "absent"}):
            kind.update(change)
            self.serve({"/v1/sources": tree})
            self.assertEqual(self.run_live("sources").returncode, 1)
        kind.update(optional=True)
        self.serve({"/v1/sources": tree})
        self.assertEqual(self.run_live("sources").returncode, 0)
        kind.update(refused=1)
        self.serve({"/v1/sources": tree})
        self.assertEqual(self.run_live("sources").returncode, 1)
        self.serve({"/v1/sources": {"synced": True, "stale": False, "files": 1, "files_refused": 0,
                                    "clusters": []}})
        self.assertEqual(self.run_live("sources").stdout, "read\n1 files, 0 refused\n")

    def test_drops(self):
        lines = self.run_live("drops").stdout.splitlines()
        self.assertEqual([line.split()[2] for line in lines[1:]],
                         ["transit", "spoofed", "fragment", "expired", "malformed", "policy_ingress"])
        tree = json.loads(self.run_live("drops", "--all", "-o", "json").stdout)
        self.assertEqual([drop["packets"] for drop in tree["drops"]], [9, 8, 7, 5, 5, 2, 0])
        self.serve({"/v1/drops": {"drops": []}})
        self.assertEqual(self.run_live("drops").stdout, "nothing was dropped\n")
        self.serve({"/v1/drops": {"connected": False, "drops": []}})
        done = self.run_live("drops")
        self.assertEqual(done.returncode, 1)
        self.assertIn("away", done.stdout)

    def test_bad_answers(self):
        for status, body, words in ((404, b"no such thing\nreally", "404: no such thing"),
                                    (200, b"{", "no JSON"), (200, b"", "no JSON")):
            with self.subTest(body=body):
                self.server.answers = {path: (status, body) for path in
                                       ("/v1/status", "/v1/rules", "/v1/drops", "/v1/sources")}
                for command in ("status", "rules", "drops", "sources"):
                    done = self.run_live(command)
                    self.assertEqual((done.returncode, done.stdout), (2, ""))
                    self.assertIn(words, done.stderr)

    def test_nobody_there(self):
        done = subprocess.run([TIDEGATE, "status", "--url", "http://127.0.0.1:1"],
                              capture_output=True, encoding="utf-8", check=False, timeout=60)
        self.assertEqual(done.returncode, 2)
        self.assertIn("is tidegate-ctrl running there?", done.stderr)

    def test_only_http(self):
        done = subprocess.run([TIDEGATE, "status", "--url", "file:///etc/passwd#"],
                              capture_output=True, encoding="utf-8", check=False, timeout=60)
        self.assertEqual((done.returncode, done.stdout), (2, ""))

    def test_live_image(self):
        """An image that is damaged, or none at all, is refused."""
        question = ["explain", "--live", "10.0.0.1", "10.0.0.2", "TCP", "80"]
        for status, body in ((200, b""), (200, b"x" * 500), (404, b"none")):
            self.server.answers = {"/v1/ruleset": (status, body)}
            done = self.run_live(*question)
            self.assertEqual((done.returncode, done.stdout), (2, ""))

    def test_live(self):
        """The ruleset in force answers by address, and by name with manifests at hand."""
        with tempfile.NamedTemporaryFile() as image:
            subprocess.run([TIDEGATE, "check", "--image", image.name, SHOP], check=True,
                           stdout=subprocess.DEVNULL, timeout=60)
            self.server.answers = {"/v1/ruleset": (200, image.read())}
        for arguments, code, words in (
                (["10.10.0.1", "10.10.0.2", "TCP", "8080"], 0, "shop/web egress[0]"),
                (["10.10.0.1", "10.10.0.2", "TCP", "8081"], 1, "isolated by web (namespace shop)"),
                (["10.10.0.9", "10.10.0.2", "ICMP"], 1, "unknown-endpoint"),
                (["shop/web", "10.10.0.2", "TCP", "8080"], 2, "--names"),
                (["--names", SHOP, "shop/web", "shop/api", "TCP", "8080"], 0, "ALLOWED"),
                (["--names", SHOP, "shop/web", "shop/api", "TCP", "1"], 1, "nearest miss"),
                (["--names", SHOP, "shop/pending", "shop/api", "TCP", "1"], 2, "no address"),
                (["-o", "json", "10.10.0.1", "10.10.0.2", "TCP", "8080"], 0, '"allow"')):
            with self.subTest(arguments=arguments):
                done = self.run_live("explain", "--live", *arguments)
                self.assertEqual(done.returncode, code, done.stdout + done.stderr)
                self.assertIn(words, done.stdout + done.stderr)

    def test_live_zones(self):
        """Where the ruleset has several zones, an address alone says nothing."""
        ends = ["10.10.0.1", "10.10.0.2", "TCP", "8080"]
        with tempfile.NamedTemporaryFile() as image, \
                tempfile.NamedTemporaryFile("w", suffix=".yaml") as config:
            config.write("zone: 3\nmanifests: .\nclusters: [{name: far, zone: 40000}]\n")
            config.flush()
            subprocess.run([TIDEGATE, "check", "-c", config.name, "--image", image.name, SHOP],
                           check=True, stdout=subprocess.DEVNULL, timeout=60)
            self.server.answers = {"/v1/ruleset": (200, image.read())}
        for options, code, words in (
                ([], 2, "from 3 to 40000: say which with --zone"),
                (["--zone", "4"], 2, "no zone 4"),
                (["--zone", "65536"], 2, "is not 0 to 65535"),
                (["--zone", "3"], 0, "shop/web egress[0]"),
                (["--zone=40000"], 1, "transit")):
            with self.subTest(options=options):
                done = self.run_live("explain", *options, "--live", *ends)
                self.assertEqual(done.returncode, code, done.stdout + done.stderr)
                self.assertIn(words, done.stdout + done.stderr)
        done = subprocess.run([TIDEGATE, "explain", "--zone", "3", SHOP, *ends],
                              capture_output=True, encoding="utf-8", check=False, timeout=60)
        self.assertEqual(done.returncode, 2)
        self.assertIn("--zone are for --live", done.stderr)

    def test_watch(self):
        """Line by line, each time anew, until the reader goes away."""
        with subprocess.Popen([TIDEGATE, "status", "-o", "json", "--watch=1", "--url", self.url],
                              stdout=subprocess.PIPE) as process:
            for _ in range(2):
                self.assertEqual(json.loads(process.stdout.readline()), STATUS)
            process.stdout.close()
            process.terminate()
            process.wait(timeout=30)


if __name__ == "__main__":
    unittest.main()
