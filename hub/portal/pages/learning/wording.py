"""What the pages of the Learning Hub say: states of runs and batches, in plain words. Pure."""

from collections.abc import Mapping

from hub.portal.wording.plain import Facts, State

DEFAULT, ALIAS = "*", "_default"

RUNS: Mapping[str, State] = {
    "running": State("running", "waits", "The sync is under way."),
    "succeeded": State("succeeded", "good", "Everything that was new went to LearningBuilder."),
    "failed": State("failed", "bad", "Not everything could be sent; the rest went through."),
    "cut_short": State(
        "cut short",
        "waits",
        "The hub ended in the middle of it.",
        "The next sync goes on from there; nothing is lost.",
    ),
}
BATCHES: Mapping[str, State] = {
    "sending": State("being sent", "waits", "LearningBuilder has not answered yet."),
    "accepted": State("accepted", "good", "LearningBuilder took it."),
    "refused": State("refused", "bad", "LearningBuilder said no; nothing of it was applied."),
    "unreached": State("not reached", "bad", "LearningBuilder was not reached; it is sent anew."),
    "unknown": State(
        "unknown",
        "bad",
        "It may have been applied; the next sync repeats it under the same file name.",
    ),
    "abandoned": State("given up", "off", "Somebody set the subscription's cursor meanwhile."),
}
ADVICE: Mapping[str, str] = {
    "template": "Correct the template; the next sync goes on with this event.",
    "refused": "Look at what LearningBuilder says of its address, the key and the process.",
    "unreached": "It is tried again by the next sync. Look at the address if it stays so.",
    "unknown": "The next sync repeats the batch. LearningBuilder knows it by its file name.",
    "silent": "The next sync repeats the batch. LearningBuilder knows it by its file name.",
    "changed": "The next sync takes the subscription up as it is now.",
    "cut_short": "The next sync goes on from there.",
}
KINDS: Mapping[str, str] = {
    "template": "A template fails",
    "refused": "LearningBuilder refused a batch",
    "unreached": "LearningBuilder was not reached",
    "unknown": "Nobody knows whether a batch was taken",
    "silent": "LearningBuilder was silent",
    "changed": "The subscription was changed meanwhile",
    "cut_short": "The sync was cut short",
}


def entry_for(templates: Facts, category: str | None) -> Facts | None:
    """Find the entry that takes events of a category, with its key; None if they are ignored."""
    for key in (category, DEFAULT, ALIAS):
        if key is not None and key in templates:
            entry: Facts = templates[key]
            return None if entry.get("action") == "ignore" else {"key": key, **entry}
    return None
