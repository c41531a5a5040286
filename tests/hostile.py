"""Values that are markup, code or a path to somebody who reads them as such; each must be shown as it stands."""

ROLES = [
    "{download}`../../../outside.txt`",
    "x\n\n```{include} ../../../outside.txt\n```",
    "x\n\n:::{literalinclude} ../../../outside.txt\n:::",
    "x\n\n```{figure} ../../../outside.txt\n```",
    "x\n\n```{csv-table}\n:file: ../../../outside.txt\n```",
    "x\n\n```{raw} html\n<img src=x onerror=alert(1) id=hostile>\n```",
    "{eval-rst}`.. raw:: html`",
    "{math}`\\href{javascript:alert(1)}{x}`",
]
HTML = [
    "<script>alert(1)</script>",
    "</script><script>alert(1)</script>",
    "<img src=x onerror=alert(1) id=hostile>",
    '"><svg onload=alert(1) id=hostile>',
    "' onmouseover='alert(1)' id='hostile",
    "<a href=javascript:alert(1) id=hostile>x</a>",
    "<iframe src='https://example.org'></iframe>",
    "</td></tr></table><h1 id=hostile>x</h1>",
    "<b>x</b><br>y &lt;i&gt; &#60;u&#62; &amp;amp;",
    "<!-- x",
    "<details><summary>x</summary>",
    "<style>body{display:none}</style>",
    "{{ 7 * 7 }} {% raw %}",
]
MARKDOWN = [
    "[x](javascript:alert(1))",
    "![x](https://example.org/x.png)",
    "<https://example.org> https://example.org www.example.org",
    "# x",
    "x\n===\ny",
    "---",
    "- x",
    "1. x",
    "> x",
    "|a|b|\n|---|---|\n|c|d|",
    "*x* **x** __x__ ~~x~~ [^1]",
    "`x` ``y`` `",
    "` ",
    "```",
    ":::{note}",
    "(x)=",
    "[x]: https://example.org",
    "x\\",
    "% x",
    "+++",
]
FORMULAS = [
    "$\\href{javascript:alert(1)}{x}$",
    "$$x$$",
    "\\(x\\) \\[y\\]",
    "\\begin{equation}x\\end{equation}",
    "5 $ and 6 $",
]
FIGURES = ["<extra>x</extra>", "%{y} %{x:.1f}", "<a href='javascript:alert(1)'>x</a>", "a<br>b", "<sub>x</sub>"]
HIDDEN = ["a\u202eb", "a\x00b", "\x1b]8;;https://example.org\x1b\\x", "\x1b[31mx", "a\u2028b", "a\r\nb\tc", "\ud800"]

VALUES = [*ROLES, *HTML, *MARKDOWN, *FORMULAS, *FIGURES, *HIDDEN]
