# SPDX-License-Identifier: GPL-2.0-only
"""The netlink ABI as a grammar: attributes of the generic netlink family from its YAML spec, those of the link kind
from the uapi header. Writes requests of them, breaks requests, and reads what the kernel replies.

A request is a tree: lists of nodes [number and flags, payload, Attr or None], a payload being bytes or such a list.
"""
import os
import re
import struct

TOP = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../..")
SPEC = TOP + "/Documentation/netlink/specs/mip4.yaml"
HEADER = TOP + "/uapi/linux/mip4.h"

NESTED, BYTEORDER, TYPE_MASK = 0x8000, 0x4000, 0x3fff
SIZES = {"u8": 1, "u16": 2, "u32": 4, "u64": 8, "flag": 0, "pad": 0}
EVIL = (0, 1, 2, 0x7f, 0x80, 0xff, 0x7fff, 0xffff, 0x7fffffff, 0x80000000, 0xffffffff, 0x7fffffffffffffff,
        0xffffffffffffffff)


class Attr:
    """One attribute: lo and hi bound its value, or the length of a binary one."""

    def __init__(self, name, number):
        self.name, self.number = name, number
        self.kind = self.enum = self.nested = self.hint = None
        self.multi = self.big = False
        self.lo, self.hi, self.exact = 0, None, None

    def size(self):
        return SIZES.get(self.kind)


def read_spec(path=SPEC):
    """(attribute sets: name -> [Attr], operations: name -> Operation), the YAML being read by its layout."""
    sets, subsets, entries, operations = {}, {}, {}, {}
    part = name = attr = operation = where = None
    with open(path, encoding="utf-8") as spec:
        for line in spec:
            depth = len(line) - len(line.lstrip(" "))
            key, _, value = line.strip().partition(":")
            key, value = key.removeprefix("- "), value.strip()
            if not depth and key.isidentifier() or key in ("attribute-sets", "mcast-groups"):
                part = key
            elif part == "definitions":
                if key == "name" and depth == 4:
                    name = value
                    entries[name] = 0
                elif key == "name" and depth == 6:
                    entries[name] += 1
                elif key == "entries" and value:
                    entries[name] = value.count(",") + 1
            elif part == "attribute-sets":
                if key == "name" and depth == 4:
                    name, attr = value, None
                    sets[name] = []
                elif key == "subset-of":
                    subsets[name] = value
                elif key == "name" and depth == 8:
                    attr = Attr(value, len(sets[name]) + 1)
                    sets[name].append(attr)
                elif attr:
                    read_property(attr, key, value)
            elif part == "operations":
                if key == "name" and depth == 6:
                    operation = operations[value] = Operation(value, len(operations) + 1)
                elif key == "flags" and depth == 6:
                    operation.admin = "admin-perm" in value
                elif key in ("do", "dump", "event") and depth == 6:
                    where = key
                elif key in ("request", "reply"):
                    where = where.split()[0] + " " + key
                elif key == "attributes" and where.endswith("request"):
                    operation.requests[where.split()[0]] = value.strip("[]").split(", ")
    for name, origin in subsets.items():
        whole = {a.name: a for a in sets[origin]}
        for i, a in enumerate(sets[name]):
            whole[a.name].multi |= a.multi
            sets[name][i] = whole[a.name]
    for attrs in sets.values():
        for a in attrs:
            if a.enum and a.hi is None:
                a.hi = entries[a.enum] - 1
    return sets, operations


class Operation:
    def __init__(self, name, number):
        self.name, self.number = name, number
        self.admin = False
        self.requests = {}          # "do" and "dump": names of attributes


def read_property(attr, key, value):
    if key == "type":
        attr.kind = value
    elif key == "enum":
        attr.enum = value
    elif key == "nested-attributes":
        attr.nested = value
    elif key == "display-hint":
        attr.hint = value
    elif key == "multi-attr":
        attr.multi = True
    elif key == "byte-order":
        attr.big = value == "big-endian"
    elif key == "min":
        attr.lo = int(value)
    elif key in ("max", "max-len"):
        attr.hi = int(value)
    elif key == "exact-len":
        attr.exact = int(value)


