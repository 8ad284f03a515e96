"""Templates, shared blocks, images, forms, web feeds, webhooks, tracking, reviews and the account itself."""

import base64
import struct
import zlib

from scenarios.sdk import Klaviyo, body, every_page, ids, refused

PAGE = "<html><body><p>Hello {{ first_name|default:'there' }}</p>{% unsubscribe %}</body></html>"


def _png() -> bytes:
    """A picture of one white dot."""

    def part(kind: bytes, content: bytes) -> bytes:
        check = struct.pack(">I", zlib.crc32(kind + content))
        return struct.pack(">I", len(content)) + kind + content + check

    header = struct.pack(">IIBBBBB", 1, 1, 8, 2, 0, 0, 0)
    dots = zlib.compress(b"\0\xff\xff\xff")
    return b"\x89PNG\r\n\x1a\n" + part(b"IHDR", header) + part(b"IDAT", dots) + part(b"IEND", b"")


def a_template_is_made_rendered_copied_and_deleted(klaviyo: Klaviyo) -> None:
    made = klaviyo.Templates.create_template(body("template", name="SDK letter", editor_type="CODE", html=PAGE)).data
    shown = klaviyo.sent("Templates.render_template", body("template", made.id, context={"first_name": "Ada"}))
    assert "Hello Ada" in shown["data"]["attributes"]["html"]
    copy = klaviyo.sent("Templates.clone_template", body("template", made.id, name="SDK letter, copy"))
    klaviyo.Templates.update_template(made.id, body("template", made.id, name="SDK letter, new", html="<p>Bye</p>"))
    read = klaviyo.Templates.get_template(made.id, additional_fields_template=["definition"]).data.attributes
    assert read.name == "SDK letter, new"
    assert "Bye" in read.html
    found = klaviyo.Templates.get_templates(filter='contains(name,"SDK letter")', sort="name")
    assert [template.attributes.name for template in found.data] == ["SDK letter, copy", "SDK letter, new"]
    assert len(every_page(klaviyo.Templates.get_templates, page_size=3)) == 8
    related = {"template": ("template", made.id)}
    klaviyo.Templates.create_template_preview_send_job(
        body("template-preview-send-job", None, related, recipients=["mia@juniperandpine.example"])
    )
    klaviyo.Templates.delete_template(copy["data"]["id"])
    assert refused(klaviyo.Templates.get_template, copy["data"]["id"]) == (404, "not_found")


def a_shared_block_is_made_changed_and_deleted(klaviyo: Klaviyo) -> None:
    block = {"content_type": "block", "type": "html", "data": {"content": "<b>New</b>", "display_options": {}}}
    made = klaviyo.Templates.create_universal_content(
        body("template-universal-content", name="SDK block", definition=block)
    ).data
    klaviyo.Templates.update_universal_content(made.id, body("template-universal-content", made.id, name="SDK part"))
    assert klaviyo.Templates.get_universal_content(made.id).data.attributes.name == "SDK part"
    blocks = klaviyo.Templates.get_all_universal_content(
        filter='equals(definition.type,"html")', sort="-created", page_size=10
    )
    assert ids(blocks)[0] == made.id
    copy = klaviyo.Templates.clone_universal_content(
        body("template-universal-content", made.id, id=made.id, name="SDK part, copy")
    ).data
    assert copy.attributes.name == "SDK part, copy"
    klaviyo.Templates.delete_universal_content(made.id)
    assert refused(klaviyo.Templates.get_universal_content, made.id) == (404, "not_found")


def images_come_from_files_and_addresses(klaviyo: Klaviyo) -> None:
    image = klaviyo.Images.upload_image_from_file(_png(), name="SDK dot").data
    assert image.attributes.format == "png"
    address = "data:image/png;base64," + base64.b64encode(_png()).decode()
    other = klaviyo.Images.upload_image_from_url(body("image", import_from_url=address, name="SDK point")).data
    assert other.id != image.id
    klaviyo.Images.update_image(image.id, body("image", image.id, name="SDK spot", hidden=True))
    assert klaviyo.Images.get_image(image.id).data.attributes.hidden is True
    assert ids(klaviyo.Images.get_images(filter='and(equals(hidden,true),starts-with(name,"SDK"))')) == [image.id]
    assert len(every_page(klaviyo.Images.get_images, page_size=3, sort="-size")) == 8


