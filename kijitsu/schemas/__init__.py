"""The shapes of the files under `calendar/`: what a clerk may write, checked key by key.

Each class is one kind of file or a part of it; `kijitsu schema` prints their JSON Schema. Values come as text and leave
as domain values, so that everything wrong in a file is found in one reading.
"""

from kijitsu.schemas.city import CityDocument, DemoShape
from kijitsu.schemas.closures import ClosuresDocument, ExtraShape, RegimeShape, YearEndShape
from kijitsu.schemas.fields import Shape, read_fiscal_year
from kijitsu.schemas.histories import EventShape, HistoryDocument
from kijitsu.schemas.organisations import BodyShape, ChannelShape, OrganisationDocument
from kijitsu.schemas.people import PeopleDocument, PersonShape
from kijitsu.schemas.plans import (
    CapacityShape,
    DueRuleShape,
    MilestoneShape,
    PlanDocument,
    RecurrenceShape,
    milestone_keys,
)
from kijitsu.schemas.rules import AfterShape, BeforeShape, PolicyShape, RulesDocument, RuleShape, ToShape

__all__ = [
    "AfterShape",
    "BeforeShape",
    "BodyShape",
    "CapacityShape",
    "ChannelShape",
    "CityDocument",
    "ClosuresDocument",
    "DemoShape",
    "DueRuleShape",
    "EventShape",
    "ExtraShape",
    "HistoryDocument",
    "MilestoneShape",
    "OrganisationDocument",
    "PeopleDocument",
    "PersonShape",
    "PlanDocument",
    "PolicyShape",
    "RecurrenceShape",
    "RegimeShape",
    "RuleShape",
    "RulesDocument",
    "Shape",
    "ToShape",
    "YearEndShape",
    "milestone_keys",
    "read_fiscal_year",
]
