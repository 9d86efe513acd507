"""What can be wrong with a response; none of it ever repeats an answer."""

from shared.errors import Conflict, InvalidInput, ServiceError, Unavailable


class InvalidAnswers(InvalidInput):
    """Some of the answers do not fit their questions; each question is named with its rule, never the answer."""

    code = "invalid_answers"
    title = "Some of the answers cannot be accepted"


class OtherContent(Conflict):
    """A response with this id is stored already and says something else; the stored one stays as it is."""

    code = "response_differs"
    title = "Another response has this id"


class VersionExpired(ServiceError):
    """The version of the questions was replaced too long ago; fetch the survey and ask again."""

    kind = "gone"
    code = "version_expired"
    title = "The questions are out of date"


class NotStored(Unavailable):
    """The database could not take the response; nothing is stored, and sending the same again is safe."""

    code = "not_stored"
    title = "Nothing was stored"


class RowRefused(NotStored):
    """The database refused one of the rows it was given; which one shows when each is tried alone."""


class TooManyAtOnce(NotStored):
    """More responses arrive than are written; nothing of this one is stored, and a moment later it will be."""

    retry_after = 1
