"""Writing files so that nothing is ever half there, and telling contents apart."""
