"""File formats of an export: each module has `write(job) -> None` over the same rows."""
