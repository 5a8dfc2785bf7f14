"""One control step, idea by idea: each a function of arrays with a stated shape, none of the world."""
