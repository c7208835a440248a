"""Cells of CSV outputs that no spreadsheet takes for a formula, and their way back.

Not here: which columns a file has.
"""

FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")
MARK = "'"  # what a spreadsheet itself puts before text that looks like a formula


def escape_cell(text: str) -> str:
    """Text with a leading apostrophe where a spreadsheet would read a formula.

    Text that looks escaped already gets one more, so that `unescape_cell` always gives the same text back.

    Examples
    --------
    >>> escape_cell("=1+1"), escape_cell("csp1y"), escape_cell("'=1+1")
    ("'=1+1", 'csp1y', "''=1+1")
    """
    return MARK + text if text.lstrip(MARK).startswith(FORMULA_STARTS) else text


def unescape_cell(text: str) -> str:
    """Text as it was before `escape_cell`; text that is not escaped comes back as it is.

    Examples
    --------
    >>> unescape_cell("'=1+1"), unescape_cell("csp1y"), unescape_cell("'quoted'")
    ('=1+1', 'csp1y', "'quoted'")
    """
    is_escaped = text.startswith(MARK) and text.lstrip(MARK).startswith(FORMULA_STARTS)
    return text[1:] if is_escaped else text
