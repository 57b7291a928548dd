"""Search over the words of all conversations: an index of single characters and words, asked for phrases."""

from bot.domain import Hit, TicketStatus
from bot.messages import Who
from bot.store import rows
from bot.store.base import Base
from bot.text import spaced

_FURTHEST = 2_000  # of a word that everybody says, only the newest messages are looked at
_FOUND = (
    "with found as (select rowid as id from search where search match ? order by rowid desc limit ?),"
    " best as (select m.conversation, max((m.who = 'patron') * 4000000000000 + m.id) as choice from found f join messages m on m.id = f.id"
    " where (? = '' or m.connector = ?) and (? = '' or m.language = ?) group by m.conversation)"
    " select m.id, m.conversation, m.who, m.text, m.at, m.connector, t.id as ticket, t.status from best b"
    " join messages m on m.id = b.choice % 4000000000000"
    " left join tickets t on t.id = coalesce(nullif(m.ticket, 0), (select max(o.id) from tickets o where o.question = m.id))"
    " order by m.id desc limit ? offset ?"
)


def phrases(words: str) -> str:
    """What is asked of the index: every word or run of characters as a phrase whose end may go on; '' when there is none."""
    parts = (spaced(word) for word in words.split())
    return " ".join(f'"{part}"*' for part in parts if part)


class Search(Base):
    """What was said, found again."""

    def search(self, words: str, *, channel: str = "", language: str = "", limit: int = 50, offset: int = 0) -> tuple[Hit, ...]:
        """Conversations in which all these words stand in one message, the newest first; each with its best message."""
        asked = phrases(words)
        if not asked:
            return ()
        found = self._rows(_FOUND, asked, _FURTHEST, channel, channel, language, language, limit, offset)
        return tuple(
            Hit(
                row["conversation"], row["id"], row["ticket"] or 0, Who(row["who"]), row["text"], rows.known(row["at"]), row["connector"],
                TicketStatus(row["status"]) if row["status"] else None,
            )
            for row in found
        )  # fmt: skip

    def said(self, words: str) -> bool:
        """Whether these words were ever said together."""
        asked = phrases(words)
        return bool(asked) and self._one("select 1 from search where search match ? limit 1", asked) is not None

    def recent_questions(self, limit: int) -> tuple[str, ...]:
        """What patrons asked last, each once, the newest first."""
        found = self._rows("select text from messages where who = ? and text != '' order by id desc limit ?", Who.PATRON.value, limit)
        return tuple(dict.fromkeys(row["text"] for row in found))
