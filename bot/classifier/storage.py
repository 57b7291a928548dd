"""The one file a model is kept in: a magic line, a checksum of the rest, a JSON header, plain arrays. No pickle, nothing is run."""

import hashlib
import json
import mmap
import os
import struct
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from bot.errors import ModelUnusable

VERSION = 6
_MAGIC = b"refdesk-model\n"
_REST_AT = len(_MAGIC) + hashlib.sha256().digest_size
_HEAD_AT = _REST_AT + 8
_ALIGN = 64
Arrays = Mapping[str, npt.NDArray[Any]]


def pack(made_from: str, settings: Mapping[str, Any], arrays: Arrays) -> bytes:
    """The bytes of a model file. The same content gives the same bytes."""
    listed: dict[str, list[Any]] = {}
    body = bytearray()
    for name, array in sorted(arrays.items()):
        body += b"\0" * (-len(body) % _ALIGN)
        plain = np.ascontiguousarray(array)
        listed[name] = [plain.dtype.str, list(plain.shape), len(body)]
        body += plain.tobytes()
    header = {
        "version": VERSION,
        "made_from": made_from,
        "settings": settings,
        "arrays": listed,
    }
    head = json.dumps(header, ensure_ascii=False, sort_keys=True).encode()
    head += b" " * (-(_HEAD_AT + len(head)) % _ALIGN)
    rest = struct.pack("<Q", len(head)) + head + bytes(body)
    return _MAGIC + hashlib.sha256(rest).digest() + rest


def write(path: Path, content: bytes) -> None:
    """Whole or not at all: a reader never sees half a model."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=path.name + ".")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.chmod(name, 0o644)
        os.replace(name, path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def read(path: Path, made_from: str | None) -> tuple[dict[str, Any], dict[str, npt.NDArray[Any]]]:
    """Settings and arrays (mapped, read-only); ModelUnusable for anything but a whole model of this version and training data
    (None: of any training data)."""
    try:
        with path.open("rb") as file:
            content = memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))
    except FileNotFoundError as error:
        raise ModelUnusable(path, "there is no model yet") from error
    except (OSError, ValueError) as error:
        raise ModelUnusable(path, f"cannot be read ({error})") from error
    if bytes(content[: len(_MAGIC)]) != _MAGIC:
        raise ModelUnusable(path, "is not a model file")
    try:
        (length,) = struct.unpack_from("<Q", content, _REST_AT)
        start = _HEAD_AT + length
        header = json.loads(bytes(content[_HEAD_AT:start]))
        version = header["version"]
    except (struct.error, ValueError, KeyError, TypeError, OverflowError) as error:
        raise ModelUnusable(path, "is damaged") from error
    if version != VERSION:
        raise ModelUnusable(path, f"is of version {version}, this program needs {VERSION}")
    if hashlib.sha256(content[_REST_AT:]).digest() != bytes(content[len(_MAGIC) : _REST_AT]):
        raise ModelUnusable(path, "is damaged or truncated")
    if made_from is not None and header["made_from"] != made_from:
        raise ModelUnusable(path, "was trained from other files than those in intents/")
    arrays: dict[str, npt.NDArray[Any]] = {}
    for name, (kind, shape, offset) in header["arrays"].items():
        count = int(np.prod(shape, dtype=np.int64))
        arrays[name] = np.frombuffer(content, np.dtype(kind), count, start + offset).reshape(shape)
    return header["settings"], arrays
