"""Runs each line of standard input's JSON list in Cowrie over SSH exec, one connection a line, and writes a JSON list of answers.

Two Cowries with their settings as shipped share the lines. One that hangs (some commands keep its only thread busy) is started again, and
the line that did it has no answer.
"""

import json
import logging
import pathlib
import socket
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor

import paramiko

SECONDS = 12
STOPPED = 124
folder = pathlib.Path(sys.argv[1])


class Cowrie:
    def __init__(self, port):
        self.port = port
        self.home = folder / f"home-{port}"
        for part in ["etc", "var/log/cowrie", "var/lib/cowrie/tty", "var/lib/cowrie/downloads", "var/run"]:
            (self.home / part).mkdir(parents=True, exist_ok=True)
        settings = f"[ssh]\nlisten_endpoints = tcp:{port}:interface=127.0.0.1\n[output_jsonlog]\nenabled = false\n"
        (self.home / "etc/cowrie.cfg").write_text(settings)
        self.process = None

    def start(self):
        command = [folder / "venv/bin/twistd", "--nodaemon", "--pidfile=", "cowrie"]
        log = open(self.home / "log", "w")
        self.process = subprocess.Popen(command, cwd=self.home, stdout=log, stderr=log, stdin=subprocess.DEVNULL)
        for _ in range(300):
            try:
                socket.create_connection(("127.0.0.1", self.port), 1).close()
                return
            except OSError:
                time.sleep(0.1)
        sys.exit(f"Cowrie does not listen; see {self.home}/log")

    def stop(self):
        self.process.kill()
        self.process.wait()

    def answers(self, lines):
        self.start()
        answers = []
        for line in lines:
            answer = ask(self.port, line)
            if answer["status"] == STOPPED:
                self.stop()
                self.start()
            answers.append(answer)
        self.stop()
        return answers


def send(channel, line):
    # Without asking for a reply: Cowrie may close the channel before it replies, which paramiko takes for a refusal.
    request = paramiko.Message()
    request.add_byte(paramiko.common.cMSG_CHANNEL_REQUEST)
    request.add_int(channel.remote_chanid)
    request.add_string("exec")
    request.add_boolean(False)
    request.add_string(line)
    channel.get_transport()._send_user_message(request)


def ask(port, line):
    client = paramiko.SSHClient()
    client.set_missing_host_key_policy(paramiko.AutoAddPolicy())
    output, errors, status = b"", b"", STOPPED
    try:
        login = {"allow_agent": False, "look_for_keys": False, "timeout": SECONDS, "banner_timeout": SECONDS}
        client.connect("127.0.0.1", port, "root", "x1y2z3", **login)
        channel = client.get_transport().open_session(timeout=SECONDS)
        send(channel, line)
        channel.shutdown_write()
        until = time.time() + SECONDS
        while time.time() < until:
            closed = channel.closed or (channel.exit_status_ready() and channel.eof_received)
            while channel.recv_ready():
                output += channel.recv(65536)
            while channel.recv_stderr_ready():
                errors += channel.recv_stderr(65536)
            if closed:
                # A session that is closed without a status is one that OpenSSH's client reports as 255.
                status = channel.recv_exit_status() if channel.exit_status_ready() else 255
                break
            time.sleep(0.01)
    except Exception as error:
        errors = repr(error).encode()
    finally:
        client.close()
    return {"status": status, "stdout": output.decode("latin-1"), "stderr": errors.decode("latin-1")}


def main():
    logging.getLogger("paramiko").setLevel(logging.CRITICAL)
    lines = json.load(sys.stdin)
    halves = [lines[0::2], lines[1::2]]
    with ThreadPoolExecutor(2) as pool:
        said = list(pool.map(lambda half: Cowrie(2222 + half[0]).answers(half[1]), enumerate(halves)))
    answers = [said[at % 2][at // 2] for at in range(len(lines))]
    json.dump(answers, sys.stdout)


main()
