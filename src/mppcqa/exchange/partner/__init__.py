"""The tables of Jefferson Lab's campaign (halld_sipm): in and out again, nothing lost both ways."""
