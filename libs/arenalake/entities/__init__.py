"""The tables of records, and what several rooms know about them."""
