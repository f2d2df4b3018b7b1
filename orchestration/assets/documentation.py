"""The pages about the tables, after the publication: written anew only when what they show has changed."""

from pathlib import Path

import dagster as dg

from orchestration.keys import DOCUMENTATION, LAYER, OWNERS, PUBLICATION, WRITER_POOL
from orchestration.resources import Company
from orchestration.ui import pages
from pipelines.documentation import refresh_documentation


def documentation_asset(project: Path) -> dg.AssetsDefinition:
    """The asset of the data dictionary, the lineage and dbt's pages."""

    @dg.asset(
        key=DOCUMENTATION,
        deps=[PUBLICATION],
        group_name="publication",
        owners=OWNERS,
        kinds={"dbt", "html"},
        tags={LAYER: "publication"},
        pool=WRITER_POOL,
        description="The data dictionary, from each column back to the columns of the exports, and dbt's own pages; "
        "they open offline.",
    )
    def documentation(company: dg.ResourceParam[Company]) -> dg.MaterializeResult:
        home = company.home
        is_new = refresh_documentation(home, project, company.settings)
        return dg.MaterializeResult(
            metadata={
                "written": dg.MetadataValue.text(
                    "anew" if is_new else "not again: neither the models nor the settings have changed"
                ),
                "all_pages": pages.link(pages.DOCUMENTATION),
                "data_dictionary": pages.link(pages.DICTIONARY),
                "models": pages.link(pages.MODELS),
                "folder": dg.MetadataValue.path(str(home.docs)),
            }
        )

    return documentation
