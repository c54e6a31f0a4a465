"""Trunks whose media is keyed by DTLS (RFC 5763, 5764) on the RTP ports themselves, without ICE."""

import random
import re
import subprocess

import pytest
from tandem_test import calls as calls_module
from tandem_test import daemon as daemon_module
from tandem_test import forge, media, sdes, sip
from tandem_test.dtls import PROFILE, DtlsRtp, Identity
from tandem_test.net import LIMIT, Deadline
from tandem_test.trunk import UdpTrunk

CONFIG = daemon_module.merge(calls_module.CONFIG, {
    "routes": [{"match": "^9196$", "to": "echo"}, {"match": "^[a-z]+$", "to": "user"}, {"to": "pbx"}],
    "log": {"level": "debug"},
})
TLS_ID = re.compile(r"^a=tls-id:(\S+)", re.M)
SETUP = re.compile(r"^a=setup:(\S+)", re.M)


def prepare(directory, config):
    port = config["trunks"][0]["peer"].rsplit(":", 1)[1]
    config["trunks"] = [{"name": "pbx", "peer": f"sip:127.0.0.1:{port}", "srtp": "dtls", "inbound": "echo"}]
    return config


@pytest.fixture
def phone():
    one = DtlsRtp()
    yield one
    one.close()


class EchoCall:
    """The telephone calls the echo."""

    def __init__(self, trunk, phone, **options):
        self.trunk, self.phone = trunk, phone
        invite = trunk.invite("9196", "example.test", phone.describe(**options))
        self.dialog, response = trunk.answered(invite)
        self.take(response.sdp)

    def take(self, answer):
        self.answer = answer
        self.to = media.audio_of(answer)[:2]

    def shake_hands(self, **options):
        self.phone.shake_hands(self.to, is_server=SETUP.search(self.answer).group(1) == "active", **options)

    def reinvite(self, **options):
        invite = self.trunk.send(self.trunk.in_dialog(self.dialog, "INVITE", body=self.phone.describe(**options)))
        response = self.trunk.expect_response(invite, 200)
        self.trunk.send(self.dialog.request("ACK", self.trunk.via, cseq=invite.cseq[0]))
        self.take(response.sdp)

    def hears_itself(self, count=5):
        deadline = Deadline(LIMIT)
        while count:
            payload = bytes((self.phone.sequence * 7 + i) & 0xFF for i in range(160))
            self.phone.send(self.to, payload=payload)
            try:
                heard = self.phone.receive(0.2)[4]
            except TimeoutError:
                assert not deadline.is_over(), "no echo"
                continue
            assert heard == payload
            count -= 1

    def hang_up(self):
        self.trunk.bye(self.dialog)


@pytest.mark.parametrize("profile", [PROFILE, "UDP/TLS/RTP/SAVPF", "RTP/SAVP"])
@pytest.mark.parametrize("setup, answered", [("actpass", "active"), ("active", "passive"), ("passive", "active")])
def test_a_telephone_hears_its_echo(trunk, phone, setup, answered, profile):
    call = EchoCall(trunk, phone, setup=setup, profile=profile)
    assert sdes.profile_of(call.answer) == profile and "a=crypto" not in call.answer and "a=rtcp-mux" in call.answer
    assert "a=ice-ufrag" not in call.answer and "a=candidate" not in call.answer
    assert SETUP.search(call.answer).group(1) == answered and not TLS_ID.search(call.answer)
    call.shake_hands()
    call.hears_itself()
    call.hang_up()


@pytest.mark.parametrize("seed", [1, 2, 3])
@pytest.mark.parametrize("setup", ["actpass", "active"])
def test_the_handshake_survives_a_bad_line(trunk, phone, setup, seed):
    """Of the datagrams 15 % are lost, each way."""
    call, dice = EchoCall(trunk, phone, setup=setup), random.Random(seed)
    call.shake_hands(is_lost=lambda: dice.random() < 0.15)
    call.hears_itself()
    call.hang_up()


