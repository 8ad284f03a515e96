"""What a brand looks and sounds like, and what of the plan is used."""

from scenarios.sdk import Klaviyo, body, brought, ids, refused

TEXT = {
    "color": "#FFFFFF",
    "font_size": 16,
    "font_style": "normal",
    "font_family": "Arial",
    "font_weight": 700,
    "letter_spacing": "0.5px",
    "text_decoration": "none",
}
BUTTON = {
    "style": {"background_color": "#000000", "border_radius": 0, "box_shadow": "none"},
    "border": {"border_color": "#000000", "border_style": "solid", "border_width": 1},
    "spacing": {"padding_top": 8, "padding_right": 8, "padding_bottom": 8, "padding_left": 8},
    "text": TEXT,
}


def a_brand_gets_a_logo_a_button_colors_and_links(klaviyo: Klaviyo) -> None:
    api, image = klaviyo.Brands, klaviyo.Images.get_images(page_size=1).data[0].id
    shown = {"image": ("image", image)}
    logo = api.create_brand_logo(body("brand-logo", None, shown, name="SDK logo", width=200)).data.id
    assert brought(api.get_brand_logo(logo, include=["image"])) == [image]
    api.update_brand_logo(logo, body("brand-logo", logo, name="SDK mark"))
    assert logo in ids(api.get_brand_logos(include=["image"]))

    button = api.create_brand_button(body("brand-button", name="SDK button", **BUTTON)).data.id
    api.update_brand_button(button, body("brand-button", button, is_primary=True))
    assert api.get_brand_button(button).data.attributes.is_primary is True
    assert button in ids(api.get_brand_buttons())

    winter = {"name": "SDK winter", "colors": [{"hex": "#DDE6EE", "name": "Ice"}]}
    colors = api.create_brand_color(body("brand-color", **winter)).data.id
    api.update_brand_color(colors, body("brand-color", colors, name="SDK frost"))
    assert api.get_brand_color(colors).data.attributes.name == "SDK frost"
    assert colors in ids(api.get_brand_colors())

    links = [{"platform": "x_twitter", "link_url": "https://x.example/jp"}]
    group = api.create_brand_social_group(body("brand-social-group", name="SDK links", social_links=links)).data.id
    api.update_brand_social_group(group, body("brand-social-group", group, name="SDK networks"))
    assert api.get_brand_social_group(group).data.attributes.name == "SDK networks"
    assert group in ids(api.get_brand_social_groups())

    (defaults,) = ids(api.get_brand_email_defaults())
    api.update_brand_email_default(
        defaults, body("brand-email-default", defaults, {"brand-logo": ("brand-logo", logo)}, body={"padding_top": 4})
    )
    assert brought(api.get_brand_email_default(defaults, include=["brand-logo"])) == [logo]
    for delete, read, gone in (
        (api.delete_brand_logo, api.get_brand_logo, logo),
        (api.delete_brand_button, api.get_brand_button, button),
        (api.delete_brand_color, api.get_brand_color, colors),
        (api.delete_brand_social_group, api.get_brand_social_group, group),
    ):
        delete(gone)
        assert refused(read, gone) == (404, "not_found")


def a_brand_sounds_otherwise(klaviyo: Klaviyo) -> None:
    (account,) = ids(klaviyo.Accounts.get_accounts())
    dry = {"name": "Dry", "description": "Leaves the joke to the reader."}
    klaviyo.Brands.update_brand_voice(account, body("brand-voice", account, tone_descriptors=[dry]))
    (tone,) = klaviyo.Brands.get_brand_voice(account).data.attributes.tone_descriptors
    assert tone.name == "Dry"


def what_is_used_of_the_plan_is_read(klaviyo: Klaviyo) -> None:
    usage = ids(klaviyo.Billing.list_billing_usage())
    assert "active_profiles" in usage
    for one in usage:
        assert klaviyo.Billing.get_billing_usage(one).data.attributes.usage_used >= 0
