"""The sealed envelope: the platforms' own samples, an independent implementation both ways, every length."""

import base64
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from wechatpy.crypto import WeChatCrypto
from wechatpy.exceptions import InvalidSignatureException

from connectors.shared.envelope import Key, SealBroken, check, open_with, signature
from connectors.wechat.payload import render

OFFICIAL = Key.from_setting("A" * 43, "wxba5fad812f8e6fb9")
SAMPLE = (
    "+qdx1OKCy+5JPCBFWw70tm0fJGb2Jmeia4FCB7kao+/Q5c/ohsOzQHi8khUOb05JCpj0JB4RvQMkUyus8TPxLKJGQqcvZqzDpVzazhZv6JsXUnnR8XGT740XgXZUXQ7vJVnAG+tE8"
    "NUd4yFyjPy7GgiaviNrlCTj+l5kdfMuFUPpRSrfMZuMcp3Fn2Pede2IuQrKEYwKSqFIZoNqJ4M8EajAsjLY2km32IIjdf8YL/P50F7mStwntrA2cPDrM1kb6mOcfBgRtWygb3VIYn"
    "SeOBrebufAlr7F9mFUPAJGj04="
)
TOKEN, AES, APP_ID = "libraryRefToken2026", "abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG", "wx5823bf96d3bd56c7"
OWN = Key.from_setting(AES, APP_ID)
QUESTION = (
    "<xml><ToUserName><![CDATA[gh_0123456789ab]]></ToUserName><FromUserName><![CDATA[oUserOpenId0001]]></FromUserName>"
    "<CreateTime>1767225600</CreateTime><MsgType><![CDATA[text]]></MsgType><Content><![CDATA[图书馆几点关门？]]></Content>"
    "<MsgId>24012345678901234</MsgId></xml>"
)
QUESTION_SEALED = (
    "Q3stYC6hdFzMh9T8HCvyDFUfyNuVGup/dLg2XeML76f/rT8NFgjbGGu08J6OTGyOSKegeHqE2eLY6OKZMT9R4X1QKcK69CZy7cLu5/GJuD/nLHPJBgCMECuHGxPVT6boxF7pwBTVaS"
    "ShXHluZktS5uucBvrd0CxsOaxFu5cu2P4omD+815T8/MsMUrkw2zi4qpX+vWJmLP5M+sCPQd0ADAixUe/OMlXa+JywdcqlmMU9+UXM+3NTtwF35TVgXRuWRxJK9gCUuAuLHqIFre/M"
    "1HZJSscjZC3afhubtvrVAqHKZS9usYTprFGsORgam8LrCbF5gBg8SPOXvjbDNcA1LmPAGiiBJVhaXKXABcDKTHkfoXcmp9tYO+93NifSPBrSNiH0g8WaGfcQHvhcKGr4ILjJyTbMog"
    "Gme3NxN7DG/38="
)
REPLY_SEALED = (
    "DpQeJfnf/MGZ/+GTIspwVCvD5m20A5A9gD3y8Bps8dCvBBmjU9qFZ+LCNEhWwt+a5XEOKOCtzFyUD78/Y2SwTAcvnZ+TUQryNnYfyWL6PcQfw+ZzxwRdcZWO/U8HZJOQFsA7vbp7e2"
    "uLjd+BsMtUhbpFLscr1BFGzA8g48sLIDUpajfzhGgjH1qJ8+sHE50V2QL/5r3vEyJdu+qzWi0Z59b2qdeFbSR5BUkK7PECyNxn9dzOMeW7DyZZdxsxs86xIjuHG/jXxd1cci5snV/f"
    "em5sj4je+2/svXxDQpFLww+xTV9pIxhbgSVQiKOxU8CHOZIRms4K1ZqF2HunCc6LmCYQkuSrbJSaG5Rd3N0ZhlgioLJsJej+Q35Dqx7XyZca"
)
BOUNDARY = (
    "Q3stYC6hdFzMh9T8HCvyDHDxbrF7f8TfmYxXSN1y2Vbjja9RgRLcXPjzJF67v90VBzvrt2ekEEfT57sfPiG6UTOB1j0oCAKJbga97U3cn09eBwhAEgcLLdBEek9/5Cm8"
)


def test_official_sample_is_opened() -> None:
    check("046e02f8204d34f8ba5fa3b1db94908f3df2e9b3", "AAAAA", "1714112445", "415670741", SAMPLE)
    message = OFFICIAL.open(SAMPLE.encode())
    assert len(message) == 167
    assert json.loads(message)["debug_str"] == "hello world"


def test_official_answer_is_sealed_to_the_letter() -> None:
    sealed = OFFICIAL.seal(b'{"demo_resp":"good luck"}', b"707722b803182950").decode()
    assert sealed == "ELGduP2YcVatjqIS+eZbp80MNLoAUWvzzyJxgGzxZO/5sAvd070Bs6qrLARC9nVHm48Y4hyRbtzve1L32tmxSQ=="
    assert signature("AAAAA", "1713424427", "415670741", sealed) == "1b9339964ed2e271e7c7b6ff2b0ef902fc94dea1"


