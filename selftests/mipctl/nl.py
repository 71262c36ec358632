# SPDX-License-Identifier: GPL-2.0-only
"""Netlink bytes to and from Python, with names from the uapi header alone:
a second reading of the contract that mipctl was written to."""

import ipaddress
import os
import re
import struct

HEADER = os.path.join(os.path.dirname(__file__), "../../uapi/linux/mip4.h")

NLM_F = {"REQUEST": 1, "ACK": 4, "EXCL": 0x200, "CREATE": 0x400, "DUMP": 0x300}
NESTED = 0x8000
FAMILY = 16             # stands for the family in files, GENL_MIN_ID
RTM = {"NEWLINK": 16, "DELLINK": 17, "GETLINK": 18, "SETLINK": 19}
IFLA = {"IFNAME": 3, "MTU": 4, "MASTER": 10, "LINKINFO": 18, "STATS64": 23, "EXT_MASK": 29,
        "LINK_NETNSID": 37}


def enums():
    """Every enumerator of the header: value by name."""
    text = re.sub(r"/\*.*?\*/", "", open(HEADER).read(), flags=re.S)
    values = {}
    for body in re.findall(r"enum\b[^{;]*\{(.*?)\}", text, re.S):
        for value, name in enumerate(n.strip() for n in body.split(",") if n.strip()):
            values[name] = value
    return values


E = enums()


def names(prefix):
    return {v: n[len(prefix):] for n, v in E.items() if n.startswith(prefix)}


CMD = names("MIP4_CMD_")

INET, MAC, FLAG, STR = "inet", "mac", "flag", "str"
U8, U16, U32, U64, BE32 = "=B", "=H", "=I", "=Q", "!I"

# Per nest: prefix of its attributes, their types; a dict is a nest itself.
ADDR = ("MIP4_ADDR_A_", {"FAMILY": U8, "PLEN": U8, "ADDRESS": INET})
LEG = ("MIP4_LEG_A_", {"PEER": INET, "LOCAL": INET, "ENCAP": U8, "IKEY": BE32, "OKEY": BE32, "STATE": U8,
                        "LIFETIME_MS": U32, "PEER_PORT": U16})
STATS = ("MIP4_STATS_A_", {k: U64 for k in names("MIP4_STATS_A_").values()})
BINDING_TYPES = {"ID": U32, "COOKIE": U64, "REALM": U32, "PORT": U32, "MAC": MAC, "GATEWAY": INET,
                 "HOME_PLEN": U8, "LIFETIME": U32, "STATS": STATS}
BINDING = ("MIP4_BINDING_A_", BINDING_TYPES)
BINDING_TYPES["ADDRS"] = ("MIP4_BINDING_A_", {"ADDR": ADDR})
BINDING_TYPES["LEGS"] = ("MIP4_BINDING_A_", {"LEG": LEG})
PEER = ("MIP4_PEER_A_", {"LOCAL": INET, "PEER": INET, "LEGS": U32, "MTU": U32, "ERRORS": U64, "ENCAP": U8,
                          "FALLBACKS": U64, "UNREACHABLE": U8, "UNREACHABLE_MS": U64, "PEER_PORT": U16})
PORT = ("MIP4_PORT_A_", {"IFINDEX": U32, "UNKNOWN": U8, "BINDINGS": U32, "HELD": U32, "UNKNOWN_FRAMES": U64,
                          "MODE": U8})
EVENT = ("MIP4_EVENT_A_", {"TYPE": U8, "TIME_NS": U64, "PORT": U32, "MAC": MAC, "ETHERTYPE": U16,
                           "ADDRESS": INET, "ADDRESS6": INET, "BINDING_ID": U32, "PEER": INET, "LOST": U64,
                           "PEER_PORT": U16})
TOP = ("MIP4_A_", {"IFINDEX": U32, "BINDING": BINDING, "PEER": PEER, "PORT": PORT, "EVENT": EVENT,
                   "REASON": U8, "COUNT": U32, "ALL": FLAG, "VERSION": STR, "SOCKET_FD": U32})
