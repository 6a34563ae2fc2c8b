import itertools
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from pipelines.readers.bad_rows import BadRows, read_error
from pipelines.readers.batch_options import BatchOptions
from pipelines.readers.batches import Batches
from pipelines.readers.formats import FormatOptions
from pipelines.readers.read_rows import read_rows
from tests.pipelines.readers.written_files import OPTIONS, as_values, row, write

ROWS = 57
SPEC = {
    "user": tf.io.FixedLenFeature([1], tf.int64),
    "word": tf.io.VarLenFeature(tf.string),
    "age": tf.io.FixedLenFeature([], tf.float32, 40.0),
    "tags": tf.io.VarLenFeature(tf.string),
    "history": tf.io.VarLenFeature(tf.int64),
    "days": tf.io.VarLenFeature(tf.float32),
}
FIVE = BatchOptions(weight="weight", batch_size=5)


@pytest.fixture(scope="module", params=OPTIONS)
def written(request: Any, tmp_path_factory: pytest.TempPathFactory) -> tuple[str, list[Path]]:
    """A format, and three files of it with 57 rows in all."""
    folder = tmp_path_factory.mktemp(request.param)
    cuts = [0, 20, 41, ROWS]
    return request.param, [
        write(folder / f"{start}", request.param, map(row, range(start, end)))
        for start, end in itertools.pairwise(cuts)
    ]


def made(written: tuple[str, list[Path]], batch: BatchOptions, **more: Any) -> Batches:
    form, files = written
    return Batches(files, OPTIONS[form], more.pop("spec", SPEC), batch, **more)


def users(data: Any) -> list[int]:
    return [int(n) for features, *_ in data for n in features["user"].numpy().ravel()]


@pytest.mark.matrix
def test_every_format_gives_the_batches_of_parse_example(written: tuple[str, list[Path]]) -> None:
    data = list(made(written, FIVE)(0, 0))
    assert [len(labels) for _, labels, _ in data] == [5] * 11 + [2]
    for place, (features, labels, weights) in enumerate(data):
        rows = [row(n) for n in range(ROWS)][5 * place : 5 * place + 5]
        assert list(features) == list(SPEC)
        np.testing.assert_array_equal(labels, np.float32([[r["label"]] for r in rows]))
        np.testing.assert_array_equal(weights, np.float32([[r["weight"]] for r in rows]))
        assert labels.dtype == weights.dtype == tf.float32
        np.testing.assert_array_equal(features["user"], [[r["user"]] for r in rows])
        ages = [40.0 if r["age"] is None else r["age"] for r in rows]
        np.testing.assert_array_equal(features["age"], np.float32(ages))
        for name in ("word", "tags", "history", "days"):
            lists = [as_values(r[name]) for r in rows]
            encoded = [[v.encode() if isinstance(v, str) else v for v in one] for one in lists]
            sparse = features[name]
            assert sparse.dtype == SPEC[name].dtype
            assert tf.RaggedTensor.from_sparse(sparse).to_list() == encoded
            assert sparse.dense_shape.numpy().tolist() == [len(rows), max(map(len, lists))]


def test_the_data_sets_of_all_formats_have_the_specs_of_parse_example(
    written: tuple[str, list[Path]],
) -> None:
    features, labels, weights = made(written, FIVE)(0, 0).element_spec
    assert features["history"] == tf.SparseTensorSpec([None, None], tf.int64)
    assert features["user"] == tf.TensorSpec([None, 1], tf.int64)
    assert features["age"] == tf.TensorSpec([None], tf.float32)
    assert labels == weights == tf.TensorSpec([None, 1], tf.float32)


@pytest.mark.long
@pytest.mark.parametrize("buffer", [0, 13])
def test_skipped_batches_leave_the_others_as_they_were(
    written: tuple[str, list[Path]], buffer: int
) -> None:
    batches = made(written, BatchOptions(batch_size=5, shuffle_buffer=buffer))
    whole = [users([batch]) for batch in batches(3, 0)]
    for skip in (1, 7, 12):
        assert [users([batch]) for batch in batches(3, skip)] == whole[skip:]


