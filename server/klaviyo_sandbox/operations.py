"""Everything the sandbox serves: all resources, all operations by their paths, and all kinds of delayed work."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from urllib.parse import unquote

from klaviyo_sandbox.api import (
    accounts,
    billing,
    brands,
    campaigns,
    catalogs,
    client,
    consent,
    conversations,
    coupons,
    custom_objects,
    data_privacy,
    events,
    flows,
    forms,
    images,
    lists,
    metrics,
    profile_imports,
    profiles,
    push_tokens,
    reporting,
    reviews,
    segments,
    tags,
    templates,
    text_messaging,
    tracking_settings,
    translations,
    universal_content,
    web_feeds,
    webhooks,
)
from klaviyo_sandbox.calls import Session
from klaviyo_sandbox.declare import Operation, Resource
from klaviyo_sandbox.loose_json import Json

_DOMAINS = (
    accounts,
    billing,
    brands,
    campaigns,
    catalogs,
    client,
    consent,
    conversations,
    coupons,
    custom_objects,
    data_privacy,
    events,
    flows,
    forms,
    images,
    lists,
    metrics,
    profile_imports,
    profiles,
    push_tokens,
    reporting,
    reviews,
    segments,
    tags,
    templates,
    text_messaging,
    tracking_settings,
    translations,
    universal_content,
    web_feeds,
    webhooks,
)

RESOURCES: Mapping[str, Resource] = {
    resource.key or resource.type: resource for domain in _DOMAINS for resource in domain.RESOURCES
}
_DECLARED = tuple(operation for domain in _DOMAINS for operation in domain.OPERATIONS)
# A domain that has work done later declares it: the kind of work, and what does it.
WORK: Mapping[str, Callable[[Session, Json], None]] = {
    kind: work for domain in _DOMAINS for kind, work in getattr(domain, "WORK", {}).items()
}


@dataclass(frozen=True, slots=True)
class Match:
    """An operation and the id in the path it was found by ("" when there is none).

    `earlier` are the forms of it that answer requests at revisions from before its own, the newest first.
    """

    operation: Operation
    id: str
    earlier: tuple[Operation, ...] = ()

    def at(self, revision: str) -> "Match | None":
        """What answers at a revision; None where there is no such form. Without a revision it is the newest."""
        if not revision:
            return self
        for form in (self.operation, *self.earlier):
            if form.since <= revision:
                return Match(form, self.id)
        return None


@dataclass(slots=True)
class Routes:
    """Paths as a tree of segments, in which a literal segment goes before {id}."""

    _operations: dict[str, list[Operation]] = field(default_factory=dict[str, list[Operation]])
    _children: dict[str, "Routes"] = field(default_factory=dict[str, "Routes"])

    @classmethod
    def of(cls, operations: Iterable[Operation]) -> "Routes":
        """The tree of these operations' paths."""
        root = cls()
        for operation in operations:
            root._add(operation)
        return root

    def match(self, method: str, path: str) -> Match | frozenset[str] | None:
        """What answers `method` on `path`: an operation, the methods that would be answered instead, or nothing at all.

        A trailing slash makes no difference.
        """
        found = self._descend([unquote(segment) for segment in path.strip("/").split("/")], "")
        if found is None:
            return None
        node, identifier = found
        forms = node._operations.get(method)
        return frozenset(node._operations) if forms is None else Match(forms[0], identifier, tuple(forms[1:]))

    def methods(self, path: str) -> frozenset[str]:
        """The methods that `path` knows."""
        found = self._descend([unquote(segment) for segment in path.strip("/").split("/")], "")
        return frozenset() if found is None else frozenset(found[0]._operations)

    def _add(self, operation: Operation) -> None:
        node = self
        for segment in operation.path.strip("/").split("/"):
            name = _PARAMETER if segment.startswith("{") else segment
            node = node._children.setdefault(name, Routes())
        forms = node._operations.setdefault(operation.method, [])
        if any(operation.revision == other.revision for other in forms):
            raise ValueError(f"{operation.name} and {forms[0].name} share a method, a path and a revision")
        forms.append(operation)
        forms.sort(key=lambda form: form.revision, reverse=True)

    def newest(self) -> Iterator[Operation]:
        """What answers requests at the newest revision, on this path and below."""
        yield from (forms[0] for forms in self._operations.values())
        for child in self._children.values():
            yield from child.newest()

    def _descend(self, segments: list[str], identifier: str) -> "tuple[Routes, str] | None":
        if not segments:
            return (self, identifier) if self._operations else None
        head, *rest = segments
        literal = self._children.get(head)
        found = literal._descend(rest, identifier) if literal else None
        if found is None and head and (parameter := self._children.get(_PARAMETER)):
            found = parameter._descend(rest, head)
        return found


_PARAMETER = "{}"

ROUTES = Routes.of(_DECLARED)
_NEWEST = frozenset(id(operation) for operation in ROUTES.newest())
OPERATIONS: Mapping[str, Operation] = {each.name: each for each in _DECLARED if id(each) in _NEWEST}
"""What answers at the newest revision."""
EARLIER: Mapping[str, Operation] = {each.name: each for each in _DECLARED if id(each) not in _NEWEST}
"""What answers in place of some of them at revisions from before."""
