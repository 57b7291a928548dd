"""Pictures that patrons sent, fetched from the platforms that keep them: a librarian's browser asks nobody but this server.

Only hosts that the settings name are asked, without redirects, so that no reference can lead into the library's own network; and
only what begins as a picture does is passed on, as that kind of picture.
"""

import asyncio
from typing import Any
from urllib.parse import urlsplit

import httpx
from sanic import Request, Sanic
from sanic.response import HTTPResponse, raw

from bot.domain import Librarian, Message
from bot.errors import NotFound
from bot.messages import Attachment
from bot.pages.desk.workroom import Workroom
from bot.pages.guard import signed_in

LARGEST = 8_000_000
_PATIENCE = 8.0
_KINDS = ((b"\x89PNG\r\n\x1a\n", "image/png"), (b"\xff\xd8\xff", "image/jpeg"), (b"GIF8", "image/gif"))
_DAY = 24 * 3600


def mount(app: Sanic[Any, Any], room: Workroom) -> None:
    """/desk/pictures/MESSAGE/NUMBER."""

    @app.get("/desk/pictures/<message:int>/<number:int>", name="picture")
    @signed_in(room.pages)
    async def picture(request: Request, user: Librarian, message: int, number: int) -> HTTPResponse:
        try:
            found = await asyncio.to_thread(lambda: room.desk.store.read(lambda s: s.message(message)))
            body = await _fetched(_reference(room, found, number))
        except (NotFound, httpx.HTTPError, ValueError):
            return room.pages.notice(request, 404, room.say(request, "desk.no_picture"))
        headers = {"Cache-Control": f"private, max-age={_DAY}", "Content-Security-Policy": "default-src 'none'; sandbox"}
        return raw(body, content_type=kind_of(body), headers=headers)


def shown(attachment: Attachment, hosts: tuple[str, ...]) -> bool:
    """Whether an attachment is a picture that may be fetched."""
    try:
        place = urlsplit(attachment.reference)
    except ValueError:  # brackets that are no address
        return False
    return attachment.kind == "image" and place.scheme in ("http", "https") and place.netloc in hosts


def kind_of(body: bytes) -> str:
    """The kind of picture, by how it begins; ValueError for anything else."""
    for begins, kind in _KINDS:
        if body.startswith(begins):
            return kind
    if body[:4] == b"RIFF" and body[8:12] == b"WEBP":
        return "image/webp"
    raise ValueError("not a picture")


def _reference(room: Workroom, message: Message, number: int) -> str:
    if number >= len(message.attachments) or not shown(message.attachments[number], room.picture_hosts):
        raise NotFound(f"picture {number} of message {message.id}")
    return message.attachments[number].reference


async def _fetched(address: str) -> bytes:
    body = bytearray()
    async with httpx.AsyncClient(timeout=_PATIENCE, trust_env=False) as client, client.stream("GET", address) as response:
        if response.status_code != httpx.codes.OK:
            raise ValueError(f"answered {response.status_code}")
        async for part in response.aiter_bytes():
            body += part
            if len(body) > LARGEST:
                raise ValueError("too large")
    kind_of(bytes(body))
    return bytes(body)
