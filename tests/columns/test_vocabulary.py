import pathlib
from typing import Any

import numpy as np
import pytest
import tensorflow as tf

import tfrs_afm
from tfrs_afm.columns.field import fields_of
from tfrs_afm.columns.vocabulary import vocabulary_hashes, words_of

fc = tf.feature_column


def crossed(path: pathlib.Path, dtype: Any = tf.string) -> Any:
    words = fc.categorical_column_with_vocabulary_file("w", str(path), dtype=dtype)
    return fc.indicator_column(fc.crossed_column([words, "z"], 5))


@pytest.mark.parametrize(
    ("dtype", "first", "second"),
    [(tf.string, "a\nb\n", "b\na\n"), (tf.int64, "1\n12\n", "11\n2\n")],
)
def test_other_words_in_a_file_have_another_fingerprint(
    dtype: Any, first: str, second: str, tmp_path: pathlib.Path
) -> None:
    path = tmp_path / "words.txt"
    path.write_text(first)
    fields = fields_of([crossed(path, dtype), fc.numeric_column("x")])
    before = vocabulary_hashes(fields, words_of)
    assert list(before) == [f"{path}, 2 words"]
    path.write_text(first + "more\n")  # which the column does not read
    assert vocabulary_hashes(fields, words_of) == before
    path.write_text(second)
    assert vocabulary_hashes(fields, words_of) != before


def test_a_saved_model_comes_back_with_its_words_and_not_with_others(
    tmp_path: pathlib.Path,
) -> None:
    path = tmp_path / "words.txt"
    path.write_text("a\nb\n")
    model = tfrs_afm.models.AFM([crossed(path)], attention_units=4, dim=2)
    features = {"w": tf.constant([["a"], ["b"]]), "z": tf.constant([["x"], ["y"]])}
    expected = model(features)
    model.save(tmp_path / "model.keras")
    loaded = tf.keras.models.load_model(tmp_path / "model.keras")
    np.testing.assert_allclose(loaded(features), expected)
    config = model.get_build_config()
    (file,) = config["vocabularies"]
    config["vocabularies"][file] = "another fingerprint"
    with pytest.raises(ValueError, match=r"^`vocabulary_file` must hold the words the model was "):
        model.build_from_config(config)
    model.build_from_config({"built_from": "columns"})  # as files of older versions say


def test_a_file_with_too_few_lines_is_named(tmp_path: pathlib.Path) -> None:
    path = tmp_path / "words.txt"
    path.write_text("a\nb\n")
    column = fc.categorical_column_with_vocabulary_file("w", str(path))
    path.write_text("a\n")
    with pytest.raises(ValueError, match=r"with 1 lines for the 2 words of 'w'"):
        words_of(column)


def test_words_come_from_compressed_records_too(tmp_path: pathlib.Path) -> None:
    path = tmp_path / "words.tfrecord.gz"
    with tf.io.TFRecordWriter(str(path), "GZIP") as writer:
        for word in (b"b", b"a"):
            writer.write(word)
    column = fc.categorical_column_with_vocabulary_file(
        "w", str(path), 2, file_format="tfrecord_gzip"
    )
    assert words_of(column) == [b"b", b"a"]
    embed = tfrs_afm.FieldEmbedding([fc.embedding_column(column, 2)])
    embed({"w": tf.constant([["a"]])})
    assert embed.words(column) == [b"b", b"a"]
