"""The release report as a document to hand over. Type and rules alone, so that it prints well everywhere."""

import io
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

from reportlab.lib import colors
from reportlab.lib.pagesizes import A4
from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.units import mm
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.ttfonts import TTFont
from reportlab.platypus import CondPageBreak, Paragraph, SimpleDocTemplate, Spacer, Table, TableStyle

from server.insights.accuracy import Accuracy
from server.insights.release import Line, ReleaseReport

INK, QUIET, RULE = colors.HexColor("#1c1c1a"), colors.HexColor("#65655f"), colors.HexColor("#d4d4ce")
MARGIN, WIDTH = 20 * mm, A4[0] - 40 * mm
PADDING = 6
"""Of the frame that ReportLab puts a page's text in; tables do not keep to it."""
WIDE = Path("/usr/share/fonts/truetype/dejavu")
"""Where a machine has DejaVu, names in Greek or Cyrillic print too; ReportLab's own Vera knows western Europe."""
GRADES = {
    "blind": "blind",
    "suggestion": "suggestion taken",
    "free": "without a suggestion",
    "page": "on a page",
    "propagated": "from a near-duplicate",
    "accepted": "accepted unseen",
    "migrated": "moved with its category",
    "imported": "imported",
    "review": "in review",
}


def release_pdf(report: ReleaseReport) -> bytes:
    """A PDF of a few pages; tables go on over pages with their heads repeated."""
    held = io.BytesIO()
    title = f"{report.project}: release report"
    document = SimpleDocTemplate(
        held,
        pagesize=A4,
        leftMargin=MARGIN - PADDING,
        rightMargin=MARGIN - PADDING,
        topMargin=MARGIN,
        bottomMargin=MARGIN,
        title=title,
        author="Winnow",
        subject=report.snapshot.digest,
    )
    document.build(_story(report), onFirstPage=_foot(report), onLaterPages=_foot(report))
    return held.getvalue()


def _story(report: ReleaseReport) -> list[Any]:
    snapshot = report.snapshot
    name = snapshot.name or f"release {snapshot.pk}"
    facts = [
        ("Release", f"{name}, frozen {snapshot.created_at:%d %B %Y, %H:%M} UTC"),
        ("Digest (SHA-256)", snapshot.digest),
        ("Labels", f"{snapshot.item_count:,}: " + ", ".join(f"{n:,} {part}" for part, n in report.splits.items())),
        ("Categories", f"{len(report.categories)}, taxonomy revision {snapshot.taxonomy_revision}"),
        ("Report made", f"{report.made_at:%d %B %Y, %H:%M} UTC"),
    ]
    story: list[Any] = [_text(report.project, "title"), _text("Release report", "quiet"), Spacer(0, 6 * mm)]
    story += [_grid(facts, [36 * mm, WIDTH - 36 * mm], head=False), Spacer(0, 4 * mm)]
    story += [_text("How right it is", "heading"), _text(_sentence(report), "text"), Spacer(0, 2 * mm)]
    story += _certified(report)
    story += _measured("By how labels came to be", report.evidence, names=GRADES)
    story += _measured("By category", report.categories)
    story += _measured("By person", report.annotators)
    if report.head:
        head = report.head
        told = (
            f"{head.name} on {head.encoder}, from {head.labels:,} labels: {_accuracy(head.accuracy, 'blind answers')}."
        )
        story += [_text("Model in use", "heading"), _text(told, "text")]
    story += [
        CondPageBreak(30 * mm),
        _text("What this assumes", "heading"),
        *(_text(f"• {line}", "text") for line in report.assumes),
    ]
    story += [
        CondPageBreak(30 * mm),
        _text("Method", "heading"),
        *(_text(f"• {line}", "text") for line in report.method),
    ]
    return story


def _sentence(report: ReleaseReport) -> str:
    accuracy = report.total.accuracy
    if accuracy.value is None:
        return (
            f"Not yet known: {accuracy.n} of {report.total.items:,} labels were checked by somebody else; "
            f"{accuracy.needed} more are needed before a figure means anything."
        )
    return f"Of {report.total.items:,} labels, {_accuracy(accuracy, 'checked labels')}."


