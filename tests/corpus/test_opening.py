"""Opening a corpus is light: it imports nothing that reads text or tokenises."""

import subprocess
import sys

HEAVY = ("datasets", "huggingface_hub", "transformers", "tokenizers", "torch", "joblib", "mwparserfromhell", "pyarrow")
SCRIPT = """
import sys
from distilbook.corpus.corpus import Corpus
print(*(name for name in sys.modules if name.partition(".")[0] in %r or name.startswith(%r)))
"""


def test_opening_a_corpus_imports_neither_libraries_nor_modules_that_make_one():
    made_by = ("distilbook.text", "distilbook.corpus.pool", "distilbook.corpus.build", "distilbook.corpus.preparation")
    found = subprocess.run(
        [sys.executable, "-c", SCRIPT % (HEAVY, made_by)], capture_output=True, text=True, check=True
    )
    assert found.stdout.split() == []
