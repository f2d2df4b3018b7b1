"""The questions of a survey: what each measures, on which scale, and what its answers in words stand for."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from pipelines.contracts.survey import METRIC_SCALES
from pipelines.settings.base import Model, Name

Number = Annotated[float, Field(strict=True, allow_inf_nan=False)]  # a text that looks like one is a mistake


def _with_text_as_keys(value: Any) -> Any:
    """YAML reads the label 5 as a number."""
    return {str(key): number for key, number in value.items()} if isinstance(value, dict) else value


def _told_apart(labels: dict[str, float]) -> dict[str, float]:
    if not labels:
        raise ValueError("write at least one label, or leave the key out")
    compared = [label.strip().lower() for label in labels]
    doubled = sorted({label for label in compared if compared.count(label) > 1})
    if doubled:
        raise ValueError(
            f"the label {doubled[0]!r} comes twice: blanks around it and capitals are not compared"
        )
    return labels


Labels = Annotated[dict[str, Number], BeforeValidator(_with_text_as_keys), AfterValidator(_told_apart)]


class Question(Model):
    """One question, for which each response gives one row of survey.responses."""

    metric: str
    column: Name | None = None  # of the file; default: what the question is called here
    scale: tuple[Number, Number] | None = None  # lowest and highest answer; default: the metric's usual scale
    labels: Labels | None = None  # answers in words, and the number that each stands for

    @model_validator(mode="after")
    def _measures_on_its_scale(self) -> Question:
        if self.metric not in METRIC_SCALES:
            raise ValueError(f"{self.metric!r} is no metric; it is one of {', '.join(METRIC_SCALES)}")
        if self.metric == "open_text":
            if self.scale or self.labels:
                raise ValueError("open_text is kept as it is written: remove scale and labels")
            return self
        lowest, highest = self.bounds
        if lowest >= highest:
            raise ValueError(
                f"scale: write the lowest answer first, then the highest, not {_listed(self.bounds)}"
            )
        outside = [label for label, number in (self.labels or {}).items() if not lowest <= number <= highest]
        if outside:
            raise ValueError(
                f"labels: {outside[0]!r} stands for {self.labels[outside[0]]:g}, "
                f"which is outside the scale {_listed(self.bounds)}"
            )
        return self

    @property
    def bounds(self) -> tuple[float, float]:
        """Lowest and highest answer; not for open text, which has neither."""
        return self.scale or METRIC_SCALES[self.metric]

    def columns(self, question_id: str) -> dict[str, dict[str, Any]]:
        """The mappings of the columns that it fills."""
        column = self.column or question_id
        named = {"question_id": {"constant": question_id}, "metric": {"constant": self.metric}}
        if self.metric == "open_text":
            return {**named, "comment": {"column": column}}
        lowest, highest = self.bounds
        return {
            **named,
            "score": {"column": column, "labels": self.labels},
            "scale_min": {"constant": lowest},
            "scale_max": {"constant": highest},
        }


def _listed(bounds: tuple[float, float]) -> str:
    return f"[{bounds[0]:g}, {bounds[1]:g}]"
