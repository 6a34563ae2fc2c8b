"""What became of one variable that is no table."""

import dataclasses


@dataclasses.dataclass(frozen=True)
class CarriedVariable:
    """What became of one variable that is no table: attention, a tower's kernel, a bias.

    Attributes:
        name: Its place in the model, such as `task/interaction/_linear/bias`.
        carried: Whether it has numbers of the old model.
        slots: Optimizer slots that were carried over with it, by name.
        note: Why it was not carried over, and what else there is to know.
    """

    name: str
    carried: bool
    slots: tuple[str, ...] = ()
    note: str = ""
