"""Trackers for training loops of other libraries, each in a module that imports that library.

`lowcomplex.integrations.lightning` needs the extra `lightning`, `lowcomplex.integrations.transformers` the
extra `transformers`; this package itself needs neither.
"""
