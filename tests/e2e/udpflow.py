#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""A paced UDP flow with numbered packets, to see exactly which ones got through.

usage: udpflow.py send ADDRESS PORT INTERVAL_MS FILE   (until told to stop by SIGTERM; FILE: how many)
       udpflow.py receive PORT FILE      (until killed; FILE: one received number a line)
"""
import signal
import socket
import sys
import time


def send(address, port, interval, path):
    """Packets from one source port, one every INTERVAL milliseconds."""
    told = []
    signal.signal(signal.SIGTERM, lambda *_: told.append(True))
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    sock = socket.socket(family, socket.SOCK_DGRAM)
    sock.connect((address, port))
    start = time.monotonic()
    number = 0
    while not told:
        try:
            sock.send(b"%d" % number)
        except ConnectionRefusedError:
            pass
        number += 1
        pause = start + number * interval / 1000 - time.monotonic()
        if pause > 0:
            time.sleep(pause)
    with open(path, "w", encoding="ascii") as out:
        out.write(f"{number}\n")


def receive(port, path):
    """Writes the number of every packet that arrives."""
    sock = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
    sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 22)
    sock.bind(("::", port))
    with open(path, "w", buffering=1, encoding="ascii") as out:
        while True:
            data, _ = sock.recvfrom(2048)
            out.write(data.decode() + "\n")


if sys.argv[1] == "send":
    send(sys.argv[2], int(sys.argv[3]), float(sys.argv[4]), sys.argv[5])
else:
    receive(int(sys.argv[2]), sys.argv[3])
