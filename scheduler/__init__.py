"""When it happens: due rows are claimed and carried out, looking at the state of that moment."""
