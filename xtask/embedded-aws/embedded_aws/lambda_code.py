"""Function packages on disk."""

import hashlib
import os
import shutil
import stat
import threading
import zipfile
from io import BytesIO
from pathlib import Path

_extracting = threading.Lock()


def extracted(package: bytes, folder: Path) -> Path:
    """The package's files, extracted once per content, with the modes and links the ZIP gives them."""
    target = folder / hashlib.sha256(package).hexdigest()[:24]
    with _extracting:
        if not target.is_dir():
            partial = target.with_suffix(".partial")
            shutil.rmtree(partial, ignore_errors=True)
            partial.mkdir(parents=True)
            with zipfile.ZipFile(BytesIO(package)) as archive:
                for entry in archive.infolist():
                    _extract(archive, entry, partial)
            partial.rename(target)
    return target


def _extract(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, folder: Path) -> None:
    mode = entry.external_attr >> 16
    if stat.S_ISLNK(mode):
        link = folder / entry.filename
        link.parent.mkdir(parents=True, exist_ok=True)
        link.symlink_to(archive.read(entry).decode())
        return
    path = archive.extract(entry, folder)
    if not entry.is_dir():
        # ZIPs made on systems without modes carry none; Lambda can read any file.
        os.chmod(path, (stat.S_IMODE(mode) or 0o644) | 0o444)
