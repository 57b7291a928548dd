"""Measurements of Refdesk: see README.md beside this file. Nothing here is needed to run it."""
