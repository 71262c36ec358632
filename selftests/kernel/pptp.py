#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""One end of a PPTP session as its daemons leave it: pptp.py LOCAL CALL-ID REMOTE CALL-ID makes a ppp device.

Nothing is negotiated, so the data path is all there is: enhanced GRE (RFC 2637). Linux gives a call ID once, whatever
the namespace.
"""
import ctypes
import fcntl
import os
import signal
import socket
import struct
import sys

AF_PPPOX, PX_PROTO_PPTP = 24, 2
PPPIOCGCHAN, PPPIOCATTCHAN, PPPIOCNEWUNIT, PPPIOCCONNECT = 0x80047437, 0x40047438, 0xc004743e, 0x4004743a

libc = ctypes.CDLL(None, use_errno=True)


def call(function, fd, address, call_id):
    # struct sockaddr_pppox: packed outside, struct pptp_addr inside isn't
    sockaddr = struct.pack("=HIH2x4s16x", AF_PPPOX, PX_PROTO_PPTP, call_id, socket.inet_aton(address))
    if function(fd, sockaddr, len(sockaddr)):
        raise OSError(ctypes.get_errno(), f"{function.__name__} {address}")


def number(fd, request, value=0):
    return struct.unpack("=i", fcntl.ioctl(fd, request, struct.pack("=i", value)))[0]


def main(local, call_id, remote, remote_id):
    session = libc.socket(AF_PPPOX, socket.SOCK_STREAM, PX_PROTO_PPTP)
    if session < 0:
        raise OSError(ctypes.get_errno(), "socket")
    call(libc.bind, session, local, int(call_id))
    call(libc.connect, session, remote, int(remote_id))
    channel, unit = os.open("/dev/ppp", os.O_RDWR), os.open("/dev/ppp", os.O_RDWR)
    number(channel, PPPIOCATTCHAN, number(session, PPPIOCGCHAN))
    number(channel, PPPIOCCONNECT, number(unit, PPPIOCNEWUNIT, -1))
    signal.pause()


main(*sys.argv[1:])
