"""Which votes are not rated: one rule after the other, each seeing what the ones before it left."""
