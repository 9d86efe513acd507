"""A step between a supervisor and its child: give up root, arrange to die with the parent, become the programme.

Run as a script by the child process itself, with nothing but the standard library, because the alternative (code
between fork and exec) is unsafe as soon as the parent has threads:

    python tether.py PARENT_PID SIGNAL UID:GID|- PROGRAMME [ARGUMENT …]
"""

import ctypes
import os
import sys

PR_SET_PDEATHSIG = 1


def main(parent: int, signal: int, account: str, command: list[str]) -> None:
    """Replace this process by the command."""
    if account != "-":
        uid, gid = map(int, account.split(":"))
        os.setgroups([])
        os.setgid(gid)
        os.setuid(uid)
    if sys.platform == "linux":
        # After the change of account, which would clear it.
        ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal)
    if os.getppid() != parent:
        sys.exit("the parent is gone already")
    os.execv(command[0], command)  # noqa: S606 - the whole purpose of this script


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), sys.argv[3], sys.argv[4:])
