from pathlib import Path

import pytest
import tensorflow as tf

import tfrs_afm
from pipelines.configuration.configuration import Configuration
from pipelines.events.prepare_in_memory import prepare_in_memory
from pipelines.fitting.fit_columns import fit_columns
from pipelines.modelling.build_model import build_model
from pipelines.readers.formats import FormatOptions
from pipelines.readers.read_rows import read_rows
from tests.pipelines.events import logs

IDENTITY = "categorical_column_with_identity"
VOCABULARY = "categorical_column_with_vocabulary_list"


@pytest.mark.long
def test_a_configuration_trains_on_the_parts_and_fits_the_same(tmp_path: Path) -> None:
    logs.write_csv(tmp_path / "log.csv", logs.log(200))
    spec = prepare_in_memory(logs.settings(f"{tmp_path}/log.csv"), tmp_path / "out").spec
    columns = [
        {"kind": IDENTITY, "key": "user", "dimension": 16},
        {"kind": VOCABULARY, "key": "film", "dimension": 16, "min_count": 2},
        {"kind": VOCABULARY, "key": "tags", "dimension": 16},
        {"kind": "bucketized_column", "key": "price", "num_buckets": 5, "dimension": 16},
        {
            "kind": f"sequence_{VOCABULARY}",
            "key": "history",
            "vocabulary_list": spec.features["history"].vocabulary,
            "dimension": 16,
        },
    ]
    files = spec.files(tmp_path / "out", "train")
    made = Configuration.model_validate(
        {
            "data": {"format": "tfrecord", "train": [str(file) for file in files]},
            "columns": columns,
        }
    )
    fitted = fit_columns(made, (row for row, _, _ in read_rows(files, FormatOptions("tfrecord"))))
    assert sorted(map(repr, fitted.values.values())) == sorted(
        repr(list(value) if isinstance(value, tuple) else value)
        for value in (
            spec.features["user"].num_ids,
            spec.features["film"].vocabulary,
            spec.features["tags"].vocabulary,
            spec.features["price"].bounds,
        )
    )
    model = build_model(made, fitted)
    label = {"label": tf.io.FixedLenFeature([1], tf.int64)}
    wanted = {**tfrs_afm.parse_spec(model.columns), **label}
    data = (
        tf.data.TFRecordDataset([str(file) for file in files])
        .batch(64)
        .map(lambda records: tf.io.parse_example(records, wanted))
        .map(lambda features: (features, tf.cast(features.pop("label"), tf.float32)))
    )
    losses = model.fit(data, epochs=2, verbose=0).history["loss"]
    assert losses[1] < losses[0]
