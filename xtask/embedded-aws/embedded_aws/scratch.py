"""The private folder of a launch: one launcher at a time, emptied before use and after."""

import fcntl
import os
import shutil
from contextlib import contextmanager
from pathlib import Path

MARK = ".embedded-aws"


class ScratchError(Exception):
    pass


@contextmanager
def private_scratch(path: Path):
    """Yield the absolute, empty scratch folder; leave it empty, or absent if it was absent."""
    path = Path(os.path.abspath(path))
    created = not path.exists()
    lock = _claim(path)
    try:
        _empty(path)
        yield path
    finally:
        _empty(path)
        (path / MARK).unlink(missing_ok=True)
        os.close(lock)
        if created:
            shutil.rmtree(path, ignore_errors=True)


def _claim(path: Path) -> int:
    """Lock the folder; refuse one in use, and one whose content is not a launcher's."""
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    if os.listdir(path) and not (path / MARK).exists():
        raise ScratchError(f"{path} is not empty and was not left by a launcher: pick another --scratch")
    lock = os.open(path / MARK, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(lock)
        raise ScratchError(f"{path} is in use by another launcher") from None
    path.chmod(0o700)
    return lock


def _empty(path: Path) -> None:
    for entry in path.iterdir():
        if entry.name == MARK:
            continue
        if entry.is_dir() and not entry.is_symlink():
            shutil.rmtree(entry, ignore_errors=True)
        else:
            entry.unlink(missing_ok=True)
