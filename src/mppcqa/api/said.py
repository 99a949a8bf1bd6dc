"""What every body of a request has in common."""

from __future__ import annotations

from typing import Any, get_args

from ninja import Schema
from pydantic import ConfigDict, ValidationInfo, field_validator


class Said(Schema):
    """A body; a name that is not known is a fault, and so is true or false for a number."""

    model_config = ConfigDict(extra="forbid")

    @field_validator("*", mode="before")
    @classmethod
    def _no_bool_for_another(cls, value: Any, info: ValidationInfo) -> Any:
        """Pydantic makes 1 of true, where a person's program meant something else."""
        several = value if isinstance(value, list) else [value]
        if any(isinstance(one, bool) for one in several):
            taken = _named(cls.model_fields[str(info.field_name)].annotation)
            if not taken & {bool, Any, object}:
                raise ValueError("true or false says nothing here")
        return value


def _named(annotation: Any) -> set[Any]:
    """Every type that an annotation names, however deep."""
    return {annotation}.union(*(_named(one) for one in get_args(annotation) if _is_type(one)))


def _is_type(one: Any) -> bool:
    return isinstance(one, type) or bool(get_args(one)) or one in (Any, object)
