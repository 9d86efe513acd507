"""By whom a request is counted: the principal of its token once that is verified, else the address it comes from."""

from ipaddress import IPv6Address, ip_address
from typing import NamedTuple

from starlette.types import Scope

_IPV6_NETWORK_BITS = 64


class Counted(NamedTuple):
    """Whom a request is counted for; never logged, since an address is personal data."""

    key: str
    is_principal: bool


def counted(scope: Scope) -> Counted:
    """Whom this request is counted for, as RateLimits has found out, or by its address."""
    found: Counted | None = scope.get("steward.counted")
    return found or Counted(address_of(scope), is_principal=False)


def address_of(scope: Scope) -> str:
    """The client's address; of IPv6 the network of 64 bits, since one household has all the addresses in it.

    uvicorn has put the client behind a trusted proxy here already (`STEWARD_TRUSTED_PROXIES`).
    """
    client = scope.get("client")
    if client is None:
        return "unknown"
    host = str(client[0])
    if ":" not in host:
        return host
    try:
        address = ip_address(host.partition("%")[0])
    except ValueError:
        return host
    if not isinstance(address, IPv6Address):
        return host
    if address.ipv4_mapped is not None:
        return str(address.ipv4_mapped)
    return str(IPv6Address(int(address) >> _IPV6_NETWORK_BITS << _IPV6_NETWORK_BITS))
