"""Flags and scores of moderation: how often, how sure, how they go together."""
