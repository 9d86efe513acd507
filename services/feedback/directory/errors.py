"""What can be wrong with a name from another service."""

from shared.errors import RuleBroken, Unavailable


class UnknownHere(RuleBroken):
    """The unit or indicator does not exist, or goals has not told of it yet."""

    code = "unknown_here"
    title = "No such unit or indicator"


class BodyUnknown(Unavailable):
    """Goals has not told of the body yet, so nobody knows which day it is there."""

    code = "body_unknown"
    title = "The body is not known yet"
