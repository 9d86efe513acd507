"""Anchors: the end of a log, signed and sent out of its reach, so that nobody can later shorten or rewrite it unseen.

An anchor is a JWS in compact form over a small JSON document, a line each: whoever has the public key can check it
with any library, without Steward.
"""

import asyncio
import json
import os
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final
from uuid import UUID

from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwk import OKPKey
from pydantic import BaseModel, ConfigDict, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from shared.database import SessionFactory, transaction
from shared.messaging.chain import Head
from shared.messaging.log import head_of
from shared.messaging.tables import AnchorColumns, EventTables
from shared.settings import UnsafeSettings

ALGORITHM: Final = "Ed25519"
_WEB = ("https://", "http://")


class AnchorSettings(BaseSettings):
    """How a log is anchored: STEWARD_ANCHOR_KEY_FILE and STEWARD_ANCHOR_TO; without them it is not."""

    model_config = SettingsConfigDict(env_prefix="STEWARD_ANCHOR_", extra="ignore")

    key_file: Path | None = None
    """The private Ed25519 key that signs, as PEM or JWK; only the process that anchors needs it."""
    public_key_file: Path | None = None
    """The public one, for who only checks."""
    to: str | None = None
    """A file to which a line is added, or an https address to which it is posted."""
    every: timedelta = timedelta(days=1)


class Anchor(BaseModel):
    """What is signed: where a log ended at a moment."""

    model_config = ConfigDict(frozen=True)

    body: str
    service: str
    log: UUID
    position: int
    hash: str
    at: datetime


@dataclass(frozen=True, slots=True)
class NotAnAnchor(Exception):
    """A line that nobody with the key has signed, or that was changed since."""

    line: int

    def __str__(self) -> str:
        return f"line {self.line} is not signed with this key"


def key_in(file: Path) -> OKPKey:
    """The Ed25519 key of a file."""
    try:
        key: OKPKey = OKPKey.import_key(file.read_bytes())
    except FileNotFoundError as error:
        raise UnsafeSettings(f"There is no key in {file}: «openssl genpkey -algorithm ed25519» makes one.") from error
    except (JoseError, ValueError) as error:
        raise UnsafeSettings(f"{file} holds no Ed25519 key, as PEM or JWK.") from error
    return key


def new_key(file: Path) -> None:
    """Make a key and keep it in a file that only its owner reads."""
    file.parent.mkdir(parents=True, exist_ok=True)
    file.touch(mode=0o600)
    file.write_bytes(OKPKey.generate_key(ALGORITHM, private=True).as_pem(private=True))


def signed(anchor: Anchor, key: OKPKey) -> str:
    """The anchor as a line."""
    header = {"alg": ALGORITHM, "kid": key.thumbprint()}
    return jws.serialize_compact(header, anchor.model_dump_json().encode(), key, algorithms=[ALGORITHM])


def read_anchor(line: str, key: OKPKey, *, number: int = 1) -> Anchor:
    """The anchor in a line, or NotAnAnchor."""
    try:
        payload = jws.deserialize_compact(line.strip(), key, algorithms=[ALGORITHM]).payload
        return Anchor.model_validate(json.loads(payload))
    except (JoseError, ValueError, ValidationError) as error:
        raise NotAnAnchor(number) from error


def anchors_in(text: str, key: OKPKey) -> Iterator[Anchor]:
    """The anchors of a file; raises NotAnAnchor at a line that is none."""
    for number, line in enumerate(text.splitlines(), start=1):
        if line.strip():
            yield read_anchor(line, key, number=number)


async def anchor(
    sessions: SessionFactory,
    tables: EventTables,
    settings: AnchorSettings,
    *,
    body: str,
    post: Callable[[str, str], Awaitable[None]],
    now: datetime,
    even_if_early: bool = False,
) -> Anchor | None:
    """Sign the end of the log and send it out, if that is due and the log has grown since; the anchor, if one was made.

    It is remembered only once it is out: what failed is tried again.
    """
    if settings.to is None or settings.key_file is None:
        raise UnsafeSettings("An anchor needs STEWARD_ANCHOR_TO and STEWARD_ANCHOR_KEY_FILE.")
    key = key_in(settings.key_file)
    kept = tables.anchor
    async with transaction(sessions) as session:
        head = await head_of(session, tables.log_head)
        newest = select(kept).order_by(col(kept.anchored_at).desc()).limit(1)
        last = (await session.exec(newest)).one_or_none()
    if last is not None and not even_if_early and not _is_due(last, head, now, settings.every):
        return None
    made = Anchor(
        body=body, service=tables.schema, log=head.log_id, position=head.position, hash=head.hash.hex(), at=now
    )
    line = signed(made, key)
    if settings.to.startswith(_WEB):
        await post(settings.to, line)
    else:
        await asyncio.to_thread(_add_line, Path(settings.to), line)
    row = {"log_id": head.log_id, "position": head.position, "hash": head.hash, "anchored_at": now, "signed": line}
    async with transaction(sessions) as session:
        await session.exec(insert(kept).values(row).on_conflict_do_nothing())
    return made


def _is_due(last: AnchorColumns, head: Head, now: datetime, every: timedelta) -> bool:
    return (last.log_id, last.position) != (head.log_id, head.position) and now - last.anchored_at >= every


async def kept_anchors(session: AsyncSession, tables: EventTables) -> list[str]:
    """The lines that this database remembers; those outside of it are worth more."""
    kept = tables.anchor
    return list((await session.exec(select(kept.signed).order_by(col(kept.anchored_at)))).all())


def _add_line(file: Path, line: str) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    with file.open("a") as out:
        out.write(line + "\n")
        out.flush()
        os.fsync(out.fileno())
