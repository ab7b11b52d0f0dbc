"""Sends standard input with Python's smtplib: PROTOCOL ADDRESS NAME FROM TO..., and prints the dialogue.

Refused recipients are printed as smtplib reports them. The exit code is 0 where somebody was sent the mail.
With a file in the variable TRUST, it asks for TLS, and verifies the certificate by it.
"""

import os
import smtplib
import ssl
import sys

protocol, address, name, sender, *recipients = sys.argv[1:]
mail = sys.stdin.buffer.read()

smtplib.SMTP.debuglevel = 1
host, colon, port = address.rpartition(":")
if address.startswith("/"):
    host, port = address, 0
client = {"smtp": smtplib.SMTP, "lmtp": smtplib.LMTP}[protocol](host, int(port), name)
try:
    client.ehlo()
    if "TRUST" in os.environ:
        client.starttls(context=ssl.create_default_context(cafile=os.environ["TRUST"]))
        client.ehlo()
    options = ["BODY=8BITMIME"]
    if not (sender + "".join(recipients)).isascii():
        options.append("SMTPUTF8")
    try:
        refused = client.sendmail(sender, recipients, mail, mail_options=options)
    except smtplib.SMTPRecipientsRefused as error:
        sys.exit(f"all refused: {error.recipients}")
    except smtplib.SMTPResponseException as error:
        sys.exit(f"refused: {error.smtp_code} {error.smtp_error}")
    for recipient, (code, text) in refused.items():
        print(f"refused: {recipient}: {code} {text.decode()}")
finally:
    client.close()
