#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""A service manager with a store for file descriptors, as sd_notify(3) and sd_listen_fds(3) describe it.

usage: store.py COMMAND...: runs it again each time that it is killed, with what it has stored, and ends with it else.
A line for each start and each descriptor stored goes to standard output.
"""
import os
import select
import socket
import sys

notify = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
notify.bind("\0mip4-store")
notify.setblocking(False)
store = {}


def serve(child):
    """Until the child ends; its exit status."""
    while True:
        pid, status = os.waitpid(child, os.WNOHANG)
        if not select.select([notify], [], [], 0.05)[0]:
            if pid:
                return os.waitstatus_to_exitcode(status)
            continue
        data, fds, _, _ = socket.recv_fds(notify, 4096, 16)
        words = dict(line.split("=", 1) for line in data.decode().splitlines())
        if "FDSTORE" in words:
            print("stored", words["FDNAME"], flush=True)
            store[words["FDNAME"]] = fds[0]
        if "FDSTOREREMOVE" in words:
            print("removed", words["FDNAME"], flush=True)
            os.close(store.pop(words["FDNAME"]))
        if "READY" in words:
            print("ready", child, flush=True)


def start():
    child = os.fork()
    if child:
        return child
    # first out of the way of where they go
    spare = [os.dup(fd) for fd in store.values()]
    for i, fd in enumerate(spare):
        os.dup2(fd, 3 + i)
    os.execvpe(sys.argv[1], sys.argv[1:],
               {**os.environ, "NOTIFY_SOCKET": "@mip4-store", "LISTEN_PID": str(os.getpid()),
                "LISTEN_FDS": str(len(store)), "LISTEN_FDNAMES": ":".join(store)})


STATUS = -9
while STATUS == -9:
    STATUS = serve(start())
sys.exit(STATUS)
