"""A storm of calls against one daemon, with a model of what may be answered to what. `tests/bench/storm` runs it."""
