"""Texts about our own request: a parameter the user never sees. Class `operator`, the user is never blamed."""

# ruff: noqa: E501 - a phrase is read on one line, however many words it takes

from states.rules_match import Rule
from states.vocabulary import ErrorClass, Reason

_OPERATOR = ErrorClass.OPERATOR

REQUEST_SURE: tuple[Rule, ...] = (
    Rule(
        "kie.text.our_parameter",
        _OPERATOR,
        Reason.BAD_REQUEST,
        (
            "@range of allowed",
            "@(allowed|available|valid|supported|permitted|accepted|possible|enum) (options?|values?|choices|enum~)",
            "must be .. @one of",
            "should be .. @one of",
            "is not @one of",
            "@(parameters?|params?|value|field) (size|ratio|aspect ratio|resolution|duration|seed|frames|fps|model|watermark|camerafixed|camera fixed|service tier|priority|content) .. (specified|provided|given|in the request|is not valid|invalid|must|not supported)",
            "(video|audio|clip|reference) @(durations?|fps|frame rate|pixel count) .. (must|should|between|greater|less|least|most|expected|invalid|not|specified)",
            "@(duration|durations|fps|durationseconds|duration seconds|cfg scale|guidance scale|num frames|seed) .. (must|should|between [0-9]|greater|less|at least|at most|expected|out of|invalid|incorrect|not (supported|valid|allowed|within|match))",
            "expected @(at most|exactly|at least|one of|integer|string|object|array|boolean|number|between) .. (but|got|received|images|items|contents|instead|[0-9]+)(?! .. (aspect|height|width|px|pixels?))",
            "issues? with the @(input|inputs|request|parameters?|payload) (values?|fields?|data|parameters?|schema|format)?(?! .. (image|photo|file))",
            "(requires?|needs?) (a |an |one |at least |one or more |input |valid |public |the |reference |first |start |source )*@(images?|prompt|photo|picture|frame|video|image urls?|image input)(?! .. (least|minimum|between|larger|px|pixels?|resolution|clear|visible|face|faces|product))",
            "(output|response|requested|audio|callback|video) @format .. (not|invalid|unsupported|must|only|requested|should)",
            "(invalid|unsupported|unknown|wrong) (output|response|requested|audio|video) @format",
            "@output format",
            "формат @(запроса|ответа|данных|параметр~)",
            "@(urls?|field|key|name|id|ids) .. too long",
            "@urls? (size|count|number|length|list|array)",
            "@validation of (body|request|input|payload|params|parameters)",
            "(body|request|schema|payload|json|input) @validation",
            "@(can not|cannot|can t|must not|not) be (mixed|combined|used together|used with|set together)",
            "must be (a |an |of )*@(boolean|bool|string|integer|int|number|array|object|list|null|true|false|multiple|type|positive|https?|url|valid url|json|float)",
            "should be (a |an |of )*(valid )?@(boolean|bool|string|integer|int|number|array|object|list|url|json|float|dictionary)",
            "(is|are|field) @required(?! .. (payment|authentication|authorization|login|credits|subscription|balance))",
            "@required (field|fields|parameter|parameters|property|argument|input|key|attribute|param|params)",
            "(cannot|can t|can not|must not|may not|should not) be @(empty|null|blank|none|undefined|left)",
            "must @(provide|specify|supply|include|have|contain|set|pass) .. (prompt|image|image url|one of|at least|either|both|parameter|model|duration|url)",
            "@missing (one |or |multiple |a |the |required |mandatory |some )*(parameters?|params?|fields?|arguments?|properties|property|inputs?|values?|prompt|image|body|input)",
            "@(parameters?|params?|fields?|arguments?|property|properties|body) .. (missing|is empty|not specified|not provided|absent|lacking)",
            "@(lacking|unwanted) (field|fields|parameter)",
            "field @(lacking|unwanted|invalid|missing)",
            "@please (fill|provide|enter|specify|input|supply) (in |a |an |the |valid |at |your )*(text|prompt|image|video|parameter|model|field|least|url|required|duration|value)",
            "@(extra|additional|unexpected|unknown) (inputs?|properties|property|fields?|parameters?|arguments?|keys?|keyword) .. (not|permitted|allowed|argument|found)?",
            "@(safety filter level|safety settings?|safety tolerance|person generation|nsfw checker|enable safety checker|moderation level|safety identifier|harm category) .. (invalid|not supported|must|unsupported|required|unknown|unexpected|only|not allowed|should|cannot be|expected)",
            "invalid @(value|values|enum|option) (for|of|in|at|provided)?",
            "@(only) (english|one|a single|two|[0-9]+) (language )?(prompts?|images?|videos?) .. (supported|allowed|permitted|accepted)",
            "(request|payload|body) .. (entity )?@(too large|too big)",
            "payload @too (large|big)",
            "request entity too @large",
            "@(number|count|amount) of .. (images|videos|files|items|urls) .. (exceed~|must|cannot|should|max~|limit|between)",
            "too many @(images|files|urls|videos)",
            "specified @asset",
            "@asset .. (not found|does not exist|not exist)",
            "@(callback|callbackurl|webhook|call back) .. (invalid|required|must|failed|unreachable|not valid)",
            "@(url|urls) is wrong",
            "@method not allowed",
            "(not|n t|doesn t|don t) support~ .. @(parameter|parameters|param|option|argument|field|setting)",
            "@unsupported (method|protocol|parameter|content encoding|resolution|duration|ratio|option|operation|url|feature)",
            "@mutually exclusive",
            "(param~|поле|поля|параметр~) .. @(обязател~|не указан~|отсутств~|неверн~|недопуст~|некоррект~)",
            "@обязательн~ (поле|параметр~)",
            "не указан~ @(параметр~|поле|модель|промпт)",
        ),
        r"(参数|字段|必填|请求体).{0,20}?(不能为空|缺失|错误|无效|有误|不合法|非法|不正确|校验失败|异常|为空|未通过)|缺少.{0,6}(参数|字段)|不能为空|(无效|非法|错误)的?(参数|请求)|参数校验|仅支持英文|(图片|参考图|素材|视频|文件)(数量|张数|个数|时长)|(音频|视频|时长|参考图).{0,10}(超过(模型)?上限|超限)",
    ),
)

