# SPDX-License-Identifier: GPL-2.0-only
"""Who sends requests, and what the kernel has: sockets of several rights and namespaces, and snapshots of all that the
ABI shows, as bytes to be compared and, where they differ, decoded."""
import ctypes
import os
import socket
import struct
import time

from grammar import walk

REQUEST, ACK, DUMP, EXCL, CREATE = 1, 4, 0x300, 0x200, 0x400
ERROR, DONE = 2, 3
NEWLINK, DELLINK, GETLINK, SETLINK = 16, 17, 18, 19
IFNAME, MASTER, LINKINFO, NET_NS_FD, EXT_MASK, LINK_NETNSID = 3, 10, 18, 28, 29, 37
SKIP_STATS = 8
CLONE_NEWUSER, CLONE_NEWNET = 0x10000000, 0x40000000
SEQ = 7

# the kernel's parts of a dump are no longer than 32 kB, other answers shorter
buffer = bytearray(1 << 16)
libc = ctypes.CDLL(None, use_errno=True)


def must(result):
    if result:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))


def attribute(number, data=b""):
    return struct.pack("=HH", 4 + len(data), number) + data + b"\0" * (-len(data) % 4)


def ifinfo(ifindex=0):
    return struct.pack("=BxHiII", 0, 0, ifindex, 0, 0)


def message(kind, flags, body):
    return struct.pack("=IHHII", 16 + len(body), kind, flags | REQUEST, SEQ, 0) + body


def receive(sock, flags=0):
    """As recv(), without the memory that it asks for anew each time."""
    return bytes(memoryview(buffer)[:sock.recv_into(buffer, 0, flags)])


def netlink(protocol):
    sock = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, protocol)
    sock.bind((0, 0))
    for option in (10, 11):     # extended acks, without a copy of what was sent
        sock.setsockopt(270, option, 1)
    return sock


def peer_key(one):
    """By what peers differ: of a peer, or of a leg to it."""
    return one["local"], one["peer"], one["encap"], one.get("peer-port", b"")


class Answer:
    """What the kernel said to one request: error is None if it ended without a word."""

    def __init__(self):
        self.error, self.text, self.blamed, self.parts = None, "", False, []


def talk(sock, request):
    """Send a request and take what has come. Requests are done when send() returns, parts of dumps are made as one
    reads, so nothing is waited for."""
    answer = Answer()
    sock.send(request)
    while True:
        try:
            data = receive(sock, socket.MSG_DONTWAIT)
        except BlockingIOError:
            return answer
        at = 0
        while at < len(data):
            length, kind, flags, seq = struct.unpack_from("=IHHI", data, at)
            part = data[at + 16:at + length]
            at += (length + 3) & ~3
            if seq != SEQ:
                continue
            if kind not in (ERROR, DONE):
                answer.parts.append(part)
                continue
            answer.error = -struct.unpack_from("=i", part)[0]
            if flags & 0x200:
                tlvs = dict(walk(part[20 if kind == ERROR else 4:]))
                answer.text = tlvs.get(1, b"").rstrip(b"\0").decode()
                answer.blamed = any(number in tlvs for number in (2, 5, 6))
            return answer


def family_of(sock):
    """(id, {group: number}) of family mip4."""
    answer = talk(sock, message(16, ACK, struct.pack("=BBH", 3, 1, 0) + attribute(2, b"mip4\0")))
    attrs = dict(walk(answer.parts[0][4:]))
    groups = {}
    for _, group in walk(attrs[7]):
        group = dict(walk(group))
        groups[group[1].rstrip(b"\0").decode()] = struct.unpack("=I", group[2])[0]
    return struct.unpack("=H", attrs[1])[0], groups


class Actor:
    """Sockets of one origin: the kernel asks for the rights of who opened them as well as of who uses them."""

    def __init__(self, name, before=None):
        self.name = name
        here, there = socket.socketpair()
        pid = os.fork()
        if not pid:
            status = 1
            try:
                if before:
                    before()
                opened = [netlink(protocol) for protocol in (16, 0, 16, 0)]
                netns = os.open("/proc/self/ns/net", os.O_RDONLY)
                socket.send_fds(there, [b"x"], [s.fileno() for s in opened] + [netns])
                status = 0
            finally:
                os._exit(status)
        there.close()
        fds = socket.recv_fds(here, 1, 5)[1]
        here.close()
        if os.waitpid(pid, 0)[1]:
            raise OSError(f"no sockets for {name}")
        self.genl, self.rtnl, self.look_genl, self.look_rtnl = [socket.socket(fileno=fd) for fd in fds[:4]]
        self.netns = fds[4]


