"""What follows from the kernel's catalogues: dbt models, their contracts and the docs. Pure: path → text."""
