"""Lengths in tokens: per message, per conversation, per language."""
