"""What the brand looks and sounds like, and how much of the plan is used."""

from klaviyo_sandbox import COMPANY_ID
from scenarios.sdk import Klaviyo, body, ids, refused

TEXT = {
    "color": "#FFFFFF",
    "font_size": 16,
    "font_style": "normal",
    "font_family": "Arial",
    "font_weight": 700,
    "letter_spacing": 0,
    "text_decoration": "none",
}
BUTTON = {
    "style": {"background_color": "#000000", "border_radius": 0, "box_shadow": "none"},
    "border": {"border_color": "#000000", "border_style": "solid", "border_width": 1},
    "spacing": {"padding_top": 8, "padding_right": 8, "padding_bottom": 8, "padding_left": 8},
    "text": TEXT,
}


def a_logo_begins_new_emails_until_it_is_deleted(klaviyo: Klaviyo) -> None:
    brands = klaviyo.Brands
    first, second, *_ = ids(klaviyo.Images.get_images())
    made = brands.create_brand_logo(
        body("brand-logo", related={"image": ("image", first)}, name="SDK logo", width=90)
    ).data
    changed = brands.update_brand_logo(
        made.id, body("brand-logo", made.id, {"image": ("image", second)}, alt_text="SDK")
    )
    assert (changed.data.attributes.width, changed.data.attributes.alt_text) == (90, "SDK")
    assert [image.id for image in brands.get_brand_logo(made.id, include=["image"]).included] == [second]
    assert made.id in ids(brands.get_brand_logos())
    (defaults,) = brands.get_brand_email_defaults().data
    styles = {"background_color": "#FAFAFA"}
    chosen = body("brand-email-default", defaults.id, {"brand-logo": ("brand-logo", made.id)}, body=styles)
    after = brands.update_brand_email_default(defaults.id, chosen).data.attributes
    assert (after.body.background_color, after.header) == ("#FAFAFA", defaults.attributes.header)
    (logo,) = brands.get_brand_email_default(defaults.id, include=["brand-logo"]).included
    assert logo["id"] == made.id
    brands.delete_brand_logo(made.id)
    assert refused(brands.get_brand_logo, made.id) == (404, "not_found")


def buttons_colors_and_social_links_are_made_changed_and_deleted(klaviyo: Klaviyo) -> None:
    brands = klaviyo.Brands
    links = [{"platform": "custom", "link_url": "https://social.example/sdk"}]
    for kind, attributes in (
        ("button", BUTTON),
        ("color", {"colors": [{"hex": "#1F3A2E", "name": "Pine"}]}),
        ("social_group", {"social_links": links}),
    ):
        resource = f"brand-{kind.replace('_', '-')}"
        made = getattr(brands, f"create_brand_{kind}")(body(resource, name="SDK", **attributes)).data
        getattr(brands, f"update_brand_{kind}")(made.id, body(resource, made.id, name="SDK, new"))
        assert getattr(brands, f"get_brand_{kind}")(made.id).data.attributes.name == "SDK, new"
        assert made.id in ids(getattr(brands, f"get_brand_{kind}s")())
        getattr(brands, f"delete_brand_{kind}")(made.id)
        assert refused(getattr(brands, f"get_brand_{kind}"), made.id) == (404, "not_found")


def the_voice_is_changed(klaviyo: Klaviyo) -> None:
    dry = {"name": "Dry", "description": "Leaves the joke to the reader."}
    klaviyo.Brands.update_brand_voice(COMPANY_ID, body("brand-voice", COMPANY_ID, tone_descriptors=[dry]))
    voice = klaviyo.Brands.get_brand_voice(COMPANY_ID).data.attributes
    assert [tone.name for tone in voice.tone_descriptors] == ["Dry"]
    assert voice.language_patterns


def the_plan_says_what_is_used(klaviyo: Klaviyo) -> None:
    (row,) = klaviyo.Billing.list_billing_usage(filter='any(id,["email_sends"])').data
    assert 0 < row.attributes.usage_used < row.attributes.usage_max
    assert klaviyo.Billing.get_billing_usage("email_sends").data.attributes.unit == "messages"
