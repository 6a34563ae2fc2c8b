"""What was found on the training part."""

import dataclasses
import json
from pathlib import Path
from typing import Any

from pipelines.files.write_text import write_text
from pipelines.modelling.fit import Fit


@dataclasses.dataclass(frozen=True)
class Fitted:
    """Vocabularies, bounds, means and numbers of ids, as JSON-ready values.

    Attributes:
        values: `Fit.name` -> its value: a list of a vocabulary's values or of bounds, a number,
            or for a range the list of mean, standard deviation, least and greatest number.
    """

    values: dict[str, Any] = dataclasses.field(default_factory=dict)

    FILE = "fitted.json"

    def of(self, fit: Fit) -> Any:
        """Returns the value of a fit.

        Raises:
            ValueError: If it was not fitted.
        """
        if fit.name not in self.values:
            raise ValueError(
                f"`columns` must be those that were fitted. Received: a column that needs "
                f"{fit.name}, and fitted are {', '.join(self.values) or 'none'}. Prepare the data "
                "again, or give the column its value."
            )
        return self.values[fit.name]

    def write(self, folder: Path) -> None:
        """Writes `fitted.json` into a folder."""
        write_text(folder / self.FILE, json.dumps(self.values, ensure_ascii=False, indent=1) + "\n")

    @classmethod
    def read(cls, folder: Path) -> "Fitted":
        """Reads `fitted.json` of a folder."""
        return cls(json.loads((folder / cls.FILE).read_text(encoding="utf-8")))
