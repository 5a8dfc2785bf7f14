"""Studies: many bodies, device conditions and seeds, trained, searched, walked and compared."""
