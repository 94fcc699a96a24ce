"""Tests mirror the tree. Real PostgreSQL, real files, real images."""
