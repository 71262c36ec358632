#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""usage: fuzz.py [--seed N] [--requests N] [--jobs N] [--other NETNS]

Netlink requests to the module: right ones, broken ones, from those who may and from those who may not, in this network
namespace, in NETNS and in one that belongs to a user namespace. The same seed and number make the same requests.

With one job, the default:
  - one that was refused changed nothing, and the refusal says what is wrong;
  - one that was accepted is as the spec has it, did what it said, all of it and nothing else, and can be read back;
  - one that names a binding that is there is not refused;
  - peers and ports count what bindings use them.
With more, these run at the same time, beside listeners that come and go, dumps that are left unfinished, and packets:
only refusals are looked at, the rest is for the kernel to complain about.

Prints what was reached; exit status 1 if something was wrong, or something was never reached.
"""
import argparse
import collections
import os
import random
import signal
import socket
import struct
import sys
import time

import world
from grammar import walk
from maker import PORTS, REPLIES_ONLY, Maker
from world import (ACK, CREATE, DUMP, EXCL, IFNAME, LINKINFO, NET_NS_FD, NEWLINK, Answer, attribute, ifinfo, message,
                   netlink, peer_key, talk)

EPERM, ENOMEM, EEXIST, ENODEV, EINVAL, EMSGSIZE, EOPNOTSUPP, ENOBUFS = 1, 12, 17, 19, 22, 90, 95, 105
ENOUGH_FOUND = 10
ENOUGH_TO_REACH_ALL = 2000              # requests, after which each command was accepted and refused


class Wrong(Exception):
    """An oracle's finding."""


