"""What partners without a shared server send each other: signed bundles of a shipment."""
