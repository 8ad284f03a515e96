"""The pages that people see in a browser, and the one way in which they are filled and sent."""
