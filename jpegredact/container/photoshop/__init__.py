"""Photoshop resources and IPTC (APP13)."""
