"""Serves the repaired emulator on a socket that is already bound."""

import asyncio
import os
import signal
import socket
import sys
import threading

from hypercorn.asyncio import serve
from hypercorn.config import Config
from ministack import app as emulator

from . import hooks, lambda_environments
from .settings import HOST, Settings


def run(listener: socket.socket, settings: Settings, on_ready) -> None:
    """Serve until asked to stop; `on_ready` is called once requests are answered."""
    # Not asyncio.run: that waits for worker threads, and so for invocations, before it returns.
    asyncio.new_event_loop().run_until_complete(_serve(listener, settings, on_ready))


def stop_at_end_of_stdin() -> None:
    """Stop when the other end of stdin is closed: the parent is gone, whatever killed it."""

    def watch():
        sys.stdin.buffer.read()
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=watch, daemon=True).start()


async def _serve(listener: socket.socket, settings: Settings, on_ready) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        loop.add_signal_handler(number, stop.set)
    announcing = asyncio.create_task(_announce(settings, on_ready))
    await serve(_application, _configuration(listener), shutdown_trigger=lambda: _stopped(stop))
    announcing.cancel()


def _configuration(listener: socket.socket) -> Config:
    config = Config()
    # A copy, because the server closes what it is given.
    config.bind = [f"fd://{os.dup(listener.fileno())}"]
    config.loglevel = "WARNING"
    config.keep_alive_timeout = 75
    config.graceful_timeout = 0.5
    return config


async def _stopped(stop: asyncio.Event) -> None:
    await stop.wait()
    # First of all, so that requests which wait for an invocation are answered and the server can close.
    await asyncio.to_thread(lambda_environments.end_all)


async def _announce(settings: Settings, on_ready) -> None:
    while True:
        try:
            reader, writer = await asyncio.open_connection(HOST, settings.port)
            writer.write(b"GET /_ministack/health HTTP/1.0\r\n\r\n")
            answered = await reader.read(1)
            writer.close()
            if answered:
                return on_ready()
        except OSError:
            pass
        await asyncio.sleep(0.02)


async def _application(scope, receive, send) -> None:
    if scope["type"] == "http" and scope["path"].startswith(hooks.PREFIX):
        await hooks.answer(scope, send)
    else:
        await emulator.app(scope, receive, send)
