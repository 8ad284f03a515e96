"""`python -m klaviyo_mcp` is the command `klaviyo-mcp`."""

from klaviyo_mcp.surfaces.command_line import main

main()
