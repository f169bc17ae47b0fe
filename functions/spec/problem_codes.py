"""Every code that a problem of a spec, an expression or a pattern can have: what it means, and what to do.

The message of a problem says what is wrong in its place; this table says it for the reference. A `Problem`
refuses a code that does not stand here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final


@dataclass(frozen=True, slots=True)
class ProblemCode:
    """What a code stands for.

    Attributes:
        meaning: One sentence.
        remedy: What the author does about it.
    """

    meaning: str
    remedy: str


_SPEC: Final = {
    "spec.missing_file": ProblemCode(
        "The folder lacks a file that all specs share.",
        "Write `contract.yaml` or `actions.yaml` beside the specs, or name another folder.",
    ),
    "spec.missing_key": ProblemCode("A key that is required is not there.", "Add the key."),
    "spec.unknown_key": ProblemCode(
        "The language has no such key in this place.", "Correct the spelling, or move it where it belongs."
    ),
    "spec.wrong_type": ProblemCode(
        "A value is of another type than its key takes.", "Write the type that the message names."
    ),
    "spec.wrong_value": ProblemCode(
        "A value is none of those that its key takes.",
        "Write one of the values, or in the form, that is named.",
    ),
    "spec.unknown_kind": ProblemCode(
        "There is no such kind of model or channel.", "Take one of the kinds, or name a class of your own."
    ),
    "spec.unknown_purpose": ProblemCode(
        "The data contract has no such purpose.", "Name one of its purposes, or add it to `contract.yaml`."
    ),
    "spec.overlap": ProblemCode(
        "Two groups or experiments have customers in common, so that nobody could tell who got what and why.",
        "Give them disjoint ranges; two experiments in one function need a namespace with the same seed.",
    ),
    "spec.same_seed": ProblemCode(
        "Two draws use one seed, so that the group in the one follows from the group in the other: whoever is in "
        "the first tenth of the one is in the first tenth of the other as well.",
        "Give each a seed of its own; only namespaces that share out the same customers have one in common.",
    ),
    "spec.not_alike": ProblemCode(
        "A function is to be tried in the place of one that is asked about other events, customers or purposes.",
        "Give both specs the same trigger, profile key and purpose; features, model and actions may differ.",
    ),
    "spec.unknown_function": ProblemCode(
        "An experiment names a function that no spec gives.", "Use the name of a spec of the folder."
    ),
    "spec.unknown_consent": ProblemCode(
        "The data contract describes a consent that none of its purposes needs.",
        "Correct the name, or take the entry out.",
    ),
    "spec.unknown_objective": ProblemCode(
        "An action or a spec counts something that the policy does not declare as an objective.",
        "Declare it under `objectives` of policy.yaml, or correct the name.",
    ),
    "spec.no_chance": ProblemCode(
        "A success of the action is worth something, and how likely it is is not said.",
        "Add it under `chance`.",
    ),
    "spec.no_cost": ProblemCode(
        "The action is ranked by what it brings, and what it costs is not said.",
        "Add `cost`, which may be 0.",
    ),
    "spec.no_baseline": ProblemCode(
        "The actions are ranked by an objective, and what do-nothing brings of it is not said.",
        "Add it under `do_nothing` of `decide`: what would have happened anyway is no effect.",
    ),
    "spec.unknown_action": ProblemCode(
        "The registry has no such action.", "Name one of its actions, or add it to `actions.yaml`."
    ),
    "spec.unknown_channel": ProblemCode(
        "An action or a score names a channel that the registry does not have.",
        "Name one of its channels, or add it.",
    ),
    "spec.channel_mismatch": ProblemCode(
        "An action or a score names a channel that can't take it: Tealium's takes scores only, the answer to a page "
        "no scores.",
        "Name a channel of another kind.",
    ),
    "spec.own_trigger": ProblemCode(
        "What the function emits would fire it again.",
        "Let its event pattern leave out that source or detail-type.",
    ),
    "spec.duplicate_name": ProblemCode(
        "Two specs give the same name; neither can be used.", "Rename one of the functions."
    ),
    "spec.reserved_tag": ProblemCode("A tag has a name with a meaning of its own.", "Rename the tag."),
    "spec.wrong_amount": ProblemCode(
        "An amount of money can't be paid in its currency.", "Write it with the decimals the currency has."
    ),
}
_POLICY: Final = {
    "policy.contradiction": ProblemCode(
        "The parts of a rule contradict each other.", "Keep those that say what is meant."
    ),
    "policy.currency": ProblemCode(
        "A budget is in another currency than the costs of the registry.", "Use one currency for both."
    ),
    "policy.duplicate_name": ProblemCode("Two rules have the same name.", "Rename one of them."),
    "policy.never_binds": ProblemCode(
        "A cap can never be reached before something else forbids the same.",
        "Lower the cap, or take it out.",
    ),
    "policy.never_passes": ProblemCode(
        "The rules forbid an action whatever happens, each alone or several together.",
        "Change one of the rules that are named, or the action.",
    ),
    "policy.period_over": ProblemCode(
        "A validity period has ended, so that the rule forbids its actions for good.",
        "Give the rule another period, or take it and its actions out.",
    ),
    "policy.no_cost": ProblemCode(
        "A budget speaks about an action that declares no cost.", "Give the action a `cost`; 0 is one too."
    ),
    "policy.no_risk": ProblemCode(
        "A risk ceiling speaks about an action that declares no risk.", "Give the action a `risk`."
    ),
    "policy.no_zone": ProblemCode(
        "A calendar or a date has no time zone.", "Add `timezone` with the name of an IANA zone."
    ),
    "policy.selects_nothing": ProblemCode(
        "A rule takes nothing away.", "Check what it selects, or take it out; this is a warning."
    ),
    "policy.unknown_action": ProblemCode(
        "A rule names an action that the registry does not have.", "Name one of its actions."
    ),
    "policy.unknown_consent": ProblemCode(
        "A rule names a consent that no purpose of the data contract needs.", "Name one that it has."
    ),
    "policy.unknown_rule": ProblemCode(
        "The keys of a rule are those of no kind of rule.", "Take one of the kinds of the reference."
    ),
    "policy.unknown_tag": ProblemCode(
        "A rule names a tag that no action has.", "Name one of the tags, or tag an action."
    ),
    "policy.unknown_zone": ProblemCode(
        "There is no time zone of this name.", "Write the name of an IANA zone, such as Europe/Berlin."
    ),
    "policy.window_too_long": ProblemCode(
        "A rule looks back further than the contact log goes.", "Look back 90 days at the most."
    ),
}
_GOVERNANCE: Final = {
    "contract.catch_all": ProblemCode(
        "A path of the data contract would label everything.", "Label the paths that you know, one by one."
    ),
    "contract.overlap": ProblemCode(
        "Two paths of the data contract disagree, and neither wins, or a `*` weakens what is guarded by name.",
        "Label what both match with a path of its own that has fewer `*`, or give both one label.",
    ),
    "contract.retention": ProblemCode(
        "Decisions would be kept for less time than a queue may deliver their event again.",
        "Keep them for 30d or more.",
    ),
    "contract.unknown_purpose": ProblemCode(
        "A path names a purpose that the data contract does not have.", "Name one of its purposes, or add it."
    ),
    "governance.exception": ProblemCode(
        "An exception names no single path, or excuses nothing.",
        "Name one path below `profile` or `event`, or take the exception out.",
    ),
    "governance.leaves": ProblemCode(
        "A direct identifier or sensitive data would leave: to a model, with an action, or as a score.",
        "Leave it out, or name the path under `exceptions`, with why and who has reviewed it.",
    ),
    "governance.not_allowed": ProblemCode(
        "An expression reads what the purpose of the spec may not read.",
        "Read something else, or have the contract's `may_read` or `purposes` of the path widened.",
    ),
    "governance.retention": ProblemCode(
        "A score would live longer than its purpose lets it.", "Give a shorter `expires_after`."
    ),
    "governance.unlabelled": ProblemCode(
        "An expression reads what has no label in the data contract.",
        "Label the path in `contract.yaml`, or read something else.",
    ),
}
_FEATURES: Final = {
    "feature.answer_type": ProblemCode(
        "The answer to a missing, null, stale or outside value is not of the feature's type.",
        "Write a value of that type, null, or `error`.",
    ),
    "feature.categories": ProblemCode(
        "A category without `categories`, or `categories` without a category.",
        "List the values of a category, and of nothing else.",
    ),
    "feature.range": ProblemCode(
        "The range does not fit the feature, or `clip` stands without one.",
        "Write [lowest, highest] for a float or an int, whole numbers for an int.",
    ),
    "feature.staleness": ProblemCode(
        "`stale_after`, `stale` and `as_of` are not given together.",
        "Give `stale_after` with `stale`, and `as_of` unless the value is a score.",
    ),
}
_MODELS: Final = {
    "model.fallback": ProblemCode(
        "A rung of the fallback lacks an output, or its constant is none that the model could give.",
        "Give every output, and constants inside their range.",
    ),
    "model.output_name": ProblemCode(
        "An output has the name of a root such as `event`.", "Rename the output."
    ),
    "model.range": ProblemCode("The range of an output ends before it begins.", "Write [lowest, highest]."),
    "model.template": ProblemCode(
        "A template for CSV, or a missing token for JSON.",
        "Take it out, or change the format of the request.",
    ),
    "model.timeout": ProblemCode("The timeout leaves no time.", "Write a longer one, such as `800ms`."),
    "model.unknown_output": ProblemCode(
        "A name under `range` or `fallback` is no output.", "Use the names that stand under `response`."
    ),
}
_EXPRESSIONS: Final = {
    "expression.arity": ProblemCode(
        "A function is given too many or too few arguments.", "Give as many as its signature names."
    ),
    "expression.bare_literal": ProblemCode(
        "A bare word stands in backticks, an old way to write text.", "Write it in single quotes: 'text'."
    ),
    "expression.empty": ProblemCode("There is no expression.", "Write one, or take the key out."),
    "expression.index_of_each": ProblemCode(
        "An index is applied to each element, not to the list that comes out.",
        "For an element of the result, put a pipe before the index: `a[*].b | [0]`.",
    ),
    "expression.misplaced_reference": ProblemCode(
        "`&` stands where no function takes an expression.", "Take it out."
    ),
    "expression.negated_path": ProblemCode(
        "`!a.b` means `(!a).b`, which is always null; so do `!a[]` and `!a.*`.", "Write `!(a.b)`."
    ),
    "expression.no_order": ProblemCode(
        "Values are compared that have no order.", "Compare numbers with numbers, or use == and !=."
    ),
    "expression.not_finite": ProblemCode("A literal is NaN or Infinity.", "Write a number."),
    "expression.slice_step": ProblemCode("The step of a slice is 0.", "Write another step, or none."),
    "expression.syntax": ProblemCode(
        "The text is no JMESPath.", "Look at the caret: a bracket, a quote or an operator is wrong there."
    ),
    "expression.text_order": ProblemCode(
        "Texts are compared by < or >, which not every JMESPath does.",
        "For instants use `days_between(a, b)` or `hours_between(a, b)`.",
    ),
    "expression.too_deep": ProblemCode(
        "The expression is nested too deeply.", "Split it into several features."
    ),
    "expression.too_large": ProblemCode(
        "The expression has too many parts.", "Split it into several features."
    ),
    "expression.too_long": ProblemCode("The expression has more than 2,048 bytes.", "Shorten or split it."),
    "expression.too_many_loops": ProblemCode(
        "Too many loops stand inside each other.", "Flatten the list first: `a[].b[].c`."
    ),
    "expression.too_much_growth": ProblemCode(
        "The result could be far larger than what is read.",
        "Select fewer fields before a pipe, and put shorter text into each element of an array.",
    ),
    "expression.type": ProblemCode(
        "A function is given a value where it takes an expression.", "Write & before it: `&name`."
    ),
    "expression.unknown_feature": ProblemCode(
        "`features.NAME` is no feature of this function.", "Correct the name, or declare the feature."
    ),
    "expression.unknown_function": ProblemCode(
        "No function has this name.", "Take one of [the library](spec-reference.md#expressions)."
    ),
    "expression.unknown_root": ProblemCode(
        "The expression begins with a name that it can't read here.",
        "Begin with one of the names of the hint, such as `event` or `profile`.",
    ),
    "expression.unused_fallback": ProblemCode(
        "What stands left of || is never null, false or empty, so the right side is never used.",
        "Give the fallback to the argument: `` length(a || `[]`) ``.",
    ),
}
_PATTERNS: Final = {
    "pattern.bad_anything_but": ProblemCode(
        "`anything-but` is given something else than texts or numbers.",
        "Give a value, or a list of one type.",
    ),
    "pattern.bad_cidr": ProblemCode(
        "The value is no range of addresses.", "Write one such as `10.0.0.0/24`."
    ),
    "pattern.bad_escape": ProblemCode(
        "A backslash stands before a sign that needs none.", r"Write `\\` for a backslash, `\*` for a star."
    ),
    "pattern.bad_field": ProblemCode("The name of a field is no text.", "Quote it."),
    "pattern.bad_numeric": ProblemCode(
        "`numeric` is not given comparisons of numbers.", "Write one or two, such as `['>', 0, '<=', 5]`."
    ),
    "pattern.bad_or": ProblemCode("`$or` is not given alternatives.", "Give a list of two or more objects."),
    "pattern.bad_value": ProblemCode(
        "A value is none that a field can have.", "Write texts, numbers, true, false, null or operators."
    ),
    "pattern.consecutive_wildcards": ProblemCode(
        "Two stars stand in a row.", "Write one; it matches as much."
    ),
    "pattern.empty_list": ProblemCode(
        "An empty list matches nothing.", "Give a value, or take the field out."
    ),
    "pattern.empty_object": ProblemCode(
        "An empty object matches nothing.", "Give a field, or take the object out."
    ),
    "pattern.empty_range": ProblemCode(
        "No number is in the range.", "Put the lower bound below the upper one."
    ),
    "pattern.field_twice": ProblemCode(
        "A field stands beside `$or` and inside it.", "Keep it in one of the two places."
    ),
    "pattern.not_a_list": ProblemCode("The values of a field stand in no list.", "Write `[value]`."),
    "pattern.not_an_object": ProblemCode("A pattern is no object of fields.", "Write `field: [value]`."),
    "pattern.not_boolean": ProblemCode("`exists` is not given true or false.", "Write `exists: true`."),
    "pattern.not_one_operator": ProblemCode(
        "An operator object has several keys, or none.", "Write one object for each operator."
    ),
    "pattern.not_text": ProblemCode("An operator for texts is given something else.", "Give a text."),
    "pattern.number_out_of_range": ProblemCode(
        "A number is larger than EventBridge compares.", "Write one between -5e9 and 5e9."
    ),
    "pattern.reserved_in_or": ProblemCode(
        "A field inside `$or` has the name of an operator.", "Match that field outside `$or`."
    ),
    "pattern.too_complex": ProblemCode(
        "The alternatives multiply to too many combinations.", "Use fewer of them, or two functions."
    ),
    "pattern.too_deep": ProblemCode("The pattern is nested too deeply.", "Match fewer levels."),
    "pattern.too_large": ProblemCode("EventBridge takes no pattern as long as this.", "Shorten it."),
    "pattern.too_many_wildcards": ProblemCode(
        "A text has too many stars.", "Write several shorter ones in the list; that means `or`."
    ),
    "pattern.unknown_field": ProblemCode(
        "No event on a bus has this field, so the pattern would never match.",
        "Match `source`, `detail-type`, or fields below `detail`.",
    ),
    "pattern.unknown_operator": ProblemCode("No operator has this name.", "Take one of those of the hint."),
}
_FILES: Final = {
    "cases.duplicate_name": ProblemCode("Two cases have the same name.", "Rename one of them."),
    "cases.no_spec": ProblemCode(
        "There is no spec for this file of cases.", "Call it `NAME.cases.yaml` for a spec `NAME.yaml`."
    ),
    "cases.unknown_event": ProblemCode(
        "The event file of a case is not there.",
        "Give its path from the folder of the specs, such as `../events/page.json`.",
    ),
    "cases.unknown_name": ProblemCode(
        "A case names a feature, an action, a consent or a reason that does not exist.",
        "Correct the name; see `functions explain NAME` and the reasons above.",
    ),
    "yaml.alias": ProblemCode(
        "An alias refers to no anchor above it.", "Correct its name, or write the value itself."
    ),
    "yaml.bomb": ProblemCode("Anchors expand to too much.", "Write the values out."),
    "yaml.character": ProblemCode(
        "The file holds a character that YAML does not allow.", "Write it as an escape in double quotes."
    ),
    "yaml.documents": ProblemCode("The file holds several documents.", "Keep one; `---` begins another."),
    "yaml.duplicate_key": ProblemCode("A key is given twice.", "Keep one of them."),
    "yaml.empty": ProblemCode("The file is empty.", "Write something, or remove the file."),
    "yaml.key": ProblemCode("A key is a list or a mapping.", "Write a text as the key."),
    "yaml.number": ProblemCode(
        "A number can't be kept as it is written.", "Write it in a plain form, or quote it as a text."
    ),
    "yaml.syntax": ProblemCode("The text is no YAML.", "Look at the caret, and at the line above it."),
    "yaml.tab": ProblemCode("A tab stands where only spaces may.", "Indent with spaces."),
    "yaml.tag": ProblemCode("Tags such as `!!python` are not taken.", "Take the tag out."),
    "yaml.too_deep": ProblemCode("The file is nested too deeply.", "Use fewer levels."),
    "yaml.too_large": ProblemCode("The file is too large to be a spec.", "Split it; data belongs elsewhere."),
    "yaml.unreadable": ProblemCode(
        "The file can't be opened.", "Check that it is a file, and who may read it."
    ),
}

PROBLEM_CODES: Final[Mapping[str, ProblemCode]] = MappingProxyType(
    {**_SPEC, **_POLICY, **_GOVERNANCE, **_FEATURES, **_MODELS, **_EXPRESSIONS, **_PATTERNS, **_FILES}
)
"""Every code, in the order of the reference."""
