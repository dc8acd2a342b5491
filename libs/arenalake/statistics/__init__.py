"""Statistics as functions of counts: what people read."""
