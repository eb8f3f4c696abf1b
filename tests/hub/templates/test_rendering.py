"""What templates make of events: values in JSON, helpers, and clear words for what is wrong."""

import json

import pytest

from hub.templates.fault import TemplateFault
from hub.templates.renderer import Renderer
from tests.hub.templates.examples import an_event, fault, row, value

PLAIN = {
    "name": 'Ann "Q" O\'Brien & <Sons>\\\n\té\U0001f600',
    "n": 5,
    "yes": True,
    "none": None,
    "list": [1, "two", None],
    "object": {"b": 1, "a": {"c": []}},
    "when": "2026-01-31T23:30:15.250+01:00",
    "score": "0.875",
    "empty": "",
    "words": "a,b,c",
}


async def test_texts_are_escaped_for_json(renderer: Renderer) -> None:
    made = await row(renderer, '{"a": "{{name}}", "b": "x{{{n}}}", "c": {{json name}} }', PLAIN)

    assert json.loads(made) == {"a": PLAIN["name"], "b": "x5", "c": PLAIN["name"]}


async def test_what_is_missing_is_empty(renderer: Renderer) -> None:
    made = await row(renderer, '{"a": "{{nobody}}{{none}}{{no.body}}", "b": {{json none}} }', PLAIN)

    assert json.loads(made) == {"a": "", "b": None}


async def test_values_of_every_kind_can_be_put_in(renderer: Renderer) -> None:
    template = '{"n": {{n}} , "yes": {{yes}} , "list": {{list}} , "object": {{json object}} }'

    made = await row(renderer, template, PLAIN)

    assert json.loads(made) == {name: PLAIN[name] for name in ("n", "yes", "list", "object")}


@pytest.mark.parametrize(
    "number",
    ["12345678901234567890", "-0.1234567890123456789", "1E400", "1.00000000000000000001", "7"],
)
async def test_numbers_keep_their_digits(renderer: Renderer, number: str) -> None:
    data = f'{{"n": {number}, "deep": [{{"n": {number}}}]}}'

    made = await row(renderer, '{"n": {{n}} , "text": "{{n}}", "deep": {{json deep}} }', data)

    assert made == f'{{"n": {number} , "text": "{number}", "deep": [{{"n":{number}}}] }}'


async def test_the_event_itself_can_be_asked_for(renderer: Renderer) -> None:
    template = (
        '{"id": "{{@event.EventId}}", "at": "{{@event.EventStartUtc}}",'
        ' "end": "{{@event.EventEndUtc}}"}'
    )
    every = '{"all": {{json @event}} }'

    assert json.loads(await row(renderer, template, {})) == {
        "id": "ACME-1",
        "at": "2026-01-31T12:00:00.000000Z",
        "end": "",
    }
    assert json.loads(await row(renderer, every, {}))["all"]["PublisherProgramId"] == "ACME"


async def test_a_row_is_one_line_with_its_numbers_untouched(renderer: Renderer) -> None:
    made = await row(renderer, '\n{\n  "a": 1.50,\r\n  "b": 1e3\n}\n', {})

    assert made == '{   "a": 1.50,    "b": 1e3 }'


