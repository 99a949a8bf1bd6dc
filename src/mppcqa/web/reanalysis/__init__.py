"""Run files analysed anew."""
