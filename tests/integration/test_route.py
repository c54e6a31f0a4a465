"""Where calls go, and what "tandem route" says of it. The table is route_table.txt."""

import pathlib
import re
import subprocess

import pytest
from tandem_test.daemon import find_binary

BASE = {
    "users": 'users : ( { name = "alice"; password = "1"; }, { name = "bob"; password = "2"; }, { name = "0815"; password = "3"; } );',
    "trunks": 'trunks : ( { name = "pbx"; peer = "sip:192.0.2.1"; }, { name = "carrier"; peer = "sip:192.0.2.2"; } );',
}


def tables():
    title, lines, table = None, [], []
    for line in pathlib.Path(__file__).with_name("route_table.txt").read_text(encoding="utf-8").splitlines():
        if line.startswith("== "):
            title, lines, table = line[3:], [], None
        elif line == "--":
            table = "\n".join(lines)
        elif table is None:
            lines.append(line)
        elif line and not line.startswith("#"):
            caller, dialled, time, wanted = re.split(r"  +", line)
            yield pytest.param(table, caller, dialled, time, wanted, id=f"{title}: {caller} {dialled} {time}")


def whole(configuration):
    """With what it does not say itself."""
    return "\n".join([text for group, text in BASE.items() if not re.search(rf"^{group} :", configuration, re.M)] + [configuration])


def route(directory, configuration, *arguments):
    path = directory / "tandem.conf"
    path.write_text(whole(configuration))
    return subprocess.run([str(find_binary()), "route", "-c", str(path), *arguments], capture_output=True, text=True, check=False)


def who(caller):
    trunk, slash, number = caller.partition("/")
    return ["--trunk", trunk, "--from", number] if slash else ["--from", caller]


@pytest.mark.parametrize("configuration, caller, dialled, time, wanted", tables())
def test_where_it_goes(tmp_path, configuration, caller, dialled, time, wanted):
    when = [] if time == "-" else ["--time", time]
    run = route(tmp_path, configuration, dialled, *who(caller), *when)
    assert not run.stderr
    assert re.search(r"^goes to +(.*)$", run.stdout, re.M).group(1) == wanted, run.stdout
    assert run.returncode == (1 if wanted.startswith("nobody") else 0)


def test_every_route_is_explained(tmp_path):
    run = route(tmp_path, """
users : ( { name = "alice"; password = "1"; groups = ("staff", "sales"); } );
trunks : ( { name = "pbx"; peer = "sip:192.0.2.1"; caller_id = "+493012340"; } );
routes : ( { match = "^9"; to = "echo"; }, { trunk = "pbx"; to = "echo"; }, { from = "^bob$"; to = "pbx"; },
           { group = ("board", "lift"); to = "pbx"; }, { time = ("sat", "22:00-06:00"); to = "pbx"; }, { to = "pbx"; emergency = true; } );
""", "+49 30-1", "--from", "alice", "--time", "2026-11-23 09:00")
    assert run.stdout.splitlines() == [
        "dialled    +49 30-1",
        "compared   as +49301",
        "from       alice, of staff, sales",
        "time       2026-11-23 09:00, mon",
        'routes[0]  is for numbers like "^9"',
        'routes[1]  is for calls from "pbx"',
        'routes[2]  is for callers like "^bob$"',
        'routes[3]  is for the group "board", "lift"',
        'routes[4]  is for the time "sat", "22:00-06:00"',
        "routes[5]  fits, after users and built-in numbers",
        "goes to    trunk pbx, number +49301",
        "caller id  +493012340, the trunk's",
        "limit      none: it is for emergencies",
    ]


HOLIDAYS = 'calendars : ( { name = "holidays"; dates = ("12-25..12-26"); }, { name = "winter"; dates = ("12-01..02-29"); } );\n'


def test_the_calendars_of_a_day_are_told(tmp_path):
    run = route(tmp_path, HOLIDAYS + 'routes : ( { time = "winter 20:00-22:00"; to = "echo"; } );', "1", "--from", "alice", "--time", "2026-12-25 09:00")
    assert "time       2026-12-25 09:00, fri, in holidays, winter" in run.stdout
    assert 'routes[0]  is for the time "winter 20:00-22:00"' in run.stdout


