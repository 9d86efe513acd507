"""Settings of one service, read once from the environment."""

from datetime import timedelta
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import BaseModel, Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

Algorithm = Literal["ES256", "ES384", "ES512", "RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "Ed25519"]
"""Only those with a public key: with a shared secret, whoever can check a token can also make one."""
_KNOWN_PASSWORDS = frozenset({"", "admin", "changeme", "dev", "password", "postgres", "secret", "steward", "test"})


RouteClass = Literal["reads", "writes", "public_posts", "sign_in", "feed"]
RateText = Annotated[str, Field(pattern=r"^([1-9][0-9]{0,8}/(second|minute|hour|day)|unlimited)$")]


class UnsafeSettings(Exception):
    """The settings would run a service for real with what is made for trying it out."""


class ClaimRule(BaseModel):
    """A value of a claim that stands for a role.

    `claim` may be a path: Keycloak's `realm_access.roles` and `resource_access.steward.roles`.
    `value` may end in `@{unit}`: `data_provider@{unit}` matches `data_provider@RF4` and gives the role for RF4.
    """

    claim: str
    value: str
    role: str
    unit: str | None = None


class Issuer(BaseModel):
    """A source of tokens this service trusts."""

    issuer: str
    jwks_url: str
    audience: str
    algorithms: list[Algorithm] = ["ES256", "RS256"]
    typ: list[str] = ["at+jwt"]
    subject: str = "sub"
    """The claim that says who it is. For Entra ID `oid`: its `sub` differs between the pages' client and the API."""
    local: bool = False
    """Made by deploy/local; refused unless STEWARD_ENV is local."""
    claims: list[ClaimRule] = []


class SignInSettings(BaseModel):
    """The issuer at which people sign in with a browser; addresses left out are read from its discovery document.

    It is one of `issuers` as well: the access token that comes with a sign-in is checked as one sent to the API.
    """

    issuer: str
    client_id: str
    client_secret: SecretStr | None = None
    """None for a public client, which PKCE alone protects."""
    scope: str = "openid profile"
    """With `offline_access`, where the issuer asks for it, sessions outlive an access token of a few minutes."""
    algorithms: list[Algorithm] = ["ES256", "RS256"]
    """Of the ID token."""
    subject_is_login_hint: bool = False
    """Whether the issuer takes the subject of a token as `login_hint`; most want the name that people sign in with."""
    authorize_url: str | None = None
    token_url: str | None = None
    jwks_url: str | None = None
    end_session_url: str | None = None


class ServiceSettings(BaseSettings):
    """What the three services have in common; each subclasses it for its own database variable."""

    model_config = SettingsConfigDict(env_prefix="STEWARD_", env_nested_delimiter="__", extra="ignore")

    env: str = "production"
    body: str = "body"
    """The slug of the body this deployment serves: the second word of an event's source."""
    database_url: SecretStr
    events: str = "feed"
    """`feed`, or `kafka://host:port[,host:port]`."""
    feeds: dict[str, str] = {}
    """Base URL of each service whose log this one may follow."""
    most_waiting: Annotated[int, Field(ge=1)] = 1_000_000
    """Rows in the outbox, or in the queue of answers, beyond which writes are refused until they are worked off."""
    longest_waiting: timedelta = timedelta(minutes=10)
    """How old the oldest event in the outbox may be before writes are refused."""
    issuers: list[Issuer] = []
    token_url: str | None = None
    client_id: str | None = None
    client_secret: SecretStr | None = None
    sign_in: SignInSettings | None = None
    """Needs the public address of the service in `links`."""
    metrics_port: int | None = None
    metrics_host: str = "127.0.0.1"
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    collector_origins: list[str] = []
    """Origins of other sites whose pages may send answers to a survey, such as `https://www.example.org`."""
    links: Annotated[dict[str, str], Field(description="Public address of each service, for links between pages")] = {}
    hosts: list[str] = []
    """The host names this service answers to, `*.body.example` among them; empty for any."""
    trusted_proxies: list[str] = []
    """Addresses or networks whose X-Forwarded-For and X-Forwarded-Proto are believed."""
    rates: dict[RouteClass, RateText] = {}
    """How often one caller may ask, by class of route, such as `{"writes": "6000/minute"}`; see GET /v1/limits."""
    replicas: Annotated[int, Field(ge=1, le=1000)] = 1
    """How many processes serve this service: each allows its part of a rate, unless they count together."""
    shared_counts: SecretStr | None = None
    """`redis://…` or `rediss://…`, where all replicas count together."""

    tls: Literal["none", "proxy"] = "none"
    """`proxy`: something in front of this service speaks TLS, and only that reaches its plain HTTP."""

    def refuse_unsafe(self, *, serves: bool = False) -> None:
        """Raise where a run that is not local has what is made for trying out, or `serves` requests without TLS."""
        if self.env == "local":
            return
        if local := [issuer.issuer for issuer in self.issuers if issuer.local]:
            raise UnsafeSettings(f"{local[0]} is a local issuer, but STEWARD_ENV is {self.env!r}.")
        if self.sign_in and not self.sign_in.issuer.startswith("https://"):
            raise UnsafeSettings(f"{self.sign_in.issuer}, at which people sign in, is not an https address.")
        login = urlsplit(self.database_url.get_secret_value())
        if login.password is not None and login.password.lower() in {*_KNOWN_PASSWORDS, login.username}:
            raise UnsafeSettings(f"The password of the database login {login.username} is one that everybody knows.")
        if serves and self.tls != "proxy":
            raise UnsafeSettings(
                f"This service speaks plain HTTP, but STEWARD_ENV is {self.env!r}: put a proxy with TLS in front of it "
                "and say so with STEWARD_TLS=proxy."
            )
