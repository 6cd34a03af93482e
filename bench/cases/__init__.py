"""One file per case; `bench.registry` lists them."""
