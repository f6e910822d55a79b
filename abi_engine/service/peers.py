"""Who is at the other end of a Unix socket, as the kernel tells. Refuses to believe the peer."""

from __future__ import annotations

import socket
import struct
import sys

ROOT = 0


def peer_uid(connected: socket.socket) -> int:
    """The user that the process at the other end had when it connected."""
    if sys.platform == "linux":
        credentials = connected.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12)
        return int(struct.unpack("3i", credentials)[1])
    # SOL_LOCAL and LOCAL_PEERCRED of the BSDs: a version, then the user.
    credentials = connected.getsockopt(0, 1, 76)
    return int(struct.unpack_from("II", credentials)[1])


def is_friend(uid: int, own: int) -> bool:
    """Whether that user may use an engine of the user `own`: the same, or root."""
    return uid in (own, ROOT)
