"""What a check of a section raises."""

from pydantic_core import PydanticCustomError


def broken(key: str, rule: str, fix: str = "") -> PydanticCustomError:
    """Returns the error of a value that breaks a rule, for a validator of a section to raise.

    `load_configuration` puts the path of the section before the key, and says what was received.

    Args:
        key: The key inside the section.
        rule: What the value must be or do: "be below `max_size`".
        fix: What to do about it, a sentence.

    Returns:
        The error.

    Example:
        >>> print(broken("low", "be below `high`", "Swap the two."))
        `low` must be below `high`. Swap the two.
    """
    context = {"key": key, "rule": rule, "fix": fix}
    return PydanticCustomError("broken", "`{key}` must {rule}. {fix}", context)
