"""A graph as SVG: our own writer, so that the picture follows the reader's theme and is the same bytes everywhere.

Colours are CSS variables: JupyterLab's where the picture stands in a notebook, else a light or a dark set by the reader's preference.
State is drawn three times (sign, word, colour), so that none of them is needed. Every text is escaped. No links: JupyterLab breaks on
an ``<a>`` inside inline SVG. Where a page strips the tags (an untrusted notebook), what is left of a picture is hidden, and its text
form stands open.
Roles follow the WAI-ARIA graphics module; each box carries its full line of text as its label.
"""

from __future__ import annotations

from collections.abc import Iterator
from html import escape as html_escape
from typing import TYPE_CHECKING

from k8snb.messages import text
from k8snb.views.layout import LINE, PAD, Box, Point
from k8snb.views.states import LOOKS
from k8snb.views.tree import line

if TYPE_CHECKING:
    from k8snb.views.graph import Edge, Graph, Node

# Of text blocks: where JupyterLab begins the text of a cell, and in which size.
INDENT = "margin: 0; padding: 0 0 0 var(--jp-code-padding, 0); font-size: var(--jp-code-font-size, inherit)"
MARGIN = 8
HEAD = 22  # room for the title
# What XML cannot hold even escaped: control characters become their pictures, the rest a replacement character.
_UNSPEAKABLE = {code: 0x2400 + code for code in range(32)}
_UNSPEAKABLE |= dict.fromkeys([*range(0x7F, 0xA0), *range(0xD800, 0xE000), 0xFFFE, 0xFFFF], 0xFFFD)


def escape(text: str) -> str:
    """Text as it may stand in SVG, in elements and in attributes alike."""
    return html_escape(text.translate(_UNSPEAKABLE))


def _variables(theme: str) -> str:
    colours = "".join(f"--{state or 'plain'}:{getattr(look, theme)};" for state, look in LOOKS.items())
    fg, dim, bg, page, frame = {
        "light": ("#1f2328", "#57606a", "#ffffff", "#ffffff", "#d0d7de"),
        "dark": ("#e6edf3", "#9aa5b1", "#161b22", "#0d1117", "#444c56"),
    }[theme]
    return (
        f"{colours}--fg:var(--jp-content-font-color1,{fg});--dim:var(--jp-content-font-color2,{dim});"
        f"--bg:var(--jp-layout-color1,{bg});--page:var(--jp-layout-color0,{page});--frame:var(--jp-border-color1,{frame});--soft:var(--jp-layout-color2,{frame}33)"
    )


def _style() -> str:
    dark, states = _variables("dark"), "".join(f".k8snb-graph .{s}{{--now:var(--{s})}}" for s in LOOKS if s)
    return (
        f".k8snb-graph{{{_variables('light')};--now:var(--plain);"
        "background:var(--page);font:12px var(--jp-code-font-family,ui-monospace,Menlo,Consolas,monospace)}"
        f"body[data-jp-theme-light=false] .k8snb-graph{{{dark}}}"
        f"@media(prefers-color-scheme:dark){{body:not([data-jp-theme-light]) .k8snb-graph,svg:root.k8snb-graph{{{dark}}}}}"
        f"{states}"
        ".k8snb-graph text{fill:var(--fg);white-space:pre}.k8snb-graph .dim{fill:var(--dim);font-size:10px}"
        ".k8snb-graph .name{font-weight:600}.k8snb-graph .said{fill:var(--now)}"
        ".k8snb-graph .box{fill:var(--bg);stroke:var(--now);stroke-width:1.2}.k8snb-graph .bar{fill:var(--now)}"
        ".k8snb-graph .failed .box{stroke-width:2}.k8snb-graph .pending .box,.k8snb-graph .ending .box{stroke-dasharray:4 2}"
        ".k8snb-graph .lit .box{fill:var(--soft);stroke:var(--done);stroke-width:3}"
        ".k8snb-graph .frame{fill:var(--soft);stroke:var(--frame)}"
        ".k8snb-graph path{fill:none;stroke:var(--dim);stroke-width:1.2}.k8snb-graph .weak{stroke-dasharray:4 3}"
        ".k8snb-graph .flow{stroke:var(--done);stroke-width:2}.k8snb-graph .broken{stroke:var(--failed);stroke-dasharray:1 4}"
        ".k8snb-graph .word{font-size:11px;fill:var(--dim);paint-order:stroke;stroke:var(--bg);stroke-width:3px;text-anchor:middle}"
        ".k8snb-graph marker path{fill:var(--dim);stroke:none}"
        ".k8snb-picture:has(svg){display:block!important}.k8snb-figure:has(svg) details:not([open])+pre{display:none}"
    )


STYLE = _style()
_TIP = (
    '<defs><marker id="k8snb-tip" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" markerUnits="userSpaceOnUse" '
    'orient="auto"><path d="M0 0L8 4L0 8z"/></marker></defs>'
)


