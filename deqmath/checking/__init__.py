"""Judging what was derived, without the engine that derived it."""