class Fuzzer(Maker):
    def __init__(self, seed, other, every):
        super().__init__(seed, other)
        self.every, self.unseen = every, 0
        self.sent = collections.Counter()
        self.accepted = collections.Counter()
        self.refused = collections.Counter()
        self.attributes = collections.Counter()
        self.errors = collections.Counter()

    def send(self, request):
        actor = request.actor
        try:
            answer = talk(actor.rtnl if request.link else actor.genl, request.raw)
        except OSError as err:
            # longer than what a socket takes
            if err.errno not in (EMSGSIZE, ENOBUFS):
                raise
            answer = Answer()
            answer.error = EMSGSIZE
        self.sent[request.name] += 1
        if answer.error == 0:
            self.accepted[request.name] += 1
        elif answer.error:
            self.refused[request.name] += 1
            reason = answer.text or ("(the attribute)" if answer.blamed else "")
            self.errors[os.strerror(answer.error), reason] += 1
        return answer

    def check_error(self, request, answer):
        if answer.error is None:
            if not request.broken_header:
                raise Wrong("no answer")
            return
        if answer.error in (0, EPERM, ENOMEM, EMSGSIZE) or answer.text or answer.blamed or request.broken_header:
            return
        if not request.link and answer.error == EOPNOTSUPP:
            # generic netlink's own: no such command, or not as a dump, or only so
            how = "dump" if request.flags & DUMP == DUMP else "do"
            if not request.op or how not in request.op.requests:
                return
        if request.link and self.rtnetlink_refuses(request, answer.error):
            return
        raise Wrong(f"refused without a reason: {os.strerror(answer.error)}")

    def rtnetlink_refuses(self, request, error):
        """What rtnetlink says itself, without a text in some or all kernels."""
        if request.name == "port-master":
            # no such port in that namespace, or its master is no device that takes ports
            return error in (ENODEV, EINVAL, EOPNOTSUPP)
        if error in (EEXIST, ENODEV) or request.name == "link-move":
            return True
        return request.kind == NEWLINK and 0 < len(request.body) < 4

    def check(self, request, answer):
        """Look at what became of a request. What should have changed nothing is looked at a few at a time."""
        netns, self.unseen = request.netns, 0
        self.check_error(request, answer)
        done = answer.error == 0
        if request.sure and not done and answer.error != ENOMEM:
            raise Wrong("refused, though there is such a binding")
        if done and request.op and request.actor in self.actors[3:]:
            self.check_secrets(answer)
        if answer.error == EEXIST:
            self.check_clash(request, answer)
        if done and request.op and not self.changes(request):
            self.check_read(request, answer)
        quiet = not request.may_change and (not done or not request.link and not self.changes(request))
        netns.quiet += quiet
        if quiet and netns.quiet < self.every:
            return
        if not netns.look():
            change = NO_CHANGE
        else:
            change = Change(netns, netns.before, netns.now)
        self.unseen, netns.quiet = netns.quiet - quiet, 0
        if quiet:
            if change.any():
                raise Wrong(f"should have changed nothing: {change}")
        elif not done:
            pass
        elif request.link:
            self.check_link(request, change)
        elif request.actor in self.actors[3:]:
            raise Wrong(f"accepted from one who may not: {change}")
        else:
            self.check_done(request, answer, change)
        if change is not NO_CHANGE:
            self.check_counts(netns)

    def changes(self, request):
        return request.op and request.op.admin and request.flags & DUMP != DUMP

    def check_secrets(self, answer):
        for part in answer.parts:
            for binding in self.grammar.decode(part[4:], "mip4").get("binding", ()):
                shown = set(binding) | {name for leg in binding["legs"]["leg"] for name in leg}
                if shown & {"cookie", "ikey", "okey"}:
                    raise Wrong("keys or cookie are shown to one who may not see them")

    def check_read(self, request, answer):
        """What a request to read got is what is there, as far as it was asked for."""
        now, netns = request.netns.now, request.netns
        said = self.grammar.decode(request.body, "mip4")
        device = struct.unpack("=I", said["ifindex"])[0] if "ifindex" in said else None
        shown = [self.grammar.decode(part[4:], "mip4") for part in answer.parts]
        filters = said.get("binding", [])
        if request.name == "binding-get":
            there = {key: netns.binding(part) for key, part in now.bindings.items()}
            shown = {tuple(struct.unpack("=I", i)[0] for i in (one["ifindex"], one["binding"][0]["id"])):
                     settled(one["binding"][0]) for one in shown}
            for binding in shown.values():
                del binding["stats"]
            if request.flags & DUMP != DUMP:
                filters = [{"id": struct.pack("=I", self.selected(now, netns, said, filters[0])[1])}]
            there = {key: b for key, b in there.items() if device in (None, key[0]) and
                     not any(lacks(wish, b) for wish in filters)}
        elif request.name == "peer-get":
            there = {key: peer for key, peer in now.peers.items() if device in (None, key[0])}
            shown = {(struct.unpack("=I", one["ifindex"])[0],
                      *peer_key(one["peer"])): one["peer"] for one in shown}
        elif request.name == "port-get":
            wish = said.get("port", {})
            there = {key: port for key, (master, port) in now.ports.items() if device in (None, master) and
                     wish.get("ifindex", port["ifindex"]) == port["ifindex"]}
            shown = {struct.unpack("=I", one["port"]["ifindex"])[0]: one["port"] for one in shown}
        else:
            return
        if list(shown) != list(there) and sorted(shown) != sorted(there):
            raise Wrong(f"{list(shown)} are shown, {list(there)} are there")
        for key, one in shown.items():
            missing = lacks(one, there[key])
            if missing:
                raise Wrong(f"{missing} of {key} is shown as {plain(one)}, it is {plain(there[key])}")

    def check_clash(self, request, answer):
        """Who is said to be in the way must be there."""
        words = answer.text.split()
        # or the same message made it, and took it back
        if "binding" not in words or len(self.grammar.decode(request.body, "mip4")["binding"]) > 1:
            return
        number, name = int(words[words.index("binding") + 1]), words[-1]
        for netns in self.spaces:
            for ifindex, id in netns.now.bindings:
                if id == number and netns.now.links[ifindex][0] == name:
                    return
        raise Wrong(f"there is no such binding: {answer.text}")

    def check_counts(self, netns):
        """Peers and ports count what uses them."""
        peers, ports = collections.Counter(), collections.Counter()
        for (device, _), part in netns.now.bindings.items():
            b = netns.binding(part)
            for leg in b["legs"]["leg"]:
                peers[device, *peer_key(leg)] += 1
            if "port" in b:
                ports[b["port"]] += 1
        shown = {key: int.from_bytes(peer["legs"], "little") for key, peer in netns.now.peers.items()}
        if shown != peers:
            raise Wrong(f"peers {shown} don't count the legs {dict(peers)}")
        for ifindex, (_, port) in netns.now.ports.items():
            if int.from_bytes(port["bindings"], "little") != ports.pop(struct.pack("=I", ifindex), 0):
                raise Wrong(f"port {ifindex} doesn't count its bindings")
        if ports:
            raise Wrong(f"bindings on ports that aren't: {dict(ports)}")

    def check_done(self, request, answer, change):
        check = getattr(self, "done_" + request.name.replace("-", "_"), None)
        said = self.grammar.decode(request.body, "mip4")
        self.check_bounds(said, "mip4")
        if check:
            check(request, said, answer, change)

    def check_bounds(self, said, where):
        for name, value in said.items():
            attr = self.grammar.attr(where, name)
            for one in value if isinstance(value, list) else [value]:
                if attr.kind == "nest":
                    self.check_bounds(one, attr.nested)
                elif attr.size():
                    number = int.from_bytes(one, "big" if attr.big else "little")
                    if len(one) != attr.size() or number < attr.lo or attr.hi is not None and number > attr.hi:
                        raise Wrong(f"{name} of {plain(one)} was accepted against the spec")
                elif attr.exact and len(one) != attr.exact:
                    raise Wrong(f"{name} of {len(one)} bytes was accepted against the spec")

    def done_binding_new(self, request, said, _, change):
        nests = said.get("binding", [])
        change.only("added", "bindings")
        if len(change.added) != len(nests):
            raise Wrong(f"{len(nests)} bindings asked for: {change}")
        device = struct.unpack("=I", said["ifindex"])[0]
        made = dict(change.added)
        for wish in nests:
            for key, b in made.items():
                if key[0] == device and not lacks(wish, b):
                    del made[key]
                    break
            else:
                raise Wrong(f"asked for {plain(wish)}, which is not among {change}")

    def selected(self, snapshot, netns, said, wish):
        """Key of the binding that the request means, in what was there then."""
        device, = struct.unpack("=I", said["ifindex"])
        for key, part in snapshot.bindings.items():
            if key[0] != device:
                continue
            b = netns.binding(part)
            if "id" in wish:
                found = wish["id"] == b["id"]
            elif "addrs" in wish:
                realm = wish.get("realm", snapshot.links[device][2]["realm"])
                first = wish["addrs"]["addr"][0]
                first = {"plen": bytes([8 * len(first["address"])]), **first}
                found = realm == b["realm"] and not lacks({"addr": [first]}, b["addrs"])
            else:
                found = (wish["port"], wish.get("mac")) == (b.get("port"), b.get("mac"))
            if found:
                return key
        raise Wrong("accepted for a binding that wasn't there")

    def done_binding_set(self, request, said, _, change):
        netns, wish = request.netns, said["binding"][0]
        key = self.selected(netns.before, netns, said, wish)
        change.only("altered", "bindings")
        if set(change.altered) - {key}:
            raise Wrong(f"another binding than {key} changed: {change}")
        old, new = netns.binding(netns.before.bindings[key]), netns.binding(netns.now.bindings[key])
        missing = lacks(wish, new)
        if missing:
            raise Wrong(f"asked for {plain(wish)}, {missing} isn't so in {plain(new)}")
        for name in sorted(set(old) | set(new)):
            # legs may say that the device left its port
            if name in wish or name == "lifetime" or name == "port" and "legs" in wish:
                continue
            if settled(old.get(name)) != settled(new.get(name)):
                raise Wrong(f"{name} changed unasked: {change}")

    def done_binding_del(self, request, said, _, change):
        change.only("removed", "bindings")
        keys = {self.selected(request.netns.before, request.netns, said, wish) for wish in said["binding"]}
        if keys != set(change.removed):
            raise Wrong(f"asked to delete {keys}: {change}")

    def done_binding_flush(self, request, said, answer, change):
        netns = request.netns
        device, = struct.unpack("=I", said["ifindex"])
        wish = {} if "all" in said else said["binding"][0]
        keys = set()
        for key, part in netns.before.bindings.items():
            if key[0] == device and not lacks(wish, netns.binding(part)):
                keys.add(key)
        count, = struct.unpack("=I", self.grammar.decode(answer.parts[0][4:], "mip4")["count"])
        # who has legs to others too stays, with those
        changed = set(change.removed) | (set(change.altered) if "legs" in wish else set())
        if keys != changed or count != len(keys) or change.added or change.links:
            raise Wrong(f"asked to flush {keys}, {count} are said to have gone: {change}")

    def done_socket_set(self, request, said, _, change):
        device, = struct.unpack("=I", said["ifindex"])
        if change.any(but="links") or set(change.links) - {device}:
            raise Wrong(f"more than the socket of {device} changed: {change}")
        port = None
        if "socket-fd" in said:
            port = self.descriptors.get(struct.unpack("=I", said["socket-fd"])[0])
            if not port:
                raise Wrong(f"accepted with {plain(said)}, from which no link can tunnel")
        shown = request.netns.now.links[device][2].get("udp_port")
        if shown != (port and struct.pack("=H", port)):
            raise Wrong(f"asked to tunnel from port {port}, shown is {plain(shown)}")

    def done_port_set(self, request, said, _, change):
        change.only("altered", "ports")
        wish = said["port"]
        ifindex, = struct.unpack("=I", wish["ifindex"])
        if set(change.ports) - {ifindex} or lacks(wish, request.netns.now.ports[ifindex][1]):
            raise Wrong(f"asked for {plain(wish)}: {change}")

    def check_link(self, request, change):
        netns = request.netns
        if request.name == "link-del" or request.name == "link-move":
            if len(change.links) > 1:
                raise Wrong(f"more than one link changed: {change}")
        elif request.name == "port-master":
            if change.links or change.altered or change.added:
                raise Wrong(f"more than a port changed: {change}")
        elif NET_NS_FD not in dict(walk(request.head[16:])):
            target = dict(walk(request.head[16:]))[IFNAME].rstrip(b"\0").decode()
            wish = self.grammar.decode(request.body, "link")
            links = [(i, data) for i, (name, _, data) in netns.now.links.items() if name == target]
            if not links:
                raise Wrong(f"{target} was accepted and isn't there: {change}")
            ifindex, data = links[0]
            # a link of 0 has no gateway MAC to show, an attribute that is too long is cut
            missing = lacks(wish, data)
            if missing:
                raise Wrong(f"asked for {plain(wish)}, {missing} isn't so in {plain(data)}")
            if set(change.links) - {ifindex} or change.any(but="links"):
                raise Wrong(f"more than {target} changed: {change}")
            old = netns.before.links.get(ifindex)
            for name in data if old else ():
                if name not in wish and old[2].get(name) != data[name]:
                    raise Wrong(f"{name} of {target} changed unasked: {change}")
        if request.name == "link-move" or NET_NS_FD in dict(walk(request.head[16:])):
            for space in self.spaces:
                if space is not netns:
                    space.look()

    def check_elsewhere(self, request):
        """No request reaches into a namespace that it doesn't come from."""
        for netns in self.spaces:
            if netns is not request.netns and netns.look():
                change = Change(netns, netns.before, netns.now)
                if change.any():
                    raise Wrong(f"in the last requests something changed elsewhere, {netns.name}: {change}")


