"""What the computer of a station asks: who it is, what to do, how it goes, the file, the end."""
