"""The words in which Klaviyo's API is declared: resources, their relations, and the operations on them."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from klaviyo_sandbox.identifiers import IdForm
from klaviyo_sandbox.shapes import Record

ColumnKind = Literal["text", "moment", "number", "flag"]


@dataclass(frozen=True, slots=True)
class Column:
    """A value the store can filter and sort by: where it is in the stored body, and how it compares."""

    path: str
    kind: ColumnKind = "text"
    nullable: bool = True


@dataclass(frozen=True, slots=True)
class Relation:
    """How one resource points at another. Exactly one of `column`, `link` and `foreign` says where the answer is kept.

    column: a column of this resource holding the other's id (to one)
    link: rows of the link table; the other end of the same rows when `inverse` (to many)
    foreign: a column of the *other* resource holding this one's id (to many)
    hidden: documents do not show it, though its endpoints follow it
    on_include: only operations that can include it show it
    """

    name: str
    type: str
    column: str = ""
    link: str = ""
    foreign: str = ""
    inverse: bool = False
    data: bool = False
    joined: str = ""
    hidden: bool = False
    on_include: bool = False

    @property
    def many(self) -> bool:
        """Whether it points at any number of resources, rather than at one or none."""
        return not self.column


@dataclass(frozen=True, slots=True)
class Resource:
    """One JSON:API type: what its attributes look like, how it is stored, and what it points at.

    ids: the form of its identifiers; `malformed` says what answers an id of another form (400 or 404)
    attributes: what a reader may see; `on_request` are those shown only when asked for
    computed: attributes that are worked out for a page of ids instead of being stored
    stored: False for types that only occur in request bodies
    key: what operations call it, for a type that some of them show in another form
    defaults: attributes a new one gets when the caller leaves them out
    stamps: the attributes that hold when it was created and when it was last updated ("" for none)
    columns, unique, indexes: what the store keeps beside the body to look things up
    owns: foreign columns (type, column) of resources that disappear with this one
    """

    type: str
    attributes: Record
    ids: IdForm = "six"
    malformed: Literal[400, 404] = 404
    relations: tuple[Relation, ...] = ()
    on_request: tuple[str, ...] = ()
    computed: Mapping[str, "Computation"] = field(default_factory=dict[str, "Computation"])
    defaults: Mapping[str, Any] = field(default_factory=dict[str, Any])
    stamps: tuple[str, str] = ("created", "updated")
    columns: Mapping[str, Column] = field(default_factory=dict[str, Column])
    unique: tuple[tuple[str, ...], ...] = ()
    indexes: tuple[tuple[str, ...], ...] = ()
    owns: tuple[tuple[str, str], ...] = ()
    path: str = ""
    stored: bool = True
    key: str = ""

    @property
    def home(self) -> str:
        """The path of its collection."""
        return self.path or f"/api/{self.type}s"

    @property
    def table(self) -> str:
        """The name of its table in the store."""
        return self.type.replace("-", "_")

    def relation(self, name: str) -> Relation:
        """The relation called `name`; KeyError when there is none."""
        for relation in self.relations:
            if relation.name == name:
                return relation
        raise KeyError(name)


@dataclass(frozen=True, slots=True)
class Filter:
    """One field that a collection can be filtered by.

    column: the store's column, when it is not named like the field; "link.at" is the moment a member joined
    single, listed: the operators it takes with one value and with a list of values
    choices: the only values allowed
    unit: microseconds in one unit of a number that is kept as a moment (events' `timestamp` counts seconds)
    lowercase: whether the store keeps the value in lower case
    exists: SQL around the test, where the value is in another table; `{test}` is replaced
    """

    kind: ColumnKind = "text"
    single: tuple[str, ...] = ()
    listed: tuple[str, ...] = ()
    column: str = ""
    choices: tuple[str, ...] = ()
    unit: int = 0
    lowercase: bool = False
    exists: str = ""


@dataclass(frozen=True, slots=True)
class Parameter:
    """A query parameter that only some operations know; `listed` ones take several values, separated by commas."""

    choices: tuple[str, ...] = ()
    required: bool = False
    listed: bool = False


@dataclass(frozen=True, slots=True)
class Page:
    """How a collection is cut into pages; `sizable` is False where the caller cannot choose the size."""

    default: int
    most: int
    sizable: bool = True


@dataclass(frozen=True, slots=True)
class Limits:
    """Requests allowed in each fixed window: one second, one minute and, on some operations, one day."""

    burst: int
    steady: int
    daily: int | None = None


XS = Limits(1, 15)
S = Limits(3, 60)
M = Limits(10, 150)
L = Limits(75, 750)
XL = Limits(350, 3500)

# A computation takes a Session and ids, and gives each id a value; a handler takes a Call and gives an Answer. Those
# types are built on the ones here, so they cannot be named here.
Computation = Callable[..., Mapping[str, Any]]
Handler = Callable[..., Any]


@dataclass(frozen=True, slots=True)
class Operation:
    """One endpoint: where it is, who may call it and how often, what it accepts, and what runs.

    resource: the type of the primary data; `parent` and `relation` say whose relation is read or written
    sorts: sortable names → columns; `default_sort` is a column, with "-" for descending
    body: the shape of `data.attributes`; `body_meta` of `data.meta`, or of that of each
        identifier; `body_relationships` of `data.relationships`
    identified: whether `data.id` is required, optional or not allowed in the body
    upload: the name of the file in a multipart/form-data body, whose other fields are those of `body`
    extra: attributes this operation shows beyond the resource's own (`joined_group_at` of list members), or always
        though the resource shows them on request only
    relationships_only, empty: whether it answers with bare identifiers, or without a body
    most_identifiers: how many identifiers its body may list
    largest_body: bytes its body may have, when that is less than for the API as a whole
    body_type: the type its body is of, when that is not the one it answers with
    parameters: query parameters of its own
    entitlement: the feature that the account must have for it
    anonymous: whether a public endpoint needs neither a company id nor a revision
    """

    name: str
    method: Literal["GET", "POST", "PATCH", "DELETE"]
    path: str
    resource: str
    run: Handler
    scopes: tuple[str, ...]
    limits: Limits
    parent: str = ""
    relation: str = ""
    filters: Mapping[str, Filter] = field(default_factory=dict[str, Filter])
    required_filters: tuple[str, ...] = ()
    sorts: Mapping[str, str] = field(default_factory=dict[str, str])
    default_sort: str = "id"
    page: Page | None = None
    include: tuple[str, ...] = ()
    additional: tuple[str, ...] = ()
    extra: tuple[str, ...] = ()
    body: Record | None = None
    body_meta: Record | None = None
    body_relationships: Record | None = None
    identified: Literal["required", "optional", "forbidden"] = "forbidden"
    relationships_only: bool = False
    empty: bool = False
    most_identifiers: int | None = None
    largest_body: int | None = None
    body_type: str = ""
    parameters: Mapping[str, Parameter] = field(default_factory=dict[str, Parameter])
    anonymous: bool = False
    entitlement: str = ""
    upload: str = ""

    @property
    def public(self) -> bool:
        """Whether websites and apps call it, with a company id in place of a key."""
        return self.path.startswith("/client/")
