"""The roles that the three services know, gathered from what each of them declares."""

from importlib import import_module

from deploy.postgres.bootstrap import SERVICES
from shared.http.auth import RolePermissions


def roles_of(service: str) -> RolePermissions:
    """Which permissions each role holds in one service."""
    roles: RolePermissions = import_module(f"services.{service}.permissions").ROLES
    return roles


def all_roles() -> list[str]:
    """Every role that opens at least one route of some service."""
    return sorted({role for service in SERVICES for role, permissions in roles_of(service).items() if permissions})


def roles_of_people() -> list[str]:
    """The roles that somebody signs in with; a follower is a system."""
    return [role for role in all_roles() if role != "follower"]