def read_link(path=HEADER):
    """Attributes of the link kind, each typed by the beginning of its comment in the header."""
    with open(path, encoding="ascii") as header:
        text = header.read()
    body = re.search(r"enum \{\s*IFLA_MIP4_UNSPEC,(.*?)\}", text, re.S).group(1)
    attrs = []
    for name, comment in re.findall(r"^\tIFLA_MIP4_(\w+),\s*/\* (.*)", body, re.M):
        what = re.match(r"(__be32|u8|u16|u32|u64|(\d+) bytes)(?: enum (\w+))?", comment)
        if not what:
            raise ValueError(f"{path}: the comment of IFLA_MIP4_{name} doesn't begin with its type")
        attr = Attr(name.lower(), len(attrs) + 1)
        attr.kind, attr.big = what[1].replace("__be", "u"), what[1].startswith("__be")
        if attr.big:
            attr.hint = "ipv4"
        if what[2]:
            attr.kind, attr.exact, attr.hint = "binary", int(what[2]), "mac"
        if what[3]:
            values = re.search(r"enum %s \{(.*?)\}" % what[3], text, re.S).group(1)
            values = re.findall(r"^\t(MIP4_\w+)", values, re.M)
            attr.lo, attr.hi = int(values[0].endswith("_UNSPEC")), len(values) - 1
        attrs.append(attr)
    if len(attrs) != len(re.findall(r"^\tIFLA_MIP4_", body, re.M)):
        raise ValueError(f"{path}: an attribute IFLA_MIP4_* without comment")
    return attrs


def pack(attr, value):
    size = attr.size() or 4
    return (value & (1 << 8 * size) - 1).to_bytes(size, "big" if attr.big else "little")


def node(attr, payload):
    return [attr.number | (NESTED if isinstance(payload, list) else 0), payload, attr]


def encode(nodes):
    parts = []
    for number, payload, _ in nodes:
        if payload.__class__ is list:
            payload = encode(payload)
        length = 4 + len(payload)
        parts.append(struct.pack("=HH", length & 0xffff, number) + payload + b"\0" * (-length & 3))
    return b"".join(parts)


def walk(data):
    """(number, payload) of each attribute as far as there are whole ones, as the kernel walks."""
    at, end = 0, len(data)
    while end - at >= 4:
        length, number = struct.unpack_from("=HH", data, at)
        if length < 4 or length > end - at:
            return
        yield number & TYPE_MASK, data[at + 4:at + length]
        at += (length + 3) & ~3


class Grammar:
    def __init__(self):
        self.sets, self.operations = read_spec()
        self.sets["link"] = read_link()
        self.by_number = {name: {a.number: a for a in attrs} for name, attrs in self.sets.items()}
        self.by_name = {name: {a.name: a for a in attrs} for name, attrs in self.sets.items()}

    def attr(self, set_name, name):
        return self.by_name[set_name][name]

    def decode(self, data, set_name):
        """{name: value}: bytes, a dict for a nest, a list of those where there may be several. The last one counts."""
        result = {}
        attrs = self.by_number[set_name]
        for number, payload in walk(data):
            attr = attrs.get(number)
            if not attr or attr.kind == "pad":
                continue
            if attr.kind == "nest":
                payload = self.decode(payload, attr.nested)
            elif attr.size():
                payload = payload[:attr.size()]
            if attr.multi:
                result.setdefault(attr.name, []).append(payload)
            else:
                result[attr.name] = payload
        return result


def show(nodes, depth=1):
    """A request as text, one attribute a line."""
    lines = []
    for number, payload, attr in nodes:
        name = attr.name if attr and attr.number == number & TYPE_MASK else f"type {number & TYPE_MASK:#x}"
        flags = "".join(text for bit, text in ((NESTED, " nested"), (BYTEORDER, " byteorder")) if number & bit)
        if isinstance(payload, list):
            lines.append("  " * depth + name + flags)
            lines += show(payload, depth + 1)
        else:
            text = payload[:32].hex() + ("..." if len(payload) > 32 else "")
            lines.append("  " * depth + f"{name}{flags} [{len(payload)}] {text}")
    return lines


