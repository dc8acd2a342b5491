"""Conversation trees: their shape, labels and contributors, threads, and pairs of ranked replies."""
