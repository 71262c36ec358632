#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""Netlink by hand: genl.py EXPRESSION sends one message to family "mip4" and prints what the kernel says about it.

Exit status 1 if it was refused. Names of attributes and commands come from uapi/linux/mip4.h.
"""
import os
import re
import socket
import struct
import sys

REQUEST, ACK, DUMP, NESTED = 1, 4, 0x300, 0x8000
PREFIXES = {"MIP4_CMD_": "", "MIP4_A_": "A_", "IFLA_MIP4_": "LINK_", "MIP4_BINDING_A_": "B_", "MIP4_ADDR_A_": "ADDR_",
            "MIP4_LEG_A_": "LEG_", "MIP4_PORT_A_": "PORT_A_"}


def read_header():
    path = os.path.join(os.path.dirname(__file__), "../../uapi/linux/mip4.h")
    with open(path, encoding="ascii") as header:
        for body in re.findall(r"enum[^{;]*\{(.*?)\}", header.read(), re.S):
            names = re.findall(r"^\t(_*[A-Z0-9_]+)", body, re.M)
            for prefix, short in PREFIXES.items():
                if names[0] == prefix + "UNSPEC":
                    globals().update({short + n[len(prefix):]: i for i, n in enumerate(names)})


read_header()


def a(type, data=b""):
    return struct.pack("=HH", 4 + len(data), type) + data + b"\0" * (-len(data) % 4)


def u8(type, value):
    return a(type, struct.pack("=B", value))


def u32(type, value):
    return a(type, struct.pack("=I", value))


def u64(type, value):
    return a(type, struct.pack("=Q", value))


def nest(type, *attrs):
    return a(type | NESTED, b"".join(attrs))


def addr(text):
    return nest(B_ADDR, a(ADDR_ADDRESS, socket.inet_aton(text)))


def addrs(*attrs):
    return nest(B_ADDRS, *attrs)


def leg(peer=None, ikey=None, okey=None, state=None, ms=None):
    attrs = [a(LEG_PEER, socket.inet_aton(peer))] if peer else []
    attrs += [a(LEG_IKEY, struct.pack("!I", ikey))] if ikey is not None else []
    attrs += [a(LEG_OKEY, struct.pack("!I", okey))] if okey is not None else []
    attrs += [u8(LEG_STATE, state)] if state is not None else []
    attrs += [u32(LEG_LIFETIME_MS, ms)] if ms is not None else []
    return nest(B_LEG, *attrs)


def legs(*attrs):
    return nest(B_LEGS, *attrs)


def port(ifindex):
    return u32(B_PORT, ifindex)


def mac(text):
    return a(B_MAC, bytes.fromhex(text.replace(":", "")))


def binding(*attrs):
    return nest(A_BINDING, *attrs)


class Socket:
    def __init__(self):
        self.sock = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 16)
        self.sock.bind((0, 0))
        for option in (10, 11):  # extended acks, without a copy of what was sent
            self.sock.setsockopt(270, option, 1)
        self.family = None
        for answer in self.talk(0x10, 3, a(2, b"mip4\0"), 0)[1]:
            self.family = struct.unpack("=H", dict(attributes(answer[20:]))[1])[0]

    def talk(self, type, cmd, payload, flags=0):
        """(error, answers, extended ack's text) of one request."""
        message = struct.pack("=BBH", cmd, 1, 0) + payload
        self.sock.send(struct.pack("=IHHII", 16 + len(message), type, REQUEST | ACK | flags, 1, 0) + message)
        answers = []
        while True:
            data = self.sock.recv(1 << 17)
            while data:
                length, kind, nlflags = struct.unpack("=IHH", data[:8])
                part, data = data[:length], data[(length + 3) & ~3:]
                if kind not in (2, 3):
                    answers.append(part)
                    continue
                error = struct.unpack("=i", part[16:20])[0]
                tail = part[36:] if kind == 2 else part[20:]
                text = dict(attributes(tail)).get(1, b"") if nlflags & 0x200 else b""
                return error, answers, text.rstrip(b"\0").decode()


def attributes(data):
    while len(data) >= 4:
        length, type = struct.unpack("=HH", data[:4])
        if length < 4:
            return
        yield type & 0x3fff, data[4:length]
        data = data[(length + 3) & ~3:]


def send(cmd, *attrs, flags=0):
    sock = Socket()
    error, _, text = sock.talk(sock.family, cmd, b"".join(attrs), flags)
    print(f"{os.strerror(-error)}: {text}" if error else "accepted")
    return not error


def new(ifindex, *attrs):
    return send(BINDING_NEW, u32(A_IFINDEX, ifindex), *attrs)


def dump(cmd, *attrs):
    return send(cmd, *attrs, flags=DUMP)


def state():
    """All that a namespace's links, ports, bindings and peers say of themselves, but for IDs and what counts."""
    sock = Socket()
    shown = [str(sorted(socket.if_nameindex()))]
    for cmd, what in (BINDING_GET, A_BINDING), (PEER_GET, A_PEER), (PORT_GET, A_PORT):
        for part in sock.talk(sock.family, cmd, b"", DUMP)[1]:
            fields = dict(attributes(dict(attributes(part[20:])).get(what, b"")))
            if what == A_BINDING:
                fields.pop(B_ID, None)
                fields.pop(B_STATS, None)
            shown.append(str((cmd, sorted(fields.items()))))
    return sorted(shown)


def starved(protocol, type, payload, flags=0, undo=()):
    """Make a request time and again, its first, second, ... allocation failing, until there is no further one.

    What was refused must have changed nothing; undo is a list of such requests for what was done although something
    failed, after which all must be as before. The last request, which nothing was missing for, stays.
    """
    sock = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, protocol)
    sock.bind((0, 0))

    def talk(type, payload, flags=0):
        """Whether it was done, None if one wasn't told."""
        done = None
        try:
            sock.send(struct.pack("=IHHII", 16 + len(payload), type, REQUEST | ACK | flags, 1, 0) + payload)
            while True:
                data = sock.recv(1 << 17, socket.MSG_DONTWAIT)
                while data:
                    length, kind = struct.unpack("=IH", data[:6])
                    if kind in (2, 3):
                        done = data[16:20] == b"\0\0\0\0"
                    data = data[(length + 3) & ~3:]
        except OSError:
            return done

    # which allocation of this thread fails, or how many there are until then
    countdown = os.open("/proc/thread-self/fail-nth", os.O_RDWR)
    before = state()
    refused = 0
    for nth in range(1, 1000):
        os.write(countdown, b"%d" % nth)
        done = talk(type, payload, flags)
        left = int(os.pread(countdown, 16, 0))
        os.write(countdown, b"0")
        if left:
            print(f"{nth - 1} allocations, {refused} refused")
            return done and nth > 1
        if done is False:
            refused += 1
        elif state() != before:
            for request in undo:
                talk(*request)
        if state() != before:
            print(f"allocation {nth}, which failed: before", before, "now", state(), sep="\n")
            return False
    print("there is no end")
    return False


