"""What can go wrong, in words that JSON, pages and consumers share; which status each kind becomes is shared.http's."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal

Kind = Literal[
    "bad-request",
    "not-signed-in",
    "forbidden",
    "not-found",
    "conflict",
    "gone",
    "precondition-failed",
    "precondition-required",
    "too-large",
    "too-slow",
    "address-too-long",
    "head-too-large",
    "wrong-media-type",
    "rule-broken",
    "too-many",
    "unavailable",
    "wrong-method",
    "internal",
]
Retry = Literal["never", "same", "after_login", "smaller"]


@dataclass(frozen=True, slots=True)
class FieldError:
    """One thing wrong with an input: where, what was sent (None where it must not be repeated), what would do."""

    where: str
    accepted: str
    sent: str | None = None


class ServiceError(Exception):
    """An anticipated failure, told to the caller with a stable code.

    ServiceError
    ├── NotFound            nothing there, or nothing the caller may see
    ├── Conflict            the state of the thing does not allow it
    │   └── CodeTaken       the code belongs, or once belonged, to something else
    ├── RuleBroken          the input is well formed, but a rule of the domain says no
    │   └── InvalidInput    the input is not well formed; names each field
    ├── Forbidden           the caller lacks the permission
    ├── PreconditionFailed  somebody else changed it first
    └── Unavailable         not now; the same request may succeed later
    """

    kind: ClassVar[Kind]
    code: ClassVar[str]
    title: ClassVar[str]
    retry: ClassVar[Retry] = "never"
    retry_after: ClassVar[int | None] = None
    """Seconds after which the same request is worth another try."""

    def __init__(
        self, detail: str, fields: Sequence[FieldError] = (), *, facts: Mapping[str, str | int] | None = None
    ) -> None:
        super().__init__(detail)
        self.detail = detail
        self.fields = tuple(fields)
        self.facts = dict(facts or {})
        """What a programme needs to go on, such as the current version; told beside the detail."""


class NotFound(ServiceError):
    """There is no such thing, or none that this caller may know of: the answer is the same."""

    kind = "not-found"
    code = "not_found"
    title = "Not found"


class Conflict(ServiceError):
    """The thing is in a state that does not allow this."""

    kind = "conflict"
    code = "conflict"
    title = "Conflict"


class CodeTaken(Conflict):
    """The code belongs, or once belonged, to something else: codes are never used twice."""

    code = "code_taken"
    title = "The code is taken"


class RuleBroken(ServiceError):
    """A rule of the domain refuses well-formed input."""

    kind = "rule-broken"
    code = "rule_broken"
    title = "A rule was broken"


class InvalidInput(RuleBroken):
    """The input does not fit; every field that does not is named."""

    code = "invalid_input"
    title = "Some of the input cannot be accepted"


class Forbidden(ServiceError):
    """The caller is known, but has no role that may do this."""

    kind = "forbidden"
    code = "forbidden"
    title = "Not allowed"


class PreconditionFailed(ServiceError):
    """The version the caller has seen is no longer the current one."""

    kind = "precondition-failed"
    code = "precondition_failed"
    title = "Changed since you read it"


class Unavailable(ServiceError):
    """Not now; the same request may succeed later."""

    kind = "unavailable"
    code = "unavailable"
    title = "Not available at the moment"
    retry = "same"
    retry_after = 2
