#!/usr/bin/env python3
"""A room includes only what its .may_include names, and foreign headers stay where they belong."""

import os
import re

import house

# Foreign headers, and the places (prefixes of paths) that may know them.
FOREIGN = [
    (r"sofia-sip/|sofia-", ["src/sip/"]),
    (r"nice/|agent\.h|stun/", ["src/media/ice"]),
    (r"srtp2/|srtp\.h", ["src/media/srtp"]),
    (r"libwebsockets", ["src/web/"]),
    (r"openssl/", ["src/crypto/", "src/media/dtls", "src/media/srtp"]),
    (r"opus/|opus\.h|opus_", ["plugins/codec_opus/"]),
    (r"libconfig", ["src/config/"]),
]


def rooms():
    top = os.path.join(house.TOP, "src")
    return sorted(name for name in os.listdir(top) if os.path.isdir(os.path.join(top, name)) and
                  name not in house.LEFT_OUT)


def allowed(room):
    try:
        return house.read(f"src/{room}/.may_include").split()
    except FileNotFoundError:
        return []


def check_file(path, text, names, may):
    """`may`: the rooms this file may include, or None where any may be."""
    plugin = path.startswith("plugins/")
    for number, line in enumerate(text.split("\n"), 1):
        match = re.match(r'\s*#\s*include\s*([<"])([^>"]+)[>"]', line)
        if not match:
            continue
        kind, header = match.groups()
        for pattern, places in FOREIGN:
            foreign = kind == "<" and re.match(pattern, header)
            if foreign and not any(path.startswith(place) for place in places):
                yield f"{path}:{number}: <{header}> belongs into {' or '.join(places)} only"
        if kind == "<":
            continue
        target = header.split("/")[0] if "/" in header else None
        if plugin and (target in names or ".." in header):
            yield f"{path}:{number}: a plugin sees only include/tandem, not {header}"
        elif ".." in header:
            yield f"{path}:{number}: {header} climbs out of its folder"
        elif target in names and may is not None and target not in may:
            yield f"{path}:{number}: {path.split('/')[1]} may not include {header}"


def order_of_house():
    """The rooms as src/rooms.am lists them, the lowest first."""
    return re.findall(r"^include src/(\w+)/room\.am", house.read("src/rooms.am"), flags=re.M)


def check_order(names):
    order = order_of_house()
    for room in names:
        if room not in order:
            yield f"src/{room}: not in src/rooms.am"
            continue
        for other in allowed(room):
            if other == "*" and room == order[-1]:
                continue
            if other not in order or order.index(other) >= order.index(room):
                yield f"src/{room}/.may_include: {other} is not below {room} in src/rooms.am"


def main():
    names = rooms()
    problems = list(check_order(names))
    for path in house.source_files():
        if not path.endswith((".c", ".h")) or path.startswith("tests/"):
            continue
        may = None
        if path.startswith("src/"):
            room = path.split("/")[1]
            may = set(allowed(room)) | {room}
            may = None if "*" in may else may
        problems += check_file(path, house.read(path), names, may)
    house.report("includes", problems)


if __name__ == "__main__":
    main()