class Mutator:
    """Breaks a request, at one place or a few. What was done stands in .log."""

    def __init__(self, rng, grammar):
        self.rng, self.grammar = rng, grammar
        self.log = []
        self.tree = (self.value, self.value, self.value, self.length, self.number, self.flags, self.duplicate,
                     self.remove, self.move, self.insert, self.deepen, self.inflate, self.copy)

    def places(self, nodes):
        """(list, index) of all nodes."""
        found = []
        for i, (_, payload, _) in enumerate(nodes):
            found.append((nodes, i))
            if payload.__class__ is list:
                found += self.places(payload)
        return found

    def mutate(self, nodes):
        rng = self.rng
        self.log = []
        for _ in range(1 if rng.random() < .7 else rng.randrange(2, 5)):
            places = self.places(nodes)
            if not places:
                return
            parent, i = rng.choice(places)
            action = rng.choice(self.tree)
            attr = parent[i][2]
            self.log.append(f"{action.__name__} of {attr.name if attr else hex(parent[i][0])}")
            action(nodes, parent, i)

    def number_of_some(self):
        return self.rng.choice(self.rng.choice(list(self.grammar.sets.values())))

    def random_payload(self):
        return self.rng.randbytes(self.rng.choice((0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 16, 17, 64, 300)))

    def value(self, _, parent, i):
        attr, rng = parent[i][2], self.rng
        if isinstance(parent[i][1], list) or not attr:
            parent[i][1] = self.random_payload()
        elif attr.size():
            values = EVIL + (attr.lo - 1, attr.lo, attr.lo + 1)
            if attr.hi is not None:
                values += (attr.hi - 1, attr.hi, attr.hi + 1)
            parent[i][1] = pack(attr, rng.choice(values))
        else:
            parent[i][1] = rng.choice((bytes(len(parent[i][1])), b"\xff" * len(parent[i][1]),
                                       rng.randbytes(len(parent[i][1]))))

    def length(self, _, parent, i):
        payload, rng = parent[i][1], self.rng
        if isinstance(payload, list):
            payload = encode(payload)
        if rng.random() < .5:
            parent[i][1] = payload[:rng.randrange(len(payload) + 1)]
        else:
            parent[i][1] = payload + rng.randbytes(rng.choice((1, 2, 3, 4, 8, 12, 252)))

    def number(self, _, parent, i):
        choices = [self.number_of_some().number, 0, parent[i][0] + 1, self.rng.randrange(64), 200, TYPE_MASK]
        parent[i][0] = parent[i][0] & ~TYPE_MASK | self.rng.choice(choices) & TYPE_MASK

    def flags(self, _, parent, i):
        parent[i][0] ^= self.rng.choice((NESTED, BYTEORDER, NESTED | BYTEORDER))

    def duplicate(self, nodes, parent, i):
        parent.insert(self.rng.randrange(len(parent) + 1), list(parent[i]))
        if self.rng.random() < .5:
            self.value(nodes, parent, self.rng.randrange(len(parent)))

    def remove(self, _, parent, i):
        del parent[i]

    def move(self, nodes, parent, i):
        lists = [nodes] + [p[j][1] for p, j in self.places(nodes) if isinstance(p[j][1], list)]
        moved = parent.pop(i)
        inside = [id(moved[1])] + [id(p[j][1]) for p, j in self.places(moved[1])] \
            if isinstance(moved[1], list) else []
        self.rng.choice([to for to in lists if id(to) not in inside]).append(moved)

    def insert(self, _, parent, i):
        attr = self.number_of_some()
        payload = [] if attr.kind == "nest" else self.rng.randbytes(attr.size() or attr.exact or 4)
        parent.insert(i, node(attr, payload))

    def deepen(self, _, parent, i):
        """The node within itself, or the like of it, time and again."""
        inner = parent[i]
        for _ in range(self.rng.choice((1, 2, 10, 60))):
            inner = [inner[0] | NESTED, [inner], inner[2]]
        parent[i] = inner

    def inflate(self, nodes, parent, i):
        """Up to what a message can be, and an attribute's length no longer say."""
        size = len(encode(nodes))
        one = len(encode([parent[i]]))
        room = self.rng.choice((2000, 30000, 60000, 100000)) - size
        if room <= 0:
            return
        if isinstance(parent[i][1], list) or self.rng.random() < .5:
            parent[i:i] = [list(parent[i]) for _ in range(min(room // one, 400))]
        else:
            parent[i][1] += bytes(min(room, 65531 - len(parent[i][1])))

    def copy(self, nodes, parent, i):
        """What stands elsewhere, as wrong nesting."""
        other, j = self.rng.choice(self.places(nodes))
        payload = other[j][1]
        if isinstance(payload, list):
            payload = encode(payload)
        parent.insert(i, [other[j][0], payload, other[j][2]])

    def scramble(self, data):
        """Some bytes of an encoded request changed, or its end cut off."""
        data, rng = bytearray(data), self.rng
        if not data:
            return b""
        for _ in range(rng.randrange(1, 4)):
            at = rng.randrange(len(data))
            kind = rng.random()
            if kind < .4:
                data[at] = rng.randrange(256)
            elif kind < .8:
                # attribute headers are where lengths are
                at &= ~3
                length = rng.choice((0, 1, 3, 4, 5, 8, 20, 0x7fff, 0xffff, rng.randrange(100)))
                data[at:at + 2] = struct.pack("=H", length)
            else:
                del data[at:]
                break
            if not data:
                break
        self.log.append("scrambled bytes")
        return bytes(data)
