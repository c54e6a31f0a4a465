#!/usr/bin/env python3
"""What the linker made: libnice in front of sofia-sip always; hardening where no sanitizer replaces it."""

import glob
import os
import re
import subprocess

import house

BUILD = os.environ.get("top_builddir", ".")


def readelf(path, *options):
    return subprocess.run(["readelf", "-W", *options, path], check=True, capture_output=True, text=True).stdout


def built(path):
    """libtool puts the real one beside a wrapper."""
    folder, name = os.path.split(path)
    inner = os.path.join(folder, ".libs", name)
    return inner if os.path.exists(inner) else path


def needed_order(dynamic):
    needed = re.findall(r"\(NEEDED\)\s+Shared library: \[([^\]]+)\]", dynamic)
    place = {stem: i for i, name in reversed(list(enumerate(needed))) for stem in [name.split(".so")[0]]}
    if "libnice" in place and "libsofia-sip-ua" in place and place["libnice"] > place["libsofia-sip-ua"]:
        yield "libsofia-sip-ua is needed before libnice: ICE would fail silently"


def is_sanitized(symbols):
    return re.search(r"__(asan|tsan|ubsan|sanitizer)_", symbols) is not None


def hardening(headers, dynamic, segments, symbols, program):
    if program and ("Type:" not in headers or " DYN " not in headers):
        yield "is not position independent"
    if "GNU_RELRO" not in segments or not re.search(r"BIND_NOW|FLAGS.*NOW", dynamic):
        yield "has no full RELRO"
    stack = re.search(r"GNU_STACK.*", segments)
    if not stack or re.search(r"\bRWE\b", stack.group()):
        yield "has an executable stack"
    if program and "__stack_chk_fail" not in symbols:  # a plugin may have nothing that needs it
        yield "has no stack protector"
    if program and not re.search(r"__\w+_chk@", symbols.replace("__stack_chk_fail", "")):
        yield "was built without _FORTIFY_SOURCE"


def check(path, program):
    dynamic, symbols = readelf(path, "-d"), readelf(path, "--dyn-syms")
    yield from needed_order(dynamic)
    if not is_sanitized(symbols):
        yield from hardening(readelf(path, "-h"), dynamic, readelf(path, "-l"), symbols, program)


def main():
    program = built(os.path.join(BUILD, "tandem"))
    problems = [f"{program} {problem}" for problem in check(program, True)]
    for plugin in sorted(glob.glob(os.path.join(BUILD, "plugins", ".libs", "*.so"))):
        problems += [f"{plugin} {problem}" for problem in check(plugin, False)]
    house.report("binary", problems)


if __name__ == "__main__":
    main()
