#!/usr/bin/env python3
"""Stands for the shell plugin of real Octa, whose binaries cannot be had here: it says and does what the official SDK of
each generation says and does, its faults included. OCTA_REPLICA=0.2.0 or 0.2.1 (the default) chooses the generation."""
import argparse
import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
import uuid

VERSION = os.environ.get("OCTA_REPLICA", "0.2.1")
NESTED = VERSION == "0.2.1"
TEXT = "params" if NESTED else "command"
KEY = "shell"
cancelled = threading.Event()


def reply(kind, **fields):
    """A message as the SDK of this generation writes it."""
    message = {"type": kind, "payload": fields} if NESTED else {"type": kind, **fields}
    return json.dumps(message, separators=(",", ":"), ensure_ascii=False)


class Connection:
    def __init__(self, stream):
        self.stream = stream
        self.lock = threading.Lock()
        self.commands = []

    def send(self, text, end="\n"):
        with self.lock:
            try:
                self.stream.sendall((text + end).encode())
            except OSError:
                pass

    def lines(self):
        rest = b""
        while True:
            try:
                received = self.stream.recv(65536)
            except OSError:
                return
            if not received:
                if rest:
                    yield rest
                return
            *complete, rest = (rest + received).split(b"\n")
            yield from complete

    def serve(self):
        lines = self.lines()
        for step in ("Hello", "Schema"):
            command = self.parse(next(lines, None))
            if command is not None and command["type"] != step:
                self.send(reply("Error", id="protocol_error", message=f"Expected {step} command"))
            elif command is not None and step == "Hello":
                self.send(reply("Hello", version=VERSION, features=[]))
            elif command is not None:
                self.send(reply("Schema", key=KEY))
        for line in lines:
            command = self.parse(line)
            if command is None:
                continue
            if command["type"] == "Execute":
                self.execute(command["payload"])
            elif command["type"] == "Shutdown":
                cancelled.set()
                break
            else:
                # The official one forgets the end of the line here.
                message = f"Unexpected {command['type']} command"
                self.send(reply("Error", id="protocol_error", message=message), end="")
        # At the end of the input running commands are waited for, not cancelled.
        for command in self.commands:
            command.join()
        self.send(reply("Shutdown", message="Plugin shutting down"))
        self.stream.shutdown(socket.SHUT_RDWR)
        self.stream.close()

    def parse(self, line):
        if line is None:
            return None
        try:
            command = json.loads(line)
            if command["type"] not in ("Hello", "Schema", "Execute", "Shutdown"):
                raise ValueError(f"unknown variant `{command['type']}`")
            if command["type"] == "Execute":
                for field in (TEXT, "args", "dir", "envs", "vars", "dry"):
                    if field not in command["payload"]:
                        raise ValueError(f"missing field `{field}`")
            return command
        except (ValueError, KeyError, TypeError) as error:
            self.send(reply("Error", id="parse_error", message=f"Invalid command format: {error}"))
            return None

    def execute(self, payload):
        if cancelled.is_set():
            return
        number = str(uuid.uuid4())
        self.send(reply("Started", id=number))
        command = threading.Thread(target=self.run, args=(number, payload), daemon=True)
        self.commands.append(command)
        command.start()

    def run(self, number, payload):
        try:
            text = render(expand(payload[TEXT], payload["envs"]), payload["vars"])
        except KeyError as error:
            message = f"Command execution error: Variable {error} not found in context"
            self.send(reply("Error", id=number, message=message))
            return
        if payload["dry"]:
            self.send(reply("ExitStatus", id=number, code=0))
            return
        child = subprocess.Popen(
            ["sh", "-c", text],
            cwd=payload["dir"],
            env={**os.environ, **payload["envs"]},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )
        pumps = [
            threading.Thread(target=self.pump, args=(number, *which), daemon=True)
            for which in (("Stdout", child.stdout), ("Stderr", child.stderr))
        ]
        for pump in pumps:
            pump.start()
        while any(pump.is_alive() for pump in pumps) or child.poll() is None:
            if cancelled.is_set():
                terminate(child)
                self.send(reply("ExitStatus", id=number, code=-1))
                return
            for pump in pumps:
                pump.join(0.005)
        code = child.poll()
        self.send(reply("ExitStatus", id=number, code=code if code >= 0 else -1))

    def pump(self, number, kind, stream):
        for line in stream:
            try:
                self.send(reply(kind, id=number, line=line.decode()))
            except UnicodeDecodeError:
                # From here on the stream is dropped in silence.
                return


def terminate(child):
    """As the official one: the group is asked, and only the direct child is forced."""
    try:
        os.killpg(child.pid, signal.SIGTERM)
        time.sleep(0.1)
        child.kill()
        child.wait()
    except ProcessLookupError:
        pass


def expand(text, envs):
    known = {**os.environ, **envs}

    def value(match):
        if match[0] == "$$":
            return "$"
        otherwise = match[0] if match[3] is None else match[3]
        return known.get(match[1] or match[2], otherwise)

    return re.sub(r"\$\$|\$(\w+)|\$\{(\w+)(?::-([^}]*))?\}", value, text)


def render(text, variables):
    return re.sub(r"\{\{\s*(\w+)\s*\}\}", lambda match: str(variables[match[1]]), text)


def main():
    parser = argparse.ArgumentParser(prog="octa-plugin")
    parser.add_argument("--socket-path", required=True)
    parser.add_argument("--log-dir")
    path = parser.parse_args().socket_path
    if os.path.exists(path):
        sys.exit("Socket is already in use")
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(path)
    listener.listen()
    serving = []

    def accept():
        while True:
            stream, _ = listener.accept()
            thread = threading.Thread(target=Connection(stream).serve, daemon=True)
            serving.append(thread)
            thread.start()

    signal.signal(signal.SIGINT, lambda *_: cancelled.set())
    threading.Thread(target=accept, daemon=True).start()
    while not cancelled.wait(0.05):
        pass
    for thread in serving:
        thread.join(1)
    time.sleep(0.1)
    if os.path.exists(path):
        os.unlink(path)
    os._exit(0)


main()
