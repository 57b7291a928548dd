"""The desk and people it knows under two ids: a member of a group and the one who writes in private.

Where a platform does not say that the two are one person, they show it: whoever asks in private for what waits gets a
code, and says it in the group. Only the member can say it there, and it is of no use to those who read it.
"""

import re
from concurrent.futures import Future
from dataclasses import replace
from datetime import datetime, timedelta

from bot.desk.base import CODE_LETTERS, pick_up_code
from bot.desk.rooms import Rooms
from bot.messages import Address, Language, Question, Reply, ReplyKind
from bot.store import Session
from bot.text import clean, language_of

_LENGTH = 6
_CODE = re.compile(f"[{CODE_LETTERS}]{{{_LENGTH}}}")
_GOOD_FOR = timedelta(minutes=30)


class Persons(Rooms):
    """What askers can do, under whichever id."""

    def ask(self, question: Question) -> Future[tuple[Reply, ...]]:
        """As everywhere, under the id by which the person is known; codes are for this room alone."""
        limits = self._limits.get(question.address.connector)
        if limits is None or not limits.groups or limits.private:
            return super().ask(question)
        if not question.address.room:
            alone = self.knowledge.cue("pick_up", question.text)
            return self.store.write(lambda s: self._fetch(s, question)) if alone else super().ask(question)
        code = clean(question.text).strip().lower()
        if question.addressed and _CODE.fullmatch(code):
            friend = self.store.write(lambda s: s.use_code(code, question.address.connector, self.clock.now())).result()
            if friend:
                return self.store.write(lambda s: self._shown(s, question, friend))
        return super().ask(self._by_name(question))

    def fail(self, question: Question) -> Future[tuple[Reply, ...]]:
        """As everywhere."""
        return super().fail(self._by_name(question) if self.in_group(question.address) else question)

    def _by_name(self, question: Question) -> Question:
        return replace(question, address=self.store.read(lambda s: s.known_as(question.address)))

    def _fetch(self, s: Session, question: Question) -> tuple[Reply, ...]:
        """What waits for whoever asks for it; when nothing does, the way to what a group has left."""
        stored = s.replies_to(question)
        if stored is not None:
            return stored
        now, language = self.clock.now(), language_of(question.text) or Language.ZH
        conversation = s.conversation(question.address, self.visitor(question.address))
        number = s.add_question(conversation, question, None, now)
        s.save_conversation(replace(conversation, last_at=now))
        if s.resend(question.address, now, self._until(question.address, now)):
            return ()
        code = pick_up_code(_LENGTH)
        s.give_code(code, question.address, now, now + _GOOD_FOR)
        told = Reply(ReplyKind.NOTICE, self._phrase("person_code", language, code=code), language=language)
        return (self._send(s, conversation, told, now, answers=number),)

    def _shown(self, s: Session, question: Question, friend: Address) -> tuple[Reply, ...]:
        """A member has shown to be this friend."""
        now = self.clock.now()
        self._one_person(s, replace(question.address, room=""), friend)
        s.resend(friend, now, self._until(friend, now))
        where = replace(question.address, user=friend.user)
        conversation = s.conversation(where, self.visitor(where))
        number = s.add_question(conversation, question, None, now)
        if not self._speaks(where):
            return ()
        told = Reply(ReplyKind.NOTICE, self._phrase("person_known", conversation.language), language=conversation.language or Language.ZH)
        return (self._send(s, conversation, told, now, answers=number),)

    def same(self, member: Address, friend: Address) -> None:
        """The platform says that a member of its groups is this friend, whose next message has what waited sent."""
        self.store.write(lambda s: self._one_person(s, member, friend)).result()

    def _one_person(self, s: Session, member: Address, friend: Address) -> None:
        known = s.known_as(member).user
        s.is_person(member, friend)
        before = s.existing_conversation(member)
        if before is None or known not in (member.user, friend.user) or member.user == friend.user:
            return  # what they had before is with the one they were known as
        s.join(before, s.conversation(friend, self.visitor(friend)))

    def _until(self, address: Address, now: datetime) -> datetime | None:
        window = self._limits[address.connector].window
        return now + window if window else None
