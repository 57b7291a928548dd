"""Ed25519 of the QQ bot: the platform's own samples, PyNaCl as counterpart, and what must never be signed."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from nacl.exceptions import BadSignatureError
from nacl.signing import SigningKey, VerifyKey

from connectors.qq.signature import Key, NotSigned, WrongSignature

OURS = "LibRefBotSecret7"
LONG = "0123456789abcdef0123456789abcdefEXTRA"
BODY = (
    '{"id":"C2C_MESSAGE_CREATE:lib0001","op":0,"s":1,"t":"C2C_MESSAGE_CREATE","d":{"id":"ROBOT1.0_lib-0001",'
    '"author":{"user_openid":"A1B2C3D4E5F6A1B2C3D4E5F6A1B2C3D4"},"content":"图书馆几点关门？","timestamp":"2026-01-01T08:00:00+08:00"}}'
).encode()
SIGNED = "650370ad8eedab5c9423b23af1f490bcabd551a2cb9e03ec3ab7b4c8ac06b1ca658850cbee547362062a01609b75af564eac3118b9a6b02704fd21fd1be59f08"


def counterpart(secret: str) -> SigningKey:
    """The same key in the other library, its seed made the other way: appended instead of repeated."""
    seed = secret.encode()
    while len(seed) < 32:
        seed += seed
    return SigningKey(seed[:32])


@pytest.mark.parametrize(
    ("secret", "event_ts", "token", "signature"),
    [
        (
            "DG5g3B4j9X2KOErG", "1725442341", "Arq0D5A61EgUu4OxUvOp",
            "87befc99c42c651b3aac0278e71ada338433ae26fcb24307bdc5ad38c1adc2d01bcfcadc0842edac85e85205028a1132afe09280305f13aa6909ffc2d652c706",
        ),
        (
            OURS, "1767225600", "libPlainToken0123456",
            "7e6782270a03b2ad7d116c746a835b521af6e5b000377ee758416705241d7b106c4c0d5779d21c75ee59e664a6dee88104842ed8747c4b41b2566aefed99d50a",
        ),
        (
            LONG, "1767225600", "x",
            "d3fb75b23446fa7d6333cc11c6c87b5d895a83da5e6d7d53ae26f7e1fdfcb6f3ea2a61688450e28ff6bcea1ffe0458daf9be528d21b79698f789352e61a10e03",
        ),
    ],
)  # fmt: skip
def test_check_of_the_address_is_answered_as_the_platform_wants_it(secret: str, event_ts: str, token: str, signature: str) -> None:
    assert Key(secret).prove(event_ts, token) == signature


@pytest.mark.parametrize(
    ("secret", "stamp", "body", "signature"),
    [
        (
            "naOC0ocQE3shWLAfffVLB1rhYPG7", "1725442341", b'{\n  "op": 0,\n  "d": {},\n  "t": "GATEWAY_EVENT_NAME"\n}',
            "865ad13a61752ca65e26bde6676459cd36cf1be609375b37bd62af366e1dc25a8dc789ba7f14e017ada3d554c671a911bfdf075ba54835b23391d509579ed002",
        ),
        (OURS, "1767225601", BODY, SIGNED),
    ],
)  # fmt: skip
def test_event_of_the_platform_is_recognised(secret: str, stamp: str, body: bytes, signature: str) -> None:
    Key(secret).check(signature, stamp, body)
    Key(secret).check(signature.upper(), stamp, body)
    with pytest.raises(WrongSignature):
        Key(secret).check(signature, stamp, body + b" ")


@given(st.text(st.characters(codec="ascii", min_codepoint=33, max_codepoint=126), min_size=1, max_size=60), st.binary(max_size=300))
def test_counterpart_signs_what_we_recognise_and_recognises_what_we_sign(secret: str, body: bytes) -> None:
    theirs, ours = counterpart(secret), Key(secret)
    ours.check(theirs.sign(b"1767225600" + body).signature.hex(), "1767225600", body)
    theirs.verify_key.verify(b"1767225600" + body, bytes.fromhex(ours.sign("1767225600", body)))
    theirs.verify_key.verify(b"1767225600x", bytes.fromhex(ours.prove("1767225600", "x")))


def test_public_key_is_the_documented_one() -> None:
    public = VerifyKey(bytes.fromhex("9be37f148a1e391bc6a84af7bd54230309fc32316c9a576063f70b4ad3f8e04e"))
    public.verify(b"1767225601" + BODY, bytes.fromhex(Key(OURS).sign("1767225601", BODY)))
    with pytest.raises(BadSignatureError):
        public.verify(b"1767225602" + BODY, bytes.fromhex(SIGNED))


WRONG = {
    "none": "",
    "short": SIGNED[:-2],
    "long": SIGNED + "00",
    "not hexadecimal": "g" + SIGNED[1:],
    "other digits": "６" + SIGNED[1:],
    "one bit off": SIGNED[:-1] + "9",
    "zeros": "0" * 128,
    # s + L instead of s: the same equation, a second signature of the same event
    "a second way to write it": SIGNED[:64]
    + (int.from_bytes(bytes.fromhex(SIGNED[64:]), "little") + 2**252 + 27742317777372353535851937790883648493).to_bytes(32, "little").hex(),
    "high bits": SIGNED[:-2] + "e8",
}


@pytest.mark.parametrize("signature", WRONG.values(), ids=WRONG)
def test_wrong_signature_is_refused(signature: str) -> None:
    with pytest.raises(WrongSignature):
        Key(OURS).check(signature, "1767225601", BODY)


@pytest.mark.parametrize("stamp", ["", "1767225602", "1767225601.0", "-1", "１７６７２２５６０１", "1" * 21])
def test_signature_of_another_time_is_refused(stamp: str) -> None:
    with pytest.raises(WrongSignature):
        Key(OURS).check(SIGNED, stamp, BODY)


def test_whole_event_is_never_signed_for_the_console() -> None:
    with pytest.raises(NotSigned):
        Key(OURS).prove("1767225601", BODY.decode())


PLAIN = st.text(st.characters(codec="ascii", min_codepoint=33, max_codepoint=126), min_size=1, max_size=70)


@given(st.from_regex(r"[0-9]{1,20}", fullmatch=True) | PLAIN, st.from_regex(r"[A-Za-z0-9_-]{1,64}", fullmatch=True) | PLAIN)
def test_nothing_that_the_console_may_have_signed_is_an_event(event_ts: str, token: str) -> None:
    key = Key(OURS)
    try:
        signature = key.prove(event_ts, token)
    except NotSigned:
        return
    message = event_ts + token
    key.check(signature, event_ts, token.encode())  # it is a valid signature, so nothing that it signs may be an event
    assert not any(is_object(message[at:]) for at in range(len(message) + 1))


def is_object(body: str) -> bool:
    """Whether a handler would take this body for an event."""
    try:
        return isinstance(json.loads(body), dict)
    except ValueError:
        return False


@pytest.mark.parametrize("token", ["", "a" * 65, "a b", "{}", "a\n", "ａ", '"', "a.b"])
def test_only_a_plain_token_is_signed(token: str) -> None:
    with pytest.raises(NotSigned):
        Key(OURS).prove("1767225600", token)


@pytest.mark.parametrize("event_ts", ["", "1767225600{", "17672256e2", "1" * 21, "１"])
def test_only_digits_are_signed_before_it(event_ts: str) -> None:
    with pytest.raises(NotSigned):
        Key(OURS).prove(event_ts, "x")
