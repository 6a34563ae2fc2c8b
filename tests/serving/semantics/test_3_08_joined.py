"""`--enable_batching` in the local server: what is joined, split, filled up and refused."""

import shutil
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tensorflow_serving.apis import classification_pb2, regression_pb2

from serving import LocalServer, ServerOptions, StatusError
from serving.server.batching import Batcher, BatchingParameters
from serving.server.config_files import batching_parameters
from serving.server.metrics import Metrics
from serving.signatures import CLASSIFY, REGRESS
from tests.serving.conftest import Stubs
from tests.serving.polling import eventually
from tests.serving.rest_client import RestClient
from tests.serving.semantics.requests import (
    example_request,
    floats,
    multi_request,
    predict_request,
    refusal,
)


class Held:
    """A session that answers when it is let: rows doubled, and what it was asked is kept."""

    def __init__(self) -> None:
        self.batches: list[dict[str, Any]] = []
        self.timeouts: list[int] = []
        self.go = threading.Event()
        self.answer: Callable[[Any, str], Any] = lambda x, name: 2 * x if x.dtype != object else x

    def run_tensors(self, feeds: Any, fetches: Any, *, timeout_ms: int = 0) -> list[Any]:
        self.batches.append(dict(feeds))
        self.timeouts.append(timeout_ms)
        assert self.go.wait(30)
        return [self.answer(next(iter(feeds.values())), name) for name in fetches]


class Queued:
    """A batcher of one thread that is busy with a first request; what is asked next waits."""

    def __init__(self, **parameters: Any) -> None:
        self.session = Held()
        self.metrics = Metrics()
        joined = BatchingParameters(**{"num_batch_threads": 1, "max_batch_size": 10} | parameters)
        self.batcher = Batcher(self.session, joined, self.metrics)  # type: ignore[arg-type]
        self.pool = ThreadPoolExecutor(32)
        busy = {"busy": np.zeros(joined.max_batch_size)}  # full, so that it is taken at once
        self.first = self.pool.submit(self.batcher.run_tensors, busy, ["out"])
        eventually(lambda: len(self.session.batches) == 1)

    def ask(self, feeds: Any, fetches: Any = ("out",), timeout_ms: int = 0) -> "Future[list[Any]]":
        before = self.waiting()
        asked = self.pool.submit(self.batcher.run_tensors, feeds, fetches, timeout_ms=timeout_ms)
        eventually(lambda: asked.done() or self.waiting() > before)
        return asked

    def waiting(self) -> int:
        queues = list(self.batcher._queues.values())
        return sum(len(batch) for queue in queues for batch in queue.batches)

    def sizes(self) -> list[int]:
        """Rows of the batches behind the first."""
        return [len(next(iter(feeds.values()))) for feeds in self.session.batches[1:]]

    def close(self) -> None:
        self.session.go.set()
        self.batcher.close()
        self.pool.shutdown()


@pytest.fixture
def queued() -> Iterator[Callable[..., Queued]]:
    made: list[Queued] = []

    def make(**parameters: Any) -> Queued:
        made.append(Queued(**parameters))
        return made[-1]

    yield make
    for one in made:
        one.close()


def error_of(asked: Any) -> tuple[str, str]:
    with pytest.raises(StatusError) as caught:
        asked.result(30)
    return caught.value.code.name, caught.value.message


def test_what_waits_is_one_run_and_each_gets_its_own_rows(queued: Any) -> None:
    one = queued()
    rows = [np.arange(size, dtype=np.float32) + 10 * size for size in (1, 3, 0, 2)]
    asked = [one.ask({"x": array}) for array in rows]
    one.session.go.set()
    for array, future in zip(rows, asked, strict=True):
        (answer,) = future.result(30)
        np.testing.assert_array_equal(answer, array * 2)
    assert one.sizes() == [6]
    page = one.metrics.text()
    assert ":tensorflow:serving:batching_session:queuing_latency_count" in page


def test_a_batch_holds_no_more_rows_than_it_may_and_requests_keep_their_order(queued: Any) -> None:
    one = queued()
    asked = [one.ask({"x": np.full(size, size)}) for size in (6, 4, 5, 6)]
    one.session.go.set()
    assert [future.result(30)[0].tolist() for future in asked] == [
        [2 * size] * size for size in (6, 4, 5, 6)
    ]
    assert one.sizes() == [10, 5, 6]


