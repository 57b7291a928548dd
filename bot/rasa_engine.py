"""The same seam as the built-in classifier, answered by a Rasa server over HTTP `POST /model/parse`.

Whatever goes wrong there, the question is still understood: the fallback engine answers, and its name stays on the
prediction. A server that failed several times in a row is left alone for a while, then tried with one question.
Any server with this HTTP shape will do: Rasa 3 open source or Rasa Pro with an NLU pipeline.
"""

import json
import threading
import time
from collections.abc import Callable, Collection
from typing import Any

import httpx

from bot.domain import Candidate, Engine, Prediction
from bot.errors import EngineUnavailable, WrongSetting
from bot.text import normalise

NAME = "rasa"
NO_INTENT = "nlu_fallback"
LARGEST_ANSWER = 262_144
_KEEP_ALIVE = 2.0  # seconds; Rasa's own server closes idle connections after five
_ROUNDING = 1e-3  # a float32 softmax may say 1.0000001
_COMMAND = "/ "  # Rasa takes "/restart" for that very intent, at full confidence: a patron must not choose it so
_NONSENSE = (ValueError, KeyError, RecursionError)


class Breaker:
    """Counts consecutive failures; after `failures` of them lets through one trial every `pause` seconds. Thread-safe."""

    def __init__(self, failures: int = 3, pause: float = 30.0, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._limit, self._pause, self._clock = failures, pause, clock
        self._lock = threading.Lock()
        self._failures = 0
        self._retry_at = 0.0
        self.why = ""

    def lets_through(self) -> bool:
        """Whether to ask now. A trial postpones the next one at once, so that one that never reports blocks nothing."""
        with self._lock:
            if self._failures < self._limit:
                return True
            now = self._clock()
            if now < self._retry_at:
                return False
            self._retry_at = now + self._pause
            return True

    def succeeded(self) -> None:
        """The server answered with sense."""
        with self._lock:
            self._failures, self.why = 0, ""

    def failed(self, why: str) -> None:
        """The server did not."""
        with self._lock:
            self._failures += 1
            self._retry_at = self._clock() + self._pause
            self.why = why


class RasaEngine:
    """Predictions of a Rasa server, else those of `fallback`.

    `url` is the server's root (`http://127.0.0.1:5005`, a `?token=` is kept); `timeout` in seconds bounds one question
    as a whole, give or take one read. With `intents` given, an answer that names any other intent is nonsense: that
    server was trained from other files.
    """

    def __init__(
        self, url: str, timeout: float, fallback: Engine, *, intents: Collection[str] = (), breaker: Breaker | None = None
    ) -> None:
        self._url = _parse_url(url)
        self._timeout = timeout
        self._fallback = fallback
        self._intents = frozenset(intents)
        self._breaker = breaker or Breaker()
        self._client = httpx.Client(timeout=timeout, trust_env=False, limits=httpx.Limits(keepalive_expiry=_KEEP_ALIVE))

    def predict(self, text: str) -> Prediction:
        """What a message means, by Rasa when it can say; `engine` tells who said it."""
        asked = normalise(text).lstrip(_COMMAND)
        if not asked or not self._breaker.lets_through():
            return self._fallback.predict(text)
        try:
            prediction = self._understood(self._ask(asked))
        except EngineUnavailable as error:
            self._breaker.failed(error.why)
            return self._fallback.predict(text)
        self._breaker.succeeded()
        return prediction or self._fallback.predict(text)

    def state(self) -> str:
        """For /health: 'ok', or 'down: ' and why, as of the last question that was put to Rasa."""
        why = self._breaker.why
        return f"down: {why}" if why else "ok"

    def close(self) -> None:
        """Give the connections back."""
        self._client.close()

    def _ask(self, text: str) -> bytes:
        """The body of the answer. httpx bounds each read; a server that drips is stopped here."""
        end = time.monotonic() + self._timeout
        body = bytearray()
        try:
            with self._client.stream("POST", self._url, json={"text": text}) as response:
                if response.status_code != httpx.codes.OK:
                    raise EngineUnavailable(NAME, f"HTTP {response.status_code}")
                for piece in response.iter_bytes():
                    body += piece
                    if len(body) > LARGEST_ANSWER:
                        raise EngineUnavailable(NAME, f"the answer is longer than {LARGEST_ANSWER} bytes")
                    if time.monotonic() > end:
                        raise EngineUnavailable(NAME, f"no answer within {self._timeout:g} s")
        except httpx.TimeoutException as error:
            raise EngineUnavailable(NAME, f"no answer within {self._timeout:g} s") from error
        except httpx.HTTPError as error:
            raise EngineUnavailable(NAME, f"{type(error).__name__}: {error}") from error
        return bytes(body)

    def _understood(self, body: bytes) -> Prediction | None:
        """The answer as a prediction; None when Rasa, in good order, found no intent (no known word in the message)."""
        try:
            ranking = _ranking(json.loads(body))
        except _NONSENSE as error:
            raise EngineUnavailable(NAME, f"nonsense: {type(error).__name__}: {error}"[:200]) from error
        strange = {row.intent for row in ranking} - self._intents if self._intents else set()
        if strange:
            raise EngineUnavailable(NAME, f"it was trained on other intents: {', '.join(sorted(strange))}"[:200])
        if not ranking:
            return None
        return Prediction(ranking[0].intent, ranking[0].confidence, tuple(ranking[1:]), engine=NAME)


def _parse_url(url: str) -> httpx.URL:
    try:
        root = httpx.URL(url)
    except httpx.InvalidURL as error:
        raise WrongSetting("understanding.rasa_url", str(error)) from error
    if root.scheme not in {"http", "https"} or not root.host:
        raise WrongSetting("understanding.rasa_url", f"expected http://host:port, got {url!r}")
    return root.copy_with(path=root.path.rstrip("/") + "/model/parse")


def _ranking(answer: Any) -> list[Candidate]:
    """The real intents of Rasa's answer, best first. Rasa puts nlu_fallback on top when it is unsure; Refdesk has its own bar."""
    if not isinstance(answer, dict):
        raise ValueError(f"expected an object, got {type(answer).__name__}")
    rows = answer["intent_ranking"]
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise ValueError("intent_ranking is not a list of objects")
    real = [_candidate(row["name"], row["confidence"]) for row in rows if row["name"] not in (NO_INTENT, None)]
    if len({row.intent for row in real}) < len(real):
        raise ValueError("intent_ranking names an intent twice")
    return sorted(real, key=lambda row: -row.confidence)


def _candidate(name: Any, confidence: Any) -> Candidate:
    if not isinstance(name, str) or not name:
        raise ValueError(f"an intent is named {name!r}"[:80])
    if isinstance(confidence, bool) or not isinstance(confidence, int | float) or not 0 <= confidence <= 1 + _ROUNDING:
        raise ValueError(f"{name} has the confidence {confidence!r}"[:80])
    return Candidate(name, min(1.0, float(confidence)))
