"""The words in which Klaviyo's API is declared: resources, their relations, and the operations on them."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from klaviyo_sandbox.facts import FACTS, REVISION, REVISIONS, ColumnKind, Filter, Limits, Page, Parameter
from klaviyo_sandbox.identifiers import IdForm
from klaviyo_sandbox.shapes import Record

Precision = Literal["second", "millisecond", "microsecond"]


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
    otherwise: the relation that operations which cannot include it show in its place
    data: whether its ids are shown unasked; "own" where it is so only in answers of operations on the resource itself,
        not in those that follow a relation to it
    unrelated: what is shown while it points at nothing: its empty data, its links alone, or nothing at all
    links: which links are shown
    newest_first: the related ones are shown from the highest id down
    """

    name: str
    type: str
    column: str = ""
    link: str = ""
    foreign: str = ""
    inverse: bool = False
    data: bool | Literal["own"] = False
    unrelated: Literal["data", "links", "nothing"] = "data"
    links: Literal["both", "related", "none"] = "both"
    joined: str = ""
    hidden: bool = False
    otherwise: str = ""
    newest_first: bool = False

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
    stored: False for types that only occur in request bodies, and for another form of a stored one
    key: what operations call it, for a type that some of them show in another form
    kept_as: attributes that the stored body has under another name
    defaults: attributes a new one gets when the caller leaves them out
    stamps: the attributes that hold when it was created and when it was last updated ("" for none)
    precision: to what its moments are kept. An answer that has just written them shows them to the microsecond
    columns, unique, indexes: what the store keeps beside the body to look things up
    owns: foreign columns (type, column) of resources that disappear with this one
    cursors: what the cursors of its collections hold: a name, a value and an id; `[seconds, id, forward]` in the order
        of time; or the bare id, forwards
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
    precision: Precision = "second"
    columns: Mapping[str, Column] = field(default_factory=dict[str, Column])
    unique: tuple[tuple[str, ...], ...] = ()
    indexes: tuple[tuple[str, ...], ...] = ()
    owns: tuple[tuple[str, str], ...] = ()
    cursors: Literal["named", "seconds", "ids"] = "named"
    path: str = ""
    stored: bool = True
    key: str = ""
    kept_as: Mapping[str, str] = field(default_factory=dict[str, str])

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
class Lookup:
    """How the store finds records by a field that is filtered or sorted by, where it is no column of that name.

    column: the store's column, or SQL; "l.at" is the moment a member joined
    order: the SQL to sort by, when it is not the column
    unit: microseconds in one unit of a number that is kept as a moment (events' `timestamp` counts seconds)
    lowercase: whether the store keeps the value in lower case
    exists: SQL around the test, where the value is in another table; `{test}` is replaced
    """

    column: str = ""
    order: str = ""
    unit: int = 0
    lowercase: bool = False
    exists: str = ""


# A computation takes a Session and ids, and gives each id a value; a handler takes a Call and gives an Answer. Those
# types are built on the ones here, so they cannot be named here.
Computation = Callable[..., Mapping[str, Any]]
Handler = Callable[..., Any]


@dataclass(frozen=True, slots=True)
class Stated:
    """What Klaviyo states about an operation; it comes from `facts`, by the operation's name.

    relation: the relation that is read or written, if any; with `relationships_only` the answer has bare identifiers
    scopes, limits: who may call it and how often; `extra_limits` are those of what a query parameter asks for, by its
        words (`include=lists`)
    sorts: what it can be sorted by, in either direction
    fields: what a sparse fieldset may name, by type
    additional: what `additional-fields` may name, of the type it answers with
    parameters: query parameters of its own
    public: whether websites and apps call it, with a company id in place of a key
    anonymous: whether a public endpoint needs neither a company id nor a revision
    """

    method: Literal["GET", "POST", "PATCH", "DELETE"] = field(init=False)
    path: str = field(init=False)
    relation: str = field(init=False)
    relationships_only: bool = field(init=False)
    scopes: tuple[str, ...] = field(init=False)
    limits: Limits = field(init=False)
    extra_limits: Mapping[str, Limits] = field(init=False)
    filters: Mapping[str, Filter] = field(init=False)
    sorts: tuple[str, ...] = field(init=False)
    page: Page | None = field(init=False)
    include: tuple[str, ...] = field(init=False)
    fields: Mapping[str, frozenset[str]] = field(init=False)
    additional: tuple[str, ...] = field(init=False)
    parameters: Mapping[str, Parameter] = field(init=False)
    public: bool = field(init=False)
    anonymous: bool = field(init=False)


