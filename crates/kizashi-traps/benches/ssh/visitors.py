"""visitors.py ssh|telnet PORT COUNT AT_ONCE: visitors on loopback; ends with a fault if one of them is not served.

Over SSH each exchanges keys by Curve25519 and Ed25519 under aes128-ctr, logs in with a password that is right and leaves. Over Telnet each
answers the prompts with a pair that neither takes (root, root), reads the refusal and leaves.
"""

import asyncio
import logging
import socket
import sys
from concurrent.futures import ThreadPoolExecutor


def log_in(port):
    import paramiko

    logging.getLogger("paramiko").setLevel(logging.CRITICAL)
    transport = paramiko.Transport(socket.create_connection(("127.0.0.1", port), 30))
    try:
        options = transport.get_security_options()
        options.kex = ("curve25519-sha256@libssh.org",)
        options.key_types = ("ssh-ed25519",)
        options.ciphers = ("aes128-ctr",)
        options.digests = ("hmac-sha2-256",)
        transport.start_client(timeout=30)
        transport.auth_password("root", "letmein9")
    finally:
        transport.close()


async def be_refused(port, turns):
    async with turns:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        async with asyncio.timeout(60):
            await reader.readuntil(b"ogin: ")
            writer.write(b"root\r\n")
            await reader.readuntil(b"assword: ")
            writer.write(b"root\r\n")
            await reader.readuntil(b"ncorrect")
        writer.close()


async def telnet(port, count, at_once):
    turns = asyncio.Semaphore(at_once)
    await asyncio.gather(*(be_refused(port, turns) for _ in range(count)))


def main():
    protocol = sys.argv[1]
    port, count, at_once = map(int, sys.argv[2:])
    if protocol == "telnet":
        asyncio.run(telnet(port, count, at_once))
        return
    with ThreadPoolExecutor(at_once) as pool:
        list(pool.map(log_in, [port] * count))


main()
