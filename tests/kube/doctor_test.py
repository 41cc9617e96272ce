#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""doctor, and init with a cluster, against the double of an API server.

usage: doctor_test.py TIDEGATE KUBE_DOUBLE
"""
import base64
import http.server
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
import unittest
import urllib.request

TIDEGATE = os.path.abspath(sys.argv.pop(1))
DOUBLE = os.path.abspath(sys.argv.pop(1))
NOBODY = "http://127.0.0.1:1"

STATUS = {"ready": True, "not_ready": "", "dataplane": {"connected": True},
          "sources": {"synced": True, "stale": False}, "objects": {"pods": 2, "nodes": 2}}


def node(address, cidr, **annotations):
    return {"metadata": {"annotations": annotations}, "spec": {"podCIDRs": [cidr]},
            "status": {"addresses": [{"type": "InternalIP", "address": address}]}}


def pod(address, labels=None, host=False):
    return {"metadata": {"labels": labels or {}}, "spec": {"hostNetwork": host},
            "status": {"phase": "Running", "podIP": address}}


class Answers(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        body = self.server.answers.get(self.path)
        self.send_response(404 if body is None else 200)
        self.end_headers()
        self.wfile.write(json.dumps(body).encode())

    def log_message(self, *_):
        pass


class Cluster(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = folder.name

    def serve(self, *options):
        """A double with two nodes, two pods, DNS and an API server outside."""
        double = subprocess.Popen([DOUBLE, "--token", "TOKEN", *options], stdout=subprocess.PIPE,
                                  encoding="utf-8")
        self.addCleanup(double.stdout.close)
        self.addCleanup(double.wait)
        self.addCleanup(double.terminate)
        self.server, self.control = double.stdout.readline().split()
        self.put("namespaces", "-", "shop")
        self.put("nodes", "-", "n1", node("192.0.2.1", "10.244.0.0/24"))
        self.put("nodes", "-", "n2", node("192.0.2.2", "10.244.1.0/24"))
        self.put("pods", "shop", "web", pod("10.244.0.5"))
        self.put("pods", "shop", "api", pod("10.244.1.5"))
        self.put("services", "kube-system", "kube-dns",
                 {"metadata": {"labels": {"k8s-app": "kube-dns"}},
                  "spec": {"clusterIP": "10.96.0.10"}})
        self.put("endpointslices", "default", "kubernetes",
                 {"metadata": {"labels": {"kubernetes.io/service-name": "kubernetes"}},
                  "endpoints": [{"addresses": ["192.0.2.9"]}],
                  "ports": [{"name": "https", "port": 6443}]})

    def command(self, line):
        with urllib.request.urlopen(self.control, line.encode(), timeout=30) as answer:
            return answer.read().decode()

    def put(self, resource, ns, name, tree=None):
        text = json.dumps(tree) if tree is not None else ""
        self.command(f"put {resource} {ns} {name} {text}".rstrip())

    def write(self, name, text):
        path = os.path.join(self.folder, name)
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        return path

    def read(self, name):
        with open(os.path.join(self.folder, name), encoding="utf-8") as file:
            return file.read()

    def kubeconfig(self, server=None, user="token: TOKEN"):
        return self.write("kubeconfig", f"""apiVersion: v1
kind: Config
clusters: [{{name: a, cluster: {{server: "{server or self.server}"}}}}]
users: [{{name: u, user: {{{user}}}}}]
contexts: [{{name: a, context: {{cluster: a, user: u}}}}]
current-context: a
""")

    def config(self, more=""):
        return self.write("ctrl.yaml",
                          "clusters: [{name: prod, kubeconfig: kubeconfig}]\n" + more)

    def run_tidegate(self, *arguments):
        return subprocess.run([TIDEGATE, *arguments], capture_output=True, encoding="utf-8",
                              check=False, timeout=60)

    def doctor(self, *options, url=NOBODY):
        return self.run_tidegate("doctor", "-c", os.path.join(self.folder, "ctrl.yaml"), "--url",
                                 url, *options)

    def findings(self, level, **options):
        done = self.doctor("-o", "json", **options)
        self.assertEqual(done.stderr, "")
        tree = json.loads(done.stdout)
        found = [f for f in tree["findings"] if f["level"] == level]
        self.assertEqual(tree[level], len(found))
        self.assertEqual(done.returncode, 1 if tree["fail"] else 0)
        return found

    def gateway(self, **answers):
        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Answers)
        server.answers = {f"/v1/{name}": tree for name, tree in answers.items()}
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        self.addCleanup(thread.join)
        self.addCleanup(server.server_close)
        self.addCleanup(server.shutdown)
        return f"http://127.0.0.1:{server.server_port}"


TUPLES = """infrastructure:
- {name: kube-api, from: nodes, to: 192.0.2.9, ports: 6443}
- {name: kubelet, from: 192.0.2.9, to: nodes, ports: 10250}
"""


class Doctor(Cluster):
    def test_well(self):
        self.serve()
        self.kubeconfig()
        self.config(TUPLES)
        url = self.gateway(status=STATUS, drops={"drops": []}, rules={"rules": [
            {"kind": "policy", "direction": "egress", "packets": 5, "connections": 5}]})
        done = self.doctor(url=url)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.assertEqual(done.stdout, f"""\