def test_without_rtcp_mux_there_is_rtp_alone(trunk, phone):
    call = EchoCall(trunk, phone, mux=False)
    assert "a=rtcp-mux" not in call.answer
    call.shake_hands()
    call.hears_itself()
    call.hang_up()


def test_the_association_lives_through_hold_and_reinvite(trunk, phone):
    phone.renew()
    call = EchoCall(trunk, phone)
    tls_id = TLS_ID.search(call.answer).group(1)
    assert len(tls_id) >= 20 and tls_id != phone.tls_id
    call.shake_hands()
    for version, direction in ((2, "sendonly"), (3, "sendrecv")):
        call.reinvite(version=version, direction=direction)
        assert TLS_ID.search(call.answer).group(1) == tls_id and SETUP.search(call.answer).group(1) == "active"
    call.hears_itself()
    call.hang_up()


def test_a_new_tls_id_makes_a_new_association(trunk, phone):
    phone.renew()
    call = EchoCall(trunk, phone)
    call.shake_hands()
    call.hears_itself()
    seen = {TLS_ID.search(call.answer).group(1)}
    for version in (2, 3):
        phone.renew()
        call.reinvite(version=version)
        call.shake_hands()
        call.hears_itself()
        seen.add(TLS_ID.search(call.answer).group(1))
    assert len(seen) == 3
    call.hang_up()


def test_a_new_certificate_and_the_other_role_make_a_new_association(trunk, phone):
    call = EchoCall(trunk, phone)
    call.shake_hands()
    phone.identity = Identity()
    call.reinvite(version=2)
    call.shake_hands()
    call.hears_itself()
    call.reinvite(version=3, setup="active")
    call.shake_hands()
    call.hears_itself()
    call.hang_up()


@pytest.mark.parametrize("is_named", [True, False], ids=["tls-id", "no tls-id"])
def test_the_telephone_moves(trunk, phone, is_named):
    """To another port: its association goes with it by name (RFC 8842), else there is another (RFC 5763)."""
    if is_named:
        phone.renew()
    call, moved = EchoCall(trunk, phone), DtlsRtp()
    call.shake_hands()
    call.hears_itself()
    moved.identity, moved.dtls, moved.tls_id = phone.identity, phone.dtls, phone.tls_id
    call.phone = moved
    call.reinvite(version=2, direction="sendonly", address="0.0.0.0")
    call.reinvite(version=3)
    if not is_named:
        call.shake_hands()
    call.hears_itself()
    phone.expect_silence(0.1)
    moved.close()
    call.hang_up()


def test_another_certificate_than_the_announced_one_ends_the_call(trunk, phone):
    call = EchoCall(trunk, phone, fingerprint=Identity().fingerprint)
    call.shake_hands()
    trunk.reply(trunk.expect_request("BYE", call.dialog.call_id), 200)


def test_who_never_answers_the_handshake_is_hung_up(trunk, phone):
    call = EchoCall(trunk, phone)
    trunk.reply(trunk.expect_request("BYE", call.dialog.call_id, timeout=15), 200)


@pytest.mark.parametrize("body", [
    media.trunk_sdp(4000), sdes.secured(media.trunk_sdp(4000), sdes.line(1, sdes.new_key())),
    sdes.secured(media.trunk_sdp(4000), profile=PROFILE)], ids=["plain", "SDES", "no fingerprint"])
def test_what_is_not_dtls_is_refused(trunk, body):
    invite = trunk.invite("9196", "example.test", body)
    response = trunk.expect_response(invite)
    trunk.send(sip.ack_of_failure(invite, response))
    assert response.status == 488


def test_a_stranger_can_neither_shake_hands_nor_disturb(trunk, phone):
    call = EchoCall(trunk, phone, setup="active")
    stranger = DtlsRtp()
    with pytest.raises(AssertionError):
        stranger.shake_hands(call.to, is_server=False, limit=0.5)
    dice = random.Random(1)
    for _ in range(1000):
        stranger.socket.sendto(forge.dtls(dice), call.to)
    call.shake_hands()
    call.hears_itself()
    with pytest.raises(AssertionError):
        stranger.shake_hands(call.to, is_server=False, limit=0.5)
    call.hears_itself()
    stranger.close()
    call.hang_up()


