"""The columnar copy: questions over the whole campaign, without a look into the big table."""
