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
        env = {k: v for k, v in os.environ.items() if not k.startswith("KUBERNETES_")}
        return subprocess.run([TIDEGATE, *arguments], capture_output=True, encoding="utf-8",
                              check=False, timeout=60, env=env)

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
OK    prod rbac: namespaces can be listed and watched: 1
OK    prod rbac: nodes can be listed and watched: 2
OK    prod rbac: services can be listed and watched: 1
OK    prod rbac: networkpolicies can be listed and watched: 0
OK    prod rbac: pods can be listed and watched: 2
OK    prod policy-kinds: the server has no policy kind that would not be enforced
OK    prod pod-ranges: 2 nodes and the configuration have 1 range
OK    prod pod-ranges: all 2 pods have addresses of the pod ranges
SKIP  prod tunnels: neither annotations of nodes nor Cilium's configuration name a tunnel; other plugins' are not seen from here
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

    def test_what_may_be_listed_and_not_watched(self):
        self.serve()
        self.kubeconfig()
        self.config(TUPLES)
        self.command("forbid watch pods")
        found = self.findings("fail")
        self.assertEqual(len(found), 1)
        self.assertIn('cannot watch resource "pods"', found[0]["found"])
        self.assertIn("verbs: [get, list, watch]", found[0]["todo"])

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

    def test_cilium(self):
        self.serve()
        self.kubeconfig()
        self.config(TUPLES)
        self.command("kind - v1 configmaps ConfigMap namespaced")
        self.put("configmaps", "kube-system", "cilium-config",
                 {"data": {"routing-mode": "tunnel", "tunnel-protocol": "geneve"}})
        found = self.findings("warn")
        self.assertEqual([f["check"] for f in found], ["tunnels"])
        self.assertIn("Geneve (Cilium)", found[0]["found"])
        self.put("configmaps", "kube-system", "cilium-config", {"data": {"routing-mode": "native"}})
        self.assertEqual(self.findings("warn"), [])
        self.command("forbid get configmaps")
        found = [f["found"] for f in self.findings("skip") if f["check"] == "tunnels"]
        self.assertIn("whether Cilium has tunnels is not known: HTTP status 403", found[0])

    def test_many_pods_come_in_pages(self):
        self.serve()
        self.kubeconfig()
        self.config(TUPLES)
        lines = [f"put pods shop many-{i} " + json.dumps(pod(f"10.244.{i % 2}.{i // 2 % 250}"))
                 for i in range(1200)]
        self.command("\n".join(lines))
        found = {f["found"] for f in self.findings("ok")}
        self.assertIn("pods can be listed and watched: 1202", found)
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

    def test_clusters_with_the_same_ranges(self):
        """Legal in zones of their own, and nowhere else."""
        self.serve()
        self.kubeconfig()
        both = "clusters:\n- {name: one, kubeconfig: kubeconfig}\n" \
               "- {name: two, kubeconfig: kubeconfig%s}\n"
        self.write("ctrl.yaml", both % "")
        self.assertEqual([(f["cluster"], f["found"]) for f in self.findings("fail")], [
            ("two", "10.244.0.0/23 overlaps with pod ranges of cluster one, in the same zone 0")])
        self.write("ctrl.yaml", both % ", zone: 7")
        self.assertEqual(self.findings("fail"), [])
        tuples = [f["todo"].split("\n")[1] for f in self.findings("warn")]
        self.assertEqual(tuples[2], "- {name: two-kube-api, zone: 7, from: nodes, to: 192.0.2.9, "
                                    "ports: 6443}")
        self.write("ctrl.yaml", both % ", zone: 7" + "infrastructure:\n" + "\n".join(tuples))
        self.assertEqual(self.findings("warn"), [])

    def test_no_server(self):
        self.server = NOBODY
        self.kubeconfig()
        self.config()
        found = self.findings("fail")
        self.assertEqual([f["check"] for f in found], ["server"])
        self.assertIn("is the server running", found[0]["todo"])

    def test_a_server_that_falls_silent(self):
        """It is not waited for a dozen times."""
        self.serve()
        self.kubeconfig()
        self.config(TUPLES)
        self.command("fault hang path=/api/v1/services forever")
        done = self.doctor("--timeout", "1", "-o", "json")
        self.assertEqual(done.returncode, 1)
        found = [f["found"] for f in json.loads(done.stdout)["findings"] if f["level"] == "fail"]
        self.assertRegex(found[0], "^services: .* within 1000 ms")
        self.assertEqual(found[1:], [f"{kind}: not asked: the server was silent before"
                                     for kind in ("networkpolicies", "pods")])
        # The version, a list and a watch of two kinds, and what it hangs at.
        self.assertEqual(len(self.command("requests").splitlines()), 6)
        self.assertEqual(self.doctor("--timeout", "0").returncode, 2)

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


