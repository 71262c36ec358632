#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""Packets by hand: packets.py EXPRESSION... evaluates each with the functions below in scope.

Headers are functions from fields and payload to bytes. A result of False makes the exit status 1; any other that
isn't None is printed.
"""
import contextlib
import fcntl
import os
import select
import socket
import struct
import sys
import time

BROADCAST = "ff:ff:ff:ff:ff:ff"


def mac(text):
    return bytes.fromhex(text.replace(":", ""))


def addr(text):
    return socket.inet_aton(text)


def checksum(data):
    if len(data) % 2:
        data += b"\0"
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return ~total & 0xffff


def ip(src, dst, payload=b"", proto=17, ttl=64, tos=0, df=0, frag=0, version=4, total=None, bad=False):
    total = 20 + len(payload) if total is None else total
    head = struct.pack("!BBH2sHBBH", version << 4 | 5, tos, total, os.urandom(2), df << 14 | frag, ttl, proto, 0) + \
        addr(src) + addr(dst)
    head = head[:10] + struct.pack("!H", checksum(head) ^ bad) + head[12:]
    return head + payload


def ip6(src, dst, payload=b"", proto=59, hops=64):
    """59: no next header."""
    return struct.pack("!IHBB", 6 << 28, len(payload), proto, hops) + socket.inet_pton(socket.AF_INET6, src) + \
        socket.inet_pton(socket.AF_INET6, dst) + payload


def udp(sport, dport, data=b"x"):
    return struct.pack("!HHHH", sport, dport, 8 + len(data), 0) + data


def tunnel_data(inner, type=4, next=4):
    """RFC 3519 section 3.3."""
    return struct.pack("!BBH", type, next, 0) + inner


def tcp(sport, dport, data=b""):
    return struct.pack("!HHIIBBHHH", sport, dport, 1, 1, 5 << 4, 0x10, 8192, 0, 0) + data


def icmp(type, code=0, rest=0, data=b""):
    head = struct.pack("!BBHI", type, code, 0, rest)
    return head[:2] + struct.pack("!H", checksum(head + data)) + head[4:] + data


def echo(src, dst, **fields):
    return ip(src, dst, icmp(8, rest=0x12340001, data=b"mip4"), proto=1, **fields)


def gre(inner, key=None, flags=0, proto=0x0800, csum=None, seq=None):
    """csum: True for a right checksum, False for a wrong one."""
    flags |= (0x8000 if csum is not None else 0) | (0x2000 if key is not None else 0) | \
        (0x1000 if seq is not None else 0)
    tail = b"" if key is None else struct.pack("!I", key)
    tail += b"" if seq is None else struct.pack("!I", seq)
    head = struct.pack("!HH", flags, proto)
    if csum is not None:
        value = checksum(head + b"\0\0\0\0" + tail + inner) ^ (0 if csum else 1)
        head += struct.pack("!HH", value, 0)
    return head + tail + inner


def minimal(src, dst, inner, absent=False, bits=0, bad=False):
    """RFC 2004: what becomes of an IPv4 packet on its way from src to dst. absent: its source isn't in the header."""
    head = struct.pack("!BBH", inner[9], (0 if absent else 0x80) | bits, 0) + inner[16:20] + \
        (b"" if absent else inner[12:16])
    head = head[:2] + struct.pack("!H", checksum(head) ^ bad) + head[4:]
    outer = inner[:2] + struct.pack("!H", len(inner) + len(head)) + inner[4:9] + b"\x37\0\0" + addr(src) + addr(dst)
    return outer[:10] + struct.pack("!H", checksum(outer)) + outer[12:] + head + inner[20:]


