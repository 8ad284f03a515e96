"""Translations: the languages that a message, a template or a block is there in, and its texts in each of them.

What can be translated is read off the thing itself whenever somebody asks, so that a text which has changed shows at
once. The ids of texts that were seen live are `flow_message::ID::subject` and `template::ID::body`; the others are made
like them.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from klaviyo_sandbox import documents, generic
from klaviyo_sandbox.behaviour.flows import message_definitions
from klaviyo_sandbox.calls import Answer, Call, Session
from klaviyo_sandbox.errors import conflict, invalid_body
from klaviyo_sandbox.loose_json import Json, items, mapping
from klaviyo_sandbox.storage.store import Row

KIND = "translation"
TRANSLATED = ("campaign-variation", "flow-message", "template", "template-universal-content")
CHANNELS = ("email", "mobile_push", "sms", "web", "whatsapp")
# The texts of a message beside those of its template: what messages call them, and how their ids end.
_TEXTS = {
    "subject": "subject",
    "subject_line": "subject",
    "preview_text": "preview_text",
    "title": "title",
    "body": "body",
}
_CONTENT = (
    "action_buttons",
    "android_link",
    "badge",
    "bcc_email",
    "body",
    "cc_email",
    "from_email",
    "from_label",
    "ios_link",
    "on_open",
    "preview_text",
    "reply_to_email",
    "sound",
    "subject",
    "title",
    "web_url",
)
_NESTED = ("sections", "rows", "columns", "blocks")


def create(call: Call) -> Answer:
    """Let one thing be there in further languages. It has no texts in them yet."""
    attributes: Json = call.data["attributes"]
    kind, related = _named(call)
    _check_locales(attributes)
    channel: str = attributes["channel"]
    real = _channel(kind, call.require(kind, related))
    if real is not None and real != channel:
        raise invalid_body("/data/attributes/channel", f"The channel of this {kind} is '{real}', not '{channel}'.")
    identifier = f"{kind}::{channel}::{related}"
    if call.store.get(call.account, KIND, identifier) is not None:
        raise conflict(f"A translation with id {identifier} already exists.", pointer="/data")
    body = translation(kind, related, attributes, call.stamp)
    add(call, identifier, body)
    return documents.one(call, Row(identifier, body), 201)


def translation(kind: str, related: str, attributes: Json, at: str) -> Json:
    """The body of a translation without texts."""
    return {
        **attributes,
        "metadata": None,
        "created": at,
        "updated": at,
        "_resource_type": kind,
        "_related_id": related,
        f"_{kind.replace('-', '_')}_id": related,
        "_texts": {},
    }


def add(session: Session, identifier: str, body: Json) -> None:
    """Store a translation, and let a campaign's variation know of it."""
    session.store.insert(session.account, KIND, identifier, body)
    _tell(session, body, identifier)


def update(call: Call) -> Answer:
    """Other languages, or texts in them; null leaves things alone.

    A language that is left out takes its texts along. Texts are changed one by one, by id and language.
    """
    body = call.require(KIND, call.id)
    given: Json = {name: value for name, value in call.data["attributes"].items() if value is not None}
    values: list[Json] = given.pop("values", [])
    body.update(given)
    _check_locales(body)
    targets: list[str] = body["target_locales"]
    texts: dict[str, dict[str, str]] = {
        name: {locale: text for locale, text in said.items() if locale in targets}
        for name, said in body["_texts"].items()
    }
    known = dict(sources(call, body))
    for number, value in enumerate(values):
        pointer = f"/data/attributes/values/{number}"
        if value["id"] not in known:
            raise invalid_body(f"{pointer}/id", f"'{value['id']}' is not the id of a value of this translation.")
        for locale, text in value["translations"].items():
            if locale not in targets:
                detail = f"'{locale}' is not among the target locales of this translation: {', '.join(targets)}."
                raise invalid_body(f"{pointer}/translations/{locale}", detail)
            if not isinstance(text, str):
                raise invalid_body(f"{pointer}/translations/{locale}", f"'{locale}' must be a string.")
        texts[value["id"]] = {**texts.get(value["id"], {}), **value["translations"]}
    body.update(_texts=texts, updated=call.stamp)
    call.store.replace(call.account, KIND, call.id, body)
    return documents.one(call, Row(call.id, body))


def delete(call: Call) -> Answer:
    """Remove a translation with its texts. What was translated stays, in its own language."""
    body = call.require(KIND, call.id)
    answer = generic.delete_resource(call)
    _tell(call, body, None)
    return answer


