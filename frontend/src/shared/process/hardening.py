"""Keeps other processes of the same user from looking into this one."""

from __future__ import annotations

import ctypes
import logging
import os
import sys

log = logging.getLogger(__name__)

PR_SET_DUMPABLE = 4
"""The number of this option of `prctl` on Linux (linux/prctl.h)."""


def forbid_inspection() -> None:
    """Make Linux refuse other processes of the same user this one's environment, memory and descriptors.

    Call it first in a program that holds a token, before slow imports. It lasts until the next exec:
    processes started from here can be inspected again, as the worker does to count the memory of evaluations.
    Linux refuses nothing to root. Other systems have no such switch.
    """
    if sys.platform != "linux":
        return
    prctl = ctypes.CDLL(None, use_errno=True).prctl
    if prctl(PR_SET_DUMPABLE, *[ctypes.c_ulong(0)] * 4) != 0:
        log.warning(
            "Linux does not hide this process from others of the same user (prctl: %s), so whatever runs as "
            "this user can read its token. Run nothing else as this user.",
            os.strerror(ctypes.get_errno()),
        )
