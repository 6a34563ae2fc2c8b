"""Everything that decides a run."""

from typing import Self

import pydantic

from pipelines.configuration.broken import broken
from pipelines.configuration.column import Column
from pipelines.configuration.data import Data
from pipelines.configuration.evaluation import Evaluation
from pipelines.configuration.export import Export
from pipelines.configuration.model import Model
from pipelines.configuration.section import Section
from pipelines.configuration.task import Task
from pipelines.configuration.training import Training
from pipelines.configuration.tuning import Tuning


class Configuration(Section):
    """Files to a trained model: all sections of a configuration file.

    Example:
        >>> columns = [Column(kind="categorical_column_with_hash_bucket", key="user_id",
        ...                   hash_bucket_size=1000)]
        >>> made = Configuration(data=Data(format="csv", train="clicks.csv"), columns=columns)
        >>> made.model.kind, made.data.train
        ('AFM', ('clicks.csv',))
    """

    data: Data
    """Where rows come from."""
    columns: tuple[Column, ...] = pydantic.Field(min_length=1)
    """The feature columns; each is a field of the model."""
    model: Model = Model()
    """What turns embedded columns into a score."""
    task: Task = Task()
    """The loss."""
    training: Training = Training()
    """Passes over the data, the optimizer, and what is kept of the way there."""
    evaluation: Evaluation = Evaluation()
    """How predictions are judged."""
    tuning: Tuning = Tuning()
    """What `tune` tries."""
    export: Export = Export()
    """The model that is served."""

    @pydantic.model_validator(mode="after")
    def _fit_together(self) -> Self:
        if self.task.predicts == "ranking" and not self.data.group:
            raise broken("data.group", f"be given with task.loss = '{self.task.loss}'")
        if self.model.crossing == "ids" and any(column.pooling for column in self.columns):
            raise broken("model.crossing", "be 'fields' where a column has a `pooling`")
        return self
