"""Who in a group is who in private, on channels that name the same person differently in each.

What goes on in private after a question in a group waits at the asker's address without the group, which such a channel
cannot write to. The asker says a word privately, gets a password for it, and says that in the group, once: who can say
it there has both accounts. By then it is used up, so that nobody who reads along can do anything with it.
"""

import re
import secrets
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import replace
from datetime import timedelta

from bot.desk.patrons import Patrons
from bot.domain import Conversation, ConversationState, Decision
from bot.messages import Action, Address, Language, Question, Reply, ReplyKind
from bot.store import Session
from bot.text import bare

_CUE = "pick_up"
_LASTS = timedelta(minutes=10)
_LETTERS = "23456789abcdefghjkmnpqrstuvwxyz"
_LENGTH = 8


class Pairing(Patrons):
    """Finding somebody's other name."""

    def _pairs(self, address: Address) -> bool:
        """Whether people have another name in private on this channel."""
        limits = self._limits.get(address.connector)
        return limits is not None and limits.groups and not limits.private

    def _wants_word(self, question: Question) -> bool:
        return self._pairs(question.address) and self.knowledge.cue(_CUE, question.text)

    def _word_in(self, question: Question) -> str:
        """The password that a message in a group says; '' for none."""
        said = bare(question.text) if self._pairs(question.address) else ""
        found = re.fullmatch(f"(.+?)([{_LETTERS}]{{{_LENGTH}}})", said)
        return found[2] if found and self.knowledge.cue(_CUE, found[1]) else ""

    def _give_word(self, question: Question) -> Future[tuple[Reply, ...]]:
        """A password for somebody who asks for one privately; an older one ends. What waits under this very name just comes."""

        def work(s: Session) -> tuple[Reply, ...]:
            if self._resend(s, question.address):
                s.add_question(s.conversation(question.address, self.visitor(question.address)), question, None, self.clock.now())
                return ()
            word = "".join(secrets.choice(_LETTERS) for _ in range(_LENGTH))
            s.pairing(word, question.address, self.clock.now(), until=self.clock.now() + _LASTS)
            return self._told(s, question, "pair_word", word=word, minutes=_LASTS // timedelta(minutes=1))

        return self._once(question, work)

    def _use_word(self, question: Question, word: str) -> Future[tuple[Reply, ...]]:
        """Somebody in a group says a password: what waited for them goes to the one it was given to."""

        def work(s: Session) -> tuple[Reply, ...]:
            now, address = self.clock.now(), question.address
            user = s.use_pairing(word, address.connector, now)
            if not user:
                return self._told(s, question, "pair_unknown")
            self._move_in(s, replace(address, room=""), Address(address.connector, user))
            s.link(address.connector, address.user, user)
            self._resend(s, Address(address.connector, user))
            return self._told(s, question, "pair_done")

        return self._once(question, work)

    def same(self, member: Address, friend: Address) -> None:
        """The platform itself says who a member of its groups is in private; what waits comes with that person's next message."""

        def work(s: Session) -> None:
            if s.linked(member.connector, member.user) != friend.user:
                self._move_in(s, member, friend)
                s.link(member.connector, member.user, friend.user)

        self.store.write(work).result()

    def _resend(self, s: Session, address: Address) -> int:
        now, limits = self.clock.now(), self._limits[address.connector]
        return s.resend(address, now, now + limits.window if limits.window else None)

    def _once(self, question: Question, work: Callable[[Session], tuple[Reply, ...]]) -> Future[tuple[Reply, ...]]:
        def take(s: Session) -> tuple[Reply, ...]:
            stored = s.replies_to(question)
            return work(s) if stored is None else stored

        return self.store.write(take)

    def _told(self, s: Session, question: Question, phrase: str, **values: object) -> tuple[Reply, ...]:
        """One sentence to a message that is no question."""
        now = self.clock.now()
        conversation = s.conversation(question.address, self.visitor(question.address))
        language = conversation.language or Language.ZH
        number = s.add_question(conversation, question, None, now)
        reply = Reply(ReplyKind.NOTICE, self._phrase(phrase, language, **values), language=language, action=Action.SOCIAL)
        decision = Decision(Action.SOCIAL, (reply,), conversation)
        return self._carry_out(s, decision, number, now)

    def _move_in(self, s: Session, old: Address, new: Address) -> None:
        """What was kept under the one name goes on under the other; an open ticket there stays the one that is talked about."""
        before = s.existing_conversation(old)
        if before is None or old == new:
            return
        after = s.conversation(new, self.visitor(new))
        s.adopt(before.id, after.id)
        if after.state is ConversationState.BOT:
            s.save_conversation(replace(before, id=after.id, address=new, visitor=after.visitor))
        s.save_conversation(Conversation(before.id, old, before.visitor, language=before.language))

    def _alone(self, s: Session, conversation: Conversation) -> Conversation:
        """The asker's conversation without the group, begun if there is none yet."""
        address = self._in_private(s, conversation.address)
        private = s.conversation(address, self.visitor(address))
        return private if private.language else replace(private, language=conversation.language)

    def _in_private(self, s: Session, address: Address) -> Address:
        known = s.linked(address.connector, address.user) if self._pairs(address) else ""
        return Address(address.connector, known or address.user)

    def _reachable(self, s: Session, private: Address) -> bool:
        """Whether somebody from a group can be written to at this address."""
        return self._limits[private.connector].private or s.is_linked(private.connector, private.user)
