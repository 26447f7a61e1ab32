"""Attachments that an import file names by path: found below the file's own folder, kept as blobs
before any row.
"""

import os
import stat
from pathlib import Path, PurePosixPath, PureWindowsPath

from foi.archive.blobs import BlobStore
from foi.archive.casework import File
from foi.archive.filetypes import EXTENSIONS, UNKNOWN, clean_name, sniff_file
from foi.archive.importing.values import check_text


def find_file(folder: Path, path: str) -> Path:
    """Give the file that a relative path names; ValueError when it is not a file in or below the
    folder.

    Neither `..` nor a symbolic link may lead out of it.
    """
    given = PurePosixPath(check_text(path, 1_000))
    if given.is_absolute() or ".." in given.parts or PureWindowsPath(path).drive or "\\" in path:
        raise ValueError(f"{path!r} is not a path within the folder of the import file")
    try:
        found = (folder / given).resolve(strict=True)
    except (
        OSError,
        RuntimeError,
    ):  # a loop of links is the one or the other, by the version of Python
        raise ValueError(f"there is no file {path!r} in the folder of the import file") from None
    if not found.is_relative_to(folder.resolve()):
        raise ValueError(f"{path!r} leads out of the folder of the import file")
    if not found.is_file():
        raise ValueError(f"{path!r} is not a file")
    return found


def hold(blobs: BlobStore, path: Path, name: str, limit: int) -> File:
    """Keep a file's bytes and describe it; ValueError when it cannot be read or is larger than
    `limit` bytes.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
        with os.fdopen(descriptor, "rb") as stream:
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                raise ValueError("is not a file")
            blob = blobs.put(stream, limit)
    except OSError as error:
        raise ValueError(f"the file cannot be read: {error.strerror}") from None
    media_type = sniff_file(blobs.path(blob.sha256), name)
    return File(clean_name(name, media_type), media_type, blob.size, blob.sha256)


def known_only(name: str, size: int | None, link: str) -> File:
    """Describe a file that is known but not held; its name is all that tells its type."""
    media_type = EXTENSIONS.get(name.rpartition(".")[2].lower(), UNKNOWN)
    return File(clean_name(name, media_type), media_type, size, None, link)
