"""Nushell plugin with one command, `getconfig`: asks its engine for the whole config and stores the raw reply.

GETCONFIG_VERSION is the Nushell version to announce, GETCONFIG_OUT the file that receives the reply line.
"""

import json
import os
import sys

SPAN = {"start": 0, "end": 0}


def send(message):
    sys.stdout.write(json.dumps(message) + "\n")
    sys.stdout.flush()


def signature():
    # Old and new names together: usage and extra_usage became description and extra_description in 0.98.
    return {
        "sig": {
            "name": "getconfig",
            "usage": "store the engine's config",
            "extra_usage": "",
            "description": "store the engine's config",
            "extra_description": "",
            "search_terms": [],
            "required_positional": [],
            "optional_positional": [],
            "rest_positional": None,
            "named": [],
            "input_type": "Any",
            "output_type": "Any",
            "input_output_types": [["Any", "Any"]],
            "allow_variants_without_examples": True,
            "is_filter": False,
            "creates_scope": False,
            "allows_unknown_args": False,
            "category": "Experimental",
        },
        "examples": [],
    }


def main():
    version = os.environ["GETCONFIG_VERSION"]
    sys.stdout.write("\x04json")
    send({"Hello": {"protocol": "nu-plugin", "version": version, "features": []}})
    pending = None
    for line in sys.stdin:
        message = json.loads(line)
        if message == "Goodbye":
            return
        if not isinstance(message, dict):
            continue
        if "Call" in message:
            call_id, call = message["Call"]
            if call == "Metadata":
                send({"CallResponse": [call_id, {"Metadata": {"version": version}}]})
            elif call == "Signature":
                send({"CallResponse": [call_id, {"Signature": [signature()]}]})
            else:
                pending = call_id
                send({"EngineCall": {"context": call_id, "id": 0, "call": "GetConfig"}})
        elif "EngineCallResponse" in message:
            with open(os.environ["GETCONFIG_OUT"], "w", encoding="utf-8") as out:
                out.write(line)
            value = {"Value": [{"Nothing": {"span": SPAN}}, None]}
            send({"CallResponse": [pending, {"PipelineData": value}]})


main()