@pytest.mark.long
def test_the_order_is_a_function_of_seed_and_epoch_alone(
    written: tuple[str, list[Path]],
) -> None:
    def order(seed: int, epoch: int, buffer: int = 30) -> tuple[int, ...]:
        batch = BatchOptions(batch_size=5, shuffle_buffer=buffer, seed=seed)
        return tuple(users(made(written, batch)(epoch, 0)))

    orders = [order(seed, epoch) for seed in (0, 1) for epoch in (0, 1)]
    assert all(sorted(one) == list(range(ROWS)) for one in orders)
    assert len(set(orders)) == 4
    # What ran before does not count: neither another epoch nor the seed of the process.
    tf.random.set_seed(77)
    batches = made(written, BatchOptions(batch_size=5, shuffle_buffer=30, seed=1))
    assert tuple(users(batches(1, 0))) == orders[3]
    assert tuple(users(batches(0, 0))) == orders[2]
    # Rows are shuffled, not batches: neighbours in a file are torn apart.
    full = order(0, 0, 1000)
    assert sum(abs(a - b) == 1 for a, b in itertools.pairwise(full)) < ROWS // 4
    assert order(0, 0, 0) == order(5, 9, 0) == tuple(range(ROWS))


@pytest.mark.long
@pytest.mark.parametrize(("num_workers", "buffer"), [(2, 0), (5, 13)])
def test_shares_of_workers_are_disjoint_and_complete(
    written: tuple[str, list[Path]], num_workers: int, buffer: int
) -> None:
    shares = []
    for worker in range(num_workers):
        batch = BatchOptions(
            batch_size=5, shuffle_buffer=buffer, worker=worker, num_workers=num_workers
        )
        shares.append(users(made(written, batch)(0, 0)))
    assert sorted(n for share in shares for n in share) == list(range(ROWS))
    assert all(shares)


@pytest.mark.matrix
def test_labels_are_cut_at_a_threshold(written: tuple[str, list[Path]]) -> None:
    batch = BatchOptions("user", positive_from=30, batch_size=100)
    features, labels = next(iter(made(written, batch)(0, 0)))
    np.testing.assert_array_equal(labels[:, 0], np.arange(ROWS) >= 30)
    np.testing.assert_array_equal(features["user"][:, 0], np.arange(ROWS))


@pytest.mark.matrix
def test_without_a_label_batches_are_features(written: tuple[str, list[Path]]) -> None:
    data = made(written, BatchOptions(None, batch_size=5))(0, 0)
    assert sum(len(features["user"]) for features in data) == ROWS


@pytest.mark.matrix
@pytest.mark.parametrize("form", OPTIONS)
def test_a_row_that_does_not_fit_is_an_error_that_names_it_or_is_skipped(
    form: str, tmp_path: Path
) -> None:
    rows = [row(n) for n in range(12)]
    rows[3]["label"] = 7
    rows[8]["user"] = None
    path = write(tmp_path / "rows", form, rows)
    batch = BatchOptions(label_range=(0, 1), batch_size=5)
    place = {"csv": "line 7", "jsonl": "line 4"}.get(form, "record 3")
    with pytest.raises(tf.errors.InvalidArgumentError, match=f"`label` must be.*rows, {place}"):
        list(Batches([path], OPTIONS[form], SPEC, batch)(0, 0))
    with pytest.raises(tf.errors.InvalidArgumentError, match="user"):
        list(Batches([path], OPTIONS[form], SPEC, BatchOptions(batch_size=5))(0, 0))
    bad_rows = BadRows("skip")
    batches = Batches([path], OPTIONS[form], SPEC, batch, bad_rows)
    for _ in range(2):
        assert users(batches(0, 0)) == [0, 1, 2, 4, 5, 6, 7, 9, 10, 11]
    assert bad_rows.count == 2
    assert f"{place}." in bad_rows.examples[0]
    assert "user" in bad_rows.examples[1]


