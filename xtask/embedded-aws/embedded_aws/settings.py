"""What one launch of the embedded AWS was asked for."""

from dataclasses import dataclass
from pathlib import Path

HOST = "127.0.0.1"
MINISTACK = "1.5.33"


@dataclass(frozen=True)
class Settings:
    port: int
    scratch: Path
    node: Path
    account_id: str
    region: str
    enforce_iam: bool
    lambda_slots: int | None

    @property
    def endpoint(self) -> str:
        # By IP: an SDK turns `localhost` into `bucket.localhost`, which resolves nowhere.
        return f"http://{HOST}:{self.port}"

    @property
    def temp(self) -> Path:
        """Private folders of the execution environments, and the emulator's own temporary files."""
        return self.scratch / "tmp"

    @property
    def code(self) -> Path:
        """Extracted function packages, one folder per code hash."""
        return self.scratch / "task"

    @property
    def runtime_bin(self) -> Path:
        """The folder that holds `node` and nothing else, first in a function's PATH."""
        return self.scratch / "lang" / "bin"
