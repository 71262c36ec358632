#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""The rows and cases of offloads.sh, which makes the world that they run in.

A row is an encapsulation, and which offloads are on in four places: a pairwise set, the same each time. A case is a
direction, a size around a limit, DF or not, and a protocol. It ends with all of its payload arriving and nothing else;
or its sender hears of the limit, by whom it has to be, and nothing arrives; or the access router counts it as too big;
or its sender can't send it in the first place. Prints "bad TEXT" for what ends in another way, behind these "row TEXT"
and "outcome NAME COUNT".
"""
import contextlib
import ctypes
import fcntl
import itertools
import os
import random
import select
import socket
import struct
import subprocess
import sys
import time

from packets import inside

ENCAPS = {"gre-key": 28, "gre": 24, "ipip": 20, "minimal": 12, "udp": 32}
PLACES = {"device": [("dev", "eth0"), ("cn", "eth0")], "port": [("pma1", "port"), ("ha", "cn")],
          "underlay": [("pma1", "core"), ("ha", "core")], "mip0": [("pma1", "mip0"), ("ha", "mip0")]}
# linux/ethtool.h: how to read each; the next number sets it
OFFLOADS = {"tso": 0x1e, "gso": 0x23, "gro": 0x2b, "tx": 0x16, "rx": 0x14, "sg": 0x18}
# the kernel has no left one without the right one
NEEDS = [("tso", "sg"), ("tso", "tx"), ("gso", "sg")]

SECONDS = 10  # the deadline for what has to come; nothing takes that long
MOST_BAD = 4  # per row: what is in vain takes the deadline
LINK = 1500
ENDS = {"dev": "10.0.0.5", "cn": "203.0.113.2"}
GATEWAY, HA = "10.0.0.1", "203.0.113.1"
UDP_PORT, TCP_PORT = 5000, 5001
UDP_SEGMENT = 103
MTU_DISCOVER, RECVERR, GET_MTU = 10, 11, 14
DONT, WANT, PROBE, OMIT = 0, 1, 3, 5
BLOB = random.Random(1).randbytes(1 << 18)
TCP_BYTES = 100000


def rows():
    """Greedy: of some random rows the one with most new pairs, until all pairs are there."""
    rng = random.Random(1)
    factors = [("encap", list(ENCAPS))] + [((place, offload), [0, 1]) for place in PLACES for offload in OFFLOADS]

    def possible(row):
        return all(row[place, need] or not row[place, offload] for place in PLACES for offload, need in NEEDS
                   if (place, offload) in row and (place, need) in row)

    def pairs(row):
        return set(itertools.combinations(sorted(row.items(), key=str), 2))

    missing = set()
    for (one, ones), (other, others) in itertools.combinations(factors, 2):
        missing |= {pair for a in ones for b in others if possible({one: a, other: b}) for pair in
                    pairs({one: a, other: b})}
    while missing:
        candidates, wanted = [], sorted(missing, key=str)
        while len(candidates) < 20:
            row = {name: rng.choice(values) for name, values in factors}
            # begin with a pair that is missing, or the last ones take for ever
            row.update(rng.choice(wanted))
            if possible(row):
                candidates.append(row)
        best = max(candidates, key=lambda row: len(pairs(row) & missing))
        missing -= pairs(best)
        yield best


class End:
    def __init__(self, ns):
        self.address = ENDS[ns]
        with inside(ns):
            self.udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            self.icmp = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP)
            self.listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        self.ns = ns
        self.udp.bind((self.address, UDP_PORT))
        self.icmp.bind((self.address, 0))
        self.listener.bind((self.address, TCP_PORT))
        self.listener.listen()
        for sock in (self.udp, self.icmp):
            sock.setsockopt(socket.IPPROTO_IP, RECVERR, 1)
            sock.setblocking(False)

    def connection(self):
        with inside(self.ns):
            return socket.socket(socket.AF_INET, socket.SOCK_STREAM)

    def drain(self):
        for sock in (self.udp, self.icmp):
            for flags in (0, socket.MSG_ERRQUEUE):
                with contextlib.suppress(BlockingIOError):
                    while True:
                        try:
                            sock.recvmsg(65536, 512, flags)
                        except BlockingIOError:
                            raise
                        except OSError:
                            pass  # what the error queue says as well


def learned(sock):
    """(who, MTU) of the first error about a packet of this socket."""
    while True:
        try:
            _, control, _, _ = sock.recvmsg(1, 512, socket.MSG_ERRQUEUE)
        except BlockingIOError:
            return None
        for level, kind, data in control:
            if (level, kind) == (socket.IPPROTO_IP, RECVERR):
                errno, origin, type_, code, info = struct.unpack_from("=IBBBxI", data)
                if origin == 2 and (type_, code) == (3, 4) and errno:
                    return socket.inet_ntoa(data[20:24]), info


def echo_checksum(data):
    total = sum(struct.unpack(f"!{(len(data) + 1) // 2}H", data + b"\0" * (len(data) % 2)))
    total = (total & 0xffff) + (total >> 16)
    return ~(total + (total >> 16)) & 0xffff


class Device:
    """By ioctl: a process for each would take most of the time."""

    def __init__(self, ns, name):
        self.where, self.name = f"{ns}/{name}", name.encode()
        with inside(ns):
            self.sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)

    def ethtool(self, data):
        buf = ctypes.create_string_buffer(data, len(data))
        fcntl.ioctl(self.sock, 0x8946, struct.pack("16sP8x", self.name, ctypes.addressof(buf)))
        return buf.raw

    def set_offloads(self, row, place):
        def on(offload):
            return struct.unpack("=II", self.ethtool(struct.pack("=II", OFFLOADS[offload], 0)))[1]

        for offload, get in OFFLOADS.items():
            if on(offload) != row[place, offload]:
                self.ethtool(struct.pack("=II", get + 1, row[place, offload]))
        for offload in OFFLOADS:
            if on(offload) != row[place, offload]:
                sys.exit(f"{self.where}: {offload} isn't {row[place, offload]}")

    def set_mtu(self, mtu):
        fcntl.ioctl(self.sock, 0x8922, struct.pack("16si20x", self.name, mtu))

    def counter(self, name):
        count = 64
        names = self.ethtool(struct.pack("=III", 0x1b, 1, 0) + bytes(32 * count))[12:]
        values = self.ethtool(struct.pack("=II", 0x1d, 0) + bytes(8 * count))[8:]
        index = names.index(name.encode() + b"\0") // 32
        return struct.unpack_from("=Q", values, 8 * index)[0]


def mipctl(ns, *args):
    subprocess.run(["ip", "netns", "exec", ns, os.environ.get("MIPCTL", "mipctl"), *args], check=True,
                   stdout=subprocess.DEVNULL)


class Matrix:
    def __init__(self):
        self.ends = {ns: End(ns) for ns in ENDS}
        self.places = {place: [Device(*where) for where in wheres] for place, wheres in PLACES.items()}
        self.port_dev, self.pma = self.places["port"][0], self.places["mip0"][0]
        self.flushes = []
        for ns in (*ENDS, "ha", "pma1"):
            with inside(ns):
                self.flushes.append(os.open("/proc/sys/net/ipv4/route/flush", os.O_WRONLY))
        self.tunnel = self.port = LINK
        self.number = self.bad = 0
        self.outcomes = {}

    def gso_wants_tx(self):
        """Linux 6.1 sends no UDP of several datagrams by a device that computes no checksums, as ours is now."""
        sock = self.ends["dev"].udp
        sock.setsockopt(socket.IPPROTO_UDP, UDP_SEGMENT, 100)
        try:
            sock.sendto(bytes(200), (GATEWAY, UDP_PORT))
        except OSError as error:
            return error.errno == 5
        return False

    def row(self, row):
        for place, devs in self.places.items():
            for dev in devs:
                dev.set_offloads(row, place)
        self.no_gso = not row["device", "tx"] and self.gso_wants_tx()
        # keys differ by direction
        encap, *keyed = row["encap"].split("-")
        for ns, keys, *where in (("ha", (7, 8), "peer", "192.0.2.11"),
                                 ("pma1", (8, 7), "port", "port", "mac", "02:00:00:00:00:05", "gateway",
                                  GATEWAY + "/24", "peer", "192.0.2.1")):
            mipctl(ns, "binding", "flush", "dev", "mip0", "all")
            mipctl(ns, "binding", "add", "dev", "mip0", "home", ENDS["dev"], *where, "encap", encap,
                   *(["key", str(keys[0]), "okey", str(keys[1])] if keyed else []))
        self.tunnel = LINK - ENCAPS[row["encap"]]
        self.bad = 0
        for self.port in (LINK, 1300):
            self.port_dev.set_mtu(self.port)
            self.cases()
        print("row", row["encap"] + ":", *(place + "".join(("+" if row[place, offload] else "-") + offload
                                                            for offload in OFFLOADS) for place in PLACES), flush=True)

    def expected(self, up, size, df, protocol):
        if protocol == "tcp":
            size = min(size, LINK)
        elif size > LINK and (df or protocol == "udp-gso"):
            return "local"
        elif protocol == "udp-gso" and self.no_gso:
            return "local"
        if df and size > self.tunnel:
            return (GATEWAY if up else HA), self.tunnel
        if not up and self.port < size <= LINK:
            return (ENDS["dev"], self.port) if df else "dropped"
        return "delivered"

    def sizes(self, up):
        limits = [self.tunnel, LINK]
        if self.port != LINK:
            limits = [] if up else [self.port]  # its MTU is for what leaves by it
        return [limit + off for limit in limits for off in (-1, 0, 1)]

    def too_big(self):
        return self.pma.counter("drop_too_big")

    def cases(self):
        for up in (True, False):
            for size, df, protocol in itertools.product(self.sizes(up), (True, False),
                                                        ("udp", "udp-gso", "icmp", "tcp")):
                if self.bad == MOST_BAD:
                    return
                self.number += 1
                want = self.expected(up, size, df, protocol)
                got = self.case(up, size, df, protocol, want)
                name = want if isinstance(want, str) else "told"
                self.outcomes[name] = self.outcomes.get(name, 0) + 1
                if got != want:
                    self.bad += 1
                    print(f"bad {'up' if up else 'down'} {protocol} of {size} bytes{', DF' if df else ''}: {got}, "
                          f"expected {want}")

    def case(self, up, size, df, protocol, want):
        src, dst = (self.ends[ns] for ns in (("dev", "cn") if up else ("cn", "dev")))
        for flush in self.flushes:
            os.pwrite(flush, b"1", 0)
        if protocol == "tcp":
            return self.tcp(src, dst, size, df, want)
        src.drain()
        dst.drain()
        return self.packets(src, dst, size, df, protocol, want)

    def packets(self, src, dst, size, df, protocol, want):
        start = self.number * 97 % 100000
        if protocol == "icmp":
            sock, arrives = src.icmp, src.icmp
            body = struct.pack("!HH", 0x4d34, self.number & 0xffff) + BLOB[start:start + size - 28]
            message = struct.pack("!BBH", 8, 0, echo_checksum(b"\x08\0\0\0" + body)) + body
            parts = [body]
        else:
            sock, arrives = src.udp, dst.udp
            count = 4 if protocol == "udp-gso" else 1
            message = BLOB[start:start + count * (size - 28)]
            parts = [message[i * (size - 28):(i + 1) * (size - 28)] for i in range(count)]
            # the option's 0 is none
            sock.setsockopt(socket.IPPROTO_UDP, UDP_SEGMENT, size - 28 if count > 1 else 0)
        # neither lets what an earlier case taught the route cut packets before they leave
        sock.setsockopt(socket.IPPROTO_IP, MTU_DISCOVER, PROBE if df else OMIT)
        before = self.too_big() if want == "dropped" else 0
        try:
            sock.sendto(message, (dst.address, UDP_PORT if protocol != "icmp" else 0))
        except OSError as error:
            return "local" if error.errno in (5, 22, 90) else f"not sent: {error}"
        got, error, end = [], None, time.monotonic() + SECONDS
        poll = select.poll()
        for each in {sock, arrives}:
            poll.register(each, select.POLLIN)
        while len(got) < len(parts) and not error and time.monotonic() < end:
            if want == "dropped" and self.too_big() - before >= 1:
                break
            poll.poll(20 if want == "dropped" else 1000)
            error = learned(sock)
            got += self.received(arrives, protocol)
        got += self.received(arrives, protocol)
        if error and not got:
            return error
        if want == "dropped" and not got and not error:
            return "dropped" if time.monotonic() < end else "neither arrived nor counted"
        if got == parts:
            return "delivered" if not error else f"delivered, but told {error}"
        return f"{len(got)} of {len(parts)} arrived, {sum(a == b for a, b in zip(got, parts))} right, error {error}"

    @staticmethod
    def received(sock, protocol):
        got = []
        while True:
            try:
                data = sock.recv(65536)
            except BlockingIOError:
                return got
            except OSError:
                continue  # the error queue tells
            if protocol != "icmp":
                got.append(data)
            elif data[20] == 0:
                got.append(data[24:])

    def tcp(self, src, dst, size, df, want):
        data = BLOB[self.number:self.number + TCP_BYTES]
        got = bytearray()
        before = self.too_big() if want == "dropped" else 0
        client = src.connection()
        server = None
        try:
            for sock in (client, dst.listener):
                sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG, size - 40)
                sock.setsockopt(socket.IPPROTO_IP, MTU_DISCOVER, WANT if df else DONT)
            client.settimeout(SECONDS)
            client.connect((dst.address, TCP_PORT))
            server = dst.listener.accept()[0]
            client.setblocking(False)
            server.setblocking(False)
            left, end = memoryview(data), time.monotonic() + SECONDS
            while len(got) < len(data):
                if time.monotonic() > end:
                    return f"{len(got)} of {len(data)} bytes arrived"
                if want == "dropped" and self.too_big() > before:
                    return "dropped" if not got else f"{len(got)} bytes arrived"
                readable, writable, _ = select.select([server], [client] if left else [], [], .02)
                if writable:
                    left = left[client.send(left):]
                if readable:
                    got += server.recv(1 << 18)
            if got != data:
                return "other bytes arrived"
            mtu = client.getsockopt(socket.IPPROTO_IP, GET_MTU)
            if not isinstance(want, str) and mtu == want[1]:
                return want  # it went on with that
            return "delivered" if mtu == LINK or not df else f"delivered, with an MTU of {mtu}"
        except OSError as error:
            return f"failed: {error}"
        finally:
            for sock in (client, server):
                if sock:
                    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                    sock.close()


def main():
    matrix = Matrix()
    for row in rows():
        matrix.row(row)
    print("outcome cases", matrix.number)
    for name, count in matrix.outcomes.items():
        print("outcome", name, count)


if __name__ == "__main__":
    main()
