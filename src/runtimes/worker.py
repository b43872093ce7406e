"""One worker of a Python model: loads an artifact, then answers batches of rows until its socket closes.

Started by Bellwether as `python -I -u -B worker.py` with the socket as file descriptor 3. Everything is the standard
library's but what the artifact itself needs (and numpy, pandas). docs/python-models.md describes the frames.
"""
import ctypes
import json
import os
import queue
import shutil
import socket
import struct
import sys
import threading

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))  # -I leaves our own folder out
from worker_model import FOLDER, TEXT_MAX, Refusal, load, predict, take_columns, versions

del sys.path[0]  # nothing of ours is to stand in for what the model imports

HEADER = struct.Struct("<IIQ")  # kind, bytes of JSON, bytes of body
VERSIONS, LOAD, COLUMNS, PREDICT, DONE, PROBLEM = 1, 2, 3, 4, 5, 6
MIB = 1 << 20


# -- the socket ---------------------------------------------------------------------------------------------------------


def read_exactly(stream, count):
    parts = bytearray(count)
    view, at = memoryview(parts), 0
    while at < count:
        got = stream.recv_into(view[at:])
        if got == 0:
            raise EOFError
        at += got
    return parts


def receive(stream, frames):
    """Reads frames beside the main thread: so the end of the server is noticed whatever the model is doing."""
    try:
        while True:
            kind, json_bytes, body_bytes = HEADER.unpack(bytes(read_exactly(stream, HEADER.size)))
            told = json.loads(bytes(read_exactly(stream, json_bytes)) or b"{}")
            frames.put((kind, told, read_exactly(stream, body_bytes)))
    except (EOFError, OSError):
        if os.path.basename(FOLDER).startswith("bellwether-python-"):
            shutil.rmtree(FOLDER, ignore_errors=True)
        os._exit(0)


def send(stream, kind, told, body=b""):
    text = json.dumps(told).encode()
    stream.sendall(HEADER.pack(kind, len(text), len(body)) + text)
    if len(body) > 0:
        stream.sendall(body)


def die_with_parent():
    """Linux kills us when the thread that started us ends; elsewhere the closed socket has to do."""
    try:
        ctypes.CDLL(None, use_errno=True).prctl(1, 9)
    except (AttributeError, OSError):
        pass


# -- memory -------------------------------------------------------------------------------------------------------------


def pages():
    """Bytes of address space and bytes in memory; zeros where the system does not tell."""
    try:
        with open("/proc/self/statm", encoding="ascii") as statm:
            size, resident = statm.read().split()[:2]
        return int(size) * os.sysconf("SC_PAGE_SIZE"), int(resident) * os.sysconf("SC_PAGE_SIZE")
    except OSError:
        return 0, 0


def limit_memory(memory_mb, slack_mb):
    """Lets the address space grow by what is left of the memory limit: libraries reserve far more than they use."""
    size, resident = pages()
    if size == 0:
        return
    import resource

    room = max(memory_mb * MIB - resident, 0) + slack_mb * MIB
    _, hard = resource.getrlimit(resource.RLIMIT_AS)
    soft = size + room if hard == resource.RLIM_INFINITY else min(size + room, hard)
    resource.setrlimit(resource.RLIMIT_AS, (soft, hard))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


# -- the loop -----------------------------------------------------------------------------------------------------------


def main():
    die_with_parent()
    stream = socket.socket(fileno=3)
    frames = queue.SimpleQueue()
    threading.Thread(target=receive, args=(stream, frames), daemon=True).start()
    model, memory_mb = None, 0
    while True:
        kind, told, body = frames.get()
        answered = b""
        try:
            if kind == VERSIONS:
                reply = versions(told)
            elif kind == LOAD:
                memory_mb = told["memoryMb"]
                limit_memory(memory_mb, slack_mb=1024)
                model, reply = load(told, body)
                reply["resident"] = pages()[1]
            elif kind == COLUMNS:
                reply = take_columns(model, told)
                limit_memory(memory_mb, slack_mb=64)
            else:
                reply, answered = predict(model, told, body)
        except Refusal as refusal:
            send(stream, PROBLEM, {"kind": refusal.kind, "message": str(refusal)[:TEXT_MAX]})
        except MemoryError:
            send(stream, PROBLEM, {"kind": "memory", "message": f"it needs more memory than {memory_mb} MB"})
        except Exception as error:  # whatever a model throws is told, not survived
            send(stream, PROBLEM, {"kind": "code", "message": f"{type(error).__name__}: {error}"[:TEXT_MAX]})
        else:
            send(stream, DONE, reply, answered)
        del body, answered


main()
