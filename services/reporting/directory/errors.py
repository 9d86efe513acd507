"""What can be wrong with a name from another service."""

from shared.errors import NotFound, Unavailable


class UnitNotFound(NotFound):
    """No unit has this id or code."""

    code = "unit_not_found"
    title = "No such unit"


class NothingKnownYet(Unavailable):
    """The first events, which name the body, have not arrived."""

    code = "nothing_known_yet"
    title = "Nothing is known yet"
