"""Names that are safe as folders and files on every system, and unique."""

import re
import unicodedata
from collections import Counter
from typing import Any

_UNSAFE = re.compile(r'[\x00-\x1f\x7f<>:"/\\|?*\u202a-\u202e\u2066-\u2069]+')
_RESERVED = {"con", "prn", "aux", "nul", *(f"com{i}" for i in range(1, 10)), *(f"lpt{i}" for i in range(1, 10))}


def safe_name(text: str, *, limit: int = 80) -> str:
    """A file or folder name: no separators, control or direction marks, no leading or trailing dots or spaces."""
    cleaned = _UNSAFE.sub("_", unicodedata.normalize("NFC", text)).strip(" .-_")[:limit].strip(" .")
    if not cleaned or cleaned.lower().split(".")[0] in _RESERVED:
        return f"_{cleaned}" if cleaned else "unnamed"
    return cleaned


def class_folders(categories: list[dict[str, Any]]) -> dict[int, str]:
    """One folder for each category id: its name; with its parents where two share a name; with its id at last."""
    plain = {node["id"]: safe_name(node["name"]) for node in categories}
    once = Counter(name.casefold() for name in plain.values())
    full = {
        node["id"]: plain[node["id"]]
        if once[plain[node["id"]].casefold()] == 1
        else safe_name(" - ".join(node["path"]), limit=160)
        for node in categories
    }
    twice = Counter(name.casefold() for name in full.values())
    return {key: name if twice[name.casefold()] == 1 else f"{name} {key}" for key, name in full.items()}


def image_file_name(*, sha256: str, original_name: str, format: str) -> str:
    """`<first 12 of the hash>-<cleaned original stem>.<extension of what the bytes are>`: unique and recognizable."""
    return f"{sha256[:12]}-{plain_file_name(original_name=original_name, format=format)}"


def plain_file_name(*, original_name: str, format: str) -> str:
    """`<cleaned original stem>.<extension of what the bytes are>`: "holiday.html" that is a JPEG is "holiday.jpg"."""
    extension = {"jpeg": "jpg"}.get(format.lower(), format.lower()) or "bin"
    stem = safe_name(original_name.replace("\\", "/").rsplit("/", 1)[-1].rsplit(".", 1)[0], limit=60)
    return f"{stem}.{extension}"
