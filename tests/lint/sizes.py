#!/usr/bin/env python3
"""The size guide: what is longer than this has two subjects."""

import house

FILE_LINES, HEADER_LINES, FUNCTION_LINES, PARAMETERS = 1000, 300, 100, 6


def check(path, text):
    lines = text.count("\n")
    limit = HEADER_LINES if path.endswith(".h") else FILE_LINES
    if lines > limit:
        yield f"{path}:1: {lines} lines, at most {limit}"
    if not path.endswith((".c", ".h")):
        return
    for function in house.functions_of(text):
        if function.lines > FUNCTION_LINES:
            yield f"{path}:{function.line}: {function.name} has {function.lines} lines, at most {FUNCTION_LINES}"
        if function.parameters > PARAMETERS:
            yield f"{path}:{function.line}: {function.name} has {function.parameters} parameters, at most {PARAMETERS}"
    if path.endswith(".h"):
        for name, line, parameters in house.prototypes_of(text):
            if parameters > PARAMETERS:
                yield f"{path}:{line}: {name} has {parameters} parameters, at most {PARAMETERS}"


def main():
    house.report("sizes", sorted({p for path in house.source_files() for p in check(path, house.read(path))}))


if __name__ == "__main__":
    main()
