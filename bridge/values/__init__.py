"""Canonical values, and the codecs that carry one field between a column and a property. All pure.

Start at `registry` for the types, at `canonical` for the form in which values are compared and stored, at
`keys` for the text of a record's key.
"""