class Change:
    """What differs between two snapshots, beside time that goes by."""

    def __init__(self, netns, before, now):
        elapsed = now.when - before.when + 2
        self.added, self.removed, self.altered, self.links, self.ports, self.peers = {}, {}, {}, {}, {}, {}
        for key in dict.fromkeys([*before.bindings, *now.bindings]):
            old, new = before.bindings.get(key), now.bindings.get(key)
            if old == new:
                continue
            if not old:
                self.added[key] = netns.binding(new)
                continue
            old = netns.binding(old)
            if 0 < min(times(old)) <= elapsed * 1000:
                continue
            if not new:
                self.removed[key] = old
                continue
            new = netns.binding(new)
            passed = [was - left for was, left in zip(times(old), times(new))]
            if settled(old) != settled(new) or not all(0 <= ms <= elapsed * 1000 for ms in passed):
                self.altered[key] = old, new
        for mine, which in ((self.links, "links"), (self.ports, "ports"), (self.peers, "peers")):
            old, new = getattr(before, which), getattr(now, which)
            mine.update({key: (old.get(key), new.get(key)) for key in dict.fromkeys([*old, *new])
                         if old.get(key) != new.get(key)})

    PARTS = {"added": "bindings", "removed": "bindings", "altered": "bindings", "links": "links", "ports": "ports"}

    def any(self, but=None):
        return any(getattr(self, part) for part in self.PARTS if part != but)

    def only(self, how, what):
        """Nothing but bindings of one sort or ports changed. Ports count bindings, which check_counts() looks at."""
        for part, of in self.PARTS.items():
            if getattr(self, part) and part != how and not (part == "ports" and what in ("ports", "bindings")):
                raise Wrong(f"asked for {what} to be {how}: {self}")
        if what == "bindings":
            for ifindex, (old, new) in self.ports.items():
                if not old or not new or old[0] != new[0] or old[1]["unknown"] != new[1]["unknown"]:
                    raise Wrong(f"port {ifindex} changed: {self}")

    def __str__(self):
        return ", ".join(f"{part} {plain(getattr(self, part))}" for part in [*self.PARTS, "peers"]
                         if getattr(self, part)) or "nothing changed"


