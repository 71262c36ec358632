#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""mipctl without the module: requests are read from -dump-nl, replies are fed
by -read-nl, the agent is a socket of our own. usage: test.py MIPCTL"""

import json
import os
import random
import re
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import traceback
from xml.etree import ElementTree

import nl

MIPCTL = os.path.abspath(sys.argv[1])
TMP = tempfile.TemporaryDirectory(prefix="mipctl-test-")
VERSION = open(os.path.join(os.path.dirname(__file__), "../../VERSION")).read().strip()
ADD = "binding add dev lo port if7 mac 02:00:00:00:00:05 home 10.0.0.5 peer 198.51.100.7"


def path(name):
    return os.path.join(TMP.name, name)


class Run:
    """One mipctl: .rc, .out, .err; nl: bytes for -read-nl; .sent: what -dump-nl wrote."""

    def __init__(self, words, replies=None, stdin="", env=None):
        argv = [MIPCTL]
        dump = path("request.nl")
        if os.path.exists(dump):
            os.unlink(dump)
        if replies is not None:
            with open(path("reply.nl"), "wb") as f:
                f.write(replies)
            argv += ["-read-nl", path("reply.nl")]
        words = words.split() if isinstance(words, str) else words
        if "monitor" not in words and replies is None or "+dump" in words:
            argv += ["-dump-nl", dump]
        done = subprocess.run(argv + [w for w in words if w != "+dump"], input=stdin, capture_output=True,
                              text=True, timeout=60,
                              env={**os.environ, "MIP4_RUN_DIR": TMP.name, "TZ": "UTC", **(env or {})})
        self.rc, self.out, self.err = done.returncode, done.stdout, done.stderr
        self.sent = open(dump, "rb").read() if os.path.exists(dump) else b""

    def json(self):
        return json.loads(self.out)


def same(got, want):
    assert got == want, f"\n got: {got!r}\nwant: {want!r}"


def genl_sent(words, **kw):
    """The only request of a command line: (command, flags, attributes)."""
    run = Run(words, **kw)
    same((run.rc, run.err), (0, ""))
    sent = list(nl.messages(run.sent))
    same(len(sent), 1)
    kind, flags, payload = sent[0]
    same(kind, nl.FAMILY)
    cmd, version, reserved = struct.unpack_from("=BBH", payload)
    same((version, reserved), (1, 0))
    return nl.CMD[cmd], flags, nl.decode(payload[4:])


def link_sent(words):
    """Likewise for rtnetlink: (type, flags, ifindex, {attribute: bytes}, decoded link data)."""
    run = Run(words)
    same((run.rc, run.err), (0, ""))
    sent = list(nl.messages(run.sent))
    same(len(sent), 1)
    kind, flags, payload = sent[0]
    index = struct.unpack_from("=i", payload, 4)[0]
    attrs = {number: data for _, number, _, data in nl.walk(payload[16:])}
    data = None
    if nl.IFLA["LINKINFO"] in attrs:
        info = {number: data for _, number, _, data in nl.walk(attrs[nl.IFLA["LINKINFO"]])}
        same(info[1], b"mip4")
        data = nl.decode(info[2], nl.LINK_DATA) if 2 in info else None
    return kind, flags, index, attrs, data


def refused(words, *parts, rc=1, **kw):
    """An error that names each of parts, on stderr only."""
    run = Run(words, **kw)
    same(run.rc, rc)
    assert run.err.startswith("Error: "), run.err
    for part in parts:
        assert part in run.err, f"{part!r} is not in {run.err!r}"
    same((run.out, run.sent), ("", b""))


# ---- requests ----

REQ, ACK, DUMP = nl.NLM_F["REQUEST"], nl.NLM_F["ACK"], nl.NLM_F["DUMP"]


def test_binding_add():
    same(genl_sent(ADD + " local 192.0.2.1 encap gre key 0x1001 okey 8193 realm 3 lifetime 10m "
                   "gateway 10.0.0.1/24 cookie 0123456789abcdef"),
         ("BINDING_NEW", REQ | ACK, [("IFINDEX", 1), ("BINDING", [
             ("COOKIE", 0x0123456789abcdef), ("REALM", 3), ("PORT", 7), ("MAC", "02:00:00:00:00:05"),
             ("GATEWAY", "10.0.0.1"), ("HOME_PLEN", 24), ("LIFETIME", 600),
             ("ADDRS", [("ADDR", [("ADDRESS", "10.0.0.5")])]),
             ("LEGS", [("LEG", [("PEER", "198.51.100.7"), ("LOCAL", "192.0.2.1"), ("ENCAP", 2),
                                ("IKEY", 0x1001), ("OKEY", 0x2001)])])])]))


def test_binding_add_routed():
    same(genl_sent("binding add home 10.0.0.5 peer 198.51.100.7 dev lo encap ipip lifetime infinite"),
         ("BINDING_NEW", REQ | ACK, [("IFINDEX", 1), ("BINDING", [
             ("LIFETIME", 0), ("ADDRS", [("ADDR", [("ADDRESS", "10.0.0.5")])]),
             ("LEGS", [("LEG", [("PEER", "198.51.100.7"), ("ENCAP", 1)])])])]))


def test_binding_add_lists():
    """Further addresses and legs; the home address goes first, wherever it is written."""
    binding = dict(genl_sent("binding add dev lo prefix 10.0.0.9 home 10.0.0.5/32 prefix 10.1.0.0/24 "
                             "prefix 2001:db8::/32 peer 192.0.2.1 key 1 okey 2 "
                             "leg peer 192.0.2.2 state copy")[2])["BINDING"]
    same(binding, [("ADDRS", [("ADDR", [("PLEN", 32), ("ADDRESS", "10.0.0.5")]),
                              ("ADDR", [("ADDRESS", "10.0.0.9")]),
                              ("ADDR", [("PLEN", 24), ("ADDRESS", "10.1.0.0")]),
                              ("ADDR", [("FAMILY", 10), ("PLEN", 32), ("ADDRESS", "2001:db8::")])]),
                   ("LEGS", [("LEG", [("PEER", "192.0.2.1"), ("IKEY", 1), ("OKEY", 2)]),
                             ("LEG", [("PEER", "192.0.2.2"), ("STATE", 1)])])])


def test_times_and_numbers():
    for text, seconds in {"1": 1, "90s": 90, "2h": 7200, "1d": 86400, "0x10": 16, "4294967295": 2**32 - 1}.items():
        same(dict(dict(genl_sent(f"{ADD} lifetime {text}")[2])["BINDING"])["LIFETIME"], seconds)
    for text, ms in {"1": 1000, "1ms": 1, "90s": 90000, "2m": 120000, "4294967295ms": 2**32 - 1, "infinite": 0}.items():
        leg = dict(dict(dict(genl_sent(f"{ADD} state pending for {text}")[2])["BINDING"])["LEGS"])["LEG"]
        same(leg[-2:], [("STATE", 3), ("LIFETIME_MS", ms)])
    for text in ("0", "4294968", "1.5", "5ms5", "ms"):
        refused(f"{ADD} state pending for {text}", "for must be 1..4294967295 ms")
    leg = dict(dict(dict(genl_sent(f"{ADD} key 0xFFFFFFFF okey 0")[2])["BINDING"])["LEGS"])["LEG"]
    same(leg[1:], [("IKEY", 2**32 - 1), ("OKEY", 0)])


def test_binding_selectors():
    same(genl_sent("binding del dev lo id 17"), ("BINDING_DEL", REQ | ACK, [("IFINDEX", 1), ("BINDING", [("ID", 17)])]))
    same(genl_sent("binding delete dev lo port if7 mac 02:00:00:00:00:05")[2][1],
         ("BINDING", [("PORT", 7), ("MAC", "02:00:00:00:00:05")]))
    same(genl_sent("binding get dev lo home 10.0.0.5 realm 3"),
         ("BINDING_GET", REQ | ACK, [("IFINDEX", 1), ("BINDING", [
             ("REALM", 3), ("ADDRS", [("ADDR", [("ADDRESS", "10.0.0.5")])])])]))
    same(genl_sent("binding change dev lo id 17 lifetime 60 peer 192.0.2.9 encap gre"),
         ("BINDING_SET", REQ | ACK, [("IFINDEX", 1), ("BINDING", [
             ("ID", 17), ("LIFETIME", 60), ("LEGS", [("LEG", [("PEER", "192.0.2.9"), ("ENCAP", 2)])])])]))


def test_binding_set_needs_all_of_it():
    """A leg is replaced as a whole, so what would go by being forgotten is asked for."""
    refused("binding set dev lo home 10.0.0.5 peer 192.0.2.9", '"key"', '"encap"', "as a whole")
    refused("binding set dev lo home 10.0.0.5 peer 192.0.2.9 key 1 okey 2 leg peer 192.0.2.8", "as a whole")
    refused("binding set dev lo home 10.0.0.5 key 9 okey 9", '"peer" is missing', "as a whole")
    for words in ("home 10.0.0.5", "prefix 10.1.0.0/24", "id 17 realm 3", "port if7 mac 02:00:00:00:00:05"):
        refused("binding set dev lo " + words, "nothing to set")
    for words in ("cookie 1", "gateway 10.0.0.1", "lifetime 5", "port if7 mac 02:00:00:00:00:05",
                  "prefix 10.1.0.0/24", "peer 192.0.2.9 key 1 okey 2", "peer 192.0.2.9 encap ipip"):
        same(genl_sent("binding set dev lo home 10.0.0.5 " + words)[0], "BINDING_SET")


def test_binding_dumps():
    same(genl_sent("binding"), ("BINDING_GET", REQ | DUMP, []))
    same(genl_sent("b sh dev lo"), ("BINDING_GET", REQ | DUMP, [("IFINDEX", 1)]))
    same(genl_sent("binding list realm 0 port if7 peer 192.0.2.9"), ("BINDING_GET", REQ | DUMP, [("BINDING", [
        ("REALM", 0), ("PORT", 7), ("LEGS", [("LEG", [("PEER", "192.0.2.9")])])])]))


def test_binding_flush():
    same(genl_sent("binding flush dev lo all"), ("BINDING_FLUSH", REQ | ACK, [("IFINDEX", 1), ("ALL", True)]))
    same(genl_sent("binding flush dev lo realm 3")[2], [("IFINDEX", 1), ("BINDING", [("REALM", 3)])])
    refused("binding flush dev lo", "realm", "all")
    refused("binding flush dev lo all realm 3", '"all"')


def test_port_and_peer():
    same(genl_sent("port set if7 dev lo unknown drop"),
         ("PORT_SET", REQ | ACK, [("IFINDEX", 1), ("PORT", [("IFINDEX", 7), ("UNKNOWN", 1)])]))
    same(genl_sent("port"), ("PORT_GET", REQ | DUMP, []))
    same(genl_sent("port set if7 unknown pass")[2], [("PORT", [("IFINDEX", 7), ("UNKNOWN", 2)])])
    same(genl_sent("port set if7 mode home unknown drop")[2], [("PORT", [("IFINDEX", 7), ("UNKNOWN", 1), ("MODE", 1)])])
    same(genl_sent("port show dev lo"), ("PORT_GET", REQ | DUMP, [("IFINDEX", 1)]))
    same(genl_sent("port show if7"), ("PORT_GET", REQ | ACK, [("PORT", [("IFINDEX", 7)])]))
    same(genl_sent("peer show dev lo"), ("PEER_GET", REQ | DUMP, [("IFINDEX", 1)]))
    for words, master in ("port add if7 dev lo", 1), ("port del if7", 0):
        kind, flags, index, attrs, data = link_sent(words)
        same((kind, flags, index, data), (nl.RTM["SETLINK"], REQ | ACK, 7, None))
        same(attrs, {nl.IFLA["MASTER"]: struct.pack("=I", master)})


def test_udp():
    same(genl_sent("binding add home 10.0.0.5 peer 198.51.100.7 dev lo encap udp peer-port 20434")[2][1][1][1],
         ("LEGS", [("LEG", [("PEER", "198.51.100.7"), ("ENCAP", 4), ("PEER_PORT", 20434)])]))
    same(genl_sent("socket drop dev lo"), ("SOCKET_SET", REQ | ACK, [("IFINDEX", 1)]))
    refused("socket hold", '"dev" is missing')
    refused("socket hold dev lo port 0", '"0"', "1..65535")
    refused("socket drop dev lo port 434", '"port"')
    refused("socket hold dev lo", "hold")


def test_link_add():
    kind, flags, index, attrs, data = link_sent(
        "link add mip0 local 192.0.2.1 encap ipip ttl inherit tos 0 link lo realm 3 limit none arp gateway "
        "mss off gwmac 02:00:5e:00:00:01 grace 1m orphan flush multicast replicate")
    same((kind, flags, index), (nl.RTM["NEWLINK"], REQ | ACK | nl.NLM_F["CREATE"] | nl.NLM_F["EXCL"], 0))
    same(attrs[nl.IFLA["IFNAME"]], b"mip0\0")
    same(dict(data), {"LOCAL": "192.0.2.1", "ENCAP": 1, "TTL": 0, "TOS": 0, "LINK": 1, "REALM": 3, "LIMIT": 0,
                      "ARP": 1, "MSS": 0, "GWMAC": "02:00:5e:00:00:01", "GRACE": 60, "ORPHAN": 1,
                      "MULTICAST": 2})
    same(link_sent("link add mip0 local 192.0.2.1")[4], [("LOCAL", "192.0.2.1")])


def test_link_set_del_show():
    kind, flags, index, _, data = link_sent("link set if9 ttl 255 tos inherit")
    same((kind, flags, index, data), (nl.RTM["NEWLINK"], REQ | ACK, 9, [("TTL", 255), ("TOS", 1)]))
    same(link_sent("link set if9 link none")[4], [("LINK", 0)])
    same(link_sent("link del if9")[:3], (nl.RTM["DELLINK"], REQ | ACK, 9))
    same(link_sent("link")[:2], (nl.RTM["GETLINK"], REQ | DUMP))
    same(link_sent("link show if9")[:3], (nl.RTM["GETLINK"], REQ | ACK, 9))
    refused("link add mip0", '"local" is missing')
    refused("link add abcdefghijklmnop local 192.0.2.1", "abcdefghijklmnop", "15 characters")
    for name in "a/b", "", "mi p", ".", "..", "a:b":
        refused(["link", "add", name, "local", "192.0.2.1"], f'"{name}"', "no interface name")
    refused("link set if9", "nothing to set")
    refused("link add mip0 local 192.0.2.1 link-netns no-such-netns-xyz", "no-such-netns-xyz", "link-netns")


# ---- command lines that are wrong ----

def test_wrong_values():
    for words, *parts in (
            ("mac 00:00:00:00:00:00", "mac", "00:00:00:00:00:00", "zero"),
            ("mac 01:00:5e:00:00:01", "mac", "01:00:5e:00:00:01", "multicast"),
            ("mac 02:00:00:00:00", "mac", "02:00:00:00:00"),
            ("mac 02:00:00:00:00:05:06", "mac"),
            ("home 10.0.0", "home", "10.0.0"),
            ("home 10.0.0.256", "home", "10.0.0.256"),
            ("home 10.0.0.0/33", "prefix length", "33"),
            ("home 2001:db8::1", "home", "2001:db8::1"),
            ("prefix 10.0.0", "IPv4 or IPv6", "10.0.0"),
            ("prefix 2001:db8::/129", "prefix length", "129"),
            ("prefix 2001:db8:::", "IPv4 or IPv6", "2001:db8:::"),
            ("peer 192.0.2.1/24", "peer", "192.0.2.1/24"),
            ("key 4294967296", "key", "4294967296", "0..4294967295"),
            ("key -1", "key", "-1"),
            ("key +1", "key", "+1"),
            ("key 0x100000000", "key", "0x100000000"),
            ("key 0x", "key", '"0x"'),
            ("key 12a", "key", "12a"),
            ("realm 99999999999999999999999", "realm", "99999999999999999999999"),
            ("lifetime 0", "lifetime", '"0"', "infinite"),
            ("lifetime 49711d", "lifetime", "49711d"),
            ("lifetime 10x", "lifetime", "10x"),
            ("encap geneve", "encap", "geneve", "ipip, gre, minimal, udp"),
            ("peer-port 0", "peer-port", "1..65535"), ("peer-port 65536", "peer-port"),
            ("state sleeping", "state", "sleeping", "receive_only"),
            ("cookie xyz", "cookie", "xyz"),
            ("cookie 00112233445566778", "cookie", "16 hex digits"),
            ("port no-such-port", "port", "no-such-port"),
            ("id 0", "id", '"0"')):
        refused("binding add dev lo " + words, *parts)
    for words, *parts in (
            ("ttl 256", "ttl", "256", "1..255", "inherit"), ("ttl 0", "ttl"), ("arp maybe", "arp", "gateway"),
            ("mss 1", "mss", "off, on"), ("gwmac ff:ff:ff:ff:ff:ff", "gwmac", "multicast"),
            ("orphan drop", "orphan", "keep, flush"),
            ("multicast flood", "multicast", "drop, tunnel, replicate"), ("link no-such-dev", "link", "no-such-dev")):
        refused("link add mip0 local 192.0.2.1 " + words, *parts)
    refused("port set if7 dev lo unknown forward", "unknown", "forward", "hold, drop, pass")
    refused("-rcvbuf 12 link", "-rcvbuf", "12")


def test_wrong_words():
    refused(ADD + " color red", '"color"', "mipctl binding help")
    refused(ADD + " rea 3", '"rea"', '"realm"', "in full")
    refused(ADD + " realm 3 realm 4", '"4"', '"realm"', '"3"')
    refused(ADD + " peer 192.0.2.9", '"192.0.2.9"', '"peer"', '"198.51.100.7"')
    refused(ADD + " realm", "not complete", '"realm"')
    refused(ADD + " all", '"all"')
    refused("binding get dev lo id 1 lifetime 5", '"lifetime"')
    refused("binding add dev lo leg peer 192.0.2.1", '"leg"')
    refused("binding add home 10.0.0.5 peer 192.0.2.1", '"dev" is missing')
    refused("binding add dev lo peer 192.0.2.1", '"home" is missing')
    refused("binding add dev lo home 10.0.0.5", '"peer" is missing')
    refused("binding del dev lo mac 02:00:00:00:00:05", "which binding")
    refused("binding replace dev lo", '"replace"', "show, add, del, set, get, flush")
    refused("port set if7 dev lo", "unknown", "mode")
    refused("port set if7 mode foreign", "mode", "foreign", "access, home")
    refused("port add if7", '"dev" is missing')
    refused("port add", "port is missing")
    refused("monitor nothing", '"nothing"')
    refused("monitor event initial", '"initial"')
    refused("version now", '"now"')
    refused("agent name a/b show", "a/b")
    refused("agent name a socket b show", "either")


def test_prefixes():
    refused("p", '"p" is ambiguous', "port, peer")
    refused("binding s", '"s" is ambiguous', "show, set")
    refused("link unplug", '"unplug" is unknown')
    refused("tunnel", '"tunnel" is unknown')
    refused([""], '""')
    same(genl_sent("pe l")[0], "PEER_GET")
    same(genl_sent("po sh")[0], "PORT_GET")
    same(genl_sent("bind lst")[0], "BINDING_GET")
    same(genl_sent("binding del dev lo id 1")[0], "BINDING_DEL")
    same(genl_sent("binding f dev lo all")[0], "BINDING_FLUSH")


def test_help():
    for words in ("help", "-help", "--help", "link help", "port help", "binding help", "peer help",
                  "socket help", "monitor help",
                  "agent help", "agent name x help", "version help", "binding add help", "link add help",
                  "link add mip0 local 192.0.2.1 help", "port add help", "peer show help", "agent attach help"):
        run = Run(words)
        same((run.rc, run.err, run.sent), (0, "", b""))
        assert run.out.startswith("Usage: mipctl "), run.out
    run = Run("")
    same((run.rc, run.out), (1, ""))
    assert run.err.startswith("Usage: mipctl "), run.err
    for obj in ("link", "port", "binding", "peer", "socket", "monitor", "agent", "version"):
        assert Run(obj + " help").out.startswith(f"Usage: mipctl {obj}")
        assert re.search(rf"\b{obj}\b", Run("help").out)


def test_options():
    for words in ("-V", "--version", "-Version"):
        same((Run(words).rc, Run(words).out), (0, f"mipctl utility, mip4-{VERSION}\n"))
    refused("-x link", '"-x"')
    refused("-force=1 link", '"-force=1"')
    refused("-br link", '"-br"')
    refused("-netns", '"-netns"', "needs a value")
    refused("-n no-such-netns-xyz link", "no-such-netns-xyz")
    refused("-color=blue link", "blue", "always, auto, never")
    refused("-b /no/such/file", "/no/such/file")
    refused("-b - link", '"link"')


# ---- replies ----

FULL = [("IFINDEX", 1), ("BINDING", [
    ("ID", 17), ("COOKIE", 0xfeed), ("REALM", 3), ("ADDRS", [("ADDR", [("FAMILY", 2), ("PLEN", 32),
                                                                      ("ADDRESS", "10.0.0.5")])]),
    ("PORT", 7), ("MAC", "02:00:00:00:00:05"), ("GATEWAY", "10.0.0.1"), ("HOME_PLEN", 24), ("LIFETIME", 583),
    ("LEGS", [("LEG", [("PEER", "198.51.100.7"), ("LOCAL", "192.0.2.1"), ("ENCAP", 2), ("IKEY", 0x1001),
                       ("OKEY", 0x2001), ("STATE", 0)])]),
    ("STATS", [("UP_PACKETS", 5), ("UP_BYTES", 1234567), ("DOWN_PACKETS", 2**63), ("DOWN_BYTES", 7), ("DROPS", 1),
               ("SEEN_MS", 1500), ("FIRST_UP_NS", 99)])])]
TEXT = ("10.0.0.5 realm 3 dev lo port if7 mac 02:00:00:00:00:05 gateway 10.0.0.1/24 peer 198.51.100.7 "
        "local 192.0.2.1 encap gre key 0x1001 okey 0x2001 lifetime 583sec")
ROUTED = [("IFINDEX", 1), ("BINDING", [
    ("ID", 18), ("REALM", 0), ("LIFETIME", 0), ("ADDRS", [("ADDR", [("ADDRESS", "10.0.0.6")])]),
    ("LEGS", [("LEG", [("PEER", "198.51.100.8"), ("ENCAP", 1), ("STATE", 0)])])])]


def dump(*bindings):
    return b"".join(nl.genl("BINDING_NEW", b, 2) for b in bindings) + nl.done()


def test_binding_text():
    run = Run("binding", dump(FULL, ROUTED))
    same((run.rc, run.err), (0, ""))
    same(run.out, TEXT + "\n10.0.0.6 realm 0 dev lo peer 198.51.100.8 encap ipip lifetime infinite\n")
    run = Run("-s binding", dump(FULL))
    same(run.out, TEXT + "\n    up: bytes 1234567 packets 5 down: bytes 7 packets 9223372036854775808 drops 1 "
         "seen 1.500sec\n")
    same(Run("-s -h binding", dump(FULL)).out.splitlines()[1],
         "    up: bytes 1.23M packets 5 down: bytes 7 packets 9.22E drops 1 seen 1.500sec")
    assert "bytes 1.18Mi" in Run("-s -iec binding", dump(FULL)).out
    assert Run("-s -s binding", dump(FULL)).out.endswith(" first-up-ns 99\n")
    same(Run("-d -o binding", dump(FULL)).out, TEXT.replace(" lifetime", " state active lifetime") +
         "\\    id 17 cookie 000000000000feed\n")
    assert " encap 2 key 4097 okey 8193 " in Run("-N binding", dump(FULL)).out
    assert "\033[35m10.0.0.5\033[0m" in Run("-c binding", dump(FULL)).out
    same(Run("-c=auto binding", dump(FULL)).out, TEXT + "\n")


def test_binding_json():
    want = [{"addresses": [{"family": "inet", "address": "10.0.0.5", "prefixlen": 32}], "realm": 3, "dev": "lo",
             "port": "if7", "mac": "02:00:00:00:00:05", "gateway": "10.0.0.1", "home_prefixlen": 24,
             "legs": [{"peer": "198.51.100.7", "local": "192.0.2.1", "encap": "gre", "key": 0x1001, "okey": 0x2001,
                       "state": "active"}],
             "lifetime": 583, "id": 17, "cookie": "000000000000feed"},
            {"addresses": [{"family": "inet", "address": "10.0.0.6", "prefixlen": 32}], "realm": 0, "dev": "lo",
             "legs": [{"peer": "198.51.100.8", "encap": "ipip", "state": "active"}], "id": 18}]
    for options in ("-j", "-j -c", "-j -h", "-json -pretty", "-j -o"):
        run = Run(options + " binding", dump(FULL, ROUTED))
        same((run.rc, run.err), (0, ""))
        same(run.json(), want)
    assert len(Run("-j -p binding", dump(FULL)).out.splitlines()) > 20
    same(Run("-j binding", dump()).out, "[]\n")
    stats = Run("-s -j binding get dev lo id 17", nl.genl("BINDING_NEW", FULL) + nl.ack()).json()[0]["stats"]
    same(stats, {"up_bytes": 1234567, "up_packets": 5, "down_bytes": 7, "down_packets": 2**63, "drops": 1,
                 "seen_ms": 1500})


def test_binding_lists():
    legs = [("LEG", [("PEER", f"192.0.2.{i}"), ("STATE", i)]) for i in (0, 1, 2, 3, 4)]
    legs[2][1].append(("LIFETIME_MS", 1999))
    addrs = [("ADDR", [("ADDRESS", "10.0.0.5")]), ("ADDR", [("PLEN", 24), ("ADDRESS", "10.1.0.0")])]
    reply = dump([("IFINDEX", 1), ("BINDING", [("ADDRS", addrs), ("LEGS", legs)])])
    same([leg["state"] for leg in Run("-j binding", reply).json()[0]["legs"]],
         ["active", "copy", "receive_only", "pending", "return"])
    same([leg.get("lifetime_ms") for leg in Run("-j binding", reply).json()[0]["legs"]],
         [None, None, 1999, None, None])
    lines = Run("binding", reply).out.splitlines()
    same(lines[0], "10.0.0.5 prefix 10.1.0.0/24 realm 0 dev lo")
    same(lines[2:4], ["    leg peer 192.0.2.1 state copy", "    leg peer 192.0.2.2 state receive_only for 1.999sec"])
    two = dump([("IFINDEX", 1), ("BINDING", [("ADDRS", addrs[:1]), ("LEGS", legs[:2])])])
    same(Run("binding", two).out.splitlines()[1:3], ["    leg peer 192.0.2.0", "    leg peer 192.0.2.1 state copy"])


def test_other_objects():
    ports = nl.genl("PORT_GET", [("IFINDEX", 1), ("PORT", [("IFINDEX", 7), ("UNKNOWN", 0), ("BINDINGS", 2),
                                                            ("HELD", 3), ("UNKNOWN_FRAMES", 4)])]) + nl.done()
    same(Run("port", ports).out, "if7 dev lo unknown hold bindings 2\n")
    same(Run("-s -j port show if7", ports).json(), [{"port": "if7", "dev": "lo", "unknown": "hold", "bindings": 2,
                                                    "held": 3, "unknown_frames": 4}])
    home = nl.genl("PORT_GET", [("IFINDEX", 1), ("PORT", [("IFINDEX", 7), ("MODE", 1), ("UNKNOWN", 0),
                                                           ("BINDINGS", 0)])]) + nl.done()
    same(Run("port", home).out, "if7 dev lo mode home unknown hold bindings 0\n")
    same(Run("-j port", home).json()[0]["mode"], "home")
    peers = nl.genl("PEER_GET", [("IFINDEX", 1), ("PEER", [("LOCAL", "192.0.2.1"), ("PEER", "198.51.100.7"),
                                                            ("LEGS", 2), ("MTU", 1400), ("ERRORS", 1),
                                                            ("ENCAP", 2)])]) + nl.done()
    same(Run("peer", peers).out, "198.51.100.7 local 192.0.2.1 encap gre dev lo legs 2 mtu 1400 errors 1\n")
    same(Run("-j peer", peers).json(), [{"peer": "198.51.100.7", "local": "192.0.2.1", "encap": "gre", "dev": "lo",
                                        "legs": 2, "mtu": 1400, "errors": 1}])
    lost = nl.genl("PEER_GET", [("IFINDEX", 1), ("PEER", [("LOCAL", "192.0.2.1"), ("PEER", "198.51.100.7"),
                                                           ("LEGS", 2), ("ERRORS", 1), ("ENCAP", 2), ("UNREACHABLE", 4),
                                                           ("UNREACHABLE_MS", 1200)])]) + nl.done()
    same(Run("peer", lost).out,
         "198.51.100.7 local 192.0.2.1 encap gre dev lo legs 2 errors 1 unreachable ttl for 1.200sec\n")
    same(Run("-j peer", lost).json()[0]["unreachable"], "ttl")
    same(Run("-j peer", lost).json()[0]["unreachable_ms"], 1200)
    minimal = nl.genl("PEER_GET", [("IFINDEX", 1), ("PEER", [("LOCAL", "192.0.2.1"), ("PEER", "198.51.100.7"),
                                                              ("LEGS", 1), ("ERRORS", 0), ("ENCAP", 3),
                                                              ("FALLBACKS", 5)])]) + nl.done()
    same(Run("peer", minimal).out,
         "198.51.100.7 local 192.0.2.1 encap minimal dev lo legs 1 errors 0 fallbacks 5\n")
    same(Run("-j peer", minimal).json()[0]["fallbacks"], 5)
    udp = nl.genl("PEER_GET", [("IFINDEX", 1), ("PEER", [("LOCAL", "192.0.2.1"), ("PEER", "198.51.100.7"),
                                                          ("LEGS", 1), ("ERRORS", 0), ("ENCAP", 4),
                                                          ("PEER_PORT", 20434)])]) + nl.done()
    same(Run("peer", udp).out, "198.51.100.7 local 192.0.2.1 encap udp peer-port 20434 dev lo legs 1 errors 0\n")
    same(Run("-j peer", udp).json()[0]["peer_port"], 20434)
    count = nl.genl("BINDING_FLUSH", [("COUNT", 12)]) + nl.ack()
    same(Run("binding flush dev lo all", count).out, "")
    same(Run("-s binding flush dev lo all", count).out, "flushed 12\n")
    same(Run("-j binding flush dev lo all", count).json(), [{"flushed": 12}])
    module = nl.genl("VERSION_GET", [("VERSION", VERSION)]) + nl.ack()
    run = Run("-j version", module)
    same((run.json()[0]["mipctl"], run.json()[0]["module"], run.err), (VERSION, VERSION, ""))
    run = Run("version", nl.genl("VERSION_GET", [("VERSION", "99.1")]) + nl.ack())
    same(run.rc, 0)
    assert "module 99.1" in run.out and "99.1" in run.err and "rmmod" in run.err, run.err


def link_reply(kind, name="mip0", index=9, data=b"", more=b""):
    info = nl.attr(1, kind) + nl.attr(2 | nl.NESTED, data)
    return nl.message(nl.RTM["NEWLINK"], 2, struct.pack("=BBHiII", 0, 0, 65534, index, 1, 0) +
                      nl.attr(nl.IFLA["IFNAME"], name.encode() + b"\0") + more +
                      nl.attr(nl.IFLA["LINKINFO"] | nl.NESTED, info))


def test_link_show():
    data = nl.encode([("LOCAL", "192.0.2.1"), ("ENCAP", 2), ("TTL", 64), ("TOS", 1), ("LINK", 1), ("REALM", 3),
                      ("LIMIT", 0), ("ARP", 2), ("MSS", 1), ("GWMAC", "02:00:5e:00:00:01"), ("GRACE", 30),
                      ("ORPHAN", 0), ("UDP_PORT", 434), ("MULTICAST", 1)], nl.LINK_DATA)
    stats = nl.attr(nl.IFLA["STATS64"], struct.pack("=24Q", 11, 22, 33, 44, 5, 6, 7, 8, *range(16)))
    one = link_reply(b"mip4", data=data, more=stats + nl.attr(nl.IFLA["MTU"], struct.pack("=I", 1472)))
    reply = link_reply(b"bridge", "br0") + one + nl.done()
    same(Run("link", reply).out, "mip0 state up local 192.0.2.1 encap gre realm 3 link lo\n")
    same(Run("-d link", reply).out.splitlines()[1],
         "    ifindex 9 mtu 1472 ttl 64 tos inherit arp all mss on gwmac 02:00:5e:00:00:01 grace 30sec orphan keep "
         "multicast tunnel udp-port 434")
    same(Run("-s link", reply).out.splitlines()[1:], ["    RX: bytes 33 packets 11 errors 5 dropped 7",
                                                      "    TX: bytes 44 packets 22 errors 6 dropped 8"])
    same(Run("-j -d -s link", reply).json(), [{
        "dev": "mip0", "state": "up", "local": "192.0.2.1", "encap": "gre", "realm": 3, "link": "lo", "ifindex": 9,
        "mtu": 1472, "ttl": 64, "tos": 1, "arp": "all", "mss": True, "gwmac": "02:00:5e:00:00:01", "grace": 30,
        "orphan": "keep", "multicast": "tunnel", "udp_port": 434,
        "stats": {"rx": {"bytes": 33, "packets": 11, "errors": 5, "dropped": 7},
                                    "tx": {"bytes": 44, "packets": 22, "errors": 6, "dropped": 8}}}])
    foreign = link_reply(b"mip4", data=data, more=nl.attr(nl.IFLA["LINK_NETNSID"], struct.pack("=i", 0)))
    assert " link if1\n" in Run("link", foreign + nl.done()).out
    run = Run("link show if9", link_reply(b"bridge", "br0") + nl.ack())
    same((run.rc, run.err), (2, "Error: br0 is not a mip4 device, it is of kind bridge\n"))


def offset_of(sent, *path_names):
    """Where the attribute with this path is in a message that was sent."""
    data, base, nest = sent[20:], 20, nl.TOP
    for name in path_names:
        for at, number, _, payload in nl.walk(data):
            if nl.names(nest[0])[number] == name:
                break
        else:
            raise AssertionError(name)
        found, base, data, nest = base + at, base + at + 4, payload, nest[1][name]
    return found


def test_kernel_errors():
    words = ADD + " key 0x1001 okey 0x2001"
    sent = Run(words).sent
    for where, want in (
            (("BINDING", "LEGS", "LEG", "IKEY"), ' (argument "0x1001" of "key")'),
            (("BINDING", "LEGS", "LEG", "PEER"), ' (argument "198.51.100.7" of "peer")'),
            (("BINDING", "LEGS", "LEG"), ' (argument "198.51.100.7" of "peer")'),
            (("BINDING", "ADDRS", "ADDR", "ADDRESS"), ' (argument "10.0.0.5" of "home")'),
            (("BINDING", "ADDRS", "ADDR"), ' (argument "10.0.0.5" of "home")'),
            (("BINDING", "PORT"), ' (argument "if7" of "port")'),
            (("IFINDEX",), ' (argument "lo" of "dev")')):
        run = Run(words, nl.error(17, "mip4: key already used by binding 17", offset_of(sent, *where)))
        same((run.rc, run.out, run.err), (2, "", f"Error: mip4: key already used by binding 17{want}\n"))
    same(Run(words, nl.error(17, "mip4: taken")).err, "Error: mip4: taken\n")
    same(Run(words, nl.error(17, "mip4: taken", request=sent)).err, "Error: mip4: taken\n")
    run = Run(words, nl.error(1))
    same((run.rc, run.err), (2, "Error: binding add: Operation not permitted "
                             "(CAP_NET_ADMIN in the device's netns)\n"))
    for errno in (2, 17, 19, 95, 22):
        run = Run(words, nl.error(errno))
        same(run.rc, 2)
        assert re.fullmatch(r"Error: binding add: [^\n]{8,}\n", run.err), run.err
    run = Run(words, nl.error(0, "mip4: the port is not isolated"))
    same((run.rc, run.err), (0, "Warning: mip4: the port is not isolated\n"))
    run = Run("-j binding", nl.genl("BINDING_NEW", ROUTED) + nl.error(12, "mip4: no memory", done=True))
    same((run.rc, len(run.json()), run.err), (2, 1, "Error: mip4: no memory\n"))
    run = Run("-j binding get dev lo id 4", nl.error(2, "mip4: no such binding"))
    same((run.rc, run.json(), run.err), (2, [], "Error: mip4: no such binding\n"))
    run = Run("-j binding", nl.genl("BINDING_NEW", ROUTED))
    same(run.rc, 2)
    assert "ended early" in run.err, run.err


def test_dump_interrupted():
    run = Run("-j binding", nl.genl("BINDING_NEW", ROUTED, 2 | 0x10) + nl.done())
    same((run.rc, len(run.json())), (0, 1))
    assert run.err.startswith("Warning: binding show: "), run.err


def test_monitor():
    mac = "02:00:00:00:00:05"
    stream = (nl.genl("BINDING_NEW", FULL) + nl.genl("BINDING_SET", ROUTED) +
              nl.genl("BINDING_DEL", ROUTED + [("REASON", 2)]) +
              nl.genl("EVENT", [("IFINDEX", 1), ("EVENT", [
                  ("TYPE", nl.E["MIP4_EVENT_UNKNOWN_DEVICE"]), ("TIME_NS", 5), ("PORT", 7), ("MAC", mac),
                   ("ETHERTYPE", 0x806),
                  ("ADDRESS", "10.0.0.9"), ("LOST", 2)])]) +
              nl.genl("EVENT", [("IFINDEX", 1), ("EVENT", [
                  ("TYPE", nl.E["MIP4_EVENT_PEER_UNREACHABLE"]), ("PEER", "198.51.100.7"), ("PEER_PORT", 20434)])]) +
              nl.genl("EVENT", [("IFINDEX", 1), ("EVENT", [("TYPE", nl.E["MIP4_EVENT_SOCKET_LOST"])])]) +
              nl.genl("EVENT", [("IFINDEX", 7), ("EVENT", [("TYPE", nl.E["MIP4_EVENT_PEER_UNREACHABLE"]),
                                                           ("PEER", "192.0.2.7")])]))
    run = Run("-j monitor", stream)
    same((run.rc, run.err), (0, ""))
    rows = [json.loads(line) for line in run.out.splitlines()]
    same([r["event"] for r in rows], ["new", "set", "del", "unknown_device", "peer_unreachable", "socket_lost",
                                       "peer_unreachable"])
    same(rows[4], {"event": "peer_unreachable", "dev": "lo", "peer": "198.51.100.7", "peer_port": 20434})
    same(rows[5], {"event": "socket_lost", "dev": "lo"})
    same(rows[2]["reason"], "expired")
    same(rows[3], {"event": "unknown_device", "dev": "lo", "port": "if7", "mac": mac, "ethertype": "0x0806",
                   "address": "10.0.0.9", "lost": 2, "time_ns": 5})
    same(len(Run("-j monitor dev lo", stream).out.splitlines()), 6)
    lines = Run("monitor all", stream).out.splitlines()
    same(lines[0], "new " + TEXT)
    assert lines[2].startswith("del 10.0.0.6 ") and lines[2].endswith(" reason expired"), lines[2]
    same(lines[3], f"unknown_device dev lo port if7 mac {mac} ethertype 0x0806 address 10.0.0.9 lost 2")
    assert re.match(r"\[\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}\] new ", Run("-t monitor", stream).out)
    assert re.match(r"\[\d\d:\d\d:\d\d\.\d{6}\] new ", Run("-ts monitor", stream).out)
    assert "timestamp" in json.loads(Run("-t -j monitor", stream).out.splitlines()[0])
    rows = [json.loads(line) for line in Run("-j monitor initial", dump(ROUTED) + stream).out.splitlines()]
    same([r["event"] for r in rows][:2], ["initial", "new"])


def test_damaged_replies():
    """Whatever comes, the sanitizers stay silent and JSON stays JSON."""
    rng = random.Random(5563)
    good = [nl.genl("BINDING_NEW", FULL), nl.genl("BINDING_NEW", ROUTED)]
    for words in ("-j -s -s -d binding", "-s binding", "-j monitor", "-j -s port", "-j peer", "-j -s -d link"):
        data = b""
        for _ in range(400):
            raw = bytearray(rng.choice(good) if "link" not in words else link_reply(b"mip4", data=nl.encode(
                [("LOCAL", "192.0.2.1"), ("GWMAC", "02:00:5e:00:00:01")], nl.LINK_DATA)))
            for _ in range(rng.randrange(1, 6)):
                raw[rng.randrange(16, len(raw))] = rng.choice((0, 1, 3, 4, 5, 8, 0x7f, 0x80, 0xff))
            cut = rng.randrange(16, len(raw) + 1) & ~3 or 16
            if rng.random() < 0.5:
                del raw[cut:]
                raw[0:4] = struct.pack("=I", len(raw))
            data += raw
        run = Run(words, data + nl.done())
        same((words, run.rc, run.err), (words, 0, ""))
        if "-j" in words and "monitor" not in words:
            run.json()
        elif "-j" in words:
            [json.loads(line) for line in run.out.splitlines()]
    for size in range(0, 60, 3):
        run = Run("-j binding", good[0][:size])
        same((size, run.rc), (size, 2))
        assert run.err.startswith("Error: "), run.err


# ---- batch ----

def batch(text, options="", **kw):
    with open(path("batch"), "w") as f:
        f.write(text)
    return Run(f"{options} -b {path('batch')}", **kw)


def test_batch_syntax():
    run = batch('# all of these\n\n  binding del dev lo id 1 # comment\n"binding" del \\\n dev lo id 2\n'
                "'bind'ing del dev lo id 3")
    same((run.rc, run.err), (0, ""))
    same([nl.decode(p[4:])[1] for _, _, p in nl.messages(run.sent)],
         [("BINDING", [("ID", i)]) for i in (1, 2, 3)])
    run = Run("-b -", stdin="binding del dev lo id 1\n")
    same((run.rc, len(run.sent) > 0), (0, True))
    for text, line in (("binding del dev lo id 'x", 1), ("\n\nlink add\nlink add x", 3), ("a\\\nb\nlink", 1)):
        run = batch(text)
        same(run.rc, 1)
        assert run.err.endswith(f"Command failed {path('batch')}:{line}\n"), run.err
    run = batch("nonsense\nbinding del dev lo id 1\nlink add\n", "-force")
    same((run.rc, run.err.count("Command failed"), len(list(nl.messages(run.sent)))), (1, 2, 1))
    run = batch("nonsense\nbinding del dev lo id 1\n")
    same((run.rc, run.sent), (1, b""))
    run = batch("binding help\n")
    same((run.rc, run.out.count("Usage:")), (0, 1))


def adds(*numbers, dev="lo"):
    return "".join(f"binding add dev {dev} home 10.0.0.{i} peer 192.0.2.1\n" for i in numbers)


def homes(sent):
    """Per message sent: the last bytes of its home addresses."""
    return [[int(dict(dict(b)["ADDRS"])["ADDR"][0][1].split(".")[3])
             for n, b in nl.decode(p[4:]) if n == "BINDING" and "ADDRS" in dict(b)] for _, _, p in nl.messages(sent)]


def test_batch_bulk():
    same(homes(batch(adds(1, 2, 3)).sent), [[1, 2, 3]])
    same(homes(batch(adds(1, 2) + "\n# same\n" + adds(3) + "binding del dev lo id 9\n" + adds(4)).sent),
         [[1, 2, 3], [], [4]])
    same(homes(batch(adds(1, 2) + adds(3, 4, dev="if7") + adds(5)).sent), [[1, 2], [3, 4], [5]])
    many = batch("".join(adds(i % 256) for i in range(1200)))
    same(sum(homes(many.sent), []), [i % 256 for i in range(1200)])
    # A wrong line: what is before it is sent first, what is behind it isn't.
    run = batch(adds(1, 2) + "binding add dev lo home nowhere peer 192.0.2.1\n" + adds(4))
    same((run.rc, homes(run.sent)), (1, [[1, 2]]))
    assert "nowhere" in run.err and run.err.endswith("batch:3\n"), run.err


def test_batch_bulk_refused():
    """A refused message is repeated line by line, up to the line that is to blame."""
    replies = nl.error(17, "mip4: taken") + nl.ack() + nl.error(17, "mip4: taken", 20)
    run = batch(adds(1, 2, 3), "+dump", replies=replies)
    same((run.rc, run.err), (2, f'Error: mip4: taken (argument "lo" of "dev")\nCommand failed {path("batch")}:2\n'))
    same(homes(run.sent), [[1, 2, 3], [1], [2]])
    run = batch(adds(1, 2, 3), "-force +dump", replies=replies + nl.ack())
    same((run.rc, homes(run.sent), run.err.count("Error")), (2, [[1, 2, 3], [1], [2], [3]], 1))


# ---- the agent ----

class Agent(threading.Thread):
    """Answers one request with the given lines; .request is what came."""

    def __init__(self, name, *lines):
        super().__init__(daemon=True)
        self.lines, self.request = lines, None
        self.where = path(name + ".sock")
        if os.path.exists(self.where):
            os.unlink(self.where)
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(self.where)
        self.listener.listen()
        self.start()

    def run(self):
        conn, _ = self.listener.accept()
        with conn, conn.makefile("rw") as f:
            self.request = json.loads(f.readline())
            for line in self.lines:
                if isinstance(line, dict):
                    line = json.dumps({"id": self.request["id"], **line}) + "\n"
                f.write(line)

    def close(self):
        self.listener.close()
        os.unlink(self.where)


def agent(words, *lines, name="red"):
    """Runs mipctl against an agent: (run, request without id)."""
    server = Agent(name, *lines)
    try:
        run = Run(words)
        server.join(5)
    finally:
        server.close()
    request = dict(server.request or {})
    request.pop("id", None)
    return run, request


REG = {"role": "pma", "nai": "x@red.example", "network": "red", "realm": 3, "state": "bound", "home": "10.0.0.5",
       "ha": "192.0.2.1", "coa": "198.51.100.7", "encap": "gre", "key": 4097, "okey": 8193, "lifetime": 600,
       "expires": 583, "cookie": "000000000000feed", "mac": "02:00:00:00:00:05", "port": "eth1", "dhcp": True,
       "code": 0}


def test_agent_show():
    run, request = agent("-j agent show realm 3 mac 02:00:00:00:00:05", {"registrations": [REG, {**REG, "new": [1]}]})
    same(request, {"verb": "show", "realm": 3, "mac": "02:00:00:00:00:05"})
    same((run.rc, run.err, run.json()), (0, "", [REG, {**REG, "new": [1]}]))
    run, request = agent("agent", {"registrations": [{**REG, "later": "yes"}]})
    same(request, {"verb": "show"})
    same(run.out, "10.0.0.5 realm 3 nai x@red.example role pma state bound mac 02:00:00:00:00:05 port eth1 "
         "ha 192.0.2.1 coa 198.51.100.7 encap gre key 0x1001 okey 0x2001 lifetime 600sec expires 583sec code 0 "
         "later yes\n")
    same(agent("-j agent", {"registrations": []})[0].out, "[]\n")
    run, request = agent("agent", {"registrations": [{**REG, "also": ["198.51.100.8", "198.51.100.9"]}]})
    same("coa 198.51.100.7 also 198.51.100.8 also 198.51.100.9 encap gre" in run.out, True)


def test_agent_peers():
    peers = [{"peer": "192.0.2.1", "modes": ["per-node", "per-mn"], "method": "fa-ha", "clock_ahead_ms": -700,
              "clock_error_ms": 25}, {"peer": "198.51.100.0/24", "modes": [], "method": "none"}]
    run, request = agent("agent peers", {"peers": peers})
    same(request, {"verb": "peers"})
    same(run.out, "192.0.2.1 per-node per-mn method fa-ha clock_ahead_ms -700 clock_error_ms 25\n"
         "198.51.100.0/24 method none\n")
    same(agent("-j agent peers", {"peers": peers})[0].json(), peers)


def test_agent_attach_detach():
    run, request = agent("-j agent attach mac 02:00:00:00:00:05 port eth1 nai x@y home 10.0.0.5",
                         '{"event": "something else"}\n', '{"id": 999, "error": {"message": "not yours"}}\n',
                         {"registration": REG})
    same(request, {"verb": "attach", "mac": "02:00:00:00:00:05", "port": "eth1", "nai": "x@y", "home": "10.0.0.5"})
    same(run.json(), [REG])
    run, request = agent("agent detach mac 02:00:00:00:00:05", {})
    same((request, run.rc, run.out), ({"verb": "detach", "mac": "02:00:00:00:00:05"}, 0, ""))
    refused("agent attach mac 02:00:00:00:00:05", '"port" is missing')
    refused("agent attach port eth1", '"mac" is missing')
    refused("agent detach mac 01:00:00:00:00:05", "multicast")


def test_agent_rest():
    moves = [{"mac": "02:00:00:00:00:05", "nai": "x@y", "home": "10.0.0.5", "port": "eth1", "trigger": "dhcp",
              "phases_us": {"identity": 41, "rrq": 100, "rrp": 20500, "binding": 21000, "first_up": 22750},
              "seen_us": 12345678}]
    run, request = agent("agent timeline mac 02:00:00:00:00:05", {"handovers": moves})
    same(request, {"verb": "timeline", "mac": "02:00:00:00:00:05"})
    same([line.split() for line in run.out.splitlines()],
         ["SEEN s MAC HOME PORT TRIGGER identity rrq rrp binding first_up first_down (ms)".split(),
          "12.345678 02:00:00:00:00:05 10.0.0.5 eth1 dhcp 0.041 0.100 20.500 21.000 22.750 -".split()])
    same(agent("-j agent timeline", {"handovers": moves})[0].json(), moves)
    drains = [{"network": "red", "to": "192.0.2.2", "registrations": 7, "told": 3}]
    run, request = agent("agent drain network red to 192.0.2.2", {"drains": drains})
    same(request, {"verb": "drain", "network": "red", "to": "192.0.2.2"})
    same(run.out, "red to 192.0.2.2 registrations 7 told 3\n")
    run, request = agent("-j agent drain stop", {"drains": drains})
    same(request, {"verb": "drain", "stop": True})
    same(run.json(), drains)
    same(agent("agent drains", {"drains": drains})[1], {"verb": "drains"})
    refused("agent drain to red", "must be an IPv4 address")
    for what in ({"nai": "x@y"}, {"peer": "192.0.2.2"}, {"network": "red"}, {"all": True}):
        words = " ".join(word if value is True else f"{word} {value}" for word, value in what.items())
        run, request = agent(f"agent revoke {words}", {"revoke": {"registrations": 7}})
        same(request, {"verb": "revoke"} | what)
        same(run.out, "registrations 7\n")
    same(agent("-j agent revoke all", {"revoke": {"registrations": 7}})[0].json(), [{"registrations": 7}])
    refused("agent revoke", "give one of nai, peer, network and all")
    refused("agent revoke all network red", "give one of nai, peer, network and all")
    counters = {"rrq_received": 1, "rrp_sent": 2**40}
    same(agent("-j agent counters", {"counters": counters})[0].json(), [counters])
    same([line.split() for line in agent("agent counters", {"counters": counters})[0].out.splitlines()],
         [["rrq_received", "1"], ["rrp_sent", str(2**40)]])
    version = {"agent": "0.1.0", "module": "0.1.0", "name": "red", "roles": ["ha", "pma"]}
    same(agent("agent version", version)[0].out, "name red agent 0.1.0 module 0.1.0 roles ha pma\n")
    same(agent("-j agent version", version)[0].json(), [version])
    version.pop("module")
    assert "module not loaded" in agent("agent version", version)[0].out


SVG = "{http://www.w3.org/2000/svg}"


def drawn(handovers):
    """Its bars as {what: (x, width)} and marks as {what: point} per handover, by height; and all text."""
    run, request = agent("agent timeline svg", {"handovers": handovers})
    same((run.rc, run.err, request), (0, "", {"verb": "timeline"}))
    root = ElementTree.fromstring(run.out)
    rows = [{} for _ in handovers]
    for shape in root.iter():
        title = shape.find(SVG + "title")
        if title is None:
            continue
        if shape.tag == SVG + "rect":
            y, where = float(shape.get("y")), (float(shape.get("x")), float(shape.get("width")))
        else:
            point = re.match(r"M([\d.]+) (\d+) ", shape.get("d"))
            y, where = float(point[2]), float(point[1])
        rows[int((y - 60) // 26)][title.text] = where
    same(float(root.get("height")), 60.0 + 26 * len(handovers) + 26)
    return rows, [text.text for text in root.iter(SVG + "text")]


def test_agent_timeline_svg():
    first = {"mac": "02:00:00:00:00:05", "port": "<&>", "trigger": "arp", "seen_us": 12345678,
             "phases_us": {"identity": 1000, "rrq": 1500, "rrp": 21500, "binding": 22000, "first_up": 25000,
                           "first_down": 50001}}
    second = {**first, "port": "eth1", "seen_us": 13000000, "phases_us": {"rrq": 10000, "rrp": 5000, "first_up": 0}}
    rows, text = drawn([first, second])
    # 50 ms are 600 pixels from 330 on
    same(rows[0], {"identity: 1 ms": (330.0, 12.0), "request: 0.5 ms": (342.0, 6.0),
                   "home agent: 20 ms": (348.0, 240.0), "binding: 0.5 ms": (588.0, 6.0),
                   "first packet up after 25 ms": 630.0, "first packet down after 50.001 ms": 940.0})
    # what is missing, or before what it follows, isn't drawn
    same(rows[1], {"request: 10 ms": (330.0, 120.0), "first packet up after 0 ms": 330.0})
    assert "12.345 s 02:00:00:00:00:05 <&> (arp)" in text and "13.000 s 02:00:00:00:00:05 eth1 (arp)" in text, text
    for most, axis in ((1, "0.002"), (11, "0.02"), (21, "0.05"), (51, "0.1"), (100000, "100"), (100001, "200")):
        same(drawn([{**first, "phases_us": {"rrq": most}}])[1][5], axis)
    drawn([])
    most = 2**63 - 1
    drawn([{}, {"phases_us": [], "seen_us": "x"}, {"phases_us": {"rrq": most, "rrp": -most, "first_up": most}}])
    run, _ = agent("agent timeline svg", {"handovers": [first, 5]})
    same((run.rc, run.out), (2, ""))
    refused("-j agent timeline svg", "leave out -json")


def test_agent_errors():
    error = {"field": "port", "message": "eth9 is not a port", "hint": "mipctl port add eth9 dev mip0"}
    run, _ = agent("agent attach mac 02:00:00:00:00:05 port eth9", {"error": error})
    same((run.rc, run.out, run.err), (2, "", "Error: port: eth9 is not a port (mipctl port add eth9 dev mip0)\n"))
    same(agent("agent", {"error": {"message": "busy"}})[0].err, "Error: busy\n")
    for lines in (["not json\n"], ["[1]\n"], [], ['{"id": 1}'], [{"registrations": 5}], [{"registrations": [5]}],
                  [{"registrations": {"home": []}}], [{"error": 5}], ['{"id": 1, "registrations": [']):
        run, _ = agent("-j agent", *lines)
        if run.rc:
            same(run.rc, 2)
            assert run.err.startswith("Error: "), run.err
        else:
            run.json()
    same(agent("agent", "not json\n")[0].rc, 2)
    same(agent("agent")[0].rc, 2)


def test_agent_strange_text():
    """What a device calls itself does not reach the terminal unfiltered."""
    nai = "a\u001b[2J\u009b\u00e9\nb"
    for words, reply in (("agent", {"registrations": [{**REG, "nai": nai}]}), ("agent version", {"name": nai}),
                         ("agent timeline", {"handovers": [{"trigger": nai}]}),
                         ("agent counters", {"counters": {"x": nai}}), ("agent peers", {"peers": [{"x": nai}]}),
                         ("agent", {"error": {"message": nai}})):
        run, _ = agent(words, reply)
        assert "a?[2J??\u00e9?b" in run.out + run.err, run.out + run.err
    run, _ = agent("-j agent", {"registrations": [{**REG, "nai": nai}]})
    same(run.json()[0]["nai"], nai)
    for reply in ({"name": None, "roles": [None]}, {"name": 5, "roles": {}}):
        same(agent("agent version", reply)[0].rc, 0)
    same(agent("agent", {"registrations": [{"home": None, "key": None, "x": None}]})[0].rc, 0)
    same(agent("agent peers", {"peers": [{"peer": None, "modes": [None], "clock_ahead_ms": {}}]})[0].rc, 0)
    same(agent("agent timeline", {"handovers": [{"phases_us": None, "seen_us": None}]})[0].rc, 0)


def test_agent_choice():
    refused("agent", "no agent runs here", rc=2)
    refused("agent name blue", "blue.sock", rc=2)
    refused(f"agent socket {path('x' * 120)}", "at most 107", rc=1)
    open(path("stale.sock"), "w").close()
    try:
        refused("agent", rc=2)
        run, _ = agent("agent name red version", {"name": "red"})
        same(run.rc, 0)
        run, _ = agent(f"agent socket {path('red.sock')} version", {"name": "red"})
        same(run.rc, 0)
        silent = socket.socket(socket.AF_UNIX)
        silent.bind(path("red.sock"))
        refused("agent", "red, stale")
        refused("agent name red", "nobody listens", rc=2)
        silent.close()
        os.unlink(path("red.sock"))
    finally:
        os.unlink(path("stale.sock"))


# ---- what says the same as the command line ----

TOP = os.path.abspath(os.path.join(os.path.dirname(__file__), "../.."))
COMMANDS = ("link show", "link add", "link del", "link set", "port show", "port add", "port del", "port set",
            "binding show", "binding add", "binding del", "binding set", "binding get", "binding flush", "peer show",
            "socket hold", "socket drop", "agent show", "agent attach", "agent detach", "agent timeline",
            "agent drain", "agent drains", "agent revoke", "agent peers", "agent counters", "agent version")


def complete(line):
    """What bash offers behind a line, PATH holding the mipctl under test."""
    script = (f'. {TOP}/packaging/completion/mipctl; read -ra COMP_WORDS <<< "$1"; [ "${{1% }}" = "$1" ] || '
              'COMP_WORDS+=(""); COMP_CWORD=$((${#COMP_WORDS[@]} - 1)); _mipctl; printf "%s\\n" "${COMPREPLY[@]}"')
    done = subprocess.run(["bash", "-uc", script, "bash", line], capture_output=True, text=True,
                          env={**os.environ, "PATH": os.path.dirname(MIPCTL) + ":" + os.environ["PATH"]})
    same((done.returncode, done.stderr), (0, ""))
    return done.stdout.split()


def known(words):
    """Does mipctl know the last word? If so, it complains about something else, or nothing."""
    return "unknown keyword" not in Run(words).err


def keywords(command):
    """The keywords that completion offers behind a command and its name."""
    name = {"link": " if9", "port": " if7"}.get(command.split()[0], "")
    if command in ("port show", "link show"):
        name = " if7"
    return name, complete(f"mipctl {command}{name} ")


def test_completion():
    same(complete("mipctl "), "link port binding peer socket monitor agent version help".split())
    same(complete("mipctl -j -n x b"), ["binding"])
    same(complete("mipctl link s"), ["show", "set"])
    same(complete("mipctl binding add dev lo encap "), ["gre", "ipip", "minimal", "udp"])
    same(complete("mipctl binding add dev lo rea"), ["realm"])
    same(complete("mipctl binding add realm 3 rea"), [])
    assert "lo" in complete("mipctl binding add dev ")
    assert "lo" in complete("mipctl link show ")
    assert "--" not in complete("mipctl -")
    offered = 0
    for command in COMMANDS:
        name, words = keywords(command)
        for word in words:
            assert known(f"{command}{name} {word}"), f"{command}: {word}"
            offered += 1
    for word in complete("mipctl monitor "):
        assert word == "help" or f'"{word}" is wrong' not in Run(f"monitor {word}", b"").err, word
    assert offered > 60, offered
    for option in complete("mipctl -"):
        assert "unknown" not in Run(f"{option} x y").err.split("object")[0], option


def test_help_and_manual_know_all_keywords():
    for command in COMMANDS:
        obj = command.split()[0]
        help_text = Run(f"{obj} help").out
        page = open(f"{TOP}/Documentation/man/mipctl-{obj}.8").read().replace("\\-", "-")
        for word in keywords(command)[1] + [command.split()[1]]:
            assert re.search(rf"(?<![\w-]){re.escape(word)}(?![\w-])", help_text), f"{obj} help: {word}"
            assert re.search(rf"(?<![\w-]){re.escape(word)}(?![\w-])", page), f"mipctl-{obj}.8: {word}"


# ---- this machine ----

def test_machine():
    """With the module loaded or without, the answer says which."""
    plain = subprocess.run([MIPCTL, "-j", "version"], capture_output=True, text=True)
    same(plain.returncode, 0)
    row = json.loads(plain.stdout)[0]
    same((row["mipctl"], row["kernel"]), (VERSION, os.uname().release))
    for obj in "binding", "link":
        listing = subprocess.run([MIPCTL, "-j", obj], capture_output=True, text=True)
        if "module" in row:
            same(listing.returncode, 0)
            json.loads(listing.stdout)
        else:
            same((listing.returncode, listing.stdout, listing.stderr),
                 (2, "", "Error: mip4 module not loaded (modprobe mip4)\n"))
    other = subprocess.run([MIPCTL, "link", "del", "lo"], capture_output=True, text=True)
    same((other.returncode, other.stderr), (2, "Error: lo is not a mip4 device\n"))
    with open("/dev/full", "w") as full:
        same(subprocess.run([MIPCTL, "help"], stdout=full, stderr=subprocess.DEVNULL).returncode, 2)


def main():
    tests = [(n[5:].replace("_", " "), f) for n, f in globals().items() if n.startswith("test_")]
    failed = 0
    print(f"TAP version 13\n1..{len(tests)}", flush=True)
    for number, (name, test) in enumerate(tests, 1):
        try:
            test()
            print(f"ok {number} - {name}", flush=True)
        except Exception:
            failed += 1
            print(f"not ok {number} - {name}", flush=True)
            for line in traceback.format_exc().splitlines():
                print(f"# {line}", flush=True)
    sys.exit(failed > 0)


main()
