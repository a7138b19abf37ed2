"""Whose thing does a sentence speak of: the photo and wishes of a user, or the machinery around them.

"NSFW engine is not configured", "no face restoration weights found" and "sensitive data masked in log" hold a
refusal's words without a refusal: the head of such a compound is a machine, and machines are never a user's.
`sober` leaves of each compound its head only, so that a rule about users must find its words elsewhere.
"""

# ruff: noqa: E501 - a family of words is read on one line

import re

from states.vocabulary import Reason

__all__ = ["sober"]

_GIVEN = (
    "contents?|photos?|images?|pictures?|videos?|media|files?|frames?|faces?|persons?|people|human|prompts?|text|texts"
    "|products?|objects?|subjects?|brands?|logos?|copyright|trademark|ip|minors?|child|adult|nsfw|nudity|porn|sexual"
    "|explicit|violence|weapons?|drugs?|sensitive|safety|safe|unsafe|moderation|moderator|policy|policies|censorship"
    "|audit|review|risk|abuse|profanity|blur|blurry|dark|darkness|celebrity|public figure|likeness|deepfake|privacy|biometric|blurred|background"
)
"""Words that describe what users give and what is refused of it."""
_DOING = (
    "restoration|detection|detections|recognition|generation|generator|processing|analysis|swap|enhancement|uploads?"
    "|downloads?|safety|content|filters?|filtering|checks?|checking|data|hash|hashes|embeddings?|matching|classification"
    "|segmentation|tagging|scanning|scan|moderation|model|models|quality|upscaling|upscaler|editing|resize|resizing|rendering"
    "|inference|preview|thumbnail|conversion|encoding|decoding|extraction|parser|parsing|metadata|edges|search|lookup|reference|input"
    "|output|result|results|user|training"
)
_MACHINE = (
    "workers?|gateways?|queues?|nodes?|pools?|clusters?|cdn|buckets?|pipelines?|modules?|databases?|db|caches?|endpoints?"
    "|index|indexes|indices|backends?|containers?|pods?|schedulers?|daemons?|weights|checkpoints?|logs?|logger|logging|stores?"
    "|storage|proxy|proxies|webhooks?|callbacks?|shards?|partitions?|registry|registries|library|libraries|loaders?|encoders?"
    "|decoders?|drivers?|volumes?|replicas?|kernels?|lora|loras|vae|tokenizers?|tensors?|plugins?|packages?|dependency"
    "|dependencies|binary|binaries|scripts?|threads?|process|processes|tables?|migrations?|microservices?|hosts?|servers?"
    "|dashboards?|consoles?|repository|repositories|buffers?|sockets?|brokers?|lambdas?|functions?|hooks?|middleware|adapters?"
    "|connectors?|clients?|sdks?|licenses?|licences?|certificates?|keys?|secrets?|tokens?|credentials?|columns?|schemas?"
    "|enums?|uploaders?|downloaders?|renderers?|fonts?|classes|class"
)
"""Nouns of machinery. What belongs to one is the operator's or the provider's."""
_AGENT = (
    "services?|engines?|models?|apis?|systems?|filters?|classifiers?|detectors?|checkers?|scanners?|tools?|layers?"
    "|providers?|team"
)
"""Machinery that can also be the one who refuses: cut down only where it broke and nothing was refused."""
_ACT = (
    "detections?|checks?|checking|reviews?|scans?|scanning|moderation|audit|inspection|verification|recognition"
    "|classification"
)
"""What machinery does with a photo: nobody's fault only where it did not come to an end."""
_FORMAL = (
    "values?|parameters?|params?|arguments?|options?|headers?|attributes?|scopes?|operations?|characters?|instructions?"
    "|methods?|states?|settings?|flags?|properties|property"
)
"""What requests and programmes are made of."""
_MEASURE = "scores?|levels?|modes?|thresholds?|metrics?|settings?|flags?|options?|values?"
_UNMEASURED = "(?:nan|na n|undefined|null|none|must|should|not|missing|required|invalid|unknown|unexpected|unavailable|cannot|expected)"
_REFUSES = re.compile(
    " (?:flag|block|reject|refus|declin|den(?:y|ied)|violat|prohibit|forbid|disallow|detected|caught|moderated|trigger"
    "|inappropriate|unsafe|infring|not allow|not permit|banned|filtered|against|breach|intercept|removed|censored"
    "|restricted|suspect|identified|considered|withheld|stopped)"
)
_BREAKS = (
    "(?:unavailable|offline|overload\\w*|timed? out|timeout|crash\\w*|missing|returned|restart\\w*|maintenance|deprecated"
    "|disabled|expired|locked|read only|out of memory|at capacity|full|busy|quota|limit|errors?|exception|evicted|exhausted"
    "|died|down|outage|unreachable|degraded|slow|misconfigured|invalid format|corrupt\\w*|too (?:large|big)|failed to start"
    "|not (?:found|configured|ready|reachable|loaded|installed|initiali[sz]ed|available|running|enabled|responding)"
    "|(?:could not|cannot|can t|unable to|failed to|fails to|did not|does not) (?:be )?"
    "(?:reach|load|start|connect|initiali|find|found|open|import|allocat|respond|boot|download|run)\\w*)"
)
_GAVE_UP = (
    "(?:unavailable|offline|overload\\w*|timed? out|timeout|crash\\w*|unreachable|busy|rate limit\\w*|outage"
    "|(?:not|never) (?:respond\\w*|answer\\w*|reachable|running|available|finish\\w*))"
)
_WALLS = (
    "connections?|access|handshakes?|keys?|tokens?|sockets?|ports?|logins?|sessions?|upgrades?|messages?|jobs?|tasks?|calls?"
    "|writes?|reads?|origin|traffic|sign in|credentials?"
)
_WALL = re.compile(
    " (?:refus\\w+|reject\\w+|den(?:y|ied|ies)|clos\\w+|block\\w+|drop\\w+|forbid\\w*)"
    " (?:the |a |an |our |your |all |new |further |incoming )*"
    f"(?:{_WALLS})(?= )"
)
"""A wall between machines: nobody looked at a photo."""
_OF_MACHINE = re.compile(f" (?:{_GIVEN})(?: (?:{_GIVEN}|{_DOING}|{_AGENT})){{0,3}} (?=(?:{_MACHINE}) )")
_COMPOUND = f" (?:{_GIVEN})(?: (?:{_GIVEN}|{_DOING})){{0,3}}"
_OF_AGENT = re.compile(
    f"{_COMPOUND} (?=(?:{_AGENT}) (?:.{{0,25}} )??{_BREAKS} |(?:{_ACT}) (?:.{{0,25}} )??{_GAVE_UP} )"
)
_REACHED = re.compile(
    f"(?<= )((?:load|start|reach|connect to|initiali[sz]e|find|call|contact|launch)(?: the| our| a)?){_COMPOUND} (?=(?:{_AGENT}) )"
)
_FOR_GIVEN = re.compile(
    f"(?<= )((?:{_MACHINE})) (?:of|for|from|on|with|to) (?:the |a |an |our |your |this )*"
    f"(?:{_GIVEN})(?: (?:{_GIVEN}|{_DOING}|{_AGENT})){{0,3}}(?= )"
)
_SECRET = re.compile(
    " sensitive (?=(?:data|fields?|information|values?|info|content|headers?|keys?|parameters?|strings?|variables?) "
    ".{0,40}?(?:masked|redacted|logs?|logged|leak\\w*|expos\\w+|encrypted|obfuscated|scrubbed|stripped|console|environment)\\b)"
    "|(?<= )(?:masked|redacted|logged|leaked|exposed|encrypted|obfuscated|scrubbed)( .{0,20}?)sensitive (?=\\w)"
)
_IN_ANOTHER_SENSE = re.compile(
    " (?:(?:case|time|latency|cost|price|order|position|context|space|whitespace|type|temperature|pressure|timing|locale)"
    " (?:in)?sensitive|(?:docker|oci|base|disk|vm|boot|container|os) images?|image tags?|copyright (?:headers?|notices?|lines?|comments?))(?= )"
)
_OF_A_REQUEST = re.compile(
    " (?:prohibited|forbidden|illegal|restricted|unsafe|blocked|banned|sensitive|explicit|disallowed) "
    f"(?=(?:{_FORMAL}) )"
)
_FOR_A_SETTING = re.compile(
    f"(?<= )((?:{_FORMAL})) (?:of|for|in) (?:the |a )*(?:{_GIVEN})(?: (?:{_GIVEN}|{_DOING}|{_AGENT}|{_MEASURE})){{0,4}}(?= )"
)
_OF_A_MEASURE = re.compile(f"{_COMPOUND} (?=(?:{_MEASURE}) (?:.{{0,25}} )??{_UNMEASURED} )")
_MADE = (
    "output|generated|result|resulting|rendered|final|produced|thumbnail|preview|watermark|cached|finished"
)
_RESULT = re.compile(
    f" (?:{_MADE})(?: (?:images?|photos?|pictures?|files?|frames?|media|videos?|clips?))+(?= )"
    "| frames? (?:[0-9]+ )?(?:of|in) (?:the )?(?:output|result|video|clip)(?= )"
)
_NAMES = "urls?|uris?|ids?|fields?|params?|names?"
_FIELD = re.compile(f" (?:images?|photos?|pictures?|files?|frames?|media) (?=(?:{_NAMES}) )")
_OF_A_PHOTO = frozenset(
    (
        *(Reason.IMAGE_TOO_DARK, Reason.IMAGE_TOO_SMALL, Reason.IMAGE_BLURRY, Reason.BAD_FORMAT),
        *(Reason.IMAGE_TOO_LARGE, Reason.NO_PRODUCT, Reason.INVALID_IMAGE),
    )
)


