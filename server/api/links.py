"""Where the browser finds an image's bytes. Addresses never change, so they can be cached for ever."""


def image_link(project_id: int, image_id: int, size: str = "thumb") -> str:
    """`size` is thumb, display or original."""
    return f"/api/v1/projects/{project_id}/images/{image_id}/{size}"
