"""What a page of the docs tells to type."""

import re
import textwrap


def commands(page, heading):
    """The blocks of commands under this heading."""
    section = re.search(rf"^(#+) {re.escape(heading)}\n(.*?)(?=^\1 |^# |\Z)", page.read_text(), re.DOTALL | re.MULTILINE)
    assert section, f"{page.name} has no part '{heading}'"
    return [textwrap.dedent(text) for text in re.findall(r"^ *```text\n(.*?)^ *```", section[2], re.DOTALL | re.MULTILINE)]
