"""The least a text can say: it took too long, the line broke, try again, it failed."""

# ruff: noqa: E501 - a phrase is read on one line, however many words it takes

from states.rules_match import Rule
from states.vocabulary import ErrorClass, Reason

_SYSTEM, _TRANSIENT = ErrorClass.SYSTEM, ErrorClass.TRANSIENT

LINE: tuple[Rule, ...] = (
    Rule(
        "kie.text.timeout",
        _TRANSIENT,
        Reason.RENDER_TIMEOUT,
        (
            "(timeout~|timedout|timeouts)",
            "@(time|timed|times) out",
            "@deadline (exceeded|expired|passed)",
            "exceeded .. @deadline",
            "took @too long",
            "@taking (too|longer|much)",
            "(no result|no response|no results) .. @(minutes|seconds|returned)",
            "@stuck (in|at|on)",
            "@ghost task",
            "(did not|didn t|not|never) @(respond|responded|respond|reply|finish|complete|completed|finished) (in time|within|after|before)",
            "(no) @(response|answer|reply) (from|within|in time|received)",
            "(took|takes|taking) .. (too|longer) .. @(long|than)",
            "not .. in @time",
            "(exceeded|over|maximum|max) .. @(wait|waiting|polling|processing|execution|generation|run) (time|attempts|limit|duration)",
            "@aborted due to",
            "still @(processing|pending|running|queued|waiting) after",
            "(превышен~|истекл~|вышло) .. @(время|времени|ожидани~)",
            "@(таймаут|тайм)",
            "время @ожидания",
            "слишком @долго",
        ),
        r"超时|等待时间过长|处理时间过长|耗时过长",
        lost=True,
    ),
    Rule(
        "kie.text.network",
        _TRANSIENT,
        Reason.NETWORK,
        (
            "@network .. (error|issue~|reason~|problem~|failure|unreachable|fluctuation|exception|connection|timeout|unstable)",
            "@(connection|connections|connect) .. (reset|refused|aborted|closed|lost|dropped|error|terminated|interrupted|broken|failed|failure|unstable|prematurely|ended)",
            "(lost|broken|dropped|reset|closed|no) .. @connection",
            "@socket (hang|hangup|closed|error|disconnected)",
            "{cannot} .. @reach .. (upstream|server|host|service|provider|backend|api)",
            "@fetch failed",
            "failed to @fetch",
            "@abort error",
            "(operation|request|call) was @aborted",
            "broken @pipe",
            "(getaddrinfo|econn~|enotfound|ehost~|enet~|epipe|etimedout|eai|esockettimedout)",
            "@name (resolution|or service)",
            "@dns",
            "@(disconnected|unreachable)",
            "premature @close",
            "peer @closed",
            "other side @closed",
            "@stream .. (closed|reset|ended|error|interrupted)",
            "@ssl .. (error|eof|handshake|failed)",
            "@(ошибка|проблем~|сбой) (сети|соединени~|подключени~)",
            "@(соединение|подключение) .. (прерван~|сброшен~|потерян~|разорван~|закрыт~|не удалось)",
        ),
        r"网络(错误|异常|问题|故障|原因|不稳定|波动|连接)|连接(失败|错误|断开|被?重置|中断|异常|超时)",
        lost=True,
    ),
    Rule(
        "kie.text.try_later",
        _TRANSIENT,
        Reason.UNAVAILABLE,
        (
            "@(try|retry|retrying|attempt|resubmit|regenerate) (again|later|it|your|the|after|in|shortly|this)",
            "@(generate|submit|run|send) .. again",
            "please @(retry|wait|resubmit|regenerate)",
            "@(again|retry) (later|shortly|soon|in|after|please)",
            "@later",
            "@unavailable",
            "@(retryable|transient|intermittent)",
            "(credits?|points) .. @(refunded|returned)",
            "@(попробуйте|повторите|попробуй|повтори|попытайтесь)",
            "@(позже|позднее)",
        ),
        r"(请|后)?重试|稍后|请稍候|稍等|再试|已退还",
    ),
)

FAILED: tuple[Rule, ...] = (
    Rule(
        "kie.text.record_gone",
        _SYSTEM,
        Reason.UNKNOWN,
        (
            "@(records?|tasks?|jobs?|results?|predictions?|operations?|generations?) .. (not found|not exist|expired|deleted|does not exist|within [0-9]+ days|no longer|doesn t exist|been removed|cancel~)",
            "(no|unknown|invalid) such? ?@(task|record|job|prediction|operation)",
            "@(задач~|запись) .. (не найден~|не существ~|удален~|истек~)",
        ),
        r"(任务|记录|作业)(不存在|未找到|已过期|已删除|已取消)",
    ),
    Rule(
        "kie.text.provider_error",
        _SYSTEM,
        Reason.PROVIDER_ERROR,
        (
            "@(internal|server|system|service|backend|upstream|downstream|unexpected|unknown|unhandled|fatal|runtime|processing|inference|model|prediction|execution|gpu|cuda|engine|database) .. (error|errors|exception|failure|fault|fail~|crash~|issue|problem)",
            "@(generation|task|job|video|render|rendering|workflow|processing|prediction|creation|request|operation|inference|generate|image|execution|output) .. (fail|failed|failure|failing|error|unsuccessful|aborted|crashed|cancel~|stopped)",
            "{cannot} .. @(generate|create|complete|process|render|produce|finish|execute|run|handle)",
            "something went @wrong",
            "@internal",
            "@(unknown|unexpected|internal)",
            "out of @memory",
            "(traceback|exception|segfault|panic|nullpointer~|typeerror|keyerror)",
            "@bad output",
            "@null pointer",
            "@(внутренн~|неизвестн~|непредвиденн~|системн~) ошибк~",
            "ошибка @(генерации|сервера|создания|обработки|модели)",
            "не удалось @(создать|сгенерировать|обработать|выполнить|завершить)",
            "@(генерация|задача) .. (не удал~|провал~|ошибк~|прерван~|заверш~)",
        ),
        r"(内部|服务器|系统|未知|后端|服务)(错误|异常|故障)|(生成|任务|处理|创建|执行|渲染)(已)?(失败|错误|异常|出错)|出(错|现问题)",
    ),
)