def draw(graph: Graph) -> str:
    """The whole picture as one ``<svg>`` element, its style inside."""
    where = graph.layout
    width = max(where.width, len(graph.title) * 8) + 2 * MARGIN
    height = where.height + 2 * MARGIN + HEAD
    title = escape(graph.title)
    parts = [
        opening(width, height, title),
        f"<title>{title}</title><style>{STYLE}</style>{_TIP}",
        f'<text class="name" x="{MARGIN}" y="{MARGIN + 10}" aria-hidden="true">{title}</text>',
        f'<g transform="translate({MARGIN} {MARGIN + HEAD})">',
        *(_frame(where.groups[group.id], group.label) for group in graph.groups if group.id in where.groups),
        *(_edge(edge, *drawn) for edge, drawn in zip(graph.edges, where.edges, strict=True)),
        *(_node(node, where.nodes[node.id]) for node in graph.nodes),
        "</g></svg>",
    ]
    return "\n".join(parts)


def figure(picture: str, words: str) -> str:
    """A picture as HTML, its text form below: folded by the style, so that the words stand open where a page strips picture and style."""
    fold = f"<details><summary>{text('views.as_text')}</summary></details><pre style='{INDENT}'>{html_escape(words)}</pre>"
    return f'<figure class="k8snb-figure" style="margin:0">{_picture(picture)}{fold}</figure>'


def folded(words: str, picture: str) -> str:
    """Words as HTML, the picture folded below: where the story is read line by line."""
    fold = f"<details><summary>{text('views.as_picture')}</summary>{_picture(picture)}</details>"
    return f'<figure class="k8snb-words" style="margin:0"><pre style="{INDENT}">{html_escape(words)}</pre>{fold}</figure>'


def _picture(picture: str) -> str:
    # Hidden until its own style shows it: a page that strips both would leave the labels, one after the other.
    # (JupyterLab strips empty attributes too, hence the value.)
    return f'<div class="k8snb-picture" hidden="hidden" style="overflow-x:auto">{picture}</div>'


def opening(width: int, height: int, title: str) -> str:
    """The start tag of a picture: its size, role and label; ``title`` is escaped already."""
    # A wide picture shrinks to 70 % before it scrolls: smaller text would not be read.
    fit = f"max-width:100%;min-width:{width * 7 // 10}px;height:auto"
    size = f'width="{width}" height="{height}" viewBox="0 0 {width} {height}" style="{fit}"'
    role = f'role="graphics-document document" aria-label="{title}"'
    return f'<svg xmlns="http://www.w3.org/2000/svg" class="k8snb-graph" {role} {size}>'


def _frame(box: Box, label: str) -> str:
    words = f'<text class="dim" x="{box.x + PAD}" y="{box.y + LINE}">{escape(label)}</text>'
    return f'<g><rect class="frame" x="{box.x}" y="{box.y}" width="{box.w}" height="{box.h}" rx="6"/>{words}</g>'


def _edge(edge: Edge, points: list[Point], middle: Point | None) -> str:
    (x, y), rest = points[0], points[1:]
    curve = " ".join(f"{px} {py}" for px, py in rest)
    shape = f'<path class="{edge.kind or "plain"}" d="M{x} {y}C{curve}" marker-end="url(#k8snb-tip)"/>'
    return shape + " ".join(_words(edge.label, *middle) if middle and edge.label else ())


def _words(label: str, x: int, y: int) -> Iterator[str]:
    lines = label.split("\n")
    top = y + 4 - (len(lines) - 1) * LINE // 2
    for index, words in enumerate(lines):
        yield f'<text class="word" x="{x}" y="{top + index * LINE}">{escape(words)}</text>'


def _node(node: Node, box: Box) -> str:
    outline = f'x="{box.x}" y="{box.y}" width="{box.w}" height="{box.h}" rx="{9 if node.kind == "Pod" else 3}"'
    bar = f'x="{box.x + 4}" y="{box.y + 5}" width="3" height="{box.h - 10}" rx="1.5"'
    said = escape(line(node))
    return (
        f'<g class="{node.state or "plain"}{" lit" * node.lit}" role="graphics-symbol img" aria-label="{said}" data-id="{escape(node.id)}">'
        f"{f'<title>{escape(node.note)}</title>' if node.note else ''}"
        f'<rect class="box" {outline}/><rect class="bar" {bar}/>'
        f"{' '.join(_lines(node, box))}</g>"
    )


def _lines(node: Node, box: Box) -> Iterator[str]:
    look = LOOKS[node.state]
    name, rest = node.label[:1], node.label[1:]
    rows = [("dim", node.kind), *(("name", words) for words in name), *(("", words) for words in rest)]
    if node.status:
        rows.append(("said", f"{look.sign} {node.status}".strip()))
    for index, (style, words) in enumerate(row for row in rows if row[1]):
        yield f'<text class="{style}" x="{box.x + PAD + 3}" y="{box.y + PAD // 2 + LINE * (index + 1) - 4}">{escape(words)}</text>'