def _any_of(*families: str) -> frozenset[str]:
    """The words of families: what a text must hold before it is worth a closer look."""
    options = [option for family in families for option in family.split("|")]
    return frozenset(
        word for option in options for word in (option.removesuffix("s?"), option.replace("?", ""))
    )


_MACHINES = _any_of(_MACHINE)
_AGENTS = _any_of(_AGENT, _ACT)
_WALLED = _any_of(_WALLS)
_OTHERWISE = _any_of("sensitive|insensitive|docker|oci|base|disk|vm|boot|container|os|copyright|tags?")
_MADE_OR_NAMED = _any_of(_MADE, _NAMES)
_MEASURED = _any_of(_FORMAL, _MEASURE)


def sober(words: str, reason: Reason) -> str:
    """Plain words (see `states.rules_match.plain`) with each compound of machinery cut down to its head.

    Where the reason is a photo's quality, what the provider made and the names of our fields are cut, too.
    """
    found = words.split()
    if not _WALLED.isdisjoint(found):
        words = _WALL.sub(" unavailable", words)
    if not _OTHERWISE.isdisjoint(found):
        words = _SECRET.sub(" ", _IN_ANOTHER_SENSE.sub("", words))
    if not _MACHINES.isdisjoint(found):
        words = _FOR_GIVEN.sub(r"\1", _OF_MACHINE.sub(" ", words))
    if not _MEASURED.isdisjoint(found):
        words = _OF_A_MEASURE.sub(" ", _FOR_A_SETTING.sub(r"\1", _OF_A_REQUEST.sub(" ", words)))
    if reason in _OF_A_PHOTO and not _MADE_OR_NAMED.isdisjoint(found):
        words = _FIELD.sub(" ", _RESULT.sub(" result", words))
    if _AGENTS.isdisjoint(found) or _REFUSES.search(words):
        return words
    return _OF_AGENT.sub(" ", _REACHED.sub(r"\1 ", words))
