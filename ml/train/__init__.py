"""Trainings: each command runs, resumes and writes an artefact."""
