"""One module a data set, with its name: ``ENTRY``, what is known of it, and ``load``, its reader or
generator. The registry finds them; nothing else needs to know their names.
"""
