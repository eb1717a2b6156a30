"""The page and what it asks for, as an ASGI application."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import resources
from typing import Annotated, Any
from urllib.parse import unquote

from fastapi import Depends, FastAPI, Header, Query, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import HTMLResponse, JSONResponse, Response
from pydantic import BaseModel, ConfigDict, Field

from tilth.annotation.answering import Sent
from tilth.annotation.desk import Desk
from tilth.annotation.evidence import Evidence
from tilth.annotation.guard import App, Guard, cookie_name
from tilth.errors import InputError, TilthError
from tilth.samples import Task
from tilth.templates import page_templates
from tilth.text import clean

_PAGE = "page"
_FILES = {
    "label.js": "text/javascript; charset=utf-8",
    "label.css": "text/css; charset=utf-8",
    "label.svg": "image/svg+xml",
}


class Wanted(BaseModel):
    """How many rows, beside those that the page has."""

    model_config = ConfigDict(extra="forbid")
    count: int = Field(ge=1, le=100)
    held: list[Annotated[str, Field(max_length=1000)]] = Field(default_factory=list, max_length=500)


class Named(BaseModel):
    """One row."""

    model_config = ConfigDict(extra="forbid")
    row_id: str = Field(min_length=1, max_length=1000)


def _person(request: Request, tilth_annotator: Annotated[str | None, Header()] = None) -> str:
    """Who answers, by the page; a header is ASCII, so that the name comes percent-encoded."""
    return clean(unquote(tilth_annotator)) if tilth_annotator else str(request.app.state.annotator)


Who = Annotated[str, Depends(_person)]


def create_app(
    desk: Desk, evidence: Evidence | None, token: str, annotator: str, definitions: Mapping[str, str] | None = None
) -> App:
    """The application, which answers nobody who does not know the token.

    Args:
        desk: whose queue is answered.
        evidence: what speaks for each label; None: nothing is shown of it.
        token: the secret in the address.
        annotator: who answers, unless the page says otherwise.
        definitions: class → a sentence on it, which stands below its name.
    """
    app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)
    app.state.annotator = annotator
    _answer_errors(app)
    _serve_page(app, desk, token, annotator)
    _serve_queue(app, desk, definitions or {})
    _serve_rows(app, desk, evidence)
    return Guard(app, token)


def _serve_page(app: FastAPI, desk: Desk, token: str, annotator: str) -> None:
    template = page_templates("tilth.annotation", _PAGE).get_template("page.html.j2")

    @app.get("/")
    def page() -> HTMLResponse:
        leaves = [task.name.replace("_", " ") for task in desk.rows.leaves]
        response = HTMLResponse(template.render(run=desk.rows.run.path.name, leaves=leaves, annotator=annotator))
        response.set_cookie(cookie_name(token), token, httponly=True, samesite="strict")
        return response

    @app.get("/{name}")
    def file(name: str) -> Response:
        if name not in _FILES:  # a name, never a path
            return JSONResponse({"error": "no such file"}, status_code=404)
        text = resources.files("tilth.annotation").joinpath(_PAGE, name).read_text(encoding="utf-8")
        return Response(text, media_type=_FILES[name])


def _serve_queue(app: FastAPI, desk: Desk, definitions: Mapping[str, str]) -> None:
    @app.get("/api/start")
    def start(who: Who) -> dict[str, Any]:
        tasks = [_task(task) for task in desk.rows.tasks]
        leaves = [task.name for task in desk.rows.leaves]
        known = {"run": desk.rows.run.path.name, "tasks": tasks, "leaves": leaves, "definitions": dict(definitions)}
        return {**known, **desk.progress(who)}

    @app.post("/api/next")
    def upcoming(wanted: Wanted, who: Who) -> dict[str, Any]:
        return {"rows": desk.next(who, wanted.count, wanted.held), **desk.progress(who)}

    @app.post("/api/answer")
    def answer(sent: Sent, who: Who) -> dict[str, Any]:
        return desk.answer(who, sent)

    @app.post("/api/undo")
    def undo(who: Who) -> dict[str, Any]:
        return desk.undo(who)

    @app.post("/api/skip")
    def skip(named: Named, who: Who) -> dict[str, Any]:
        desk.skip(who, named.row_id)
        return desk.progress(who)

    @app.get("/api/queue")
    def queue(
        start: Annotated[int, Query(ge=0)] = 0, count: Annotated[int, Query(ge=1, le=200)] = 50
    ) -> dict[str, Any]:
        return desk.queue(start, count)


def _serve_rows(app: FastAPI, desk: Desk, evidence: Evidence | None) -> None:
    @app.post("/api/take")
    def take(named: Named, who: Who) -> dict[str, Any]:
        return desk.take(who, named.row_id)

    @app.get("/api/evidence")
    def speaks(row_id: Annotated[str, Query(alias="id", max_length=1000)]) -> dict[str, Any]:
        desk.rows.row(row_id)
        story = evidence.of(row_id) if evidence is not None else {"tasks": {}, "why_not": None}
        return {**story, "answers": desk.answers_on(row_id)}

    @app.get("/api/picture")
    def picture(row_id: Annotated[str, Query(alias="id", max_length=1000)]) -> Response:
        found = desk.rows.picture(row_id)
        if found is None:
            return JSONResponse({"error": "this picture cannot be shown"}, status_code=404)
        return Response(found, media_type="image/jpeg")

    @app.get("/api/search")
    def search(q: Annotated[str, Query(max_length=1000)]) -> dict[str, Any]:
        return desk.search(q)


def _task(task: Task) -> dict[str, Any]:
    return {
        "name": task.name,
        "parent": task.parent,
        "labels": [{"label": label, "under": list(task.parents(label))} for label in task.labels],
    }


def _answer_errors(app: FastAPI) -> None:
    """What is wrong comes back as a sentence: 422 of the request, 503 where nothing can be written."""

    @app.exception_handler(TilthError)
    async def refused(_request: Request, error: TilthError) -> JSONResponse:
        return JSONResponse({"error": str(error)}, status_code=422 if isinstance(error, InputError) else 503)

    @app.exception_handler(RequestValidationError)
    async def malformed(_request: Request, error: RequestValidationError) -> JSONResponse:
        problems = "; ".join(
            f"{'.'.join(map(str, one['loc'][1:])) or 'body'}: {one['msg']}" for one in error.errors()[:3]
        )
        return JSONResponse({"error": f"the request cannot be read: {problems}"}, status_code=422)
