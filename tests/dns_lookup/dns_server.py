"""A name server on loopback, over UDP and TCP, that answers from a table and says no to everything else."""

import socketserver
import struct
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdatatype
import dns.rrset

from tests.conftest import free_port

SMALLEST_UDP = 512
Table = dict[tuple[str, str], list[str]]


@dataclass
class Names:
    """What the server knows: (name, type) to the values in a zone file's form. `silent` names get no answer at all."""

    table: Table
    silent: set[str] = field(default_factory=set)
    refused: set[str] = field(default_factory=set)
    asked: list[tuple[str, str, str]] = field(default_factory=list)  # name, type, udp or tcp
    port: int = 0

    def answer(self, wire: bytes, over: str) -> bytes | None:
        """The server's answer to one question."""
        query = dns.message.from_wire(wire)
        question = query.question[0]
        name, kind = question.name.to_text(omit_final_dot=True).lower(), dns.rdatatype.to_text(question.rdtype)
        self.asked.append((name, kind, over))
        if name in self.silent:
            return None
        response = dns.message.make_response(query)
        response.flags |= dns.flags.RA
        if name in self.refused:
            response.set_rcode(dns.rcode.SERVFAIL)
        elif (name, kind) in self.table:
            values = self.table[name, kind]
            response.answer.append(dns.rrset.from_text_list(question.name, 60, "IN", kind, values))
        elif not any(name == known for known, _ in self.table):
            response.set_rcode(dns.rcode.NXDOMAIN)
        data = response.to_wire(max_size=65535)
        if over == "udp" and len(data) > SMALLEST_UDP:
            short = dns.message.make_response(query)
            short.flags |= dns.flags.TC
            data = short.to_wire()
        return data


class _OverUdp(socketserver.BaseRequestHandler):
    def handle(self) -> None:
        data, socket = self.request
        answer = self.server.names.answer(data, "udp")  # type: ignore[attr-defined]
        if answer is not None:
            socket.sendto(answer, self.client_address)


class _OverTcp(socketserver.StreamRequestHandler):
    def handle(self) -> None:
        (length,) = struct.unpack("!H", self.rfile.read(2))
        answer = self.server.names.answer(self.rfile.read(length), "tcp")  # type: ignore[attr-defined]
        if answer is not None:
            self.wfile.write(struct.pack("!H", len(answer)) + answer)


@contextmanager
def serving(table: Mapping[tuple[str, str], Sequence[str]]) -> Iterator[Names]:
    """Starts the server, whose table can be changed while it runs."""
    names = Names({key: list(values) for key, values in table.items()})
    tcp: Any = socketserver.ThreadingTCPServer(("127.0.0.1", free_port()), _OverTcp)
    udp: Any = socketserver.ThreadingUDPServer(tcp.server_address, _OverUdp)
    names.port = tcp.server_address[1]
    threads = []
    for server in (tcp, udp):
        server.names, server.daemon_threads = names, True
        threads.append(threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}))
        threads[-1].start()
    try:
        yield names
    finally:
        for server in (tcp, udp):
            server.shutdown()
            server.server_close()
        for thread in threads:
            thread.join()
