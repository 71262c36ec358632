# SPDX-License-Identifier: GPL-2.0-only
"""Makes requests by the grammar that have a chance to be accepted, and breaks some of them."""
import random
import struct

import world
from grammar import EVIL, Grammar, Mutator, encode, node, pack, show
from world import (ACK, CREATE, DELLINK, DUMP, EXCL, IFNAME, LINKINFO, MASTER, NET_NS_FD, NEWLINK, SETLINK, Actor,
                   Netns, attribute, ifinfo, message)

LINKS = ("mip0", "mip1", "mip2")
PORTS = ("p0", "p1", "p2", "p3")
POINT = "t0"                            # a port with one device and without MACs
ENOUGH = 32                             # bindings of one device

# What a request for a binding needs besides what one may leave out, and which attributes come together. All others of
# the grammar are sent too, with values by their type alone.
NEEDS = {"binding": ("addrs", "legs"), "addr": ("address",), "leg": ("peer",), "link": ("local",), "port": ("ifindex",)}
TOGETHER = {"mac": "port", "okey": "ikey"}
COMMON = {"cookie", "realm", "family", "plen", "port", "gateway", "home-plen", "lifetime", "local", "encap", "ikey",
          "unknown", "link"}
REPLIES_ONLY = {"id", "stats", "bindings", "held", "unknown-frames", "pad", "udp_port"}


class Request:
    def __init__(self, actor, netns, op, name):
        self.actor, self.netns, self.op, self.name = actor, netns, op, name
        self.link = not op
        self.kind = self.cmd = self.flags = 0
        self.nodes, self.head, self.within = [], b"", b""
        self.log = []
        self.broken_header = False
        self.may_change = False         # although refused, by rtnetlink itself
        self.sure = False               # it can't be refused
        self.body = self.raw = b""

    def describe(self):
        lines = [f"{self.name} by {self.actor.name}, flags {self.flags:#x}, command {self.cmd}",
                 f"broken: {', '.join(self.log) or 'no'}"]
        tree = show(self.nodes)
        return lines + tree[:60] + ["  ..."][:len(tree) - 60] + ["bytes: " + self.raw[:600].hex()]


