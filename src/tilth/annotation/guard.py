"""Who may talk to the page: whoever knows the token, from a browser that shows this page, to this machine by name."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Awaitable, Callable, MutableMapping
from http.cookies import CookieError, SimpleCookie
from typing import Any, TypeAlias
from urllib.parse import parse_qs, urlsplit

Scope: TypeAlias = MutableMapping[str, Any]
Receive: TypeAlias = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send: TypeAlias = Callable[[MutableMapping[str, Any]], Awaitable[None]]
App: TypeAlias = Callable[[Scope, Receive, Send], Awaitable[None]]

HOSTS = frozenset({"127.0.0.1", "localhost", "::1"})
"""Names that mean this machine. Any other one is another's domain that resolves to it (DNS rebinding)."""
MOST_BYTES = 1_000_000
"""Of a request's body; an answer has some hundred."""
_HEADERS = {
    "content-security-policy": "default-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; "
    "object-src 'none'",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "cache-control": "no-store",
}


def cookie_name(token: str) -> str:
    """Of the cookie that holds the token; pages on other ports of this machine share the jar, and not the name."""
    return f"tilth_label_{hashlib.sha256(token.encode()).hexdigest()[:10]}"


class Guard:
    """An ASGI application around another, which sees no request that is not from its own page."""

    def __init__(self, app: App, token: str) -> None:
        self._app = app
        self._token = token

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, or refuse it with a sentence."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        if scope["type"] != "http":
            await send({"type": "websocket.close", "code": 1008})
            return
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        refused = self._stranger(scope, headers) or (_unfit(headers) if scope["method"] == "POST" else None)
        if refused is not None:
            await _refuse(send, *refused)
            return
        await self._app(scope, receive, _with_headers(send))

    def _stranger(self, scope: Scope, headers: dict[str, str]) -> tuple[int, str] | None:
        host = headers.get("host", "")
        if _hostname(host) not in HOSTS:
            return 403, f"This page is for this machine alone, and was asked for as {host[:100]!r}."
        origin = headers.get("origin")
        if origin is not None and origin != f"http://{host}":
            return 403, "Another page sent this; only tilth's own page may."
        if headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none") and scope["path"] != "/":
            return 403, "Another page sent this; only tilth's own page may."
        if not self._knows_token(scope, headers):
            return 403, "This needs the token: open the address that tilth label printed."
        return None

    def _knows_token(self, scope: Scope, headers: dict[str, str]) -> bool:
        tokens = parse_qs(scope["query_string"].decode("latin-1")).get("token", [])[:1] if scope["path"] == "/" else []
        try:
            morsel = SimpleCookie(headers.get("cookie", "")).get(cookie_name(self._token))
        except CookieError:
            morsel = None
        tokens += [morsel.value] if morsel is not None else []
        return any(hmac.compare_digest(one.encode(), self._token.encode()) for one in tokens)


def _unfit(headers: dict[str, str]) -> tuple[int, str] | None:
    """What is wrong with the body of a request, before it is read."""
    length = headers.get("content-length", "")
    if not length.isdigit():
        return 411, "A request says how long its body is."
    if int(length) > MOST_BYTES:
        return 413, f"A request has at most {MOST_BYTES:,} bytes, and this one {int(length):,}."
    if headers.get("content-type", "").partition(";")[0].strip() != "application/json":
        return 415, "A request is application/json."
    return None


def _hostname(host: str) -> str:
    try:
        return urlsplit(f"//{host}").hostname or ""
    except ValueError:
        return ""


def _with_headers(send: Send) -> Send:
    async def sending(message: MutableMapping[str, Any]) -> None:
        if message["type"] == "http.response.start":
            message = {**message, "headers": [*message["headers"], *_encoded()]}
        await send(message)

    return sending


def _encoded() -> list[tuple[bytes, bytes]]:
    return [(name.encode(), value.encode()) for name, value in _HEADERS.items()]


async def _refuse(send: Send, status: int, sentence: str) -> None:
    body = sentence.encode()
    plain = [(b"content-type", b"text/plain; charset=utf-8"), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": [*plain, *_encoded()]})
    await send({"type": "http.response.body", "body": body})