def test_a_batch_of_bad_rows_alone_is_an_error_unless_it_is_the_last(tmp_path: Path) -> None:
    path = tmp_path / "rows"
    spec = {"a": tf.io.FixedLenFeature([], tf.int64)}
    path.write_text("a\n1\n2\nx\ny\n3\n")
    batch = BatchOptions(None, batch_size=2)
    with pytest.raises(tf.errors.InvalidArgumentError, match="must not have bad rows only"):
        list(Batches([path], FormatOptions("csv"), spec, batch, BadRows("skip"))(0, 0))
    path.write_text("a\n1\n2\n3\n4\nx\n")
    data = Batches([path], FormatOptions("csv"), spec, batch, BadRows("skip"))(0, 0)
    assert [batch["a"].numpy().tolist() for batch in data] == [[1, 2], [3, 4]]


@pytest.mark.parametrize("form", OPTIONS)
def test_files_that_cannot_be_read_are_errors_before_training(form: str, tmp_path: Path) -> None:
    good = write(tmp_path / "good", form, map(row, range(3)))
    empty = tmp_path / "empty"
    empty.write_bytes(b"")
    with pytest.raises(ValueError, match=f"{empty}` must hold"):
        Batches([good, empty], OPTIONS[form], SPEC, FIVE)
    with pytest.raises(ValueError, match=r"must have a column 'lable'.*Did you mean label"):
        list(Batches([good], OPTIONS[form], SPEC, BatchOptions("lable"))(0, 0))
    with pytest.raises(ValueError, match="`files` must not be empty"):
        Batches([], OPTIONS[form], SPEC, FIVE)


@pytest.mark.matrix
@pytest.mark.parametrize("form", OPTIONS)
def test_what_went_wrong_is_told_in_one_line(form: str, tmp_path: Path) -> None:
    rows = [{**row(n), "label": 7 if n == 3 else 0} for n in range(6)]
    path = write(tmp_path / "rows", form, rows)
    data = Batches([path], OPTIONS[form], SPEC, BatchOptions(label_range=(0, 1)))(0, 0)
    with pytest.raises(tf.errors.InvalidArgumentError) as caught:
        list(data)
    line = read_error(caught.value)
    assert line.startswith("`label` must be a number in [0, 1]. Received: label=7.0")
    assert line.count(str(path)) == 1
    assert "\n" not in line


def test_bytes_that_are_no_utf8_make_batches_wherever_they_stand(tmp_path: Path) -> None:
    """They used to be an error without file and record among the first 256 records only."""
    latin = tf.train.Feature(bytes_list=tf.train.BytesList(value=[b"\xff"]))
    example = tf.train.Example(features=tf.train.Features(feature={"word": latin}))
    path = tmp_path / "rows"
    with tf.io.TFRecordWriter(str(path)) as file:
        file.write(example.SerializeToString())
    spec = {"word": tf.io.FixedLenFeature([], tf.string)}
    (batch,) = Batches([path], OPTIONS["tfrecord"], spec, BatchOptions(None))(0, 0)
    assert batch["word"].numpy().tolist() == [b"\xff"]


def test_a_batch_of_bad_records_alone_is_an_error(tmp_path: Path) -> None:
    path = write(tmp_path / "rows", "tfrecord", [{**row(n), "label": 7} for n in range(6)])
    batch = BatchOptions(label_range=(0, 1), batch_size=3)
    data = Batches([path], OPTIONS["tfrecord"], SPEC, batch, BadRows("skip"))(0, 0)
    with pytest.raises(tf.errors.InvalidArgumentError, match="must not have bad rows only"):
        list(data)


def test_compressed_records_make_batches(tmp_path: Path) -> None:
    files = [write(tmp_path / name, "tfrecord", map(row, range(6))) for name in ("a", "b.gz")]
    batches = Batches(files, OPTIONS["tfrecord"], SPEC, BatchOptions(batch_size=5))
    assert users(batches(0, 1)) == [5, 0, 1, 2, 3, 4, 5]


