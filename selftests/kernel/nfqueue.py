# SPDX-License-Identifier: GPL-2.0-only
"""Accepts whatever an NFQUEUE holds, from user space, and counts it.

usage: nfqueue.py QUEUE COUNT
Says 'ready' on standard error, ends after COUNT packets.
"""
import socket
import struct
import sys

NETLINK_NETFILTER, NFNL_SUBSYS_QUEUE = 12, 3
PACKET, VERDICT, CONFIG = range(3)
NF_ACCEPT = 1


def attr(kind, data):
    return struct.pack("=HH", 4 + len(data), kind) + data + b"\0" * (-len(data) % 4)


def send(kind, queue, *attrs, ack=0):
    body = struct.pack("!BBH", 0, 0, queue) + b"".join(attrs)
    s.send(struct.pack("=IHHII", 16 + len(body), NFNL_SUBSYS_QUEUE << 8 | kind, 1 | ack, 0, 0) + body)


def messages():
    """(type, payload) of each netlink message that comes in."""
    while True:
        data = s.recv(65536)
        while len(data) >= 16:
            length, kind = struct.unpack_from("=IH", data)
            yield kind, data[16:length]
            data = data[(length + 3) & ~3:]


queue, left = int(sys.argv[1]), int(sys.argv[2])
s = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, NETLINK_NETFILTER)
s.bind((0, 0))
source = messages()
bind = attr(1, struct.pack("!BBH", 1, 0, socket.AF_INET))       # NFQA_CFG_CMD: bind
copy = attr(2, struct.pack("!IB", 0, 1))                        # NFQA_CFG_PARAMS: meta data only
for setting in (bind, copy):
    send(CONFIG, queue, setting, ack=4)
    error = struct.unpack_from("=i", next(source)[1])[0]
    if error:
        sys.exit(f"nfqueue: error {-error}")
print("ready", file=sys.stderr, flush=True)
for kind, payload in source:
    if kind != NFNL_SUBSYS_QUEUE << 8 | PACKET:
        continue
    number = payload[8:12]      # NFQA_PACKET_HDR comes first
    send(VERDICT, queue, attr(2, struct.pack("!I", NF_ACCEPT) + number))
    left -= 1
    if not left:
        break