def fragments(packet, *lengths):
    """Cut behind the header, into pieces of such lengths, all but the last divisible by 8."""
    parts, at = [], 0
    for length in lengths:
        more = 0x2000 if 20 + at + length < len(packet) else 0
        head = packet[:2] + struct.pack("!HHHBBH", 20 + length, 0x1234, more | at // 8, packet[8], packet[9], 0) + \
            packet[12:20]
        parts.append(head[:10] + struct.pack("!H", checksum(head)) + head[12:] + packet[20 + at:20 + at + length])
        at += length
    return parts


def eth(src, dst, payload, type=0x0800):
    return mac(dst) + mac(src) + struct.pack("!H", type) + payload


def arp(op, sha, sip, tip, tha="00:00:00:00:00:00"):
    return struct.pack("!HHBBH", 1, 0x0800, 6, 4, op) + mac(sha) + addr(sip) + mac(tha) + addr(tip)


def arp_frame(op, sha, sip, tip, dst=BROADCAST, src=None):
    return eth(src or sha, dst, arp(op, sha, sip, tip), 0x0806)


@contextlib.contextmanager
def inside(ns):
    """What is opened in there belongs to that namespace."""
    import ctypes  # takes longer than all that a test without it does here

    libc = ctypes.CDLL(None, use_errno=True)

    def enter(path):
        with open(path, encoding="ascii") as file:
            if libc.setns(file.fileno(), 0x40000000):
                raise OSError(ctypes.get_errno(), path)

    with open("/proc/self/ns/net", encoding="ascii") as back:
        enter(f"/run/netns/{ns}")
        try:
            yield
        finally:
            enter(f"/proc/self/fd/{back.fileno()}")


def starve(ns, dev, frame, gso=0, needs=True, most=80000, step=120):
    """Send a frame again and again, in which the first, second, ... allocation of whoever handles it at once fails.

    gso: as of send_gso(). Prints how many times something failed; it ends when that was nothing for a while. Such a
    frame needs memory somewhere, or this proves nothing; needs=False is for one that may do without.
    """
    def knob(name, value):
        fd = os.open("/sys/kernel/debug/failslab/" + name, os.O_WRONLY)
        os.write(fd, str(value).encode())
        os.close(fd)

    def left():
        with open("/sys/kernel/debug/failslab/times", encoding="ascii") as times:
            return int(times.read())

    failed = none = 0
    with inside(ns):
        s = packet_socket(dev, 0)
    if gso:
        s.setsockopt(263, 15, 1)
        frame = struct.pack("=BBHHHH", 1, 1, 54, gso, 34, 16) + frame
    # so many bytes are given before one request is refused
    for space in range(0, most, step):
        knob("space", space)
        knob("times", 1)
        knob("probability", 100)
        s.send(frame)
        knob("probability", 0)
        none = 0 if left() == 0 else none + 1
        failed += none == 0
        if none > 20:
            break
    knob("space", 0)
    print(failed)
    return (failed > 0 or not needs) and none > 20


def send_ip(*packets):
    """From this namespace, source address as written."""
    with socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW) as s:
        for packet in packets:
            s.sendto(packet, (socket.inet_ntoa(packet[16:20]), 0))


def packet_socket(dev, type=3):
    s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(type))
    s.bind((dev, type))
    return s


def send(dev, *frames, gap=0):
    with packet_socket(dev, 0) as s:
        for frame in frames:
            s.send(frame)
            if gap:
                time.sleep(gap)


def send_gso(dev, frame, size):
    """A frame of TCP without options, to be cut into segments of @size bytes by whoever has to."""
    with packet_socket(dev, 0) as s:
        s.setsockopt(263, 15, 1)  # PACKET_VNET_HDR: needs a checksum, TCPv4
        s.send(struct.pack("=BBHHHH", 1, 1, 54, size, 34, 16) + frame)


def tun_ask(dev, packet, seconds=3.0):
    """Be the other end of a tun device: send a packet and return the first IPv4 one that comes back, else None."""
    with open("/dev/net/tun", "r+b", buffering=0) as f:
        fcntl.ioctl(f, 0x400454ca, struct.pack("16sH22x", dev.encode(), 0x1001))    # TUNSETIFF: TUN, NO_PI
        f.write(packet)
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0 and select.select([f], [], [], left)[0]:
            if (got := f.read(65536))[0] >> 4 == 4:
                return got
    return None


def flood(dev, frame, gap=0):
    """Until somebody ends it."""
    with packet_socket(dev, 0) as s:
        while True:
            s.send(frame)
            time.sleep(gap)


def count(dev, match, wanted, seconds):
    """How many frames that match came in until as many as wanted did, or the time was over."""
    got = 0
    with packet_socket(dev) as s:
        print("ready", file=sys.stderr, flush=True)
        end = time.monotonic() + seconds
        while got < wanted and (left := end - time.monotonic()) > 0:
            if select.select([s], [], [], left)[0]:
                frame, origin = s.recvfrom(65536)
                got += origin[2] != socket.PACKET_OUTGOING and match(frame)
    return got


def ask(dev, frames, match, seconds=3.0):
    """Send frames and return the first that comes in and for which match(frame) is true, else None."""
    with packet_socket(dev) as s:
        for frame in frames if isinstance(frames, list) else [frames]:
            s.send(frame)
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            if not select.select([s], [], [], left)[0]:
                break
            frame, origin = s.recvfrom(65536)
            if origin[2] != socket.PACKET_OUTGOING and match(frame):
                return frame
    return None


