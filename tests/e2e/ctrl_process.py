#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""The control process and the dataplane as processes, without packets: what reaches the dataplane
when files change, are wrong or vanish, and when either process is killed and comes back."""
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request

BUILD = os.environ.get("TIDEGATE_BUILD", "build")
TIMEOUT = 30

POD = """apiVersion: v1
kind: Pod
metadata: {{namespace: shop, name: {name}, labels: {{app: {app}}}}}
status: {{podIP: {ip}}}
"""
POLICY = """apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {{namespace: shop, name: {name}}}
spec:
  podSelector: {{matchLabels: {{app: web}}}}
  ingress: [{{from: [{{podSelector: {{matchLabels: {{app: api}}}}}}], ports: [{{port: {port}}}]}}]
"""


def wait(what, condition):
    """Until the condition holds; what it gives."""
    deadline = time.monotonic() + TIMEOUT
    while time.monotonic() < deadline:
        try:
            got = condition()
        except (OSError, KeyError, urllib.error.URLError):
            got = None
        if got:
            return got
        time.sleep(0.01)
    raise AssertionError(f"never came: {what}")


class Gateway:
    def __init__(self, directory):
        self.dir = directory
        self.manifests = os.path.join(directory, "manifests")
        self.state = os.path.join(directory, "state")
        self.port = None
        self.ctrl = self.dataplane = None
        os.mkdir(self.manifests)
        os.mkdir(self.state)
        self.put("../dataplane.yaml", f"""
socket: {directory}/dataplane.sock
state-directory: {self.state}
eal: {{huge-pages: false, memory: 256}}
connections: {{ipv4: 1024, ipv6: 1024}}
ports:
  - {{name: a, device: net_null0, side: inside}}
  - {{name: b, device: net_null1, side: outside}}
wires: [{{ports: [a, b]}}]
""")
        self.put("../ctrl.yaml", """
manifests: manifests
dataplane-socket: dataplane.sock
state-directory: state
http: {listen: 127.0.0.1:0}
pod-ranges: [10.0.0.0/8]
log-level: debug
""")

    def put(self, name, text):
        """Writes a file the way that kubectl and editors do: beside it, then renamed."""
        path = os.path.join(self.manifests, name)
        with open(path + ".tmp", "w", encoding="utf-8") as f:
            f.write(text)
        os.rename(path + ".tmp", path)

    def link(self, name, to):
        path = os.path.join(self.manifests, name)
        os.symlink(to, path + ".tmp")
        os.rename(path + ".tmp", path)

    def remove(self, name):
        os.unlink(os.path.join(self.manifests, name))

    def spawn(self, program, log, config):
        with open(os.path.join(self.dir, log), "ab") as out:
            return subprocess.Popen([os.path.join(BUILD, program), "-c",
                                     os.path.join(self.dir, config)],
                                    stdout=out, stderr=subprocess.STDOUT)

    def log(self, name):
        with open(os.path.join(self.dir, name), encoding="utf-8", errors="replace") as f:
            return f.read()

    def start_dataplane(self):
        self.dataplane = self.spawn("dataplane/tidegate-dataplane", "dataplane.log",
                                    "dataplane.yaml")

    def start_ctrl(self):
        path = os.path.join(self.dir, "ctrl.log")
        before = os.path.getsize(path) if os.path.exists(path) else 0
        self.ctrl = self.spawn("ctrl/tidegate-ctrl", "ctrl.log", "ctrl.yaml")
        found = wait("the HTTP port", lambda: re.search(
            r"metrics and status on 127\.0\.0\.1 port (\d+)", self.log("ctrl.log")[before:]))
        self.port = int(found.group(1))

    def stop_all(self):
        for process in (self.ctrl, self.dataplane):
            if process is not None and process.poll() is None:
                process.kill()
                process.wait()

    def get(self, path):
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}", timeout=10) as answer:
            return answer.read()

    def tidegate(self, command):
        return subprocess.run([os.path.join(BUILD, "ctrl/cli/tidegate"), command, "--url",
                               f"http://127.0.0.1:{self.port}"], stdout=subprocess.PIPE,
                              check=False).stdout.decode()

    def status(self):
        return json.loads(self.get("/v1/status"))

    def metric(self, name):
        """The sum of a metric's samples; None when there is none."""
        values = [float(line.rsplit(" ", 1)[1])
                  for line in self.get("/metrics").decode().splitlines()
                  if line.startswith(name)]
        return sum(values) if values else None

    def ready(self):
        try:
            return self.get("/readyz") == b"ready\n"
        except urllib.error.HTTPError as e:
            assert e.code == 503
            return False

    def wait_ready(self):
        wait("readiness", self.ready)

    def generation(self):
        return self.status()["generation"]["applied"]

    def newer_than(self, generation):
        wait(f"a generation after {generation}",
             lambda: self.generation() > generation and self.ready())
        return self.generation()

    def rulesets(self):
        """Rulesets that this control process has sent, whatever became of them."""
        return self.metric('tidegate_pushes_total{kind="ruleset"')


