"""One pass over the text: every message becomes numbers (tokens, characters, Markdown, moderation), without text."""
