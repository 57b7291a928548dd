"""E-mail by the library's own server: a letter begun, and a letter sent."""

import smtplib
import ssl
from email.message import EmailMessage
from email.utils import formatdate, make_msgid

from bot.settings import Mail

NOT_SENT = (OSError, smtplib.SMTPException)
"""What `send` raises when a letter could not be handed over."""
_PATIENCE = 20.0


def letter(settings: Mail, to: tuple[str, ...], subject: str, kind: str) -> EmailMessage:
    """A letter with its head, still without words; `kind` becomes part of its number."""
    mail = EmailMessage()
    mail["Subject"] = subject
    mail["From"], mail["To"] = settings.sender, ", ".join(to)
    mail["Date"], mail["Message-ID"] = formatdate(localtime=False), make_msgid(kind, settings.sender.rpartition("@")[2] or None)
    mail["Auto-Submitted"] = "auto-generated"
    return mail


def send(mail: EmailMessage, settings: Mail) -> None:
    """Hand a letter to the server of the settings; one of NOT_SENT when it does not take it."""
    if settings.encryption == "tls":
        with smtplib.SMTP_SSL(settings.host, settings.port, timeout=_PATIENCE, context=ssl.create_default_context()) as server:
            _hand_over(server, mail, settings)
        return
    with smtplib.SMTP(settings.host, settings.port, timeout=_PATIENCE) as server:
        if settings.encryption == "starttls":
            server.starttls(context=ssl.create_default_context())
        _hand_over(server, mail, settings)


def _hand_over(server: smtplib.SMTP, mail: EmailMessage, settings: Mail) -> None:
    if settings.user:
        server.login(settings.user, settings.password)
    server.send_message(mail)
