"""Pillow and nothing else: the bytes of an image in, a plain JPEG out. `convert.to_jpeg` is the way in."""
