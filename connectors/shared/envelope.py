"""The sealed envelope WeChat and WeCom put messages in: AES-256-CBC and a SHA-1 signature, bytes to bytes.

Protocol: developers.weixin.qq.com "消息加解密说明" and developer.work.weixin.qq.com "加解密方案说明" (path 90968). The
plain text is `16 random bytes || length of the message, 4 bytes big-endian || message || receiver's id`, padded as
PKCS#7 in blocks of 32 (not 16), the IV is the first 16 bytes of the key. The receiver's id is the appid of an official
account or the corpid of a WeCom customer. No text, no XML, no clock: callers decide about those.
"""

import base64
import binascii
import hashlib
import hmac
import os
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:  # 8 MB, in memory only where a sealed channel is on
    from cryptography.hazmat.primitives.ciphers import Cipher, modes
    from cryptography.hazmat.primitives.padding import PKCS7

RANDOM: Final = 16
"""Random bytes before each message."""
BLOCK: Final = 32
"""Bytes the padding fills up to."""
_LENGTH: Final = struct.Struct(">I")


class SealBroken(Exception):
    """A signature or an envelope which is not as the platform makes them. One wording for every cause, on purpose."""

    def __init__(self) -> None:
        super().__init__("a message is not sealed or signed with the keys of the settings")


def signature(*parts: str) -> str:
    """The SHA-1 of `parts`, sorted and joined: token, timestamp, nonce and, if there is one, what is sealed."""
    return hashlib.sha1("".join(sorted(parts)).encode("utf-8", "surrogatepass"), usedforsecurity=False).hexdigest()


def check(claimed: str, *parts: str) -> None:
    """Raises SealBroken unless `claimed` is the signature of `parts`; takes the same time for every wrong one."""
    if not hmac.compare_digest(signature(*parts).encode(), claimed.encode("utf-8", "surrogatepass")):
        raise SealBroken


@dataclass(frozen=True, slots=True, repr=False)
class Key:
    """An EncodingAESKey with the id of the receiver it is for: seals and opens messages.

    The 43rd character of an EncodingAESKey may carry bits which mean nothing, so it is never compared re-encoded.
    """

    aes: bytes
    receiver: bytes

    @classmethod
    def from_setting(cls, encoding_aes_key: str, receiver: str) -> "Key":
        """From what the console shows; ValueError, without the key in it, when that is not 43 letters and digits."""
        if len(encoding_aes_key) != 43 or not (encoding_aes_key.isascii() and encoding_aes_key.isalnum()):
            raise ValueError(f"an EncodingAESKey has 43 letters and digits, this one has {len(encoding_aes_key)} characters")
        return cls(base64.b64decode(encoding_aes_key + "="), receiver.encode())

    def seal(self, message: bytes, random: bytes = b"") -> bytes:
        """The message as it goes into `Encrypt`, in base64. `random` is for test vectors only."""
        prefix = random or os.urandom(RANDOM)
        if len(prefix) != RANDOM:
            raise ValueError("the random bytes of an envelope are 16")
        padder = _padding().padder()
        padded = padder.update(prefix + _LENGTH.pack(len(message)) + message + self.receiver) + padder.finalize()
        encryptor = self._cipher().encryptor()
        return base64.b64encode(encryptor.update(padded) + encryptor.finalize())

    def open(self, sealed: bytes) -> bytes:
        """The message in an `Encrypt`, or SealBroken: not base64, wrong length, wrong padding, wrong receiver."""
        try:
            encrypted = base64.b64decode(sealed, validate=True)
        except (binascii.Error, ValueError):
            raise SealBroken from None
        if len(encrypted) < BLOCK or len(encrypted) % BLOCK:
            raise SealBroken
        decryptor = self._cipher().decryptor()
        padded = decryptor.update(encrypted) + decryptor.finalize()
        unpadder = _padding().unpadder()
        try:
            plain = unpadder.update(padded) + unpadder.finalize()
        except ValueError:
            raise SealBroken from None
        if len(plain) < RANDOM + _LENGTH.size:
            raise SealBroken
        (length,) = _LENGTH.unpack_from(plain, RANDOM)
        start = RANDOM + _LENGTH.size
        message, receiver = plain[start : start + length], plain[start + length :]
        if len(message) != length or not hmac.compare_digest(receiver, self.receiver):
            raise SealBroken
        return message

    def _cipher(self) -> "Cipher[modes.CBC]":
        from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

        return Cipher(algorithms.AES(self.aes), modes.CBC(self.aes[:16]))


def _padding() -> "PKCS7":
    from cryptography.hazmat.primitives.padding import PKCS7

    return PKCS7(BLOCK * 8)


def open_with(keys: Sequence[Key], sealed: bytes) -> tuple[bytes, Key]:
    """The message and the key that opened it: the first of `keys`, or a previous one after the key was changed.

    Answers are to be sealed with the key that worked.
    """
    for key in keys:
        try:
            return key.open(sealed), key
        except SealBroken:
            continue
    raise SealBroken
