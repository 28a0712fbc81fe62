"""What else is in the file around the coded picture: so far, Exif's orientation."""
