"""The commands of a run: prepare, train, evaluate, predict, export, report."""

import argparse
import json
from pathlib import Path
from typing import Any

from pipelines.commands.options import add_command, add_input, configuration_of, print_metrics

_PREPARE_ABOUT = """\
Prepare the data of a configuration: rows of any format to training, validation and test examples.

Writes FOLDER/data: TFRecord of tf.Example, and feature_spec.json with what was fitted on the
training split. What is there already from the same files and settings is kept; what a run was
trained on is never replaced; an interrupted run leaves nothing behind. `train` does this by itself.
"""
_PREPARE_EXAMPLES = """\
  python -m pipelines prepare --config clicks.toml --out runs/clicks
  python -m pipelines prepare --config clicks.toml --set data.on_bad_row=skip --out runs/clicks
"""


def add_prepare(commands: Any) -> None:
    """Adds the command `prepare`.

    Args:
        commands: What `ArgumentParser.add_subparsers` gave.
    """
    summary = "rows to training, validation and test examples"
    add_command(commands, "prepare", summary, _PREPARE_ABOUT, _PREPARE_EXAMPLES, _prepare)


def _prepare(options: argparse.Namespace) -> None:
    # Here, so that --help need not wait for TensorFlow.
    from pipelines.fitting.fit import Fitted
    from pipelines.modelling.build_model import require_memory
    from pipelines.preparation.prepare import prepare
    from pipelines.runs.run_folder import RunFolder

    folder, configuration = RunFolder(options.out), configuration_of(options)
    data = options.out / "data"
    spec = prepare(configuration, data, replace=not folder.has_begun)
    for name, part in spec.parts.items():
        share = "" if part.positives is None else f", {part.positives / part.examples:.1%} positive"
        print(f"{name:<11}{part.examples:>9} examples{share}")
    require_memory(configuration, Fitted(spec.fitted, spec.values_of))


_TRAIN_ABOUT = """\
Train the model of a configuration, keep its best weights, and evaluate it on all other splits.

FOLDER then holds configuration.json (all defaults included), data, checkpoints, logs for
TensorBoard, history.jsonl with a line an epoch, model.keras with the best weights and metrics.json.
A run that was stopped at any moment goes on with --resume and ends with the same weights.
With --warm-start the model begins with the rows and weights of an earlier run, also where
vocabularies or columns have changed since; carried_over.txt says what was carried over.
"""
_TRAIN_EXAMPLES = """\
  python -m pipelines train --config clicks.toml --out runs/clicks
  python -m pipelines train --config clicks.toml --set training.epochs=5 --out runs/clicks --resume
  python -m pipelines train --config clicks.toml --set model.kind=DeepFM --out runs/deepfm
  python -m pipelines train --config clicks.toml --out runs/today --warm-start runs/yesterday
  tensorboard --logdir runs
"""


def add_train(commands: Any) -> None:
    """Adds the command `train`.

    Args:
        commands: What `ArgumentParser.add_subparsers` gave.
    """
    summary = "a configuration to a trained model and its metrics"
    parser = add_command(commands, "train", summary, _TRAIN_ABOUT, _TRAIN_EXAMPLES, _train)
    parser.add_argument("--resume", action="store_true", help="go on with a run that was stopped")
    parser.add_argument(
        "--warm-start",
        type=Path,
        metavar="FOLDER",
        help="a run whose model this one begins with",
    )


def _train(options: argparse.Namespace) -> None:
    # Here, so that --help need not wait for TensorFlow.
    from pipelines.runs.train_run import train_run
    from pipelines.training.threads import set_threads

    configuration = configuration_of(options)
    set_threads(configuration)
    metrics = train_run(
        configuration, options.out, resume=options.resume, warm_start=options.warm_start
    )
    for part, found in metrics.items():
        print(f"{part}:")
        print_metrics(found, configuration.data.group)


_EVALUATE_ABOUT = """\
Evaluate the model of a run on a split of its prepared examples, or on files of any format.

What is computed is said by the section `evaluation`: metrics, k, bootstrap and so on. The metrics
of a split go to FOLDER/metrics.json, those of files to --output, with confidence intervals.
"""
_EVALUATE_EXAMPLES = """\
  python -m pipelines evaluate --out runs/clicks
  python -m pipelines evaluate --out runs/clicks --split validation --set evaluation.bootstrap=0
  python -m pipelines evaluate --out runs/clicks --input new.parquet --output metrics.json
"""


def add_evaluate(commands: Any) -> None:
    """Adds the command `evaluate`.

    Args:
        commands: What `ArgumentParser.add_subparsers` gave.
    """
    summary = "a trained model to metrics with confidence intervals"
    parser = add_command(
        commands,
        "evaluate",
        summary,
        _EVALUATE_ABOUT,
        _EVALUATE_EXAMPLES,
        _evaluate,
        configured=False,
    )
    add_input(parser)
    parser.add_argument("--output", type=Path, metavar="FILE", help="a JSON file for the metrics")


