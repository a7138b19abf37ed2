"""Names and texts of broken connections: python (httpx, aiohttp, requests), Node (undici, axios), TLS, DNS.

Shared by both classifiers. What matters most is whether the request was surely not acted on (`NOT_SENT`),
because only then may a create or a send be repeated blindly. Sources: exception classes of httpx 0.28,
aiohttp 3.14, urllib3 2, undici 7 and the errno tables of libuv.
"""

# ruff: noqa: E501 - a phrase is read on one line, however many words it takes

from functools import lru_cache

from states.rules_match import REMEMBERED, Rule, build
from states.vocabulary import ErrorClass, Reason

_TRANSIENT, _SYSTEM, _OPERATOR = ErrorClass.TRANSIENT, ErrorClass.SYSTEM, ErrorClass.OPERATOR

WIRE_RULES: tuple[Rule, ...] = (
    Rule(
        "wire.certificate",
        _SYSTEM,
        Reason.PROVIDER_ERROR,
        (
            "@(certificate|cert|certificates) .. (verif~|expired|self|invalid|unable|has|not|issuer)",
            "self signed @(certificate|cert)",
        ),
    ),
    Rule(
        "wire.our_call",
        _OPERATOR,
        Reason.BAD_REQUEST,
        (
            "(unsupported protocol|invalid url|missing schema|invalid schema|local protocol error|too many redirects)",
            "(file not found error|no such file|filenotfounderror|enoent|permission error|is a directory)",
            "@proxy authentication",
            "too many open @files",
            "no @space left",
            "@session is closed",
            "read only file @system",
            "@validation errors? for (send|edit|answer|copy|forward|delete|get|set|input|create|upload)",
        ),
    ),
    Rule(
        "wire.not_sent",
        _TRANSIENT,
        Reason.NETWORK,
        (
            "@(connection|connect) refused",
            "econnrefused",
            "(enotfound|eai again|eai noname|eai nodata|eai|enodata|getaddrinfo|gaierror)",
            "no @address associated",
            "@name (or service not known|resolution|does not resolve|not resolved)",
            "(nodename|nor servname|no such host|unknown host|host not found)",
            "@(temporary failure in name|could not resolve|couldn t resolve|failed to resolve|can t resolve|name resolution error|dns)",
            "network is @unreachable",
            "no route to @host",
            "host is @(unreachable|down)",
            "(ehostunreach|enetunreach|enetdown|ehostdown|eaddrnotavail)",
            "@connect (error|timeout|timedout|timed out|etimedout|enetunreach)",
            "@(connecttimeout|connecterror|connection timeout error|connection timeout to|connectiontimeout)",
            "client @connector",
            "cannot @connect",
            "@(failed|unable|could not|can t|couldn t) .. (establish|connect)",
            "@(new connection error|name resolution)",
            "all @connection attempts",
            "@(connection|connect) (attempt )?timed out",
            "@dial (tcp|udp|unix)",
            "@und err connect timeout",
            "@pool timeout",
            "@write (timeout|error|operation timed out|timed out)",
            "the @write operation",
            "@can not write request body",
            "cannot write request @body",
            "@(proxy error|proxyerror|proxy connection)",
            "@(client connection reset during upload)",
            "@(ssl|tls|tlsv|sslv|openssl) .. (handshake|wrong version|alert)",
            "before secure tls @connection",
            "@server not found",
            "@socks",
        ),
    ),
    Rule(
        "wire.undecodable",
        _SYSTEM,
        Reason.BAD_RESPONSE,
        (
            "@(json|decode|decoding) .. (error|expecting|fail~|object|extra data)",
            "@(client decode|jsondecode~|deserialize|unmarshal|content type error|contenttypeerror)",
            "failed to @(decode|deserialize|parse)",
            "not valid @json",
            "unexpected @token",
            "unexpected mimetype",
            "@(validation) errors? for",
            "@unexpected end of (json|input|data)",
            "expecting @value",
        ),
        lost=True,
    ),
    Rule(
        "wire.answer_lost",
        _TRANSIENT,
        Reason.NETWORK,
        (
            "(timeout~|timedout|etimedout|esockettimedout|econnaborted)",
            "@(time|timed|times) out",
            "@read (error|operation|timeout|timed)",
            "@(readerror|readtimeout~|remoteprotocol~|serverdisconnected~)",
            "@remote (protocol|end closed|disconnected|host closed)",
            "@server (disconnected|closed|hung)",
            "@client (payload|os error|response|connection)",
            "@content length error",
            "@(incomplete|chunked|not completed|transfer encoding)",
            "@connection .. (reset|aborted|closed|lost|terminated|error|broken|dropped|interrupted|ended)",
            "lost @connection",
            "closed @connection",
            "(econnreset|epipe|econn~|eproto)",
            "broken @pipe",
            "@socket (hang|hangup|closed|error)",
            "@(other side|peer) closed",
            "@fetch failed",
            "failed to @fetch",
            "@load failed",
            "@network (error|request|connection|failure|changed|issue|problem)",
            "(networkerror|networking error)",
            "@(aborted|aborterror|abort error|terminated|cancelled error|canceled)",
            "premature @close",
            "@und err",
            "@stream .. (closed|reset|ended|error|aborted)",
            "@protocol error",
            "can t handle @event",
            "goaway",
            "@(clientoserror|clienterror|client error)",
            "@(http error|httperror) .. network",
            "@(ssl|tls|tlsv|sslv|openssl) .. (eof|error|unexpected)",
            "eof",
            "@deadline exceeded",
            "server closed",
        ),
        lost=True,
    ),
)

WIRE = build(WIRE_RULES, {})
"""The compiled table, in order: a connect that failed is surer news than the time-out above it."""

wire_rule = lru_cache(REMEMBERED)(WIRE.find)
"""The first rule that fits plain words, remembered."""
