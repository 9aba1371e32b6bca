#!/usr/bin/env python3
"""A small plugin as many people write them: JSON by hand, line by line.

It writes a whole stream without waiting for acks, and dies of any message it does not know.
"""
import json
import os
import sys


def send(message):
    sys.stdout.write(json.dumps(message) + "\n")
    sys.stdout.flush()


def receive():
    line = sys.stdin.readline()
    if not line:
        sys.exit(0)
    return json.loads(line)


def value(kind, content, span):
    return {kind: {"val": content, "span": span}}


def nothing(span):
    return {"Nothing": {"span": span}}


def respond(call_id, answer):
    send({"CallResponse": [call_id, {"PipelineData": {"Value": [answer, None]}}]})


def fail(call_id, msg, label, span):
    error = {"msg": msg, "labels": [{"text": label, "span": span}], "help": "try another input"}
    send({"CallResponse": [call_id, {"Error": error}]})


def signature(name, description, positional=()):
    flag = {"long": "help", "short": "h", "arg": None, "required": False,
            "desc": "Display the help message for this command", "var_id": None,
            "default_value": None}
    return {
        "sig": {
            "name": name, "description": description, "extra_description": "",
            "search_terms": [],
            "required_positional": [
                {"name": arg, "desc": "", "shape": shape, "var_id": None} for arg, shape in positional
            ],
            "optional_positional": [], "rest_positional": None, "named": [flag],
            "input_output_types": [["Any", "Any"]], "allow_variants_without_examples": True,
            "is_filter": False, "creates_scope": False, "allows_unknown_args": False,
            "category": "Experimental",
        },
        "examples": [],
    }


SIGNATURES = [
    signature("py echo", "Returns its input value"),
    signature("py upper", "Upper-cases its input string"),
    signature("py list", "Streams that many integers", [("count", "Int")]),
    signature("py error", "Fails with a label"),
    signature("py env", "Asks the engine for an environment variable", [("name", "String")]),
    signature("py cwd", "Asks the engine for the current directory"),
    signature("py sum", "Adds a list or stream of numbers"),
]

engine_calls = 0


def ask_engine(call_id, call):
    """Makes an engine call and waits for its answer; nothing else may arrive meanwhile."""
    global engine_calls
    send({"EngineCall": {"context": call_id, "id": engine_calls, "call": call}})
    engine_calls += 1
    response = receive()["EngineCallResponse"][1]
    if "Error" in response:
        return None
    header = response["PipelineData"]
    return None if header == "Empty" else header["Value"][0]


def stream_items(stream_id):
    """Yields the items of an input stream and acknowledges each."""
    while True:
        message = receive()
        if "Data" in message:
            found, data = message["Data"]
            if found == stream_id:
                yield data["List"]
                send({"Ack": found})
        elif message == {"End": stream_id}:
            send({"Drop": stream_id})
            return
        else:
            die(message)


def numbers(header):
    if isinstance(header, dict) and "ListStream" in header:
        items = stream_items(header["ListStream"]["id"])
    elif isinstance(header, dict):
        items = header["Value"][0]["List"]["vals"]
    else:
        items = []
    for item in items:
        kind, body = next(iter(item.items()))
        if kind not in ("Int", "Float"):
            raise ValueError(kind)
        yield body["val"]


def run(call_id, call):
    name, head, header = call["name"], call["call"]["head"], call["input"]
    positional = call["call"]["positional"]
    given = header["Value"][0] if isinstance(header, dict) and "Value" in header else nothing(head)
    if name == "py echo":
        respond(call_id, given)
    elif name == "py upper":
        if "String" not in given:
            fail(call_id, "expected a string", "the input of this", head)
        else:
            respond(call_id, value("String", given["String"]["val"].upper(), head))
    elif name == "py list":
        header = {"ListStream": {"id": call_id, "span": head}}
        send({"CallResponse": [call_id, {"PipelineData": header}]})
        for n in range(positional[0]["Int"]["val"]):
            send({"Data": [call_id, {"List": value("Int", n, head)}]})
        send({"End": call_id})
    elif name == "py error":
        fail(call_id, "this always fails", "called here", head)
    elif name == "py env":
        respond(call_id, ask_engine(call_id, {"GetEnvVar": positional[0]["String"]["val"]}) or nothing(head))
    elif name == "py cwd":
        respond(call_id, ask_engine(call_id, "GetCurrentDir") or nothing(head))
    elif name == "py sum":
        try:
            total = sum(numbers(header))
        except ValueError as kind:
            fail(call_id, f"cannot add {kind}", "while adding", head)
        else:
            respond(call_id, value("Float" if isinstance(total, float) else "Int", total, head))
    else:
        fail(call_id, f"unknown command {name}", "called here", head)


def die(message):
    sys.stderr.write(f"pyhand: unknown message: {message}\n")
    sys.exit(1)


def main():
    if sys.argv[1:] != ["--stdio"]:
        sys.exit("pyhand: only --stdio is supported")
    sys.stdout.write(chr(4) + "json")
    version = os.environ.get("HAND_VERSION", "0.115.1")
    send({"Hello": {"protocol": "nu-plugin", "version": version, "features": []}})
    while True:
        message = receive()
        if message == "Goodbye":
            return
        elif not isinstance(message, dict):
            die(message)
        elif "Hello" in message or "Ack" in message or "Drop" in message:
            continue
        elif "Call" in message:
            call_id, call = message["Call"]
            if call == "Metadata":
                send({"CallResponse": [call_id, {"Metadata": {"version": "0.1.0"}}]})
            elif call == "Signature":
                send({"CallResponse": [call_id, {"Signature": SIGNATURES}]})
            elif "Run" in call:
                run(call_id, call["Run"])
            else:
                die(message)
        else:
            die(message)


main()
