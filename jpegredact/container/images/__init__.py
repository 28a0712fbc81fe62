"""What lies behind EOI, and the MPF index (APP2) of it."""
