"""What a demo shop's brand looks and sounds like, and what its plan holds."""

from collections.abc import Mapping
from dataclasses import dataclass
from random import Random

from klaviyo_sandbox.behaviour import billing
from klaviyo_sandbox.behaviour.brands import DEFAULTS
from klaviyo_sandbox.loose_json import Json
from klaviyo_sandbox.seed.marketing import Ground


@dataclass(frozen=True, slots=True)
class Look:
    """The colours of a shop, dark to light, with its fonts and what its voice is said to be."""

    dark: tuple[str, str]
    strong: tuple[str, str]
    soft: tuple[str, str]
    light: tuple[str, str]
    headings: str
    font: str
    tone: Mapping[str, str]
    patterns: Mapping[str, str]


_JUNIPER = Look(
    dark=("#1F3A2E", "Pine"),
    strong=("#C4622D", "Ember"),
    soft=("#8FA68E", "Sage"),
    light=("#F6F1E7", "Oat"),
    headings="Georgia",
    font="Helvetica Neue",
    tone={
        "Warm": "Talks like a friend who has been out in all weathers and is glad to tell of it.",
        "Down-to-earth": "Says what a thing does and for whom, without superlatives.",
        "Unhurried": "Never pushes: no countdowns, no capitals, at most one exclamation mark in an email.",
    },
    patterns={
        "Short openings": "The first sentence has fewer than ten words.",
        "Second person": "Says you, and we for the shop.",
        "Seasons first": "Begins with the weather or the season before it comes to a product.",
    },
)
_LUMEN = Look(
    dark=("#2B1D14", "Roast"),
    strong=("#D9A441", "Honey"),
    soft=("#A8795B", "Crema"),
    light=("#FFF8EC", "Foam"),
    headings="Futura",
    font="Arial",
    tone={"Curious": "Wants to know where every bean comes from.", "Cheerful": "Light, with a wink now and then."},
    patterns={"Tasting words": "Names two flavours of each coffee.", "Du": "Says du, never Sie."},
)
_LOOKS = {"Juniper & Pine": _JUNIPER, "Lumen Coffee": _LUMEN}


def make_brand(ground: Ground) -> None:
    """The parts of the brand, and the email defaults that are made of them. The images are there already."""
    shop, look = ground.shop, _LOOKS[ground.shop.name]
    # A source of chance of its own: the rest of the shop does not depend on its brand.
    apart = Ground(ground.store, shop, Random(f"brand:{shop.account}"), ground.now)  # noqa: S311
    logos = [apart.add("brand-logo", body, "digits") for body in _logos(ground)]
    buttons = [apart.add("brand-button", body, "digits") for body in _buttons(look)]
    for name, colors in _palettes(look):
        apart.add(
            "brand-color", {"name": name, "colors": [{"hex": hex_, "name": said} for hex_, said in colors]}, "digits"
        )
    groups = [apart.add("brand-social-group", body, "digits") for body in _social_groups(ground)]
    voice: Json = {"version": "v1"}
    for name, said in (("tone_descriptors", look.tone), ("language_patterns", look.patterns)):
        voice[name] = [
            {"name": word, "description": meaning, "user_modified": number == 0}
            for number, (word, meaning) in enumerate(said.items())
        ]
    ground.store.insert(shop.account, "brand-voice", shop.account, voice)
    used = {"_brand-logo": logos[0], "_brand-button": buttons[0], "_brand-social-group": groups[0]}
    ground.store.insert(shop.account, DEFAULTS, shop.account, {**_emails(ground, look), **used})


def make_plan(ground: Ground) -> None:
    """The smallest plan that everybody fits into."""
    account, store = ground.shop.account, ground.store
    store.insert_many(account, "billing-usage", billing.plan(store.count(account, "profile")).items())


def _logos(ground: Ground) -> list[Json]:
    address = f"https://{ground.shop.domain}"
    shapes = (("Main logo", "logo", 180, 60), ("Logo until 2023", "old-logo", 120, 120))
    return [
        {
            "name": name,
            "width": width,
            "height": height,
            "alt_text": ground.shop.name,
            "link_url": address,
            "_image": ground.store.find(ground.shop.account, "image", "name", image)[0].id,
        }
        for name, image, width, height in shapes
    ]


def _buttons(look: Look) -> list[Json]:
    filled = (look.strong[0], look.light[0], False)
    outlined = (look.light[0], look.dark[0], True)
    buttons: list[Json] = []
    for name, (background, color, bordered) in (("Call to action", filled), ("Second choice", outlined)):
        buttons.append(
            {
                "name": name,
                "is_primary": not buttons,
                "style": {
                    "background_color": background,
                    "border_radius": 6,
                    "box_shadow": "none",
                    "is_shadow_active": False,
                },
                "border": {
                    "border_color": look.dark[0],
                    "border_style": "solid",
                    "border_width": 1,
                    "is_border_active": bordered,
                },
                "spacing": {"padding_top": 12, "padding_right": 24, "padding_bottom": 12, "padding_left": 24},
                "text": _text(look.font, 16, color, 600),
                "preview_page_hex": "#FFFFFF",
            }
        )
    return buttons


def _palettes(look: Look) -> tuple[tuple[str, tuple[tuple[str, str], ...]], ...]:
    return (("Primary", (look.dark, look.strong)), ("Backgrounds", (look.light, look.soft, ("#FFFFFF", "White"))))


def _social_groups(ground: Ground) -> list[Json]:
    handle = ground.shop.domain.partition(".")[0]
    icon = f"https://images.klaviyo-sandbox.example/company/{ground.shop.account}/images/instagram.png"
    instagram: Json = {
        "link_url": f"https://instagram.example/{handle}",
        "platform": "custom",
        "asset_id": None,
        "asset_url": icon,
        "width": 32,
        "height": 32,
    }
    x: Json = {"link_url": f"https://x.example/{handle}", "platform": "x_twitter"}
    return [{"name": "Footer socials", "social_links": [instagram, x]}, {"name": "Just X", "social_links": [x]}]


def _emails(ground: Ground, look: Look) -> Json:
    link: Json = {"color": look.strong[0], "font_style": "normal", "text_decoration": "underline"}
    link |= {"font_size": 16, "font_weight": 400, "font_family": look.font, "letter_spacing": 0}
    address = f"https://{ground.shop.domain}"
    headings = {
        f"h{level}_text": _text(look.headings, size, look.dark[0], 700)
        for level, size in ((1, 36), (2, 28), (3, 22), (4, 18))
    }
    return {
        "body": {
            "background_color": "#FFFFFF",
            "body_background_color": look.light[0],
            "text": _text(look.font, 16, look.dark[0], 400),
            **headings,
            "link_text": link,
        },
        "header": {
            "background_color": look.light[0],
            "links": [{"text": "Shop", "url": address}, {"text": "Stories", "url": f"{address}/stories"}],
            "link_text": link,
            "logo_max_width": 160,
        },
        "footer": {
            "background_color": look.dark[0],
            "text": _text(look.font, 13, look.light[0], 400),
            "link_text": {**link, "color": look.light[0]},
            "social_group_color": "white",
        },
    }


def _text(font: str, size: int, color: str, weight: int) -> Json:
    return {
        "color": color,
        "font_size": size,
        "font_style": "normal",
        "font_family": font,
        "font_weight": weight,
        "letter_spacing": 0,
        "text_decoration": "none",
    }
