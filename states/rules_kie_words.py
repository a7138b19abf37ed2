"""Word families that the KIE rules share, in the notation of `states.rules_match`."""

# ruff: noqa: E501 - a phrase is read on one line, however many words it takes

FAMILIES = {
    # What the user gave.
    "photo": "photos?|images?|pictures?|pics?|imgs?|photographs?|frames?|изображени~|фото|фотограф~|картинк~|снимок|снимк~",
    "media": "{photo}|files?|media|videos?|resources?(?! packs?)|assets?|attachments?|файл~|видео",
    "given": "{media}|inputs?|uploads?|content|request|material|materials|outputs?|results?|generation",
    "wishes": "prompts?|text|texts|description|descriptions|lyrics|words?|title|tags?|промпт~|описани~|запрос|текст~",
    "product": "products?|objects?|items?|goods|merchandise|subjects?|foreground|foregrounds|товар~|предмет~|объект~|продукт~",
    # Failing, and being unable.
    "cannot": "can ?not|can t|could not|couldn t|could n t|unable to|failed to|fails to|fail to|failure to|impossible to"
    "|not able to|error|failed|did not|didn t|does not|doesn t|не удалось|не смог~|невозможно|не получилось",
    "failed": "fail|failed|fails|failure|failing|error|errors|unable|unsuccessful|could not|couldn t|can ?not|can t|timeout|timed out",
    "be": "is|are|was|were|be|been|being|has been|have been|isn t|aren t|gets|got",
    "not": "not|n t|isn t|aren t|wasn t|don t|doesn t|cannot|can t|no longer",
    # What may be wrong with a photo, and whom it shows.
    "shown": "faces?|products?|subjects?|objects?|persons?|items?|figure|body|head",
    "flaw": "small|far|tiny|blurry|blurred|dark|dim|occluded|covered|hidden|cropped|cut off|obscured|unclear|noisy|grainy|distant"
    "|washed out|low contrast|low quality|indistinct|shaky|unsharp|backlit|crooked|upside down|cluttered",
    "lack": "too little|insufficient|not enough|lacks?|lacking|low|poor|no|without",
    # A plant under load.
    "plant": "servers?|systems?|models?|services?|engine|upstream|backend|platform|provider|clusters?|apis?|gpus?|resources?"
    "|channel|we|currently|line|workers?|queues?|nodes?|machines?|pools?|infrastructure|compute|instances?|slots?|network",
    "busy": "busy|full|saturated|overwhelmed|at capacity|over capacity|too many users|occupied|swamped|slammed|crowded|hammered"
    "|flooded|maxed|congested|jammed|backed up|strained|stretched|overcommitted|oversubscribed",
    # Wrong values.
    "wrong": "invalid|incorrect|bad|wrong|illegal|malformed|unsupported|unknown|unrecognized|unrecognised|unexpected|неверн~|некорректн~|недопустим~",
    # What a moderator says.
    "refused": "flagged|blocked|rejected|prohibited|inappropriate|sensitive|unsafe|harmful|disallowed|forbidden|banned"
    "|violat~|moderated|refused|restricted|objectionable|offensive|denied by|not allowed|not permitted|unacceptable"
    "|against|breach~|contraven~|infring~|illegal|filtered|triggered|unlawful|nsfw|declined|unsuitable|improper|vulgar",
    "rules": "polic~|guidelines?|guardrails?|terms of use|terms of service|community standards|safety standards|usage rules"
    "|safety rules|content rules|content standards|regulations|laws?|правил~|политик~",
    "guard": "moderat~|safety|content filters?|content filtering|guardrails?|responsible ai|rai|content checker|safety checker",
}
"""Families may name families; the deepest nesting is three."""
