"""Names as people type them, made fit for display: one line, no control or direction characters."""

import re
import unicodedata

from server.core.errors import InvalidInput

_BIDI = {*range(0x202A, 0x202F), *range(0x2066, 0x206A), 0x200E, 0x200F, 0x061C}
_SPACES = re.compile(r"\s+")


def clean_line(text: str, *, max_length: int) -> str:
    """NFC, whitespace runs as one space, without control characters and direction overrides; cut to length."""
    normal = unicodedata.normalize("NFC", _SPACES.sub(" ", text))
    kept = (char for char in normal if unicodedata.category(char) not in {"Cc", "Cs"} and ord(char) not in _BIDI)
    return _SPACES.sub(" ", "".join(kept)).strip()[:max_length].strip()


def clean_name(text: str, *, what: str, max_length: int) -> str:
    """A name that must not be empty and must not be too long.

    Raises:
        InvalidInput: nothing readable is left, or it is longer than `max_length`.
    """
    line = clean_line(text, max_length=max_length + 1)
    if not line:
        raise InvalidInput(f"{what} needs at least one readable character.")
    if len(line) > max_length:
        raise InvalidInput(f"{what} is longer than {max_length} characters.")
    return line


def clean_text(text: str, *, max_length: int) -> str:
    """Several lines: newlines stay, other control characters go."""
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    return "\n".join(clean_line(line, max_length=max_length) for line in lines).strip()[:max_length]
