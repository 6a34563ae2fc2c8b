"""Files to a trained model to honest numbers, from one checked configuration.

The verbs are those of `python -m pipelines`:

    prepare             files -> a folder of checked examples, and what was fitted on them
    prepare_in_memory   a log of events -> the same; `prepare_with_beam` for logs of any size
    train               examples -> a run: model, checkpoints, learning curve, metrics
    evaluate, predict   a run and files -> metrics with intervals, or scores
    report, tune        a run -> one HTML page; a configuration -> the best of many
    export              a run -> versions that TensorFlow Serving answers from

Names are loaded when they are first used: a program that only reads a configuration must not pay
for TensorFlow.
"""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pipelines.configuration.column import Column as Column
    from pipelines.configuration.configuration import Configuration as Configuration
    from pipelines.configuration.configuration import Data as Data
    from pipelines.configuration.load_configuration import load_configuration as load_configuration
    from pipelines.events.prepare_in_memory import prepare_in_memory as prepare_in_memory
    from pipelines.events.prepare_with_beam import prepare_with_beam as prepare_with_beam
    from pipelines.events.settings import EventSettings as EventSettings
    from pipelines.events.settings import load_event_settings as load_event_settings
    from pipelines.fitting.fit_columns import fit_columns as fit_columns
    from pipelines.modelling.build_model import build_model as build_model
    from pipelines.preparation.prepare import prepare as prepare
    from pipelines.readers.formats import FormatOptions as FormatOptions
    from pipelines.readers.formats import RowFormat as RowFormat
    from pipelines.readers.read_rows import read_rows as read_rows
    from pipelines.reporting.write_report import write_report as report
    from pipelines.runs.evaluate_run import evaluate_run as evaluate
    from pipelines.runs.export_run import Exporter as Exporter
    from pipelines.runs.export_run import export_run as export
    from pipelines.runs.predict_run import predict_run as predict
    from pipelines.runs.train_run import train_run as train
    from pipelines.sources.source import Source as Source
    from pipelines.training.train import Trainer as Trainer
    from pipelines.training.train import train as training_loop
    from pipelines.tuning.tune import tune_run as tune

_HOMES = {
    "Column": "pipelines.configuration.column.Column",
    "Configuration": "pipelines.configuration.configuration.Configuration",
    "Data": "pipelines.configuration.configuration.Data",
    "EventSettings": "pipelines.events.settings.EventSettings",
    "Exporter": "pipelines.runs.export_run.Exporter",
    "FormatOptions": "pipelines.readers.formats.FormatOptions",
    "RowFormat": "pipelines.readers.formats.RowFormat",
    "Source": "pipelines.sources.source.Source",
    "Trainer": "pipelines.training.train.Trainer",
    "build_model": "pipelines.modelling.build_model.build_model",
    "evaluate": "pipelines.runs.evaluate_run.evaluate_run",
    "export": "pipelines.runs.export_run.export_run",
    "fit_columns": "pipelines.fitting.fit_columns.fit_columns",
    "load_configuration": "pipelines.configuration.load_configuration.load_configuration",
    "load_event_settings": "pipelines.events.settings.load_event_settings",
    "predict": "pipelines.runs.predict_run.predict_run",
    "prepare": "pipelines.preparation.prepare.prepare",
    "prepare_in_memory": "pipelines.events.prepare_in_memory.prepare_in_memory",
    "prepare_with_beam": "pipelines.events.prepare_with_beam.prepare_with_beam",
    "read_rows": "pipelines.readers.read_rows.read_rows",
    "report": "pipelines.reporting.write_report.write_report",
    "train": "pipelines.runs.train_run.train_run",
    "training_loop": "pipelines.training.train.train",
    "tune": "pipelines.tuning.tune.tune_run",
}

__all__ = [
    "Column",
    "Configuration",
    "Data",
    "EventSettings",
    "Exporter",
    "FormatOptions",
    "RowFormat",
    "Source",
    "Trainer",
    "build_model",
    "evaluate",
    "export",
    "fit_columns",
    "load_configuration",
    "load_event_settings",
    "predict",
    "prepare",
    "prepare_in_memory",
    "prepare_with_beam",
    "read_rows",
    "report",
    "train",
    "training_loop",
    "tune",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'pipelines' has no attribute '{name}'")
    module, _, attribute = _HOMES[name].rpartition(".")
    return getattr(importlib.import_module(module), attribute)


def __dir__() -> list[str]:
    return list(__all__)