def check(what, condition):
    if not condition:
        raise AssertionError(what)
    print(f"ok: {what}")


def refused_at_start(g):
    """Nothing is pushed before everything could be read."""
    g.put("pods.yaml", POD.format(name="web", app="web", ip="10.0.0.1") + "---\n" +
          POD.format(name="api", app="api", ip="10.0.0.2"))
    g.put("policy.yaml", "kind: NetworkPolicy\n  broken\n")
    g.start_dataplane()
    g.start_ctrl()
    wait("the connection", lambda: g.status()["dataplane"]["connected"])
    wait("the error", lambda: g.status()["sources"]["errors"])
    check("with a refused file at the start nothing is pushed",
          g.status()["generation"] == {"desired": 0, "applied": 0, "delta_sequence": 0,
                                       "pending_deltas": 0, "epoch": 0}
          and not g.ready() and g.rulesets() == 0)
    g.link("policy.yaml", "policy.yaml")
    wait("the link", lambda: "symbolic links" in g.status()["sources"]["errors"][0]["text"])
    g.link("team", "nowhere")
    wait("the other link", lambda: g.status()["sources"]["n_errors"] == 2)
    g.put("policy.yaml", POLICY.format(name="web", port=80))
    wait("the file", lambda: g.status()["sources"]["n_errors"] == 1)
    check("nor with links that lead in circles or nowhere", g.rulesets() == 0 and not g.ready())
    g.remove("team")
    g.wait_ready()
    check("once it is put right it is enforced", g.generation() >= 1 and g.rulesets() == 1)


def together(g, generation):
    """A folder with a pod and a policy comes in one step, and goes in another."""
    def entries():
        return g.metric("tidegate_delta_entries_total")
    before = entries()
    folder = os.path.join(g.manifests, "team")
    os.mkdir(g.dir + "/team")
    for name, text in (("pod.yaml", POD.format(name="extra", app="api", ip="10.0.0.4")),
                       ("policy.yaml", POLICY.format(name="extra", port=9090))):
        with open(f"{g.dir}/team/{name}", "w", encoding="utf-8") as f:
            f.write(text)
    os.rename(g.dir + "/team", folder)
    generation = g.newer_than(generation)
    check("a pod that comes together with a policy is a delta as well", entries() == before + 1)
    os.rename(folder, g.dir + "/team")
    generation = g.newer_than(generation)
    check("as is one that goes", entries() == before + 2)
    return generation


def changes(g):
    generation = g.generation()
    g.put("new.yaml", POD.format(name="new", app="api", ip="10.0.0.3"))
    wait("the delta", lambda: g.status()["generation"]["delta_sequence"] == 1)
    check("a pod of a known kind is a delta", g.generation() == generation and g.rulesets() == 1)
    g.remove("new.yaml")
    wait("the second delta", lambda: g.status()["generation"]["delta_sequence"] == 2)
    g.put("odd.yaml", POD.format(name="odd", app="web", ip="10.0.0.2"))
    generation = g.newer_than(generation)
    check("two pods with one address are compiled and reported",
          g.metric('tidegate_compile_warnings{warning="address-conflict"}') == 1)
    g.remove("odd.yaml")
    generation = g.newer_than(generation)
    g.put("policy.yaml", POLICY.format(name="web", port=8080))
    generation = g.newer_than(generation)
    rules = json.loads(g.get("/v1/rules"))["rules"]
    check("an edited policy is in force, and its rules are listed",
          any("8080" in r["text"] and r["packets"] == 0 for r in rules))
    generation = together(g, generation)
    pushed = g.rulesets()
    g.put("policy.yaml", "# a comment\n" + POLICY.format(name="web", port=8080))
    wait("the file to be read", lambda: "policy.yaml was read" in g.log("ctrl.log").split("in force")[-1])
    check("a comment changes nothing", g.rulesets() == pushed and g.generation() == generation)
    image = g.get("/v1/ruleset")
    check("the image in force is served", image[:8] == b"TGRULES1" and
          int.from_bytes(image[32:40], "little") == generation)


