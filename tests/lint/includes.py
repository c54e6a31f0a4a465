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
    (r"curl/", ["src/net/fetch"]),
    (r"libconfig", ["src/config/"]),
    (r"ares\.h|ares_", ["src/trunk/"]),
    (r"sndfile", ["src/media/soundfile", "src/record/"]),
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


def floors_of(picture):
    """The rooms of the house as README.md draws it, a list a floor, the roof first."""
    floors = []
    for line in picture.split("\n"):
        if re.match(r"\s+/daemon\\", line):
            floors = [["daemon"]]
        elif floors and line.strip().startswith("|"):
            floors.append([cell.strip() for cell in line.split("|")[1:-1]])
        elif floors and not line.strip().startswith("+"):
            break
    return floors


def check_picture(floors, names, may):
    level = {room: number for number, floor in enumerate(floors) for room in floor}
    for room in names:
        if room not in level:
            yield f"README.md: no {room} in the picture of the house"
            continue
        for other in may(room):
            if other != "*" and level.get(other, -1) <= level[room]:
                yield f"README.md: {room} includes {other}, which is not on a floor below it"


def main():
    names = rooms()
    problems = list(check_order(names)) + list(check_picture(floors_of(house.read("README.md")), names, allowed))
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
