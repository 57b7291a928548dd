"""Ed25519 of the official bot: the platform and we share one key, made from the bot's secret.

Protocol: bot.q.qq.com/wiki/develop/api-v2, event-emit/webhook. An event carries `X-Signature-Ed25519`, a signature over
`X-Signature-Timestamp` and the raw body. When the address is entered in the console, the platform sends op 13 and wants
`event_ts + plain_token` signed back with the very same key.

Why the answer to op 13 cannot be turned into forged events. Whoever may choose the text to be signed could choose a
timestamp and a whole event, and the answer would be that event's signature. So nothing is signed but digits followed by
1 to 64 letters, digits, - and _. Wherever such a text is divided into a timestamp and a body, the body holds no brace,
and a body that is no JSON object is refused by every handler, ours and the platform's.
"""

import re
from typing import Final

_SEED: Final = 32
_SIGNATURE: Final = re.compile(r"[0-9a-fA-F]{128}")
_STAMP: Final = re.compile(r"[0-9]{1,20}", re.ASCII)
_PLAIN: Final = re.compile(r"[A-Za-z0-9_-]{1,64}", re.ASCII)


class WrongSignature(Exception):
    """A request that the platform has not signed."""


class NotSigned(Exception):
    """A text that is not what op 13 asks to be signed."""


class Key:
    """The key of one bot."""

    def __init__(self, secret: str) -> None:
        material = secret.encode()
        seed = (material * (_SEED // len(material) + 1))[:_SEED]
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey  # 8 MB, where the channel is on

        self._private = Ed25519PrivateKey.from_private_bytes(seed)
        self._public = self._private.public_key()

    def sign(self, stamp: str, body: bytes) -> str:
        """The signature of an event, in hex: what the platform does, and the player that stands in for it."""
        return self._private.sign(stamp.encode() + body).hex()

    def check(self, signature: str, stamp: str, body: bytes) -> None:
        """WrongSignature unless this is the platform's signature of this raw body."""
        if not _SIGNATURE.fullmatch(signature) or not _STAMP.fullmatch(stamp):
            raise WrongSignature
        found = bytes.fromhex(signature)
        if found[63] & 0xE0:  # not the one way to write it: a second signature of the same event
            raise WrongSignature
        from cryptography.exceptions import InvalidSignature

        try:
            self._public.verify(found, stamp.encode() + body)
        except InvalidSignature:
            raise WrongSignature from None

    def prove(self, event_ts: str, plain_token: str) -> str:
        """The answer to op 13, in hex; NotSigned for anything that could be more than a token."""
        if not _STAMP.fullmatch(event_ts) or not _PLAIN.fullmatch(plain_token):
            raise NotSigned
        return self._private.sign(f"{event_ts}{plain_token}".encode("ascii")).hex()
