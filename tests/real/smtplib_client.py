"""Sends standard input with Python's smtplib: PROTOCOL ADDRESS NAME FROM TO..., and prints the dialogue.

Refused recipients are printed as smtplib reports them. The exit code is 0 where somebody was sent the mail.
"""

import smtplib
import sys

protocol, address, name, sender, *recipients = sys.argv[1:]
mail = sys.stdin.buffer.read()

host, colon, port = address.rpartition(":")
if address.startswith("/"):
    host, port = address, 0
client = {"smtp": smtplib.SMTP, "lmtp": smtplib.LMTP}[protocol](local_hostname=name)
client.set_debuglevel(1)
client.connect(host, int(port))
try:
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
