"""The papers' tables, run again: which commands, against which published figures."""
