"""How the outside reaches a run: Gymnasium's registry, signals, the process that started a worker."""