TIMES = {"lifetime": 1000, "lifetime-ms": 1}
FOREVER = 1 << 48


def times(binding):
    """Milliseconds that are left of a binding and of each of its legs."""
    left = []
    for part in (binding, *binding["legs"]["leg"]):
        for name, unit in TIMES.items():
            left.append(unit * int.from_bytes(part.get(name, b""), "little") or FOREVER)
    return left


def settled(value):
    """A binding without what time changes."""
    if isinstance(value, dict):
        return {name: settled(inner) for name, inner in value.items() if name not in TIMES}
    return [settled(inner) for inner in value] if isinstance(value, list) else value


class NoChange(Change):
    def __init__(self):
        self.added = self.removed = self.altered = self.links = self.ports = self.peers = {}


NO_CHANGE = NoChange()


def plain(value):
    """For people: bytes in hex."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{plain(k)}: {plain(v)}" for k, v in value.items()) + "}"
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(plain(v) for v in value) + "]"
    return value.hex() if isinstance(value, bytes) else str(value)


def lacks(wish, got):
    """Name of what was asked for and isn't so; a list is that of an address or a leg, in which each must be found."""
    for name, value in wish.items():
        have = got.get(name)
        if isinstance(value, dict):
            inner = lacks(value, have or {})
            if inner:
                return f"{name} {inner}"
        elif isinstance(value, list):
            if any(all(lacks(one, other) for other in have or ()) for one in value):
                return name
        elif name in TIMES:
            asked, left = (TIMES[name] * int.from_bytes(t or b"", "little") for t in (value, have))
            if not (asked == left or max(TIMES[name], asked - 2000) <= left <= asked):
                return name
        elif have != value:
            return name
    return None


