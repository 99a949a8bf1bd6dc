"""Shipments between institutes."""
