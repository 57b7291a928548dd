"""What librarians want the bot to learn: proposed by one, reviewed by another."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from bot.desk.base import Base
from bot.domain import OUT_OF_SCOPE, DraftStatus, EntryDraft, Example
from bot.errors import Refused, TooMuch
from bot.masking import redacted
from bot.store import Session
from bot.text import bare, clean

LONGEST_EXAMPLE = 400
_LONGEST_ANSWER = 4_000
_INTENT = re.compile(r"[a-z][a-z0-9_]{2,40}")


@dataclass(frozen=True, slots=True)
class Waiting:
    """What can be learned: what waits for review, and what waits for the next training."""

    examples: tuple[Example, ...]
    entries: tuple[EntryDraft, ...]
    approved: int


class Lessons(Base):
    """Proposing and reviewing. With `second_person` nobody approves what they proposed themselves."""

    second_person = True

    def example_of(self, number: int) -> str:
        """The question of a ticket as it could teach: without what identifies its asker."""

        def work(s: Session) -> str:
            ticket = s.ticket(number)
            values = [value for _, value in (*ticket.fields, *s.personal(number))]
            return redacted(" ".join(s.message(ticket.question).text.split()), values)[:LONGEST_EXAMPLE]

        return self.store.read(work)

    def propose_example(self, number: int, librarian: str, text: str, intent: str) -> None:
        """Words of a ticket (0: of none) for an intent. Refused: empty, wrong_topic; TooMuch when the text is too long."""
        text = self._teachable(text, intent)

        def work(s: Session) -> None:
            ticket = s.ticket(number) if number else None
            values = [value for _, value in (*ticket.fields, *s.personal(number))] if ticket else []
            row = Example(redacted(text, values), intent, "librarian", ticket.question if ticket else 0, author=librarian)
            s.add_example(row, ticket.conversation if ticket else 0, self.clock.now())

        self.store.write(work).result()

    def propose_entry(self, draft: EntryDraft) -> None:
        """An answer that the bot does not have. Refused: wrong_name, known_name, wrong_file, empty; TooMuch when something is too long."""
        if not _INTENT.fullmatch(draft.intent):
            raise Refused("wrong_name")
        if draft.intent in self.answering.kinds or draft.intent == OUT_OF_SCOPE:
            raise Refused("known_name")
        texts = (draft.covers, *draft.titles, *draft.answers)
        if not all(text.strip() for text in texts) or not any(bare(text) for text in draft.examples):
            raise Refused("empty")
        if any(len(text) > _LONGEST_ANSWER for text in (*texts, *draft.examples)):
            raise TooMuch("characters in an answer", _LONGEST_ANSWER)
        self.store.write(lambda s: s.add_entry_draft(draft, self.clock.now())).result()

    def lessons(self) -> Waiting:
        """Everything that waits."""

        def work(s: Session) -> Waiting:
            approved = len(s.examples(DraftStatus.APPROVED, limit=10_000)) + len(s.entry_drafts(DraftStatus.APPROVED))
            return Waiting(s.examples(limit=50), s.entry_drafts(), approved)

        return self.store.read(work)

    def review_example(self, number: int, reviewer: str, approve: bool, text: str = "", intent: str = "") -> None:
        """Approve an example, with its words or label corrected, or refuse it. Refused: own, done, empty, wrong_topic."""
        text = self._teachable(text, intent) if approve and (text or intent) else ""

        def work(s: Session) -> None:
            row = s.example(number)
            self._may_review(row.status, row.author, reviewer, approve)
            status = DraftStatus.APPROVED if approve else DraftStatus.REFUSED
            s.review_example(number, status, reviewer, text=redacted(text), intent=intent if approve else "")

        self.store.write(work).result()

    def review_entry(self, number: int, reviewer: str, approve: bool) -> None:
        """Approve a draft of an entry or refuse it. Refused: own, done."""

        def work(s: Session) -> None:
            draft = s.entry_draft(number)
            self._may_review(draft.status, draft.author, reviewer, approve)
            s.review_entry_draft(number, DraftStatus.APPROVED if approve else DraftStatus.REFUSED, reviewer)

        self.store.write(work).result()

    def _may_review(self, status: DraftStatus, author: str, reviewer: str, approve: bool) -> None:
        if status is not DraftStatus.AWAITING:
            raise Refused("done")
        if approve and self.second_person and author == reviewer:
            raise Refused("own")

    def _teachable(self, text: str, intent: str) -> str:
        text = " ".join(clean(text).split())
        kinds: Mapping[str, object] = self.answering.kinds
        if intent not in kinds and intent != OUT_OF_SCOPE:
            raise Refused("wrong_topic")
        if not bare(text):
            raise Refused("empty")
        if len(text) > LONGEST_EXAMPLE:
            raise TooMuch("characters in an example", LONGEST_EXAMPLE)
        return text
