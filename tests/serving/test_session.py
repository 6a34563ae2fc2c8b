import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from serving import Session, StatusError
from serving.status_error import Code
from tests.serving.toy import example


@pytest.fixture(scope="module")
def session(toy: Path) -> Iterator[Session]:
    with Session(toy) as loaded:
        yield loaded


def test_a_signature_takes_and_gives_arrays_by_name(session: Session) -> None:
    answer = session.run("two", {"a": [1.0, 2.0], "b": np.array([3.0, 4.0])})
    assert answer["sum"].tolist() == [4.0, 6.0]
    assert answer["product"].tolist() == [3.0, 8.0]


def test_outputs_can_be_picked(session: Session) -> None:
    answer = session.run("two", {"a": [1.0], "b": [2.0]}, outputs=["product"])
    assert list(answer) == ["product"]


def test_examples_are_parsed_and_words_looked_up_in_the_vocabulary_asset(session: Session) -> None:
    rows = [example(x=1.5, word="dog", list=[1, 2]), example(word="owl"), example()]
    answer = session.run("examples", {"examples": [row.SerializeToString() for row in rows]})
    assert answer["y"].tolist() == [6.0, 0.0, 0.0]
    assert answer["word"].tolist() == [1, -1, -1]


@pytest.mark.parametrize(
    "values",
    [[], [b""], [b"a\0b\0", b"x" * 22, b"x" * 23, b"\xff" * 1000], [[b"1", b"2"], [b"3", b""]]],
)
def test_strings_of_any_bytes_and_shape_come_back_the_same(
    session: Session, values: list[object]
) -> None:
    answer = session.run("echo_bytes", {"s": values})["text"]
    assert answer.tolist() == values


def test_numbers_keep_their_types(session: Session) -> None:
    answer = session.run("ints", {"i": [2**40], "j": [7], "k": [True]})
    assert [answer[name].dtype.name for name in "ijk"] == ["int64", "int32", "bool"]
    assert [answer[name].tolist() for name in "ijk"] == [[2**40 + 1], [8], [False]]
    assert session.run("doubles", {"d": [1.0]})["d"].tolist() == [1.0 / 3.0]
    assert session.run("halves", {"h": [0.5]})["h"].tolist() == [1.5]


def test_signatures_tell_names_types_and_shapes(session: Session) -> None:
    signature = session.signatures["two"]
    assert signature.method_name == "tensorflow/serving/predict"
    assert sorted(signature.inputs) == ["a", "b"]
    assert signature.inputs["a"].dtype == 1
    assert signature.inputs["a"].shape == (None,)
    assert session.signatures["echo_bytes"].inputs["s"].shape is None
    assert session.signatures["regression"].method_name == "tensorflow/serving/regress"
    assert "__saved_model_init_op" not in session.signatures


@pytest.mark.parametrize(
    ("signature", "inputs", "outputs", "code", "words"),
    [
        ("no", {}, None, Code.NOT_FOUND, "`signature` must be one of the model's"),
        ("two", {"a": [1.0]}, None, Code.INVALID_ARGUMENT, "exactly ['a', 'b']"),
        ("two", {"a": [1.0], "b": [1.0]}, ["c"], Code.INVALID_ARGUMENT, "among ['product', 'sum']"),
        ("two", {"a": [1.0, 2.0], "b": [1.0] * 3}, None, Code.INVALID_ARGUMENT, "shape"),
        ("examples", {"examples": [b"garbage"]}, None, Code.INVALID_ARGUMENT, "parse"),
    ],
)
def test_what_does_not_fit_is_a_status_error(
    session: Any, signature: Any, inputs: Any, outputs: Any, code: Any, words: Any
) -> None:
    with pytest.raises(StatusError) as caught:
        session.run(signature, inputs, outputs=outputs)
    assert caught.value.code == code
    assert words in caught.value.message


def test_a_tensor_name_that_is_not_in_the_graph_is_not_found(session: Session) -> None:
    for name in ("no_such:0", "serving_default_x:7"):
        with pytest.raises(StatusError) as caught:
            session.run_tensors({}, [name])
        assert caught.value.code == Code.NOT_FOUND


def test_a_folder_without_a_model_is_not_found(tmp_path: Path) -> None:
    with pytest.raises(StatusError) as caught:
        Session(tmp_path)
    assert caught.value.code == Code.NOT_FOUND


def test_many_threads_run_at_once_and_each_gets_its_own_answer(session: Session) -> None:
    def ask(number: int) -> list[float]:
        return session.run("serving_default", {"x": [float(number)] * 5})["y"].tolist()

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(ask, range(200)))
    assert answers == [[2.0 * number] * 5 for number in range(200)]


def test_close_waits_for_those_who_hold_the_session_and_then_refuses(toy: Path) -> None:
    session = Session(toy)
    session.acquire()
    closer = threading.Thread(target=session.close)
    closer.start()
    assert session.run("serving_default", {"x": [1.0]})["y"].tolist() == [2.0]
    session.release()
    closer.join(timeout=10)
    assert not closer.is_alive()
    session.close()
    with pytest.raises(StatusError) as caught:
        session.run("serving_default", {"x": [1.0]})
    assert caught.value.code == Code.FAILED_PRECONDITION


def test_a_run_does_not_import_tensorflow_s_python_package(toy: Path) -> None:
    program = (
        "import sys; from serving import Session; s = Session(sys.argv[1]); "
        "print(s.run('serving_default', {'x': [1.5]})['y'].tolist(), 'tensorflow' in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, str(toy)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "[3.0] False"
