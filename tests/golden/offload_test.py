#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""`tidegate offload` against a dataplane made of one canned report.

usage: offload_test.py TIDEGATE
"""
import fcntl
import ipaddress
import json
import os
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import unittest

TIDEGATE = sys.argv.pop(1)
MAGIC = 0x54474350
HELLO, STATE, NAK, GET, REPORT = 1, 2, 7, 9, 10
HEADER = struct.Struct("<IHHII")
GET_BODY = struct.Struct("<II16s16sHHBBH")
KINDS = 12
REASONS = {"full": 6, "idle": 11, "recalled": 12}
OFF, NOTHING, ON = 0, 1, 2


def header(kind, size, txn):
    return HEADER.pack(MAGIC, kind, 0, size, txn)


def tuple_of(src, dst, sport, dport, protocol=6):
    ends = [ipaddress.ip_address(end).packed for end in (src, dst)]
    return struct.pack("<16s16sHHHBB", *ends, sport, dport, 0, protocol, 4 if len(ends[0]) == 4 else 6)


def port(name, profile="", wire="", flags=3, hold_off=0, hardware=(), why="not listed", placed=(0, "")):
    kinds = b"".join(struct.pack("<II256s", k in hardware, 0, b"" if k in hardware or wire and k < 4
                                 else why.encode()) for k in range(KINDS))
    return struct.pack("<32s32sIIII256s", name.encode(), profile.encode(), flags, hold_off, 1500, 0,
                       wire.encode()) + struct.pack("<II256s", placed[0], 0, placed[1].encode()) + kinds


def rule(ends, kind=0, state=2, why=0, drop=0, counts=(40, 2, 4000, 200)):
    return ends + struct.pack("<BBBBHHIIII4Q", kind, state, why, drop, 0, 1, 3, 12345, 100, 1500, *counts)


def left(ends, why, given=0, age=2500, times=4):
    return ends + struct.pack("<BBBBHHII", 0, REASONS[why], given, 0, 0, 1, age, times)


def report(state, ports=(), rules=(), lefts=(), flags=0):
    counts = [0] * 48
    if state == ON:
        counts[:16] = 1, 1, 20, 3, 64, 1000, 5000, 90, 60, 120, 80, 4, 7000, 500, 99000, 5
        counts[16 + REASONS["full"]] = 7
    parts = b"".join([*ports, *rules, *lefts])
    size = 448 + len(parts)
    return struct.pack("<QIIQQIIIII12x48Q", 0x504552464f4754, 3, state, size, 1700000000000, len(ports),
                       len(rules), len(lefts), flags, 10000, *counts) + parts


def sealed(data, seals=0xf):
    fd = os.memfd_create("report", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
    os.write(fd, data)
    fcntl.fcntl(fd, fcntl.F_ADD_SEALS, seals)
    return fd


PORTS = [port("pods", "mlx5-cx6dx", hardware=(0, 1, 2, 3, 4), placed=(2, "udp6 is placed by none")),
         port("world", "mlx5-cx6dx", hardware=(0, 1, 2, 3), flags=2, hold_off=640, placed=(3, ""))]
CONN = tuple_of("10.0.0.1", "10.0.0.2", 4000, 80)
CONN6 = tuple_of("fd00::1", "fd00::2", 4000, 443)
DENIAL = tuple_of("10.0.0.9", "10.0.0.2", 0, 22)


class Dataplane(threading.Thread):
    """Answers one session: STATE to HELLO, then what it was given to OFFLOAD_GET."""

    def __init__(self, path, answer):
        super().__init__()
        self.listener = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.listener.bind(path)
        self.listener.listen()
        self.answer, self.asked = answer, None
        self.start()

    def run(self):
        peer, _ = self.listener.accept()
        with peer, self.listener:
            hello = peer.recv(65536)
            txn = HEADER.unpack_from(hello)[4]
            peer.send(header(STATE, 80, txn) + struct.pack("<HHI", 1, 2, 0) + bytes(56))
            peer.send(header(8, 80, 0) + struct.pack("<HHI", 1, 2, 0) + bytes(56)) # EVENT_STATE
            get = peer.recv(65536)
            if get:
                self.asked = GET_BODY.unpack_from(get, HEADER.size)
                self.answer(peer, HEADER.unpack_from(get)[4])


def reported(data, size=None, seals=0xf):
    def send(peer, txn):
        fd = sealed(data, seals)
        socket.send_fds(peer, [header(REPORT, 24, txn) + struct.pack("<Q", size or len(data))], [fd])
        os.close(fd)
    return send


def refused(error, text):
    def send(peer, txn):
        peer.send(header(NAK, 296, txn) + struct.pack("<QQII256s", 0, 0, error, 0xffffffff, text))
    return send


class Offload(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)
        self.path = os.path.join(self.folder.name, "socket")

    def ask(self, answer, *arguments):
        dataplane = Dataplane(self.path, answer)
        done = subprocess.run([TIDEGATE, "offload", *arguments, "--socket", self.path],
                              capture_output=True, encoding="utf-8", check=False, timeout=60)
        dataplane.join(60)
        os.unlink(self.path)
        self.asked = dataplane.asked
        return done

    def both(self, data, *arguments):
        text, tree = self.ask(reported(data), *arguments), self.ask(reported(data), *arguments, "-o", "json")
        self.assertEqual((text.stderr, tree.stderr), ("", ""))
        self.assertEqual(text.returncode, tree.returncode)
        return text.returncode, text.stdout, json.loads(tree.stdout)

    def test_status(self):
        code, text, tree = self.both(report(ON, PORTS), "status")
        self.assertEqual(code, 0)
        self.assertEqual([(p["placement"], p["placement_why"]) for p in tree["ports"]],
                         [("trusted", "udp6 is placed by none"), ("wrong", "")])
        for line in ("pods: NIC profile mlx5-cx6dx\n",
                     "  trusted  where the NIC places packets: believed; udp6 is placed by none\n",
                     "  wrong  where the NIC places packets: not believed: it was found to place packets elsewhere\n",
                     "  hardware  TCP over IPv4, UDP over IPv4, TCP over IPv6, UDP over IPv6, "
                     "denied TCP over IPv4\n",
                     "  software  denied UDP over IPv4, denied TCP over IPv6, denied UDP over IPv6, "
                     "marked TCP over IPv4, marked UDP over IPv4, marked TCP over IPv6, "
                     "marked UDP over IPv6: not listed\n",
                     "world: NIC profile mlx5-cx6dx, link down, the driver is not asked for 0.6 s\n",
                     "entries   20 active (5 of them marks), 1 installing, 3 draining, of 64\n",
                     "offers    90 from 1000 packets in a pass of the sweep, 60 taken\n",
                     "rules     120 inserted, 80 removed, 4 failed\n",
                     "packets   7000 forwarded, 500 dropped, 99000 bytes\n", "left      7 full\n"):
            self.assertIn(line, text)
        self.assertEqual(self.asked[:2], (0, 0))
        self.assertEqual((tree["offload"], tree["entries"]["active"], tree["left_by_reason"]["full"]),
                         ("on", 20, 7))
        self.assertEqual([port["link_up"] for port in tree["ports"]], [True, False])

    def test_nothing_is_offloaded(self):
        code, text, tree = self.both(report(OFF), "status")
        self.assertEqual((code, tree["offload"], tree["ports"]), (1, "off", []))
        self.assertIn("offload is off", text)
        wire = "a port of the wire has no NIC that offloads"
        code, text, tree = self.both(report(NOTHING, [port("pods", "tap", wire, why="never")]), "status")
        self.assertEqual((code, tree["offload"]), (1, "nothing"))
        self.assertIn("no port can do anything", text)
        self.assertIn(f"  software  connections: {wire}\n", text)
        self.assertIn("denied UDP over IPv6, marked", text)
        code, text, _ = self.both(report(OFF), "rules")
        self.assertEqual((code, text.count("\n")), (1, 1))

    def test_rules(self):
        rules = [rule(CONN), rule(CONN6, state=3, why=REASONS["idle"]),
                 rule(DENIAL, kind=1, drop=0, counts=(9, 0, 540, 0)), rule(CONN, kind=3)]
        code, text, tree = self.both(report(ON, PORTS, rules, flags=1), "rules", "--limit", "4")
        self.assertEqual((code, self.asked[:2]), (0, (1, 4)))
        lines = [line.split() for line in text.splitlines()]
        self.assertEqual(lines[0], ["TUPLE", "DOES", "STATE", "SINCE", "PACKETS", "BYTES", "LATE", "WORKER",
                                    "PORT"])
        self.assertEqual(lines[1], ["10.0.0.1:4000", ">", "10.0.0.2:80", "TCP", "forward", "active", "12.3",
                                    "s", "42", "4200", "1.5", "s", "3", "pods"])
        self.assertEqual(lines[2][:6], ["[fd00::1]:4000", ">", "[fd00::2]:443", "TCP", "forward", "draining"])
        self.assertEqual(lines[3][:6], ["10.0.0.9:*", ">", "10.0.0.2:22", "TCP", "drop", "active"])
        self.assertEqual(lines[4][:6], ["10.0.0.1:4000", ">", "10.0.0.2:80", "TCP", "mark", "active"])
        self.assertEqual([rule["kind"] for rule in tree["rules"]],
                         ["connection", "connection", "denial", "mark"])
        self.assertEqual(text.splitlines()[-1], "and more (see --limit)")
        self.assertEqual(tree["rules"][0]["sent"], {"packets": 40, "bytes": 4000})
        self.assertEqual(tree["rules"][1]["reason"], "idle")
        self.assertTrue(tree["more_rules"])
        code, text, _ = self.both(report(ON, PORTS), "rules")
        self.assertEqual((code, text, self.asked[1]), (0, "nothing is in hardware\n", 100))

    def test_explain_hardware(self):
        question = ("explain", "10.0.0.1", "10.0.0.2", "TCP", "80", "--source-port", "4000")
        code, text, tree = self.both(report(ON, PORTS, [rule(CONN)]), *question)
        self.assertEqual((code, tree["hardware"]), (0, True))
        self.assertIn("10.0.0.1:4000 > 10.0.0.2:80 TCP: in hardware, active for 12.3 s\n"
                      "  42 packets, 4200 bytes (up to 1.5 s late), worker 3, port pods to world\n", text)
        flags, limit, src, dst, sport, dport, protocol, family, _ = self.asked
        self.assertEqual((flags, limit, src[:4], dst[:4], sport, dport, protocol, family),
                         (3, 20, bytes([10, 0, 0, 1]), bytes([10, 0, 0, 2]), 4000, 80, 6, 4))
        self.assertIn("draining for 12.3 s: too few packets",
                      self.both(report(ON, PORTS, [rule(CONN, state=3, why=11)]), *question)[1])
        self.assertIn("10.0.0.9:* > 10.0.0.2:22 TCP: dropped in hardware",
                      self.both(report(ON, PORTS, [rule(DENIAL, kind=1)]), *question)[1])

    def test_explain_software(self):
        """(report, question, words): the exit code is 1"""
        tcp = ("explain", "10.0.0.1", "10.0.0.2", "TCP", "80")
        wire = [port("pods", "ice", "they differ in MTU"), port("world", "ice", "they differ in MTU")]
        table = [
            (report(OFF), tcp, "offload is off"),
            (report(ON, PORTS), tcp, "too few packets: a connection that is established is offered from 1000"),
            (report(ON, PORTS, [], [left(CONN, "full")]), tcp,
             "10.0.0.1:4000 > 10.0.0.2:80 TCP: refused 2.5 s ago, 4 times in a row: the NIC has no room"),
            (report(ON, PORTS, [], [left(CONN, "recalled", 1, 0, 1)]), tcp, "returned 0.0 s ago, 1 time in"),
            (report(ON, wire), tcp, "port world: TCP over IPv4 in software: they differ in MTU"),
            (report(NOTHING, [port("pods", "tap", why="it forwards nothing")]), tcp,
             "port pods: TCP over IPv4 in software: it forwards nothing"),
            (report(ON, PORTS), ("explain", "fd00::1", "fd00::2", "ICMPv6"), "only TCP and UDP"),
        ]
        for data, question, words in table:
            with self.subTest(words=words):
                code, text, tree = self.both(data, *question)
                self.assertEqual((code, tree["hardware"]), (1, False))
                self.assertIn(words, text)
                self.assertTrue(any(words in why for why in tree["why"]))

    def test_bad_answers(self):
        """What cannot be believed is not printed."""
        good = report(ON, PORTS, [rule(CONN)])
        for answer, words in ((reported(good[:-8]), "do not fill"), (reported(good, seals=0xe & ~2), "not sealed"),
                              (reported(good, len(good) + 8), "another size"),
                              (reported(report(ON, PORTS, [rule(CONN, state=9)])), "a rule is out of bounds"),
                              (refused(110, b"a NIC's driver does not come back"), "does not come back"),
                              (refused(95, b"unknown"), "is older")):
            with self.subTest(words=words):
                done = self.ask(answer, "rules")
                self.assertEqual((done.returncode, done.stdout), (2, ""))
                self.assertIn(words, done.stderr)

    def test_usage(self):
        tcp = ["explain", "10.0.0.1", "10.0.0.2", "TCP"]
        for arguments, words in (([], "status, rules or explain"), (["status", "x"], "no argument"),
                                 (["status", "--limit", "3"], "--limit is for"),
                                 (["rules", "--limit", "0"], "1 to 65536"),
                                 (["rules", "--limit", "65537"], "1 to 65536"),
                                 (["rules", "--source-port", "3"], "for explain"),
                                 (["explain", "10.0.0.1"], "SRC DST"), (tcp, "needs a port"),
                                 (tcp + ["80", "--source-port", "x"], "1 to 65535"),
                                 (["explain", "10.0.0.1", "fd00::1", "TCP", "80"], "no address family"),
                                 (["explain", "shop/web", "10.0.0.1", "TCP", "80"], "--names"),
                                 (["status"], "is tidegate-dataplane running")):
            with self.subTest(words=words):
                done = subprocess.run([TIDEGATE, "offload", *arguments, "--socket", self.path],
                                      capture_output=True, encoding="utf-8", check=False, timeout=60)
                self.assertEqual((done.returncode, done.stdout), (2, ""))
                self.assertIn(words, done.stderr)


if __name__ == "__main__":
    unittest.main()
