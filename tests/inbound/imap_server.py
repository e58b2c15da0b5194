"""A small IMAP server (RFC 3501, with MOVE and UIDPLUS if wanted): just what a client needs that empties a folder."""

import re
import socketserver
import threading


class ImapServer(socketserver.ThreadingTCPServer):
    """On loopback, in a thread of its own; `folders` holds the mails of each folder by their UID."""

    daemon_threads = True
    allow_reuse_address = True

    def __init__(self, has_move: bool = True, has_uidplus: bool = False) -> None:
        super().__init__(("127.0.0.1", 0), _Session)
        self.folders: dict[str, dict[int, bytes]] = {"INBOX": {}}
        self.deleted: set[int] = set()
        self.gone: list[int] = []  # still found, but another client removes them before they are fetched
        self.flagged: set[int] = set()  # of these, those of whose flags the server speaks even then
        extensions = [*(["MOVE"] if has_move else []), *(["UIDPLUS"] if has_uidplus else [])]
        self.capabilities = " ".join(["IMAP4rev1", *extensions])

    @property
    def port(self) -> int:
        """Where it listens."""
        return int(self.server_address[1])

    def start(self) -> None:
        """Begins to answer."""
        threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.02}).start()

    def stop(self) -> None:
        """Ends."""
        self.shutdown()
        self.server_close()


class _Session(socketserver.StreamRequestHandler):
    server: ImapServer

    def handle(self) -> None:
        self.say("* OK ready")
        for line in self.rfile:
            tag, _, rest = line.decode().strip().partition(" ")
            uid, rest = rest.upper().startswith("UID "), re.sub(r"^UID ", "", rest, flags=re.IGNORECASE)
            verb, _, arguments = rest.partition(" ")
            problem = getattr(self, f"do_{verb.lower()}", self.do_unknown)(arguments, uid)
            self.say(f"{tag} {problem or 'OK done'}")
            if verb.upper() == "LOGOUT":
                return

    def say(self, line: str) -> None:
        self.wfile.write(line.encode() + b"\r\n")

    def do_unknown(self, arguments: str, uid: bool) -> str:
        return "BAD unknown"

    def do_capability(self, arguments: str, uid: bool) -> None:
        self.say(f"* CAPABILITY {self.server.capabilities}")

    def do_login(self, arguments: str, uid: bool) -> str | None:
        return None if arguments == 'inbound "secret"' or arguments.replace('"', "") == "inbound secret" else "NO wrong"

    def do_logout(self, arguments: str, uid: bool) -> None:
        self.say("* BYE")

    def do_noop(self, arguments: str, uid: bool) -> None:
        pass

    def do_list(self, arguments: str, uid: bool) -> None:
        wanted = arguments.split()[-1].strip('"')
        if wanted in self.server.folders:
            self.say(f'* LIST () "/" {wanted}')

    def do_create(self, arguments: str, uid: bool) -> None:
        self.server.folders[arguments.strip('"')] = {}

    def do_select(self, arguments: str, uid: bool) -> None:
        self.folder = self.server.folders[arguments.strip('"')]
        self.say(f"* {len(self.folder)} EXISTS")

    def do_search(self, arguments: str, uid: bool) -> None:
        found = [str(number) for number in [*self.server.gone, *self.folder] if number not in self.server.deleted]
        self.say(" ".join(["* SEARCH", *found]))

    def do_fetch(self, arguments: str, uid: bool) -> None:
        number = int(arguments.split()[0])
        if number not in self.folder:
            if number in self.server.flagged:
                self.say(f"* 1 FETCH (UID {number} FLAGS (\\Deleted))")
            return
        first, length = re.search(r"<(\d+)\.(\d+)>", arguments).groups()  # type: ignore[union-attr]
        mail = self.folder[number]
        part = mail[int(first) : int(first) + int(length)]
        self.wfile.write(f"* 1 FETCH (UID {number} RFC822.SIZE {len(mail)} BODY[]<0> {{{len(part)}}}\r\n".encode())
        self.wfile.write(part + b")\r\n")

    def do_move(self, arguments: str, uid: bool) -> str | None:
        if "MOVE" not in self.server.capabilities:
            return "BAD unknown"
        self.do_copy(arguments, uid)
        del self.folder[int(arguments.split()[0])]
        return None

    def do_copy(self, arguments: str, uid: bool) -> None:
        number, folder = arguments.split()
        target = self.server.folders[folder.strip('"')]
        target[len(target) + 1] = self.folder[int(number)]

    def do_store(self, arguments: str, uid: bool) -> None:
        self.server.deleted.add(int(arguments.split()[0]))

    def do_expunge(self, arguments: str, uid: bool) -> str | None:
        if uid and "UIDPLUS" not in self.server.capabilities:
            return "BAD unknown"
        for number in self.server.deleted & set(self.folder):
            del self.folder[number]
        return None