def mistakes(g):
    generation = g.generation()
    g.put("policy.yaml", POLICY.format(name="web", port="[]"))
    wait("the refusal", lambda: g.metric("tidegate_source_files_refused") == 1)
    errors = g.status()["sources"]["errors"]
    check("a file that does not parse is reported with its place",
          len(errors) == 1 and errors[0]["place"].endswith("policy.yaml:6")
          and "port" in errors[0]["text"])
    check("and what it said before stays in force", g.generation() == generation and g.ready())
    g.put("other.yaml", POLICY.format(name="other", port=443))
    generation = g.newer_than(generation)
    check("other files go on counting", g.metric("tidegate_source_files_refused") == 1)
    g.put("policy.yaml", POLICY.format(name="web", port=81))
    generation = g.newer_than(generation)
    check("the file counts again", g.metric("tidegate_source_errors") == 0)
    g.link("policy.yaml", "policy.yaml")
    wait("the refusal", lambda: g.metric("tidegate_source_files_refused") == 1)
    check("a file that a link to itself replaces is no file that was removed",
          g.status()["objects"]["policies"] == 2 and g.generation() == generation
          and "policy.yaml is refused; what it said before" in g.log("ctrl.log"))
    g.put("policy.yaml", POLICY.format(name="web", port=81))
    wait("the file", lambda: g.metric("tidegate_source_errors") == 0)
    g.put("cilium.yaml", "apiVersion: cilium.io/v2\nkind: CiliumNetworkPolicy\n"
          "metadata: {namespace: shop, name: l7}\n")
    wait("the policy kind", lambda: g.status()["sources"]["n_not_enforced"] == 1)
    check("a policy kind that is not enforced is said loudly",
          "NOT ENFORCED: cilium.io/v2 CiliumNetworkPolicy shop/l7" in g.log("ctrl.log") and
          g.metric("tidegate_policies_not_enforced{") == 1)
    os.rename(g.manifests, g.manifests + ".away")
    wait("the missing folder", lambda: g.status()["sources"]["n_errors"] == 1)
    check("a missing folder removes nothing",
          g.status()["objects"]["policies"] == 2 and g.generation() == generation)
    os.rename(g.manifests + ".away", g.manifests)
    wait("the folder", lambda: g.status()["sources"]["n_errors"] == 0)


def ctrl_killed(g):
    before = g.generation()
    g.ctrl.kill()
    g.ctrl.wait()
    g.start_ctrl()
    g.wait_ready()
    check("a restarted control process finds its ruleset in force and pushes nothing",
          g.generation() == before and g.rulesets() == 0)
    g.ctrl.kill()
    g.ctrl.wait()
    g.put("other.yaml", POLICY.format(name="other", port=444))
    g.start_ctrl()
    after = g.newer_than(before)
    g.ctrl.kill()
    g.ctrl.wait()
    for name in os.listdir(g.state):
        if name.startswith("ruleset-"):
            os.unlink(os.path.join(g.state, name))
    g.start_ctrl()
    check("without its state it asks the dataplane where generations are",
          g.newer_than(after) > after)
    g.put("late.yaml", POD.format(name="late", app="api", ip="10.0.0.9"))
    wait("the delta", lambda: g.metric("tidegate_delta_entries_total") == 1)
    before = g.generation()
    g.ctrl.kill()
    g.ctrl.wait()
    g.start_ctrl()
    check("deltas of the last run become part of a new generation", g.newer_than(before) > before)


