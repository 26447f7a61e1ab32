"""Webhooks at the desk: adding, how each fares, its log, sending again."""

from pyramid.request import Request
from pyramid.response import Response
from sqlalchemy import select

from foi.archive.models import Body
from foi.desk import frame
from foi.desk.forms import Form, whole
from foi.site import site_of
from foi.webhooks import log, register, signing
from foi.webhooks.models import Webhook

HOME = f"{frame.HOME}/webhooks"


def index(request: Request) -> Response:
    """Every webhook, and a form for a new one."""
    return _index(request, {"url": "", "body": "", "kinds": ""})


def _index(
    request: Request, given: dict[str, str], errors: dict[str, str] | None = None
) -> Response:
    rows = request.db.execute(
        select(Webhook, Body.name)
        .outerjoin(Body, Body.id == Webhook.body_id)
        .order_by(Webhook.id)
        .limit(frame.SHOWN * 10)
    ).all()
    return frame.show(
        request,
        "webhooks",
        "Webhooks",
        rows=rows,
        hook=None,
        given=given,
        kinds=register.KINDS,
        errors=errors or {},
    )


def add(request: Request) -> Response:
    """Add a webhook."""
    form, db = Form(request.sent.fields), request.db
    url = form.read("url", lambda text: register.check_url(text.strip()), "")
    kinds: list[str] = form.read("kinds", lambda t: register.check_kinds(t.split()), [])
    slug = form.given.get("body", "").strip()
    body = db.scalar(select(Body).where(Body.url_name == slug)) if slug else None
    if slug and body is None:
        form.wrong("body", "There is no authority of this address.")
    if not url:
        form.wrong("url", "A webhook needs an address.")
    if form.errors:
        return _index(
            request, {"url": "", "body": "", "kinds": ""} | dict(form.given), form.errors
        )
    hook = register.add(db, request.identity.actor, url=url, body=body, kinds=kinds)
    return frame.onward(f"{HOME}/{hook.id}", "added")


def page(request: Request) -> Response:
    """One webhook and its log."""
    return _page(request, _hook(request))


def _hook(request: Request) -> Webhook:
    hook: Webhook = frame.found(request, Webhook, "webhook")
    return hook


def _page(request: Request, hook: Webhook, secret: str = "") -> Response:
    db = request.db
    return frame.show(
        request,
        "webhooks",
        f"Webhook {hook.id}",
        hook=hook,
        body=db.get(Body, hook.body_id) if hook.body_id else None,
        attempts=log.latest(db, hook.id, frame.SHOWN),
        secret=secret,
    )


def act(request: Request) -> Response:
    """Do what a button of a webhook's page says."""
    hook, db, actor = _hook(request), request.db, request.identity.actor
    here, said = f"{HOME}/{hook.id}", "saved"
    match request.matchdict["do"]:
        case "secret":
            register.show_secret(db, actor, hook)
            return _page(request, hook, signing.secret(site_of(request).keys, hook))
        case "rotate":
            register.rotate(db, actor, hook)
            return _page(request, hook, signing.secret(site_of(request).keys, hook))
        case "disable":
            register.disable(db, actor, hook, register.TURNED_OFF)
        case "enable":
            register.enable(db, actor, hook, skip="skip" in request.sent.fields)
        case "test":
            register.test(db, actor, hook)
            said = "sending"
        case "resend":
            event_id = Form(request.sent.fields).read("event", whole, 0)
            if event_id:
                register.resend(db, actor, hook, event_id)
            said = "sending" if event_id else "same"
        case _:
            register.remove(db, actor, hook)
            here, said = HOME, "removed"
    return frame.onward(here, said)
