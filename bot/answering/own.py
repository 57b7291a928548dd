"""What askers may know and decide about themselves: their open requests, and what is kept of them."""

from dataclasses import dataclass, replace

from bot.answering.base import Base, Situation
from bot.domain import Decision, Effects, Ticket
from bot.messages import Action, Choice, Reply, ReplyKind

CUES = ("my_requests", "my_records", "erase_records")
"""The cues after which a decision needs to know the asker's requests and records."""
_MOST_SHOWN = 5
_LONGEST_SHOWN = 40


@dataclass(frozen=True)
class Own(Base):
    """我的申请, 我的记录, 删除我的记录."""

    def _own(self, s: Situation) -> Decision | None:
        cue = next((name for name in CUES if self.knowledge.cue(name, s.question.text)), None)
        if cue is None or s.question.choice:
            return None
        if s.question.address.room:
            return self._say(s, ReplyKind.NOTICE, self._phrase(s, "only_in_private"))
        return {"my_requests": self._requests, "my_records": self._records, "erase_records": self._erase}[cue](s)

    def _requests(self, s: Situation) -> Decision:
        found = s.background.requests
        if not found:
            return self._say(s, ReplyKind.NOTICE, self._phrase(s, "requests_none"))
        lines = [self._line(s, ticket) for ticket in found]
        waiting = [ticket for ticket in found if not ticket.claimed_by][:_MOST_SHOWN]
        options = tuple(
            Choice(str(number), self._phrase(s, "request_withdraw", number=ticket.id), f"withdraw:{ticket.id}")
            for number, ticket in enumerate(waiting, 1)
        )
        return self._offering(s, self._phrase(s, "requests_open", requests="\n".join(lines)), options)

    def _line(self, s: Situation, ticket: Ticket) -> str:
        form = self.knowledge.form(ticket.intent, s.language)
        what = next((value for _, value in ticket.fields if value), "")
        what = what if len(what) <= _LONGEST_SHOWN else what[: _LONGEST_SHOWN - 1] + "…"
        return self._phrase(
            s, "request_line", number=ticket.id, title=form.title if form else ticket.intent, what=what,
            day=ticket.opened_at.astimezone(s.almanac.hours.zone).date().isoformat(), status=self._phrase(s, f"request_{ticket.status}"),
        )  # fmt: skip

    def _records(self, s: Situation) -> Decision:
        kept = s.background.kept
        since = kept.since.astimezone(s.almanac.hours.zone).date().isoformat() if kept and kept.since else "-"
        text = self._phrase(
            s, "records_kept", messages=kept.messages if kept else 0, since=since, requests=kept.open_requests if kept else 0,
            days=self.policy.keep_days, personal_days=self.policy.keep_personal_days,
        )  # fmt: skip
        return self._say(s, ReplyKind.NOTICE, text)

    def _erase(self, s: Situation) -> Decision:
        """Ask first: what is erased is gone."""
        options = (
            Choice("1", self._phrase(s, "erase_yes"), "erase:yes"),
            Choice("0", self._phrase(s, "erase_no"), "erase:no"),
        )
        open_requests = s.background.kept.open_requests if s.background.kept else 0
        also = self._phrase(s, "erase_requests", count=open_requests) if open_requests else ""
        s = replace(s, conversation=replace(s.conversation, form=None))
        return self._offering(s, self._phrase(s, "erase_ask", also=also), options)

    def _offering(self, s: Situation, text: str, options: tuple[Choice, ...]) -> Decision:
        reply = Reply(ReplyKind.NOTICE, text, choices=options, language=s.language, action=Action.SOCIAL)
        return Decision(Action.SOCIAL, (reply,), replace(s.conversation, options=options, asked=""))

    def _own_choice(self, s: Situation, verb: str, value: str) -> Decision | None:
        """What became of a choice that was offered above; None when it is another one."""
        if verb == "erase" and value == "yes":
            # Nothing is remembered: not the question, not what was said about it.
            decision = self._say(s, ReplyKind.NOTICE, self._phrase(s, "erased"))
            return replace(decision, effects=Effects(erase=True))
        if verb == "erase":
            return self._say(s, ReplyKind.NOTICE, self._phrase(s, "erase_kept"))
        if verb == "withdraw":
            decision = self._say(s, ReplyKind.NOTICE, self._phrase(s, "request_withdrawn", number=value))
            return replace(decision, effects=Effects(withdraw=int(value)))
        if verb == "sent":
            again = replace(s.conversation, options=())
            return self._say(s, ReplyKind.NOTICE, self._phrase(s, "form_sent_already"), conversation=again)
        return None