def make_ports():
    """Ethernet pairs p0 with q0 ... that stay down: no packet changes what is looked at."""
    sock = netlink(0)
    for name in PORTS:
        peer = attribute(0x8001, ifinfo() + attribute(IFNAME, name.replace("p", "q").encode() + b"\0"))
        info = attribute(LINKINFO, attribute(1, b"veth\0") + attribute(2, peer))
        name_info = attribute(IFNAME, name.encode() + b"\0") + info
        answer = talk(sock, message(NEWLINK, ACK | CREATE | EXCL, ifinfo() + name_info))
        if answer.error and answer.error != EEXIST:
            raise OSError(answer.error, f"{name}: {os.strerror(answer.error)} {answer.text}")


def sequential(options):
    fuzzer = Fuzzer(options.seed, options.other, options.every)
    listener = netlink(16)
    for group in fuzzer.groups.values():
        listener.setsockopt(270, 1, group)
    listener.setblocking(False)
    found = 0
    start = time.monotonic()
    for i in range(options.requests):
        request = fuzzer.make()
        try:
            answer = fuzzer.send(request)
            fuzzer.check(request, answer)
            if answer.error == 0:
                count(fuzzer, request.nodes)
            if i % 64 == 0:
                fuzzer.check_elsewhere(request)
                drain(listener)
        except Wrong as wrong:
            print(f"request {i} of seed {options.seed}: {wrong}")
            if fuzzer.unseen:
                print(f"or one of {fuzzer.unseen} before it, which should have changed nothing: TEST_REPLAY tells")
            print("\n".join(request.describe()))
            print(f"answer: {answer.error} {answer.text}")
            found += 1
            if found == ENOUGH_FOUND:
                print("that's enough")
                break
    return report(fuzzer, time.monotonic() - start, options) and not found


