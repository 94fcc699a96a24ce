"""Classifier rows for classes that have no image: ICIS (Christensen et al., ICCV 2023) and what stands beside it."""