def test_other_inputs_outputs_or_dtypes_are_other_batches(queued: Any) -> None:
    one = queued()
    x = np.ones(1, np.float32)
    asks = [
        *[({"x": x}, ("out",)), ({"y": x}, ("out",)), ({"x": x}, ("out", "two"))],
        *[({"x": x.astype(np.float64)}, ("out",)), ({"x": x}, ("out",))],
    ]
    asked = [one.ask(feeds, fetches) for feeds, fetches in asks]
    one.session.go.set()
    assert [len(future.result(30)) for future in asked] == [1, 1, 2, 1, 1]
    assert sorted(one.sizes()) == [1, 1, 1, 2]


def test_outputs_come_in_the_order_that_was_asked(queued: Any) -> None:
    one = queued()
    one.session.answer = lambda x, name: np.full(len(x), name, object)
    asked = [one.ask({"x": np.ones(1)}, order) for order in (("b", "a"), ("a", "b"))]
    one.session.go.set()
    one.first.result(30)
    assert [[a[0] for a in future.result(30)] for future in asked] == [["b", "a"], ["a", "b"]]
    assert one.sizes() == [2]  # the same outputs, so one batch


@pytest.mark.parametrize(
    ("feeds", "words"),
    [
        ({}, "Batching Run() must have at least one input tensor"),
        ({"x": np.float32(1)}, "Batching Run() input tensors must have at least one dimension"),
        (
            {"x": np.ones(1), "y": np.ones(2)},
            "Batching Run() input tensors must have equal 0th-dimension size",
        ),
        ({"x": np.ones(11)}, "Task size 11 is larger than maximum input batch size 10"),
    ],
)
def test_a_request_that_cannot_be_joined_is_refused_alone(
    queued: Any, feeds: Any, words: str
) -> None:
    one = queued()
    good = one.ask({"x": np.ones(1)})
    feeds = {name: np.asarray(value) for name, value in feeds.items()}
    assert error_of(one.ask(feeds)) == ("INVALID_ARGUMENT", words)
    one.session.go.set()
    assert good.result(30)[0].tolist() == [2.0]


def test_a_full_queue_is_unavailable(queued: Any) -> None:
    one = queued(max_batch_size=2, max_enqueued_batches=2)
    asked = [one.ask({"x": np.full(1, number)}) for number in range(4)]
    assert error_of(one.ask({"x": np.full(1, 4)})) == (
        "UNAVAILABLE",
        "The batch scheduling queue to which this task was submitted is full; currently 2 batches "
        "enqueued and max_enqueued_batches is 2",
    )
    one.session.go.set()
    assert [future.result(30)[0].tolist() for future in asked] == [[0], [2], [4], [6]]


def test_batches_are_filled_up_to_an_allowed_size_with_copies_of_a_row(queued: Any) -> None:
    one = queued(allowed_batch_sizes=(1, 4, 10))
    rows = [np.array([[1, 2]]), np.array([[3, 4]]), np.zeros((0, 2), int)]
    asked = [one.ask({"x": array}) for array in rows]
    one.session.go.set()
    assert [future.result(30)[0].tolist() for future in asked] == [[[2, 4]], [[6, 8]], []]
    assert one.session.batches[1]["x"].tolist() == [[1, 2], [3, 4], [3, 4], [3, 4]]


def test_widths_are_filled_up_with_the_first_element_where_that_is_asked_for(queued: Any) -> None:
    one = queued(pad_variable_length_inputs=True)
    ids = [np.array([[7, 8], [9, 10]]), np.array([[1, 2, 3]])]
    words = [np.array([[b"a\0"]], object), np.array([[b"b", b"c"]], object)]
    asked = [one.ask({"x": array}) for array in (*ids, *words)]
    one.session.go.set()
    for future in asked:
        future.result(30)
    found = [feeds["x"].tolist() for feeds in one.session.batches[1:]]
    assert [[7, 8, 7], [9, 10, 7], [1, 2, 3]] in found
    assert [[b"a\0", b"a\0"], [b"b", b"c"]] in found


