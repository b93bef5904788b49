"""Templates escape what they are filled with, and miss nothing in silence."""

from pathlib import Path

import pytest
from jinja2 import UndefinedError
from markupsafe import Markup

from src.shared.serving.templates import Templates
from support.hostile_html import HARMLESS, HOSTILE, Parsed, lets_markup_in


@pytest.fixture
def templates(tmp_path: Path) -> Templates:
    return Templates(tmp_path)


def test_text_is_escaped_and_markup_is_not(templates: Templates, tmp_path: Path) -> None:
    (tmp_path / "a.html").write_text('{% if x %}\n<b title="{{ x }}">{{ x }}</b>{{ y }}\n{% endif %}\n')
    html = templates.render("a.html", x=HOSTILE, y=Markup("<i>y</i>"))
    parsed = Parsed(html)
    assert isinstance(html, Markup)
    assert parsed.tags == [("b", "title"), ("/b",), ("i",), ("/i",)]
    assert parsed.texts == [HOSTILE, HOSTILE, "y", "\n"]


@pytest.mark.parametrize(
    "use", ["{{ x }}", "{% if x %}{% endif %}", "{{ y.x }}", "{% for each in x %}{% endfor %}"]
)
def test_a_missing_value_is_an_error(templates: Templates, tmp_path: Path, use: str) -> None:
    (tmp_path / "a.html").write_text(use)
    with pytest.raises(UndefinedError, match="x"):
        templates.render("a.html", y=HARMLESS)


@pytest.mark.parametrize(
    "source",
    [
        "{{ x | safe }}",
        "{% filter safe %}{% endfilter %}",
        "{% autoescape false %}{{ x }}{% endautoescape %}",
    ],
)
def test_a_template_that_escapes_nothing_is_noticed(
    templates: Templates, tmp_path: Path, source: str
) -> None:
    (tmp_path / "a.html").write_text(source)
    assert lets_markup_in(templates, tmp_path / "a.html")
