"""The queue as librarians look at it: pages of tickets, what they can be filtered by, and everything that was ever said."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from rapidfuzz import fuzz, process

from bot.desk.base import Base
from bot.domain import Closing, Conversation, Hit, QueueRow, Selection, Tally, TicketStatus, Window
from bot.pinyin import syllables
from bot.store import Session
from bot.text import normalise

OPEN = (TicketStatus.WAITING, TicketStatus.CLAIMED, TicketStatus.ANSWERED)
_POOL = 2_000
_LONGEST_SUGGESTION = 60
_ALIKE = 62.0
_SAME_SOUND = 90.0


@dataclass(frozen=True, slots=True)
class Sheet:
    """One page of the queue, and how many tickets the whole selection has."""

    rows: tuple[QueueRow, ...]
    total: int


class Shelves(Base):
    """Reading the queue."""

    def queue(self, statuses: tuple[TicketStatus, ...], claimed_by: str = "", *, closing: bool = False) -> tuple[QueueRow, ...]:
        """The first 200 tickets in these states with what their channels still allow: oldest first, or by the `closing` of windows."""
        return self.sheet(Selection(statuses, claimed_by), closing=closing, size=200).rows

    def sheet(self, selection: Selection, *, closing: bool = False, page: int = 1, size: int = 50) -> Sheet:
        """A page of the queue, urgent tickets first, with what their channels still allow."""
        now, start = self.clock.now(), (page - 1) * size

        def work(s: Session) -> Sheet:
            if closing:
                numbers = s.closing_numbers(selection, self._closings(), now)
                total, numbers = len(numbers), numbers[start : start + size]
            else:
                total, numbers = s.count(selection), s.ticket_numbers(selection, limit=size, offset=start)
            rows = (replace(row, window=self._window(s, row.ticket.conversation, row.connector, now)) for row in s.queue_rows(numbers))
            return Sheet(tuple(rows), total)

        return self.store.read(work)

    def _closings(self) -> tuple[Closing, ...]:
        return tuple(
            Closing(name, limits.window.total_seconds(), limits.quota, limits.by_message)
            for name, limits in self._limits.items()
            if limits.window is not None
        )

    def choices(self) -> Mapping[str, tuple[tuple[str, int], ...]]:
        """What open tickets can be filtered by: values and how many tickets have them, by channel, topic, college and language."""
        found = self.store.read(lambda s: s.choices())
        return {kind: tuple((value, n) for each, value, n in found if each == kind) for kind in ("channel", "topic", "college", "language")}

    def tally(self) -> Tally:
        """Open tickets at a glance."""
        return self.store.read(lambda s: s.tally())

    def reach(self, conversation: Conversation) -> Window | None:
        """How often and until when this asker can still be written to."""
        return self.store.read(lambda s: self._window(s, conversation.id, conversation.address.connector, self.clock.now()))

    def count(self, statuses: tuple[TicketStatus, ...], claimed_by: str = "") -> int:
        """How many tickets are in these states."""
        return self.store.read(lambda s: s.count(Selection(statuses, claimed_by)))

    def search(self, words: str, *, channel: str = "", language: str = "", page: int = 1, size: int = 50) -> tuple[Hit, ...]:
        """Conversations in which all these words stand in one message, the newest first; one more than the page has if there are more."""
        return self.store.read(lambda s: s.search(words, channel=channel, language=language, limit=size + 1, offset=(page - 1) * size))

    def suggest(self, words: str, most: int = 6) -> tuple[str, ...]:
        """What may have been meant: earlier questions and names of the library that read or sound alike, if they were ever said."""
        asked = normalise(words)
        if not asked:
            return ()
        recent = self.store.read(lambda s: s.recent_questions(_POOL))
        names = (name for row in self.knowledge.finder.rows for name in row.names)
        plain = {text: normalise(text) for text in (*names, *recent) if len(text) <= _LONGEST_SUGGESTION}
        sounds = {text: " ".join(syllables(each)) for text, each in plain.items()}
        heard = " ".join(syllables(asked))
        read = process.extract(asked, plain, scorer=fuzz.WRatio, score_cutoff=_ALIKE, limit=most * 4)
        alike = process.extract(heard, sounds, scorer=fuzz.partial_ratio, score_cutoff=_SAME_SOUND, limit=most * 2)
        scores: dict[str, float] = {}
        for _, score, text in (*read, *alike):
            scores[text] = max(score, scores.get(text, 0.0))
        best = sorted(scores, key=lambda text: (-scores[text], len(text)))
        return self.store.read(lambda s: tuple(text for text in best if plain[text] != asked and s.said(text))[:most])
