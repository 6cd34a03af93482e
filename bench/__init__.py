"""Measures the bridge against what Notion allows: `make bench`. The figures are in docs/performance.md."""
