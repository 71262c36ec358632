# SPDX-License-Identifier: GPL-2.0-only
"""One side of a TCP connection that sends a file and writes what it gets to another, both at once.

usage: swap.py listen PORT SEND GOT
       swap.py connect ADDRESS PORT SOURCE-PORT SEND GOT
"""
import socket
import sys
import threading

LIMIT = 120     # s without a byte

kind, *where, send, got = sys.argv[1:]
if kind == "listen":
    with socket.create_server(("", int(where[0]))) as server:
        server.settimeout(LIMIT)
        conn = server.accept()[0]
else:
    conn = socket.socket()
    conn.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    conn.bind(("", int(where[2])))
    conn.settimeout(20)
    conn.connect((where[0], int(where[1])))
conn.settimeout(LIMIT)


def sender():
    with open(send, "rb") as f:
        conn.sendall(f.read())
    conn.shutdown(socket.SHUT_WR)


thread = threading.Thread(target=sender)
thread.start()
with open(got, "wb") as f:
    while data := conn.recv(65536):
        f.write(data)
thread.join()
