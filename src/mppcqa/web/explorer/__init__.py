"""The explorer of a run: values, trends, spectra, waveforms."""
