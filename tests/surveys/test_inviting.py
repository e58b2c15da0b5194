"""Those who were invited by a campaign and have not registered are reminded once, by a campaign like the invitation."""

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient

from consent_service.database import transaction
from consent_service.mailing.models import Message
from consent_service.mailing.rules import MessageState
from consent_service.surveys.queries import Details
from consent_service.surveys.rules import Kind, Mode
from tests.campaigns.test_campaigns import press as press_campaign
from tests.campaigns.test_campaigns import write
from tests.driving import Mailbox, Worker, add_people, add_person, one_click_path, path_in, text_of
from tests.surveys.driving import built, participant, plain, post, press, question, register, staff_path

INVITED = 4


@pytest.fixture
def survey(app: Flask) -> Details:
    """An anonymous survey with one question; who has registered is known in both modes."""
    return built(Mode.ANONYMOUS, [question(Kind.LONG_TEXT)])


def invite(staff: FlaskClient, worker: Worker, survey: Details, count: int) -> None:
    """Sends a campaign with the survey's block to person0@example.org and so on."""
    add_people(None, count, "survey_invitation")
    block = "{{survey:" + survey.public_id + "}}"
    path = write(staff, purpose="survey_invitation", body_de=f"{{{{greeting}}}}!\n\n{block}", body_en=block)
    press_campaign(staff, path, "send")
    worker.work()


def write_reminder(staff: FlaskClient, survey: Details) -> str:
    """Presses the button on the survey's page; the path of the campaign."""
    answer = post(staff, f"{staff_path(survey)}/remind-invited", staff_path(survey))
    assert answer.status_code == 303
    return plain(answer.headers["Location"])


def reminded(mailbox: Mailbox) -> list[str]:
    """To whom reminders went."""
    mails = [mail for mail in mailbox.mails() if "Noch ist Zeit für unsere Umfrage" in mail.subject]
    return sorted(mail.envelope_recipients[0] for mail in mails)


def test_who_was_invited_and_has_not_registered_is_reminded_once(
    staff_client: FlaskClient, visitor: FlaskClient, worker: Worker, mailbox: Mailbox, survey: Details
) -> None:
    invite(staff_client, worker, survey, INVITED)
    participant(visitor, worker, mailbox, staff_path(survey), "person0@example.org")
    visitor.post(one_click_path("person1@example.org", "survey_invitation"))
    with transaction() as session:
        add_person(session, INVITED, "survey_invitation")  # agrees, but was never invited
    campaign = write_reminder(staff_client, survey)
    check = text_of(staff_client.get(f"{campaign}/check").text)
    assert "Only those who were invited to the survey" in check
    assert "2 people would get this mail now" in check
    assert "They withdrew their consent 1" in check
    press_campaign(staff_client, campaign, "send")
    worker.work()
    assert reminded(mailbox) == ["person2@example.org", "person3@example.org"]
    mail = mailbox.latest("person3@example.org")
    assert mail.header("List-Unsubscribe-Post") == "List-Unsubscribe=One-Click"
    assert f"http://localhost/surveys/{survey.public_id}" in mail.text
    page = staff_client.get(staff_path(survey)).text
    assert campaign in page
    assert "Write the reminder" not in page
    assert post(staff_client, f"{staff_path(survey)}/remind-invited", staff_path(survey)).status_code == 303
    worker.work()
    assert len(reminded(mailbox)) == 2


def test_who_registers_while_the_reminder_waits_does_not_get_it(
    staff_client: FlaskClient, visitor: FlaskClient, worker: Worker, mailbox: Mailbox, survey: Details
) -> None:
    invite(staff_client, worker, survey, 2)
    register(visitor, staff_path(survey), "person0@example.org")
    worker.work()
    campaign = write_reminder(staff_client, survey)
    press_campaign(staff_client, campaign, "send")
    worker.settle()  # fills the outbox, and carries nothing
    assert visitor.post(path_in(mailbox.latest("person0@example.org"), "confirm")).status_code == 303
    worker.work()
    assert reminded(mailbox) == ["person1@example.org"]
    assert "1 Left out" in text_of(staff_client.get(campaign).text)


def test_a_failed_reminder_sent_again_does_not_reach_who_has_registered_meanwhile(
    staff_client: FlaskClient, visitor: FlaskClient, worker: Worker, mailbox: Mailbox, survey: Details
) -> None:
    invite(staff_client, worker, survey, 2)
    campaign = write_reminder(staff_client, survey)
    press_campaign(staff_client, campaign, "send")
    worker.settle()  # fills the outbox, and carries nothing
    with transaction() as session:
        failed = {"state": MessageState.FAILED, "reply": "554 5.6.0 not this"}
        session.execute(sa.update(Message).where(Message.state == MessageState.QUEUED).values(**failed))
    participant(visitor, worker, mailbox, staff_path(survey), "person0@example.org")
    page = f"{campaign}/report/retry"
    assert post(staff_client, page, page, kinds="refused").status_code == 303
    worker.work()
    assert reminded(mailbox) == ["person1@example.org"]
    assert "1 Refused by the mail server" in text_of(staff_client.get(campaign).text)


def test_there_is_nothing_to_remind_of_before_the_invitation_and_after_the_close(
    staff_client: FlaskClient, worker: Worker, survey: Details
) -> None:
    own = staff_path(survey)
    assert "Nobody has been invited by a campaign yet." in staff_client.get(own).text
    assert "Nothing was changed" in press(staff_client, own, "remind-invited")
    invite(staff_client, worker, survey, 1)
    campaign = write_reminder(staff_client, survey)
    press_campaign(staff_client, campaign, "delete")
    assert "Write the reminder" in staff_client.get(own).text
    press(staff_client, own, "close")
    assert "Write the reminder" not in staff_client.get(own).text
    assert "Nothing was changed" in press(staff_client, own, "remind-invited")
