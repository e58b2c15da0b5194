"""Pages of lists: any number in the address is answered."""

import pytest
from flask.testing import FlaskClient

from consent_service.staff.paging import number_of_pages


@pytest.mark.parametrize("path", ["/staff/campaigns/", "/staff/seminars/", "/staff/surveys/"])
def test_any_number_of_a_page_is_answered(staff_client: FlaskClient, path: str) -> None:
    for number in ("1", "0", "-3", "x", "", "9" * 5, "9" * 30):
        assert staff_client.get(path, query_string={"page": number}).status_code == 200


def test_as_many_pages_as_the_rows_need() -> None:
    assert [number_of_pages(rows, 10) for rows in (0, 1, 10, 11, 20)] == [1, 1, 1, 2, 2]
