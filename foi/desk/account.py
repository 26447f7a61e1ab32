"""One's own account: password, browsers that are signed in, second factor."""

from pyramid.request import Request
from pyramid.response import Response
from sqlalchemy import func, select

from foi.accounts import passwords, register, sessions, throttling, totp
from foi.accounts.models import Account, RecoveryCode
from foi.desk import frame
from foi.desk.forms import Form, whole
from foi.limits.address import who as who_calls
from foi.site import site_of

_PATH = "/desk/account"


def page(request: Request) -> Response:
    """What the account is and which browsers are signed in."""
    return _page(request)


def _page(request: Request, status: int = 200, **shown: object) -> Response:
    db = request.db
    account = _mine(request)
    left = select(func.count()).where(RecoveryCode.account_id == account.id)
    return frame.show(
        request,
        "account",
        "Your account",
        status=status,
        account=account,
        sessions=sessions.of_account(db, account.id),
        codes_left=db.scalar(left),
        shortest=passwords.SHORTEST,
        **shown,
    )


def _mine(request: Request) -> Account:
    account: Account = request.db.get_one(Account, request.identity.account_id)
    return account


def change_password(request: Request) -> Response:
    """Another password; the present one is asked for, and other browsers are signed out."""
    given, who = request.sent.fields, request.identity
    errors = _check_password(request, given.get("present", ""))
    if not errors:
        try:
            register.set_password(
                request.db, _mine(request), given.get("fresh", ""), who.actor, spare=who.session_id
            )
        except passwords.Unfit as unfit:
            errors = {"fresh": str(unfit)}
    if errors:
        return _page(request, 422, errors=errors)
    return frame.onward(_PATH, "password")


def _check_password(request: Request, password: str) -> dict[str, str]:
    """Give what is wrong with the present password, if anything: tries are counted as at
    sign-in.
    """
    site, who = site_of(request), request.identity
    address = who_calls(request.environ.get("REMOTE_ADDR", ""))
    key = register.email_key(who.email)
    with site.sessions.writing() as db:
        seconds, _ = throttling.count(db, site.settings, key, address)
    if seconds:
        return {"present": "There were too many tries. Please wait some minutes."}
    with site.sessions.reading() as db:
        held = db.get_one(Account, who.account_id).password_hash
    if not passwords.verify(held, password):
        return {"present": "This is not your present password."}
    with site.sessions.writing() as db:
        throttling.forgive(db, key, address)
    return {}


def end_sessions(request: Request) -> Response:
    """Sign one browser out, or all but this one."""
    form, who = Form(request.sent.fields), request.identity
    only = form.read("session", whole, None)
    if form.errors:
        return frame.onward(_PATH, "same")
    spare = who.session_id if only is None else None
    register.end_sessions(request.db, _mine(request), who.actor, only=only, spare=spare)
    return frame.onward(_PATH, "ended")


def begin_second_factor(request: Request) -> Response:
    """Show what the app needs, once."""
    account = _mine(request)
    try:
        register.begin_totp(request.db, account)
    except register.Unusable as why:
        return _page(request, 422, errors={"code": str(why)})
    return _second_factor(request, account)


def _second_factor(
    request: Request, account: Account, status: int = 200, **shown: object
) -> Response:
    site = site_of(request)
    secret = totp.secret(site.keys, account)
    return frame.show(
        request,
        "second_factor",
        "A code at sign-in",
        status=status,
        secret=" ".join(secret[i : i + 4] for i in range(0, len(secret), 4)),
        link=totp.link(site.keys, account, site.settings.site_name),
        **shown,
    )


def turn_second_factor_on(request: Request) -> Response:
    """Turn it on with a first code; the recovery codes are shown this once."""
    site, account = site_of(request), _mine(request)
    given = request.sent.fields.get("code", "")
    try:
        codes = register.turn_totp_on(
            request.db, account, site.keys, given, request.identity.actor
        )
    except register.Unusable as why:
        return _page(request, 422, errors={"code": str(why)})
    if codes is None:
        wrong = {"code": "This is not the app’s present code. Wait for the next one."}
        return _second_factor(request, account, 422, errors=wrong)
    return frame.show(request, "recovery_codes", "Recovery codes", codes=codes)


def turn_second_factor_off(request: Request) -> Response:
    """Turn it off; the password is asked for."""
    errors = _check_password(request, request.sent.fields.get("present-off", ""))
    if errors:
        return _page(request, 422, errors={"present-off": errors["present"]})
    register.turn_totp_off(request.db, _mine(request), request.identity.actor)
    return frame.onward(_PATH, "second-factor-off")
