#!/usr/bin/env python3
"""What has no place in the tree: notes to oneself, blanks at the end of a line, where packages come from."""

import re

import house

# Put together here, so that this file does not find itself.
NOTES = "|".join(["TO" "DO", "FIX" "ME", "XX" "X"])
HOSTS = "|".join(host.replace(" ", r"\.") for host in
                 ["registry npmjs org", "npmjs com", "deb debian org", "pypi org", "proxy golang org", "crates io"])
FORBIDDEN = [
    (re.compile(r"[ \t]+$"), "blanks at the end of the line"),
    (re.compile(r"\r"), "a carriage return"),
    (re.compile(rf"\b({NOTES})\b"), "a note to oneself"),
    (re.compile(HOSTS), "the host of a package registry"),
    (re.compile(r"(?<![\w.])/wo" "rk/"), "a path of one workplace"),
    (re.compile(r"^(<{7}|={7}|>{7})( |$)"), "a mark of an unfinished merge"),
    (re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----\s*$"), "a private key"),
]


def check(path, text):
    for number, line in enumerate(text.split("\n"), 1):
        for pattern, what in FORBIDDEN:
            if pattern.search(line):
                yield f"{path}:{number}: {what}"
    if text and not text.endswith("\n"):
        yield f"{path}: no new line at the end"
    if path.endswith((".c", ".h")):
        for number, line in enumerate(text.split("\n"), 1):
            if re.match(r" {8,}\S", line):
                yield f"{path}:{number}: indented with blanks"


def main():
    problems = [p for path in house.source_files() for p in check(path, house.read(path))]
    try:
        lock = house.read("html/package-lock.json")
        problems += [p for p in check("html/package-lock.json", lock) if "registry" in p]
    except FileNotFoundError:
        pass
    house.report("words", problems)


if __name__ == "__main__":
    main()
