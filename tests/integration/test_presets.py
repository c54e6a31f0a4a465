"""Trunks with `preset`: what stands in conf/presets counts where the trunk says nothing itself."""

import pathlib
import re
import subprocess

import pytest
from tandem_test import calls as calls_module
from tandem_test import daemon as daemon_module
from tandem_test import media

PRESETS = pathlib.Path(__file__).resolve().parents[2] / "conf" / "presets"
NAMES = sorted(path.stem for path in PRESETS.glob("*.conf"))
CONFIG = calls_module.CONFIG


def prepare(directory, config):
    config["trunks"][0]["preset"] = "spa"
    return config


def encodings(sdp):
    return re.findall(r"^a=rtpmap:\d+ (\S+?)/", sdp, re.M)


def address(sdp):
    return re.search(r"^c=IN IP4 (\S+)", sdp, re.M).group(1)


def test_an_adapter_is_offered_its_codecs_and_no_session_timer(calls):
    call = calls.up("browser-trunk")
    invite = call.called.invite
    assert encodings(invite.sdp)[:3] == ["PCMU", "PCMA", "G726-32"]
    assert not invite.header("Session-Expires")
    call.hang_up("caller")


@pytest.mark.parametrize("direction", ["browser-trunk", "trunk-browser"])
def test_an_adapter_is_held_by_the_address_too(calls, direction):
    call = calls.up(direction)
    trunk = call.called if call.caller.is_browser else call.caller
    browser = call.caller if call.caller.is_browser else call.called
    for hold, reverse in (("sendonly", "recvonly"), ("inactive", "inactive")):
        heard = media.audio_of(browser.renegotiate(trunk, hold, reverse).sdp)
        assert (heard[0], heard[2]) == ("0.0.0.0", hold)
        heard = media.audio_of(browser.renegotiate(trunk, "sendrecv", "sendrecv").sdp)
        assert (heard[0], heard[2]) == ("127.0.0.1", "sendrecv")
    call.hang_up("caller")


def test_one_who_holds_us_is_still_told_our_address(calls):
    call = calls.up("browser-trunk")
    invite = call.called.reinvite("sendonly")
    call.caller.answer_reinvite("recvonly")
    assert media.audio_of(call.called.response(invite, 200).sdp)[0] == "127.0.0.1"
    call.called.ack(invite)
    call.hang_up("called")


@pytest.mark.parametrize("name", NAMES)
def test_each_preset_can_be_chosen(own_daemon, name):
    daemon = own_daemon({"trunks": [{"name": "pbx", "preset": name, "peer": "sip:127.0.0.1:5060"}]})
    result = subprocess.run([str(daemon_module.find_binary()), "-t", "-c", str(daemon.write_config())], capture_output=True, text=True)
    assert result.returncode == 0, result.stderr


def test_all_presets_are_shown():
    text = subprocess.run([str(daemon_module.find_binary()), "--presets"], capture_output=True, text=True, check=True).stdout
    assert sorted(re.findall(r'^trunks\[\]\.preset "(.*)"$', text, re.M)) == NAMES
    for name in NAMES:
        assert f'trunks[].preset "{name}"\n{(PRESETS / (name + ".conf")).read_text()}' in text