def held_after_restart(g):
    """What is in force is shown for what it is while the sources keep the process from desiring."""
    before, rules = g.status(), g.get("/v1/rules")
    g.ctrl.kill()
    g.ctrl.wait()
    g.put("policy.yaml", "kind: NetworkPolicy\n  broken\n")
    g.start_ctrl()
    wait("the connection", lambda: g.status()["dataplane"]["connected"])
    wait("the error", lambda: g.status()["sources"]["errors"])
    now = g.status()
    check("while it holds back, status says what the dataplane enforces",
          not now["ready"] and now["generation"]["desired"] == 0
          and now["generation"]["applied"] == before["generation"]["applied"]
          and now["ruleset"]["rules"] == before["ruleset"]["rules"] > 0
          and g.metric('tidegate_ruleset_generation{state="applied"}')
          == before["generation"]["applied"]
          and g.metric('tidegate_ruleset_generation{state="desired"}') == 0)
    check("with its rules by name, from the archive", g.get("/v1/rules") == rules)
    check("and the command says why nothing is desired",
          f"generation {now['generation']['applied']} in force, none desired: sources not read"
          in g.tidegate("status"))
    g.ctrl.kill()
    g.ctrl.wait()
    kept = g.state + ".kept"
    os.mkdir(kept)
    for name in os.listdir(g.state):
        if name.startswith("ruleset-"):
            os.rename(os.path.join(g.state, name), os.path.join(kept, name))
    g.start_ctrl()
    wait("the generation", lambda: g.generation() == before["generation"]["applied"])
    now = g.status()
    check("without the archive the generation is known, and no rules are made up",
          now["ruleset"]["rules"] == 0 and now["generation"]["desired"] == 0 and
          not any(r["kind"] != "builtin" for r in json.loads(g.get("/v1/rules"))["rules"]))
    g.ctrl.kill()
    g.ctrl.wait()
    for name in os.listdir(kept):
        os.rename(os.path.join(kept, name), os.path.join(g.state, name))
    g.put("policy.yaml", POLICY.format(name="web", port=81))
    g.start_ctrl()
    g.wait_ready()
    check("put right, it says the same of what is in force",
          json.loads(g.get("/v1/rules"))["rules"] == json.loads(rules)["rules"])


def dataplane_killed(g):
    before = g.generation()
    g.dataplane.kill()
    g.dataplane.wait()
    wait("its absence", lambda: g.metric("tidegate_dataplane_up") == 0)
    check("counters of a dead dataplane are not made up",
          g.metric("tidegate_rule_packets_total") is None and not g.ready() and
          g.status()["generation"]["applied"] == 0)
    g.put("policy.yaml", POLICY.format(name="web", port=82))
    wait("the compilation", lambda: g.status()["generation"]["desired"] > before)
    g.start_dataplane()
    after = g.newer_than(before)
    check("it gets what has changed meanwhile", after > before)
    sequence = g.status()["generation"]["delta_sequence"]
    g.put("fresh.yaml", POD.format(name="fresh", app="api", ip="10.0.0.10"))
    wait("the delta", lambda: g.status()["generation"]["delta_sequence"] > sequence)
    pushed, rulesets = g.status()["generation"], g.rulesets()
    g.dataplane.kill()
    g.dataplane.wait()
    wait("its absence", lambda: g.metric("tidegate_dataplane_up") == 0)
    g.start_dataplane()
    g.wait_ready()
    now = g.status()["generation"]
    check("back from its checkpoint, deltas included, it needs nothing",
          g.rulesets() == rulesets and (now["applied"], now["delta_sequence"]) ==
          (pushed["applied"], pushed["delta_sequence"]))
    g.dataplane.kill()
    g.dataplane.wait()
    os.unlink(os.path.join(g.state, "dataplane.checkpoint"))
    wait("its absence", lambda: g.metric("tidegate_dataplane_up") == 0)
    g.start_dataplane()
    g.wait_ready()
    check("without its checkpoint it gets the ruleset again", g.rulesets() == rulesets + 1)


def judged(g, source):
    """What the ruleset in force, without its deltas, says about `source` to the web pod's port."""
    out = subprocess.run([os.path.join(BUILD, "ctrl/cli/tidegate"), "explain", "--live", "-o", "json",
                          "--url", f"http://127.0.0.1:{g.port}", source, "10.0.0.1", "TCP", "82"],
                         stdout=subprocess.PIPE, check=False)
    return json.loads(out.stdout)["ingress"]["verdict"]


def rule_slots(g):
    """Of the rules of policies: which policies deny together may change."""
    return {(r["policy"], r["text"]): r["slot"] for r in json.loads(g.get("/v1/rules"))["rules"]
            if "index" in r}


