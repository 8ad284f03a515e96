"""Jobs: a file in, a report out. Imported only when a job is used."""
