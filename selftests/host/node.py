#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""A mobile node that registers by itself, with a key of its own (RFC 5944), by IP-in-IP.

usage: node.py HOME-AGENT HOME-ADDRESS CARE-OF-ADDRESS LIFETIME NAI KEYFILE

Sends one request from the care-of address, signed by SPI 0x300, and prints the code of the reply, or "silence".
"""
import hashlib
import hmac
import socket
import struct
import sys
import time

PORT = 434
D, T = 0x20, 0x02


def main(ha, home, coa, lifetime, nai, keyfile):
    with open(keyfile) as f:
        key = bytes.fromhex(f.read())
    ident = int((time.time() + 2208988800) * 2**32)
    message = struct.pack("!BBH4s4s4sQ", 1, D | T if coa != home else 0, int(lifetime), socket.inet_aton(home),
                          socket.inet_aton(ha), socket.inet_aton(coa), ident)
    message += bytes([131, len(nai)]) + nai.encode() + struct.pack("!BBI", 32, 36, 0x300)
    message += hmac.new(key, message, hashlib.sha256).digest()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
        udp.bind((coa, PORT))
        udp.settimeout(5)
        udp.sendto(message, (ha, PORT))
        try:
            reply, source = udp.recvfrom(2048)
        except TimeoutError:
            print("silence")
            return
    if source == (ha, PORT) and reply[0] == 3 and reply[16:20] == message[20:24]:
        print(reply[1])
    else:
        print("strange", source, reply.hex())


main(*sys.argv[1:])
