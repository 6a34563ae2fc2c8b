import math

import numpy as np
import pytest
import tensorflow as tf

import tfrs_afm
from tfrs_afm import embeddings

fc = tf.feature_column


def test_size_report_is_what_gets_built() -> None:
    columns = [
        fc.embedding_column(fc.categorical_column_with_identity("a", 1000), 8),
        fc.numeric_column("x"),
    ]
    report = tfrs_afm.size_report(columns, optimizer="adam")
    layer = tfrs_afm.FieldEmbedding(columns)
    layer({"a": tf.constant([[1]]), "x": tf.constant([[1.0]])})
    assert report.parameters == sum(int(tf.size(w)) for w in layer.weights)
    np.testing.assert_allclose(report.megabytes, 3 * 4 * report.parameters / 1e6)
    assert "a_embedding" in str(report).splitlines()[1]
    table = embeddings.QuotientRemainderTable(1000, 8)
    small = tfrs_afm.size_report(columns, tables={"a_embedding": table})
    assert small.parameters < report.parameters / 5


def test_size_report_refuses_an_unknown_optimizer() -> None:
    with pytest.raises(ValueError, match=r"`optimizer` must be one of adagrad, adam"):
        tfrs_afm.size_report([fc.numeric_column("x")], 4, optimizer="lion")


def columns() -> list:
    """Vectors of 8 and 0.8 MB, linear weights of an eighth: 9.9 MB in all, SGD."""
    sizes = {"huge": 250_000, "small": 25_000}
    return [
        fc.embedding_column(fc.categorical_column_with_identity(name, size), 8)
        for name, size in sizes.items()
    ]


def routes(budget: float, servers: int = 0) -> tuple[dict[str, str], bool]:
    report = tfrs_afm.size_report(
        columns(), optimizer="sgd", budget_megabytes=budget, parameter_servers=servers
    )
    return {table.name: table.route for table in report.tables}, report.fits


def test_tables_stay_on_one_host_as_long_as_they_fit() -> None:
    for servers in (0, 4):
        found, fits = routes(9.9, servers)
        assert set(found.values()) == {"one host"}
        assert fits


@pytest.mark.parametrize(
    ("budget", "servers", "elsewhere", "route"),
    [
        (9.0, 2, {"huge_embedding"}, "sharded"),  # 8 / 2 + 1 + 0.8 + 0.1
        (5.5, 2, {"huge_embedding", "huge_embedding/linear"}, "sharded"),  # 4 + 0.5 + 0.8 + 0.1
        (9.0, 0, {"huge_embedding", "huge_embedding/linear"}, "compositional"),
        (9.0, 1, {"huge_embedding", "huge_embedding/linear"}, "compositional"),
    ],
)
def test_the_largest_tables_leave_one_host_first(
    budget: float, servers: int, elsewhere: set[str], route: str
) -> None:
    found, fits = routes(budget, servers)
    assert {name for name, one in found.items() if one != "one host"} == elsewhere
    assert {found[name] for name in elsewhere} == {route}
    assert fits


def test_what_is_too_large_for_its_shards_is_composed() -> None:
    found, fits = routes(2.0, 2)
    assert found["huge_embedding"] == found["huge_embedding/linear"] == "compositional"
    assert found["small_embedding"] == "sharded"
    assert fits


def test_memory_on_the_route_is_what_would_be_built() -> None:
    report = tfrs_afm.size_report(columns(), optimizer="adam", budget_megabytes=5.0)
    by_name = {table.name: table for table in report.tables}
    remainders = math.ceil(math.sqrt(250_000))
    parts = math.ceil(250_000 / remainders) + remainders
    np.testing.assert_allclose(by_name["huge_embedding"].host_megabytes, 3 * 4 * 8 * parts / 1e6)
    np.testing.assert_allclose(by_name["huge_embedding/linear"].host_megabytes, 12 * parts / 1e6)
    np.testing.assert_allclose(by_name["huge_embedding"].megabytes, 8.0)  # if nothing is done
    np.testing.assert_allclose(by_name["small_embedding"].host_megabytes, 2.4)
    assert "compositional" in str(report)
    assert str(report).endswith("MB on one host of 5.00: fits")


def test_what_fits_nowhere_is_said() -> None:
    report = tfrs_afm.size_report(columns(), budget_megabytes=0.001, parameter_servers=2)
    assert not report.fits
    assert str(report).endswith("does not fit, take more parameter servers")


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ({"budget_megabytes": 0}, "`budget_megabytes` must be positive. Received: budget"),
        ({"parameter_servers": -1}, "`parameter_servers` must not be negative. Received: "),
    ],
)
def test_wrong_arguments_are_named(arguments: dict, text: str) -> None:
    with pytest.raises(ValueError, match=f"^{text}"):
        tfrs_afm.size_report(columns(), **arguments)