def count(fuzzer, nodes):
    for _, payload, attr in nodes:
        if attr:
            fuzzer.attributes[attr] += 1
        if isinstance(payload, list):
            count(fuzzer, payload)


def drain(listener):
    try:
        while world.receive(listener):
            pass
    except OSError:
        pass


def report(fuzzer, seconds, options):
    """Print what was sent. Returns whether all commands were, and both accepted and refused."""
    total = sum(fuzzer.sent.values())
    print(f"{total} requests in {seconds:.1f} s, {total / seconds:.0f} a second:"
          f" {sum(fuzzer.accepted.values())} accepted, {sum(fuzzer.refused.values())} refused")
    missed = []
    for name, operation in fuzzer.grammar.operations.items():
        if operation.requests and not (fuzzer.accepted[name] and fuzzer.refused[name]):
            missed.append(name)
    for name in ("link-new", "link-set", "link-del", "port-master"):
        if not fuzzer.accepted[name]:
            missed.append(name)
    for name in fuzzer.sent:
        print(f"  {name}: {fuzzer.accepted[name]} accepted, {fuzzer.refused[name]} refused")
    never = [f"{where} {attr.name}" for where in ("binding", "addr", "leg", "port", "link")
             for attr in fuzzer.grammar.sets[where] if attr.name not in REPLIES_ONLY and not fuzzer.attributes[attr]]
    if never:
        print(f"never accepted: {', '.join(never)}")
    for (error, text), times in fuzzer.errors.most_common():
        print(f"\t{times} {error}: {text}")
    if total < ENOUGH_TO_REACH_ALL:
        return True
    if missed:
        print(f"not both accepted and refused: {', '.join(missed)}")
    return not missed


# Several at once

def set_up(sock, ifindex):
    talk(sock, message(NEWLINK, ACK, struct.pack("=BxHiII", 0, 0, ifindex, 1, 1)))


