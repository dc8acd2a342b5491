"""Published figures of the data sets, and whether the tables here give them again."""
