#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""A VLAN interface for kernels without 802.1Q: a TAP whose frames are tagged on the parent.

usage: vlan.py PARENT NAME ID      (until killed)
"""
import fcntl
import os
import select
import socket
import struct
import sys

SOL_PACKET, PACKET_AUXDATA, VLAN_VALID = 263, 8, 1 << 4
TUNSETIFF, IFF_TAP, IFF_NO_PI = 0x400454CA, 2, 0x1000


def vlan_of(ancillary):
    """The identifier that the kernel has taken out of a frame; None: it was untagged."""
    for level, kind, data in ancillary:
        if (level, kind) == (SOL_PACKET, PACKET_AUXDATA):
            status, _, _, _, _, tci, _ = struct.unpack("IIIHHHH", data)
            return tci & 0xFFF if status & VLAN_VALID else None
    return None


parent, name, vlan = sys.argv[1], sys.argv[2], int(sys.argv[3])
wire = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
wire.setsockopt(SOL_PACKET, PACKET_AUXDATA, 1)
wire.bind((parent, 3))
tap = os.open("/dev/net/tun", os.O_RDWR)
fcntl.ioctl(tap, TUNSETIFF, struct.pack("16sH22x", name.encode(), IFF_TAP | IFF_NO_PI))
tag = struct.pack("!HH", 0x8100, vlan)
while True:
    for ready in select.select([wire, tap], [], [])[0]:
        try:
            if ready is tap:
                frame = os.read(tap, 65536)
                wire.send(frame[:12] + tag + frame[12:])
                continue
            frame, aux, _, sender = wire.recvmsg(65536, 256)
            if sender[2] != socket.PACKET_OUTGOING and vlan_of(aux) == vlan:
                os.write(tap, frame)
        except OSError:
            pass  # an interface is down: as lost as on a wire