@pytest.mark.parametrize(
    ("padding", "rows", "code", "words"),
    [
        (False, [np.ones((1, 2)), np.ones((1, 3))], "FAILED_PRECONDITION", "Tensors with name 'x'"),
        (True, [np.ones((1, 2)), np.ones((1, 2, 1))], "FAILED_PRECONDITION", "different shapes"),
        (True, [np.ones((1, 0)), np.ones((1, 3))], "INVALID_ARGUMENT", "Got empty tensor in batch"),
    ],
)
def test_what_does_not_fit_together_fails_those_who_met(
    queued: Any, padding: bool, rows: Any, code: str, words: str
) -> None:
    one = queued(pad_variable_length_inputs=padding)
    met = [one.ask({"x": array}) for array in rows]
    other = one.ask({"y": np.ones(1)})
    one.session.go.set()
    for future in met:
        assert error_of(future)[0] == code
        assert words in error_of(future)[1]
    assert other.result(30)[0].tolist() == [2.0]


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (np.float32(3.0), "Batched output tensor has 0 dimensions"),
        (np.ones(1), "Batched output tensor's 0th dimension does not equal the sum"),
    ],
)
def test_an_output_that_is_no_batch_is_refused(queued: Any, answer: Any, words: str) -> None:
    one = queued()
    one.session.answer = lambda x, name: np.asarray(answer)
    asked = [one.ask({"x": np.ones(1)}) for _ in range(2)]
    one.session.go.set()
    for future in asked:
        code, message = error_of(future)
        assert code == "FAILED_PRECONDITION"
        assert words in message


def test_what_a_run_fails_of_is_told_to_those_in_it_and_the_next_is_answered(queued: Any) -> None:
    one = queued()

    def answer(x: Any, name: str) -> Any:
        if -1 in x:
            raise StatusError(3, "no row may be -1")
        return x

    one.session.answer = answer
    bad = [one.ask({"x": np.array([number])}) for number in (5, -1)]
    good = one.ask({"y": np.array([5])})
    one.session.go.set()
    for future in bad:
        assert error_of(future) == ("INVALID_ARGUMENT", "no row may be -1")
    assert good.result(30)[0].tolist() == [5]
    assert one.batcher.run_tensors({"x": np.array([6])}, ["out"])[0].tolist() == [6]


def test_the_latest_deadline_counts_and_one_that_is_over_for_all_is_told(queued: Any) -> None:
    one = queued()
    late = one.ask({"x": np.ones(1)}, timeout_ms=1)
    mixed = [one.ask({"y": np.ones(1)}, timeout_ms=ms) for ms in (1, 60_000)]
    endless = [one.ask({"z": np.ones(1)}, timeout_ms=ms) for ms in (60_000, 0)]
    threading.Event().wait(0.01)
    one.session.go.set()
    assert error_of(late) == (
        "RESOURCE_EXHAUSTED",
        "Run() timeout exceeded while waiting in batching queue",
    )
    for future in (*mixed, *endless):
        assert future.result(30)[0].tolist() == [2.0]
    of = {
        next(iter(f)): ms for f, ms in zip(one.session.batches, one.session.timeouts, strict=True)
    }
    assert 0 < of["y"] <= 60_000
    assert of["z"] == 0


def test_a_batch_that_is_full_does_not_wait_and_a_close_computes_what_does(queued: Any) -> None:
    one = queued(max_batch_size=2, batch_timeout_micros=3_600_000_000)
    one.session.go.set()
    full = [one.ask({"x": np.ones(1)}) for _ in range(2)]
    for future in full:
        assert future.result(30)[0].tolist() == [2.0]
    alone = one.ask({"x": np.full(1, 3)})
    one.batcher.close()
    assert alone.result(30)[0].tolist() == [6]
    with pytest.raises(StatusError, match="FAILED_PRECONDITION: The session is closed"):
        one.batcher.run_tensors({"x": np.ones(1)}, ["out"])


