"""What a device is for a reader: built once from few queries, laid out by page and report.

No HTML and no PDF here: texts, numbers as they are read, and charts. Whoever lays a view out rounds
nothing, translates nothing and asks the database nothing.
"""
