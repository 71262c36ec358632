#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""What two access routers and a home agent tell their kernels at a handover, as fast as agents that stand ready.

usage: handover.py make HA OLD NEW: the device reaches both, and sends to the new one once "pending" is printed
       handover.py break HA OLD NEW PID: it reaches none for 0.06 s; PID, which sends for it, is stopped meanwhile

Each router is NETNS,ADDRESS,KEY; the home agent's key is none. Both directions of a tunnel have the same key.
"""
import ctypes
import os
import signal
import socket
import sys
import time

import genl

ACTIVE, COPY, RECEIVE_ONLY, PENDING, RETURN = range(5)
HOME, MAC, GATEWAY = "10.0.0.5", "02:00:00:00:00:05", "10.0.0.1"


class Router:
    def __init__(self, text):
        netns, self.address, key = text.split(",")
        self.key = int(key)
        with open(f"/run/netns/{netns}", encoding="ascii") as file:
            if ctypes.CDLL(None).setns(file.fileno(), 0x40000000):
                sys.exit(f"can't enter netns {netns}")
        self.sock = genl.Socket()
        self.device = socket.if_nametoindex("mip0")
        self.port = socket.if_nametoindex("port") if self.key else 0

    def talk(self, cmd, *attrs):
        error, answers, text = self.sock.talk(self.sock.family, cmd, genl.u32(genl.A_IFINDEX, self.device) +
                                              b"".join(attrs))
        if error:
            sys.exit(f"{self.address}: {os.strerror(-error)}: {text}")
        return answers

    def bind(self, cmd, *legs, where=b""):
        self.talk(cmd, genl.binding(genl.addrs(genl.addr(HOME)), genl.legs(*legs), where))

    def served(self):
        """Where the device is."""
        return genl.port(self.port) + genl.mac(MAC) + genl.a(genl.B_GATEWAY, socket.inet_aton(GATEWAY))

    def wait_held(self):
        """Until something of the device waits."""
        want = genl.nest(genl.A_PORT, genl.u32(genl.PORT_A_IFINDEX, self.port))
        while True:
            port = dict(genl.attributes(self.talk(genl.PORT_GET, want)[0][20:]))[genl.A_PORT]
            if any(dict(genl.attributes(port))[genl.PORT_A_HELD]):
                return
            time.sleep(.001)  # between two looks


def leg(router, key, state, ms=0):
    return genl.leg(router.address, key, key, state, ms)


def main(how, ha, old, new, pid=None):
    ha, old, new = Router(ha), Router(old), Router(new)
    start = time.monotonic()
    if how == "break":
        old.bind(genl.BINDING_SET, leg(ha, old.key, RETURN, 2000))
        time.sleep(.06)  # that is how long it is out of reach
    new.bind(genl.BINDING_NEW, leg(ha, new.key, PENDING), where=new.served())
    if how == "break":
        os.kill(int(pid), signal.SIGCONT)
    else:
        print("pending", flush=True)
    new.wait_held()
    held = time.monotonic()
    ha.bind(genl.BINDING_SET, leg(new, new.key, ACTIVE), leg(old, old.key, RECEIVE_ONLY, 2000))
    new.bind(genl.BINDING_SET, leg(ha, new.key, ACTIVE))
    end = time.monotonic()
    if how == "make":
        old.bind(genl.BINDING_SET, leg(ha, old.key, RETURN, 2000))
    print(f"it took {(end - start) * 1000:.1f} ms, {(end - held) * 1000:.1f} of them with packets that waited")


main(*sys.argv[1:])
