#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""Mobile IPv4 messages by hand, put on a wire past this kernel's UDP and IPsec.

usage: signalling.py rrq IF SRC DST NAI METHOD KEYFILE CHECKSUM...
       signalling.py ha IF ADDRESS KEYFILE CHECKSUM:HOME...

rrq: a registration request per CHECKSUM, "good", "bad" or "none", each later than the one before, to DST, per node by
     METHOD (1: FA-HA by KEYFILE, SPI 0x100; 2: as if IPsec covered it). Says of each reply "ok CHECKSUM-OF-REQUEST
     CODE CHECKSUM-OF-REPLY", and ends when the last one has its own, or with "silence" after three seconds.
ha:  waits for a request at ADDRESS and answers it as a home agent would that gives HOME, once per CHECKSUM:HOME.
"""
import hashlib
import hmac
import socket
import struct
import sys
import time

PORT = 434


def checksum(data):
    if len(data) % 2:
        data += b"\0"
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return ~total & 0xffff


def datagram(src, dst, payload, kind):
    ends = socket.inet_aton(src) + socket.inet_aton(dst)
    udp = struct.pack("!HHHH", PORT, PORT, 8 + len(payload), 0) + payload
    value = checksum(ends + struct.pack("!HH", 17, len(udp)) + udp) or 0xffff
    value = {"good": value, "bad": value ^ 0x0100, "none": 0}[kind]
    udp = udp[:6] + struct.pack("!H", value) + udp[8:]
    head = struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(udp), 0, 0, 64, 17, 0) + ends
    return head[:10] + struct.pack("!H", checksum(head)) + head[12:] + udp


def mac_of(dev, addr):
    """By asking: the neighbour answers whatever IPsec wants of others."""
    arp = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(0x0806))
    arp.bind((dev, 0x0806))
    arp.settimeout(3)
    own = arp.getsockname()[4]
    ask = struct.pack("!HHBBH", 1, 0x0800, 6, 4, 1) + own + bytes(4) + bytes(6) + socket.inet_aton(addr)
    arp.send(b"\xff" * 6 + own + b"\x08\x06" + ask)
    while True:
        frame = arp.recv(2048)
        if frame[20:22] == b"\0\2" and frame[28:32] == socket.inet_aton(addr):
            return own, frame[22:28]


class Wire:
    def __init__(self, dev, peer):
        self.own, self.peer = mac_of(dev, peer)
        self.socket = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(0x0800))
        self.socket.bind((dev, 0x0800))

    def send(self, packet):
        self.socket.send(self.peer + self.own + b"\x08\0" + packet)

    def messages(self, kind, seconds):
        """(UDP checksum, payload) of messages of that type from the other end."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            self.socket.settimeout(max(end - time.monotonic(), 0.01))
            try:
                frame, where = self.socket.recvfrom(2048)
            except TimeoutError:
                return
            if where[2] != socket.PACKET_OUTGOING and frame[23] == 17 and frame[36:38] == struct.pack("!H", PORT) \
                    and frame[42] == kind:
                length = struct.unpack("!H", frame[38:40])[0]
                yield struct.unpack("!H", frame[40:42])[0], frame[42:34 + length]


def signed(message, nai, method, key):
    message += bytes([131, len(nai)]) + nai + bytes([47, 1, 0, 1, method])
    if method == 1:
        message += struct.pack("!BBI", 34, 36, 0x100)
        message += hmac.new(key, message, hashlib.sha256).digest()
    return message


def now():
    return int((time.time() + 2208988800) * 2**32)


def rrq(dev, src, dst, nai, method, keyfile, *kinds):
    with open(keyfile) as f:
        key = bytes.fromhex(f.read())
    wire = Wire(dev, dst)
    asked = {}
    for kind in kinds:
        ident = now()
        asked[ident & 0xffffffff] = kind
        message = struct.pack("!BBH4s4s4sQ", 1, 2, 600, bytes(4), socket.inet_aton(dst), socket.inet_aton(src), ident)
        wire.send(datagram(src, dst, signed(message, nai.encode(), int(method), key), kind))
    for value, reply in wire.messages(3, 3):
        kind = asked.get(struct.unpack("!I", reply[16:20])[0])
        if kind:
            print("ok", kind, reply[1], "checksum" if value else "none", flush=True)
        if kind == kinds[-1]:
            return 0
    print("silence")
    return 0


def home_agent(dev, addr, keyfile, *answers):
    with open(keyfile) as f:
        key = bytes.fromhex(f.read())
    # so that the kernel has no ICMP for who asks
    quiet = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    quiet.bind((addr, PORT))
    sniff = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(0x0800))
    sniff.bind((dev, 0x0800))
    print("listens", flush=True)
    while True:
        frame, where = sniff.recvfrom(2048)
        if where[2] != socket.PACKET_OUTGOING and frame[23] == 17 and frame[36:38] == struct.pack("!H", PORT) \
                and frame[42] == 1:
            break
    request = frame[42:34 + struct.unpack("!H", frame[38:40])[0]]
    src = socket.inet_ntoa(frame[26:30])
    nai = request[26:26 + request[25]]
    print("asked", "checksum" if frame[40:42] != b"\0\0" else "none", flush=True)
    wire = Wire(dev, src)
    for answer in answers:
        kind, home = answer.split(":")
        message = struct.pack("!BBH4s4s8s", 3, 0, 600, socket.inet_aton(home), socket.inet_aton(addr), request[16:24])
        wire.send(datagram(addr, src, signed(message, nai, 1, key), kind))
    return 0


sys.exit({"rrq": rrq, "ha": home_agent}[sys.argv[1]](*sys.argv[2:]))
