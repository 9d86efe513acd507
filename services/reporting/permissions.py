"""Who may read what in reporting; whatever is open is public."""

from typing import Annotated

from shared.http.auth import RolePermissions, UnitScope, offers
from shared.http.sign_in.visitors import page_offers

RawScope = Annotated[UnitScope | None, offers("results:read")]
"""The units in which the caller sees results that are not open; None for the public."""
PageScope = Annotated[UnitScope | None, page_offers("results:read")]
"""The same of whoever is signed in with a browser."""

_READS = frozenset({"results:read"})

ROLES: RolePermissions = {
    "administrator": _READS | {"status:read"},
    "analyst": _READS,
    "auditor": _READS | {"status:read"},
    "data_provider": _READS,
    "goal_leader": _READS,
    "performance_officer": _READS | {"status:read"},
    "follower": frozenset({"events:follow"}),
}
