from __future__ import annotations

from pathlib import Path

from pipelines.contracts.dictionary import BEGIN, END, as_markdown

PAGE = Path(__file__).parents[3] / "docs" / "sources.md"


def test_the_page_on_sources_lists_the_tables_as_they_are() -> None:
    """Mend it with ``python -m pipelines.contracts.dictionary``."""
    page = PAGE.read_text(encoding="utf-8")
    listed = page.split(BEGIN)[1].split(END)[0].strip()
    assert listed == as_markdown().strip()
