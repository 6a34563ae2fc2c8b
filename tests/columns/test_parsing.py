import json
import pathlib

import pytest
import tensorflow as tf

import tfrs_afm

fc = tf.feature_column


def test_spec_parses_true_lists_and_defaults() -> None:
    history = fc.sequence_categorical_column_with_identity("history", 10)
    columns = [fc.embedding_column(history, 4), fc.numeric_column("age", default_value=30.0)]
    example = tf.train.Example()
    example.features.feature["history"].int64_list.value.extend([3, 4, 5])
    batch = [example.SerializeToString(), tf.train.Example().SerializeToString()]
    features = tf.io.parse_example(batch, tfrs_afm.parse_spec(columns))
    assert tf.sparse.to_dense(features["history"]).numpy().tolist() == [[3, 4, 5], [0, 0, 0]]
    assert features["age"].numpy().tolist() == [[30.0], [30.0]]
    mask = tfrs_afm.FieldEmbedding(columns)(features).mask
    assert mask.numpy().tolist() == [[True, True], [False, True]]


def test_spec_is_the_one_of_tensorflow() -> None:
    columns = [
        fc.embedding_column(fc.categorical_column_with_hash_bucket("a", 10), 4),
        fc.bucketized_column(fc.numeric_column("b", default_value=0.5), [1.0]),
        fc.numeric_column("whole", dtype=tf.int64),
        fc.indicator_column(fc.categorical_column_with_vocabulary_list("c", ["x"])),
    ]
    assert tfrs_afm.parse_spec(columns) == fc.make_parse_example_spec(columns)


def test_a_float_without_default_that_an_example_lacks_is_masked_and_an_integer_an_error() -> None:
    columns = [
        fc.numeric_column("one"),
        fc.numeric_column("two", shape=(2,)),
        fc.numeric_column("x"),
    ]
    example = tf.train.Example()
    example.features.feature["x"].float_list.value.append(2.0)
    spec = tfrs_afm.parse_spec(columns)
    features = tf.io.parse_example([example.SerializeToString()], spec)
    assert features["two"].numpy().shape == (1, 2)
    mask = tfrs_afm.FieldEmbedding(columns, 2)(features).mask
    assert mask.numpy().tolist() == [[False, False, True]]
    whole = tfrs_afm.parse_spec([fc.numeric_column("whole", dtype=tf.int64)])
    with pytest.raises(tf.errors.InvalidArgumentError, match="whole"):
        tf.io.parse_example([example.SerializeToString()], whole)


def columns(words: tuple[str, ...] = ("a", "b")) -> list:
    genre = fc.categorical_column_with_vocabulary_list("genre", list(words))
    return [
        fc.embedding_column(genre, 4),
        fc.numeric_column("age", default_value=30.0),
        fc.numeric_column("price"),
    ]


def test_schema_says_what_is_read_and_what_stands_in_for_it() -> None:
    schema = json.loads(json.dumps(tfrs_afm.feature_schema(columns())))
    assert schema["fields"] == ["genre_embedding", "age", "price"]
    assert schema["features"]["genre"] == {
        "dtype": "string",
        "kind": "variable",
        "shape": None,
        "default": [],
        "fields": ["genre_embedding"],
    }
    assert schema["features"]["age"]["default"] == [30.0]
    assert schema["features"]["price"]["default"] is None


def test_hash_changes_with_the_words_and_with_the_order_of_the_fields() -> None:
    first = tfrs_afm.feature_schema(columns())["hash"]
    assert first == tfrs_afm.feature_schema(columns())["hash"]
    assert first != tfrs_afm.feature_schema(columns(("b", "a")))["hash"]
    assert first != tfrs_afm.feature_schema(columns()[::-1])["hash"]


def test_hash_of_a_vocabulary_file_is_of_its_content_not_of_its_place(
    tmp_path: pathlib.Path,
) -> None:
    def vocabularies(path: pathlib.Path, content: str) -> dict:
        path.write_text(content, encoding="utf-8")
        column = fc.categorical_column_with_vocabulary_file("genre", str(path), 2)
        return tfrs_afm.feature_schema([fc.embedding_column(column, 4)])

    one, two = (vocabularies(tmp_path / name, "a\nb\n") for name in ("one", "two"))
    assert one["hash"] == two["hash"]
    assert one["hash"] != vocabularies(tmp_path / "three", "a\nc\n")["hash"]


def test_input_spec_is_what_parsing_gives() -> None:
    spec = tfrs_afm.input_spec(columns())
    example = tf.train.Example()
    example.features.feature["price"].float_list.value.append(3.0)
    parsed = tf.io.parse_example([example.SerializeToString()], tfrs_afm.parse_spec(columns()))
    for name, tensor in parsed.items():
        assert spec[name].is_compatible_with(tf.type_spec_from_value(tensor)), name


def write(path: pathlib.Path, examples: int, compression: str = "") -> str:
    with tf.io.TFRecordWriter(str(path), compression) as writer:
        for i in range(examples):
            example = tf.train.Example()
            example.features.feature["genre"].bytes_list.value.extend([b"a"] * (i % 3))
            example.features.feature["price"].float_list.value.append(float(i))
            example.features.feature["clicked"].float_list.value.append(float(i % 2))
            example.features.feature["weight"].float_list.value.append(2.0)
            writer.write(example.SerializeToString())
    return str(path)


@pytest.mark.parametrize(("name", "compression"), [("a.tfrecord", ""), ("a.tfrecord.gz", "GZIP")])
def test_tfrecord_comes_as_batches_of_features_and_labels(
    name: str, compression: str, tmp_path: pathlib.Path
) -> None:
    path = write(tmp_path / name, 7, compression)
    data = tfrs_afm.read_tfrecord([path], columns(), "clicked", 3, sample_weight="weight")
    batches = list(data)
    assert [int(labels.shape[0]) for _, labels, _ in batches] == [3, 3, 1]
    features, labels, weight = batches[1]
    assert features["price"].numpy().tolist() == [[3.0], [4.0], [5.0]]
    assert tf.sparse.to_dense(features["genre"]).numpy().tolist() == [
        [b"", b""],
        [b"a", b""],
        [b"a", b"a"],
    ]
    assert labels.numpy().tolist() == [[1.0], [0.0], [1.0]]
    assert weight.numpy().tolist() == [[2.0]] * 3


def test_rows_are_shuffled_not_batches_and_the_seed_says_how(tmp_path: pathlib.Path) -> None:
    path = write(tmp_path / "a.tfrecord", 100)

    def order(seed: int) -> list:
        data = tfrs_afm.read_tfrecord([path], columns(), "clicked", 10, shuffle=100, seed=seed)
        return [float(x) for features, _ in data for x in features["price"].numpy()[:, 0]]

    assert sorted(order(1)) == list(range(100))
    assert order(1) == order(1)
    assert order(1) != order(2)
    assert any(abs(a - b) > 20 for a, b in zip(order(1)[:9], order(1)[1:10], strict=True))


def test_no_files_and_a_label_among_the_features_are_refused() -> None:
    with pytest.raises(ValueError, match=r"`paths` must hold files"):
        tfrs_afm.read_tfrecord([], columns(), "clicked")
    with pytest.raises(ValueError, match=r"must not be features. Received: 'price'"):
        tfrs_afm.read_tfrecord(["x"], columns(), "price")
