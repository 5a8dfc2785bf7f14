"""How the outside reaches a run: Gymnasium's registry."""
