"""How uvicorn speaks HTTP and WebSocket, in production and in the tests."""

from __future__ import annotations

from typing import Any

from serving.live.wire import Wire
from serving.options import ApiOptions


def protocol(options: ApiOptions) -> dict[str, Any]:
    """Arguments of uvicorn's Config."""
    return {
        # uvicorn's "websockets-sansio" and what the live part needs besides.
        "ws": Wire,
        # Without per-message deflate a connection costs 22 KB instead of 120.
        "ws_per_message_deflate": False,
        "ws_max_size": 16 * 1024,
        "ws_ping_interval": options.heartbeat_seconds,
        "ws_ping_timeout": options.heartbeat_seconds,
        # X-Forwarded-For is anybody's claim unless a proxy of ours wrote it.
        "proxy_headers": bool(options.trusted_proxies),
        "forwarded_allow_ips": options.trusted_proxies or None,
        "server_header": False,
        # The application logs each request itself, with its id and without its query.
        "access_log": False,
        "log_config": None,
        "timeout_graceful_shutdown": 5,
    }
