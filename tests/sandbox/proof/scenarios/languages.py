"""Translations of what is sent, and the numbers that texts are sent from."""

from tests.sandbox.registration import PINE

from scenarios.sdk import Klaviyo, body, brought, every_page, ids, refused

DAY = 86_400
LOCALES = {"source_locale": "en", "target_locales": ["de", "fr"], "fallback_locale": "en", "channel": "email"}
BUSINESS = {**PINE, "email": "maya@gmail.com"}


def a_template_is_translated_and_no_more(klaviyo: Klaviyo) -> None:
    api = klaviyo.Translations
    source = klaviyo.Templates.create_template(
        body("template", name="SDK letter", editor_type="CODE", html="<p>Hello</p>")
    ).data.id
    related = {"template": ("template", source)}
    made = api.create_translation(body("translation", None, related, **LOCALES)).data.id
    values = [{"id": f"template::{source}::body", "translations": {"de": "<p>Hallo</p>"}}]
    api.update_translation(made, body("translation", made, values=values))
    read = api.get_translation(made, additional_fields_translation=["values"], include=["template"])
    assert [value["translations"] for value in read.data.attributes.values] == [{"de": "<p>Hallo</p>"}]
    assert brought(read) == [source]
    assert api.get_template_for_translation(made).data.id == source
    assert api.get_template_id_for_translation(made).data.id == source
    assert made in [one.id for one in every_page(api.get_translations, page_size=2, sort="id")]
    api.delete_translation(made)
    assert refused(api.get_translation, made) == (404, "not_found")


def what_is_translated_is_found_from_its_translation(klaviyo: Klaviyo) -> None:
    api = klaviyo.Translations

    def of(kind: str) -> str:
        return api.get_translations(filter=f'equals(resource_type,"{kind}")').data[0].id

    mail = of("flow-message")
    assert api.get_flow_message_for_translation(mail).data.id
    assert api.get_flow_message_id_for_translation(mail).data.id
    block = of("template-universal-content")
    assert api.get_template_universal_content_for_translation(block).data.id
    assert api.get_template_universal_content_id_for_translation(block).data.id


def a_variation_is_translated(klaviyo: Klaviyo) -> None:
    api, campaigns = klaviyo.Translations, klaviyo.Campaigns
    newest = campaigns.get_campaign_messages(filter='equals(status,"draft")').data[0].id
    variation = ids(campaigns.get_variation_ids_for_campaign_message(newest))[0]
    related = {"campaign-variation": ("campaign-variation", variation)}
    channel = campaigns.get_campaign_variation(variation).data.attributes.definition.to_dict()["details"]["channel"]
    locales = {**LOCALES, "channel": channel}
    made = api.create_translation(body("translation", None, related, **locales)).data.id
    assert api.get_campaign_variation_for_translation(made).data.id == variation
    assert api.get_campaign_variation_id_for_translation(made).data.id == variation
    assert campaigns.get_translation_for_campaign_variation(variation).data.id == made
    assert campaigns.get_translation_id_for_campaign_variation(variation).data.id == made


def a_number_is_asked_for_refused_and_asked_for_again(klaviyo: Klaviyo) -> None:
    api = klaviyo.other_company().Text_Messaging
    made = api.create_text_messaging_configuration(body("text-messaging-configuration", org_prefix="Lumen")).data
    assert api.get_text_messaging_configuration(made.id).data.attributes.org_prefix == "Lumen"
    registration = body("text-messaging-sender-registration", **BUSINESS)
    asked = {"sender_type": "toll_free", "sender_details": {"country": "US"}}
    sender = api.create_text_messaging_sender(
        body("text-messaging-sender", **asked, **{"text-messaging-sender-registration": registration})
    ).data.id
    klaviyo.wait(4 * DAY)
    refusal = api.get_messaging_sender_registration_for_text_messaging_sender(sender).data
    assert refusal.attributes.status == "rejected"
    assert api.get_messaging_sender_registration_id_for_text_messaging_sender(sender).data.id == refusal.id
    again = {**BUSINESS, "email": "maya@juniperandpine.example"}
    asked_by = {"text-messaging-sender": ("text-messaging-sender", sender)}
    second = api.create_text_messaging_sender_registration(
        body("text-messaging-sender-registration", None, asked_by, **again)
    ).data.id
    klaviyo.wait(4 * DAY)
    read = api.get_text_messaging_sender_registration(second, include=["text-messaging-sender"])
    assert (read.data.attributes.status, brought(read)) == ("approved", [sender])
    assert api.get_text_messaging_sender(sender).data.attributes.status == "active"
    assert sender in ids(api.get_text_messaging_senders(page_size=20, sort="created_at"))
