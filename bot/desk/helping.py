"""Help with an answer: curated entries found as one types, canned replies, and what was answered to questions like this one."""

import re
from dataclasses import dataclass
from datetime import timedelta

from rapidfuzz import fuzz, process

from bot import mining
from bot.desk.base import Base
from bot.domain import Answered, CannedReply, Entry
from bot.errors import NotFound, Refused, TooMuch
from bot.messages import Language
from bot.store import Session
from bot.text import bare

LONGEST_CANNED = 2_000
_CODE = re.compile(r"[a-z0-9\u4e00-\u9fff][a-z0-9_\u4e00-\u9fff-]{0,30}")
_FACT = re.compile(r"\{\{\s*([\w.]+)\s*\}\}")
_REMEMBERED = 2_000
_LIKE = 55.0
_FOUND = 45.0
_MOST = 6
_MINED = 3_000


@dataclass(frozen=True, slots=True)
class Aid:
    """What may help: entries in the asker's language, canned replies with everything filled in, earlier answers."""

    entries: tuple[Entry, ...]
    canned: tuple[CannedReply, ...]
    answered: tuple[Answered, ...]


class Helping(Base):
    """What librarians have at hand while they answer."""

    def aid(self, number: int, login: str, words: str) -> Aid:
        """For a ticket and the words typed into the search; without words, what its question suggests."""

        def work(s: Session) -> tuple[str, Language, tuple[CannedReply, ...], tuple[Answered, ...], str]:
            ticket = s.ticket(number)
            spoken = s.conversation_by_id(ticket.conversation).language or Language.ZH
            account = s.librarian(login)
            name = account.name if account else login
            return s.message(ticket.question).text, spoken, s.canned(login), s.answered(_REMEMBERED), name

        question, spoken, canned, answered, name = self.store.read(work)
        wanted = words.strip() or question
        filled = tuple(self._filled(reply, spoken, number, name) for reply in canned if not words or _in(words, reply))
        return Aid(self._entries(wanted, spoken), filled[:_MOST], _like(wanted, answered, number))

    def canned(self, login: str) -> tuple[CannedReply, ...]:
        """Shared canned replies and one's own, as they are written."""
        return self.store.read(lambda s: s.canned(login))

    def save_canned(self, reply: CannedReply, login: str) -> None:
        """Keep a canned reply. Refused: wrong_code, empty; TooMuch when it is too long."""
        if not _CODE.fullmatch(reply.code):
            raise Refused("wrong_code")
        if not reply.text.strip() or not reply.title.strip():
            raise Refused("empty")
        if len(reply.text) > LONGEST_CANNED:
            raise TooMuch("characters in a canned reply", LONGEST_CANNED)
        self.store.write(lambda s: s.save_canned(reply, login, self.clock.now())).result()

    def remove_canned(self, number: int, login: str, *, shared: bool) -> None:
        """Let go of one's own canned reply, or with `shared` also of one for all."""

        def work(s: Session) -> None:
            owner = s.canned_reply(number).owner
            if owner != login and not (shared and not owner):
                raise NotFound(f"canned reply {number}")
            s.remove_canned(number)

        self.store.write(work).result()

    def unanswered(self, days: int) -> tuple[mining.Heap, ...]:
        """What the bot could not answer in the last days, gathered by what it says."""
        since = self.clock.now() - timedelta(days=days)
        return mining.heaps(self.store.read(lambda s: s.handed_over(since, _MINED)))

    def _entries(self, words: str, language: Language) -> tuple[Entry, ...]:
        """Entries in force today whose title, or else text, is like the words."""
        today = self.clock.calendar().astimezone(self.hours.zone).date()
        current = [entry for entry in self.knowledge.entries if entry.language is language and entry.current(today)]
        asked = bare(words)
        titles = process.extract(asked, [bare(entry.title) for entry in current], scorer=fuzz.WRatio, score_cutoff=_FOUND, limit=_MOST)
        inside = [at for at, entry in enumerate(current) if asked and asked in bare(entry.answer)]
        order = dict.fromkeys([*(at for _, score, at in titles if score >= 80), *inside, *(at for *_, at in titles)])
        return tuple(current[at] for at in list(order)[:_MOST])

    def _filled(self, reply: CannedReply, language: Language, number: int, name: str) -> CannedReply:
        facts = self.knowledge.facts
        text = _FACT.sub(lambda found: facts.get((found[1], language), found[0]), reply.text)
        for variable, value in (("ticket", str(number)), ("me", name)):
            text = text.replace(f"{{{variable}}}", value)
        return CannedReply(reply.code, reply.title, text, reply.owner, reply.id)


def _in(words: str, reply: CannedReply) -> bool:
    asked = bare(words)
    return any(asked in bare(text) for text in (reply.code, reply.title, reply.text))


def _like(words: str, answered: tuple[Answered, ...], number: int) -> tuple[Answered, ...]:
    """Earlier answers to nearly the same question, the most alike first; each reply once."""
    others = [each for each in answered if each.ticket != number]
    found = process.extract(bare(words), [bare(each.question) for each in others], scorer=fuzz.ratio, score_cutoff=_LIKE, limit=3 * _MOST)
    once = {others[at].reply: others[at] for *_, at in reversed(found)}
    return tuple(reversed(once.values()))[:3]
