"""Classifying with little or no data: encoders, heads, episodes, acquisition, certificates.

Pure torch. Knows no Django, no environment and no database: everything is an argument.
"""
