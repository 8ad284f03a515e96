"""What the demo shops are made of: names, places and products. All invented."""

from dataclasses import dataclass


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


FIRST_NAMES = _words("""
    Ada Aiko Amara Ana Anders Anika Arjun Astrid Ben Bianca Bruno Camille Carlos Chloe Clara Dana Daniel Devi Elena
    Eli Emil Emma Esther Farah Felix Freya Gabriel Grace Hana Hugo Ida Imran Ines Isaac Ivy Jack Jamila Jonas Josie
    Julia Kai Karim Kate Lars Leah Leo Lina Lucas Luz Mae Marco Maria Mateo Mei Mila Milo Nadia Nils Noor Nora Oliver
    Omar Otto Paula Pedro Priya Quinn Rafael Rosa Ruby Sam Sana Sofia Stefan Tara Theo Tomas Uma Vera Victor Wanda
    Will Yara Yusuf Zoe
""")
LAST_NAMES = _words("""
    Abbott Adeyemi Almeida Andersson Baker Banerjee Becker Bell Bergman Blake Brandt Brooks Castillo Chen Clarke Costa
    Dahl Diaz Dubois Edwards Eriksen Evans Farrell Fischer Flores Foster Garcia Gray Gupta Hansen Hart Hayes Hoffman
    Hughes Ito Jansen Johansson Kapoor Keller Khan Kim Kowalski Lambert Larsen Lee Lopez Marsh Martin Mendes Meyer
    Moreau Morgan Murphy Nakamura Novak Nyberg Okafor Olsen Ortiz Park Patel Perez Price Quist Ramos Reed Reyes Rossi
    Russo Sato Schmidt Shah Silva Singh Stone Suzuki Tanaka Torres Turner Vance Vega Wagner Walsh Weber West Wolfe
    Wright Young Zhang
""")

# Domains nobody can own, so that nobody is ever written to; example.com is left out because events for it are dropped.
EMAIL_DOMAINS = (
    ("example.org", 40),
    ("example.net", 30),
    ("fernmail.example", 12),
    ("postbox.example", 10),
    ("northlake.example", 8),
)


@dataclass(frozen=True, slots=True)
class City:
    """Where customers live. `weight` is how many of them do."""

    name: str
    region: str
    country: str
    zip: str
    timezone: str
    latitude: float
    longitude: float
    locale: str
    dialling: str
    weight: int


CITIES = (
    City(
        "Portland", "Oregon", "United States", "97205", "America/Los_Angeles", 45.52, -122.68, "en-US", "+1503555", 14
    ),
    City(
        "Seattle",
        "Washington",
        "United States",
        "98101",
        "America/Los_Angeles",
        47.61,
        -122.33,
        "en-US",
        "+1206555",
        12,
    ),
    City("Denver", "Colorado", "United States", "80202", "America/Denver", 39.74, -104.99, "en-US", "+1303555", 11),
    City("Chicago", "Illinois", "United States", "60601", "America/Chicago", 41.88, -87.63, "en-US", "+1312555", 9),
    City("Austin", "Texas", "United States", "78701", "America/Chicago", 30.27, -97.74, "en-US", "+1512555", 8),
    City(
        "Boston", "Massachusetts", "United States", "02108", "America/New_York", 42.36, -71.06, "en-US", "+1617555", 8
    ),
    City("New York", "New York", "United States", "10001", "America/New_York", 40.75, -73.99, "en-US", "+1212555", 10),
    City(
        "Asheville",
        "North Carolina",
        "United States",
        "28801",
        "America/New_York",
        35.6,
        -82.55,
        "en-US",
        "+1828555",
        4,
    ),
    City(
        "Vancouver",
        "British Columbia",
        "Canada",
        "V6B 1A1",
        "America/Vancouver",
        49.28,
        -123.12,
        "en-CA",
        "+1604555",
        7,
    ),
    City("Toronto", "Ontario", "Canada", "M5H 2N2", "America/Toronto", 43.65, -79.38, "en-CA", "+1416555", 6),
    City("London", "England", "United Kingdom", "EC1A 1BB", "Europe/London", 51.51, -0.13, "en-GB", "+44770090", 5),
    City("Berlin", "Berlin", "Germany", "10115", "Europe/Berlin", 52.52, 13.4, "de-DE", "+4915550", 4),
    City("Stockholm", "Stockholm", "Sweden", "111 20", "Europe/Stockholm", 59.33, 18.07, "sv-SE", "+4670174", 2),
)


@dataclass(frozen=True, slots=True)
class Product:
    """Something a shop sells. Prices are in the shop's currency."""

    name: str
    sku: str
    category: str
    price: float


@dataclass(frozen=True, slots=True)
class Shop:
    """A company of the sandbox."""

    account: str
    name: str
    domain: str
    industry: str
    timezone: str
    address: tuple[str, str, str, str, str]
    products: tuple[Product, ...]

    @property
    def sender(self) -> str:
        """The address its email comes from."""
        return f"hello@{self.domain}"


JUNIPER = (
    Product("Cedar Trail Tent 2P", "JP-TENT-2", "Camping", 289.0),
    Product("Alder Sleeping Bag", "JP-SLEEP-1", "Camping", 164.0),
    Product("Fireside Enamel Mug", "JP-MUG-1", "Kitchen", 18.0),
    Product("Wool Camp Blanket", "JP-BLANK-1", "Home", 96.0),
    Product("Brass Camp Lantern", "JP-LANT-1", "Camping", 72.0),
    Product("Waxed Canvas Daypack", "JP-PACK-1", "Bags", 138.0),
    Product("Ridge Roll-top Pack", "JP-PACK-2", "Bags", 174.0),
    Product("Merino Base Layer", "JP-MERI-1", "Clothing", 88.0),
    Product("Juniper Flannel Shirt", "JP-FLAN-1", "Clothing", 78.0),
    Product("Storm Shell Jacket", "JP-SHELL-1", "Clothing", 229.0),
    Product("Heavy Trail Socks", "JP-SOCK-1", "Clothing", 22.0),
    Product("Pine & Smoke Candle", "JP-CAND-1", "Home", 34.0),
    Product("Juniper Berry Candle", "JP-CAND-2", "Home", 34.0),
    Product("Cast Iron Skillet", "JP-SKIL-1", "Kitchen", 64.0),
    Product("Pour-over Coffee Set", "JP-COFF-1", "Kitchen", 58.0),
    Product("Linen Tea Towels", "JP-TOWEL-1", "Kitchen", 26.0),
    Product("Stoneware Bowl", "JP-BOWL-1", "Kitchen", 30.0),
    Product("Hammock", "JP-HAMM-1", "Camping", 84.0),
    Product("Field Notebook", "JP-NOTE-1", "Home", 14.0),
    Product("Steel Water Bottle", "JP-BOTT-1", "Camping", 32.0),
)
LUMEN = (
    Product("Morning Blend 250 g", "LC-MORN", "Coffee", 14.0),
    Product("Night Owl Decaf 250 g", "LC-DECAF", "Coffee", 15.0),
    Product("Ceramic Dripper", "LC-DRIP", "Equipment", 28.0),
    Product("Hand Grinder", "LC-GRIND", "Equipment", 89.0),
)
