"""What librarians teach, and what they have at hand."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class DraftStatus(StrEnum):
    """What became of something to be learned: AWAITING a second person, APPROVED for the next training, TAUGHT, or REFUSED."""

    AWAITING = "awaiting"
    APPROVED = "approved"
    TAUGHT = "taught"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class Example:
    """Words that somebody has labelled with an intent, for a librarian to review. `source` says how: by a patron's choice among
    "did you mean" (choice), or by a librarian (librarian), the `author`. `id` is 0 until stored."""

    text: str
    intent: str
    source: str
    question: int = 0
    status: DraftStatus = DraftStatus.AWAITING
    id: int = 0
    at: datetime | None = None
    author: str = ""
    reviewer: str = ""


@dataclass(frozen=True, slots=True)
class EntryDraft:
    """An answer that the bot does not have yet: a new intent with what it covers, its title and answer in both languages, examples of
    how it is asked, and the topic (file) it belongs to. `id` is 0 until stored."""

    intent: str
    topic: str
    covers: str
    titles: tuple[str, str]
    answers: tuple[str, str]
    examples: tuple[str, ...]
    author: str
    source: str = ""
    question: int = 0
    status: DraftStatus = DraftStatus.AWAITING
    id: int = 0
    at: datetime | None = None
    reviewer: str = ""


@dataclass(frozen=True, slots=True)
class CannedReply:
    """A reply kept ready: called up by `code`, of one `owner` or shared (''). `{{section.key}}` are facts of library.yml, `{ticket}`
    and `{me}` the ticket's number and the librarian's name."""

    code: str
    title: str
    text: str
    owner: str = ""
    id: int = 0


@dataclass(frozen=True, slots=True)
class Answered:
    """A question that a librarian has answered, with the first reply."""

    ticket: int
    question: str
    reply: str
    librarian: str
    at: datetime


class GenerationState(StrEnum):
    """How a training ended: LIVE, REFUSED for a reason, or UNDONE afterwards."""

    LIVE = "live"
    REFUSED = "refused"
    UNDONE = "undone"


@dataclass(frozen=True, slots=True)
class Change:
    """A message of the golden set about which the new model acts otherwise; acts are an action and an intent."""

    text: str
    label: str
    before: str
    after: str
    better: bool


@dataclass(frozen=True, slots=True)
class Generation:
    """One training: what came in, how the golden set changed, which files were written. `reasons` say why it was refused."""

    id: int
    at: datetime
    librarian: str
    state: GenerationState
    examples: int = 0
    entries: int = 0
    golden: int = 0
    changes: tuple[Change, ...] = ()
    reasons: tuple[str, ...] = ()
    files: tuple[str, ...] = ()
