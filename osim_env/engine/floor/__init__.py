"""Contact of spheres with floors."""
