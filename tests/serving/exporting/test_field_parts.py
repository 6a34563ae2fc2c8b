"""Parts that are passed to an interaction are exported with it, by stock operations."""

from pathlib import Path

import numpy as np
import pytest

import serving
import tfrs_afm
from tests.serving.exporting import rankers
from tests.serving.exporting.test_export_models import answers, serialized
from tfrs_afm import interactions as parts


@pytest.mark.long
def test_gate_field_pairs_batch_norm_and_calibration_are_served(tmp_path: Path) -> None:
    pooling = parts.BatchNormPooling(parts.FieldPairMatrices(), momentum=0.5)
    interaction = parts.FieldGate(parts.AFM(pooling=pooling))
    task = tfrs_afm.tasks.Ranking(interaction)
    model = rankers.trained(tfrs_afm.models.AFM(rankers.small_columns(), task=task))
    rows = serialized()
    before = answers(model, rows)
    model.calibrate(tfrs_afm.tasks.calibration.Isotonic([-1.0, 0.0, 1.0], [-3.0, -1.0, 2.0]))
    assert np.abs(answers(model, rows) - before).max() > 0.01
    # Publishing compares the golden rows of all of these, in batches and one by one.
    path = serving.export(model, tmp_path, examples=rows, candidate_features=["movie_id"])
    with serving.Session(path) as session:
        assert {"classification", "rank", "explain", "tensors"} <= set(session.signatures)
        got = session.run("serving_default", {"examples": rows})
        np.testing.assert_allclose(got["predictions"], answers(model, rows), atol=1e-5)
        odds = model.task.log_odds(got["logits"][:, np.newaxis])[:, 0]
        np.testing.assert_allclose(1 / (1 + np.exp(-odds)), got["predictions"], atol=1e-5)


@pytest.mark.long
def test_weights_of_field_pairs_in_sets_of_embeddings_and_branches_are_served(
    tmp_path: Path,
) -> None:
    afm = parts.AFM(pooling=parts.FieldPairWeights(), deep=parts.Deep([4]))
    interaction = parts.MultiEmbedding(afm, 2)
    loss = tfrs_afm.tasks.losses.Branches(teacher="mean")
    task = tfrs_afm.tasks.Ranking(interaction, loss)
    model = rankers.trained(tfrs_afm.models.AFM(rankers.small_columns(), task=task))
    rows = serialized()
    path = serving.export(model, tmp_path, examples=rows, candidate_features=["movie_id"])
    with serving.Session(path) as session:
        assert {"classification", "rank", "explain", "tensors"} <= set(session.signatures)
        got = session.run("serving_default", {"examples": rows})
    np.testing.assert_allclose(got["predictions"], answers(model, rows), atol=1e-5)
