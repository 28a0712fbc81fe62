"""XMP (APP1): packets read with positions, cleaned by cutting."""
