"""Apple's document, damaged in every way: what can be read is read, and nothing is expanded."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from pipelines.ingestion.sources import apple_xml as module
from pipelines.ingestion.sources.apple_xml import DocumentRefusedError, Element, elements
from pipelines.ingestion.sources.records import Bad
from tests.pipelines.ingestion.exports import DOCTYPE, a_record, apple_xml


def pieces(text: str | bytes, size: int = 100) -> Iterator[bytes]:
    data = text.encode() if isinstance(text, str) else text
    yield from (data[at : at + size] for at in range(0, len(data), size))


def read(text: str | bytes, size: int = 100) -> tuple[list[str], list[Bad]]:
    """The values of the records that are read, and what is not."""
    found = list(elements(pieces(text, size)))
    records = [
        part.attributes["value"] for part in found if isinstance(part, Element) and part.tag == "Record"
    ]
    return records, [part for part in found if isinstance(part, Bad)]


@pytest.mark.parametrize("size", [1, 7, 100, 100_000])
def test_records_are_read_however_the_document_is_cut(size: int) -> None:
    text = apple_xml(*(a_record(value=value) for value in ("1", "2", "3")))

    assert read(text, size) == (["1", "2", "3"], [])


@pytest.mark.parametrize("size", [1, 13, 100_000])
@pytest.mark.parametrize(
    "damage",
    [
        '<Record type="x" value="9" startDate="2024',  # runs into the next record
        '<Record type="x" value="9" value="9"/>',
        '<Record type="x" Health Mate Version="2" value="9"/>',
        '<Record type="x" value="&unknown;"/>',
        '<Record type="x" value="9"><MetadataEntry></Record>',
        "<Record type='x' value='9'/></HealthData>",
    ],
)
def test_damaged_record_costs_no_other_but_itself(damage: str, size: int) -> None:
    text = apple_xml(a_record(value="1"), damage, a_record(value="2"), a_record(value="3"))

    records, bad = read(text, size)

    assert [value for value in records if value != "9"] == ["1", "2", "3"]
    assert bad
    assert "the XML is damaged at byte" in bad[0].reason


@pytest.mark.parametrize("size", [13, 100_000])
def test_places_of_damage_are_those_of_the_file(size: int) -> None:
    damage = '<Record type="x" value="9" value="9"/>'
    text = apple_xml(a_record(value="1"), damage, a_record(value="2"), damage, a_record(value="3"), damage)

    _, bad = read(text, size)

    places = [int(part.reason.split("at byte ")[1].split(" ")[0].replace(",", "")) for part in bad]
    starts = [at for at in range(len(text)) if text.startswith(damage, at)]
    assert [start <= place < start + len(damage) for start, place in zip(starts, places, strict=True)] == [
        True
    ] * 3


def test_bytes_that_are_no_utf_8_cost_one_record() -> None:
    text = apple_xml(a_record(value="1"), a_record(value="J?rg"), a_record(value="2"))

    records, (bad,) = read(text.encode().replace(b"J?rg", b"J\xf6rg"))

    assert records == ["1", "2"]
    assert "not well-formed" in bad.reason


def test_control_characters_in_names_are_read_as_spaces() -> None:
    text = apple_xml(a_record(sourceName="My\x0bWatch", value="1"))

    (_, record) = [part for part in elements(pieces(text)) if isinstance(part, Element)]

    assert record.attributes["sourceName"] == "My Watch"


def test_document_that_breaks_off_keeps_what_came_before() -> None:
    text = apple_xml(a_record(value="1"), a_record(value="2"))

    records, (bad,) = read(text[: text.index('value="2"')])

    assert records == ["1"]
    assert "is it truncated?" in bad.reason


def test_broken_document_type_of_some_versions_of_ios_is_no_hindrance() -> None:
    broken = DOCTYPE.replace("]>", "<!ATTLIST Record\n  device CDATA #IMPLIED\n<!ATTLIST Oops\n]>")

    assert read(apple_xml(a_record(value="1"), doctype=broken)) == (["1"], [])


def test_document_without_prolog_is_read() -> None:
    text = apple_xml(a_record(value="1"))

    assert read(text[text.index("<HealthData") :]) == (["1"], [])


@pytest.mark.parametrize(
    "entity",
    [
        '<!ENTITY lol "lol"><!ENTITY lol2 "&lol;&lol;&lol;&lol;">',
        '<!ENTITY secret SYSTEM "file:///etc/passwd">',
        '<!ENTITY % remote SYSTEM "http://example.org/evil.dtd"> %remote;',
    ],
)
def test_entities_are_refused_before_anything_is_parsed(entity: str) -> None:
    doctype = DOCTYPE.replace("]>", f"{entity}]>")

    with pytest.raises(DocumentRefusedError, match="declares XML entities"):
        read(apple_xml(a_record(value="&lol2;"), doctype=doctype))


def test_document_type_inside_the_document_is_damage() -> None:
    inside = '<!DOCTYPE x [<!ENTITY a "aaaa">]>'

    records, bad = read(apple_xml(a_record(value="1"), inside, a_record(value="2")))

    assert records == ["1", "2"]
    assert bad


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("<html>log in</html>", "no <HealthData>"),
        (apple_xml(a_record()).replace("UTF-8", "ISO-8859-1"), "written in ISO-8859-1"),
        ("<!--" + "x" * 1_100_000, "no <HealthData>"),
    ],
)
def test_other_documents_are_refused(text: str, said: str) -> None:
    with pytest.raises(DocumentRefusedError, match=said):
        read(text, 10_000)


def test_endless_attribute_is_left_behind_and_the_rest_is_read() -> None:
    def document() -> Iterator[bytes]:
        start, end = apple_xml(
            a_record(value="1"), '<Record type="x" value="LONG"/>', a_record(value="2")
        ).split("LONG")
        yield start.encode()
        for _ in range(100):
            yield b"x" * 1_000_000
        yield end.encode()

    found = list(elements(document()))

    records = [
        part.attributes["value"] for part in found if isinstance(part, Element) and part.tag == "Record"
    ]
    (bad,) = [part for part in found if isinstance(part, Bad)]
    assert records == ["1", "2"]
    assert (bad.code, "longer than 1,000,000 bytes" in bad.reason) == ("too_large", True)


def test_elements_nested_without_end_are_damage() -> None:
    deep = "<a>" * 100_000

    records, bad = read(apple_xml(a_record(value="1"), deep, a_record(value="2")), 10_000)

    assert records == ["1", "2"]
    assert "nested" in bad[0].reason


def test_reader_gives_up_where_everything_is_damaged(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_DAMAGES", 3)

    records, bad = read(apple_xml(a_record(value="1"), *['<Record type="x" "/>'] * 50))

    assert records == ["1"]
    assert "damaged in 3 places" in bad[-1].reason
