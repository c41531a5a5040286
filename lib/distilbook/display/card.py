"""A model card as a chapter shows it."""

from __future__ import annotations

import re
from pathlib import Path

from ..markup import html
from .tables import Shown, as_text

LINKS = ["image", "link", "autolink", "reference"]


def show_card(path: Path) -> Shown:
    """Return the model card ``path``, folded away under its name; its headings are no headings of the chapter's.

    HTML, links and pictures in it are shown as text: a card of ours has none.
    """
    from huggingface_hub import ModelCard
    from markdown_it import MarkdownIt

    text = re.sub(r"^#+ (.+)$", r"**\1**", ModelCard.load(path).text.strip(), flags=re.MULTILINE)
    card = MarkdownIt("commonmark", {"html": False}).enable("table").disable(LINKS).render(text)
    return as_text(f"<details><summary><code>{html(path.name)}</code>, the model card</summary>{card}</details>", text)