def values(session: Session, identifiers: Sequence[str]) -> Mapping[str, Any]:
    """Every text of what each translation translates, with what it is in other languages."""
    found: dict[str, list[Json]] = {}
    for row in session.store.get_many(session.account, KIND, identifiers):
        texts: dict[str, Json] = row.body["_texts"]
        found[row.id] = [
            {"id": name, "source_value": text, "translations": texts.get(name, {})}
            for name, text in sources(session, row.body)
        ]
    return found


def sources(session: Session, body: Json) -> Iterator[tuple[str, str]]:
    """The texts of what a translation translates, each with its id."""
    kind, related = body["_resource_type"], body["_related_id"]
    thing = session.store.get(session.account, kind, related) or {}
    prefix = f"{kind.replace('-', '_')}::{related}"
    if kind == "template":
        yield from _of_template(session, prefix, related)
    elif kind == "template-universal-content":
        yield from _of_shared(prefix, mapping(thing.get("definition")))
    else:
        said = _details(thing) if kind == "campaign-variation" else message_definitions(session, [related])[related]
        yield from ((f"{prefix}::{end}", said[name]) for name, end in _TEXTS.items() if isinstance(said.get(name), str))
        template = said.get("template_id")
        if template is not None:
            yield from _of_template(session, prefix, template)


def message_names(session: Session, messages: Sequence[str]) -> Mapping[str, Any]:
    """What each message of a flow is called."""
    return {row.id: row.body["_name"] for row in session.store.get_many(session.account, "flow-message", messages)}


def message_contents(session: Session, messages: Sequence[str]) -> Mapping[str, Any]:
    """What each message of a flow says, by the names that translations have for it."""
    found: dict[str, Json] = {}
    for message, definition in message_definitions(session, messages).items():
        named: Json = {(_TEXTS.get(name) or name): value for name, value in definition.items()}
        found[message] = {name: named[name] for name in _CONTENT if name in named}
    return found


def _of_template(session: Session, prefix: str, template: str) -> Iterator[tuple[str, str]]:
    """The blocks of a template, or all of its HTML where it has none."""
    body = session.store.get(session.account, "template", template) or {}
    definition = mapping(body.get("definition"))
    if not definition:
        yield f"{prefix}::body", body.get("html", "")
        return
    yield from _of_blocks(prefix, mapping(definition.get("body")))


def _of_shared(prefix: str, definition: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """The text of a shared block, or of each block of a shared section."""
    if definition.get("content_type") == "section":
        yield from _of_blocks(prefix, definition)
    else:
        yield from ((f"{prefix}::body", text) for _, text in _blocks(definition))


def _of_blocks(prefix: str, part: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for number, (block, text) in enumerate(_blocks(part)):
        # The blocks of the demo shop's templates have no ids, and are known by their places.
        yield f"{prefix}::{block or number}", text


def _blocks(part: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    content = mapping(part.get("data")).get("content")
    if isinstance(content, str):
        yield part.get("id") or "", content
    for name in _NESTED:
        for inner in items(part.get(name)):
            yield from _blocks(inner)


def _named(call: Call) -> tuple[str, str]:
    """The one thing that the body relates the translation to. Raises ApiError (400)."""
    related: Json = call.data.get("relationships") or {}
    if len(related) != 1:
        detail = f"A translation is of exactly one thing: {', '.join(TRANSLATED)} or consent-page."
        raise invalid_body("/data/relationships", detail)
    ((kind, reference),) = related.items()
    if kind not in TRANSLATED:
        raise invalid_body(f"/data/relationships/{kind}", "This account has no consent page of its own to translate.")
    return kind, reference["data"]["id"]


def _channel(kind: str, body: Json) -> str | None:
    """The channel of a message; None for what several channels can show."""
    if kind == "flow-message":
        return body["channel"]
    if kind == "campaign-variation":
        channel = _details(body).get("channel")
        return "mobile_push" if channel == "push" else channel
    return None


def _details(variation: Json) -> Json:
    return {**mapping(mapping(variation.get("definition")).get("details"))}


def _check_locales(attributes: Json) -> None:
    """A fallback that is one of the languages there are."""
    languages = (attributes["source_locale"], *attributes["target_locales"])
    fallback = attributes["fallback_locale"]
    if fallback is not None and fallback not in languages:
        detail = f"'{fallback}' must be the source locale or one of the target locales: {', '.join(languages)}."
        raise invalid_body("/data/attributes/fallback_locale", detail)


def _tell(session: Session, body: Json, identifier: str | None) -> None:
    if body["_resource_type"] == "campaign-variation":
        variation = session.store.get(session.account, "campaign-variation", body["_related_id"])
        if variation is not None:
            variation["_translation_id"] = identifier
            session.store.replace(session.account, "campaign-variation", body["_related_id"], variation)
