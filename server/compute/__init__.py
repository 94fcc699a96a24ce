"""The seam: the only importer of `ml`. Arrays, dataclasses and paths cross it; models never do."""
