"""What an action is, as data: the model of a spec file, loading, references, listed schemas, search. Ground floor."""
