"""What a user of Klaviyo's own SDK does, one function per story; `test_klaviyo_sdk` runs them against a sandbox."""
