"""The docs site: what MkDocs does not do by itself. Nothing here is part of the product."""
