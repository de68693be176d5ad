"""Events that tests bring about by hand; AWS has no such requests."""

import json
import time

from ministack.services import sts

from .lambda_environments import environment_access_keys

PREFIX = "/_emu/"


async def answer(scope, send) -> None:
    hook = HOOKS.get(scope["path"].removeprefix(PREFIX)) if scope["method"] == "POST" else None
    status, body = (200, hook()) if hook else (404, {"hooks": [f"POST {PREFIX}{name}" for name in HOOKS]})
    headers = [(b"content-type", b"application/json")]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": json.dumps(body).encode()})


def _expire_sessions() -> dict:
    """Every temporary credential is out of date now, but for those that Lambda itself renews."""
    expired = [key for key in sts._sessions if key not in environment_access_keys]
    for key in expired:
        sts._sessions[key]["Expiration"] = time.time() - 1
    return {"expired": len(expired)}


HOOKS = {"expire-sessions": _expire_sessions}
