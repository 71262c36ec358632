# SPDX-License-Identifier: GPL-2.0-only
"""Namespaces, processes and agents of a mip4 lab: one class, used by the demo.

Everything a Lab starts it ends: children by pid, namespaces by name, files
with its working directory.
"""
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time

REPO = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
MIP4D = os.path.join(REPO, "agent", "mip4d")
MIPCTL = os.path.join(REPO, "agent", "mipctl", "mipctl")
NETNS = "/run/netns"           # where iproute2 keeps names; it makes it with the first one
FLOW = os.path.join(REPO, "selftests", "demo", "flow")


class Failure(Exception):
    """Something the demo promises did not happen."""


def say(text=""):
    print(text, flush=True)


def need(condition, text):
    if not condition:
        raise Failure(text)


class Lab:
    def __init__(self, prefix, keep=None):
        self.prefix = prefix
        self.dir = tempfile.mkdtemp(prefix="mip4-demo-")
        self.keep = keep
        self.children = {}
        self.namespaces = []
        self.wires = 0
        self.first = not os.path.exists(NETNS)

    def path(self, name):
        return os.path.join(self.dir, name)

    # -- commands ---------------------------------------------------------
    def ns(self, name):
        return self.prefix + name

    def argv(self, ns, argv):
        return ["ip", "netns", "exec", self.ns(ns)] + list(argv) if ns else list(argv)

    def run(self, ns, *argv, check=True, quiet=True, timeout=60):
        """One command to its end; its output, or Failure with what it said."""
        done = subprocess.run(self.argv(ns, argv), stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              text=True, timeout=timeout)
        if not quiet:
            say(f"  {ns or 'host'}# {' '.join(argv)}")
        if check and done.returncode:
            raise Failure(f"{ns or 'host'}# {' '.join(argv)}: exit {done.returncode}: {done.stdout.strip()}")
        return done.stdout

    def ip(self, ns, words):
        """iproute2's own way into the namespace saves an exec, which counts under emulation."""
        return self.run(None, "ip", "-n", self.ns(ns), *words.split())

    def sysctl(self, ns, name, value):
        self.run(ns, "sysctl", "-qw", f"{name}={value}")

    def mipctl(self, ns, words, quiet=True):
        return self.run(ns, MIPCTL, *words.split(), quiet=quiet)

    def mipctl_json(self, ns, words):
        return json.loads(self.mipctl(ns, "-j " + words))

    def tool(self, name):
        """A copy of a stock program. AppArmor's profiles go by path; Debian's for dhclient and tcpdump would keep
        them from the files and logs of this directory."""
        path = self.path(name)
        if not os.path.exists(path):
            shutil.copy(shutil.which(name), path)
        return path

    # -- namespaces and wires ---------------------------------------------
    def add_ns(self, *names):
        for name in names:
            self.namespaces.append(name)     # first: a signal may come between
            try:
                self.run(None, "ip", "netns", "add", self.ns(name))
            except Failure:
                self.namespaces.remove(name)
                raise
            self.ip(name, "link set lo up")

    def wire(self, ns_a, if_a, ns_b, if_b, addr_a=None, addr_b=None, mac_a=None):
        """A veth pair, both ends up; addresses with prefix length."""
        # Ends in two namespaces may get the same index. Linux then takes the carrier for not urgent and tells
        # bridges of it up to a second later (linkwatch_urgent_event()); a real wire has no such delay.
        self.wires += 1
        self.run(None, "ip", "link", "add", if_a, "index", str(100 + self.wires), "netns", self.ns(ns_a),
                 "type", "veth",
                 "peer", "name", if_b, "netns", self.ns(ns_b))
        if mac_a:
            self.ip(ns_a, f"link set {if_a} address {mac_a}")
        for ns, dev, addr in ((ns_a, if_a, addr_a), (ns_b, if_b, addr_b)):
            if addr:
                self.ip(ns, f"addr add {addr} dev {dev}")
            self.ip(ns, f"link set {dev} up")

    # -- processes --------------------------------------------------------
    def spawn(self, name, ns, *argv):
        """A child in the background, output to NAME.log, known by NAME."""
        need(name not in self.children, f"{name} runs already")
        log = open(self.path(name + ".log"), "ab")
        self.children[name] = subprocess.Popen(self.argv(ns, argv), stdin=subprocess.DEVNULL,
                                               stdout=log, stderr=log)
        log.close()
        return self.children[name]

    def end(self, name, sig=signal.SIGTERM, timeout=20):
        """End a child by signal; its exit status."""
        child = self.children.pop(name)
        if child.poll() is None:
            child.send_signal(sig)
        try:
            return child.wait(timeout)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()
            raise Failure(f"{name} did not end within {timeout} s of signal {sig}")

    def log(self, name):
        try:
            with open(self.path(name + ".log"), errors="replace") as f:
                return f.read()
        except FileNotFoundError:
            return ""

    def wait(self, what, test, seconds):
        """Poll until test() is true; its value. Failure names what was awaited."""
        end = time.monotonic() + seconds
        while True:
            value = test()
            if value:
                return value
            for name, child in self.children.items():
                if child.poll() not in (None, 0):
                    raise Failure(f"while waiting for {what}: {name} ended with {child.returncode}: "
                                  f"{self.log(name)[-400:]}")
            if time.monotonic() > end:
                raise Failure(f"no {what} within {seconds} s")
            time.sleep(0.1)

    # -- agents -----------------------------------------------------------
    def write(self, name, text, mode=0o644):
        path = self.path(name)
        with open(path, "w") as f:
            os.fchmod(f.fileno(), mode)
            f.write(text)
        return path

    def start_agent(self, ns):
        state = self.path(ns + ".state")
        os.makedirs(state, mode=0o700, exist_ok=True)
        self.spawn("mip4d-" + ns, ns, MIP4D, ns, "-c", self.path(ns + ".conf"),
                   "--state-dir", state, "--socket", self.path(ns + ".sock"))
        self.wait(f"answer of agent {ns}", lambda: self.agent_answers(ns), 20)

    def agent_answers(self, ns):
        try:
            self.agent(ns, "version")
            return True
        except Failure:
            return False

    def agent(self, ns, words):
        return self.mipctl_json(ns, f"agent socket {self.path(ns + '.sock')} {words}")

    def agent_text(self, ns, words):
        return self.mipctl(ns, f"agent socket {self.path(ns + '.sock')} {words}")

    # -- the end ----------------------------------------------------------
    def close(self, failed):
        for name in list(self.children):
            try:
                self.end(name, timeout=5)
            except Failure as e:
                say(f"  note: {e}")
        for name in reversed(self.namespaces):
            # what a signal kept from being known as a child, or a child started
            for pid in self.run(None, "ip", "netns", "pids", self.ns(name), check=False).split():
                if pid.isdigit():
                    try:
                        os.kill(int(pid), signal.SIGKILL)
                    except ProcessLookupError:
                        pass
            self.run(None, "ip", "netns", "del", self.ns(name), check=False)
        if self.first and os.path.isdir(NETNS) and not os.listdir(NETNS):
            self.run(None, "umount", NETNS, check=False)
            self.run(None, "rmdir", NETNS, check=False)
        if failed and self.keep:
            shutil.copytree(self.dir, self.keep, ignore=shutil.ignore_patterns("tcpdump", "dhclient"),
                            dirs_exist_ok=True)
            caller = int(os.environ.get("SUDO_UID", 0)), int(os.environ.get("SUDO_GID", 0))
            for where, _, files in os.walk(self.keep) if caller[0] else ():
                for path in (where, *(os.path.join(where, name) for name in files)):
                    os.lchown(path, *caller)
            say(f"  logs and captures: {self.keep}")
        shutil.rmtree(self.dir, ignore_errors=True)
