"""An envelope as the bytes of a mail."""

from __future__ import annotations

import hashlib
import re
from email.charset import BASE64, Charset
from email.header import Header
from email.mime.multipart import MIMEMultipart
from email.mime.text import MIMEText
from email.policy import compat32
from email.utils import format_datetime, formataddr

from kijitsu.messages import Envelope, PermanentFailure
from notifications.mail import MailSettings, is_address

_MESSAGE_ID = re.compile(r"<[!-;=?-~]{1,240}>")
_UTF8 = Charset("utf-8")
# Said for this object: Apprise makes quoted-printable, three times the size for Japanese, the rule for all others.
_UTF8.header_encoding = _UTF8.body_encoding = BASE64
# The standard library's older policy: its Header keeps encoded words within RFC 2047's 75 characters, which that of
# EmailMessage does not, at a tenth of the time.
_POLICY = compat32.clone(linesep="\r\n", max_line_length=None)


def compose(settings: MailSettings, envelope: Envelope, subject: str, text: str) -> bytes:
    """Return the message in CRLF lines of ASCII: a text part and an HTML part, base64 like all Japanese mail.

    The same envelope gives the same bytes. Raises PermanentFailure where the address or the Message-ID is none.
    """
    if not is_address(envelope.address):
        raise PermanentFailure(f"宛先のメールアドレスが正しくありません: {envelope.address!r}")
    if not _MESSAGE_ID.fullmatch(envelope.message_id):
        raise PermanentFailure(f"Message-IDが正しくありません: {envelope.message_id!r}")
    boundary = hashlib.sha256(envelope.message_id.encode()).hexdigest()[:24]
    message = MIMEMultipart("alternative", boundary, policy=_POLICY)
    headers = {
        "From": _mailbox(settings.sender_title, settings.sender),
        "To": _mailbox(envelope.recipient_title, envelope.address),
        "Reply-To": settings.reply_to or envelope.reply_to,
        "Subject": _words(subject, "Subject"),
        "Date": format_datetime(envelope.written_at),
        "Message-ID": envelope.message_id,
        "Auto-Submitted": "auto-generated",
        "Content-Language": "ja",
    }
    for name, value in headers.items():
        if value:
            message[name] = value
    for subtype, content in (("plain", text), ("html", envelope.wording.html)):
        message.attach(MIMEText(content.encode("utf-8", "replace").decode(), subtype, _UTF8, policy=_POLICY))  # type: ignore[arg-type]
    return message.as_bytes(policy=_POLICY)


def _mailbox(title: str, address: str) -> str:
    # Folded before the address, which never is: a line with an encoded word has 76 characters at the most.
    return formataddr((_one_line(title), address), _UTF8).replace("?= <", "?=\n <")


def _words(text: str, name: str) -> str:
    """Encode people's text for a header, folded; white space becomes single spaces, so that nothing ends the header."""
    plain = _one_line(text)
    if re.fullmatch(r"[A-Za-z0-9 ]{0,60}", plain):
        return plain
    return Header(plain, _UTF8, maxlinelen=75, header_name=name).encode()


def _one_line(text: str) -> str:
    return " ".join(text.split()).encode("utf-8", "replace").decode()
