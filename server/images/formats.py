"""What is accepted, told from the first bytes. Names and declared types are the sender's opinion."""

CONTENT_TYPES = {"jpeg": "image/jpeg", "png": "image/png", "webp": "image/webp", "gif": "image/gif"}
"""What we say an original is when we serve it. Nothing else is ever stored as an image."""

_ARCHIVES = (b"PK\x03\x04", b"PK\x05\x06", b"\x1f\x8b", b"BZh", b"\xfd7zXZ\x00", b"7z\xbc\xaf\x27\x1c", b"Rar!")


def sniff(head: bytes) -> str | None:
    """jpeg, png, webp or gif, or None. Needs the first 16 bytes."""
    if head.startswith(b"\xff\xd8\xff"):
        return "jpeg"
    if head.startswith(b"\x89PNG\r\n\x1a\n"):
        return "png"
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return "webp"
    if head.startswith((b"GIF87a", b"GIF89a")):
        return "gif"
    return None


def looks_like_archive(head: bytes) -> bool:
    """An archive where an image was expected."""
    return head.startswith(_ARCHIVES) or head[257:262] == b"ustar"


def content_type_of(head: bytes) -> str:
    """The type to serve bytes with; anything that is no image is a download of unknown content."""
    kind = sniff(head)
    return CONTENT_TYPES[kind] if kind else "application/octet-stream"
