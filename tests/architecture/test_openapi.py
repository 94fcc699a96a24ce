"""The committed schema is the server's."""

from io import StringIO

from django.core.management import call_command


def test_openapi_json_is_what_the_server_answers(db: None) -> None:
    call_command("write_openapi", "--check", stdout=StringIO())
