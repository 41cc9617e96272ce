#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""A pod that may send raw frames and tries to get data out as traffic of its link.

usage: tunnel.py send INTERFACE ROUTER_MAC POD4 POD6 TARGET4 TARGET6
           sends them all, prints for each kind of drop that they deserve how many there are
       tunnel.py watch INTERFACE FILE
           (until killed; FILE: a line for each frame with a mark in it)
"""
import ipaddress
import socket
import struct
import sys

MARK = b"through-the-tunnel"
CONTROL = b"by-the-front-door"
COOKIE = b"\x63\x82\x53\x63"


def checksum(data):
    """RFC 1071, of an even number of bytes."""
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return ~total & 0xffff


def ip4(src, dst, protocol, payload, ttl=64):
    """An IPv4 datagram, with its ethertype."""
    head = struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(payload), 1, 0, ttl, protocol, 0)
    head += src.packed + dst.packed
    head = head[:10] + struct.pack("!H", checksum(head)) + head[12:]
    return b"\x08\x00" + head + payload


def ip6(src, dst, protocol, payload, hop_limit=255):
    """An IPv6 datagram, with its ethertype."""
    return (b"\x86\xdd" + struct.pack("!IHBB", 6 << 28, len(payload), protocol, hop_limit) +
            src.packed + dst.packed + payload)


def udp(sport, dport, payload):
    """A UDP datagram; IPv4 does without its checksum."""
    return struct.pack("!HHHH", sport, dport, 8 + len(payload), 0) + payload


def dhcp(op, yiaddr):
    """A DHCP message with data of the pod's choice in it."""
    head = struct.pack("!BBBBIHH", op, 1, 6, 0, 1, 0, 0) + bytes(4) + yiaddr.packed + bytes(8)
    head += bytes(16) + MARK.ljust(192, b"\0")
    return head + COOKIE + b"\x35\x01\x01\xff"


def nd(kind, target, options):
    """A solicitation or advertisement."""
    return struct.pack("!BBHI", kind, 0, 0, 0) + (target.packed if target else b"") + options


def as_policy(pod4, target4):
    """What only uses DHCP's ports is UDP."""
    yield ip4(pod4, target4, 17, udp(68, 67, MARK))
    yield ip4(pod4, target4, 17, udp(67, 68, MARK))
    yield ip4(pod4, target4, 17, udp(68, 67, dhcp(1, target4)))
    yield ip4(pod4, target4, 17, udp(67, 68, dhcp(2, target4)))
    yield ip4(pod4, target4, 17, udp(67, 67, dhcp(1, target4)))


def as_link(pod6, target6):
    """What is no neighbour discovery nor multicast listener discovery."""
    stranger = ipaddress.ip_address(int(target6) ^ 0x99)
    option = b"\x0e\x01" + MARK[:6]
    large = MARK.ljust(1000, b"\0")
    for src in pod6, stranger:
        yield ip6(src, target6, 58, nd(133, None, large))
        yield ip6(src, target6, 58, nd(133, None, option))
        yield ip6(src, target6, 58, nd(135, target6, large))
        yield ip6(src, target6, 58, nd(135, target6, option + MARK + bytes(6)))
        yield ip6(src, target6, 58, nd(135, target6, option))
        yield ip6(src, target6, 58, nd(136, target6, large))
        yield ip6(src, target6, 58, nd(136, target6, option))
        yield ip6(src, target6, 58, nd(136, stranger, b"\x02\x01" + MARK[:6]))
        yield ip6(src, target6, 58, nd(131, target6, large), 64)


def send(interface, router, pod4, pod6, target4, target6):
    """All of it, to the router."""
    sock = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
    sock.bind((interface, 0))
    macs = bytes.fromhex(router.replace(":", "")) + sock.getsockname()[4]
    kinds = {"policy_egress": list(as_policy(ipaddress.ip_address(pod4), ipaddress.ip_address(target4))),
             "link_invalid": list(as_link(ipaddress.ip_address(pod6), ipaddress.ip_address(target6)))}
    for reason, frames in kinds.items():
        for frame in frames:
            sock.send(macs + frame)
        print(reason, len(frames))


def watch(interface, path):
    """Writes down what arrives, six bytes of the mark being enough."""
    sock = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
    sock.bind((interface, 3))
    with open(path, "w", buffering=1, encoding="ascii") as out:
        out.write("watching\n")
        while True:
            frame = sock.recv(65536)
            if MARK[:6] in frame:
                out.write(f"tunnel {frame.hex()}\n")
            if CONTROL in frame:
                out.write(f"control {frame[12:14].hex()}\n")


if sys.argv[1] == "send":
    send(*sys.argv[2:])
else:
    watch(*sys.argv[2:])
