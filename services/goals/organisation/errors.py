"""What can go wrong with the body and its units."""

from shared.errors import Conflict, InvalidInput, NotFound, RuleBroken


class NoBody(NotFound):
    """The deployment has not been set up: `steward bootstrap --body …` makes its body."""

    code = "no_body"
    title = "There is no body yet"


class AnotherBody(Conflict):
    """One deployment serves one body, and this one serves another."""

    code = "another_body"
    title = "This deployment serves another body"


class UnknownUnit(NotFound):
    """There is no such unit, or it lies outside the caller's units."""

    code = "unknown_unit"
    title = "No such unit"


class TreeWouldBeCyclic(RuleBroken):
    """A unit cannot stand below itself."""

    code = "tree_would_be_cyclic"
    title = "The unit would stand below itself"


class RootStays(RuleBroken):
    """The body's root unit has no parent and no end."""

    code = "root_stays"
    title = "The root unit stays the root"


class EndsBeforeItBegins(InvalidInput):
    """The last day lies before the first."""

    code = "ends_before_it_begins"
    title = "The last day lies before the first"
