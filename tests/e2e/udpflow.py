#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""A paced UDP flow with numbered packets, to see exactly which ones got through.

usage: udpflow.py send ADDRESS PORT COUNT INTERVAL_MS
       udpflow.py receive PORT FILE      (until killed; FILE: one received number a line)
"""
import socket
import sys
import time


def send(address, port, count, interval):
    """COUNT packets from one source port, one every INTERVAL milliseconds."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    sock = socket.socket(family, socket.SOCK_DGRAM)
    sock.connect((address, port))
    start = time.monotonic()
    for number in range(count):
        try:
            sock.send(b"%d" % number)
        except ConnectionRefusedError:
            pass
        pause = start + (number + 1) * interval / 1000 - time.monotonic()
        if pause > 0:
            time.sleep(pause)


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
    send(sys.argv[2], int(sys.argv[3]), int(sys.argv[4]), float(sys.argv[5]))
else:
    receive(int(sys.argv[2]), sys.argv[3])