@dataclass(frozen=True, slots=True)
class Operation(Stated):
    """One endpoint: what Klaviyo states about it, what its body must look like, and what runs.

    resource: the type of the primary data; `parent` is the type whose relation is read or written
    lookups: how the store finds what is filtered or sorted by; `default_sort` is a column, with "-" for descending
    required_filters: the fields one of which must be filtered by
    body: the shape of `data.attributes`; `body_meta` of `data.meta`, or of that of each
        identifier; `body_relationships` of `data.relationships`
    identified: whether `data.id` is required, optional or not allowed in the body
    upload: the name of the file in a multipart/form-data body, whose other fields are those of `body`
    extra: attributes this operation shows beyond the resource's own (`joined_group_at` of list members), or always
        though the resource shows them on request only
    relationships: what its answer shows of the relationships of the primary data: all, their links alone, or none
    neighbours: whether `links` speak of a next and a previous page also where there are none; by default where the
        operation takes a cursor
    stray_prev: the field by which `any` filters give the first page a `prev` that leads nowhere, as Klaviyo has it
    brings: relations whose resources are included though nobody asks for them
    empty: whether it answers without a body
    most_identifiers: how many identifiers its body may list
    largest_body: bytes its body may have, when that is less than for the API as a whole
    body_type: the type its body is of, when that is not the one it answers with
    entitlement: the feature that the account must have for it
    broken_filters: fields and operators of its filter that Klaviyo was seen to break on
    past_only: whether no moment in its filter may lie in the future
    sorted_by_date: whether who filters by a date may sort by nothing but that date
    existing: fields of its filter whose values must be ids of that type
    revision: the one whose facts these are. An operation that another form of it has followed says so, and answers
        requests from before; so does one that no newer document has, and answers all
    since: the first revision that has this form; by default that of the first document with this operation
    """

    name: str
    resource: str
    run: Handler
    parent: str = ""
    lookups: Mapping[str, Lookup] = field(default_factory=dict[str, Lookup])
    required_filters: tuple[str, ...] = ()
    default_sort: str = "id"
    extra: tuple[str, ...] = ()
    relationships: Literal["all", "links", "none"] = "all"
    neighbours: bool | None = None
    stray_prev: str = ""
    brings: tuple[str, ...] = ()
    body: Record | None = None
    body_meta: Record | None = None
    body_relationships: Record | None = None
    identified: Literal["required", "optional", "forbidden"] = "forbidden"
    empty: bool = False
    most_identifiers: int | None = None
    largest_body: int | None = None
    body_type: str = ""
    entitlement: str = ""
    broken_filters: tuple[tuple[str, str], ...] = ()
    past_only: bool = False
    sorted_by_date: bool = False
    existing: Mapping[str, str] = field(default_factory=dict[str, str])
    upload: str = ""
    revision: str = REVISION
    since: str = ""

    @property
    def names_neighbours(self) -> bool:
        """Whether `links` have `next` and `prev` whatever there is to read."""
        return self.page is not None if self.neighbours is None else self.neighbours

    def __post_init__(self) -> None:
        for fact, value in FACTS[self.revision][self.name].items():
            object.__setattr__(self, fact, value)
        if not self.since:
            first = next((each for each in reversed(REVISIONS) if self.name in FACTS[each]), self.revision)
            object.__setattr__(self, "since", "" if first == REVISIONS[-1] else first)
