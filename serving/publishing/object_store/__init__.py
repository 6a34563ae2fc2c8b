"""Publishing where nothing can be renamed: `saved_model.pb` comes last, and goes first.

Only this folder reads and writes through TensorFlow's file systems; it is imported when an
address with `://` is given.
"""
