"""One fitted company for all tests of this folder."""

from __future__ import annotations

import pytest
from estimates_company import FittedCompany, fitted_in


@pytest.fixture(scope="session")
def fitted_company(tmp_path_factory: pytest.TempPathFactory, dbt_manifest: object) -> FittedCompany:
    return fitted_in(tmp_path_factory.mktemp("fitted_company"))