@pytest.mark.parametrize("form", ["csv", "parquet"])
def test_a_feature_without_a_column_is_an_error(form: str, tmp_path: Path) -> None:
    good = write(tmp_path / "good", form, map(row, range(3)))
    spec = {"histori": tf.io.VarLenFeature(tf.int64)}
    with pytest.raises(ValueError, match=r"must have a column 'histori'.*Did you mean history"):
        Batches([good], OPTIONS[form], spec, FIVE)


def test_a_parquet_column_of_another_type_is_an_error(tmp_path: Path) -> None:
    good = write(tmp_path / "good", "parquet", map(row, range(3)))
    spec = {"tags": tf.io.VarLenFeature(tf.int64)}
    with pytest.raises(ValueError, match=r"`tags` must be int64 or lists of int64. Received: list"):
        Batches([good], OPTIONS["parquet"], spec, FIVE)


def test_parquet_of_every_kind_is_one_form(tmp_path: Path) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    lists = [[1, 2], None, [], [3]]
    kinds = {
        "small": pa.array(lists, pa.list_(pa.int8())),
        "large": pa.array(lists, pa.large_list(pa.int64())),
        "holes": pa.array([[1, None, 2], None, [None], [3]], pa.list_(pa.int64())),
        "words": pa.array(["a", None, "b", "a"]).dictionary_encode(),
        "large_words": pa.array([["a", "b"], None, [], ["c"]], pa.list_(pa.large_string())),
        "flag": pa.array([True, None, False, True]),
        "whole": pa.array([1, None, 2, 3], pa.int32()),
        "nothing": pa.array([None] * 4),
        "pair": pa.array([[1.0, 2.0]] * 4, pa.list_(pa.float32(), 2)),
    }
    path = tmp_path / "rows"
    pq.write_table(pa.table(kinds), path)
    dtypes = dict.fromkeys(kinds, tf.int64) | {"whole": tf.float32, "pair": tf.float32}
    dtypes |= {"words": tf.string, "large_words": tf.string}
    spec = {name: tf.io.VarLenFeature(dtype) for name, dtype in dtypes.items()}
    spec["pair"] = tf.io.FixedLenFeature([2], tf.float32)
    (batch,) = Batches([path], FormatOptions("parquet"), spec, BatchOptions(None))(0, 0)
    np.testing.assert_array_equal(batch.pop("pair"), [[1.0, 2.0]] * 4)
    read = {name: tf.RaggedTensor.from_sparse(value).to_list() for name, value in batch.items()}
    assert read == {
        "small": [[1, 2], [], [], [3]],
        "large": [[1, 2], [], [], [3]],
        "holes": [[1, 2], [], [], [3]],
        "words": [[b"a"], [], [b"b"], [b"a"]],
        "large_words": [[b"a", b"b"], [], [], [b"c"]],
        "flag": [[1], [], [0], [1]],
        "whole": [[1.0], [], [2.0], [3.0]],
        "nothing": [[], [], [], []],
    }


def test_parquet_numbers_that_are_infinite_are_bad_rows(tmp_path: Path) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    path = tmp_path / "rows"
    pq.write_table(pa.table({"a": [1.0, float("inf"), 1e300, 2.0]}), path)
    bad_rows = BadRows("skip")
    spec = {"a": tf.io.FixedLenFeature([], tf.float32)}
    data = Batches([path], FormatOptions("parquet"), spec, BatchOptions(None), bad_rows)(0, 0)
    assert [batch["a"].numpy().tolist() for batch in data] == [[1.0, 2.0]]
    assert bad_rows.count == 2
    assert "`a` must be a finite number (float32). Received: a=inf" in bad_rows.examples[0]
    assert "record 1." in bad_rows.examples[0]


