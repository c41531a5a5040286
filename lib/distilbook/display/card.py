"""A model card as a chapter shows it."""

from __future__ import annotations

import re
from pathlib import Path

from IPython.display import Markdown


def show_card(path: Path) -> Markdown:
    """Return the model card ``path``, folded away under its name; its headings are no headings of the chapter's."""
    from huggingface_hub import ModelCard

    text = re.sub(r"^#+ (.+)$", r"**\1**", ModelCard.load(path).text.strip(), flags=re.MULTILINE)
    return Markdown(f"<details><summary><code>{path.name}</code>, the model card</summary>\n\n{text}\n\n</details>")
