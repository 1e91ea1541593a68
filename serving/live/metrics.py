"""The metrics of the WebSocket, beside `active_websocket_connections`."""

from __future__ import annotations

from typing import Final

from prometheus_client import Counter, Histogram

NOTICES_SENT: Final = Counter("aurora_live_messages_sent_total", "Messages pushed to sockets", ["way"])
RESYNCS: Final = Counter("aurora_live_resyncs_total", "Cursors that could not be resumed from", ["reason"])
SOCKETS_CLOSED: Final = Counter("aurora_live_sockets_closed_total", "Sockets that we closed", ["code"])
NOTICE_DELAY: Final = Histogram(
    "aurora_live_message_delay_seconds",
    "From the transaction that wrote a notice to the sockets of this worker",
    buckets=(0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 5),
)