@pytest.mark.parametrize("setup", ["actpass", "active"])
def test_what_is_forged_in_the_telephones_name_is_not_heard(trunk, phone, setup):
    """From its own port: forged packets of every kind, and what it had sent before."""
    call = EchoCall(trunk, phone, setup=setup)
    call.shake_hands()
    call.hears_itself()
    sealed = phone.dtls.sends.protect(phone.packet())
    phone.socket.sendto(sealed, call.to)
    phone.receive()
    dice = random.Random(2)
    makers = [forge.dtls, forge.rtp, forge.noise, lambda dice: forge.rtcp(dice, phone.ssrc), lambda dice: sealed,
              lambda dice: forge.rtp(dice, phone.ssrc, phone.sequence + 1), lambda dice: forge.binding(dice, b"a:b")]
    for _ in range(300):
        for make in makers:
            phone.socket.sendto(make(dice), call.to)
        call.hears_itself(1)
    call.hears_itself()
    call.hang_up()


def test_a_browser_calls_such_a_trunk(calls, trunk, phone):
    call = calls("browser-trunk")
    call.dial()
    offer = call.arrive().sdp
    assert sdes.profile_of(offer) == PROFILE and SETUP.search(offer).group(1) == "actpass" and "a=rtcp-mux" in offer
    assert TLS_ID.search(offer) and "a=crypto" not in offer and "a=ice-ufrag" not in offer
    call.answer(phone.describe(setup="active"))
    call.answered()
    phone.shake_hands(media.audio_of(offer)[:2], is_server=False)
    call.hang_up()


def test_an_answer_without_dtls_ends_the_call(calls, rtp):
    call = calls("browser-trunk")
    call.dial()
    call.arrive()
    call.answer(media.trunk_sdp(rtp().port))
    call.called.reply(call.called.expect("BYE"), 200)
    call.refused(488)


def make_certificate(directory, algorithm=("ec", "-pkeyopt", "ec_paramgen_curve:prime256v1")):
    subprocess.run(["openssl", "req", "-x509", "-newkey", *algorithm, "-nodes", "-keyout", directory / "dtls.key",
                    "-out", directory / "dtls.pem", "-days", "2", "-subj", "/CN=gateway"], check=True, capture_output=True)
    text = subprocess.run(["openssl", "x509", "-in", directory / "dtls.pem", "-noout", "-fingerprint", "-sha256"], check=True,
                          capture_output=True, text=True).stdout
    return text.strip().split("=")[1]


@pytest.mark.parametrize("algorithm", [("ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"), ("rsa:2048",)], ids=["ECDSA", "RSA"])
def test_a_configured_certificate_is_shown(own_daemon, trunk_port, phone, algorithm):
    tandem = own_daemon({**CONFIG, "media": {"dtls_certificate": "dtls.pem", "dtls_key": "dtls.key"}})
    tandem.config = prepare(tandem.directory, tandem.config)
    fingerprint = make_certificate(tandem.directory, algorithm)
    tandem.start()
    trunk = UdpTrunk((tandem.host, tandem.sip_port), port=trunk_port)
    call = EchoCall(trunk, phone)
    assert f"a=fingerprint:sha-256 {fingerprint}\r\n" in call.answer
    call.shake_hands()
    call.hears_itself()
    call.hang_up()
    trunk.close()


@pytest.mark.parametrize("broken", ["dtls.pem", "dtls.key"])
def test_a_certificate_that_cannot_be_used_is_told(own_daemon, broken):
    tandem = own_daemon({"media": {"dtls_certificate": "dtls.pem", "dtls_key": "dtls.key"}})
    make_certificate(tandem.directory)
    (tandem.directory / broken).write_text("nothing of use\n")
    result = subprocess.run([daemon_module.find_binary(), "-c", tandem.write_config()], capture_output=True, text=True, timeout=30,
                            check=False)
    assert result.returncode == 1
    assert "cannot be used" in result.stderr and "Sanitizer" not in result.stderr
