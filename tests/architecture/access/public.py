"""The routes that are for everybody; every other one asks for a permission."""

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
    },
}
