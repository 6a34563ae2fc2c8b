import csv
import io
from pathlib import Path

from pipelines.tuning.study import TrialRecord
from pipelines.tuning.trials import plot_trials, trials_table

RECORDS = [
    TrialRecord(0, "complete", 0.61234, {"rate": 1e-4, "units": [8], "on": True}, (0.7, 0.61234)),
    TrialRecord(1, "failed", None, {"rate": 0.1, "units": [16, 8], "on": False}, (), 'nan, "bad"'),
    TrialRecord(2, "pruned", 0.5, {"rate": 1e-2, "units": [8], "on": True}, (0.5,)),
    TrialRecord(3, "complete", 0.6, {"rate": 1e-3, "units": [16, 8], "on": True}, (0.65, 0.6)),
]


def test_the_table_has_the_best_first_and_the_failed_last() -> None:
    assert trials_table(RECORDS, "min", "text").splitlines() == [
        "trial     state  epochs   value    rate    units     on",
        "    3  complete       2  0.6000   0.001  [16, 8]   true",
        "    0  complete       2  0.6123  0.0001      [8]   true",
        "    2    pruned       1  0.5000    0.01      [8]   true",
        "    1    failed       0             0.1  [16, 8]  false",
    ]
    first = trials_table(RECORDS, "max", "text").splitlines()[1]
    assert first.split()[0] == "0"


def test_csv_loses_nothing() -> None:
    rows = list(csv.DictReader(io.StringIO(trials_table(RECORDS, "min", "csv"))))
    assert [row["trial"] for row in rows] == ["3", "0", "2", "1"]
    assert rows[1]["value"] == "0.61234"
    assert rows[3] == {
        **{"trial": "1", "state": "failed", "epochs": "0", "value": "", "rate": "0.1"},
        **{"units": "[16, 8]", "on": "false", "error": 'nan, "bad"'},
    }


def test_the_picture_is_drawn_whatever_the_trials_are(tmp_path: Path) -> None:
    for number, records in enumerate([RECORDS, RECORDS[1:2], []]):
        file = tmp_path / f"{number}.svg"
        plot_trials(records, file, monitor="val_logloss", mode="min")
        assert file.read_text().rstrip().endswith("</svg>")
