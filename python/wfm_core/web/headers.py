# SPDX-License-Identifier: GPL-3.0-or-later
"""What is said with every answer, so that a browser runs and shows nothing but the page's own files."""

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse

_POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self'",
        "connect-src 'self'",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
        "require-trusted-types-for 'script'",  # texts made into markup would be an error, should one slip in
        "trusted-types 'none'",
    )
)
_SAID = {
    "Content-Security-Policy": _POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
}
_OURS = ("", "same-origin", "none")
"""Who a browser says has asked: not said, this page, or the user by the address bar."""


class OwnPagesOnly:
    """Refuses what pages of other sites ask for, but that a link leads here, and adds the headers to all answers."""

    def __init__(self, app):
        self._app = app

    async def __call__(self, scope, receive, send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def send_with_headers(message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers.update(_SAID)
                headers.setdefault("Cache-Control", "no-cache")
            await send(message)

        asked = Headers(scope=scope)
        followed = asked.get("sec-fetch-mode") == "navigate" and scope["path"] == "/"
        if asked.get("sec-fetch-site", "") in _OURS or followed:
            await self._app(scope, receive, send_with_headers)
        else:
            await PlainTextResponse("another site asked for this\n", 403)(scope, receive, send_with_headers)
