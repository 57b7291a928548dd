"""What could be learned: labelled words and drafts of entries, waiting for review; and the trainings that took them in."""

from dataclasses import replace
from datetime import datetime

from pydantic import TypeAdapter

from bot.domain import DraftStatus, EntryDraft, Example, Generation, GenerationState
from bot.errors import NotFound
from bot.store import rows
from bot.store.base import Base

_ENTRY = TypeAdapter(EntryDraft)
_GENERATION = TypeAdapter(Generation)


class Examples(Base):
    """Examples, drafts and generations."""

    def add_example(self, example: Example, conversation: int, at: datetime) -> None:
        """Keep an example for review; the same words with the same label are kept once while they wait."""
        known = self._one(
            "select 1 from examples where text = ? and intent = ? and status = ?", example.text, example.intent, example.status.value
        )
        if known is None:
            values = {"text": example.text, "intent": example.intent, "source": example.source, "question": example.question}
            more = {"conversation": conversation, "status": example.status.value, "at": rows.stamp(at), "author": example.author}
            self._insert("examples", {**values, **more})

    def examples(self, status: DraftStatus = DraftStatus.AWAITING, limit: int = 200) -> tuple[Example, ...]:
        """Examples in this state, oldest first."""
        found = self._rows("select * from examples where status = ? order by id limit ?", status.value, limit)
        return tuple(_example(row) for row in found)

    def example(self, number: int) -> Example:
        """One example."""
        row = self._one("select * from examples where id = ?", number)
        if row is None:
            raise NotFound(f"example {number}")
        return _example(row)

    def review_example(self, number: int, status: DraftStatus, reviewer: str = "", *, text: str = "", intent: str = "") -> None:
        """Note what a librarian decided about an example, with the words and the label as they were corrected."""
        self._db.conn.execute(
            "update examples set status = ?, reviewer = ?, text = coalesce(nullif(?, ''), text), intent = coalesce(nullif(?, ''), intent)"
            " where id = ?",
            (status.value, reviewer, text, intent, number),
        )

    # --- entries ---

    def add_entry_draft(self, draft: EntryDraft, at: datetime) -> int:
        """Keep a draft for review."""
        return self._insert(
            "entry_drafts",
            {
                "intent": draft.intent, "body": _ENTRY.dump_json(draft).decode(), "author": draft.author, "question": draft.question,
                "status": draft.status.value, "at": rows.stamp(at),
            },
        )  # fmt: skip

    def entry_drafts(self, status: DraftStatus = DraftStatus.AWAITING) -> tuple[EntryDraft, ...]:
        """Drafts in this state, oldest first."""
        return tuple(_draft(row) for row in self._rows("select * from entry_drafts where status = ? order by id", status.value))

    def entry_draft(self, number: int) -> EntryDraft:
        """One draft."""
        row = self._one("select * from entry_drafts where id = ?", number)
        if row is None:
            raise NotFound(f"draft {number}")
        return _draft(row)

    def review_entry_draft(self, number: int, status: DraftStatus, reviewer: str) -> None:
        """Note what a librarian decided about a draft."""
        self._db.conn.execute("update entry_drafts set status = ?, reviewer = ? where id = ?", (status.value, reviewer, number))

    # --- trainings ---

    def add_generation(self, generation: Generation, examples: tuple[int, ...], entries: tuple[int, ...]) -> Generation:
        """Keep how a training ended; one that went live takes its examples and drafts with it."""
        number = self._insert(
            "generations",
            {"at": rows.stamp(generation.at), "librarian": generation.librarian, "state": generation.state.value, "body": "{}"},
        )
        stored = replace(generation, id=number)
        self._save(stored)
        if stored.state is GenerationState.LIVE:
            for table, numbers in (("examples", examples), ("entry_drafts", entries)):
                self._db.conn.executemany(
                    f"update {table} set status = ?, generation = ? where id = ?",
                    [(DraftStatus.TAUGHT.value, number, each) for each in numbers],
                )
        return stored

    def undo_generation(self, generation: Generation) -> None:
        """What a training took in waits for the next one again."""
        self._save(replace(generation, state=GenerationState.UNDONE))
        for table in ("examples", "entry_drafts"):
            self._db.conn.execute(
                f"update {table} set status = ?, generation = 0 where generation = ?", (DraftStatus.AWAITING.value, generation.id)
            )

    def _save(self, generation: Generation) -> None:
        body = _GENERATION.dump_json(generation).decode()
        self._db.conn.execute("update generations set state = ?, body = ? where id = ?", (generation.state.value, body, generation.id))

    def generations(self, limit: int = 20) -> tuple[Generation, ...]:
        """Trainings, the newest first."""
        return tuple(
            _GENERATION.validate_json(row["body"]) for row in self._rows("select body from generations order by id desc limit ?", limit)
        )


def _example(row: rows.Row) -> Example:
    return Example(
        row["text"], row["intent"], row["source"], row["question"], DraftStatus(row["status"]), row["id"], rows.moment(row["at"]),
        row["author"], row["reviewer"],
    )  # fmt: skip


def _draft(row: rows.Row) -> EntryDraft:
    stored = _ENTRY.validate_json(row["body"])
    return replace(stored, id=row["id"], status=DraftStatus(row["status"]), reviewer=row["reviewer"], at=rows.moment(row["at"]))
