"""Variation and assurance as small drawings; the words stand beside them, so that they themselves are silent."""

from markupsafe import Markup

from services.reporting.charts.domain import Assurance, Variation

_WAVE = "M8 23c3 0 3-6 6-6s3 6 6 6 3-6 6-6 3 6 6 6"
_VARIATION: dict[Variation, str] = {
    "common": f'<path d="{_WAVE}"/>',
    "improvement_high": '<path d="M9 28l8-7 5 3 8-11M30 19v-6h-6"/>',
    "improvement_low": '<path d="M9 12l8 7 5-3 8 11M30 21v6h-6"/>',
    "concern_high": '<path d="M9 28l8-7 5 3 8-11M30 19v-6h-6"/>',
    "concern_low": '<path d="M9 12l8 7 5-3 8 11M30 21v6h-6"/>',
    "neutral_high": '<path d="M20 29V12M13 18l7-7 7 7"/>',
    "neutral_low": '<path d="M20 11v17M13 22l7 7 7-7"/>',
}
_ASSURANCE: dict[Assurance | None, str] = {
    "consistent_pass": '<path d="M11 21l6 6 12-14"/>',
    "consistent_fail": '<path d="M13 13l14 14M27 13L13 27"/>',
    "inconsistent": f'<path class="icon-dashed" d="M8 20h24"/><path d="{_WAVE}"/>',
    None: '<path class="icon-dashed" d="M10 20h20"/>',
}


def variation_icon(variation: Variation) -> Markup:
    """A wave for usual variation, else an arrow in the direction of the change."""
    return _icon(f"icon--{variation.split('_')[0]}", _VARIATION[variation])


def assurance_icon(assurance: Assurance | None) -> Markup:
    """A tick, a cross, or a wave across the line of the target."""
    return _icon(f"icon--{assurance or 'none'}", _ASSURANCE[assurance])


def _icon(name: str, drawing: str) -> Markup:
    return Markup(  # noqa: S704 - made of the constants above alone
        f'<svg class="icon {name}" viewBox="0 0 40 40" width="40" height="40" aria-hidden="true" focusable="false">'
        f'<circle class="icon-ring" cx="20" cy="20" r="18"/>{drawing}</svg>'
    )