async def test_rows_come_in_the_order_of_their_events(renderer: Renderer) -> None:
    events = [an_event({"n": number}, number=number) for number in range(1700)]

    made = await renderer.render('{"n": {{n}} }', events)

    assert made == [f'{{"n": {number} }}' for number in range(1700)]
    assert await renderer.render("{}", []) == []


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ('{{formatDate when "yyyy-MM-dd HH:mm:ss.fff"}}', "2026-01-31 22:30:15.250"),
        ('{{formatDate when "d.M.yy h:mm tt" "+02:00"}}', "1.2.26 12:30 AM"),
        ("{{formatDate when \"dddd, MMM d 'at' H\"}}", "Saturday, Jan 31 at 22"),
        ('{{formatDate "2026-03-05" "MM/dd/yyyy"}}', "03/05/2026"),
        ('{{formatDate nobody "yyyy"}}', ""),
        ('{{addDate when 1 "months"}}', "2026-02-28T22:30:15.250Z"),
        ('{{addDate "2024-02-29" -1 "years"}}', "2023-02-28T00:00:00Z"),
        ('{{addDate "2026-01-31" 36 "hours"}}', "2026-02-01T12:00:00Z"),
        ('{{daysBetween "2026-01-01" when}}', "30"),
        ("{{year when}}-{{month when}}-{{day when}}", "2026-1-31"),
        ("{{hour when}}:{{minute when}}:{{second when}} {{dayOfWeek when}}", "22:30:15 Saturday"),
        ("{{upper words}} {{lower 'ÄB'}} {{trim '  x '}}", "A,B,C äb x"),
        ("{{length words}} {{length list}} {{length name}}", "5 3 29"),
        ('{{truncate "abcdef" 4 "..."}} {{truncate "abc" 9}} {{truncate "abc" 0}}', "a... abc "),
        ('{{replace words "," "$&"}} {{replace words "" "x"}}', "a$&b$&c a,b,c"),
        ('{{concat "a" n nobody "b"}}', "a5b"),
        ('{{join (split words ",") "-"}} {{join list ";"}}', "a-b-c 1;two;"),
        (
            '{{contains words "b"}} {{contains list "two"}} {{contains words "q"}}',
            "true true false",
        ),
        ('{{startsWith words "a"}} {{endsWith words "a"}}', "true false"),
        ('{{padLeft n 3 "0"}}|{{padRight n 3}}|', "005|5  |"),
        (
            "{{add 1 2 3}} {{subtract n 7}} {{multiply 2 score}} {{divide 1 4}} {{modulo 7 4}}",
            "6 -2 1.75 0.25 3",
        ),
        (
            "{{round 2.345 2}} {{round -0.5}} {{round score 1}} {{floor -1.5}} {{ceil 1.2}}",
            "2.35 -1 0.9 -2 2",
        ),
        ("{{formatNumber 3 2}} {{formatNumber 1.005 2}} {{abs -3}}", "3.00 1.01 3"),
        (
            '{{eq n "5"}} {{eq none nobody}} {{ne words "a"}} {{eq object object}}',
            "true true true true",
        ),
        ('{{lt 9 "10"}} {{gt "b" "a"}} {{lte n n}} {{gte 4 n}}', "true true true false"),
        (
            "{{and n yes}} {{and n empty}} {{or empty n}} {{not empty}} {{not n}}",
            "true false true true false",
        ),
        ('{{default nobody empty "x"}} {{default n 1}} {{default nobody empty}}', "x 5 "),
        ('{{#if (and (gt n 4) (eq words "a,b,c"))}}yes{{else}}no{{/if}}', "yes"),
        ("{{#eq n 5}}same{{else}}other{{/eq}} {{#gt n 5}}more{{else}}less{{/gt}}", "same less"),
        ("{{#each list}}{{@index}}{{#unless @last}},{{/unless}}{{/each}}", "0,1,2"),
        ('{{lookup object "b"}}{{lookup list 1}}', "1two"),
        ("{{#with object.a}}{{length c}}{{/with}}{{#each object}}{{@key}}{{/each}}", "0ba"),
    ],
)
async def test_helpers(renderer: Renderer, expression: str, expected: str) -> None:
    assert await value(renderer, expression, PLAIN) == expected


@pytest.mark.parametrize(
    ("expression", "words"),
    [
        ('{{formatDate words "yyyy"}}', '"a,b,c" is not a date'),
        ('{{formatDate "2026-02-30" "yyyy"}}', "no calendar has"),
        ('{{formatDate when "yyyy" "Mars"}}', "no offset"),
        ('{{addDate when 1 "moons"}}', '"moons" must be seconds'),
        ('{{addDate when 1.5 "days"}}', "must be a whole number"),
        ('{{addDate when 900000 "years"}}', "beyond the years"),
        ("{{add n words}}", '"a,b,c" is not a number'),
        ("{{add n nobody}}", "is not a number"),
        ("{{divide n 0}}", "the result is no number"),
        ("{{round n 99}}", "must be a whole number from 0 to 15"),
        ("{{padLeft n 1000000000}}", "must be a whole number from 0 to 1000"),
        ("{{truncate words -1}}", "must be a whole number from 0"),
        ('{{join words ","}}', "is no array"),
        ("{{upper}}", "upper takes 1 values, and was given 0"),
        ("{{replace words}}", "replace takes 3 values, and was given 1"),
    ],
)
async def test_helpers_say_what_they_cannot_use(
    renderer: Renderer, expression: str, words: str
) -> None:
    found = await fault(renderer, f'{{\n  "value": "{expression}"}}', PLAIN)

    assert words in found.detail
    assert (found.line, found.column) == (2, 13)


