#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Holds TCP connections open. Reads lines `ADDRESS PORT COUNT SECONDS`, tries to open so many more in
that time, and answers each line with how many are open then.

usage: connections.py
"""
import selectors
import socket
import sys
import time


def attempt(address, port):
    """A connection that is being opened."""
    one = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET)
    one.setblocking(False)
    one.connect_ex((address, port))
    return one


def opened(attempts, seconds):
    """Those that got an answer in time; the others are given up."""
    deadline = time.monotonic() + seconds
    done = []
    with selectors.DefaultSelector() as selector:
        for one in attempts:
            selector.register(one, selectors.EVENT_WRITE)
        while len(done) < len(attempts) and time.monotonic() < deadline:
            for key, _ in selector.select(deadline - time.monotonic()):
                selector.unregister(key.fileobj)
                done.append(key.fileobj)
    for one in attempts:
        if one not in done:
            one.close()
    return [one for one in done if one.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) == 0]


def main():
    """Until the end of the input."""
    held = []
    for line in sys.stdin:
        address, port, count, seconds = line.split()
        attempts = [attempt(address, int(port)) for _ in range(int(count))]
        held += opened(attempts, float(seconds))
        print(len(held), flush=True)


if __name__ == "__main__":
    main()