def arp_reply(dev, frame, seconds=3.0, source=None):
    """MAC that an ARP answer gives; '' if none comes. The frame's source must be @source, or that MAC."""
    got = ask(dev, frame, lambda f: f[12:14] == b"\x08\x06" and f[20:22] == b"\0\2", seconds)
    if got is None:
        return ""
    if got[6:12] != (bytes.fromhex(source.replace(":", "")) if source else got[22:28]):
        return "the frame came from " + got[6:12].hex(":")
    return got[22:28].hex(":")


def icmp_reply(dev, frame, type, seconds=3.0):
    """'source code mtu ttl' of the first ICMP message of that type, '' if none comes."""
    got = ask(dev, frame, lambda f: f[12:14] == b"\x08\0" and f[23] == 1 and f[34] == type, seconds)
    if got is None:
        return ""
    if checksum(got[14:34]) or checksum(got[34:14 + struct.unpack("!H", got[16:18])[0]]):
        return "bad checksum"
    return f"{socket.inet_ntoa(got[26:30])} {got[35]} {struct.unpack('!H', got[40:42])[0]} {got[22]}"


def tell(dev, to, port, *texts, ttl=64):
    """Datagrams to a group, to all or to one, by an ordinary socket."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, dev.encode())
        s.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
        s.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_LOOP, 0)
        s.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_TTL, ttl)
        s.setsockopt(socket.IPPROTO_IP, socket.IP_TTL, ttl)
        for text in texts:
            s.sendto(text.encode(), (to, port))


def hear(dev, port, last, *groups, seconds=20.0):
    """'source text ttl' of each datagram that an ordinary socket gets, up to that of text @last, which is 'end'."""
    lines = []
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.bind(("", port))
        s.setsockopt(socket.IPPROTO_IP, 12, 1)  # IP_RECVTTL
        for group in groups:
            s.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP,
                         addr(group) + struct.pack("=4xi", socket.if_nametoindex(dev)))
        print("ready", file=sys.stderr, flush=True)
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0 and select.select([s], [], [], left)[0]:
            data, control, _, source = s.recvmsg(2048, 64)
            if data.decode() == last:
                return "\n".join(lines + ["end"])
            lines.append(f"{source[0]} {data.decode()} {struct.unpack('=i', control[0][2])[0]}")
    return "\n".join(lines + ["the last one didn't come", "end"])


# what a router may say about a packet
ERRORS = [(3, code) for code in range(16)] + [(4, 0), (5, 1), (11, 0), (11, 1), (12, 0)]
LAST = 0xffff


def errors(src, dst, quote, mtu=1400):
    """An ICMP packet from src to dst for each of ERRORS, and one more host unreachable, about quote(mark)."""
    return [ip(src, dst, icmp(type, code, mtu if (type, code) == (3, 4) else 0, quote(mark)), proto=1)
            for type, code, mark in [(t, c, t << 8 | c) for t, c in ERRORS] + [(3, 1, LAST)]]


def told(dev, seconds=20.0):
    """'TYPE/CODE it was: source type/code mtu' of each error that comes in, up to the one marked LAST. The mark is the
    UDP source port that it quotes."""
    lines = []
    with packet_socket(dev) as s:
        print("ready", file=sys.stderr, flush=True)
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            if not select.select([s], [], [], left)[0]:
                break
            frame, origin = s.recvfrom(65536)
            got = frame[14:]
            if origin[2] == socket.PACKET_OUTGOING or frame[12:14] != b"\x08\0" or got[9] != 1 or \
                    got[20] in (0, 8) or got[28 + 9] != 17:
                continue
            length = struct.unpack("!H", got[2:4])[0]
            mark = struct.unpack("!H", got[48:50])[0]
            good = not (checksum(got[:20]) or checksum(got[20:length]) or checksum(got[28:48]))
            if mark == LAST:
                break
            mtu = struct.unpack("!H", got[26:28])[0]
            lines.append(f"{mark >> 8}/{mark & 255}: {socket.inet_ntoa(got[12:16])} {got[20]}/{got[21]}"
                         f"{' %d' % mtu if mtu else ''}{'' if good else ' bad checksum'}")
        else:
            lines.append("the last one didn't come")
    return "\n".join(lines)


if __name__ == "__main__":
    status = 0
    for expression in sys.argv[1:]:
        result = eval(expression)
        if result is False:
            status = 1
        elif result is not None:
            print(result)
    sys.exit(status)
