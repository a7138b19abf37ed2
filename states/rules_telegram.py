"""The Telegram rule table: the server's error vocabulary and what the adapter must do about each.

Sources: `fail_query` and `Status::Error` texts of tdlib/telegram-bot-api and tdlib/td, the TelegramBotAPI/errors
list, issue threads. Labels: see `states.vocabulary.Label`. Texts are matched as plain words, so that
`MESSAGE_NOT_MODIFIED` and "message is not modified" are near neighbours.
"""

# ruff: noqa: E501 - a phrase is read on one line, however many words it takes

from states.rules_match import Rule, build
from states.vocabulary import ErrorClass, Label, Reason

_FAMILIES = {
    "kind": "video|photo|document|animation|audio|sticker|voice|media|file|files|image|thumbnail|thumb|cover",
    "old": "not found|isn t found|invalid|not exist|doesn t exist|was deleted|is deleted|empty",
}

TELEGRAM_RULES: tuple[Rule, ...] = (
    Rule(
        "telegram.text.already_sent",
        ErrorClass.AMBIGUOUS,
        Reason.SEND_UNKNOWN,
        ("@immediately deleted",),
        label=Label.AMBIGUOUS,
    ),
    Rule(
        "telegram.text.rate_limited",
        ErrorClass.TRANSIENT,
        Reason.RATE_LIMITED,
        (
            "too many @requests",
            "retry @after",
            "@flood (wait|control|limit)",
            "@slowmode",
            "slow mode",
            "@flood",
        ),
        label=Label.TRANSIENT,
    ),
    Rule(
        "telegram.text.chat_moved",
        ErrorClass.SYSTEM,
        Reason.BAD_RESPONSE,
        ("@(upgraded|migrated) to a supergroup", "@migrate~"),
        label=Label.CHAT_MOVED,
    ),
    Rule(
        "telegram.text.done_already",
        ErrorClass.SYSTEM,
        Reason.BAD_RESPONSE,
        (
            "not @modified",
            "message to @delete {old}",
            "@canceled by new edit",
            "@already (refunded|deleted|answered|approved|pinned|unpinned|in the chat|participant|a participant|set|removed|left|closed|processed|paid)",
            "user @already participant",
            "topic not @modified",
            "(nothing) to @change",
        ),
        label=Label.OK_NOOP,
    ),
    Rule(
        "telegram.text.stale",
        ErrorClass.SYSTEM,
        Reason.BAD_RESPONSE,
        (
            "message to (be )?@(edit|edited|reply|replied|forward|copy|pin|unpin|react|forwarded|copied|quote) {old}",
            "@(replied|reply) message {old}",
            "reply message id @invalid",
            "message (with reply markup )?@(can t|cannot|can not) be (edited|copied|forwarded|deleted|pinned)",
            "(no|is no|there s no) @(text|caption|media|reply markup) in the message",
            "@(no) (text|caption|media) .. to edit",
            "@query (is too old|id (is )?invalid)",
            "@response timeout expired",
            "message ids? @(invalid|empty)",
            "@message (not found|is not found|thread not found|id is invalid|was deleted|edit time expired|too old|doesn t exist|wasn t found|author required|delete forbidden)",
            "message @(thread|topic) .. {old}",
            "(message )?thread not @found",
            "@topic (deleted|closed|not found|id invalid|is closed)",
            "@quote (text )?(invalid|not found)",
            "@story .. {old}",
            "@(inline message|poll) .. (not found|closed|has already been|can t be stopped|expired)",
            "@reply to invalid",
            "@hide requester missing",
            "@stop poll",
        ),
        label=Label.STALE,
    ),
    Rule(
        "telegram.text.our_button",
        ErrorClass.OPERATOR,
        Reason.BAD_REQUEST,
        (
            "@(button|buttons) .. (invalid|restricted|unallowed|wrong)",
            "@keyboard .. (invalid|url|expected|parse|markup)",
        ),
        label=Label.SYSTEM,
    ),
    Rule(
        "telegram.text.user_gone",
        ErrorClass.PARKED,
        Reason.USER_GONE,
        (
            "@blocked by the user",
            "user is @(blocked|deactivated|deleted)",
            "(input )?user @(deactivated|is deactivated|was deleted)",
            "(can t|cannot) @initiate conversation",
            "(can t|cannot) send messages to (the )?@(user|bots|bot|deleted)",
            "@chat (not found|was deleted|is deleted|id invalid|is inaccessible|not accessible)",
            "chat @(was|is) (deleted|deactivated|not accessible|inaccessible)",
            "@peer id invalid",
            "chat @forbidden",
            "was @(kicked|banned|blocked)",
            "bot is not a @member",
            "@(channel|group) (is |was )?(private|deleted|deactivated|not accessible)",
            "you @blocked user",
            "user @(not participant|privacy restricted|banned in channel)",
            "@privacy (restricted|premium|settings)",
            "@user not mutual contact",
            "@(allow|have) .. private messages",
            "@premium account required",
            "user is @bot",
        ),
        label=Label.USER_GONE,
    ),
    Rule(
        "telegram.text.file_retry",
        ErrorClass.TRANSIENT,
        Reason.UNAVAILABLE,
        (
            "@temporarily unavailable",
            "@group send failed(?! [a-z])",
            "@(restarting|restart)",
            "@try again",
            "request @aborted",
            "during file @upload",
        ),
        label=Label.TRANSIENT,
    ),
    Rule(
        "telegram.text.video_rejected",
        ErrorClass.SYSTEM,
        Reason.VIDEO_REJECTED,
        (
            "@entity too large",
            "file (is )?too @(big|large)",
            "{kind} .. too @(big|large)(?! caption)",
            "@(failed|fail) to get http",
            "@http url content",
            "wrong @(file|remote file|type of the web|file id|persistent)",
            "wrong @(padding|string length|last byte|character)",
            "can t @unserialize",
            "wrong type of the @web",
            "@webpage (media|curl|url|not found)",
            "type of file @mismatch",
            "(can t|cannot) use @file of type",
            "file of type .. as @(video|document|photo|animation|audio)",
            "@(image|photo|video|thumbnail|thumb) process failed",
            "@process failed",
            "@(photo|video|media|document|image|file|audio|gif|animation) (content type |file |ext |content )?(invalid|empty)(?! caption)",
            "@(photo|image) (dimensions|invalid dimensions|save file invalid|crop size)",
            "photo @invalid",
            "@file (parts?|part [0-9]+|reference|id|content type|must be non empty|url|hash|generate|write|migrate|token) .. (invalid|missing|expired|empty|failed|large|big|mismatch|wrong)",
            "file @(parts?|reference) .*",
            "@file must be non",
            "invalid file @(id|http|identifier)",
            "(unsupported|wrong) @url protocol",
            "wrong (file identifier|http) @url",
            "@unsupported .. (codec|file type|mime)",
            "@(video|media) .. (unsupported|can t be processed|cannot be processed|not supported)",
            "@voice messages forbidden",
            "@video messages forbidden",
            "@media (group )?(prev invalid|new invalid|file invalid|ttl invalid|unavailable)",
            "external url @invalid",
            "(video|photo|media|document|animation|audio) @missing",
            "file size",
        ),
        label=Label.VIDEO_REJECTED,
    ),
    Rule(
        "telegram.text.our_token",
        ErrorClass.OPERATOR,
        Reason.PROVIDER_AUTH,
        (
            "(unauthorized|unauthenticated)",
            "invalid @token",
            "@token .. (invalid|specified|expired|wrong|revoked|rejected)",
            "logged @out",
            "@(frozen) .*",
            "account .. @(frozen|suspended)",
            "@(access token|auth key|session revoked|session expired|user deactivated ban)",
        ),
        label=Label.SYSTEM,
    ),
    Rule(
        "telegram.text.conflict",
        ErrorClass.SYSTEM,
        Reason.PROVIDER_ERROR,
        (
            "@conflict",
            "terminated by other @getupdates",
            "@webhook is active",
            "other @(get updates|long poll)",
        ),
        label=Label.SYSTEM,
    ),
    Rule(
        "telegram.text.our_markup",
        ErrorClass.OPERATOR,
        Reason.BAD_REQUEST,
        (
            "(can t|cannot) @parse",
            "can t find @(end|field)",
            "@(unsupported start tag|entities|entity|unclosed|tag)",
            "@(keyboard|reply markup|inline keyboard)",
            "@caption .. (long|length)",
            "message @(is too long|too long|text is empty|caption is too long)",
            "@text (must be|is empty|must be encoded)",
            "@(message) must be .*",
            "@object expected",
            "there is no .. in the @request",
            "@(parameter|argument|field) .. (required|invalid|empty|missing)",
            "@(invoice|currency|payment|provider|stars|payload|price|charge) .. (invalid|not found|required|empty)",
            "(invalid|bad) @(currency|invoice|price|payload|method|command)",
            "(need|not enough) .. @rights",
            "have no @rights",
            "@(administrator|admin) (rights|required|privileges)",
            "@(chat write|chat send|chat admin) .*",
            "@(chat restricted|write forbidden)",
            "(user|participant) not @found",
            "@(effect|emoji|url host|bot domain|bot method|domain) .. (invalid|empty|not found|required)",
            "method is @available",
            "@method (not found|invalid)",
            "(chat|message|user) (id|identifier|text) (is )?@empty",
            "wrong @(parameter|http url specified|response)",
            "(bad|wrong|invalid) @(parse mode|entities|url|webhook)",
        ),
        label=Label.SYSTEM,
    ),
)

TELEGRAM_TEXTS = build(TELEGRAM_RULES, _FAMILIES)

READS = ("get", "set", "answer", "delete", "close", "log", "unpin", "pin")
"""Methods that may be repeated without harm: reads, and settings whose repetition changes nothing."""

HARMLESS = frozenset({"sendChatAction", "sendMessageDraft"})
"""Send-like by name only."""

WITHOUT_FILE = (
    "sendMessage",
    "editMessageText",
    "editMessageCaption",
    "editMessageReplyMarkup",
    "sendInvoice",
)
"""Methods that carry no video: what they say of a file or an address is our own mistake."""
