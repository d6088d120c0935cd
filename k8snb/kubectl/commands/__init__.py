"""The commands of kubectl: one file for each word or family of words; the table of all stands in :mod:`k8snb.kubectl.table`."""
