"""The C3D file: sections, parameters, layout, events, force plates, and a writer for files that are made up."""
