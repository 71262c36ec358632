# SPDX-License-Identifier: GPL-2.0-only
"""The requirements of the RFCs (rfcNNNN.tsv), what of their keywords binds nobody here (rfcNNNN.exclusions.tsv), and
the tags by which tests name what they prove: [NNNN-SECTION-N] in a comment, in C inside the test's function.

Whatever reads something wrong notes it in a list of findings, as "FILE:LINE: what".
"""
import re
import subprocess
import sys
from collections import namedtuple
from pathlib import Path

HERE = Path(__file__).resolve().parent
TOP = HERE.parent.parent

# As the RFCs have them: only capitals oblige (RFC 8174), but small ones are counted too, lest one be overlooked.
KEYWORDS = ("MUST", "MUST NOT", "SHALL", "SHALL NOT", "SHOULD", "SHOULD NOT", "REQUIRED")
SMALL = ("must", "shall", "should", "required")
ROLES = ("HA", "PMA", "FA", "MN", "any")
OTHER_ROLE = "other role"
NOT_MET = re.compile(r"not met: \S")
TAG = re.compile(r"\[(\d{4}-[^]\s]+)]")
FUNCTION = re.compile(r"(?:static )?void (\w+)\(")

Requirement = namedtuple("Requirement", "file line id rfc section keyword role state text")
Exclusion = namedtuple("Exclusion", "file line rfc section keyword count reason")
Tag = namedtuple("Tag", "file line id test")


def rows(path, header, findings):
    """(line number, fields) of a table."""
    name = path.relative_to(TOP)
    lines = path.read_text(encoding="utf-8").split("\n")
    if lines.pop():
        findings.append(f"{name}:{len(lines) + 1}: the last line has no end")
    if not lines or lines[0] != "\t".join(header):
        findings.append(f"{name}:1: the first line must be the names of the columns: {' '.join(header)}")
    for number, line in enumerate(lines[1:], 2):
        fields = line.split("\t")
        if len(fields) != len(header):
            findings.append(f"{name}:{number}: {len(fields)} fields instead of {len(header)}")
        elif not fields[-1].strip():
            findings.append(f"{name}:{number}: no {header[-1]}")
        else:
            yield number, fields


def rfcs():
    return sorted(path.stem[3:] for path in HERE.glob("rfc*.tsv") if path.stem[3:].isdigit())


def requirements(rfc, findings):
    path = HERE / f"rfc{rfc}.tsv"
    name = path.relative_to(TOP)
    found = {}
    for line, fields in rows(path, Requirement._fields[2:], findings):
        row = Requirement(name, line, *fields)
        if row.rfc != rfc or not re.fullmatch(re.escape(f"{rfc}-{row.section}-") + r"[1-9]\d*", row.id):
            findings.append(f"{name}:{line}: {row.id} isn't RFC-SECTION-N with RFC {rfc}, section {row.section}")
        elif row.id in found:
            findings.append(f"{name}:{line}: {row.id} is in line {found[row.id].line} as well")
        elif row.keyword not in KEYWORDS:
            findings.append(f"{name}:{line}: keyword {row.keyword}: not one of {', '.join(KEYWORDS)}")
        elif row.role not in ROLES:
            findings.append(f"{name}:{line}: role {row.role}: not one of {', '.join(ROLES)}")
        elif row.state not in ("", OTHER_ROLE) and not NOT_MET.match(row.state):
            findings.append(f"{name}:{line}: state '{row.state}': nothing, '{OTHER_ROLE}' or 'not met: WHY'")
        else:
            found[row.id] = row
    return found


def exclusions(rfc, findings):
    path = HERE / f"rfc{rfc}.exclusions.tsv"
    name = path.relative_to(TOP)
    if not path.exists():
        findings.append(f"{name}:1: missing beside rfc{rfc}.tsv")
        return
    for line, fields in rows(path, Exclusion._fields[2:], findings):
        row = Exclusion(name, line, *fields)
        if row.rfc != rfc:
            findings.append(f"{name}:{line}: RFC {row.rfc} in the file of {rfc}")
        elif row.keyword not in KEYWORDS + SMALL:
            findings.append(f"{name}:{line}: keyword {row.keyword}: not one of {', '.join(KEYWORDS + SMALL)}")
        elif not re.fullmatch(r"[1-9]\d*", row.count):
            findings.append(f"{name}:{line}: count {row.count}: a number from 1 on")
        else:
            yield row._replace(count=int(row.count))


def tags(findings):
    """All tags in the tests' sources that git knows or will know."""
    listed = subprocess.run(["git", "-C", TOP, "ls-files", "-co", "--exclude-standard", "selftests"],
                            check=True, capture_output=True, text=True).stdout.split("\n")
    for name in sorted(listed):
        path = TOP / name
        if not name or name.startswith("selftests/conformance/") or path.suffix not in ("", ".c", ".sh", ".py") \
                or not path.is_file():
            continue
        function = None
        for number, line in enumerate(path.read_text(encoding="utf-8", errors="replace").split("\n"), 1):
            if path.suffix == ".c":
                start = FUNCTION.match(line)
                if start:
                    function = start[1]
                elif line.startswith("}"):
                    function = None
            for tag in TAG.findall(line):
                if path.suffix == ".c" and not function:
                    findings.append(f"{name}:{number}: [{tag}] isn't inside a test's function")
                    continue
                test = name.removeprefix("selftests/") + (f": {function}" if function else "")
                yield Tag(name, number, tag, test)


def fail(text):
    print(f"{Path(sys.argv[0]).name}: {text}", file=sys.stderr)
    sys.exit(2)
