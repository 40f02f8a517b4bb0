"""Which step goes in which image, and how images are made."""

from penstock.images.naming import images_of

__all__ = ["images_of"]
