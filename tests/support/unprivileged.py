"""Runs a command as an ordinary user without capabilities, also when the tests run as root.

Run as `python unprivileged.py COMMAND …`. The user lives in a user namespace. Files take it for root, so it
can read the checkout and the interpreter wherever they lie, as a real ordinary user could not below /root. In
`/proc` it is a user like any other: what a process hides belongs to the namespace's root, which is another.
`python unprivileged.py --beside PROCESS COMMAND …` runs a command as the same user as such a process.
"""

from __future__ import annotations

import ctypes
import os
import sys
from pathlib import Path

CLONE_NEWUSER = 0x10000000
USER = 1000
NOBODY = 4_200_000
"""The number, outside the namespace, of the root inside; nobody has it."""

YAMA = Path("/proc/sys/kernel/yama/ptrace_scope")
"""What Ubuntu sets to 1: then only what started a process can look into its memory, hidden or not."""


def memory_is_open() -> bool:
    """Whether Linux shows the memory of a process that does not hide to the other ones of its user."""
    return not YAMA.exists() or YAMA.read_text().strip() == "0"


def unprivileged(*command: str, beside: int | None = None) -> list[str]:
    """Return the command that runs this one as an ordinary user; `beside` is a process of the same user."""
    if os.getuid() != 0:
        return [*command]
    options = [] if beside is None else ["--beside", str(beside)]
    return [sys.executable, __file__, *options, *command]


def become_a_user() -> None:
    """Move this process into a namespace of its own; at its next exec it loses all capabilities."""
    told, tells = os.pipe()
    this = os.getpid()
    helper = os.fork()
    if helper == 0:  # a process outside has to say who is who inside
        os.close(tells)
        os.read(told, 1)
        for name in ("uid_map", "gid_map"):
            Path(f"/proc/{this}/{name}").write_text(f"{USER} 0 1\n0 {NOBODY} 1\n")
        os._exit(0)
    call("unshare", CLONE_NEWUSER)
    os.close(tells)
    os.close(told)
    _, status = os.waitpid(helper, 0)
    assert status == 0


def join(process: int) -> None:
    """Move this process into the namespace of another one; at its next exec it loses all capabilities."""
    with Path(f"/proc/{process}/ns/user").open() as namespace:
        call("setns", namespace.fileno(), CLONE_NEWUSER)


def call(name: str, *arguments: int) -> None:
    """Call a function of the C library that Python has only since 3.12."""
    if getattr(ctypes.CDLL(None, use_errno=True), name)(*arguments) != 0:
        why = os.strerror(ctypes.get_errno())
        sys.exit(f"{name}: {why}. Root needs user namespaces for this test: allow them, or run it as a user.")


if __name__ == "__main__":
    command = sys.argv[1:]
    if command[0] == "--beside":
        join(int(command[1]))
        command = command[2:]
    else:
        become_a_user()
    os.execvp(command[0], command)