LINK_DATA = ("IFLA_MIP4_", {"LOCAL": INET, "ENCAP": U8, "TTL": U8, "TOS": U8, "LINK": U32, "REALM": U32,
                            "LIMIT": U32, "ARP": U8, "MSS": U8, "GWMAC": MAC, "GRACE": U32, "ORPHAN": U8,
                            "UDP_PORT": U16, "MULTICAST": U8})


def value_of(data, kind):
    if kind == INET:
        assert len(data) in (4, 16), data
        return str(ipaddress.ip_address(data))
    if kind == MAC:
        assert len(data) == 6, data
        return data.hex(":")
    if kind == FLAG:
        assert not data, data
        return True
    if kind == STR:
        return data.rstrip(b"\0").decode()
    assert len(data) == struct.calcsize(kind), (data, kind)
    return struct.unpack(kind, data)[0]


def bytes_of(value, kind):
    if kind == INET:
        return ipaddress.ip_address(value).packed
    if kind == MAC:
        return bytes.fromhex(value.replace(":", ""))
    if kind == FLAG:
        return b""
    if kind == STR:
        return value.encode() + b"\0"
    return struct.pack(kind, value)


def attr(number, payload):
    raw = struct.pack("=HH", 4 + len(payload), number) + payload
    return raw + b"\0" * (-len(raw) % 4)


def walk(data):
    """(offset, number, nested, payload) of each attribute; any slack is an error."""
    at = 0
    while at < len(data):
        length, number = struct.unpack_from("=HH", data, at)
        assert 4 <= length <= len(data) - at, f"attribute of length {length} at {at}"
        end = (at + length + 3) & ~3
        assert not any(data[at + length:end]), f"padding at {at} is not zero"
        yield at, number & 0x3FFF, bool(number & NESTED), data[at + 4:at + length]
        at = end


def decode(data, nest=TOP):
    """[(NAME, value)…]; the value of a nest is such a list."""
    prefix, types = nest
    by_number = names(prefix)
    result = []
    for _, number, nested, payload in walk(data):
        name = by_number[number]
        kind = types[name]
        assert nested == isinstance(kind, tuple), f"{prefix}{name}: NLA_F_NESTED is {nested}"
        result.append((name, decode(payload, kind) if nested else value_of(payload, kind)))
    return result


def encode(attrs, nest=TOP):
    prefix, types = nest
    data = b""
    for name, value in attrs:
        kind = types[name]
        nested = isinstance(kind, tuple)
        payload = encode(value, kind) if nested else bytes_of(value, kind)
        data += attr(E[prefix + name] | (NESTED if nested else 0), payload)
    return data


def messages(data):
    """(type, flags, payload) of each message of a file."""
    while data:
        length, kind, flags = struct.unpack_from("=IHH", data)
        assert 16 <= length <= len(data), length
        yield kind, flags, data[16:length]
        data = data[(length + 3) & ~3:]


def message(kind, flags, payload):
    raw = struct.pack("=IHHII", 16 + len(payload), kind, flags, 0, 0) + payload
    return raw + b"\0" * (-len(raw) % 4)


def genl(cmd, attrs, flags=0):
    return message(FAMILY, flags, struct.pack("=BBH", E["MIP4_CMD_" + cmd], 1, 0) + encode(attrs))


def error(errno, text=None, offset=None, done=False, request=b""):
    """NLMSG_ERROR, capped or with the request, or NLMSG_DONE, with extack."""
    tlvs = attr(1, text.encode() + b"\0") if text else b""
    tlvs += attr(2, struct.pack("=I", offset)) if offset is not None else b""
    head = struct.pack("=i", -errno) + (b"" if done else request or struct.pack("=IHHII", 400, FAMILY, 5, 1, 0))
    return message(3 if done else 2, (0 if request else 0x100) | (0x200 if tlvs else 0), head + tlvs)


def ack():
    return error(0)


def done():
    return error(0, done=True)
