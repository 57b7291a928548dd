"""The webhook of WeCom: who is let in, what is acknowledged, and what makes us fetch."""

import re
import threading
from collections.abc import Callable

import httpx
import pytest
from wechatpy.enterprise.crypto import WeChatCrypto as EnterpriseCrypto

from connectors.shared.envelope import Key
from tests.connectors import wecom_platform
from tests.connectors.contract import QUESTION
from tests.connectors.wecom_platform import ACCOUNT, AES_KEY, CORP, SECTION, TOKEN, Wecom, doorbell, pulls, sealed, settle, tell
from tests.serving import Served, until

there, house = wecom_platform.there, wecom_platform.house


def wecom_at(serve: Callable[..., Served], there: Wecom, **section: str) -> httpx.Client:
    return serve({"wecom": {**SECTION, "api_base": there.platform.url, **section}}).client()


def test_administrators_check_of_the_address_passes_with_the_official_sample(serve: Callable[..., Served], there: Wecom) -> None:
    there.fail("gettoken", *[{"errcode": 40013, "errmsg": "invalid corpid"}] * 50)
    key = "jWmYm7qr5nMoAUwZRjGtBxmz3KA1tkAj3ykkR6q2B2C"
    client = wecom_at(serve, there, corp_id="wx5823bf96d3bd56c7", token="QDG6eK", encoding_aes_key=key)
    query = {
        "msg_signature": "5c45ff5e21c57e6ad56bac8758b79b1d9ac89fd3", "timestamp": "1409659589", "nonce": "263014780",
        "echostr": "P9nAzCzyDtyTWESHep1vC5X9xho/qYX3Zpb4yKa9SKld1DsH3Iyt3tP3zNdtp+4RPcs8TgAE7OaBO+FZXvnaqQ==",
    }  # fmt: skip
    answer = client.get("/webhooks/wecom", params=query)
    assert (answer.status_code, answer.content) == (200, b"1616140317555161061")
    unescaped = "&".join(f"{name}={value}" for name, value in query.items())
    assert client.get(f"/webhooks/wecom?{unescaped}").content == b"1616140317555161061"


ECHO = {
    "msg_signature": "5c39d69970d7de841cbf8c060d03b5a24a7ce738", "timestamp": "1767225600", "nonce": "1372623149",
    "echostr": "5ChDeO1SRNwnSTozoASVI4hVG2/79HLGHHBq8Mh7JQf+AJWy/zx+CncGR/toZd7B2fXcronLSL6wXONNSAIjsw==",
}  # fmt: skip


def test_administrators_check_of_the_address_passes_with_our_own_vector(house: Served) -> None:
    assert house.client().get("/webhooks/wecom", params=ECHO).content == b"5927782489442352469"


def test_counterpart_rings_and_the_message_is_fetched(house: Served, there: Wecom) -> None:
    there.says("wm-reader", QUESTION)
    theirs = EnterpriseCrypto(TOKEN, AES_KEY, CORP)
    body = theirs.encrypt_message(doorbell().decode(), "1597212914", "1767225602")
    signed = re.search(r"<MsgSignature><!\[CDATA\[(\w+)\]\]>", body)
    assert signed
    query = {"timestamp": "1767225602", "nonce": "1597212914", "msg_signature": signed[1]}
    assert house.client().post("/webhooks/wecom", params=query, content=body.encode()).text == "success"
    settle(house, there)
    assert len(there.shown("wm-reader")) == 1


def test_counterpart_opens_what_is_sealed_for_wecom() -> None:
    query, body = sealed(doorbell())
    opened = EnterpriseCrypto(TOKEN, AES_KEY, CORP).decrypt_message(body, query["msg_signature"], query["timestamp"], query["nonce"])
    assert opened == doorbell().decode()


WRONG = {
    "a signature off by one": {**ECHO, "msg_signature": ECHO["msg_signature"][:-1] + "9"},
    "no signature": {name: value for name, value in ECHO.items() if name != "msg_signature"},
    "another time": {**ECHO, "timestamp": "1767225601"},
    "a changed echostr": {**ECHO, "echostr": "A" + ECHO["echostr"][1:]},
    "no echostr": {name: value for name, value in ECHO.items() if name != "echostr"},
    "nothing": {},
    "odd characters": {**ECHO, "msg_signature": "ß😭"},
}


@pytest.mark.parametrize("query", WRONG.values(), ids=WRONG)
def test_check_of_the_address_fails_without_a_word(house: Served, query: dict[str, str]) -> None:
    answer = house.client().get("/webhooks/wecom", params=query)
    assert (answer.status_code, answer.content) == (403, b"")


