"""Reports as people look at them: layouts as data, one page of HTML, charts, PDF. What they say is made by actions."""
