#!/usr/bin/env python3
"""Every room says what it is, and all that lies in it is built."""

import os
import re

import house
import includes


def main():
    problems = []
    for room in includes.rooms():
        folder = os.path.join(house.TOP, "src", room)
        for name in ("README.md", "room.am", ".may_include"):
            if not os.path.exists(os.path.join(folder, name)):
                problems.append(f"src/{room}: no {name}")
    listed = ""
    for path in house.source_files():
        if path.endswith(".am"):
            listed += house.read(path)
    words = set(re.split(r"[\s\\=]+", listed))
    for path in house.source_files():
        if path.endswith((".c", ".h")) and path.startswith(("src/", "plugins/", "include/", "tests/unit/", "tests/fuzz/")):
            if path not in words:
                problems.append(f"{path}: in no room.am")
    house.report("rooms", problems)


if __name__ == "__main__":
    main()
