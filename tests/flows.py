"""Feeding a flow: what it asks is answered from a list or by a function, no client needed."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from typing import TypeVar

from lockblame.errors import UpstreamError
from lockblame.flow import Flow, Request, Response

T = TypeVar("T")


def feed(
    flow: Flow[T], answers: Iterable[Response | UpstreamError] | Callable[[Request], Response | UpstreamError]
) -> tuple[T, list[Request]]:
    """What the flow returns, and what it asked."""
    waiting = iter(()) if callable(answers) else iter(answers)
    asked: list[Request] = []
    try:
        request = next(flow)
        while True:
            asked.append(request)
            answer = answers(request) if callable(answers) else next(waiting)
            request = flow.throw(answer) if isinstance(answer, UpstreamError) else flow.send(answer)
    except StopIteration as stop:
        assert not list(waiting), "not all answers were asked for"
        return stop.value, asked


def page(
    document: object, url: str = "https://index.example/x", kind: str = "application/json", status: int = 200, **headers: str
) -> Response:
    """A JSON answer; bytes and strings are sent as they are."""
    body = (
        document
        if isinstance(document, bytes)
        else document.encode()
        if isinstance(document, str)
        else json.dumps(document).encode()
    )
    return Response(
        status=status,
        url=url,
        headers={"content-type": kind, **{key.replace("_", "-"): text for key, text in headers.items()}},
        body=body,
    )
