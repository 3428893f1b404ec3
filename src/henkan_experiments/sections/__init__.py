"""The sections of the report on the analyses, one module each; every comparison is derived from the numbers."""
