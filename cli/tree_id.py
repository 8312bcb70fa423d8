"""Git's id of a folder, whether it is committed yet or not."""

import hashlib
import os
from pathlib import Path


def tree_id(folder: Path) -> str:
    """The id that Git would give it with all that is in it."""
    children = [path for path in folder.iterdir() if path.name != ".git" and (path.is_symlink() or not _is_empty(path))]
    return _id("tree", b"".join(_entry(path) for path in sorted(children, key=_order)))


def _is_empty(path: Path) -> bool:
    """Of a folder that holds no file, however deep, Git knows nothing."""
    return path.is_dir() and not any(one.is_symlink() or one.is_file() for one in path.rglob("*"))


def _order(path: Path) -> bytes:
    return os.fsencode(path.name) + (b"/" if _is_folder(path) else b"")


def _is_folder(path: Path) -> bool:
    return path.is_dir() and not path.is_symlink()


def _entry(path: Path) -> bytes:
    if path.is_symlink():
        mode, digest = "120000", _id("blob", os.fsencode(path.readlink()))
    elif path.is_dir():
        mode, digest = "40000", tree_id(path)
    else:
        mode, digest = "100755" if os.access(path, os.X_OK) else "100644", _id("blob", path.read_bytes())
    return mode.encode() + b" " + os.fsencode(path.name) + b"\0" + bytes.fromhex(digest)


def _id(kind: str, content: bytes) -> str:
    return hashlib.sha1(f"{kind} {len(content)}\0".encode() + content, usedforsecurity=False).hexdigest()
