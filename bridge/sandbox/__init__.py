"""What stands in for the outside world: a Notion server, a PostgreSQL server, and the demo made of both.

Needs the extra `sandbox`. Imported only by the commands `demo` and `sandbox` and by tests.
"""
