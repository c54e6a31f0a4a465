"""What the checks share: the files of the house, and a reader of C that knows comments, strings and functions."""

import os
import re
import sys

TOP = os.environ.get("top_srcdir") or os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
FOLDERS = ("src", "include", "plugins", "html", "conf", "tests", ".ci")
LEFT_OUT = {"node_modules", "dist", "corpus", "__pycache__", ".libs", ".deps", ".pytest_cache"}
GENERATED = {"package-lock.json"}
SUFFIXES = (".c", ".h", ".am", ".ac", ".md", ".py", ".sh", ".js", ".mjs", ".css", ".html", ".svg", ".json", ".conf",
            ".service", ".in", ".8", ".5")


def source_files():
    """Every text file that people write, relative to the top."""
    found = []
    for name in sorted(os.listdir(TOP)):
        if name in ("configure.ac", "Makefile.am", "LICENSE") or name.endswith((".md", ".sh")):
            found.append(name)
    for folder in FOLDERS:
        for path, folders, names in os.walk(os.path.join(TOP, folder)):
            folders[:] = sorted(f for f in folders if f not in LEFT_OUT)
            for name in sorted(names):
                full = os.path.join(path, name)
                if name in GENERATED or os.path.islink(full) or not is_written(full, name):
                    continue
                found.append(os.path.relpath(full, TOP))
    return found


def is_written(full, name):
    if name.endswith(SUFFIXES) or name == ".may_include":
        return True
    if "." in name:
        return False
    with open(full, "rb") as file:
        return file.read(2) == b"#!"


def read(path):
    with open(os.path.join(TOP, path), encoding="utf-8", errors="surrogateescape") as file:
        return file.read()


def blank_c(text):
    """The same text, line by line, without what stands in comments, strings and preprocessor lines."""

    def spaces(match):
        return re.sub(r"[^\n]", " ", match.group())

    pattern = r'//[^\n]*|/\*.*?\*/|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\''
    text = re.sub(pattern, spaces, text, flags=re.S)
    return re.sub(r"^[ \t]*#(?:[^\n]*\\\n)*[^\n]*", spaces, text, flags=re.M)


class Function:
    def __init__(self, name, line, lines, parameters):
        self.name, self.line, self.lines, self.parameters = name, line, lines, parameters


def count_parameters(text):
    """Of what stands between the parentheses: commas of the outer level plus one."""
    depth, commas = 0, 0
    for char in text:
        depth += (char in "([{") - (char in ")]}")
        commas += char == "," and depth == 0
    return commas + 1 if text.strip() not in ("", "void") else 0


def without_attributes(text):
    """Blanks __attribute__((...)) and the like, whose parentheses are no parameters."""
    found = re.search(r"__attribute__\s*\(|_Alignas\s*\(", text)
    while found:
        depth, end = 1, found.end()
        while end < len(text) and depth:
            depth += (text[end] == "(") - (text[end] == ")")
            end += 1
        text = text[: found.start()] + " " * (end - found.start()) + text[end:]
        found = re.search(r"__attribute__\s*\(|_Alignas\s*\(", text)
    return text


def functions_of(text):
    """The functions that are defined in C text."""
    blank = blank_c(text)
    found, depth, start, head = [], 0, 0, None
    for place, char in enumerate(blank):
        if char == "{":
            if depth == 0:
                head = signature(blank[start:place])
                first = start + len(blank[start:place]) - len(blank[start:place].lstrip())
            depth += 1
        elif char == "}":
            depth = max(0, depth - 1)
            if depth == 0:
                if head:
                    line = blank.count("\n", 0, first) + 1
                    lines = blank.count("\n", first, place) + 1
                    found.append(Function(head[0], line, lines, head[1]))
                start, head = place + 1, None
        elif char == ";" and depth == 0:
            start = place + 1
    return found


def signature(head):
    """(name, parameters) if a block after this text is a function's body."""
    head = without_attributes(head)
    match = re.search(r"(\w+)\s*\(", head)
    if not match or "=" in head[: match.start()] or re.search(r"\b(struct|enum|union)\s*\w*\s*$", head):
        return None
    depth, end = 1, match.end()
    while end < len(head) and depth:
        depth += (head[end] == "(") - (head[end] == ")")
        end += 1
    return match.group(1), count_parameters(head[match.end() : end - 1])


def prototypes_of(text):
    """(name, line, parameters) of functions declared or defined at the outer level of a header."""
    found = []
    blank = without_attributes(blank_c(text))
    for match in re.finditer(r"^[A-Za-z_][\w \t\*]*?\b(\w+)\(", blank, flags=re.M):
        depth, end = 1, match.end()
        while end < len(blank) and depth:
            depth += (blank[end] == "(") - (blank[end] == ")")
            end += 1
        if not match.group().lstrip().startswith(("return", "typedef", "else")):
            found.append((match.group(1), blank.count("\n", 0, match.start()) + 1,
                          count_parameters(blank[match.end() : end - 1])))
    return found


def report(title, problems):
    for problem in problems:
        print(problem)
    print(f"{title}: {len(problems)} problems")
    sys.exit(1 if problems else 0)
