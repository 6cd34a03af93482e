"""The Notion end.

limiter -> transport -> client -> listing -> pages -> feed, (guard -> sender -> writer) -> end; catalog beside.
Everything that is sent passes the limiter; everything that is read becomes an observation in `pages`.
"""