class Init(Cluster):
    def setUp(self):
        super().setUp()
        self.out = os.path.join(self.folder, "out")
        os.mkdir(self.out)

    def init(self, *options):
        done = self.run_tidegate("init", "--kubeconfig", os.path.join(self.folder, "kubeconfig"),
                                 *options, self.out)
        return done, {name: self.read(os.path.join("out", name)) for name in os.listdir(self.out)}

    def corefile(self, text):
        self.command("kind - v1 configmaps ConfigMap namespaced")
        self.put("configmaps", "kube-system", "coredns", {"data": {"Corefile": text}})

    def keys(self, text):
        """What of a configuration is no comment, but for what `init` writes without a cluster."""
        usual = ("dataplane-socket", "state-directory", "http", "default-action", "transit")
        return [line for line in text.splitlines()
                if line and not line.startswith("#") and not line.startswith(usual)]

    def test_configuration(self):
        self.serve()
        self.kubeconfig()
        self.corefile(".:53 {\n  forward . 9.9.9.9 /etc/resolv.conf\n}\n")
        done, texts = self.init()
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.assertEqual(sorted(texts), ["allow-dns.yaml", "tidegate-ctrl.yaml",
                                         "tidegate-dataplane.yaml"])
        self.assertEqual(self.keys(texts["tidegate-ctrl.yaml"]), [
            "clusters:",
            "- name: cluster",
            f'  kubeconfig: "{self.folder}/kubeconfig"',
            'pod-ranges: ["10.244.0.0/23"]',
            "infrastructure:",
            "- {name: kube-api, from: nodes, to: 192.0.2.9, ports: 6443}  "
            "# nodes to the API server",
            "- {name: kubelet, from: 192.0.2.9, to: nodes, ports: 10250}  "
            "# the API server to kubelets",
            "- {name: dns, from: nodes, to: 9.9.9.9, protocol: UDP, ports: 53}  # nodes to DNS",
            "- {name: dns-tcp, from: nodes, to: 9.9.9.9, ports: 53}  # nodes to DNS by TCP"])
        self.assertIn("\ndefault-action: audit\n", texts["tidegate-ctrl.yaml"])
        self.assertIn("# DNS of the cluster: 10.96.0.10\n", texts["tidegate-ctrl.yaml"])
        self.assertIn(f"tidegate doctor -c {self.out}/tidegate-ctrl.yaml\n", done.stdout)
        self.assertEqual(self.command("wrongs"), "")
        # The doctor finds nothing missing in it.
        os.rename(os.path.join(self.out, "tidegate-ctrl.yaml"),
                  os.path.join(self.folder, "ctrl.yaml"))
        self.assertEqual(self.findings("warn"), [])

    def test_dns_policy(self):
        """By the compiler that enforces: who reaches whom once it is applied."""
        self.serve()
        self.kubeconfig()
        self.corefile("forward . 9.9.9.9\n")
        _, texts = self.init()
        manifests = os.path.join(self.folder, "manifests")
        os.mkdir(manifests)
        policies = texts["allow-dns.yaml"]
        template = policies[policies.index("# ---"):].replace("\n# ", "\n").replace("# ---", "---")
        self.write("manifests/policies.yaml",
                   policies + "\n" + template.replace("NAMESPACE", "shop"))
        self.write("manifests/pods.yaml", """apiVersion: v1
kind: Pod
metadata: {name: dns, namespace: kube-system, labels: {k8s-app: kube-dns}}
status: {podIP: 10.244.0.53}
---
apiVersion: v1
kind: Pod
metadata: {name: web, namespace: shop}
status: {podIP: 10.244.0.5}
""")
        for src, dst, port, code in (("shop/web", "kube-system/dns", "UDP 53", 0),
                                     ("shop/web", "kube-system/dns", "TCP 53", 0),
                                     ("shop/web", "kube-system/dns", "UDP 54", 1),
                                     ("shop/web", "9.9.9.9", "UDP 53", 1),
                                     ("kube-system/dns", "9.9.9.9", "UDP 53", 0),
                                     ("kube-system/dns", "192.0.2.9", "TCP 6443", 0),
                                     ("kube-system/dns", "8.8.8.8", "UDP 53", 1)):
            with self.subTest(src=src, dst=dst, port=port):
                done = self.run_tidegate("explain", manifests, src, dst, *port.split())
                self.assertEqual(done.returncode, code, done.stdout + done.stderr)

    def test_what_is_not_known(self):
        """A comment says what, and why; nothing is guessed."""
        self.serve()
        self.kubeconfig()
        for resource in ("nodes", "endpointslices", "configmaps"):
            self.command(f"forbid list {resource}")
        done, texts = self.init()
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(len(self.keys(texts["tidegate-ctrl.yaml"])), 3)
        text = texts["tidegate-ctrl.yaml"]
        for words in ("# they could not be read: HTTP status 403 Forbidden: nodes is forbidden",
                      "# Where the API servers are is not known: HTTP status 403",
                      "# Nodes' DNS servers are not known: "):
            self.assertIn(words, text)
        self.assertIn("policyTypes: [Ingress]\n", texts["allow-dns.yaml"])

    def test_many_ranges(self):
        """They count anyway: above 64 they are left to the Nodes."""
        self.serve()
        self.kubeconfig()
        for i in range(63):
            self.put("nodes", "-", f"far-{i}", node(f"192.0.3.{i}", f"10.{i}.0.0/24"))
        key = "\npod-ranges: ["
        self.assertIn(key, self.init()[1]["tidegate-ctrl.yaml"])
        self.put("nodes", "-", "one-more", node("192.0.3.99", "10.99.0.0/24"))
        text = self.init("--force")[1]["tidegate-ctrl.yaml"]
        self.assertNotIn(key, text)
        self.assertIn("# 65 ranges of 66 nodes.\n", text)

    def test_without_dns(self):
        self.serve()
        self.kubeconfig()
        self.command("delete services kube-system kube-dns")
        done, texts = self.init()
        self.assertEqual((done.returncode, len(texts)), (0, 2))
        self.assertIn("no Service in kube-system has the label", texts["tidegate-ctrl.yaml"])

    def test_tunnels(self):
        """Their ends in the pod ranges are nodes'; a tuple for them is not proposed."""
        self.serve()
        self.kubeconfig()
        for name, end in (("n3", "10.244.2.1"), ("n4", "172.16.0.1")):
            self.put("nodes", "-", name, node("192.0.2.3", "10.244.2.0/24", **{
                "projectcalico.org/IPv4VXLANTunnelAddr": end}))
        text = self.init()[1]["tidegate-ctrl.yaml"]
        self.assertIn('\nnode-addresses: ["10.244.2.1"]\n', text)
        self.assertIn('\npod-ranges: ["10.244.0.0/23", "10.244.2.0/24"]\n', text)
        self.assertIn("pods' packets travel in a tunnel, VXLAN (Calico)", text)
        self.assertNotIn("4789", text)

    def test_a_server_cannot_write_configuration(self):
        self.serve()
        self.kubeconfig()
        self.command("fault status status=200 path=/version forever type=application/json "
                     "body=%7B%22gitVersion%22:%22v1%5Cntransit:%20allow%5Cu001b[1m%22%7D")
        text = self.init()[1]["tidegate-ctrl.yaml"]
        self.assertIn(", v1?transit: allow?[1m.\n", text)

    def test_refused(self):
        """A cluster that does not answer, options that do not go together: nothing is written."""
        self.serve()
        self.kubeconfig(user="token: WRONG")
        table = [(self.run_tidegate("init", "--in-cluster", self.out), "this is no pod"),
                 (self.init()[0], "401 Unauthorized"),
                 (self.init("--context", "none")[0], "none"),
                 (self.init("--in-cluster")[0], "--kubeconfig or --in-cluster"),
                 (self.run_tidegate("init", "--context", "a", self.out), "--kubeconfig with"),
                 (self.run_tidegate("init", "--kubeconfig", "/none", self.out), "/none: No such")]
        self.kubeconfig(server=NOBODY)
        table.append((self.init()[0], "nothing was written"))
        for done, words in table:
            self.assertEqual((done.returncode, done.stdout), (2, ""))
            self.assertIn(words, done.stderr)
            self.assertNotIn("WRONG", done.stderr)
        self.assertEqual(os.listdir(self.out), [])

    def test_json_and_force(self):
        self.serve()
        self.kubeconfig()
        kept = self.write("out/allow-dns.yaml", "mine\n")
        done, texts = self.init()
        self.assertEqual((done.returncode, texts), (2, {"allow-dns.yaml": "mine\n"}))
        done, texts = self.init("--force", "-o", "json")
        self.assertEqual(json.loads(done.stdout)["dns"], kept)
        self.assertNotEqual(texts["allow-dns.yaml"], "mine\n")


if __name__ == "__main__":
    unittest.main()
