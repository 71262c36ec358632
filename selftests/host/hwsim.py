#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""usage: hwsim.py COUNT: so many radios of mac80211_hwsim, in this network namespace"""

import socket
import struct
import sys

GENL_ID_CTRL, CTRL_CMD_GETFAMILY, CTRL_ATTR_FAMILY_ID, CTRL_ATTR_FAMILY_NAME = 16, 3, 1, 2
HWSIM_CMD_NEW_RADIO = 4
NLM_F_REQUEST, NLM_F_ACK, NLMSG_ERROR = 1, 4, 2


def ask(sock, family, command, attrs=b""):
    """(type, payload) of the answer"""
    body = struct.pack("=BBH", command, 1, 0) + attrs
    sock.send(struct.pack("=IHHII", 16 + len(body), family, NLM_F_REQUEST | NLM_F_ACK, 1, 0) + body)
    answer = sock.recv(65536)
    return struct.unpack_from("=H", answer, 4)[0], answer[16:struct.unpack_from("=I", answer)[0]]


def attr(kind, data):
    return struct.pack("=HH", 4 + len(data), kind) + data + bytes(-len(data) % 4)


def attrs(data):
    while data:
        size, kind = struct.unpack_from("=HH", data)
        yield kind, data[4:size]
        data = data[(size + 3) & ~3:]


def family_of(name):
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 16) as sock:
        kind, data = ask(sock, GENL_ID_CTRL, CTRL_CMD_GETFAMILY, attr(CTRL_ATTR_FAMILY_NAME, name + b"\0"))
    if kind == NLMSG_ERROR:
        sys.exit(f"no family {name.decode()}: is the module loaded?")
    return struct.unpack("=H", dict(attrs(data[4:]))[CTRL_ATTR_FAMILY_ID])[0]


family = family_of(b"MAC80211_HWSIM")
for _ in range(int(sys.argv[1])):
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 16) as sock:
        kind, data = ask(sock, family, HWSIM_CMD_NEW_RADIO)
        error = struct.unpack_from("=i", data)[0]
        if kind == NLMSG_ERROR and error < 0:
            sys.exit(f"no radio: error {-error}")
