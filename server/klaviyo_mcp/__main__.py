"""`klaviyo-mcp`, also as `python -m klaviyo_mcp`."""

import gc


def main() -> None:
    """Entry point of the console script."""
    # Loading makes many objects and no garbage: looking for some in between costs time. `cli.main` turns it on again.
    gc.disable()
    from klaviyo_mcp.cli.main import main as run

    run()


if __name__ == "__main__":
    main()
