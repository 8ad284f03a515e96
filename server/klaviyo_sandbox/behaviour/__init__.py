"""What the generic engine cannot know: the few resources that behave in ways of their own."""
