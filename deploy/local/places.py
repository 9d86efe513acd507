"""Where Steward keeps its things on one machine, and who may enter there."""

import hashlib
import json
import os
import pwd
import secrets
import stat
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

CHECKOUT = Path(__file__).parents[2]
ROOT_STATE = Path("/var/lib/steward")


class CannotRun(Exception):
    """Something about this machine stands in the way; the message is one line that says what to do."""


@dataclass(frozen=True, slots=True)
class Account:
    """The user and group under which a programme runs."""

    name: str
    uid: int
    gid: int


def unprivileged() -> Account | None:
    """The account for what refuses to run as root; None where this process is not root anyway."""
    if os.getuid() != 0:
        return None
    entry = pwd.getpwnam("nobody")
    return Account(entry.pw_name, entry.pw_uid, entry.pw_gid)


def shared_directory() -> Path:
    """What all data directories share: programmes that were copied or downloaded."""
    return ROOT_STATE if os.getuid() == 0 else CHECKOUT / ".steward"


def default_data_directory() -> Path:
    """The data of this checkout: in it, or as root outside, where an unprivileged account can enter."""
    if os.getuid() != 0:
        return CHECKOUT / ".steward" / "data"
    return ROOT_STATE / hashlib.sha256(str(CHECKOUT).encode()).hexdigest()[:16]


def make_enterable(directory: Path) -> None:
    """Make a directory of ours, which as root any account may pass through but not list.

    One that is there already is only opened for passing through, and its parents stay as they are.
    """
    missing = [each for each in (directory, *directory.parents) if not each.exists()]
    root = os.getuid() == 0
    try:
        directory.mkdir(parents=True, exist_ok=True)
        for each in missing:
            each.chmod(0o711 if root else 0o700)
        if root and not missing:
            directory.chmod(stat.S_IMODE(directory.stat().st_mode) | 0o001)
    except OSError as error:
        raise CannotRun(f"{directory} cannot be made: {error.strerror}; choose another --data-dir.") from error


def check_enterable(directory: Path, account: Account) -> None:
    """Raise CannotRun, with the reason, where the account cannot reach the directory."""
    for each in reversed((directory, *directory.parents)):
        if not each.exists():
            return  # we shall make it, and let the account in
        status = each.stat()
        needed = 0o100 if status.st_uid == account.uid else 0o010 if status.st_gid == account.gid else 0o001
        if not status.st_mode & needed:
            raise CannotRun(
                f"PostgreSQL does not run as root, and its account «{account.name}» cannot enter {each}: "
                "choose another --data-dir, or start Steward as an ordinary user."
            )


def write_private(file: Path, content: str) -> None:
    """Replace a file as a whole: readers see the old or the new content, and only its owner sees any."""
    temporary = file.with_name(f".{file.name}.{secrets.token_hex(4)}")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as stream:
        stream.write(content)
        stream.flush()
        os.fsync(stream.fileno())
    temporary.replace(file)


def passwords_in(directory: Path, names: Sequence[str]) -> dict[str, str]:
    """A random password per name, made once for a data directory and readable by its owner only."""
    file = directory / "passwords.json"
    kept: dict[str, str] = json.loads(file.read_text()) if file.exists() else {}
    missing = {name: secrets.token_urlsafe(24) for name in names if name not in kept}
    if missing:
        write_private(file, json.dumps(kept | missing, indent=2))
    return kept | missing
