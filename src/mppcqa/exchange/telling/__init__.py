"""People are told what they asked to be told: in the page, by mail at once, or in a digest."""
