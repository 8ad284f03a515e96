"""`python -m klaviyo_mcp` is the command `klaviyo-mcp`."""

from klaviyo_mcp.cli.main import main

main()
