"""A small disk in memory, for a PostgreSQL that shall run out of space."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_PAGE = 4096


class Disk:
    """A file system of so many MB that can be filled to the last byte, and emptied again of what filled it."""

    def __init__(self, megabytes: int) -> None:
        self._megabytes = megabytes
        self._ballast: Path | None = None

    @staticmethod
    def missing() -> str | None:
        """One line saying why this machine can mount none, or None where it can."""
        return None if os.geteuid() == 0 and shutil.which("mount") else "a disk that fills up needs root, to mount one"

    @contextmanager
    def mounted(self, place: Path) -> Iterator[None]:
        """The disk, mounted at an empty directory while the block runs."""
        place.mkdir(parents=True)
        subprocess.run(
            ["mount", "-t", "tmpfs", "-o", f"size={self._megabytes}m", "tmpfs", str(place)],
            check=True,
        )
        self._ballast = place / "ballast"
        try:
            yield
        finally:
            subprocess.run(["umount", "--lazy", str(place)], check=True)

    def fill(self) -> int:
        """Take all the space there is, also what is taken meanwhile by others and given back; how many bytes."""
        assert self._ballast
        part = shutil.disk_usage(self._ballast.parent).free
        with self._ballast.open("ab") as ballast:
            before = size = ballast.tell()
            while part >= _PAGE:
                try:
                    os.posix_fallocate(ballast.fileno(), size, part)
                    size += part
                    part = shutil.disk_usage(self._ballast.parent).free
                except OSError:  # somebody was quicker
                    part //= 2
        return size - before

    def make_room(self) -> None:
        """Give the space back."""
        assert self._ballast
        self._ballast.unlink(missing_ok=True)
