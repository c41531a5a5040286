"""How Sphinx renders the book. Notebooks come executed; ``distilbook site`` stages them and calls Sphinx."""

project = "DistilBERT on Trial"
html_title = project
language = "en"

extensions = ["myst_nb", "sphinx.ext.mathjax", "sphinxcontrib.bibtex"]
exclude_patterns = ["edition.md"]  # included by index.md

nb_execution_mode = "off"
nb_output_stderr = "remove"
nb_merge_streams = True
nb_render_markdown_format = (
    "commonmark"  # in outputs no role and no directive does anything
)
nb_ipywidgets_js = {}  # the default loads scripts from the network

myst_enable_extensions = ["amsmath", "colon_fence", "deflist", "dollarmath"]
myst_heading_anchors = 3
myst_url_schemes = ("http", "https")
numfig = True

bibtex_bibfiles = ["references.bib"]
bibtex_default_style = "plain"
bibtex_reference_style = "author_year"

# MathJax 3, copied beside the pages; the menu is off because its tools would be fetched from elsewhere, and so is
# whatever loads extensions, such as that for links in formulas.
mathjax_path = "mathjax/tex-chtml.js"
mathjax3_config = {
    "options": {"enableMenu": False},
    "tex": {"packages": {"[-]": ["require", "autoload"]}},
}

html_theme = "sphinx_book_theme"
html_theme_options = {
    "navbar_persistent": [],  # the sidebar has the search field
    "show_toc_level": 2,
    "navigation_with_keys": False,
    "use_fullscreen_button": False,
    "footer_content_items": ["extra-footer.html"],
}
html_context = {
    "default_mode": "auto"
}  # light or dark, as the reader's system has it
html_static_path = ["_static"]
html_css_files = ["book.css"]
html_js_files = [("page.js", {"defer": "defer"})]
html_sourcelink_suffix = (
    ""  # so that a download is called .ipynb, not .ipynb.txt
)
# A result's summary is fetched from its page, which a browser refuses for pages opened from disk.
html_show_search_summary = False


def load_plotly(app, pagename, templatename, context, doctree):
    """Load the figures' scripts on the pages that have a figure, before the first one is drawn."""
    if "plotly-graph-div" in context.get("body", ""):
        app.add_js_file("plotly.min.js")
        app.add_js_file("figures.js", loading_method="defer")


def setup(app):
    app.connect("html-page-context", load_plotly)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