@pytest.mark.parametrize(
    ("template", "words", "line", "column"),
    [
        ('{"scaled":{{score}}}', "put a space before the last }", 1, 20),
        ('{"a": {\n"b": {{#if x}}1{{/if}}}\n}', "put a space before the last }", 2, 23),
        ('{"a": "{{#if x}}"}', "opened and not closed", 1, 19),
        ('{\n"a": "{{/if}}"}', "closed that was not opened", 2, 7),
        ('{"a": "{{#each x}}{{/if}}"}', "{{#each}} is closed by {{/if}}", 1, 11),
        ('{"a": "{{ x y"}', "a character that cannot stand", 1, 13),
        ('{"same": 1,\n"same": "{{/if}}"}', "closed that was not opened", 2, 10),
        ('{"a": "{{shout name}}"}', 'no helper "shout"', 1, 8),
        ('{"a":\n"{{upper (shout name)}}"}', 'no helper "shout"', 2, 10),
        ('{"a": "{{log name}}"}', 'no helper "log"', 1, 8),
    ],
)
async def test_what_is_no_template_is_told_with_its_place(
    renderer: Renderer, template: str, words: str, line: int, column: int | None
) -> None:
    checked = await renderer.check(template)

    assert checked is not None
    assert words in checked.detail
    assert (checked.line, checked.column) == (line, column)
    assert await fault(renderer, template, PLAIN) == checked


@pytest.mark.parametrize(
    ("template", "words"),
    [
        ('{"a": "{{name}}"', "Expecting ',' delimiter"),
        ('{"a": {{name}} }', "line 1, column 7 of what it makes"),
        ('{"a": "{{{name}}}"}', "makes no JSON"),
        ('{"a": 1,}', "makes no JSON"),
        ('["{{name}}"]', "makes no JSON object"),
        ("", "makes nothing"),
        ("{{#if nobody}}{}{{/if}}", "makes nothing"),
        ('{"a": NaN}', "JSON does not have"),
        ("{} {}", "Extra data"),
    ],
)
async def test_a_row_must_be_one_json_object(renderer: Renderer, template: str, words: str) -> None:
    found = await fault(renderer, template, PLAIN)

    assert words in found.detail


@pytest.mark.parametrize(
    ("template", "line", "made"),
    [
        ('{\n"a": 1\n"b": {{n}}\n}', 3, '{\n"a": 1\n"b": 1\n}'),
        ('{\n{{#if name}}\n"a" 1\n{{/if}}\n}', None, '{\n"a" 1\n}'),
        ("{{n}}", None, "1"),
    ],
)
async def test_what_was_made_is_shown_when_it_is_no_row(
    renderer: Renderer, template: str, line: int | None, made: str
) -> None:
    found = await fault(renderer, template, '{"n": 1, "name": "Ann"}')

    assert (found.line, found.column, found.made) == (line, None, made)
    assert str(found).endswith(f" (line {line})") == (line is not None)


@pytest.mark.parametrize(
    "template",
    [
        '{"a": "{{any.thing.at.all}}", "n": {{score}} }',
        '{"when": "{{formatDate when "yyyy-MM-dd"}}", "n": {{round score 2}} }',
        '{"list": [{{#each xs}}{"x": "{{this.y}}"}{{#unless @last}},{{/unless}}{{/each}}]}',
        '{{#if a}}{"a": {{json a}} }{{else}}{"b": 2}{{/if}}',
        '{{#with deep}}{"x": "{{../name}}{{x}}"}{{/with}}',
        '{"raw": {{{whole}}} , "j": {{json this}} }',
        '{"e": "{{@event.PublisherEventCategory.label}}"}',
        '{"d": "{{addDate @event.CreatedUtc 1 "days"}}"}',
        '{{#each xs as |x i|}}{"{{i}}": "{{x.name}}"}{{/each}}',
        '{{#*inline "who"}}"{{name}}"{{/inline}}{"a": {{> who}}, "b": {{> who learner}} }',
        '{{! a comment }}{"a": "{{~ name ~}}", "\\{{b}}": 1}',
    ],
)
async def test_a_good_template_passes_without_an_example(renderer: Renderer, template: str) -> None:
    assert await renderer.check(template) is None


@pytest.mark.parametrize(
    "template",
    ['{"a": "{{name}}"', '{"a": {{name}} "b"}', '{"a": "{{name}}",}', "{{name}}", '{"a": {{/a}}'],
)
async def test_a_bad_template_does_not(renderer: Renderer, template: str) -> None:
    assert await renderer.check(template) is not None


async def test_a_template_is_tried_on_the_examples_there_are(renderer: Renderer) -> None:
    good, bad = an_event({"age": 36}, number=1), an_event({"age": "old"}, number=2)

    assert await renderer.check('{"age": {{age}} }', [good]) is None
    found = await renderer.check('{"age": {{age}} }', [good, bad])
    assert isinstance(found, TemplateFault)
    assert found.detail.endswith("tried on ACME-2")
