"""The page with the caught mail: a small application of its own, on a port of its own, without a database."""

import re
import shlex
from itertools import islice
from pathlib import Path

from flask import (
    Blueprint,
    Flask,
    Response,
    abort,
    current_app,
    make_response,
    redirect,
    render_template,
    request,
    url_for,
)
from werkzeug.wrappers import Response as Redirect

from consent_service.clock import now
from consent_service.demo import answers, words
from consent_service.demo.answers import Reaction
from consent_service.demo.catcher import CaughtMail, caught, find
from consent_service.demo.courier import CANNOT_DELIVER, Courier
from consent_service.demo.failures import Choice, Failure, Switch

PACKAGE = Path(__file__).parents[1]
# In the wheel templates and static files lie inside the package, in a checkout beside it.
ROOT = PACKAGE if (PACKAGE / "templates").is_dir() else PACKAGE.parent

MAILS_PER_PAGE = 50
SHOWN_HEADERS = (
    "From",
    "To",
    "Subject",
    "Date",
    "List-Unsubscribe",
    "List-Unsubscribe-Post",
    "List-Id",
    "Message-ID",
)

PAGE_POLICY = (
    "default-src 'none'; style-src 'self'; font-src 'self'; img-src data:; frame-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
# A mail brings its own styles and pictures, and nothing else of it may act. What its links open is outside
# the sandbox, else the pages there could not post their forms.
MAIL_POLICY = (
    "sandbox allow-popups allow-popups-to-escape-sandbox; default-src 'none'; style-src 'unsafe-inline'; "
    "img-src data:; form-action 'none'; base-uri 'none'; frame-ancestors 'self'"
)

# Only what may stand in a URL: the line is meant to be pasted into a shell.
HTTP_LINK = re.compile(r"<(https?://[!-;=?-~]+)>", re.IGNORECASE)

pages = Blueprint("caught_mail", __name__)


def create_app(folder: Path, switch: Switch, courier: Courier) -> Flask:
    """The application that shows the mails of that folder, turns the switch, and answers mails."""
    app = Flask(__name__, template_folder=ROOT / "templates", static_folder=ROOT / "static")
    app.config.update(FOLDER=folder, SWITCH=switch, COURIER=courier)
    app.register_blueprint(pages)
    app.before_request(_refuse_other_sites)
    app.context_processor(lambda: {"choice": switch.choice, "words": words})
    app.register_error_handler(404, _gone)
    # The folder may be emptied while a page is made of it.
    app.register_error_handler(FileNotFoundError, _gone)
    app.after_request(_with_security_headers)
    return app


@pages.get("/")
def mails() -> str:
    """The mails, newest first; with `q` (even an empty one) the search, which does not refresh itself."""
    page = max(request.args.get("page", 1, type=int), 1)
    query = request.args.get("q")
    words = (query or "").strip()
    start = (page - 1) * MAILS_PER_PAGE
    everything = caught(_folder())
    matching = (mail for mail in everything if not words or _matches(mail, words))
    # One more than is shown tells whether there is a next page, without reading them all.
    found = list(islice(matching, start, start + MAILS_PER_PAGE + 1))
    return render_template(
        "demo/mails.html",
        mails=found[:MAILS_PER_PAGE],
        total=len(everything),
        query=query,
        page=page,
        has_next=len(found) > MAILS_PER_PAGE,
        refreshes=page == 1 and query is None,
    )


@pages.get("/mail/<identifier>")
def mail(identifier: str) -> str:
    """One mail: its headers, its HTML in a frame, its text, and what its recipient may answer."""
    return _mail_page(_mail_or_404(identifier), answered=request.args.get("answered", ""))


def _mail_page(found: CaughtMail, answered: str = "", is_refused: bool = False) -> str:
    offered = [one for one in words.ANSWERS if one is not Reaction.MAILTO or answers.mailto(found)]
    return render_template(
        "demo/mail.html",
        mail=found,
        headers=[(name, found.header(name)) for name in SHOWN_HEADERS],
        one_click=one_click_command(found),
        offered=offered,
        answered=answered if answered in offered else "",
        is_refused=is_refused,
    )


@pages.post("/mail/<identifier>/answer")
def answer(identifier: str) -> Redirect | tuple[str, int]:
    """Answers as the first recipient, who may be a person or a mail server."""
    found = _mail_or_404(identifier)
    try:
        reaction = Reaction(request.form["reaction"])
        composed = answers.compose(reaction, found, found.envelope_recipients[0], now())
    except ValueError:
        abort(400)
    courier: Courier = current_app.config["COURIER"]
    try:
        courier.deliver(composed)
    except CANNOT_DELIVER:
        return _mail_page(found, is_refused=True), 503
    return redirect(url_for(".mail", identifier=identifier, answered=reaction.value, _anchor="answer"), 303)


@pages.get("/failures")
def failures() -> str:
    """The switch, and what the catcher did last."""
    courier: Courier = current_app.config["COURIER"]
    return render_template("demo/failures.html", events=courier.journal.latest())


@pages.post("/failures")
def turn() -> Redirect:
    """Turns the switch."""
    switch: Switch = current_app.config["SWITCH"]
    try:
        switch.choice = Choice(Failure(request.form["failure"]), request.form.get("only", "").strip())
    except ValueError:
        abort(400)
    return redirect(url_for(".failures"), 303)


@pages.get("/mail/<identifier>/html")
def html(identifier: str) -> Response:
    """The mail's HTML alone, sandboxed whether it is framed or opened by itself."""
    # First in the document, so that no other base element counts: every link opens a tab.
    response = make_response('<!doctype html><base target="_blank">' + _mail_or_404(identifier).html)
    response.headers["Content-Security-Policy"] = MAIL_POLICY
    return response


@pages.get("/mail/<identifier>/raw")
def raw(identifier: str) -> Response:
    """The mail as it was sent, to download."""
    found = _mail_or_404(identifier)
    response = Response(found.raw, mimetype="message/rfc822")
    response.headers.set("Content-Disposition", "attachment", filename=f"{found.identifier}.eml")
    return response


def one_click_command(mail: CaughtMail) -> str:
    """The curl line that unsubscribes as a mail provider does, or an empty string if the mail offers none."""
    link = HTTP_LINK.search(mail.header("List-Unsubscribe"))
    body = mail.header("List-Unsubscribe-Post").strip()
    if link is None or body != "List-Unsubscribe=One-Click":
        return ""
    return f"curl -X POST -d '{body}' {shlex.quote(link[1])}"


def _matches(mail: CaughtMail, query: str) -> bool:
    texts = (mail.subject, mail.to, *mail.envelope_recipients)
    return any(query.casefold() in text.casefold() for text in texts)


def _mail_or_404(identifier: str) -> CaughtMail:
    return find(_folder(), identifier) or abort(404)


def _folder() -> Path:
    folder: Path = current_app.config["FOLDER"]
    return folder


def _refuse_other_sites() -> None:
    """Any page in the browser can post to this machine; only our own may."""
    if (
        request.method == "POST"
        and request.headers.get("Origin", request.host_url.rstrip("/")) + "/" != request.host_url
    ):
        abort(403)


def _gone(_: Exception) -> tuple[str, int]:
    return render_template("demo/gone.html"), 404


def _with_security_headers(response: Response) -> Response:
    response.headers.setdefault("Content-Security-Policy", PAGE_POLICY)
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Referrer-Policy"] = "same-origin"
    return response