@pytest.mark.parametrize("form", ["batches", "rows"])
def test_nan_in_parquet_is_null(tmp_path: Path, form: str) -> None:
    """Data frames write either for a missing number: the default, or without one a bad row."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    path = tmp_path / "rows"
    numbers = pa.array([1.0, float("nan"), None, 2.0], pa.float64(), from_pandas=False)
    lists = pa.array([[1.0, float("nan")], [float("nan")], None, [2.0]], pa.list_(pa.float64()))
    pq.write_table(pa.table({"a": numbers, "b": numbers, "many": lists}), path)
    options = FormatOptions("parquet")
    if form == "rows":
        found = [row for row, _, _ in read_rows([path], options, {"a": "float32"})]
        assert [row["a"] for row in found] == [1.0, None, None, 2.0]
        return
    spec = {
        "a": tf.io.FixedLenFeature([], tf.float32, 30.0),
        "many": tf.io.VarLenFeature(tf.float32),
    }
    (batch,) = Batches([path], options, spec, BatchOptions(None))(0, 0)
    assert batch["a"].numpy().tolist() == [1.0, 30.0, 30.0, 2.0]
    assert tf.RaggedTensor.from_sparse(batch["many"]).to_list() == [[1.0], [], [], [2.0]]
    bad_rows = BadRows("skip")
    spec = {"b": tf.io.FixedLenFeature([], tf.float32)}
    list(Batches([path], options, spec, BatchOptions(None), bad_rows)(0, 0))
    assert bad_rows.count == 2


def test_fields_of_libsvm_are_ids_and_values(tmp_path: Path) -> None:
    path = tmp_path / "rows"
    path.write_text("-1 3:1 8:0.5\n1 2:2 9:1\n")
    spec = {
        "feature_ids": tf.io.FixedLenFeature([2], tf.int64),
        "feature_vals": tf.io.FixedLenFeature([2], tf.float32),
    }
    options = FormatOptions("libsvm", num_fields=2)
    batch = BatchOptions(positive_from=1)
    ((features, labels),) = Batches([path], options, spec, batch)(0, 0)
    assert features["feature_ids"].numpy().tolist() == [[3, 8], [2, 9]]
    assert features["feature_vals"].numpy().tolist() == [[1.0, 0.5], [2.0, 1.0]]
    assert labels.numpy().tolist() == [[0.0], [1.0]]


def test_defaults_fill_fixed_features_of_any_shape(tmp_path: Path) -> None:
    path = tmp_path / "rows"
    path.write_text(json.dumps({"a": [1, 2], "b": "x"}) + "\n{}\n")
    spec = {
        "a": tf.io.FixedLenFeature([2], tf.int64, [7, 8]),
        "b": tf.io.FixedLenFeature([], tf.string, "none"),
        "c": tf.io.FixedLenFeature([3], tf.float32, 0.5),
    }
    (batch,) = Batches([path], FormatOptions("jsonl"), spec, BatchOptions(None))(0, 0)
    assert batch["a"].numpy().tolist() == [[1, 2], [7, 8]]
    assert batch["b"].numpy().tolist() == [b"x", b"none"]
    assert batch["c"].numpy().tolist() == [[0.5] * 3] * 2
    path.write_text('{"a": [1, 2, 3]}\n')
    with pytest.raises(tf.errors.InvalidArgumentError, match="`a` must have 2 values in each row"):
        list(Batches([path], FormatOptions("jsonl"), spec, BatchOptions(None))(0, 0))


@pytest.mark.parametrize(
    ("options", "error"),
    [
        ({"batch_size": 0}, "`batch_size` must be at least 1"),
        ({"shuffle_buffer": -1}, "`shuffle_buffer` must be at least 0"),
        ({"seed": -1}, "`seed` must be at least 0"),
        ({"worker": 2, "num_workers": 2}, "`worker` must be less than the number of workers"),
        ({"label": None, "positive_from": 1.0}, "`label` must be given with"),
    ],
)
def test_batch_options_out_of_range_are_errors(options: dict[str, Any], error: str) -> None:
    with pytest.raises(ValueError, match=error):
        BatchOptions(**options)
