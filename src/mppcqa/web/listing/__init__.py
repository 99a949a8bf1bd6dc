"""The one way in which lists are shown: a list declares what it has, and this does the rest."""
