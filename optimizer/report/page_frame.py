"""What every page has: one HTML file with everything in it, which opens without a network and asks for none.

Its content security policy lets no script run but the two written here, named by their hashes, and nothing be loaded.
Not here: what any page says.
"""

import base64
import hashlib
from collections.abc import Sequence
from functools import cache
from importlib import resources

from optimizer.report.markup import Html, element, joined


def page_bytes(title: str, *, header: Sequence[str], sections: Sequence[str], footer: str) -> bytes:
    """A whole page.

    Parameters
    ----------
    title : str
        Of the window.
    header, sections : sequence of str
        What is not HTML is escaped.
    footer : str

    Returns
    -------
    bytes
        UTF-8.
    """
    body = element(
        "body",
        element("header", *header),
        element("main", *sections),
        element("footer", footer),
        *(element("script", Html(source)) for source in _scripts()),
    )
    page = joined(Html("<!doctype html>\n"), element("html", _head(title), body, attributes={"lang": "en"}), Html("\n"))
    return page.encode(errors="xmlcharrefreplace")


def contents(sections: Sequence[tuple[str, str]]) -> Html:
    """Links to the sections, from their anchors and titles."""
    items = [element("li", element("a", title, attributes={"href": f"#{anchor}"})) for anchor, title in sections]
    return element("nav", element("ol", *items), attributes={"aria-label": "Sections"})


def _head(title: str) -> Html:
    """Head of the page, with its policy first."""
    allowed = " ".join(f"'sha256-{_digest(source)}'" for source in _scripts())
    policy = (
        f"default-src 'none'; script-src {allowed}; style-src 'unsafe-inline'; img-src data: blob:; "
        "base-uri 'none'; form-action 'none'"
    )
    return element(
        "head",
        element("meta", attributes={"charset": "utf-8"}),
        element("meta", attributes={"http-equiv": "Content-Security-Policy", "content": policy}),
        element("meta", attributes={"name": "viewport", "content": "width=device-width, initial-scale=1"}),
        element("meta", attributes={"name": "referrer", "content": "no-referrer"}),
        element("title", title),
        element("style", Html(_resource("page.css"))),
    )


@cache
def _scripts() -> tuple[str, str]:
    """The chart library and the few lines that draw the charts."""
    from plotly.offline import get_plotlyjs  # here: it takes its time, and the terminal does not need it

    return get_plotlyjs(), _resource("page.js")


def _resource(name: str) -> str:
    """Text of a file beside this module."""
    return resources.files("optimizer.report").joinpath(name).read_text(encoding="utf-8")


@cache
def _digest(source: str) -> str:
    """SHA-256 of a script as the policy wants it."""
    return base64.b64encode(hashlib.sha256(source.encode()).digest()).decode()
