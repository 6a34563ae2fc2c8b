"""One model on several devices, processes or machines."""
