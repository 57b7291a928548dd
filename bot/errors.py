"""One tree of errors, named by what happened; each carries its evidence.

RefdeskError
├── Defect(path, line, what)             a fault in data that people edit
│   └── listed by DefectsFound(defects)  raised when such data must not be used
├── WrongSetting(key, why)               refdesk.toml or the environment
├── UnknownConnector(name)
├── ModelUnusable(path, why)             missing, truncated, other version: retrain
├── EndedEarly(what, code)               a process that worked for this one is gone, killed or out of memory
├── EvidenceUnusable(path, why)          what was measured cannot be read: measure again
├── EmbeddingUnusable(path, why)         the embedding model's folder lacks a file, or its packages are not installed
├── EngineUnavailable(engine, why)       the Rasa server is down, slow, or answers nonsense
├── SignOnUnavailable(why)           the university's single sign-on is down, slow, or answers nonsense
├── StoreUnusable(path, why)             unwritable, newer version, not a database
├── Refused(why)                         a request that its sender can mend
│   ├── MoveRefused(what, status, why)   a ticket is not in the state that the step needs
│   ├── NotFound(what)
│   ├── LoginRefused(why)
│   ├── SignOnRefused(why)           the university's single sign-on does not vouch for somebody
│   ├── SecondFactorNeeded(half)     the password was right; a code must follow
│   └── TooMuch(what, limit)
└── DeliveryError(connector, why)
    ├── DeliveryFailed                   try again later
    ├── HookClosed                       the message that it hangs on takes no more replies: try with another
    ├── NumberTaken                      something else has gone out under this number: try with the next
    └── DeliveryRefused                  the platform will never take it: keep it in the mailbox
"""

from collections.abc import Iterable
from pathlib import Path


class RefdeskError(Exception):
    """Root of everything that Refdesk raises on purpose. Comes whole out of another process, evidence included."""

    def __reduce__(self) -> tuple[object, ...]:
        return Exception.__new__, (type(self), *self.args), self.__dict__


class Defect(RefdeskError):
    """One fault in a file that people edit; `line` counts from 1, 0 when the file as a whole is meant."""

    def __init__(self, path: Path | str, line: int, what: str) -> None:
        self.path, self.line, self.what = Path(path), line, what
        super().__init__(f"{self.path}:{line}: {what}" if line else f"{self.path}: {what}")


class DefectsFound(RefdeskError):
    """Data that must not be used, with every defect found in it."""

    def __init__(self, defects: Iterable[Defect]) -> None:
        self.defects = tuple(defects)
        super().__init__("\n".join(str(defect) for defect in self.defects))


class WrongSetting(RefdeskError):
    """A key of refdesk.toml or a REFDESK__ variable that is unknown or has an impossible value."""

    def __init__(self, key: str, why: str) -> None:
        self.key, self.why = key, why
        super().__init__(f"{key}: {why}")


class UnknownConnector(RefdeskError):
    """A [connectors.NAME] section without a file connectors/NAME.py."""

    def __init__(self, name: str) -> None:
        self.name = name
        super().__init__(f"connectors.{name}: there is no connector of this name")


class ModelUnusable(RefdeskError):
    """A model file that cannot be loaded; the remedy is `refdesk train`."""

    def __init__(self, path: Path, why: str) -> None:
        self.path, self.why = path, why
        super().__init__(f"{path}: {why}; run `refdesk train`")


class EndedEarly(RefdeskError):
    """Work in a process of its own did not come to its end; `code` is that process's exit code, minus the signal's number."""

    def __init__(self, what: str, code: int) -> None:
        self.what, self.code = what, code
        super().__init__(f"{what} ended early (exit code {code}): killed, or out of memory?")


class EvidenceUnusable(RefdeskError):
    """A file of evidence that cannot be read; the remedy is `refdesk evaluate --cross`."""

    def __init__(self, path: Path, why: str) -> None:
        self.path, self.why = path, why
        super().__init__(f"{path}: {why}; run `refdesk evaluate --cross`")


class EmbeddingUnusable(RefdeskError):
    """The folder of understanding.embedding cannot be used; the built-in engine answers without it."""

    def __init__(self, path: Path, why: str) -> None:
        self.path, self.why = path, why
        super().__init__(f"understanding.embedding {path}: {why}")


class EngineUnavailable(RefdeskError):
    """An understanding engine outside this process gave no usable prediction."""

    def __init__(self, engine: str, why: str) -> None:
        self.engine, self.why = engine, why
        super().__init__(f"{engine}: {why}")


class SignOnUnavailable(RefdeskError):
    """The university's single sign-on could not be asked; passwords still work."""


class StoreUnusable(RefdeskError):
    """The database cannot be opened as it is; nothing in it was changed."""

    def __init__(self, path: Path, why: str) -> None:
        self.path, self.why = path, why
        super().__init__(f"{path}: {why}")


class Refused(RefdeskError):
    """A request that is not carried out, with a reason that its sender can act on."""


class MoveRefused(Refused):
    """A ticket or conversation step that its state does not allow."""

    def __init__(self, what: str, status: str, why: str) -> None:
        self.what, self.status, self.why = what, status, why
        super().__init__(f"{what} is {status}: {why}")


class NotFound(Refused):
    """Nothing is stored under this number, code or name."""

    def __init__(self, what: str) -> None:
        self.what = what
        super().__init__(f"{what} was not found")


class LoginRefused(Refused):
    """Wrong name or password, a locked account, or a used or expired link."""


class SignOnRefused(Refused):
    """What came back from the university's single sign-on proves nothing."""


class SecondFactorNeeded(Refused):
    """The password was right and the account has a second factor; `half` stands for the sign-in until the code comes."""

    def __init__(self, half: str) -> None:
        self.half = half
        super().__init__("a code is needed")


class TooMuch(Refused):
    """A limit on size or rate was passed."""

    def __init__(self, what: str, limit: int) -> None:
        self.what, self.limit = what, limit
        super().__init__(f"{what}: the limit is {limit}")


class DeliveryError(RefdeskError):
    """A reply did not reach the platform."""

    def __init__(self, connector: str, why: str) -> None:
        self.connector, self.why = connector, why
        super().__init__(f"{connector}: {why}")


class DeliveryFailed(DeliveryError):
    """A passing fault; the outbox tries again."""


class HookClosed(DeliveryError):
    """The platform takes no more replies to this message; the outbox looks for another one, else for the mailbox."""


class NumberTaken(DeliveryError):
    """The platform has something else under this number of this message; the outbox gives out the next one."""


class DeliveryRefused(DeliveryError):
    """A lasting refusal; the reply stays in the asker's mailbox."""
