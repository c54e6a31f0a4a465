#!/usr/bin/env python3
"""The checks can fail: each is shown something wrong and something right."""

import unittest

import binary
import house
import includes
import sizes
import words

C_TEXT = """
struct point { int x, y; };
static const char *const names[] = {"a{", "b"};
#define LOOP(x) do { \\
	run(x); } while (0)
/* int gone(void) { */
__attribute__((format(printf, 1, 2))) static int
first(const char *format, int (*call)(int, int), char buffer[static 5])
{
	if (*format == '{') {
		return call(1, 2);
	}
	return 0;
}

int none(void)
{
	return 0;
}
"""


class Functions(unittest.TestCase):
    def test_found(self):
        found = [(f.name, f.line, f.lines, f.parameters) for f in house.functions_of(C_TEXT)]
        self.assertEqual(found, [("first", 7, 8, 3), ("none", 16, 4, 0)])

    def test_prototypes(self):
        text = "/* f(a, b) */\nint f(int a, void (*g)(int, int),\n      int b) __attribute__((x(1, 2)));\nstruct s *h(void);\n"
        self.assertEqual(house.prototypes_of(text), [("f", 2, 3), ("h", 4, 0)])


class Sizes(unittest.TestCase):
    def test_long_function(self):
        body = "\tx();\n" * 98  # with its two braces and its head: 101
        self.assertEqual(list(sizes.check("a.c", f"void f(void)\n{{\n{body[6:]}}}\n")), [])
        self.assertEqual(len(list(sizes.check("a.c", f"void f(void)\n{{\n{body}}}\n"))), 1)

    def test_parameters(self):
        self.assertEqual(list(sizes.check("a.h", "int f(int a, int b, int c, int d, int e, int f);\n")), [])
        self.assertEqual(len(list(sizes.check("a.h", "int f(int a, int b, int c, int d, int e, int f, int g);\n"))), 1)

    def test_files(self):
        self.assertEqual(list(sizes.check("a.h", "\n" * 300)), [])
        self.assertEqual(len(list(sizes.check("a.h", "\n" * 301))), 1)
        self.assertEqual(list(sizes.check("a.js", "\n" * 1000)), [])
        self.assertEqual(len(list(sizes.check("a.js", "\n" * 1001))), 1)


class Includes(unittest.TestCase):
    NAMES = ["base", "loop", "sip", "web"]

    def check(self, path, line, may=("base", "loop")):
        return list(includes.check_file(path, line + "\n", self.NAMES, set(may)))

    def test_rooms(self):
        self.assertEqual(self.check("src/loop/a.c", '#include "base/base.h"'), [])
        self.assertEqual(len(self.check("src/loop/a.c", '#include "web/web.h"')), 1)
        self.assertEqual(len(self.check("src/loop/a.c", '#include "../web/web.h"')), 1)
        self.assertEqual(len(self.check("plugins/codec_opus/a.c", '#include "base/base.h"')), 1)

    def test_picture(self):
        picture = "  /daemon\\  x\n +----+\n | web | sip | HTTP\n +--+\n | base | text\n +--+\n\n | loop |\n"
        floors = includes.floors_of(picture)
        self.assertEqual(floors, [["daemon"], ["web", "sip"], ["base"]])
        may = {"daemon": ["*"], "web": ["base"], "sip": ["base"], "base": []}
        self.assertEqual(list(includes.check_picture(floors, may, may.get)), [])
        may = {"web": ["sip"], "sip": ["base"], "loop": []}
        self.assertEqual(len(list(includes.check_picture(floors, may, may.get))), 2)

    def test_foreign(self):
        self.assertEqual(self.check("src/sip/a.c", "#include <sofia-sip/sip.h>"), [])
        self.assertEqual(len(self.check("src/loop/a.c", "#include <sofia-sip/sip.h>")), 1)
        self.assertEqual(self.check("src/media/srtp_openssl.c", "#include <openssl/evp.h>"), [])
        self.assertEqual(len(self.check("src/media/bridge.c", "# include <openssl/evp.h>")), 1)
        self.assertEqual(len(self.check("src/web/a.c", "#include <nice/agent.h>")), 1)


class Words(unittest.TestCase):
    def test_found(self):
        self.assertEqual(list(words.check("a.c", 'x = mkdtemp("/tmp/a-XX' 'XXXX");\n')), [])
        for line in ("/* TO" "DO */", "int a; ", "int\ta;\r", "        int a;", "https://registry." "npmjs.org/a"):
            self.assertEqual(len(list(words.check("a.c", line + "\n"))), 1, line)
        self.assertEqual(len(list(words.check("a.md", "no end"))), 1)


class Binary(unittest.TestCase):
    NEEDED = " 0x1 (NEEDED)             Shared library: [{}]\n"

    def test_order(self):
        nice, sofia = self.NEEDED.format("libnice.so.10"), self.NEEDED.format("libsofia-sip-ua.so.0")
        self.assertEqual(list(binary.needed_order(nice + sofia)), [])
        self.assertEqual(len(list(binary.needed_order(sofia + nice))), 1)

    def test_hardening(self):
        segments = "  GNU_STACK 0x0 0x0 0x0 0x0 0x0 RW  0x10\n  GNU_RELRO 0x0\n"
        good = ("  Type:   DYN (x)", " (FLAGS) BIND_NOW", segments, "__stack_chk_fail@G __memcpy_chk@G", True)
        self.assertEqual(list(binary.hardening(*good)), [])
        bad = ("  Type:   EXEC (x)", "", "  GNU_STACK 0x0 0x0 0x0 RWE 0x10\n", "", True)
        self.assertEqual(len(list(binary.hardening(*bad))), 5)


if __name__ == "__main__":
    unittest.main()
