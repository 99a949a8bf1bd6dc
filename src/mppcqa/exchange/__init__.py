"""Tables in and out: imports of devices and measurements, exports, backup and restore."""
