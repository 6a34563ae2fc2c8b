"""Examples that somebody else prepared, held to the columns that are to read them."""

from pathlib import Path

from pipelines.configuration.configuration import Configuration
from pipelines.configuration.raw_features import raw_features
from pipelines.fitting.fit import ColumnFits, Fitted
from pipelines.preparation.feature_spec import FeatureSpec


def use_prepared(configuration: Configuration) -> tuple[Configuration, FeatureSpec]:
    """Checks that the examples of `data.prepared` are what a configuration reads.

    Nothing is prepared or fitted again: the examples may be of another machine, of
    `prepare-events` in memory or on Beam.

    Args:
        configuration: One with `data.prepared`.

    Returns:
        The configuration, with the label, weight and group that the examples have, and the
        description of the examples.

    Raises:
        ValueError: If there are no such examples, a feature is not among them or of another type,
            a column needs what was not fitted, or label, weight or group are others.
    """
    folder = Path(str(configuration.data.prepared))
    spec = FeatureSpec.read(folder)
    if "train" not in spec.parts:
        raise ValueError(
            f"`data.prepared` must have a split train. Received: data.prepared={str(folder)!r} "
            f"with {', '.join(spec.parts) or 'none'}. Prepare it again."
        )
    for part in spec.parts:
        spec.files(folder, part)  # they are all there
    configuration = _with_targets(configuration, spec)
    _check_features(configuration, spec)
    fitted = Fitted(spec.fitted, spec.values_of)
    for fit in ColumnFits(configuration.columns):
        fitted.of(fit)
    _check_labels(configuration, spec)
    return configuration, spec


def _with_targets(configuration: Configuration, spec: FeatureSpec) -> Configuration:
    data = configuration.data
    known = {"label": spec.label, "weight": spec.weight, "group": spec.group}
    for key, value in known.items():
        given = getattr(data, key)
        if key in data.model_fields_set and given is not None and given != value:
            raise ValueError(
                f"`data.{key}` must be that of the prepared examples, {value!r}. Received: "
                f"data.{key}={given!r}. Leave it out, or prepare the examples again."
            )
    return configuration.model_copy(update={"data": data.model_copy(update=known)})


def _check_features(configuration: Configuration, spec: FeatureSpec) -> None:
    wanted = raw_features(configuration)
    for name, feature in wanted.items():
        written = spec.features.get(name)
        if written is None or name == spec.label:
            known = ", ".join(one for one in spec.features if one != spec.label)
            raise ValueError(
                "`columns` must read features of the prepared examples. Received: "
                f"'{name}', and they have {known}."
            )
        if written.dtype != feature.dtype:
            raise ValueError(
                f"`columns` must read {written.dtype}, as the prepared examples have it. Received: "
                f"a column of {feature.dtype} for field '{name}'. Give it that dtype."
            )
        if feature.shape == (1,) and written.kind != "fixed":
            raise ValueError(
                "`columns` must read a list by a sequence column. Received: a column of one value "
                f"for field '{name}', of which the prepared examples have a list."
            )
    evaluation = configuration.evaluation
    extras = (spec.group, *evaluation.slices, evaluation.user, evaluation.item)
    for extra in extras:
        if extra is not None and extra not in spec.features:
            raise ValueError(
                "`evaluation` must name features that are among the prepared examples. "
                f"Received: {extra!r}. Prepare them again with this configuration."
            )


def _check_labels(configuration: Configuration, spec: FeatureSpec) -> None:
    task = configuration.task
    if task.predicts == "ranking" and spec.group is None:
        raise ValueError(
            f"`task.loss` must be one without groups. Received: task.loss={task.loss!r}, and the "
            "prepared examples have no group. Prepare them again with data.group."
        )
    others = [name for name, part in spec.parts.items() if part.positives is None]
    if task.loss == "binary_crossentropy" and others:
        raise ValueError(
            f"`task.loss` must suit the labels. Received: task.loss={task.loss!r}, and the split "
            f"{others[0]} has labels that are neither 0 nor 1. Prepare it again with "
            "data.positive_from, or take the loss mean_squared_error."
        )
