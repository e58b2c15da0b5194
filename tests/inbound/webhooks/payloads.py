"""Payloads in the forms that the providers document, about an address and a message of the test's choice."""

from typing import Any

Json = dict[str, Any]
TOPIC = "arn:aws:sns:eu-central-1:123456789012:ses-events"


def ses_mail(address: str, source: str = "", message_id: str = "") -> Json:
    """SES: the object `mail`, with the original headers."""
    return {
        "timestamp": "2026-05-04T12:30:00.012Z",
        "source": source or "newsletter@beispiel.example",
        "sourceArn": "arn:aws:ses:eu-central-1:123456789012:identity/beispiel.example",
        "sendingAccountId": "123456789012",
        "messageId": "EXAMPLE7c191be45-e9aedb9a-02f9-4d12-a87d-dd0099a07f8a-000000",
        "destination": [address],
        "headersTruncated": False,
        "headers": [
            {"name": "From", "value": "Beispiel GmbH <newsletter@beispiel.example>"},
            {"name": "To", "value": address},
            {"name": "Message-ID", "value": message_id},
            {"name": "MIME-Version", "value": "1.0"},
        ],
        "commonHeaders": {"from": ["newsletter@beispiel.example"], "to": [address], "messageId": "EXAMPLE7c191be45"},
        "tags": {"ses:configuration-set": ["ConfigSet"]},
    }


def ses_bounce(address: str, status: str = "5.1.1", event_key: str = "eventType", **mail: str) -> Json:
    """SES: a bounce, by event publishing or as a feedback notification (`notificationType`)."""
    return {
        event_key: "Bounce",
        "bounce": {
            "bounceType": "Permanent",
            "bounceSubType": "General",
            "bouncedRecipients": [
                {
                    "emailAddress": address,
                    "action": "failed",
                    "status": status,
                    "diagnosticCode": f"smtp; 550 {status} user unknown",
                }
            ],
            "timestamp": "2026-05-04T12:31:02.669Z",
            "feedbackId": "01000157c44f053b-61b59c11-9236-11e6-8f96-7be8aexample-000000",
            "reportingMTA": "dsn; mta.example.com",
        },
        "mail": ses_mail(address, **mail),
    }


def ses_complaint(address: str, feedback_type: str | None = "abuse", **mail: str) -> Json:
    """SES: a complaint."""
    return {
        "eventType": "Complaint",
        "complaint": {
            "complainedRecipients": [{"emailAddress": address}],
            "timestamp": "2026-05-04T12:31:02.669Z",
            "feedbackId": "01000157c44f053b-61b59c11-9236-11e6-8f96-7be8aexample-000000",
            "userAgent": "Amazon SES Mailbox Simulator",
            "complaintFeedbackType": feedback_type,
            "arrivalDate": "2026-05-04T12:31:02.669Z",
        },
        "mail": ses_mail(address, **mail),
    }


def ses_subscription(address: str, unsubscribe_all: bool, status: str, **mail: str) -> Json:
    """SES: somebody changed what they get, by SES's own list management."""
    return {
        "eventType": "Subscription",
        "mail": ses_mail(address, **mail),
        "subscription": {
            "contactList": "ContactListName",
            "timestamp": "2026-05-04T12:31:02.669Z",
            "source": "UnsubscribeHeader",
            "newTopicPreferences": {
                "unsubscribeAll": unsubscribe_all,
                "topicSubscriptionStatus": [{"topicName": "ExampleTopicName", "subscriptionStatus": status}],
            },
            "oldTopicPreferences": {
                "unsubscribeAll": False,
                "topicSubscriptionStatus": [{"topicName": "ExampleTopicName", "subscriptionStatus": "OptIn"}],
            },
        },
    }


def postmark_bounce(address: str, kind: str = "HardBounce", details: str = "", content: str = "") -> Json:
    """Postmark: the webhook Bounce."""
    return {
        "RecordType": "Bounce",
        "MessageStream": "outbound",
        "ID": 4323372036854775807,
        "Type": kind,
        "TypeCode": 1,
        "Name": "Hard bounce",
        "Tag": "Test",
        "MessageID": "883953f4-6105-42a2-a16a-77a8eac79483",
        "Metadata": {},
        "ServerID": 23,
        "Description": "The server was unable to deliver your message (ex: unknown user, mailbox not found).",
        "Details": details,
        "Email": address,
        "From": "newsletter@beispiel.example",
        "BouncedAt": "2026-05-04T12:31:00Z",
        "DumpAvailable": True,
        "Inactive": True,
        "CanActivate": True,
        "Subject": "News",
        "Content": content,
    }


def postmark_complaint(address: str, content: str = "") -> Json:
    """Postmark: the webhook SpamComplaint."""
    return {
        **postmark_bounce(address, "SpamComplaint", "Test spam complaint details", content),
        "RecordType": "SpamComplaint",
        "TypeCode": 100001,
        "Name": "Spam complaint",
    }


def postmark_change(address: str, **changed: object) -> Json:
    """Postmark: the webhook SubscriptionChange."""
    return {
        "RecordType": "SubscriptionChange",
        "MessageID": "883953f4-6105-42a2-a16a-77a8eac79483",
        "ServerID": 123456,
        "MessageStream": "outbound",
        "ChangedAt": "2026-05-04T12:31:34.416071Z",
        "Recipient": address,
        "Origin": "Recipient",
        "SuppressSending": True,
        "SuppressionReason": "ManualSuppression",
        "Tag": "my-tag",
        "Metadata": {},
        **changed,
    }


def brevo(
    event: str, address: str, message_id: str = "<201798300811.5787683@relay.domain.com>", reason: str = ""
) -> Json:
    """Brevo: one event of a transactional webhook."""
    return {
        "event": event,
        "email": address,
        "id": 26224,
        "date": "2026-05-04 12:31:00",
        "ts": 1777890660,
        "message-id": message_id,
        "ts_event": 1777890660,
        "subject": "News",
        "X-Mailin-custom": "some_custom_header",
        "sending_ip": "192.0.2.1",
        "ts_epoch": 1777890660000,
        "template_id": 22,
        "tags": ["newsletter"],
        **({"reason": reason} if reason else {}),
    }


def mailjet(event: str, address: str, **more: object) -> Json:
    """Mailjet: one event of its Event API."""
    return {
        "event": event,
        "time": 1777890660,
        "MessageID": 13792286917004336,
        "Message_GUID": "1ab23cd4-e567-8901-2345-6789f0gh1i2j",
        "email": address,
        "mj_campaign_id": 0,
        "mj_contact_id": 0,
        "customcampaign": "",
        "CustomID": "helloworld",
        "Payload": "",
        **more,
    }