def work(options, job):
    """One of several that send requests at the same time."""
    fuzzer = Fuzzer(f"{options.seed}/{job}", options.other, 0)
    rng, listeners, family = fuzzer.rng, [], fuzzer.main.lists
    for i in range(options.requests // options.jobs):
        request = fuzzer.make()
        answer = fuzzer.send(request)
        try:
            fuzzer.check_error(request, answer)
        except Wrong as wrong:
            print(f"job {job} of seed {options.seed}: {wrong}", *request.describe(), sep="\n")
            return False
        if i % 16:
            continue
        rng.choice(fuzzer.spaces).look()
        roll = rng.random()
        if roll < .2:
            # a dump that nobody reads to its end
            with netlink(16) as sock:
                sock.send(rng.choice(family))
                sock.recv(rng.choice((1, 4096)))
        elif roll < .4:
            listeners.append(netlink(16))
            listeners[-1].setsockopt(270, 1, rng.choice(list(fuzzer.groups.values())))
        elif roll < .6 and listeners:
            listeners.pop(rng.randrange(len(listeners))).close()
        elif roll < .8 and fuzzer.main.now.links:
            set_up(fuzzer.actors[0].rtnl, rng.choice(list(fuzzer.main.now.links)))
    print(f"job {job}: {sum(fuzzer.accepted.values())} accepted, {sum(fuzzer.refused.values())} refused")
    return True


def send_packets(options, under):
    """Until killed: frames of devices on ports, and what peers send through tunnels, bound or not."""
    rng = random.Random(options.seed)
    for name in PORTS:
        for end in (name, name.replace("p", "q")):
            set_up(netlink(0), socket.if_nametoindex(end))
    sock = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
    ports = [name.replace("p", "q") for name in PORTS]

    def ipv4(source, destination, protocol, payload):
        head = struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(payload), 0, 0, 64, protocol, 0) + source + destination
        total = sum(struct.unpack("!10H", head))
        total = (total & 0xffff) + (total >> 16)
        return head[:10] + struct.pack("!H", ~(total + (total >> 16)) & 0xffff) + head[12:] + payload

    while True:
        home, device = bytes((10, 0, 0, rng.randrange(1, 61))), b"\2\0\0\0\0" + bytes([rng.randrange(12)])
        there = bytes((203, 0, 113, 1))
        frames = [(rng.choice(ports), b"\2\0\0\0\1\0" + device + b"\x08\0" + ipv4(home, there, 17, bytes(64))),
                  (rng.choice(ports), b"\xff" * 6 + device + b"\x08\x06\0\1\x08\0\6\4\0\1" + device + home +
                   bytes(6) + b"\x0a\0\0\xfe")]
        ends = bytes((192, 0, 2, rng.randrange(1, 7))), bytes((198, 51, 100, rng.randrange(1, 3)))
        inner = ipv4(*rng.sample((home, there), 2), 17, bytes(64))
        gre = rng.choice((b"\0\0\x08\0", b"\x20\0\x08\0" + struct.pack("!I", rng.randrange(16))))
        for outer in (ipv4(*ends, 4, inner), ipv4(*ends, 47, gre + inner)):
            frames.append((options.under, under + b"\2\0\0\0\2\0\x08\0" + outer))
        for name, frame in frames:
            try:
                sock.sendto(frame, (name, 0x800))
            except OSError:
                pass                # down or full


def parallel(options):
    packets = None
    if options.under:
        with open("/sys/class/net/under/address", encoding="ascii") as address:
            mac = bytes.fromhex(address.read().strip().replace(":", ""))
        packets = os.fork()
        if not packets:
            send_packets(options, mac)
    jobs = []
    for job in range(options.jobs):
        jobs.append(os.fork())
        if not jobs[-1]:
            status = 1
            try:
                status = not work(options, job)
            finally:
                sys.stdout.flush()
                os._exit(status)
    good = not any([os.waitpid(pid, 0)[1] for pid in jobs])
    if packets:
        os.kill(packets, signal.SIGKILL)
        os.waitpid(packets, 0)
    return good


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--requests", type=int, default=10000)
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--every", type=int, default=8)
    parser.add_argument("--other", default="other")
    parser.add_argument("--under", help="the far end of the wire to the peers")
    options = parser.parse_args()
    print(f"seed {options.seed}, {options.requests} requests, {options.jobs} at a time", flush=True)
    make_ports()
    return parallel(options) if options.jobs > 1 else sequential(options)


if __name__ == "__main__":
    sys.exit(not main())