def starved_link(name, local, underlay):
    ifname = a(3, name.encode() + b"\0")
    data = a(LINK_LOCAL, socket.inet_aton(local)) + u32(LINK_LINK, underlay)
    info = nest(18, a(1, b"mip4\0"), nest(2, data))
    head = struct.pack("=BxHiII", 0, 0, 0, 0, 0)
    return starved(0, 16, head + ifname + info, 0x600, [(17, head + ifname)])  # CREATE, EXCL


def starved_change(ifindex, data, back):
    """Attributes of a link, and those that undo them."""
    head = struct.pack("=BxHiII", 0, 0, ifindex, 0, 0)

    def request(data):
        return 16, head + nest(18, a(1, b"mip4\0"), nest(2, data))

    return starved(0, *request(data), 0, [request(back)])


def starved_socket(ifindex):
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sock.bind(("0.0.0.0", 4340))
    link = u32(A_IFINDEX, ifindex)
    return starved_command(SOCKET_SET, [link, u32(A_SOCKET_FD, sock.fileno())], 0, [(SOCKET_SET, [link])])


def starved_port(ifindex, master):
    head = struct.pack("=BxHiII", 0, 0, ifindex, 0, 0)
    return starved(0, 19, head + u32(10, master), 0, [(19, head + u32(10, 0))])


def starved_command(cmd, attrs, flags=0, undo=()):
    """undo: pairs of a command and its attributes."""
    family = Socket().family

    def request(cmd, attrs):
        return family, struct.pack("=BBH", cmd, 1, 0) + b"".join(attrs)

    return starved(16, *request(cmd, attrs), flags, [request(*pair) for pair in undo])


def mangle(ifindex, attr, times):
    """Send good messages with some bytes changed or cut, seed 1; whatever the kernel says is fine."""
    import random  # takes longer than what others do here

    random.seed(1)
    sock = Socket()
    refused = 0
    for _ in range(times):
        data = bytearray(attr)
        for _ in range(random.randrange(1, 4)):
            data[random.randrange(len(data))] = random.randrange(256)
        if random.random() < .2:
            data = data[:random.randrange(len(data))]
        cmd = random.choice([BINDING_NEW, BINDING_SET, BINDING_DEL, BINDING_GET, PORT_SET, PORT_GET])
        refused += sock.talk(sock.family, cmd, u32(A_IFINDEX, ifindex) + bytes(data))[0] != 0
    print(f"{refused} of {times} refused")
    return 0 < refused < times


if __name__ == "__main__":
    sys.exit(not eval(sys.argv[1]))
