"""What a request is refused for before any capability sees it, and what is told when we fail ourselves."""

from shared.errors import NotFound, ServiceError, Unavailable


class BadRequest(ServiceError):
    """The request cannot be read as what it claims to be."""

    kind = "bad-request"
    code = "bad_request"
    title = "The request cannot be read"


class NoSuchPath(NotFound):
    """Nothing is served at this address."""

    code = "no_such_path"
    title = "No such address"


class MethodNotAllowed(ServiceError):
    """The address exists, but not for this method; `Allow` names those that do."""

    kind = "wrong-method"
    code = "method_not_allowed"
    title = "Not with this method"


class TooLarge(ServiceError):
    """The body is larger than this address takes; smaller batches will do."""

    kind = "too-large"
    code = "too_large"
    title = "The body is too large"
    retry = "smaller"


class WrongMediaType(ServiceError):
    """The body is not of a media type that this address reads."""

    kind = "wrong-media-type"
    code = "wrong_media_type"
    title = "Media type not supported"


class BrokenJson(BadRequest):
    """The body is not JSON, or holds what JSON cannot carry."""

    code = "broken_json"
    title = "The body is not valid JSON"


class Internal(ServiceError):
    """We failed; nothing was kept. Quote the request id when you report it."""

    kind = "internal"
    code = "internal"
    title = "Something went wrong on our side"
    retry = "same"


class Busy(Unavailable):
    """The database is not reachable, or two writers met; send the same again, with the same Idempotency-Key or id."""

    code = "busy"
    title = "Busy at the moment"
