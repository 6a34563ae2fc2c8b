"""python -m pipelines tune."""

import argparse
from typing import Any

from pipelines.commands.add_command import add_command
from pipelines.commands.configuration_of import configuration_of

_ABOUT = """\
Try configurations one after the other, and keep the best by a metric of the validation part.

The section [tuning] of the configuration says which keys may take which values, by which metric of
the learning curve trials are judged, and how many there are. Trials that fall behind end early.
A search that was stopped goes on when the command is given again: the trials that had ended are
kept, the one that had not is done again. The test part decides nothing.

--out gets data, the prepared examples, and tuning: best.json, which --config takes, trials.csv,
trials.svg, and study.journal, which is a study of Optuna.
"""
_EXAMPLES = """\
  python -m pipelines tune --config afm.toml --out runs/search
  python -m pipelines tune --config afm.toml --out runs/search --set tuning.trials=50
  python -m pipelines train --config runs/search/tuning/best.json --out runs/best

in afm.toml:
  [tuning]
  monitor = "val_auc"
  mode = "max"
  [tuning.space]
  training.optimizer.learning_rate = {low = 1e-4, high = 1e-1, log = true}
  model.dropout = {low = 0.0, high = 0.5, step = 0.1}
  model.attention_units = {choices = [8, 16, 32]}
"""


def add_tune(commands: Any) -> None:
    """Adds the command `tune`.

    Args:
        commands: What `ArgumentParser.add_subparsers` gave.
    """
    summary = "a search space to the best configuration"
    add_command(commands, "tune", summary, _ABOUT, _EXAMPLES, _run)


def _run(options: argparse.Namespace) -> None:
    # Here, so that --help need not wait for TensorFlow.
    from pipelines.tuning.trials_table import trials_table
    from pipelines.tuning.tune_run import tune_run

    configuration = configuration_of(options)
    records = tune_run(configuration, options.out)
    print(trials_table(records, configuration.tuning.mode, "text"))
    print(options.out / "tuning" / "best.json")
