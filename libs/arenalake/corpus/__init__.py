"""What a corpus consists of as a whole."""
