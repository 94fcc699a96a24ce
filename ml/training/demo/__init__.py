"""The training of Winnow's own small image-text encoder."""
