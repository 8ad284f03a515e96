"""What the demo shop says in German and French: a template, a campaign, the first welcome email and the footer."""

from klaviyo_sandbox.behaviour.translations import add, sources, translation
from klaviyo_sandbox.calls import Session
from klaviyo_sandbox.loose_json import Json, mapping
from klaviyo_sandbox.seed.marketing import Ground


def make_translations(ground: Ground, session: Session, template: str) -> None:
    """Translations, once there are messages and blocks. `template` is the id of the newsletter's."""
    account, store = ground.shop.account, ground.store
    welcome = store.find(account, "flow-message", "name", "Welcome series #1")[0].id
    footer = store.find(account, "template-universal-content", "name", "Footer with address")[0].id
    candle = next(
        row.id
        for row in store.page(account, "campaign-variation")
        if mapping(row.body["definition"]["details"]).get("subject") == _CANDLE
    )
    things = (
        ("template", template, ("de", "fr"), 50),
        ("flow-message", welcome, ("de",), 44),
        ("campaign-variation", candle, ("de", "fr"), 1.5),
        ("template-universal-content", footer, ("de", "fr"), 38),
    )
    for kind, related, targets, days in things:
        locales: Json = {
            "source_locale": "en",
            "target_locales": [*targets],
            "fallback_locale": "en",
            "channel": "email",
        }
        body = translation(kind, related, locales, ground.ago(days))
        body["updated"] = ground.ago(days / 2)
        texts = {name: _SAID.get(text) for name, text in sources(session, body)}
        body["_texts"] = {
            name: {locale: text for locale, text in said.items() if locale in targets}
            for name, said in texts.items()
            if said is not None
        }
        add(session, f"{kind}::email::{related}", body)


_CANDLE = "The juniper candle is back"
_SAID: dict[str, dict[str, str]] = {
    "<h1>News from the woods</h1>": {"de": "<h1>Neues aus dem Wald</h1>", "fr": "<h1>Nouvelles de la forêt</h1>"},
    _CANDLE: {"de": "Die Wacholderkerze ist wieder da", "fr": "La bougie est de retour"},
    "Welcome series, part 1": {"de": "Willkommen, Teil 1"},
}