REQUEST_LIKELY: tuple[Rule, ...] = (
    Rule(
        "kie.text.our_request",
        _OPERATOR,
        Reason.BAD_REQUEST,
        (
            "@(invalid|illegal|bad|incorrect|malformed|wrong|unsupported|unacceptable) (request|parameters?|params?|arguments?|fields?|inputs?|values?|body|payload|options?|resolution|duration|aspect|ratio|size|seed|format|url|urls|type|mode|quality|data|json|syntax|image size|image url|header|headers|api|n frames|callback)",
            "@(parameters?|params?|arguments?|fields?|request body|payload|options?|resolution|duration|ratio|mode|quality|frames|fps|seed|size|value|body|inputs?|request) .. (invalid|not valid|illegal|incorrect|unsupported|not supported|wrong|not allowed|out of range|error|malformed|must be|should be|not match|mismatch|not permitted|cannot be|unrecogni~|unknown|not specified|exceed~)",
            "image @urls? .. (invalid|malformed|incorrect|wrong)",
            "@validation (error|errors|failed|failure|exception)",
            "fail~ .. @validation",
            "not @supported .. (for|with|by|in|when|together|person generation|this model|the model)",
            "@(must|should) (be|not|have|contain|match) .. [0-9]+",
            "@(unprocessable|unsupported) (entity|media type|content)",
            "(bad request|invalid argument|failed precondition|bad parameter)",
            "@(invalidparameter|invalidargument)",
            "@out of range",
            "(неверн~|некорректн~|недопустим~|неправильн~) @(запрос~|параметр~|значени~|данн~)",
            "@(параметр~|значени~) .. (неверн~|недопустим~|некорректн~|вне)",
        ),
        r"请求(参数)?(错误|无效|不合法|格式错误)|参数",
    ),
)