def _certified(report: ReleaseReport) -> list[Any]:
    if not report.certificates:
        return [_text("No label of this release was accepted unseen under a certificate.", "text")]
    lines: list[Any] = []
    for card in report.certificates:
        bound = "" if card.get("bound") is None else f" The bound is {card['bound']:.2%}."
        lot = f"the lot holds {card['labels'] or 0:,}"
        counts = f" {card['wrong'] or 0} of {card['audited'] or 0} audited labels were wrong; {lot}."
        here = f" {card['here']}" if card.get("here") else ""
        told = f"Certificate {card['id']}: {card['promise']}{here}{counts}{bound} Labels by {card['head']}."
        if card["now"] != "accepted":
            told += f" Since this release was frozen it has become {card['now']}."
        lines += [_text(told, "text")] + [_text(f"• assumes that {line}", "quiet") for line in card["assumes"]]
    return lines


def _measured(title: str, lines: Sequence[Line], *, names: dict[str, str] | None = None) -> list[Any]:
    head = ("", "Labels", "Checked", "Right", "95 % interval")
    rows = [
        (
            (names or {}).get(line.name, line.name),
            f"{line.items:,}",
            f"{line.accuracy.n:,}",
            "not yet known" if line.accuracy.value is None else f"{line.accuracy.value:.1%}",
            "" if line.accuracy.value is None else f"{line.accuracy.low:.1%} to {line.accuracy.high:.1%}",
        )
        for line in lines
    ]
    widths = [WIDTH - 108 * mm, 22 * mm, 22 * mm, 28 * mm, 36 * mm]
    return [CondPageBreak(45 * mm), _text(title, "heading"), _grid([head, *rows], widths, head=True)]


def _accuracy(accuracy: Accuracy, of: str) -> str:
    if accuracy.value is None:
        return f"accuracy not yet known ({accuracy.n} {of})"
    return f"{accuracy.value:.1%} right [{accuracy.low:.1%} to {accuracy.high:.1%}] of {accuracy.n:,} {of}"


def _grid(rows: Sequence[Sequence[str]], widths: Sequence[float], *, head: bool) -> Table:
    cells = [[_text(cell, "quiet" if head and at == 0 else "cell") for cell in row] for at, row in enumerate(rows)]
    table = Table(cells, colWidths=widths, repeatRows=1 if head else 0)
    table.setStyle(
        TableStyle(
            [
                ("LINEBELOW", (0, 0), (-1, -1), 0.4, RULE),
                ("VALIGN", (0, 0), (-1, -1), "TOP"),
                ("LEFTPADDING", (0, 0), (-1, -1), 0),
                ("TOPPADDING", (0, 0), (-1, -1), 2),
                ("BOTTOMPADDING", (0, 0), (-1, -1), 3),
            ]
        )
    )
    return table


def _text(text: str, style: str) -> Paragraph:
    return Paragraph(escape(text), _styles()[style])


def _foot(report: ReleaseReport) -> Any:
    def draw(canvas: Any, document: Any) -> None:
        canvas.saveState()
        canvas.setFont(_fonts()[0], 7.5)
        canvas.setFillColor(QUIET)
        canvas.drawString(MARGIN, 12 * mm, f"Winnow · {report.snapshot.digest[:16]}")
        canvas.drawRightString(A4[0] - MARGIN, 12 * mm, str(document.page))
        canvas.restoreState()

    return draw


@cache
def _styles() -> dict[str, ParagraphStyle]:
    regular, bold = _fonts()
    text = ParagraphStyle("text", fontName=regular, fontSize=9.5, leading=14, textColor=INK, spaceAfter=3)
    return {
        "title": ParagraphStyle("title", parent=text, fontName=bold, fontSize=20, leading=25),
        "heading": ParagraphStyle(
            "heading", parent=text, fontName=bold, fontSize=12, leading=16, spaceBefore=14, spaceAfter=5
        ),
        "text": text,
        "cell": ParagraphStyle("cell", parent=text, fontSize=8.5, leading=11.5, spaceAfter=0),
        "quiet": ParagraphStyle("quiet", parent=text, fontSize=8.5, leading=11.5, textColor=QUIET, spaceAfter=0),
    }


@cache
def _fonts() -> tuple[str, str]:
    files = ("DejaVuSans.ttf", "DejaVuSans-Bold.ttf")
    wide = all((WIDE / file).is_file() for file in files)
    for name, file in zip(("Report", "ReportBold"), files if wide else ("Vera.ttf", "VeraBd.ttf"), strict=True):
        pdfmetrics.registerFont(TTFont(name, str(WIDE / file) if wide else file))
    return "Report", "ReportBold"