class Maker:
    def __init__(self, seed, other):
        self.rng = random.Random(seed)
        self.grammar = Grammar()
        self.mutator = Mutator(self.rng, self.grammar)
        root = Actor("root")
        self.family, self.groups = world.family_of(root.genl)
        self.actors = [root, Actor("root elsewhere", lambda: enter(other)),
                       Actor("user namespace's root", world.own_both),
                       Actor("nobody", world.no_rights), Actor("user namespace", world.user_namespace)]
        self.main, self.other, self.user = self.spaces = [Netns(self.grammar, actor, self.family)
                                                          for actor in self.actors[:3]]
        self.space = dict(zip(self.actors, self.spaces + [self.main, self.main]))
        self.port_index = [self.main.device_index(name) for name in (*PORTS, POINT)]
        self.point = struct.pack("=I", self.port_index[-1])
        self.descriptors = world.descriptors(lambda: enter(other))
        self.odd_index = [self.main.device_index("lo"), 999, 0x7fffffff, 0xffffffff]

    def chance(self, p):
        return self.rng.random() < p

    def device(self, netns):
        """ifindex of a mip4 device of this namespace if there is one."""
        links = netns.now.links
        if links and not self.chance(.02):
            return self.rng.choice(list(links))
        return self.rng.choice(self.odd_index + self.port_index)

    def ports_of(self, device):
        return [i for i, (master, _) in self.main.now.ports.items() if master == device]

    def port(self, device):
        mine = self.ports_of(device)
        if mine and not self.chance(.1):
            return self.rng.choice(mine)
        return self.rng.choice(self.port_index + self.odd_index[:2])

    def ip(self, net, hosts):
        return bytes(net) + bytes([self.rng.randrange(1, hosts + 1)])

    def leaf(self, attr, where, device):
        """A value that has a chance to be accepted."""
        rng, name = self.rng, attr.name
        if where == "link":
            return self.link_leaf(attr)
        if attr.hint == "mac":
            return b"\2\0\0\0\0" + bytes([rng.randrange(12)])
        if attr.hint == "ipv4":
            if name == "address":
                return self.ip((10, 0, 0), 60) if self.chance(.8) else bytes((10, rng.randrange(1, 5), 0, 0))
            if name == "gateway":
                return b"\x0a\0\0\xfe"
            return self.ip((192, 0, 2), 6) if name == "peer" else self.ip((198, 51, 100), 2)
        if name == "ifindex" and where == "port" or name == "port":
            return struct.pack("=I", self.port(device))
        if name == "ifindex":
            return struct.pack("=I", device)
        if name == "id":
            return struct.pack("=I", rng.randrange(1, 60))
        if name == "family":
            return b"\2" if self.chance(.8) else b"\x0a"
        if name == "plen":
            return bytes([32 if self.chance(.7) else rng.choice((16, 24))])
        if name == "state":
            return bytes([0 if self.chance(.8) else rng.randrange(attr.hi + 1)])
        if name == "lifetime":
            return struct.pack("=I", rng.choice((0, 0, 100000, 1000000)))
        if name == "lifetime-ms":
            return struct.pack("=I", rng.choice((0, 100000000)))
        if name == "realm":
            return struct.pack("=I", rng.choice((0, 0, 0, 0, 0, 1, 2)))
        if name == "socket-fd":
            return struct.pack("=I", rng.choice(list(self.descriptors)))
        return self.any_leaf(attr)

    def any_leaf(self, attr):
        """A value by the type alone."""
        rng = self.rng
        if attr.size() is None:
            return rng.randbytes(attr.exact or rng.randrange(1, (attr.hi or 8) + 1))
        if attr.hi is not None:
            return pack(attr, rng.randrange(attr.lo, attr.hi + 1))
        return pack(attr, rng.choice((attr.lo, attr.lo + 1, rng.randrange(16), rng.choice(EVIL))))

    def link_leaf(self, attr):
        rng, name = self.rng, attr.name
        if name == "local":
            return self.ip((198, 51, 100), 2)
        if name == "link":
            return struct.pack("=I", 0 if self.chance(.7) else rng.choice(self.port_index + self.odd_index))
        if name == "realm":
            return struct.pack("=I", rng.choice((0, 0, 1)))
        if name == "limit":
            return struct.pack("=I", rng.choice((0, 0, 10, 30)))
        if name == "grace":
            return struct.pack("=I", rng.choice((30, 1000, 0xffffffff)))
        if name == "gwmac":
            return b"\2\0\0\0\1" + bytes([rng.randrange(3)])
        if name == "mss":
            return bytes([rng.randrange(2)])
        if name == "tos":
            return bytes([rng.choice((0, 1, 4, 8, 0xfc))])
        return self.any_leaf(attr)

    def nest(self, where, device, mode=""):
        """Attributes of a set, such as a request of this mode carries."""
        nodes, names = [], []
        needs = NEEDS.get(where, ()) if mode in ("new", "") else ()
        for attr in self.grammar.sets[where]:
            if attr.name in REPLIES_ONLY and not self.chance(.01):
                continue
            if attr.name in TOGETHER:
                wanted = (TOGETHER[attr.name] in names) != self.chance(.03)
                if attr.name == "mac" and any(n[1] == self.point for n in nodes):
                    wanted = self.chance(.03)
            elif attr.name in needs:
                wanted = not self.chance(.02)
            elif attr.name == "port" and where == "binding" and not self.ports_of(device):
                wanted = self.chance(.03)
            elif attr.name == "encap" and where == "leg":
                wanted = self.chance(.15)
            elif attr.name == "peer-port" and where == "leg":
                wanted = self.chance(.3 if "encap" in names else .02)
            else:
                wanted = self.chance(.35 if attr.name in COMMON else .1)
            if attr.kind == "nest" and attr.name not in needs and where == "binding":
                wanted = attr.name == "legs" and mode == "set" and self.chance(.4) or self.chance(.01)
            if wanted:
                names.append(attr.name)
                nodes.append(node(attr, self.payload(attr, where, device)))
        if where == "addr":
            self.inet6(nodes)
        return nodes

    def inet6(self, nodes):
        """Make the other attributes fit, if the family is IPv6."""
        if not any(n[2].name == "family" and n[1] == b"\x0a" for n in nodes) or self.chance(.05):
            return
        for n in nodes:
            if n[2].name == "address":
                n[1] = b"\x20\x01\x0d\xb8\0" + bytes([self.rng.randrange(1, 5)]) + b"\0" * 10
            elif n[2].name == "plen":
                n[1] = bytes([self.rng.choice((48, 64, 128))])

    def payload(self, attr, where, device):
        if attr.kind != "nest":
            return self.leaf(attr, where, device)
        if where not in ("addrs", "legs") and attr.nested in ("addrs", "legs"):
            entry = self.grammar.sets[attr.nested][0]
            count = 1 if not self.chance(.1) else self.rng.choice((0, 2, 2, 3, 9))
            return [node(entry, self.nest(entry.nested, device)) for _ in range(count)]
        return self.nest(attr.nested, device)

    def some_binding(self, netns, device):
        mine = [part for (ifindex, _), part in netns.now.bindings.items() if ifindex == device]
        return netns.binding(self.rng.choice(mine)) if mine else None

    def selector(self, request, device):
        """What one binding that there is, or none, is found by."""
        netns = request.netns
        b = self.some_binding(netns, device)
        if not b or self.chance(.05):
            return self.nest("binding", device, "new")
        request.sure = request.actor in self.actors[:3] and request.name in ("binding-get", "binding-del")
        get = self.grammar.attr
        by = self.rng.random()
        if by < .5:
            return [node(get("binding", "id"), b["id"])]
        if by < .7 and "port" in b:
            return [node(get("binding", name), b[name]) for name in ("port", "mac") if name in b]
        return [node(get("binding", "realm"), b["realm"]),
                node(get("binding", "addrs"), self.tree({"addr": [self.rng.choice(b["addrs"]["addr"])]}, "addrs"))]

    def tree(self, decoded, where):
        """What decode() returned, as nodes again."""
        nodes = []
        for name, value in decoded.items():
            attr = self.grammar.attr(where, name)
            for one in value if attr.multi else [value]:
                nodes.append(node(attr, self.tree(one, attr.nested) if attr.kind == "nest" else one))
        return nodes

    def filter(self, netns, device):
        b = self.some_binding(netns, device)
        get, nodes = self.grammar.attr, []
        if b and self.chance(.5):
            nodes.append(node(get("binding", "realm"), b["realm"]))
        if b and "port" in b and self.chance(.4):
            nodes.append(node(get("binding", "port"), b["port"]))
        if b and self.chance(.4):
            peer = node(get("leg", "peer"), b["legs"]["leg"][0]["peer"])
            nodes.append(node(get("binding", "legs"), [node(get("legs", "leg"), [peer])]))
        if self.chance(.1):
            nodes += self.nest("binding", device, "filter")
        return nodes

    def binding(self, request, device):
        op, netns, rng = request.name, request.netns, self.rng
        if op == "binding-new":
            nodes = self.nest("binding", device, "new")
            if netns.now.bindings and self.chance(.15):
                # address and tunnel of another, on this device or not
                other = netns.binding(rng.choice(list(netns.now.bindings.values())))
                for n in nodes:
                    if n[2].name in ("addrs", "legs"):
                        n[1] = self.tree(other[n[2].name], n[2].name)
            return nodes
        if op == "binding-flush" or request.flags & DUMP:
            return self.filter(netns, device)
        nodes = self.selector(request, device)
        if op == "binding-set":
            chosen = [n[2] for n in nodes]
            nodes += [n for n in self.nest("binding", device, "set") if n[2] not in chosen and n[2].name != "realm"]
            rng.shuffle(nodes)
        return nodes

    def genl(self, actor, name):
        netns = self.space[actor]
        op = self.grammar.operations[name]
        request = Request(actor, netns, op, name)
        request.kind, request.cmd, request.flags = self.family, op.number, ACK
        if "do" not in op.requests or "dump" in op.requests and self.chance(.5):
            request.flags |= DUMP
        device = self.device(netns)
        for attr in (self.grammar.attr("mip4", n) for n in
                     op.requests.get("dump" if request.flags & DUMP else "do", ("ifindex", "binding", "port"))):
            optional = attr.kind == "flag" or not op.admin and not (attr.name == "port" and name == "port-get")
            if self.chance(.6 if optional else .02) and not (name == "binding-get" and not request.flags & DUMP):
                continue
            count = 1
            if attr.name == "binding" and name in ("binding-new", "binding-del"):
                count = self.rng.choice((1, 1, 1, 1, 2, 3))
            elif attr.multi and self.chance(.05):
                count = 2
            for _ in range(count):
                if attr.name == "binding":
                    request.nodes.append(node(attr, self.binding(request, device)))
                else:
                    request.nodes.append(node(attr, self.payload(attr, "mip4", device)))
        request.sure &= [n[2].name for n in request.nodes] == ["ifindex", "binding"]
        return request

    def link_request(self, actor, name):
        """RTM_NEWLINK of kind mip4, which makes or changes one, or RTM_DELLINK or RTM_SETLINK."""
        rng, netns = self.rng, self.space[actor]
        request = Request(actor, netns, None, name)
        request.flags = ACK
        target = rng.choice(LINKS)
        if name in ("link-new", "link-set"):
            request.kind = NEWLINK
            request.head = ifinfo() + attribute(IFNAME, target.encode() + b"\0")
            if name == "link-new":
                request.flags |= CREATE | EXCL
                if self.chance(.15):
                    request.head += attribute(NET_NS_FD, struct.pack("=I", rng.choice(self.spaces).fd))
            request.nodes = self.nest("link", 0, "new" if name == "link-new" else "set")
        elif name == "link-del":
            request.kind = DELLINK
            request.head = ifinfo() + attribute(IFNAME, target.encode() + b"\0")
        elif name == "link-move":
            request.kind = SETLINK
            request.head = ifinfo() + attribute(IFNAME, target.encode() + b"\0") + \
                attribute(NET_NS_FD, struct.pack("=I", rng.choice(self.spaces).fd))
        else:
            port = rng.choice(self.port_index)
            had = netns is self.main and port in netns.now.ports
            master = 0 if had and self.chance(.5) else self.device(netns)
            request.kind = SETLINK
            request.head = ifinfo(port) + attribute(MASTER, struct.pack("=I", master))
            # rtnetlink releases a port before it asks whether the new master takes it
            request.may_change = had and master and master != netns.now.ports[port][0]
        return request

    def make(self):
        rng = self.rng
        actor = rng.choices(self.actors, (70, 10, 10, 5, 5))[0]
        netns = self.space[actor]
        roll = rng.random()
        if not netns.now.links:
            roll = .9 if roll < .6 else roll
        if roll < .88:
            names = list(self.grammar.operations)
            weights = [{"binding-new": 30, "binding-set": 25, "binding-del": 6, "binding-get": 10,
                        "binding-flush": 3}.get(name, 4) for name in names]
            name = rng.choices(names, weights)[0]
            if name == "binding-new" and len(netns.now.bindings) > ENOUGH:
                name = "binding-del"
            request = self.genl(actor, name)
        else:
            names = ("link-new", "link-set", "link-del", "link-move", "port-master")
            request = self.link_request(actor, rng.choices(names, (25, 50, 4, 2, 25))[0])
        self.break_it(request)
        return request

    def break_it(self, request):
        rng, roll = self.rng, self.rng.random()
        self.mutator.log = []
        if roll < .3:
            self.mutator.mutate(request.nodes)
        request.body = encode(request.nodes)
        if .3 <= roll < .4:
            request.body = self.mutator.scramble(request.body)
        request.log = self.mutator.log
        request.sure &= roll >= .46
        if request.link:
            # all around the data is rtnetlink's own
            body = request.head
            if request.kind == NEWLINK:
                info = attribute(1, b"mip4\0")
                if not self.chance(.03):
                    request.body = request.body[:65000]
                    info += attribute(2, request.body)
                else:
                    request.body = b""
                body += attribute(LINKINFO, info)
            request.raw = message(request.kind, request.flags, body)
            return
        version, reserved = 1, 0
        if .4 <= roll < .46:
            what = rng.choice(("flags", "dump", "dump", "command", "version", "reserved", "length"))
            request.log = [f"header: {what}"]
            if what == "flags":
                request.flags |= rng.randrange(1 << 16)
            elif what == "dump":
                request.flags ^= DUMP
            elif what == "command":
                request.cmd = rng.choice((0, len(self.grammar.operations) + 1, 200, 255))
                request.op = None
            elif what == "version":
                version = rng.randrange(256)
            elif what == "reserved":
                reserved = rng.randrange(1, 1 << 16)
        head = struct.pack("=BBH", request.cmd, version, reserved)
        request.raw = message(request.kind, request.flags, head + request.body)
        if request.log == ["header: length"]:
            length = max(0, len(request.raw) + rng.choice((-len(request.raw), -8, -4, -3, -1, 1, 4, 1000, 1 << 30)))
            request.raw = struct.pack("=I", length) + request.raw[4:]
            # less than all may be a whole request as well
            request.body = request.body[:max(0, length - len(request.raw) + len(request.body))]
            request.broken_header = True


def enter(name):
    with open(f"/run/netns/{name}", "rb") as netns:
        world.must(world.libc.setns(netns.fileno(), world.CLONE_NEWNET))
