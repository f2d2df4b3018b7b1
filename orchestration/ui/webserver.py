"""Dagster's web server with the pages of Kizuna; ``orchestration.ui`` starts it, with Dagster's own arguments."""

from __future__ import annotations

import dagster_webserver.app
from dagster_webserver.cli import main
from dagster_webserver.webserver import DagsterWebserver
from starlette.requests import Request
from starlette.responses import FileResponse, PlainTextResponse, Response
from starlette.routing import BaseRoute, Route

from orchestration.ui.pages import PREFIX, page_file
from pipelines.home import Home

_NO_PAGE = "There is no such page, or not yet: a night writes it. Run the job nightly, or: kizuna run"


class Webserver(DagsterWebserver):
    """Serves ``/pages/...`` before Dagster's routes, the last of which takes every address."""

    def build_routes(self) -> list[BaseRoute]:
        return [Route(f"{PREFIX}/{{page:path}}", self._page), *super().build_routes()]

    def _page(self, request: Request) -> Response:
        headers = self.make_security_headers()
        file = page_file(Home.from_environment(), request.path_params["page"])
        if file is None:
            return PlainTextResponse(_NO_PAGE, status_code=404, headers=headers)
        return FileResponse(file, headers=headers)


if __name__ == "__main__":
    dagster_webserver.app.DagsterWebserver = (
        Webserver  # Dagster's command line names its class there, and nowhere else
    )
    main()
