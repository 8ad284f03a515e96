"""Makes the modules of this folder importable by its tests; the others mirror rooms and need no such modules."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