def test_wecom_sample_is_opened() -> None:
    key = Key.from_setting("jWmYm7qr5nMoAUwZRjGtBxmz3KA1tkAj3ykkR6q2B2C", "wx5823bf96d3bd56c7")
    sealed = "P9nAzCzyDtyTWESHep1vC5X9xho/qYX3Zpb4yKa9SKld1DsH3Iyt3tP3zNdtp+4RPcs8TgAE7OaBO+FZXvnaqQ=="
    check("5c45ff5e21c57e6ad56bac8758b79b1d9ac89fd3", "QDG6eK", "1409659589", "263014780", sealed)
    assert key.open(sealed.encode()) == b"1616140317555161061"


def test_own_vectors_hold_with_a_key_that_is_no_canonical_base64() -> None:
    assert OWN.aes.hex() == "69b71d79f8218a39259a7a29aabb2dbafc31cb3d35db7e39ebbf3d0010831051"
    assert OWN.seal(QUESTION.encode(), b"0123456789abcdef").decode() == QUESTION_SEALED
    assert signature(TOKEN, "1767225601", "1320562132", QUESTION_SEALED) == "474c53837da131d6ca1f773cf3e0f173f3a09263"
    assert signature(TOKEN, "1767225601", "1320562132") == "176d33ebc97beafc909e73a1ec85724112624536"
    assert OWN.seal(b"x" * 26, b"0123456789abcdef").decode() == BOUNDARY
    assert OWN.open(BOUNDARY.encode()) == b"x" * 26


def test_passive_reply_is_rendered_and_sealed_to_the_letter() -> None:
    reply = {
        "ToUserName": "oUserOpenId0001", "FromUserName": "gh_0123456789ab", "CreateTime": 1767225602,
        "MsgType": "text", "Content": "周一至周五 8:00-22:00",
    }  # fmt: skip
    assert OWN.seal(render(reply, as_json=False), b"fedcba9876543210").decode() == REPLY_SEALED
    assert signature(TOKEN, "1767225602", "1320562132", REPLY_SEALED) == "323272a26e8a59c118d2428b71981daa8835bb1d"


def test_counterpart_opens_what_we_seal_and_we_open_what_it_seals() -> None:
    theirs = WeChatCrypto(TOKEN, AES, APP_ID)
    for length in range(1, 200):
        text = ("馆x" * length)[:length]
        sealed = OWN.seal(text.encode()).decode()
        body = f"<xml><ToUserName>gh</ToUserName><Encrypt>{sealed}</Encrypt></xml>"
        signed = signature(TOKEN, "1", "2", sealed)
        assert theirs.decrypt_message(body, signed, "1", "2") == text
        encrypted = theirs.encrypt_message(text, "2", "1")
        inside = encrypted.split("<Encrypt><![CDATA[")[1].split("]]>")[0]
        assert OWN.open(inside.encode()) == text.encode()
    with pytest.raises(InvalidSignatureException):
        theirs.decrypt_message(body, signed[:-1] + "x", "1", "2")


@given(st.binary(max_size=300), st.binary(min_size=16, max_size=16))
def test_whatever_is_sealed_is_opened_again(message: bytes, random: bytes) -> None:
    assert OWN.open(OWN.seal(message, random)) == message
    assert len(base64.b64decode(OWN.seal(message))) % 32 == 0


def test_every_length_around_the_blocks_is_opened_again() -> None:
    for length in [*range(130), 2047, 2048, 2049, 65_535, 65_536]:
        assert OWN.open(OWN.seal(b"x" * length)) == b"x" * length


@given(st.binary(max_size=200))
def test_anything_else_is_broken_and_never_an_accident(sealed: bytes) -> None:
    for given_ in (sealed, base64.b64encode(sealed), base64.b64encode(sealed * 32)):
        with pytest.raises(SealBroken):
            OWN.open(given_)


@given(st.integers(min_value=0), st.integers(min_value=1, max_value=255))
def test_altered_envelope_never_passes_as_the_receivers(at: int, change: int) -> None:
    raw = bytearray(base64.b64decode(OWN.seal(b"hello", b"0123456789abcdef")))
    raw[len(raw) - 1 - at % 32] ^= change
    with pytest.raises(SealBroken):
        OWN.open(base64.b64encode(bytes(raw)))


def test_envelope_for_somebody_else_is_broken() -> None:
    with pytest.raises(SealBroken):
        Key.from_setting(AES, "wxsomeoneelse").open(OWN.seal(b"hello"))


def test_previous_key_opens_and_is_named() -> None:
    old = Key.from_setting("B" * 43, APP_ID)
    assert open_with((OWN, old), old.seal(b"hello")) == (b"hello", old)
    with pytest.raises(SealBroken):
        open_with((OWN,), old.seal(b"hello"))


@pytest.mark.parametrize("key", ["", "A" * 42, "A" * 44, "A" * 42 + "=", "图" * 43, "A" * 42 + "+"])
def test_key_that_is_none_is_refused_without_being_shown(key: str) -> None:
    with pytest.raises(ValueError, match="43 letters and digits") as caught:
        Key.from_setting(key, APP_ID)
    assert not key or key not in str(caught.value)


def test_signature_is_compared_whole() -> None:
    right = signature("a", "b", "c")
    check(right, "c", "a", "b")
    for wrong in ("", right[:-1], right + "0", right.upper(), "图"):
        with pytest.raises(SealBroken):
            check(wrong, "a", "b", "c")
    assert "aes" not in repr(OWN)
