"""The KIE rule table: text rules in order of priority, and what bare codes mean.

Order is the policy. Broken answers and our own parameters come first, because they quote words of photos and
content without meaning them; then the photo, our access to it, our account and the provider's load; then
content refusals; advice to try again and bare "failed" only speak when nothing better was said.
Sources of the vocabulary: KIE's documents and recorded answers, OpenAI, BytePlus Ark, fal, Runway, Google
Veo, MiniMax, Kling, Replicate, xAI, Alibaba Model Studio, Vidu, WaveSpeed error tables.
"""

from states.rules_kie_account import ACCOUNT, ACCOUNT_SURE
from states.rules_kie_content import CONTENT
from states.rules_kie_line import FAILED, LINE
from states.rules_kie_photo import PHOTO
from states.rules_kie_request import REQUEST_LIKELY, REQUEST_SURE
from states.rules_kie_service import BROKEN, BUSY, FETCH
from states.rules_kie_words import FAMILIES
from states.rules_match import Rule, build
from states.vocabulary import ErrorClass, Reason

_FIRST_PHOTO = 6
"""Dark, blurry, small, length, large, format: said of a photo only. The rest yields to "could not fetch"."""

_RATE_FIRST = 1
"""A rate limit is said before a balance: "rate limit or quota exceeded"."""

KIE_RULES: tuple[Rule, ...] = (
    *BROKEN,
    *REQUEST_SURE,
    *ACCOUNT_SURE,
    *PHOTO[:_FIRST_PHOTO],
    *FETCH,
    *BUSY[:_RATE_FIRST],
    *ACCOUNT,
    *BUSY[_RATE_FIRST:],
    *PHOTO[_FIRST_PHOTO:],
    *CONTENT,
    *REQUEST_LIKELY,
    *LINE,
    *FAILED,
)

KIE_TEXTS = build(KIE_RULES, FAMILIES)

WEAK = frozenset(
    {*(rule.id for rule in FAILED), "kie.text.try_later", "kie.text.our_request", "kie.text.not_json"}
)
"""Rules that any clearer code overrules."""

Said = tuple[ErrorClass, Reason]

_AUTH: Said = (ErrorClass.OPERATOR, Reason.PROVIDER_AUTH)
_BALANCE: Said = (ErrorClass.OPERATOR, Reason.PROVIDER_BALANCE)
_RATE: Said = (ErrorClass.TRANSIENT, Reason.RATE_LIMITED)
_DOWN: Said = (ErrorClass.TRANSIENT, Reason.UNAVAILABLE)
_SLOW: Said = (ErrorClass.TRANSIENT, Reason.RENDER_TIMEOUT)
_BUSY: Said = (ErrorClass.TRANSIENT, Reason.OVERLOADED)
_POLICY: Said = (ErrorClass.USER, Reason.CONTENT_POLICY)
_RETIRED: Said = (ErrorClass.OPERATOR, Reason.MODEL_RETIRED)
_OURS: Said = (ErrorClass.OPERATOR, Reason.BAD_REQUEST)
_THEIRS: Said = (ErrorClass.SYSTEM, Reason.PROVIDER_ERROR)

SURE_CODES: dict[str, Said] = {"401": _AUTH, "402": _BALANCE, "433": _BALANCE}
"""Codes that no text can overrule: they always speak of our key or our money."""

CLEAR_CODES: dict[str, Said] = {
    "407": _OURS,
    "408": _SLOW,
    "425": _RATE,
    "429": _RATE,
    "430": _RATE,
    "451": (ErrorClass.TRANSIENT, Reason.NETWORK),
    "455": _DOWN,
    "502": _DOWN,
    "503": _DOWN,
    "504": _SLOW,
    "505": _RETIRED,
    **{str(code): _DOWN for code in (520, 521, 522, 523, 525, 526, 527, 530, 531, 598)},
    "524": _SLOW,
    "529": _BUSY,
    "550": _BUSY,
    "599": _SLOW,
    # MiniMax base_resp (platform.minimax.io, error codes)
    "1008": _BALANCE,
    "1026": _POLICY,
    "1027": _POLICY,
    "1033": _DOWN,
    "1039": _RATE,
    "1041": _RATE,
    "2013": _OURS,
    "2049": _AUTH,
    "2056": _BALANCE,
    # Kling (app.klingai.com/global/dev, error codes)
    "1100": _AUTH,
    "1101": _BALANCE,
    "1102": _BALANCE,
    "1103": _AUTH,
    "1300": _POLICY,
    "1301": _POLICY,
    "1302": _RATE,
    "1303": _RATE,
    "1304": _AUTH,
    "5000": _THEIRS,
    "5001": _DOWN,
    "5002": _SLOW,
    "5003": _DOWN,
    "5004": _SLOW,
}
"""Codes with one meaning, used when the text says nothing or only that something failed."""

VAGUE_CODES: dict[str, Said] = {
    "403": _AUTH,
    "404": _RETIRED,
    "405": _OURS,
    "406": _OURS,
    "410": _RETIRED,
    "411": _OURS,
    "413": _OURS,
    "414": _OURS,
    "415": _OURS,
    "431": _OURS,
    "500": _THEIRS,
    "501": _THEIRS,
}
"""Last resort. A bare 400 or 422 is not here: a refusal nobody can read is `unknown`."""
