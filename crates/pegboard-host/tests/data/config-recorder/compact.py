"""Turn a recorded reply, or a bare config, into the form stored under src/engine_config: compact.py FILE.

Prints one line for each top-level key, in the order Nushell wrote them. The maps Nushell keeps unordered, and so
writes in another order on every run, are sorted.
"""

import json
import sys

UNORDERED = ["color_config", "explore", "tui", "plugins"]


def compact(value):
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


with open(sys.argv[1], encoding="utf-8") as file:
    config = json.load(file)
if "EngineCallResponse" in config:
    config = config["EngineCallResponse"][1]["Config"]
for key in UNORDERED:
    if key in config:
        config[key] = dict(sorted(config[key].items()))
lines = [f"{compact(key)}:{compact(value)}" for key, value in config.items()]
sys.stdout.reconfigure(encoding="utf-8", newline="\n")
print("{" + ",\n".join(lines) + "}")