OK    prod credentials: {self.folder}/kubeconfig can be used
OK    prod server: {self.server} answers, v1.20.2
OK    prod clock: no more than 5 s between here and the server
OK    prod rbac: namespaces can be listed: 1
OK    prod rbac: nodes can be listed: 2
OK    prod rbac: services can be listed: 1
OK    prod rbac: networkpolicies can be listed: 0
OK    prod rbac: pods can be listed: 2
OK    prod policy-kinds: the server has no policy kind that would not be enforced
OK    prod pod-ranges: 2 nodes and the configuration have 1 range
OK    prod pod-ranges: all 2 pods have addresses of the pod ranges
SKIP  prod tunnels: no annotation of a node names a tunnel; plugins that set none (Cilium) are not seen from here
OK    prod infrastructure: nodes to the API server: a tuple allows it
OK    prod infrastructure: the API server to kubelets: a tuple allows it
SKIP  prod infrastructure: nodes' DNS servers are not known: there is no ConfigMap coredns in kube-system
SKIP  prod infrastructure: NTP, registries and storage of nodes: the cluster does not know them
OK    gateway status: what is wanted is enforced
OK    gateway sources: all were read and are up to date
OK    gateway pod-addresses: packets come from pods' own addresses: 5
SKIP  gateway tunnels: no tuple of a tunnel counts; tunnels by other tuples or beside the gateway are not seen from here
OK    gateway paths: TCP comes with its handshake: 0 packets without, 5 connections
OK    gateway endpoints: dropped: 0 unknown endpoint, 0 spoofed, 0 Service address
18 ok, 0 to be looked at, 0 wrong, 4 not known
""")
        self.assertEqual(self.command("wrongs"), "")

    def test_newer_server(self):
        self.serve("--server", "1.34")
        self.kubeconfig()
        self.config(TUPLES)
        self.assertEqual(self.findings("fail") + self.findings("warn"), [])

    def test_tuples_that_are_missing(self):
        """What is proposed is what is missing: with it nothing is."""
        self.serve()
        self.kubeconfig()
        self.config()
        found = self.findings("warn")
        self.assertEqual([f["check"] for f in found], ["infrastructure"] * 2)
        tuples = "".join(f["todo"].split("\n", 1)[1] + "\n" for f in found)
        self.assertEqual("infrastructure:\n" + tuples, TUPLES)
        self.config("infrastructure:\n" + tuples)
        self.assertEqual(self.findings("warn"), [])

    def test_what_is_forbidden(self):
        """The exact rule; the rest is looked at all the same."""
        self.serve()
        self.kubeconfig()
        self.config(TUPLES)
        for resource in ("pods", "networkpolicies", "endpointslices"):
            self.command(f"forbid list {resource}")
        found = self.findings("fail")
        self.assertEqual([f["todo"].split("\n")[1] for f in found], [
            "- {apiGroups: [networking.k8s.io], resources: [networkpolicies], "
            "verbs: [get, list, watch]}",
            '- {apiGroups: [""], resources: [pods], verbs: [get, list, watch]}'])
        self.assertIn('cannot list resource "networkpolicies"', found[0]["found"])
        skipped = {f["found"].split(":")[0]: f.get("todo") for f in self.findings("skip")}
        self.assertIn("pods are not known", skipped)
        self.assertIn("[discovery.k8s.io], resources: [endpointslices]",
                      skipped["where the API servers are is not known"])

    def test_policies_that_are_not_enforced(self):
        self.serve()
        self.kubeconfig()
        self.config(TUPLES)
        self.command("kind cilium.io v2 ciliumnetworkpolicies CiliumNetworkPolicy namespaced")
        self.assertEqual(self.findings("warn"), [])
        for name in ("a", "b"):
            self.put("ciliumnetworkpolicies", "shop", name)
        found = self.findings("warn")
        self.assertEqual([f["found"] for f in found],
                         ["2 ciliumnetworkpolicies (cilium.io/v2): NOT ENFORCED"])

    def test_clocks(self):
        for skew, level, words in ((30, "warn", "30 s ahead"), (-7200, "fail", "7200 s behind")):
            with self.subTest(skew=skew):
                self.serve("--clock-skew", str(skew))
                self.kubeconfig()
                self.config(TUPLES)
                found = [f["found"] for f in self.findings(level) if f["check"] == "clock"]
                # Seconds pass between a question and its answer.
                near = [words.replace(str(abs(skew)), str(abs(skew) + k)) for k in range(-2, 3)]
                self.assertIn(found[0].removeprefix("the server's clock is "), near)

    def test_where_pods_are(self):
        self.serve()
        self.kubeconfig()
        self.config(TUPLES)
        self.put("pods", "shop", "lost", pod("10.9.0.3"))
        self.put("pods", "shop", "node", pod("192.0.2.1", host=True))
        self.put("services", "shop", "odd", {"spec": {"clusterIP": "10.244.1.77"}})
        self.put("nodes", "-", "n3", node("192.0.2.3", "10.244.1.0/25", **{
            "flannel.alpha.coreos.com/backend-type": "vxlan"}))
        found = [f["found"] for f in self.findings("warn") + self.findings("fail")]
        for words in ("1 of 3 pods have addresses outside of the pod ranges, as shop/lost 10.9.0.3",
                      "addresses of 1 Services, as shop/odd 10.244.1.77",
                      "nodes n2 (10.244.1.0/24) and n3 (10.244.1.0/25) overlap",
                      "1 of 3 nodes have a tunnel, VXLAN (flannel), as n3"):
            self.assertTrue(any(words in f for f in found), (words, found))
        self.assertEqual(len(found), 4)

    def test_many_pods_come_in_pages(self):
        self.serve()
        self.kubeconfig()
        self.config(TUPLES)
        lines = [f"put pods shop many-{i} " + json.dumps(pod(f"10.244.{i % 2}.{i // 2 % 250}"))
                 for i in range(1200)]
        self.command("\n".join(lines))
        found = {f["found"] for f in self.findings("ok")}
        self.assertIn("pods can be listed: 1202", found)
        self.assertIn("all 1202 pods have addresses of the pod ranges", found)
        self.assertEqual(self.command("wrongs"), "")

    def test_only_some_namespaces(self):
        """Nothing is asked of the whole cluster that may be asked of a namespace."""
        self.serve()
        self.kubeconfig()
        self.write("ctrl.yaml", "clusters: [{name: prod, kubeconfig: kubeconfig, "
                                "namespaces: [shop]}]\n" + TUPLES)
        self.put("pods", "other", "far", pod("10.9.0.3"))
        self.assertEqual(self.findings("warn"), [])
        paths = [line.split()[3] for line in self.command("requests").splitlines()]
        self.assertFalse([path for path in paths if path.startswith("/api/v1/pods")])

    def test_no_server(self):
        self.server = NOBODY
        self.kubeconfig()
        self.config()
        found = self.findings("fail")
        self.assertEqual([f["check"] for f in found], ["server"])
        self.assertIn("is the server running", found[0]["todo"])

    def test_credentials(self):
        """(user, what is found to be wrong): a token is never repeated."""
        def jwt(at):
            part = base64.urlsafe_b64encode(json.dumps({"exp": at}).encode()).decode()
            return f"e30.{part.rstrip('=')}.SECRET"
        self.serve()
        self.config(TUPLES)
        for user, level, words in (("token: WRONG", "fail", "does not accept the credentials"),
                                   ("", "warn", "has no credentials"),
                                   (f"token: {jwt(1)}", "fail", "the token expired 1970-01-01"),
                                   (f"token: {jwt(int(time.time()) + 3600)}", "warn",
                                    "the token expires"),
                                   ("tokenFile: none", "fail", "none")):
            with self.subTest(user=user):
                self.kubeconfig(user=user)
                found = self.findings(level)
                self.assertTrue(any(words in f["found"] for f in found), found)
                done = self.doctor()
                self.assertNotIn("WRONG", done.stdout + done.stderr)
                self.assertNotIn("SECRET", done.stdout + done.stderr)

    def test_gateway(self):
        """What was seen, in the words of its cause."""
        self.write("ctrl.yaml", f"manifests: {self.folder}\ninfrastructure:\n"
                                "- {name: overlay, from: nodes, to: nodes, protocol: UDP, "
                                "ports: 8472}\n")
        table = [
            ({}, [{"kind": "policy", "direction": "ingress", "packets": 500}], "fail",
             "pods are masqueraded"),
            ({}, [{"kind": "infrastructure", "policy": "overlay", "packets": 9}], "fail",
             "VXLAN between nodes: 9 packets"),
            ({"tcp_no_connection": 500}, [{"kind": "policy", "connections": 90}], "warn",
             "500 TCP packets in mid-stream without connection, of 90 connections"),
            ({"spoofed": 500}, [], "warn", "500 packets of pods' addresses"),
            ({"unknown_endpoint": 500}, [], "warn", "500 packets of addresses in pod ranges"),
        ]
        for drops, rules, level, words in table:
            with self.subTest(words=words):
                url = self.gateway(status=STATUS, rules={"rules": rules}, drops={
                    "drops": [{"reason": k, "packets": v} for k, v in drops.items()]})
                found = [f["found"] for f in self.findings(level, url=url)]
                self.assertEqual(len(found), 1, found)
                self.assertIn(words, found[0])

    def test_usage(self):
        done = self.doctor()
        self.assertEqual((done.returncode, done.stdout), (2, ""))
        self.write("ctrl.yaml", "cluster: []\n")
        done = self.doctor()
        self.assertEqual((done.returncode, done.stdout), (2, ""))
        self.assertIn("ctrl.yaml:1: cluster", done.stderr)
        self.assertEqual(self.run_tidegate("doctor", "x").returncode, 2)


if __name__ == "__main__":
    unittest.main()
