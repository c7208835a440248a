from html.parser import HTMLParser

from hypothesis import given
from hypothesis import strategies as st

from optimizer.report.markup import Heading, Html, element, escaped, folded, name_text, table, words

HOSTILE = st.text(st.sampled_from("<>&\"'/ab=;!-"), max_size=20) | st.text(
    st.characters(exclude_categories=("Cs", "Cc")), max_size=20
)


class Collected(HTMLParser):
    """Tags and text of a page, as a browser would see them."""

    def __init__(self, page: str) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data


@given(HOSTILE)
def test_text_from_outside_is_text_and_nothing_else(text: str) -> None:
    seen = Collected(element("p", text))
    assert seen.tags == [("p", {})]
    assert seen.text == text


@given(HOSTILE)
def test_an_attribute_holds_any_text_and_adds_no_other(text: str) -> None:
    assert Collected(element("p", attributes={"title": text})).tags == [("p", {"title": text})]


@given(HOSTILE, HOSTILE)
def test_every_cell_caption_and_summary_of_a_table_is_escaped(name: str, cell: str) -> None:
    seen = Collected(folded(cell, table(name, [words(name), Heading(title=cell)], [[name, cell]])))
    assert {tag for tag, _ in seen.tags} <= {
        *("details", "summary", "div", "table", "caption", "thead", "tbody", "tr", "th", "td")
    }
    assert seen.text == cell + name + name + cell + name + cell


def test_html_is_escaped_once() -> None:
    assert escaped(Html("<b>")) == "<b>"
    assert element("b", element("i", "&")) == "<b><i>&amp;</i></b>"


def test_a_joined_string_of_html_and_text_is_text_again() -> None:
    assert element("p", element("b") + "<i>") == "<p>&lt;b&gt;&lt;/b&gt;&lt;i&gt;</p>"


def test_names_are_isolated_from_the_direction_of_the_text_around() -> None:
    assert name_text("\u202egnp.exe") == "<bdi>\u202egnp.exe</bdi>"
