"""The requests that run, and the end of taking more."""

import threading
from typing import Any

import grpc

_HEALTH = "/grpc.health.v1.Health/"


class Running:
    """Counts the requests that run, over gRPC and REST, until no more are taken.

    Attributes:
        closing: Whether no more are taken; each that comes is refused as UNAVAILABLE, which
            clients send again, elsewhere.
    """

    def __init__(self) -> None:
        self.closing = False
        self._count = 0
        self._changed = threading.Condition()

    def begin(self) -> bool:
        """Notes that a request has begun; False if it must be refused."""
        with self._changed:
            if not self.closing:
                self._count += 1
            return not self.closing

    def end(self) -> None:
        """Notes that a request that had begun is answered."""
        with self._changed:
            self._count -= 1
            self._changed.notify_all()

    def close(self, grace: float) -> None:
        """Takes no more, and waits for those that run.

        Args:
            grace: Seconds to wait at most.
        """
        with self._changed:
            self.closing = True
            self._changed.wait_for(lambda: not self._count, grace)


class RefuseWhenClosing(grpc.ServerInterceptor):
    """Counts calls over gRPC, and refuses those that come too late.

    gRPC's own `stop` answers CANCELLED to calls that come at its very moment, which tells a client
    nothing; they are to be UNAVAILABLE.

    Args:
        running: Where they are counted.
    """

    def __init__(self, running: Running) -> None:
        self._running = running

    def intercept_service(self, continuation: Any, handler_call_details: Any) -> Any:
        """The handler of a call, counted; health is told to the last."""
        handler = continuation(handler_call_details)
        if handler is None or handler_call_details.method.startswith(_HEALTH):
            return handler

        def counted(request: Any, context: Any) -> Any:
            if not self._running.begin():
                context.abort(grpc.StatusCode.UNAVAILABLE, "the server is going down")
            try:
                return handler.unary_unary(request, context)
            finally:
                self._running.end()

        return grpc.unary_unary_rpc_method_handler(
            counted, handler.request_deserializer, handler.response_serializer
        )
