#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""The process that has the UDP socket of a mip4 device: udp.py EXPRESSION, with the functions below in scope.

A result of False makes the exit status 1.
"""
import contextlib
import os
import signal
import socket
import sys

import genl


def attach(dev, sock):
    """What the kernel says to it; '' for yes. @sock: a socket or a number, None for none."""
    fd = b"" if sock is None else genl.u32(genl.A_SOCKET_FD, sock if isinstance(sock, int) else sock.fileno())
    nl = genl.Socket()
    error, _, text = nl.talk(nl.family, genl.SOCKET_SET, genl.u32(genl.A_IFINDEX, socket.if_nametoindex(dev)) + fd)
    return f"{os.strerror(-error)}: {text}" if error else ""


def udp(address="0.0.0.0", port=434, family=socket.AF_INET, type=socket.SOCK_DGRAM):
    sock = socket.socket(family, type)
    if port is not None:
        sock.bind((address, port))
    return sock


def connected(address, peer):
    sock = udp(address)
    sock.connect((peer, 434))
    return sock


def esp(address):
    """A socket with UDP_ENCAP_ESPINUDP."""
    sock = udp(address)
    sock.setsockopt(socket.IPPROTO_UDP, 100, 2)
    return sock


@contextlib.contextmanager
def inside(netns):
    """Nothing of it stays open, for that would keep it."""
    with open("/proc/self/ns/net", "rb") as home:
        with open(f"/run/netns/{netns}", "rb") as there:
            os.setns(there.fileno())
        try:
            yield
        finally:
            os.setns(home.fileno())


def elsewhere(netns, **args):
    """A socket of another namespace."""
    with inside(netns):
        return udp(**args)


def says(dev, sock):
    print(attach(dev, sock) or "accepted")


def hold(devs, address="0.0.0.0", port=434):
    """Print what is passed up, in hex behind whom it is from, until somebody ends it."""
    sock = udp(address, port)
    for dev in devs.split():
        refused = attach(dev, sock)
        if refused:
            print(refused, flush=True)
            return False
    print("ready", flush=True)
    while True:
        data, source = sock.recvfrom(65536)
        print(f"{source[0]}:{source[1]} {data.hex()}", flush=True)


def hold_from_outside(dev, netns, underlay):
    """Nor is this process in either of the two."""
    sock = elsewhere(underlay)
    with inside(netns):
        refused = attach(dev, sock)
    print(refused or "ready", flush=True)
    signal.pause()


def shared(dev):
    """Two processes have it; prints the number of the other one."""
    sock = udp()
    refused = attach(dev, sock)
    child = os.fork()
    if child:
        print(refused or child, flush=True)
    signal.pause()


if __name__ == "__main__":
    if not hasattr(os, "setns"):  # before Python 3.12
        import ctypes
        os.setns = lambda fd: ctypes.CDLL(None, use_errno=True).setns(fd, 0)
    sys.exit(eval(sys.argv[1]) is False)
