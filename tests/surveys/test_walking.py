"""A survey from the first word to the results, with names and without."""

from flask.testing import FlaskClient

from tests.driving import Mailbox, Worker, heading, text_of
from tests.surveys.driving import figure, participant, people, press, published, survey_of


def test_with_names(staff_client: FlaskClient, visitor: FlaskClient, worker: Worker, mailbox: Mailbox) -> None:
    survey = published(staff_client)
    anna = participant(visitor, worker, mailbox, survey, "anna@example.org")
    page = anna.start()
    assert heading(page) == "How was the training?"
    assert "Your answers are kept with your e-mail address" in page
    answer = anna.page(0)
    assert answer.status_code == 400
    assert "Answer “Colour”" in answer.text
    assert anna.page(0, q1="o2").status_code == 303
    assert anna.page(1, q2="It was good").status_code == 303
    review = visitor.get(f"{anna.path}/review").text
    assert "Blue" in review
    assert "It was good" in review
    done = visitor.get(anna.send().headers["Location"]).text
    assert "Your answers have arrived" in done
    assert "Thank you very much." in done
    results = staff_client.get(f"{survey}/results/").text
    assert figure(results, "answers are shown here") == 1
    assert "Blue 1 100 %" in text_of(results)
    texts = staff_client.get(f"{survey}/results/texts/q2").text
    assert "It was good" in texts


def test_anonymous(staff_client: FlaskClient, visitor: FlaskClient, worker: Worker, mailbox: Mailbox) -> None:
    survey = published(staff_client, "anonymous")
    others = people(visitor, survey_of(survey.rpartition("/")[2]), 5)
    for number, someone in enumerate([participant(visitor, worker, mailbox, survey, "anna@example.org"), *others]):
        assert "Your answers are anonymous" in someone.start()
        step = visitor.post(f"{someone.path}/answer")
        assert "Page 1 of 2" in step.text
        assert someone.answer_anonymously(q1="o1", q2=f"words {number}").status_code == 303
        assert "You took part on" in someone.start()
    worker.work()
    assert "There is nothing to show yet" in staff_client.get(f"{survey}/results/").text
    press(staff_client, survey, "close")
    worker.work()
    results = staff_client.get(f"{survey}/results/").text
    assert figure(results, "answers are shown here") == 6
    texts = staff_client.get(f"{survey}/results/texts/q2").text
    assert all(f"words {number}" in texts for number in range(6))