@pytest.mark.parametrize("text, said", [
    ('routes : ( { time = "hollidays"; to = "echo"; } );', 'routes[0].time is "hollidays", which is no time'),
    ('routes : ( { time = "2026-02-29"; to = "echo"; } );', 'routes[0].time is "2026-02-29", which is no time'),
    ('calendars : ( { name = "x"; dates = ("12-25", "25.12."); } );', 'calendars[0].dates is "25.12.", which is no date'),
    ('calendars : ( { name = "sat"; dates = ("12-25"); } );', "calendars[0].name is \"sat\", which means days of the week"),
    ('calendars : ( { name = "1st"; dates = ("12-25"); } );', "calendars[0].name wants a letter"),
])
def test_mistakes_in_dates(tmp_path, text, said):
    run = route(tmp_path, text, "1", "--from", "alice")
    assert run.returncode == 1 and said in run.stderr


def test_who_comes_after_whom_is_told(tmp_path):
    run = route(tmp_path, """
users : ( { name = "alice"; password = "1"; no_answer = "sales"; busy = "music"; unregistered = "030 12"; },
          { name = "bob"; password = "2"; } );
ring_groups : ( { name = "sales"; members = ("bob", "alice"); strategy = "in_turn"; ring_seconds = 5; no_answer = "all"; },
                { name = "all"; members = ("bob", "alice"); } );
routes : ( { match = "^030"; to = "pbx"; fallback = ("carrier", "all"); }, { match = "^9"; to = "user"; replace = "alice"; } );
""", "99", "--from", "bob")
    assert run.stdout.splitlines()[-8:] == [
        "goes to    user alice",
        "step 1     user alice for 20 s; unregistered: step 2; busy: step 5; no_answer: step 6",
        "step 2     trunk pbx, number 03012; fallback: step 3",
        "step 3     trunk carrier, number 03012; fallback: step 4",
        "step 4     bob, alice of ring group all for 20 s",
        "step 5     built-in music",
        "step 6     bob of ring group sales for 5 s; unregistered: step 7; busy: step 7; no_answer: step 7",
        "step 7     alice of ring group sales for 5 s; no_answer: step 4",
    ]


def test_numbers_of_a_group_are_told_with_their_trunk(tmp_path):
    run = route(tmp_path, """
ring_groups : ( { name = "sales"; members = ("bob", "0171-55", "110"); no_answer = "turn"; },
                { name = "turn"; members = ("0171-55", "bob"); strategy = "in_turn"; } );
routes : ( { match = "^70$"; to = "sales"; }, { match = "^01"; to = "carrier"; fallback = "pbx"; }, { match = "^110$"; to = "deny"; } );
""", "70", "--from", "alice")
    assert run.stdout.splitlines()[-4:] == [
        "goes to    ring group sales",
        "step 1     bob, 017155 by trunk carrier, 110 by no trunk of ring group sales for 20 s; no_answer: step 2",
        "step 2     017155 by trunk carrier of ring group turn for 20 s; unregistered: step 3; busy: step 3; no_answer: step 3",
        "step 3     bob of ring group turn for 20 s",
    ]


def test_limits_are_told(tmp_path):
    run = route(tmp_path, """
users : ( { name = "alice"; password = "1"; calls_limit = 2; } );
trunks : ( { name = "pbx"; peer = "sip:192.0.2.1"; calls_limit = 30; calls_per_second = 5; } );
routes : ( { to = "pbx"; } );
""", "99", "--from", "alice")
    assert re.findall(r"^limit +(.*)$", run.stdout, re.M) == ["user alice: 2 calls", "trunk pbx: 30 calls", "trunk pbx: 5 calls a second"]


def test_wrong_questions_get_no_answer(tmp_path):
    for arguments in (["1"], ["--from", "alice"], ["1", "2", "--from", "alice"], ["1", "--from", "alice", "--time", "noon"],
                      ["1", "--from", "alice", "--trunk", "nowhere"], ["1", "--from", "alice", "--who"]):
        run = route(tmp_path, "", *arguments)
        assert run.returncode == 2 and run.stderr and not run.stdout, arguments
    run = route(tmp_path, 'routes : ( { to = "nowhere"; } );', "1", "--from", "alice")
    assert run.returncode == 1 and "routes[0].to" in run.stderr