def _evaluate(options: argparse.Namespace) -> None:
    # Here, so that --help need not wait for TensorFlow.
    from pipelines.files.atomic import write_text
    from pipelines.runs.evaluate_run import evaluate_run

    configuration = configuration_of(options)
    metrics = evaluate_run(configuration, options.out, options.part, options.input, options.format)
    if options.output:
        write_text(options.output, json.dumps(metrics, indent=1) + "\n")
    print_metrics(metrics, configuration.data.group)


_PREDICT_ABOUT = """\
Write the prediction of the model of a run for each row of a split, or of files of any format.

Files need no label. The ending of --output says how it is written: .json, .csv or .parquet.
"""
_PREDICT_EXAMPLES = """\
  python -m pipelines predict --out runs/clicks --output predictions.csv
  python -m pipelines predict --out runs/clicks --input new.csv --output predictions.parquet
"""


def add_predict(commands: Any) -> None:
    """Adds the command `predict`.

    Args:
        commands: What `ArgumentParser.add_subparsers` gave.
    """
    summary = "a trained model to predictions in a file"
    parser = add_command(
        commands, "predict", summary, _PREDICT_ABOUT, _PREDICT_EXAMPLES, _predict, configured=False
    )
    add_input(parser)
    parser.add_argument(
        "--output",
        type=Path,
        metavar="FILE",
        help="the file to write (default: predictions.csv in the folder of the run)",
    )


def _predict(options: argparse.Namespace) -> None:
    # Here, so that --help need not wait for TensorFlow.
    from pipelines.runs.predict_run import predict_run

    output = options.output or options.out / "predictions.csv"
    count = predict_run(
        configuration_of(options),
        options.out,
        output,
        options.part,
        options.input,
        options.format,
    )
    print(f"{count} predictions in {output}")


_EXPORT_ABOUT = """\
Publish the model of a run as the next version that TensorFlow Serving serves.

Runs `python -m serving export` with the section `export`: signatures, golden rows of the test
split, a check in a fresh process, and only then the version appears. Prints its folder.
"""
_EXPORT_EXAMPLES = """\
  python -m pipelines export --out runs/clicks --base-path models/clicks
  python -m pipelines export --out runs/clicks --set export.keep_last=3
  python -m serving serve --model_name=clicks --model_base_path=models/clicks
"""


def add_export(commands: Any) -> None:
    """Adds the command `export`.

    Args:
        commands: What `ArgumentParser.add_subparsers` gave.
    """
    summary = "a trained model to a version that TensorFlow Serving serves"
    parser = add_command(
        commands, "export", summary, _EXPORT_ABOUT, _EXPORT_EXAMPLES, _export, configured=False
    )
    parser.add_argument(
        "--base-path",
        metavar="FOLDER",
        help="the model's folder of versions, or an address with '://' (default: export.base_path "
        "of the configuration, or else export in the folder of the run)",
    )


def _export(options: argparse.Namespace) -> None:
    from pipelines.runs.export_run import export_run

    export_run(configuration_of(options), options.out, options.base_path)


_REPORT_ABOUT = """\
Write report.html into the folder of a run: one page that opens anywhere, without a network.

It shows the data, the learning curves, the metrics with confidence intervals beside the baselines,
calibration, ROC, metrics per slice (evaluation.user, evaluation.item and evaluation.slices of the
configuration), which field pairs the model attends to, the most telling examples taken apart, the
configuration and the versions.
"""
_REPORT_EXAMPLES = """\
  python -m pipelines report --out runs/afm
  python -m pipelines report --out runs/afm --split validation --beside runs/linear runs/deepfm
"""


def add_report(commands: Any) -> None:
    """Adds the command `report`.

    Args:
        commands: What `ArgumentParser.add_subparsers` gave.
    """
    summary = "a run to one HTML page"
    parser = add_command(
        commands, "report", summary, _REPORT_ABOUT, _REPORT_EXAMPLES, _report, configured=False
    )
    parser.add_argument(
        "--split",
        "--part",  # as it was called before
        dest="part",
        choices=["train", "validation", "test"],
        help="what curves, slices and examples are of (default: test, or else validation)",
    )
    parser.add_argument(
        "--beside",
        type=Path,
        nargs="+",
        default=[],
        metavar="FOLDER",
        help="other runs on the same examples to compare with, as one trained with --set "
        "model.kind=logistic_regression",
    )


def _report(options: argparse.Namespace) -> None:
    # Here, so that --help need not wait for TensorFlow.
    from pipelines.reporting.write_report import write_report

    configuration = configuration_of(options)
    print(write_report(configuration, options.out, options.part, options.beside))