def test_the_file_is_the_server_s_own(tmp_path: Path) -> None:
    file = tmp_path / "batching.txt"
    file.write_text(
        "max_batch_size { value: 8 } batch_timeout_micros { value: 5 } # a comment\n"
        "max_enqueued_batches { value: 3 } num_batch_threads { value: 2 }\n"
        'thread_pool_name { value: "mine" } allowed_batch_sizes: 4 allowed_batch_sizes: 8\n'
        "pad_variable_length_inputs: true"
    )
    assert batching_parameters(file) == BatchingParameters(8, 5, 3, 2, "mine", (4, 8), True)
    assert batching_parameters("") == BatchingParameters()


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("max_batch_size: 8", "Error parsing text-format tensorflow.serving.BatchingParameters"),
        ("max_batch_size { value: 0 }", "max_batch_size must be positive; was 0"),
        ("num_batch_threads { value: -1 }", "num_batch_threads must be positive; was -1"),
        ("batch_timeout_micros { value: -1 }", "batch_timeout_micros must not be negative"),
        (
            "max_batch_size { value: 8 } allowed_batch_sizes: 4",
            "Last entry in allowed_batch_sizes must match max_batch_size; last entry was 4; "
            "expected 8",
        ),
        ("allowed_batch_sizes: 1000 allowed_batch_sizes: 1000", "must be monotonically increasing"),
        ("enable_large_batch_splitting { value: true }", "UNIMPLEMENTED: enable_large_batch"),
    ],
)
def test_numbers_that_do_not_fit_fail_the_start(
    text: str, words: str, toy: Path, tmp_path: Path
) -> None:
    shutil.copytree(toy, tmp_path / "toy" / "1")
    file = tmp_path / "batching.txt"
    file.write_text(text)
    options = ServerOptions(
        model_base_path=tmp_path / "toy", enable_batching=True, batching_parameters_file=file
    )
    with pytest.raises(StatusError) as caught:
        LocalServer(options).start()
    assert words in str(caught.value)


def test_the_server_answers_joined_requests_as_it_answers_each(toy: Path, tmp_path: Path) -> None:
    shutil.copytree(toy, tmp_path / "toy" / "1")
    (tmp_path / "toy" / "1" / "batching_params.pbtxt").write_text(
        "num_batch_threads { value: 1 } batch_timeout_micros { value: 2000 }"
        'thread_pool_name { value: "of_the_version" }'
    )
    options = ServerOptions(
        model_name="toy",
        model_base_path=tmp_path / "toy",
        enable_batching=True,
        enable_per_model_batching_parameters=True,
        grpc_max_threads=32,
    )
    regress, classify = regression_pb2.RegressionRequest, classification_pb2.ClassificationRequest
    with LocalServer(options) as server, ThreadPoolExecutor(24) as pool:
        stubs, rest = Stubs(server.grpc_address), RestClient(server.rest_url)
        ask = stubs.prediction
        both = multi_request(("toy", "regression", REGRESS), ("toy", "classification", CLASSIFY))
        for x in range(24):
            pool.submit(ask.Predict, predict_request(x=floats(x)))  # company for the others

        def answers(x: int) -> None:
            got = ask.Predict(predict_request(x=floats(x, x + 1))).outputs["y"].float_val
            assert list(got) == [2 * x, 2 * x + 2]
            got = ask.Regress(example_request(regress, "regression", x)).result.regressions
            assert [one.value for one in got] == [2 * x]
            (row,) = ask.Classify(
                example_request(classify, "classification", x)
            ).result.classifications
            assert [one.score for one in row.classes] == [1 - 2 * x, 2 * x]
            assert len(ask.MultiInference(both).results) == 2
            body = {"instances": [float(x)]}
            assert rest.ask("/v1/models/toy:predict", body) == (200, {"predictions": [2.0 * x]})

        for future in [pool.submit(answers, x) for x in range(24)]:
            future.result(60)
        code, words = refusal(ask.Predict, predict_request("constant", x=floats(1.0)))
        assert (code, words) == ("FAILED_PRECONDITION", "Batched output tensor has 0 dimensions")
        request = predict_request("with_default", x=floats(1.0, 2.0))
        assert "equal 0th-dimension size" in refusal(ask.Predict, request)[1]
        stubs.close()
    names = [thread.name for thread in threading.enumerate()]
    assert not [name for name in names if name.startswith("of_the_version")]
