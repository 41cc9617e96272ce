#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""What an API server answers, as text that is the same for two servers that behave the same.

conformance.py URL --state FILE [--cacert FILE] [--token TOKEN] PHASE

Phases, in this order: `before`; `after` what the first one left has been compacted away (and the
watch cache with it); `forbidden` by a user who may nothing; `custom` with the kind shelves.example.org/v1,
cluster-scoped. Numbers of revisions, uids and times are left out; status codes, content types,
messages, order of keys and of events are not.
"""
import argparse
import http.client
import json
import re
import ssl
import sys
import urllib.parse

NS = "/api/v1/namespaces/conformance"
PODS = NS + "/pods"
LEFT_OUT = {"managedFields", "selfLink", "generation"}


class Server:
    def __init__(self, options):
        self.url = urllib.parse.urlsplit(options.url)
        self.context = None
        if self.url.scheme == "https":
            self.context = ssl.create_default_context(cafile=options.cacert)
        self.token = options.token

    def open(self, method, path, body=None, accept="application/json", token=None):
        if self.context:
            link = http.client.HTTPSConnection(self.url.hostname, self.url.port, timeout=30, context=self.context)
        else:
            link = http.client.HTTPConnection(self.url.hostname, self.url.port, timeout=30)
        headers = {"Accept": accept, "User-Agent": "conformance"}
        token = token or self.token
        if token:
            headers["Authorization"] = "Bearer " + token
        if body is not None:
            merge = "merge-patch+" if method == "PATCH" else ""
            headers["Content-Type"] = f"application/{merge}json"
            body = json.dumps(body)
        link.request(method, path, body=body, headers=headers)
        return link.getresponse()

    def ask(self, method, path, body=None, **more):
        answer = self.open(method, path, body, **more)
        text = answer.read().decode()
        return answer, text

    def do(self, method, path, body=None):
        answer, text = self.ask(method, path, body)
        if answer.status >= 300:
            sys.exit(f"{method} {path}: {answer.status} {text}")
        return json.loads(text)

    def revision(self):
        return self.do("GET", PODS + "?limit=1")["metadata"]["resourceVersion"]


def plain(text):
    """Without what differs from run to run."""
    text = re.sub(r"(version: )\d+", r"\1N", text)
    text = re.sub(r"(current: )\d+", r"\1N", text)
    return re.sub(r"\(\d+\)", "(N)", text)


def keys(tree):
    return ",".join(k for k in tree if k not in LEFT_OUT)


def say_status(tree):
    metadata = "with a token" if "continue" in tree["metadata"] else "without token"
    print("   ", keys(tree), "|", tree["reason"] if "reason" in tree else None, tree["code"], metadata)
    print("   ", plain(tree["message"]))
    if "details" in tree:
        print("   ", plain(json.dumps(tree["details"])))


def say_list(tree):
    print("   ", tree["kind"], tree["apiVersion"], "|", keys(tree), "|", keys(tree["metadata"]))
    if "remainingItemCount" in tree["metadata"]:
        print("    remaining", tree["metadata"]["remainingItemCount"])
    for item in tree["items"]:
        print("   ", keys(item), "|", keys(item["metadata"]), "|", item["metadata"]["name"])


def show(server, what, method, path, body=None, **more):
    """One exchange; returns its tree."""
    answer, text = server.ask(method, path, body, **more)
    print(what)
    print("   ", answer.status, answer.reason, answer.getheader("Content-Type"))
    if answer.getheader("Retry-After"):
        print("    Retry-After", answer.getheader("Retry-After"))
    if answer.getheader("Content-Type") != "application/json":
        print("   ", text.strip())
        return None
    tree = json.loads(text)
    if tree.get("kind") == "Status" and tree["status"] == "Failure":
        say_status(tree)
    elif "items" in tree:
        say_list(tree)
    elif "metadata" in tree and "name" in tree["metadata"]:
        print("   ", keys(tree), "|", keys(tree["metadata"]), "|", tree["metadata"]["name"])
    return tree


def pod(name, app):
    return {"metadata": {"name": name, "labels": {"app": app}},
            "spec": {"containers": [{"name": "c", "image": "none"}]}}


def say_event(event, last):
    thing = event["object"]
    if event["type"] == "ERROR":
        print("    ERROR")
        say_status(thing)
        return last
    revision = int(thing["metadata"]["resourceVersion"])
    name = thing["metadata"].get("name", "")
    labels = json.dumps(thing["metadata"].get("labels", {}))
    order = "later" if revision > last else "not later"
    print("   ", event["type"], name, labels, order, "|", keys(event), "|", keys(thing), "|", keys(thing["metadata"]))
    return revision


def watch(server, what, query, n, act=None, path=PODS):
    """n events (0: until it ends) of a watch, after whose start `act` is done."""
    answer = server.open("GET", f"{path}?watch=true&{query}")
    print(what)
    print("   ", answer.status, answer.getheader("Content-Type"), answer.getheader("Transfer-Encoding"))
    if answer.status != 200:
        say_status(json.loads(answer.read()))
        return
    if act:
        act()
    last = seen = 0
    before_it = None
    while n == 0 or seen < n:
        line = answer.readline()
        if not line:
            print("    end")
            return
        event = json.loads(line)
        # How many bookmarks come in a row is a matter of time.
        if event["type"] != "BOOKMARK" or before_it != "BOOKMARK":
            last = say_event(event, last)
        before_it = event["type"]
        seen += 1
    answer.close()


def discovery(server):
    for path in ["/readyz", "/api/v1/nosuch", "/apis/none.example.org/v1", "/apis/none.example.org/v1/things",
                 "/apis/networking.k8s.io/v1/nosuch"]:
        show(server, path, "GET", path)
    tree = server.do("GET", "/version")
    print("/version", ",".join(tree))
    tree = server.do("GET", "/api")
    print("/api", ",".join(tree), tree["versions"])
    tree = server.do("GET", "/apis")
    print("/apis", ",".join(tree), ",".join(tree["groups"][0]))
    print(*[g["versions"][0] for g in tree["groups"] if g["name"] == "networking.k8s.io"])
    for path, name in [("/api/v1", "pods"), ("/api/v1", "nodes"), ("/apis/networking.k8s.io/v1", "networkpolicies")]:
        tree = server.do("GET", path)
        row = [r for r in tree["resources"] if r["name"] == name][0]
        print(path, ",".join(tree), tree["groupVersion"], name, row["kind"], row["namespaced"],
              {"list", "watch"} <= set(row["verbs"]))


def lists(server):
    show(server, "empty list", "GET", PODS + "?limit=5")
    for name in "abcde":
        show(server, "create", "POST", PODS, pod(name, "web"))
    show(server, "create again", "POST", PODS, pod("a", "web"))
    show(server, "one", "GET", PODS + "/a")
    show(server, "none", "GET", PODS + "/none")
    show(server, "no limit", "GET", PODS)
    tree = show(server, "first page", "GET", PODS + "?limit=2")
    revision, token = tree["metadata"]["resourceVersion"], tree["metadata"]["continue"]
    server.do("DELETE", PODS + "/d?gracePeriodSeconds=0")
    server.do("POST", PODS, pod("bb", "web"))
    page = show(server, "second page", "GET", f"{PODS}?limit=2&continue={token}")
    print("    of the same state:", page["metadata"]["resourceVersion"] == revision)
    show(server, "last page", "GET", f"{PODS}?limit=2&continue={page['metadata']['continue']}")
    show(server, "continue with a revision", "GET", f"{PODS}?limit=2&continue={token}&resourceVersion={revision}")
    answer, text = server.ask("GET", PODS + "?limit=2&continue=nonsense")
    print("nonsense token", answer.status, json.loads(text)["reason"], json.loads(text)["message"][:25])
    show(server, "by label", "GET", PODS + "?limit=2&labelSelector=app%20in%20(web),!gone")
    show(server, "by another label", "GET", PODS + "?limit=2&labelSelector=app%3Dapi")
    show(server, "by field", "GET", PODS + "?limit=5&fieldSelector=metadata.name%3Da")
    show(server, "metadata", "GET", PODS + "?limit=1",
         accept="application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1")
    return revision


def versions(server, revision):
    exact = "&resourceVersionMatch=Exact"
    tree = show(server, "exact", "GET", f"{PODS}?limit=9&resourceVersion={revision}{exact}")
    print("    that one:", tree["metadata"]["resourceVersion"] == revision)
    tree = show(server, "with a limit: exact", "GET", f"{PODS}?limit=9&resourceVersion={revision}")
    print("    that one:", tree["metadata"]["resourceVersion"] == revision)
    tree = show(server, "not older", "GET", f"{PODS}?limit=9&resourceVersion={revision}&resourceVersionMatch=NotOlderThan")
    print("    newer:", int(tree["metadata"]["resourceVersion"]) > int(revision))
    # In no order: it comes from a map.
    tree = server.do("GET", f"{PODS}?limit=1&resourceVersion=0")
    print("any, where limits do not count", keys(tree["metadata"]), sorted(p["metadata"]["name"] for p in tree["items"]))
    show(server, "future", "GET", f"{PODS}?resourceVersion=99999999")
    show(server, "exact future", "GET", f"{PODS}?limit=9&resourceVersion=99999999{exact}")
    show(server, "match without revision", "GET", f"{PODS}?limit=9{exact}")
    show(server, "exact any", "GET", f"{PODS}?limit=9&resourceVersion=0{exact}")
    show(server, "odd match", "GET", f"{PODS}?limit=9&resourceVersion=1&resourceVersionMatch=Perhaps")
    show(server, "watch with match", "GET", f"{PODS}?watch=true&resourceVersion={revision}{exact}")
    show(server, "watch-list", "GET",
         f"{PODS}?watch=true&sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true")


def watches(server):
    revision = server.revision()

    def act():
        server.do("POST", PODS, pod("x", "web"))
        server.do("PATCH", PODS + "/x", {"metadata": {"labels": {"app": "api"}}})
        server.do("PATCH", PODS + "/x/status", {"status": {"phase": "Running", "podIP": "192.0.2.7"}})
        server.do("PATCH", PODS + "/x", {"metadata": {"labels": {"app": "web"}}})
        server.do("DELETE", PODS + "/x?gracePeriodSeconds=0")

    watch(server, "all", f"resourceVersion={revision}&timeoutSeconds=60", 5, act)
    watch(server, "again", f"resourceVersion={revision}&timeoutSeconds=60", 5)
    watch(server, "by label", f"resourceVersion={revision}&labelSelector=app%3Dweb&timeoutSeconds=60", 4)
    watch(server, "by another", f"resourceVersion={revision}&labelSelector=app%3Dapi&timeoutSeconds=60", 2)
    watch(server, "with its end", f"resourceVersion={revision}&timeoutSeconds=1", 0)
    watch(server, "bookmark before its end",
          f"resourceVersion={server.revision()}&timeoutSeconds=8&allowWatchBookmarks=true", 0,
          lambda: server.do("PATCH", PODS + "/a", {"metadata": {"labels": {"again": "yes"}}}))
    watch(server, "metadata only of one", f"resourceVersion={revision}&fieldSelector=metadata.name%3Dx&timeoutSeconds=60", 5)
    show(server, "wrong token", "GET", PODS + "?limit=1", token="nonsense")


def before(server, state):
    server.do("POST", "/api/v1/namespaces", {"metadata": {"name": "conformance"}})
    discovery(server)
    old = lists(server)
    versions(server, old)
    watches(server)
    page = server.do("GET", PODS + "?limit=1")["metadata"]
    # What the compaction keeps is the newest revision.
    server.do("PATCH", PODS + "/b", {"metadata": {"labels": {"again": "yes"}}})
    state.update(old=old, token=page["continue"])


def after(server, state):
    show(server, "compacted exact", "GET", f"{PODS}?limit=2&resourceVersion={state['old']}&resourceVersionMatch=Exact")
    tree = show(server, "compacted token", "GET", f"{PODS}?limit=2&continue={state['token']}")
    show(server, "the rest", "GET", f"{PODS}?limit=2&continue={tree['metadata']['continue']}")
    watch(server, "compacted watch", f"resourceVersion={state['old']}&timeoutSeconds=60", 0)


def forbidden(server, state):
    show(server, "list", "GET", "/api/v1/pods?limit=1")
    show(server, "list in a namespace", "GET", PODS + "?limit=1")
    show(server, "watch", "GET", "/apis/networking.k8s.io/v1/networkpolicies?watch=true&resourceVersion=1")
    show(server, "get", "GET", PODS + "/a")


def custom(server, state):
    path = "/apis/example.org/v1/shelves"
    thing = {"apiVersion": "example.org/v1", "kind": "Shelf", "spec": {"n": 1}}
    revision = show(server, "custom list", "GET", path + "?limit=1")["metadata"]["resourceVersion"]
    for name in "ab":
        show(server, "custom create", "POST", path, thing | {"metadata": {"name": name, "labels": {"x": "y"}}})
    tree = show(server, "custom page", "GET", path + "?limit=1")
    show(server, "custom last page", "GET", f"{path}?limit=1&continue={tree['metadata']['continue']}")
    watch(server, "custom watch", f"resourceVersion={revision}&timeoutSeconds=60", 2, path=path)


def main():
    phases = {f.__name__: f for f in (before, after, forbidden, custom)}
    parser = argparse.ArgumentParser()
    parser.add_argument("url")
    parser.add_argument("--state", required=True)
    parser.add_argument("--cacert")
    parser.add_argument("--token")
    parser.add_argument("phase", choices=phases)
    options = parser.parse_args()
    state = {}
    if options.phase != "before":
        with open(options.state, encoding="utf-8") as f:
            state = json.load(f)
    phases[options.phase](Server(options), state)
    with open(options.state, "w", encoding="utf-8") as f:
        json.dump(state, f)


if __name__ == "__main__":
    main()
