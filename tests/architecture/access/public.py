"""The routes that are for everybody, and how to ask for those of every service; every other asks for a permission."""

from tests.architecture.access.walking import Cases, Way

EVERY_SERVICE = {
    "GET /",
    "GET /livez",
    "GET /readyz",
    "GET /v1/limits",
    "GET /.well-known/api-catalog",
    "GET /docs",
    "GET /openapi.json",
    "GET /asyncapi.json",
    "GET /problems",
    "GET /problems/{code}",
    "GET /sign-in",
    "GET /sign-in/callback",
    "POST /sign-out",
    "GET /signed-out",
}
PUBLIC = {
    "goals": EVERY_SERVICE,
    "feedback": EVERY_SERVICE
    | {
        "GET /v1/surveys/{key}",
        "POST /v1/surveys/{key}/responses",
        "POST /v1/surveys/{key}/responses:batch",
        "GET /surveys/{key}",
        "POST /surveys/{key}",
        "GET /surveys/{key}/thank-you",
    },
    "reporting": EVERY_SERVICE
    | {
        "GET /v1/scorecards",
        "GET /v1/scorecards/{unit}",
        "GET /v1/results.csv",
        "GET /scorecards",
        "GET /scorecards/{unit}",
        "GET /scorecards/{unit}/changes",
    },
}
_ADDRESSES = {"GET /problems/{code}": "/problems/not_found"}
CASES: Cases = {
    route: [Way("public", _ADDRESSES.get(route, route.split()[1]), form=route.startswith("POST"))]
    for route in sorted(EVERY_SERVICE)
} | {"GET /status": [Way("whole body", "/status")]}
"""Of every service."""