def churn(g):
    """Pods with names and labels of their own until their strings are swept: nothing else notices."""
    pods, labels = 1500, 200
    before, rulesets, slots = g.status()["generation"], g.rulesets(), rule_slots(g)
    strings = g.metric("tidegate_source_strings")
    entries = g.metric("tidegate_delta_entries_total")
    peak = turn = 0
    while g.metric('tidegate_source_string_sweeps_total{result="succeeded"}') == 0:
        turn += 1
        assert turn < 12, "strings are never swept"
        sequence = g.status()["generation"]["delta_sequence"]
        lines = [f"shop/probe-{turn} 10.0.2.{turn} app=api,pod-template-hash=h{turn}"]
        for i in range(pods):
            own = ",".join(f"k{k}=v{turn}-{i}-{k}" for k in range(labels))
            lines.append(f"shop/job-{turn}-{i} - app=api,{own}")
        g.put("churn.endpoints", "\n".join(lines) + "\n")
        wait("the deltas", lambda: g.status()["generation"]["delta_sequence"] > sequence and
             g.status()["generation"]["pending_deltas"] == 0)
        peak = max(peak, g.metric("tidegate_source_strings"))
        assert judged(g, "10.0.0.2") == "allow" and judged(g, "10.0.9.9") == "deny"
    left = g.metric("tidegate_source_strings")
    check(f"strings of pods that are gone are swept: {strings:.0f}, {peak:.0f}, {left:.0f}",
          peak > 2 * pods * labels and left < strings + pods * (labels + 2) + 1000)
    check("for which nothing is compiled or pushed", g.rulesets() == rulesets and
          g.status()["generation"]["applied"] == before["applied"] and rule_slots(g) == slots)
    check("one address came and one went each time",
          g.metric("tidegate_delta_entries_total") == entries + 2 * turn - 1)
    generation = g.generation()
    g.remove("churn.endpoints")
    g.put("swept.yaml", POD.format(name="swept", app="api", ip="10.0.0.20") + "---\n" +
          POD.format(name="other", app="k1", ip="10.0.0.21") + "---\n" +
          POLICY.format(name="swept", port=83))
    g.newer_than(generation)
    check("what comes later is judged as ever",
          [judged(g, f"10.0.0.{i}") for i in (2, 20, 21)] == ["allow", "allow", "deny"])
    check("and rules keep their slots", len(slots) >= 2 and slots.items() <= rule_slots(g).items())


def documented(g):
    page = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../docs/operations.md")
    with open(page, encoding="utf-8") as f:
        rows = set(re.findall(r"^\| `(tidegate_\w+)` \| (\w+) \|", f.read(), re.M))
    served = set(re.findall(r"^# TYPE (\S+) (\S+)$", g.get("/metrics").decode(), re.M))
    # With a NIC that offloads, with an API server.
    optional = {row for row in rows if row[0].startswith(("tidegate_offload_", "tidegate_cluster_"))}
    check(f"docs/operations.md lists the metrics that there are {rows ^ served}",
          rows - optional == served - optional)


def end(g):
    documented(g)
    if shutil.which("promtool"):
        lint = subprocess.run(["promtool", "check", "metrics"], input=g.get("/metrics"),
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
        check(f"promtool has no complaint {lint.stdout.decode()}", lint.returncode == 0)
    first = g.ctrl, g.port
    g.start_ctrl()
    wait("the refusal", lambda: "refused" in g.status()["dataplane"]["error"])
    check("a second control process is kept out", not g.ready())
    g.ctrl.send_signal(signal.SIGTERM)
    check("and stops when told to", g.ctrl.wait(TIMEOUT) == 0)
    g.ctrl, g.port = first
    check("the first one has noticed nothing", g.ready())
    g.ctrl.send_signal(signal.SIGHUP)
    wait("the rescan", lambda: g.metric("tidegate_source_rescans_total") >= 1)
    g.ctrl.send_signal(signal.SIGTERM)
    check("the control process stops cleanly", g.ctrl.wait(TIMEOUT) == 0)
    check("and the dataplane goes on", g.dataplane.poll() is None)
    g.dataplane.send_signal(signal.SIGTERM)
    check("until it is stopped", g.dataplane.wait(TIMEOUT) == 0)
    check("no sanitizer complained",
          "runtime error" not in g.log("ctrl.log") + g.log("dataplane.log"))


def main():
    if os.getuid() != 0:
        print("skipped: the dataplane needs root")
        return 77
    directory = tempfile.mkdtemp(prefix=f"tidegate-ctrl-{os.getpid()}-")
    g = Gateway(directory)
    try:
        for scene in (refused_at_start, changes, mistakes, ctrl_killed, held_after_restart,
                      dataplane_killed, churn, end):
            scene(g)
    except BaseException:
        for name in ("ctrl.log", "dataplane.log"):
            print(f"--- {name}")
            print("\n".join(g.log(name).splitlines()[-60:]))
        raise
    finally:
        g.stop_all()
        shutil.rmtree(directory)
    return 0


sys.exit(main())