def a_form_is_made_read_by_version_and_deleted(klaviyo: Klaviyo) -> None:
    target = klaviyo.Lists.get_lists(page_size=1).data[0].id
    ask = {"type": "email", "properties": {"label": "Email address", "required": True}}
    submit = {
        "type": "button",
        "properties": {"label": "Sign up"},
        "action": {"type": "next_step", "submit": True, "properties": {"list_id": target}},
    }
    thanks = {"type": "html_text", "properties": {"content": "<p>Thank you!</p>"}}
    steps = [
        {"name": "Sign up", "columns": [{"rows": [{"blocks": [ask]}, {"blocks": [submit]}]}]},
        {"name": "Success", "columns": [{"rows": [{"blocks": [thanks]}]}]},
    ]
    version = {"type": "popup", "steps": steps, "triggers": [{"type": "delay", "properties": {"seconds": 5}}]}
    made = klaviyo.Forms.create_form(
        body("form", name="SDK pop-up", definition={"versions": [version]}, ab_test=False, status="draft")
    ).data
    assert klaviyo.Forms.get_form(made.id).data.attributes.name == "SDK pop-up"
    (only,) = ids(klaviyo.Forms.get_versions_for_form(made.id, sort="-created_at"))
    assert ids(klaviyo.Forms.get_version_ids_for_form(made.id)) == [only]
    assert klaviyo.Forms.get_form_version(only).data.id == only
    assert klaviyo.Forms.get_form_for_form_version(only).data.id == made.id
    assert klaviyo.Forms.get_form_id_for_form_version(only).data.id == made.id
    assert ids(klaviyo.Forms.get_forms(filter='contains(name,"SDK")', sort="created_at", page_size=5)) == [made.id]
    assert len(every_page(klaviyo.Forms.get_forms, page_size=2)) == 4
    klaviyo.Forms.update_form(made.id, body("form", made.id, name="SDK welcome"))
    which = {"form": ("form", made.id)}
    klaviyo.Forms.publish_form(body("form-publish-job", None, which))
    assert klaviyo.Forms.get_form(made.id).data.attributes.status == "live"
    klaviyo.Forms.unpublish_form(body("form-unpublish-job", None, which))
    klaviyo.Forms.delete_form(made.id)
    assert refused(klaviyo.Forms.get_form, made.id) == (404, "not_found")


def a_web_feed_is_made_changed_and_deleted(klaviyo: Klaviyo) -> None:
    made = klaviyo.Web_Feeds.create_web_feed(
        body(
            "web-feed",
            name="SDK_feed",
            url="https://example.org/feed.json",
            request_method="get",
            content_type="json",
        )
    ).data
    klaviyo.Web_Feeds.update_web_feed(made.id, body("web-feed", made.id, name="SDK_news"))
    assert klaviyo.Web_Feeds.get_web_feed(made.id).data.attributes.name == "SDK_news"
    assert ids(klaviyo.Web_Feeds.get_web_feeds(filter='equals(name,"SDK_news")', sort="-updated")) == [made.id]
    assert len(every_page(klaviyo.Web_Feeds.get_web_feeds, page_size=1)) == 3
    klaviyo.Web_Feeds.delete_web_feed(made.id)
    assert refused(klaviyo.Web_Feeds.get_web_feed, made.id) == (404, "not_found")


def a_webhook_is_made_for_topics_changed_and_deleted(klaviyo: Klaviyo) -> None:
    topics = ids(klaviyo.Webhooks.get_webhook_topics())
    assert klaviyo.Webhooks.get_webhook_topic(topics[0]).data.id == topics[0]
    made = klaviyo.Webhooks.create_webhook(
        body(
            "webhook",
            None,
            {"webhook-topics": [("webhook-topic", topics[0])]},
            name="SDK hook",
            endpoint_url="https://example.org/hook",
            secret_key="a secret that is long enough",
        )
    ).data
    changed = klaviyo.Webhooks.update_webhook(
        made.id,
        body(
            "webhook",
            made.id,
            {"webhook-topics": [("webhook-topic", topic) for topic in topics[1:3]]},
            name="SDK catch",
            enabled=False,
        ),
    )
    assert (changed.data.attributes.name, changed.data.attributes.enabled) == ("SDK catch", False)
    read = klaviyo.Webhooks.get_webhook(made.id, include=["webhook-topics"])
    assert {topic.id for topic in read.included} == set(topics[1:3])
    assert ids(klaviyo.Webhooks.get_webhooks(include=["webhook-topics"])) == [made.id]
    klaviyo.Webhooks.delete_webhook(made.id)
    assert klaviyo.Webhooks.get_webhooks().data == []


def tracking_settings_are_read_and_changed(klaviyo: Klaviyo) -> None:
    (setting,) = klaviyo.Tracking_Settings.get_tracking_settings(page_size=1).data
    source = {"flow": {"type": "static", "value": "SDK"}, "campaign": {"type": "dynamic", "value": "campaign_name"}}
    klaviyo.Tracking_Settings.update_tracking_setting(
        setting.id, body("tracking-setting", setting.id, auto_add_parameters=False, utm_source=source)
    )
    read = klaviyo.Tracking_Settings.get_tracking_setting(setting.id).data.attributes
    assert read.auto_add_parameters is False
    assert read.utm_source.flow["value"] == "SDK"


def reviews_are_read_and_judged(klaviyo: Klaviyo) -> None:
    pending = klaviyo.Reviews.get_reviews(filter='equals(status,"pending")', sort="-created", include=["events"])
    review = pending.data[0]
    rejected = {"value": "rejected", "rejection_reason": {"reason": "fake"}}
    klaviyo.Reviews.update_review(review.id, body("review", review.id, status=rejected))
    read = klaviyo.Reviews.get_review(review.id, include=["events"]).data
    assert read.attributes.status["value"] == "rejected"
    good = every_page(klaviyo.Reviews.get_reviews, filter="greater-or-equal(rating,4)", page_size=6, sort="rating")
    assert [one.attributes.rating for one in good] == sorted(one.attributes.rating for one in good)


def the_account_is_read(klaviyo: Klaviyo) -> None:
    (account,) = klaviyo.Accounts.get_accounts().data
    assert klaviyo.Accounts.get_account(account.id).data.attributes.timezone
    assert klaviyo.Client.get_client_ip_allowlist("integration-egress", account.id)