def descriptors(enter_other):
    """{descriptor: port that a link may tunnel from by it; None if it may not by that one}"""
    ports = {}

    def add(sock, good=False):
        port = sock.getsockname()[1] if good else None
        ports[sock.detach()] = port

    def udp(address=("0.0.0.0", 0)):
        sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        sock.bind(address)
        return sock

    for _ in range(2):
        add(udp(), True)
    with open("/proc/self/ns/net", "rb") as home:
        enter_other()
        add(udp(), True)
        must(libc.setns(home.fileno(), CLONE_NEWNET))
    add(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
    add(udp(("127.0.0.1", 0)))
    add(socket.socket(socket.AF_INET, socket.SOCK_STREAM))
    add(socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM))
    add(socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0))
    ports[os.open("/dev/null", os.O_RDONLY)] = None
    ports[0x7fffffff] = None
    return ports


def no_rights():
    # what belongs to the process itself in /proc stays readable
    os.setgroups([])
    os.setuid(65534)
    must(libc.prctl(4, 1, 0, 0, 0))


def user_namespace():
    must(libc.unshare(CLONE_NEWUSER))


def own_network():
    must(libc.unshare(CLONE_NEWNET))


def own_both():
    must(libc.unshare(CLONE_NEWUSER | CLONE_NEWNET))


class Snapshot:
    def __init__(self, raw, when):
        self.raw, self.when = raw, when
        self.links = {}         # ifindex: (name, netns id of the underlay, decoded data)
        self.bindings = {}      # (ifindex of the mip4 device, id): bytes
        self.peers = {}         # (ifindex of the mip4 device, *peer_key()): decoded
        self.ports = {}         # ifindex: (ifindex of the mip4 device, decoded)


class Netns:
    """A network namespace and what is known of it."""

    def __init__(self, grammar, actor, family):
        self.grammar, self.name = grammar, actor.name
        self.genl, self.rtnl, self.fd = actor.look_genl, actor.look_rtnl, actor.netns
        self.lists = [message(family, DUMP, struct.pack("=BBH", grammar.operations[name].number, 1, 0))
                      for name in ("binding-get", "peer-get", "port-get")]
        kind = attribute(LINKINFO, attribute(1, b"mip4\0"))
        self.list_links = message(GETLINK, DUMP, ifinfo() + kind + attribute(EXT_MASK, struct.pack("=I", SKIP_STATS)))
        self.decoded = {}
        self.now = None
        self.quiet = 0          # requests since the last look, none of which should have changed anything
        self.look()

    def dump(self, sock, request):
        buffers = []
        sock.send(request)
        while True:
            data = receive(sock)
            buffers.append(data)
            at = 0
            while at < len(data):
                length, kind = struct.unpack_from("=IH", data, at)
                if kind == DONE:
                    return buffers
                if kind == ERROR:
                    raise OSError(f"dump in {self.name}: {os.strerror(-struct.unpack_from('=i', data, at + 16)[0])}")
                at += (length + 3) & ~3

    def parts(self, buffers):
        for data in buffers:
            at = 0
            while at < len(data):
                length, kind = struct.unpack_from("=IH", data, at)
                if kind != DONE:
                    yield data[at + 16:at + length]
                at += (length + 3) & ~3

    def look(self):
        """Take a snapshot. Returns whether anything is other than in the last one, which then is in .before."""
        raw = [self.dump(self.genl, request) for request in self.lists] + [self.dump(self.rtnl, self.list_links)]
        if self.now and raw == self.now.raw:
            self.now.when = time.monotonic()
            self.before = self.now
            return False
        self.before, self.now = self.now, Snapshot(raw, time.monotonic())
        bindings, peers, ports, links = raw
        for part in self.parts(links):
            self.read_link(part)
        for part in self.parts(bindings):
            # IFINDEX, then BINDING that begins with ID
            self.now.bindings[struct.unpack_from("=4x4xI4x4xI", part)] = part
        for part in self.parts(peers):
            top = self.grammar.decode(part[4:], "mip4")
            peer = top["peer"]
            device, = struct.unpack("=I", top["ifindex"])
            self.now.peers[device, *peer_key(peer)] = peer
        for part in self.parts(ports):
            top = self.grammar.decode(part[4:], "mip4")
            ifindex, = struct.unpack("=I", top["port"]["ifindex"])
            self.now.ports[ifindex] = struct.unpack("=I", top["ifindex"])[0], top["port"]
        return True

    def read_link(self, part):
        ifindex, = struct.unpack_from("=4xi", part)
        attrs = dict(walk(part[16:]))
        data = dict(walk(attrs[LINKINFO])).get(2, b"")
        self.now.links[ifindex] = (attrs[IFNAME].rstrip(b"\0").decode(), attrs.get(LINK_NETNSID),
                                   self.grammar.decode(data, "link"))

    def binding(self, part):
        """A binding as the dump shows it, without its statistics."""
        known = self.decoded.get(part)
        if known is None:
            if len(self.decoded) > 5000:
                self.decoded.clear()
            known = self.grammar.decode(part[4:], "mip4")["binding"][0]
            known.pop("stats", None)
            self.decoded[part] = known
        return known

    def device_index(self, name):
        for part in self.parts(self.dump(self.rtnl, message(GETLINK, DUMP, ifinfo()))):
            if dict(walk(part[16:]))[IFNAME] == name.encode() + b"\0":
                return struct.unpack_from("=4xi", part)[0]
        raise KeyError(name)
