"""A small disk in memory, for a PostgreSQL that shall run out of space."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


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
        """Take all the space there is, and say how many bytes that was."""
        assert self._ballast
        size = self._ballast.stat().st_size if self._ballast.exists() else 0
        left = shutil.disk_usage(self._ballast.parent).free
        if left:
            with self._ballast.open("ab") as ballast:
                os.posix_fallocate(ballast.fileno(), size, left)
        return left

    def make_room(self) -> None:
        """Give the space back."""
        assert self._ballast
        self._ballast.unlink(missing_ok=True)
