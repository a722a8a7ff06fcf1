"""Runs a command with the network cut: `python tests/offline.py COMMAND ...`.

The command gets an empty network namespace with nothing but its own loopback (Jupyter
kernels need that), so whatever it does, it does without a network.  Where the system
has no such thing (macOS, Windows, a locked-down container) the command runs all the
same and a line says that the network was not cut.
"""

from __future__ import annotations

import ctypes
import errno
import os
import socket
import struct
import sys

CLONE_NEWUSER, CLONE_NEWNET = 0x10000000, 0x40000000
SIOCGIFFLAGS, SIOCSIFFLAGS, IFF_UP = 0x8913, 0x8914, 0x1


def _unshare(flags: int) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(flags) != 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code))


def _loopback_up() -> None:
    import fcntl  # not on Windows

    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        request = struct.pack("16sh14x", b"lo", 0)
        flags = struct.unpack("16sh14x", fcntl.ioctl(sock, SIOCGIFFLAGS, request))[1]
        request = struct.pack("16sh14x", b"lo", flags | IFF_UP)
        fcntl.ioctl(sock, SIOCSIFFLAGS, request)


def cut_network() -> None:
    """Move this process (and its children to come) into an empty network.

    Root needs a network namespace alone; others also need a user namespace of their
    own, in which they keep their name.

    Raises:
        OSError: if the system does not allow it.
    """
    uid, gid = os.geteuid(), os.getegid()
    try:
        _unshare(CLONE_NEWNET)
    except PermissionError:
        _unshare(CLONE_NEWUSER | CLONE_NEWNET)
        for name, text in (
            ("setgroups", "deny"),
            ("uid_map", f"{uid} {uid} 1"),
            ("gid_map", f"{gid} {gid} 1"),
        ):
            with open(f"/proc/self/{name}", "w") as file:
                file.write(text)
    _loopback_up()


def _refusal() -> int:
    """The error number cutting the network ends with; 0 where it works.

    Tried in a child, because an attempt that fails half way leaves a process with
    neither the network nor a loopback.
    """
    child = os.fork()
    if child == 0:
        try:
            cut_network()
        except OSError as error:
            os._exit(error.errno or 1)
        os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def main(command: list[str]) -> None:
    """Cut the network if that is possible, say whether, and become the command."""
    if not command:
        sys.exit("usage: python tests/offline.py COMMAND ...")
    refusal = _refusal() if sys.platform.startswith("linux") else errno.ENOSYS
    if refusal:
        reason = os.strerror(refusal)
        print(f"[offline] SKIPPED: the network is not cut ({reason})", flush=True)
    else:
        cut_network()
        os.environ["COURSE_OFFLINE"] = "1"
        print("[offline] the network is cut for this step", flush=True)
    os.execvp(command[0], command)


if __name__ == "__main__":
    main(sys.argv[1:])
