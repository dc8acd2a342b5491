"""Which language a conversation is in: texts made ready, detectors, and the names that published tags have."""
