"""`make idle-cost`: translate the checkout's templates, and price them as the command line does."""

import json
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from codereview.cli.main import main
from local.translation import translated_checkout

if __name__ == "__main__":
    with TemporaryDirectory() as folder:
        words = ["codereview", "idle-cost"]
        for name, template in translated_checkout().items():
            path = Path(folder) / f"{name.replace('/', '-')}.json"
            path.write_text(json.dumps(template))
            words += ["--template", str(path)]
        sys.argv = [*words, *sys.argv[1:]]
        main()
