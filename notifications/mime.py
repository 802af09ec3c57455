"""An envelope as the bytes of a mail."""

from __future__ import annotations

import hashlib
import re
from base64 import b64encode
from email.utils import format_datetime

from kijitsu.messages import Envelope, PermanentFailure
from notifications.mail import MailSettings, is_address

_MESSAGE_ID = re.compile(r"<[!-;=?-~]{1,240}>")
_LANGUAGE = re.compile(r'<html lang="([a-z]{2})"')
# 期日.ics, in the manner of RFC 2231.
_CALENDAR_FILE = "attachment; filename*=utf-8''%E6%9C%9F%E6%97%A5.ics"


def compose(settings: MailSettings, envelope: Envelope, subject: str, text: str) -> bytes:
    """Return the message in CRLF lines of ASCII: a text part and an HTML part, base64 like all Japanese mail.

    Where there is a calendar it follows both as an attached file, which Outlook and Thunderbird offer to open.
    The same envelope gives the same bytes. Raises PermanentFailure where an address or a Message-ID is none.
    """
    # Put together by hand, for the email package takes 15 times as long.
    if not is_address(envelope.address):
        raise PermanentFailure(f"宛先のメールアドレスが正しくありません: {envelope.address!r}")
    threads = envelope.in_reply_to.split()
    for each in (envelope.message_id, *threads):
        if not _MESSAGE_ID.fullmatch(each):
            raise PermanentFailure(f"Message-IDが正しくありません: {each!r}")
    language = _LANGUAGE.search(envelope.wording.html)
    headers = {
        "From": _mailbox(settings.sender_title, settings.sender, "From"),
        "To": _mailbox(envelope.recipient_title, envelope.address, "To"),
        "Reply-To": settings.reply_to or envelope.reply_to,
        "Subject": _words(subject, "Subject"),
        "Date": format_datetime(envelope.written_at),
        "Message-ID": envelope.message_id,
        "In-Reply-To": "\n ".join(threads),
        # With several parents there is no one thread that References could list (RFC 5322, 3.6.4).
        "References": threads[0] if len(threads) == 1 else "",
        "Auto-Submitted": "auto-generated",
        "Content-Language": language[1] if language else "ja",
        "MIME-Version": "1.0",
    }
    head = "".join(f"{name}: {value}\n" for name, value in headers.items() if value)
    seed = hashlib.sha256(envelope.message_id.encode()).hexdigest()[:24]
    html, calendar = envelope.wording.html, envelope.wording.calendar
    body = _parts("alternative", f"body-{seed}", _part("text/plain", text), _part("text/html", html))
    if calendar:
        dates = _part("text/calendar", calendar, f"; method=PUBLISH\nContent-Disposition: {_CALENDAR_FILE}")
        body = _parts("mixed", f"letter-{seed}", body, dates)
    return f"{head}{body}".replace("\n", "\r\n").encode("ascii")


def _part(kind: str, content: str, more: str = "") -> str:
    lines = content.replace("\r\n", "\n").replace("\n", "\r\n").encode("utf-8", "replace")
    encoded = b64encode(lines).decode("ascii")
    folded = "\n".join([encoded[at : at + 76] for at in range(0, len(encoded), 76)])
    return f'Content-Type: {kind}; charset="utf-8"{more}\nContent-Transfer-Encoding: base64\n\n{folded}\n'


def _parts(kind: str, boundary: str, *parts: str) -> str:
    inside = "".join(f"--{boundary}\n{part}\n" for part in parts)
    return f'Content-Type: multipart/{kind};\n boundary="{boundary}"\n\n{inside}--{boundary}--\n'


def _mailbox(title: str, address: str, name: str) -> str:
    words = _words(title, name)
    return f"{words}\n <{address}>" if words else address


def _words(text: str, name: str) -> str:
    """Encode people's text for the header of that name, folded; white space becomes single spaces, so that nothing
    ends the header."""
    plain = _one_line(text)
    if re.fullmatch(r"[A-Za-z0-9 ]{0,60}", plain):
        return plain
    data, words, begin = plain.encode(), [], 0
    # RFC 2047: a line has 76 characters at the most, an encoded word 75, and no character is divided among two.
    room = _fitting(76 - len(f"{name}: "))
    while begin < len(data):
        end = begin + room
        while end < len(data) and data[end] & 0xC0 == 0x80:
            end -= 1
        words.append(f"=?utf-8?b?{b64encode(data[begin:end]).decode('ascii')}?=")
        begin, room = end, _fitting(75)
    return "\n ".join(words)


def _fitting(length: int) -> int:
    """Return how many bytes an encoded word of that length can hold."""
    return (length - len("=?utf-8?b??=")) // 4 * 3


def _one_line(text: str) -> str:
    return " ".join(text.split()).encode("utf-8", "replace").decode()