VECTOR = (
    "5ChDeO1SRNwnSTozoASVI2giKMeaIfmWWhNjkzypnPV752ja8Z+OMsqYuyBljMxFOfigq5hsGZfRBETIEITd9fAvIL5u117y30vtiJ/+dfi/s7NxItq+f8IAZ0oez3njPO7CzY"
    "4xalDn7Pam+qvPTNpSXGhpLR+f7SQzqRs6rtU5IVnpbEtdwV0HkmXS5+sO4qQdhdQxko49YOGeY+kLRfl7UOJqI/OJrzA+1LwrqtxcZAbTd5j5jcmnzMOVvzpCm8M3NHkYEcY"
    "s2gvCzd9ni0SeqcxD6iDmRCWfkPeajvVwlobaEYhgh81l4Fr7uCAAmaiv+g6/QvQ5ZGBKgmedkNu6Ym0GN8qxGZkDHlNTHAhFc+yjQ8gz0jx8a0abcGom0Q/3fVaLDfQPCZAcm"
    "5cz7KWwYeEpG2gWbkMJoxQpiak="
)


def test_ring_of_our_own_vector_fetches_with_its_token(house: Served, there: Wecom) -> None:
    until(lambda: pulls(there))
    query = {"msg_signature": "3ffa0261bc5e3fa9943944ab4331b04c96887b81", "timestamp": "1767225602", "nonce": "1597212914"}
    body = f"<xml><ToUserName>{CORP}</ToUserName><AgentID>1</AgentID><Encrypt>{VECTOR}</Encrypt></xml>"
    answer = house.client().post("/webhooks/wecom", params=query, content=body)
    assert (answer.status_code, answer.content) == (200, b"success")
    until(lambda: len(pulls(there)) == 2)
    assert pulls(there)[1] == {"cursor": "c0", "limit": 1000, "voice_format": 0, "open_kfid": ACCOUNT, "token": "ENCtokenABC123"}


def forged() -> dict[str, tuple[dict[str, str], bytes]]:
    """Callbacks that are not the platform's."""
    query, body = sealed(doorbell())
    last = query["msg_signature"][-1]
    bomb = b'<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;&a;">]>'
    return {
        "a signature off by one": ({**query, "msg_signature": query["msg_signature"][:-1] + ("0" if last != "0" else "1")}, body),
        "no signature": ({name: value for name, value in query.items() if name != "msg_signature"}, body),
        "the signature of an official account": ({**query, "signature": query["msg_signature"], "msg_signature": ""}, body),
        "another nonce": ({**query, "nonce": "1"}, body),
        "another enterprise": sealed(doorbell(), Key.from_setting(AES_KEY, "ww0000000000000000")),
        "another key": sealed(doorbell(), Key.from_setting("A" * 43, CORP)),
        "unsealed": (query, doorbell()),
        "nothing": (query, b""),
        "no XML": (query, b"hello"),
        "cut off": (query, body[:-20]),
        "invalid UTF-8": (query, b"<xml><Encrypt>\xff\xfe</Encrypt></xml>"),
        "a document type": (query, bomb + body),
        "a document type inside": sealed(bomb + doorbell()),
        "no XML inside": sealed(b"hello"),
        "invalid UTF-8 inside": sealed(b"<xml>\xff</xml>"),
    }


@pytest.mark.parametrize("name", forged())
def test_ring_of_a_stranger_is_refused_and_fetches_nothing(house: Served, there: Wecom, name: str) -> None:
    until(lambda: pulls(there))
    query, body = forged()[name]
    answer = house.client().post("/webhooks/wecom", params=query, content=body)
    assert (answer.status_code, answer.content) == (403, b"")
    tell(house, there, QUESTION)  # whatever the stranger had rung for would have been fetched by now
    assert len(pulls(there)) == 2


def test_body_of_two_mebibytes_is_refused(house: Served) -> None:
    query, _ = sealed(doorbell())
    try:
        status = house.client().post("/webhooks/wecom", params=query, content=b"x" * 2**21).status_code
    except httpx.WriteError:  # the server need not read on once it has refused
        status = 413
    assert status == 413


@pytest.mark.parametrize("message", [doorbell("wkOther"), doorbell().replace(b"kf_msg_or_event", b"change_contact")])
def test_ring_for_others_is_acknowledged_and_fetches_nothing(house: Served, there: Wecom, message: bytes) -> None:
    until(lambda: pulls(there))
    query, body = sealed(message)
    assert house.client().post("/webhooks/wecom", params=query, content=body).text == "success"
    tell(house, there, QUESTION)
    assert len(pulls(there)) == 2


def test_ring_is_acknowledged_before_anything_is_fetched(house: Served, there: Wecom) -> None:
    until(lambda: pulls(there))
    go = threading.Event()
    there.fail("kf/sync_msg", lambda asked: go.wait(10) and None)
    there.says("wm-reader", QUESTION)
    assert there.ring(house.client()).text == "success"
    assert house.messages("wecom", "wm-reader") == []
    go.set()
    settle(house, there)
    assert house.messages("wecom", "wm-reader") == [QUESTION]
