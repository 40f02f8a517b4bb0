"""Which step goes in which image."""

from penstock.images.plan import image_of

__all__ = ["image_of"]
