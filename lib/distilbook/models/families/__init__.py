"""Families of models, one file each; a new file with a :class:`~distilbook.models.family.Family` adds one."""
