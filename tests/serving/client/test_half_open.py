"""A connection that is open at one end only costs one call its deadline, and no other."""

import socket
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import grpc
import numpy as np
import pytest

from serving.client.transports.grpc_transport import GrpcTransport
from serving.status_error import Code, StatusError
from serving.wire.messages import message_class
from serving.wire.tensors import fill_content

REQUEST, RESPONSE = (
    message_class(f"tensorflow.serving.Predict{name}") for name in ("Request", "Response")
)
INPUTS, OUTPUTS = {"x": np.ones(2, np.float32)}, {"y": 1}


class Proxy:
    """Forwards connections to a port, until one of them is told to go silent."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self.connections: list[tuple[socket.socket, socket.socket]] = []
        self.silent: set[int] = set()
        self._accepting = threading.Thread(target=self._accept, daemon=True)
        self._accepting.start()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            try:
                server = socket.create_connection(("127.0.0.1", self._port))
            except OSError:  # the server has ended, and a client tries once more
                client.close()
                continue
            number = len(self.connections)
            self.connections.append((client, server))
            for ends in ((client, server), (server, client)):
                threading.Thread(target=self._pump, args=(*ends, number), daemon=True).start()

    def _pump(self, source: socket.socket, target: socket.socket, number: int) -> None:
        try:
            while data := source.recv(1 << 16):
                if number not in self.silent:
                    target.sendall(data)
        except OSError:
            return

    def close(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)  # closing alone does not wake who accepts
        self._accepting.join()
        self._listener.close()
        for end in (end for both in self.connections for end in both):
            end.close()


class Server:
    """Answers at once, but for the signature "slow", which waits to be told."""

    def __init__(self) -> None:
        self.asked, self.answer = threading.Event(), threading.Event()
        self._server = grpc.server(ThreadPoolExecutor(4))
        handler = grpc.unary_unary_rpc_method_handler(
            self._predict, REQUEST.FromString, RESPONSE.SerializeToString
        )
        service = "tensorflow.serving.PredictionService"
        generic = grpc.method_handlers_generic_handler(service, {"Predict": handler})
        self._server.add_generic_rpc_handlers((generic,))
        self.port = self._server.add_insecure_port("127.0.0.1:0")
        self._server.start()

    def _predict(self, request: Any, context: Any) -> Any:
        if request.model_spec.signature_name == "slow":
            self.asked.set()
            self.answer.wait(30)
        response = RESPONSE()
        fill_content(response.outputs["y"], np.ones(2, np.float32))
        return response

    def close(self) -> None:
        self.answer.set()
        self._server.stop(None).wait()


@pytest.fixture
def server() -> Iterator[Server]:
    server = Server()
    yield server
    server.close()


@pytest.fixture
def proxy(server: Server) -> Iterator[Proxy]:
    proxy = Proxy(server.port)
    yield proxy
    proxy.close()


def test_the_call_after_a_deadline_takes_another_connection(proxy: Proxy) -> None:
    """Every call on the old one ran into its deadline, for the minutes that TCP waits."""
    transport = GrpcTransport(f"127.0.0.1:{proxy.port}", "m")
    transport.run("s", INPUTS, OUTPUTS, 20)
    proxy.silent.add(0)
    with pytest.raises(StatusError) as caught:
        transport.run("s", INPUTS, OUTPUTS, 0.3)
    assert caught.value.code is Code.DEADLINE_EXCEEDED
    for _ in range(3):
        transport.run("s", INPUTS, OUTPUTS, 20)
    assert len(proxy.connections) == 2
    transport.close()
    with pytest.raises(StatusError, match="the client is closed"):
        transport.run("s", INPUTS, OUTPUTS, 20)


def test_a_deadline_of_one_call_ends_no_other_that_is_under_way(server: Server) -> None:
    transport = GrpcTransport(f"127.0.0.1:{server.port}", "m")
    with ThreadPoolExecutor(1) as pool:
        other = pool.submit(transport.run, "slow", INPUTS, OUTPUTS, 25)
        assert server.asked.wait(20)
        with pytest.raises(StatusError, match="DEADLINE_EXCEEDED"):
            transport.run("slow", INPUTS, OUTPUTS, 0.2)
        server.answer.set()
        np.testing.assert_array_equal(other.result(20)["y"], [1, 1])
    transport.close()
