"""The files of five formats, taken apart before a decoder sees them. `parse.parse_container` is the way in."""
