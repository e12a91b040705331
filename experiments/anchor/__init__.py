"""Transformers on the anchor task: do they compose anchor functions, or memorize pairs?"""
